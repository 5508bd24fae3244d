// SPDX-License-Identifier: MIT
/*
 * What came of a comparison: price against the same machine without an IOMMU, exposure, and which
 * strategies no other one beats in both. docs/results.md has the fields.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "study/compare.h"
#include "study/result_put.h"

#define PAGE_BYTES 4096.0

/* No number is null. */
static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

/* From @before to @after, in percent. */
static double change(double before, double after)
{
	return before > 0 ? 100 * (after - before) / before : (double)NAN;
}

/* Payload in 10^6 bit/s; of a load on a disk, what it read and wrote. */
static double throughput(const json_t *run)
{
	const double mbps = result_number(run, "throughput_mbps");

	if (isfinite(mbps))
		return mbps;
	return 8 * (result_number(run, "ffsb.read_mb_per_s") +
		    result_number(run, "ffsb.write_mb_per_s"));
}

static void put_price(json_t *o, const json_t *run)
{
	json_object_set_new(o, "throughput_mbps", number(throughput(run)));
	json_object_set_new(o, "cpu_percent",
			    number(result_number(run, "cpu_utilization_percent")));
	json_object_set_new(o, "cpu_max_percent", number(result_number(run, "cpu_max_percent")));
	json_object_set_new(o, "service_demand_us_per_kb",
			    number(result_number(run, "service_demand_us_per_kb")));
}

static void put_change(json_t *o, const json_t *before, const json_t *after)
{
	static const char cpu[] = "cpu_utilization_percent", kib[] = "service_demand_us_per_kb";

	json_object_set_new(o, "throughput_change_percent",
			    number(change(throughput(before), throughput(after))));
	json_object_set_new(o, "cpu_increase_percent",
			    number(change(result_number(before, cpu), result_number(after, cpu))));
	json_object_set_new(o, "cpu_per_kb_increase_percent",
			    number(change(result_number(before, kib), result_number(after, kib))));
}

/* ---- exposure ---- */

static bool is_true(const json_t *run, const char *key)
{
	return json_is_true(json_object_get(json_object_get(run, "exposure"), key));
}

/* Of windows that closed; without any, nothing is known of those that are still open. */
static json_t *window(const json_t *run, const char *path)
{
	const double stale = result_number(run, "exposure.stale_pages");
	const double open = result_number(run, "exposure.open_pages");
	const double max = result_number(run, "exposure.window_us_max");

	if ((stale > 0 || open > 0) && !(max > 0))
		return json_null();
	return number(result_number(run, path));
}

/* Where devices' addresses are translated: what is left in their reach. */
static void put_reach(json_t *o, const json_t *run)
{
	const double seconds = result_number(run, "exposure.stale_page_seconds");
	const double stale = result_number(run, "exposure.stale_pages_mean") * PAGE_BYTES;
	const double excess = result_number(run, "exposure.excess_bytes_mean");

	json_object_set_new(o, "unasked_bytes_mean", number(stale + excess));
	json_object_set_new(o, "stale_bytes_mean", number(stale));
	json_object_set_new(o, "subpage_bytes_mean", number(excess));
	json_object_set_new(o, "reachable_at_rest_bytes",
			    number(result_number(run, "exposure.entries_idle_mean") * PAGE_BYTES));
	json_object_set_new(o, "stale_page_seconds", number(seconds));
	json_object_set_new(o, "stale_pages", number(result_number(run, "exposure.stale_pages")));
	json_object_set_new(o, "shared_pages", number(result_number(run, "exposure.shared_pages")));
	json_object_set_new(o, "open_pages", number(result_number(run, "exposure.open_pages")));
	json_object_set_new(o, "stale_us_mean", window(run, "exposure.window_us_mean"));
	json_object_set_new(o, "stale_us_p99", window(run, "exposure.window_us_p99"));
	json_object_set_new(o, "stale_us_max", window(run, "exposure.window_us_max"));
	json_object_set_new(o, "excess_rights_pages",
			    number(result_number(run, "exposure.from_device_readable_pages") +
				   result_number(run, "exposure.to_device_writable_pages")));
}

/* Where they are not: everything, at any time. */
static void put_everything(json_t *o, const json_t *run)
{
	static const char *const nothing[] = {
		"stale_bytes_mean",   "subpage_bytes_mean", "reachable_at_rest_bytes",
		"stale_page_seconds", "stale_pages",        "open_pages",
		"stale_us_mean",      "stale_us_p99",       "stale_us_max",
		"excess_rights_pages"};

	json_object_set_new(o, "unasked_bytes_mean",
			    number(result_number(run, "exposure.reachable_bytes")));
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		json_object_set_new(o, nothing[i], json_null());
}

static json_t *exposure(const json_t *run)
{
	const bool untranslated = is_true(run, "untranslated");
	json_t *o = json_object();

	json_object_set_new(o, "untranslated", json_boolean(untranslated));
	if (untranslated)
		put_everything(o, run);
	else
		put_reach(o, run);
	return o;
}

/* ---- rows ---- */

/* Of all attempts: how many came through, 0..1. */
static double succeeded(const json_t *attacks)
{
	double tried = 0, through = 0;
	json_t *kind;
	const char *name;

	json_object_foreach((json_t *)(uintptr_t)attacks, name, kind)
	{
		tried += result_number(kind, "attempted");
		through += result_number(kind, "succeeded");
	}
	return tried > 0 ? through / tried : (double)NAN;
}

/* From a run of its own: attacks fill caches and raise faults, which prices should not show. */
static void put_attacks(json_t *o, const struct compare *c, const struct compare_row *r)
{
	char id[COMPARE_ID];
	const json_t *run =
		r->attacked ? study_result(c->study, compare_rogue_id(id, c, r->name)) : NULL;
	json_t *attacks = run ? json_object_get(run, "attacks") : NULL;
	const char *why = r->attacked ? study_refusal(c->study, compare_rogue_id(id, c, r->name))
				      : r->no_attacks.text;

	json_object_set_new(o, "attacks", attacks ? json_incref(attacks) : json_null());
	json_object_set_new(o, "attacks_succeeded_fraction", number(succeeded(attacks)));
	json_object_set_new(o, "attacks_reason", why && *why ? json_string(why) : json_null());
	json_object_set_new(o, "attacks_run", attacks ? json_string(id) : json_null());
}

static const char *reason(const struct compare *c, const struct compare_row *row)
{
	char id[COMPARE_ID];

	return row->declared ? study_refusal(c->study, compare_id(id, c, row->name))
			     : row->reason.text;
}

static json_t *row(const struct compare *c, const struct compare_row *r, const json_t *baseline)
{
	char id[COMPARE_ID];
	const json_t *run = r->declared ? study_result(c->study, compare_id(id, c, r->name)) : NULL;
	const char *why = run ? NULL : reason(c, r);
	json_t *o = json_pack("{s:s, s:s, s:b, s:b, s:s?, s:s?}", "name", r->name, "title",
			      r->title, "demonstration", r->demonstration, "applies", run != NULL,
			      "reason", why, "allocator", run ? r->allocator : NULL);

	if (!run)
		return o;
	put_price(o, run);
	put_change(o, baseline, run);
	json_object_set_new(o, "exposure", exposure(run));
	put_attacks(o, c, r);
	put(o, "warnings", json_array_size(json_object_get(run, "warnings")));
	json_object_set_new(o, "run", json_string(id));
	return o;
}

/* ---- the front ---- */

struct place {
	double price, exposed;
	bool counts; /* it has both, and is meant to be used */
};

static const char price_path[] = "cpu_per_kb_increase_percent";
static const char exposed_path[] = "exposure.unasked_bytes_mean";

static struct place place_of(const json_t *row, const char *price, const char *exposed)
{
	struct place p = {.price = result_number(row, price),
			  .exposed = result_number(row, exposed)};

	p.counts = isfinite(p.price) && isfinite(p.exposed) &&
		   !json_is_true(json_object_get(row, "demonstration"));
	return p;
}

/* Is @b at least as good as @a in both, and better in one? */
static bool beats(struct place b, struct place a)
{
	return b.counts && b.price <= a.price && b.exposed <= a.exposed &&
	       (b.price < a.price || b.exposed < a.exposed);
}

void compare_mark_front(json_t *rows, const char *price, const char *exposed)
{
	json_t *one, *other;
	size_t i, k;

	json_array_foreach(rows, i, one)
	{
		const struct place p = place_of(one, price, exposed);
		bool front = p.counts;

		json_array_foreach(rows, k, other) front =
			front && !beats(place_of(other, price, exposed), p);
		json_object_set_new(one, "pareto", json_boolean(front));
	}
}

/* ---- the whole ---- */

static json_t *baseline_of(const json_t *run, const char *id)
{
	json_t *o = json_pack("{s:s}", "run", id);

	put_price(o, run);
	return o;
}

/* Not for another request's sake either, which is no less reachable at its old address. */
static bool leaves_nothing_stale(const json_t *row)
{
	return result_number(row, "exposure.stale_page_seconds") == 0 &&
	       result_number(row, "exposure.stale_pages") == 0 &&
	       result_number(row, "exposure.shared_pages") == 0;
}

static bool protects_on_front(const json_t *row)
{
	return json_is_true(json_object_get(row, "pareto")) && !is_true(row, "untranslated");
}

/* The name of the row of least price that @counts; null if there is none. */
static json_t *cheapest(const json_t *rows, bool (*counts)(const json_t *row))
{
	const json_t *best = NULL, *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const struct place p = place_of(row, price_path, exposed_path);

		if (p.counts && counts(row) && (!best || p.price < result_number(best, price_path)))
			best = row;
	}
	return best ? json_incref(json_object_get(best, "name")) : json_null();
}

json_t *compare_result(const struct compare *c, struct err *err)
{
	char id[COMPARE_ID];
	const json_t *baseline = study_result(c->study, compare_id(id, c, COMPARE_BASELINE));
	const char *why = study_refusal(c->study, id);
	json_t *rows;

	if (!baseline) {
		err_set(err, -EINVAL, "without an IOMMU: %s", why ? why : "there is no result");
		return NULL;
	}
	rows = json_array();
	for (size_t i = 0; i < c->rows; i++)
		json_array_append_new(rows, row(c, &c->row[i], baseline));
	compare_mark_front(rows, price_path, exposed_path);
	return json_pack("{s:i, s:s, s:s, s:s, s:b, s:s, s:I, s:o, s:o, s:o, s:o}", "schema", 1,
			 "version", IOTOLL_VERSION, "scenario", c->scenario, "iommu", c->iommu,
			 "iommu_is_machines_own", c->own, "allocator", c->allocator, "seed",
			 (json_int_t)c->seed, "baseline", baseline_of(baseline, id),
			 "cheapest_without_stale", cheapest(rows, leaves_nothing_stale),
			 "cheapest_on_front", cheapest(rows, protects_on_front), "strategies",
			 rows);
}
