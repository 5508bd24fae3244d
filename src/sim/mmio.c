/* SPDX-License-Identifier: MIT */
/*
 * Register access in virtual time: posted writes travel in a FIFO, a read pushes them ahead of
 * itself and stalls its CPU for the round trip (PCI Local Bus 2.2, section 3.2.5: ordering).
 */
#include "sim/mmio.h"

static void deliver_first(struct mmio_window *w)
{
	const struct mmio_posted p = w->posted[w->first];

	w->first = (w->first + 1) % MMIO_POSTED;
	w->count--;
	w->ops->write(w->ctx, p.offset, p.value, p.width);
}

static uint64_t busy(const struct mmio_window *w)
{
	return w->ops->busy_ps ? w->ops->busy_ps(w->ctx) : 0;
}

static void on_arrival(void *ctx)
{
	struct mmio_window *w = ctx;
	struct sim *sim = w->machine->sim;

	while (w->count && w->posted[w->first].arrives <= sim_now(sim) && !busy(w))
		deliver_first(w);
	if (w->count) {
		const sim_time free_at = sim_now(sim) + busy(w);
		const sim_time arrives = w->posted[w->first].arrives;

		sim_schedule(sim, &w->arrival, arrives > free_at ? arrives : free_at);
	}
}

void mmio_window_init(struct mmio_window *w, struct machine *m, const struct mmio_ops *ops,
		      void *ctx)
{
	*w = (struct mmio_window){.machine = m, .ops = ops, .ctx = ctx};
	event_init(&w->arrival, on_arrival, w);
}

void mmio_window_fini(struct mmio_window *w)
{
	if (w->machine)
		sim_cancel(w->machine->sim, &w->arrival);
	w->count = 0;
}

static void push_all(struct mmio_window *w)
{
	while (w->count)
		deliver_first(w);
	sim_cancel(w->machine->sim, &w->arrival);
}

/* Let the device work off what was posted before; where work is free of charge, nothing waits. */
static void stall(struct mmio_window *w, struct cpu *cpu)
{
	while (w->count || busy(w)) {
		const sim_time before = cpu_now(cpu);

		if (!busy(w)) {
			deliver_first(w);
			continue;
		}
		cpu_charge(cpu, busy(w));
		if (cpu_now(cpu) == before)
			return;
		cpu_sync(cpu);
	}
}

uint64_t mmio_read(struct mmio_window *w, struct cpu *cpu, uint64_t offset, unsigned width)
{
	uint64_t value, trip;

	w->reads++;
	if (!cpu) {
		push_all(w);
		return w->ops->read(w->ctx, offset, width);
	}
	trip = w->read_ps ? w->read_ps : machine_cost(w->machine)->mmio_read;
	cpu_sync(cpu);
	cpu_charge(cpu, trip / 2);
	/* The load is one instruction: no interrupt is taken between its two halves. */
	cpu_hold_irqs(cpu, true);
	cpu_sync(cpu);
	stall(w, cpu);
	push_all(w);
	cpu_hold_irqs(cpu, false);
	value = w->ops->read(w->ctx, offset, width);
	cpu_charge(cpu, trip - trip / 2);
	return value;
}

void mmio_write(struct mmio_window *w, struct cpu *cpu, uint64_t offset, uint64_t value,
		unsigned width)
{
	const struct cost *cost = machine_cost(w->machine);

	w->writes++;
	if (!cpu) {
		push_all(w);
		w->ops->write(w->ctx, offset, value, width);
		return;
	}
	cpu_sync(cpu);
	cpu_charge(cpu, cost->mmio_write);
	if (w->count == MMIO_POSTED) /* the bridge's write buffer is full: the oldest goes now */
		deliver_first(w);
	w->posted[(w->first + w->count++) % MMIO_POSTED] = (struct mmio_posted){
		.arrives = cpu_now(cpu) + cost->posted_write_latency,
		.offset = offset,
		.value = value,
		.width = width,
	};
	if (!event_pending(&w->arrival))
		sim_schedule(w->machine->sim, &w->arrival, w->posted[w->first].arrives);
}
