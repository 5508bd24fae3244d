/* SPDX-License-Identifier: MIT */
/*
 * Flush queue: Linux's lazy mode (drivers/iommu/dma-iommu.c in 6.1: queue_iova(), fq_ring_free(),
 * fq_flush_timeout()). An unmap clears its entries and puts them in a ring of its CPU instead of
 * freeing them. A ring that is full, or 10 ms since the first entry was queued with no timer
 * running, flushes the whole domain once; only then are entries free again, oldest first. So an
 * unmapped page may stay reachable for as long as that, but no address is used again before it is
 * forgotten: other than with deferred there is no gap.
 *
 * Two counters say which entries a flush has covered: one goes up before it, one after. An entry
 * carries the former as it was when queued and may go when the latter is past it. A flush forced by
 * one CPU's ring therefore also covers the others', which their owners find out at their next
 * unmap, or the timer does it for them.
 *
 * With split locks each ring has a lock of its own, beside its head and tail, and the counters are
 * read by all CPUs, as in Linux; else all is under the domain's one lock.
 */
#include <errno.h>

#include "dma/counting.h"
#include "dma/domain.h"
#include "dma/strategy/flush_queue.h"

#define FRAME_BYTES 4096u
#define DELAY_PS    UINT64_C(10000000000) /* 10 ms: IOVA_FQ_TIMEOUT */

/* As they lie in memory, so that what CPUs read and write can be charged. */
struct slot {
	uint64_t first, count, counter;
};

struct ring {
	uint64_t head, tail; /* empty when equal */
	uint64_t line_end[6];
	struct slot slot[FLUSH_QUEUE_SLOTS];
};

struct queue {
	iotoll_phys_t paddr; /* of the rings, one for each CPU, each from a frame of its own */
	unsigned rings;
	uint64_t frames; /* of one ring */
	uint64_t flush_start, flush_finish;
	bool timer_on;
	/*
	 * Entries that wait, to tell a second unmap of one from the first. Our guard and no
	 * kernel's, hence not charged.
	 */
	struct entry_set kept;
};

static iotoll_phys_t ring_paddr(const struct queue *q, unsigned index)
{
	return IOTOLL_PHYS(IOTOLL_PHYS_U64(q->paddr) + index * q->frames * FRAME_BYTES);
}

static struct ring *ring_at(struct iotoll_dma_domain *domain, unsigned index)
{
	const struct queue *q = domain->strategy_data;

	return env_ptr(domain->env, ring_paddr(q, index), sizeof(struct ring));
}

static bool queue_keeps(const struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	const struct queue *q = domain->strategy_data;

	return entry_set_has_any(&q->kept, first, count);
}

/* Charge for the ring's head and tail. */
static void touch_ends(struct iotoll_dma_domain *domain, unsigned index)
{
	env_touch(domain->env, ring_paddr(domain->strategy_data, index), 2 * sizeof(uint64_t),
		  true);
}

/* Charge for one slot. */
static void touch_slot(struct iotoll_dma_domain *domain, unsigned index, uint64_t slot, bool write)
{
	const uint64_t at = IOTOLL_PHYS_U64(ring_paddr(domain->strategy_data, index));

	env_work(domain->env, DMA_WORK_BITMAP_WORD, 1);
	env_touch(domain->env,
		  IOTOLL_PHYS(at + offsetof(struct ring, slot) + slot * sizeof(struct slot)),
		  sizeof(struct slot), write);
}

/* With split locks: number @index is that CPU's ring's. */
static void lock_ring(struct iotoll_dma_domain *domain, unsigned index)
{
	locks_take(&domain->strategy_locks, index);
}

static void unlock_ring(struct iotoll_dma_domain *domain, unsigned index)
{
	locks_release(&domain->strategy_locks, index);
}

/* The counters and the timer's flag, which one lock's domain shares a line with. */
static void touch_counters(struct iotoll_dma_domain *domain, bool write)
{
	if (domain->split)
		domain_touch(domain, write);
}

/* Free what a finished flush has covered: fq_ring_free(). */
static void reap(struct iotoll_dma_domain *domain, unsigned index)
{
	struct queue *q = domain->strategy_data;
	struct ring *ring = ring_at(domain, index);

	touch_ends(domain, index);
	while (ring->head != ring->tail) {
		const struct slot *s = &ring->slot[ring->head];

		touch_slot(domain, index, ring->head, false);
		if (s->counter >= __atomic_load_n(&q->flush_finish, __ATOMIC_ACQUIRE))
			return;
		entry_set_put(&q->kept, s->first, s->count, false);
		domain_release(domain, s->first, s->count);
		ring->head = (ring->head + 1) % FLUSH_QUEUE_SLOTS;
	}
}

/* fq_flush_iotlb(). */
static void flush(struct iotoll_dma_domain *domain)
{
	struct queue *q = domain->strategy_data;

	touch_counters(domain, true);
	(void)__atomic_fetch_add(&q->flush_start, 1, __ATOMIC_SEQ_CST);
	domain_flush(domain);
	touch_counters(domain, true);
	(void)__atomic_fetch_add(&q->flush_finish, 1, __ATOMIC_SEQ_CST);
}

/* queue_iova(). */
static bool queue_cleared(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	const unsigned index = iova_cpu(domain->iova);
	struct queue *q = domain->strategy_data;
	struct ring *ring = ring_at(domain, index);

	lock_ring(domain, index);
	touch_counters(domain, false);
	reap(domain, index);
	/*
	 * Linux looks once. But finished flushes are counted, not told apart: while another CPU's,
	 * which began before the oldest here was queued, is still under way, one of one's own
	 * frees nothing, and the ring would run over.
	 */
	while ((ring->tail + 1) % FLUSH_QUEUE_SLOTS == ring->head) {
		flush(domain);
		reap(domain, index);
	}
	touch_slot(domain, index, ring->tail, true);
	/* Taking the lock has put the table's writes ahead of this: a later flush covers them. */
	ring->slot[ring->tail] =
		(struct slot){first, count, __atomic_load_n(&q->flush_start, __ATOMIC_SEQ_CST)};
	ring->tail = (ring->tail + 1) % FLUSH_QUEUE_SLOTS;
	entry_set_put(&q->kept, first, count, true);
	unlock_ring(domain, index);
	if (!__atomic_load_n(&q->timer_on, __ATOMIC_RELAXED) &&
	    !__atomic_exchange_n(&q->timer_on, true, __ATOMIC_RELAXED))
		domain_set_timer(domain, DELAY_PS);
	return false;
}

/* fq_flush_timeout(). The flag goes first: whatever is queued from now on needs a timer again. */
static void queue_timer(struct iotoll_dma_domain *domain)
{
	const struct counting c = counting_of(domain);
	struct queue *q = domain->strategy_data;

	__atomic_store_n(&q->timer_on, false, __ATOMIC_RELAXED);
	(void)counting_add(&c, &c.stats->timer_flushes, 1);
	flush(domain);
	for (unsigned i = 0; i < q->rings; i++) {
		lock_ring(domain, i);
		reap(domain, i);
		unlock_ring(domain, i);
	}
}

static void queue_destroy(struct iotoll_dma_domain *domain)
{
	struct queue *q = domain->strategy_data;

	env_free_pages(domain->env, q->paddr, q->rings * q->frames);
	entry_set_fini(&q->kept);
	free(q);
}

static int queue_create(struct iotoll_dma_domain *domain)
{
	struct queue *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->rings = env_owners(domain->env);
	q->frames = (sizeof(struct ring) + FRAME_BYTES - 1) / FRAME_BYTES;
	if (entry_set_init(&q->kept, domain->driver->entries) ||
	    env_alloc_pages(domain->env, q->rings * q->frames, FRAME_BYTES, 0, &q->paddr)) {
		entry_set_fini(&q->kept);
		free(q);
		return -ENOMEM;
	}
	domain->strategy_data = q;
	if (domain->split && locks_init_at(&domain->strategy_locks, domain->env, q->rings, q->paddr,
					   q->frames * FRAME_BYTES)) {
		queue_destroy(domain);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < q->rings; i++)
		*ring_at(domain, i) = (struct ring){.head = 0};
	return 0;
}

const struct strategy_ops flush_queue_ops = {
	.name = "flush-queue",
	.title = "queue unmapped entries, flush when 255 wait on a CPU or after 10 ms (Linux's "
		 "lazy)",
	.does = "Each unmap clears its entries and queues them on its CPU. When 255 wait there, or "
		"10 "
		"ms after the first, one flush of the whole domain sets all of them free.",
	.protects = "No address is used again before the IOTLB has forgotten it.",
	.gives_up =
		"An unmapped page can be reached for as long as the IOTLB holds it, at most until "
		"the next flush.",
	.source = "Linux's iommu.strict=0 (drivers/iommu/dma-iommu.c, 6.1)",
	.translates = true,
	.overlaps = true,
	.threads = true,
	.create = queue_create,
	.destroy = queue_destroy,
	.cleared = queue_cleared,
	.keeps = queue_keeps,
	.timer = queue_timer,
};
