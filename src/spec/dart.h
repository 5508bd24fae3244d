/* SPDX-License-Identifier: MIT */
/*
 * DART, the DMA Address Relocation Table of the PowerPC 970's north bridges: U3 (IBM: CPC925) and
 * U4 (IBM: CPC945), as published: register offsets, bit masks, the table entry and the sizes.
 * This header is all that the hardware model and the driver share: constants and pure functions,
 * no state. The manuals are not public. Names and values follow Linux (dart.h, dart_iommu.c,
 * cpc925_edac.c), the Xen hypervisor for PowerPC (dart_u3.c, dart_u4.c), Apple's drivers
 * (AppleU3Art.cpp, AppleDART.cpp, U3.cpp), and table 2 of Ben-Yehuda et al., "The Price of
 * Safety", OLS 2007.
 *
 * Byte order: chip, table and CPU are big-endian. A register access carries the register's value
 * as it is, since a PowerPC swaps nothing on the way; entries are packed byte by byte.
 */
#ifndef IOTOLL_SPEC_DART_H
#define IOTOLL_SPEC_DART_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

/* The one place where IBM's bit numbers (bit 0 is the most significant) become masks. */
#define DART_IBM32(bit)           (UINT32_C(0x80000000) >> (bit))
#define DART_IBM32_SPAN(from, to) ((UINT32_MAX >> (from)) & (UINT32_MAX << (31 - (to))))

/* clang-format off */

/*
 * What a driver of the bridge maps: the processor interface's registers and the DART's, from
 * physical 0xF8030000 on. All registers are 32 bits wide.
 */
#define DART_WINDOW_BASE	UINT64_C(0xF8030000)
#define DART_WINDOW_BYTES	UINT32_C(0xA000)

/* ---- the processor interface, CPC925 (U4's offsets are not known) ---- */

#define DART_APIEXCP		UINT32_C(0x0060) /* exceptions seen; cleared by reading */
#define DART_APIMASK		UINT32_C(0x0070) /* which of them interrupt */
#define DART_API_DART		DART_IBM32(0)    /* in both: the DART's exception */

/* ---- the DART block, at 0xF8033000; registers are 16 bytes apart ---- */

#define DART_BLOCK		UINT32_C(0x3000)

#define DART_U3_CNTL		(DART_BLOCK + UINT32_C(0x0000))
#define DART_U3_EXCP		(DART_BLOCK + UINT32_C(0x0010))

#define DART_U4_CNTL		(DART_BLOCK + UINT32_C(0x0000))
#define DART_U4_BASE		(DART_BLOCK + UINT32_C(0x0010))
#define DART_U4_SIZE		(DART_BLOCK + UINT32_C(0x0020))
#define DART_U4_EXCP		(DART_BLOCK + UINT32_C(0x0030))

/* U3's one register says everything. */
#define DART_U3_CNTL_BASE	DART_IBM32_SPAN(0, 19)  /* table's page number, in place */
#define DART_U3_CNTL_STOP	DART_IBM32(20)          /* "stop access": known by name only */
#define DART_U3_CNTL_INVALIDATE	DART_IBM32(21)          /* empty the TLB; falls when done */
#define DART_U3_CNTL_ENABLE	DART_IBM32(22)
#define DART_U3_CNTL_SIZE	DART_IBM32_SPAN(23, 31) /* table pages; 512 does not fit: 0 */

#define DART_U4_CNTL_ENABLE	DART_IBM32(0)
#define DART_U4_CNTL_ONE	DART_IBM32(1)           /* invalidate one page; falls when done */
#define DART_U4_CNTL_ALL	DART_IBM32(2)           /* empty the TLB; falls when done */
#define DART_U4_CNTL_IDLE	DART_IBM32(3)
#define DART_U4_CNTL_PARITY	DART_IBM32(4)           /* check the TLB's parity */
#define DART_U4_CNTL_PAGE	DART_IBM32_SPAN(5, 31)  /* the page of ONE */
#define DART_U4_BASE_PAGE	DART_IBM32_SPAN(8, 31)  /* table's page number */
/* The field as Xen declares it, and the part of it that Linux and Mac OS X use. */
#define DART_U4_SIZE_FIELD	DART_IBM32_SPAN(15, 31)
#define DART_U4_SIZE_LINUX	DART_IBM32_SPAN(19, 31)

/* U4's exception register. U3's has like fields, but their places are not known. */
#define DART_U4_EXCP_HT		DART_IBM32(0)           /* from HyperTransport, else PCI Express */
#define DART_U4_EXCP_PAGE	DART_IBM32_SPAN(1, 27)
#define DART_U4_EXCP_PAGE_SHIFT	4
#define DART_U4_EXCP_WRITE	DART_IBM32(28)
#define DART_U4_EXCP_CODE	DART_IBM32_SPAN(29, 31)

enum dart_exception {
	DART_EXCP_BOUNDS = 0,  /* beyond the table (XBE) */
	DART_EXCP_ENTRY = 1,   /* entry without valid bit (XEE) */
	DART_EXCP_READ = 2,    /* read protection */
	DART_EXCP_WRITE = 3,   /* write protection */
	DART_EXCP_ADDRESS = 4, /* addressing exception */
	DART_EXCP_PARITY = 5,  /* TLB parity error */
};

/* A device on U4's own PCI Express reaches memory past the DART by adding this to an address. */
#define DART_U4_BYPASS		UINT64_C(0x8000000000)

/* ---- the entry, 4 bytes: paper, table 2 ---- */

#define DART_ENTRY_BYTES	4u
#define DART_ENTRY_VALID	DART_IBM32(0)
#define DART_ENTRY_NO_READ	DART_IBM32(1)          /* active low: 0 allows */
#define DART_ENTRY_NO_WRITE	DART_IBM32(2)          /* the same */
#define DART_ENTRY_RPN		DART_IBM32_SPAN(8, 31) /* real page number: 36-bit addresses */

#define DART_PAGE_SHIFT		12
#define DART_PAGE_BYTES		4096u
#define DART_PAGE_ENTRIES	1024u /* entries of one page of the table */
#define DART_MAX_PADDR		UINT64_C(0xFFFFFFFFF)

/* ---- the TLB, from the fields of U3's tag array ---- */

#define DART_TLB_SETS		32u
#define DART_TLB_WAYS		4u
#define DART_TLB_LINE_PAGES	4u /* each with a valid bit of its own */

#define DART_U3_MAX_PAGES	512u /* of the table */

/* clang-format on */

static_assert(DART_U3_CNTL_BASE == UINT32_C(0xFFFFF000), "U3 base");
static_assert(DART_U3_CNTL_STOP == 0x800 && DART_U3_CNTL_INVALIDATE == 0x400, "U3 control");
static_assert(DART_U3_CNTL_ENABLE == 0x200 && DART_U3_CNTL_SIZE == 0x1FF, "U3 control");
static_assert(DART_U4_CNTL_ENABLE == UINT32_C(0x80000000), "U4 enable");
static_assert(DART_U4_CNTL_ONE == UINT32_C(0x40000000), "U4 invalidate one");
static_assert(DART_U4_CNTL_ALL == UINT32_C(0x20000000), "U4 invalidate all");
static_assert(DART_U4_CNTL_PAGE == UINT32_C(0x07FFFFFF), "27-bit page");
static_assert(DART_U4_BASE_PAGE == UINT32_C(0x00FFFFFF), "24-bit page");
static_assert(DART_U4_SIZE_FIELD == UINT32_C(0x1FFFF), "17 bits");
static_assert(DART_U4_SIZE_LINUX == UINT32_C(0x1FFF), "13 bits");
static_assert(DART_U4_EXCP_PAGE == UINT32_C(0x7FFFFFF0), "27-bit page, in place");
static_assert(DART_U4_EXCP_WRITE == 8 && DART_U4_EXCP_CODE == 7, "U4 exception");
static_assert(DART_ENTRY_VALID == UINT32_C(0x80000000), "DARTMAP_VALID");
static_assert(DART_ENTRY_NO_READ == UINT32_C(0x40000000), "rp");
static_assert(DART_ENTRY_NO_WRITE == UINT32_C(0x20000000), "wp");
static_assert(DART_ENTRY_RPN == UINT32_C(0x00FFFFFF), "DARTMAP_RPNMASK");
static_assert((DART_U4_CNTL_PAGE + UINT64_C(1)) << DART_PAGE_SHIFT == DART_U4_BYPASS,
	      "translated addresses end where the bypass begins");

/* Write @entry as it lies in memory, most significant byte first. */
static inline void dart_entry_pack(uint8_t to[4], uint32_t entry)
{
	to[0] = (uint8_t)(entry >> 24);
	to[1] = (uint8_t)(entry >> 16);
	to[2] = (uint8_t)(entry >> 8);
	to[3] = (uint8_t)entry;
}

/* The entry in the 4 bytes at @from. */
static inline uint32_t dart_entry_unpack(const uint8_t from[4])
{
	return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 |
	       (uint32_t)from[3];
}

/* The valid entry for the page that holds @paddr (36 bits count) with the given rights. */
static inline uint32_t dart_entry(uint64_t paddr, bool read, bool write)
{
	return DART_ENTRY_VALID | (read ? 0 : DART_ENTRY_NO_READ) |
	       (write ? 0 : DART_ENTRY_NO_WRITE) |
	       ((uint32_t)(paddr >> DART_PAGE_SHIFT) & DART_ENTRY_RPN);
}

/* Address of the page that @entry names. */
static inline uint64_t dart_entry_paddr(uint32_t entry)
{
	return (uint64_t)(entry & DART_ENTRY_RPN) << DART_PAGE_SHIFT;
}

/* Pages of the table that U3's size field @size stands for: every driver writes 512 as 0. */
static inline uint32_t dart_u3_pages(uint32_t size)
{
	size &= DART_U3_CNTL_SIZE;
	return size != 0 ? size : DART_U3_MAX_PAGES;
}

/* U3's control register for a table of @pages (1..512) at @base, which lies below 4 GiB. */
static inline uint32_t dart_u3_cntl(uint64_t base, uint32_t pages)
{
	return ((uint32_t)base & DART_U3_CNTL_BASE) | DART_U3_CNTL_ENABLE |
	       (pages & DART_U3_CNTL_SIZE);
}

#endif
