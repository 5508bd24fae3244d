/* SPDX-License-Identifier: MIT */
/* The DMA fault watchdog: a timer whose handler reads one register. */
#include "guest/watchdog.h"

static void on_tick(void *ctx, struct cpu *cpu)
{
	struct watchdog *w = ctx;

	w->checks++;
	if (iotoll_dma_domain_watchdog(w->domain, &w->fault)) {
		w->found_at = cpu_now(cpu);
		return; /* the bus is off: the timer is not armed again */
	}
	sim_schedule(cpu_machine(cpu)->sim, &w->timer, cpu_now(cpu) + WATCHDOG_PERIOD);
}

static void on_timer(void *ctx)
{
	struct watchdog *w = ctx;

	irq_raise(&w->tick);
}

void watchdog_start(struct watchdog *w, struct iotoll_dma_domain *domain, struct cpu *cpu)
{
	struct sim *sim = cpu_machine(cpu)->sim;

	*w = (struct watchdog){.domain = domain};
	w->tick = (struct irq){.handler = on_tick, .ctx = w, .target = cpu};
	event_init(&w->timer, on_timer, w);
	sim_schedule(sim, &w->timer, sim_now(sim));
}

void watchdog_stop(struct watchdog *w)
{
	if (w->tick.target)
		sim_cancel(cpu_machine(w->tick.target)->sim, &w->timer);
}
