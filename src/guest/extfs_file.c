/* SPDX-License-Identifier: MIT */
/* extfs: a file's bytes: reading, writing, cutting, making sure. */
#include <errno.h>
#include <string.h>

#include "guest/extfs_internal.h"

#define CHUNK_PAGES 32u /* written within one transaction */

static uint64_t pages_of(uint64_t bytes)
{
	return (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
}

static bool user_good(const struct extfs *fs, phys_t paddr, size_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += PAGE_BYTES) {
		if (!memory_ptr(fs->machine->mem, paddr + at, 1))
			return false;
	}
	return !bytes || memory_ptr(fs->machine->mem, paddr + bytes - 1, 1);
}

/* Between a page of the cache and a program's memory, whose pages may lie anywhere. */
static void copy(struct extfs *fs, struct cpu *cpu, uint8_t *data, phys_t page, phys_t user,
		 uint32_t bytes, bool to_user)
{
	while (bytes) {
		const uint32_t left = PAGE_BYTES - (uint32_t)(user % PAGE_BYTES);
		const uint32_t n = bytes < left ? bytes : left;
		uint8_t *there = memory_ptr(fs->machine->mem, user, n);

		memcpy(to_user ? there : data, to_user ? data : there, n);
		cpu_copy(cpu, to_user ? user : page, to_user ? page : user, n);
		data += n;
		page += n;
		user += n;
		bytes -= n;
	}
}

/* ---- reading ---- */

static ssize_t read_cached(struct extfs_file *f, struct cpu *cpu, uint64_t offset, phys_t user,
			   size_t bytes)
{
	struct extfs_node *n = f->node;
	size_t done = 0;

	while (done < bytes && offset < n->size) {
		const uint32_t in_page = (uint32_t)(offset % PAGE_BYTES);
		uint64_t part = PAGE_BYTES - in_page;
		struct page *page;
		int rc;

		part = part < bytes - done ? part : bytes - done;
		part = part < n->size - offset ? part : n->size - offset;
		rc = pagecache_read(&n->mapping, offset / PAGE_BYTES,
				    pages_of(in_page + bytes - done), pages_of(n->size), &f->ra,
				    cpu, &page);
		if (rc)
			return done ? (ssize_t)done : rc;
		copy(n->fs, cpu, page->data + in_page, page->paddr + in_page, user + done,
		     (uint32_t)part, true);
		page_put(page, cpu);
		offset += part;
		done += part;
	}
	return (ssize_t)done;
}

static ssize_t read_direct(struct extfs_file *f, struct cpu *cpu, uint64_t offset, phys_t user,
			   size_t bytes)
{
	struct extfs_node *n = f->node;
	uint64_t part = offset < n->size ? n->size - offset : 0, whole;
	int rc;

	part = part < bytes ? part : bytes;
	if (!part)
		return 0;
	/* The last sector is transferred whole: there is room for it, as bytes is in sectors. */
	whole = (part + BLOCK_SECTOR_BYTES - 1) / BLOCK_SECTOR_BYTES * BLOCK_SECTOR_BYTES;
	rc = mapping_write_and_drop(&n->mapping, offset / PAGE_BYTES,
				    pages_of(offset % PAGE_BYTES + part), false, cpu);
	if (!rc)
		rc = extfs_direct_io(n, cpu, BIO_READ, offset, user, whole);
	n->fs->stats.direct_reads++;
	return rc ? rc : (ssize_t)part;
}

static bool in_sectors(uint64_t offset, phys_t user, size_t bytes)
{
	return !((offset | user | bytes) % BLOCK_SECTOR_BYTES);
}

ssize_t extfs_read(struct extfs_file *f, struct cpu *cpu, uint64_t offset, phys_t user,
		   size_t bytes)
{
	struct extfs *fs = f->node->fs;
	const enum charge before = extfs_enter(fs, cpu);
	ssize_t n = -EFAULT;

	if ((f->flags & EXTFS_DIRECT) && !in_sectors(offset, user, bytes)) {
		n = -EINVAL;
	} else if (user_good(fs, user, bytes)) {
		extfs_lock_shared(fs, &f->node->map, cpu);
		n = f->flags & EXTFS_DIRECT ? read_direct(f, cpu, offset, user, bytes)
					    : read_cached(f, cpu, offset, user, bytes);
		extfs_unlock_shared(fs, &f->node->map, cpu);
	}
	extfs_leave(cpu, before);
	return n;
}

/* ---- writing ---- */

/* One page's part. With a handle. Nothing is left half done: it is written, or as it was. */
static int write_page(struct extfs_node *n, struct cpu *cpu, uint64_t offset, phys_t user,
		      uint32_t bytes)
{
	const uint64_t index = offset / PAGE_BYTES;
	const uint32_t in_page = (uint32_t)(offset % PAGE_BYTES);
	uint64_t run;
	struct page *page;
	uint32_t block;
	int rc = page_get(&n->mapping, index, cpu, &page);

	if (rc)
		return rc;
	block = extfs_node_block(n, index, &run);
	if (block && !page->uptodate && bytes < PAGE_BYTES)
		rc = page_fill(page, cpu);
	if (!block) {
		rc = extfs_order(n->fs, n);
		if (!rc)
			rc = extfs_node_grow(n, cpu, (uint32_t)index, &block);
		if (!rc && !page->uptodate && bytes < PAGE_BYTES) {
			memset(page->data, 0, PAGE_BYTES);
			cpu_touch(cpu, page->paddr, PAGE_BYTES, true);
		}
	}
	if (!rc) {
		copy(n->fs, cpu, page->data + in_page, page->paddr + in_page, user, bytes, false);
		page_dirty(page, cpu);
		if (offset + bytes > n->size)
			n->size = offset + bytes;
	}
	page_unlock(page, cpu);
	page_put(page, cpu);
	return rc;
}

/* Within one transaction, up to CHUNK_PAGES. *@done grows. */
static int write_chunk(struct extfs_node *n, struct cpu *cpu, uint64_t offset, phys_t user,
		       size_t bytes, size_t *done)
{
	const unsigned credits = extfs_write_credits(n);
	const uint64_t size = n->size;
	const uint32_t blocks = n->blocks;
	size_t here = 0;
	int rc = extfs_begin(n->fs, cpu, credits);

	if (rc)
		return rc;
	for (unsigned i = 0; i < CHUNK_PAGES && here < bytes && !rc; i++) {
		uint64_t part = PAGE_BYTES - (offset + here) % PAGE_BYTES;

		part = part < bytes - here ? part : bytes - here;
		rc = write_page(n, cpu, offset + here, user + here, (uint32_t)part);
		if (!rc)
			here += part;
	}
	if (n->size != size || n->blocks != blocks) {
		const int failed = extfs_node_store(n, cpu);

		if (failed) /* the bitmap knows blocks that the inode does not */
			n->fs->error = failed;
		rc = rc ? rc : failed;
	}
	extfs_end(n->fs, cpu, credits);
	*done += here;
	return rc;
}

/* Blocks given up are free once a commit is over: when nothing else is left, make one. */
static bool worth_a_commit(struct extfs *fs, struct cpu *cpu, int rc)
{
	return rc == -ENOSPC &&
	       (fs->freed.blocks || fs->freed_meta.blocks || fs->commit_lock.exclusive) &&
	       !extfs_commit(fs, cpu, fs->tid, fs->freed_meta.blocks > 0);
}

static ssize_t write_cached(struct extfs_node *n, struct cpu *cpu, uint64_t offset, phys_t user,
			    size_t bytes)
{
	size_t done = 0, before = SIZE_MAX;
	int rc = 0;

	if (offset + bytes < offset || pages_of(offset + bytes) > UINT32_MAX)
		return -EFBIG;
	while (done < bytes) {
		rc = write_chunk(n, cpu, offset + done, user + done, bytes - done, &done);
		if (before != done && worth_a_commit(n->fs, cpu, rc)) {
			before = done;
			continue;
		}
		if (!rc)
			rc = pagecache_balance(&n->mapping, cpu);
		if (rc)
			break;
	}
	return done ? (ssize_t)done : rc;
}

/* Are there blocks for all of it already? */
static bool has_blocks(const struct extfs_node *n, uint64_t offset, size_t bytes)
{
	const uint64_t end = pages_of(offset + bytes);
	uint64_t run;

	if (offset + bytes > n->size)
		return false;
	for (uint64_t i = offset / PAGE_BYTES; i < end; i += run) {
		if (!extfs_node_block(n, i, &run))
			return false;
	}
	return true;
}

static ssize_t write_direct(struct extfs_node *n, struct cpu *cpu, uint64_t offset, phys_t user,
			    size_t bytes)
{
	const uint64_t first = offset / PAGE_BYTES, count = pages_of(offset % PAGE_BYTES + bytes);
	ssize_t done = (ssize_t)bytes;
	int rc;

	if (!bytes)
		return 0;
	n->fs->stats.direct_writes++;
	if (!has_blocks(n, offset, bytes)) {
		n->fs->stats.fallbacks++;
		done = write_cached(n, cpu, offset, user, bytes);
		if (done <= 0)
			return done;
		rc = mapping_write_and_drop(&n->mapping, first, count, true, cpu);
		return rc ? rc : done;
	}
	rc = mapping_write_and_drop(&n->mapping, first, count, true, cpu);
	if (!rc)
		rc = extfs_direct_io(n, cpu, BIO_WRITE, offset, user, bytes);
	return rc ? rc : done;
}

ssize_t extfs_write(struct extfs_file *f, struct cpu *cpu, uint64_t offset, phys_t user,
		    size_t bytes)
{
	struct extfs_node *n = f->node;
	struct extfs *fs = n->fs;
	const enum charge before = extfs_enter(fs, cpu);
	const bool direct = f->flags & EXTFS_DIRECT;
	ssize_t done = -EFAULT;

	if (!user_good(fs, user, bytes))
		goto out;
	extfs_lock_alone(fs, &n->lock, cpu);
	/* Past the cache nobody may bring pages in meanwhile. */
	if (direct)
		extfs_lock_alone(fs, &n->map, cpu);
	else
		extfs_lock_shared(fs, &n->map, cpu);
	if (f->flags & EXTFS_APPEND)
		offset = n->size;
	if (direct)
		done = in_sectors(offset, user, bytes) ? write_direct(n, cpu, offset, user, bytes)
						       : -EINVAL;
	else
		done = write_cached(n, cpu, offset, user, bytes);
	if (direct)
		extfs_unlock_alone(fs, &n->map, cpu);
	else
		extfs_unlock_shared(fs, &n->map, cpu);
	extfs_unlock_alone(fs, &n->lock, cpu);
out:
	extfs_leave(cpu, before);
	return done;
}

/* ---- cutting ---- */

/* What lies behind the new end in its page must read as zeros if the file grows again. */
static int clear_tail(struct extfs_node *n, struct cpu *cpu, uint64_t size)
{
	const uint32_t in_page = (uint32_t)(size % PAGE_BYTES);
	struct page *page;
	uint64_t run;
	int rc;

	if (!in_page || !extfs_node_block(n, size / PAGE_BYTES, &run))
		return 0;
	rc = page_get(&n->mapping, size / PAGE_BYTES, cpu, &page);
	if (rc)
		return rc;
	if (!page->uptodate)
		rc = page_fill(page, cpu);
	if (!rc) {
		memset(page->data + in_page, 0, PAGE_BYTES - in_page);
		cpu_touch(cpu, page->paddr + in_page, PAGE_BYTES - in_page, true);
		page_dirty(page, cpu);
	}
	page_unlock(page, cpu);
	page_put(page, cpu);
	return rc;
}

static int cut(struct extfs_node *n, struct cpu *cpu, uint64_t size)
{
	const unsigned credits = extfs_cut_credits(n);
	const uint64_t old = n->size;
	int rc = 0;

	if (size < old)
		rc = clear_tail(n, cpu, size);
	if (rc)
		return rc;
	if (size < old)
		mapping_drop(&n->mapping, pages_of(size), cpu);
	rc = extfs_begin(n->fs, cpu, credits);
	if (rc)
		return rc;
	/* The zeros of the tail must be there when the size is. */
	if (size < old)
		rc = extfs_order(n->fs, n);
	if (!rc && size < old)
		rc = extfs_node_cut(n, cpu, (uint32_t)pages_of(size));
	if (!rc) {
		n->size = size;
		rc = extfs_node_store(n, cpu);
		if (rc)
			n->fs->error = rc;
	}
	extfs_end(n->fs, cpu, credits);
	return rc;
}

int extfs_truncate(struct extfs_file *f, struct cpu *cpu, uint64_t size)
{
	struct extfs_node *n = f->node;
	struct extfs *fs = n->fs;
	const enum charge before = extfs_enter(fs, cpu);
	int rc = -EFBIG;

	if (pages_of(size) <= UINT32_MAX && size <= INT64_MAX) {
		extfs_lock_alone(fs, &n->lock, cpu);
		extfs_lock_alone(fs, &n->map, cpu);
		rc = size == n->size ? 0 : cut(n, cpu, size);
		extfs_unlock_alone(fs, &n->map, cpu);
		extfs_unlock_alone(fs, &n->lock, cpu);
	}
	extfs_leave(cpu, before);
	return rc;
}

/* ---- making sure ---- */

int extfs_fsync(struct extfs_file *f, struct cpu *cpu)
{
	struct extfs_node *n = f->node;
	struct extfs *fs = n->fs;
	const enum charge before = extfs_enter(fs, cpu);
	int rc = pagecache_write_back(&n->mapping, cpu);

	fs->stats.fsyncs++;
	if (!rc && n->tid > fs->committed)
		rc = extfs_commit(fs, cpu, n->tid, false);
	else if (!rc)
		rc = blockdev_wait(fs->dev, cpu, BIO_FLUSH, 0, 0, 0);
	extfs_leave(cpu, before);
	return rc;
}
