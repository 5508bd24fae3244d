/* SPDX-License-Identifier: MIT */
/*
 * The credit scheduler of Xen 3.1, its books: who is active, what a tick takes and what a period
 * gives. Apart from its run queues (sched_credit.c), private to the two and their test.
 *
 * A tick every 10 ms takes 100 credits from whoever runs at that instant; every third tick 300 for
 * each physical CPU are shared out among the domains that were active, by weight. A virtual CPU
 * with credit goes before one without; one that wakes with credit goes before both until a tick
 * finds it.
 */
#ifndef IOTOLL_XEN_SCHED_CREDIT_H
#define IOTOLL_XEN_SCHED_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/gate.h"
#include "sim/time.h"

#define CREDIT_TICK_PS      (10 * SIM_MS)
#define CREDIT_PERIOD_TICKS 3u
#define CREDIT_SLICE_PS     (30 * SIM_MS)
#define CREDIT_PER_TICK     100
#define CREDIT_PER_PERIOD   300 /* and per slice */

enum credit_priority {
	CREDIT_BOOST = 0,
	CREDIT_UNDER = -1,
	CREDIT_OVER = -2,
	CREDIT_IDLE = -64,
};

struct credit_vcpu {
	unsigned domain;
	int credit;
	int priority;
	bool active; /* takes part in the sharing out */
	bool parked; /* beyond its domain's cap: must not run */
	/* the run queues' side */
	bool queued;
	unsigned processor;
	uint32_t affinity;
};

struct credit_domain {
	unsigned weight, cap;
	unsigned count;                  /* active virtual CPUs */
	unsigned active[GATE_MAX_VCPUS]; /* the one that joined last first */
};

struct credit_books {
	unsigned pcpus;
	struct credit_vcpu vcpu[GATE_MAX_VCPUS];
	struct credit_domain domain[GATE_MAX_VCPUS];
	unsigned domains;                /* active ones */
	unsigned active[GATE_MAX_VCPUS]; /* in the order of sharing out */
	int64_t balance;                 /* sum of credits after the last period */
	uint64_t periods;
	/* A virtual CPU is to be parked, or let go on. Called while books are kept. */
	void (*park)(void *ctx, unsigned vcpu, bool park);
	void *ctx;
};

/* A new virtual CPU: no credit, UNDER, not active. */
void credit_add(struct credit_books *b, unsigned vcpu, const struct gate_vcpu *about);
void credit_remove(struct credit_books *b, unsigned vcpu);
/* A tick found @vcpu running. */
void credit_tick(struct credit_books *b, unsigned vcpu);
/* A period is over: share out. */
void credit_period(struct credit_books *b);

#endif
