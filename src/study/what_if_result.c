// SPDX-License-Identifier: MIT
/* The figures of what_if.h: what a recorded load was, what a replay of it cost and exposed. */
#include <math.h>

#include "study/result_put.h"
#include "study/what_if.h"

/* No number is null. */
static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static double over(double a, double b)
{
	return b > 0 ? a / b : (double)NAN;
}

/* ---- the load ---- */

struct load {
	uint64_t pages, single, asked, asked_bytes, dir[3], dir_known;
};

static void take(struct load *l, const struct recorded *ev)
{
	if (ev->kind != TRACE_MAP)
		return;
	l->pages += ev->bytes / PAGE_BYTES;
	l->single += ev->bytes == PAGE_BYTES;
	l->asked += ev->asked > 0;
	l->asked_bytes += ev->asked;
	l->dir_known += ev->dir_known ? ev->pieces : 0;
	if (ev->dir_known && ev->dir < 3)
		l->dir[ev->dir] += ev->pieces;
}

json_t *what_if_load(const struct recording *r, int device)
{
	const struct recorded_device *d = &r->device[device];
	struct load l = {0};
	json_t *o = json_object();
	double seconds, known;

	for (size_t i = 0; i < r->events; i++)
		if (r->event[i].device == device)
			take(&l, &r->event[i]);
	seconds = (double)r->span_ns / 1e9;
	known = (double)l.dir_known;
	put(o, "maps", d->maps);
	put(o, "unmaps", d->unmaps);
	put(o, "lists", d->lists);
	put(o, "list_pieces", d->list_pieces);
	put(o, "earlier_maps", d->befores);
	put_real(o, "span_s", seconds);
	json_object_set_new(o, "maps_per_s", number(over((double)d->maps, seconds)));
	json_object_set_new(o, "pages_per_map", number(over((double)l.pages, (double)d->maps)));
	json_object_set_new(o, "single_page_percent",
			    number(over(100 * (double)l.single, (double)d->maps)));
	json_object_set_new(o, "asked_bytes_mean",
			    number(over((double)l.asked_bytes, (double)l.asked)));
	json_object_set_new(o, "sizes_known_percent",
			    number(over(100 * (double)l.asked, (double)d->maps)));
	json_object_set_new(o, "direction_known_percent",
			    number(over(100 * known, (double)d->maps)));
	json_object_set_new(o, "to_device_percent",
			    number(over(100 * (double)l.dir[TRACE_DIR_TO_DEVICE], known)));
	json_object_set_new(o, "from_device_percent",
			    number(over(100 * (double)l.dir[TRACE_DIR_FROM_DEVICE], known)));
	return o;
}

/* What is not known is null. */
static json_t *count_if(bool known, uint64_t n)
{
	return known ? json_integer((json_int_t)n) : json_null();
}

json_t *what_if_recorded(const struct recording *r, int device)
{
	const struct recorded_flushes *f = &r->device[device].flushes;
	const struct recorded_device *d = &r->device[device];
	const bool lazy = recording_is_lazy(d), said = r->flush_queue;
	json_t *o;

	if (!r->descriptors || f->by_page + f->by_domain == 0)
		return json_null();
	o = json_pack("{s:s}", "mode", lazy ? "lazy" : "strict");
	put(o, "unmaps", d->unmaps);
	put(o, "invalidations", f->by_page);
	put(o, "flushes", f->by_domain);
	json_object_set_new(o, "timer_flushes", count_if(said, f->by_cause[FLUSH_TIMER]));
	json_object_set_new(o, "ring_flushes", count_if(said, f->by_cause[FLUSH_RING]));
	json_object_set_new(o, "unsaid_flushes", count_if(lazy, f->by_cause[FLUSH_UNSAID]));
	json_object_set_new(o, "queued_before", count_if(d->queued > 0, d->queued));
	return o;
}

/* ---- price ---- */

static json_t *price(const struct replay_result *r, const struct replay_config *config,
		     uint64_t span_ns)
{
	const double mhz = r->clock_mhz, pairs = ((double)r->maps + (double)r->unmaps) / 2;
	const double flush = over((double)r->cycles_flush, (double)r->unmaps);
	const double wait = over((double)r->cycles_lock_wait, pairs);
	const uint64_t ps = r->cpu.ps[CHARGE_MAP] + r->cpu.ps[CHARGE_UNMAP] +
			    r->cpu.ps[CHARGE_FLUSH] + r->cpu.ps[CHARGE_LOCK_WAIT];
	const bool open = config->pace == REPLAY_OPEN;
	json_t *o = json_object();

	json_object_set_new(o, "cycles_per_map", number(r->cycles_per_map));
	json_object_set_new(o, "us_per_map", number(r->cycles_per_map / mhz));
	json_object_set_new(o, "cycles_per_unmap", number(r->cycles_per_unmap));
	json_object_set_new(o, "us_per_unmap", number(r->cycles_per_unmap / mhz));
	json_object_set_new(o, "flush_cycles_per_unmap", number(flush));
	json_object_set_new(o, "flush_us_per_unmap", number(flush / mhz));
	json_object_set_new(o, "lock_wait_cycles_per_pair", number(wait));
	json_object_set_new(o, "lock_wait_us_per_pair", number(wait / mhz));
	json_object_set_new(o, "cycles_per_pair", number(r->cycles_per_pair));
	json_object_set_new(o, "us_per_pair", number(r->cycles_per_pair / mhz));
	put(o, "invalidations", r->dma.invalidations);
	put(o, "flushes", r->dma.flushes - r->step_flushes);
	put(o, "timer_flushes", r->dma.timer_flushes - r->step_flushes);
	put(o, "step_flushes", r->step_flushes);
	json_object_set_new(o, "unsaid_timer_flushes", count_if(r->ticks_taken, r->unsaid_ticks));
	json_object_set_new(o, "missed_ring_flushes", count_if(r->ticks_taken, r->missed_rings));
	json_object_set_new(
		o, "cpu_percent",
		number(open ? over(100 * (double)ps, 1e3 * (double)span_ns) : (double)NAN));
	json_object_set_new(o, "pairs_per_s",
			    number(open ? (double)NAN : over(1e12 * pairs, (double)r->work_ps)));
	put(o, "late_events", r->late_events);
	return o;
}

/* ---- safety ---- */

/* Of windows that closed; while all are open nothing is known of how long they are. */
static double mean_us(const struct exposure_stats *x)
{
	if (!x->windows && x->open_pages)
		return (double)NAN;
	return x->window_mean_ns / 1e3;
}

/* The longest, still open or not. */
static double worst_us(const struct exposure_stats *x)
{
	const uint64_t ns =
		x->window_max_ns > x->open_oldest_ns ? x->window_max_ns : x->open_oldest_ns;

	return (double)ns / 1e3;
}

static json_t *safety(const struct replay_result *r)
{
	const struct exposure_stats *x = &r->exposure;
	const double none = (double)NAN;
	const bool all = x->untranslated;
	const double stale = x->stale_mean_pages * (double)PAGE_BYTES;
	json_t *o = json_object();

	json_object_set_new(o, "untranslated", json_boolean(all));
	json_object_set_new(o, "stale_pages", number(all ? none : (double)x->stale_pages));
	json_object_set_new(o, "stale_page_seconds", number(all ? none : x->stale_page_seconds));
	json_object_set_new(o, "stale_us_mean", number(all ? none : mean_us(x)));
	json_object_set_new(o, "stale_us_p99", number(all ? none : (double)x->window_p99_ns / 1e3));
	json_object_set_new(o, "stale_us_max", number(all ? none : worst_us(x)));
	json_object_set_new(o, "open_pages", number(all ? none : (double)x->open_pages));
	json_object_set_new(o, "excess_bytes_mean", number(all ? none : x->excess_mean_bytes));
	json_object_set_new(
		o, "unasked_bytes_mean",
		number(all ? (double)x->reachable_bytes : stale + x->excess_mean_bytes));
	json_object_set_new(o, "excess_rights_pages",
			    number(all ? none
				       : (double)(x->from_device_readable_pages +
						  x->to_device_writable_pages)));
	json_object_set_new(
		o, "reachable_at_rest_bytes",
		number(all ? (double)x->reachable_bytes : x->idle_mean_pages * (double)PAGE_BYTES));
	return o;
}

void what_if_put(json_t *row, const struct replay_result *r, const struct replay_config *config,
		 uint64_t span_ns)
{
	put(row, "maps", r->maps);
	put(row, "unmaps", r->unmaps);
	put(row, "map_failures", r->map_failures);
	put(row, "list_pieces", r->sg_pieces);
	put(row, "lists", r->sg_unmaps);
	json_object_set_new(row, "price", price(r, config, span_ns));
	json_object_set_new(row, "safety", safety(r));
}
