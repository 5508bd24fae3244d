/* SPDX-License-Identifier: MIT */
/*
 * Quadwords as they lie in memory, little-endian and at any address: one load and one store where
 * the CPU is little-endian too.
 */
#ifndef IOTOLL_SPEC_BYTES_H
#define IOTOLL_SPEC_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t spec_le64(const uint8_t *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return le64toh(value);
}

static inline void spec_put_le64(uint8_t *to, uint64_t value)
{
	value = htole64(value);
	memcpy(to, &value, sizeof(value));
}

#endif
