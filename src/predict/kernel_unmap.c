/* SPDX-License-Identifier: MIT */
/*
 * Unmaps, and what the kernel told the invalidation queue. In strict mode each unmap is followed by
 * one descriptor, and its range is free from there on; in lazy mode it goes into its CPU's ring,
 * and a descriptor for the whole domain follows when that is full, or comes of the timer. When the
 * timer goes off is an input: it depends on the tick, and on how busy the machine was.
 *
 * What a ring held when the recording began is unknown until its first flush. Till then unmaps are
 * kept back: none of them comes back earlier, there as here.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dma/strategy/flush_queue.h"
#include "predict/kernel.h"
#include "spec/vtd.h"

/* ---- descriptors compared ---- */

static void in_words(char *to, size_t bytes, const uint64_t word[2])
{
	snprintf(to, bytes, "descriptor %#llx %#llx", (unsigned long long)word[0],
		 (unsigned long long)word[1]);
}

/* Ours with the recorded kernel's number for this domain, which is a name. */
static uint64_t named(const struct kernel_lane *kl, uint64_t word)
{
	return (word & ~VTD_DESC_DID) | (uint64_t)(uint32_t)kl->tag << VTD_DESC_DID_SHIFT;
}

/* The @count descriptors that ours said, the first of them @desc, against the one recorded. */
static void score_descriptor(struct kernel *k, unsigned lane, const struct kernel_event *ev,
			     const struct lane_descriptor *desc, unsigned count,
			     const char *because)
{
	struct predict_score *score = &k->result->part[PREDICT_INVALIDATIONS];
	const uint64_t ours[2] = {count ? named(&k->lane[lane], desc->word[0]) : 0,
				  count ? desc->word[1] : 0};
	struct predict_divergence *d;

	if (count == 1 && ours[0] == ev->word[0] && ours[1] == ev->word[1]) {
		score_exact(score);
		return;
	}
	d = score_wrong(score, ev->line);
	if (!d)
		return;
	if (count == 1)
		in_words(d->expected, sizeof(d->expected), ours);
	else
		snprintf(d->expected, sizeof(d->expected), "%u descriptors", count);
	in_words(d->recorded, sizeof(d->recorded), ev->word);
	snprintf(d->state, sizeof(d->state), "domain %d, %s", k->lane[lane].tag, because);
}

/* ---- unmaps ---- */

/* Have @lane hold the range, if it does not: it does since before, or another was taken for it. */
static bool settle_owner(struct kernel *k, unsigned lane, const struct kernel_unmap *u)
{
	struct lane *l = k->lane[lane].lane;
	int other;

	if (lane_owns(l, u->first, u->pages))
		return !lane_waits(l, u->first, u->pages);
	other = kernel_holder(k, u->first, u->pages);
	if (other >= 0 && !lane_waits(k->lane[other].lane, u->first, u->pages))
		lane_forget(k->lane[other].lane, u->first, u->pages);
	return lane_adopt(l, u->first, u->pages) == 0;
}

/* It should have flushed, and nothing of the kind was recorded. */
static void flush_missed(struct kernel *k, struct kernel_cpu *c)
{
	struct predict_divergence *d;

	if (c->flush_lane < 0)
		return;
	d = score_wrong(&k->result->part[PREDICT_FLUSHES], c->flush_line);
	if (d) {
		in_words(d->expected, sizeof(d->expected), c->flush_desc.word);
		snprintf(d->recorded, sizeof(d->recorded), "no flush before the next unmap");
		snprintf(d->state, sizeof(d->state), "domain %d, its CPU's ring full",
			 k->lane[c->flush_lane].tag);
	}
	c->flush_lane = -1;
}

static void unmap_lazily(struct kernel *k, unsigned lane, const struct kernel_unmap *u)
{
	struct kernel_cpu *c = &k->cpu[u->cpu];
	struct lane *l = k->lane[lane].lane;

	if (!settle_owner(k, lane, u))
		return;
	flush_missed(k, c);
	lane_unmap(l, u->cpu, u->first, u->pages);
	if (l->descs) {
		c->flush_lane = (int)lane;
		c->flush_line = u->line;
		c->flush_desc = l->desc[0];
	}
}

static int owner_of_unmap(struct kernel *k, const struct kernel_unmap *u, unsigned *lane,
			  struct err *err)
{
	struct kernel_riddle ignored;
	bool known;
	int holder;

	if (u->device != NO_DEVICE)
		return kernel_lane_of_device(k, u->device, lane, err);
	holder = kernel_holder(k, u->first, u->pages);
	if (holder >= 0) {
		*lane = (unsigned)holder;
		return 0;
	}
	return kernel_owner(k, u->cpu, u->first, u->pages, lane, &known, &ignored, err);
}

static int unmap_now(struct kernel *k, const struct kernel_unmap *u, struct err *err)
{
	unsigned lane;
	struct kernel_lane *kl;
	int rc = owner_of_unmap(k, u, &lane, err);

	if (rc)
		return rc;
	kl = &k->lane[lane];
	if (k->mode == KERNEL_LAZY && !kl->flushed) {
		if (kl->queue == KERNEL_QUEUED)
			return err_set(
				err, -EINVAL,
				"predict: line %llu: %u unmaps without a flush: expected one "
				"when %u wait on a CPU",
				(unsigned long long)u->line, KERNEL_QUEUED, FLUSH_QUEUE_ROOM);
		kl->queued[kl->queue++] = *u;
	} else if (k->mode == KERNEL_LAZY) {
		unmap_lazily(k, lane, u);
	} else if (settle_owner(k, lane, u)) {
		lane_unmap(kl->lane, u->cpu, u->first, u->pages);
	}
	return 0;
}

int kernel_unmap(struct kernel *k, const struct kernel_event *ev, struct err *err)
{
	struct kernel_cpu *c = &k->cpu[ev->cpu];
	struct kernel_unmap u = {.line = ev->line,
				 .first = ev->first,
				 .pages = ev->pages,
				 .cpu = ev->cpu,
				 .device = NO_DEVICE};

	if (c->asked.pages && (c->asked.first == u.first || c->asked.first == UINT64_MAX)) {
		u.device = c->asked.device;
		c->asked.pages = 0;
	}
	if (k->mode != KERNEL_STRICT)
		return unmap_now(k, &u, err);
	if (c->unmaps == KERNEL_UNMAPS) {
		score_note(k->result, "unmaps were recorded without their invalidations");
		c->unmaps = 0;
	}
	c->unmap[c->unmaps++] = u;
	return 0;
}

/* ---- descriptors recorded ---- */

/* The unmap that @ev belongs to: the last on this CPU that begins there. */
static bool take_unmap(struct kernel_cpu *c, const struct kernel_event *ev,
		       struct kernel_unmap *out)
{
	for (unsigned i = c->unmaps; i-- > 0;) {
		if (c->unmap[i].first != ev->first)
			continue;
		*out = c->unmap[i];
		c->unmaps--;
		for (; i < c->unmaps; i++)
			c->unmap[i] = c->unmap[i + 1];
		return true;
	}
	return false;
}

static int strict_descriptor(struct kernel *k, const struct kernel_event *ev, struct err *err)
{
	struct kernel_unmap u;
	unsigned lane;
	int rc;

	if (!take_unmap(&k->cpu[ev->cpu], ev, &u)) {
		score_note(k->result, "invalidations were recorded without their unmaps");
		return 0;
	}
	if (u.device == NO_DEVICE)
		score_note(
			k->result,
			"where no probe names a device, a descriptor's domain id is taken from it");
	rc = u.device == NO_DEVICE ? kernel_lane_of_tag(k, ev->tag, u.first, u.pages, &lane, err)
				   : kernel_lane_of_device(k, u.device, &lane, err);
	if (rc)
		return rc;
	if (k->lane[lane].tag == NO_TAG)
		k->lane[lane].tag = ev->tag;
	kernel_solve(k, lane, u.first, u.pages);
	if (!settle_owner(k, lane, &u)) {
		score_unobservable(&k->result->part[PREDICT_INVALIDATIONS]);
		return 0;
	}
	lane_unmap(k->lane[lane].lane, u.cpu, u.first, u.pages);
	score_descriptor(k, lane, ev, k->lane[lane].lane->desc, k->lane[lane].lane->descs,
			 "after an unmap in strict mode");
	return 0;
}

/*
 * The first flush of a domain: what was kept back goes into the rings. If a full ring forced it,
 * the unmap that found it full comes after it.
 */
static void first_flush(struct kernel *k, unsigned lane, const struct kernel_event *ev, bool timer)
{
	struct kernel_lane *kl = &k->lane[lane];
	unsigned last = kl->queue;

	for (unsigned i = 0; !timer && i < kl->queue; i++)
		if (kl->queued[i].cpu == ev->cpu)
			last = i;
	kl->flushed = true;
	for (unsigned i = 0; i < kl->queue; i++)
		if (i != last)
			unmap_lazily(k, lane, &kl->queued[i]);
	mirror_strangers(&kl->lane->mirror);
	lane_timer(kl->lane, ev->cpu);
	score_descriptor(k, lane, ev, kl->lane->desc, kl->lane->descs, "at its first flush");
	if (last < kl->queue)
		unmap_lazily(k, lane, &kl->queued[last]);
	if (!timer)
		score_unobservable(&k->result->part[PREDICT_FLUSHES]);
	kl->queue = 0;
}

/* The timer's, if nothing is said of it; else a ring was full, and ours was not. */
static void flush_unexpected(struct kernel *k, unsigned lane, const struct kernel_event *ev,
			     bool said)
{
	struct predict_divergence *d;

	if (!said) {
		score_unobservable(&k->result->part[PREDICT_FLUSHES]);
		score_note(k->result, "flushes of which no probe tells the cause are taken for the "
				      "timer's, unless a ring was full");
		return;
	}
	d = score_wrong(&k->result->part[PREDICT_FLUSHES], ev->line);
	if (!d)
		return;
	snprintf(d->expected, sizeof(d->expected), "no flush");
	in_words(d->recorded, sizeof(d->recorded), ev->word);
	snprintf(d->state, sizeof(d->state), "domain %d, the CPU's ring not full",
		 k->lane[lane].tag);
}

static int lazy_descriptor(struct kernel *k, const struct kernel_event *ev, struct err *err)
{
	struct kernel_cpu *c = &k->cpu[ev->cpu];
	const enum flush_cause cause = flush_probes_cause(&c->said);
	struct lane *l;
	unsigned lane;
	int rc = kernel_lane_of_tag(k, ev->tag, 0, 0, &lane, err);

	if (rc)
		return rc;
	l = k->lane[lane].lane;
	if (!k->lane[lane].flushed) {
		first_flush(k, lane, ev, cause != FLUSH_RING);
		return 0;
	}
	if (cause != FLUSH_TIMER && c->flush_lane == (int)lane) {
		c->flush_lane = -1;
		score_exact(&k->result->part[PREDICT_FLUSHES]);
		score_descriptor(k, lane, ev, &c->flush_desc, 1, "its CPU's ring full");
		return 0;
	}
	if (cause != FLUSH_TIMER)
		flush_unexpected(k, lane, ev, cause == FLUSH_RING);
	lane_timer(l, ev->cpu);
	score_descriptor(k, lane, ev, l->desc, l->descs, "after its timer went off");
	return 0;
}

int kernel_descriptor(struct kernel *k, const struct kernel_event *ev, struct err *err)
{
	if (!ev->iotlb)
		return 0;
	if (k->mode == KERNEL_STRICT && ev->by_page)
		return strict_descriptor(k, ev, err);
	if (k->mode == KERNEL_LAZY && !ev->by_page)
		return lazy_descriptor(k, ev, err);
	return 0;
}

void kernel_settle(struct kernel *k)
{
	for (unsigned i = 0; i < MIRROR_CPUS; i++)
		flush_missed(k, &k->cpu[i]);
}
