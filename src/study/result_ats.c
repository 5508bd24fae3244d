/* SPDX-License-Identifier: MIT */
/* The part of a run's result that tells of the NIC's own translation cache. */
#include <inttypes.h>
#include <stdio.h>

#include "study/result_parts.h"
#include "study/result_put.h"

/* What became of inject.translated_write. */
static json_t *lie(const struct testbed *t)
{
	char paddr[24];

	if (!t->lied.at)
		return json_null();
	snprintf(paddr, sizeof(paddr), "0x%" PRIx64, t->lied.paddr);
	return json_pack("{s:f, s:s, s:s}", "at_us", us(t->lied.at), "address", paddr, "outcome",
			 t->lied.landed ? "landed" : "refused");
}

json_t *result_ats(const struct testbed *t, const struct measurement *m,
		   const struct iotoll_dma_stats *s)
{
	const struct ats_stats *a = &m->begin.ats, *b = &m->end.ats;
	const struct atc_stats *c = &m->begin.atc, *d = &m->end.atc;
	const uint64_t hits = d->hits - c->hits, misses = d->misses - c->misses;
	json_t *o = json_object();

	json_object_set_new(o, "enabled",
			    json_boolean(t->scenario->ats && scenario_has_table(t->scenario)));
	put(o, "atc_hits", hits);
	put(o, "atc_misses", misses);
	put_real(o, "atc_miss_ratio", ratio((double)misses, (double)(hits + misses)));
	put(o, "requests", b->requests - a->requests);
	put(o, "unsupported", b->unsupported - a->unsupported);
	put(o, "aborted", b->aborted - a->aborted);
	put(o, "overtaken", d->overtaken - c->overtaken);
	put(o, "translated", b->translated - a->translated);
	put(o, "translated_refused", b->refused - a->refused);
	put(o, "untranslated", d->untranslated - c->untranslated);
	put(o, "denied", d->denied - c->denied);
	put(o, "device_invalidations", s->device_invalidations);
	put(o, "invalidation_requests", b->invalidations - a->invalidations);
	put(o, "invalidations_completed", b->completed - a->completed);
	put(o, "invalidations_waited", d->waited - c->waited);
	put(o, "invalidation_time_outs", b->timed_out - a->timed_out);
	put(o, "stray_completions", b->stray - a->stray);
	json_object_set_new(o, "lie", lie(t));
	return o;
}
