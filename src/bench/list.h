/* SPDX-License-Identifier: MIT */
/* The rows that were asked for, those of the registries included. */
#ifndef IOTOLL_BENCH_LIST_H
#define IOTOLL_BENCH_LIST_H

#include "bench/row.h"

struct row_list {
	struct row *row;
	unsigned rows, room;
	char **text; /* names and titles that are this list's own */
	unsigned texts;
};

/*
 * The rows of @options, those with targets first. 0; -EINVAL with @err: no such group, or what is
 * asked is nothing to it; -ENOMEM. row_list_fini() in any case.
 */
int row_list_init(struct row_list *list, const struct bench_options *options,
		  struct err *err) MUST_CHECK;
void row_list_fini(struct row_list *list);

#endif
