/* SPDX-License-Identifier: MIT */
/* Exposure figures as JSON. */
#include "study/result_exposure.h"

#include <inttypes.h>
#include <stdio.h>

#include "study/result_put.h"

json_t *result_exposure(const struct exposure_stats *s)
{
	json_t *o = json_object();

	json_object_set_new(o, "untranslated", json_boolean(s->untranslated));
	put(o, "reachable_bytes", s->reachable_bytes);
	put(o, "unmapped_pages", s->unmapped_pages);
	put(o, "stale_pages", s->stale_pages);
	put(o, "redirected_pages", s->redirected_pages);
	put(o, "shared_pages", s->shared_pages);
	put(o, "elsewhere_pages", s->elsewhere_pages);
	put(o, "shadowed_pages", s->shadowed_pages);
	put(o, "revived_pages", s->revived_pages);
	put(o, "open_pages", s->open_pages);
	put_real(o, "window_us_mean", s->window_mean_ns / 1e3);
	put_real(o, "window_us_p50", (double)s->window_p50_ns / 1e3);
	put_real(o, "window_us_p99", (double)s->window_p99_ns / 1e3);
	put_real(o, "window_us_max", (double)s->window_max_ns / 1e3);
	put_real(o, "stale_page_seconds", s->stale_page_seconds);
	put_real(o, "stale_pages_mean", s->stale_mean_pages);
	put(o, "reused_iova_pages", s->reused_iova_pages);
	put(o, "reused_frame_pages", s->reused_frame_pages);
	put_real(o, "excess_bytes_mean", s->excess_mean_bytes);
	put_real(o, "excess_byte_seconds", s->excess_byte_seconds);
	put(o, "from_device_pages", s->from_device_pages);
	put(o, "from_device_readable_pages", s->from_device_readable_pages);
	put(o, "to_device_pages", s->to_device_pages);
	put(o, "to_device_writable_pages", s->to_device_writable_pages);
	put_real(o, "entries_mean", s->entries_mean_pages);
	put(o, "entries_peak", s->entries_peak_pages);
	put_real(o, "entries_idle_mean", s->idle_mean_pages);
	put(o, "entries_idle_peak", s->idle_peak_pages);
	put(o, "entries_live", s->entries_live);
	put(o, "entries_former", s->entries_former);
	put(o, "entries_other", s->entries_other);
	put(o, "live_pages", s->live_pages);
	put(o, "live_peak_pages", s->live_peak_pages);
	return o;
}

void result_reachable_after(json_t *exposure, uint64_t delay_ns, double fraction)
{
	const uint64_t delay_us = delay_ns / 1000;
	char key[64];

	if (delay_us % 1000)
		snprintf(key, sizeof(key), "reachable_after_%" PRIu64 "us", delay_us);
	else
		snprintf(key, sizeof(key), "reachable_after_%" PRIu64 "ms", delay_us / 1000);
	put_real(exposure, key, fraction);
}
