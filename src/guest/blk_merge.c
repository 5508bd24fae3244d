/* SPDX-License-Identifier: MIT */
/*
 * From bios to requests (ll_back_merge_fn(), ll_front_merge_fn(), blk_rq_map_sg() of Linux): ranges
 * that follow each other in memory become one segment, requests that follow each other on the
 * device become one request, within the limits of the driver.
 */
#include <string.h>

#include "guest/blk_internal.h"

/* How much a segment that begins at @paddr can hold. */
static uint32_t reach(const struct blk_queue *q, phys_t paddr)
{
	const uint32_t boundary = q->config.segment_boundary;
	const uint32_t left = boundary - (uint32_t)(paddr & (boundary - 1));

	return boundary && left < BLK_SEGMENT_MAX ? left : BLK_SEGMENT_MAX;
}

/*
 * Do the two lie next to each other where devices see them? In a guest's memory pages that are
 * neighbours need not be; memory_ptr() knows (BIOVEC_PHYS_MERGEABLE).
 */
static bool adjoin(const struct blk_queue *q, const struct bio_vec *a, const struct bio_vec *b)
{
	return a->paddr + a->bytes == b->paddr &&
	       (uint64_t)a->bytes + b->bytes <= reach(q, a->paddr) &&
	       memory_ptr(q->machine->mem, a->paddr, (size_t)a->bytes + b->bytes);
}

/* The beginning of @v that fits into one segment; @v is what is left. */
static struct bio_vec split(const struct blk_queue *q, struct bio_vec *v, uint32_t most)
{
	const uint32_t end = reach(q, v->paddr);
	struct bio_vec part = *v;

	part.bytes = part.bytes < most ? part.bytes : most;
	part.bytes = part.bytes < end ? part.bytes : end;
	v->paddr += part.bytes;
	v->bytes -= part.bytes;
	return part;
}

/* Segments of @bio on their own. */
static unsigned segments_of(const struct blk_queue *q, const struct bio *bio)
{
	struct bio_vec last = {.bytes = 0};
	unsigned n = 0;

	for (unsigned i = 0; i < bio->nvec; i++) {
		struct bio_vec v = bio->vec[i];

		while (v.bytes) {
			const struct bio_vec part = split(q, &v, UINT32_MAX);

			if (n && adjoin(q, &last, &part)) {
				last.bytes += part.bytes;
			} else {
				last = part;
				n++;
			}
		}
	}
	return n;
}

/* Put [paddr, paddr + bytes) at the end. False: no segment left. */
static bool append(const struct blk_queue *q, struct blk_request *rq, struct bio_vec v)
{
	struct bio_vec *last = rq->nsegments ? &rq->segment[rq->nsegments - 1] : NULL;

	if (last && adjoin(q, last, &v)) {
		last->bytes += v.bytes;
	} else {
		if (rq->nsegments == q->config.max_segments)
			return false;
		rq->segment[rq->nsegments++] = v;
	}
	rq->bytes += v.bytes;
	return true;
}

/* Add @v, or as much of it as the request may hold. False: not all of it. */
static bool fill_one(const struct blk_queue *q, struct blk_request *rq, struct bio_vec v)
{
	while (v.bytes) {
		const struct bio_vec part = split(q, &v, q->config.max_bytes - rq->bytes);

		if (!part.bytes || !append(q, rq, part))
			return false;
	}
	return true;
}

/* Take the odd end off again, so that whole sectors are left. */
static uint32_t trim(struct blk_request *rq)
{
	uint32_t odd = rq->bytes % BLOCK_SECTOR_BYTES;
	const uint32_t taken = odd;

	rq->bytes -= odd;
	while (odd) {
		struct bio_vec *last = &rq->segment[rq->nsegments - 1];

		if (last->bytes > odd) {
			last->bytes -= odd;
			return taken;
		}
		odd -= last->bytes;
		rq->nsegments--;
	}
	return taken;
}

static void request_join(struct blk_request *rq, struct bio *bio)
{
	rq->bio[rq->nbios++] = bio;
	bio->pending++;
}

static bool fits(const struct blk_queue *q, const struct blk_request *rq, const struct bio *bio,
		 uint64_t bytes)
{
	return rq->op == bio->op && rq->nbios < BLK_BIOS_MAX &&
	       rq->bytes + bytes <= q->config.max_bytes &&
	       /* One segment fewer may come of it; Linux counts alike. */
	       rq->nsegments + segments_of(q, bio) <= q->config.max_segments;
}

static void back_merge(struct blk_queue *q, struct blk_request *rq, struct bio *bio)
{
	for (unsigned i = 0; i < bio->nvec; i++)
		(void)fill_one(q, rq, bio->vec[i]); /* counted before */
	request_join(rq, bio);
	q->stats.back_merges++;
}

static void front_merge(struct blk_queue *q, struct blk_request *rq, struct bio *bio,
			uint64_t bytes)
{
	struct bio_vec old[BLK_SEGMENTS_MAX];
	const unsigned n = rq->nsegments;

	memcpy(old, rq->segment, n * sizeof(old[0]));
	rq->nsegments = 0;
	rq->bytes = 0;
	for (unsigned i = 0; i < bio->nvec; i++)
		(void)fill_one(q, rq, bio->vec[i]);
	for (unsigned i = 0; i < n; i++)
		(void)append(q, rq, old[i]);
	rq->sector -= bytes / BLOCK_SECTOR_BYTES;
	request_join(rq, bio);
	q->stats.front_merges++;
}

bool blk_merge(struct blk_queue *q, struct bio *bio)
{
	const uint64_t bytes = bio_bytes(bio), sectors = bytes / BLOCK_SECTOR_BYTES;

	if (bio->op == BIO_FLUSH)
		return false;
	for (struct blk_request *rq = q->first; rq; rq = rq->next) {
		const bool back = rq->sector + rq->bytes / BLOCK_SECTOR_BYTES == bio->sector;

		if (!back && bio->sector + sectors != rq->sector)
			continue;
		if (!fits(q, rq, bio, bytes))
			continue;
		if (back)
			back_merge(q, rq, bio);
		else
			front_merge(q, rq, bio, bytes);
		return true;
	}
	return false;
}

/* Fill @rq from @bio, beginning at byte @from of it; the bytes taken, whole sectors. */
static uint32_t fill(const struct blk_queue *q, struct blk_request *rq, const struct bio *bio,
		     uint64_t from)
{
	for (unsigned i = 0; i < bio->nvec; i++) {
		struct bio_vec v = bio->vec[i];

		if (from >= v.bytes) {
			from -= v.bytes;
			continue;
		}
		v.paddr += from;
		v.bytes -= (uint32_t)from;
		from = 0;
		if (!fill_one(q, rq, v))
			break;
	}
	trim(rq);
	return rq->bytes;
}

bool blk_cuttable(const struct blk_queue *q, const struct bio *bio)
{
	const uint64_t bytes = bio_bytes(bio);
	struct blk_request scratch;
	unsigned odd = 0;

	for (unsigned i = 0; i < bio->nvec; i++)
		odd += bio->vec[i].bytes % BLOCK_SECTOR_BYTES != 0;
	for (uint64_t at = 0; odd && at < bytes; at += scratch.bytes) {
		scratch.bytes = 0;
		scratch.nsegments = 0;
		if (!fill(q, &scratch, bio, at))
			return false;
	}
	return true;
}

static void enqueue(struct blk_queue *q, struct blk_request *rq)
{
	rq->next = NULL;
	*(q->last ? &q->last->next : &q->first) = rq;
	q->last = rq;
	q->queued++;
}

bool blk_cut(struct blk_queue *q, struct bio *bio)
{
	const uint64_t bytes = bio_bytes(bio);

	do {
		struct blk_request *rq = blk_take(q);

		if (!rq)
			return false;
		rq->op = bio->op;
		rq->sector = bio->sector + bio->cut / BLOCK_SECTOR_BYTES;
		q->stats.splits += bio->cut != 0;
		bio->cut += fill(q, rq, bio, bio->cut);
		request_join(rq, bio);
		enqueue(q, rq);
	} while (bio->cut < bytes);
	return true;
}
