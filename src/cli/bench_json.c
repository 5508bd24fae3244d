/* SPDX-License-Identifier: MIT */
/* iotoll bench: the document of results. Its fields are described in docs/results.md, "Bench". */
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "study/version.h"

#define BINS 16u

static void put_text(json_t *object, const char *key, const char *text)
{
	if (text)
		json_object_set_new(object, key, json_string(text));
}

static void put_number(json_t *object, const char *key, unsigned number)
{
	if (number)
		json_object_set_new(object, key, json_integer(number));
}

static json_t *setup_json(const struct bench_setup *s)
{
	static const char *const patterns[BENCH_PATTERNS] = {"ring", "lifo", "random"};
	static const char *const locks[BENCH_LOCKS] = {"split", "one"};
	json_t *o = json_object();

	put_text(o, "iommu", s->iommu);
	put_text(o, "strategy", s->strategy);
	put_text(o, "allocator", s->allocator);
	put_text(o, "policy", s->policy);
	put_text(o, "pattern", s->pattern ? patterns[s->pattern - 1] : NULL);
	put_text(o, "locks", s->locks ? locks[s->locks - 1] : NULL);
	put_number(o, "threads", s->threads);
	put_number(o, "pages", s->pages);
	put_number(o, "outstanding", s->outstanding);
	put_number(o, "entries", s->entries);
	put_number(o, "ways", s->ways);
	return o;
}

json_t *bench_document(const struct bench_options *options)
{
	double load = 0;
	json_t *document;

	(void)getloadavg(&load, 1);
	document = json_pack("{s:s, s:s, s:f, s:f, s:b, s:b, s:[], s:[], s:[]}", "bench",
			     options->group, "version", version_of_program(), "interval_percent",
			     options->interval_percent, "limit_s", options->limit_s, "quick",
			     options->quick, "interrupted", 0, "floors", "results", "left_out");
	/* Of the minute before: what else the machine had to do. */
	json_object_set_new(document, "load_average", json_real(load));
	return document;
}

/* Bins of equal width from the smallest sample to the 99th percentile; the last has the rest too.
 */
static json_t *histogram(const struct bench_result *r)
{
	const double low = r->samples[0], width = (r->p99 - low) / BINS;
	unsigned count[BINS] = {0};
	json_t *bins = json_array();

	if (r->count < 2 || width <= 0)
		return bins;
	for (size_t i = 0; i < r->count; i++) {
		const double at = (r->samples[i] - low) / width;

		count[at < BINS ? (unsigned)at : BINS - 1]++;
	}
	for (unsigned i = 0; i < BINS; i++)
		json_array_append_new(bins, json_pack("{s:f, s:i}", "from", low + i * width,
						      "count", (int)count[i]));
	return bins;
}

static json_t *rivals_json(const struct bench_result *r)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < r->rivals; i++)
		json_array_append_new(list, json_pack("{s:s, s:f, s:f}", "name", r->rival[i].name,
						      "median", r->rival[i].median, "ratio",
						      r->rival[i].ratio));
	return list;
}

static void put_target(json_t *row, const struct bench_result *r)
{
	if (r->target <= 0) {
		json_object_set_new(row, "target", json_null());
		json_object_set_new(row, "met", json_null());
		return;
	}
	json_object_set_new(row, "target", json_real(r->target));
	json_object_set_new(row, "met", json_boolean(r->met));
	if (!r->met)
		json_object_set_new(row, "missed_by",
				    json_real(r->more_is_better ? r->target / r->median
								: r->median / r->target));
}

void bench_add(json_t *document, const struct bench_result *r)
{
	json_t *row =
		json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:f}", "name", r->name, "group",
			  r->group, "what", r->what, "unit", r->unit, "median", r->median, "p10",
			  r->p10, "p99", r->p99, "low", r->low, "high", r->high);

	put_target(row, r);
	json_object_set_new(row, "rounds", json_integer((json_int_t)r->count));
	json_object_set_new(row, "operations", json_integer((json_int_t)r->ops));
	json_object_set_new(row, "dropped", json_integer(r->dropped));
	json_object_set_new(row, "disturbed", json_boolean(r->disturbed));
	json_object_set_new(row, "interval_met", json_boolean(r->interval_met));
	json_object_set_new(row, "clock",
			    json_string(r->count == 1       ? "none"
					: r->processor_time ? "processor"
							    : "wall"));
	json_object_set_new(row, "floor", json_string(r->floor));
	json_object_set_new(row, "floor_ns", json_null());
	json_object_set_new(row, "over_floor", json_null());
	json_object_set_new(row, "setup", setup_json(&r->setup));
	json_object_set_new(row, "baselines", rivals_json(r));
	json_object_set_new(row, "histogram", histogram(r));
	json_array_append_new(json_object_get(document, "results"), row);
}

void bench_add_left_out(json_t *document, const char *row, const char *why)
{
	json_array_append_new(json_object_get(document, "left_out"),
			      json_pack("{s:s, s:s}", "name", row, "why", why));
}

void bench_add_kernel(json_t *document, const struct bench_map_params *p,
		      const struct bench_map_result *r)
{
	static const char *const directions[] = {"BIDIRECTIONAL", "TO_DEVICE", "FROM_DEVICE"};

	json_object_set_new(
		document, "dma_map_benchmark",
		json_pack("{s:i, s:i, s:i, s:i, s:s, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:f, s:f, "
			  "s:f, s:f, s:f}",
			  "threads", (int)p->threads, "seconds", (int)p->seconds, "node", p->node,
			  "dma_bits", (int)p->bits, "direction", directions[p->dir], "delay_ns",
			  (int)p->delay_ns, "granule", (int)p->granule, "loops",
			  (json_int_t)r->loops, "map_100ns", (json_int_t)r->map_100ns,
			  "map_deviation_100ns", (json_int_t)r->map_deviation, "unmap_100ns",
			  (json_int_t)r->unmap_100ns, "unmap_deviation_100ns",
			  (json_int_t)r->unmap_deviation, "map_ns", r->map_ns, "map_deviation_ns",
			  r->map_deviation_ns, "unmap_ns", r->unmap_ns, "unmap_deviation_ns",
			  r->unmap_deviation_ns, "clock_ns", r->clock_ns));
}
