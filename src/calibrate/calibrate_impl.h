/* SPDX-License-Identifier: MIT */
/* What the files of src/calibrate share. */
#ifndef IOTOLL_CALIBRATE_CALIBRATE_IMPL_H
#define IOTOLL_CALIBRATE_CALIBRATE_IMPL_H

#include "calibrate/calibrate.h"

#define CHECK_RING    256u
#define CHECK_ENTRIES 8192u /* of the table: 64 KiB, which a second level holds */

/* Measure step @which as @options say. As calibrate_measure(). */
int step_measure(enum calibrate_step which, const struct host_options *options,
		 struct host_sample *out, struct err *err) MUST_CHECK;

/* Could model_pair() use the profile in @path? 0; its errors. */
int model_possible(const char *path, struct err *err) MUST_CHECK;
/*
 * Nanoseconds that a map and an unmap take in the laboratory, on the machine of the profile in
 * @path with @overrides: bare metal, nothing but that loop. Errors as profile_load().
 */
int model_pair(double *ns, const char *path, const char *const *overrides, const char *iommu,
	       const char *strategy, struct err *err) MUST_CHECK;

#endif
