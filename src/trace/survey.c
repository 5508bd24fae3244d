// SPDX-License-Identifier: MIT
/* Counting what a trace consists of: see survey.h. */
#include "trace/survey.h"

#include <string.h>

#include "base/utf8.h"

int survey_init(struct survey *s)
{
	memset(s, 0, sizeof(*s));
	return loss_init(&s->loss);
}

void survey_fini(struct survey *s)
{
	loss_fini(&s->loss);
}

/* Is @kept what @name becomes if it is cut to fit? */
static bool survey_same(const char *kept, size_t room, const char *name, size_t bytes)
{
	const size_t n = utf8_cut(name, bytes, room - 1);

	return memcmp(kept, name, n) == 0 && !kept[n];
}

static void survey_event(struct survey *s, const struct trace_event *ev)
{
	const uint64_t bytes = trace_has(ev, TRACE_F_BYTES) ? ev->bytes : 0;
	unsigned i = 0;

	while (i < s->events &&
	       (s->event[i].kind != ev->kind ||
		!survey_same(s->event[i].name, sizeof(s->event[i].name), ev->name, ev->name_bytes)))
		i++;
	if (i == SURVEY_NAMES) {
		s->beyond++;
		return;
	}
	if (i == s->events) {
		s->event[i].kind = ev->kind;
		memcpy(s->event[i].name, ev->name,
		       utf8_cut(ev->name, ev->name_bytes, sizeof(s->event[i].name) - 1));
		s->events++;
	}
	s->event[i].count++;
	s->event[i].bytes += bytes;
}

static void survey_device(struct survey *s, const struct trace_event *ev)
{
	unsigned i = 0;

	if (ev->kind != TRACE_API_MAP && ev->kind != TRACE_API_MAP_SG)
		return;
	if (!trace_has(ev, TRACE_F_DEV))
		return;
	while (i < s->devices && !survey_same(s->device[i].name, sizeof(s->device[i].name),
					      ev->dev.at, ev->dev.bytes))
		i++;
	if (i == SURVEY_DEVICES)
		return;
	if (i == s->devices) {
		memcpy(s->device[i].name, ev->dev.at,
		       utf8_cut(ev->dev.at, ev->dev.bytes, sizeof(s->device[i].name) - 1));
		s->devices++;
	}
	s->device[i].count++;
	s->device[i].bytes += trace_has(ev, TRACE_F_BYTES) ? ev->bytes : 0;
}

int survey_take(struct survey *s, const struct trace_event *ev)
{
	if (ev->kind == TRACE_LOST || ev->kind == TRACE_STEP)
		return 0;
	s->total++;
	if (trace_has(ev, TRACE_F_TIME)) {
		if (!s->timed || ev->time_ns < s->first_ns)
			s->first_ns = ev->time_ns;
		if (!s->timed || ev->time_ns > s->last_ns)
			s->last_ns = ev->time_ns;
		s->timed = true;
	}
	survey_event(s, ev);
	survey_device(s, ev);
	return loss_take(&s->loss, ev);
}
