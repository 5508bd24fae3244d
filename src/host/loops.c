/* SPDX-License-Identifier: MIT */
/* See loops.h. The few instructions that C has no word for are x86's; elsewhere their rows say so.
 */
#include "host/loops.h"

#include <sched.h>
#include <string.h>

#define LINE       64u
#define SPIN_LIMIT 2048u /* rounds of waiting before others get a turn */

void *loop_chase(void *at, unsigned long loads)
{
	void **p = at;

	for (; loads >= 8; loads -= 8) {
		p = *p;
		p = *p;
		p = *p;
		p = *p;
		p = *p;
		p = *p;
		p = *p;
		p = *p;
	}
	while (loads--)
		p = *p;
	__asm__ volatile("" : : "r"(p));
	return p;
}

/* The empty statement keeps the compiler from making one multiplication of all additions. */
#define ADD                                       \
	do {                                      \
		sum += step;                      \
		__asm__ volatile("" : "+r"(sum)); \
	} while (0)
#define ADD8 \
	ADD; \
	ADD; \
	ADD; \
	ADD; \
	ADD; \
	ADD; \
	ADD; \
	ADD

uint64_t loop_add(unsigned long adds)
{
	uint64_t sum = adds, step = adds | 1;

	/* In a register, not a constant: some cores fold additions of constants away. */
	__asm__ volatile("" : "+r"(step));
	for (; adds >= 64; adds -= 64) {
		ADD8;
		ADD8;
		ADD8;
		ADD8;
		ADD8;
		ADD8;
		ADD8;
		ADD8;
	}
	return sum;
}

void loop_atomic(uint64_t *word, unsigned long times)
{
	while (times--)
		(void)__atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
}

void loop_call(uint64_t (*fn)(void *ctx, uint64_t offset, unsigned width), void *ctx,
	       unsigned long times)
{
	__asm__ volatile("" : "+r"(fn));
	for (unsigned long i = 0; i < times; i++)
		__asm__ volatile("" : : "r"(fn(ctx, i % 8 * 8, 8)));
}

__attribute__((noinline)) uint64_t loop_read_back(void *ctx, uint64_t offset, unsigned width)
{
	const uint64_t *word = (const uint64_t *)((const char *)ctx + offset);

	(void)width;
	return *(const volatile uint64_t *)word;
}

void loop_lock(pthread_mutex_t *mutex, unsigned long times)
{
	while (times--) {
		if (pthread_mutex_trylock(mutex))
			return;
		(void)pthread_mutex_unlock(mutex);
	}
}

void loop_copy(void *to, const void *from, size_t bytes, unsigned long blocks, uint64_t *state,
	       unsigned long times)
{
	/* Not known to the compiler, which else would have copies of its own. */
	__asm__ volatile("" : "+r"(bytes));
	while (times--) {
		*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
		memcpy(to, (const char *)from + (*state >> 33) % blocks * bytes, bytes);
		__asm__ volatile("" : : "r"(to) : "memory");
	}
}

void loop_dirty(void *base, unsigned long lines, size_t offset)
{
	for (unsigned long i = 0; i < lines; i++)
		++*(volatile uint64_t *)((char *)base + i * LINE + offset);
}

#if defined(__x86_64__) || defined(__i386__)
bool loop_can_flush(void)
{
	return __builtin_cpu_supports("sse2"); /* clflush came with it */
}

void loop_flush(void *base, unsigned long lines)
{
	for (unsigned long i = 0; i < lines; i++)
		__asm__ volatile("clflush %0\n\tmfence"
				 : "+m"(((char *)base)[i * LINE])
				 :
				 : "memory");
}

uint64_t loop_ticks(void)
{
	return __builtin_ia32_rdtsc();
}

static inline void spin_hint(void)
{
	__builtin_ia32_pause();
}
#else
bool loop_can_flush(void)
{
	return false;
}

void loop_flush(void *base, unsigned long lines)
{
	(void)base;
	(void)lines;
}

uint64_t loop_ticks(void)
{
	return 0;
}

static inline void spin_hint(void)
{
}
#endif

bool loop_wait(const uint64_t *word, uint64_t value, const bool *stop)
{
	for (unsigned spins = 0; __atomic_load_n(word, __ATOMIC_ACQUIRE) != value; spins++) {
		if (spins < SPIN_LIMIT)
			continue;
		if (__atomic_load_n(stop, __ATOMIC_RELAXED))
			return false;
		spin_hint();
		(void)sched_yield();
		spins = 0;
	}
	return true;
}

bool loop_pong(uint64_t *word, uint64_t first, unsigned long times, const bool *stop)
{
	for (unsigned long i = 0; i < times; i++) {
		if (!loop_wait(word, first + 2 * i, stop))
			return false;
		__atomic_store_n(word, first + 2 * i + 1, __ATOMIC_RELEASE);
	}
	return true;
}
