/* SPDX-License-Identifier: MIT */
/*
 * A domain without one lock around everything: that calls of many CPUs, which then overlap, neither
 * hand anything out twice nor leave anything reachable, and how it scales beside the one lock.
 */
#include <errno.h>
#include <stdio.h>

#include "base/rng.h"
#include "split_scene.h"

#define LIVE    24u
#define STEPS   300u
#define ENTRIES (UINT64_C(1) << 18)

static const char *const strategies[] = {"strict", "deferred", "deferred-tracked", "flush-queue",
					 "unflushed"};

/* ---- nothing twice, nothing left ---- */

static unsigned owner[ENTRIES]; /* CPU + 1 */

static void claim(uint64_t iova, uint64_t pages, unsigned from, unsigned to)
{
	for (uint64_t i = 0; i < pages; i++) {
		assert_int_equal(owner[(iova >> 12) + i], from);
		owner[(iova >> 12) + i] = to;
	}
}

static void coherent(struct scene *s)
{
	iotoll_iova_t iova;
	iotoll_phys_t paddr;
	void *ptr = iotoll_dma_alloc_coherent(s->solo.device, 5000, &iova, &paddr);

	assert_non_null(ptr);
	iotoll_dma_free_coherent(s->solo.device, 5000, ptr, iova);
}

static void list(struct scene *s, unsigned cpu)
{
	struct iotoll_sg sg[3];

	for (unsigned i = 0; i < 3; i++)
		sg[i] = (struct iotoll_sg){.paddr = scene_frame(s, cpu, i), .bytes = 4096};
	assert_int_equal(iotoll_dma_map_sg(s->solo.device, sg, 3, IOTOLL_DMA_TO_DEVICE), 3);
	for (unsigned i = 0; i < 3; i++)
		claim(IOTOLL_IOVA_U64(sg[i].dma_address), 1, 0, cpu + 1);
	for (unsigned i = 0; i < 3; i++)
		claim(IOTOLL_IOVA_U64(sg[i].dma_address), 1, cpu + 1, 0);
	iotoll_dma_unmap_sg(s->solo.device, sg, 3, IOTOLL_DMA_TO_DEVICE);
}

static void random_calls(struct scene *s, unsigned cpu)
{
	struct {
		iotoll_iova_t iova;
		uint64_t pages;
	} live[LIVE];
	struct rng rng;
	unsigned n = 0;

	rng_seed(&rng, 1000 + cpu);
	for (unsigned step = 0; step < STEPS || n; step++) {
		if (step % 50 == 0)
			coherent(s);
		if (step % 40 == 0)
			list(s, cpu);
		if (step < STEPS && n < LIVE && (n == 0 || rng_below(&rng, 2))) {
			live[n].pages = 1 + rng_below(&rng, rng_below(&rng, 6) ? 2 : 40);
			live[n].iova =
				iotoll_dma_map_page(s->solo.device, scene_frame(s, 0, 0),
						    live[n].pages * 4096, IOTOLL_DMA_FROM_DEVICE);
			assert_false(iotoll_dma_mapping_error(live[n].iova));
			claim(IOTOLL_IOVA_U64(live[n].iova), live[n].pages, 0, cpu + 1);
			n++;
		} else {
			const unsigned i = (unsigned)rng_below(&rng, n);

			claim(IOTOLL_IOVA_U64(live[i].iova), live[i].pages, cpu + 1, 0);
			iotoll_dma_unmap_page(s->solo.device, live[i].iova, live[i].pages * 4096,
					      IOTOLL_DMA_FROM_DEVICE);
			live[i] = live[--n];
		}
	}
}

/* Interrupts on every CPU that map and unmap as well, as a NIC's would. */
struct nag {
	struct scene *s;
	struct event event;
	struct irq irq;
	unsigned left;
};

static void nag_handler(void *ctx, struct cpu *cpu)
{
	struct nag *n = ctx;
	const iotoll_iova_t iova = iotoll_dma_map_page(
		n->s->solo.device, scene_frame(n->s, cpu_id(cpu), 1), 100, IOTOLL_DMA_TO_DEVICE);

	claim(IOTOLL_IOVA_U64(iova), 1, 0, 100);
	claim(IOTOLL_IOVA_U64(iova), 1, 100, 0);
	iotoll_dma_unmap_page(n->s->solo.device, iova, 100, IOTOLL_DMA_TO_DEVICE);
}

static void nag_event(void *ctx)
{
	struct nag *n = ctx;

	irq_raise(&n->irq);
	if (n->left--)
		sim_schedule(n->s->solo.sim, &n->event, sim_now(n->s->solo.sim) + 7 * SIM_US);
}

static void start_nagging(struct scene *s, struct nag *nag)
{
	for (unsigned i = 0; i < s->cpus; i++) {
		nag[i] = (struct nag){.s = s, .left = 20};
		nag[i].irq = (struct irq){.handler = nag_handler,
					  .ctx = &nag[i],
					  .target = machine_cpu(s->solo.machine, i)};
		event_init(&nag[i].event, nag_event, &nag[i]);
		sim_schedule(s->solo.sim, &nag[i].event, sim_now(s->solo.sim) + i * SIM_US);
	}
}

static void stress(const struct scene_config *config)
{
	struct exposure_stats exposed;
	static struct scene s;
	struct nag nag[4];

	memset(owner, 0, sizeof(owner));
	scene_open(&s, config);
	start_nagging(&s, nag);
	(void)scene_run(&s, random_calls);
	/* The interrupts come to their end. */
	assert_int_equal(sim_run(s.solo.sim, sim_now(s.solo.sim) + SIM_MS), 0);
	exposure_stats(s.solo.rig.exposure, &exposed);
	if (strcmp(config->strategy, "strict") == 0)
		assert_int_equal(exposed.stale_pages, 0);
	assert_int_equal(exposed.shared_pages, 0);
	assert_int_equal(exposed.mapped_pages, exposed.unmapped_pages);
	scene_close(&s);
}

static void overlapping_calls_hand_nothing_out_twice_and_leave_nothing(void **state)
{
	static const char *const models[] = {"vtd", "amdvi", "calgary"};

	(void)state;
	for (unsigned m = 0; m < 3; m++)
		for (unsigned a = 0; iova_allocators[a]; a++)
			for (unsigned i = 0; i < 5; i++) {
				const struct scene_config config = {
					.model = models[m],
					.strategy = strategies[i],
					.allocator = iova_allocators[a]->name,
					.split = true,
					.check_misuse = (a + i) % 2,
					.cpus = 4};

				if (!strcmp(strategies[i], "deferred") &&
				    !iova_allocators[a]->wraps)
					continue;
				stress(&config);
			}
}

/* ---- the same address unmapped by two CPUs at once ---- */

static iotoll_iova_t shared_iova;

static void unmap_shared(struct scene *s, unsigned cpu)
{
	(void)cpu;
	iotoll_dma_unmap_page(s->solo.device, shared_iova, 4096, IOTOLL_DMA_FROM_DEVICE);
}

static void of_two_unmaps_at_once_one_is_refused(void **state)
{
	(void)state;
	for (unsigned check = 0; check < 2; check++) {
		const struct scene_config config = {.model = "vtd",
						    .strategy = "strict",
						    .allocator = "magazines",
						    .split = true,
						    .check_misuse = check,
						    .cpus = 2};
		static struct scene s;
		struct iotoll_dma_stats stats;

		scene_open(&s, &config);
		shared_iova = iotoll_dma_map_page(s.solo.device, scene_frame(&s, 0, 0), 4096,
						  IOTOLL_DMA_FROM_DEVICE);
		(void)scene_run(&s, unmap_shared);
		stats = scene_stats(&s);
		assert_int_equal(stats.unmaps, 1);
		assert_int_equal(stats.misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN], 1);
		assert_int_equal(s.solo.rig.domain->iova->live, 0);
		iotoll_dma_domain_stats_reset(s.solo.rig.domain);
		scene_close(&s);
	}
}

/* ---- who does not go with split locks ---- */

static void refused(const char *model, const char *strategy, const char *words)
{
	const struct rig_config rig = {
		.model = model,
		.iotlb = {.entries = 64, .ways = 4, .line_pages = 1, .policy = "lru"},
		.strategy = strategy,
		.allocator = "next-fit",
		.split_locks = true,
		.table_entries = 8192,
	};
	struct profile profile;
	struct solo solo;
	struct err err = {""};

	assert_int_equal(
		profile_load(&profile, PROFILES "/e3-1220-2015.ini", ESTIMATE_DEFAULT, NULL, &err),
		0);
	assert_int_equal(solo_init(&solo, &profile, &rig, 8, &err), -EINVAL);
	assert_string_equal(err.text, words);
}

static void drivers_and_strategies_that_need_the_one_lock_say_so(void **state)
{
	(void)state;
	refused("dart-u4", "strict", "split locks: driver dart-u4 is not made for them");
	refused("vtd", "persistent", "split locks: strategy persistent is not made for them");
}

/* ---- how it scales ---- */

static double rate(const char *strategy, const char *allocator, bool split, unsigned cpus,
		   struct iotoll_dma_stats *stats)
{
	const struct scene_config config = {.model = "vtd",
					    .strategy = strategy,
					    .allocator = allocator,
					    .split = split,
					    .check_misuse = true,
					    .cpus = cpus};
	const double packets = scene_rate(&config, stats);

	printf("%-12s %-12s %-5s %2u CPUs: %.3g packets/s, %.3g us of lock waits a packet\n",
	       strategy, allocator, split ? "split" : "one", cpus, packets,
	       (double)stats->lock_wait_ps / 1e6 / (double)stats->maps);
	return packets;
}

static double waited(const struct iotoll_dma_stats *stats)
{
	return (double)stats->lock_wait_ps / (double)stats->maps;
}

static void under_one_lock_waits_grow_with_every_cpu_and_throughput_does_not(void **state)
{
	struct iotoll_dma_stats one, two, four, eight;
	double at1, at8;

	(void)state;
	at1 = rate("flush-queue", "magazines", false, 1, &one);
	(void)rate("flush-queue", "magazines", false, 2, &two);
	(void)rate("flush-queue", "magazines", false, 4, &four);
	at8 = rate("flush-queue", "magazines", false, 8, &eight);
	assert_int_equal(one.lock_contended, 0);
	assert_true(waited(&two) < waited(&four));
	assert_true(2 * waited(&four) < waited(&eight));
	assert_true(at8 < 2 * at1);
}

/* "Utilizing the IOMMU Scalably", ATC 2015: magazines and a queue for each CPU scale. */
static void with_locks_of_their_own_magazines_and_flush_queues_scale(void **state)
{
	struct iotoll_dma_stats one, eight, sixteen;
	double at1, at8, at16;

	(void)state;
	at1 = rate("flush-queue", "magazines", true, 1, &one);
	at8 = rate("flush-queue", "magazines", true, 8, &eight);
	at16 = rate("flush-queue", "magazines", true, 16, &sixteen);
	assert_true(at8 > 6 * at1);
	assert_true(at16 > at8);
}

/* The same paper: an allocator behind one lock does not, nor does strict, with any of them. */
static void the_tree_behind_its_lock_and_strict_behind_the_queues_do_not(void **state)
{
	struct iotoll_dma_stats stats;
	double magazines, tree, strict, alone;

	(void)state;
	magazines = rate("flush-queue", "magazines", true, 8, &stats);
	tree = rate("flush-queue", "tree", true, 8, &stats);
	assert_true(2 * tree < magazines);
	alone = rate("strict", "magazines", true, 1, &stats);
	strict = rate("strict", "magazines", true, 8, &stats);
	assert_true(strict < 3 * alone);
	assert_true(3 * strict < magazines);
}

static void pools_wait_less_than_one_bitmap(void **state)
{
	struct iotoll_dma_stats pools, one;

	(void)state;
	(void)rate("deferred", "next-fit", true, 8, &one);
	(void)rate("deferred", "pools", true, 8, &pools);
	assert_true(2 * waited(&pools) < waited(&one));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overlapping_calls_hand_nothing_out_twice_and_leave_nothing),
		cmocka_unit_test(of_two_unmaps_at_once_one_is_refused),
		cmocka_unit_test(drivers_and_strategies_that_need_the_one_lock_say_so),
		cmocka_unit_test(under_one_lock_waits_grow_with_every_cpu_and_throughput_does_not),
		cmocka_unit_test(with_locks_of_their_own_magazines_and_flush_queues_scale),
		cmocka_unit_test(the_tree_behind_its_lock_and_strict_behind_the_queues_do_not),
		cmocka_unit_test(pools_wait_less_than_one_bitmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
