/* SPDX-License-Identifier: MIT */
/*
 * What devices reach under strategies with buffers of their own, whatever is mapped and unmapped,
 * and what such strategies leave to strict.
 */
#include "buffers_fixture.h"

#define LIVE 60u

struct live {
	uint64_t paddr, iova;
	size_t bytes;
	enum iotoll_dma_dir dir;
	bool buffer, mapped;
};

struct world {
	struct rng rng;
	struct live live[LIVE];
	unsigned n;
};

/* Whatever leads to the arena, which is the kernel's, is a live request's. */
static void check_reach(struct world *w)
{
	for (uint64_t page = 0; page < 8192; page++) {
		static const enum iotoll_access ways[] = {IOTOLL_READ, IOTOLL_WRITE};

		for (unsigned k = 0; k < 2; k++) {
			struct iotoll_xlat x;
			bool owned = false;

			if (iommu_probe(h.iommu, (struct iotoll_source){.bus = 0, .devid = 8},
					page << 12, ways[k], &x) ||
			    x.paddr < ARENA || x.paddr >= ARENA + ARENA_BYTES)
				continue;
			for (unsigned i = 0; i < w->n; i++)
				owned |= w->live[i].mapped && page >= w->live[i].iova >> 12 &&
					 page <= (w->live[i].iova + w->live[i].bytes - 1) >> 12;
			if (!owned)
				fail_msg("page %llu leads to %llx, access %u",
					 (unsigned long long)page, (unsigned long long)x.paddr, k);
		}
	}
}

static void begin(struct world *w)
{
	struct live *l = &w->live[w->n];

	*l = (struct live){.buffer = rng_below(&w->rng, 3) != 0,
			   .bytes = 1 + (size_t)rng_below(&w->rng, 4096),
			   .dir = (enum iotoll_dma_dir)rng_below(&w->rng, 3)};
	if (l->buffer)
		l->paddr = take(l->bytes, l->dir);
	if (!l->paddr) {
		l->buffer = false;
		l->paddr = ARENA + rng_below(&w->rng, ARENA_BYTES - 8192);
	}
	w->n++;
}

static void map_or_unmap(struct live *l)
{
	if (l->mapped)
		copyrig_unmap(&h, l->iova, l->bytes, l->dir);
	else
		l->iova = copyrig_map(&h, l->paddr, l->bytes, l->dir);
	l->mapped = !l->mapped;
}

static void end(struct world *w, unsigned i)
{
	struct live *l = &w->live[i];

	if (l->mapped)
		map_or_unmap(l);
	if (l->buffer)
		give(l->paddr);
	*l = w->live[--w->n];
}

/* What a live request names leads there, and takes what the device has. */
static void use(struct world *w, const struct live *l)
{
	uint8_t sent[4096], got[4096];

	if (!l->mapped)
		return;
	memset(sent, (int)rng_below(&w->rng, 256), sizeof(sent));
	if (l->dir == IOTOLL_DMA_TO_DEVICE) {
		memcpy(memory_ptr(h.memory, l->paddr, l->bytes), sent, l->bytes);
		assert_int_equal(copyrig_read(&h, l->iova, got, l->bytes), 0);
		assert_memory_equal(got, sent, l->bytes);
	} else {
		assert_int_equal(copyrig_write(&h, l->iova, sent, l->bytes), 0);
		assert_memory_equal(memory_ptr(h.memory, l->paddr, l->bytes), sent, l->bytes);
	}
}

static uint64_t seed_now;

static void random_world(const char *model)
{
	static struct world w;

	(void)model;
	memset(&w, 0, sizeof(w));
	rng_seed(&w.rng, seed_now++);
	for (unsigned step = 0; step < 3000; step++) {
		const unsigned i = w.n ? (unsigned)rng_below(&w.rng, w.n) : 0;

		if (!w.n || (w.n < LIVE && rng_below(&w.rng, 3) == 0))
			begin(&w);
		else if (rng_below(&w.rng, 3) == 0)
			end(&w, i);
		else
			map_or_unmap(&w.live[i]);
		if (w.n)
			use(&w, &w.live[rng_below(&w.rng, w.n)]);
		if (step % 300 == 0)
			check_reach(&w);
	}
	while (w.n)
		end(&w, 0);
	check_reach(&w);
	assert_int_equal(misuse(IOTOLL_MISUSE_UNMAP_UNKNOWN), 0);
	assert_int_equal(hwrig_stats(&h).maps, hwrig_stats(&h).unmaps);
}

static void devices_reach_buffers_and_live_requests_and_nothing_else(void **state)
{
	(void)state;
	seed_now = rig_seed();
	everywhere(IOTOLL_DMA_FROM_DEVICE, 0, random_world);
}

/* Requests on memory of nobody's in particular: what other strategies promise of these holds. */
static void foreign_requests_are_served_as_under_strict(void **state)
{
	const uint64_t seed = rig_seed();
	struct rng rng;

	(void)state;
	rng_seed(&rng, seed);
	for (unsigned s = 0; owner(s, IOTOLL_DMA_FROM_DEVICE); s++)
		for (unsigned m = 0; copyrig_model(m); m++) {
			copyrig_start(&h, copyrig_model(m), owner(s, IOTOLL_DMA_FROM_DEVICE), 0,
				      rng_below(&rng, 2));
			copyrig_random_program(&h, &rng, 30 * 4096);
			assert_int_equal(hwrig_stats(&h).pages_live, 0);
			hwrig_close(&h);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_reach_buffers_and_live_requests_and_nothing_else),
		cmocka_unit_test(foreign_requests_are_served_as_under_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
