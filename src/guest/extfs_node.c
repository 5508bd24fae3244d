/* SPDX-License-Identifier: MIT */
/* extfs: inodes in memory and their extents. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/extfs_internal.h"

static uint64_t block_of(struct mapping *m, uint64_t index, uint64_t *run)
{
	return extfs_node_block((const struct extfs_node *)m, index, run);
}

static const struct mapping_ops node_mapping = {.block = block_of};

static struct extfs_inode *slot_of(const struct extfs_node *n, struct page *page)
{
	return (struct extfs_inode *)(void *)page->data + n->number % EXTFS_INODES_A_BLOCK;
}

static int inode_page(struct extfs_node *n, struct cpu *cpu, struct page **out)
{
	return extfs_meta(n->fs, cpu, n->fs->s.inode_start + n->number / EXTFS_INODES_A_BLOCK,
			  false, out);
}

/* ---- from the disk ---- */

static int room_for(struct extfs_node *n, uint32_t extents)
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

static int load_chain(struct extfs_node *n, struct cpu *cpu, uint32_t block, uint32_t extents)
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

/* An extent the data area does not hold, or out of order, would lead astray. */
static bool extents_sensible(const struct extfs_node *n)
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

static int load(struct extfs_node *n, struct cpu *cpu)
{
	const struct extfs_inode *on_disk;
	uint32_t chain, extents;
	struct page *page;
	int rc = inode_page(n, cpu, &page);

	if (rc)
		return rc;
	on_disk = slot_of(n, page);
	cpu_touch(cpu, page->paddr + n->number % EXTFS_INODES_A_BLOCK * EXTFS_INODE_BYTES,
		  EXTFS_INODE_BYTES, false);
	n->type = on_disk->type;
	n->generation = on_disk->generation;
	n->parent = on_disk->parent;
	n->size = on_disk->size;
	n->blocks = on_disk->blocks;
	chain = on_disk->chain;
	extents = on_disk->extents;
	rc = room_for(n, extents);
	if (!rc) {
		n->extents = extents < EXTFS_INLINE ? extents : EXTFS_INLINE;
		memcpy(n->extent, on_disk->extent, n->extents * sizeof(*n->extent));
	}
	page_put(page, cpu);
	if (rc)
		return rc == -EFBIG ? -EUCLEAN : rc;
	if (n->type != EXTFS_FILE && n->type != EXTFS_DIRECTORY)
		return -EUCLEAN;
	rc = load_chain(n, cpu, chain, extents);
	n->changed = n->extents;
	return rc ? rc : extents_sensible(n) ? 0 : -EUCLEAN;
}

static void node_free(struct extfs_node *n)
{
	extfs_dir_free(n);
	free(n->extent);
	free(n);
}

static struct extfs_node *node_make(struct extfs *fs, uint32_t number)
{
	struct extfs_node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->fs = fs;
	n->number = number;
	n->refs = 1;
	mapping_init(&n->mapping, fs->cache, &node_mapping);
	return n;
}

int extfs_node_get(struct extfs *fs, struct cpu *cpu, uint32_t number, struct extfs_node **out)
{
	struct extfs_node *n;
	int rc;

	if (!number || number >= fs->s.inodes || !extfs_inode_in_use(fs, number))
		return -EUCLEAN;
	if (!fs->node[number]) {
		n = node_make(fs, number);
		rc = n ? load(n, cpu) : -ENOMEM;
		if (rc || fs->node[number]) { /* failed, or somebody was faster */
			if (n)
				node_free(n);
			if (rc)
				return rc;
		} else {
			n->refs = 0;
			fs->node[number] = n;
		}
	}
	*out = fs->node[number];
	(*out)->refs++;
	return 0;
}

void extfs_node_put(struct extfs_node *n)
{
	assert(n->refs);
	if (!--n->refs && n->dead)
		node_free(n);
}

/* ---- to the disk ---- */

static void touched(struct extfs_node *n, uint32_t i)
{
	if (i < n->changed)
		n->changed = i;
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

/* As many extent blocks as @extents need. */
static int fit_chain(struct extfs_node *n, struct cpu *cpu, uint32_t extents)
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

static int store_chain(struct extfs_node *n, struct cpu *cpu)
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

int extfs_node_store(struct extfs_node *n, struct cpu *cpu)
{
	struct extfs_inode *to;
	struct page *page;
	int rc = fit_chain(n, cpu, n->extents);

	if (!rc)
		rc = store_chain(n, cpu);
	if (!rc)
		rc = inode_page(n, cpu, &page);
	if (rc)
		return rc;
	extfs_journal(n->fs, page);
	to = slot_of(n, page);
	memset(to, 0, sizeof(*to));
	to->type = n->type;
	to->generation = n->generation;
	to->size = n->size;
	to->parent = n->parent;
	to->extents = n->extents;
	to->chain = n->chains ? n->chain[0] : 0;
	to->blocks = n->blocks;
	if (n->extents)
		memcpy(to->extent, n->extent,
		       (n->extents < EXTFS_INLINE ? n->extents : EXTFS_INLINE) *
			       sizeof(*n->extent));
	cpu_touch(cpu, page->paddr + n->number % EXTFS_INODES_A_BLOCK * EXTFS_INODE_BYTES,
		  EXTFS_INODE_BYTES, true);
	page_put(page, cpu);
	n->changed = n->extents;
	n->tid = n->fs->tid;
	return 0;
}

/* ---- extents ---- */

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
		rc = room_for(n, n->extents + 1);
		if (rc)
			return rc;
		memmove(n->extent + i + 1, n->extent + i, (n->extents - i) * sizeof(*n->extent));
		n->extent[i] = (struct extfs_extent){logical, block, 1};
		n->extents++;
	}
	return 0;
}

int extfs_node_grow(struct extfs_node *n, struct cpu *cpu, uint32_t logical, uint32_t *out)
{
	uint32_t goal = 0, i;
	int rc = room_for(n, n->extents + 1); /* so that nothing fails once a block is taken */

	if (!rc && n->extents + 1 > EXTFS_INLINE + n->chains * EXTFS_CHAINED)
		rc = fit_chain(n, cpu, n->extents + 1);
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

/* ---- birth and death ---- */

int extfs_node_new(struct extfs *fs, struct cpu *cpu, uint16_t type, uint32_t parent,
		   struct extfs_node **out)
{
	struct extfs_node *n = node_make(fs, 0);
	struct page *page;
	int rc;

	if (!n)
		return -ENOMEM;
	rc = room_for(n, 1);
	if (!rc)
		rc = extfs_alloc_inode(fs, cpu, &n->number);
	if (rc) {
		node_free(n);
		return rc;
	}
	rc = inode_page(n, cpu, &page);
	if (!rc) {
		n->type = type;
		n->generation = slot_of(n, page)->generation + 1;
		n->parent = type == EXTFS_DIRECTORY ? parent : 0;
		page_put(page, cpu);
		rc = extfs_node_store(n, cpu);
	}
	if (rc) {
		extfs_free_inode(fs, cpu, n->number);
		node_free(n);
		return rc;
	}
	fs->node[n->number] = n;
	*out = n;
	return 0;
}

int extfs_node_remove(struct extfs_node *n, struct cpu *cpu)
{
	struct extfs *fs = n->fs;
	struct extfs_inode *to;
	struct page *page;
	int rc = inode_page(n, cpu, &page);

	if (rc)
		return rc;
	rc = extfs_node_cut(n, cpu, 0);
	if (!rc)
		rc = fit_chain(n, cpu, n->extents);
	if (!rc) {
		extfs_journal(fs, page);
		to = slot_of(n, page);
		*to = (struct extfs_inode){.generation = n->generation};
		cpu_touch(cpu, page->paddr + n->number % EXTFS_INODES_A_BLOCK * EXTFS_INODE_BYTES,
			  EXTFS_INODE_BYTES, true);
		extfs_free_inode(fs, cpu, n->number);
		fs->node[n->number] = NULL;
		n->dead = true;
	}
	page_put(page, cpu);
	return rc;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned extfs_cut_credits(const struct extfs_node *n)
{
	return least(n->fs->s.block_map_blocks, n->extents + n->chains + 1) + n->chains + 8;
}

unsigned extfs_write_credits(const struct extfs_node *n)
{
	return least(n->fs->s.block_map_blocks, 40) + n->chains + 8;
}
