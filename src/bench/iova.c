/* SPDX-License-Identifier: MIT */
/*
 * I/O address allocators by themselves: entries allocated and given back, without table and
 * strategy. One thread's, several threads' of one allocator, and entries that one thread allocates
 * and another frees, as where a NIC's queue is filled on one processor and its completions are
 * handled on another.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "bench/pattern.h"
#include "bench/row.h"
#include "dma/iova/iova.h"

#define ENTRIES      (UINT64_C(1) << 20) /* 4 GiB of I/O addresses */
#define ENV_BYTES    (UINT64_C(64) << 20)
#define HANDED_SLOTS 256u /* a power of two: entries on their way from one thread to the other */

struct user {
	struct pattern pattern;
	uint64_t *first;
} __attribute__((aligned(64)));

/* Entries on their way: one writes at the head, one reads at the tail. */
struct handed {
	uint64_t head __attribute__((aligned(64)));
	uint64_t tail __attribute__((aligned(64)));
	uint64_t first[HANDED_SLOTS] __attribute__((aligned(64)));
};

struct iova_bench {
	struct dma_env *env;
	struct iova *iova;
	struct iova_want want;
	pthread_mutex_t lock; /* around allocators that are not made for several threads */
	bool locked;
	unsigned users;
	struct user *user;
	struct handed handed;
};

static void wrapped(void *ctx)
{
	(void)ctx; /* a strategy's affair: here nothing is kept in an IOTLB */
}

static bool take(struct iova_bench *b, uint64_t *first)
{
	int rc;

	if (!b->locked)
		return b->iova->ops->alloc(b->iova, &b->want, first) == 0;
	(void)pthread_mutex_lock(&b->lock);
	rc = b->iova->ops->alloc(b->iova, &b->want, first);
	(void)pthread_mutex_unlock(&b->lock);
	return rc == 0;
}

static void give(struct iova_bench *b, uint64_t first)
{
	if (!b->locked) {
		b->iova->ops->free(b->iova, first, b->want.count);
		return;
	}
	(void)pthread_mutex_lock(&b->lock);
	b->iova->ops->free(b->iova, first, b->want.count);
	(void)pthread_mutex_unlock(&b->lock);
}

static void iova_close(void *data)
{
	struct iova_bench *b = data;

	for (unsigned i = 0; i < b->users && b->user; i++) {
		pattern_fini(&b->user[i].pattern);
		free(b->user[i].first);
	}
	free(b->user);
	if (b->iova)
		b->iova->ops->destroy(b->iova);
	iotoll_env_destroy(b->env);
	(void)pthread_mutex_destroy(&b->lock);
	free(b);
}

static int make_allocator(struct iova_bench *b, const struct bench_setup *setup, struct err *err)
{
	const struct iotoll_env_config env = {.memory_bytes = ENV_BYTES};
	const struct iova_ops *ops = iova_find(setup->allocator);
	const bool own = ops && ops->threads && setup->locks != 1 + BENCH_ONE_LOCK;
	const struct iova_config config = {.entries = ENTRIES, .locks = own};
	int rc;

	if (!ops)
		return err_set(err, -EINVAL,
			       "--allocator %s: there is none of that name; 'iotoll list "
			       "allocators'",
			       setup->allocator);
	rc = iotoll_env_create(&b->env, &env);
	if (!rc)
		rc = ops->create(&b->iova, b->env, &config);
	if (rc)
		return rc;
	b->iova->ops = ops;
	b->iova->wrapped = wrapped;
	b->locked = !own;
	b->want = (struct iova_want){.count = setup->pages, .limit = ENTRIES};
	return 0;
}

static int make_user(struct user *u, const struct bench_setup *setup, unsigned t)
{
	*u = (struct user){.first = calloc(setup->outstanding, sizeof(*u->first))};
	return u->first ? pattern_init(&u->pattern, setup->pattern, setup->outstanding, t + 1)
			: -ENOMEM;
}

static int iova_open(void **data, const struct bench_setup *setup, const void *variant,
		     struct err *err)
{
	struct iova_bench *b = aligned_alloc(64, sizeof(*b));
	int rc;

	(void)variant;
	if (!b)
		return -ENOMEM;
	*b = (struct iova_bench){.env = NULL};
	(void)pthread_mutex_init(&b->lock, NULL);
	b->user = aligned_alloc(64, setup->threads * sizeof(*b->user));
	rc = b->user ? make_allocator(b, setup, err) : -ENOMEM;
	for (; !rc && b->users < setup->threads; b->users++)
		rc = make_user(&b->user[b->users], setup, b->users);
	if (rc)
		iova_close(b);
	else
		*data = b;
	return rc;
}

static bool iova_work(void *data, unsigned thread, uint64_t ops)
{
	struct iova_bench *b = data;
	struct user *u = &b->user[thread];

	for (uint64_t i = 0; i < ops; i++) {
		bool empty;
		const unsigned slot = pattern_next(&u->pattern, &empty);

		if (!empty)
			give(b, u->first[slot]);
		if (!take(b, &u->first[slot]))
			return false;
	}
	return true;
}

/* Wait for the other side; where both share a processor it has to be let run. */
static void wait_a_little(unsigned *looks)
{
	if (++*looks % 1024 == 0)
		(void)sched_yield();
}

static bool hand_over(struct iova_bench *b, uint64_t ops)
{
	struct handed *h = &b->handed;
	uint64_t head = h->head;
	unsigned looks = 0;

	for (const uint64_t end = head + ops; head != end; head++) {
		while (head - __atomic_load_n(&h->tail, __ATOMIC_ACQUIRE) == HANDED_SLOTS)
			wait_a_little(&looks);
		if (!take(b, &h->first[head % HANDED_SLOTS]))
			return false;
		__atomic_store_n(&h->head, head + 1, __ATOMIC_RELEASE);
	}
	return true;
}

static bool take_over(struct iova_bench *b, uint64_t ops)
{
	struct handed *h = &b->handed;
	uint64_t tail = h->tail;
	unsigned looks = 0;

	for (const uint64_t end = tail + ops; tail != end; tail++) {
		while (tail == __atomic_load_n(&h->head, __ATOMIC_ACQUIRE))
			wait_a_little(&looks);
		give(b, h->first[tail % HANDED_SLOTS]);
		__atomic_store_n(&h->tail, tail + 1, __ATOMIC_RELEASE);
	}
	return true;
}

static bool handover_work(void *data, unsigned thread, uint64_t ops)
{
	return thread == 0 ? hand_over(data, ops) : take_over(data, ops);
}

/* The way between the threads alone. */
static bool empty_handover_work(void *data, unsigned thread, uint64_t ops)
{
	struct iova_bench *b = data;
	struct handed *h = &b->handed;
	uint64_t *const mine = thread == 0 ? &h->head : &h->tail;
	const uint64_t *const other = thread == 0 ? &h->tail : &h->head;
	const uint64_t room = thread == 0 ? HANDED_SLOTS : 0;
	uint64_t at = *mine;
	unsigned looks = 0;

	for (const uint64_t end = at + ops; at != end; at++) {
		volatile uint64_t *slot = &h->first[at % HANDED_SLOTS];

		while (at - __atomic_load_n(other, __ATOMIC_ACQUIRE) == room)
			wait_a_little(&looks);
		if (thread == 0)
			*slot = at;
		else
			(void)*slot;
		__atomic_store_n(mine, at + 1, __ATOMIC_RELEASE);
	}
	return true;
}

static const struct subject pairs = {.open = iova_open, .work = iova_work, .close = iova_close};
static const struct subject handover = {
	.open = iova_open, .work = handover_work, .close = iova_close, .once = true};
static const struct subject empty_handover = {
	.open = iova_open, .work = empty_handover_work, .close = iova_close, .once = true};

#define RING256(name)                                                             \
	{                                                                         \
		.allocator = (name), .threads = 1, .pages = 1, .outstanding = 256 \
	}

const struct row iova_rows[] = {
	{.name = "iova.pair",
	 .group = "iova",
	 .what = "allocate and free a page's entry, ring of 256",
	 .subject = &pairs,
	 .setup = RING256("magazines"),
	 .target = 5,
	 .floor = "load-l1",
	 .rival = {BITMAP_AND_LOCK, TREE_AND_LOCK}},
	{.name = "iova.pair.2",
	 .group = "iova",
	 .what = "the same, two threads at once, time of each",
	 .subject = &pairs,
	 .setup = {.allocator = "magazines", .threads = 2, .pages = 1, .outstanding = 256},
	 .target = 5,
	 .floor = "load-l1",
	 .flat = 1.2,
	 .rival = {{.name = "one thread", .setup = {.threads = 1}},
		   BITMAP_AND_LOCK,
		   TREE_AND_LOCK}},
	{.name = "iova.handover",
	 .group = "iova",
	 .what = "allocated by one thread, freed by another",
	 .subject = &handover,
	 .setup = {.allocator = "magazines", .threads = 2, .pages = 1, .outstanding = 256},
	 .target = 40,
	 .floor = "transfer",
	 .rival = {{.name = "the way alone", .subject = &empty_handover},
		   BITMAP_AND_LOCK,
		   TREE_AND_LOCK}},
	{.name = "iova.pair.lifo",
	 .group = "iova",
	 .what = "allocate and free, the newest of 256",
	 .subject = &pairs,
	 .setup = {.allocator = "magazines",
		   .threads = 1,
		   .pages = 1,
		   .outstanding = 256,
		   .pattern = 1 + BENCH_LIFO},
	 .floor = "load-l1",
	 .rival = {BITMAP_AND_LOCK, TREE_AND_LOCK}},
	{.name = "iova.pair.random",
	 .group = "iova",
	 .what = "allocate and free, any of 4096",
	 .subject = &pairs,
	 .setup = {.allocator = "magazines",
		   .threads = 1,
		   .pages = 1,
		   .outstanding = 4096,
		   .pattern = 1 + BENCH_RANDOM},
	 .floor = "load-l2",
	 .rival = {BITMAP_AND_LOCK, TREE_AND_LOCK}},
	{.name = NULL},
};

const struct subject *const iova_subject = &pairs;
