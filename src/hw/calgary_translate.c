// SPDX-License-Identifier: MIT
/*
 * Calgary's translation, after "The Price of Safety" (OLS 2007), section 1.1.2: the page number
 * of a DMA address indexes the bus's one table; the entry's real page number and the offset in
 * the page make the address; the entry's R or W must allow the direction; an index past the
 * table is an error. Which device asks plays no part: every device of a bus reaches every
 * mapping of that bus.
 *
 * Not published, decided here:
 *  - the BIOS hole and the peripheral windows, which the driver reserves because they are not
 *    translated, pass untranslated. On the machine no memory answers there; who embeds the model
 *    keeps memory out of the windows, as firmware does. A window whose registers are all zero is
 *    closed, where its arithmetic would open the first megabyte;
 *  - with DAC_DISABLE a 64-bit address is refused but not latched: a bridge that does not take
 *    part in dual-address cycles sees no error, the device aborts by itself. Whoever watches is
 * told all the same. Without it such an address lies past every table and is refused as one;
 *  - only entries with a right are cached. A fetch whose own entry is invalid leaves the cache as
 *    it was; one whose entry is valid but grants the wrong right is cached, then refused;
 *  - a line of several entries is refetched, all of it, when the entry asked for was invalid at
 *    the time the line was filled;
 *  - every other refused access, including one whose table lies outside memory, latches the same
 *    error; on a bus that is shut off there is no access and hence nothing to report.
 *
 * The cache never looks at the table again while it holds an entry: stores to the table have no
 * effect on held entries until the TAR is written or they are evicted.
 */
#include <errno.h>

#include "hw/calgary_impl.h"
#include "hw/iotlb_hit.h"

/* Entries of one table line: what a single memory read brings. */
#define TCES_PER_READ 8u

/* What the tables and the cache say of one address; nothing has been changed yet. */
struct verdict {
	int error;
	bool latch;  /* the chip notes the error */
	bool cached; /* @tce came out of the cache */
	bool fetched;
	uint64_t tce;
};

static bool within(uint64_t addr, uint64_t first, uint64_t last)
{
	return first <= addr && addr <= last;
}

static uint32_t reg32(const struct calgary_phb *phb, enum calgary_reg reg)
{
	return (uint32_t)phb->reg[reg];
}

/* A window whose registers are all zero is closed: nobody ever set it up. */
static bool in_window(uint64_t iova, uint32_t high, uint32_t low, uint32_t size_high,
		      uint32_t size_low)
{
	return (high | low | size_high | size_low) != 0 &&
	       within(iova, calgary_window_first(high, low),
		      calgary_window_last(size_high, size_low));
}

static bool untranslated(const struct calgary_phb *phb, uint64_t iova)
{
	uint32_t config = reg32(phb, REG_CONFIG_RW);

	if ((config & CALGARY_TCE_ENABLE) == 0)
		return true;
	if (within(iova, CALGARY_HOLE_START, CALGARY_HOLE_END - 1))
		return true;
	if (in_window(iova, reg32(phb, REG_MEM_1_HIGH), reg32(phb, REG_MEM_1_LOW), 0,
		      reg32(phb, REG_MEM_1_SIZE)))
		return true;
	return (config & CALGARY_MEM2_ENABLE) != 0 &&
	       in_window(iova, reg32(phb, REG_MEM_2_HIGH), reg32(phb, REG_MEM_2_LOW),
			 reg32(phb, REG_MEM_2_SIZE_HIGH), reg32(phb, REG_MEM_2_SIZE_LOW));
}

/* Read @n entries from @index on out of @phb's table. 0 or -EFAULT. */
static int read_tces(const struct calgary_phb *phb, uint64_t index, unsigned n, uint64_t *to)
{
	uint64_t table = phb->reg[REG_TAR] & CALGARY_TAR_BASE;
	uint8_t scratch[IOTLB_MAX_LINE_PAGES * CALGARY_TCE_BYTES];
	const uint8_t *bytes =
		iommu_memory_view(&phb->chip->memory, table + index * CALGARY_TCE_BYTES,
				  (size_t)n * CALGARY_TCE_BYTES, scratch);

	if (bytes == NULL)
		return -EFAULT;
	for (unsigned i = 0; i < n; i++) {
		uint64_t tce = calgary_tce_unpack(&bytes[i * CALGARY_TCE_BYTES]);

		to[i] = calgary_tce_valid(tce) ? tce : 0;
	}
	return 0;
}

/* The same page with the same rights, whatever the unused bits. */
static bool same_mapping(uint64_t a, uint64_t b)
{
	return ((a ^ b) & (CALGARY_TCE_RPN | CALGARY_TCE_RIGHTS)) == 0;
}

static bool is_stale(const struct calgary_phb *phb, uint64_t index, uint64_t held)
{
	uint64_t now;

	if (!phb->chip->track_stale)
		return false;
	return read_tces(phb, index, 1, &now) != 0 || !same_mapping(held, now);
}

/* Fetch the group of entries that one cache line takes into @line, pick the one asked for. */
static void fetch(const struct calgary_phb *phb, uint64_t index, struct verdict *v, uint64_t *line,
		  struct iotoll_xlat *out)
{
	unsigned n = iotlb_line_pages(phb->cache);
	uint64_t first = iotlb_line_first(phb->cache, index);

	out->fetches = (n + TCES_PER_READ - 1) / TCES_PER_READ;
	v->error = read_tces(phb, first, n, line);
	v->latch = v->error != 0;
	if (v->error != 0)
		return;
	v->fetched = true;
	v->tce = line[index - first];
}

/* Fill @out for @iova, found in @tce, or refuse. */
static inline void grant(const struct calgary_phb *phb, uint64_t iova, enum iotoll_access access,
			 struct verdict *v, struct iotoll_xlat *out)
{
	uint64_t need = access == IOTOLL_WRITE ? CALGARY_TCE_WRITE : CALGARY_TCE_READ;
	uint64_t offset = iova & (CALGARY_PAGE_BYTES - 1);

	if ((v->tce & need) == 0) {
		v->error = -EPERM;
		v->latch = true;
		return;
	}
	out->paddr = calgary_tce_paddr(v->tce) | offset;
	out->bytes = CALGARY_PAGE_BYTES - offset;
	out->hit = v->cached;
	out->stale = v->cached && is_stale(phb, iova >> CALGARY_PAGE_SHIFT, v->tce);
}

/*
 * Decide what becomes of an access that does not need the table. True if that settles it.
 */
static bool settled_early(const struct calgary_phb *phb, uint64_t iova, struct verdict *v,
			  struct iotoll_xlat *out)
{
	uint32_t config = reg32(phb, REG_CONFIG_RW);
	uint64_t entries = calgary_entries((unsigned)(phb->reg[REG_TAR] & CALGARY_TAR_SIZE));

	if ((config & CALGARY_SLOT_DISABLE) != 0) {
		v->error = -ESHUTDOWN;
		return true;
	}
	if ((config & CALGARY_DAC_DISABLE) != 0 && iova > UINT32_MAX) {
		v->error = -EPERM;
		return true;
	}
	if (untranslated(phb, iova)) {
		out->paddr = iova;
		out->bytes = CALGARY_PAGE_BYTES - (iova & (CALGARY_PAGE_BYTES - 1));
		out->bypass = true;
		return true;
	}
	if (iova >> CALGARY_PAGE_SHIFT >= entries) {
		v->error = -EPERM;
		v->latch = true;
		return true;
	}
	return false;
}

/* Leave [@first, @last], which is not translated, out of what surely goes to the table. */
static void leave_out(struct calgary_phb *phb, uint64_t first, uint64_t last)
{
	if (last < first || last < phb->table_first || first > phb->table_last)
		return;
	if (first > phb->table_first)
		phb->table_last = first - 1;
	else if (last < phb->table_last)
		phb->table_first = last + 1;
	else
		phb->table_last = 0; /* and first is above it: nothing is left */
}

/*
 * The addresses between the BIOS hole and the first window above it, if there are any. The largest
 * table ends at 4 GiB, so DAC_DISABLE has nothing to say here.
 */
void calgary_plan_table(struct calgary_phb *phb)
{
	const uint32_t config = reg32(phb, REG_CONFIG_RW);
	const uint64_t entries = calgary_entries((unsigned)(phb->reg[REG_TAR] & CALGARY_TAR_SIZE));

	phb->table_first = CALGARY_HOLE_END;
	phb->table_last = (entries << CALGARY_PAGE_SHIFT) - 1;
	if ((config & CALGARY_SLOT_DISABLE) != 0 || (config & CALGARY_TCE_ENABLE) == 0)
		phb->table_last = 0;
	leave_out(phb, calgary_window_first(reg32(phb, REG_MEM_1_HIGH), reg32(phb, REG_MEM_1_LOW)),
		  calgary_window_last(0, reg32(phb, REG_MEM_1_SIZE)));
	if ((config & CALGARY_MEM2_ENABLE) != 0)
		leave_out(
			phb,
			calgary_window_first(reg32(phb, REG_MEM_2_HIGH), reg32(phb, REG_MEM_2_LOW)),
			calgary_window_last(reg32(phb, REG_MEM_2_SIZE_HIGH),
					    reg32(phb, REG_MEM_2_SIZE_LOW)));
}

static int check_request(struct iotoll_source source, enum iotoll_access access,
			 struct iotoll_xlat *out)
{
	*out = (struct iotoll_xlat){0};
	if (source.bus >= CALGARY_PHBS)
		return -ENODEV;
	return access == IOTOLL_READ || access == IOTOLL_WRITE ? 0 : -EINVAL;
}

static void note_error(struct calgary_phb *phb, struct iotoll_source source, uint64_t iova,
		       enum iotoll_access access, const struct verdict *v)
{
	const struct iotoll_iommu_observer *o = &phb->chip->base.observer;

	if (v->error == 0 || v->error == -ESHUTDOWN)
		return;
	if (v->latch)
		calgary_latch_error(phb, source.devid);
	if (o->fault != NULL)
		o->fault(o->ctx, source, iova, access);
}

/*
 * Fetch what the prefetcher wants, if it asks: another read of memory unless the walk for @index
 * brought the same 64 bytes. Whether Calgary fetches ahead is not published; by default it does
 * not.
 */
static void fetch_ahead(const struct calgary_phb *phb, uint64_t index, struct iotoll_xlat *out)
{
	const uint64_t entries = calgary_entries((unsigned)(phb->reg[REG_TAR] & CALGARY_TAR_SIZE));
	uint64_t want, line[IOTLB_MAX_LINE_PAGES];
	unsigned n = iotlb_line_pages(phb->cache);

	if (!iotlb_wants(phb->cache, 0, index, &want) || want >= entries)
		return;
	want = iotlb_line_first(phb->cache, want);
	if (out->fetches == 0 || want / TCES_PER_READ != index / TCES_PER_READ)
		out->fetches += (n + TCES_PER_READ - 1) / TCES_PER_READ;
	if (read_tces(phb, want, n, line) == 0)
		iotlb_insert_ahead(phb->cache, 0, want, line);
}

/*
 * The access that hits and is granted, most of them, with no step that such an access cannot need.
 * False: nothing was changed, translate() decides. Fetching ahead keeps the cache from being asked.
 */
static IOTLB_ALWAYS_INLINE bool hit_at_once(struct calgary *c, struct iotoll_source source,
					    uint64_t iova, enum iotoll_access access,
					    enum iotlb_sets sets, struct iotoll_xlat *out)
{
	struct verdict v = {.cached = true};
	struct iotoll_xlat granted = {0};
	struct calgary_phb *phb;
	ptrdiff_t slot;
	uint64_t tce;

	if (source.bus >= CALGARY_PHBS || (access != IOTOLL_READ && access != IOTOLL_WRITE))
		return false;
	phb = &c->phb[source.bus];
	if (!iotlb_has(phb->cache, sets) || iova < phb->table_first || iova > phb->table_last)
		return false;
	slot = iotlb_spot(phb->cache, sets, 0, iova >> CALGARY_PAGE_SHIFT, &tce);
	if (slot < 0)
		return false;
	v.tce = tce;
	grant(phb, iova, access, &v, &granted);
	if (v.error != 0)
		return false;
	*out = granted;
	iotlb_spotted(phb->cache, sets, slot);
	return true;
}

static __attribute__((noinline)) int translate(struct iommu *iommu, struct iotoll_source source,
					       uint64_t iova, enum iotoll_access access,
					       struct iotoll_xlat *out)
{
	struct verdict v = {0};
	struct calgary_phb *phb;
	uint64_t index = iova >> CALGARY_PAGE_SHIFT;
	uint64_t line[IOTLB_MAX_LINE_PAGES];
	int ret;

	if (hit_at_once(calgary_of(iommu), source, iova, access, IOTLB_OTHERS, out))
		return 0;
	ret = check_request(source, access, out);
	if (ret != 0)
		return ret;
	phb = &calgary_of(iommu)->phb[source.bus];
	if (!settled_early(phb, iova, &v, out)) {
		v.cached = iotlb_access(phb->cache, 0, index, &v.tce);
		if (!v.cached)
			fetch(phb, index, &v, line, out);
		if (v.error == 0)
			grant(phb, iova, access, &v, out);
		if (v.fetched && v.tce != 0)
			iotlb_insert(phb->cache, 0, index, line);
		if (v.cached || v.fetched)
			fetch_ahead(phb, index, out);
	}
	note_error(phb, source, iova, access, &v);
	return v.error;
}

int calgary_translate(struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		      enum iotoll_access access, struct iotoll_xlat *out)
{
	if (IOTLB_LIKELY(
		    hit_at_once(calgary_of(iommu), source, iova, access, IOTLB_FOUR_PLAIN, out)))
		return 0;
	return translate(iommu, source, iova, access, out);
}

int calgary_probe(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		  enum iotoll_access access, struct iotoll_xlat *out)
{
	struct verdict v = {0};
	const struct calgary_phb *phb;
	uint64_t index = iova >> CALGARY_PAGE_SHIFT;
	uint64_t line[IOTLB_MAX_LINE_PAGES];
	int ret = check_request(source, access, out);

	if (ret != 0)
		return ret;
	phb = &calgary_of_const(iommu)->phb[source.bus];
	if (!settled_early(phb, iova, &v, out)) {
		v.cached = iotlb_probe(phb->cache, 0, index, &v.tce);
		if (!v.cached)
			fetch(phb, index, &v, line, out);
		if (v.error == 0)
			grant(phb, iova, access, &v, out);
	}
	return v.error;
}

/*
 * What is not translated may begin within a page, as a window's first address is not rounded, but
 * ends with one: an access above that was translated speaks for its page if the last byte is, too.
 */
bool calgary_held(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		  struct iommu_held *out)
{
	const struct calgary_phb *phb = &calgary_of_const(iommu)->phb[source.bus];
	uint64_t tce;

	if (phb->chip->track_stale || untranslated(phb, iova | (CALGARY_PAGE_BYTES - 1)) ||
	    !iotlb_probe(phb->cache, 0, iova >> CALGARY_PAGE_SHIFT, &tce))
		return false;
	*out = (struct iommu_held){
		.tag = phb->number,
		.frame = calgary_tce_paddr(tce),
		.rights = ((tce & CALGARY_TCE_READ) != 0 ? (unsigned)IOTOLL_READ : 0) |
			  ((tce & CALGARY_TCE_WRITE) != 0 ? (unsigned)IOTOLL_WRITE : 0),
	};
	return true;
}
