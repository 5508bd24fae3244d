/* SPDX-License-Identifier: MIT */
/* Machines that cannot be put together: what is said of a size, and what of short memory. */
#include "harness.h"

#include <errno.h>

void *__wrap_malloc(size_t bytes);
void *__real_malloc(size_t bytes);

/* Requests of at least so many bytes fail as if memory were short. */
static size_t refuse_from = SIZE_MAX;

void *__wrap_malloc(size_t bytes)
{
	if (bytes < refuse_from)
		return __real_malloc(bytes);
	errno = ENOMEM;
	return NULL;
}

static void impossible_caches_are_told_from_short_memory(void **state)
{
	struct profile p = harness_profile(2);
	struct sim *sim = sim_create();
	struct machine *m = NULL;
	struct err err = {""};

	(void)state;
	refuse_from = 4096;
	errno = EINVAL; /* of some earlier call: it means nothing here */
	assert_int_equal(machine_create(&m, sim, &p, &err), -ENOMEM);
	refuse_from = SIZE_MAX;
	assert_non_null(strstr(err.text, "no memory for a machine"));
	errno = ENOMEM;
	p.l2_ways = 3;
	assert_int_equal(machine_create(&m, sim, &p, &err), -EINVAL);
	assert_non_null(strstr(err.text, "expected 1 to"));
	p = harness_profile(2);
	p.memory_bytes += 1;
	assert_int_equal(machine_create(&m, sim, &p, &err), -EINVAL);
	assert_null(m);
	sim_destroy(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(impossible_caches_are_told_from_short_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
