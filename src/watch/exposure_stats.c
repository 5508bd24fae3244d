/* SPDX-License-Identifier: MIT */
/* The watcher's figures: what the counts and integrals of an interval come to. */
#include <string.h>

#include "watch/exposure_internal.h"

uint64_t exposure_age(const struct exposure *e, uint64_t since, uint64_t now)
{
	const uint64_t from = since > e->start_ps ? since : e->start_ps;

	return now > from ? now - from : 0;
}

void exposure_restart(struct exposure *e)
{
	e->start_ps = e->last_ps = e->config.now_ps(e->config.ctx);
	memset(e->integral, 0, sizeof(e->integral));
	e->closed_integral = 0;
	hist_init(&e->windows);
	memset(e->ever, 0, (e->ever_frames / 64 + 1) * sizeof(*e->ever));
	e->sum = (struct exposure_stats){
		.untranslated = !e->config.iommu || e->sum.untranslated,
		.live_peak_pages = e->level[LEVEL_LIVE],
		.stale_peak_pages = e->stale.count,
		.entries_peak_pages = e->level[LEVEL_ENTRIES],
		.idle_peak_pages = e->level[LEVEL_IDLE],
	};
}

const struct hist *exposure_windows(const struct exposure *e)
{
	return &e->windows;
}

const struct requests *exposure_requests(const struct exposure *e)
{
	return &e->requests;
}

bool exposure_untranslated(const struct exposure *e)
{
	return e->sum.untranslated;
}

bool exposure_was_given(const struct exposure *e, uint64_t frame)
{
	return frame < e->ever_frames && exposure_bit(e->given, frame);
}

/* The windows still open at @now: their number, total and greatest age. */
static wide open_windows(const struct exposure *e, uint64_t now, uint64_t *oldest_ps)
{
	wide total = 0;

	*oldest_ps = 0;
	for (size_t i = 0; e->stale.count && i < e->stale.slots; i++) {
		const struct pfnmap_slot *s = &e->stale.slot[i];

		if (s->key == PFNMAP_EMPTY)
			continue;
		total += exposure_age(e, s->value[0], now);
		if (now > s->value[0] && now - s->value[0] > *oldest_ps)
			*oldest_ps = now - s->value[0];
	}
	return total;
}

/* All that is said of windows and of pages left open. */
static void window_figures(const struct exposure *e, uint64_t now, struct exposure_stats *out)
{
	uint64_t oldest_ps;
	const wide stale = e->closed_integral + open_windows(e, now, &oldest_ps);

	out->windows = e->windows.count;
	out->window_p50_ns = hist_percentile(&e->windows, 500);
	out->window_p90_ns = hist_percentile(&e->windows, 900);
	out->window_p99_ns = hist_percentile(&e->windows, 990);
	out->window_max_ns = e->windows.max;
	out->window_mean_ns = hist_mean(&e->windows);
	out->open_pages = e->stale.count;
	out->open_oldest_ns = oldest_ps / 1000;
	out->stale_page_seconds = (double)stale / 1e12;
	if (out->interval_ps)
		out->stale_mean_pages = (double)stale / (double)out->interval_ps;
}

/* ---- where entries lead ---- */

struct places {
	const struct exposure *e;
	struct exposure_stats *out;
};

static void note_place(void *ctx, uint64_t pfn)
{
	const struct places *p = ctx;
	const struct exposure *e = p->e;
	const uint64_t iova = pfn << EXPOSURE_PAGE_SHIFT;
	struct iotoll_xlat x;
	uint64_t frame;

	if (exposure_ask(e, iova, IOTOLL_READ, &x) && exposure_ask(e, iova, IOTOLL_WRITE, &x))
		return;
	frame = x.paddr >> EXPOSURE_PAGE_SHIFT;
	if (requests_in_frame(&e->requests, frame))
		p->out->entries_live++;
	else if (exposure_was_given(e, frame))
		p->out->entries_former++;
	else
		p->out->entries_other++;
}

static void entry_figures(const struct exposure *e, struct exposure_stats *out)
{
	struct places p = {e, out};

	pageset_each(&e->granted, note_place, &p);
	for (size_t i = 0; e->stale.count && i < e->stale.slots; i++)
		if (e->stale.slot[i].key != PFNMAP_EMPTY &&
		    !pageset_has(&e->granted, e->stale.slot[i].key))
			note_place(&p, e->stale.slot[i].key);
}

void exposure_stats(const struct exposure *e, struct exposure_stats *out)
{
	const uint64_t clock = e->config.now_ps(e->config.ctx);
	const uint64_t now = clock > e->last_ps ? clock : e->last_ps;
	double mean[LEVELS] = {0}, sum[LEVELS];

	*out = e->sum;
	out->interval_ps = now - e->start_ps;
	for (unsigned i = 0; i < LEVELS; i++) {
		sum[i] = (double)(e->integral[i] + (wide)(now - e->last_ps) * e->level[i]);
		if (out->interval_ps)
			mean[i] = sum[i] / (double)out->interval_ps;
	}
	out->live_pages = e->level[LEVEL_LIVE];
	out->live_mean_pages = mean[LEVEL_LIVE];
	if (out->untranslated) {
		out->stale_pages = out->stale_peak_pages = out->untracked_pages = 0;
		out->entries_peak_pages = out->idle_peak_pages = 0;
		out->shared_pages = out->shadowed_pages = out->revived_pages = 0;
		out->reachable_bytes = e->config.memory_bytes;
		return;
	}
	window_figures(e, now, out);
	entry_figures(e, out);
	out->excess_byte_seconds = sum[LEVEL_EXCESS] / 1e12;
	out->excess_mean_bytes = mean[LEVEL_EXCESS];
	out->entries_mean_pages = mean[LEVEL_ENTRIES];
	out->idle_mean_pages = mean[LEVEL_IDLE];
	out->reachable_bytes =
		(uint64_t)((mean[LEVEL_REACHED] / 4096.0 + out->stale_mean_pages) * 4096.0 + 0.5);
}

double exposure_reachable_after(const struct exposure *e, uint64_t delay_ns)
{
	const uint64_t now = e->config.now_ps(e->config.ctx);
	uint64_t reachable = hist_count_above(&e->windows, delay_ns);
	uint64_t pages = e->sum.unmapped_pages - e->sum.untracked_pages;

	if (e->sum.unmapped_pages == 0)
		return 0;
	if (e->sum.untranslated)
		return 1;
	for (size_t i = 0; e->stale.count && i < e->stale.slots; i++) {
		const struct pfnmap_slot *s = &e->stale.slot[i];

		if (s->key == PFNMAP_EMPTY || s->value[0] < e->start_ps)
			continue;
		if (exposure_age(e, s->value[0], now) / 1000 > delay_ns)
			reachable++;
		else
			pages--;
	}
	return pages ? (double)reachable / (double)pages : 0;
}
