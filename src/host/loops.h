/* SPDX-License-Identifier: MIT */
/*
 * The loops that are timed. They are compiled optimised and without instrumentation whatever the
 * rest is built with, so that a build for debugging measures the same machine.
 */
#ifndef IOTOLL_HOST_LOOPS_H
#define IOTOLL_HOST_LOOPS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Follow the pointers from @at on, @loads of them. Where it ended. */
void *loop_chase(void *at, unsigned long loads);
/* @adds additions (a multiple of 64), each of which needs the one before. */
uint64_t loop_add(unsigned long adds);
/* Locked additions to one word. */
void loop_atomic(uint64_t *word, unsigned long times);
/* Call @fn so many times. */
void loop_call(uint64_t (*fn)(void *ctx, uint64_t offset, unsigned width), void *ctx,
	       unsigned long times);
/* Callbacks to call: they load from, and store to, memory at @ctx. */
uint64_t loop_read_back(void *ctx, uint64_t offset, unsigned width);

/* Try to lock and unlock a mutex that nobody else wants. */
void loop_lock(pthread_mutex_t *mutex, unsigned long times);
/* Copy @bytes from places in [from, from + blocks * bytes), in an order without a pattern. */
void loop_copy(void *to, const void *from, size_t bytes, unsigned long blocks, uint64_t *state,
	       unsigned long times);

/* The word at @offset of each of @lines lines is written. */
void loop_dirty(void *base, unsigned long lines, size_t offset);
/* Is there an instruction that writes a line back and drops it? */
bool loop_can_flush(void);
/* Flush each of @lines lines, and wait for each. */
void loop_flush(void *base, unsigned long lines);

/* Wait until *@word is @value. False: *@stop was set meanwhile. */
bool loop_wait(const uint64_t *word, uint64_t value, const bool *stop);
/*
 * One side of a ping-pong: wait until *@word is @first, make it one more; then @first + 2; @times
 * times. False: *@stop was set meanwhile.
 */
bool loop_pong(uint64_t *word, uint64_t first, unsigned long times, const bool *stop);

/* Ticks of the time-stamp counter, 0 if there is none that a program may read. */
uint64_t loop_ticks(void);

#endif
