// SPDX-License-Identifier: MIT
/*
 * S3-FIFO (J. Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023, algorithm
 * 1) within each set: new lines enter a small queue of a tenth of the ways (at least one), those
 * used more than once there move on to the main queue, the others leave and are remembered for a
 * while; a line that comes back while remembered enters the main queue. The main queue gives back a
 * turn for each use (two bits of count). The memory of departed lines holds as many as the set has
 * ways, where the paper's holds as many as the main queue: our choice, for a fixed ring.
 */
#include "hw/policy.h"

#define S3_USES_MAX 3u

/* Of a set of n ways: n words of order, n of uses and queue, n keys, n departed keys, 2 counters.
 */
struct s3 {
	uint64_t *order; /* when it was queued; the smallest of a queue is its head */
	uint64_t *uses;  /* bit 8: in the main queue */
	uint64_t *key;
	uint64_t *gone; /* a ring; keys plus one, 0 is none */
	uint64_t *next, *departed;
};

#define S3_MAIN ((uint64_t)1 << 8)

static size_t s3_words(unsigned ways)
{
	return 4 * (size_t)ways + 2;
}

static struct s3 s3_of(uint64_t *state, unsigned ways)
{
	return (struct s3){state,
			   state + ways,
			   state + 2 * (size_t)ways,
			   state + 3 * (size_t)ways,
			   state + 4 * (size_t)ways,
			   state + 4 * (size_t)ways + 1};
}

static void s3_touch(uint64_t *state, unsigned ways, unsigned way, uint64_t clock)
{
	struct s3 s = s3_of(state, ways);

	(void)clock;
	if ((s.uses[way] & ~S3_MAIN) < S3_USES_MAX)
		s.uses[way]++;
}

/* Forget @key if it is remembered; true if it was. */
static bool s3_recall(struct s3 *s, unsigned ways, uint64_t key)
{
	for (unsigned i = 0; i < ways; i++) {
		if (s->gone[i] != key + 1)
			continue;
		s->gone[i] = 0;
		return true;
	}
	return false;
}

static void s3_fill(uint64_t *state, unsigned ways, unsigned way, uint64_t clock, uint64_t key)
{
	struct s3 s = s3_of(state, ways);

	(void)clock;
	s.uses[way] = s3_recall(&s, ways, key) ? S3_MAIN : 0;
	s.key[way] = key;
	s.order[way] = ++*s.next;
}

/* Head of the main queue or of the small one, @ways if it is empty; *@length of it. */
static unsigned s3_head(const struct s3 *s, unsigned ways, bool main_queue, unsigned *length)
{
	unsigned head = ways;

	*length = 0;
	for (unsigned way = 0; way < ways; way++) {
		if (((s->uses[way] & S3_MAIN) != 0) != main_queue)
			continue;
		++*length;
		if (head == ways || s->order[way] < s->order[head])
			head = way;
	}
	return head;
}

static unsigned s3_victim(uint64_t *state, unsigned ways, uint64_t random)
{
	const unsigned share = ways / 10 != 0 ? ways / 10 : 1;
	struct s3 s = s3_of(state, ways);

	(void)random;
	for (;;) {
		unsigned small, length, way = s3_head(&s, ways, false, &small);
		const bool from_main = small < share || small == 0;

		if (from_main)
			way = s3_head(&s, ways, true, &length);
		if (from_main && (s.uses[way] & ~S3_MAIN) != 0) {
			s.uses[way]--; /* each turn takes a use: it ends */
			s.order[way] = ++*s.next;
		} else if (!from_main && s.uses[way] > 1) {
			s.uses[way] = S3_MAIN; /* one less in the small queue: it ends, too */
			s.order[way] = ++*s.next;
		} else {
			if (!from_main)
				s.gone[(*s.departed)++ % ways] = s.key[way] + 1;
			return way;
		}
	}
}

static bool s3_check(const uint64_t *state, unsigned ways, uint64_t clock)
{
	(void)clock;
	for (unsigned way = 0; way < ways; way++)
		if ((state[ways + way] & ~S3_MAIN) > S3_USES_MAX ||
		    state[way] > state[4 * (size_t)ways])
			return false;
	return true;
}

const struct iotlb_policy policy_s3fifo = {
	.name = "s3-fifo",
	.title = "a small queue for new lines, a main queue for those that proved themselves",
	.words = s3_words,
	.touch = s3_touch,
	.fill = s3_fill,
	.victim = s3_victim,
	.check = s3_check,
};
