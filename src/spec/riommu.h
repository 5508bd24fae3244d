/* SPDX-License-Identifier: MIT */
/*
 * rIOMMU, the ring IOMMU of Malka, Amit and Tsafrir, "rIOMMU: Efficient IOMMU for I/O Devices that
 * Employ Ring Buffers", ASPLOS 2015: a design on paper, of which no chip was built. This header is
 * all that the hardware model and the driver share: constants and pure functions, no state.
 *
 * From the paper: each device has an array of rings, each ring a flat array of rPTEs; an rPTE is
 * 16 bytes and has a 64-bit physical address, a 30-bit size in bytes, a 2-bit direction and a valid
 * bit; an rIOVA is a 30-bit offset, an 18-bit number of an rPTE (rentry) and a 16-bit number of a
 * ring (rid); a device has as many rings as 16 bits can count, a ring as many rPTEs as 18 bits can.
 *
 * Left open there and chosen here:
 *  - the order of the fields: as the paper lists them, the first in the least significant bits;
 *    everything is little-endian;
 *  - the direction: bit 0 lets the device read memory, bit 1 lets it write;
 *  - how a device's array of rings is found: a table indexed by requester id, whose entries, like
 *    those of the array of rings, are an address and a count of 8 bytes each. A count of 0 says
 * that there is nothing; the low 4 bits of an address are taken as 0;
 *  - bits without a name are ignored;
 *  - the registers, all of them: 64 bits wide each.
 */
#ifndef IOTOLL_SPEC_RIOMMU_H
#define IOTOLL_SPEC_RIOMMU_H

#include <stdbool.h>
#include <stdint.h>

#include "spec/bytes.h"

/* clang-format off */

/* ---- registers ---- */

#define RIOMMU_WINDOW_BYTES	UINT32_C(0x1000)

#define RIOMMU_VERSION		UINT32_C(0x00) /* read-only: RIOMMU_VERSION_1 */
#define RIOMMU_CONTROL		UINT32_C(0x08)
#define RIOMMU_DEVICES		UINT32_C(0x10) /* where the table of devices lies */
#define RIOMMU_DEVICE_COUNT	UINT32_C(0x18) /* how many entries it has */
#define RIOMMU_INVALIDATE	UINT32_C(0x20) /* a write is a command; reads say if it is over */
#define RIOMMU_FAULT		UINT32_C(0x28) /* the first access refused since it was cleared */
#define RIOMMU_FAULT_IOVA	UINT32_C(0x30) /* its address; read-only */

#define RIOMMU_VERSION_1	UINT64_C(1)

#define RIOMMU_CONTROL_ENABLE	UINT64_C(1) /* 0: addresses go past as they are */

#define RIOMMU_DEVICES_ADDRESS	(~UINT64_C(0xFFF))
#define RIOMMU_MAX_DEVICES	UINT64_C(0x10000)
#define RIOMMU_COUNT_FIELD	UINT64_C(0x1FFFF)

#define RIOMMU_INV_RID		UINT64_C(0xFFFF)
#define RIOMMU_INV_DEVICE_SHIFT	16
#define RIOMMU_INV_DEVICE	(UINT64_C(0xFFFF) << RIOMMU_INV_DEVICE_SHIFT)
#define RIOMMU_INV_SCOPE	(UINT64_C(3) << 32)
#define RIOMMU_INV_RING		(UINT64_C(1) << 32) /* one ring's entry */
#define RIOMMU_INV_OF_DEVICE	(UINT64_C(2) << 32) /* those of a device */
#define RIOMMU_INV_ALL		(UINT64_C(3) << 32)
#define RIOMMU_INV_BUSY		(UINT64_C(1) << 63) /* read: not over yet */

#define RIOMMU_FAULT_PENDING	(UINT64_C(1) << 63) /* writing 1 clears all of the register */
#define RIOMMU_FAULT_MORE	(UINT64_C(1) << 62) /* others were refused since */
#define RIOMMU_FAULT_WRITE	(UINT64_C(1) << 61)
#define RIOMMU_FAULT_REASON_SHIFT 32
#define RIOMMU_FAULT_REASON	(UINT64_C(0xF) << RIOMMU_FAULT_REASON_SHIFT)
#define RIOMMU_FAULT_DEVICE	UINT64_C(0xFFFF)

enum riommu_reason {
	RIOMMU_REASON_NONE,
	RIOMMU_REASON_TABLE,		/* a table, or part of it, lies outside memory */
	RIOMMU_REASON_DEVICE,		/* no rings for this device */
	RIOMMU_REASON_RING,		/* rid is beyond them, or the ring has no entries */
	RIOMMU_REASON_ENTRY,		/* rentry is beyond the ring */
	RIOMMU_REASON_INVALID,		/* the rPTE is not valid */
	RIOMMU_REASON_SIZE,		/* the offset is not below the rPTE's size */
	RIOMMU_REASON_DIRECTION,	/* the rPTE does not allow it */
};

/* ---- tables in memory ---- */

#define RIOMMU_TABLE_ALIGN	UINT64_C(4096) /* of the table of devices */
#define RIOMMU_ENTRY_BYTES	16u            /* of each entry of each table */
#define RIOMMU_ADDRESS		(~UINT64_C(0xF)) /* of the next table: device and ring entries */
#define RIOMMU_MAX_RINGS	UINT64_C(0xFFFF)
#define RIOMMU_MAX_ENTRIES	UINT64_C(0x3FFFF)

#define RIOMMU_RPTE_SIZE	UINT64_C(0x3FFFFFFF)
#define RIOMMU_RPTE_READ	(UINT64_C(1) << 30)
#define RIOMMU_RPTE_WRITE	(UINT64_C(1) << 31)
#define RIOMMU_RPTE_VALID	(UINT64_C(1) << 32)
#define RIOMMU_RPTE_FIELDS	(RIOMMU_RPTE_SIZE | RIOMMU_RPTE_READ | RIOMMU_RPTE_WRITE | \
				 RIOMMU_RPTE_VALID)
#define RIOMMU_MAX_BYTES	RIOMMU_RPTE_SIZE /* of a mapping */

/* ---- rIOVA ---- */

#define RIOMMU_OFFSET_BITS	30
#define RIOMMU_RENTRY_BITS	18

/* clang-format on */

static inline uint64_t riommu_iova(uint64_t rid, uint64_t rentry, uint64_t offset)
{
	return rid << (RIOMMU_OFFSET_BITS + RIOMMU_RENTRY_BITS) | rentry << RIOMMU_OFFSET_BITS |
	       offset;
}

static inline uint32_t riommu_iova_offset(uint64_t iova)
{
	return (uint32_t)(iova & ((UINT64_C(1) << RIOMMU_OFFSET_BITS) - 1));
}

static inline uint32_t riommu_iova_rentry(uint64_t iova)
{
	return (uint32_t)(iova >> RIOMMU_OFFSET_BITS & ((UINT64_C(1) << RIOMMU_RENTRY_BITS) - 1));
}

static inline uint16_t riommu_iova_rid(uint64_t iova)
{
	return (uint16_t)(iova >> (RIOMMU_OFFSET_BITS + RIOMMU_RENTRY_BITS));
}

/* Any of the three entries: two little-endian words. */
struct riommu_pair {
	uint64_t lo, hi;
};

static inline void riommu_pack64(uint8_t *to, uint64_t value)
{
	spec_put_le64(to, value);
}

static inline uint64_t riommu_unpack64(const uint8_t *from)
{
	return spec_le64(from);
}

static inline void riommu_pack(uint8_t *to, struct riommu_pair pair)
{
	riommu_pack64(to, pair.lo);
	riommu_pack64(to + 8, pair.hi);
}

static inline struct riommu_pair riommu_unpack(const uint8_t *from)
{
	return (struct riommu_pair){riommu_unpack64(from), riommu_unpack64(from + 8)};
}

/* Second word of a valid rPTE; @bytes is at most RIOMMU_MAX_BYTES. */
static inline uint64_t riommu_rpte_hi(uint64_t bytes, bool read, bool write)
{
	return bytes | (read ? RIOMMU_RPTE_READ : 0) | (write ? RIOMMU_RPTE_WRITE : 0) |
	       RIOMMU_RPTE_VALID;
}

/* A command for RIOMMU_INVALIDATE: @scope is one of RIOMMU_INV_RING, _OF_DEVICE, _ALL. */
static inline uint64_t riommu_invalidation(uint64_t scope, uint16_t device, uint16_t rid)
{
	return scope | (uint64_t)device << RIOMMU_INV_DEVICE_SHIFT | rid;
}

#endif
