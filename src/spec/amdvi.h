/* SPDX-License-Identifier: MIT */
/*
 * AMD-Vi, the host half of "AMD I/O Virtualization Technology (IOMMU) Specification" (48882):
 * register offsets and bits, the device table entry, host page table entries, commands and event
 * log entries. Section names in comments are that document's. Constants and pure functions, no
 * state: it is all that the hardware half and the driver share. Everything is little-endian; bits
 * of entries longer than eight bytes are numbered here within their quadword.
 *
 * Left out because nothing here uses it: guest (v2) translation, interrupt
 * remapping tables, the guest virtual APIC, performance counters, SNP.
 */
#ifndef IOTOLL_SPEC_AMDVI_H
#define IOTOLL_SPEC_AMDVI_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "spec/ats.h"
#include "spec/bytes.h"

#define AMDVI_BIT(n)          (UINT64_C(1) << (n))
#define AMDVI_BITS(high, low) ((UINT64_MAX >> (63 - (high))) & (UINT64_MAX << (low)))

/* clang-format off */

#define AMDVI_PAGE_SHIFT	12u
#define AMDVI_PAGE_BYTES	4096u
/* Bits 51:12: what every table pointer, buffer base and page frame is made of. */
#define AMDVI_FRAME		AMDVI_BITS(51, 12)

/* ---- MMIO registers ("IOMMU MMIO Registers") ---- */

#define AMDVI_WINDOW_BYTES	UINT32_C(0x4000)

#define AMDVI_DEVTAB_BASE	UINT32_C(0x0000)
#define AMDVI_CMDBUF_BASE	UINT32_C(0x0008)
#define AMDVI_EVTLOG_BASE	UINT32_C(0x0010)
#define AMDVI_CONTROL		UINT32_C(0x0018)
#define AMDVI_EXCL_BASE		UINT32_C(0x0020)
#define AMDVI_EXCL_LIMIT	UINT32_C(0x0028)
#define AMDVI_EFR		UINT32_C(0x0030)
#define AMDVI_PPRLOG_BASE	UINT32_C(0x0038)
#define AMDVI_CMD_HEAD		UINT32_C(0x2000)
#define AMDVI_CMD_TAIL		UINT32_C(0x2008)
#define AMDVI_EVT_HEAD		UINT32_C(0x2010)
#define AMDVI_EVT_TAIL		UINT32_C(0x2018)
#define AMDVI_STATUS		UINT32_C(0x2020)
#define AMDVI_PPR_HEAD		UINT32_C(0x2030)
#define AMDVI_PPR_TAIL		UINT32_C(0x2038)

/* Device table base: (size + 1) * 4 KiB of entries. */
#define AMDVI_DEVTAB_SIZE	AMDVI_BITS(8, 0)
#define AMDVI_DEVTAB_SIZE_ALL	UINT64_C(0x1FF) /* every DeviceID: 2 MiB */

/* Command buffer and event log base: 2^n entries of 16 bytes, n from 8 to 15. */
#define AMDVI_RING_LENGTH_SHIFT	56
#define AMDVI_RING_LENGTH	AMDVI_BITS(59, 56)
#define AMDVI_RING_LENGTH_MIN	8u
#define AMDVI_RING_ENTRY_BYTES	16u
/* Head and tail: a byte offset into the buffer. */
#define AMDVI_RING_OFFSET	AMDVI_BITS(18, 4)

#define AMDVI_CTRL_IOMMU_EN	AMDVI_BIT(0)
#define AMDVI_CTRL_HT_TUN_EN	AMDVI_BIT(1)
#define AMDVI_CTRL_EVT_LOG_EN	AMDVI_BIT(2)
#define AMDVI_CTRL_EVT_INT_EN	AMDVI_BIT(3)
#define AMDVI_CTRL_COMWAIT_INT_EN AMDVI_BIT(4)
#define AMDVI_CTRL_INV_TIMEOUT	AMDVI_BITS(7, 5) /* 0: wait for ever; 1..6: 1 ms to 100 s */
#define AMDVI_CTRL_INV_TIMEOUT_SHIFT 5
#define AMDVI_CTRL_PASS_PW	AMDVI_BIT(8)
#define AMDVI_CTRL_RES_PASS_PW	AMDVI_BIT(9)
#define AMDVI_CTRL_COHERENT	AMDVI_BIT(10)
#define AMDVI_CTRL_ISOC		AMDVI_BIT(11)
#define AMDVI_CTRL_CMDBUF_EN	AMDVI_BIT(12)
#define AMDVI_CTRL_PPR_LOG_EN	AMDVI_BIT(13)
#define AMDVI_CTRL_PPR_INT_EN	AMDVI_BIT(14)
#define AMDVI_CTRL_PPR_EN	AMDVI_BIT(15)

#define AMDVI_EXCL_ENABLE	AMDVI_BIT(0)
#define AMDVI_EXCL_ALLOW	AMDVI_BIT(1) /* for every device, whatever its DTE.EX says */

#define AMDVI_EFR_PPR		AMDVI_BIT(1) /* page requests */
#define AMDVI_EFR_IA		AMDVI_BIT(6) /* INVALIDATE_IOMMU_ALL is there */
#define AMDVI_EFR_HATS_SHIFT	10
#define AMDVI_EFR_HATS		AMDVI_BITS(11, 10) /* host levels: 0 four, 1 five, 2 six */
#define AMDVI_EFR_HATS_6	(UINT64_C(2) << AMDVI_EFR_HATS_SHIFT)

#define AMDVI_STATUS_EVT_OVERFLOW AMDVI_BIT(0)
#define AMDVI_STATUS_EVT_INT	AMDVI_BIT(1)
#define AMDVI_STATUS_COMWAIT_INT AMDVI_BIT(2)
#define AMDVI_STATUS_EVT_RUN	AMDVI_BIT(3) /* read only */
#define AMDVI_STATUS_CMD_RUN	AMDVI_BIT(4) /* read only */
#define AMDVI_STATUS_PPR_OVERFLOW AMDVI_BIT(5)
#define AMDVI_STATUS_PPR_INT	AMDVI_BIT(6)
#define AMDVI_STATUS_PPR_RUN	AMDVI_BIT(7) /* read only */

/* ---- device table entry ("Device Table Entry Format"), four quadwords ---- */

#define AMDVI_DTE_BYTES		32u
#define AMDVI_DTE_QUADS		4u

/* quadword 0 */
#define AMDVI_DTE_V		AMDVI_BIT(0)
#define AMDVI_DTE_TV		AMDVI_BIT(1)
#define AMDVI_DTE_HAD		AMDVI_BITS(8, 7)
#define AMDVI_DTE_MODE_SHIFT	9
#define AMDVI_DTE_MODE		AMDVI_BITS(11, 9)
#define AMDVI_DTE_PPR		AMDVI_BIT(52)
#define AMDVI_DTE_GPRP		AMDVI_BIT(53)
#define AMDVI_DTE_GIOV		AMDVI_BIT(54)
#define AMDVI_DTE_GV		AMDVI_BIT(55)
/* quadword 1 */
#define AMDVI_DTE1_DOMAIN	AMDVI_BITS(15, 0)
#define AMDVI_DTE1_I		AMDVI_BIT(32) /* 96: may use ATS */
#define AMDVI_DTE1_SE		AMDVI_BIT(33) /* 97: log one I/O page fault, no more */
#define AMDVI_DTE1_SA		AMDVI_BIT(34) /* 98: log no I/O page fault */
#define AMDVI_DTE1_SD		AMDVI_BIT(38) /* 102 */
#define AMDVI_DTE1_EX		AMDVI_BIT(39) /* 103: the exclusion range applies */
/* quadword 2 */
#define AMDVI_DTE2_IV		AMDVI_BIT(0)  /* 128: the interrupt fields below count */
#define AMDVI_DTE2_INT_CTL_SHIFT 60
#define AMDVI_DTE2_INT_CTL	AMDVI_BITS(61, 60) /* 189:188: 0 abort, 1 pass, 2 remap */

/*
 * Bits that must be 0 in an implementation that has none of HASup, HDSup, GTSup, GIoSup:
 * 6:2 and 63 always, 8:7 and 55:53 for those features, 106; 183:180 and 187, which count only with
 * IV; quadword 3. GLX and the pieces of GCR3 mean nothing while GV is 0 and are not looked at.
 */
#define AMDVI_DTE_RESERVED	(AMDVI_BITS(6, 2) | AMDVI_DTE_HAD | AMDVI_DTE_GPRP | AMDVI_DTE_GIOV | AMDVI_DTE_GV | AMDVI_BIT(63))
#define AMDVI_DTE1_RESERVED	AMDVI_BIT(42)
#define AMDVI_DTE2_RESERVED	(AMDVI_BITS(55, 52) | AMDVI_BIT(59))
#define AMDVI_DTE3_RESERVED	UINT64_MAX

/* ---- host page table entries ("I/O Page Tables for Host Translations") ---- */

#define AMDVI_PTE_BYTES		8u
#define AMDVI_PTES_PER_TABLE	512u
#define AMDVI_LEVEL_BITS	9u
#define AMDVI_LEVELS_MAX	6u

#define AMDVI_PTE_PR		AMDVI_BIT(0)
#define AMDVI_PTE_NEXT_SHIFT	9
#define AMDVI_PTE_NEXT		AMDVI_BITS(11, 9)
#define AMDVI_PTE_NEXT_PAGE	0u /* a page of this level's default size */
#define AMDVI_PTE_NEXT_SIZED	7u /* a page whose size the address encodes */
#define AMDVI_PTE_U		AMDVI_BIT(59)
#define AMDVI_PTE_FC		AMDVI_BIT(60)
#define AMDVI_PTE_RESERVED	AMDVI_BITS(58, 52) /* in an entry that names a page */
#define AMDVI_PDE_RESERVED	AMDVI_BITS(60, 52) /* in one that names a table */
/* The same two bits in device table entry and page table entries. */
#define AMDVI_IR		AMDVI_BIT(61)
#define AMDVI_IW		AMDVI_BIT(62)

/* ---- commands ("Commands"), two quadwords, opcode in 63:60 of the first ---- */

#define AMDVI_CMD_OP_SHIFT	60
#define AMDVI_OP_COMPLETION_WAIT	0x1u
#define AMDVI_OP_INV_DEVTAB_ENTRY	0x2u
#define AMDVI_OP_INV_IOMMU_PAGES	0x3u
#define AMDVI_OP_INV_IOTLB_PAGES	0x4u
#define AMDVI_OP_INV_INTERRUPT_TABLE	0x5u
#define AMDVI_OP_PREFETCH_PAGES		0x6u
#define AMDVI_OP_COMPLETE_PPR		0x7u
#define AMDVI_OP_INV_IOMMU_ALL		0x8u

#define AMDVI_WAIT_S		AMDVI_BIT(0) /* store quadword 1 */
#define AMDVI_WAIT_I		AMDVI_BIT(1) /* interrupt */
#define AMDVI_WAIT_F		AMDVI_BIT(2) /* hold later commands */
#define AMDVI_WAIT_ADDRESS	AMDVI_BITS(51, 3)

#define AMDVI_CMD_DEVID		AMDVI_BITS(15, 0)
#define AMDVI_CMD_DOMAIN_SHIFT	32
#define AMDVI_CMD_DOMAIN	AMDVI_BITS(47, 32)
/* INVALIDATE_IOTLB_PAGES: outstanding at the device; whose queue it is */
#define AMDVI_CMD_MAXPEND_SHIFT	24
#define AMDVI_CMD_MAXPEND	AMDVI_BITS(31, 24)
#define AMDVI_CMD_QUEUEID_SHIFT	32
/* COMPLETE_PPR_REQUEST, quadword 1 */
#define AMDVI_PPR_TAG_SHIFT	32
#define AMDVI_PPR_TAG		AMDVI_BITS(41, 32)
#define AMDVI_PPR_CODE_SHIFT	44
#define AMDVI_PPR_CODE		AMDVI_BITS(47, 44)

/* quadword 1 of INVALIDATE_IOMMU_PAGES and INVALIDATE_IOTLB_PAGES */
#define AMDVI_INV_S		AMDVI_BIT(0) /* the address encodes a size */
#define AMDVI_INV_PDE		AMDVI_BIT(1) /* intermediate entries as well */
#define AMDVI_INV_GN		AMDVI_BIT(2) /* guest translations */
#define AMDVI_INV_ADDRESS	AMDVI_BITS(63, 12)
/* With S: everything there is. */
#define AMDVI_INV_ALL_PAGES	UINT64_C(0x7FFFFFFFFFFFF000)

/* ---- event log entries ("Event Logging"), two quadwords ---- */

#define AMDVI_EVT_CODE_SHIFT	60
#define AMDVI_EVT_ILLEGAL_DTE		0x1u
#define AMDVI_EVT_IO_PAGE_FAULT		0x2u
#define AMDVI_EVT_DEV_TAB_HW_ERROR	0x3u
#define AMDVI_EVT_PAGE_TAB_HW_ERROR	0x4u
#define AMDVI_EVT_ILLEGAL_COMMAND	0x5u
#define AMDVI_EVT_COMMAND_HW_ERROR	0x6u
#define AMDVI_EVT_IOTLB_INV_TIMEOUT	0x7u
#define AMDVI_EVT_INVALID_DEVICE_REQUEST 0x8u
#define AMDVI_EVT_INVALID_PPR		0x9u

#define AMDVI_EVT_DOMAIN_SHIFT	32
#define AMDVI_EVT_FLAGS_SHIFT	48
/* Flags, as they stand in bits 59:48. */
#define AMDVI_EVT_I		AMDVI_BIT(51) /* an interrupt request */
#define AMDVI_EVT_PR		AMDVI_BIT(52) /* the entry was present */
#define AMDVI_EVT_RW		AMDVI_BIT(53) /* a write */
#define AMDVI_EVT_PE		AMDVI_BIT(54) /* permission was lacking */
#define AMDVI_EVT_RZ		AMDVI_BIT(55) /* a reserved bit was set; 0: a bad level encoding */
#define AMDVI_EVT_TR		AMDVI_BIT(56) /* a translation request */
/* Hardware errors, 58:57: how the access to memory ended. */
#define AMDVI_EVT_HW_MASTER_ABORT (UINT64_C(1) << 57)
/* INVALID_DEVICE_REQUEST, 59:57: what was not allowed. */
#define AMDVI_EVT_REQ_SHIFT	57
#define AMDVI_REQ_INT_READ	0u /* a read in the interrupt address range */
#define AMDVI_REQ_TRANSLATED	1u /* a translated request of a device whose I or V is 0 */
#define AMDVI_REQ_TRANSLATION	0u /* with TR: a translation request of such a device */
#define AMDVI_REQ_INT_ABORTED	5u /* a write there while DTE.IntCtl says abort */

/* ---- PPR log entries ("PPR Logging"), two quadwords; tag and PASID as in the command ---- */

#define AMDVI_PPR_TAG_LAST	AMDVI_BIT(41) /* of the tag: last of its group */
#define AMDVI_PPR_READ		AMDVI_BIT(50)
#define AMDVI_PPR_WRITE		AMDVI_BIT(53)
#define AMDVI_PPR_FAULT		(UINT64_C(1) << 60) /* type 1, PAGE_SERVICE_REQUEST */

/* Writes to this range are interrupts and are not translated. */
#define AMDVI_INT_FIRST		UINT64_C(0xFEE00000)
#define AMDVI_INT_LAST		UINT64_C(0xFEEFFFFF)
/* HyperTransport's special ranges; drivers give out no address in them. */
#define AMDVI_HT_FIRST		UINT64_C(0xFD00000000)
#define AMDVI_HT_LAST		UINT64_C(0xFFFFFFFFFF)

/* clang-format on */

static_assert((AMDVI_DEVTAB_SIZE_ALL + 1) * 4096 / AMDVI_DTE_BYTES == 65536,
	      "the largest device table has an entry for every DeviceID");
static_assert(AMDVI_PTES_PER_TABLE * AMDVI_PTE_BYTES == AMDVI_PAGE_BYTES, "a table is a page");

/* A quadword as it lies in memory. */
static inline uint64_t amdvi_unpack(const uint8_t *from)
{
	return spec_le64(from);
}

static inline void amdvi_pack(uint8_t *to, uint64_t value)
{
	spec_put_le64(to, value);
}

/* Bytes of a command buffer or event log; length codes below 8 are reserved and count as 8. */
static inline uint64_t amdvi_ring_bytes(uint64_t base_register)
{
	uint64_t code = (base_register & AMDVI_RING_LENGTH) >> AMDVI_RING_LENGTH_SHIFT;

	if (code < AMDVI_RING_LENGTH_MIN)
		code = AMDVI_RING_LENGTH_MIN;
	return (uint64_t)AMDVI_RING_ENTRY_BYTES << code;
}

/* Entries of the device table. */
static inline uint64_t amdvi_devtab_entries(uint64_t base_register)
{
	return ((base_register & AMDVI_DEVTAB_SIZE) + 1) * AMDVI_PAGE_BYTES / AMDVI_DTE_BYTES;
}

/* The lowest address bit that picks an entry of a table at @level (1 to 6). */
static inline unsigned amdvi_level_shift(unsigned level)
{
	return AMDVI_PAGE_SHIFT + AMDVI_LEVEL_BITS * (level - 1);
}

/* Address bits that a tree of @levels translates: 21, 30, 39, 48, 57, 64. */
static inline unsigned amdvi_width(unsigned levels)
{
	const unsigned bits = amdvi_level_shift(levels) + AMDVI_LEVEL_BITS;

	return bits < 64 ? bits : 64;
}

/* An entry that names a table for @next_level. */
static inline uint64_t amdvi_pde(uint64_t table, unsigned next_level)
{
	return (table & AMDVI_FRAME) | (uint64_t)next_level << AMDVI_PTE_NEXT_SHIFT | AMDVI_IR |
	       AMDVI_IW | AMDVI_PTE_PR;
}

/* An entry that names one page of its level's default size. */
static inline uint64_t amdvi_pte(uint64_t page, bool read, bool write)
{
	return (page & AMDVI_FRAME) | AMDVI_PTE_PR | (read ? AMDVI_IR : 0) | (write ? AMDVI_IW : 0);
}

static inline unsigned amdvi_pte_next(uint64_t entry)
{
	return (unsigned)((entry & AMDVI_PTE_NEXT) >> AMDVI_PTE_NEXT_SHIFT);
}

/* Both halves of an entry's rights. */
static inline uint64_t amdvi_rights(uint64_t entry)
{
	return entry & (AMDVI_IR | AMDVI_IW);
}

/* What a page's entry says for answers to translation requests. */
static inline uint64_t amdvi_marks(uint64_t entry)
{
	return entry & (AMDVI_PTE_U | AMDVI_PTE_FC);
}

#endif
