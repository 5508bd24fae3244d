/* SPDX-License-Identifier: MIT */
/* See mirror.h. What rests on which rule of Linux's caches is said in dma/iova/rcache.h. */
#include "predict/mirror_impl.h"

#include <errno.h>
#include <stdlib.h>

#define WRONG_NEAR 64u /* allocations: so close to each other are several that belong together */
#define WRONG_FIT  4u  /* of them have the beginning looked for again ... */
#define FITS_MAX   8u  /* ... so often at the most */
#define FIT_EVENTS 40000u

static void ignore_wrap(void *ctx)
{
	(void)ctx;
}

/* ---- beginnings ---- */

/* @fill unknown ranges of @class on @cpu, from *@at on. */
static int put_markers(struct mirror_state *s, unsigned cpu, unsigned class, unsigned fill,
		       uint64_t *at)
{
	const uint64_t length = UINT64_C(1) << class;

	*at = (*at + length - 1) & ~(length - 1);
	s->cpu = cpu;
	for (unsigned i = 0; i < fill; i++, *at += length) {
		const int rc = *at + length <= MIRROR_MARKERS_END
				       ? s->iova->ops->history->seize(s->iova, *at, length, false)
				       : -ENOMEM;

		if (rc)
			return rc;
		s->iova->ops->free(s->iova, *at, length);
	}
	return 0;
}

void mirror_end(struct mirror_state *s)
{
	if (s->iova)
		s->iova->ops->destroy(s->iova);
	s->iova = NULL;
}

int mirror_begin(const struct mirror *m, struct mirror_state *s, uint8_t (*fill)[MIRROR_CLASSES])
{
	const struct iova_ops *ops = iova_find("magazines");
	const struct iova_config config = {.entries = m->entries, .cpus = MIRROR_CPUS};
	uint64_t at = 1;
	int rc;

	*s = (struct mirror_state){.iova = NULL};
	rc = ops->create(&s->iova, m->env, &config);
	if (rc)
		return rc;
	s->iova->ops = ops;
	s->iova->wrapped = ignore_wrap;
	s->iova->cpu = &s->cpu;
	for (unsigned cpu = 0; !rc && cpu < MIRROR_CPUS; cpu++)
		for (unsigned class = 0; !rc && class < MIRROR_CLASSES; class ++)
			rc = put_markers(s, cpu, class, fill[cpu][class], &at);
	for (unsigned i = 0; !rc && i < m->reservations; i++)
		rc = ops->reserve(s->iova, m->reserved[i].first, m->reserved[i].count);
	if (rc)
		mirror_end(s);
	return rc;
}

/* ---- one event ---- */

static enum mirror_verdict judge(const struct mirror_state *s, const struct mirror_event *ev,
				 bool right, bool marker, bool by_tree)
{
	const unsigned class = mirror_class(ev->count);
	const enum mirror_verdict verdict = right ? MIRROR_EXACT : MIRROR_WRONG;

	if (marker)
		return MIRROR_UNOBSERVABLE;
	if (!by_tree)
		return verdict;
	if (ev->slow == MIRROR_SLOW_YES)
		return s->tree_known ? verdict : MIRROR_UNOBSERVABLE;
	/* Something was cached that is not here. If it should be, that is our mistake. */
	return ev->slow == MIRROR_SLOW_NO && class < MIRROR_CLASSES && s->emptied[ev->cpu][class]
		       ? MIRROR_WRONG
		       : MIRROR_UNOBSERVABLE;
}

static int step_alloc(struct mirror_state *s, const struct mirror_event *ev,
		      enum mirror_verdict *verdict, bool *by_tree, struct mirror_answer *answer)
{
	const struct iova_history_ops *history = s->iova->ops->history;
	const struct iova_want want = {.count = ev->count, .limit = s->iova->entries};
	const unsigned class = mirror_class(ev->count);
	const bool slow = ev->slow == MIRROR_SLOW_YES;
	const uint64_t before = s->iova->slow;
	uint64_t ours = UINT64_MAX;
	bool marker, right;
	int rc;

	if (answer)
		history->describe(s->iova, &want, answer->state, sizeof(answer->state));
	rc = s->iova->ops->alloc(s->iova, &want, &ours);
	if (rc == -ENOMEM)
		return rc;
	marker = !rc && ours < MIRROR_MARKERS_END;
	right = !rc && ours == ev->first;
	*by_tree = s->iova->slow != before;
	*verdict = judge(s, ev, right, marker, *by_tree);
	if (answer)
		answer->predicted = rc ? UINT64_MAX : ours;
	s->tree_known |= slow;
	if (slow && class < MIRROR_CLASSES)
		s->emptied[ev->cpu][class] = true;
	if (right && (slow || !*by_tree))
		return 0;
	if (!rc && marker)
		history->forget(s->iova, ours, ev->count);
	else if (!rc)
		history->undo(s->iova, ours, ev->count);
	return history->seize(s->iova, ev->first, ev->count, slow);
}

int mirror_step(struct mirror_state *s, const struct mirror_event *ev, enum mirror_verdict *verdict,
		bool *by_tree, struct mirror_answer *answer)
{
	*verdict = MIRROR_EXACT;
	*by_tree = false;
	s->cpu = ev->cpu;
	switch ((enum mirror_op)ev->op) {
	case MIRROR_ALLOC:
		return step_alloc(s, ev, verdict, by_tree, answer);
	case MIRROR_FREE:
		if (!s->iova->ops->owns(s->iova, ev->first, ev->count))
			return -EEXIST;
		s->iova->ops->free(s->iova, ev->first, ev->count);
		return 0;
	case MIRROR_ADOPT:
		return s->iova->ops->history->seize(s->iova, ev->first, ev->count, false);
	case MIRROR_FORGET:
		if (!s->iova->ops->owns(s->iova, ev->first, ev->count))
			return -EEXIST;
		s->iova->ops->history->forget(s->iova, ev->first, ev->count);
		return 0;
	case MIRROR_STRANGERS:
		for (unsigned cpu = 0; cpu < MIRROR_CPUS; cpu++)
			for (unsigned class = 0; class < MIRROR_CLASSES; class ++)
				s->emptied[cpu][class] = false;
		return 0;
	}
	return 0;
}

/* ---- the present ---- */

static int record(struct mirror *m, const struct mirror_event *ev)
{
	if (m->events == m->room) {
		const size_t room = m->room ? 2 * m->room : 1024;
		struct mirror_event *grown = realloc(m->log, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		m->log = grown;
		m->room = room;
	}
	m->log[m->events++] = *ev;
	return 0;
}

/* A wrong one: is it time to look for another beginning? */
static int refit(struct mirror *m, unsigned cpu, unsigned class)
{
	const bool near = m->allocations[class] - m->last_wrong[class] < WRONG_NEAR;

	m->recent[cpu][class] = near ? m->recent[cpu][class] + 1 : 1;
	m->last_wrong[class] = m->allocations[class];
	if (m->recent[cpu][class] < WRONG_FIT || m->fits[class] == FITS_MAX ||
	    m->events > FIT_EVENTS)
		return 0;
	m->recent[cpu][class] = 0;
	m->fits[class]++;
	return mirror_fit(m, class);
}

int mirror_alloc(struct mirror *m, unsigned cpu, uint64_t first, uint64_t count,
		 enum mirror_slow slow, struct mirror_answer *answer)
{
	const struct mirror_event ev = {.first = first,
					.count = count,
					.op = MIRROR_ALLOC,
					.cpu = (uint8_t)cpu,
					.slow = (uint8_t)slow};
	const unsigned class = mirror_class(count);
	bool by_tree;
	int rc = mirror_step(&m->now, &ev, &answer->verdict, &by_tree, answer);

	if (rc == -EEXIST && answer->verdict == MIRROR_EXACT)
		answer->verdict = MIRROR_WRONG;
	if (rc)
		return rc;
	rc = record(m, &ev);
	if (rc || class >= MIRROR_CLASSES)
		return rc;
	m->allocations[class]++;
	return answer->verdict == MIRROR_WRONG ? refit(m, cpu, class) : 0;
}

uint64_t mirror_ask(struct mirror *m, unsigned cpu, uint64_t count)
{
	const struct iova_want want = {.count = count, .limit = m->entries};
	const uint64_t before = m->now.iova->slow;
	uint64_t ours;
	bool by_tree;

	m->now.cpu = cpu;
	if (m->now.iova->ops->alloc(m->now.iova, &want, &ours))
		return UINT64_MAX;
	by_tree = m->now.iova->slow != before;
	m->now.iova->ops->history->undo(m->now.iova, ours, count);
	return by_tree || ours < MIRROR_MARKERS_END ? UINT64_MAX : ours;
}

static int simple(struct mirror *m, enum mirror_op op, unsigned cpu, uint64_t first, uint64_t count)
{
	const struct mirror_event ev = {
		.first = first, .count = count, .op = (uint8_t)op, .cpu = (uint8_t)cpu};
	enum mirror_verdict ignored;
	bool by_tree;
	int rc = mirror_step(&m->now, &ev, &ignored, &by_tree, NULL);

	/* A log with a hole would begin another history: then rather none is looked for. */
	if (!rc && record(m, &ev))
		m->events = FIT_EVENTS + 1;
	return rc;
}

int mirror_adopt(struct mirror *m, uint64_t first, uint64_t count)
{
	return simple(m, MIRROR_ADOPT, 0, first, count);
}

void mirror_free(struct mirror *m, unsigned cpu, uint64_t first, uint64_t count)
{
	(void)!simple(m, MIRROR_FREE, cpu, first, count);
}

void mirror_forget(struct mirror *m, uint64_t first, uint64_t count)
{
	(void)!simple(m, MIRROR_FORGET, 0, first, count);
}

void mirror_strangers(struct mirror *m)
{
	(void)!simple(m, MIRROR_STRANGERS, 0, 0, 0);
}

bool mirror_owns(const struct mirror *m, uint64_t first, uint64_t count)
{
	return m->now.iova->ops->owns(m->now.iova, first, count);
}

int mirror_reserve(struct mirror *m, uint64_t first, uint64_t count)
{
	if (m->reservations == sizeof(m->reserved) / sizeof(m->reserved[0]))
		return -ENOSPC;
	m->reserved[m->reservations].first = first;
	m->reserved[m->reservations++].count = count;
	return m->now.iova->ops->reserve(m->now.iova, first, count);
}

int mirror_init(struct mirror *m, struct dma_env *env, uint64_t entries)
{
	*m = (struct mirror){.env = env, .entries = entries};
	return mirror_begin(m, &m->now, m->fill);
}

void mirror_fini(struct mirror *m)
{
	mirror_end(&m->now);
	free(m->log);
	*m = (struct mirror){.env = NULL};
}
