// SPDX-License-Identifier: MIT
/*
 * DART's translation, after "The Price of Safety" (OLS 2007), section 1.1.2 and table 2: the page
 * number of a DMA address indexes the chip's one table; the entry must be valid, its read and
 * write bits (active low) must not forbid the direction, its real page number and the offset in
 * the page make the address. Which device or bus asks plays no part: every device of the machine
 * reaches every mapping.
 *
 * Not published, decided here:
 *  - a U4 enforces the entries' read and write bits, as it has exception codes for them; a U3 does
 *    not, as Apple's driver calls those bits "don't care" there, unless it is configured to;
 *  - an address beyond the table raises "out of bounds" and is refused, on U3 also from 2 GiB on,
 *    where other devices' registers lie: whether those are reached instead is not known;
 *  - a table outside memory raises an "addressing exception";
 *  - a miss fetches the aligned group of entries that makes a line, all of it again when only the
 *    page asked for is missing in a line that is held. Invalid entries are not held. An entry
 *    that is valid but forbids the direction is held, then refused;
 *  - a refused write is dropped, a refused read returns nothing: the device sees an abort;
 *  - on U4's PCI Express, addresses from the bypass base up to the end of physical memory's 36
 *    bits go past the DART, whether it is enabled or not.
 *
 * The TLB never looks at the table again while it holds an entry.
 */
#include <errno.h>

#include "hw/dart_impl.h"
#include "hw/iotlb_hit.h"
#include "hw/shared.h"

/* What table and TLB say of one address; nothing has been changed yet. */
struct verdict {
	int error;
	enum dart_exception code; /* of the error */
	bool cached;              /* @entry came out of the TLB */
	bool fetched;
	uint64_t entry;
};

static void refuse(struct verdict *v, int error, enum dart_exception code)
{
	v->error = error;
	v->code = code;
}

/* Read @n entries from @index on out of the table. 0 or -EFAULT. */
static int read_entries(const struct dart *d, uint64_t index, unsigned n, uint64_t *to)
{
	uint8_t scratch[IOTLB_MAX_LINE_PAGES * DART_ENTRY_BYTES];
	const uint64_t at = d->kind->table(d) + index * DART_ENTRY_BYTES;
	const uint8_t *bytes =
		iommu_memory_view(&d->memory, at, (size_t)n * DART_ENTRY_BYTES, scratch);

	if (bytes == NULL)
		return -EFAULT;
	for (unsigned i = 0; i < n; i++) {
		const uint32_t entry = dart_entry_unpack(&bytes[i * DART_ENTRY_BYTES]);

		to[i] = (entry & DART_ENTRY_VALID) != 0 ? entry : 0;
	}
	return 0;
}

/* The same page with the same rights, whatever the reserved bits. */
static bool same_mapping(uint64_t a, uint64_t b)
{
	return ((a ^ b) & (DART_ENTRY_VALID | DART_ENTRY_NO_READ | DART_ENTRY_NO_WRITE |
			   DART_ENTRY_RPN)) == 0;
}

static bool is_stale(const struct dart *d, uint64_t index, uint64_t held)
{
	uint64_t now;

	if (!d->track_stale)
		return false;
	return read_entries(d, index, 1, &now) != 0 || !same_mapping(held, now);
}

/* Fetch the group of entries that one TLB line takes into @line, pick the one asked for. */
static void fetch(const struct dart *d, uint64_t index, struct verdict *v, uint64_t *line,
		  struct iotoll_xlat *out)
{
	const uint64_t first = iotlb_line_first(d->tlb, index);

	/* At most 16 entries of 4 bytes, aligned: one memory read. */
	out->fetches = 1;
	if (read_entries(d, first, iotlb_line_pages(d->tlb), line) != 0) {
		refuse(v, -EFAULT, DART_EXCP_ADDRESS);
		return;
	}
	v->fetched = true;
	v->entry = line[index - first];
}

/* Fill @out for @iova, found in v->entry, or refuse. */
static inline void grant(const struct dart *d, uint64_t iova, enum iotoll_access access,
			 struct verdict *v, struct iotoll_xlat *out)
{
	const uint64_t offset = iova & (DART_PAGE_BYTES - 1);
	const bool write = access == IOTOLL_WRITE;

	if ((v->entry & DART_ENTRY_VALID) == 0) {
		refuse(v, -EPERM, DART_EXCP_ENTRY);
		return;
	}
	if ((d->kind->rights || d->config.u3_rights) &&
	    (v->entry & (write ? DART_ENTRY_NO_WRITE : DART_ENTRY_NO_READ)) != 0) {
		refuse(v, -EPERM, write ? DART_EXCP_WRITE : DART_EXCP_READ);
		return;
	}
	out->paddr = dart_entry_paddr((uint32_t)v->entry) | offset;
	out->bytes = DART_PAGE_BYTES - offset;
	out->hit = v->cached;
	out->stale = v->cached && is_stale(d, iova >> DART_PAGE_SHIFT, v->entry);
}

static void pass(uint64_t paddr, struct iotoll_xlat *out)
{
	out->paddr = paddr;
	out->bytes = DART_PAGE_BYTES - (paddr & (DART_PAGE_BYTES - 1));
	out->bypass = true;
}

/* Decide what becomes of an access that does not need the table. True if that settles it. */
static bool settled_early(const struct dart *d, struct iotoll_source source, uint64_t iova,
			  struct verdict *v, struct iotoll_xlat *out)
{
	if (d->kind->bypass && source.bus == DART_PCI && iova >= DART_U4_BYPASS &&
	    iova - DART_U4_BYPASS <= DART_MAX_PADDR) {
		pass(iova - DART_U4_BYPASS, out);
		return true;
	}
	if ((d->reg[DART_REG_CNTL] & d->kind->enable) == 0) {
		pass(iova, out);
		return true;
	}
	if (iova >> DART_PAGE_SHIFT >= d->kind->pages(d) * DART_PAGE_ENTRIES) {
		refuse(v, -EPERM, DART_EXCP_BOUNDS);
		return true;
	}
	return false;
}

static int check_request(const struct dart *d, struct iotoll_source source,
			 enum iotoll_access access, struct iotoll_xlat *out)
{
	*out = (struct iotoll_xlat){0};
	if (source.bus >= d->kind->buses)
		return -ENODEV;
	return access == IOTOLL_READ || access == IOTOLL_WRITE ? 0 : -EINVAL;
}

static void note_error(struct dart *d, struct iotoll_source source, uint64_t iova,
		       enum iotoll_access access, const struct verdict *v)
{
	const struct iotoll_iommu_observer *o = &d->base.observer;

	if (v->error == 0)
		return;
	d->reg[DART_REG_APIEXCP] |= DART_API_DART;
	if (d->kind->captures)
		d->reg[DART_REG_EXCP] =
			(source.bus == DART_HT ? DART_U4_EXCP_HT : 0) |
			((uint32_t)(iova >> DART_PAGE_SHIFT << DART_U4_EXCP_PAGE_SHIFT) &
			 DART_U4_EXCP_PAGE) |
			(access == IOTOLL_WRITE ? DART_U4_EXCP_WRITE : 0) | (uint32_t)v->code;
	if (o->fault != NULL)
		o->fault(o->ctx, source, iova, access);
}

/*
 * The access that hits and is granted, most of them, with no step that such an access cannot need.
 * False: nothing was changed, translate() decides.
 */
static IOTLB_ALWAYS_INLINE bool hit_at_once(struct dart *d, struct iotoll_source source,
					    uint64_t iova, enum iotoll_access access,
					    enum iotlb_sets sets, struct iotoll_xlat *out)
{
	struct iotlb *const t = d->tlb;
	struct verdict v = {.cached = true};
	struct iotoll_xlat granted = {0};
	uint64_t entry;
	ptrdiff_t slot;

	if (!iotlb_has(t, sets) || source.bus >= d->kind->buses || iova >= d->below ||
	    (access != IOTOLL_READ && access != IOTOLL_WRITE))
		return false;
	slot = iotlb_spot(t, sets, 0, iova >> DART_PAGE_SHIFT, &entry);
	if (slot < 0)
		return false;
	v.entry = entry;
	grant(d, iova, access, &v, &granted);
	if (v.error != 0)
		return false;
	*out = granted;
	iotlb_spotted(t, sets, slot);
	return true;
}

static __attribute__((noinline)) int translate(struct dart *d, struct iotoll_source source,
					       uint64_t iova, enum iotoll_access access,
					       struct iotoll_xlat *out)
{
	struct verdict v = {0};
	const uint64_t index = iova >> DART_PAGE_SHIFT;
	uint64_t line[IOTLB_MAX_LINE_PAGES];
	int ret;

	if (hit_at_once(d, source, iova, access, IOTLB_OTHERS, out))
		return 0;
	ret = check_request(d, source, access, out);
	if (ret != 0)
		return ret;
	if (!settled_early(d, source, iova, &v, out)) {
		v.cached = iotlb_access(d->tlb, 0, index, &v.entry);
		if (!v.cached)
			fetch(d, index, &v, line, out);
		if (v.error == 0)
			grant(d, iova, access, &v, out);
		if (v.fetched && v.entry != 0)
			iotlb_insert(d->tlb, 0, index, line);
	}
	note_error(d, source, iova, access, &v);
	return v.error;
}

int dart_translate(struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		   enum iotoll_access access, struct iotoll_xlat *out)
{
	struct dart *d = dart_of(iommu);

	if (IOTLB_LIKELY(hit_at_once(d, source, iova, access, IOTLB_FOUR_WAYS, out)))
		return 0;
	return translate(d, source, iova, access, out);
}

int dart_probe(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
	       enum iotoll_access access, struct iotoll_xlat *out)
{
	const struct dart *d = dart_of_const(iommu);
	struct verdict v = {0};
	const uint64_t index = iova >> DART_PAGE_SHIFT;
	uint64_t line[IOTLB_MAX_LINE_PAGES];
	int ret = check_request(d, source, access, out);

	if (ret != 0)
		return ret;
	if (!settled_early(d, source, iova, &v, out)) {
		v.cached = iotlb_probe(d->tlb, 0, index, &v.entry);
		if (!v.cached)
			fetch(d, index, &v, line, out);
		if (v.error == 0)
			grant(d, iova, access, &v, out);
	}
	return v.error;
}

/* Each page of a line has a valid bit of its own (U3's tag word), so one can go and the others
 * stay. */
void dart_invalidate_page(struct dart *d, uint64_t pfn)
{
	d->selective++;
	(void)iotlb_invalidate_page(d->tlb, 0, pfn);
	iommu_forget_pages(&d->base, 0, pfn, 1);
}

bool dart_held(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
	       struct iommu_held *out)
{
	const struct dart *d = dart_of_const(iommu);
	const bool rights = d->kind->rights || d->config.u3_rights;
	uint64_t entry;

	(void)source; /* all have one table */
	if (d->track_stale || !iotlb_probe(d->tlb, 0, iova >> DART_PAGE_SHIFT, &entry))
		return false;
	*out = (struct iommu_held){.frame = dart_entry_paddr((uint32_t)entry)};
	if (!rights || (entry & DART_ENTRY_NO_READ) == 0)
		out->rights |= IOTOLL_READ;
	if (!rights || (entry & DART_ENTRY_NO_WRITE) == 0)
		out->rights |= IOTOLL_WRITE;
	return true;
}
