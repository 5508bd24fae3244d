// SPDX-License-Identifier: MIT
/* The runs of a study from the command line: where they are kept, how far they are. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "report/write.h"
#include "study/study.h"

struct execution {
	const char *name;
	struct timespec start;
};

static double elapsed(const struct execution *x)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - x->start.tv_sec) +
	       (double)(now.tv_nsec - x->start.tv_nsec) / 1e9;
}

static void progress(void *ctx, size_t finished, size_t total)
{
	const struct execution *x = ctx;

	cli_progress("%s: %zu of %zu runs, %.0f s", x->name, finished, total, elapsed(x));
}

static int open_store(const char *out, bool fresh, struct store **store, struct err *err)
{
	char path[PATH_MAX];
	int rc = report_make_directory(out, err);

	if (rc)
		return rc;
	snprintf(path, sizeof(path), "%s/results.db", out);
	rc = store_open(store, path, STORE_WRITE, err);
	if (rc || !fresh)
		return rc;
	/* It is one of ours: now it may go. */
	store_close(*store);
	*store = NULL;
	if (unlink(path))
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	return store_open(store, path, STORE_WRITE, err);
}

int cli_execute(struct study *study, const char *out, bool fresh, unsigned workers, struct err *err)
{
	struct execution x = {.name = study->name};
	const struct study_watch watch = {
		.ctx = &x, .progress = progress, .should_stop = cli_stopped};
	struct store *store = NULL;
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &x.start);
	rc = open_store(out, fresh, &store, err);
	if (!rc)
		rc = study_execute(study, store, workers, &watch, err);
	store_close(store);
	return rc;
}
