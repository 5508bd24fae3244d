/* SPDX-License-Identifier: MIT */
/*
 * FFSB on a machine with a disk: makes a file system, builds the file sets a profile asks for, and
 * lets its threads do weighted operations on them until told to stop. Operations, the ways files,
 * offsets and sizes are drawn, and what is counted follow FFSB 6.0-RC1; random numbers are seeded.
 *
 * Unlike the original's zeros, the data is a pattern of seed, file, and place in it, and whatever
 * is read is compared, outside virtual time: what an IOMMU path damages must show.
 *
 * What the original did that this does not: run callouts (there is no shell; a warning), reuse old
 * file sets (the file system is always new; a warning), end the program where a call failed (the
 * load reports the error). It credited a write with the whole file's size; here it is the bytes
 * written.
 *
 * Life: create, start, let time pass until ready; begin, let time pass, end; stop, let time pass
 * until finished; statistics; destroy.
 */
#ifndef IOTOLL_LOAD_FFSB_H
#define IOTOLL_LOAD_FFSB_H

#include "base/hist.h"
#include "guest/extfs.h"
#include "load/ffsb_profile.h"

struct ffsb;

struct ffsb_config {
	struct machine *machine;
	struct blockdev *dev;
	const struct ffsb_profile *profile; /* must outlive the load */
	uint64_t seed;
	uint64_t cache_pages;    /* of the page cache */
	uint32_t inodes;         /* of the file system, 0: as extfs_format() chooses */
	unsigned background_cpu; /* of the tasks that write back and commit */
	bool verify;
};

struct ffsb_op_stats {
	uint64_t ops;          /* completed */
	uint64_t transactions; /* FFSB's: blocks transferred, or 1 */
	uint64_t bytes;        /* transferred */
	struct hist latency;   /* ps of an operation, op_delay not included */
};

struct ffsb_group_stats {
	struct ffsb_op_stats op[FFSB_OPS];
	struct hist call[FFSB_CALLS]; /* ps of a call, if the group's [stats] asks for it */
	uint64_t range[FFSB_LIST];    /* calls in each of its ranges; the last that fits counts */
};

struct ffsb_stats {
	uint64_t elapsed_ps;
	uint64_t ops, transactions;
	uint64_t bytes_read, bytes_written;
	uint64_t bytes_checked, mismatches; /* mismatches: stretches of up to 4096 bytes */
	uint64_t files, directories;        /* now, of the file sets */
	uint64_t setup_ps;                  /* building them took */
	struct pagecache_stats cache;       /* between begin and end, but for pages and dirty */
	struct extfs_stats fs;              /* likewise; replayed is 0 */
};

/* 0; -EINVAL with @err for what cannot run here; -ENOMEM. */
int ffsb_create(struct ffsb **out, const struct ffsb_config *config, struct err *err) MUST_CHECK;
/* No CPU of the machine may run afterwards. NULL is allowed. */
void ffsb_destroy(struct ffsb *f);
/* Begin to set up. 0 or -ENOMEM. Once. */
int ffsb_start(struct ffsb *f, struct err *err) MUST_CHECK;
/* The file sets are there, synced, and the threads at work (or, if the time is 0, not needed). */
bool ffsb_ready(const struct ffsb *f);
/* The measured interval begins and ends at the present. */
void ffsb_begin(struct ffsb *f);
void ffsb_end(struct ffsb *f);
/* Threads end after the operation under way; then everything is synced and unmounted. */
void ffsb_stop(struct ffsb *f);
bool ffsb_finished(const struct ffsb *f);
/* 0, or the first failure, negative, with words. */
int ffsb_error(const struct ffsb *f, struct err *err);
void ffsb_stats(const struct ffsb *f, struct ffsb_stats *out);
/* Of group @group of the profile; valid as long as @f. */
const struct ffsb_group_stats *ffsb_group_stats(const struct ffsb *f, unsigned group);
/* What was skipped of the profile: "FILE:LINE: ..." or a sentence; NULL past the last. */
const char *ffsb_warning(const struct ffsb *f, unsigned index);

#endif
