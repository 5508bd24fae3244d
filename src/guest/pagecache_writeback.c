/* SPDX-License-Identifier: MIT */
/* When dirty pages are written: by a task, by those who dirty too much, by those who ask. */
#include <errno.h>

#include "guest/pagecache_internal.h"

/* dirty_writeback_centisecs and dirty_expire_centisecs of Linux 2.6 */
#define WAKE_EVERY (5 * SIM_S)
#define OLD_AFTER  (30 * SIM_S)

void pagecache_wake_flusher(struct pagecache *pc, struct cpu *cpu)
{
	waitq_wake(&pc->flusher_wait, cpu);
}

/* The next mapping in turn. */
static struct mapping *next_mapping(struct pagecache *pc)
{
	struct mapping *m = pc->dirty_mappings;

	if (m)
		pc->dirty_mappings = m->next_dirty;
	return m;
}

/* Write something of each mapping in turn until little enough is dirty, or no more can be. */
static void write_much(struct pagecache *pc, struct cpu *cpu)
{
	const uint64_t goal = pagecache_background(pc);
	uint64_t idle = 0;

	/* Full of dirty pages that somebody waits for: all the same. */
	while ((pc->dirty > goal || pc->freed.first) && pc->dirty && idle < pc->dirty + 1) {
		struct mapping *m = next_mapping(pc);

		if (pagecache_start_writes(m, pc->sequence, 1024, cpu) && !m->error)
			idle = 0;
		else
			idle++; /* all of it is on its way already, or fails */
	}
}

static void write_old(struct pagecache *pc, struct cpu *cpu)
{
	const sim_time now = machine_now(pc->machine);
	uint64_t more = pc->dirty;

	while (pc->dirty_mappings && more--) {
		struct mapping *m = next_mapping(pc);

		if (m->dirty_first->dirtied + OLD_AFTER <= now)
			(void)pagecache_start_writes(m, pc->sequence, UINT64_MAX, cpu);
	}
}

void pagecache_flusher(void *ctx)
{
	struct pagecache *pc = ctx;
	struct cpu *cpu = machine_cpu(pc->machine, pc->config.cpu);

	cpu_enter(cpu, CHARGE_BLOCK);
	while (!pc->stopping) {
		write_much(pc, cpu);
		write_old(pc, cpu);
		blockdev_unplug(pc->dev, cpu);
		sim_schedule(pc->machine->sim, &pc->alarm, cpu_now(cpu) + WAKE_EVERY);
		if (!pc->stopping)
			waitq_wait(&pc->flusher_wait, cpu);
	}
	sim_cancel(pc->machine->sim, &pc->alarm);
	pc->stopped = true;
}

void pagecache_stop(struct pagecache *pc, struct cpu *cpu)
{
	pc->stopping = true;
	pagecache_wake_flusher(pc, cpu);
}

bool pagecache_idle(const struct pagecache *pc)
{
	return pc->stopped && !pc->in_flight;
}

/* A page dirtied up to @seq that is on its way in an older version. */
static struct page *stuck(const struct mapping *m, uint64_t seq)
{
	for (struct page *p = m->dirty_first; p; p = p->dirty_after) {
		if (p->dirty_seq <= seq && p->writeback)
			return p;
	}
	return NULL;
}

static void wait_for(struct page *p, struct cpu *cpu)
{
	page_pin(p);
	blockdev_unplug(p->mapping->cache->dev, cpu);
	while (p->writeback)
		waitq_wait(&p->wait, cpu);
	page_put(p, cpu);
}

void pagecache_begin_write_back(struct mapping *m, struct cpu *cpu)
{
	const uint64_t seq = m->cache->sequence;

	while (pagecache_start_writes(m, seq, UINT64_MAX, cpu))
		;
}

int pagecache_write_back(struct mapping *m, struct cpu *cpu)
{
	const uint64_t seq = m->cache->sequence;
	struct page *p;
	int rc;

	cpu_sync(cpu);
	do {
		while (pagecache_start_writes(m, seq, UINT64_MAX, cpu))
			;
		p = stuck(m, seq);
		if (p)
			wait_for(p, cpu);
	} while (p);
	while (m->writeback) {
		blockdev_unplug(m->cache->dev, cpu);
		if (m->writeback)
			waitq_wait(&m->wait, cpu);
	}
	rc = m->error;
	m->error = 0;
	return rc;
}

int pagecache_balance(struct mapping *m, struct cpu *cpu)
{
	struct pagecache *pc = m->cache;
	const uint64_t limit = pc->config.pages * pc->config.limit_percent / 100;
	bool waited = false;

	while (pc->dirty + pc->writeback > limit) {
		if (m->error)
			return m->error; /* whoever asks for write-back is told, too */
		if (!waited)
			pc->stats.throttled++;
		waited = true;
		if (pagecache_start_writes(m, pc->sequence, 1024, cpu))
			continue;
		pagecache_wake_flusher(pc, cpu);
		blockdev_unplug(pc->dev, cpu);
		if (pc->dirty + pc->writeback > limit)
			waitq_wait(&pc->freed, cpu);
	}
	return 0;
}
