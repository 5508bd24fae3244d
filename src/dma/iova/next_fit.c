/* SPDX-License-Identifier: MIT */
/*
 * The next-fit bitmap of the Calgary driver (Linux 2.6.21, pci-calgary.c, iommu_range_alloc() and
 * lib/bitstr.c): one bit per entry, each search begins where the last allocation ended, and a
 * search that finds nothing up to the end of the table starts once more at the bottom. A run that
 * would end on the table's last entry is refused by the driver's search, so that entry is never
 * used; no run goes around the end.
 *
 * Ours: @limit, for devices that cannot drive the whole table's addresses (the driver never
 * asked). A hint beyond it makes the first search fail at once, hence counts as a wrap.
 */
#include <errno.h>

#include "dma/iova/bitmap.h"
#include "dma/iova/iova.h"

#define RESERVATIONS_MAX 32u

struct range {
	uint64_t first, end; /* half open */
};

struct next_fit {
	struct iova base;
	struct bitmap bits;
	uint64_t hint;
	struct range reservations[RESERVATIONS_MAX];
	unsigned reservation_count;
};

static struct next_fit *next_fit_of(struct iova *a)
{
	return (struct next_fit *)a;
}

static const struct next_fit *next_fit_of_const(const struct iova *a)
{
	return (const struct next_fit *)a;
}

static bool search(struct next_fit *n, uint64_t from, uint64_t end, uint64_t count, uint64_t *out)
{
	return bitmap_search(&n->bits, from, end, count, 0, out, &n->base.words_searched);
}

static int take(struct next_fit *n, uint64_t count, uint64_t end, uint64_t *out)
{
	struct iova *a = &n->base;

	if (!search(n, n->hint, end, count, out)) {
		a->wraps++;
		a->wrapped(a->ctx);
		if (!search(n, 0, end, count, out))
			return -ENOSPC;
	}
	bitmap_write(&n->bits, *out, count, true);
	n->hint = *out + count;
	a->live += count;
	return 0;
}

static int next_fit_alloc(struct iova *a, const struct iova_want *want, uint64_t *out)
{
	const uint64_t end = want->limit < a->entries ? want->limit : a->entries - 1;
	int rc;

	locks_take(&a->locks, 0);
	rc = take(next_fit_of(a), want->count, end, out);
	locks_release(&a->locks, 0);
	return rc;
}

static bool meets_reservation(const struct next_fit *n, uint64_t first, uint64_t end)
{
	for (unsigned i = 0; i < n->reservation_count; i++)
		if (first < n->reservations[i].end && n->reservations[i].first < end)
			return true;
	return false;
}

static bool next_fit_owns(const struct iova *a, uint64_t first, uint64_t count)
{
	const struct next_fit *n = next_fit_of_const(a);

	if (count == 0 || first >= a->entries || count > a->entries - first)
		return false;
	return !meets_reservation(n, first, first + count) &&
	       bitmap_next(&n->bits, first, first + count, false) == first + count;
}

static void next_fit_free(struct iova *a, uint64_t first, uint64_t count)
{
	struct next_fit *n = next_fit_of(a);

	locks_take(&a->locks, 0);
	bitmap_write(&n->bits, first, count, false);
	a->live -= count;
	locks_release(&a->locks, 0);
}

static int next_fit_reserve(struct iova *a, uint64_t first, uint64_t count)
{
	struct next_fit *n = next_fit_of(a);
	uint64_t end;

	if (first >= a->entries || count == 0)
		return 0;
	if (n->reservation_count == RESERVATIONS_MAX)
		return -ENOSPC;
	/* The driver clips the end but then uses the unclipped count; that is not imitated. */
	end = count > a->entries - first ? a->entries : first + count;
	for (uint64_t i = first; i < end; i++)
		if (bitmap_next(&n->bits, i, i + 1, false) == i)
			a->reserved++;
	bitmap_put(&n->bits, first, end, true);
	n->reservations[n->reservation_count++] = (struct range){first, end};
	return 0;
}

static bool next_fit_usable_below(const struct iova *a, uint64_t limit)
{
	const struct next_fit *n = next_fit_of_const(a);
	const uint64_t end = limit < a->entries ? limit : a->entries - 1;

	/* The first free entry is 0 or follows a reservation. */
	if (end > 0 && !meets_reservation(n, 0, 1))
		return true;
	for (unsigned i = 0; i < n->reservation_count; i++) {
		const uint64_t at = n->reservations[i].end;

		if (at < end && !meets_reservation(n, at, at + 1))
			return true;
	}
	return false;
}

static bool next_fit_check(const struct iova *a)
{
	const struct next_fit *n = next_fit_of_const(a);
	const uint64_t last = a->entries - 1;
	uint64_t set = 0;

	for (uint64_t i = 0; i < a->entries; i++)
		set += bitmap_next(&n->bits, i, i + 1, true) == i;
	if (set != a->live + a->reserved || n->hint > a->entries)
		return false;
	for (unsigned i = 0; i < n->reservation_count; i++) {
		const struct range *r = &n->reservations[i];

		if (bitmap_next(&n->bits, r->first, r->end, false) != r->end)
			return false;
	}
	return meets_reservation(n, last, last + 1) ||
	       bitmap_next(&n->bits, last, last + 1, true) != last;
}

static void next_fit_destroy(struct iova *a)
{
	struct next_fit *n = next_fit_of(a);

	locks_fini(&a->locks);
	bitmap_fini(&n->bits);
	free(n);
}

static int next_fit_create(struct iova **out, struct dma_env *env, const struct iova_config *config)
{
	struct next_fit *n = calloc(1, sizeof(*n));
	int rc;

	if (!n)
		return -ENOMEM;
	n->base = (struct iova){.env = env, .entries = config->entries};
	n->hint = config->start_hint;
	rc = bitmap_init(&n->bits, env, config->entries);
	if (!rc)
		rc = locks_init(&n->base.locks, env, config->locks ? 1 : 0, true);
	if (rc) {
		next_fit_destroy(&n->base);
		return rc;
	}
	*out = &n->base;
	return 0;
}

const struct iova_ops next_fit_ops = {
	.name = "next-fit",
	.title = "next-fit bitmap, as the Calgary driver of Linux 2.6.21",
	.wraps = true,
	.divides = true,
	.threads = true,
	.create = next_fit_create,
	.destroy = next_fit_destroy,
	.reserve = next_fit_reserve,
	.alloc = next_fit_alloc,
	.owns = next_fit_owns,
	.free = next_fit_free,
	.usable_below = next_fit_usable_below,
	.check = next_fit_check,
};
