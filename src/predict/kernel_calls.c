/* SPDX-License-Identifier: MIT */
/*
 * Maps. Where the DMA API is recorded as well, the call around a map says for which device it is,
 * and the pages of a list or of coherent memory, mapped piece by piece, are one range.
 */
#include <errno.h>
#include <stdio.h>

#include "predict/kernel.h"

static void words_of(const struct kernel *k, const struct lane *l, uint64_t line, uint64_t first,
		     uint64_t pages, unsigned lane, struct predict_divergence *d)
{
	if (l->answer.predicted == UINT64_MAX)
		snprintf(d->expected, sizeof(d->expected), "no room");
	else
		snprintf(d->expected, sizeof(d->expected), "iova %#llx",
			 (unsigned long long)l->answer.predicted << PREDICT_PAGE_SHIFT);
	snprintf(d->recorded, sizeof(d->recorded), "iova %#llx, %llu pages",
		 (unsigned long long)first << PREDICT_PAGE_SHIFT, (unsigned long long)pages);
	snprintf(d->state, sizeof(d->state), "domain %d: %s", k->lane[lane].tag, l->answer.state);
	d->line = line;
}

static void score_map(struct kernel *k, unsigned lane, uint64_t line, uint64_t first,
		      uint64_t pages)
{
	struct predict_score *score = &k->result->part[PREDICT_ADDRESSES];
	const struct lane *l = k->lane[lane].lane;
	const enum mirror_verdict verdict = l->answer.verdict;
	struct predict_divergence *d;

	if (verdict == MIRROR_EXACT) {
		score_exact(score);
	} else if (verdict == MIRROR_UNOBSERVABLE) {
		score_unobservable(score);
	} else {
		d = score_wrong(score, line);
		if (d)
			words_of(k, l, line, first, pages, lane, d);
	}
}

/* One range, wherever it came from. */
static int place(struct kernel *k, unsigned cpu, const struct kernel_call *range,
		 enum mirror_slow slow, struct err *err)
{
	struct kernel_riddle riddle;
	bool known = true;
	struct lane *l;
	unsigned lane;
	int rc;

	if (range->device == NO_DEVICE)
		rc = kernel_owner(k, cpu, range->first, range->pages, &lane, &known, &riddle, err);
	else
		rc = kernel_lane_of_device(k, range->device, &lane, err);
	if (rc)
		return rc;
	l = k->lane[lane].lane;
	k->cpu[cpu].last_lane = (int)lane;
	rc = lane_map(l, cpu, range->first, range->pages, slow);
	riddle.line = range->line;
	if (known)
		score_map(k, lane, range->line, range->first, range->pages);
	else if (kernel_pose(k, &riddle, err))
		return -ENOMEM;
	if (!rc)
		return 0;
	/* Ours has it in use, or as a part of something: it was wrong about that, too. */
	score_note(k->result, "maps were recorded of addresses that were in use here");
	if (lane_owns(l, range->first, range->pages) &&
	    !lane_waits(l, range->first, range->pages)) {
		lane_forget(l, range->first, range->pages);
		(void)!lane_adopt(l, range->first, range->pages);
	}
	return 0;
}

static uint64_t rounded(uint64_t pages)
{
	return pages > 1 && pages < 32 ? UINT64_C(1) << (64 - __builtin_clzll(pages - 1)) : pages;
}

static enum mirror_slow slowness(struct kernel *k, struct kernel_cpu *c, bool of_call,
				 uint64_t pages)
{
	bool slow = of_call;

	if (c->slow_pages && c->slow_pages == rounded(pages)) {
		slow = true;
		c->slow_pages = 0;
	}
	if (slow)
		return MIRROR_SLOW_YES;
	return k->tells_slow ? MIRROR_SLOW_NO : MIRROR_SLOW_UNSAID;
}

static bool is_list(enum trace_kind kind)
{
	return kind == TRACE_API_MAP_SG || kind == TRACE_API_ALLOC;
}

int kernel_map(struct kernel *k, const struct kernel_event *ev, struct err *err)
{
	struct kernel_cpu *c = &k->cpu[ev->cpu];
	struct kernel_call *call = c->calls ? &c->call[c->calls - 1] : NULL;
	struct kernel_call range = {
		.device = NO_DEVICE, .first = ev->first, .pages = ev->pages, .line = ev->line};
	bool slow = false;

	if (call && is_list(call->kind)) {
		if (!call->pages) {
			call->first = ev->first;
			call->line = ev->line;
		}
		call->pages += ev->pages;
		return 0;
	}
	if (call && call->kind == TRACE_API_MAP && call->pages == ev->pages) {
		range.device = call->device;
		slow = call->slow;
		call->slow = false;
	}
	return place(k, ev->cpu, &range, slowness(k, c, slow, ev->pages), err);
}

/* A call begins. Of more than there is room for the oldest never returned. */
static void begin_call(struct kernel_cpu *c, const struct kernel_event *ev)
{
	if (c->calls == KERNEL_CALLS) {
		for (unsigned i = 1; i < KERNEL_CALLS; i++)
			c->call[i - 1] = c->call[i];
		c->calls--;
	}
	c->call[c->calls++] = (struct kernel_call){
		.kind = ev->kind,
		.device = ev->device,
		.pages = ev->kind == TRACE_API_MAP ? ev->pages : 0,
	};
}

/* It returns: the innermost of its kind, with all that never did. */
static int end_call(struct kernel *k, unsigned cpu, enum trace_kind kind, struct err *err)
{
	struct kernel_cpu *c = &k->cpu[cpu];
	struct kernel_call range;
	unsigned i = c->calls;

	while (i && c->call[i - 1].kind != kind)
		i--;
	if (!i)
		return 0;
	range = c->call[i - 1];
	c->calls = i - 1;
	if (!is_list(kind) || !range.pages)
		return 0;
	return place(k, cpu, &range, slowness(k, c, range.slow, range.pages), err);
}

int kernel_call(struct kernel *k, const struct kernel_event *ev, struct err *err)
{
	struct kernel_cpu *c = &k->cpu[ev->cpu];

	switch (ev->kind) {
	case TRACE_API_MAP:
	case TRACE_API_MAP_SG:
	case TRACE_API_ALLOC:
		begin_call(c, ev);
		return 0;
	case TRACE_API_MAP_RET:
		return end_call(k, ev->cpu, TRACE_API_MAP, err);
	case TRACE_API_MAP_SG_RET:
		return end_call(k, ev->cpu, TRACE_API_MAP_SG, err);
	case TRACE_API_ALLOC_RET:
		return end_call(k, ev->cpu, TRACE_API_ALLOC, err);
	case TRACE_IOVA_SLOW:
		k->tells_slow = true;
		if (c->calls)
			c->call[c->calls - 1].slow = true;
		else
			c->slow_pages = ev->pages;
		return 0;
	default: /* an unmap: it is about to say itself which pages */
		c->asked = (struct kernel_unmap){.first = ev->first,
						 .pages = ev->pages ? ev->pages : 1,
						 .device = ev->device};
		return 0;
	}
}
