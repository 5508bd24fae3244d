// SPDX-License-Identifier: MIT
/* Running the laboratory's plan in threads over one stream, and its JSON. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw/iotlb.h"
#include "load/load.h"
#include "study/iotlb_impl.h"
#include "study/iotlb_passes.h"
#include "study/iotlb_stream.h"

#define WORKERS_MAX 64u

#define NIC_RULE "as the simulated NIC asked, from power-on to the end of the run"
#define DISK_RULE                                                                               \
	"as the simulated disk adapter asked, from power-on, file sets and all, to the end of " \
	"the run"

struct lab {
	const struct iotlb_lab_request *request;
	struct mrc_stream stream;
	const char *rule;
	struct iotlb_plan plan;
	struct mrc_sample sample; /* instead of the stream, if that was asked for */
	uint32_t *next;           /* for the optimum; NULL if nobody asks */
	atomic_size_t taken;
	atomic_bool stop;
};

struct worker {
	struct lab *lab;
	pthread_t thread;
	int rc;
	struct err err;
};

void iotlb_lab_defaults(struct iotlb_lab_request *r)
{
	*r = (struct iotlb_lab_request){
		.entries = "8,16,32,64,128,256,512,1024",
		.ways = "4",
		.policies = "lru,opt",
		.prefetch = "none",
		.index = "modulo",
		.hints = "none",
		.partitions = 1,
	};
}

/* ---- the work ---- */

static int run_opt(const struct lab *lab, struct iotlb_point *p, struct err *err)
{
	const unsigned ways = p->config.ways ? p->config.ways : p->config.entries;
	uint32_t *set;
	int rc = mrc_sets(&lab->stream, &p->config, &set, err);

	if (rc)
		return rc;
	rc = mrc_opt(&lab->stream, lab->next, set, p->config.entries / ways, ways, &p->count);
	free(set);
	return rc ? err_set(err, rc, "no memory") : 0;
}

static int run_stack(struct lab *lab, struct err *err)
{
	uint64_t *count, hits;
	size_t deepest;
	int rc = mrc_stack(&lab->stream, &count, &deepest);

	if (rc)
		return err_set(err, rc, "no memory");
	for (size_t i = 0; i < lab->plan.points; i++) {
		struct iotlb_point *p = &lab->plan.point[i];

		if (!p->stacked)
			continue;
		hits = mrc_hits_within(count, deepest, p->config.entries);
		p->count = (struct mrc_count){.hits = hits, .misses = lab->stream.accesses - hits};
	}
	free(count);
	return 0;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct lab *lab = w->lab;
	size_t i;

	while (!w->rc && !atomic_load(&lab->stop) &&
	       (i = atomic_fetch_add(&lab->taken, 1)) < lab->plan.points) {
		struct iotlb_point *p = &lab->plan.point[i];

		if (p->opt)
			w->rc = run_opt(lab, p, &w->err);
		else if (p->hints != MRC_HINTS_NONE)
			w->rc = mrc_hinted(&lab->stream, &p->config, p->hints, &p->count, &w->err);
		else if (!p->stacked)
			w->rc = mrc_simulate(&lab->stream, &p->config, &p->count, &w->err);
	}
	if (w->rc)
		atomic_store(&lab->stop, true);
	return NULL;
}

/* The first worker is this thread: where no other can be made, it does everything. */
static int run_points(struct lab *lab, struct err *err)
{
	const long online = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned wanted = lab->request->workers, made = 1;
	struct worker worker[WORKERS_MAX];
	int rc = 0;

	if (!wanted)
		wanted = online > 0 ? (unsigned)online : 1;
	memset(worker, 0, sizeof(worker));
	worker[0].lab = lab;
	for (; made < wanted && made < WORKERS_MAX; made++) {
		worker[made].lab = lab;
		if (pthread_create(&worker[made].thread, NULL, work, &worker[made]))
			break;
	}
	(void)work(&worker[0]);
	for (unsigned i = 0; i < made; i++) {
		if (i)
			(void)pthread_join(worker[i].thread, NULL);
		if (worker[i].rc && !rc) {
			rc = worker[i].rc;
			*err = worker[i].err;
		}
	}
	return rc;
}

static int run_plan(struct lab *lab, struct err *err)
{
	bool opt = false, stacked = false;
	int rc = 0;

	for (size_t i = 0; i < lab->plan.points; i++) {
		opt |= lab->plan.point[i].opt;
		stacked |= lab->plan.point[i].stacked;
	}
	if (opt) {
		lab->next = mrc_next_uses(&lab->stream);
		if (!lab->next)
			return err_set(err, -ENOMEM, "no memory");
	}
	if (stacked)
		rc = run_stack(lab, err);
	return rc ? rc : run_points(lab, err);
}

/* ---- the document ---- */

static const char *point_policy(const struct iotlb_point *p)
{
	return p->opt ? "opt" : p->config.policy;
}

/* The optimum of the same geometry, NULL if it is not in the plan. */
static const struct iotlb_point *optimum_of(const struct lab *lab, const struct iotlb_point *p)
{
	for (size_t i = 0; i < lab->plan.points; i++) {
		const struct iotlb_point *o = &lab->plan.point[i];

		if (o->opt && o->config.entries == p->config.entries &&
		    o->config.ways == p->config.ways && o->config.index == p->config.index)
			return o;
	}
	return NULL;
}

static json_t *row(const struct lab *lab, const struct iotlb_point *p)
{
	const struct mrc_stream *s = &lab->stream;
	const struct iotlb_point *o = optimum_of(lab, p);
	const uint64_t inevitable = s->cold + s->invalidated, reuses = s->accesses - inevitable;
	const bool sampled = lab->request->sample > 0;
	const bool ahead = sampled || p->config.prefetch != IOTLB_PREFETCH_NONE ||
			   p->hints == MRC_HINTS_MAPPING || p->hints == MRC_HINTS_BOTH;
	json_t *j = json_pack("{s:s, s:I, s:I, s:s, s:s, s:s, s:I, s:f}", "policy", point_policy(p),
			      "entries", (json_int_t)p->config.entries, "ways",
			      (json_int_t)(p->config.ways ? p->config.ways : p->config.entries),
			      "index", iotlb_index_name(p->config.index, NULL), "prefetch",
			      iotlb_prefetch_name(p->config.prefetch, NULL), "hints",
			      mrc_hints_name(p->hints, NULL), "misses", (json_int_t)p->count.misses,
			      "miss_ratio", (double)p->count.misses / (double)s->accesses);

	json_object_set_new(j, "reuse_misses",
			    ahead ? json_null()
				  : json_integer((json_int_t)(p->count.misses - inevitable)));
	json_object_set_new(j, "reuse_miss_ratio",
			    ahead || !reuses ? json_null()
					     : json_real((double)(p->count.misses - inevitable) /
							 (double)reuses));
	json_object_set_new(j, "misses_over_opt",
			    o ? json_real((double)p->count.misses / (double)o->count.misses)
			      : json_null());
	json_object_set_new(j, "miss_ratio_error", sampled ? json_real(p->spread) : json_null());
	json_object_set_new(j, "prefetched", json_integer((json_int_t)p->count.prefetched));
	json_object_set_new(j, "prefetch_useful", json_integer((json_int_t)p->count.useful));
	return j;
}

static json_t *stream_json(const struct lab *lab)
{
	const struct mrc_stream *s = &lab->stream;
	const struct iotlb_lab_request *r = lab->request;
	uint64_t pages = 0, taken;

	if (r->sample > 0) {
		taken = mrc_sampled(&lab->sample, &pages);
		return json_pack("{s:s, s:s, s:I, s:f, s:i, s:I, s:I}", "source", r->trace, "rule",
				 lab->rule, "accesses", (json_int_t)s->accesses, "sample_rate",
				 r->sample, "samples", (int)MRC_SAMPLES, "sampled_accesses",
				 (json_int_t)taken, "sampled_pages", (json_int_t)pages);
	}
	for (size_t i = 0; i < s->pages; i++)
		pages += s->page[i].tag != MRC_MAPPED;
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "source",
			 r->trace ? r->trace : r->scenario->name, "rule", lab->rule, "accesses",
			 (json_int_t)s->accesses, "pages", (json_int_t)pages, "cold_misses",
			 (json_int_t)s->cold, "invalidation_misses", (json_int_t)s->invalidated,
			 "reuses", (json_int_t)(s->accesses - s->cold - s->invalidated),
			 "invalidated_ranges", (json_int_t)s->drops, "invalidated_tags",
			 (json_int_t)s->tag_drops, "flushes", (json_int_t)s->all_drops);
}

static bool same_curve(const struct iotlb_point *a, const struct iotlb_point *b)
{
	return !strcmp(point_policy(a), point_policy(b)) && a->config.ways == b->config.ways &&
	       a->config.index == b->config.index && a->config.prefetch == b->config.prefetch &&
	       a->hints == b->hints;
}

static void curve_name(const struct lab *lab, const struct iotlb_point *p, char *to, size_t bytes)
{
	const struct iotlb_point *first = &lab->plan.point[0];
	bool ways = false, index = false, prefetch = false, hints = false;
	int used = snprintf(to, bytes, "%s", point_policy(p));

	for (size_t i = 1; i < lab->plan.points; i++) {
		ways |= lab->plan.point[i].config.ways != first->config.ways;
		index |= lab->plan.point[i].config.index != first->config.index;
		prefetch |= lab->plan.point[i].config.prefetch != first->config.prefetch;
		hints |= lab->plan.point[i].hints != first->hints;
	}
	if (ways && p->config.ways)
		used += snprintf(to + used, bytes - (size_t)used, ", %u ways", p->config.ways);
	else if (ways)
		used += snprintf(to + used, bytes - (size_t)used, ", full");
	if (index)
		used += snprintf(to + used, bytes - (size_t)used, ", %s",
				 iotlb_index_name(p->config.index, NULL));
	if (prefetch)
		used += snprintf(to + used, bytes - (size_t)used, ", prefetch %s",
				 iotlb_prefetch_name(p->config.prefetch, NULL));
	if (hints)
		snprintf(to + used, bytes - (size_t)used, ", hints %s",
			 mrc_hints_name(p->hints, NULL));
}

static json_t *figure(const struct lab *lab)
{
	json_t *series = json_array(), *points = NULL;
	char name[96];

	for (size_t i = 0; i < lab->plan.points; i++) {
		const struct iotlb_point *p = &lab->plan.point[i];

		if (i == 0 || !same_curve(p, p - 1)) {
			curve_name(lab, p, name, sizeof(name));
			points = json_array();
			json_array_append_new(
				series, json_pack("{s:s, s:o}", "name", name, "points", points));
		}
		json_array_append_new(
			points,
			json_pack("{s:I, s:f}", "x", (json_int_t)p->config.entries, "y",
				  100.0 * (double)p->count.misses / (double)lab->stream.accesses));
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:s, s:o}", "id", "iotlb", "title",
			 "IOTLB misses by size", "kind", "line", "x_label", "IOTLB entries",
			 "x_scale", "log2", "y_label", "misses (% of accesses)", "y_min", 0.0,
			 "note", lab->rule, "series", series);
}

static json_t *document(const struct lab *lab)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < lab->plan.points; i++)
		json_array_append_new(rows, row(lab, &lab->plan.point[i]));
	return json_pack("{s:i, s:s, s:o, s:o, s:o}", "schema", 1, "version", IOTOLL_VERSION,
			 "stream", stream_json(lab), "rows", rows, "figure", figure(lab));
}

/* The stream, and what goes through it as it comes. */
static int take_stream(struct lab *lab, struct err *err)
{
	const struct iotlb_lab_request *r = lab->request;

	if (r->trace)
		return iotlb_stream_trace(&lab->stream, NULL, r, &lab->rule, err);
	lab->rule = load_find(r->scenario->load)->needs_disk ? DISK_RULE : NIC_RULE;
	return iotlb_stream_run(&lab->stream, r->scenario, &r->options, err);
}

/* Pages picked by a hash: LRU of full associativity, of sizes that can be told apart. */
static int run_sampled(struct lab *lab, struct err *err)
{
	const struct iotlb_lab_request *r = lab->request;
	int rc = 0;

	if (!r->trace)
		return err_set(err, -EINVAL, "--sample: expected a trace, not a scenario");
	for (size_t i = 0; i < lab->plan.points; i++) {
		const struct iotlb_point *p = &lab->plan.point[i];

		if (!p->stacked)
			return err_set(err, -EINVAL,
				       "--sample: expected --policies lru --ways full without "
				       "prefetching and hints: of nothing else can a part of the "
				       "pages speak for all");
		if (p->config.entries * r->sample < 1)
			return err_set(err, -EINVAL,
				       "--sample %g: expected --entries from %.0f on: fewer cannot "
				       "be told apart",
				       r->sample, ceil(1 / r->sample));
	}
	rc = mrc_sample_init(&lab->sample, r->sample);
	if (!rc)
		rc = iotlb_stream_trace(&lab->stream, &lab->sample, r, &lab->rule, err);
	else
		rc = err_set(err, rc, "no memory");
	if (!rc && mrc_sample_end(&lab->sample))
		rc = err_set(err, -ENOMEM, "no memory");
	lab->stream.accesses = lab->sample.accesses;
	for (size_t i = 0; i < lab->plan.points && !rc; i++) {
		struct iotlb_point *p = &lab->plan.point[i];
		const double ratio = mrc_sample_ratio(&lab->sample, p->config.entries, &p->spread);

		p->count.misses = (uint64_t)(ratio * (double)lab->sample.accesses + 0.5);
		p->count.hits = lab->sample.accesses - p->count.misses;
	}
	return rc;
}

static int run_it(struct lab *lab, struct err *err)
{
	struct iotlb_passes passes = {0};
	int rc = 0;

	if (lab->request->sample > 0)
		return run_sampled(lab, err);
	if (!iotlb_passes_can(&lab->plan)) {
		rc = take_stream(lab, err);
		return rc ? rc : run_plan(lab, err);
	}
	rc = iotlb_passes_begin(&passes, &lab->plan, &lab->stream, err);
	if (!rc)
		rc = take_stream(lab, err);
	if (!rc)
		rc = iotlb_passes_end(&passes, &lab->stream, err);
	iotlb_passes_fini(&passes);
	return rc;
}

int iotlb_lab_run(const struct iotlb_lab_request *r, json_t **result, struct err *err)
{
	struct lab lab = {.request = r};
	int rc = iotlb_plan_make(&lab.plan, r, err);

	if (!rc && mrc_stream_init(&lab.stream))
		rc = err_set(err, -ENOMEM, "no memory");
	if (!rc)
		rc = run_it(&lab, err);
	if (!rc) {
		*result = document(&lab);
		if (!*result)
			rc = err_set(err, -ENOMEM, "no memory for the result");
	}
	free(lab.next);
	mrc_sample_fini(&lab.sample);
	iotlb_plan_fini(&lab.plan);
	mrc_stream_fini(&lab.stream);
	return rc;
}
