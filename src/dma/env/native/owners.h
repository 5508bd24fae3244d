/* SPDX-License-Identifier: MIT */
/*
 * What belongs to one thread, so that it needs neither a lock nor an atomic instruction for it.
 *
 * An environment has some places, and a thread that first comes by gets one of its own: its number
 * is what iova/rcache.c and others have their caches by. Number 0 is everybody's who has found none
 * free. A thread that has ended leaves its place, with all that is kept there, to the next.
 *
 * To be inside one's own place is to have said so in a word that nobody else writes. Who wants to
 * be inside another's takes that place's mutex, asks its thread to take the mutex as well from now
 * on, and waits until it is outside. That the two words are seen in the right order is paid for by
 * who asks: membarrier(2) has every running thread of the process pass a memory barrier. (Biased
 * locking, after Kawachiya, Koseki and Onodera, OOPSLA 2002; the asymmetric fence is that of
 * user-space RCU.) Where the kernel has no such call everybody is number 0.
 */
#ifndef IOTOLL_DMA_ENV_NATIVE_OWNERS_H
#define IOTOLL_DMA_ENV_NATIVE_OWNERS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define OWNERS 32u

/* Names that no thread has: of a free place, and of place 0. */
#define OWNERS_NOBODY    UINT64_C(0)
#define OWNERS_EVERYBODY UINT64_MAX

struct owner {
	uint64_t thread;  /* the name of whose place it is. Changes under mutex */
	uint32_t busy;    /* that thread is inside; written by it alone */
	uint32_t stopped; /* it has to take the mutex; written under that */
	pthread_mutex_t mutex;
} __attribute__((aligned(128)));

struct owners {
	struct owner owner[OWNERS];
	pthread_mutex_t lock; /* of who gets which */
	bool fenced;          /* the kernel has what it takes */
};

/* What a thread remembers. The places are hints, none believed before it was compared. */
struct owners_self {
	/*
	 * Its numbers and its process's to the kernel, which no other has while this one lives and
	 * by which one learns of its end. The address of its memory would not do: that is the next
	 * thread's, who would be taken for the one that has ended. OWNERS_NOBODY: not asked yet.
	 */
	uint64_t name;
	unsigned place;              /* where it was last */
	const struct owners *shared; /* where it found no place of its own ... */
	unsigned patience;           /* ... and after so many calls looks again */
};

/* Found without a call also where this is part of a shared library. */
#define OWNERS_TLS __attribute__((tls_model("initial-exec")))

extern _Thread_local struct owners_self owners_self OWNERS_TLS;

void owners_init(struct owners *o);
void owners_fini(struct owners *o);
/* The slow half of owners_mine(): a place for the calling thread, or 0. */
__attribute__((cold)) unsigned owners_find(struct owners *o);
/* The slow halves of the two below: by the mutex. */
__attribute__((cold)) void owners_stop(struct owner *o);
__attribute__((cold)) void owners_resume(struct owner *o);

/* The calling thread's place. */
static inline unsigned owners_mine(struct owners *o)
{
	const unsigned place = owners_self.place;

	if (__builtin_expect(__atomic_load_n(&o->owner[place].thread, __ATOMIC_RELAXED) ==
				     owners_self.name,
			     1))
		return place;
	return owners_find(o);
}

/*
 * Be inside a place that is the calling thread's, if nobody has stopped it. Not to be nested.
 * False: one is not.
 */
static inline bool owners_enter_free(struct owner *o)
{
	if (__builtin_expect(__atomic_load_n(&o->thread, __ATOMIC_RELAXED) != owners_self.name, 0))
		return false;
	__atomic_store_n(&o->busy, 1, __ATOMIC_RELAXED);
	/* Before the load: the compiler keeps it so, the CPU is seen to by membarrier(). */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (__builtin_expect(!__atomic_load_n(&o->stopped, __ATOMIC_ACQUIRE), 1))
		return true;
	__atomic_store_n(&o->busy, 0, __ATOMIC_RELEASE);
	return false;
}

static inline void owners_leave_free(struct owner *o)
{
	__atomic_store_n(&o->busy, 0, __ATOMIC_RELEASE);
}

/*
 * From here to there nobody else is inside place @o; not to be nested. @mine: it is what
 * owners_mine() has just said, and not number 0. True: without the mutex, which owners_leave() is
 * told.
 */
static inline bool owners_enter(struct owner *o, bool mine)
{
	if (__builtin_expect(mine, 1) && owners_enter_free(o))
		return true;
	owners_stop(o);
	return false;
}

static inline void owners_leave(struct owner *o, bool free_of_mutex)
{
	if (__builtin_expect(free_of_mutex, 1))
		owners_leave_free(o);
	else
		owners_resume(o);
}

#endif
