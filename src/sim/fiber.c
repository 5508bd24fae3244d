/* SPDX-License-Identifier: MIT */
/*
 * Fibers on ucontext for the first entry and _setjmp/_longjmp for every switch after it:
 * swapcontext() saves the signal mask with a system call each way, which at several switches per
 * simulated frame would cost more than everything else. AddressSanitizer and ThreadSanitizer are
 * told of each switch.
 */
#include "sim/fiber.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif
#ifndef FIBER_ASAN
#define FIBER_ASAN 0
#endif

#if FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

struct fiber {
	jmp_buf here; /* where the fiber yielded */
	jmp_buf host; /* where its runner waits */
	ucontext_t first, back;
	void (*fn)(void *ctx);
	void *ctx;
	void *map;
	size_t map_bytes;
	void *stack;
	size_t stack_bytes;
	bool started, ended;
#if FIBER_ASAN
	void *fake_fiber, *fake_host;
	const void *host_stack;
	size_t host_stack_bytes;
#endif
};

static void leaving_host(struct fiber *f)
{
#if FIBER_ASAN
	__sanitizer_start_switch_fiber(&f->fake_host, f->stack, f->stack_bytes);
#else
	(void)f;
#endif
}

static void arrived_host(struct fiber *f)
{
#if FIBER_ASAN
	__sanitizer_finish_switch_fiber(f->fake_host, NULL, NULL);
#else
	(void)f;
#endif
}

static void leaving_fiber(struct fiber *f, bool for_good)
{
#if FIBER_ASAN
	__sanitizer_start_switch_fiber(for_good ? NULL : &f->fake_fiber, f->host_stack,
				       f->host_stack_bytes);
#else
	(void)f;
	(void)for_good;
#endif
}

static void arrived_fiber(struct fiber *f)
{
#if FIBER_ASAN
	__sanitizer_finish_switch_fiber(f->fake_fiber, &f->host_stack, &f->host_stack_bytes);
#else
	(void)f;
#endif
}

static void trampoline(unsigned low, unsigned high)
{
	struct fiber *f = (struct fiber *)((uintptr_t)low | (uintptr_t)high << 32);

	arrived_fiber(f);
	f->fn(f->ctx);
	f->ended = true;
	leaving_fiber(f, true);
	_longjmp(f->host, 1);
}

/* Out of line: getcontext() returns twice as far as the compiler knows. */
static __attribute__((noinline)) int enter_at_trampoline(struct fiber *f)
{
	const uintptr_t self = (uintptr_t)f;

	if (getcontext(&f->first))
		return -1;
	f->first.uc_stack.ss_sp = f->stack;
	f->first.uc_stack.ss_size = f->stack_bytes;
	f->first.uc_link = NULL;
	makecontext(&f->first, (void (*)(void))trampoline, 2, (unsigned)self,
		    (unsigned)(self >> 32));
	return 0;
}

struct fiber *fiber_create(size_t stack_bytes, void (*fn)(void *ctx), void *ctx)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct fiber *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->fn = fn;
	f->ctx = ctx;
	f->stack_bytes = (stack_bytes + page - 1) & ~(page - 1);
	f->map_bytes = f->stack_bytes + page;
	f->map = mmap(NULL, f->map_bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (f->map == MAP_FAILED) {
		free(f);
		return NULL;
	}
	f->stack = (char *)f->map + page;
	/* An overflow of this stack must hit nothing but a fault. */
	if (mprotect(f->map, page, PROT_NONE) || enter_at_trampoline(f)) {
		munmap(f->map, f->map_bytes);
		free(f);
		return NULL;
	}
	return f;
}

void fiber_destroy(struct fiber *f)
{
	if (!f)
		return;
	munmap(f->map, f->map_bytes);
	free(f);
}

void fiber_run(struct fiber *f)
{
	if (f->ended)
		return;
	if (!_setjmp(f->host)) {
		leaving_host(f);
		if (f->started)
			_longjmp(f->here, 1);
		f->started = true;
		setcontext(&f->first);
	}
	arrived_host(f);
}

void fiber_yield(struct fiber *f)
{
	if (!_setjmp(f->here)) {
		leaving_fiber(f, false);
		_longjmp(f->host, 1);
	}
	arrived_fiber(f);
}
