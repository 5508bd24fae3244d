// SPDX-License-Identifier: MIT
/*
 * Flushes of a lazy kernel's flush queue, replayed. When its timer went off depends on the tick and
 * on how busy the machine was: that is taken from the recording. When a ring was full is ours to
 * find out. See replay.h.
 */
#include <string.h>

#include "dma/domain.h"
#include "trace/replay_impl.h"

#define PAGE_BYTES 4096u

static const struct recorded_device *device_of(const struct replay *rp)
{
	return &rp->recording->device[rp->device];
}

void replay_ticks_begin(struct replay *rp)
{
	struct iotoll_dma_domain *domain = rp->solo.rig.domain;

	rp->ticks = rp->recording && recording_is_lazy(device_of(rp)) && domain->iova &&
		    !strcmp(rp->config->strategy, "flush-queue");
	rp->result->ticks_taken = rp->ticks;
	if (rp->ticks)
		domain_give_timer(domain);
}

struct replay_worker *replay_ticks_worker(struct replay *rp)
{
	return &rp->workers[rp->ticks ? device_of(rp)->queued_cpu % rp->count : 0];
}

/* Pages of their own: nobody asks for them again. */
void replay_ticks_queue(struct replay_worker *w)
{
	const struct replay *rp = w->replay;
	const struct recorded_device *d = device_of(rp);
	const uint64_t frames = rp->solo.machine->profile.memory_bytes / PAGE_BYTES;

	for (unsigned i = 0; rp->ticks && i < d->queued; i++) {
		const uint64_t frame = (d->queued_paddr / PAGE_BYTES + i) % frames;
		const iotoll_iova_t at =
			iotoll_dma_map_page(rp->solo.device, IOTOLL_PHYS(frame * PAGE_BYTES),
					    PAGE_BYTES, IOTOLL_DMA_BIDIRECTIONAL);

		if (!iotoll_dma_mapping_error(at))
			iotoll_dma_unmap_page(rp->solo.device, at, PAGE_BYTES,
					      IOTOLL_DMA_BIDIRECTIONAL);
	}
}

void replay_ticks_event(struct replay_worker *w, const struct recorded *ev)
{
	struct replay *rp = w->replay;
	struct replay_result *r = rp->result;
	struct iotoll_dma_domain *domain = rp->solo.rig.domain;
	struct iotoll_dma_stats s;
	uint64_t rings;
	bool full;

	iotoll_dma_domain_stats(domain, &s);
	rings = s.flushes - s.timer_flushes;
	full = rings > rp->full_rings;
	rp->full_rings = rings;
	if (ev->kind == TRACE_STEP) {
		r->step_flushes++;
		domain_timer(domain);
	} else if (ev->cause == FLUSH_TIMER || (ev->cause == FLUSH_UNSAID && !full)) {
		r->unsaid_ticks += ev->cause == FLUSH_UNSAID;
		domain_timer(domain);
	} else {
		r->unsaid_rings += ev->cause == FLUSH_UNSAID;
		r->missed_rings += !full;
	}
}
