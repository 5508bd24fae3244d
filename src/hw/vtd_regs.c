// SPDX-License-Identifier: MIT
/*
 * VT-d's registers as rows: where, how wide, what reset leaves, what a write may change (VT-d
 * specification, "Register Descriptions"). The fault records are an array beside the rows. Commands
 * are carried out before the write that gives them returns, so software never sees one under way.
 *
 * Decided here:
 *  - software may use aligned accesses of 4 bytes, and of 8. One of 8 that meets two registers of 4
 *    is two accesses, the lower first. Others read 0, write nothing and are counted;
 *  - a command register's half with the go bit acts, as the specification demands of software that
 *    writes the lower half first;
 *  - while queued invalidation is on, a command to CCMD or IOTLB is not carried out and its go bit
 *    stays: the specification forbids software to try, and QEMU does the same;
 *  - each field of IQERCD is cleared together with FSTS.IQE, ITE or ICE; without the first two the
 *    queue goes on;
 *  - registers of what is left out (vtd.h), and upper address and data bits that only extended
 *    interrupt mode has, read 0 and ignore writes.
 */
#include "hw/shared.h"
#include "hw/vtd_impl.h"

#define ALL32 UINT64_C(0xFFFFFFFF)
#define ALL64 UINT64_MAX

enum place { AT_FIXED, AT_IOTLB };

struct reg_row {
	uint32_t offset; /* from the place's start */
	enum place place;
	unsigned bytes;
	uint64_t reset;                        /* VER, CAP, ECAP differ: see vtd_regs_reset() */
	uint64_t read;                         /* bits that can be read */
	uint64_t write;                        /* bits that take the written value */
	uint64_t clear;                        /* bits that a written 1 clears */
	uint64_t (*load)(const struct vtd *v); /* NULL: the value held */
	/* NULL: no side effect. @written: the value in its place, 0 in bytes not written. */
	void (*wrote)(struct vtd *v, uint64_t old, uint64_t written);
};

static uint64_t load_fsts(const struct vtd *v)
{
	return vtd_fault_status(v);
}

/* Level bits are what each write wants them to be; one-shot bits act when written 1. */
static void wrote_gcmd(struct vtd *v, uint64_t old, uint64_t written)
{
	uint64_t *gsts = &v->reg[REG_GSTS];

	(void)old;
	if ((written & VTD_GCMD_SRTP) != 0) {
		v->root = v->reg[REG_RTADDR] & VTD_RTADDR_RTA;
		*gsts |= VTD_GSTS_RTPS;
		if (v->config.srtp_flushes)
			vtd_caches_flush(v);
	}
	/* WBF: nothing is ever buffered here, so WBFS is clear again at once. */
	if (v->config.queued)
		vtd_queue_enable(v, (written & VTD_GCMD_QIE) != 0);
	*gsts = (*gsts & ~(uint64_t)VTD_GSTS_TES) | (written & VTD_GCMD_TE);
	vtd_front_leave(v);
	iommu_forget_all(&v->base);
}

static bool queue_is_on(const struct vtd *v)
{
	return (v->reg[REG_GSTS] & VTD_GSTS_QIES) != 0;
}

static void wrote_ccmd(struct vtd *v, uint64_t old, uint64_t written)
{
	uint64_t *ccmd = &v->reg[REG_CCMD];
	uint64_t did_done;

	(void)old;
	if ((written & VTD_CCMD_ICC) == 0 || queue_is_on(v))
		return;
	did_done = vtd_context_invalidate(
		v, (unsigned)((*ccmd & VTD_CCMD_CIRG) >> VTD_CCMD_CIRG_SHIFT),
		(uint16_t)(*ccmd & VTD_CCMD_DID) & vtd_did_mask(v),
		(uint16_t)((*ccmd & VTD_CCMD_SID) >> VTD_CCMD_SID_SHIFT),
		(unsigned)((*ccmd & VTD_CCMD_FM) >> VTD_CCMD_FM_SHIFT));
	*ccmd = (*ccmd & ~(VTD_CCMD_ICC | VTD_CCMD_CAIG)) | did_done << VTD_CCMD_CAIG_SHIFT;
}

static void wrote_iotlb(struct vtd *v, uint64_t old, uint64_t written)
{
	uint64_t *iotlb = &v->reg[REG_IOTLB];
	uint64_t did_done;

	(void)old;
	if ((written & VTD_IOTLB_IVT) == 0 || queue_is_on(v))
		return;
	did_done = vtd_iotlb_invalidate(
		v, (unsigned)((*iotlb & VTD_IOTLB_IIRG) >> VTD_IOTLB_IIRG_SHIFT),
		(uint16_t)((*iotlb & VTD_IOTLB_DID) >> VTD_IOTLB_DID_SHIFT) & vtd_did_mask(v),
		v->reg[REG_IVA]);
	*iotlb = (*iotlb & ~(VTD_IOTLB_IVT | VTD_IOTLB_IAIG)) | did_done << VTD_IOTLB_IAIG_SHIFT;
}

static void wrote_fsts(struct vtd *v, uint64_t old, uint64_t written)
{
	const uint64_t gone = old & ~v->reg[REG_FSTS];

	(void)written;
	vtd_fault_cleared(v);
	v->reg[REG_IQERCD] &= ~(((gone & VTD_FSTS_IQE) != 0 ? VTD_IQERCD_IQEI : 0) |
				((gone & VTD_FSTS_ITE) != 0 ? VTD_IQERCD_ITESID : 0) |
				((gone & VTD_FSTS_ICE) != 0 ? VTD_IQERCD_ICESID : 0));
	if ((gone & (VTD_FSTS_IQE | VTD_FSTS_ITE)) != 0)
		vtd_queue_run(v);
}

/* Unmasking sends what is pending. */
static void unmasked(struct vtd *v, enum vtd_reg ctl)
{
	if ((v->reg[ctl] & (VTD_ECTL_IM | VTD_ECTL_IP)) == VTD_ECTL_IP)
		vtd_event(v, ctl);
}

static void wrote_fectl(struct vtd *v, uint64_t old, uint64_t written)
{
	(void)old;
	(void)written;
	unmasked(v, REG_FECTL);
}

static void wrote_iectl(struct vtd *v, uint64_t old, uint64_t written)
{
	(void)old;
	(void)written;
	unmasked(v, REG_IECTL);
}

static void wrote_ics(struct vtd *v, uint64_t old, uint64_t written)
{
	(void)old;
	(void)written;
	if ((v->reg[REG_ICS] & VTD_ICS_IWC) == 0)
		v->reg[REG_IECTL] &= ~(uint64_t)VTD_ECTL_IP;
}

static void wrote_iqt(struct vtd *v, uint64_t old, uint64_t written)
{
	(void)old;
	(void)written;
	vtd_queue_run(v);
}

/* clang-format off */
#define FIXED(r)	(r), AT_FIXED
#define IOTLB(r)	(r), AT_IOTLB
#define CCMD_RW		(VTD_CCMD_ICC | VTD_CCMD_CIRG | VTD_CCMD_FM | VTD_CCMD_SID | VTD_CCMD_DID)
#define CCMD_READ	(ALL64 & ~(VTD_CCMD_FM | VTD_CCMD_SID)) /* those two are write-only */
#define IOTLB_RW	(VTD_IOTLB_IVT | VTD_IOTLB_IIRG | VTD_IOTLB_DR | VTD_IOTLB_DW | \
			 VTD_IOTLB_DID)
#define IVA_WO		(VTD_IVA_ADDR | VTD_IVA_IH | VTD_IVA_AM)
#define IQA_RW		(VTD_IQA_BASE | VTD_IQA_QS)
#define FSTS_W1C	(VTD_FSTS_PFO | VTD_FSTS_IQE | VTD_FSTS_ICE | VTD_FSTS_ITE)

static const struct reg_row rows[REG_COUNT] = {
	/*		   offset		bytes reset	read   write	clear */
	[REG_VER]	= {FIXED(VTD_VER),	 4, 0x10,	ALL32, 0,	0, NULL, NULL},
	[REG_CAP]	= {FIXED(VTD_CAP),	 8, 0,		ALL64, 0,	0, NULL, NULL},
	[REG_ECAP]	= {FIXED(VTD_ECAP),	 8, 0,		ALL64, 0,	0, NULL, NULL},
	[REG_GCMD]	= {FIXED(VTD_GCMD),	 4, 0,		0, ALL32, 0, NULL, wrote_gcmd},
	[REG_GSTS]	= {FIXED(VTD_GSTS),	 4, 0,		ALL32, 0,	0, NULL, NULL},
	[REG_RTADDR]	= {FIXED(VTD_RTADDR),	 8, 0,		ALL64, VTD_RTADDR_RTA, 0, NULL, NULL},
	[REG_CCMD]	= {FIXED(VTD_CCMD),	 8, 0,		CCMD_READ, CCMD_RW, 0, NULL, wrote_ccmd},
	[REG_FSTS]	= {FIXED(VTD_FSTS),	 4, 0,		ALL32, 0, FSTS_W1C, load_fsts, wrote_fsts},
	[REG_FECTL]	= {FIXED(VTD_FECTL),	 4, VTD_ECTL_IM, ALL32, VTD_ECTL_IM, 0, NULL, wrote_fectl},
	[REG_FEDATA]	= {FIXED(VTD_FEDATA),	 4, 0,		ALL32, VTD_EDATA_IMD, 0, NULL, NULL},
	[REG_FEADDR]	= {FIXED(VTD_FEADDR),	 4, 0,		ALL32, VTD_EADDR_MA, 0, NULL, NULL},
	[REG_FEUADDR]	= {FIXED(VTD_FEUADDR),	 4, 0,		ALL32, 0,	0, NULL, NULL},
	[REG_AFLOG]	= {FIXED(VTD_AFLOG),	 8, 0,		ALL64, 0,	0, NULL, NULL},
	[REG_PMEN]	= {FIXED(VTD_PMEN),	 4, 0,		ALL32, 0,	0, NULL, NULL},
	[REG_PLMBASE]	= {FIXED(VTD_PLMBASE),	 4, 0,		ALL32, 0,	0, NULL, NULL},
	[REG_PLMLIMIT]	= {FIXED(VTD_PLMLIMIT),	 4, 0,		ALL32, 0,	0, NULL, NULL},
	[REG_PHMBASE]	= {FIXED(VTD_PHMBASE),	 8, 0,		ALL64, 0,	0, NULL, NULL},
	[REG_PHMLIMIT]	= {FIXED(VTD_PHMLIMIT),	 8, 0,		ALL64, 0,	0, NULL, NULL},
	[REG_IQH]	= {FIXED(VTD_IQH),	 8, 0,		ALL64, 0,	0, NULL, NULL},
	[REG_IQT]	= {FIXED(VTD_IQT),	 8, 0,		ALL64, VTD_IQ_INDEX, 0, NULL, wrote_iqt},
	[REG_IQA]	= {FIXED(VTD_IQA),	 8, 0,		ALL64, IQA_RW,	0, NULL, NULL},
	[REG_ICS]	= {FIXED(VTD_ICS),	 4, 0,		ALL32, 0, VTD_ICS_IWC, NULL, wrote_ics},
	[REG_IECTL]	= {FIXED(VTD_IECTL),	 4, VTD_ECTL_IM, ALL32, VTD_ECTL_IM, 0, NULL, wrote_iectl},
	[REG_IEDATA]	= {FIXED(VTD_IEDATA),	 4, 0,		ALL32, VTD_EDATA_IMD, 0, NULL, NULL},
	[REG_IEADDR]	= {FIXED(VTD_IEADDR),	 4, 0,		ALL32, VTD_EADDR_MA, 0, NULL, NULL},
	[REG_IEUADDR]	= {FIXED(VTD_IEUADDR),	 4, 0,		ALL32, 0,	0, NULL, NULL},
	[REG_IQERCD]	= {FIXED(VTD_IQERCD),	 8, 0,		ALL64, 0,	0, NULL, NULL},
	[REG_IRTA]	= {FIXED(VTD_IRTA),	 8, 0,		ALL64, 0,	0, NULL, NULL},
	[REG_IVA]	= {IOTLB(VTD_IVA_REG),	 8, 0,		0, IVA_WO,	0, NULL, NULL},
	[REG_IOTLB]	= {IOTLB(VTD_IOTLB_REG), 8, 0,		ALL64, IOTLB_RW, 0, NULL, wrote_iotlb},
};
/* clang-format on */

void vtd_regs_reset(struct vtd *v)
{
	for (unsigned r = 0; r < REG_COUNT; r++)
		v->reg[r] = rows[r].reset;
	v->reg[REG_CAP] = v->cap;
	v->reg[REG_ECAP] = v->ecap;
	v->root = 0;
	for (unsigned n = 0; n < v->config.fault_records; n++)
		v->record[n] = (struct vtd_pair){0};
	v->next_record = v->first_record = v->pending = 0;
	v->tags = (struct ats_tags){.outstanding = 0};
	v->queue.waiting = false;
	vtd_front_leave(v);
}

static uint32_t row_offset(const struct vtd *v, const struct reg_row *row)
{
	return row->offset + (row->place == AT_IOTLB ? v->config.iotlb_offset : 0);
}

/* The row that holds the aligned @width bytes at @offset, and where in it; NULL if none does. */
static const struct reg_row *find_row(const struct vtd *v, uint64_t offset, unsigned width,
				      unsigned *shift)
{
	for (unsigned r = 0; r < REG_COUNT; r++) {
		uint64_t start = row_offset(v, &rows[r]);

		if (offset < start || offset - start >= rows[r].bytes || width > rows[r].bytes)
			continue;
		*shift = 8 * (unsigned)(offset - start);
		return &rows[r];
	}
	return NULL;
}

static bool in_records(const struct vtd *v, uint64_t offset, unsigned *n)
{
	*n = (unsigned)((offset - v->config.fault_offset) / VTD_FRCD_BYTES);
	return offset >= v->config.fault_offset &&
	       offset - v->config.fault_offset < (uint64_t)v->config.fault_records * VTD_FRCD_BYTES;
}

static bool well_formed(uint64_t offset, unsigned width)
{
	return (width == 4 || width == 8) && offset % width == 0 && offset < VTD_WINDOW_BYTES;
}

static uint64_t cut(uint64_t value, unsigned width)
{
	return width == 8 ? value : value & ALL32;
}

uint64_t vtd_reg_read(struct iommu *iommu, uint64_t offset, unsigned width)
{
	struct vtd *v = vtd_of(iommu);
	const struct reg_row *row;
	uint64_t value;
	unsigned shift, n;

	if (well_formed(offset, width)) {
		row = find_row(v, offset, width, &shift);
		if (row != NULL) {
			value = row->load != NULL ? row->load(v) : v->reg[row - rows];
			return cut((value & row->read) >> shift, width);
		}
		if (in_records(v, offset, &n)) {
			value = offset % 16 < 8 ? v->record[n].lo : v->record[n].hi;
			return cut(value >> 8 * (offset % 8), width);
		}
		if (width == 8)
			return vtd_reg_read(iommu, offset, 4) | vtd_reg_read(iommu, offset + 4, 4)
									<< 32;
	}
	v->stats.strays++;
	return 0;
}

static void write_row(struct vtd *v, const struct reg_row *row, uint64_t written, uint64_t lanes)
{
	uint64_t *held = &v->reg[row - rows];
	uint64_t old = *held;
	uint64_t take = row->write & lanes;

	*held = (old & ~take & ~(written & row->clear)) | (written & take);
	if (row->wrote != NULL)
		row->wrote(v, old, written);
}

void vtd_reg_write(struct iommu *iommu, uint64_t offset, uint64_t value, unsigned width)
{
	struct vtd *v = vtd_of(iommu);
	const struct reg_row *row;
	unsigned shift, n;

	if (well_formed(offset, width)) {
		value = cut(value, width);
		row = find_row(v, offset, width, &shift);
		if (row != NULL) {
			write_row(v, row, value << shift, cut(ALL64, width) << shift);
			return;
		}
		if (in_records(v, offset, &n)) {
			if (offset % 16 >= 8)
				vtd_fault_ack(v, n, value << 8 * (offset % 8));
			return;
		}
		if (width == 8) {
			vtd_reg_write(iommu, offset, value & ALL32, 4);
			vtd_reg_write(iommu, offset + 4, value >> 32, 4);
			return;
		}
	}
	v->stats.strays++;
}
