/* SPDX-License-Identifier: MIT */
/* See failing.h. */
#include "failing.h"

#include <errno.h>
#include <stdlib.h>

#include "mem/memory.h"

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__real_aligned_alloc(size_t align, size_t bytes);
int __real_memory_alloc(struct memory *mem, uint64_t pages, uint64_t align_bytes, phys_t below,
			phys_t *out);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_aligned_alloc(size_t align, size_t bytes);
int __wrap_memory_alloc(struct memory *mem, uint64_t pages, uint64_t align_bytes, phys_t below,
			phys_t *out);

int until_failure = -1;

static bool fails_now(void)
{
	return until_failure >= 0 && until_failure-- == 0;
}

void *__wrap_malloc(size_t bytes)
{
	return fails_now() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t n, size_t bytes)
{
	return fails_now() ? NULL : __real_calloc(n, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
	return fails_now() ? NULL : __real_realloc(old, bytes);
}

void *__wrap_aligned_alloc(size_t align, size_t bytes)
{
	return fails_now() ? NULL : __real_aligned_alloc(align, bytes);
}

int __wrap_memory_alloc(struct memory *mem, uint64_t pages, uint64_t align_bytes, phys_t below,
			phys_t *out)
{
	return fails_now() ? -ENOMEM : __real_memory_alloc(mem, pages, align_bytes, below, out);
}
