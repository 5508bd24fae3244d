/* SPDX-License-Identifier: MIT */
/*
 * A VT-d unit over a plain byte array, for tests: memory is [0, VRIG_BYTES), everything outside it
 * faults. Registers and entries are given as numbers worked out from the published layouts; this
 * file and its users do not include spec/vtd.h, except where they test it.
 */
#ifndef IOTOLL_TESTS_HW_VTD_RIG_H
#define IOTOLL_TESTS_HW_VTD_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hw/iotlb.h"
#include "hw/vtd.h"

#define VRIG_BYTES   (UINT64_C(4) << 20)
#define VRIG_OUTSIDE UINT64_C(0x40000000) /* no memory here, yet a valid address */

/* Where vrig_tables() puts what. */
#define VRIG_ROOT    UINT64_C(0x1000)
#define VRIG_CONTEXT UINT64_C(0x2000)
#define VRIG_L4      UINT64_C(0x3000)
#define VRIG_L3      UINT64_C(0x4000)
#define VRIG_L2      UINT64_C(0x5000)
#define VRIG_L1      UINT64_C(0x6000)
#define VRIG_QUEUE   UINT64_C(0x10000)
#define VRIG_SID     0x0028u /* 00:05.0 */

struct vrig {
	struct iommu *iommu;
	uint8_t *bytes; /* VRIG_BYTES of them */
	unsigned reads, writes;
	uint64_t written;            /* address of the last write */
	uint32_t fault_at, iotlb_at; /* of the record and IVA registers */
	/* what the observer heard */
	unsigned drops, faults, interrupts;
	uint64_t dropped, fault_iova, message_address;
	uint32_t message_data;
	uint16_t fault_devid;
};

/* Lines of one page, 16 in 4 ways, LRU. */
extern const struct iotlb_config vrig_iotlb;

/* @config NULL: vtd_xeon. @iotlb NULL: vrig_iotlb. Memory is zero. Fails the test on error. */
void vrig_make(struct vrig *r, const struct vtd_config *config, const struct iotlb_config *iotlb,
	       bool track_stale);
void vrig_free(struct vrig *r);

/* The 8 bytes at @paddr, least significant first. */
void vrig_poke(struct vrig *r, uint64_t paddr, uint64_t value);
uint64_t vrig_peek(const struct vrig *r, uint64_t paddr);
uint32_t vrig_readl(struct vrig *r, uint32_t offset);
void vrig_writel(struct vrig *r, uint32_t offset, uint32_t value);
uint64_t vrig_readq(struct vrig *r, uint32_t offset);
void vrig_writeq(struct vrig *r, uint32_t offset, uint64_t value);

/*
 * Root entry of bus 0, context entry of VRIG_SID with domain 7 and four levels, one table of each
 * level all along address 0; no page is mapped.
 */
void vrig_tables(struct vrig *r);
/* Entry @index of the last level: the page at @paddr with R and W as bits 0 and 1 of @rights. */
void vrig_map(struct vrig *r, unsigned index, uint64_t paddr, unsigned rights);
/* The context entry of @sid on bus 0. */
void vrig_context(struct vrig *r, unsigned sid, uint64_t lo, uint64_t hi);
/* RTADDR = VRIG_ROOT, SRTP, TE. */
void vrig_enable(struct vrig *r);
/* vrig_tables() and vrig_enable(). */
void vrig_standard(struct vrig *r);
/* Everything invalidated through the registers. */
void vrig_flush(struct vrig *r);

/* An access by @sid on the segment; @out may be NULL. */
int vrig_dma(struct vrig *r, uint16_t sid, uint64_t iova, enum iotoll_access access,
	     struct iotoll_xlat *out);
/* As VRIG_SID: where @iova leads a read, or UINT64_MAX if it is refused. */
uint64_t vrig_reaches(struct vrig *r, uint64_t iova);
/* Reason of the record @n if it is valid, else 0; acknowledges it and clears PFO. */
unsigned vrig_take_fault(struct vrig *r, unsigned n);

/* Queue of one page at VRIG_QUEUE, switched on. */
void vrig_queue(struct vrig *r);
/* Put a descriptor at @slot; ring the tail so that it is the last one. */
void vrig_desc(struct vrig *r, unsigned slot, uint64_t lo, uint64_t hi);
void vrig_ring(struct vrig *r, unsigned slot_after);

/* Page 0 leads to 0x80000 in the IOTLB and to 0x90000 in memory. */
void vrig_hold_page_0(struct vrig *r);
bool vrig_page_0_forgotten(struct vrig *r);

#endif
