/* SPDX-License-Identifier: MIT */
/*
 * Simulated CPUs: what they are charged, for what, and the operations that cost something.
 * Every function here may be called with cpu == NULL (boot): then nothing is charged and nothing
 * waits. All times are picoseconds of virtual time.
 */
#ifndef IOTOLL_SIM_CPU_H
#define IOTOLL_SIM_CPU_H

#include "sim/machine.h"

/* What a CPU's time is spent on. Exactly one is in force at any instant. */
enum charge {
	CHARGE_APPLICATION,
	CHARGE_COPY,
	CHARGE_STACK,
	CHARGE_DRIVER,
	CHARGE_INTERRUPT,
	CHARGE_MAP,
	CHARGE_UNMAP,
	CHARGE_FLUSH,
	CHARGE_LOCK_WAIT,
	CHARGE_MODE_SWITCH,
	CHARGE_SCHEDULER,
	CHARGE_CROSSING,   /* between a domain and its hypervisor: hypercalls and upcalls */
	CHARGE_HYPERVISOR, /* what the hypervisor does in between */
	CHARGE_BLOCK,      /* block layer and file system */
	CHARGE_COUNT,
};

/* "application", "copy", "tcp_stack", ...: the names used in results. */
const char *charge_name(enum charge what);

/* The CPU whose code is executing on @m, NULL at boot and inside device events. */
static inline struct cpu *cpu_current(const struct machine *m)
{
	return m->board->running;
}

/* Its number within its machine, and that of the board's CPU on which it executes, or last did. */
unsigned cpu_id(const struct cpu *cpu);
unsigned cpu_physical(const struct cpu *cpu);
struct machine *cpu_machine(const struct cpu *cpu);
/* The CPU's local clock. */
sim_time cpu_now(const struct cpu *cpu);

/* Put @what in force; returns what was, to be handed to cpu_leave(). */
enum charge cpu_enter(struct cpu *cpu, enum charge what);
void cpu_leave(struct cpu *cpu, enum charge before);

/*
 * Code of the hypervisor on a virtual CPU, between these two: addresses are the board's, costs are
 * its profile's without what a guest pays more, and no interrupt is taken. They charge nothing,
 * nest, and do nothing to a CPU that is not virtual. The answer of the first goes to the second.
 */
bool cpu_hypervisor_enter(struct cpu *cpu);
void cpu_hypervisor_leave(struct cpu *cpu, bool before);

/*
 * Where the machine's free_dma_software is set, what is done between these two costs nothing, if
 * it is @dma_software, or if what it was called from costs nothing: work of the DMA layer goes on
 * behind a crossing. They nest; @cpu may be NULL. The answer of the first goes to the second.
 */
bool cpu_free_enter(struct cpu *cpu, bool dma_software);
void cpu_free_leave(struct cpu *cpu, bool before);

/* @ps of work in the category in force. */
void cpu_charge(struct cpu *cpu, uint64_t ps);
/*
 * Load or store [paddr, paddr + bytes) through the cache model, charged line by line. Here and
 * below addresses are the machine's own, those of a guest pseudo-physical. What lies on an absent
 * page is in no cache.
 */
void cpu_touch(struct cpu *cpu, phys_t paddr, size_t bytes, bool write);
/* The same of what @ptr leads to, in memory of the CPU's machine that is there. */
void cpu_touch_ptr(struct cpu *cpu, const void *ptr, size_t bytes, bool write);
/* Charge a copy between two ranges (the caller moves the bytes); always CHARGE_COPY. */
void cpu_copy(struct cpu *cpu, phys_t to, phys_t from, size_t bytes);
/* The same in the category in force: a copy that is part of what goes on there. */
void cpu_copy_within(struct cpu *cpu, phys_t to, phys_t from, size_t bytes);
/*
 * Charge filling a range with one value, in the category in force: as a stream, like a copy, whose
 * figures stand for it. It has no source to read, so that is rather too much.
 */
void cpu_fill(struct cpu *cpu, phys_t to, size_t bytes);
/* Write back and drop the line at @paddr (clflush). */
void cpu_clflush(struct cpu *cpu, phys_t paddr);
/* A locked read-modify-write of the line at @paddr. */
void cpu_atomic(struct cpu *cpu, phys_t paddr);

/*
 * Let everything earlier than this CPU's clock happen, then take pending interrupts if they are
 * enabled. Call before any operation whose order against other CPUs or devices matters.
 */
void cpu_sync(struct cpu *cpu);

/* Nesting interrupt disable; charged as half of the irq_flags pair each. */
void cpu_irq_disable(struct cpu *cpu);
void cpu_irq_enable(struct cpu *cpu);

/* Free of charge: hold interrupts off (true) or let them in again; for one instruction's length. */
void cpu_hold_irqs(struct cpu *cpu, bool hold);

/* ---- interrupts ---- */

/*
 * An interrupt line of a device, routed to one CPU. Embedded in its owner. On its way to a virtual
 * CPU it passes the hypervisor, which takes it (xen_irq, CHARGE_HYPERVISOR) and delivers an event
 * (upcall, CHARGE_CROSSING); both are charged to that virtual CPU when it takes it.
 */
struct irq {
	void (*handler)(void *ctx, struct cpu *cpu);
	void *ctx;
	struct cpu *target;
	bool event; /* the upcall of an event channel, behind which no device's interrupt stands */
	bool pending;
	struct irq *next;
	uint64_t count; /* handler invocations */
};

/*
 * Assert the line at the present instant (edge; a line already pending stays so). The handler
 * runs on the target in CHARGE_INTERRUPT with interrupts disabled, entry and exit charged. An event
 * from another physical CPU reaches one that idles after the cost ipi.
 */
void irq_raise(struct irq *irq);

/*
 * A softirq: work an interrupt handler postponed. run() does at most one bounded round (a NAPI
 * poll) with interrupts enabled and returns true if more is left. It runs on interrupt exit;
 * after ten rounds in a row, as in Linux, the rest goes to the CPU's ksoftirqd task so that
 * tasks get a share.
 */
struct softirq {
	bool (*run)(void *ctx, struct cpu *cpu);
	void *ctx;
	bool pending;
	struct softirq *next;
};

/* Mark @s pending on @cpu, the current one. */
void softirq_raise(struct cpu *cpu, struct softirq *s);
/* Run @s's rounds are forbidden on @cpu between these two (spin_lock_bh); they nest. */
void softirq_disable(struct cpu *cpu);
void softirq_enable(struct cpu *cpu);

/* Does it execute an interrupt's handler or a softirq? */
bool cpu_in_interrupt(const struct cpu *cpu);

/* ---- watching ---- */

/*
 * Told what a CPU does, when it has done it; each callback may be NULL. Watching costs no virtual
 * time and decides nothing: callbacks must not call anything that charges, waits or schedules.
 */
struct cpu_watcher {
	/*
	 * @cpu's time [from, to) went to @what. Intervals of one CPU come in order and do not
	 * overlap; where there is none the CPU was idle or, a virtual one, not running. A lock wait
	 * during which a virtual CPU was taken off its physical one is told as one interval, at its
	 * end, as long as what was charged.
	 */
	void (*spent)(void *ctx, const struct cpu *cpu, enum charge what, sim_time from,
		      sim_time to);
	/* The lock whose word is at @line is @cpu's from cpu_now() on; it asked at @asked. */
	void (*locked)(void *ctx, const struct cpu *cpu, phys_t line, sim_time asked);
	/* And no longer. */
	void (*unlocked)(void *ctx, const struct cpu *cpu, phys_t line);
};

/* Tell @watcher (kept, not copied; NULL: nobody), with @ctx, of @cpu from here on. */
void cpu_watch(struct cpu *cpu, const struct cpu_watcher *watcher, void *ctx);

/* ---- accounting ---- */

struct cpu_account {
	uint64_t ps[CHARGE_COUNT];
	uint64_t busy_ps;  /* sum of the above */
	uint64_t steal_ps; /* could run and did not; not in busy_ps. 0 without a gate */
};

/* Time charged since the machine was made (or the last cpu_account_reset()). */
void cpu_account(const struct cpu *cpu, struct cpu_account *out);
/* Start a new accounting interval at @now; work charged ahead of @now belongs to it. */
void cpu_account_reset(struct cpu *cpu, sim_time now);

#endif
