/* SPDX-License-Identifier: MIT */
/*
 * The kinds of attacks. What each needs to know, a device knows: addresses that were in its
 * descriptors, where its rings are, how long ago it returned a buffer. Exceptions are marked.
 */
#include "rig/rogue_internal.h"

#define HEADER_BYTES 54u /* Ethernet, IPv4 and TCP without options */
#define PAGE_MASK    ((uint64_t)PAGE_BYTES - 1)

static enum iotoll_access either(struct rogue *r)
{
	return rng_below(&r->rng, 2) ? IOTOLL_WRITE : IOTOLL_READ;
}

/* An aligned word of @b; of a very small one, a word that begins in it or before it. */
static uint64_t word_in(struct rogue *r, const struct rogue_buffer *b)
{
	const uint64_t first = (b->iova + ROGUE_WORD - 1) & ~(uint64_t)(ROGUE_WORD - 1);
	const uint64_t end = b->iova + b->bytes;

	if (first + ROGUE_WORD > end)
		return b->iova & ~(uint64_t)(ROGUE_WORD - 1);
	return first + rng_below(&r->rng, (end - first) / ROGUE_WORD) * ROGUE_WORD;
}

/* (a) The buffer is the kernel's again: the device writes to it late, or reads it. */
static bool late(struct rogue *r, unsigned kind, const struct rogue_buffer *victim)
{
	r->write = !r->write;
	return rogue_try(r, kind, word_in(r, victim), ROGUE_WORD,
			 r->write ? IOTOLL_WRITE : IOTOLL_READ);
}

/* (b) Any address that it was given within the last few thousand. */
static void replay(struct rogue *r, unsigned kind)
{
	const struct rogue_buffer *b = rogue_recall(r, ROGUE_HISTORY);
	enum iotoll_access access;

	if (!b)
		return;
	access = either(r); /* drawn before the word: compilers order arguments as they like */
	(void)rogue_try(r, kind, word_in(r, b), ROGUE_WORD, access);
}

/* (c) Anything at all. */
static void scan_random(struct rogue *r, unsigned kind)
{
	const uint64_t word = rng_below(&r->rng, r->config.io_bytes / ROGUE_WORD);

	(void)rogue_try(r, kind, word * ROGUE_WORD, ROGUE_WORD, either(r));
}

static void scan_sequential(struct rogue *r, unsigned kind)
{
	(void)rogue_try(r, kind, r->next_page * PAGE_BYTES, ROGUE_WORD, either(r));
	r->next_page = (r->next_page + 1) % (r->config.io_bytes / PAGE_BYTES);
}

/* (d) A few bytes before or behind a buffer of late, in its own pages. */
static void neighbour(struct rogue *r, unsigned kind)
{
	const struct rogue_buffer *b = rogue_recall(r, 64);
	const uint64_t off = ROGUE_WORD + rng_below(&r->rng, 64);
	const bool before = rng_below(&r->rng, 2);
	uint64_t at;

	if (!b)
		return;
	at = (before ? b->iova - off : b->iova + b->bytes + off - ROGUE_WORD);
	at &= ~(uint64_t)(ROGUE_WORD - 1);
	if (at / PAGE_BYTES != b->iova / PAGE_BYTES &&
	    at / PAGE_BYTES != (b->iova + b->bytes - 1) / PAGE_BYTES)
		return;
	(void)rogue_try(r, kind, at, ROGUE_WORD, either(r));
}

/*
 * (e) An address in a ring is replaced, and the DMA engine goes where it says: into memory, or to a
 * buffer long returned. Then the ring is as it was before anybody has looked at it.
 */
static void ring(struct rogue *r, unsigned kind)
{
	const struct rogue_buffer *b = rogue_recall(r, ROGUE_HISTORY), *in;
	uint64_t slot, was = 0, forged;

	if (!r->rings)
		return;
	in = &r->ring[rng_below(&r->rng, r->rings)];
	slot = in->iova + rng_below(&r->rng, in->bytes / ROGUE_WORD) * ROGUE_WORD;
	forged = rng_below(&r->rng, memory_bytes(r->rig->machine->mem) / ROGUE_WORD) * ROGUE_WORD;
	if (b && rng_below(&r->rng, 2))
		forged = word_in(r, b);
	if (rogue_access(r, slot, &was, ROGUE_WORD, IOTOLL_READ) ||
	    rogue_access(r, slot, &forged, ROGUE_WORD, IOTOLL_WRITE))
		return;
	(void)rogue_try(r, kind, forged, ROGUE_WORD, either(r));
	(void)rogue_access(r, slot, &was, ROGUE_WORD, IOTOLL_WRITE);
}

/* As much of a frame's headers as lies in the buffer's first page. */
static uint32_t header_bytes(const struct rogue_buffer *b)
{
	const uint64_t left = PAGE_BYTES - (b->iova & PAGE_MASK);
	const uint64_t n = b->bytes < HEADER_BYTES ? b->bytes : HEADER_BYTES;

	return (uint32_t)(n < left ? n : left);
}

/* (f) The driver has the frame and may have looked at its headers: they become others. */
static bool toctou(struct rogue *r, unsigned kind, const struct rogue_buffer *victim)
{
	return rogue_try(r, kind, victim->iova, header_bytes(victim), IOTOLL_WRITE);
}

/*
 * The same through the address of another live buffer in the frame, which lets the device into all
 * of it ("type c" of Markuze et al.). Which one that is, a device has to guess; ours is told.
 */
static bool toctou_shared(struct rogue *r, unsigned kind, const struct rogue_buffer *victim)
{
	const struct requests *books = exposure_requests(r->rig->exposure);
	const uint64_t frame = victim->paddr >> PAGE_SHIFT;
	const struct request_page *p = requests_by_frame(books, frame, NULL);

	while (p && p->dir == IOTOLL_DMA_TO_DEVICE)
		p = requests_by_frame(books, frame, p);
	if (!p)
		return true;
	return rogue_try(r, kind, p->iova - p->paddr + victim->paddr, header_bytes(victim),
			 IOTOLL_WRITE);
}

/* (g) It says of some memory that it had it translated. */
static void ats_lie(struct rogue *r, unsigned kind)
{
	const uint64_t words = memory_bytes(r->rig->machine->mem) / ROGUE_WORD;
	const enum iotoll_access access = either(r);

	rogue_lie(r, kind, rng_below(&r->rng, words) * ROGUE_WORD, ROGUE_WORD, access);
}

const struct rogue_row rogue_rows[] = {
	{"late_1us", "a buffer that is the kernel's again, 1 us after its unmap", NULL, late,
	 SIM_US, false},
	{"late_10us", "the same after 10 us", NULL, late, 10 * SIM_US, false},
	{"late_100us", "the same after 100 us", NULL, late, 100 * SIM_US, false},
	{"late_1ms", "the same after 1 ms", NULL, late, SIM_MS, false},
	{"late_10ms", "the same after 10 ms", NULL, late, 10 * SIM_MS, false},
	{"replay", "any address it was ever given", replay, NULL, 0, false},
	{"scan_random", "random addresses", scan_random, NULL, 0, false},
	{"scan_sequential", "page by page", scan_sequential, NULL, 0, false},
	{"neighbour", "bytes before and behind a buffer, on its pages", neighbour, NULL, 0, false},
	{"ring", "a forged address in one of its rings", ring, NULL, 0, false},
	{"toctou", "a received frame's headers, 1 us after its unmap", NULL, toctou, SIM_US, true},
	{"toctou_shared", "the same through a live buffer on the same page", NULL, toctou_shared,
	 SIM_US, true},
	{"ats_lie", "a translated request nobody gave it", ats_lie, NULL, 0, false},
	{NULL, NULL, NULL, NULL, 0, false},
};
