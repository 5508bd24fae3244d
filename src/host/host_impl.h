/* SPDX-License-Identifier: MIT */
/* What the rows of src/host share: rounds and their summary, CPUs to run on, memory. */
#ifndef IOTOLL_HOST_HOST_IMPL_H
#define IOTOLL_HOST_HOST_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "host/host.h"

/* One measurement, and where: the calling thread is pinned to cpu[0]. */
struct host_job {
	const struct host_row *row;
	const struct host_options *options;
	unsigned cpu[2], cpus; /* 1 or 2 of them */
	bool siblings;         /* the two are of one core */
};

typedef int host_measure_fn(const struct host_job *job, struct host_sample *out);

host_measure_fn host_clock, host_tsc, host_load, host_atomic, host_lock, host_call, host_transfer,
	host_pingpong, host_flush, host_syscall, host_switch, host_kvm_exit, host_copy_warm,
	host_copy_cold;

/* ---- rounds.c ---- */

/* Nanoseconds of the clock on the wall. */
double host_wall_ns(void);

/* One round: the time of one event in the row's unit; negative: this round is worth nothing. */
typedef double host_round_fn(void *ctx);
/*
 * Call @round until there are enough results, the row's time is up or somebody stops, and summarise
 * them in *@out, whose method stays. 0, also if there were too few (why_not); -EINTR.
 */
int host_rounds(const struct host_options *options, host_round_fn *round, void *ctx,
		struct host_sample *out);
/*
 * The same with a second thread, asleep: the C library locks without locking as long as a program
 * has one.
 */
int host_rounds_threaded(const struct host_options *options, host_round_fn *round, void *ctx,
			 struct host_sample *out);
/* Not measured, for the reason @fmt. 0. */
int host_not(struct host_sample *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void host_method(struct host_sample *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- place.c ---- */

/*
 * Two of the CPUs this thread may run on, not siblings of one core if that can be had: *@siblings
 * says so if it cannot. How many there are (1 or 2); @cpu[1] only with two.
 */
unsigned host_pick_cpus(unsigned cpu[2], bool *siblings);
/* Run on @cpu alone from here on. 0 or -errno. */
int host_pin(unsigned cpu);

/* Memory of its own mapping, all of it touched. */
struct host_memory {
	void *base;
	size_t bytes;
	size_t huge; /* bytes of it in huge pages, as the system says */
};

/* @huge: ask for huge pages; else refuse them. 0 or -ENOMEM. */
int host_memory_init(struct host_memory *m, size_t bytes, bool huge);
void host_memory_fini(struct host_memory *m);
/* A quarter of what the system says is free, and no more than @bytes. */
size_t host_memory_most(size_t bytes);

/* ---- caches.c ---- */

/* Sizes of this CPU's caches: said by the system, or else found by steps. 0, -ENOMEM, -EINTR. */
int host_caches_here(struct host_caches *out, const struct host_job *job, bool *by_steps);

/* ---- chase.c ---- */

/* Link the lines of @base in one cycle of random order. 0 or -ENOMEM. */
int host_link_lines(void *base, size_t bytes, uint64_t seed);
#define HOST_LINE 64u
/* Bytes of a working set that lies in memory, not in these caches. */
size_t host_dram_bytes(const struct host_caches *caches);

#endif
