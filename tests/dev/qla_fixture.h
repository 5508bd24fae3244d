/* SPDX-License-Identifier: MIT */
/* An adapter, up and running, before each test; bytes that can be told apart. */
#ifndef IOTOLL_TESTS_DEV_QLA_FIXTURE_H
#define IOTOLL_TESTS_DEV_QLA_FIXTURE_H

#include "hba.h"

#include <errno.h>

static inline int setup(void **state)
{
	*state = calloc(1, sizeof(struct hba));
	hba_make(*state, true);
	return 0;
}

static inline int teardown(void **state)
{
	hba_free(*state);
	free(*state);
	return 0;
}

static inline void fill(uint8_t *at, size_t bytes, unsigned salt)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(i * 7 + i / 251 + salt);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
