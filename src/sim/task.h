/* SPDX-License-Identifier: MIT */
/*
 * Tasks: threads of control pinned to a CPU, scheduled round robin with a time slice, that may
 * block; one that wakes up goes before those that did not sleep. A task's function is ordinary C;
 * where it would sleep it calls waitq_wait().
 */
#ifndef IOTOLL_SIM_TASK_H
#define IOTOLL_SIM_TASK_H

#include "sim/cpu.h"

struct task;

/*
 * A task that starts at the present on @cpu. Ends when @fn returns. Freed with its machine.
 * Returns NULL when memory is short. @name is copied.
 */
struct task *task_create(struct cpu *cpu, const char *name, void (*fn)(void *ctx), void *ctx);
/* The task executing on @cpu; NULL while it idles. Also inside interrupts taken above it. */
struct task *task_current(const struct cpu *cpu);
/* The CPU it is pinned to. */
struct cpu *task_cpu(const struct task *t);
/* Let other runnable tasks of this CPU run if this one's time slice is over. Call in loops. */
void task_preempt_point(struct task *t);
/* Sleep for @ps. The current task only. */
void task_sleep(struct task *t, uint64_t ps);
/* True once fn() has returned. */
bool task_done(const struct task *t);

/* Tasks waiting for a condition; embed and zero-initialise. */
struct waitq {
	struct task *first, *last;
};

/*
 * Put the current task to sleep until a wake. The caller checks its condition again in a loop:
 *	while (!ready) waitq_wait(&wq, cpu);
 * No wake can fall between the check and the sleep as nothing else runs in between.
 */
void waitq_wait(struct waitq *wq, struct cpu *cpu);
/* Wake all. @cpu is the waking CPU (pays for it), NULL from a device event. */
void waitq_wake(struct waitq *wq, struct cpu *cpu);

#endif
