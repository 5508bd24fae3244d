/* SPDX-License-Identifier: MIT */
/*
 * A range of I/O addresses into pieces of memory, whoever translates: the loop of
 * iotoll_iommu_translate_range() and iotoll_translator_translate_range(). For src/hw alone.
 */
#ifndef IOTOLL_HW_RANGE_H
#define IOTOLL_HW_RANGE_H

#include <errno.h>

#include "iotoll/iommu.h"

struct range {
	uint64_t iova, bytes;
	enum iotoll_access access;
};

/* Take [paddr, paddr + bytes) into @pieces, of which there are *@count and room for @room. */
static inline bool range_add(struct iotoll_piece *pieces, unsigned *count, unsigned room,
			     uint64_t paddr, uint64_t bytes)
{
	struct iotoll_piece *last = *count != 0 ? &pieces[*count - 1] : NULL;

	if (last != NULL && last->bytes <= paddr && paddr - last->bytes == last->paddr) {
		last->bytes += bytes;
		return true;
	}
	if (*count == room)
		return false;
	pieces[(*count)++] = (struct iotoll_piece){.paddr = paddr, .bytes = bytes};
	return true;
}

/* As iotoll_iommu_translate_range() says; @one translates a byte for @ctx. */
static inline __attribute__((always_inline)) int range_translate(
	const struct range *range, struct iotoll_piece *pieces, unsigned *count, uint64_t *done,
	int (*one)(void *ctx, uint64_t iova, enum iotoll_access access, struct iotoll_xlat *out),
	void *ctx)
{
	const unsigned room = *count;
	struct iotoll_xlat xlat;

	*count = 0;
	*done = 0;
	if (range->bytes == 0 || room == 0 || range->iova > UINT64_MAX - (range->bytes - 1))
		return -EINVAL;
	while (*done < range->bytes) {
		const int rc = one(ctx, range->iova + *done, range->access, &xlat);
		uint64_t reach;

		if (rc != 0)
			return rc;
		reach = xlat.bytes < range->bytes - *done ? xlat.bytes : range->bytes - *done;
		if (!range_add(pieces, count, room, xlat.paddr, reach))
			break;
		*done += reach;
	}
	return 0;
}

#endif
