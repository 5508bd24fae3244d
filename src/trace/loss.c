// SPDX-License-Identifier: MIT
/* What a recording does not have: see loss.h. */
#include "trace/loss.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PAGE_SHIFT 12

int loss_init(struct loss *l)
{
	int rc;

	*l = (struct loss){0};
	rc = match_init(&l->match);
	if (rc)
		return rc;
	rc = pageset_init(&l->seen);
	if (rc)
		match_fini(&l->match);
	return rc;
}

void loss_fini(struct loss *l)
{
	match_list_fini(&l->ended);
	pageset_fini(&l->seen);
	match_fini(&l->match);
}

static int loss_map(struct loss *l, const struct trace_event *ev)
{
	const uint64_t first = ev->iova >> PAGE_SHIFT, pages = ev->bytes >> PAGE_SHIFT;
	struct match_map *map;
	bool shared;
	int rc;

	l->mapped_bytes += ev->bytes;
	if (pages > LOSS_PAGES_MAX - l->match.live_pages) {
		l->unfollowed_bytes += ev->bytes;
		return 0;
	}
	rc = match_add(&l->match, first, pages, &map, &shared);
	if (rc)
		return rc;
	map->state = MATCH_READY;
	l->shared_maps += shared;
	for (uint64_t i = 0; i < pages; i++)
		if (pageset_add(&l->seen, first + i) < 0)
			return -ENOMEM;
	return 0;
}

/* Pages without a map: were they seen before, or did the recording begin in their life? */
static int loss_unmapped(struct loss *l, uint64_t first, uint64_t pages, uint64_t owned)
{
	uint64_t again = 0;

	for (uint64_t i = 0; i < pages; i++) {
		const int rc = pageset_add(&l->seen, first + i);

		if (rc < 0)
			return rc;
		again += rc == 0;
	}
	/* Of those seen before, the owned ones were mapped. */
	again = again > owned ? again - owned : 0;
	l->again_bytes += again << PAGE_SHIFT;
	l->before_bytes += (pages - owned - again) << PAGE_SHIFT;
	return 0;
}

static int loss_unmap(struct loss *l, const struct trace_event *ev)
{
	const uint64_t first = ev->iova >> PAGE_SHIFT, pages = ev->done_bytes >> PAGE_SHIFT;
	int rc;

	l->unmapped_bytes += ev->done_bytes;
	if (pages > LOSS_PAGES_MAX) {
		l->unfollowed_bytes += ev->done_bytes;
		return 0;
	}
	rc = match_take(&l->match, first, pages, &l->ended);
	if (rc)
		return rc;
	for (size_t i = 0; i < l->ended.count; i++)
		match_release(&l->match, l->ended.map[i]);
	return loss_unmapped(l, first, pages, l->ended.pages);
}

int loss_take(struct loss *l, const struct trace_event *ev)
{
	const bool moves = ev->kind == TRACE_MAP || ev->kind == TRACE_UNMAP;

	if (trace_has(ev, TRACE_F_TIME)) {
		if (ev->time_ns < l->last_ns && moves)
			l->backward_bytes += ev->bytes;
		l->last_ns = ev->time_ns;
	}
	if (ev->kind == TRACE_MAP)
		return loss_map(l, ev);
	return ev->kind == TRACE_UNMAP ? loss_unmap(l, ev) : 0;
}

int loss_judge(const struct trace *t, const struct loss *l, struct err *err)
{
	const struct trace_tally *y = trace_tally(t);
	const double all = (double)y->events + (double)y->lost_events;

	if (y->lost_events && (double)y->lost_events > LOSS_EVENTS_SHARE * all)
		return err_set(err, -EINVAL,
			       "%s: the recorder lost %llu events beside these %llu: expected at "
			       "most %g of all (--allow-loss takes it as it is)",
			       trace_name(t), (unsigned long long)y->lost_events,
			       (unsigned long long)y->events, LOSS_EVENTS_SHARE);
	if (y->lost_marks && !y->lost_events)
		return err_set(err, -EINVAL,
			       "%s: the recorder lost events at %llu places and does not say how "
			       "many (--allow-loss takes it as it is)",
			       trace_name(t), (unsigned long long)y->lost_marks);
	if (l && (double)l->again_bytes > LOSS_BYTES_SHARE * (double)l->unmapped_bytes)
		return err_set(err, -EINVAL,
			       "%s: %llu of %llu bytes were unmapped again without a map: events "
			       "are missing (--allow-loss takes it as it is)",
			       trace_name(t), (unsigned long long)l->again_bytes,
			       (unsigned long long)l->unmapped_bytes);
	return 0;
}

static void loss_add(char *text, size_t bytes, uint64_t n, const char *words)
{
	const size_t used = strlen(text);

	if (n)
		snprintf(text + used, bytes - used, "%s%llu %s", used ? ", " : "",
			 (unsigned long long)n, words);
}

void loss_words(const struct trace *t, const struct loss *l, char *text, size_t bytes)
{
	const struct trace_tally *y = trace_tally(t);

	*text = '\0';
	loss_add(text, bytes, y->lost_events, "events lost by the recorder");
	loss_add(text, bytes, y->lost_marks, "places where it lost some");
	loss_add(text, bytes, y->backwards, "events out of order");
	loss_add(text, bytes, y->unknown_lines, "lines that are no events");
	if (l)
		loss_add(text, bytes, l->again_bytes, "bytes unmapped again without a map");
}
