/* SPDX-License-Identifier: MIT */
/* See stats.h. */
#include "bench/stats.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

size_t stats_rank(size_t n)
{
	const double all = lgamma((double)n + 1) - (double)n * M_LN2;
	double below = 0;
	size_t k = 0;

	while (k < n / 2) {
		below += exp(all - lgamma((double)k + 1) - lgamma((double)(n - k) + 1));
		if (below > 0.025)
			break;
		k++;
	}
	return k;
}

double stats_quantile(const double *sorted, size_t n, unsigned permille)
{
	const size_t rank = (n * permille + 999) / 1000;

	return sorted[rank ? rank - 1 : 0];
}

void stats_of(double *samples, size_t n, struct stats *out)
{
	const size_t k = stats_rank(n);

	qsort(samples, n, sizeof(*samples), ascending);
	out->median = n % 2 ? samples[n / 2] : (samples[n / 2 - 1] + samples[n / 2]) / 2;
	out->p10 = stats_quantile(samples, n, 100);
	out->p99 = stats_quantile(samples, n, 990);
	out->held = k > 0;
	out->low = samples[k ? k - 1 : 0];
	out->high = samples[k ? n - k : n - 1];
}

bool stats_within(const struct stats *s, double percent)
{
	const double room = s->median * percent / 100;

	return s->held && s->high - s->median <= room && s->median - s->low <= room;
}
