/* SPDX-License-Identifier: MIT */
/*
 * The result store: one SQLite file that keeps every finished run with everything that determined
 * it (the complete scenario, the profile texts, the seed, the version of the program), so that an
 * interrupted study resumes where it stopped and no result exists without its provenance.
 *
 * Each insert is one transaction under SQLite's rollback journal: a program killed at any
 * instant leaves all earlier runs and nothing of the one it was adding. Rows are numbered in the
 * order of insertion and carry no date. One process may write while others read; two writers
 * take turns, and one that waits more than STORE_WAIT_MS is told so (-EBUSY).
 */
#ifndef IOTOLL_STUDY_STORE_H
#define IOTOLL_STUDY_STORE_H

#include <stdint.h>

#include "base/err.h"

#define STORE_WAIT_MS 2000

struct store;

enum store_mode {
	STORE_READ,  /* the file must exist and is never changed */
	STORE_WRITE, /* made if it does not exist */
};

/* One run. Strings belong to the caller in calls, to the store in store_each()'s callback. */
struct store_run {
	const char *study;    /* "paper" */
	const char *id;       /* its name in the study: "bare-metal/on/1024" */
	const char *scenario; /* complete text of the effective scenario */
	const char *profiles; /* complete text of every machine profile it used */
	uint64_t seed;
	const char *version; /* of the program; should differ when results may */
	const char *result;  /* JSON text */
};

/*
 * Open @path. 0 and *@out; -ENOENT (STORE_READ only); -EINVAL if the file is not a result store, is
 * damaged or was made by a newer iotoll; -EBUSY; another -errno of the system. @err says which file
 * and what to do.
 */
int store_open(struct store **out, const char *path, enum store_mode mode,
	       struct err *err) MUST_CHECK;
/* NULL is allowed. */
void store_close(struct store *s);

/*
 * Add @run. 0 when added, 1 when exactly this run with this result is there already. -EEXIST
 * if the same scenario, profiles, seed and version are stored with another result: a run is
 * deterministic, so one of the two is wrong. -EBUSY, -EROFS (opened for reading), -ENOSPC, -EIO.
 */
int store_put(struct store *s, const struct store_run *run, struct err *err) MUST_CHECK;

/*
 * The result of a run with @run's scenario, profiles, seed and version, whatever study it was made
 * for; @run's other fields are not looked at. 0 and *@result (to be freed), -ENOENT without @err
 * if it was never finished, -EBUSY, -EIO, -ENOMEM.
 */
int store_get(struct store *s, const struct store_run *run, char **result,
	      struct err *err) MUST_CHECK;

/* Forget the runs store_get() would find. The number forgotten, or as store_put(). */
int store_forget(struct store *s, const struct store_run *run, struct err *err) MUST_CHECK;

/*
 * Call @fn for each run of @study (NULL: all) in the order they were added; its nonzero answer
 * ends the walk and is returned. 0, -EBUSY, -EIO.
 */
int store_each(struct store *s, const char *study,
	       int (*fn)(void *ctx, const struct store_run *run), void *ctx,
	       struct err *err) MUST_CHECK;

#endif
