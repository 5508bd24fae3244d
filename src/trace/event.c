// SPDX-License-Identifier: MIT
/* Names, places and forms of what an event has: the one table that printers, converters and filters
 * go by, so that a field is added in one place. See event.h. */
#include "trace/event.h"

#include <string.h>

#include "trace/format.h"

#define PAGE_BYTES   4096u
#define PADDR_END    (UINT64_C(1) << 52) /* physical addresses of x86 and Arm end here */
#define QI_IOVA_MASK (~(uint64_t)(PAGE_BYTES - 1))
#define QI_AM_MASK   63u
#define QI_AM_MOST   51u /* 2^51 pages are the whole address space of 63 bits */

#define AT(member) \
	offsetof(struct trace_event, member), sizeof(((struct trace_event *)NULL)->member)
#define FORM(member, form) TRACE_FORM_##form, AT(member)

/* clang-format off */
const struct trace_field_row trace_fields[TRACE_FIELDS] = {
	[TRACE_F_TIME]      = {"time",     TRACE_FORM_AHEAD, AT(time_ns)},
	[TRACE_F_TASK]      = {"task",     TRACE_FORM_AHEAD, AT(task)},
	[TRACE_F_CONTEXT]   = {"context",  TRACE_FORM_AHEAD, AT(context)},
	[TRACE_F_DEV]       = {"dev",      FORM(dev, WORDS)},
	[TRACE_F_DRIVER]    = {"driver",   FORM(driver, WORDS)},
	[TRACE_F_IOVA]      = {"iova",     FORM(iova, HEX)},
	[TRACE_F_BYTES]     = {"bytes",    FORM(bytes, DECIMAL)},
	[TRACE_F_PADDR]     = {"paddr",    FORM(paddr, HEX)},
	[TRACE_F_DONE]      = {"done",     FORM(done_bytes, DECIMAL)},
	[TRACE_F_TAG]       = {"tag",      FORM(tag, HEX)},
	[TRACE_F_SID]       = {"sid",      FORM(sid, HEX)},
	[TRACE_F_ENTRY]     = {"entry",    FORM(entry, HEX)},
	[TRACE_F_DIR]       = {"dir",      FORM(dir, DIR)},
	[TRACE_F_OFFSET]    = {"offset",   FORM(offset, DECIMAL)},
	[TRACE_F_NENTS]     = {"nents",    FORM(nents, DECIMAL)},
	[TRACE_F_ENTS]      = {"ents",     FORM(ents, DECIMAL)},
	[TRACE_F_RET]       = {"ret",      FORM(ret, SIGNED)},
	[TRACE_F_PAGES]     = {"pages",    FORM(pages, DECIMAL)},
	[TRACE_F_LIMIT]     = {"limit",    FORM(limit, HEX)},
	[TRACE_F_PFN]       = {"pfn",      FORM(pfn, HEX)},
	[TRACE_F_WORD0]     = {"word0",    FORM(word[0], HEX)},
	[TRACE_F_WORD1]     = {"word1",    FORM(word[1], HEX)},
	[TRACE_F_WORD2]     = {"word2",    FORM(word[2], HEX)},
	[TRACE_F_WORD3]     = {"word3",    FORM(word[3], HEX)},
	[TRACE_F_VIRT]      = {"virt",     FORM(virt, HEX)},
	[TRACE_F_SITE]      = {"site",     FORM(site, HEX)},
	[TRACE_F_CALLER]    = {"caller",   FORM(caller, HEX)},
	[TRACE_F_LOST]      = {"lost",     FORM(lost, DECIMAL)},
	[TRACE_F_TRUNCATED] = {"truncated", TRACE_FORM_MARK, 0, 0},
	[TRACE_F_DMA_ADDRS] = {"dma_addrs", FORM(dma_addrs, LIST)},
	[TRACE_F_SIZES]     = {"sizes",    FORM(sizes, LIST)},
	[TRACE_F_PADDRS]    = {"paddrs",   FORM(paddrs, LIST)},
	[TRACE_F_FLAGS]     = {"flags",    FORM(flags, WORDS)},
	[TRACE_F_ATTRS]     = {"attrs",    FORM(attrs, WORDS)},
	[TRACE_F_TEXT]      = {"text",     FORM(text, WORDS)},
};
/* clang-format on */

static const char *const kind_names[TRACE_KINDS] = {
	[TRACE_MAP] = "map",
	[TRACE_UNMAP] = "unmap",
	[TRACE_ACCESS] = "access",
	[TRACE_INVALIDATE] = "invalidate",
	[TRACE_INVALIDATE_TAG] = "invalidate-tag",
	[TRACE_INVALIDATE_ALL] = "invalidate-all",
	[TRACE_OTHER] = "other",
	[TRACE_API_MAP] = "api-map",
	[TRACE_API_MAP_RET] = "api-map-ret",
	[TRACE_API_UNMAP] = "api-unmap",
	[TRACE_API_MAP_SG] = "api-map-sg",
	[TRACE_API_MAP_SG_RET] = "api-map-sg-ret",
	[TRACE_API_UNMAP_SG] = "api-unmap-sg",
	[TRACE_API_ALLOC] = "api-alloc",
	[TRACE_API_ALLOC_RET] = "api-alloc-ret",
	[TRACE_API_FREE] = "api-free",
	[TRACE_API_SYNC] = "api-sync",
	[TRACE_IOVA_SLOW] = "iova-slow",
	[TRACE_IOVA_FREE_SLOW] = "iova-free-slow",
	[TRACE_FQ_TIMEOUT] = "fq-timeout",
	[TRACE_FQ_FLUSH] = "fq-flush",
	[TRACE_QI_SUBMIT] = "qi-submit",
	[TRACE_FAULT] = "fault",
	[TRACE_TCE_PUT] = "tce-put",
	[TRACE_TCE_INDIRECT] = "tce-indirect",
	[TRACE_TCE_STUFF] = "tce-stuff",
	[TRACE_LOST] = "lost",
	[TRACE_STEP] = "step",
};

static const char *const dir_names[] = {"both", "to-device", "from-device", "none"};

const char *trace_kind_name(unsigned kind)
{
	return kind < TRACE_KINDS ? kind_names[kind] : NULL;
}

const char *trace_dir_name(unsigned dir)
{
	return dir < sizeof(dir_names) / sizeof(dir_names[0]) ? dir_names[dir] : NULL;
}

bool trace_field_is_number(enum trace_field field)
{
	return trace_fields[field].form <= TRACE_FORM_DIR;
}

uint64_t trace_field_number(const struct trace_event *ev, enum trace_field field)
{
	const struct trace_field_row *row = &trace_fields[field];
	const char *at = (const char *)ev + row->at;
	uint64_t wide = 0;
	uint32_t half = 0;

	switch (row->size) {
	case 8:
		memcpy(&wide, at, sizeof(wide));
		return wide;
	case 4:
		memcpy(&half, at, sizeof(half));
		return half;
	default:
		return (uint8_t)*at;
	}
}

void trace_field_put(struct trace_event *ev, enum trace_field field, uint64_t value)
{
	const struct trace_field_row *row = &trace_fields[field];
	char *at = (char *)ev + row->at;
	const uint32_t half = (uint32_t)value;

	ev->has |= TRACE_HAS(field);
	switch (row->size) {
	case 8:
		memcpy(at, &value, sizeof(value));
		return;
	case 4:
		memcpy(at, &half, sizeof(half));
		return;
	default:
		*at = (char)value;
	}
}

void trace_qi_decode(struct trace_event *ev)
{
	const uint64_t low = ev->word[0], high = ev->word[1];

	/* Types beyond 15 have their upper three bits in 11:9 (VT-d 4.0, section 6.5.2). */
	ev->qi_type = (uint8_t)((low & 15) | (low >> 5 & 0x70));
	ev->qi_granularity = 0;
	ev->qi_mask = 0;
	if (ev->qi_type != TRACE_QI_IOTLB && ev->qi_type != TRACE_QI_CONTEXT)
		return;
	ev->qi_granularity = low >> 4 & 3;
	ev->tag = low >> 16 & 0xFFFF;
	ev->has |= TRACE_HAS(TRACE_F_TAG);
	if (ev->qi_type != TRACE_QI_IOTLB || ev->qi_granularity != 3)
		return;
	ev->qi_mask = high & QI_AM_MASK;
	if (ev->qi_mask > QI_AM_MOST)
		return;
	ev->bytes = (uint64_t)PAGE_BYTES << ev->qi_mask;
	ev->iova = high & QI_IOVA_MASK & ~(ev->bytes - 1);
	ev->has |= TRACE_HAS(TRACE_F_IOVA) | TRACE_HAS(TRACE_F_BYTES);
}

const char *trace_event_wrong(const struct trace_event *ev)
{
	const uint64_t pages = ev->iova | ev->bytes;

	switch (ev->kind) {
	case TRACE_MAP:
	case TRACE_UNMAP:
	case TRACE_INVALIDATE:
		if (pages % PAGE_BYTES || !ev->bytes)
			return "an address and a size that are multiples of 4096";
		if (ev->bytes - 1 > UINT64_MAX - ev->iova)
			return "iova + size of at most 2^64";
		break;
	default:
		return NULL;
	}
	if (ev->kind == TRACE_MAP &&
	    (ev->paddr % PAGE_BYTES || ev->paddr > PADDR_END || ev->bytes > PADDR_END - ev->paddr))
		return "a paddr that is a multiple of 4096, paddr + size of at most 2^52";
	if (ev->kind == TRACE_UNMAP &&
	    (ev->done_bytes % PAGE_BYTES ||
	     (ev->done_bytes && ev->done_bytes - 1 > UINT64_MAX - ev->iova)))
		return "an unmapped size that is a multiple of 4096 and stays below 2^64";
	return NULL;
}

#define BIT(f) TRACE_HAS(TRACE_F_##f)

static const uint64_t kind_needs[TRACE_KINDS] = {
	[TRACE_MAP] = BIT(IOVA) | BIT(BYTES) | BIT(PADDR),
	[TRACE_UNMAP] = BIT(IOVA) | BIT(BYTES) | BIT(DONE),
	[TRACE_ACCESS] = BIT(IOVA) | BIT(TAG),
	[TRACE_INVALIDATE] = BIT(IOVA) | BIT(BYTES) | BIT(TAG),
	[TRACE_INVALIDATE_TAG] = BIT(TAG),
	[TRACE_QI_SUBMIT] = BIT(WORD0) | BIT(WORD1) | BIT(WORD2) | BIT(WORD3),
	[TRACE_STEP] = BIT(TEXT),
};

const char *trace_event_lacks(const struct trace_event *ev)
{
	if ((ev->has & kind_needs[ev->kind]) != kind_needs[ev->kind])
		return "every field that an event of its kind has";
	if (ev->kind >= TRACE_ACCESS && ev->kind <= TRACE_INVALIDATE_ALL && ev->tag > 0xFFFF)
		return "a tag of 16 bits";
	return NULL;
}
