/* SPDX-License-Identifier: MIT */
/* See split_scene.h. */
#include "split_scene.h"

#include <stdio.h>

#define FRAMES_EACH 64u
#define PACKETS     400u
#define RING        32u
/* 1816 cycles of 3.1 GHz. */
#define PACKET_PS 585806u

void scene_open(struct scene *s, const struct scene_config *config)
{
	char cpus[32];
	const char *const overrides[] = {cpus, config->memory, NULL};
	const struct rig_config rig = {
		.model = config->model,
		.iotlb = {.entries = 64, .ways = 4, .line_pages = 1, .policy = "lru"},
		.strategy = config->strategy,
		.allocator = config->allocator,
		.split_locks = config->split,
		.table_entries = UINT64_C(1) << 18,
		.check_misuse = config->check_misuse,
		.track_stale = true,
	};
	struct profile profile;
	struct err err = {""};

	memset(s, 0, sizeof(*s));
	snprintf(cpus, sizeof(cpus), "machine.cpus=%u", config->cpus);
	if (profile_load(&profile, PROFILES "/e3-1220-2015.ini", ESTIMATE_DEFAULT, overrides, &err))
		fail_msg("%s", err.text);
	if (solo_init(&s->solo, &profile, &rig, 8, &err))
		fail_msg("%s", err.text);
	s->cpus = config->cpus;
	assert_int_equal(memory_alloc(s->solo.machine->mem, SCENE_CPUS * FRAMES_EACH, PAGE_BYTES, 0,
				      &s->frames),
			 0);
	for (unsigned i = 0; i < SCENE_CPUS; i++)
		s->cpu[i] = (struct scene_cpu){.scene = s, .number = i};
}

void scene_close(struct scene *s)
{
	const struct iova *a = s->solo.rig.domain->iova;
	struct iotoll_dma_stats stats;

	/* Whatever a flush queue still keeps goes with its timer. */
	assert_int_equal(sim_run(s->solo.sim, sim_now(s->solo.sim) + 50 * SIM_MS), 0);
	stats = scene_stats(s);
	assert_true(a->ops->check(a));
	assert_int_equal(a->live, 0);
	assert_int_equal(stats.pages_live, 0);
	assert_int_equal(stats.kept_pages, 0);
	assert_int_equal(stats.maps, stats.unmaps);
	for (unsigned i = 0; i < IOTOLL_MISUSE_COUNT; i++)
		assert_int_equal(stats.misuse[i], 0);
	solo_fini(&s->solo);
}

static void in_task(void *ctx)
{
	struct scene_cpu *c = ctx;

	c->scene->body(c->scene, c->number);
	c->scene->done++;
}

sim_time scene_run(struct scene *s, void (*body)(struct scene *s, unsigned cpu))
{
	const sim_time from = sim_now(s->solo.sim);

	s->body = body;
	s->done = 0;
	for (unsigned i = 0; i < s->cpus; i++)
		assert_non_null(task_create(machine_cpu(s->solo.machine, i), "packets", in_task,
					    &s->cpu[i]));
	while (s->done < s->cpus)
		assert_int_equal(sim_run(s->solo.sim, sim_now(s->solo.sim) + 10 * SIM_US), 0);
	return sim_now(s->solo.sim) - from;
}

iotoll_phys_t scene_frame(const struct scene *s, unsigned cpu, unsigned n)
{
	return IOTOLL_PHYS(s->frames + (cpu * FRAMES_EACH + n % FRAMES_EACH) * PAGE_BYTES);
}

struct iotoll_dma_stats scene_stats(const struct scene *s)
{
	struct iotoll_dma_stats stats;

	iotoll_dma_domain_stats(s->solo.rig.domain, &stats);
	return stats;
}

static void packets(struct scene *s, unsigned cpu)
{
	iotoll_iova_t ring[RING];

	for (unsigned i = 0; i < PACKETS + RING; i++) {
		if (i >= RING)
			iotoll_dma_unmap_page(s->solo.device, ring[i % RING], 1500,
					      IOTOLL_DMA_FROM_DEVICE);
		if (i >= PACKETS)
			continue;
		cpu_charge(machine_cpu(s->solo.machine, cpu), PACKET_PS);
		ring[i % RING] = iotoll_dma_map_page(s->solo.device, scene_frame(s, cpu, i), 1500,
						     IOTOLL_DMA_FROM_DEVICE);
		assert_false(iotoll_dma_mapping_error(ring[i % RING]));
	}
}

double scene_rate(const struct scene_config *config, struct iotoll_dma_stats *stats)
{
	static struct scene s;
	sim_time took;

	scene_open(&s, config);
	/* Once to warm caches and allocator up. */
	(void)scene_run(&s, packets);
	iotoll_dma_domain_stats_reset(s.solo.rig.domain);
	took = scene_run(&s, packets);
	*stats = scene_stats(&s);
	scene_close(&s);
	return (double)config->cpus * PACKETS * (double)SIM_S / (double)took;
}
