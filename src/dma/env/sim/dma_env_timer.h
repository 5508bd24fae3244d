/* SPDX-License-Identifier: MIT */
/* Of the laboratory's dma_env.h, which includes it: the one timer a strategy has. */
#ifndef IOTOLL_DMA_ENV_TIMER_H
#define IOTOLL_DMA_ENV_TIMER_H

#include "dma_env.h"

/*
 * A kernel timer, on the jiffies of a kernel with HZ=250 (our choice: Debian's). It is armed on the
 * CPU that asks and runs there, as a softirq after the timer interrupt; a laboratory without a
 * periodic tick charges that interrupt only when a timer is due.
 */
#define ENV_JIFFY_PS (4 * SIM_MS)

struct env_timer {
	struct event event;
	struct irq irq;
	struct softirq softirq;
	void (*fn)(void *ctx);
	void *ctx;
};

static inline void env_timer_event_(void *ctx)
{
	struct env_timer *t = ctx;

	irq_raise(&t->irq);
}

static inline void env_timer_irq_(void *ctx, struct cpu *cpu)
{
	struct env_timer *t = ctx;

	softirq_raise(cpu, &t->softirq);
}

static inline bool env_timer_softirq_(void *ctx, struct cpu *cpu)
{
	struct env_timer *t = ctx;

	(void)cpu;
	t->fn(t->ctx);
	return false;
}

/* @t must stay where it is. */
static inline void env_timer_init(struct dma_env *env, struct env_timer *t, void (*fn)(void *ctx),
				  void *ctx)
{
	(void)env;
	*t = (struct env_timer){.fn = fn, .ctx = ctx};
	event_init(&t->event, env_timer_event_, t);
	t->irq = (struct irq){.handler = env_timer_irq_, .ctx = t};
	t->softirq = (struct softirq){.run = env_timer_softirq_, .ctx = t};
}

/* Not while the machine goes on running: an interrupt on its way is not called back. */
static inline void env_timer_fini(struct dma_env *env, struct env_timer *t)
{
	if (t->fn)
		sim_cancel(env->machine->sim, &t->event);
}

/*
 * Linux rounds a delay up to jiffies, and its timer wheel adds one so that it never fires early
 * (kernel/time/timer.c: calc_index()): 10 ms becomes the fourth boundary of 4 ms from now.
 */
static inline void env_timer_arm(struct dma_env *env, struct env_timer *t, uint64_t delay_ps)
{
	const uint64_t jiffies = (delay_ps + ENV_JIFFY_PS - 1) / ENV_JIFFY_PS;
	const uint64_t now = machine_now(env->machine) / ENV_JIFFY_PS;

	t->irq.target = machine_cpu(env->machine, env_cpu(env));
	sim_schedule(env->machine->sim, &t->event, (now + jiffies + 1) * ENV_JIFFY_PS);
}

/* Nobody has to ask here. */
static inline int env_timer_poll(struct dma_env *env, struct env_timer *t)
{
	(void)env;
	(void)t;
	return 0;
}

#endif
