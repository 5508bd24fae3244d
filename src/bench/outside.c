/* SPDX-License-Identifier: MIT */
/* See outside.h. */
#include "bench/outside.h"

#include <errno.h>
#include <stdlib.h>

struct outside {
	const struct bench_outside *row;
	uint64_t each;
	void *data;
};

static int outside_open(void **data, const struct bench_setup *setup, const void *variant,
			struct err *err)
{
	struct outside *x = calloc(1, sizeof(*x));
	int rc;

	(void)setup;
	if (!x)
		return -ENOMEM;
	x->row = variant;
	rc = x->row->open(&x->data, x->row, &x->each, err);
	if (rc)
		free(x);
	else
		*data = x;
	return rc;
}

static bool outside_work(void *data, unsigned thread, uint64_t ops)
{
	struct outside *x = data;

	(void)thread;
	for (uint64_t i = 0; i < ops; i++)
		if (!x->row->work(x->data))
			return false;
	return true;
}

static void outside_close(void *data)
{
	struct outside *x = data;

	x->row->close(x->data);
	free(x);
}

static uint64_t outside_each(void *data)
{
	return ((struct outside *)data)->each;
}

struct row outside_row(const struct bench_outside *row)
{
	static const struct subject subject = {.open = outside_open,
					       .work = outside_work,
					       .close = outside_close,
					       .processor_time = true,
					       .says = outside_each};

	return (struct row){.name = row->name,
			    .group = "sim",
			    .what = row->what,
			    .subject = &subject,
			    .variant = row,
			    .target = row->target,
			    .rate = true};
}
