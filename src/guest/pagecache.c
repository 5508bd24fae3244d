/* SPDX-License-Identifier: MIT */
/* The page cache as a whole: made, taken down, counted and checked; its pages: pagecache_page.c. */
#include <errno.h>
#include <stdlib.h>

#include "guest/pagecache_internal.h"

static void on_alarm(void *ctx)
{
	struct pagecache *pc = ctx;

	waitq_wake(&pc->flusher_wait, NULL);
}

int pagecache_create(struct pagecache **out, const struct pagecache_config *config, struct err *err)
{
	struct pagecache *pc;
	uint64_t slots = 1;

	if (config->pages < PAGECACHE_MIN_PAGES || config->cpu >= config->machine->ncpus ||
	    config->limit_percent > 100 || config->background_percent > config->limit_percent ||
	    !config->limit_percent)
		return err_set(
			err, -EINVAL,
			"page cache of %llu pages, %u%%, %u%%: expected at least %u, percents "
			"that rise to 100, and a CPU the machine has",
			(unsigned long long)config->pages, config->background_percent,
			config->limit_percent, PAGECACHE_MIN_PAGES);
	pc = calloc(1, sizeof(*pc));
	if (!pc)
		return err_set(err, -ENOMEM, "no memory for a page cache");
	while (slots < config->pages)
		slots *= 2;
	pc->machine = config->machine;
	pc->dev = config->dev;
	pc->config = *config;
	pc->hash_mask = slots - 1;
	pc->hash = calloc(slots, sizeof(*pc->hash));
	pc->page = calloc(config->pages, sizeof(*pc->page));
	pc->io = calloc(PAGE_IOS, sizeof(*pc->io));
	event_init(&pc->alarm, on_alarm, pc);
	if (!pc->hash || !pc->page || !pc->io)
		goto no_memory;
	for (unsigned i = 0; i < PAGE_IOS; i++) {
		pc->io[i].pc = pc;
		pc->io[i].next = pc->io_free;
		pc->io_free = &pc->io[i];
	}
	if (!task_create(machine_cpu(pc->machine, config->cpu), "pdflush", pagecache_flusher, pc))
		goto no_memory;
	*out = pc;
	return 0;

no_memory:
	pagecache_destroy(pc);
	return err_set(err, -ENOMEM, "no memory for a page cache of %llu pages",
		       (unsigned long long)config->pages);
}

void pagecache_destroy(struct pagecache *pc)
{
	if (!pc)
		return;
	sim_cancel(pc->machine->sim, &pc->alarm);
	for (uint64_t i = 0; i < pc->made; i++)
		memory_free(pc->machine->mem, pc->page[i].paddr, 1);
	free(pc->hash);
	free(pc->page);
	free(pc->io);
	free(pc);
}

void pagecache_stats(const struct pagecache *pc, struct pagecache_stats *out)
{
	*out = pc->stats;
	out->pages = pc->in_use;
	out->dirty = pc->dirty;
}

static bool page_sound(const struct pagecache *pc, const struct page *p)
{
	return page_find(p->mapping, p->index) == p && (!p->dirty || p->uptodate) &&
	       (!p->writeback || p->pins) && p->data == memory_ptr(pc->machine->mem, p->paddr, 1);
}

bool pagecache_check(const struct pagecache *pc)
{
	uint64_t used = 0, dirty = 0, writeback = 0, aged = 0;

	for (uint64_t i = 0; i < pc->made; i++) {
		const struct page *p = &pc->page[i];

		if (!p->mapping)
			continue;
		if (!page_sound(pc, p))
			return false;
		used++;
		dirty += p->dirty;
		writeback += p->writeback;
	}
	for (const struct page *p = pc->oldest; p; p = p->lru_newer)
		aged++;
	return used == pc->in_use && dirty == pc->dirty && writeback == pc->writeback &&
	       aged == used;
}
