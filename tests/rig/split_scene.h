/* SPDX-License-Identifier: MIT */
/*
 * A protected machine without a NIC, and tasks on each of its CPUs that map and unmap as the driver
 * of a device with a ring for each CPU would.
 */
#ifndef IOTOLL_TESTS_RIG_SPLIT_SCENE_H
#define IOTOLL_TESTS_RIG_SPLIT_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dma/domain.h"
#include "rig/solo.h"
#include "sim/task.h"

#define SCENE_CPUS 16u

struct scene_config {
	const char *model, *strategy, *allocator;
	bool split, check_misuse;
	unsigned cpus;
	const char *memory; /* "machine.memory=...", or NULL: as the profile has it */
};

struct scene {
	struct solo solo;
	phys_t frames; /* 64 for each CPU */
	unsigned cpus, done;
	void (*body)(struct scene *s, unsigned cpu);
	struct scene_cpu {
		struct scene *scene;
		unsigned number;
	} cpu[SCENE_CPUS];
};

/* A machine of the profile e3-1220-2015 with as many CPUs as said. */
void scene_open(struct scene *s, const struct scene_config *config);
/* Asserts that the allocator is sound and that nothing is mapped, kept or misused. */
void scene_close(struct scene *s);
/* Run @body in a task on each CPU until all are done. Returns the time it took. */
sim_time scene_run(struct scene *s, void (*body)(struct scene *s, unsigned cpu));
/* Frame @n of @cpu. */
iotoll_phys_t scene_frame(const struct scene *s, unsigned cpu, unsigned n);
struct iotoll_dma_stats scene_stats(const struct scene *s);
/*
 * Packets a second over all CPUs: each takes the 1816 cycles of rIOMMU's (ASPLOS 2015) without an
 * IOMMU, and has its buffer mapped, and unmapped 32 packets later.
 */
double scene_rate(const struct scene_config *config, struct iotoll_dma_stats *stats);

#endif
