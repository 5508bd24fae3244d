/* SPDX-License-Identifier: MIT */
/*
 * This host as a machine of the laboratory. What can be measured here is measured, by src/host and
 * by the DMA layer on real threads, and becomes a profile; what cannot, is taken from a documented
 * machine and says so. Then the same loop, map and unmap in a ring, is run on real threads and in
 * the laboratory with that profile, and the two times stand side by side: so the model is held
 * against something that it was not made from.
 */
#ifndef IOTOLL_CALIBRATE_CALIBRATE_H
#define IOTOLL_CALIBRATE_CALIBRATE_H

#include <stdint.h>
#include <stdio.h>

#include "host/host.h"

/* Steps of the DMA layer, each measured by runs that differ in it alone. Nanoseconds. */
enum calibrate_step {
	STEP_CALL,  /* entering and leaving the DMA API */
	STEP_WORD,  /* one more word of the bitmap searched */
	STEP_ENTRY, /* one more entry stored */
	CALIBRATE_STEPS,
};

struct calibrate_step_row {
	const char *name, *title;
};

extern const struct calibrate_step_row calibrate_steps[CALIBRATE_STEPS];

struct calibration {
	char cpu[96]; /* as it calls itself */
	bool virtual_cpu;
	unsigned cpus;
	uint64_t memory_bytes;
	struct host_caches caches;
	bool has_caches; /* the system describes them */
	struct host_sample host[HOST_QUANTITIES];
	struct host_sample step[CALIBRATE_STEPS];
};

struct calibrate_options {
	struct host_options host;
	/* Told before each measurement; may be NULL. @ctx is host.ctx. */
	void (*begin)(void *ctx, const char *what, unsigned index, unsigned of);
};

/*
 * Measure everything. Some seconds to a minute; one at a time in a process. 0; -EINTR; -ENOMEM;
 * -EINVAL with @err.
 */
int calibrate_measure(struct calibration *out, const struct calibrate_options *options,
		      struct err *err) MUST_CHECK;

/* The name of the documented machine nearest to @c's: the newest of the same maker. */
const char *calibrate_nearest(const struct calibration *c);
/*
 * Write a machine profile: the values of @c, and of the profile in the file @base_path, called
 * @base_name, what @c has not. 0; what profile_rows() says of @base_path; -EIO.
 */
int calibrate_write(FILE *out, const struct calibration *c, const char *base_path,
		    const char *base_name, struct err *err) MUST_CHECK;
/*
 * Which parameter of a profile ("memory.dram_miss") row @which of the host becomes, or which step;
 * NULL: none.
 */
const char *calibrate_host_key(enum host_quantity which);
const char *calibrate_step_key(enum calibrate_step which);

/* ---- the model against a measurement ---- */

#define CALIBRATE_CHECKS    5u
#define CALIBRATE_OVERRIDES 8u
#define CALIBRATE_WITHIN    2.0 /* times, either way: what is asked of the model */

/* One more thing that is different from the profile in the laboratory's run, and why. */
struct calibrate_override {
	char text[64]; /* "iommu.invalidate=0 ns" */
	const char *why;
};

struct calibrate_check {
	const char *iommu, *strategy;
	struct host_sample measured; /* ns: one map and one unmap */
	double model;                /* ns, likewise; 0 if it is not judged */
	double ratio;                /* model to measurement */
	bool judged, met;
	const char *note; /* why it is not judged; "" */
	struct calibrate_override override[CALIBRATE_OVERRIDES];
	unsigned overrides;
};

/*
 * The loop of each row on real threads and, with the profile in the file @path, in the laboratory.
 * Errors as those of calibrate_measure() and profile_load().
 */
int calibrate_check(struct calibrate_check out[CALIBRATE_CHECKS], const char *path,
		    const struct calibrate_options *options, struct err *err) MUST_CHECK;
/* Mappings that are alive at a time in that loop, and entries of its table. */
unsigned calibrate_check_ring(void);
unsigned calibrate_check_entries(void);

#endif
