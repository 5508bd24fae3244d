/* SPDX-License-Identifier: MIT */
/* See layer.h. */
#include "bench/layer.h"

#include <errno.h>
#include <stdlib.h>

#include "bench/machine.h"

#define PAGE          4096u
#define WORD_ENTRIES  64u
#define LIST_PER_PAIR 64u /* register accesses: more than any driver makes */

struct access {
	uint64_t offset, value;
	unsigned width;
	bool write;
};

struct bench_layer {
	struct bench_layer_config config;
	struct machine machine;
	bool has_machine;
	uint64_t buffers;
	iotoll_iova_t *ring;
	unsigned next, live;
	/* What else is mapped, with words_apart: runs first, then single entries. */
	iotoll_iova_t *filler;
	uint64_t fillers, runs;
	struct access *list;
	uint64_t list_count, list_room;
};

static iotoll_iova_t map(struct bench_layer *l, uint64_t at, uint64_t pages)
{
	return iotoll_dma_map_page(l->machine.device[0], IOTOLL_PHYS(l->buffers + at * PAGE),
				   pages * PAGE, IOTOLL_DMA_FROM_DEVICE);
}

static void unmap(struct bench_layer *l, iotoll_iova_t iova, uint64_t pages)
{
	iotoll_dma_unmap_page(l->machine.device[0], iova, pages * PAGE, IOTOLL_DMA_FROM_DEVICE);
}

/* Entries between two free ones; 0: none are taken. */
static uint64_t run_pages(const struct bench_layer_config *c)
{
	return c->words_apart ? (uint64_t)c->words_apart * WORD_ENTRIES - 1 : 0;
}

/* One filler; false: there is no room for it. */
static bool add_filler(struct bench_layer *l, uint64_t pages)
{
	const iotoll_iova_t at = map(l, 0, pages);

	if (iotoll_dma_mapping_error(at))
		return false;
	l->filler[l->fillers++] = at;
	return true;
}

/*
 * Runs of entries that stay, and one entry after each that is given back in the end; what is left
 * of the table when no run fits any more is filled up singly.
 */
static int fill(struct bench_layer *l)
{
	const uint64_t most = l->config.table_entries, run = run_pages(&l->config);
	iotoll_iova_t *hole = calloc(most / run + 1, sizeof(*hole));
	uint64_t holes = 0;

	l->filler = calloc(most, sizeof(*l->filler));
	if (!l->filler || !hole) {
		free(hole);
		return -ENOMEM;
	}
	while (add_filler(l, run)) {
		l->runs++;
		hole[holes] = map(l, 0, 1);
		if (iotoll_dma_mapping_error(hole[holes]))
			break;
		holes++;
	}
	while (add_filler(l, 1))
		;
	for (uint64_t i = 0; i < holes; i++)
		unmap(l, hole[i], 1);
	free(hole);
	return holes > 1 ? 0 : -ENOSPC;
}

bool bench_layer_work(struct bench_layer *l, uint64_t pairs)
{
	const unsigned pages = l->config.pages;

	for (uint64_t i = 0; i < pairs; i++) {
		iotoll_iova_t *slot = &l->ring[l->next];

		if (l->live == l->config.outstanding)
			unmap(l, *slot, pages);
		else
			l->live++;
		*slot = map(l, (uint64_t)l->next * pages, pages);
		if (iotoll_dma_mapping_error(*slot)) {
			l->live = 0;
			return false;
		}
		l->next = (l->next + 1) % l->config.outstanding;
	}
	return true;
}

void bench_layer_counts(struct bench_layer *l, struct bench_layer_counts *out)
{
	struct iotoll_dma_stats stats;

	iotoll_dma_domain_stats(l->machine.domain, &stats);
	*out = (struct bench_layer_counts){stats.maps, stats.words_searched};
	iotoll_dma_domain_stats_reset(l->machine.domain);
}

/* ---- register accesses ---- */

static void keep(void *ctx, bool write, uint64_t offset, uint64_t value, unsigned width)
{
	struct bench_layer *l = ctx;

	if (l->list_count < l->list_room)
		l->list[l->list_count] = (struct access){offset, value, width, write};
	l->list_count++;
}

int bench_layer_record(struct bench_layer *l, uint64_t pairs, uint64_t *reads, uint64_t *writes)
{
	bool room;

	free(l->list);
	l->list_count = 0;
	l->list_room = pairs * LIST_PER_PAIR;
	l->list = calloc(l->list_room, sizeof(*l->list));
	if (!l->list)
		return -ENOMEM;
	l->machine.listener_ctx = l;
	l->machine.listener = keep;
	room = bench_layer_work(l, pairs) && l->list_count <= l->list_room;
	l->machine.listener = NULL;
	if (!room)
		l->list_count = 0;
	*reads = *writes = 0;
	for (uint64_t i = 0; i < l->list_count; i++)
		++*(l->list[i].write ? writes : reads);
	return room ? 0 : -ENOSPC;
}

void bench_layer_replay(struct bench_layer *l, bool writes)
{
	/* Not known to the compiler, as the driver's pointers are not. */
	uint64_t (*volatile read)(void *, uint64_t, unsigned) = machine_reg_read;
	void (*volatile write)(void *, uint64_t, uint64_t, unsigned) = machine_reg_write;

	for (uint64_t i = 0; i < l->list_count; i++) {
		const struct access *a = &l->list[i];

		if (!a->write)
			(void)read(&l->machine, a->offset, a->width);
		else if (writes)
			write(&l->machine, a->offset, a->value, a->width);
	}
}

/* ---- the whole ---- */

static int open_machine(struct bench_layer *l, struct err *err)
{
	const struct bench_layer_config *c = &l->config;
	const uint64_t ring = (uint64_t)c->outstanding * c->pages, run = run_pages(c);
	const uint64_t frames = ring > run ? ring : run;
	/* The steps are those of one lock around each call, which is also what the model runs. */
	const struct bench_setup setup = {.locks = 1 + BENCH_ONE_LOCK,
					  .iommu = c->iommu,
					  .strategy = c->strategy,
					  .allocator = c->allocator,
					  .threads = 1,
					  .table_entries = c->table_entries};
	int rc = machine_open(&l->machine, &setup, frames, 0, err);

	if (rc)
		return rc;
	l->has_machine = true;
	rc = machine_frames(&l->machine, frames, &l->buffers, err);
	if (!rc && c->words_apart)
		rc = fill(l);
	if (!rc && !bench_layer_work(l, c->outstanding))
		rc = -ENOSPC;
	return rc == -ENOSPC ? err_set(err, rc, "%s: no room for %u mappings of %u pages", c->iommu,
				       c->outstanding, c->pages)
			     : rc;
}

int bench_layer_open(struct bench_layer **out, const struct bench_layer_config *config,
		     struct err *err)
{
	struct bench_layer *l = calloc(1, sizeof(*l));
	struct bench_layer_counts before;
	int rc;

	if (!l)
		return -ENOMEM;
	l->config = *config;
	l->ring = calloc(config->outstanding, sizeof(*l->ring));
	rc = l->ring ? open_machine(l, err) : -ENOMEM;
	if (rc) {
		bench_layer_close(l);
		return rc;
	}
	bench_layer_counts(l, &before);
	*out = l;
	return 0;
}

void bench_layer_close(struct bench_layer *l)
{
	if (!l)
		return;
	for (unsigned i = 0; i < l->live; i++)
		unmap(l, l->ring[i], l->config.pages);
	for (uint64_t i = 0; i < l->fillers; i++)
		unmap(l, l->filler[i], i < l->runs ? run_pages(&l->config) : 1);
	if (l->has_machine)
		machine_close(&l->machine);
	free(l->filler);
	free(l->list);
	free(l->ring);
	free(l);
}
