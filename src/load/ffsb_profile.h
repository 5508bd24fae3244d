/* SPDX-License-Identifier: MIT */
/*
 * Profiles of FFSB, the Flexible File System Benchmark: what file sets there are, which threads do
 * which operations on them with which weights. A profile written for the original is read as it
 * is, in each of its three dialects:
 *
 *	4.x	flat keys and one [config0]; no run time (it stood on the command line)
 *	5.x	num_filesystems and num_threadgroups, then numbered sections that inherit from the
 *		one before; comments are whole lines
 *	6.0	sections in any order, counted by the reader; '#' begins a comment anywhere, blanks
 *		within a line mean nothing, "clone" copies a file system
 *
 * The dialect is told by the keys (numconfigs or [config0]; num_filesystems; neither). Where a
 * dialect's reader would have stopped with a message, so does this one; where it would have
 * crashed, run into an assertion, or taken 0 for what it did not understand, this one says why;
 *what it skipped with a remark is skipped, with a warning. Size suffixes and both spellings of
 * every key are good in all three.
 */
#ifndef IOTOLL_LOAD_FFSB_PROFILE_H
#define IOTOLL_LOAD_FFSB_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Operations in the order in which weights are walked (FFSB 6.0's table). */
enum ffsb_op {
	FFSB_READ,
	FFSB_READALL,
	FFSB_WRITE,
	FFSB_CREATE,
	FFSB_APPEND,
	FFSB_DELETE,
	FFSB_METAOP,
	FFSB_CREATEDIR,
	FFSB_STAT,
	FFSB_WRITEALL,
	FFSB_WRITEALL_FSYNC,
	FFSB_OPEN_CLOSE,
	FFSB_WRITE_FSYNC,
	FFSB_CREATE_FSYNC,
	FFSB_APPEND_FSYNC,
	FFSB_OPS,
};

/* "read", "readall", ...; static. */
const char *ffsb_op_name(enum ffsb_op op);

/* Calls whose latency a [stats] section may ask for, or to ignore. */
enum ffsb_call {
	FFSB_CALL_OPEN,
	FFSB_CALL_READ,
	FFSB_CALL_WRITE,
	FFSB_CALL_CREATE,
	FFSB_CALL_LSEEK,
	FFSB_CALL_UNLINK,
	FFSB_CALL_CLOSE,
	FFSB_CALL_STAT,
	FFSB_CALLS,
};

const char *ffsb_call_name(enum ffsb_call call);

enum ffsb_dialect { FFSB_4, FFSB_5, FFSB_6 };

#define FFSB_TEXT        256  /* bytes of a location or a callout, terminator included */
#define FFSB_LINE_MAX    1023 /* bytes of a line */
#define FFSB_PROFILE_MAX ((size_t)1 << 20)
#define FFSB_SECTIONS    64u /* file systems, and thread groups, at most */
#define FFSB_LIST        64u /* size weights, and latency ranges, at most */
#define FFSB_THREADS     4096u
#define FFSB_WARNINGS    32u

struct ffsb_size_weight {
	uint64_t bytes;
	uint32_t weight;
};

/* Both ends belong to it. */
struct ffsb_range {
	uint64_t low_ps, high_ps;
};

struct ffsb_group {
	int line; /* of its heading */
	uint32_t num_threads;
	int filesystem; /* the only one it uses, an index; -1: draws one for each operation */
	uint64_t read_size, write_size;           /* bytes of an operation */
	uint32_t read_blocksize, write_blocksize; /* bytes of a call */
	uint32_t read_skipsize;
	bool read_random, write_random, read_skip;
	bool fsync_file; /* 5.x: a write operation ends with an fsync */
	uint32_t op_delay_ms;
	uint32_t weight[FFSB_OPS];
	bool stats, stats_ranges;
	uint32_t stats_ignore; /* mask of 1 << enum ffsb_call */
	unsigned range_count;
	struct ffsb_range range[FFSB_LIST];
	char bindfs[FFSB_TEXT]; /* as written, "" if not bound */
};

struct ffsb_filesystem {
	int line;
	char location[FFSB_TEXT];
	uint32_t num_files, num_dirs;
	uint64_t min_filesize,
		max_filesize; /* uniform in [min, max - 1], or min if they are equal */
	unsigned size_count;  /* if not 0, instead of min and max */
	struct ffsb_size_weight size[FFSB_LIST];
	uint64_t init_size;     /* if num_files is 0: create until so many bytes are in use */
	uint32_t init_util_ppm; /* if that is 0 too: until so many millionths are in use */
	uint32_t create_blocksize, age_blocksize;
	bool reuse, agefs;
	uint32_t desired_util_ppm;
	struct ffsb_group *aging; /* NULL unless a thread group was nested here */
	char clone[FFSB_TEXT];
};

struct ffsb_profile {
	char *name; /* what messages call it: the file's path */
	enum ffsb_dialect dialect;
	bool has_time;   /* 4.x never has */
	uint32_t time_s; /* 0: build the file sets and stop */
	bool directio, alignio, bufferio, verbose;
	char callout[FFSB_TEXT]; /* "" if none */
	unsigned filesystem_count, group_count;
	struct ffsb_filesystem *filesystem;
	struct ffsb_group *group;
	unsigned warning_count;       /* all there were; the first FFSB_WARNINGS are kept */
	char *warning[FFSB_WARNINGS]; /* "FILE:LINE: ..." */
};

/*
 * Read the profile at @path. 0, and @out is to be freed; -EINVAL with @err "FILE:LINE: key: what
 * was expected"; -EFBIG beyond FFSB_PROFILE_MAX; -ENOMEM; -errno if the file cannot be read.
 */
int ffsb_profile_read(struct ffsb_profile *out, const char *path, struct err *err) MUST_CHECK;
/* The same for @bytes of text, which messages call @name. */
int ffsb_profile_read_text(struct ffsb_profile *out, const char *name, const char *text,
			   size_t bytes, struct err *err) MUST_CHECK;
void ffsb_profile_free(struct ffsb_profile *p);

/* Sum of @g's weights; at least 1 in a profile that was read. */
uint64_t ffsb_weights(const struct ffsb_group *g);
/* Does @op write file data: does it need write_blocksize? */
bool ffsb_op_writes(enum ffsb_op op);

#endif
