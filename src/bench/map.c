/* SPDX-License-Identifier: MIT */
/*
 * Maps and unmaps through the public API: each thread has a device and so many mappings alive, of
 * which it takes one down and makes it again. Registers are the hardware half's, so a strategy's
 * invalidations are carried out.
 */
#include "bench/map.h"

#include <errno.h>
#include <stdlib.h>

#include "bench/machine.h"
#include "bench/pattern.h"

#define PAGE 4096u

struct mapper {
	struct iotoll_dma_device *dev;
	struct pattern pattern;
	uint64_t buffers, bytes;
	iotoll_iova_t *iova;
} __attribute__((aligned(64)));

struct map {
	struct machine machine;
	unsigned threads;
	struct mapper *mapper;
};

static void map_close(void *data)
{
	struct map *x = data;

	for (unsigned t = 0; t < x->threads && x->mapper; t++) {
		struct mapper *m = &x->mapper[t];

		for (unsigned i = 0; m->iova && i < m->pattern.filled; i++)
			iotoll_dma_unmap_page(m->dev, m->iova[i], m->bytes, IOTOLL_DMA_FROM_DEVICE);
		pattern_fini(&m->pattern);
		free(m->iova);
	}
	machine_close(&x->machine);
	free(x->mapper);
	free(x);
}

static int make_mapper(struct map *x, unsigned t, const struct bench_setup *setup, struct err *err)
{
	struct mapper *m = &x->mapper[t];
	int rc = pattern_init(&m->pattern, setup->pattern, setup->outstanding, t + 1);

	m->dev = x->machine.device[t];
	m->bytes = (uint64_t)setup->pages * PAGE;
	m->iova = calloc(setup->outstanding, sizeof(*m->iova));
	if (!rc && !m->iova)
		rc = -ENOMEM;
	return rc ? rc
		  : machine_frames(&x->machine, (uint64_t)setup->outstanding * setup->pages,
				   &m->buffers, err);
}

static int map_open(void **data, const struct bench_setup *setup, const void *variant,
		    struct err *err)
{
	const uint64_t frames = (uint64_t)setup->threads * setup->outstanding * setup->pages;
	struct map *x = calloc(1, sizeof(*x));
	int rc;

	(void)variant;
	if (!x)
		return -ENOMEM;
	rc = machine_open(&x->machine, setup, frames, 0, err);
	if (rc) {
		free(x);
		return rc;
	}
	x->mapper = aligned_alloc(64, setup->threads * sizeof(*x->mapper));
	if (!x->mapper)
		rc = -ENOMEM;
	for (; !rc && x->threads < setup->threads; x->threads++) {
		x->mapper[x->threads] = (struct mapper){.iova = NULL};
		rc = make_mapper(x, x->threads, setup, err);
	}
	if (rc)
		map_close(x);
	else
		*data = x;
	return rc;
}

static bool map_work(void *data, unsigned thread, uint64_t ops)
{
	struct mapper *m = &((struct map *)data)->mapper[thread];

	for (uint64_t i = 0; i < ops; i++) {
		bool empty;
		const unsigned slot = pattern_next(&m->pattern, &empty);

		if (!empty)
			iotoll_dma_unmap_page(m->dev, m->iova[slot], m->bytes,
					      IOTOLL_DMA_FROM_DEVICE);
		m->iova[slot] =
			iotoll_dma_map_page(m->dev, IOTOLL_PHYS(m->buffers + slot * m->bytes),
					    m->bytes, IOTOLL_DMA_FROM_DEVICE);
		if (iotoll_dma_mapping_error(m->iova[slot])) {
			/* Nothing to take down there: forget the slots behind it as well. */
			m->pattern.filled = 0;
			return false;
		}
	}
	return true;
}

const struct subject map_subject = {.open = map_open, .work = map_work, .close = map_close};
