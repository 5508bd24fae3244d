/* SPDX-License-Identifier: MIT */
/* See bench.h. */
#include "bench/bench.h"

#include <errno.h>
#include <string.h>

#include "bench/list.h"

/* What ends everything, and not just the row that met it. */
static bool ends(int rc, bool asked)
{
	return rc == -EINTR || rc == -ENOMEM || (rc && asked);
}

int bench_run(const struct bench_options *options, struct err *err)
{
	struct row_list list;
	int rc = row_list_init(&list, options, err);

	for (unsigned i = 0; i < list.rows && !rc; i++) {
		struct err why = {""};

		options->begin(options->ctx, list.row[i].name, i, list.rows);
		rc = row_measure(&list.row[i], options, &why);
		if (ends(rc, list.rows == 1)) {
			*err = why;
		} else if (rc) {
			options->left_out(options->ctx, list.row[i].name,
					  why.text[0] ? why.text : strerror(-rc));
			rc = 0;
		}
	}
	row_list_fini(&list);
	return rc;
}
