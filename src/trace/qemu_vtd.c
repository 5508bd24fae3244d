// SPDX-License-Identifier: MIT
/*
 * What QEMU's model of VT-d says of itself when its trace points (hw/i386/trace-events) are on:
 *each lookup of its IOTLB and each invalidation it carried out. It is the device's side of a
 *recording: no maps or unmaps.
 *
 *	7.180470:vtd_iotlb_page_hit IOTLB page hit sid 0x10 iova 0xffffe040 slpte 0x... domain 0x4
 *	7.178521:vtd_inv_desc_iotlb_pages iotlb invalidate domain 0x4 addr 0xffffd000 mask 0x0
 *
 * A page_hit found the translation in the model's own IOTLB and a page_update walked the table: for
 * us both are one access. Lookups that failed are not among these events. The mask is the number
 * of low page number bits that do not count (VT-d specification 4.0, section 6.5.2.3), so the range
 * is 2^mask pages, aligned. Lines of other events of the model are passed on by name.
 */
#include <errno.h>
#include <string.h>

#include "trace/line.h"

#define QEMU_SECONDS_MAX 1000000000u
#define QEMU_PAGE_BYTES  4096u
#define QEMU_MASK_MAX    51u
#define QEMU_DOMAIN_MAX  0xFFFFu /* domain ids have 16 bits */

/* "seconds.microseconds:name", the name's first letters "vtd_". */
static bool qemu_find(const char *line, size_t bytes, struct trace_event *ev, struct cut *fields)
{
	struct cut c = {line, line + bytes}, word;
	uint64_t seconds, us;
	const char *fraction;

	cut_blanks(&c);
	if (!cut_decimal(&c, QEMU_SECONDS_MAX, &seconds) || !cut_text(&c, "."))
		return false;
	fraction = c.at;
	if (!cut_decimal(&c, 999999, &us) || c.at - fraction != 6 || !cut_text(&c, ":"))
		return false;
	if (!cut_word(&c, &word) || word.end - word.at < 4 || memcmp(word.at, "vtd_", 4) != 0)
		return false;
	*ev = (struct trace_event){.kind = TRACE_OTHER,
				   .has = TRACE_HAS(TRACE_F_TIME) | TRACE_HAS(TRACE_F_TEXT),
				   .time_ns = seconds * 1000000000u + us * 1000u,
				   .name = word.at,
				   .name_bytes = (size_t)(word.end - word.at)};
	cut_blanks(&c);
	ev->text = (struct trace_text){c.at, (size_t)(c.end - c.at)};
	*fields = c;
	return true;
}

static bool qemu_hex(struct cut *c, const char *name, uint64_t most, uint64_t *out)
{
	cut_blanks(c);
	if (!cut_text(c, name))
		return false;
	cut_blanks(c);
	return cut_hex(c, out) && *out <= most;
}

static const char *qemu_access(struct cut c, struct trace_event *ev)
{
	uint64_t sid, domain;

	ev->kind = TRACE_ACCESS;
	cut_blanks(&c);
	if (!cut_text(&c, "IOTLB page hit") && !cut_text(&c, "IOTLB page update"))
		return "'IOTLB page hit' or 'IOTLB page update'";
	if (!qemu_hex(&c, "sid", 0xFFFF, &sid) || !qemu_hex(&c, "iova", UINT64_MAX, &ev->iova) ||
	    !qemu_hex(&c, "slpte", UINT64_MAX, &ev->entry) ||
	    !qemu_hex(&c, "domain", QEMU_DOMAIN_MAX, &domain) || c.at != c.end)
		return "sid, iova, slpte and domain (16 bits), each in hexadecimal";
	ev->bytes = 1;
	ev->sid = (uint32_t)sid;
	ev->tag = (uint32_t)domain;
	ev->has |= TRACE_HAS(TRACE_F_IOVA) | TRACE_HAS(TRACE_F_TAG) | TRACE_HAS(TRACE_F_SID) |
		   TRACE_HAS(TRACE_F_ENTRY);
	return NULL;
}

static const char *qemu_pages(struct cut c, struct trace_event *ev)
{
	uint64_t domain, mask;

	ev->kind = TRACE_INVALIDATE;
	cut_blanks(&c);
	if (!cut_text(&c, "iotlb invalidate") ||
	    !qemu_hex(&c, "domain", QEMU_DOMAIN_MAX, &domain) ||
	    !qemu_hex(&c, "addr", UINT64_MAX, &ev->iova) ||
	    !qemu_hex(&c, "mask", QEMU_MASK_MAX, &mask) || c.at != c.end)
		return "'iotlb invalidate', domain (16 bits), addr and mask (up to 0x33)";
	ev->bytes = (uint64_t)QEMU_PAGE_BYTES << mask;
	ev->iova &= ~(ev->bytes - 1);
	ev->tag = (uint32_t)domain;
	ev->has |= TRACE_HAS(TRACE_F_IOVA) | TRACE_HAS(TRACE_F_BYTES) | TRACE_HAS(TRACE_F_TAG);
	return NULL;
}

static const char *qemu_domain(struct cut c, struct trace_event *ev)
{
	uint64_t domain;

	ev->kind = TRACE_INVALIDATE_TAG;
	cut_blanks(&c);
	if (!cut_text(&c, "iotlb invalidate whole domain ") || !cut_hex(&c, &domain) ||
	    domain > QEMU_DOMAIN_MAX || c.at != c.end)
		return "'iotlb invalidate whole domain 0x' and 16 bits";
	ev->tag = (uint32_t)domain;
	ev->has |= TRACE_HAS(TRACE_F_TAG);
	return NULL;
}

static const char *qemu_global(struct cut c, struct trace_event *ev)
{
	(void)c;
	ev->kind = TRACE_INVALIDATE_ALL;
	return NULL;
}

static const struct {
	const char *name;
	/* NULL, or what was expected and did not come. */
	const char *(*take)(struct cut c, struct trace_event *ev);
} qemu_events[] = {
	{"vtd_iotlb_page_hit", qemu_access},        {"vtd_iotlb_page_update", qemu_access},
	{"vtd_inv_desc_iotlb_pages", qemu_pages},   {"vtd_inv_desc_iotlb_domain", qemu_domain},
	{"vtd_inv_desc_iotlb_global", qemu_global},
};

/* 1 and *@ev; 0 if the line is no event; -EINVAL if it is one that does not read as it must. */
static int qemu_line(struct trace *t, struct cut line, struct trace_event *ev, struct err *err)
{
	struct cut fields;

	if (!qemu_find(line.at, (size_t)(line.end - line.at), ev, &fields)) {
		cut_blanks(&line);
		t->tally.unknown_lines += line.at != line.end;
		return 0;
	}
	ev->line = t->input.line;
	for (size_t i = 0; i < sizeof(qemu_events) / sizeof(qemu_events[0]); i++) {
		const char *wrong;

		if (strlen(qemu_events[i].name) != ev->name_bytes ||
		    memcmp(qemu_events[i].name, ev->name, ev->name_bytes) != 0)
			continue;
		ev->has &= ~TRACE_HAS(TRACE_F_TEXT);
		wrong = qemu_events[i].take(fields, ev);
		if (wrong)
			return trace_line_wrong(t, ev, wrong, err);
		break;
	}
	return 1;
}

static int qemu_next(struct trace *t, struct trace_event *ev, struct err *err)
{
	struct cut line;
	int rc;

	do {
		rc = trace_line(t, &line, NULL, err);
		if (rc <= 0)
			return rc;
		rc = qemu_line(t, line, ev, err);
	} while (rc == 0);
	return rc;
}

static bool qemu_claims(const char *head, size_t bytes)
{
	const char *at = head, *end = head + bytes;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *line_end = newline ? newline : end;
		struct trace_event ev;
		struct cut fields;

		if (qemu_find(at, (size_t)(line_end - at), &ev, &fields))
			return true;
		at = newline ? newline + 1 : end;
	}
	return false;
}

const struct trace_format trace_format_qemu_vtd = {
	.name = "qemu-vtd",
	.title = "trace points of QEMU's VT-d model: IOTLB lookups and invalidations",
	.claims = qemu_claims,
	.next = qemu_next,
};
