// SPDX-License-Identifier: MIT
/*
 * What QEMU's model of POWER's sPAPR IOMMU says of the hypercalls it is asked for (hw/ppc/trace-
 * events): each changes entries of one table, which is called by its logical I/O bus number.
 *
 *	spapr_iommu_pci_put liobn=0x80000000 ioba=0x1000 tce=0x55d3003 ret=0
 *	spapr_iommu_pci_indirect liobn=0x... ioba=0x30000000 tcelist=0x... iobaN=0xf tceN=0x...
 *ret=0 spapr_iommu_pci_stuff liobn=0x80000000 ioba=0x2000 tcevalue=0x0 npages=1 ret=0
 *
 * Of a batch (H_PUT_TCE_INDIRECT) the line gives the first address, and number and value of the
 * last entry; an H_STUFF_TCE is printed with the address behind what it set. An entry is a page of
 * 4 KiB; in the 64-bit windows, from 2^59 on, pages are larger, and only ddw_create, which need not
 * be in the file, says how large: such calls have a number of entries but no bytes.
 *
 * Nothing has a time stamp. Nor does anything say which CPU called.
 */
#include <errno.h>
#include <string.h>

#include "trace/line.h"

#define TCE_PAGE_BYTES UINT64_C(4096)
#define TCE_BATCH_MAX  512u                /* entries that a list of 4 KiB has */
#define TCE_WINDOW_64  (UINT64_C(1) << 59) /* where a dynamic window begins */
#define TCE_STATUS_MAX (UINT64_C(1) << 32)

/* A blank, "name=" and a hexadecimal number. */
static bool tce_hex(struct cut *c, const char *name, uint64_t most, uint64_t *out)
{
	cut_blanks(c);
	return cut_text(c, name) && cut_hex(c, out) && *out <= most;
}

/* The table and the address. */
static bool tce_place(struct cut *c, struct trace_event *ev)
{
	uint64_t liobn;

	if (!tce_hex(c, "liobn=", UINT32_MAX, &liobn) ||
	    !tce_hex(c, "ioba=", UINT64_MAX, &ev->iova))
		return false;
	trace_field_put(ev, TRACE_F_TAG, liobn);
	trace_field_put(ev, TRACE_F_IOVA, ev->iova);
	return true;
}

/* The end of a line: what the hypervisor answered, 0 for success, negative for a refusal. */
static bool tce_status(struct cut *c, struct trace_event *ev)
{
	uint64_t value = 0;
	bool negative;

	cut_blanks(c);
	if (!cut_text(c, "ret="))
		return false;
	negative = cut_text(c, "-");
	if (!cut_decimal(c, TCE_STATUS_MAX, &value))
		return false;
	trace_field_put(ev, TRACE_F_RET, negative ? ~value + 1 : value);
	return c->at == c->end;
}

/* @entries from ev->iova on were meant. NULL, or what would have been an address of theirs. */
static const char *tce_extent(struct trace_event *ev, uint64_t entries)
{
	if (ev->iova % TCE_PAGE_BYTES)
		return "an ioba that is a multiple of 4096";
	trace_field_put(ev, TRACE_F_PAGES, entries);
	if (ev->iova >= TCE_WINDOW_64)
		return NULL;
	trace_field_put(ev, TRACE_F_BYTES, entries * TCE_PAGE_BYTES);
	return ev->bytes <= TCE_WINDOW_64 - ev->iova ? NULL : "entries that end below 2^59";
}

static const char *tce_put(struct cut c, struct trace_event *ev)
{
	uint64_t tce;

	ev->kind = TRACE_TCE_PUT;
	if (!tce_place(&c, ev) || !tce_hex(&c, "tce=", UINT64_MAX, &tce) || !tce_status(&c, ev))
		return "liobn, ioba and tce, each in hexadecimal, and ret";
	trace_field_put(ev, TRACE_F_ENTRY, tce);
	return tce_extent(ev, 1);
}

static const char *tce_indirect(struct cut c, struct trace_event *ev)
{
	uint64_t list, last, tce;

	ev->kind = TRACE_TCE_INDIRECT;
	if (!tce_place(&c, ev) || !tce_hex(&c, "tcelist=", UINT64_MAX, &list) ||
	    !tce_hex(&c, "iobaN=", TCE_BATCH_MAX - 1, &last) ||
	    !tce_hex(&c, "tceN=", UINT64_MAX, &tce) || !tce_status(&c, ev))
		return "liobn, ioba, tcelist, iobaN (up to 0x1ff) and tceN, each in hexadecimal, "
		       "and ret";
	trace_field_put(ev, TRACE_F_ENTRY, tce);
	return tce_extent(ev, last + 1);
}

static const char *tce_stuff(struct cut c, struct trace_event *ev)
{
	uint64_t value, pages;

	ev->kind = TRACE_TCE_STUFF;
	if (!tce_place(&c, ev) || !tce_hex(&c, "tcevalue=", UINT64_MAX, &value))
		return "liobn, ioba and tcevalue, each in hexadecimal";
	cut_blanks(&c);
	if (!cut_text(&c, "npages=") || !cut_decimal(&c, TCE_WINDOW_64 / TCE_PAGE_BYTES, &pages) ||
	    !pages || !tce_status(&c, ev))
		return "npages, a positive number up to 2^47, and ret";
	trace_field_put(ev, TRACE_F_ENTRY, value);
	if (ev->iova < TCE_WINDOW_64) {
		if (ev->iova < pages * TCE_PAGE_BYTES)
			return "an ioba behind npages pages";
		ev->iova -= pages * TCE_PAGE_BYTES;
	}
	return tce_extent(ev, pages);
}

static const struct {
	const char *name;
	/* NULL, or what was expected and did not come. */
	const char *(*take)(struct cut c, struct trace_event *ev);
} tce_events[] = {
	{"spapr_iommu_pci_put", tce_put},           {"spapr_iommu_put", tce_put},
	{"spapr_iommu_pci_indirect", tce_indirect}, {"spapr_iommu_indirect", tce_indirect},
	{"spapr_iommu_pci_stuff", tce_stuff},       {"spapr_iommu_stuff", tce_stuff},
};

/* The name of an event of the model, and what follows it. */
static bool tce_find(struct cut line, struct trace_event *ev, struct cut *fields)
{
	static const char prefix[] = "spapr_iommu_";
	struct cut c = line, word;

	cut_blanks(&c);
	if (!cut_word(&c, &word) || (size_t)(word.end - word.at) < sizeof(prefix) ||
	    memcmp(word.at, prefix, sizeof(prefix) - 1) != 0)
		return false;
	cut_blanks(&c);
	*ev = (struct trace_event){.kind = TRACE_OTHER,
				   .has = TRACE_HAS(TRACE_F_TEXT),
				   .name = word.at,
				   .name_bytes = (size_t)(word.end - word.at),
				   .text = {c.at, (size_t)(c.end - c.at)}};
	*fields = c;
	return true;
}

/* 1 and *@ev; 0 if the line is no event; -EINVAL if it is one that does not read as it must. */
static int tce_line(struct trace *t, struct cut line, struct trace_event *ev, struct err *err)
{
	struct cut fields;

	if (!tce_find(line, ev, &fields)) {
		cut_blanks(&line);
		t->tally.unknown_lines += line.at != line.end;
		return 0;
	}
	ev->line = t->input.line;
	for (size_t i = 0; i < sizeof(tce_events) / sizeof(tce_events[0]); i++) {
		const char *wrong;

		if (strlen(tce_events[i].name) != ev->name_bytes ||
		    memcmp(tce_events[i].name, ev->name, ev->name_bytes) != 0)
			continue;
		ev->has &= ~TRACE_HAS(TRACE_F_TEXT);
		wrong = tce_events[i].take(fields, ev);
		if (wrong)
			return trace_line_wrong(t, ev, wrong, err);
		break;
	}
	return 1;
}

static int tce_next(struct trace *t, struct trace_event *ev, struct err *err)
{
	struct cut line;
	int rc;

	do {
		rc = trace_line(t, &line, NULL, err);
		if (rc <= 0)
			return rc;
		rc = tce_line(t, line, ev, err);
	} while (rc == 0);
	return rc;
}

static bool tce_claims(const char *head, size_t bytes)
{
	const char *at = head, *end = head + bytes;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *line_end = newline ? newline : end;
		struct trace_event ev;
		struct cut fields;

		if (tce_find((struct cut){at, line_end}, &ev, &fields))
			return true;
		at = newline ? newline + 1 : end;
	}
	return false;
}

const struct trace_format trace_format_qemu_tce = {
	.name = "qemu-tce",
	.title = "trace points of QEMU's sPAPR IOMMU: H_PUT_TCE, H_PUT_TCE_INDIRECT, H_STUFF_TCE",
	.claims = tce_claims,
	.next = tce_next,
};
