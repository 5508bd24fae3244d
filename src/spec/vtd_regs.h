/* SPDX-License-Identifier: MIT */
/*
 * Intel VT-d's registers as published: offsets, fields, what the capabilities say and the fault
 * records. Part of spec/vtd.h, which names the document and includes this.
 */
#ifndef IOTOLL_SPEC_VTD_REGS_H
#define IOTOLL_SPEC_VTD_REGS_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define VTD_BIT(n)       (UINT64_C(1) << (n))
#define VTD_SPAN(hi, lo) ((UINT64_MAX >> (63 - (hi))) & (UINT64_MAX << (lo)))

/* clang-format off */

/* The register page of one remapping unit (FRO and IRO must stay inside it here). */
#define VTD_WINDOW_BYTES	UINT32_C(0x1000)

/* ---- registers ---- */

#define VTD_VER		UINT32_C(0x000) /* 32 */
#define VTD_CAP		UINT32_C(0x008) /* 64 */
#define VTD_ECAP	UINT32_C(0x010) /* 64 */
#define VTD_GCMD	UINT32_C(0x018) /* 32, write only */
#define VTD_GSTS	UINT32_C(0x01C) /* 32 */
#define VTD_RTADDR	UINT32_C(0x020) /* 64, latched by SRTP */
#define VTD_CCMD	UINT32_C(0x028) /* 64 */
#define VTD_FSTS	UINT32_C(0x034) /* 32 */
#define VTD_FECTL	UINT32_C(0x038) /* 32 */
#define VTD_FEDATA	UINT32_C(0x03C) /* 32 */
#define VTD_FEADDR	UINT32_C(0x040) /* 32 */
#define VTD_FEUADDR	UINT32_C(0x044) /* 32, only with ECAP.EIM */
#define VTD_AFLOG	UINT32_C(0x058) /* 64, only with CAP.AFL */
#define VTD_PMEN	UINT32_C(0x064) /* 32, only with CAP.PLMR or PHMR */
#define VTD_PLMBASE	UINT32_C(0x068) /* 32 */
#define VTD_PLMLIMIT	UINT32_C(0x06C) /* 32 */
#define VTD_PHMBASE	UINT32_C(0x070) /* 64 */
#define VTD_PHMLIMIT	UINT32_C(0x078) /* 64 */
#define VTD_IQH		UINT32_C(0x080) /* 64, read only */
#define VTD_IQT		UINT32_C(0x088) /* 64 */
#define VTD_IQA		UINT32_C(0x090) /* 64, latched by QIE going to 1 */
#define VTD_ICS		UINT32_C(0x09C) /* 32 */
#define VTD_IECTL	UINT32_C(0x0A0) /* 32 */
#define VTD_IEDATA	UINT32_C(0x0A4) /* 32 */
#define VTD_IEADDR	UINT32_C(0x0A8) /* 32 */
#define VTD_IEUADDR	UINT32_C(0x0AC) /* 32, only with ECAP.EIM */
#define VTD_IQERCD	UINT32_C(0x0B0) /* 64, read only */
#define VTD_IRTA	UINT32_C(0x0B8) /* 64, only with ECAP.IR */
/* What follows the fixed registers: the two blocks whose place CAP and ECAP tell. */
#define VTD_FIXED_END	UINT32_C(0x0F0)
#define VTD_IVA_REG	UINT32_C(0x000) /* from vtd_iotlb_block(): 64, write only */
#define VTD_IOTLB_REG	UINT32_C(0x008) /* from vtd_iotlb_block(): 64 */

/* CAP */
#define VTD_CAP_ND		VTD_SPAN(2, 0)   /* 2^(4 + 2 * ND) domain-ids */
#define VTD_CAP_AFL		VTD_BIT(3)
#define VTD_CAP_RWBF		VTD_BIT(4)       /* write buffers need GCMD.WBF */
#define VTD_CAP_PLMR		VTD_BIT(5)
#define VTD_CAP_PHMR		VTD_BIT(6)
#define VTD_CAP_CM		VTD_BIT(7)       /* caching mode */
#define VTD_CAP_SAGAW		VTD_SPAN(12, 8)  /* bit AW of the field: that AGAW is supported */
#define VTD_CAP_SAGAW_SHIFT	8
#define VTD_CAP_MGAW		VTD_SPAN(21, 16) /* maximum guest address width - 1 */
#define VTD_CAP_MGAW_SHIFT	16
#define VTD_CAP_ZLR		VTD_BIT(22)
#define VTD_CAP_FRO		VTD_SPAN(33, 24) /* fault records at 16 * FRO */
#define VTD_CAP_FRO_SHIFT	24
#define VTD_CAP_SLLPS_2M	VTD_BIT(34)
#define VTD_CAP_SLLPS_1G	VTD_BIT(35)
#define VTD_CAP_PSI		VTD_BIT(39)      /* page-selective invalidation */
#define VTD_CAP_NFR		VTD_SPAN(47, 40) /* fault records - 1 */
#define VTD_CAP_NFR_SHIFT	40
#define VTD_CAP_MAMV		VTD_SPAN(53, 48) /* largest address mask of one invalidation */
#define VTD_CAP_MAMV_SHIFT	48
#define VTD_CAP_DWD		VTD_BIT(54)
#define VTD_CAP_DRD		VTD_BIT(55)
#define VTD_CAP_ESRTPS		VTD_BIT(63)      /* SRTP empties the caches by itself */

/* ECAP */
#define VTD_ECAP_C		VTD_BIT(0)       /* walks snoop CPU caches */
#define VTD_ECAP_QI		VTD_BIT(1)
#define VTD_ECAP_DT		VTD_BIT(2)       /* device-TLBs */
#define VTD_ECAP_IR		VTD_BIT(3)
#define VTD_ECAP_EIM		VTD_BIT(4)
#define VTD_ECAP_PT		VTD_BIT(6)       /* pass-through */
#define VTD_ECAP_SC		VTD_BIT(7)       /* snoop control */
#define VTD_ECAP_IRO		VTD_SPAN(17, 8)  /* IVA and IOTLB registers at 16 * IRO */
#define VTD_ECAP_IRO_SHIFT	8

/* GCMD; the bit of GSTS at the same place tells the state. TE, QIE, IRE, EAFL, CFI are levels. */
#define VTD_GCMD_TE		UINT32_C(0x80000000)
#define VTD_GCMD_SRTP		UINT32_C(0x40000000) /* one shot */
#define VTD_GCMD_SFL		UINT32_C(0x20000000) /* one shot */
#define VTD_GCMD_EAFL		UINT32_C(0x10000000)
#define VTD_GCMD_WBF		UINT32_C(0x08000000) /* one shot */
#define VTD_GCMD_QIE		UINT32_C(0x04000000)
#define VTD_GCMD_IRE		UINT32_C(0x02000000)
#define VTD_GCMD_SIRTP		UINT32_C(0x01000000) /* one shot */
#define VTD_GCMD_CFI		UINT32_C(0x00800000)
#define VTD_GSTS_TES		VTD_GCMD_TE
#define VTD_GSTS_RTPS		VTD_GCMD_SRTP
#define VTD_GSTS_WBFS		VTD_GCMD_WBF
#define VTD_GSTS_QIES		VTD_GCMD_QIE
/* The levels of GSTS: what a command must repeat to leave the rest as it is. */
#define VTD_GSTS_LEVELS		UINT32_C(0x96FFFFFF)

/* RTADDR: bits 11:10 pick a table type, of which legacy mode is 0. */
#define VTD_RTADDR_RTA		VTD_SPAN(63, 12)

/* CCMD */
#define VTD_CCMD_ICC		VTD_BIT(63)
#define VTD_CCMD_CIRG		VTD_SPAN(62, 61) /* VTD_GRAN_...: what is asked */
#define VTD_CCMD_CIRG_SHIFT	61
#define VTD_CCMD_CAIG		VTD_SPAN(60, 59) /* what was done; 0: refused */
#define VTD_CCMD_CAIG_SHIFT	59
#define VTD_CCMD_FM		VTD_SPAN(33, 32)
#define VTD_CCMD_FM_SHIFT	32
#define VTD_CCMD_SID		VTD_SPAN(31, 16)
#define VTD_CCMD_SID_SHIFT	16
#define VTD_CCMD_DID		VTD_SPAN(15, 0)

/* IVA, and the second quadword of an IOTLB descriptor */
#define VTD_IVA_ADDR		VTD_SPAN(63, 12)
#define VTD_IVA_IH		VTD_BIT(6)       /* only leaves changed */
#define VTD_IVA_AM		VTD_SPAN(5, 0)   /* 2^AM pages */

/* IOTLB */
#define VTD_IOTLB_IVT		VTD_BIT(63)
#define VTD_IOTLB_IIRG		VTD_SPAN(61, 60)
#define VTD_IOTLB_IIRG_SHIFT	60
#define VTD_IOTLB_IAIG		VTD_SPAN(58, 57)
#define VTD_IOTLB_IAIG_SHIFT	57
#define VTD_IOTLB_DR		VTD_BIT(49)
#define VTD_IOTLB_DW		VTD_BIT(48)
#define VTD_IOTLB_DID		VTD_SPAN(47, 32)
#define VTD_IOTLB_DID_SHIFT	32

/* Granularities, of registers and descriptors alike. */
#define VTD_GRAN_NONE		0u
#define VTD_GRAN_GLOBAL		1u
#define VTD_GRAN_DOMAIN		2u
#define VTD_GRAN_DEVICE		3u /* context cache */
#define VTD_GRAN_PAGE		3u /* IOTLB */

/* FSTS */
#define VTD_FSTS_PFO		UINT32_C(0x01)   /* a fault was lost; write 1 to clear */
#define VTD_FSTS_PPF		UINT32_C(0x02)   /* some record has F; read only */
#define VTD_FSTS_AFO		UINT32_C(0x04)
#define VTD_FSTS_APF		UINT32_C(0x08)
#define VTD_FSTS_IQE		UINT32_C(0x10)   /* the queue has stopped; write 1 to clear */
#define VTD_FSTS_ICE		UINT32_C(0x20)   /* a wrong completion; write 1 to clear */
#define VTD_FSTS_ITE		UINT32_C(0x40)   /* a device did not complete; write 1 to clear */
#define VTD_FSTS_PRO		UINT32_C(0x80)
#define VTD_FSTS_FRI		UINT32_C(0xFF00) /* first pending record, while PPF */
#define VTD_FSTS_FRI_SHIFT	8

/* PMEN */
#define VTD_PMEN_EPM		UINT32_C(0x80000000) /* protected memory on */
#define VTD_PMEN_PRS		UINT32_C(0x00000001) /* it is; read only */

/* FECTL and IECTL; FEADDR and IEADDR; FEDATA and IEDATA */
#define VTD_ECTL_IM		UINT32_C(0x80000000) /* mask; set at reset */
#define VTD_ECTL_IP		UINT32_C(0x40000000) /* pending; read only */
#define VTD_EADDR_MA		UINT32_C(0xFFFFFFFC)
#define VTD_EDATA_IMD		UINT32_C(0x0000FFFF)

/* IQH, IQT, IQA, ICS, IQERCD */
#define VTD_IQ_INDEX		VTD_SPAN(18, 4)  /* head and tail: a byte offset */
#define VTD_IQA_BASE		VTD_SPAN(63, 12)
#define VTD_IQA_QS		VTD_SPAN(2, 0)   /* 2^QS pages */
#define VTD_ICS_IWC		UINT32_C(0x1)
#define VTD_IQERCD_IQEI		VTD_SPAN(3, 0)
#define VTD_IQERCD_ITESID	VTD_SPAN(47, 32) /* whose completion did not come, with FSTS.ITE */
#define VTD_IQERCD_ITESID_SHIFT	32
#define VTD_IQERCD_ICESID	VTD_SPAN(63, 48) /* who sent a wrong one, with FSTS.ICE */
#define VTD_IQERCD_ICESID_SHIFT	48

/* IQEI: why the queue stopped. */
#define VTD_IQEI_NONE		0u
#define VTD_IQEI_TAIL		1u /* tail outside the queue */
#define VTD_IQEI_FETCH		2u /* the descriptor cannot be read */
#define VTD_IQEI_TYPE		3u /* unknown or unsupported descriptor */
#define VTD_IQEI_RESERVED	4u /* reserved field set, unsupported value */

/* ---- fault records: two quadwords at vtd_fault_block() + 16 * n ---- */

#define VTD_FRCD_BYTES		16u
#define VTD_FRCD_LO_FI		VTD_SPAN(63, 12) /* page of the address */
#define VTD_FRCD_HI_SID		VTD_SPAN(15, 0)
#define VTD_FRCD_HI_FR		VTD_SPAN(39, 32) /* VTD_FR_... */
#define VTD_FRCD_HI_FR_SHIFT	32
#define VTD_FRCD_HI_AT		VTD_SPAN(61, 60)
#define VTD_FRCD_HI_AT_SHIFT	60
#define VTD_FRCD_HI_T		VTD_BIT(62)      /* 1: a read */
#define VTD_FRCD_HI_F		VTD_BIT(63)      /* record valid; write 1 to clear */

/* Fault reasons of legacy mode. */
#define VTD_FR_ROOT_P		0x1u /* root entry not present */
#define VTD_FR_CONTEXT_P	0x2u /* context entry not present */
#define VTD_FR_CONTEXT_INV	0x3u /* AW, TT, or no top-level table where it says */
#define VTD_FR_ADDRESS		0x4u /* beyond min(MGAW, AGAW) */
#define VTD_FR_WRITE		0x5u
#define VTD_FR_READ		0x6u
#define VTD_FR_PAGE_FETCH	0x7u
#define VTD_FR_ROOT_FETCH	0x8u
#define VTD_FR_CONTEXT_FETCH	0x9u
#define VTD_FR_ROOT_RSVD	0xAu
#define VTD_FR_CONTEXT_RSVD	0xBu
#define VTD_FR_PAGE_RSVD	0xCu
#define VTD_FR_BLOCKED_AT	0xDu /* TT does not allow this request's address type */
#define VTD_FR_INTERRUPT	0xEu /* translated into the interrupt window */

/* clang-format on */

static_assert(VTD_SPAN(63, 0) == UINT64_MAX && VTD_SPAN(5, 4) == 0x30, "spans include both ends");
static_assert(VTD_CAP_FRO == UINT64_C(0x00000003FF000000), "FRO is 33:24");
static_assert(VTD_CAP_MAMV == UINT64_C(0x003F000000000000), "MAMV is 53:48");
static_assert(VTD_ECAP_IRO == UINT64_C(0x3FF00), "IRO is 17:8");
static_assert((VTD_GSTS_LEVELS & (VTD_GCMD_SRTP | VTD_GCMD_SFL | VTD_GCMD_WBF | VTD_GCMD_SIRTP)) ==
		      0,
	      "no one-shot bit among the levels");
static_assert((VTD_GSTS_LEVELS | VTD_GCMD_SRTP | VTD_GCMD_SFL | VTD_GCMD_WBF | VTD_GCMD_SIRTP) ==
		      UINT32_MAX,
	      "every other bit among the levels");

/* ---- what the capabilities say ---- */

/* Offset of the IVA register; IOTLB follows at + VTD_IOTLB_REG. */
static inline uint32_t vtd_iotlb_block(uint64_t ecap)
{
	return (uint32_t)((ecap & VTD_ECAP_IRO) >> VTD_ECAP_IRO_SHIFT) * 16;
}

/* Offset of the first fault record. */
static inline uint32_t vtd_fault_block(uint64_t cap)
{
	return (uint32_t)((cap & VTD_CAP_FRO) >> VTD_CAP_FRO_SHIFT) * 16;
}

/* Fault records there are, 1..256. */
static inline unsigned vtd_fault_records(uint64_t cap)
{
	return (unsigned)((cap & VTD_CAP_NFR) >> VTD_CAP_NFR_SHIFT) + 1;
}

/* Bits of a domain-id: 4..16. */
static inline unsigned vtd_domain_bits(uint64_t cap)
{
	return 4 + 2 * (unsigned)(cap & VTD_CAP_ND);
}

/* Guest address width in bits. */
static inline unsigned vtd_guest_bits(uint64_t cap)
{
	return (unsigned)((cap & VTD_CAP_MGAW) >> VTD_CAP_MGAW_SHIFT) + 1;
}

/* Largest AM of a page-selective invalidation. */
static inline unsigned vtd_max_mask(uint64_t cap)
{
	return (unsigned)((cap & VTD_CAP_MAMV) >> VTD_CAP_MAMV_SHIFT);
}

/* Is the address width @aw (VTD_AW_...) supported? */
static inline bool vtd_aw_supported(uint64_t cap, unsigned aw)
{
	return aw < 5 && (cap >> (VTD_CAP_SAGAW_SHIFT + aw) & 1) != 0;
}

/* Levels and address bits of @aw. */
static inline unsigned vtd_levels(unsigned aw)
{
	return 2 + aw;
}

static inline unsigned vtd_agaw_bits(unsigned aw)
{
	return 30 + 9 * aw;
}

#endif
