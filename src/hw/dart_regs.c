// SPDX-License-Identifier: MIT
/*
 * DART's registers as rows: where, what a write may change, what else happens. Values are those a
 * PowerPC loads and stores. The handshake of an invalidation follows what Linux (dart_iommu.c)
 * reports of the chip: software sets a bit and polls until the chip has cleared it; sometimes the
 * chip misses that the bit was set, and then the bit must be cleared and set again.
 *
 * Not published, decided here:
 *  - reset: every register 0, so translation is off;
 *  - an invalidation starts when its bit rises. Writing 1 where it is up does nothing, writing 0
 *    takes it down at once; neither undoes what has been forgotten. A bit that was missed stays up
 *    whatever becomes of U4's other one. It works with EN = 0 too, since firmware (SLOF) clears
 *    the TLB that way;
 *  - U4's IDLE shows that no invalidation is in progress, after its name. U3's "stop access" is
 *    held and does nothing: its name is all that is known of it;
 *  - an exception overwrites the one before in U4's exception register, which reading does not
 *    change. U3's has fields whose places are not known: it reads 0. The flag in APIEXCP rises
 *    in either case and falls when APIEXCP is read; APIMASK does not hold it back;
 *  - parity is never wrong, whether it is checked or not;
 *  - the arrays of tags and translations, which Mac OS X dumps, are not modelled: they are strays.
 */
#include "hw/dart_impl.h"
#include "hw/shared.h"

struct dart_row {
	uint32_t offset;
	unsigned bytes; /* 4; 0 ends the rows */
	enum dart_reg reg;
	uint32_t writable;                /* bits that take the written value */
	uint32_t (*load)(struct dart *d); /* NULL: the value held */
	void (*wrote)(struct dart *d, uint32_t old, uint32_t value); /* NULL: no side effect */
};

static uint32_t invalidate_bits(const struct dart *d)
{
	return d->kind->invalidate_all | d->kind->invalidate_one;
}

/* Has the chip missed a request that was just made? */
static bool misses(struct dart *d)
{
	return d->config.missed_one_in != 0 && rng_below(&d->rng, d->config.missed_one_in) == 0;
}

static void cntl_wrote(struct dart *d, uint32_t old, uint32_t value)
{
	const uint32_t bits = invalidate_bits(d);
	/* What is over by now is down, though nobody has looked. */
	const uint32_t up = d->missed | (d->reads_left != 0 ? old : 0);
	const uint32_t risen = value & bits & ~up;

	d->reg[DART_REG_CNTL] |= value & bits;
	d->missed &= value;
	if ((value & bits) == 0)
		d->reads_left = 0;
	if (risen == 0)
		return;
	if (misses(d)) {
		d->missed |= risen;
		return;
	}
	d->reads_left = d->config.busy_reads;
	if ((risen & d->kind->invalidate_all) != 0) {
		iotlb_invalidate_all(d->tlb);
		iommu_forget_all(&d->base);
	}
	if ((risen & d->kind->invalidate_one) != 0)
		dart_invalidate_page(d, value & DART_U4_CNTL_PAGE);
}

/* Time passes only from poll to poll: the hardware half has no clock. */
static uint32_t cntl_load(struct dart *d)
{
	if (d->reads_left == 0)
		d->reg[DART_REG_CNTL] &= ~invalidate_bits(d) | d->missed;
	else
		d->reads_left--;
	return d->reg[DART_REG_CNTL];
}

static uint32_t u4_cntl_load(struct dart *d)
{
	const uint32_t value = cntl_load(d);

	return (value & invalidate_bits(d)) != 0 ? value : value | DART_U4_CNTL_IDLE;
}

static uint32_t apiexcp_load(struct dart *d)
{
	const uint32_t value = d->reg[DART_REG_APIEXCP];

	d->reg[DART_REG_APIEXCP] = 0;
	return value;
}

/* clang-format off */
#define U3_CNTL_HELD (DART_U3_CNTL_BASE | DART_U3_CNTL_STOP | DART_U3_CNTL_ENABLE | \
		      DART_U3_CNTL_SIZE)
#define U4_CNTL_HELD (DART_U4_CNTL_ENABLE | DART_U4_CNTL_PARITY | DART_U4_CNTL_PAGE)

static const struct dart_row u3_rows[] = {
	{DART_APIEXCP, 4, DART_REG_APIEXCP, 0,			apiexcp_load, NULL},
	{DART_APIMASK, 4, DART_REG_APIMASK, UINT32_MAX,		NULL,	      NULL},
	{DART_U3_CNTL, 4, DART_REG_CNTL,    U3_CNTL_HELD,	cntl_load,    cntl_wrote},
	{DART_U3_EXCP, 4, DART_REG_EXCP,    0,			NULL,	      NULL},
	{0},
};

static const struct dart_row u4_rows[] = {
	{DART_U4_CNTL, 4, DART_REG_CNTL,    U4_CNTL_HELD,	u4_cntl_load, cntl_wrote},
	{DART_U4_BASE, 4, DART_REG_BASE,    DART_U4_BASE_PAGE,	NULL,	      NULL},
	{DART_U4_SIZE, 4, DART_REG_SIZE,    DART_U4_SIZE_FIELD, NULL,	      NULL},
	{DART_U4_EXCP, 4, DART_REG_EXCP,    0,			NULL,	      NULL},
	{0},
};
/* clang-format on */

static uint64_t u3_table(const struct dart *d)
{
	return d->reg[DART_REG_CNTL] & DART_U3_CNTL_BASE;
}

static uint64_t u3_pages(const struct dart *d)
{
	return dart_u3_pages(d->reg[DART_REG_CNTL]);
}

static uint64_t u4_table(const struct dart *d)
{
	return (uint64_t)d->reg[DART_REG_BASE] << DART_PAGE_SHIFT;
}

static uint64_t u4_pages(const struct dart *d)
{
	return d->reg[DART_REG_SIZE];
}

const struct dart_kind dart_u3 = {
	.buses = 1,
	.rows = u3_rows,
	.enable = DART_U3_CNTL_ENABLE,
	.invalidate_all = DART_U3_CNTL_INVALIDATE,
	.table = u3_table,
	.pages = u3_pages,
};

const struct dart_kind dart_u4 = {
	.buses = 2,
	.rows = u4_rows,
	.enable = DART_U4_CNTL_ENABLE,
	.invalidate_all = DART_U4_CNTL_ALL,
	.invalidate_one = DART_U4_CNTL_ONE,
	.table = u4_table,
	.pages = u4_pages,
	.rights = true,
	.bypass = true,
	.captures = true,
};

void dart_regs_reset(struct dart *d)
{
	for (unsigned i = 0; i < DART_REG_COUNT; i++)
		d->reg[i] = 0;
	d->reads_left = 0;
	d->missed = 0;
	d->below = 0;
}

static const struct dart_row *find_row(struct dart *d, uint64_t offset, unsigned width)
{
	for (const struct dart_row *row = d->kind->rows; row->bytes != 0; row++)
		if (row->offset == offset && row->bytes == width)
			return row;
	d->strays++;
	return NULL;
}

uint64_t dart_reg_read(struct iommu *iommu, uint64_t offset, unsigned width)
{
	struct dart *d = dart_of(iommu);
	const struct dart_row *row = find_row(d, offset, width);

	if (row == NULL)
		return 0;
	return row->load != NULL ? row->load(d) : d->reg[row->reg];
}

/* What of @reg says nothing about translation: requests to invalidate, and what they name. */
static uint32_t command_bits(const struct dart *d, enum dart_reg reg)
{
	if (reg != DART_REG_CNTL)
		return 0;
	return invalidate_bits(d) | (d->kind->invalidate_one != 0 ? DART_U4_CNTL_PAGE : 0);
}

void dart_reg_write(struct iommu *iommu, uint64_t offset, uint64_t value, unsigned width)
{
	struct dart *d = dart_of(iommu);
	const struct dart_row *row = find_row(d, offset, width);
	uint32_t old;

	if (row == NULL)
		return;
	old = d->reg[row->reg];
	d->reg[row->reg] = (uint32_t)value & row->writable;
	if (row->writable == 0)
		d->reg[row->reg] = old;
	if (((old ^ d->reg[row->reg]) & ~command_bits(d, row->reg)) != 0)
		iommu_forget_all(&d->base);
	if (row->wrote != NULL)
		row->wrote(d, old, (uint32_t)value);
	/* The largest table ends where the bypass begins. */
	d->below = (d->reg[DART_REG_CNTL] & d->kind->enable) != 0
			   ? d->kind->pages(d) * DART_PAGE_ENTRIES << DART_PAGE_SHIFT
			   : 0;
}
