/* SPDX-License-Identifier: MIT */
/*
 * Xen's shared rings (io/ring.h), with the barriers that its macros ask for. The other domain may
 * change a ring page at any instant: indexes are read once through xen_ring_index(), entries copied
 * once with RING_COPY_*, and only the copies are believed.
 */
#ifndef IOTOLL_GUEST_XEN_RING_H
#define IOTOLL_GUEST_XEN_RING_H

#include <stdatomic.h>
#include <stdbool.h>

#include "xen/abi.h"

#define xen_mb()  atomic_thread_fence(memory_order_seq_cst)
#define xen_rmb() atomic_thread_fence(memory_order_acquire)
#define xen_wmb() atomic_thread_fence(memory_order_release)

#include <xen/io/ring.h>

/* Entries of the ring at @s in @bytes: as there, but an unsigned int whatever the compiler checks.
 */
#undef __RING_SIZE
#define __RING_SIZE(s, bytes) \
	((unsigned)__RD32(((bytes)-offsetof(__typeof__(*(s)), ring)) / sizeof((s)->ring[0])))

/* Read, or write, an index of the shared page, once. */
static inline RING_IDX xen_ring_index(const RING_IDX *index)
{
	return *(const volatile RING_IDX *)index;
}

static inline void xen_ring_set(RING_IDX *index, RING_IDX value)
{
	*(volatile RING_IDX *)index = value;
}

/*
 * Can a peer have pushed requests up to @prod, when those up to @taken were taken and those up to
 * @answered answered, on a ring of @entries? Not more than the ring holds; and not fewer than were
 * there, or what is left to take would count 2^32 (XSA-39: the backend would never come to an end).
 */
static inline bool xen_ring_possible(RING_IDX prod, RING_IDX taken, RING_IDX answered,
				     unsigned entries)
{
	const RING_IDX open = prod - answered;

	return open <= entries && open >= taken - answered;
}

/*
 * Is the peer to be told that a producer index went from @old to @new, when it asked to be told at
 * @event? What RING_PUSH_*_AND_CHECK_NOTIFY() decides, with @old from private memory: those macros
 * read the published index back from a page that the peer can write.
 */
static inline bool xen_ring_notify(RING_IDX old, RING_IDX new, RING_IDX event)
{
	return (RING_IDX)(new - event) < (RING_IDX)(new - old);
}

#endif
