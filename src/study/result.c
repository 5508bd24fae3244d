/* SPDX-License-Identifier: MIT */
/* One run's result as JSON: every number is a difference of counters or a state at the end. */
#include <inttypes.h>

#include "study/result_parts.h"
#include "study/result_put.h"
#include "study/version.h"

/* ---- CPUs ---- */

static double busy_percent(const struct cpu_account *a, uint64_t elapsed)
{
	return 100 * ratio((double)a->busy_ps, (double)elapsed);
}

static void put_utilisation(json_t *o, const struct testbed *t, const struct testbed_side *side,
			    const struct cpu_account *cpu, uint64_t elapsed, uint64_t bytes)
{
	json_t *each = json_array();
	double total = 0, busiest = 0;

	for (unsigned i = 0; i < testbed_cpus(side); i++) {
		const double percent = busy_percent(&cpu[i], elapsed);

		total += percent;
		busiest = percent > busiest ? percent : busiest;
		json_array_append_new(each, json_real(percent));
	}
	put_real(o, "cpu_utilization_percent", total);
	put(o, "cpu_max_percent", 100 * testbed_physical_cpus(t, side));
	put_real(o, "cpu_busiest_percent", busiest);
	/* netperf: microseconds of CPU time for each 1024 bytes */
	put_real(o, "service_demand_us_per_kb",
		 ratio(total / 100 * us(elapsed), (double)bytes / 1024));
	json_object_set_new(o, "cpu_percent", each);
	put(o, "cpu_clock_mhz", side->board->profile.clock_mhz);
}

static json_t *cycles(const struct testbed *t, const struct testbed_side *side,
		      const struct cpu_account *cpu, uint64_t elapsed)
{
	const uint64_t all = elapsed * testbed_physical_cpus(t, side);
	const struct profile *profile = &side->board->profile;
	json_t *o = json_object();
	uint64_t busy = 0;

	for (int c = 0; c < CHARGE_COUNT; c++) {
		uint64_t ps = 0;

		for (unsigned i = 0; i < testbed_cpus(side); i++)
			ps += cpu[i].ps[c];
		busy += ps;
		put(o, charge_name((enum charge)c), profile_cycles(profile, ps));
	}
	put(o, "idle", all > busy ? profile_cycles(profile, all - busy) : 0);
	return o;
}

/* ---- devices, stack ---- */

static json_t *locks(const struct testbed *t, const struct measurement *m,
		     const struct iotoll_dma_stats *s)
{
	const struct netstack_stats *a = &m->begin.stack[0], *b = &m->end.stack[0];
	const struct tg3_driver_stats *c = &m->begin.driver[0], *d = &m->end.driver[0];
	json_t *o = json_object();

	put(o, "dma_acquisitions", s->lock_acquisitions);
	put(o, "dma_contended", s->lock_contended);
	put_real(o, "dma_wait_us", us(s->lock_wait_ps));
	put(o, "stack_acquisitions", b->lock_acquisitions - a->lock_acquisitions);
	put(o, "stack_contended", b->lock_contended - a->lock_contended);
	put_real(o, "stack_wait_us", us(b->lock_wait_ps - a->lock_wait_ps));
	put(o, "socket_acquisitions", b->socket_lock_acquisitions - a->socket_lock_acquisitions);
	put(o, "socket_contended", b->socket_lock_contended - a->socket_lock_contended);
	put_real(o, "socket_wait_us", us(b->socket_lock_wait_ps - a->socket_lock_wait_ps));
	if (t->stream.machine) {
		result_stream_locks(o, m);
		return o;
	}
	put(o, "tx_acquisitions", d->tx_lock_acquisitions - c->tx_lock_acquisitions);
	put(o, "tx_contended", d->tx_lock_contended - c->tx_lock_contended);
	put_real(o, "tx_wait_us", us(d->tx_lock_wait_ps - c->tx_lock_wait_ps));
	return o;
}

static json_t *nic(const struct measurement *m, int side)
{
	const struct tg3_stats *a = &m->begin.nic[side], *b = &m->end.nic[side];
	const struct tg3_driver_stats *c = &m->begin.driver[side], *d = &m->end.driver[side];
	json_t *o = json_object();

	put(o, "rx_frames", b->rx_frames - a->rx_frames);
	put(o, "tx_frames", b->tx_frames - a->tx_frames);
	put(o, "rx_dropped",
	    b->rx_drop_filter - a->rx_drop_filter + b->rx_drop_disabled + b->rx_drop_long +
		    b->rx_drop_no_descriptor + b->rx_drop_full + b->rx_drop_dma -
		    a->rx_drop_disabled - a->rx_drop_long - a->rx_drop_no_descriptor -
		    a->rx_drop_full - a->rx_drop_dma);
	put(o, "tx_dropped", b->tx_drop_dma + b->tx_drop_bad - a->tx_drop_dma - a->tx_drop_bad);
	put(o, "interrupts", d->interrupts - c->interrupts);
	put(o, "polls", d->polls - c->polls);
	put(o, "rx_copied", d->rx_copied - c->rx_copied);
	put(o, "map_errors",
	    d->rx_map_errors + d->tx_map_errors - c->rx_map_errors - c->tx_map_errors);
	put(o, "dma_errors",
	    b->dma_errors_read + b->dma_errors_write - a->dma_errors_read - a->dma_errors_write);
	return o;
}

static json_t *link(const struct measurement *m, uint64_t elapsed)
{
	json_t *o = json_object();

	put(o, "frames_to_sut", m->end.link[1].frames - m->begin.link[1].frames);
	put(o, "frames_to_client", m->end.link[0].frames - m->begin.link[0].frames);
	put_real(o, "to_sut_percent",
		 100 * ratio((double)(m->end.link_busy[1] - m->begin.link_busy[1]),
			     (double)elapsed));
	put_real(o, "to_client_percent",
		 100 * ratio((double)(m->end.link_busy[0] - m->begin.link_busy[0]),
			     (double)elapsed));
	return o;
}

static json_t *load(const struct testbed *t, const struct load_stats *s)
{
	const uint64_t buffer = t->stream.machine ? t->stream.ends.window : SOCKET_BUFFER_BYTES;
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(t->scenario->load));
	json_object_set_new(o, "sut_receives", json_boolean(s->sut_receives));
	put(o, "message_bytes", t->scenario->message_bytes);
	put(o, "recv_bytes", t->scenario->recv_bytes);
	put(o, "recv_socket_bytes", buffer);
	put(o, "send_socket_bytes", buffer);
	put(o, "sends", s->sends);
	put(o, "recvs", s->recvs);
	put(o, "retransmits", s->retransmits);
	put(o, "bytes_checked", s->bytes_checked);
	put(o, "mismatches", s->mismatches);
	return o;
}

/* ---- the whole ---- */

static void put_setting(void *ctx, const char *key, const char *value)
{
	json_object_set_new(ctx, key, json_string(value));
}

/* The arguments that repeat this run: only what differs from the scenario as shipped. */
static json_t *command(const struct scenario *s)
{
	json_t *args = json_pack("[s, s, s]", "iotoll", "run", s->name);
	json_t *mine = json_object(), *shipped = json_object(), *value;
	struct scenario plain;
	struct err err;
	const char *key;

	if (!scenario_init(&plain)) {
		if (!scenario_read(&plain, s->name, &err) && !scenario_finish(&plain, &err))
			scenario_each(&plain, put_setting, shipped);
		scenario_fini(&plain);
	}
	scenario_each(s, put_setting, mine);
	json_object_foreach(mine, key, value)
	{
		if (json_equal(value, json_object_get(shipped, key)))
			continue;
		json_array_append_new(args, json_string("--set"));
		json_array_append_new(args, json_sprintf("%s=%s", key, json_string_value(value)));
	}
	json_decref(mine);
	json_decref(shipped);
	return args;
}

static json_t *warnings(const struct testbed *t, const struct measurement *m,
			const struct load_stats *load)
{
	const uint64_t stale = m->end.bus.stale_reads - m->begin.bus.stale_reads +
			       m->end.bus.stale_writes - m->begin.bus.stale_writes;
	json_t *list = json_array();

	if (t->link && !load->bytes_received)
		json_array_append_new(
			list,
			json_string("no data arrived in the interval: after losses, TCP may wait "
				    "longer than it lasts; run.warmup and run.duration say how "
				    "long"));
	if (load->mismatches)
		json_array_append_new(list, json_sprintf("%" PRIu64 " comparisons of received data "
							 "failed",
							 load->mismatches));
	if (stale)
		json_array_append_new(list,
				      json_sprintf("%" PRIu64 " DMA accesses went through a stale "
						   "translation: the device reached memory "
						   "that was no longer its own",
						   stale));
	if (!t->link)
		result_ffsb_warnings(t, list);
	if (t->sut.rig->faults)
		json_array_append_new(list, json_sprintf("%" PRIu64 " DMA accesses were refused",
							 t->sut.rig->faults));
	return list;
}

static json_t *client(const struct testbed *t, const struct measurement *m, uint64_t elapsed,
		      uint64_t bytes)
{
	json_t *o = json_object();

	put_utilisation(o, t, &t->client, m->cpu[1], elapsed, bytes);
	json_object_set_new(o, "cpu_cycles", cycles(t, &t->client, m->cpu[1], elapsed));
	json_object_set_new(o, "nic", nic(m, 1));
	return o;
}

/* What a load of segments has. */
static void put_stream(json_t *o, const struct testbed *t, const struct measurement *m,
		       const struct iotoll_dma_stats *dma_stats, const struct load_stats *s,
		       uint64_t elapsed)
{
	json_object_set_new(o, "locks", locks(t, m, dma_stats));
	json_object_set_new(o, "load", load(t, s));
	json_object_set_new(o, "stream", result_stream(t, m, s));
	json_object_set_new(o, "nic", result_stream_nic(m));
	json_object_set_new(o, "pcie", result_pcie(m));
	json_object_set_new(o, "link", link(m, elapsed));
}

/* What a load between hosts has. */
static void put_network(json_t *o, const struct testbed *t, const struct measurement *m,
			const struct iotoll_dma_stats *dma_stats, const struct load_stats *s,
			uint64_t elapsed)
{
	json_object_set_new(o, "locks", locks(t, m, dma_stats));
	json_object_set_new(o, "load", load(t, s));
	json_object_set_new(o, "client", client(t, m, elapsed, s->bytes_received));
	json_object_set_new(o, "nic", nic(m, 0));
	json_object_set_new(o, "link", link(m, elapsed));
	json_object_set_new(o, "ats", result_ats(t, m, dma_stats));
	if (t->pcap)
		json_object_set_new(
			o, "capture",
			json_pack("{s:I}", "payload_bytes", (json_int_t)s->lifetime_bytes));
}

json_t *result_make(const struct testbed *t, const struct measurement *m)
{
	const uint64_t elapsed = m->ended - m->began;
	json_t *o = json_object(), *settings = json_object();
	struct iotoll_dma_stats dma_stats;
	struct load_stats s;

	load_stats(t->load, &s);
	if (t->stream.machine)
		result_stream_fix(m, &s);
	iotoll_dma_domain_stats(t->sut.rig->domain, &dma_stats);
	put(o, "schema", 1);
	json_object_set_new(o, "version", json_string(IOTOLL_VERSION));
	json_object_set_new(o, "scenario", json_string(t->scenario->name));
	put(o, "seed", t->scenario->seed);
	if (t->link) {
		put_real(o, "throughput_mbps", ratio((double)s.bytes_received * 8, us(elapsed)));
		put(o, "payload_bytes", s.bytes_received);
	}
	put_real(o, "elapsed_s", us(elapsed) / 1e6);
	put_utilisation(o, t, &t->sut, m->cpu[0], elapsed,
			s.bytes_received + (t->link ? 0 : s.bytes_sent));
	json_object_set_new(o, "cpu_cycles", cycles(t, &t->sut, m->cpu[0], elapsed));
	json_object_set_new(o, "dma", result_dma(t, m, &dma_stats));
	json_object_set_new(o, "iommu", result_iommu(t, m, &dma_stats));
	json_object_set_new(o, "iotlb", result_iotlb(m));
	if (t->sut.hyper)
		json_object_set_new(o, "xen", result_xen(t, m));
	json_object_set_new(o, "exposure", result_live_exposure(t));
	if (t->rogue)
		json_object_set_new(o, "attacks", result_attacks(t));
	if (t->stream.machine) {
		put_stream(o, t, m, &dma_stats, &s, elapsed);
	} else if (t->link) {
		put_network(o, t, m, &dma_stats, &s, elapsed);
	} else {
		json_object_set_new(o, "ffsb", result_ffsb(t, m));
		json_object_set_new(o, "disk", result_disk(m));
	}
	put(o, "events", m->end.events - m->begin.events);
	json_object_set_new(o, "warnings", warnings(t, m, &s));
	scenario_each(t->scenario, put_setting, settings);
	json_object_set_new(o, "settings", settings);
	json_object_set_new(o, "command", command(t->scenario));
	return o;
}
