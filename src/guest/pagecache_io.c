/* SPDX-License-Identifier: MIT */
/* The page cache's reads and writes: neighbours on the device travel in one bio. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/pagecache_internal.h"

/* ---- bios ---- */

static struct page_io *io_get(struct pagecache *pc, struct cpu *cpu)
{
	struct page_io *io;

	while (!pc->io_free) {
		blockdev_unplug(pc->dev, cpu);
		if (!pc->io_free)
			waitq_wait(&pc->io_wait, cpu);
	}
	io = pc->io_free;
	pc->io_free = io->next;
	io->pages = 0;
	return io;
}

static void io_put(struct page_io *io, struct cpu *cpu)
{
	struct pagecache *pc = io->pc;

	io->next = pc->io_free;
	pc->io_free = io;
	waitq_wake(&pc->io_wait, cpu);
}

static void page_over(struct page *p, struct cpu *cpu)
{
	waitq_wake(&p->wait, cpu);
	page_put(p, cpu);
}

static void read_done(struct bio *bio, struct cpu *cpu, int status)
{
	struct page_io *io = bio->ctx;
	struct pagecache *pc = io->pc;

	pc->in_flight--;
	pc->stats.errors += status != 0;
	for (unsigned i = 0; i < io->pages; i++) {
		struct page *p = io->page[i];

		p->uptodate = !status;
		p->error = status;
		p->locked = false;
		page_over(p, cpu);
	}
	io_put(io, cpu);
}

static void write_done(struct bio *bio, struct cpu *cpu, int status)
{
	struct page_io *io = bio->ctx;
	struct pagecache *pc = io->pc;

	pc->in_flight--;
	pc->stats.errors += status != 0;
	for (unsigned i = 0; i < io->pages; i++) {
		struct page *p = io->page[i];
		struct mapping *m = p->mapping;

		p->writeback = false;
		pc->writeback--;
		m->writeback--;
		if (status) { /* nothing is lost: it stays, to be written again */
			m->error = m->error ? m->error : status;
			page_dirty(p, cpu);
		}
		page_over(p, cpu);
		if (!m->writeback)
			waitq_wake(&m->wait, cpu);
	}
	/* Writers at the limit, and takers of pages. */
	waitq_wake(&pc->freed, cpu);
	io_put(io, cpu);
}

static void io_add(struct page_io *io, struct page *p)
{
	struct bio_vec *last = io->bio.nvec ? &io->vec[io->bio.nvec - 1] : NULL;

	io->page[io->pages++] = p;
	if (last && last->paddr + last->bytes == p->paddr)
		last->bytes += PAGE_BYTES;
	else
		io->vec[io->bio.nvec++] = (struct bio_vec){p->paddr, PAGE_BYTES};
}

static struct page_io *io_begin(struct pagecache *pc, enum bio_op op, uint64_t block,
				struct cpu *cpu)
{
	struct page_io *io = io_get(pc, cpu);

	io->bio = (struct bio){.op = op,
			       .sector = block * BLOCK_SECTORS,
			       .vec = io->vec,
			       .done = op == BIO_READ ? read_done : write_done,
			       .ctx = io};
	return io;
}

static void io_submit(struct pagecache *pc, struct page_io **io, struct cpu *cpu)
{
	if (!*io)
		return;
	pc->in_flight++;
	if ((*io)->bio.op == BIO_READ) {
		pc->stats.reads++;
		pc->stats.read_pages += (*io)->pages;
	} else {
		pc->stats.writes++;
		pc->stats.written_pages += (*io)->pages;
	}
	blockdev_submit(pc->dev, cpu, &(*io)->bio);
	*io = NULL;
}

static unsigned io_room(const struct pagecache *pc)
{
	const unsigned pages = pc->dev->max_bytes / PAGE_BYTES;
	unsigned room = pages && pages < PAGE_IO_PAGES ? pages : PAGE_IO_PAGES;

	if (pc->dev->max_segments && pc->dev->max_segments < room)
		room = pc->dev->max_segments;
	return room;
}

/* Put @p, whose block is @block, into the bio under way, or end that and begin another. */
static void gather(struct pagecache *pc, struct page_io **io, enum bio_op op, struct page *p,
		   uint64_t block, struct cpu *cpu)
{
	if (*io &&
	    ((*io)->pages == io_room(pc) ||
	     (*io)->bio.sector + (uint64_t)(*io)->pages * BLOCK_SECTORS != block * BLOCK_SECTORS))
		io_submit(pc, io, cpu);
	if (!*io)
		*io = io_begin(pc, op, block, cpu);
	io_add(*io, p);
}

/* ---- reading ---- */

static void fill_with_zeros(struct page *p, struct cpu *cpu)
{
	memset(p->data, 0, PAGE_BYTES);
	cpu_touch(cpu, p->paddr, PAGE_BYTES, true);
	p->uptodate = true;
	p->error = 0;
}

int pagecache_start_reads(struct mapping *m, uint64_t first, uint64_t count, uint64_t need,
			  uint64_t mark, struct cpu *cpu)
{
	struct pagecache *pc = m->cache;
	struct page_io *io = NULL;
	int rc = 0;

	for (uint64_t i = first; i < first + count; i++) {
		uint64_t run, block;
		struct page *p;

		if (page_find(m, i))
			continue;
		p = page_add(m, i, cpu, i < first + need, &rc);
		if (rc)
			break;
		if (!p)
			continue;
		p->mark = i == mark;
		block = m->ops->block(m, i, &run);
		if (!block) {
			fill_with_zeros(p, cpu);
			page_unlock(p, cpu);
			page_put(p, cpu);
			continue;
		}
		if (i >= first + need)
			pc->stats.ahead_pages++;
		gather(pc, &io, BIO_READ, p, block, cpu);
	}
	io_submit(pc, &io, cpu);
	return rc == -EAGAIN ? 0 : rc;
}

int page_fill(struct page *p, struct cpu *cpu)
{
	struct pagecache *pc = p->mapping->cache;
	struct page_io *io = NULL;
	uint64_t run, block;

	assert(p->locked && !p->uptodate);
	block = p->mapping->ops->block(p->mapping, p->index, &run);
	if (!block) {
		fill_with_zeros(p, cpu);
		return 0;
	}
	page_pin(p); /* the one read_done() gives back */
	gather(pc, &io, BIO_READ, p, block, cpu);
	io->bio.sync = true;
	io_submit(pc, &io, cpu);
	page_lock(p, cpu);
	return p->uptodate ? 0 : p->error ? p->error : -EIO;
}

/* Linux's windows: four times the request at first, then doubled up to the largest. */
static uint64_t first_window(uint64_t want, uint64_t max)
{
	uint64_t size = 1;

	while (size < want)
		size *= 2;
	if (size <= max / 32)
		return size * 4;
	return size <= max / 4 ? size * 2 : max;
}

static uint64_t next_window(uint64_t size, uint64_t max)
{
	const uint64_t larger = size < max / 16 ? size * 4 : size * 2;

	return larger < max ? larger : max;
}

static int read_window(struct mapping *m, const struct readahead *ra, uint64_t need, uint64_t end,
		       struct cpu *cpu)
{
	uint64_t count = ra->size;

	if (ra->start >= end)
		return 0;
	if (count > end - ra->start)
		count = end - ra->start;
	return pagecache_start_reads(m, ra->start, count, need < count ? need : count,
				     ra->async ? ra->start + ra->size - ra->async : UINT64_MAX,
				     cpu);
}

/* Nothing is there: how much to read? A stream gets a window, anything else what was asked for. */
static int miss(struct mapping *m, uint64_t index, uint64_t want, uint64_t end,
		struct readahead *ra, struct cpu *cpu)
{
	const uint64_t max = m->cache->config.readahead_pages;

	if (want > end - index)
		want = end - index;
	if (want > PAGE_IO_PAGES)
		want = PAGE_IO_PAGES;
	if (!want)
		want = 1;
	if (!ra || !max || (index && index != ra->next))
		return pagecache_start_reads(m, index, want, want, UINT64_MAX, cpu);
	if (index == ra->start + ra->size && ra->size) {
		ra->start = index; /* it caught up with what was read ahead */
		ra->size = next_window(ra->size, max);
		ra->async = ra->size;
	} else {
		ra->start = index;
		ra->size = first_window(want, max);
		ra->async = ra->size > want ? ra->size - want : ra->size;
	}
	if (ra->async == ra->size && ra->size > 1) /* the first page is needed at once */
		ra->async = ra->size - 1;
	return read_window(m, ra, want, end, cpu);
}

static int marked(struct mapping *m, struct page *p, uint64_t end, struct readahead *ra,
		  struct cpu *cpu)
{
	p->mark = false;
	if (!ra || !ra->size)
		return 0;
	ra->start += ra->size;
	ra->size = next_window(ra->size, m->cache->config.readahead_pages);
	ra->async = ra->size;
	return read_window(m, ra, 0, end, cpu);
}

int pagecache_read(struct mapping *m, uint64_t index, uint64_t want, uint64_t end,
		   struct readahead *ra, struct cpu *cpu, struct page **out)
{
	struct pagecache *pc = m->cache;
	struct page *p = page_find(m, index);
	int rc = 0;

	cpu_sync(cpu);
	*(p ? &pc->stats.hits : &pc->stats.misses) += 1;
	while (!(p = page_find(m, index))) {
		rc = miss(m, index, want, end, ra, cpu);
		if (rc)
			return rc;
	}
	page_charge(pc, cpu, 1);
	page_pin(p);
	page_used(p);
	if (p->mark)
		rc = marked(m, p, end, ra, cpu);
	if (!rc && !p->uptodate) {
		page_lock(p, cpu);
		if (!p->uptodate)
			rc = p->error ? p->error : page_fill(p, cpu);
		p->error = 0; /* told; who asks again tries again */
		page_unlock(p, cpu);
	}
	if (ra)
		ra->next = index + 1;
	if (rc) {
		page_put(p, cpu);
		return rc;
	}
	*out = p;
	return 0;
}

/* ---- writing ---- */

static int by_index(const void *a, const void *b)
{
	const struct page *const *pa = a, *const *pb = b;

	return ((*pa)->index > (*pb)->index) - ((*pa)->index < (*pb)->index);
}

#define BATCH 256u

uint64_t pagecache_start_writes(struct mapping *m, uint64_t seq, uint64_t max, struct cpu *cpu)
{
	struct pagecache *pc = m->cache;
	struct page *batch[BATCH];
	struct page_io *io = NULL;
	uint64_t n = 0;

	for (struct page *p = m->dirty_first; p && n < BATCH && n < max; p = p->dirty_after) {
		if (p->writeback || p->dirty_seq > seq)
			continue;
		batch[n++] = p;
	}
	/* From here on until each page is under way nothing may find it both clean and unwritten.
	 */
	for (uint64_t i = 0; i < n; i++) {
		page_forget_dirty(batch[i]);
		batch[i]->writeback = true;
		page_pin(batch[i]);
	}
	pc->writeback += n;
	m->writeback += n;
	qsort(batch, n, sizeof(batch[0]), by_index);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t run, block = m->ops->block(m, batch[i]->index, &run);

		assert(block);
		page_charge(pc, cpu, 1);
		gather(pc, &io, BIO_WRITE, batch[i], block, cpu);
		blockdev_throttle(pc->dev, cpu);
	}
	io_submit(pc, &io, cpu);
	return n;
}
