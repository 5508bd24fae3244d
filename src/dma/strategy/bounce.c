/* SPDX-License-Identifier: MIT */
/* See bounce.h. */
#include "dma/strategy/bounce.h"

#include <errno.h>

#define LEAF_RECORDS (DMA_PAGE_BYTES / sizeof(struct record))
#define NO_LEAF      IOTOLL_PHYS(UINT64_MAX)

_Static_assert(sizeof(struct record) == DMA_LINE_BYTES, "a record is a cache line");

static uint64_t leaves(const struct records *r)
{
	return (r->entries + LEAF_RECORDS - 1) / LEAF_RECORDS;
}

int records_init(struct records *r, struct dma_env *env, uint64_t entries)
{
	*r = (struct records){.env = env, .entries = entries};
	r->leaf = calloc(leaves(r), sizeof(*r->leaf));
	if (!r->leaf)
		return -ENOMEM;
	for (uint64_t i = 0; i < leaves(r); i++)
		r->leaf[i] = NO_LEAF;
	return 0;
}

void records_fini(struct records *r)
{
	for (uint64_t i = 0; i < leaves(r); i++)
		if (r->leaf[i] != NO_LEAF)
			env_free_pages(r->env, r->leaf[i], 1);
	free(r->leaf);
}

static int make_leaf(struct records *r, uint64_t i)
{
	iotoll_phys_t leaf;
	const int rc = env_alloc_pages(r->env, 1, DMA_PAGE_BYTES, 0, &leaf);

	if (rc)
		return rc;
	env_clear(r->env, IOTOLL_PHYS_U64(leaf), DMA_PAGE_BYTES);
	/* Others may look for records of theirs meanwhile, without a lock. */
	__atomic_store_n(&r->leaf[i], leaf, __ATOMIC_RELEASE);
	return 0;
}

int records_prepare(struct records *r, uint64_t first, uint64_t count)
{
	for (uint64_t i = first / LEAF_RECORDS; i <= (first + count - 1) / LEAF_RECORDS; i++) {
		const int rc = r->leaf[i] == NO_LEAF ? make_leaf(r, i) : 0;

		if (rc)
			return rc;
	}
	return 0;
}

static bool find(const struct records *r, uint64_t entry, iotoll_phys_t *at)
{
	iotoll_phys_t leaf;

	if (entry >= r->entries)
		return false;
	leaf = __atomic_load_n(&r->leaf[entry / LEAF_RECORDS], __ATOMIC_ACQUIRE);
	*at = IOTOLL_PHYS(IOTOLL_PHYS_U64(leaf) + entry % LEAF_RECORDS * sizeof(struct record));
	return leaf != NO_LEAF;
}

struct record *record_peek(const struct records *r, uint64_t entry)
{
	iotoll_phys_t at;

	return find(r, entry, &at) ? env_ptr(r->env, at, sizeof(struct record)) : NULL;
}

struct record *record_touch(const struct records *r, uint64_t entry, bool write)
{
	iotoll_phys_t at;

	if (!find(r, entry, &at))
		return NULL;
	env_touch(r->env, at, sizeof(struct record), write);
	return env_ptr(r->env, at, sizeof(struct record));
}

void bounce_copy(struct iotoll_dma_domain *domain, uint64_t to, uint64_t from, size_t bytes)
{
	const uint64_t before = env_now_ps(domain->env);

	env_copy(domain->env, to, from, bytes);
	domain_count(&domain->stats.copied_bytes, bytes);
	domain_count(&domain->stats.copy_ps, env_now_ps(domain->env) - before);
}

void bounce_part(struct iotoll_dma_domain *domain, const struct record *live,
		 const struct bounce_window *w, uint64_t at, uint64_t bytes, bool to_device)
{
	/* Everything from the beginning of the request's first page on. */
	const uint64_t offset = live->paddr % DMA_PAGE_BYTES;
	const uint64_t begins = w->page * DMA_PAGE_BYTES;
	const uint64_t ends = begins + w->pages * DMA_PAGE_BYTES;
	const uint64_t from = offset + at > begins ? offset + at : begins;
	const uint64_t until = offset + at + bytes < ends ? offset + at + bytes : ends;
	const uint64_t mine = live->paddr - offset + from, its = w->copy + (from - begins);

	if (from < until && to_device)
		bounce_copy(domain, its, mine, until - from);
	else if (from < until)
		bounce_copy(domain, mine, its, until - from);
}
