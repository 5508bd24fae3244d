/* SPDX-License-Identifier: MIT */
/*
 * Threads that map, hand what they mapped to each other, and unmap. See stress.h.
 */
#include "stress.h"

#include <stdlib.h>

static void init_worker(struct stress *s, unsigned number)
{
	/* Pages: most are small, as most of what drivers map is. */
	static const struct {
		unsigned slots, pages;
	} sizes[] = {{96, 2}, {5, 17}, {3, 65}};
	struct worker *w = &s->worker[number];
	unsigned n = 0;

	w->world = &s->world;
	w->all = s;
	w->number = number;
	rng_seed(&w->rng, s->world.of->seed + number);
	(void)pthread_mutex_init(&w->mailbox_lock, NULL);
	for (unsigned size = 0; size < sizeof(sizes) / sizeof(sizes[0]); size++)
		for (unsigned i = 0; i < sizes[size].slots; i++, n++) {
			iotoll_phys_t paddr;

			if (iotoll_env_alloc_pages(s->world.env, sizes[size].pages, PAGE, 0,
						   &paddr))
				world_broken(&s->world, "no memory for requests");
			w->slot[n] = (struct slot){.paddr = IOTOLL_PHYS_U64(paddr),
						   .pages = sizes[size].pages};
		}
}

static void fini_worker(struct worker *w)
{
	for (unsigned i = 0; i < SLOTS; i++)
		iotoll_env_free_pages(w->world->env, IOTOLL_PHYS(w->slot[i].paddr),
				      w->slot[i].pages);
	(void)pthread_mutex_destroy(&w->mailbox_lock);
}

/* To another thread, who is to unmap it. False: he has enough. */
static bool send(struct worker *w, struct item *item)
{
	const unsigned to = (unsigned)rng_below(&w->rng, w->world->of->threads);
	struct worker *other = &w->all->worker[to];
	bool sent = false;

	if (other == w)
		return false;
	(void)pthread_mutex_lock(&other->mailbox_lock);
	if (other->mail < MAILBOX) {
		other->mailbox[other->mail++] = item;
		sent = true;
	}
	(void)pthread_mutex_unlock(&other->mailbox_lock);
	return sent;
}

static void fetch_mail(struct worker *w, struct worker *of)
{
	(void)pthread_mutex_lock(&of->mailbox_lock);
	while (of->mail && w->holds < ITEMS + MAILBOX)
		w->held[w->holds++] = of->mailbox[--of->mail];
	(void)pthread_mutex_unlock(&of->mailbox_lock);
}

static void unmap_some(struct worker *w)
{
	const unsigned i = (unsigned)rng_below(&w->rng, w->holds);
	struct item *item = w->held[i];

	w->held[i] = w->held[--w->holds];
	if (rng_below(&w->rng, 8) == 0 && item->kind != ITEM_COHERENT)
		item_sync(w, item);
	item_unmap(w, item);
}

static void seldom(struct worker *w)
{
	(void)iotoll_dma_domain_tick(w->world->domain);
	(void)iotoll_dma_publish(w->world->dev[w->number % DEVICES]);
	iotoll_dma_unmap_end(w->world->dev[w->number % DEVICES]);
	w->tally.operations += 3;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	const uint64_t operations = w->world->of->operations / w->world->of->threads;

	for (uint64_t step = 0; w->tally.operations < operations; step++) {
		struct item *item = NULL;

		if (step % 8 == 0)
			fetch_mail(w, w);
		if (step % 256 == 0)
			seldom(w);
		if (w->holds < ITEMS && rng_below(&w->rng, 2) == 0)
			item = item_map(w);
		if (!item && w->holds)
			unmap_some(w);
		else if (!item) /* all that is its own waits for others, who may not be running */
			fetch_mail(w, &w->all->worker[rng_below(&w->rng, w->world->of->threads)]);
		if (item && (rng_below(&w->rng, 2) || !send(w, item)))
			w->held[w->holds++] = item;
	}
	return NULL;
}

/* Everybody is done: what is left is looked at, and unmapped by who is left to do it. */
static void finish(struct stress *s)
{
	for (unsigned i = 0; i < s->world.of->threads; i++) {
		struct worker *w = &s->worker[i];

		fetch_mail(w, w);
		for (unsigned k = 0; k < w->holds; k++)
			item_check(w, w->held[k]);
	}
	for (unsigned i = 0; i < s->world.of->threads; i++) {
		struct worker *w = &s->worker[i];

		do {
			while (w->holds)
				unmap_some(w);
			fetch_mail(w, w);
		} while (w->holds);
	}
}

bool stress_run(const struct combination *of, struct tally *sum, char *why, size_t why_bytes)
{
	struct stress *s = calloc(1, sizeof(*s));
	pthread_t thread[THREADS_MAX];
	uint64_t capacity;

	if (!s)
		abort();
	if (!world_open(&s->world, of, why, why_bytes)) {
		free(s);
		return false;
	}
	capacity = stress_fill_up(&s->world, &s->tally);
	for (unsigned i = 0; i < of->threads; i++)
		init_worker(s, i);
	for (unsigned i = 0; i < of->threads; i++)
		if (pthread_create(&thread[i], NULL, work, &s->worker[i]))
			world_broken(&s->world, "no thread");
	for (unsigned i = 0; i < of->threads; i++)
		(void)pthread_join(thread[i], NULL);
	finish(s);
	for (unsigned i = 0; i < of->threads; i++)
		fini_worker(&s->worker[i]);
	stress_end(s, capacity, sum);
	world_close(&s->world);
	free(s);
	return true;
}
