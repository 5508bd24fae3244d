/* SPDX-License-Identifier: MIT */
/*
 * Address Translation Services and the Page Request Interface as published (PCI Express Base
 * Specification 4.0, "ATS Specification"): what travels between a device's translation cache and an
 * IOMMU, and the two capabilities in a device's configuration space. Constants and pure functions,
 * no state; shared by the device side, the hardware halves of IOMMUs and their drivers.
 *
 * Messages are given as the numbers that their bytes, big-endian on the wire, stand for.
 */
#ifndef IOTOLL_SPEC_ATS_H
#define IOTOLL_SPEC_ATS_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define ATS_BIT(n)       (UINT64_C(1) << (n))
#define ATS_SPAN(hi, lo) ((UINT64_MAX >> (63 - (hi))) & (UINT64_MAX << (lo)))

/* clang-format off */

#define ATS_PAGE_SHIFT		12u
#define ATS_PAGE_BYTES		UINT64_C(4096)
#define ATS_ADDRESS		ATS_SPAN(63, 12)

/* Address types of a memory request (header bits 11:10). */
#define ATS_AT_UNTRANSLATED	0u
#define ATS_AT_TRANSLATION	1u
#define ATS_AT_TRANSLATED	2u

/* ---- translation request and completion ---- */

#define ATS_REQUEST_NW		ATS_BIT(0)       /* address bit 0: the device will only read */
/*
 * Translations that one request may ask for: a completion is cut at read completion boundaries,
 * of which a root complex has one every 64 bytes or every 128. Ours is 64.
 */
#define ATS_REQUEST_MAX		8u

#define ATS_ENTRY_R		ATS_BIT(0)
#define ATS_ENTRY_W		ATS_BIT(1)
#define ATS_ENTRY_U		ATS_BIT(2)       /* untranslated requests only */
#define ATS_ENTRY_EXE		ATS_BIT(3)
#define ATS_ENTRY_PRIV		ATS_BIT(4)
#define ATS_ENTRY_GLOBAL	ATS_BIT(5)
#define ATS_ENTRY_RSVD		ATS_SPAN(9, 6)
#define ATS_ENTRY_N		ATS_BIT(10)      /* accesses through it must snoop */
#define ATS_ENTRY_S		ATS_BIT(11)      /* the address holds a size */

/* ---- invalidation ---- */

#define ATS_TAGS		32u              /* ITag: 5 bits */
#define ATS_INVALIDATE_GLOBAL	ATS_BIT(0)
#define ATS_INVALIDATE_S	ATS_BIT(11)
/* The payload that covers all there is. */
#define ATS_INVALIDATE_ALL	(ATS_SPAN(62, 12) | ATS_INVALIDATE_S)
#define ATS_COMPLETIONS_MAX	8u               /* CC: 3 bits, 0 meaning this */

/* ---- ATS capability (id 0Fh), offsets from its header ---- */

#define ATS_CAP_ID		0x0Fu
#define ATS_CAPABILITY		0x4u             /* 16 bits, read only */
#define ATS_CAP_DEPTH		0x001Fu          /* invalidate queue; 0: 32 */
#define ATS_CAP_PAGE_ALIGNED	0x0020u
#define ATS_CAP_GLOBAL		0x0040u
#define ATS_CONTROL		0x6u             /* 16 bits */
#define ATS_CTRL_STU		0x001Fu          /* smallest unit: 2^(12 + STU) bytes */
#define ATS_CTRL_ENABLE		0x8000u

/* ---- page requests ---- */

#define PRI_REQUEST_R		ATS_BIT(0)
#define PRI_REQUEST_W		ATS_BIT(1)
#define PRI_REQUEST_L		ATS_BIT(2)       /* last of its group */
#define PRI_REQUEST_INDEX	ATS_SPAN(11, 3)
#define PRI_REQUEST_INDEX_SHIFT	3
#define PRI_GROUPS		512u

#define PRI_SUCCESS		0u               /* ask for the translation again */
#define PRI_INVALID		1u
#define PRI_FAILURE		15u              /* send no more */

/* ---- PRI capability (id 13h), offsets from its header ---- */

#define PRI_CAP_ID		0x13u
#define PRI_CONTROL		0x4u             /* 16 bits */
#define PRI_CTRL_ENABLE		0x0001u
#define PRI_CTRL_RESET		0x0002u
#define PRI_STATUS		0x6u             /* 16 bits */
#define PRI_STATUS_FAILURE	0x0001u          /* write 1 to clear */
#define PRI_STATUS_UNEXPECTED	0x0002u          /* write 1 to clear */
#define PRI_STATUS_STOPPED	0x0100u
#define PRI_CAPACITY		0x8u             /* 32 bits, read only */
#define PRI_ALLOCATION		0xCu             /* 32 bits */

/* clang-format on */

static_assert(ATS_INVALIDATE_ALL == UINT64_C(0x7FFFFFFFFFFFF800), "bits 62:11");
static_assert((ATS_ADDRESS | ATS_ENTRY_S | ATS_ENTRY_N | ATS_ENTRY_RSVD | ATS_ENTRY_GLOBAL |
	       ATS_ENTRY_PRIV | ATS_ENTRY_EXE | ATS_ENTRY_U | ATS_ENTRY_W | ATS_ENTRY_R) ==
		      UINT64_MAX,
	      "a completion entry is covered");

/*
 * log2 of the size that an address with a size marker encodes: one more than the number of its
 * lowest zero bit from bit 12 up. 64 if no zero bit follows below bit 63, as in the address that
 * means everything. Page table entries and commands of AMD-Vi use the same rule.
 */
static inline unsigned ats_size_log2(uint64_t address)
{
	unsigned bit = ATS_PAGE_SHIFT;

	while (bit < 63 && (address & ATS_BIT(bit)) != 0)
		bit++;
	return bit + 1;
}

/* Bytes of 2^@log2 less 1; all ones for 64. */
static inline uint64_t ats_span(unsigned log2)
{
	return log2 < 64 ? ATS_BIT(log2) - 1 : UINT64_MAX;
}

/*
 * The address bits 63:12 that name the naturally aligned block of 2^@log2 bytes (13..64) around
 * @address, by the rule above.
 */
static inline uint64_t ats_size_mark(uint64_t address, unsigned log2)
{
	const uint64_t marker = ats_span(log2 - 1) & ATS_ADDRESS;

	return ((address & ATS_ADDRESS & ~ats_span(log2)) | marker) & ATS_ADDRESS;
}

/* log2 of the bytes that a completion entry, or with @s its S bit an invalidation, covers. */
static inline unsigned ats_range_log2(uint64_t value, uint64_t s)
{
	return (value & s) != 0 ? ats_size_log2(value & ATS_ADDRESS) : ATS_PAGE_SHIFT;
}

/* A completion entry for the block of 2^@log2 bytes (12..64) that @address lies in. */
static inline uint64_t ats_entry(uint64_t address, unsigned log2, uint64_t flags)
{
	if (log2 <= ATS_PAGE_SHIFT)
		return (address & ATS_ADDRESS) | flags;
	return ats_size_mark(address, log2) | ATS_ENTRY_S | flags;
}

/* Where the block of a completion entry begins. */
static inline uint64_t ats_entry_base(uint64_t entry)
{
	return entry & ATS_ADDRESS & ~ats_span(ats_range_log2(entry, ATS_ENTRY_S));
}

/* The payload of an invalidation of 2^@log2 bytes (12..64) around @address. */
static inline uint64_t ats_invalidate(uint64_t address, unsigned log2)
{
	if (log2 <= ATS_PAGE_SHIFT)
		return address & ATS_ADDRESS;
	return ats_size_mark(address, log2) | ATS_INVALIDATE_S;
}

/* A count of 1..32 as the 5 bits of a queue depth or of MaxInvsPend have it, and back. */
static inline unsigned ats_depth_code(unsigned depth)
{
	return depth & 31;
}

static inline unsigned ats_depth(unsigned code)
{
	return (code & 31) != 0 ? code & 31 : 32;
}

/* A page request of group @index (below PRI_GROUPS). */
static inline uint64_t pri_request(uint64_t address, unsigned index, uint64_t flags)
{
	return (address & ATS_ADDRESS) | (uint64_t)(index % PRI_GROUPS) << PRI_REQUEST_INDEX_SHIFT |
	       flags;
}

static inline unsigned pri_request_index(uint64_t request)
{
	return (unsigned)((request & PRI_REQUEST_INDEX) >> PRI_REQUEST_INDEX_SHIFT);
}

#endif
