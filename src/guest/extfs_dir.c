/* SPDX-License-Identifier: MIT */
/*
 * extfs: directories. On the disk a directory is a list of entries in no order; in memory, once
 * it has been used, its names are in a hash table, as the kernel's cache of names keeps them.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/extfs_internal.h"

/* One place for an entry; its number is block * EXTFS_ENTRIES + entry. */
struct place {
	uint32_t inode; /* 0: free */
	uint32_t next;  /* in its hash chain, or of the free ones; + 1, 0 = none */
	uint8_t type, length;
	char name[EXTFS_NAME + 1];
};

struct extfs_dir {
	struct place *place;
	uint32_t places, used;
	uint32_t free;    /* + 1 */
	uint32_t *bucket; /* + 1 */
	uint32_t buckets; /* a power of two */
};

static uint32_t hash(const char *name, size_t length)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < length; i++)
		h = (h ^ (uint8_t)name[i]) * 16777619u;
	return h ^ h >> 15;
}

static void enter(struct extfs_dir *d, uint32_t i)
{
	struct place *p = &d->place[i];
	uint32_t *bucket = &d->bucket[hash(p->name, p->length) & (d->buckets - 1)];

	p->next = *bucket;
	*bucket = i + 1;
}

/* Room for all places of the directory's blocks; a table that is as large. */
static int make_room(struct extfs_dir *d, uint32_t places)
{
	struct place *larger = realloc(d->place, places * sizeof(*larger));
	uint32_t buckets = d->buckets ? d->buckets : EXTFS_ENTRIES, *table;

	if (!larger)
		return -ENOMEM;
	d->place = larger;
	while (buckets < places)
		buckets *= 2;
	if (buckets != d->buckets) {
		table = calloc(buckets, sizeof(*table));
		if (!table)
			return -ENOMEM;
		free(d->bucket);
		d->bucket = table;
		d->buckets = buckets;
		for (uint32_t i = 0; i < d->places; i++) {
			if (d->place[i].inode)
				enter(d, i);
		}
	}
	return 0;
}

static void add_free(struct extfs_dir *d, uint32_t i)
{
	d->place[i] = (struct place){.next = d->free};
	d->free = i + 1;
}

/* Find the place called @name, and what links to it. */
static uint32_t *find(struct extfs_dir *d, const char *name, size_t length)
{
	uint32_t *at = d->buckets ? &d->bucket[hash(name, length) & (d->buckets - 1)] : NULL;

	while (at && *at) {
		struct place *p = &d->place[*at - 1];

		if (p->length == length && !memcmp(p->name, name, length))
			return at;
		at = &p->next;
	}
	return NULL;
}

/* ---- from the disk ---- */

static int block_page(struct extfs_node *n, struct cpu *cpu, uint64_t block, struct page **out)
{
	uint64_t run;
	const uint32_t at = extfs_node_block(n, block, &run);

	return at ? extfs_meta(n->fs, cpu, at, false, out) : -EUCLEAN;
}

static int load_block(struct extfs_node *n, struct extfs_dir *d, struct cpu *cpu, uint64_t block)
{
	const struct extfs_entry *e;
	struct page *page;
	int rc = block_page(n, cpu, block, &page);

	if (rc)
		return rc;
	e = (const struct extfs_entry *)(const void *)page->data;
	cpu_touch(cpu, page->paddr, EXTFS_BLOCK, false);
	for (uint32_t k = EXTFS_ENTRIES; k-- > 0 && !rc;) {
		const uint32_t i = (uint32_t)block * EXTFS_ENTRIES + k;
		struct place *p = &d->place[i];

		if (!e[k].inode) {
			add_free(d, i);
			continue;
		}
		if (!e[k].length || e[k].length > EXTFS_NAME || e[k].inode >= n->fs->s.inodes)
			rc = -EUCLEAN;
		*p = (struct place){.inode = e[k].inode, .type = e[k].type, .length = e[k].length};
		memcpy(p->name, e[k].name, sizeof(p->name));
		if (!rc) {
			enter(d, i);
			d->used++;
		}
	}
	page_put(page, cpu);
	return rc;
}

static void names_free(struct extfs_dir *d)
{
	if (!d)
		return;
	free(d->place);
	free(d->bucket);
	free(d);
}

void extfs_dir_free(struct extfs_node *n)
{
	names_free(n->dir);
	names_free(n->unread);
	n->dir = n->unread = NULL;
}

int extfs_dir_load(struct extfs_node *n, struct cpu *cpu)
{
	const uint64_t blocks = n->size / EXTFS_BLOCK;
	struct extfs_dir *d;
	int rc;

	if (n->dir)
		return 0;
	if (n->size % EXTFS_BLOCK || blocks > n->blocks || blocks > n->fs->s.blocks)
		return -EUCLEAN;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	n->unread = d;
	rc = make_room(d, blocks ? (uint32_t)blocks * EXTFS_ENTRIES : EXTFS_ENTRIES);
	for (uint64_t i = blocks; i-- > 0 && !rc;)
		rc = load_block(n, d, cpu, i);
	d->places = (uint32_t)blocks * EXTFS_ENTRIES;
	n->dir = d;
	n->unread = NULL;
	if (rc)
		extfs_dir_free(n);
	return rc;
}

/* ---- names ---- */

static void pay(struct extfs_node *n, struct cpu *cpu)
{
	cpu_charge(cpu, machine_cost(n->fs->machine)->fs_name);
}

int extfs_dir_find(struct extfs_node *n, struct cpu *cpu, const char *name, size_t length,
		   uint32_t *inode, uint8_t *type)
{
	uint32_t *at;

	pay(n, cpu);
	if (length > EXTFS_NAME)
		return -ENAMETOOLONG;
	at = find(n->dir, name, length);
	if (!at)
		return -ENOENT;
	*inode = n->dir->place[*at - 1].inode;
	*type = n->dir->place[*at - 1].type;
	return 0;
}

/* Another block of free entries. */
static int lengthen(struct extfs_node *n, struct cpu *cpu)
{
	struct extfs_dir *d = n->dir;
	const uint32_t block = (uint32_t)(n->size / EXTFS_BLOCK);
	struct page *page;
	uint32_t at;
	int rc = make_room(d, (block + 1) * EXTFS_ENTRIES);

	if (!rc)
		rc = extfs_node_grow(n, cpu, block, &at);
	if (rc)
		return rc;
	n->size += EXTFS_BLOCK; /* owned by now, come what may */
	rc = extfs_meta(n->fs, cpu, at, true, &page);
	if (!rc)
		page_put(page, cpu);
	if (!rc)
		rc = extfs_node_store(n, cpu);
	if (rc) { /* what the disk would show is not what it should */
		n->fs->error = rc;
		return rc;
	}
	for (uint32_t k = EXTFS_ENTRIES; k-- > 0;)
		add_free(d, block * EXTFS_ENTRIES + k);
	d->places += EXTFS_ENTRIES;
	return 0;
}

/* Write place @i as it is now to the disk's block. */
static int store(struct extfs_node *n, struct cpu *cpu, uint32_t i, const struct extfs_entry *e)
{
	struct page *page;
	const int rc = block_page(n, cpu, i / EXTFS_ENTRIES, &page);

	if (rc)
		return rc;
	extfs_journal(n->fs, page);
	memcpy(page->data + i % EXTFS_ENTRIES * sizeof(*e), e, sizeof(*e));
	cpu_touch(cpu, page->paddr + i % EXTFS_ENTRIES * sizeof(*e), sizeof(*e), true);
	page_put(page, cpu);
	n->tid = n->fs->tid;
	return 0;
}

int extfs_dir_add(struct extfs_node *n, struct cpu *cpu, const char *name, size_t length,
		  uint32_t inode, uint8_t type)
{
	struct extfs_entry e = {.inode = inode, .type = type, .length = (uint8_t)length};
	struct extfs_dir *d = n->dir;
	uint32_t i;
	int rc = 0;

	pay(n, cpu);
	assert(length && length <= EXTFS_NAME);
	if (!d->free)
		rc = lengthen(n, cpu);
	if (rc)
		return rc;
	memcpy(e.name, name, length);
	i = d->free - 1;
	rc = store(n, cpu, i, &e);
	if (rc)
		return rc;
	d->free = d->place[i].next;
	d->place[i] = (struct place){.inode = inode, .type = type, .length = (uint8_t)length};
	memcpy(d->place[i].name, name, length);
	enter(d, i);
	d->used++;
	return 0;
}

int extfs_dir_remove(struct extfs_node *n, struct cpu *cpu, const char *name, size_t length)
{
	const struct extfs_entry none = {.inode = 0};
	struct extfs_dir *d = n->dir;
	uint32_t *at = find(d, name, length), i;
	int rc;

	pay(n, cpu);
	assert(at);
	i = *at - 1;
	rc = store(n, cpu, i, &none);
	if (rc)
		return rc;
	*at = d->place[i].next;
	add_free(d, i);
	d->used--;
	return 0;
}

bool extfs_dir_empty(const struct extfs_node *n)
{
	return !n->dir->used;
}
