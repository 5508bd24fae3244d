// SPDX-License-Identifier: MIT
/*
 * rIOMMU's translation, after the paper's rtranslate(), riotlb_entry_sync(), rtable_walk() and
 * rprefetch(). What is held of the ring answers if it is of the rentry asked for; if it is of the
 * one before, and the one asked for was fetched ahead and valid, that takes its place; otherwise
 * the tables are walked. Whenever the entry has moved, the rPTE after it is fetched ahead. Then
 * the offset must be below the size and the direction allowed: protection is to the byte, for no
 * page takes part.
 *
 * Chosen here:
 *  - a walk reads three entries, of the device, of the ring and of the mapping. None but the last
 *    is cached, except that the ring's address and length are kept with what is held of it, so
 *    that going on along the ring reads the rPTEs alone;
 *  - fetching ahead is asynchronous in the paper: its read is counted (ahead) and not waited for.
 * It is over before the next access;
 *  - what was fetched ahead and is not valid, or lies outside memory, is not held: the access that
 *    comes to it walks;
 *  - an access whose walk fails changes nothing that is held. One that its rPTE forbids has moved
 *    the entry all the same, as in the paper;
 *  - a mapping whose end is beyond the last physical address is refused from that address on, as
 *    if its size ended there;
 *  - one segment, bus 0, has all devices.
 */
#include <errno.h>

#include "hw/riommu_impl.h"

enum origin { HELD, AHEAD, WALKED };

/* What tables and rIOTLB say of one address; nothing has been changed yet. */
struct verdict {
	enum riommu_reason reason; /* why it is refused */
	enum origin origin;
	bool found; /* there is an rPTE, granted or not, in @entry */
	struct riotlb_entry entry;
};

/* The entry number @index of the table at @table: false if it lies outside memory. */
static bool read_entry(const struct riommu *d, uint64_t table, uint64_t index,
		       struct riommu_pair *to)
{
	uint8_t scratch[RIOMMU_ENTRY_BYTES];
	const uint64_t at = table + index * RIOMMU_ENTRY_BYTES;
	const uint8_t *bytes;

	if (at < table)
		return false;
	bytes = iommu_memory_view(&d->memory, at, RIOMMU_ENTRY_BYTES, scratch);
	if (bytes == NULL)
		return false;
	*to = riommu_unpack(bytes);
	return true;
}

/*
 * rtable_walk(): the mapping that @iova is of, into @to. @reads counts what was read. Its next is
 * not fetched.
 */
static enum riommu_reason walk(const struct riommu *d, uint16_t devid, uint64_t iova,
			       struct riotlb_entry *to, unsigned *reads)
{
	const uint16_t rid = riommu_iova_rid(iova);
	const uint32_t rentry = riommu_iova_rentry(iova);
	struct riommu_pair device, ring;

	*to = (struct riotlb_entry){.devid = devid, .rid = rid, .rentry = rentry};
	if (devid >= d->device_count)
		return RIOMMU_REASON_DEVICE;
	++*reads;
	if (!read_entry(d, d->devices, devid, &device))
		return RIOMMU_REASON_TABLE;
	if ((device.hi & RIOMMU_MAX_RINGS) == 0)
		return RIOMMU_REASON_DEVICE;
	if (rid >= (device.hi & RIOMMU_MAX_RINGS))
		return RIOMMU_REASON_RING;
	++*reads;
	if (!read_entry(d, device.lo & RIOMMU_ADDRESS, rid, &ring))
		return RIOMMU_REASON_TABLE;
	to->ring = ring.lo & RIOMMU_ADDRESS;
	to->ring_entries = (uint32_t)(ring.hi & RIOMMU_MAX_ENTRIES);
	if (to->ring_entries == 0)
		return RIOMMU_REASON_RING;
	if (rentry >= to->ring_entries)
		return RIOMMU_REASON_ENTRY;
	++*reads;
	if (!read_entry(d, to->ring, rentry, &to->rpte))
		return RIOMMU_REASON_TABLE;
	return riommu_rpte_valid(to->rpte) ? RIOMMU_REASON_NONE : RIOMMU_REASON_INVALID;
}

/* Is what is held of the mapping no longer what the tables say? */
static bool is_stale(const struct riommu *d, const struct riotlb_entry *held, uint64_t iova)
{
	struct riotlb_entry now;
	unsigned reads = 0;

	return d->track_stale && (walk(d, held->devid, iova, &now, &reads) != RIOMMU_REASON_NONE ||
				  !riommu_rpte_same(now.rpte, held->rpte));
}

/* Where the mapping of @iova comes from: @held, NULL if nothing is held of the ring, or a walk. */
static void find(const struct riommu *d, const struct riotlb_entry *held, uint16_t devid,
		 uint64_t iova, struct verdict *v, struct iotoll_xlat *out)
{
	const uint32_t rentry = riommu_iova_rentry(iova);

	if (held != NULL && held->rentry == rentry) {
		v->entry = *held;
		v->origin = HELD;
	} else if (held != NULL && riommu_rpte_valid(held->next) &&
		   riommu_next(held->rentry, held->ring_entries) == rentry) {
		v->entry = *held;
		v->entry.rentry = rentry;
		v->entry.rpte = held->next;
		v->origin = AHEAD;
	} else {
		v->origin = WALKED;
		v->reason = walk(d, devid, iova, &v->entry, &out->fetches);
	}
	v->found = v->reason == RIOMMU_REASON_NONE;
}

/* May @iova be accessed so, by what was found? Fills @out, or says why not. */
static void grant(const struct riommu *d, uint64_t iova, enum iotoll_access access,
		  struct verdict *v, struct iotoll_xlat *out)
{
	const struct riommu_pair rpte = v->entry.rpte;
	const uint64_t offset = riommu_iova_offset(iova);
	const uint64_t bytes = rpte.hi & RIOMMU_RPTE_SIZE;

	if (offset >= bytes || offset > UINT64_MAX - rpte.lo) {
		v->reason = RIOMMU_REASON_SIZE;
		return;
	}
	if ((rpte.hi & (access == IOTOLL_WRITE ? RIOMMU_RPTE_WRITE : RIOMMU_RPTE_READ)) == 0) {
		v->reason = RIOMMU_REASON_DIRECTION;
		return;
	}
	out->paddr = rpte.lo + offset;
	out->bytes = bytes - offset;
	if (out->bytes - 1 > UINT64_MAX - out->paddr)
		out->bytes = UINT64_MAX - out->paddr + 1;
	out->hit = v->origin != WALKED;
	out->stale = out->hit && is_stale(d, &v->entry, iova);
}

/* rprefetch(). A ring of one entry has no next. */
static void prefetch(const struct riommu *d, struct riotlb_entry *e, struct iotoll_xlat *out)
{
	e->next = (struct riommu_pair){0, 0};
	if (e->ring_entries < 2)
		return;
	out->ahead++;
	if (!read_entry(d, e->ring, riommu_next(e->rentry, e->ring_entries), &e->next))
		e->next = (struct riommu_pair){0, 0};
}

/* Everything that translate() does but writing it down. */
static int look(const struct riommu *d, const struct riotlb_entry *held, uint16_t devid,
		uint64_t iova, enum iotoll_access access, struct verdict *v,
		struct iotoll_xlat *out)
{
	find(d, held, devid, iova, v, out);
	if (v->found) {
		grant(d, iova, access, v, out);
		if (v->origin != HELD && d->place != NULL)
			prefetch(d, &v->entry, out);
	}
	if (v->reason == RIOMMU_REASON_NONE)
		return 0;
	return v->reason == RIOMMU_REASON_TABLE ? -EFAULT : -EPERM;
}

static void pass(uint64_t iova, struct iotoll_xlat *out)
{
	const uint64_t page = UINT64_C(4096);

	out->paddr = iova;
	out->bytes = page - (iova & (page - 1));
	out->bypass = true;
}

static int check_request(struct iotoll_source source, enum iotoll_access access,
			 struct iotoll_xlat *out)
{
	*out = (struct iotoll_xlat){0};
	if (source.bus != 0)
		return -ENODEV;
	return access == IOTOLL_READ || access == IOTOLL_WRITE ? 0 : -EINVAL;
}

static void count(struct riommu *d, const struct verdict *v)
{
	d->hits += v->origin != WALKED;
	d->misses += v->origin == WALKED;
	d->useful += v->origin == AHEAD;
	d->prefetched += v->found && v->origin != HELD && riommu_rpte_valid(v->entry.next);
}

int riommu_translate(struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		     enum iotoll_access access, struct iotoll_xlat *out)
{
	struct riommu *d = riommu_of(iommu);
	const struct iotoll_iommu_observer *o = &d->base.observer;
	struct verdict v = {0};
	int ret = check_request(source, access, out);

	if (ret != 0)
		return ret;
	if ((d->control & RIOMMU_CONTROL_ENABLE) == 0) {
		pass(iova, out);
		return 0;
	}
	ret = look(d, riotlb_access(d, source.devid, riommu_iova_rid(iova)), source.devid, iova,
		   access, &v, out);
	count(d, &v);
	if (v.found && v.origin != HELD)
		riotlb_put(d, &v.entry);
	if (ret == 0)
		return 0;
	riommu_latch(d, source.devid, iova, access, v.reason);
	if (o->fault != NULL)
		o->fault(o->ctx, source, iova, access);
	return ret;
}

int riommu_probe(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		 enum iotoll_access access, struct iotoll_xlat *out)
{
	const struct riommu *d = riommu_of_const(iommu);
	struct verdict v = {0};
	int ret = check_request(source, access, out);

	if (ret != 0)
		return ret;
	if ((d->control & RIOMMU_CONTROL_ENABLE) == 0) {
		pass(iova, out);
		return 0;
	}
	return look(d, riotlb_peek(d, source.devid, riommu_iova_rid(iova)), source.devid, iova,
		    access, &v, out);
}
