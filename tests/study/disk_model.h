/* SPDX-License-Identifier: MIT */
/*
 * Random I/O on a block device against an array of bytes: reads, writes and flushes of all sizes,
 * out of scatter lists with gaps, many at a time, from two tasks. Every byte read, and every byte
 * of memory that was none of a read's business, is compared.
 */
#ifndef IOTOLL_TESTS_STUDY_DISK_MODEL_H
#define IOTOLL_TESTS_STUDY_DISK_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "dev/disk.h"
#include "guest/blockdev.h"

#define MODEL_SLOTS 40u
#define MODEL_AREA  (192u << 10) /* memory of a slot */
#define MODEL_VECS  48u

struct disk_model;

struct model_slot {
	struct disk_model *m;
	struct bio bio;
	struct bio_vec vec[MODEL_VECS];
	uint8_t *memory, *expected; /* MODEL_AREA bytes each */
	phys_t paddr;
	bool busy;
};

struct disk_model_config {
	struct machine *machine; /* on whose CPUs, in whose memory */
	struct blockdev *dev;
	struct disk *disk; /* where its sectors are in the end: from sector @first on */
	uint64_t first;
	uint64_t seed;
};

struct disk_model {
	struct disk_model_config config;
	struct sim *sim;
	struct rng rng;
	uint8_t *bytes; /* what is on the device */
	struct model_slot slot[MODEL_SLOTS];
	struct waitq room;
	unsigned left, in_flight;
	unsigned good, bad, flushes;
};

/* IOTOLL_TEST_SEED, or @otherwise; printed. */
uint64_t disk_model_seed(uint64_t otherwise);
/* The device is all zeros. */
void disk_model_init(struct disk_model *m, const struct disk_model_config *config);
void disk_model_fini(struct disk_model *m);
/* Begin with @bios, from tasks on the machine's first CPUs. */
void disk_model_start(struct disk_model *m, unsigned bios);
/* The same, until all have ended: within @seconds, as nothing may get lost. */
void disk_model_run(struct disk_model *m, unsigned bios, unsigned seconds);
/* The rest of what was started. */
void disk_model_wait(struct disk_model *m, unsigned seconds);
/* What is on the disk is what is in the array. */
void disk_model_check(const struct disk_model *m);

#endif
