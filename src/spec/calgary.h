/* SPDX-License-Identifier: MIT */
/*
 * IBM Calgary (PCI-X) as published: register offsets, bit masks, the Translation Control Entry
 * and the table sizes. This header is all that the hardware model and the driver share: constants
 * and pure functions, no state. No register manual is public; names and values follow the Linux
 * driver (pci-calgary_64.c, tce_64.c, asm/calgary.h, asm/tce.h) and Ben-Yehuda et al., "The Price
 * of Safety", OLS 2007, section 1.1.2 and table 1. CalIOC2, the PCI Express successor, shares the
 * block layout; what only it has says so.
 *
 * Byte order: chip registers and table entries are big-endian, the hosts are little-endian x86.
 * Masks here apply to the logical value, the one IBM's documents number; calgary_cpu32/64() turn
 * it into what such a CPU loads or stores and back.
 */
#ifndef IOTOLL_SPEC_CALGARY_H
#define IOTOLL_SPEC_CALGARY_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

/* The one place where IBM's bit numbers (bit 0 is the most significant) become masks. */
#define CALGARY_IBM32(bit)           (UINT32_C(0x80000000) >> (bit))
#define CALGARY_IBM64(bit)           (UINT64_C(0x8000000000000000) >> (bit))
#define CALGARY_IBM32_SPAN(from, to) ((UINT32_MAX >> (from)) & (UINT32_MAX << (31 - (to))))
#define CALGARY_IBM64_SPAN(from, to) ((UINT64_MAX >> (from)) & (UINT64_MAX << (63 - (to))))

/* clang-format off */

#define CALGARY_PCI_VENDOR	0x1014u
#define CALGARY_PCI_DEVICE	0x02a1u
#define CALGARY_CIOC2_DEVICE	0x0308u

/* Host bridges, hence PCI-X buses and translation tables, of a chip. */
#define CALGARY_PHBS		4
/* The register window at the chip's BBAR, which is aligned to it. */
#define CALGARY_WINDOW_BYTES	UINT32_C(0x100000)

/* ---- registers of the chip, 64 bits each ---- */

#define CALGARY_CCR		UINT32_C(0x0108) /* split-completion timeouts and more */
#define CALGARY_TAR0		UINT32_C(0x0580) /* table address register of PHB 0 */
#define CALGARY_TAR_STEP	UINT32_C(0x0008)

/* A PHB's nibble of the CCR: PHB 0..2 are neighbours, PHB 3 leaves a gap of four bits. */
#define CALGARY_CCR_TIMEOUT_0	CALGARY_IBM64_SPAN(16, 19)
#define CALGARY_CCR_TIMEOUT_1	CALGARY_IBM64_SPAN(20, 23)
#define CALGARY_CCR_TIMEOUT_2	CALGARY_IBM64_SPAN(24, 27)
#define CALGARY_CCR_TIMEOUT_3	CALGARY_IBM64_SPAN(32, 35)
#define CALGARY_CCR_TIMEOUT_2S	UINT64_C(0xE)    /* nibble value for two seconds */

/* ---- a PHB's debug block at 0x4000 + 0x1000 * phb ---- */

#define CALGARY_DEBUG_BLOCK	UINT32_C(0x4000)
#define CALGARY_DEBUG_STUFF	UINT32_C(0x0020) /* 32 bits: bus numbers behind the PHB */
#define CALGARY_DEBUG_SPLITQ	UINT32_C(0x0870) /* 64 bits: split queue status */

#define CALGARY_STUFF_FIRST_BUS	CALGARY_IBM32_SPAN(8, 15)
#define CALGARY_STUFF_LAST_BUS	CALGARY_IBM32_SPAN(16, 23)

/*
 * All of these bits set: no split transaction is outstanding. It is the byte at the lowest
 * address, so a little-endian CPU finds it in the low byte of what it loads.
 */
#define CALGARY_SPLITQ_IDLE	CALGARY_IBM64_SPAN(0, 7)

/* ---- a PHB's own block at 0x8000 + 0x1000 * phb, 32 bits each ---- */

#define CALGARY_PHB_BLOCK	UINT32_C(0x8000)
#define CALGARY_BLOCK_STEP	UINT32_C(0x1000)

#define CALGARY_CSR		UINT32_C(0x0110) /* channel status: DMA errors */
#define CALGARY_PLSSR		UINT32_C(0x0120)
#define CALGARY_CONFIG_RW	UINT32_C(0x0160)
#define CALGARY_IOBASE_LOW	UINT32_C(0x0170)
#define CALGARY_IOBASE_HIGH	UINT32_C(0x0180)
#define CALGARY_MEM_1_LOW	UINT32_C(0x0190)
#define CALGARY_MEM_1_HIGH	UINT32_C(0x01A0)
#define CALGARY_IO_ADDR_SIZE	UINT32_C(0x01B0)
#define CALGARY_MEM_1_SIZE	UINT32_C(0x01C0) /* an inclusive limit, see calgary_window_last() */
#define CALGARY_MEM_ST		UINT32_C(0x01D0)
#define CALGARY_AER		UINT32_C(0x0200) /* arbitration enable; 0: nobody is granted */
#define CALGARY_CONFIG_0_HIGH	UINT32_C(0x0220)
#define CALGARY_CONFIG_0_LOW	UINT32_C(0x0230)
#define CALGARY_CONFIG_0_END	UINT32_C(0x0240)
#define CALGARY_MEM_2_LOW	UINT32_C(0x02B0)
#define CALGARY_MEM_2_HIGH	UINT32_C(0x02C0)
#define CALGARY_MEM_2_SIZE_HIGH	UINT32_C(0x02D0)
#define CALGARY_MEM_2_SIZE_LOW	UINT32_C(0x02E0)
#define CALGARY_DOSHOLE		UINT32_C(0x08E0)

/* CalIOC2 only: error dump, and the page-migration registers its cache flush goes through. */
#define CALGARY_CIOC2_CSMR	UINT32_C(0x0290)
#define CALGARY_CIOC2_MCK	UINT32_C(0x0800)
#define CALGARY_CIOC2_ERROR_0	UINT32_C(0x0810) /* seven of them, 0x10 apart */
#define CALGARY_CIOC2_RC_STATUS	UINT32_C(0x0CB0)
#define CALGARY_CIOC2_PMDR	UINT32_C(0x0DA0)
#define CALGARY_CIOC2_PMCR	UINT32_C(0x0DA8)
#define CALGARY_CIOC2_SAVIOR_L2	UINT32_C(0x0DB0)

#define CALGARY_PM_SOFTSTOP	 CALGARY_IBM32(0)
#define CALGARY_PM_SOFTSTOPFAULT CALGARY_IBM32(1)
#define CALGARY_PM_HARDSTOP	 CALGARY_IBM32(2)

/* CONFIG_RW */
#define CALGARY_TCE_ENABLE	CALGARY_IBM32(2)
#define CALGARY_SLOT_DISABLE	CALGARY_IBM32_SPAN(3, 5)
#define CALGARY_DAC_DISABLE	CALGARY_IBM32(7)
#define CALGARY_MEM2_ENABLE	CALGARY_IBM32(9)
#define CALGARY_MCSR_ENABLE	CALGARY_IBM32(11)
/* What the driver sets to switch translation on and clears to switch it off. */
#define CALGARY_TRANSLATE_BITS	(CALGARY_TCE_ENABLE | CALGARY_DAC_DISABLE | CALGARY_MCSR_ENABLE)

/* CSR: the agent is meaningful only while some other bit is set. */
#define CALGARY_CSR_AGENT	CALGARY_IBM32_SPAN(11, 15)
#define CALGARY_CSR_AGENT_SHIFT	16
#define CALGARY_CSR_ERRORS	(~CALGARY_CSR_AGENT)
/*
 * What the individual bits mean is not published. These two values are the only ones ever seen in
 * public: one report of 2013, CSR 0x10010000 (so agent 1) with PLSSR 0x04000000.
 */
#define CALGARY_CSR_SEEN_ERROR	CALGARY_IBM32(3)
#define CALGARY_PLSSR_SEEN	CALGARY_IBM32(5)

/* TAR: software owns the base, the size and a valid bit that Linux never sets. */
#define CALGARY_TAR_BASE	CALGARY_IBM64_SPAN(16, 48)
#define CALGARY_TAR_VALID	CALGARY_IBM64(60)
#define CALGARY_TAR_SIZE	CALGARY_IBM64_SPAN(61, 63)
#define CALGARY_TAR_SW_BITS	(CALGARY_TAR_BASE | CALGARY_TAR_VALID | CALGARY_TAR_SIZE)

/* ---- the translation control entry, 8 bytes ---- */

#define CALGARY_TCE_BYTES	8u
#define CALGARY_TCE_RPN		CALGARY_IBM64_SPAN(16, 51) /* real page number, in place */
#define CALGARY_TCE_HUBID	CALGARY_IBM64_SPAN(56, 61) /* unused, always 0 */
#define CALGARY_TCE_WRITE	CALGARY_IBM64(62)          /* the device may write memory */
#define CALGARY_TCE_READ	CALGARY_IBM64(63)          /* the device may read memory */
#define CALGARY_TCE_RIGHTS	(CALGARY_TCE_WRITE | CALGARY_TCE_READ) /* none: invalid */

#define CALGARY_PAGE_SHIFT	12
#define CALGARY_PAGE_BYTES	4096u

/* ---- the table: 8192 << code entries ---- */

#define CALGARY_SIZE_CODES	8u
#define CALGARY_MIN_ENTRIES	UINT64_C(8192)

/* ---- addresses that are never translated ---- */

/* The BIOS and VGA hole, half open. */
#define CALGARY_HOLE_START	UINT64_C(0xA0000)
#define CALGARY_HOLE_END	UINT64_C(0x100000)
/* Peripheral windows have a granularity of 1 MiB. */
#define CALGARY_WINDOW_GRAIN	UINT64_C(0xFFFFF)

/* clang-format on */

static_assert(CALGARY_TAR_SW_BITS == UINT64_C(0x0000FFFFFFFF800F), "TAR software bits");
static_assert(CALGARY_TAR_BASE == UINT64_C(0x0000FFFFFFFF8000), "TAR base is LSB 47:15");
static_assert(CALGARY_TAR_VALID == 0x8 && CALGARY_TAR_SIZE == 0x7, "TAR low bits");
static_assert(CALGARY_TRANSLATE_BITS == UINT32_C(0x21100000), "as the driver writes it");
static_assert(CALGARY_SLOT_DISABLE == UINT32_C(0x1C000000), "three slot bits");
static_assert(CALGARY_MEM2_ENABLE == UINT32_C(0x00400000), "CONFIG_RW bit 9");
static_assert(CALGARY_CSR_AGENT == UINT32_C(0x001F0000), "agent is IBM 11:15");
static_assert(CALGARY_CSR_ERRORS == UINT32_C(0xFFE0FFFF), "CSR_AGENT_MASK of the driver");
static_assert(CALGARY_CSR_SEEN_ERROR == UINT32_C(0x10000000), "CSR of the one report");
static_assert(CALGARY_PLSSR_SEEN == UINT32_C(0x04000000), "PLSSR of the one report");
static_assert(CALGARY_STUFF_FIRST_BUS == UINT32_C(0x00FF0000), "first bus");
static_assert(CALGARY_STUFF_LAST_BUS == UINT32_C(0x0000FF00), "last bus");
static_assert(CALGARY_CCR_TIMEOUT_0 == UINT64_C(0xF) << 44, "PHB 0 timeout");
static_assert(CALGARY_CCR_TIMEOUT_2 == UINT64_C(0xF) << 36, "PHB 2 timeout");
static_assert(CALGARY_CCR_TIMEOUT_3 == UINT64_C(0xF) << 28, "PHB 3 timeout");
static_assert(CALGARY_TCE_RPN == UINT64_C(0x0000FFFFFFFFF000), "RPN is LSB 47:12");
static_assert(CALGARY_TCE_HUBID == 0xFC, "hub id is LSB 7:2");
static_assert(CALGARY_TCE_WRITE == 0x2 && CALGARY_TCE_READ == 0x1, "rights are positive");

/* ---- where things are ---- */

/* Offset of the TAR of PHB @phb, 0..3. */
static inline uint32_t calgary_tar(unsigned phb)
{
	return CALGARY_TAR0 + CALGARY_TAR_STEP * phb;
}

/* Offset of register @reg (CALGARY_DEBUG_...) of the debug block of PHB @phb. */
static inline uint32_t calgary_debug_reg(unsigned phb, uint32_t reg)
{
	return CALGARY_DEBUG_BLOCK + CALGARY_BLOCK_STEP * phb + reg;
}

/* Offset of register @reg (CALGARY_CSR, ...) of the block of PHB @phb. */
static inline uint32_t calgary_phb_reg(unsigned phb, uint32_t reg)
{
	return CALGARY_PHB_BLOCK + CALGARY_BLOCK_STEP * phb + reg;
}

/* How far to shift the split-completion timeout of PHB @phb within the CCR. */
static inline unsigned calgary_ccr_timeout_shift(unsigned phb)
{
	return phb == 3 ? 28 : 44 - 4 * phb;
}

/* ---- byte order ---- */

/* Between a register's logical value and what a little-endian CPU loads or stores; its own inverse.
 */
static inline uint32_t calgary_cpu32(uint32_t v)
{
	return __builtin_bswap32(v);
}

static inline uint64_t calgary_cpu64(uint64_t v)
{
	return __builtin_bswap64(v);
}

/* Write the logical entry @tce as it lies in memory, most significant byte first. */
static inline void calgary_tce_pack(uint8_t to[8], uint64_t tce)
{
	to[0] = (uint8_t)(tce >> 56);
	to[1] = (uint8_t)(tce >> 48);
	to[2] = (uint8_t)(tce >> 40);
	to[3] = (uint8_t)(tce >> 32);
	to[4] = (uint8_t)(tce >> 24);
	to[5] = (uint8_t)(tce >> 16);
	to[6] = (uint8_t)(tce >> 8);
	to[7] = (uint8_t)tce;
}

/* The logical entry in the 8 bytes at @from. */
static inline uint64_t calgary_tce_unpack(const uint8_t from[8])
{
	return (uint64_t)from[0] << 56 | (uint64_t)from[1] << 48 | (uint64_t)from[2] << 40 |
	       (uint64_t)from[3] << 32 | (uint64_t)from[4] << 24 | (uint64_t)from[5] << 16 |
	       (uint64_t)from[6] << 8 | (uint64_t)from[7];
}

/* ---- entries ---- */

/* The entry for the page that holds @paddr (48 bits count) with the given rights. */
static inline uint64_t calgary_tce(uint64_t paddr, bool read, bool write)
{
	return (paddr & CALGARY_TCE_RPN) | (write ? CALGARY_TCE_WRITE : 0) |
	       (read ? CALGARY_TCE_READ : 0);
}

/* Address of the page that @tce names. */
static inline uint64_t calgary_tce_paddr(uint64_t tce)
{
	return tce & CALGARY_TCE_RPN;
}

/* There is no valid bit: an entry without any right is invalid. */
static inline bool calgary_tce_valid(uint64_t tce)
{
	return (tce & CALGARY_TCE_RIGHTS) != 0;
}

/* ---- tables ---- */

/* Entries of a table of size code @code, 0..7 (higher bits are ignored). */
static inline uint64_t calgary_entries(unsigned code)
{
	return CALGARY_MIN_ENTRIES << (code & CALGARY_TAR_SIZE);
}

/* Bytes of such a table: 64 KiB .. 8 MiB. */
static inline uint64_t calgary_table_bytes(unsigned code)
{
	return calgary_entries(code) * CALGARY_TCE_BYTES;
}

/* The size code of a table of exactly @entries, or -1 if no code has that many. */
static inline int calgary_size_code(uint64_t entries)
{
	for (unsigned code = 0; code < CALGARY_SIZE_CODES; code++)
		if (calgary_entries(code) == entries)
			return (int)code;
	return -1;
}

/* @old with its software bits replaced: the table at @base (32 KiB aligned), size code @code. */
static inline uint64_t calgary_tar_value(uint64_t old, uint64_t base, unsigned code)
{
	return (old & ~CALGARY_TAR_SW_BITS) | (base & CALGARY_TAR_BASE) | (code & CALGARY_TAR_SIZE);
}

/* ---- windows: [first, last], both included; empty if last < first ---- */

static inline uint64_t calgary_window_first(uint32_t high, uint32_t low)
{
	return (uint64_t)high << 32 | low;
}

/* MEM_1 has no high half: pass 0. */
static inline uint64_t calgary_window_last(uint32_t size_high, uint32_t size_low)
{
	return ((uint64_t)size_high << 32 | size_low) | CALGARY_WINDOW_GRAIN;
}

#endif
