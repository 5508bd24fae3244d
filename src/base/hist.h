/* SPDX-License-Identifier: MIT */
/*
 * Log-linear histogram of non-negative 64-bit values: exact below 64, above that 32 buckets per
 * power of two, so a reported percentile is at most 3.2 % above the true value (its bucket's
 * upper end is reported). Count, sum, minimum and maximum are exact. Fixed size, no allocation.
 */
#ifndef IOTOLL_BASE_HIST_H
#define IOTOLL_BASE_HIST_H

#include <stdint.h>

#define HIST_BUCKETS (64 + 58 * 32)

struct hist {
	uint64_t count;
	uint64_t sum; /* saturates at UINT64_MAX */
	uint64_t min; /* UINT64_MAX while empty */
	uint64_t max;
	uint64_t bucket[HIST_BUCKETS];
};

void hist_init(struct hist *h);
void hist_add(struct hist *h, uint64_t value);
/* Add @from's samples to @to. */
void hist_merge(struct hist *to, const struct hist *from);
/* Mean, 0 when empty. */
double hist_mean(const struct hist *h);
/*
 * The smallest recorded bucket's upper end below or at which at least @permille / 1000 of the
 * samples lie (never above max); 0 when empty. @permille in 0..1000.
 */
uint64_t hist_percentile(const struct hist *h, unsigned permille);
/* How many samples are strictly greater than @value, exact at bucket borders. */
uint64_t hist_count_above(const struct hist *h, uint64_t value);

#endif
