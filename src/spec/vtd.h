/* SPDX-License-Identifier: MIT */
/*
 * Intel VT-d DMA remapping as published: registers, capability fields, root and context entries,
 * second-level page-table entries, invalidation descriptors and fault records of legacy mode (root
 * entry, context entry, second-level table; no PASID). This header is all that the hardware model
 * and the driver share: constants and pure functions, no state. It follows the Intel
 * Virtualization Technology for Directed I/O Architecture Specification, chapters "Address
 * Translation", "Caching", "Translation Structure Formats" and "Register Descriptions"; revisions
 * 2 to 4 agree on everything here. Interrupt remapping, page requests and scalable mode are left
 * out except for names of registers that software may meet.
 *
 * All of it is little-endian. Bit spans are written hi, lo as the specification writes them.
 */
#ifndef IOTOLL_SPEC_VTD_H
#define IOTOLL_SPEC_VTD_H

#include "spec/ats.h"
#include "spec/bytes.h"
#include "spec/vtd_regs.h"

/* clang-format off */

/* ---- structures in memory ---- */

#define VTD_PAGE_SHIFT		12
#define VTD_PAGE_BYTES		4096u
#define VTD_TABLE_ENTRIES	512u /* of a page table */
#define VTD_PTE_BYTES		8u
#define VTD_ROOT_BYTES		16u  /* 256 to a table, by bus */
#define VTD_CONTEXT_BYTES	16u  /* 256 to a table, by devfn */

/* Root entry; the upper quadword is reserved. */
#define VTD_ROOT_P		VTD_BIT(0)
#define VTD_ROOT_CTP		VTD_SPAN(63, 12) /* up to the host address width */
#define VTD_ROOT_RSVD		VTD_SPAN(11, 1)

/* Context entry, lower quadword */
#define VTD_CTX_P		VTD_BIT(0)
#define VTD_CTX_FPD		VTD_BIT(1)       /* do not report qualified faults */
#define VTD_CTX_TT		VTD_SPAN(3, 2)   /* VTD_TT_... */
#define VTD_CTX_TT_SHIFT	2
#define VTD_CTX_LO_RSVD		VTD_SPAN(11, 4)
#define VTD_CTX_SLPTPTR		VTD_SPAN(63, 12) /* up to the host address width */
/* and upper */
#define VTD_CTX_AW		VTD_SPAN(2, 0)   /* VTD_AW_... */
#define VTD_CTX_DID		VTD_SPAN(23, 8)
#define VTD_CTX_DID_SHIFT	8
#define VTD_CTX_HI_RSVD		(VTD_SPAN(63, 24) | VTD_BIT(7))

#define VTD_TT_UNTRANSLATED	0u /* translate; nothing else is allowed */
#define VTD_TT_ATS		1u /* the same, device-TLB requests allowed */
#define VTD_TT_PASS		2u /* pass through */

/* Adjusted guest address widths: levels = 2 + AW, bits = 30 + 9 * AW. */
#define VTD_AW_39		1u
#define VTD_AW_48		2u

/* Second-level entry */
#define VTD_PTE_R		VTD_BIT(0)
#define VTD_PTE_W		VTD_BIT(1)
#define VTD_PTE_PS		VTD_BIT(7)       /* large page, in levels 2 and 3 */
#define VTD_PTE_SNP		VTD_BIT(11)      /* leaves, with ECAP.SC */
#define VTD_PTE_TM		VTD_BIT(62)      /* leaves, with ECAP.DT */
#define VTD_PTE_ADDR		VTD_SPAN(51, 12) /* up to the host address width */

/* Writes of a doubleword here are interrupts and are never translated. */
#define VTD_INTERRUPT_FIRST	UINT64_C(0xFEE00000)
#define VTD_INTERRUPT_LAST	UINT64_C(0xFEEFFFFF)

/* ---- invalidation descriptors: two quadwords ---- */

#define VTD_DESC_BYTES		16u
#define VTD_DESC_TYPE		VTD_SPAN(3, 0)
#define VTD_DESC_CONTEXT	1u
#define VTD_DESC_IOTLB		2u
#define VTD_DESC_DEVTLB		3u
#define VTD_DESC_IEC		4u
#define VTD_DESC_WAIT		5u

/* context cache and IOTLB, lower quadword */
#define VTD_DESC_G		VTD_SPAN(5, 4)   /* VTD_GRAN_... */
#define VTD_DESC_G_SHIFT	4
#define VTD_DESC_DID		VTD_SPAN(31, 16)
#define VTD_DESC_DID_SHIFT	16
#define VTD_DESC_CC_SID		VTD_SPAN(47, 32)
#define VTD_DESC_CC_SID_SHIFT	32
#define VTD_DESC_CC_FM		VTD_SPAN(49, 48)
#define VTD_DESC_CC_FM_SHIFT	48
#define VTD_DESC_CC_RSVD	(VTD_SPAN(63, 50) | VTD_SPAN(15, 6))
#define VTD_DESC_IOTLB_DW	VTD_BIT(6)
#define VTD_DESC_IOTLB_DR	VTD_BIT(7)
#define VTD_DESC_IOTLB_RSVD	(VTD_SPAN(63, 32) | VTD_SPAN(15, 8))
#define VTD_DESC_IOTLB_HI_RSVD	VTD_SPAN(11, 7)

/* device-TLB */
#define VTD_DESC_DEV_MAXP	VTD_SPAN(20, 16)
#define VTD_DESC_DEV_MAXP_SHIFT	16
#define VTD_DESC_DEV_SID	VTD_SPAN(47, 32)
#define VTD_DESC_DEV_SID_SHIFT	32
/* The PFSID (15:12 and 63:52) is a field of newer revisions and reserved before. */
#define VTD_DESC_DEV_RSVD	(VTD_SPAN(51, 48) | VTD_SPAN(31, 21) | VTD_SPAN(11, 4))
#define VTD_DESC_DEV_HI_ADDR	VTD_SPAN(63, 12)
#define VTD_DESC_DEV_HI_S	VTD_BIT(0)       /* size in the low address bits */
#define VTD_DESC_DEV_HI_RSVD	VTD_SPAN(11, 1)

/* wait */
#define VTD_DESC_WAIT_IF	VTD_BIT(4)       /* set ICS.IWC, interrupt */
#define VTD_DESC_WAIT_SW	VTD_BIT(5)       /* write the status */
#define VTD_DESC_WAIT_FN	VTD_BIT(6)       /* what follows waits for what precedes */
#define VTD_DESC_WAIT_DATA	VTD_SPAN(63, 32)
#define VTD_DESC_WAIT_DATA_SHIFT 32
#define VTD_DESC_WAIT_RSVD	VTD_SPAN(31, 7)
#define VTD_DESC_WAIT_HI_ADDR	VTD_SPAN(63, 2)
#define VTD_DESC_WAIT_HI_RSVD	VTD_SPAN(1, 0)

/* clang-format on */

static_assert((VTD_CTX_P | VTD_CTX_FPD | VTD_CTX_TT | VTD_CTX_LO_RSVD | VTD_CTX_SLPTPTR) ==
		      UINT64_MAX,
	      "the context entry's lower half is covered");
static_assert((VTD_CTX_AW | VTD_SPAN(6, 3) | VTD_CTX_DID | VTD_CTX_HI_RSVD) == UINT64_MAX,
	      "and its upper half, 6:3 being ignored");
static_assert((VTD_DESC_TYPE | VTD_DESC_G | VTD_DESC_DID | VTD_DESC_CC_SID | VTD_DESC_CC_FM |
	       VTD_DESC_CC_RSVD) == UINT64_MAX,
	      "context-cache descriptor is covered");
static_assert((VTD_DESC_TYPE | VTD_DESC_G | VTD_DESC_IOTLB_DW | VTD_DESC_IOTLB_DR | VTD_DESC_DID |
	       VTD_DESC_IOTLB_RSVD) == UINT64_MAX,
	      "IOTLB descriptor is covered");
static_assert((VTD_DESC_TYPE | VTD_DESC_WAIT_IF | VTD_DESC_WAIT_SW | VTD_DESC_WAIT_FN |
	       VTD_DESC_WAIT_DATA | VTD_DESC_WAIT_RSVD) == UINT64_MAX,
	      "wait descriptor is covered");
static_assert(VTD_TABLE_ENTRIES * VTD_PTE_BYTES == VTD_PAGE_BYTES, "a table is a page");
static_assert(256 * VTD_ROOT_BYTES == VTD_PAGE_BYTES, "so is a root table");
static_assert(256 * VTD_CONTEXT_BYTES == VTD_PAGE_BYTES, "and a context table");

/* Two quadwords as they lie in memory, lower address first. */
struct vtd_pair {
	uint64_t lo, hi;
};

/* ---- bytes ---- */

/* Write @value as it lies in memory, least significant byte first. */
static inline void vtd_pack64(uint8_t to[8], uint64_t value)
{
	spec_put_le64(to, value);
}

/* The value of the 8 bytes at @from. */
static inline uint64_t vtd_unpack64(const uint8_t from[8])
{
	return spec_le64(from);
}

static inline void vtd_pack_pair(uint8_t to[16], struct vtd_pair pair)
{
	vtd_pack64(to, pair.lo);
	vtd_pack64(to + 8, pair.hi);
}

static inline struct vtd_pair vtd_unpack_pair(const uint8_t from[16])
{
	return (struct vtd_pair){.lo = vtd_unpack64(from), .hi = vtd_unpack64(from + 8)};
}

/* ---- structures ---- */

/* Lowest address bit that an entry of @level decodes: 12, 21, 30, 39 for 1, 2, 3, 4. */
static inline unsigned vtd_level_shift(unsigned level)
{
	return VTD_PAGE_SHIFT + 9 * (level - 1);
}

/* Index of the entry for @iova in a table of @level. */
static inline unsigned vtd_level_index(uint64_t iova, unsigned level)
{
	return (unsigned)(iova >> vtd_level_shift(level)) & (VTD_TABLE_ENTRIES - 1);
}

/* Root entry of a bus whose context table lies at @context_table. */
static inline struct vtd_pair vtd_root(uint64_t context_table)
{
	return (struct vtd_pair){.lo = (context_table & VTD_ROOT_CTP) | VTD_ROOT_P};
}

/* Context entry of type @tt (VTD_TT_...), table @slptptr, width @aw (VTD_AW_...), domain @did. */
static inline struct vtd_pair vtd_context(uint64_t slptptr, unsigned tt, unsigned aw, uint16_t did)
{
	return (struct vtd_pair){
		.lo = (slptptr & VTD_CTX_SLPTPTR) | (uint64_t)(tt & 3) << VTD_CTX_TT_SHIFT |
		      VTD_CTX_P,
		.hi = (uint64_t)did << VTD_CTX_DID_SHIFT | (aw & VTD_CTX_AW),
	};
}

/* Second-level entry for @paddr: a 4 KiB leaf, or a table if both rights are given. */
static inline uint64_t vtd_pte(uint64_t paddr, bool read, bool write)
{
	return (paddr & VTD_PTE_ADDR) | (read ? VTD_PTE_R : 0) | (write ? VTD_PTE_W : 0);
}

/* ---- invalidation descriptors ---- */

static inline struct vtd_pair vtd_desc_context(unsigned granularity, uint16_t did, uint16_t sid,
					       unsigned fm)
{
	return (struct vtd_pair){
		.lo = VTD_DESC_CONTEXT | (uint64_t)(granularity & 3) << VTD_DESC_G_SHIFT |
		      (uint64_t)did << VTD_DESC_DID_SHIFT | (uint64_t)sid << VTD_DESC_CC_SID_SHIFT |
		      (uint64_t)(fm & 3) << VTD_DESC_CC_FM_SHIFT,
	};
}

/* @drain: wait for reads and writes under way. @iva: from vtd_iva() for pages, else 0. */
static inline struct vtd_pair vtd_desc_iotlb(unsigned granularity, uint16_t did, bool drain,
					     uint64_t iva)
{
	return (struct vtd_pair){
		.lo = VTD_DESC_IOTLB | (uint64_t)(granularity & 3) << VTD_DESC_G_SHIFT |
		      (drain ? VTD_DESC_IOTLB_DW | VTD_DESC_IOTLB_DR : 0) |
		      (uint64_t)did << VTD_DESC_DID_SHIFT,
		.hi = iva,
	};
}

/*
 * To the device @sid, which takes @depth (1..32) at a time: forget 2^@log2 bytes (12..64) around
 * @addr. Without a PFSID, the field of newer revisions.
 */
static inline struct vtd_pair vtd_desc_devtlb(uint16_t sid, unsigned depth, uint64_t addr,
					      unsigned log2)
{
	return (struct vtd_pair){
		.lo = VTD_DESC_DEVTLB | (uint64_t)ats_depth_code(depth) << VTD_DESC_DEV_MAXP_SHIFT |
		      (uint64_t)sid << VTD_DESC_DEV_SID_SHIFT,
		.hi = log2 > ATS_PAGE_SHIFT ? ats_size_mark(addr, log2) | VTD_DESC_DEV_HI_S
					    : addr & VTD_DESC_DEV_HI_ADDR,
	};
}

/* What to write to IVA or a descriptor: 2^@am pages at @addr, @ih if only leaves changed. */
static inline uint64_t vtd_iva(uint64_t addr, unsigned am, bool ih)
{
	return (addr & VTD_IVA_ADDR) | (ih ? VTD_IVA_IH : 0) | (am & VTD_IVA_AM);
}

/* @flags: VTD_DESC_WAIT_IF, _SW, _FN. @status_addr: 4-byte aligned. */
static inline struct vtd_pair vtd_desc_wait(uint64_t flags, uint64_t status_addr, uint32_t data)
{
	return (struct vtd_pair){
		.lo = VTD_DESC_WAIT | flags | (uint64_t)data << VTD_DESC_WAIT_DATA_SHIFT,
		.hi = status_addr & VTD_DESC_WAIT_HI_ADDR,
	};
}

/* Entries of a queue of size code @qs, 0..7. */
static inline unsigned vtd_queue_entries(unsigned qs)
{
	return 256u << (qs & 7);
}

#endif
