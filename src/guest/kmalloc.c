/* SPDX-License-Identifier: MIT */
/*
 * The size classes and their free lists. A frame belongs to one class for good, as a slab does
 * while the kernel is not short of memory; a table with one row a frame says which, and which of
 * its objects are live, so that a wild free is refused instead of believed.
 */
#include "guest/kmalloc.h"

#include <stdlib.h>
#include <string.h>

#define MIN_SHIFT 5u
#define CLASSES   9u /* 32 << 0 .. 32 << 8 = 8192 */
#define WORDS     (PAGE_BYTES / KMALLOC_MIN_BYTES / 64)
#define POISON    0x6b /* what Linux fills freed objects with (include/linux/poison.h) */

/* What a page frame is used for. */
struct frame {
	uint8_t class_plus_1; /* 0: not a class's frame */
	uint32_t pages;       /* first frame of a large object: its length */
	uint64_t live[WORDS]; /* per object that starts in this frame */
};

struct stack {
	phys_t *item;
	size_t count, capacity;
};

struct kmalloc {
	struct memory *mem;
	bool poison;
	struct frame *frames;
	uint64_t nframes;
	struct stack free[CLASSES];
	struct stack slabs[CLASSES]; /* first frame of each slab, for giving back */
	struct kmalloc_stats stats;
};

static inline size_t class_bytes(unsigned class)
{
	return (size_t)KMALLOC_MIN_BYTES << class;
}

static inline unsigned class_of(size_t bytes)
{
	if (bytes <= KMALLOC_MIN_BYTES)
		return 0;
	return (unsigned)(64 - __builtin_clzll(bytes - 1)) - MIN_SHIFT;
}

static inline uint64_t slab_pages(unsigned class)
{
	return class_bytes(class) > PAGE_BYTES ? class_bytes(class) / PAGE_BYTES : 1;
}

/* Room for @more items; pushing never fails after this. */
static bool reserve(struct stack *s, size_t more)
{
	size_t capacity = s->capacity ? s->capacity : 64;
	phys_t *item;

	if (s->count + more <= s->capacity)
		return true;
	while (capacity < s->count + more)
		capacity *= 2;
	item = realloc(s->item, capacity * sizeof(*item));
	if (!item)
		return false;
	s->item = item;
	s->capacity = capacity;
	return true;
}

static void set_live(struct kmalloc *k, phys_t paddr, unsigned class, bool live)
{
	const unsigned i = (unsigned)(paddr % PAGE_BYTES / class_bytes(class));
	uint64_t *word = &k->frames[paddr / PAGE_BYTES].live[i / 64];

	if (live)
		*word |= 1ull << (i % 64);
	else
		*word &= ~(1ull << (i % 64));
}

static bool is_live(const struct kmalloc *k, phys_t paddr, unsigned class)
{
	const unsigned i = (unsigned)(paddr % PAGE_BYTES / class_bytes(class));

	return k->frames[paddr / PAGE_BYTES].live[i / 64] >> (i % 64) & 1;
}

/* A new slab for @class; its lowest object will be handed out first. */
static bool grow(struct kmalloc *k, unsigned class)
{
	const uint64_t pages = slab_pages(class);
	const size_t objects = pages * PAGE_BYTES / class_bytes(class);
	phys_t paddr;

	/* Every object ever made can come back, so the list must hold them all. */
	if (!reserve(&k->slabs[class], 1) ||
	    !reserve(&k->free[class], (k->slabs[class].count + 1) * objects))
		return false;
	if (memory_alloc(k->mem, pages, pages * PAGE_BYTES, 0, &paddr))
		return false;
	for (uint64_t i = 0; i < pages; i++)
		k->frames[paddr / PAGE_BYTES + i] = (struct frame){0};
	k->frames[paddr / PAGE_BYTES].class_plus_1 = (uint8_t)(class + 1);
	k->slabs[class].item[k->slabs[class].count++] = paddr;
	for (size_t i = objects; i-- > 0;)
		k->free[class].item[k->free[class].count++] = paddr + i * class_bytes(class);
	if (k->poison)
		memset(memory_ptr(k->mem, paddr, pages * PAGE_BYTES), POISON, pages * PAGE_BYTES);
	return true;
}

static void check_poison(struct kmalloc *k, const uint8_t *object, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		if (object[i] != POISON) {
			k->stats.dirtied++;
			return;
		}
	}
}

static void account(struct kmalloc *k, size_t bytes)
{
	k->stats.allocs++;
	k->stats.live_objects++;
	k->stats.live_bytes += bytes;
}

static void *alloc_large(struct kmalloc *k, size_t bytes)
{
	const uint64_t pages = (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
	phys_t paddr;

	if (memory_alloc(k->mem, pages, PAGE_BYTES, 0, &paddr)) {
		k->stats.failures++;
		return NULL;
	}
	k->frames[paddr / PAGE_BYTES] = (struct frame){.pages = (uint32_t)pages};
	account(k, pages * PAGE_BYTES);
	return memory_ptr(k->mem, paddr, pages * PAGE_BYTES);
}

void *kmalloc_alloc(struct kmalloc *k, size_t bytes)
{
	unsigned class;
	phys_t paddr;
	void *object;

	if (!bytes || bytes > 1ull << 31) {
		k->stats.failures++;
		return NULL;
	}
	if (bytes > KMALLOC_MAX_CLASS)
		return alloc_large(k, bytes);
	class = class_of(bytes);
	if (!k->free[class].count && !grow(k, class)) {
		k->stats.failures++;
		return NULL;
	}
	paddr = k->free[class].item[--k->free[class].count];
	object = memory_ptr(k->mem, paddr, class_bytes(class));
	if (k->poison)
		check_poison(k, object, class_bytes(class));
	set_live(k, paddr, class, true);
	account(k, class_bytes(class));
	return object;
}

/* Find the live object that starts at @ptr: its address, class and size. */
static bool find(const struct kmalloc *k, const void *ptr, phys_t *paddr, unsigned *class,
		 size_t *bytes)
{
	const struct frame *f;

	if (!ptr || !memory_owns(k->mem, ptr))
		return false;
	*paddr = memory_addr(k->mem, ptr);
	f = &k->frames[*paddr / PAGE_BYTES];
	if (f->pages) {
		*class = CLASSES;
		*bytes = (size_t)f->pages * PAGE_BYTES;
		return *paddr % PAGE_BYTES == 0;
	}
	if (!f->class_plus_1)
		return false;
	*class = f->class_plus_1 - 1u;
	*bytes = class_bytes(*class);
	return *paddr % *bytes == 0 && is_live(k, *paddr, *class);
}

void kmalloc_free(struct kmalloc *k, void *ptr)
{
	unsigned class;
	phys_t paddr;
	size_t bytes;

	if (!ptr)
		return;
	if (!find(k, ptr, &paddr, &class, &bytes)) {
		k->stats.bad_frees++;
		return;
	}
	k->stats.frees++;
	k->stats.live_objects--;
	k->stats.live_bytes -= bytes;
	if (class == CLASSES) {
		k->frames[paddr / PAGE_BYTES] = (struct frame){0};
		memory_free(k->mem, paddr, bytes / PAGE_BYTES);
		return;
	}
	set_live(k, paddr, class, false);
	if (k->poison)
		memset(ptr, POISON, bytes);
	k->free[class].item[k->free[class].count++] = paddr;
}

size_t kmalloc_size(const struct kmalloc *k, const void *ptr)
{
	unsigned class;
	phys_t paddr;
	size_t bytes;

	return find(k, ptr, &paddr, &class, &bytes) ? bytes : 0;
}

phys_t kmalloc_phys(const struct kmalloc *k, const void *ptr)
{
	return memory_addr(k->mem, ptr);
}

void kmalloc_stats(const struct kmalloc *k, struct kmalloc_stats *out)
{
	*out = k->stats;
}

struct kmalloc *kmalloc_create(struct memory *mem, bool poison)
{
	struct kmalloc *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->mem = mem;
	k->poison = poison;
	k->nframes = memory_bytes(mem) / PAGE_BYTES;
	k->frames = calloc(k->nframes, sizeof(*k->frames)); /* resident only where used */
	if (!k->frames) {
		free(k);
		return NULL;
	}
	return k;
}

void kmalloc_destroy(struct kmalloc *k)
{
	if (!k)
		return;
	for (uint64_t i = 0; k->stats.live_objects && i < k->nframes; i++) {
		if (k->frames[i].pages)
			memory_free(k->mem, i * PAGE_BYTES, k->frames[i].pages);
	}
	for (unsigned class = 0; class < CLASSES; class ++) {
		for (size_t i = 0; i < k->slabs[class].count; i++)
			memory_free(k->mem, k->slabs[class].item[i], slab_pages(class));
		free(k->slabs[class].item);
		free(k->free[class].item);
	}
	free(k->frames);
	free(k);
}
