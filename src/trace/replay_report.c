// SPDX-License-Identifier: MIT
/* What a replay found, gathered at its end from all who counted: see replay.h. */
#include "trace/replay_impl.h"

const uint64_t replay_delays_ns[REPLAY_DELAYS] = {10000, 100000, 1000000, 10000000, 100000000};

const char *replay_access_name(unsigned access)
{
	static const char *const names[] = {"at-unmap", "at-map", "first-page", "none", "recorded"};

	return access < sizeof(names) / sizeof(names[0]) ? names[access] : NULL;
}

const char *replay_pace_name(unsigned pace)
{
	static const char *const names[] = {"open", "closed"};

	return pace < sizeof(names) / sizeof(names[0]) ? names[pace] : NULL;
}

static uint64_t replay_cycles(const struct replay *rp, enum charge what)
{
	return profile_cycles(&rp->solo.machine->profile, rp->result->cpu.ps[what]);
}

static void replay_costs(struct replay *rp)
{
	struct replay_result *r = rp->result;

	for (unsigned i = 0; i < rp->count; i++) {
		struct cpu_account a;

		cpu_account(machine_cpu(rp->solo.machine, i), &a);
		for (unsigned c = 0; c < CHARGE_COUNT; c++)
			r->cpu.ps[c] += a.ps[c];
		r->cpu.busy_ps += a.busy_ps;
	}
	r->cpus = rp->count;
	r->clock_mhz = rp->solo.machine->profile.clock_mhz;
	r->span_ps = sim_now(rp->solo.sim) - rp->origin;
	r->work_ps = rp->finished - rp->origin;
	r->cycles_map = replay_cycles(rp, CHARGE_MAP);
	r->cycles_unmap = replay_cycles(rp, CHARGE_UNMAP);
	r->cycles_flush = replay_cycles(rp, CHARGE_FLUSH);
	r->cycles_lock_wait = replay_cycles(rp, CHARGE_LOCK_WAIT);
	if (r->maps)
		r->cycles_per_map = (double)r->cycles_map / (double)r->maps;
	if (r->unmaps)
		r->cycles_per_unmap = (double)r->cycles_unmap / (double)r->unmaps;
	if (r->maps + r->unmaps)
		r->cycles_per_pair = 2 *
				     (double)(r->cycles_map + r->cycles_unmap + r->cycles_flush +
					      r->cycles_lock_wait) /
				     (double)(r->maps + r->unmaps);
}

void replay_report(struct replay *rp)
{
	struct replay_result *r = rp->result;

	r->trace = rp->trace ? *trace_tally(rp->trace) : rp->recording->tally;
	r->live_maps = rp->match.live_maps;
	r->live_pages = rp->match.live_pages;
	replay_costs(rp);
	iotoll_dma_domain_stats(rp->solo.rig.domain, &r->dma);
	if (rp->solo.rig.iommu)
		rp->solo.rig.iommu->ops->stats(rp->solo.rig.iommu, &r->iotlb);
	exposure_stats(rp->solo.rig.exposure, &r->exposure);
	for (unsigned i = 0; i < REPLAY_DELAYS; i++)
		r->reachable_after[i] =
			exposure_reachable_after(rp->solo.rig.exposure, replay_delays_ns[i]);
}

void replay_hear(const struct replay_config *c, struct rig_config *rig)
{
	if (!c->timeline)
		return;
	rig->also = timeline_maps(c->timeline);
	rig->iotlb.observer = timeline_iotlb(c->timeline);
}

int replay_show(struct replay *rp)
{
	struct timeline *t = rp->config->timeline;
	struct machine *m = rp->solo.machine;
	int rc = 0;

	if (!t)
		return 0;
	timeline_clock(t, m);
	for (unsigned i = 0; !rc && i < m->ncpus; i++)
		rc = timeline_cpu(t, machine_cpu(m, i), "replay");
	return rc ? err_set(rp->err, rc, "replay: out of memory") : 0;
}
