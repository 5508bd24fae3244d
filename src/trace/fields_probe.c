// SPDX-License-Identifier: MIT
/*
 * The text of kprobes on the DMA API's functions, on the allocator of I/O addresses and on the
 * flush queue, under the names that docs/traces.md defines them with:
 *
 *	(ffffffffb1ae8d90) dev="0000:00:01.0" off=2294 size=74 dir=1
 *	(ffffffffb1ae8d90 <- ffffffffc030ad4e) iova=0xffffc8f6
 *
 * The kernel writes the addresses in parentheses as symbols, trace-cmd as numbers. Probes are named
 * by whoever defines them, so an event of such a name whose text is made otherwise is another
 *event.
 */
#include <string.h>

#include "trace/fields.h"

#define BIT(f) TRACE_HAS(TRACE_F_##f)

/* What an argument is called, and where it belongs. */
static const struct {
	const char *name;
	enum trace_field field;
} probe_arguments[] = {
	{"dev", TRACE_F_DEV},  {"off", TRACE_F_OFFSET},  {"size", TRACE_F_BYTES},
	{"dir", TRACE_F_DIR},  {"iova", TRACE_F_IOVA},   {"nents", TRACE_F_NENTS},
	{"cpu", TRACE_F_VIRT}, {"pages", TRACE_F_PAGES}, {"limit_pfn", TRACE_F_LIMIT},
	{"pfn", TRACE_F_PFN},
};

/* What each kind needs to have said. */
static const uint64_t probe_needs[TRACE_KINDS] = {
	[TRACE_API_MAP] = BIT(DEV) | BIT(OFFSET) | BIT(BYTES) | BIT(DIR),
	[TRACE_API_MAP_RET] = BIT(IOVA),
	[TRACE_API_UNMAP] = BIT(DEV) | BIT(IOVA) | BIT(BYTES) | BIT(DIR),
	[TRACE_API_MAP_SG] = BIT(DEV) | BIT(NENTS) | BIT(DIR),
	[TRACE_API_MAP_SG_RET] = BIT(RET),
	[TRACE_API_UNMAP_SG] = BIT(DEV) | BIT(NENTS) | BIT(DIR),
	[TRACE_API_ALLOC] = BIT(DEV) | BIT(BYTES),
	[TRACE_API_ALLOC_RET] = BIT(VIRT),
	[TRACE_API_FREE] = BIT(DEV) | BIT(BYTES) | BIT(IOVA),
	[TRACE_IOVA_SLOW] = BIT(PAGES) | BIT(LIMIT),
	[TRACE_IOVA_FREE_SLOW] = BIT(PFN),
};

/* An address without 0x, up to @end. */
static bool probe_address(struct cut c, uint64_t *out)
{
	*out = 0;
	return c.at < c.end && cut_bare_hex(&c, out) && c.at == c.end;
}

/* "(site)" or "(site <- caller)". */
static bool probe_site(struct cut *c, struct trace_event *ev)
{
	const char *close, *arrow;
	struct cut site, caller = {NULL, NULL};
	bool numbers;

	if (!cut_text(c, "("))
		return false;
	close = memchr(c->at, ')', (size_t)(c->end - c->at));
	if (!close)
		return false;
	arrow = memmem(c->at, (size_t)(close - c->at), " <- ", 4);
	site = (struct cut){c->at, arrow ? arrow : close};
	if (arrow)
		caller = (struct cut){arrow + 4, close};
	numbers = probe_address(site, &ev->site) && (!arrow || probe_address(caller, &ev->caller));
	if (numbers) {
		ev->has |= BIT(SITE) | (arrow ? BIT(CALLER) : 0);
	} else {
		ev->text = (struct trace_text){c->at, (size_t)(close - c->at)};
		ev->has |= BIT(TEXT);
	}
	c->at = close + 1;
	return true;
}

/* "text" in quotation marks. */
static bool probe_quoted(struct cut *c, struct trace_text *out)
{
	const char *close;

	if (!cut_text(c, "\""))
		return false;
	close = memchr(c->at, '"', (size_t)(c->end - c->at));
	if (!close)
		return false;
	*out = (struct trace_text){c->at, (size_t)(close - c->at)};
	c->at = close + 1;
	return true;
}

static bool probe_value(struct cut *c, enum trace_field field, struct trace_event *ev)
{
	uint64_t value;
	bool minus;

	if (field == TRACE_F_DEV) {
		ev->has |= BIT(DEV);
		return probe_quoted(c, &ev->dev);
	}
	if (field == TRACE_F_NENTS && ev->kind == TRACE_API_MAP_SG_RET)
		field = TRACE_F_RET;
	minus = field == TRACE_F_RET && cut_text(c, "-");
	if (!cut_hex(c, &value) && !cut_decimal(c, UINT64_MAX, &value))
		return false;
	if (field == TRACE_F_DIR && value > TRACE_DIR_NONE)
		return false;
	if (field == TRACE_F_NENTS && value > UINT32_MAX)
		return false;
	if (field == TRACE_F_RET && value > INT32_MAX)
		return false;
	trace_field_put(ev, field, minus ? -value : value);
	return true;
}

/* "name=value" */
static bool probe_argument(struct cut *c, struct trace_event *ev)
{
	for (size_t i = 0; i < sizeof(probe_arguments) / sizeof(probe_arguments[0]); i++) {
		const struct cut before = *c;

		if (!cut_text(c, probe_arguments[i].name) || !cut_text(c, "=")) {
			*c = before;
			continue;
		}
		if (trace_has(ev, probe_arguments[i].field))
			return false;
		return probe_value(c, probe_arguments[i].field, ev) &&
		       (c->at == c->end || cut_is_blank(*c->at));
	}
	return false;
}

static const char *probe_take(struct trace *t, struct cut c, struct trace_event *ev)
{
	uint64_t needs = probe_needs[ev->kind];
	uint64_t known;

	(void)t;
	if (!probe_site(&c, ev))
		return FIELDS_FOREIGN;
	known = needs | BIT(SITE) | BIT(CALLER) | BIT(TEXT) | BIT(TIME) | BIT(TASK) | BIT(CONTEXT);
	for (cut_blanks(&c); c.at < c.end; cut_blanks(&c))
		if (!probe_argument(&c, ev))
			return FIELDS_FOREIGN;
	return (ev->has & needs) == needs && !(ev->has & ~known) ? NULL : FIELDS_FOREIGN;
}

const struct fields_row fields_probe[] = {
	{"map_page", TRACE_API_MAP, probe_take},
	{"map_page_ret", TRACE_API_MAP_RET, probe_take},
	{"unmap_page", TRACE_API_UNMAP, probe_take},
	{"map_sg", TRACE_API_MAP_SG, probe_take},
	{"map_sg_ret", TRACE_API_MAP_SG_RET, probe_take},
	{"unmap_sg", TRACE_API_UNMAP_SG, probe_take},
	{"alloc", TRACE_API_ALLOC, probe_take},
	{"alloc_ret", TRACE_API_ALLOC_RET, probe_take},
	{"free", TRACE_API_FREE, probe_take},
	{"iova_slow", TRACE_IOVA_SLOW, probe_take},
	{"iova_free_slow", TRACE_IOVA_FREE_SLOW, probe_take},
	{"fq_flush_timeout", TRACE_FQ_TIMEOUT, probe_take},
	{"fq_flush_iotlb", TRACE_FQ_FLUSH, probe_take},
	{0},
};
