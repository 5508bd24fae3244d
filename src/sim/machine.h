/* SPDX-License-Identifier: MIT */
/*
 * One simulated computer: its clock domain (the event queue, shared with other machines of the
 * same run), its CPUs, its caches, its memory and its profile. Everything above is given a
 * struct machine; nothing is global, so two machines, or a thousand, live in one process.
 *
 * How time passes. Code that runs "on a CPU" is ordinary C on a fiber. It charges its work to
 * the CPU, whose local clock runs ahead of the event queue; before each operation that another
 * CPU or a device could see (taking a lock, a device register, waking a task, reading a ring
 * index a device writes) cpu_sync() lets everything that lies earlier happen first. Pending
 * interrupts are taken there. At boot, outside any CPU, the same code runs and nothing is charged.
 *
 * Under a hypervisor the physical machine is a board, and each domain on it a guest machine
 * (guest.h): its CPUs are virtual ones, its memory is a view, the rest it shares with the board.
 * Code that is given a struct machine does not see the difference.
 */
#ifndef IOTOLL_SIM_MACHINE_H
#define IOTOLL_SIM_MACHINE_H

#include "mem/memory.h"
#include "sim/cache.h"
#include "sim/event.h"
#include "sim/profile.h"

struct cpu;
struct gate;

struct machine {
	struct sim *sim;
	struct memory *mem;
	struct cache *cache;
	struct profile profile;
	struct machine *board; /* the physical machine: this one, unless it is a guest */
	unsigned ncpus;
	struct cpu *cpus; /* array of ncpus */
	/* The CPU whose code executes now; NULL at boot and in device events. Of a board only: ask
	 * cpu_current(). */
	struct cpu *running;
	struct gate *gate;      /* of a board: shares its CPUs among virtual ones; NULL: one each */
	uint32_t carrying;      /* without it, a board's CPUs that carry a virtual one */
	bool free_dma_software; /* ablation: map, unmap and flush software costs nothing */
};

/*
 * A machine with @profile's CPUs, caches and memory on @sim. Ownership of @sim stays with the
 * caller. Returns 0, -ENOMEM, or -EINVAL (cache geometry) with @err filled.
 */
int machine_create(struct machine **out, struct sim *sim, const struct profile *profile,
		   struct err *err) MUST_CHECK;
/*
 * Stops and frees CPUs and tasks wherever they are, then caches and memory, which of a guest are
 * not its own. A board's guests go before it. NULL is allowed.
 */
void machine_destroy(struct machine *m);

static inline const struct cost *machine_cost(const struct machine *m)
{
	return &m->profile.cost;
}

/* CPU @id, 0 <= @id < ncpus. */
struct cpu *machine_cpu(struct machine *m, unsigned id);

static inline bool machine_is_guest(const struct machine *m)
{
	return m->board != m;
}

/* Virtual time as the caller sees it: its CPU's clock on a CPU, else the event queue's. */
sim_time machine_now(const struct machine *m);

#endif
