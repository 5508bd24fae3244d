/* SPDX-License-Identifier: MIT */
/* The table of what is measured of a host, and one row's measurement. */
#include "host/host.h"

#include <errno.h>
#include <sched.h>

#include "host/host_impl.h"

#define KIB 1024ul

const struct host_row host_rows[HOST_QUANTITIES] = {
	[HOST_CLOCK] = {"clock", "core clock while it works", "MHz", host_clock, 0},
	[HOST_TSC] = {"tsc", "time-stamp counter", "MHz", host_tsc, 0},
	[HOST_LOAD_L1] = {"load-l1", "load, first level", "ns", host_load, 1},
	[HOST_LOAD_L2] = {"load-l2", "load, second level", "ns", host_load, 2},
	[HOST_LOAD_LLC] = {"load-llc", "load, last level", "ns", host_load, 3},
	[HOST_LOAD_DRAM] = {"load-dram", "load from memory", "ns", host_load, 4},
	[HOST_LOAD_PAGES] = {"load-dram-4k", "load from memory in 4 KiB pages", "ns", host_load, 5},
	[HOST_ATOMIC] = {"atomic", "locked addition, line held", "ns", host_atomic, 0},
	[HOST_LOCK] = {"lock", "mutex: try to lock, and unlock", "ns", host_lock, 0},
	[HOST_CALL] = {"call", "call by a pointer", "ns", host_call, 0},
	[HOST_TRANSFER] = {"transfer", "load of another CPU's modified line", "ns", host_transfer,
			   0},
	[HOST_PINGPONG] = {"ping-pong", "word between two CPUs, one way", "ns", host_pingpong, 0},
	[HOST_FLUSH] = {"flush", "flush of a dirty line, waited for", "ns", host_flush, 0},
	[HOST_SYSCALL] = {"syscall", "system call", "ns", host_syscall, 0},
	[HOST_SWITCH] = {"switch", "switch between processes", "ns", host_switch, 0},
	[HOST_KVM_EXIT] = {"kvm-exit", "exit of a KVM guest to its device model", "ns",
			   host_kvm_exit, 0},
	[HOST_WARM_64] = {"copy-warm-64", "copy of 64 B in the cache", "B/ns", host_copy_warm, 64},
	[HOST_WARM_1500] = {"copy-warm-1500", "copy of 1500 B in the cache", "B/ns", host_copy_warm,
			    1500},
	[HOST_WARM_64KIB] = {"copy-warm-64k", "copy of 64 KiB in the cache", "B/ns", host_copy_warm,
			     64 * KIB},
	[HOST_COLD_64] = {"copy-cold-64", "copy of 64 B from memory", "B/ns", host_copy_cold, 64},
	[HOST_COLD_1500] = {"copy-cold-1500", "copy of 1500 B from memory", "B/ns", host_copy_cold,
			    1500},
	[HOST_COLD_64KIB] = {"copy-cold-64k", "copy of 64 KiB from memory", "B/ns", host_copy_cold,
			     64 * KIB},
};

static const struct host_options thorough = {.quick = false};

/* The thread to the first of its CPUs: *@before is where it may run. False: it stays. */
static bool pin(struct host_job *job, cpu_set_t *before)
{
	job->cpus = host_pick_cpus(job->cpu, &job->siblings);
	return !sched_getaffinity(0, sizeof(*before), before) && !host_pin(job->cpu[0]);
}

int host_measure(enum host_quantity which, const struct host_options *options,
		 struct host_sample *out)
{
	struct host_job job = {.row = &host_rows[which], .options = options ? options : &thorough};
	cpu_set_t before;
	const bool pinned = pin(&job, &before);
	int rc;

	*out = (struct host_sample){0};
	rc = job.row->measure(&job, out);
	if (pinned)
		(void)sched_setaffinity(0, sizeof(before), &before);
	return rc;
}

int host_repeat(const struct host_options *options, double (*round)(void *ctx), void *ctx,
		struct host_sample *out)
{
	struct host_job job = {.row = NULL};
	cpu_set_t before;
	const bool pinned = pin(&job, &before);
	const int rc = host_rounds_threaded(options ? options : &thorough, round, ctx, out);

	if (pinned)
		(void)sched_setaffinity(0, sizeof(before), &before);
	return rc;
}
