/* SPDX-License-Identifier: MIT */
/*
 * What single events cost on the machine this program runs on: a load by where it finds its line, a
 * locked access, a line taken from another CPU, a system call. Measured with real clocks and
 * threads, hence never part of a run in the laboratory, which is deterministic: what is found here
 * becomes a machine profile (iotoll calibrate), or is printed beside another measurement.
 *
 * Each is a row: measured alone, in rounds of some ten to a few hundred microseconds. Where one
 * thread does the work a round is timed by that thread's CPU time, so that what else the machine
 * runs does not count as long as it leaves the caches alone; the median of all rounds is the
 * result, the tenth and the ninetieth percentile say how far to trust it.
 */
#ifndef IOTOLL_HOST_HOST_H
#define IOTOLL_HOST_HOST_H

#include <stdbool.h>

#include "base/err.h"

enum host_quantity {
	HOST_CLOCK,      /* MHz: of the core, while it works */
	HOST_TSC,        /* MHz: of the time-stamp counter */
	HOST_LOAD_L1,    /* ns, as all below unless it says otherwise: dependent loads */
	HOST_LOAD_L2,    /* ... */
	HOST_LOAD_LLC,   /* the level behind L2, if there is one */
	HOST_LOAD_DRAM,  /* misses every cache */
	HOST_LOAD_PAGES, /* the same in pages of 4 KiB: the TLB is missed as well */
	HOST_ATOMIC,     /* locked add to a line already held */
	HOST_LOCK,       /* pthread mutex nobody else wants: try to lock, unlock */
	HOST_CALL,       /* call of a function by a pointer, and back */
	HOST_TRANSFER,   /* load of a line that another CPU has modified */
	HOST_PINGPONG,   /* a word that two CPUs write in turn, one way */
	HOST_FLUSH,      /* clflush of a dirty line, and wait until it is done */
	HOST_SYSCALL,    /* getppid() by syscall() */
	HOST_SWITCH,     /* from one process to another on one CPU */
	HOST_KVM_EXIT,   /* a guest's OUT, to this program and back into the guest */
	HOST_WARM_64,    /* bytes/ns: memcpy() of so many bytes, both sides in the cache */
	HOST_WARM_1500,  /* ... */
	HOST_WARM_64KIB, /* ... */
	HOST_COLD_64,    /* bytes/ns: the source in memory, the target in the cache */
	HOST_COLD_1500,  /* ... */
	HOST_COLD_64KIB, /* ... */
	HOST_QUANTITIES,
};

/* One result. */
struct host_sample {
	double median, p10, p90; /* in the row's unit; 0 if it was not measured */
	unsigned samples;        /* rounds */
	char method[240];        /* how, in words */
	char why_not[160];       /* why it could not be measured; "": it was */
};

struct host_options {
	bool quick; /* a fifth of the rounds, and less time for each row */
	/* Asked between rounds; may be NULL. True: give up. */
	bool (*should_stop)(void *ctx);
	void *ctx;
};

struct host_job;

struct host_row {
	const char *name, *title, *unit;
	int (*measure)(const struct host_job *job, struct host_sample *out);
	unsigned long arg; /* bytes, level: the measure's own */
};

/* In the order of enum host_quantity. */
extern const struct host_row host_rows[HOST_QUANTITIES];

/*
 * Measure one. @options may be NULL: thorough, not to be stopped. 0 and *@out is filled, with a
 * median above zero or with why there is none; -EINTR if @options' should_stop said so. The calling
 * thread is pinned to one CPU meanwhile and put back. Takes up to a second, rows of two CPUs on a
 * busy machine up to ten, and the DRAM rows up to 1 GiB of memory. One at a time in a process, or
 * they disturb each other; nothing else is shared.
 */
int host_measure(enum host_quantity which, const struct host_options *options,
		 struct host_sample *out) MUST_CHECK;

/* Nanoseconds of CPU time of the calling thread: what host_repeat()'s rounds are timed by. */
double host_thread_ns(void);
/*
 * The same for what the caller wants to know: @round does something and returns what one of it
 * takes in whatever unit, or a negative number if this time does not count. As often and as long as
 * a row's, on one CPU, in a program of two threads (the C library's locks know the difference), the
 * other asleep. @out->method is left alone. 0; -EINTR.
 */
int host_repeat(const struct host_options *options, double (*round)(void *ctx), void *ctx,
		struct host_sample *out) MUST_CHECK;

/* The caches of the CPU that measures, as the system describes them. */
struct host_caches {
	unsigned long l1_bytes, l2_bytes, llc_bytes; /* 0: no such level, or it is not said */
	unsigned l2_ways, llc_ways;                  /* 0: not said */
	unsigned llc_sharers;                        /* CPUs that share the third level */
};

/*
 * Read them for CPU @cpu below @root ("/sys/devices/system/cpu"). 0, or -ENOENT: nothing is said
 * there.
 */
int host_caches_read(struct host_caches *out, const char *root, unsigned cpu) MUST_CHECK;
/*
 * What the latencies @ns of dependent loads say where the system says nothing: working sets of
 * @first bytes, twice that, and so on, @n of them. A level ends where the latency rises by half or
 * more over the level's. Levels not found are 0.
 */
void host_caches_from_steps(struct host_caches *out, const double *ns, unsigned n,
			    unsigned long first);

/*
 * Name of this host's CPU as it calls itself, and whether it says that it is a virtual one, which
 * makes everything that enters or leaves a kernel or guest dearer.
 */
void host_cpu_name(char *name, unsigned long bytes, bool *virtual_cpu);
/* CPUs this process may run on. */
unsigned host_cpus(void);

#endif
