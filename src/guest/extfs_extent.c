/* SPDX-License-Identifier: MIT */
/*
 * extfs: where a file's blocks are. Extents in order of what they hold, the first few in the inode,
 * the others in a chain of blocks of their own (extfs_format.h).
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/extfs_internal.h"

/* ---- in memory ---- */

int extfs_extents_room(struct extfs_node *n, uint32_t extents)
{
	struct extfs_extent *larger;
	uint32_t room = n->room ? n->room : EXTFS_INLINE;

	if (extents > EXTFS_EXTENTS_MAX)
		return -EFBIG;
	while (room < extents)
		room *= 2;
	if (room == n->room)
		return 0;
	larger = realloc(n->extent, room * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	n->extent = larger;
	n->room = room;
	return 0;
}

static void touched(struct extfs_node *n, uint32_t i)
{
	if (i < n->changed)
		n->changed = i;
}

/* The first extent that ends behind @logical. */
static uint32_t find(const struct extfs_node *n, uint64_t logical)
{
	uint32_t low = 0, high = n->extents;

	while (low < high) {
		const uint32_t mid = (low + high) / 2;

		if ((uint64_t)n->extent[mid].logical + n->extent[mid].count <= logical)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint32_t extfs_node_block(const struct extfs_node *n, uint64_t logical, uint64_t *run)
{
	const uint32_t i = find(n, logical);
	const struct extfs_extent *e = &n->extent[i];

	if (i == n->extents || logical < e->logical) {
		*run = i == n->extents ? UINT32_MAX : e->logical - logical;
		return 0;
	}
	*run = e->count - (logical - e->logical);
	return e->start + (uint32_t)(logical - e->logical);
}

/* Enter one block before extent @i, joined with its neighbours where they touch. */
static int insert(struct extfs_node *n, uint32_t i, uint32_t logical, uint32_t block)
{
	struct extfs_extent *before = i ? &n->extent[i - 1] : NULL;
	struct extfs_extent *after = i < n->extents ? &n->extent[i] : NULL;
	const bool joins_before = before && before->logical + before->count == logical &&
				  before->start + before->count == block;
	const bool joins_after =
		after && after->logical == logical + 1 && after->start == block + 1;
	int rc;

	touched(n, i ? i - 1 : 0);
	if (joins_before && joins_after) {
		before->count += 1 + after->count;
		memmove(after, after + 1, (n->extents - i - 1) * sizeof(*after));
		n->extents--;
	} else if (joins_before) {
		before->count++;
	} else if (joins_after) {
		after->logical--;
		after->start--;
		after->count++;
	} else {
		rc = extfs_extents_room(n, n->extents + 1);
		if (rc)
			return rc;
		memmove(n->extent + i + 1, n->extent + i, (n->extents - i) * sizeof(*n->extent));
		n->extent[i] = (struct extfs_extent){logical, block, 1};
		n->extents++;
	}
	return 0;
}

/* ---- the chain of extent blocks ---- */

int extfs_chain_load(struct extfs_node *n, struct cpu *cpu, uint32_t block, uint32_t extents)
{
	while (block) {
		const struct extfs_extent_block *b;
		struct page *page;
		int rc;

		if (n->chains == EXTFS_CHAIN_MAX || block < n->fs->s.data_start ||
		    block >= n->fs->s.blocks)
			return -EUCLEAN;
		rc = extfs_meta(n->fs, cpu, block, false, &page);
		if (rc)
			return rc;
		b = (const struct extfs_extent_block *)(const void *)page->data;
		cpu_touch(cpu, page->paddr, 16 + b->count % (EXTFS_CHAINED + 1) * 12, false);
		if (b->magic != EXTFS_EXTENT_MAGIC || b->owner != n->number ||
		    b->count > EXTFS_CHAINED || n->extents + b->count > extents) {
			page_put(page, cpu);
			return -EUCLEAN;
		}
		memcpy(n->extent + n->extents, b->extent, b->count * sizeof(*n->extent));
		n->extents += b->count;
		n->chain[n->chains++] = block;
		block = b->next;
		page_put(page, cpu);
	}
	return n->extents == extents ? 0 : -EUCLEAN;
}

bool extfs_extents_sensible(const struct extfs_node *n)
{
	uint64_t next = 0;

	for (uint32_t i = 0; i < n->extents; i++) {
		const struct extfs_extent *e = &n->extent[i];

		if (!e->count || e->logical < next || e->start < n->fs->s.data_start ||
		    (uint64_t)e->start + e->count > n->fs->s.blocks)
			return false;
		next = (uint64_t)e->logical + e->count;
	}
	return true;
}

/* A new extent block at the end of the chain. */
static int lengthen_chain(struct extfs_node *n, struct cpu *cpu)
{
	struct page *page;
	uint32_t block;
	int rc = extfs_alloc_block(n->fs, cpu, n, 0, &block);

	if (rc)
		return rc;
	rc = extfs_meta(n->fs, cpu, block, true, &page);
	if (rc)
		return extfs_free_blocks(n->fs, cpu, block, 1, true) ? -ENOMEM : rc;
	page_put(page, cpu);
	n->chain[n->chains++] = block;
	n->blocks++;
	return 0;
}

/* The last extent block begins, or ends, to be followed by another: it must be written again. */
static void chain_changed(struct extfs_node *n)
{
	if (n->chains)
		touched(n, EXTFS_INLINE + (n->chains - 1) * EXTFS_CHAINED);
}

int extfs_chain_fit(struct extfs_node *n, struct cpu *cpu, uint32_t extents)
{
	const uint32_t beyond = extents > EXTFS_INLINE ? extents - EXTFS_INLINE : 0;
	const uint32_t want = (beyond + EXTFS_CHAINED - 1) / EXTFS_CHAINED;
	int rc = 0;

	while (n->chains < want && !rc) {
		chain_changed(n);
		rc = lengthen_chain(n, cpu);
	}
	while (n->chains > want && !rc) {
		rc = extfs_free_blocks(n->fs, cpu, n->chain[n->chains - 1], 1, true);
		if (rc)
			break;
		n->chains--;
		n->blocks--;
		chain_changed(n);
	}
	return rc;
}

int extfs_chain_store(struct extfs_node *n, struct cpu *cpu)
{
	for (uint32_t i = 0; i < n->chains; i++) {
		const uint32_t first = EXTFS_INLINE + i * EXTFS_CHAINED;
		uint32_t count = n->extents - first;
		struct extfs_extent_block *b;
		struct page *page;
		int rc;

		count = count < EXTFS_CHAINED ? count : EXTFS_CHAINED;
		if (n->changed >= first + count)
			continue;
		rc = extfs_meta(n->fs, cpu, n->chain[i], false, &page);
		if (rc)
			return rc;
		extfs_journal(n->fs, page);
		b = (struct extfs_extent_block *)(void *)page->data;
		memset(b, 0, sizeof(*b));
		b->magic = EXTFS_EXTENT_MAGIC;
		b->owner = n->number;
		b->count = count;
		b->next = i + 1 < n->chains ? n->chain[i + 1] : 0;
		memcpy(b->extent, n->extent + first, count * sizeof(*n->extent));
		/* Mostly one extent was added or became longer: a kernel would store just that. */
		cpu_touch(cpu, page->paddr, 16, true);
		cpu_touch(cpu, page->paddr + 16 + (count ? count - 1 : 0) * 12, 12, true);
		page_put(page, cpu);
	}
	return 0;
}

/* ---- blocks come and go ---- */

int extfs_node_grow(struct extfs_node *n, struct cpu *cpu, uint32_t logical, uint32_t *out)
{
	uint32_t goal = 0, i;
	int rc = extfs_extents_room(n, n->extents +
					       1); /* so that nothing fails once a block is taken */

	if (!rc && n->extents + 1 > EXTFS_INLINE + n->chains * EXTFS_CHAINED)
		rc = extfs_chain_fit(n, cpu, n->extents + 1);
	if (rc)
		return rc;
	i = find(n, logical);
	if (i && n->extent[i - 1].logical + n->extent[i - 1].count == logical)
		goal = n->extent[i - 1].start + n->extent[i - 1].count;
	rc = extfs_alloc_block(n->fs, cpu, n, goal, out);
	if (rc)
		return rc;
	rc = insert(n, find(n, logical), logical, *out);
	assert(!rc);
	n->blocks++;
	return 0;
}

int extfs_node_cut(struct extfs_node *n, struct cpu *cpu, uint32_t logical)
{
	extfs_unreserve(n->fs, n);
	n->window = 0;
	while (n->extents) {
		struct extfs_extent *e = &n->extent[n->extents - 1];
		uint32_t keep, gone;
		int rc;

		if ((uint64_t)e->logical + e->count <= logical)
			break;
		keep = e->logical < logical ? logical - e->logical : 0;
		gone = e->count - keep;
		rc = extfs_free_blocks(n->fs, cpu, e->start + keep, gone,
				       n->type == EXTFS_DIRECTORY);
		if (rc)
			return rc;
		n->blocks -= gone;
		touched(n, n->extents - 1);
		e->count = keep;
		if (!keep)
			n->extents--;
		if (n->extents) /* the last extent block counts fewer */
			touched(n, n->extents - 1);
	}
	return 0;
}
