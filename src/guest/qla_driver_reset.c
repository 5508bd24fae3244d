/* SPDX-License-Identifier: MIT */
/*
 * When the chip has lost its way, or a command takes too long: reset it and let every command be
 * tried again (qla2x00_abort_isp() of Linux; its error handler's gentler steps, abort, device and
 * target reset, are left out). A chip that does not come back makes the disk fail for good.
 */
#include "guest/qla_driver_internal.h"

static void reset(struct qla_driver *d, struct cpu *cpu)
{
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);
	struct err err;
	int rc;

	vlock_acquire_irq(&d->lock, cpu);
	d->stats.resets++;
	rc = qla_driver_chip_start(d, cpu, &err);
	if (rc) {
		d->stats.failed_resets++;
		d->stats.offline = true;
	}
	/* The chip has forgotten them: nobody moves their data any more. */
	for (unsigned i = 0; i < QLA_DRIVER_HANDLES; i++) {
		if (!d->by_handle[i])
			continue;
		d->stats.errors++;
		blk_complete(d->queue, cpu, qla_driver_take(d, i), rc ? BLK_FAILED : BLK_RETRY);
	}
	d->reset_wanted = false;
	vlock_release_irq(&d->lock, cpu);
	blk_restart(d->queue, cpu);
	cpu_leave(cpu, before);
}

static bool on_reset(void *ctx, struct cpu *cpu)
{
	struct qla_driver *d = ctx;

	if (d->reset_wanted)
		reset(d, cpu);
	return false;
}

void qla_driver_want_reset(struct qla_driver *d, struct cpu *cpu)
{
	d->reset_wanted = true;
	softirq_raise(cpu, &d->reset_softirq);
}

/* ---- the timer ---- */

void qla_driver_arm(struct qla_driver *d, sim_time deadline)
{
	if (!event_pending(&d->timer))
		sim_schedule(d->machine->sim, &d->timer, deadline);
}

static void on_timer(void *ctx)
{
	struct qla_driver *d = ctx;

	irq_raise(&d->timer_irq);
}

static void on_timer_irq(void *ctx, struct cpu *cpu)
{
	struct qla_driver *d = ctx;

	softirq_raise(cpu, &d->timer_softirq);
}

/* Is a command overdue? If not, when will the next one be? */
static bool on_timer_softirq(void *ctx, struct cpu *cpu)
{
	struct qla_driver *d = ctx;
	const sim_time now = machine_now(d->machine);
	sim_time next = SIM_NEVER;

	for (unsigned i = 0; i < QLA_DRIVER_HANDLES; i++)
		if (d->by_handle[i] && d->by_handle[i]->deadline < next)
			next = d->by_handle[i]->deadline;
	if (next <= now) {
		d->stats.timeouts++;
		d->reset_wanted = true;
		reset(d, cpu);
	} else if (next != SIM_NEVER) {
		qla_driver_arm(d, next);
	}
	return false;
}

void qla_driver_reset_init(struct qla_driver *d)
{
	event_init(&d->timer, on_timer, d);
	d->timer_irq = (struct irq){.handler = on_timer_irq, .ctx = d, .target = d->config.irq_cpu};
	d->timer_softirq = (struct softirq){.run = on_timer_softirq, .ctx = d};
	d->reset_softirq = (struct softirq){.run = on_reset, .ctx = d};
}

void qla_driver_reset_fini(struct qla_driver *d)
{
	sim_cancel(d->machine->sim, &d->timer);
}
