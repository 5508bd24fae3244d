/* SPDX-License-Identifier: MIT */
/*
 * extfs: which blocks and inodes are in use. The bitmaps of the disk lie in pinned pages and change
 * within transactions. Beside each lies a map of what may not be handed out: that, what is set
 * aside for files that grow (as ext3's reservation windows, so that files written at the same time
 * do not interleave), and what was given up in a transaction that is not yet safe.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/extfs_internal.h"

#define FIRST_WINDOW 8u /* blocks, as ext3; doubles while a file keeps growing */
#define LAST_WINDOW  1024u

static bool busy(const struct extfs_bitmap *b, uint32_t i)
{
	return b->busy[i / 64] >> i % 64 & 1;
}

static void set_busy(struct extfs_bitmap *b, uint32_t i, bool on)
{
	assert(busy(b, i) != on);
	b->busy[i / 64] ^= (uint64_t)1 << i % 64;
	b->idle += on ? (uint64_t)-1 : 1;
}

int extfs_bitmap_load(struct extfs *fs, struct extfs_bitmap *b, struct cpu *cpu)
{
	const uint64_t words = ((uint64_t)b->blocks * EXTFS_BITS_A_BLOCK) / 64;

	b->page = calloc(b->blocks, sizeof(*b->page));
	b->busy = malloc(words * sizeof(*b->busy));
	if (!b->page || !b->busy)
		return -ENOMEM;
	for (uint32_t i = 0; i < b->blocks; i++) {
		const int rc = extfs_meta(fs, cpu, b->start + i, false, &b->page[i]);

		if (rc)
			return rc;
		memcpy(b->busy + (uint64_t)i * EXTFS_BITS_A_BLOCK / 64, b->page[i]->data,
		       EXTFS_BLOCK);
	}
	b->idle = 0;
	for (uint32_t i = 0; i < b->bits; i++)
		b->idle += !busy(b, i);
	return 0;
}

void extfs_bitmap_unload(struct extfs_bitmap *b, struct cpu *cpu)
{
	for (uint32_t i = 0; b->page && i < b->blocks && b->page[i]; i++)
		page_put(b->page[i], cpu);
	free(b->page);
	free(b->busy);
	b->page = NULL;
	b->busy = NULL;
}

/* Bit @i of the disk's map, within the running transaction. */
static void store_bit(struct extfs *fs, struct extfs_bitmap *b, struct cpu *cpu, uint32_t i,
		      bool on)
{
	struct page *page = b->page[i / EXTFS_BITS_A_BLOCK];
	const uint32_t byte = i % EXTFS_BITS_A_BLOCK / 8;
	const uint8_t mask = (uint8_t)(1u << i % 8);

	assert(!!(page->data[byte] & mask) != on);
	extfs_journal(fs, page);
	page->data[byte] ^= mask;
	cpu_touch(cpu, page->paddr + byte, 1, true);
}

/* The first idle bit from @from on before @to; @to if there is none. Words are paid for. */
static uint32_t find_idle(struct extfs *fs, const struct extfs_bitmap *b, struct cpu *cpu,
			  uint32_t from, uint32_t to)
{
	uint64_t words = 0;

	while (from < to) {
		const uint64_t idle = ~b->busy[from / 64] >> from % 64;

		words++;
		if (idle) {
			from += (uint32_t)__builtin_ctzll(idle);
			break;
		}
		from = (from / 64 + 1) * 64;
	}
	cpu_charge(cpu, words * machine_cost(fs->machine)->fs_word);
	return from < to ? from : to;
}

/* Set aside up to @want bits in a row, from @goal on, or from the beginning if there are none. */
static uint32_t set_aside(struct extfs *fs, struct extfs_bitmap *b, struct cpu *cpu, uint32_t goal,
			  uint32_t want, uint32_t *at)
{
	uint32_t n = 0;

	*at = find_idle(fs, b, cpu, goal, b->bits);
	if (*at == b->bits)
		*at = find_idle(fs, b, cpu, 0, goal);
	if (*at >= b->bits || busy(b, *at))
		return 0;
	while (n < want && *at + n < b->bits && !busy(b, *at + n))
		set_busy(b, *at + n++, true);
	return n;
}

void extfs_unreserve(struct extfs *fs, struct extfs_node *node)
{
	for (uint32_t i = 0; i < node->reserved; i++)
		set_busy(&fs->block_map, node->reserved_at + i, false);
	node->reserved = 0;
}

/* The disk is full: what others have set aside is better used. */
static void unreserve_all(struct extfs *fs)
{
	for (uint32_t i = 0; i < fs->s.inodes; i++) {
		if (fs->node[i])
			extfs_unreserve(fs, fs->node[i]);
	}
}

static uint32_t reserve(struct extfs *fs, struct cpu *cpu, struct extfs_node *node, uint32_t goal)
{
	struct extfs_bitmap *b = &fs->block_map;
	const bool anywhere = !goal;

	if (anywhere || goal >= b->bits)
		goal = b->cursor;
	node->window = node->window ? node->window * 2 : FIRST_WINDOW;
	if (node->window > LAST_WINDOW)
		node->window = LAST_WINDOW;
	node->reserved = set_aside(fs, b, cpu, goal, node->window, &node->reserved_at);
	if (anywhere && node->reserved) {
		b->cursor = node->reserved_at + node->reserved;
		if (b->cursor >= b->bits)
			b->cursor = fs->s.data_start;
	}
	return node->reserved;
}

int extfs_alloc_block(struct extfs *fs, struct cpu *cpu, struct extfs_node *node, uint32_t goal,
		      uint32_t *out)
{
	int rc = 0;

	vlock_acquire(&fs->map_lock, cpu);
	if (node->reserved && goal && node->reserved_at != goal)
		extfs_unreserve(fs, node);
	if (!node->reserved && !reserve(fs, cpu, node, goal)) {
		unreserve_all(fs);
		if (!reserve(fs, cpu, node, goal))
			rc = -ENOSPC;
	}
	if (!rc) {
		*out = node->reserved_at++;
		node->reserved--;
		store_bit(fs, &fs->block_map, cpu, *out, true);
	}
	vlock_release(&fs->map_lock, cpu);
	return rc;
}

/* A damaged disk may have two inodes own a block: it is given up once. */
static bool all_in_use(const struct extfs_bitmap *b, uint32_t start, uint32_t count)
{
	for (uint32_t i = start; i < start + count; i++) {
		if (!(b->page[i / EXTFS_BITS_A_BLOCK]->data[i % EXTFS_BITS_A_BLOCK / 8] >> i % 8 &
		      1))
			return false;
	}
	return true;
}

int extfs_free_blocks(struct extfs *fs, struct cpu *cpu, uint32_t start, uint32_t count, bool meta)
{
	int rc;

	if (!all_in_use(&fs->block_map, start, count)) {
		fs->error = -EUCLEAN;
		return -EUCLEAN;
	}
	rc = extfs_free_later(fs, start, count, meta);
	if (rc)
		return rc;
	vlock_acquire(&fs->map_lock, cpu);
	for (uint32_t i = 0; i < count; i++)
		store_bit(fs, &fs->block_map, cpu, start + i, false);
	vlock_release(&fs->map_lock, cpu);
	return 0;
}

void extfs_release(struct extfs *fs, struct extfs_freed *f)
{
	for (uint64_t i = 0; i < f->runs; i++) {
		for (uint32_t k = 0; k < f->run[i].count; k++)
			set_busy(&fs->block_map, f->run[i].start + k, false);
	}
	f->runs = f->blocks = 0;
}

int extfs_alloc_inode(struct extfs *fs, struct cpu *cpu, uint32_t *out)
{
	struct extfs_bitmap *b = &fs->inode_map;
	int rc = 0;

	vlock_acquire(&fs->map_lock, cpu);
	if (!set_aside(fs, b, cpu, b->cursor, 1, out))
		rc = -ENOSPC;
	if (!rc) {
		b->cursor = *out;
		store_bit(fs, b, cpu, *out, true);
	}
	vlock_release(&fs->map_lock, cpu);
	return rc;
}

bool extfs_inode_in_use(const struct extfs *fs, uint32_t number)
{
	return busy(&fs->inode_map, number);
}

void extfs_free_inode(struct extfs *fs, struct cpu *cpu, uint32_t number)
{
	struct extfs_bitmap *b = &fs->inode_map;

	vlock_acquire(&fs->map_lock, cpu);
	set_busy(b, number, false);
	if (number < b->cursor)
		b->cursor = number;
	store_bit(fs, b, cpu, number, false);
	vlock_release(&fs->map_lock, cpu);
}
