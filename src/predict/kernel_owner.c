/* SPDX-License-Identifier: MIT */
/*
 * Whose an address is. iommu:map and iommu:unmap name neither device nor domain, and each domain
 * has addresses of its own, so the same ones occur in several. A probe of the DMA API names the
 * device; an invalidation names the domain. Without a probe a map can only be for a domain in which
 * its pages are free; where that leaves several, the one whose model would have given just this
 * address is gone on with. That is no prediction. What each model said is kept, and judged when the
 * unmap's descriptor names the domain whose map it was; of a map that is never unmapped, not at
 * all.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "predict/kernel.h"

static int make_lane(struct kernel *k, int device, int tag, unsigned *out, struct err *err)
{
	struct kernel_lane *l = &k->lane[k->lanes];
	int rc;

	if (k->lanes == KERNEL_LANES)
		return err_set(err, -EINVAL, "predict: expected at most %u domains", KERNEL_LANES);
	*l = (struct kernel_lane){.tag = tag, .device = device};
	l->lane = calloc(1, sizeof(*l->lane));
	l->queued = calloc(KERNEL_QUEUED, sizeof(*l->queued));
	rc = l->lane && l->queued
		     ? lane_init(l->lane, k->config->profile,
				 k->mode == KERNEL_LAZY ? "flush-queue" : "strict", err)
		     : err_set(err, -ENOMEM, "predict: out of memory");
	if (rc) {
		free(l->lane);
		free(l->queued);
		return rc;
	}
	*out = k->lanes++;
	return 0;
}

void kernel_drop_lanes(struct kernel *k)
{
	for (; k->riddles; k->riddles--, k->owners_never_told++)
		score_unobservable(&k->result->part[PREDICT_ADDRESSES]);
	for (unsigned i = 0; i < k->lanes; i++) {
		lane_fini(k->lane[i].lane);
		free(k->lane[i].lane);
		free(k->lane[i].queued);
	}
	k->lanes = 0;
}

int kernel_lane_of_device(struct kernel *k, int device, unsigned *out, struct err *err)
{
	for (unsigned i = 0; i < k->lanes; i++) {
		*out = i;
		if (k->lane[i].device == device)
			return 0;
	}
	/* One of which nothing was known but that it maps. */
	if (k->lanes == 1 && k->lane[0].device == NO_DEVICE && k->lane[0].tag == NO_TAG) {
		*out = 0;
		k->lane[0].device = device;
		return 0;
	}
	return make_lane(k, device, NO_TAG, out, err);
}

int kernel_lane_of_tag(struct kernel *k, int tag, uint64_t first, uint64_t pages, unsigned *out,
		       struct err *err)
{
	int nameless = -1, nameless_holder = -1;

	for (unsigned i = 0; i < k->lanes; i++) {
		*out = i;
		if (k->lane[i].tag == tag)
			return 0;
		if (k->lane[i].tag != NO_TAG)
			continue;
		if (pages && lane_owns(k->lane[i].lane, first, pages))
			nameless_holder = (int)i;
		if (nameless < 0 && k->lane[i].device == NO_DEVICE)
			nameless = (int)i;
	}
	if (nameless_holder < 0 && k->lanes == 1 && k->lane[0].tag == NO_TAG)
		nameless_holder = 0;
	if (nameless_holder < 0)
		nameless_holder = nameless;
	if (nameless_holder < 0)
		return make_lane(k, NO_DEVICE, tag, out, err);
	*out = (unsigned)nameless_holder;
	k->lane[*out].tag = tag;
	return 0;
}

int kernel_holder(const struct kernel *k, uint64_t first, uint64_t pages)
{
	for (unsigned i = 0; i < k->lanes; i++)
		if (lane_owns(k->lane[i].lane, first, pages))
			return (int)i;
	return -1;
}

static bool holds_any(const struct lane *l, uint64_t first, uint64_t pages)
{
	for (uint64_t i = 0; i < pages; i++)
		if (lane_owns(l, first + i, 1))
			return true;
	return false;
}

/* Among several: the one that would have given this very address, if there is one. */
static void ask_all(struct kernel *k, unsigned cpu, const bool *may, unsigned *out,
		    struct kernel_riddle *riddle)
{
	unsigned would = 0;

	for (unsigned i = 0; i < KERNEL_LANES; i++) {
		riddle->ours[i] = UINT64_MAX;
		if (i >= k->lanes || !may[i])
			continue;
		riddle->ours[i] = mirror_ask(&k->lane[i].lane->mirror, cpu, riddle->pages);
		if (riddle->ours[i] == riddle->first && !would++)
			*out = i;
	}
	k->owners_guessed++;
}

int kernel_owner(struct kernel *k, unsigned cpu, uint64_t first, uint64_t pages, unsigned *out,
		 bool *known, struct kernel_riddle *riddle, struct err *err)
{
	bool may[KERNEL_LANES] = {false};
	unsigned candidates = 0, last = 0;

	*known = true;
	if (!k->lanes)
		return make_lane(k, NO_DEVICE, NO_TAG, out, err);
	for (unsigned i = 0; i < k->lanes; i++) {
		may[i] = !holds_any(k->lane[i].lane, first, pages);
		candidates += may[i];
		last = may[i] ? i : last;
	}
	*out = last;
	if (k->lanes == 1 || candidates == 1)
		return 0;
	if (k->cpu[cpu].last_lane >= 0 && may[k->cpu[cpu].last_lane])
		*out = (unsigned)k->cpu[cpu].last_lane;
	*known = false;
	*riddle = (struct kernel_riddle){.first = first, .pages = pages};
	ask_all(k, cpu, may, out, riddle);
	return 0;
}

/* ---- riddles ---- */

int kernel_pose(struct kernel *k, const struct kernel_riddle *riddle, struct err *err)
{
	if (k->riddles == k->riddle_room) {
		const size_t room = k->riddle_room ? 2 * k->riddle_room : 64;
		struct kernel_riddle *grown = realloc(k->riddle, room * sizeof(*grown));

		if (!grown)
			return err_set(err, -ENOMEM, "predict: out of memory");
		k->riddle = grown;
		k->riddle_room = room;
	}
	k->riddle[k->riddles++] = *riddle;
	return 0;
}

static void judge(struct kernel *k, unsigned lane, const struct kernel_riddle *r)
{
	struct predict_score *score = &k->result->part[PREDICT_ADDRESSES];
	const uint64_t ours = r->ours[lane];
	struct predict_divergence *d;

	if (ours == UINT64_MAX) {
		score_unobservable(score);
		return;
	}
	if (ours == r->first) {
		score_exact(score);
		return;
	}
	d = score_wrong(score, r->line);
	if (!d)
		return;
	snprintf(d->expected, sizeof(d->expected), "iova %#llx",
		 (unsigned long long)ours << PREDICT_PAGE_SHIFT);
	snprintf(d->recorded, sizeof(d->recorded), "iova %#llx, %llu pages",
		 (unsigned long long)r->first << PREDICT_PAGE_SHIFT, (unsigned long long)r->pages);
	snprintf(d->state, sizeof(d->state), "domain %d, whose it was as its unmap told",
		 k->lane[lane].tag);
}

/* The oldest that began there: an older one of another domain is told of by its own unmap. */
void kernel_solve(struct kernel *k, unsigned lane, uint64_t first, uint64_t pages)
{
	for (size_t i = 0; i < k->riddles; i++) {
		if (k->riddle[i].first != first || k->riddle[i].pages != pages)
			continue;
		judge(k, lane, &k->riddle[i]);
		k->riddle[i] = k->riddle[--k->riddles];
		return;
	}
}
