/* SPDX-License-Identifier: MIT */
/*
 * Loads: programs that run on two simulated hosts, the system under test and its client, or on the
 * disk of one, and what they measured. A load is one file and one row of the registry; its
 * parameters are a table.
 *
 * Life of a run: create, start (both hosts begin at the present), let virtual time pass until
 * ready and warm, begin, let it pass, end, read the statistics, destroy. Whoever drives the run
 * calls these between sim_run()s.
 */
#ifndef IOTOLL_LOAD_LOAD_H
#define IOTOLL_LOAD_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sim/time.h"

struct blockdev;
struct host;
struct load;
struct machine;
struct segment_ends;

struct load_param {
	const char *name;         /* "message_bytes"; NULL ends the table */
	uint64_t value, min, max; /* the default, and the legal range */
	const char *help;
};

/* One parameter set by the user. */
struct load_setting {
	const char *name;
	uint64_t value;
};

struct load_config {
	/* Of a load between hosts; all that is pointed to outlives the load. */
	struct host *sut, *client;
	/* Of a load that needs_disk: the machine under test, its disk, the program's own file. */
	struct machine *machine;
	struct blockdev *disk;
	const char *file;
	/* Of a load that needs_queues: the machine under test, and what connects it. Copied. */
	const struct segment_ends *ends;
	const struct load_setting *settings; /* may be NULL if count is 0 */
	size_t count;
	uint64_t seed; /* of the data that travels */
};

/* Between begin and end; until end, up to the present. */
struct load_stats {
	uint64_t elapsed_ps;
	uint64_t bytes_received; /* by receiving programs */
	uint64_t bytes_sent;     /* accepted by the kernel from sending programs */
	uint64_t sends, recvs;   /* calls completed */
	uint64_t bytes_checked;  /* of the received: compared with what was sent */
	uint64_t mismatches;     /* comparisons that failed: damaged data reached a program */
	uint64_t retransmits;    /* TCP segments sent again by the sending host */
	uint64_t lifetime_bytes; /* received since the start, whatever the interval, up to the
				    present */
	bool sut_receives;
};

struct load_ops {
	const char *name;  /* "tcp_stream" */
	const char *title; /* one line for people */
	bool needs_disk;   /* and no network */
	bool needs_queues; /* the multi-queue NIC and an ideal partner, and no TCP stack */
	const struct load_param *params;
	/* @values: one per row of params, in its order, already within range. */
	int (*create)(struct load **out, const struct load_config *config, const uint64_t *values,
		      struct err *err);
	void (*destroy)(struct load *load);
	int (*start)(struct load *load, struct err *err);
	bool (*ready)(const struct load *load);
	void (*begin)(struct load *load);
	void (*end)(struct load *load);
	void (*stop)(struct load *load);
	bool (*finished)(const struct load *load);
	int (*error)(const struct load *load, struct err *err);
	void (*stats)(const struct load *load, struct load_stats *out);
};

/* Embedded first in every load's own struct. */
struct load {
	const struct load_ops *ops;
};

/* The registry: an explicit array in display order, NULL-terminated. */
extern const struct load_ops *const load_kinds[];

#define LOAD_PARAMS_MAX 16u

/* The row called @name, NULL if there is none. */
const struct load_ops *load_find(const char *name);

/*
 * Make a load. 0; -EINVAL with @err naming the unknown load or parameter (and a near one), or
 * the value out of range; -ENOMEM.
 */
int load_create(struct load **out, const char *name, const struct load_config *config,
		struct err *err) MUST_CHECK;
/* No CPU of either host may run afterwards. NULL is allowed. */
void load_destroy(struct load *load);
/* Start its programs at the present. 0 or -ENOMEM. Once. */
int load_start(struct load *load, struct err *err) MUST_CHECK;
/* True once every program is at work (every connection is up). */
bool load_ready(const struct load *load);
/* The measured interval begins, ends, at the present. */
void load_begin(struct load *load);
void load_end(struct load *load);
/* Ask the programs to finish; true once they have. */
void load_stop(struct load *load);
bool load_finished(const struct load *load);
/* 0 while all is well, else the first failure of a program, negative, with words. */
int load_error(const struct load *load, struct err *err);
void load_stats(const struct load *load, struct load_stats *out);

#endif
