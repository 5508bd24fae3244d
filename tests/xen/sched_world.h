/* SPDX-License-Identifier: MIT */
/* A board whose CPUs a policy shares out, domains on it, and what they and their accounts show. */
#ifndef IOTOLL_TESTS_XEN_SCHED_WORLD_H
#define IOTOLL_TESTS_XEN_SCHED_WORLD_H

#include "../sim/guest_rig.h"

#include <errno.h>

#include "base/rng.h"
#include "sim/lock.h"
#include "sim/mmio.h"
#include "xen/schedulers.h"

#define DOMAINS 4u

struct world {
	struct sim *sim;
	struct machine *board;
	struct domain d[DOMAINS];
	unsigned domains;
	struct vlock lock;
	struct waitq wq;
	bool stop;
	sim_time latest, at[4];
	uint64_t rounds[8], inside;
};

static inline void world_make(struct world *w, unsigned cpus, const char *policy)
{
	struct err err = {{0}};
	const struct gate_ops *ops = sched_find(policy, &err);

	*w = (struct world){.sim = sim_create()};
	w->board = guest_board(w->sim, cpus);
	assert_non_null(ops);
	assert_int_equal(gate_create(w->board, ops, &err), 0);
}

static inline struct domain *world_add(struct world *w, const struct guest_vcpus *vcpus)
{
	w->d[w->domains] = guest_domain_of(w->board, w->domains, vcpus);
	return &w->d[w->domains++];
}

static inline void world_drop(struct world *w)
{
	while (w->domains)
		guest_destroy(&w->d[--w->domains]);
	machine_destroy(w->board);
	sim_destroy(w->sim);
}

static inline void run_for(struct world *w, uint64_t ps)
{
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + ps), 0);
}

static inline struct cpu_account account(const struct domain *d, unsigned cpu)
{
	struct cpu_account a;

	cpu_account(machine_cpu(d->m, cpu), &a);
	return a;
}

static inline void reset(struct world *w)
{
	for (unsigned d = 0; d < w->domains; d++)
		for (unsigned i = 0; i < w->d[d].m->ncpus; i++)
			cpu_account_reset(machine_cpu(w->d[d].m, i), sim_now(w->sim));
}

/* Work in steps of a microsecond for ever. */
static inline void hog(void *ctx)
{
	struct world *w = ctx;

	while (!w->stop) {
		struct cpu *cpu = cpu_current(w->board);

		cpu_charge(cpu, SIM_US);
		cpu_sync(cpu);
	}
}

static inline void add_hog(struct world *w, struct domain *d, unsigned cpu)
{
	assert_non_null(task_create(machine_cpu(d->m, cpu), "hog", hog, w));
}

static const unsigned zero[GUEST_MAX_VCPUS] = {0};

/* Share of @d's CPU in @ps, in thousandths. */
static inline unsigned share(const struct domain *d, unsigned cpu, uint64_t ps)
{
	return (unsigned)((account(d, cpu).busy_ps * 1000 + ps / 2) / ps);
}

static inline void nothing(void *ctx, struct cpu *cpu)
{
	(void)ctx;
	(void)cpu;
}

#endif
