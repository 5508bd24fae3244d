// SPDX-License-Identifier: MIT
/*
 * From the binary fields of an event that comes often to ours, without printing it: the tracepoints
 * of the IOMMU layer and of the invalidation queue, and the probes of docs/traces.md. An event
 * whose fields are not exactly those is read by its text.
 */
#include <event-parse.h>
#include <string.h>

#include "trace/trace_dat.h"

static const struct {
	const char *name;
	enum trace_field field;
} dat_fields[] = {
	{"iova", TRACE_F_IOVA},         {"paddr", TRACE_F_PADDR},
	{"size", TRACE_F_BYTES},        {"unmapped_size", TRACE_F_DONE},
	{"qw0", TRACE_F_WORD0},         {"qw1", TRACE_F_WORD1},
	{"qw2", TRACE_F_WORD2},         {"qw3", TRACE_F_WORD3},
	{"iommu", TRACE_F_DEV},         {"dev", TRACE_F_DEV},
	{"off", TRACE_F_OFFSET},        {"dir", TRACE_F_DIR},
	{"nents", TRACE_F_NENTS},       {"cpu", TRACE_F_VIRT},
	{"pages", TRACE_F_PAGES},       {"limit_pfn", TRACE_F_LIMIT},
	{"pfn", TRACE_F_PFN},           {"__probe_ip", TRACE_F_SITE},
	{"__probe_func", TRACE_F_SITE}, {"__probe_ret_ip", TRACE_F_CALLER},
};

#define BIT(f) TRACE_HAS(TRACE_F_##f)
#define PROBE  (BIT(SITE) | BIT(CALLER))
#define WORDS  (BIT(WORD0) | BIT(WORD1) | BIT(WORD2) | BIT(WORD3))

/* What each kind has, beside the addresses of a probe; 0: read by its text. */
static const uint64_t dat_has[TRACE_KINDS] = {
	[TRACE_MAP] = BIT(IOVA) | BIT(PADDR) | BIT(BYTES),
	[TRACE_UNMAP] = BIT(IOVA) | BIT(BYTES) | BIT(DONE),
	[TRACE_QI_SUBMIT] = WORDS | BIT(DEV),
	[TRACE_API_MAP] = BIT(SITE) | BIT(DEV) | BIT(OFFSET) | BIT(BYTES) | BIT(DIR),
	[TRACE_API_MAP_RET] = PROBE | BIT(IOVA),
	[TRACE_API_UNMAP] = BIT(SITE) | BIT(DEV) | BIT(IOVA) | BIT(BYTES) | BIT(DIR),
	[TRACE_API_MAP_SG] = BIT(SITE) | BIT(DEV) | BIT(NENTS) | BIT(DIR),
	[TRACE_API_MAP_SG_RET] = PROBE | BIT(RET),
	[TRACE_API_UNMAP_SG] = BIT(SITE) | BIT(DEV) | BIT(NENTS) | BIT(DIR),
	[TRACE_API_ALLOC] = BIT(SITE) | BIT(DEV) | BIT(BYTES),
	[TRACE_API_ALLOC_RET] = PROBE | BIT(VIRT),
	[TRACE_API_FREE] = BIT(SITE) | BIT(DEV) | BIT(BYTES) | BIT(IOVA),
	[TRACE_IOVA_SLOW] = BIT(SITE) | BIT(PAGES) | BIT(LIMIT),
	[TRACE_IOVA_FREE_SLOW] = BIT(SITE) | BIT(PFN),
	[TRACE_FQ_TIMEOUT] = BIT(SITE),
	[TRACE_FQ_FLUSH] = BIT(SITE),
};

/* Adds a step for @from; false if it is none of ours. */
static bool dat_step(struct dat_plan *plan, struct tep_format_field *from, uint64_t *has)
{
	enum trace_field to;

	for (size_t i = 0; i < sizeof(dat_fields) / sizeof(dat_fields[0]); i++) {
		if (strcmp(from->name, dat_fields[i].name) != 0)
			continue;
		to = dat_fields[i].field;
		if (to == TRACE_F_NENTS && plan->row->kind == TRACE_API_MAP_SG_RET)
			to = TRACE_F_RET;
		if (plan->steps == DAT_STEPS || *has & TRACE_HAS(to))
			return false;
		if ((to == TRACE_F_DEV) != !!(from->flags & TEP_FIELD_IS_DYNAMIC) ||
		    from->flags & TEP_FIELD_IS_RELATIVE)
			return false;
		plan->step[plan->steps].from = from;
		plan->step[plan->steps++].to = to;
		*has |= TRACE_HAS(to);
		return true;
	}
	return false;
}

void dat_plan(struct dat_plan *plan, struct tep_event *event)
{
	uint64_t has = 0;

	*plan = (struct dat_plan){.event = event,
				  .row = fields_find(event->name, strlen(event->name)),
				  .by_text = true};
	if (!plan->row)
		return;
	for (struct tep_format_field *f = event->format.fields; f; f = f->next)
		if (!dat_step(plan, f, &has))
			return;
	plan->by_text = has == 0 || has != dat_has[plan->row->kind];
}

/* A string whose place in the record is told by a word: length << 16 | offset. */
static bool dat_words(const struct tep_format_field *from, const struct tep_record *record,
		      struct trace_text *out)
{
	unsigned long long where;
	size_t at, bytes;

	if (from->offset < 0 || from->offset + 4 > record->size)
		return false;
	if (tep_read_number_field((struct tep_format_field *)(uintptr_t)from, record->data, &where))
		return false;
	at = where & 0xFFFF;
	bytes = where >> 16 & 0xFFFF;
	/* With its final zero; a probe that could not read the string has none. */
	if (bytes < 2 || at + bytes > (size_t)record->size)
		return false;
	out->at = (const char *)record->data + at;
	out->bytes = strnlen(out->at, bytes);
	return true;
}

bool dat_take(const struct dat_plan *plan, const struct tep_record *record, struct trace_event *ev)
{
	for (unsigned i = 0; i < plan->steps; i++) {
		struct tep_format_field *from = plan->step[i].from;
		const enum trace_field to = plan->step[i].to;
		unsigned long long value;

		if (to == TRACE_F_DEV) {
			if (!dat_words(from, record, &ev->dev))
				return false;
			ev->has |= BIT(DEV);
			continue;
		}
		if (from->offset < 0 || from->size < 0 ||
		    from->offset + from->size > record->size ||
		    tep_read_number_field(from, record->data, &value))
			return false;
		if (to == TRACE_F_DIR && value > TRACE_DIR_NONE)
			return false;
		if (to == TRACE_F_RET)
			value = (uint64_t)(int64_t)(int32_t)value;
		trace_field_put(ev, to, value);
	}
	ev->kind = plan->row->kind;
	if (ev->kind == TRACE_QI_SUBMIT)
		trace_qi_decode(ev);
	return true;
}
