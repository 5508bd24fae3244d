/* SPDX-License-Identifier: MIT */
/* A recording as a timeline: mappings, instants, beginning and end. */
#include "trace/export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace/export_impl.h"
#include "trace/loss.h"

#define PAGE_SHIFT 12
#define PS_PER_NS  1000u

/* ---- threads and time ---- */

int export_name(struct trace_exporter *x, uint32_t pid, uint32_t tid, const char *name,
		size_t bytes)
{
	struct pfnmap_slot *slot = pfnmap_put(&x->named, (uint64_t)pid << 32 | tid);
	char words[64];

	if (!slot)
		return -ENOMEM;
	if (slot->value[0])
		return 0;
	slot->value[0] = 1;
	snprintf(words, sizeof(words), "%.*s", (int)bytes, name);
	tl_name(&x->out, "thread_name", pid, tid, words);
	return 0;
}

/*
 * Since the first event: stamps may be nanoseconds of this century, which a viewer's numbers do not
 * hold. Without stamps each event is a microsecond after the one before.
 */
static uint64_t export_time(struct trace_exporter *x, const struct trace_event *ev)
{
	uint64_t ns;

	if (!x->begun && ev->kind != TRACE_LOST && ev->kind != TRACE_STEP) {
		x->begun = true;
		x->timed = trace_has(ev, TRACE_F_TIME);
		x->first_ns = ev->time_ns;
	}
	if (!x->timed)
		return x->last_ps = x->number * 1000 * PS_PER_NS;
	if (!trace_has(ev, TRACE_F_TIME)) /* marks have no stamp of their own */
		return x->last_ps;
	ns = ev->time_ns > x->first_ns ? ev->time_ns - x->first_ns : 0;
	if (ns > UINT64_MAX / PS_PER_NS)
		ns = UINT64_MAX / PS_PER_NS;
	if (ns * PS_PER_NS > x->last_ps)
		x->last_ps = ns * PS_PER_NS;
	return ns * PS_PER_NS;
}

/* ---- arguments ---- */

static struct tl_arg text_arg(const char *key, const char *text, size_t bytes)
{
	return (struct tl_arg){.key = key, .form = TL_TEXT, .text = text, .bytes = bytes};
}

static struct tl_arg number_arg(const char *key, enum tl_form form, uint64_t number)
{
	return (struct tl_arg){.key = key, .form = form, .number = number};
}

/* False: a list or a mark, which have no place in an argument. */
static bool field_arg(const struct trace_event *ev, enum trace_field field, struct tl_arg *arg)
{
	const struct trace_field_row *row = &trace_fields[field];
	const struct trace_text *text;

	switch (row->form) {
	case TRACE_FORM_DECIMAL:
	case TRACE_FORM_SIGNED:
		*arg = number_arg(row->name, TL_NUMBER, trace_field_number(ev, field));
		if (row->form == TRACE_FORM_SIGNED && (int64_t)arg->number < 0)
			arg->form = TL_HEX;
		return true;
	case TRACE_FORM_HEX:
		*arg = number_arg(row->name, TL_HEX, trace_field_number(ev, field));
		return true;
	case TRACE_FORM_DIR:
		*arg = text_arg(row->name, trace_dir_name(ev->dir),
				strlen(trace_dir_name(ev->dir)));
		return true;
	case TRACE_FORM_WORDS:
		text = (const struct trace_text *)(const void *)((const char *)ev + row->at);
		*arg = text_arg(row->name, text->at, text->bytes);
		return true;
	default:
		return false;
	}
}

/* As many of the event's fields as there is room for; those that stand in columns are left out. */
static void field_args(const struct trace_event *ev, struct tl_arg arg[TL_ARGS])
{
	unsigned n = 0;

	for (unsigned f = 0; f < TRACE_FIELDS && n < TL_ARGS; f++)
		if (trace_has(ev, (enum trace_field)f) &&
		    field_arg(ev, (enum trace_field)f, &arg[n]))
			n++;
}

struct tl_event export_instant(struct trace_exporter *x, const struct trace_event *ev)
{
	struct tl_event e = {.phase = TL_INSTANT,
			     .name = ev->name,
			     .name_bytes = ev->name_bytes,
			     .category = trace_kind_name(ev->kind),
			     .ps = export_time(x, ev),
			     .pid = EXPORT_CPUS,
			     .tid = ev->cpu};

	if (ev->kind >= TRACE_ACCESS && ev->kind <= TRACE_INVALIDATE_ALL) {
		e.pid = EXPORT_IOTLB;
		e.tid = 0;
	}
	if (!ev->name || !ev->name_bytes) {
		e.name = e.category;
		e.name_bytes = 0;
	}
	field_args(ev, e.arg);
	return e;
}

static int put_instant(struct trace_exporter *x, const struct trace_event *ev)
{
	const struct tl_event e = export_instant(x, ev);
	char words[24];

	tl_put(&x->out, &e);
	if (e.pid != EXPORT_CPUS)
		return 0;
	snprintf(words, sizeof(words), "CPU %u", ev->cpu);
	return export_name(x, EXPORT_CPUS, e.tid, words, strlen(words));
}

/* ---- mappings ---- */

static struct tl_event mapping(enum tl_phase phase, uint64_t id, uint64_t ps)
{
	return (struct tl_event){.phase = phase,
				 .name = "map",
				 .category = "mapping",
				 .ps = ps,
				 .pid = EXPORT_MAPPINGS,
				 .id = id};
}

static int take_map(struct trace_exporter *x, const struct trace_event *ev, uint64_t ps)
{
	const uint64_t pages = ev->bytes >> PAGE_SHIFT;
	struct tl_event e = mapping(TL_BEGIN, x->ids + 1, ps);
	struct match_map *map;
	bool shared;

	if (pages > LOSS_PAGES_MAX - x->match.live_pages)
		return put_instant(x, ev);
	if (match_add(&x->match, ev->iova >> PAGE_SHIFT, pages, &map, &shared))
		return -ENOMEM;
	map->number = ++x->ids;
	map->since = ps;
	map->state = MATCH_READY;
	e.arg[0] = number_arg("iova", TL_HEX, ev->iova);
	e.arg[1] = number_arg("bytes", TL_NUMBER, ev->bytes);
	e.arg[2] = number_arg("paddr", TL_HEX, ev->paddr);
	e.arg[3] = number_arg("cpu", TL_NUMBER, ev->cpu);
	if (trace_has(ev, TRACE_F_TASK))
		e.arg[4] = text_arg("task", ev->task.at, ev->task.bytes);
	tl_put(&x->out, &e);
	return 0;
}

static int take_unmap(struct trace_exporter *x, const struct trace_event *ev, uint64_t ps)
{
	const uint64_t pages = ev->done_bytes >> PAGE_SHIFT;

	if (pages > LOSS_PAGES_MAX)
		return put_instant(x, ev);
	if (match_take(&x->match, ev->iova >> PAGE_SHIFT, pages, &x->ended))
		return -ENOMEM;
	for (size_t i = 0; i < x->ended.count; i++) {
		struct match_map *map = x->ended.map[i];
		/* A stamp may be earlier than the map's: CPUs' clocks differ. */
		struct tl_event e = mapping(TL_END, map->number, ps > map->since ? ps : map->since);

		e.arg[0] = number_arg("cpu", TL_NUMBER, ev->cpu);
		if (trace_has(ev, TRACE_F_TASK))
			e.arg[1] = text_arg("task", ev->task.at, ev->task.bytes);
		tl_put(&x->out, &e);
		match_release(&x->match, map);
	}
	/* Of a map before the recording, or of a part of one: it ends nothing. */
	return x->ended.count ? 0 : put_instant(x, ev);
}

/* ---- beginning and end ---- */

int export_create(struct trace_exporter **out, FILE *to)
{
	struct trace_exporter *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	if (match_init(&x->match) || pfnmap_init(&x->named, 64)) {
		export_destroy(x);
		return -ENOMEM;
	}
	tl_open(&x->out, to);
	tl_name(&x->out, "process_name", EXPORT_MAPPINGS, 0, "mappings");
	tl_name(&x->out, "process_name", EXPORT_CPUS, 0, "CPUs");
	tl_name(&x->out, "process_name", EXPORT_IOTLB, 0, "IOTLB");
	tl_name(&x->out, "process_name", EXPORT_CALLS, 0, "calls of the DMA API");
	*out = x;
	return 0;
}

int export_take(struct trace_exporter *x, const struct trace_event *ev)
{
	const uint64_t ps = export_time(x, ev);
	int rc;

	x->number += ev->kind != TRACE_LOST && ev->kind != TRACE_STEP;
	if (ev->kind == TRACE_MAP)
		return take_map(x, ev, ps);
	if (ev->kind == TRACE_UNMAP)
		return take_unmap(x, ev, ps);
	rc = export_call(x, ev, ps);
	if (rc)
		return rc < 0 ? rc : 0;
	return put_instant(x, ev);
}

int export_finish(struct trace_exporter *x, const struct trace_tally *tally)
{
	const char *time = x->timed ? "as recorded" : "order only: a microsecond each";
	const struct tl_arg about[TL_ARGS] = {
		number_arg("events", TL_NUMBER, tally->events),
		number_arg("lost_events", TL_NUMBER, tally->lost_events),
		number_arg("lost_marks", TL_NUMBER, tally->lost_marks),
		number_arg("first_ns", TL_NUMBER, x->first_ns),
		text_arg("time", time, strlen(time))};

	export_calls_end(x);
	for (const struct match_map *map = x->match.oldest; map; map = map->newer) {
		struct tl_event e = mapping(TL_END, map->number, x->last_ps);

		e.arg[0] = text_arg("end", "of the recording", 16);
		tl_put(&x->out, &e);
	}
	return tl_close(&x->out, about);
}

void export_destroy(struct trace_exporter *x)
{
	if (!x)
		return;
	match_list_fini(&x->ended);
	match_fini(&x->match);
	pfnmap_fini(&x->named);
	free(x);
}
