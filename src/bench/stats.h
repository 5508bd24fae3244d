/* SPDX-License-Identifier: MIT */
/*
 * What is said of a row of measured rounds: order statistics, which need no assumption about how
 * the rounds are spread, and an interval that holds the median with a probability of 95 %.
 */
#ifndef IOTOLL_BENCH_STATS_H
#define IOTOLL_BENCH_STATS_H

#include <stdbool.h>
#include <stddef.h>

struct stats {
	double median, p10, p99;
	double low, high; /* the interval; as far as the samples reach if they are too few */
	bool held;        /* there were enough for one */
};

/*
 * At which sample, counted from either end, the 95 % interval of the median of @n ends: the largest
 * k for which k - 1 heads or fewer in n throws of a coin have a probability of 2.5 % at the most.
 * 0:
 * @n, under 6, are too few for any. (The sign test's interval; e.g. David and Nagaraja, "Order
 * Statistics", section 7.1.)
 */
size_t stats_rank(size_t n);
/* Of @n > 0 samples, which are put in order by this. */
void stats_of(double *samples, size_t n, struct stats *out);
/* Of @n > 0 samples in order, the smallest that @permille of 1000 do not exceed. */
double stats_quantile(const double *sorted, size_t n, unsigned permille);
/* Are both ends of the interval within @percent of the median? */
bool stats_within(const struct stats *s, double percent);

#endif
