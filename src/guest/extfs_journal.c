/* SPDX-License-Identifier: MIT */
/*
 * extfs: the journal. A commit closes the running transaction (extfs_txn.c) for as long as it takes
 * to copy its blocks, waits for the file data they refer to, writes the copies into the journal one
 * behind the other, and then, alone, the block that makes them count. When the journal is nearly
 * full the commit keeps changes out until all blocks have been written home as well. After ext3's
 * ordered mode (fs/jbd), with a sum over the copies beside.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/extfs_internal.h"

#define COMMIT_EVERY (5 * SIM_S) /* as ext3 */

/* ---- a commit ---- */

/* A closed transaction, besides what it is to write and to free (struct extfs). */
struct closed {
	uint64_t tid;
	unsigned count;
	bool kept_shut; /* no changes until the journal is empty */
};

static uint8_t *staged(struct extfs *fs, unsigned i)
{
	return memory_ptr(fs->machine->mem, fs->staging + (uint64_t)i * EXTFS_BLOCK, EXTFS_BLOCK);
}

static void shut(struct extfs *fs, struct cpu *cpu)
{
	fs->closing = true;
	while (fs->handles)
		waitq_wait(&fs->gate, cpu);
}

static void open_gate(struct extfs *fs, struct cpu *cpu)
{
	fs->closing = false;
	waitq_wake(&fs->gate, cpu);
}

/* Blocks written home are remembered once, however often they were committed. */
static int wait_for_home(struct extfs *fs, struct page *page)
{
	if (extfs_in_set(fs->in_waiting, page->index)) {
		page->pins--; /* pinned for that already */
		return 0;
	}
	if (fs->waiting_count == fs->waiting_room) {
		const uint64_t room = fs->waiting_room ? fs->waiting_room * 2 : 256;
		struct page **larger = realloc(fs->waiting, room * sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		fs->waiting = larger;
		fs->waiting_room = room;
	}
	extfs_flip(fs->in_waiting, page->index);
	fs->waiting[fs->waiting_count++] = page;
	return 0;
}

/* Descriptor and copies into the staging area; the next transaction may begin. */
static int copy_out(struct extfs *fs, struct cpu *cpu, struct closed *c)
{
	struct extfs_descriptor *d = (struct extfs_descriptor *)(void *)staged(fs, 0);
	int rc = 0;

	*d = (struct extfs_descriptor){
		.magic = EXTFS_JOURNAL_MAGIC, .count = fs->running_count, .sequence = fs->sequence};
	for (unsigned i = 0; i < fs->running_count; i++) {
		struct page *page = fs->running[i];
		const phys_t to = fs->staging + (uint64_t)(i + 1) * EXTFS_BLOCK;

		d->home[i] = (uint32_t)page->index;
		memcpy(staged(fs, i + 1), page->data, EXTFS_BLOCK);
		cpu_copy(cpu, to, page->paddr, EXTFS_BLOCK);
		extfs_flip(fs->in_running, page->index);
		if (!rc)
			rc = wait_for_home(fs, page);
	}
	c->tid = fs->tid++;
	c->count = fs->running_count;
	fs->closed_ordered = fs->ordered;
	fs->closed_freed = fs->freed;
	fs->ordered = (struct extfs_ordered){.count = 0};
	fs->freed = (struct extfs_freed){.runs = 0};
	fs->running_count = 0;
	for (uint64_t i = 0; i < fs->closed_ordered.count; i++)
		fs->closed_ordered.node[i]->ordered = false;
	return rc;
}

static int write_ordered(struct extfs_ordered *o, struct cpu *cpu)
{
	int rc = 0;

	/* All are started before the first is waited for. */
	for (uint64_t i = 0; i < o->count; i++)
		pagecache_begin_write_back(&o->node[i]->mapping, cpu);
	for (uint64_t i = 0; i < o->count; i++) {
		const int failed = pagecache_write_back(&o->node[i]->mapping, cpu);

		rc = rc ? rc : failed;
		extfs_node_put(o->node[i]);
	}
	free(o->node);
	*o = (struct extfs_ordered){.count = 0};
	return rc;
}

static int journal_write(struct extfs *fs, struct cpu *cpu, uint32_t at, unsigned from,
			 unsigned blocks)
{
	fs->stats.journal_blocks += blocks;
	return blockdev_wait(fs->dev, cpu, BIO_WRITE,
			     (uint64_t)(fs->s.journal_start + at) * BLOCK_SECTORS,
			     fs->staging + (uint64_t)from * EXTFS_BLOCK, blocks * EXTFS_BLOCK);
}

static int flush(struct extfs *fs, struct cpu *cpu)
{
	return blockdev_wait(fs->dev, cpu, BIO_FLUSH, 0, 0, 0);
}

static int write_transaction(struct extfs *fs, struct cpu *cpu, const struct closed *c)
{
	struct extfs_commit *last = (struct extfs_commit *)(void *)staged(fs, c->count + 1);
	uint64_t sum = 0;
	int rc;

	for (unsigned i = 0; i <= c->count; i++) {
		sum = extfs_sum(sum, staged(fs, i), EXTFS_BLOCK);
		cpu_touch(cpu, fs->staging + (uint64_t)i * EXTFS_BLOCK, EXTFS_BLOCK, false);
	}
	memset(last, 0, EXTFS_BLOCK);
	*last = (struct extfs_commit){.magic = EXTFS_JOURNAL_MAGIC,
				      .count = c->count,
				      .sequence = fs->sequence,
				      .sum = sum};
	rc = journal_write(fs, cpu, fs->journal_at, 0, c->count + 1);
	if (!rc)
		rc = flush(fs, cpu); /* the copies, and the file data before them */
	if (!rc)
		rc = journal_write(fs, cpu, fs->journal_at + c->count + 1, c->count + 1, 1);
	return rc ? rc : flush(fs, cpu);
}

/* ---- home ---- */

struct homing {
	struct bio bio;
	struct bio_vec vec;
};

struct homecoming {
	unsigned pending;
	int status;
	struct waitq wait;
};

static void came_home(struct bio *bio, struct cpu *cpu, int status)
{
	struct homecoming *h = bio->ctx;

	h->status = h->status ? h->status : status;
	if (!--h->pending)
		waitq_wake(&h->wait, cpu);
}

static int by_block(const void *a, const void *b)
{
	const struct page *const *pa = a, *const *pb = b;

	return ((*pa)->index > (*pb)->index) - ((*pa)->index < (*pb)->index);
}

static int write_home(struct extfs *fs, struct cpu *cpu)
{
	struct homing *h = extfs_hold(fs, fs->waiting_count * sizeof(*h));
	struct homecoming all = {.pending = 1};

	if (!h)
		return -ENOMEM;
	if (fs->waiting_count)
		qsort(fs->waiting, fs->waiting_count, sizeof(fs->waiting[0]), by_block);
	for (uint64_t i = 0; i < fs->waiting_count; i++) {
		struct page *page = fs->waiting[i];

		h[i].vec = (struct bio_vec){page->paddr, EXTFS_BLOCK};
		h[i].bio = (struct bio){.op = BIO_WRITE,
					.sector = page->index * BLOCK_SECTORS,
					.vec = &h[i].vec,
					.nvec = 1,
					.done = came_home,
					.ctx = &all};
		all.pending++;
		blockdev_throttle(fs->dev, cpu);
		blockdev_submit(fs->dev, cpu, &h[i].bio);
	}
	all.pending--;
	blockdev_unplug(fs->dev, cpu);
	while (all.pending)
		waitq_wait(&all.wait, cpu);
	extfs_let_go(h);
	return all.status;
}

/* Everything committed goes home, the journal is empty. The gate is shut, nothing is running. */
static int checkpoint(struct extfs *fs, struct cpu *cpu)
{
	struct extfs_journal_header *h = (struct extfs_journal_header *)(void *)staged(fs, 0);
	int rc = write_home(fs, cpu);

	if (!rc)
		rc = flush(fs, cpu);
	if (rc)
		return rc;
	memset(h, 0, EXTFS_BLOCK);
	h->magic = EXTFS_JOURNAL_MAGIC;
	h->sequence = fs->sequence;
	h->sum = extfs_sum(0, h, offsetof(struct extfs_journal_header, sum));
	rc = journal_write(fs, cpu, 0, 0, 1);
	if (!rc)
		rc = flush(fs, cpu);
	if (rc)
		return rc;
	for (uint64_t i = 0; i < fs->waiting_count; i++) {
		extfs_flip(fs->in_waiting, fs->waiting[i]->index);
		page_put(fs->waiting[i], cpu);
	}
	fs->waiting_count = 0;
	fs->journal_at = 1;
	fs->stats.checkpoints++;
	extfs_release(fs, &fs->freed_meta);
	return 0;
}

/* ---- the whole ---- */

/* After this one another as large as may be must fit, or the journal is emptied first. */
static bool nearly_full(const struct extfs *fs)
{
	return fs->journal_at + fs->running_count + 2 + fs->capacity + 2 > fs->s.journal_blocks;
}

static int commit_locked(struct extfs *fs, struct cpu *cpu, bool empty)
{
	struct closed c = {.tid = 0};
	int rc, failed;

	shut(fs, cpu);
	c.kept_shut = empty || nearly_full(fs);
	rc = copy_out(fs, cpu, &c);
	if (!c.kept_shut)
		open_gate(fs, cpu);
	failed = write_ordered(&fs->closed_ordered, cpu);
	rc = rc ? rc : failed;
	if (!rc && c.count) {
		rc = write_transaction(fs, cpu, &c);
		fs->journal_at += c.count + 2;
		fs->sequence++;
		fs->stats.commits++;
	} else if (!rc) {
		rc = flush(fs, cpu);
	}
	if (!rc) {
		fs->committed = c.tid;
		extfs_release(fs, &fs->closed_freed);
	}
	free(fs->closed_freed.run);
	fs->closed_freed = (struct extfs_freed){.runs = 0};
	if (!rc && c.kept_shut)
		rc = checkpoint(fs, cpu);
	if (rc)
		fs->error = rc;
	if (c.kept_shut)
		open_gate(fs, cpu);
	return rc;
}

int extfs_commit(struct extfs *fs, struct cpu *cpu, uint64_t tid, bool empty)
{
	int rc = 0;

	extfs_lock_alone(fs, &fs->commit_lock, cpu);
	if (fs->error)
		rc = fs->error;
	else if (fs->committed < tid || empty)
		rc = commit_locked(fs, cpu, empty);
	extfs_unlock_alone(fs, &fs->commit_lock, cpu);
	return rc;
}

/* ---- the task, and the beginning and end of it all ---- */

static void on_alarm(void *ctx)
{
	struct extfs *fs = ctx;

	waitq_wake(&fs->committer_wait, NULL);
}

static bool something_runs(const struct extfs *fs)
{
	return fs->running_count || fs->ordered.count || fs->freed.runs;
}

void extfs_committer(void *ctx)
{
	struct extfs *fs = ctx;
	struct cpu *cpu = fs->cpu;

	cpu_enter(cpu, CHARGE_BLOCK);
	while (!fs->stopping) {
		/*
		 * Called early only if a handle found no room: committing all there is makes some.
		 * A failure stays with the file system, whose next caller is told.
		 */
		if (something_runs(fs) && !fs->error && extfs_commit(fs, cpu, fs->tid, false))
			waitq_wake(&fs->gate, cpu);
		sim_schedule(fs->machine->sim, &fs->alarm, cpu_now(cpu) + COMMIT_EVERY);
		if (!fs->stopping)
			waitq_wait(&fs->committer_wait, cpu);
	}
	sim_cancel(fs->machine->sim, &fs->alarm);
	fs->stopped = true;
	waitq_wake(&fs->gate, cpu);
}

int extfs_journal_init(struct extfs *fs, uint64_t sequence)
{
	const uint32_t third = (fs->s.journal_blocks - 1) / 3 - 2;

	fs->capacity = third < EXTFS_TXN_MAX ? third : EXTFS_TXN_MAX;
	fs->tid = 1;
	fs->sequence = sequence;
	fs->journal_at = 1;
	event_init(&fs->alarm, on_alarm, fs);
	fs->in_running = calloc(1, fs->s.blocks / 8 + 1);
	fs->in_waiting = calloc(1, fs->s.blocks / 8 + 1);
	if (!fs->in_running || !fs->in_waiting)
		return -ENOMEM;
	return memory_alloc(fs->machine->mem, EXTFS_TXN_MAX + 2, PAGE_BYTES, 0, &fs->staging);
}

void extfs_journal_forget(struct extfs *fs, struct cpu *cpu)
{
	for (unsigned i = 0; i < fs->running_count; i++)
		page_put(fs->running[i], cpu);
	for (uint64_t i = 0; i < fs->waiting_count; i++)
		page_put(fs->waiting[i], cpu);
	fs->running_count = 0;
	fs->waiting_count = 0;
}

void extfs_journal_fini(struct extfs *fs)
{
	sim_cancel(fs->machine->sim, &fs->alarm);
	free(fs->in_running);
	free(fs->in_waiting);
	free(fs->freed.run);
	free(fs->freed_meta.run);
	free(fs->closed_freed.run);
	free(fs->waiting);
	free(fs->ordered.node);
	free(fs->closed_ordered.node);
	if (fs->staging)
		memory_free(fs->machine->mem, fs->staging, EXTFS_TXN_MAX + 2);
}
