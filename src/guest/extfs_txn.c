/* SPDX-License-Identifier: MIT */
/*
 * extfs: the running transaction. Changes of metadata gather in it, each under a handle whose
 * credits say beforehand how many blocks it may touch, so that a transaction never outgrows the
 * journal; with it go the file data to be written first and the blocks that it gives up. After
 * ext3's handles (fs/jbd/transaction.c); what becomes of it is in extfs_journal.c.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/extfs_internal.h"

/* ---- metadata ---- */

int extfs_meta(struct extfs *fs, struct cpu *cpu, uint32_t block, bool fresh, struct page **out)
{
	struct page *page;
	int rc = page_get(&fs->meta, block, cpu, &page);

	if (rc)
		return rc;
	if (fresh) {
		memset(page->data, 0, PAGE_BYTES);
		cpu_touch(cpu, page->paddr, PAGE_BYTES, true);
		page->uptodate = true;
		extfs_journal(fs, page);
	} else if (!page->uptodate) {
		rc = page_fill(page, cpu);
	}
	page_unlock(page, cpu);
	if (rc)
		page_put(page, cpu);
	else
		*out = page;
	return rc;
}

void extfs_journal(struct extfs *fs, struct page *page)
{
	assert(fs->handles);
	if (extfs_in_set(fs->in_running, page->index))
		return;
	assert(fs->running_count < fs->capacity); /* or credits were too few */
	extfs_flip(fs->in_running, page->index);
	page_pin(page);
	fs->running[fs->running_count++] = page;
}

/* ---- handles ---- */

static bool full(const struct extfs *fs, unsigned credits)
{
	return fs->running_count + fs->credits + credits > fs->capacity;
}

int extfs_begin(struct extfs *fs, struct cpu *cpu, unsigned credits)
{
	if (credits > fs->capacity)
		return -EFBIG;
	cpu_sync(cpu);
	for (;;) {
		if (fs->error)
			return -EROFS;
		if (!fs->closing && !full(fs, credits))
			break;
		if (fs->closing || fs->handles) {
			if (!fs->closing && !fs->commit_lock.exclusive)
				waitq_wake(&fs->committer_wait, cpu);
			waitq_wait(&fs->gate, cpu);
		} else {
			const int rc = extfs_commit(fs, cpu, fs->tid, false);

			if (rc)
				return rc;
		}
	}
	fs->handles++;
	fs->credits += credits;
	return 0;
}

void extfs_end(struct extfs *fs, struct cpu *cpu, unsigned credits)
{
	assert(fs->handles && fs->credits >= credits);
	fs->handles--;
	fs->credits -= credits;
	if (fs->closing ? !fs->handles : fs->gate.first != NULL)
		waitq_wake(&fs->gate, cpu);
}

int extfs_order(struct extfs *fs, struct extfs_node *node)
{
	struct extfs_ordered *o = &fs->ordered;

	if (node->ordered)
		return 0;
	if (o->count == o->room) {
		const uint64_t room = o->room ? o->room * 2 : 64;
		struct extfs_node **larger = realloc(o->node, room * sizeof(struct extfs_node *));

		if (!larger)
			return -ENOMEM;
		o->node = larger;
		o->room = room;
	}
	node->ordered = true;
	node->refs++;
	o->node[o->count++] = node;
	return 0;
}

int extfs_free_later(struct extfs *fs, uint32_t start, uint32_t count, bool meta)
{
	struct extfs_freed *f = meta ? &fs->freed_meta : &fs->freed;

	if (f->runs == f->room) {
		const uint64_t room = f->room ? f->room * 2 : 64;
		struct extfs_run *larger = realloc(f->run, room * sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		f->run = larger;
		f->room = room;
	}
	f->run[f->runs++] = (struct extfs_run){start, count};
	f->blocks += count;
	return 0;
}
