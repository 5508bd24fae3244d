/* SPDX-License-Identifier: MIT */
/* Setting up a replay by names; its result as JSON. */
#include "study/replay_run.h"
#include "dma/strategy/strategy.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "dma/strategy/strategy.h"
#include "study/paths.h"
#include "study/result_exposure.h"
#include "trace/loss.h"
#include "trace/replay.h"

void replay_request_defaults(struct replay_request *r)
{
	*r = (struct replay_request){
		.profile = "x460-2007",
		.iommu = "calgary",
		.strategy = "deferred",
		.allocator = "next-fit",
		.access = "auto",
		.pace = "open",
		.iotlb_entries = REPLAY_AUTO,
		.iotlb_ways = REPLAY_AUTO,
		.table_entries = REPLAY_AUTO,
	};
}

static int access_rule(const char *name, enum replay_access *out, struct err *err)
{
	const char *known;

	*out = REPLAY_ACCESS_AT_UNMAP;
	if (!strcmp(name, "auto"))
		return 0;
	for (unsigned i = 0; (known = replay_access_name(i)); i++) {
		if (!strcmp(known, name)) {
			*out = (enum replay_access)i;
			return 0;
		}
	}
	return err_set(err, -EINVAL,
		       "--access %s: expected auto, recorded, at-unmap, at-map, first-page or none",
		       name);
}

static int pace_of(const char *name, enum replay_pace *out, struct err *err)
{
	const char *known;

	for (unsigned i = 0; (known = replay_pace_name(i)); i++) {
		if (!strcmp(known, name)) {
			*out = (enum replay_pace)i;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "--pace %s: expected open or closed", name);
}

const char *replay_pace_words(const char *pace)
{
	return strcmp(pace, "open")
		       ? "closed loop: each event at once, limited by the work alone"
		       : "as recorded; a recording made in an emulator shows order, not speed";
}

json_t *replay_timer_words(const char *strategy, const struct replay_result *r)
{
	const struct strategy_ops *s = strategy_find(strategy);

	if (!s || !s->timer)
		return json_null();
	return json_string(r->ticks_taken ? "recorded" : "own");
}

static json_t *integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *recording(const struct replay_result *r)
{
	json_t *o = json_object(), *others = json_object();

	json_object_set_new(o, "events", integer(r->trace.events));
	json_object_set_new(o, "maps", integer(r->trace.maps));
	json_object_set_new(o, "unmaps", integer(r->trace.unmaps));
	json_object_set_new(o, "span_s", json_real((double)r->span_ns / 1e9));
	json_object_set_new(o, "unmatched_unmaps", integer(r->unmatched_unmaps));
	json_object_set_new(o, "unmatched_pages", integer(r->unmatched_pages));
	json_object_set_new(o, "never_unmapped_maps", integer(r->live_maps));
	json_object_set_new(o, "ambiguous_maps", integer(r->ambiguous_maps));
	json_object_set_new(o, "partial_unmaps", integer(r->partial_unmaps));
	json_object_set_new(o, "short_unmaps", integer(r->short_unmaps));
	json_object_set_new(o, "lost_events", integer(r->trace.lost_events));
	json_object_set_new(o, "lost_marks", integer(r->trace.lost_marks));
	json_object_set_new(o, "unknown_lines", integer(r->trace.unknown_lines));
	json_object_set_new(o, "backwards_stamps", integer(r->trace.backwards));
	json_object_set_new(o, "folded_maps", integer(r->folded_maps));
	json_object_set_new(o, "late_events", integer(r->late_events));
	for (unsigned i = 0; i < r->trace.other_names; i++)
		json_object_set_new(others, r->trace.other[i].name,
				    integer(r->trace.other[i].count));
	json_object_set_new(o, "other_events", others);
	return o;
}

static json_t *dma(const struct replay_result *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "maps", integer(r->maps));
	json_object_set_new(o, "unmaps", integer(r->unmaps));
	json_object_set_new(o, "map_failures", integer(r->map_failures));
	json_object_set_new(o, "single_entry_fraction",
			    json_real(r->maps ? (double)r->single_page_maps / (double)r->maps : 0));
	json_object_set_new(o, "pages_peak", integer(r->dma.pages_peak));
	json_object_set_new(o, "wraps", integer(r->dma.wraps));
	json_object_set_new(o, "words_searched", integer(r->dma.words_searched));
	return o;
}

static json_t *iommu(const struct replay_request *q, const struct replay_result *r)
{
	const uint64_t forgets = r->dma.flushes + r->dma.invalidations;
	json_t *o = json_object();

	json_object_set_new(o, "model", json_string(q->iommu));
	json_object_set_new(o, "strategy", json_string(q->strategy));
	json_object_set_new(o, "table_writes", integer(r->dma.table_writes));
	json_object_set_new(o, "flushes", integer(r->dma.flushes));
	json_object_set_new(o, "invalidations", integer(r->dma.invalidations));
	json_object_set_new(
		o, "flush_us_mean",
		json_real(forgets ? (double)r->dma.flush_ps / 1e6 / (double)forgets : 0));
	json_object_set_new(o, "timer", replay_timer_words(q->strategy, r));
	json_object_set_new(o, "accesses", integer(r->accesses));
	json_object_set_new(o, "access_faults", integer(r->access_faults));
	json_object_set_new(o, "stray_accesses", integer(r->stray_accesses));
	return o;
}

static json_t *cycles(const struct replay_result *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "map", integer(r->cycles_map));
	json_object_set_new(o, "unmap", integer(r->cycles_unmap));
	json_object_set_new(o, "flush", integer(r->cycles_flush));
	json_object_set_new(o, "lock_wait", integer(r->cycles_lock_wait));
	return o;
}

static json_t *exposure(const struct replay_result *r)
{
	json_t *o = result_exposure(&r->exposure);

	for (int i = 0; i < REPLAY_DELAYS; i++)
		result_reachable_after(o, replay_delays_ns[i], r->reachable_after[i]);
	return o;
}

static json_t *result_json(const struct replay_request *q, enum replay_access access,
			   const struct trace *trace, const struct replay_result *r)
{
	return json_pack(
		"{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:f, s:f, s:f, s:o}",
		"schema", 1, "version", IOTOLL_VERSION, "trace", trace_name(trace), "trace_format",
		trace_format_name(trace), "profile", q->profile, "device_access_rule",
		access == REPLAY_ACCESS_NONE ? "none: the device touches nothing"
					     : replay_access_name(access),
		"pace", replay_pace_words(q->pace), "recording", recording(r), "dma", dma(r),
		"iommu", iommu(q, r), "iotlb",
		json_pack("{s:I, s:I, s:I}", "hits", (json_int_t)r->iotlb.hits, "misses",
			  (json_int_t)r->iotlb.misses, "evictions", (json_int_t)r->iotlb.evictions),
		"cpu_cycles", cycles(r), "cycles_per_map", r->cycles_per_map, "cycles_per_unmap",
		r->cycles_per_unmap, "cycles_per_pair", r->cycles_per_pair, "exposure",
		exposure(r));
}

/* What the request leaves to the model; a model that is not known is refused later. */
static void settle(struct replay_config *c, const struct replay_request *q)
{
	const struct iommu_ops *model = iommu_find(strcmp(q->iommu, "none") ? q->iommu : "calgary");

	if (!model)
		return;
	c->iotlb.line_pages = model->geometry.line_pages;
	if (q->iotlb_entries == REPLAY_AUTO)
		c->iotlb.entries = model->geometry.entries;
	if (q->iotlb_ways == REPLAY_AUTO)
		c->iotlb.ways = model->geometry.ways;
	if (q->table_entries == REPLAY_AUTO)
		c->table_entries = iotoll_dma_driver_entries(model->name);
}

int replay_request_profile(const struct replay_request *q, struct profile *out, struct err *err)
{
	char path[PATH_MAX];
	int rc = paths_find("profiles", q->profile, ".ini", path, sizeof(path), err);

	if (!rc)
		rc = profile_load(out, path, ESTIMATE_DEFAULT, NULL, err);
	if (!rc && !out->has_iommu && strcmp(q->iommu, "none"))
		rc = err_set(err, -EINVAL,
			     "--profile %s: it has no [iommu] costs; expected another one "
			     "or --iommu none",
			     q->profile);
	return rc;
}

int replay_request_config(const struct replay_request *q, const struct profile *profile,
			  struct replay_config *out, struct err *err)
{
	int rc;

	*out = (struct replay_config){
		.profile = profile,
		.iommu = q->iommu,
		.iotlb = {.entries = (unsigned)q->iotlb_entries,
			  .ways = (unsigned)q->iotlb_ways,
			  .line_pages = 1,
			  .policy = "lru"},
		.strategy = q->strategy,
		.allocator = q->allocator,
		.table_entries = q->table_entries,
		.timeline = q->timeline,
		.should_stop = q->should_stop,
		.progress = q->progress,
		.ctx = q->ctx,
	};
	rc = access_rule(q->access, &out->access, err);
	if (!rc)
		rc = pace_of(q->pace, &out->pace, err);
	if (!rc)
		settle(out, q);
	return rc;
}

/*
 * Of a recording that has nothing of the IOMMU layer: what calls of the DMA API say of the one
 * device it is of. The trace is read a second time. @rc: why it could not be replayed as it is.
 */
static int run_calls(struct trace **trace, const struct replay_request *q,
		     const struct replay_config *config, struct replay_result *r, int rc,
		     struct err *err)
{
	const struct trace_tally *t = trace_tally(*trace);
	struct recording recording;
	struct err ignored;

	if (rc != -EINVAL || t->maps || t->unmaps || !strcmp(q->path, "-"))
		return rc;
	trace_close(*trace);
	*trace = NULL;
	rc = trace_open(trace, q->path, q->format, err);
	if (rc)
		return rc;
	rc = -EINVAL;
	if (recording_read(&recording, *trace, &ignored))
		return rc;
	if (recording.devices > 1)
		rc = err_set(err, -EINVAL,
			     "%s: calls of the DMA API for %u devices: expected --device and one "
			     "of those that 'iotoll trace stats' names",
			     recording.name, recording.devices);
	else
		rc = replay_recorded(&recording, 0, config, r, err);
	recording_fini(&recording);
	return rc;
}

int replay_recording(struct recording *out, struct trace *trace, const char *beside,
		     struct err *err)
{
	struct trace *side = NULL;
	int rc = beside ? trace_open(&side, beside, NULL, err) : 0;

	if (!rc)
		rc = recording_read_beside(out, trace, side, err);
	trace_close(side);
	return rc;
}

int replay_access_settle(const char *name, const struct recording *r, enum replay_access *out,
			 struct err *err)
{
	if (r->joined && strcmp(name, "auto") != 0 && strcmp(name, "recorded") != 0)
		return err_set(err, -EINVAL,
			       "--accesses with --access %s: expected recorded or auto", name);
	if (r->accesses && !strcmp(name, "auto"))
		*out = REPLAY_ACCESS_RECORDED;
	if (*out != REPLAY_ACCESS_RECORDED || r->accesses)
		return 0;
	return err_set(err, -EINVAL, "--access recorded: %s holds no accesses of a device",
		       r->name);
}

/* One device alone, which takes a second look at what was read. */
static int run_device(struct trace *trace, const struct replay_request *q,
		      struct replay_config *config, struct replay_result *r, struct err *err)
{
	struct recording recording;
	int device, rc;

	trace_stop_when(trace, config->should_stop, config->ctx);
	rc = replay_recording(&recording, trace, q->beside, err);
	if (rc)
		return rc;
	device = recording_find(&recording, q->device);
	if (device == RECORDING_NOBODY)
		rc = recording_nobody(&recording, q->device, err);
	else
		rc = replay_access_settle(q->access, &recording, &config->access, err);
	if (!rc)
		rc = replay_recorded(&recording, device, config, r, err);
	recording_fini(&recording);
	return rc;
}

int replay_request_run(const struct replay_request *q, json_t **result, struct err *err)
{
	struct replay_config config;
	struct replay_result r;
	struct profile profile = {.cpus = 0};
	struct trace *trace;
	int rc = replay_request_config(q, &profile, &config, err);

	if (!rc)
		rc = replay_request_profile(q, &profile, err);
	if (!rc)
		rc = trace_open(&trace, q->path, q->format, err);
	if (rc)
		return rc;
	if (!q->device && (q->beside || config.access == REPLAY_ACCESS_RECORDED)) {
		trace_close(trace);
		return err_set(err, -EINVAL, "%s: expected --device as well",
			       q->beside ? "--accesses" : "--access recorded");
	}
	rc = q->device ? run_device(trace, q, &config, &r, err)
		       : replay_run(trace, &config, &r, err);
	if (rc && !q->device)
		rc = run_calls(&trace, q, &config, &r, rc, err);
	if (!rc && r.stopped)
		rc = err_set(err, -EINTR, "interrupted");
	if (!rc && !q->allow_loss)
		rc = loss_judge(trace, NULL, err);
	if (!rc)
		*result = result_json(q, config.access, trace, &r);
	trace_close(trace);
	return rc;
}
