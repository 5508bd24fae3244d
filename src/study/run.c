/* SPDX-License-Identifier: MIT */
/*
 * One run: warm up, mark, measure, mark, collect. Virtual time passes in steps of a millisecond
 * between which the caller may stop the run; the steps do not influence it.
 */
#include "study/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load/ffsb_load.h"
#include "spec/calgary.h"
#include "study/params.h"
#include "study/run_internal.h"
#include "watch/timeline.h"

#define STEP        SIM_MS
#define DRAIN_LIMIT (10 * SIM_S)
#define DISK_LIMIT  (3600 * SIM_S)

struct run {
	struct testbed bed;
	struct measurement m;
	const struct run_options *options;
	sim_time end;
	bool capture;
};

/* ---- passing time ---- */

static int check(struct run *r, int rc, struct err *err)
{
	const struct host *hosts[] = {r->bed.sut.host, r->bed.sut.nic_host, r->bed.client.host};
	const char *panic = NULL;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]) && !panic; i++)
		panic = hosts[i] ? netstack_panic(hosts[i]->stack) : NULL;
	if (panic)
		return err_set(err, -EIO, "the TCP/IP stack gave up: %s", panic);
	if (rc)
		return err_set(err, rc, "the simulation was stopped");
	rc = load_error(r->bed.load, err);
	if (rc == -ENOSPC) { /* too much for the disk: the user gave both */
		const struct err why = *err;

		return param_refuse(r->bed.scenario, "disk", "size", err,
				    "expected more, or another ffsb.profile: %s", why.text);
	}
	return rc;
}

static int pass(struct run *r, sim_time until, struct err *err)
{
	const struct run_options *o = r->options;
	struct sim *sim = r->bed.sim;
	int rc = 0;

	while (!rc && sim_now(sim) < until) {
		const sim_time next = sim_now(sim) + STEP;

		if (o->should_stop && o->should_stop(o->ctx))
			return err_set(err, -EINTR, "interrupted");
		rc = check(r, sim_run(sim, next < until ? next : until), err);
		if (o->progress)
			o->progress(o->ctx, (double)sim_now(sim) / (double)r->end);
	}
	return rc;
}

/* ---- marks ---- */

static void count_disk(const struct testbed_side *side, struct counters *c)
{
	blk_stats(qla_driver_queue(side->disk.driver), &c->blk);
	qla_driver_stats(side->disk.driver, &c->hba);
	if (!side->vbd)
		return;
	blk_stats(blkfront_queue(side->host->disk), &c->guest_blk);
	blkfront_stats(side->host->disk, &c->blkfront);
	blkback_stats(side->nic_host->blkback, &c->blkback);
	blkback_vbd_stats(side->vbd->vbd, &c->vbd);
}

static void count(const struct testbed *t, struct counters *c)
{
	const struct testbed_side *side[2] = {&t->sut, &t->client};

	c->events = sim_events(t->sim);
	if (t->sut.hyper)
		xen_counters(t->sut.hyper->xen, &c->xen);
	if (t->sut.vif) {
		netback_vif_stats(t->sut.vif->vif, &c->vif);
		netfront_stats(t->sut.host->front, &c->front);
	}
	c->bus = *bus_stats(t->sut.rig->bus);
	if (t->sut.rig->iommu)
		t->sut.rig->iommu->ops->stats(t->sut.rig->iommu, &c->iotlb);
	if (t->sut.rig->iommu && t->sut.rig->iommu->ops->ats)
		t->sut.rig->iommu->ops->ats->stats(t->sut.rig->iommu, &c->ats);
	bus_ats_stats(t->sut.rig->bus, &c->atc);
	if (!t->link) {
		count_disk(&t->sut, c);
		return;
	}
	if (t->stream.machine)
		streambed_count(&t->stream, &c->stream);
	for (unsigned i = 0; i < 2; i++) {
		c->link[i] = *link_stats(t->link, i);
		c->link_busy[i] = link_busy_ps(t->link, i, sim_now(t->sim));
		if (t->stream.machine)
			continue;
		c->nic[i] = *tg3_stats(side[i]->nic);
		netstack_stats(side[i]->host->stack, &c->stack[i]);
		tg3_driver_stats(side[i]->nic_host->driver, &c->driver[i]);
	}
}

static void reset_accounts(const struct testbed *t, const struct testbed_side *side)
{
	for (unsigned i = 0; i < testbed_cpus(side); i++)
		cpu_account_reset(testbed_cpu(side, i, NULL), sim_now(t->sim));
}

static void mark_begin(struct run *r)
{
	struct testbed *t = &r->bed;

	r->m.began = sim_now(t->sim);
	reset_accounts(t, &t->sut);
	if (t->client.machine)
		reset_accounts(t, &t->client);
	iotoll_dma_domain_stats_reset(t->sut.rig->domain);
	exposure_restart(t->sut.rig->exposure);
	count(t, &r->m.begin);
	load_begin(t->load);
	if (t->rogue)
		rogue_start(t->rogue);
}

static void mark_end(struct run *r)
{
	struct testbed *t = &r->bed;
	const struct testbed_side *sides[2] = {&t->sut, &t->client};
	const struct iommu *iommu = t->sut.rig->iommu;

	load_end(t->load);
	if (t->rogue)
		rogue_stop(t->rogue);
	r->m.ended = sim_now(t->sim);
	count(t, &r->m.end);
	for (int side = 0; side < (t->client.machine ? 2 : 1); side++)
		for (unsigned i = 0; i < testbed_cpus(sides[side]); i++)
			cpu_account(testbed_cpu(sides[side], i, NULL), &r->m.cpu[side][i]);
	if (iommu && iommu->ops->latched)
		iommu->ops->latched(iommu, RIG_BUS, &r->m.latched_status, &r->m.latched_detail);
}

/* ---- what options and injections ask for ---- */

static int copy_table(const struct testbed *t, const struct run_options *o, struct err *err)
{
	iotoll_phys_t paddr;

	testbed_table(&t->sut, &paddr, o->table_bytes);
	*o->table = malloc(*o->table_bytes);
	if (!*o->table)
		return err_set(err, -ENOMEM, "no memory for a copy of the table");
	memcpy(*o->table, memory_ptr(t->sut.board->mem, IOTOLL_PHYS_U64(paddr), *o->table_bytes),
	       *o->table_bytes);
	return 0;
}

/* Zero the table entry of the receive buffer posted last, behind everybody's back. */
static void corrupt(void *ctx)
{
	struct testbed *t = ctx;
	struct iotoll_dma_entry entry;
	iotoll_iova_t iova;

	if (!tg3_driver_last_posted(t->sut.nic_host->driver, &iova) ||
	    testbed_entry(&t->sut, iova, &entry))
		return;
	memset(memory_ptr(t->sut.board->mem, IOTOLL_PHYS_U64(entry.paddr), entry.bytes), 0,
	       entry.bytes);
	t->corrupted_iova = IOTOLL_IOVA_U64(iova);
}

static void arm_corruption(struct testbed *t)
{
	if (!t->scenario->corrupt_tce_ps)
		return;
	event_init(&t->corruption, corrupt, t);
	sim_schedule(t->sim, &t->corruption, t->scenario->corrupt_tce_ps);
}

/*
 * The NIC's function says that an address was translated for it: that of a page of the kernel's
 * which was never mapped for any device. Memory tells whether it got there.
 */
static void lie(void *ctx)
{
	static const uint8_t words[8] = {'n', 'o', 't', ' ', 'y', 'o', 'u', 'r'};
	struct testbed *t = ctx;
	struct rig *r = t->sut.rig;
	uint8_t bytes[sizeof(words)];

	memcpy(bytes, words, sizeof(words));
	t->lied.status = bus_dma_translated(r->bus, r->devid, t->lied.paddr, bytes, sizeof(bytes),
					    IOTOLL_WRITE);
	t->lied.landed = !memcmp(memory_ptr(t->sut.machine->mem, t->lied.paddr, sizeof(words)),
				 words, sizeof(words));
	t->lied.at = sim_now(t->sim);
}

static int arm_lie(struct testbed *t, struct err *err)
{
	phys_t page;
	int rc;

	if (!t->scenario->translated_write_ps)
		return 0;
	rc = memory_alloc(t->sut.machine->mem, 1, 4096, 0, &page);
	if (rc)
		return err_set(err, rc, "no memory for a page that is nobody's");
	t->lied.paddr = page;
	event_init(&t->lie, lie, t);
	sim_schedule(t->sim, &t->lie, t->scenario->translated_write_ps);
	return 0;
}

/* ---- the run ---- */

/* Let the senders finish and the receivers read everything: connections end in good order. */
static int drain(struct run *r, struct err *err)
{
	const sim_time limit = sim_now(r->bed.sim) + DRAIN_LIMIT;
	int rc = 0;

	load_stop(r->bed.load);
	while (!rc && !load_finished(r->bed.load) && sim_now(r->bed.sim) < limit)
		rc = pass(r, sim_now(r->bed.sim) + STEP, err);
	if (!rc && !load_finished(r->bed.load))
		rc = err_set(err, -ETIME,
			     "the connections did not end within 10 s of virtual time");
	return rc;
}

/* In the kernel that drives the IOMMU's devices, where their interrupts go. */
static void start_watchdog(struct run *r, const struct scenario *s)
{
	const struct testbed_side *sut = &r->bed.sut;
	const bool dom0s = sut->nic_host != sut->host;

	watchdog_start(&r->m.watchdog, sut->rig->domain,
		       dom0s ? machine_cpu(sut->nic_host->machine, 0)
			     : machine_cpu(sut->machine, (unsigned)s->sut.irq_cpu));
}

/* Until @done says so of the load. */
static int pass_until(struct run *r, bool (*done)(const struct load *load), const char *what,
		      struct err *err)
{
	const sim_time limit = sim_now(r->bed.sim) + DISK_LIMIT;
	int rc = 0;

	while (!rc && !done(r->bed.load) && sim_now(r->bed.sim) < limit)
		rc = pass(r, sim_now(r->bed.sim) + STEP, err);
	if (!rc && !done(r->bed.load))
		rc = err_set(err, -ETIME, "%s took more than an hour of virtual time", what);
	return rc;
}

/* How long the profile runs for, if it is to say. */
static int disk_duration(const struct run *r, const struct scenario *s, uint64_t *out,
			 struct err *err)
{
	const struct ffsb_profile *profile = load_ffsb_profile(r->bed.load);

	*out = s->duration_ps;
	if (!s->ffsb_own_time)
		return 0;
	if (!profile->has_time || !profile->time_s)
		return err_set(err, -EINVAL,
			       "ffsb.time: %s gives no time to run for, expected ffsb.time=run",
			       s->ffsb_profile);
	*out = profile->time_s * (uint64_t)SIM_S;
	return 0;
}

/*
 * File sets first, however long that takes; then the warm-up, the interval, and an end in good
 * order: every operation finished, everything on the disk.
 */
static int measure_disk(struct run *r, const struct scenario *s, struct err *err)
{
	uint64_t duration;
	int rc = disk_duration(r, s, &duration, err);

	if (!rc)
		rc = pass_until(r, load_ready, "building the file sets", err);
	r->end = sim_now(r->bed.sim) + s->warmup_ps + duration;
	if (!rc)
		rc = pass(r, sim_now(r->bed.sim) + s->warmup_ps, err);
	if (rc)
		return rc;
	mark_begin(r);
	rc = pass(r, r->end, err);
	if (rc)
		return rc;
	mark_end(r);
	load_stop(r->bed.load);
	return pass_until(r, load_finished, "writing everything back", err);
}

/*
 * With a warm-up: from the end of it for the duration. Without one as netperf measures: from
 * before the connection is there until the last byte has been read (netperf 2.4.3).
 */
static int measure(struct run *r, const struct scenario *s, struct err *err)
{
	struct testbed *t = &r->bed;
	int rc = load_start(t->load, err);

	if (rc)
		return rc;
	start_watchdog(r, s);
	if (t->stream.machine)
		streambed_start(&t->stream);
	if (!t->link)
		return measure_disk(r, s, err);
	arm_corruption(t);
	rc = arm_lie(t, err);
	if (rc)
		return rc;
	rc = pass(r, s->warmup_ps, err);
	if (!rc && s->warmup_ps && !load_ready(t->load))
		rc = err_set(
			err, -EINVAL,
			"run.warmup: the connections are not up after it, expected a longer one "
			"(or 0: measure from the start)");
	if (rc)
		return rc;
	mark_begin(r);
	rc = pass(r, r->end, err);
	if (!rc && !s->warmup_ps)
		rc = drain(r, err);
	if (rc)
		return rc;
	mark_end(r);
	return r->capture && s->warmup_ps ? drain(r, err) : 0;
}

int run_scenario(const struct scenario *s, const struct run_options *options, json_t **result,
		 struct err *err)
{
	struct run_options o = *options;
	struct run r = {.options = &o,
			.end = s->warmup_ps + s->duration_ps,
			.capture = options->pcap != NULL};
	int rc;

	if (options->table && !scenario_has_table(s))
		return err_set(err, -EINVAL, "this run has no translation table to copy");
	if (o.timeline) {
		o.dma_observer = timeline_maps(o.timeline);
		o.iotlb_observer = timeline_iotlb(o.timeline);
	}
	rc = testbed_init(&r.bed, s, &o, err);
	if (rc)
		return rc;
	if (o.timeline)
		rc = testbed_show(&r.bed, o.timeline, err);
	if (!rc)
		rc = measure(&r, s, err);
	if (!rc && options->table)
		rc = copy_table(&r.bed, options, err);
	if (!rc) {
		*result = result_make(&r.bed, &r.m);
		if (!*result)
			rc = err_set(err, -ENOMEM, "no memory for the result");
	}
	watchdog_stop(&r.m.watchdog);
	if (o.timeline)
		timeline_clock(o.timeline, NULL);
	if (rc) {
		testbed_abandon(&r.bed);
		return rc;
	}
	rc = testbed_fini(&r.bed, err);
	if (rc) {
		json_decref(*result);
		*result = NULL;
	}
	return rc;
}
