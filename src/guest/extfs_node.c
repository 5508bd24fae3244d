/* SPDX-License-Identifier: MIT */
/* extfs: inodes in memory: fetched, stored, made and removed. */
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
	rc = extfs_extents_room(n, extents);
	if (!rc) {
		n->extents = extents < EXTFS_INLINE ? extents : EXTFS_INLINE;
		memcpy(n->extent, on_disk->extent, n->extents * sizeof(*n->extent));
	}
	page_put(page, cpu);
	if (rc)
		return rc == -EFBIG ? -EUCLEAN : rc;
	if (n->type != EXTFS_FILE && n->type != EXTFS_DIRECTORY)
		return -EUCLEAN;
	rc = extfs_chain_load(n, cpu, chain, extents);
	n->changed = n->extents;
	return rc ? rc : extfs_extents_sensible(n) ? 0 : -EUCLEAN;
}

void extfs_node_free(struct extfs_node *n)
{
	*n->made_at = n->made;
	if (n->made)
		n->made->made_at = n->made_at;
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
	n->made = fs->made;
	n->made_at = &fs->made;
	if (n->made)
		n->made->made_at = &n->made;
	fs->made = n;
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
				extfs_node_free(n);
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
		extfs_node_free(n);
}

/* ---- to the disk ---- */

int extfs_node_store(struct extfs_node *n, struct cpu *cpu)
{
	struct extfs_inode *to;
	struct page *page;
	int rc = extfs_chain_fit(n, cpu, n->extents);

	if (!rc)
		rc = extfs_chain_store(n, cpu);
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

/* ---- birth and death ---- */

int extfs_node_new(struct extfs *fs, struct cpu *cpu, uint16_t type, uint32_t parent,
		   struct extfs_node **out)
{
	struct extfs_node *n = node_make(fs, 0);
	struct page *page;
	int rc;

	if (!n)
		return -ENOMEM;
	rc = extfs_extents_room(n, 1);
	if (!rc)
		rc = extfs_alloc_inode(fs, cpu, &n->number);
	if (rc) {
		extfs_node_free(n);
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
		extfs_node_free(n);
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
		rc = extfs_chain_fit(n, cpu, n->extents);
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
