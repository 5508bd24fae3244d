/* SPDX-License-Identifier: MIT */
/*
 * How many unknown ranges one CPU's magazines held at the beginning: 0 to 254, which is all there
 * is to know of them, since the previous magazine is full or empty. Each number is tried on
 * everything that was recorded up to now, CPU after CPU; the one with which fewest predictions were
 * wrong is gone on from, of several the one with most right, the present one before others.
 */
#include <errno.h>
#include <string.h>

#include "predict/mirror_impl.h"

#define FILL_MAX 254u /* two magazines of 127 */

struct tally {
	uint64_t wrong, exact;
};

static bool concerns(const struct mirror_event *ev, unsigned class)
{
	return ev->op == MIRROR_STRANGERS || mirror_class(ev->count) == class;
}

/*
 * What would have come of @fill, for ranges of @class alone: the tree, which serves all, is another
 * without the others and does not count. Not beyond @enough wrong ones.
 */
static int try(const struct mirror *m, uint8_t (*fill)[MIRROR_CLASSES], unsigned class,
	       uint64_t enough, struct tally *out)
{
	struct mirror_state s;
	int rc = mirror_begin(m, &s, fill);

	*out = (struct tally){.wrong = 0};
	for (size_t i = 0; !rc && i < m->events && out->wrong <= enough; i++) {
		enum mirror_verdict verdict;
		bool by_tree;

		if (!concerns(&m->log[i], class))
			continue;
		/* What a history without the others has no place for, it does without. */
		if (mirror_step(&s, &m->log[i], &verdict, &by_tree, NULL) == -ENOMEM)
			rc = -ENOMEM;
		if (m->log[i].op != MIRROR_ALLOC || (by_tree && m->log[i].slow == MIRROR_SLOW_YES))
			continue;
		out->wrong += verdict == MIRROR_WRONG;
		out->exact += verdict == MIRROR_EXACT;
	}
	mirror_end(&s);
	return rc;
}

static bool better(const struct tally *t, const struct tally *than)
{
	return t->wrong < than->wrong || (t->wrong == than->wrong && t->exact > than->exact);
}

static bool equal(const struct tally *t, const struct tally *other)
{
	return t->wrong == other->wrong && t->exact == other->exact;
}

/*
 * CPU @cpu's best fill, into @fill. While a boundary is being passed many are as good: the one in
 * their middle halves what is left to be found out.
 */
static int fit_cpu(const struct mirror *m, uint8_t (*fill)[MIRROR_CLASSES], unsigned cpu,
		   unsigned class, struct tally *best)
{
	const uint8_t present = fill[cpu][class];
	struct tally tally[FILL_MAX + 1];
	unsigned good[FILL_MAX + 1], count = 0;
	const struct tally before = *best;

	for (unsigned v = 0; v <= FILL_MAX; v++) {
		int rc;

		fill[cpu][class] = (uint8_t)v;
		tally[v] = before;
		rc = v == present ? 0 : try(m, fill, class, best->wrong, &tally[v]);
		if (rc)
			return rc;
		if (better(&tally[v], best))
			*best = tally[v];
	}
	for (unsigned v = 0; v <= FILL_MAX; v++)
		if (equal(&tally[v], best))
			good[count++] = v;
	fill[cpu][class] = equal(&before, best) ? present : (uint8_t)good[count / 2];
	return 0;
}

static bool cpu_seen(const struct mirror *m, unsigned cpu, unsigned class)
{
	for (size_t i = 0; i < m->events; i++)
		if (m->log[i].cpu == cpu && mirror_class(m->log[i].count) == class &&
		    (m->log[i].op == MIRROR_ALLOC || m->log[i].op == MIRROR_FREE))
			return true;
	return false;
}

/* All of the log again, from the beginning that was found. */
static int begin_again(struct mirror *m)
{
	struct mirror_state s;
	int rc = mirror_begin(m, &s, m->fill);

	for (size_t i = 0; !rc && i < m->events; i++) {
		enum mirror_verdict verdict;
		bool by_tree;

		rc = mirror_step(&s, &m->log[i], &verdict, &by_tree, NULL);
	}
	if (rc) {
		mirror_end(&s);
		return rc == -ENOMEM ? rc : 0;
	}
	mirror_end(&m->now);
	m->now = s;
	m->now.iova->cpu = &m->now.cpu;
	return 0;
}

int mirror_fit(struct mirror *m, unsigned class)
{
	uint8_t fill[MIRROR_CPUS][MIRROR_CLASSES];
	struct tally best;
	int rc;

	memcpy(fill, m->fill, sizeof(fill));
	rc = try(m, fill, class, UINT64_MAX, &best);
	for (unsigned cpu = 0; !rc && cpu < MIRROR_CPUS; cpu++)
		if (cpu_seen(m, cpu, class))
			rc = fit_cpu(m, fill, cpu, class, &best);
	if (rc || !memcmp(fill, m->fill, sizeof(fill)))
		return rc;
	memcpy(m->fill, fill, sizeof(fill));
	return begin_again(m);
}
