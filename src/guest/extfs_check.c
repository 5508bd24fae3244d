/* SPDX-License-Identifier: MIT */
/*
 * The checker of extfs: reads the whole of an image's metadata and counts everything again. It
 * shares nothing with the code that runs the file system but the layout.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/extfs_disk.h"

struct checking {
	const struct extfs_disk *disk;
	struct extfs_super s;
	struct err *err;
	uint32_t *owner;           /* by block: inode, 0 = none */
	struct extfs_inode *inode; /* by number */
	uint32_t *named;           /* by inode: the directory that names it */
	uint8_t *block_map, *inode_map;
	struct extfs_census n;
};

#define WRONG(c, ...) err_set((c)->err, -EUCLEAN, __VA_ARGS__)

static bool bit(const uint8_t *map, uint64_t i)
{
	return map[i / 8] >> i % 8 & 1;
}

static int fetch(struct checking *c, uint64_t block, uint64_t count, void *to)
{
	const int rc = c->disk->read(c->disk->ctx, block, count, to);

	return rc ? err_set(c->err, rc, "block %llu: %s", (unsigned long long)block, strerror(-rc))
		  : 0;
}

/* ---- who owns which block ---- */

static int claim(struct checking *c, uint32_t inode, uint32_t block)
{
	if (block < c->s.data_start || block >= c->s.blocks)
		return WRONG(c, "inode %u: block %u lies outside the data area", inode, block);
	if (c->owner[block])
		return WRONG(c, "block %u belongs to inode %u and to inode %u", block,
			     c->owner[block], inode);
	if (!bit(c->block_map, block))
		return WRONG(c, "block %u of inode %u is free in the bitmap", block, inode);
	c->owner[block] = inode;
	return 0;
}

struct walk {
	uint32_t inode, blocks;
	uint64_t next; /* logical block no extent may lie below */
	bool holes;
	int (*each)(struct checking *c, uint32_t inode, uint32_t block, uint64_t logical);
};

static int walk_extent(struct checking *c, struct walk *w, const struct extfs_extent *e)
{
	if (!e->count)
		return WRONG(c, "inode %u: an empty extent", w->inode);
	if (e->logical < w->next)
		return WRONG(c, "inode %u: extents overlap or are out of order at %u", w->inode,
			     e->logical);
	w->holes |= e->logical > w->next;
	w->next = (uint64_t)e->logical + e->count;
	for (uint32_t i = 0; i < e->count; i++) {
		const int rc = w->each(c, w->inode, e->start + i, (uint64_t)e->logical + i);

		if (rc)
			return rc;
	}
	w->blocks += e->count;
	return 0;
}

static int walk_chain(struct checking *c, struct walk *w, uint32_t block, uint32_t left,
		      int (*each_chain)(struct checking *c, uint32_t inode, uint32_t block))
{
	struct extfs_extent_block b;
	int rc = 0;

	for (uint32_t length = 0; block; length++) {
		const uint32_t here = left < EXTFS_CHAINED ? left : EXTFS_CHAINED;

		if (length == EXTFS_CHAIN_MAX || !left)
			return WRONG(c, "inode %u: the chain of extent blocks is too long",
				     w->inode);
		rc = each_chain(c, w->inode, block);
		if (!rc)
			rc = fetch(c, block, 1, &b);
		if (rc)
			return rc;
		if (b.magic != EXTFS_EXTENT_MAGIC || b.owner != w->inode || b.count != here)
			return WRONG(c, "inode %u: block %u is not the extent block it should be",
				     w->inode, block);
		for (uint32_t i = 0; i < here && !rc; i++)
			rc = walk_extent(c, w, &b.extent[i]);
		if (rc)
			return rc;
		w->blocks++;
		left -= here;
		block = b.next;
	}
	return left ? WRONG(c, "inode %u: %u extents are missing", w->inode, left) : 0;
}

static int walk_inode(struct checking *c, struct walk *w,
		      int (*each_chain)(struct checking *c, uint32_t inode, uint32_t block))
{
	const struct extfs_inode *inode = &c->inode[w->inode];
	const uint32_t here = inode->extents < EXTFS_INLINE ? inode->extents : EXTFS_INLINE;
	int rc = 0;

	for (uint32_t i = 0; i < here && !rc; i++)
		rc = walk_extent(c, w, &inode->extent[i]);
	return rc ? rc : walk_chain(c, w, inode->chain, inode->extents - here, each_chain);
}

static int claim_data(struct checking *c, uint32_t inode, uint32_t block, uint64_t logical)
{
	(void)logical;
	return claim(c, inode, block);
}

static int claim_chain(struct checking *c, uint32_t inode, uint32_t block)
{
	c->n.extent_blocks++;
	return claim(c, inode, block);
}

static int check_inode(struct checking *c, uint32_t number)
{
	const struct extfs_inode *inode = &c->inode[number];
	struct walk w = {.inode = number, .each = claim_data};
	const uint64_t blocks = (inode->size + EXTFS_BLOCK - 1) / EXTFS_BLOCK;
	int rc;

	if (inode->type != EXTFS_FILE && inode->type != EXTFS_DIRECTORY)
		return WRONG(c, "inode %u is in use but of type %u", number, inode->type);
	rc = walk_inode(c, &w, claim_chain);
	if (rc)
		return rc;
	if (w.blocks != inode->blocks)
		return WRONG(c, "inode %u counts %u blocks and has %u", number, inode->blocks,
			     w.blocks);
	if (w.next > blocks)
		return WRONG(c, "inode %u has blocks beyond its size of %llu", number,
			     (unsigned long long)inode->size);
	if (inode->type == EXTFS_DIRECTORY &&
	    (w.holes || w.next != blocks || inode->size % EXTFS_BLOCK))
		return WRONG(c, "directory %u has holes or an odd size", number);
	c->n.extents += inode->extents;
	*(inode->type == EXTFS_FILE ? &c->n.files : &c->n.directories) += 1;
	c->n.file_bytes += inode->type == EXTFS_FILE ? inode->size : 0;
	return 0;
}

static int check_free_inode(struct checking *c, uint32_t number)
{
	struct extfs_inode blank = {.generation = c->inode[number].generation};

	return memcmp(&blank, &c->inode[number], sizeof(blank))
		       ? WRONG(c, "inode %u is free and not empty", number)
		       : 0;
}

/* ---- names ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct extfs_entry *)a)->name, ((const struct extfs_entry *)b)->name);
}

static int check_entry(struct checking *c, uint32_t dir, const struct extfs_entry *e)
{
	if (e->inode >= c->s.inodes || !bit(c->inode_map, e->inode))
		return WRONG(c, "directory %u: an entry names inode %u, which is free", dir,
			     e->inode);
	if (!e->length || e->length > EXTFS_NAME || strnlen(e->name, EXTFS_NAME + 1) != e->length ||
	    memchr(e->name, '/', e->length))
		return WRONG(c, "directory %u: an ill-formed name", dir);
	if (e->type != c->inode[e->inode].type)
		return WRONG(c, "directory %u: '%s' is of another type than inode %u", dir, e->name,
			     e->inode);
	if (c->named[e->inode] || e->inode == EXTFS_ROOT)
		return WRONG(c, "inode %u has two names", e->inode);
	c->named[e->inode] = dir;
	if (e->type == EXTFS_DIRECTORY && c->inode[e->inode].parent != dir)
		return WRONG(c, "directory %u does not know that it is in %u", e->inode, dir);
	return 0;
}

/* All entries of a directory, wherever its blocks are: they are those it owns but no chain. */
static int check_directory(struct checking *c, uint32_t number)
{
	const struct extfs_inode *inode = &c->inode[number];
	const uint64_t blocks = inode->size / EXTFS_BLOCK;
	struct extfs_entry *entry = calloc(blocks ? blocks : 1, EXTFS_BLOCK);
	struct extfs_extent_block chain = {.next = inode->chain};
	uint64_t at = 0, used = 0;
	int rc = entry ? 0 : err_set(c->err, -ENOMEM, "no memory");

	for (uint32_t i = 0; i < inode->extents && !rc; i++) {
		const uint32_t in_chain = (i - EXTFS_INLINE) % EXTFS_CHAINED;
		const struct extfs_extent *e = &inode->extent[i];

		if (i >= EXTFS_INLINE) {
			if (!in_chain)
				rc = fetch(c, chain.next, 1, &chain);
			e = &chain.extent[in_chain];
		}
		if (!rc)
			rc = fetch(c, e->start, e->count, entry + at * EXTFS_ENTRIES);
		at += e->count;
	}
	for (uint64_t i = 0; i < blocks * EXTFS_ENTRIES && !rc; i++) {
		if (!entry[i].inode)
			continue;
		rc = check_entry(c, number, &entry[i]);
		entry[used++] = entry[i];
	}
	if (!rc)
		qsort(entry, used, sizeof(*entry), compare_names);
	for (uint64_t i = 1; i < used && !rc; i++) {
		if (!strcmp(entry[i - 1].name, entry[i].name))
			rc = WRONG(c, "directory %u: '%s' twice", number, entry[i].name);
	}
	free(entry);
	return rc;
}

/* Everything has one name, and no directory is its own ancestor. */
static int check_tree(struct checking *c)
{
	for (uint32_t i = EXTFS_ROOT + 1; i < c->s.inodes; i++) {
		uint32_t at = i, steps = 0;

		if (!bit(c->inode_map, i))
			continue;
		if (!c->named[i])
			return WRONG(c, "inode %u has no name", i);
		while (at != EXTFS_ROOT && steps++ < c->s.inodes)
			at = c->named[at];
		if (at != EXTFS_ROOT)
			return WRONG(c, "inode %u does not hang on the root", i);
	}
	return 0;
}

/* ---- maps ---- */

static int check_block_map(struct checking *c)
{
	for (uint64_t i = 0; i < (uint64_t)c->s.block_map_blocks * EXTFS_BITS_A_BLOCK; i++) {
		const bool used = bit(c->block_map, i);

		if (i >= c->s.blocks ? used : i < c->s.data_start ? !used : used != !!c->owner[i])
			return WRONG(c, "block %llu is %s in the bitmap and %s",
				     (unsigned long long)i, used ? "in use" : "free",
				     i >= c->s.blocks      ? "beyond the end"
				     : i < c->s.data_start ? "before the data"
							   : "nobody's");
		c->n.free_blocks += !used && i < c->s.blocks;
	}
	return 0;
}

static int check_inode_map(struct checking *c)
{
	if (!bit(c->inode_map, 0) || !bit(c->inode_map, EXTFS_ROOT) ||
	    c->inode[EXTFS_ROOT].type != EXTFS_DIRECTORY ||
	    c->inode[EXTFS_ROOT].parent != EXTFS_ROOT)
		return WRONG(c, "there is no root");
	for (uint64_t i = c->s.inodes; i < (uint64_t)c->s.inode_map_blocks * EXTFS_BITS_A_BLOCK;
	     i++) {
		if (bit(c->inode_map, i))
			return WRONG(c, "inode %llu is in use and beyond the end",
				     (unsigned long long)i);
	}
	return 0;
}

static int check_all(struct checking *c)
{
	int rc = fetch(c, c->s.block_map_start, c->s.block_map_blocks, c->block_map);

	if (!rc)
		rc = fetch(c, c->s.inode_map_start, c->s.inode_map_blocks, c->inode_map);
	if (!rc)
		rc = fetch(c, c->s.inode_start, c->s.inode_blocks, c->inode);
	if (!rc)
		rc = check_inode_map(c);
	for (uint32_t i = 1; i < c->s.inodes && !rc; i++)
		rc = bit(c->inode_map, i) ? check_inode(c, i) : check_free_inode(c, i);
	if (!rc)
		rc = check_block_map(c);
	for (uint32_t i = 1; i < c->s.inodes && !rc; i++) {
		if (bit(c->inode_map, i) && c->inode[i].type == EXTFS_DIRECTORY)
			rc = check_directory(c, i);
	}
	return rc ? rc : check_tree(c);
}

int extfs_check(const struct extfs_disk *disk, struct extfs_census *out, struct err *err)
{
	struct checking c = {.disk = disk, .err = err};
	int rc = extfs_read_super(disk, &c.s, err);

	if (rc)
		return rc == -EINVAL ? -EUCLEAN : rc;
	c.owner = calloc(c.s.blocks, sizeof(*c.owner));
	c.inode = malloc((size_t)c.s.inode_blocks * EXTFS_BLOCK);
	c.named = calloc(c.s.inodes, sizeof(*c.named));
	c.block_map = malloc((size_t)c.s.block_map_blocks * EXTFS_BLOCK);
	c.inode_map = malloc((size_t)c.s.inode_map_blocks * EXTFS_BLOCK);
	if (c.owner && c.inode && c.named && c.block_map && c.inode_map)
		rc = check_all(&c);
	else
		rc = err_set(err, -ENOMEM, "no memory to check %u blocks", c.s.blocks);
	free(c.owner);
	free(c.inode);
	free(c.named);
	free(c.block_map);
	free(c.inode_map);
	if (!rc && out)
		*out = c.n;
	return rc;
}
