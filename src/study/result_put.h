/* SPDX-License-Identifier: MIT */
/* Numbers into JSON objects, for the files that write results. */
#ifndef IOTOLL_STUDY_RESULT_PUT_H
#define IOTOLL_STUDY_RESULT_PUT_H

#include <jansson.h>
#include <stdint.h>

static inline void put(json_t *o, const char *key, uint64_t value)
{
	json_object_set_new(o, key, json_integer((json_int_t)value));
}

static inline void put_real(json_t *o, const char *key, double value)
{
	json_object_set_new(o, key, json_real(value));
}

/* 0 where nothing divides. */
static inline double ratio(double a, double b)
{
	return b > 0 ? a / b : 0;
}

/* Microseconds of @ps of virtual time. */
static inline double us(uint64_t ps)
{
	return (double)ps / 1e6;
}

#endif
