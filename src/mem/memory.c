/* SPDX-License-Identifier: MIT */
/*
 * Physical memory: an anonymous mapping without reservation behind [0, bytes), so that a machine
 * of many gigabytes costs the host only what was written, and the page frame allocator over it.
 */
#include "mem/memory.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "mem/memory_internal.h"

#define MEMORY_MAX_BYTES ((uint64_t)64 << 30)

static bool size_fits(uint64_t bytes)
{
	return bytes != 0 && bytes % PAGE_BYTES == 0 && bytes <= MEMORY_MAX_BYTES;
}

/* Over [@host, @host + bytes), whoever's that is; NULL with errno set. */
static struct memory *memory_make(void *host, uint64_t bytes, bool borrowed)
{
	struct memory *mem = calloc(1, sizeof(*mem));

	if (!mem)
		return NULL;
	mem->bytes = bytes;
	mem->host = host;
	mem->borrowed = borrowed;
	if (pages_init(&mem->pages, bytes >> PAGE_SHIFT)) {
		free(mem);
		errno = ENOMEM;
		return NULL;
	}
	return mem;
}

struct memory *memory_create(uint64_t bytes)
{
	struct memory *mem;
	void *host;

	if (!size_fits(bytes)) {
		errno = EINVAL;
		return NULL;
	}
	host = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (host == MAP_FAILED) {
		errno = ENOMEM;
		return NULL;
	}
	mem = memory_make(host, bytes, false);
	if (!mem) {
		munmap(host, bytes);
		errno = ENOMEM;
	}
	return mem;
}

struct memory *memory_over(void *host, uint64_t bytes)
{
	if (!host || (uintptr_t)host % PAGE_BYTES || !size_fits(bytes) ||
	    bytes - 1 > UINTPTR_MAX - (uintptr_t)host) {
		errno = EINVAL;
		return NULL;
	}
	return memory_make(host, bytes, true);
}

void memory_destroy(struct memory *mem)
{
	if (!mem)
		return;
	pages_fini(&mem->pages);
	if (mem->entries)
		view_fini(mem);
	else if (!mem->borrowed)
		munmap(mem->host, mem->bytes);
	free(mem);
}

int memory_load(void *mem, phys_t paddr, void *to, size_t bytes)
{
	const void *from = memory_ptr(mem, paddr, bytes);

	if (!from)
		return -EFAULT;
	memcpy(to, from, bytes);
	return 0;
}

int memory_store(void *mem, phys_t paddr, const void *from, size_t bytes)
{
	void *to = memory_ptr(mem, paddr, bytes);

	if (!to)
		return -EFAULT;
	memcpy(to, from, bytes);
	return 0;
}

void memory_clear(struct memory *mem, phys_t paddr, uint64_t pages)
{
	const uint64_t bytes = pages << PAGE_SHIFT;

	assert(!mem->entries && paddr % PAGE_BYTES == 0 && paddr <= mem->bytes &&
	       bytes <= mem->bytes - paddr);
	/* A private anonymous page that was dropped reads as zeros (madvise(2)). */
	if (mem->borrowed || madvise(mem->host + paddr, bytes, MADV_DONTNEED))
		memset(mem->host + paddr, 0, bytes);
}

uint64_t memory_bytes(const struct memory *mem)
{
	return mem->bytes;
}

void *memory_ptr(struct memory *mem, phys_t paddr, size_t bytes)
{
	if (paddr >= mem->bytes || bytes > mem->bytes - paddr)
		return NULL;
	if (__builtin_expect(mem->entries != NULL, 0))
		return view_ptr(mem, paddr, bytes, MEMORY_PRESENT);
	return mem->host + paddr;
}

void *memory_ptr_write(struct memory *mem, phys_t paddr, size_t bytes)
{
	if (paddr >= mem->bytes || bytes > mem->bytes - paddr)
		return NULL;
	if (mem->entries)
		return view_ptr(mem, paddr, bytes, MEMORY_PRESENT | MEMORY_WRITABLE);
	return mem->host + paddr;
}

bool memory_owns(const struct memory *mem, const void *ptr)
{
	const uintptr_t at = (uintptr_t)ptr, base = (uintptr_t)mem->host;
	phys_t paddr;

	if (mem->entries)
		return view_addr(mem, ptr, &paddr);
	return at >= base && at - base < mem->bytes;
}

phys_t memory_addr(const struct memory *mem, const void *ptr)
{
	if (mem->entries) {
		phys_t paddr = 0;
		const bool owns = view_addr(mem, ptr, &paddr);

		assert(owns);
		(void)owns;
		return paddr;
	}
	assert(memory_owns(mem, ptr));
	return (phys_t)((uintptr_t)ptr - (uintptr_t)mem->host);
}

int memory_alloc(struct memory *mem, uint64_t pages, uint64_t align_bytes, phys_t below,
		 phys_t *out)
{
	const uint64_t limit = below ? below >> PAGE_SHIFT : mem->pages.count;
	uint64_t first;
	int rc;

	assert(align_bytes >= PAGE_BYTES && !(align_bytes & (align_bytes - 1)));
	rc = pages_alloc(&mem->pages, pages, align_bytes >> PAGE_SHIFT, limit, &first);
	if (!rc)
		*out = first << PAGE_SHIFT;
	return rc;
}

bool memory_is_allocated(const struct memory *mem, phys_t paddr, uint64_t pages)
{
	return paddr % PAGE_BYTES == 0 && pages_are_used(&mem->pages, paddr >> PAGE_SHIFT, pages);
}

void memory_free(struct memory *mem, phys_t paddr, uint64_t pages)
{
	assert(paddr % PAGE_BYTES == 0);
	pages_free(&mem->pages, paddr >> PAGE_SHIFT, pages);
}

uint64_t memory_allocated_pages(const struct memory *mem)
{
	return mem->pages.allocated;
}

bool memory_check(const struct memory *mem)
{
	return pages_check(&mem->pages);
}
