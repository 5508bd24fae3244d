// SPDX-License-Identifier: MIT
/*
 * The text of iommu:map, iommu:unmap, iommu:io_page_fault (include/trace/events/iommu.h) and of
 * intel_iommu:qi_submit (include/trace/events/intel_iommu.h):
 *
 *	IOMMU: iova=0x00000000ffefc000 - 0x00000000ffefd000 paddr=0x000000007cb8c000 size=4096
 *	iotlb_inv dmar0: 0x300f2 0xffefc000 0x0 0x0
 *	IOMMU:e1000e 0000:00:02.0 iova=0x00000000fee00000 flags=0x0001
 *
 * " - 0xEND" is missing in older kernels.
 */
#include <string.h>

#include "trace/fields.h"

#define IOMMU_PADDR_END ((uint64_t)1 << 52) /* physical addresses of x86 and Arm end here */
#define IOMMU_PAGE_MASK ((uint64_t)4095)    /* no IOMMU of Linux that uses these has less */

/* "name=" and a multiple of 4096 that is at least @least. */
static bool iommu_bytes(struct cut *c, const char *name, uint64_t least, uint64_t *out)
{
	cut_blanks(c);
	return cut_text(c, name) && cut_decimal(c, UINT64_MAX, out) && *out >= least &&
	       !(*out & IOMMU_PAGE_MASK);
}

/* A range of @bytes from @at on that does not pass 2^64. */
static bool iommu_fits(uint64_t at, uint64_t bytes)
{
	return bytes == 0 || bytes - 1 <= UINT64_MAX - at;
}

/* The fields of a map or unmap. NULL, or what was expected and did not come. */
static const char *iommu_range(struct trace *t, struct cut c, struct trace_event *ev)
{
	const bool map = ev->kind == TRACE_MAP;
	uint64_t range_end = 0;
	bool has_end;

	(void)t;
	if (!cut_text(&c, "IOMMU: iova=") || !cut_hex(&c, &ev->iova))
		return "'IOMMU: iova=0x' and 1 to 16 hexadecimal digits";
	if (ev->iova & IOMMU_PAGE_MASK)
		return "an iova that is a multiple of 4096";
	has_end = cut_text(&c, " - ");
	if (has_end && !cut_hex(&c, &range_end))
		return "' - 0x' and 1 to 16 hexadecimal digits, the end of the range";
	cut_blanks(&c);
	ev->paddr = 0;
	if (map && (!cut_text(&c, "paddr=") || !cut_hex(&c, &ev->paddr)))
		return "'paddr=0x' and 1 to 16 hexadecimal digits";
	if (ev->paddr & IOMMU_PAGE_MASK)
		return "a paddr that is a multiple of 4096";
	if (!iommu_bytes(&c, "size=", 1, &ev->bytes))
		return "'size=' and a positive multiple of 4096";
	if (!iommu_fits(ev->iova, ev->bytes))
		return "iova + size of at most 2^64";
	if (has_end && range_end != ev->iova + ev->bytes)
		return "a range that ends at iova + size";
	if (map && (ev->paddr > IOMMU_PADDR_END || ev->bytes > IOMMU_PADDR_END - ev->paddr))
		return "paddr + size of at most 2^52";
	ev->done_bytes = 0;
	if (!map && (!iommu_bytes(&c, "unmapped_size=", 0, &ev->done_bytes) ||
		     !iommu_fits(ev->iova, ev->done_bytes)))
		return "'unmapped_size=' and a multiple of 4096 that stays below 2^64";
	ev->has |= TRACE_HAS(TRACE_F_IOVA) | TRACE_HAS(TRACE_F_BYTES) |
		   TRACE_HAS(map ? TRACE_F_PADDR : TRACE_F_DONE);
	cut_blanks(&c);
	return c.at == c.end ? NULL : "nothing more on the line";
}

/* "TYPE UNIT: " and four words. */
static const char *iommu_qi(struct trace *t, struct cut c, struct trace_event *ev)
{
	struct cut type, unit;

	(void)t;
	if (!cut_word(&c, &type))
		return "a descriptor's type";
	cut_blanks(&c);
	if (!cut_word(&c, &unit) || unit.end[-1] != ':')
		return "a unit's name and a colon behind the descriptor's type";
	ev->dev = (struct trace_text){unit.at, (size_t)(unit.end - unit.at) - 1};
	for (unsigned i = 0; i < 4; i++) {
		cut_blanks(&c);
		if (!cut_hex(&c, &ev->word[i]))
			return "four words, each '0x' and 1 to 16 hexadecimal digits";
	}
	cut_blanks(&c);
	if (c.at != c.end)
		return "nothing more on the line";
	ev->has |= TRACE_HAS(TRACE_F_DEV) | TRACE_HAS(TRACE_F_WORD0) | TRACE_HAS(TRACE_F_WORD1) |
		   TRACE_HAS(TRACE_F_WORD2) | TRACE_HAS(TRACE_F_WORD3);
	trace_qi_decode(ev);
	return NULL;
}

/* "IOMMU:DRIVER DEVICE iova=0x... flags=0x..." */
static const char *iommu_fault(struct trace *t, struct cut c, struct trace_event *ev)
{
	struct cut driver, dev, flags;

	(void)t;
	if (!cut_text(&c, "IOMMU:"))
		return "'IOMMU:'";
	(void)cut_word(&c, &driver); /* the device may have none */
	cut_blanks(&c);
	if (!cut_word(&c, &dev))
		return "a driver's and a device's name";
	cut_blanks(&c);
	if (!cut_text(&c, "iova=") || !cut_hex(&c, &ev->iova))
		return "'iova=0x' and 1 to 16 hexadecimal digits";
	cut_blanks(&c);
	if (!cut_text(&c, "flags=") || !cut_word(&c, &flags))
		return "'flags='";
	cut_blanks(&c);
	if (c.at != c.end)
		return "nothing more on the line";
	ev->driver = (struct trace_text){driver.at, (size_t)(driver.end - driver.at)};
	ev->dev = (struct trace_text){dev.at, (size_t)(dev.end - dev.at)};
	ev->flags = (struct trace_text){flags.at, (size_t)(flags.end - flags.at)};
	ev->has |= TRACE_HAS(TRACE_F_DRIVER) | TRACE_HAS(TRACE_F_DEV) | TRACE_HAS(TRACE_F_IOVA) |
		   TRACE_HAS(TRACE_F_FLAGS);
	return NULL;
}

const struct fields_row fields_iommu[] = {
	{"map", TRACE_MAP, iommu_range},
	{"unmap", TRACE_UNMAP, iommu_range},
	{"qi_submit", TRACE_QI_SUBMIT, iommu_qi},
	{"io_page_fault", TRACE_FAULT, iommu_fault},
	{0},
};
