/* SPDX-License-Identifier: MIT */
/*
 * See radix.h. The order of stores, touches and flushes is that of Linux 6.1: pfn_to_dma_pte(),
 * __domain_mapping() and dma_pte_clear_level() of drivers/iommu/intel/iommu.c, alloc_pte() and
 * iommu_v1_map_pages() of drivers/iommu/amd/io_pgtable.c. Linux returns a table early only when one
 * unmap covers all that it spans (2 MiB or more), which no request here does.
 */
#include "dma/driver/radix.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define PAGE    4096u
#define LINE    64u /* of a CPU cache */
#define ENTRY   8u
#define ENTRIES (1u << RADIX_BITS)
#define LARGE   (ENTRIES * PAGE)

void radix_store64(struct dma_env *env, iotoll_phys_t at, uint64_t value)
{
	env_work(env, DMA_WORK_ENTRY_STORE, 1);
	__atomic_store_n((uint64_t *)env_ptr(env, at, sizeof(value)), htole64(value),
			 __ATOMIC_RELEASE);
	env_touch(env, at, sizeof(value), true);
}

void radix_flush(struct dma_env *env, iotoll_phys_t at, size_t bytes)
{
	const uint64_t end = IOTOLL_PHYS_U64(at) + bytes;

	for (uint64_t line = IOTOLL_PHYS_U64(at) & ~(uint64_t)(LINE - 1); line < end; line += LINE)
		env_clflush(env, IOTOLL_PHYS(line));
}

static void flush_if_needed(const struct radix *t, iotoll_phys_t at, size_t bytes)
{
	if (t->format.flush)
		radix_flush(t->env, at, bytes);
}

static int table_page(const struct radix *t, iotoll_phys_t *out)
{
	const int rc = env_alloc_pages(t->env, 1, PAGE, 0, out);

	if (rc)
		return rc;
	memset(env_ptr(t->env, *out, PAGE), 0, PAGE);
	env_touch(t->env, *out, PAGE, true);
	flush_if_needed(t, *out, PAGE);
	return 0;
}

int radix_init(struct radix *t, struct dma_env *env, unsigned levels, uint64_t entries,
	       struct radix_format format)
{
	*t = (struct radix){.env = env, .format = format};
	env_quiet_init(&t->quiet);
	for (unsigned level = 1; level < levels; level++) {
		t->count[level] = ((entries - 1) >> (RADIX_BITS * level)) + 1;
		t->table[level] = calloc(t->count[level], sizeof(*t->table[level]));
		if (!t->table[level])
			goto free_lists;
	}
	if (table_page(t, &t->root))
		goto free_lists;
	t->levels = levels;
	return 0;

free_lists:
	for (unsigned level = 1; level < levels; level++)
		free(t->table[level]);
	env_quiet_fini(&t->quiet);
	return -ENOMEM;
}

void radix_fini(struct radix *t)
{
	if (!t->levels)
		return;
	for (unsigned level = 1; level < t->levels; level++) {
		for (uint64_t i = 0; i < t->count[level]; i++)
			if (IOTOLL_PHYS_U64(t->table[level][i]))
				env_free_pages(t->env, t->table[level][i], 1);
		free(t->table[level]);
	}
	env_free_pages(t->env, t->root, 1);
	env_quiet_fini(&t->quiet);
	t->levels = 0;
}

/* The table of @level for @page, 0: none yet. The top level has one, which is not kept here. */
static uint64_t table_of(const struct radix *t, unsigned level, uint64_t page)
{
	iotoll_phys_t at;

	__atomic_load(&t->table[level][page >> (RADIX_BITS * level)], &at, __ATOMIC_ACQUIRE);
	return IOTOLL_PHYS_U64(at);
}

/* It is there, and so are all that lead to it. */
static void set_table(struct radix *t, unsigned level, uint64_t page, iotoll_phys_t at)
{
	__atomic_store(&t->table[level][page >> (RADIX_BITS * level)], &at, __ATOMIC_RELEASE);
}

/* Where the entry of @page in the table of @level lies. */
static iotoll_phys_t entry_of(const struct radix *t, unsigned level, uint64_t page)
{
	const uint64_t index = (page >> (RADIX_BITS * (level - 1))) % ENTRIES;
	const uint64_t table =
		level == t->levels ? IOTOLL_PHYS_U64(t->root) : table_of(t, level, page);

	return IOTOLL_PHYS(table + index * ENTRY);
}

static bool has_lowest(const struct radix *t, uint64_t page)
{
	return table_of(t, 1, page) != 0;
}

iotoll_phys_t radix_leaf(const struct radix *t, uint64_t page)
{
	if (has_lowest(t, page))
		return entry_of(t, 1, page);
	if (!t->format.large || (t->levels > 2 && !table_of(t, 2, page)))
		return IOTOLL_PHYS(0);
	return entry_of(t, 2, page);
}

/* Linked once it is zero. Two threads may find it missing at once, then one's stays. */
static int make_table(struct radix *t, unsigned level, uint64_t page)
{
	const iotoll_phys_t parent = entry_of(t, level + 1, page);
	iotoll_phys_t fresh;
	bool ours;
	int rc;

	env_touch(t->env, parent, ENTRY, false);
	if (table_of(t, level, page))
		return 0;
	rc = table_page(t, &fresh);
	if (rc)
		return rc;
	env_quiet_lock(&t->quiet);
	ours = !table_of(t, level, page);
	if (ours) {
		radix_store64(t->env, parent, t->format.pointer(IOTOLL_PHYS_U64(fresh), level));
		flush_if_needed(t, parent, ENTRY);
		set_table(t, level, page, fresh);
	}
	env_quiet_unlock(&t->quiet);
	if (!ours)
		env_free_pages(t->env, fresh, 1);
	return 0;
}

/* Tables from the root down to that of level @lowest for @page. */
static int prepare_page(struct radix *t, uint64_t page, unsigned lowest)
{
	for (unsigned level = t->levels - 1; level >= lowest; level--) {
		const int rc = make_table(t, level, page);

		if (rc)
			return rc;
	}
	return 0;
}

/* Pages from @first on, before @end, that one table of the lowest level would hold. */
static uint64_t run_of(uint64_t first, uint64_t end)
{
	const uint64_t next = (first / ENTRIES + 1) * ENTRIES;

	return (next < end ? next : end) - first;
}

int radix_prepare(struct radix *t, uint64_t first, uint64_t count, iotoll_phys_t paddr)
{
	const uint64_t end = first + count;
	uint64_t at = IOTOLL_PHYS_U64(paddr);

	for (uint64_t run; first < end; first += run, at += run * PAGE) {
		bool large;
		int rc;

		run = run_of(first, end);
		if (!env_charges(t->env) && has_lowest(t, first))
			continue; /* looking at what leads there would tell nothing new */
		large = t->format.large && run == ENTRIES && at % LARGE == 0 &&
			!has_lowest(t, first);
		rc = prepare_page(t, first, large ? 2 : 1);
		if (rc)
			return rc;
	}
	return 0;
}

static inline void store_leaf(struct radix *t, iotoll_phys_t table, uint64_t *to, uint64_t i,
			      uint64_t entry)
{
	env_work(t->env, DMA_WORK_ENTRY_STORE, 1);
	__atomic_store_n(&to[i], htole64(entry), __ATOMIC_RELEASE);
	env_touch(t->env, IOTOLL_PHYS(IOTOLL_PHYS_U64(table) + i * ENTRY), ENTRY, true);
}

/* Four at a time: compilers do not unroll stores that a walker may read at any time. */
static void store_run(struct radix *t, uint64_t first, uint64_t count, uint64_t entry, bool push)
{
	const iotoll_phys_t at = entry_of(t, 1, first);
	uint64_t *const to = env_ptr(t->env, at, count * ENTRY); /* one table is one page */
	const uint64_t step = entry ? PAGE : 0;
	uint64_t i = 0;

	for (; count - i >= 4; i += 4, entry += 4 * step) {
		store_leaf(t, at, to, i, entry);
		store_leaf(t, at, to, i + 1, entry + step);
		store_leaf(t, at, to, i + 2, entry + 2 * step);
		store_leaf(t, at, to, i + 3, entry + 3 * step);
	}
	for (uint64_t rest = count % 4; rest; rest--, i++, entry += step)
		store_leaf(t, at, to, i, entry);
	if (push)
		flush_if_needed(t, at, count * ENTRY);
}

/*
 * Small pages in place of a large one, behind its back: the new table says the same before it is
 * linked. False without memory for it.
 */
static bool split(struct radix *t, uint64_t page)
{
	const iotoll_phys_t parent = entry_of(t, 2, page);
	const uint64_t *large = env_ptr(t->env, parent, ENTRY);
	const uint64_t entry = le64toh(__atomic_load_n(large, __ATOMIC_RELAXED));
	iotoll_phys_t fresh;

	if (!entry || table_page(t, &fresh))
		return false;
	set_table(t, 1, page, fresh);
	store_run(t, page / ENTRIES * ENTRIES, ENTRIES, entry & ~t->format.large_bit, true);
	radix_store64(t->env, parent, t->format.pointer(IOTOLL_PHYS_U64(fresh), 1));
	flush_if_needed(t, parent, ENTRY);
	return true;
}

static void store_all(struct radix *t, uint64_t first, uint64_t count, uint64_t entry, bool push)
{
	const uint64_t end = first + count;

	for (uint64_t run; first < end; first += run) {
		run = run_of(first, end);
		if (has_lowest(t, first) || (run < ENTRIES && split(t, first))) {
			store_run(t, first, run, entry, push);
		} else {
			const iotoll_phys_t at = entry_of(t, 2, first);

			radix_store64(t->env, at, entry ? entry | t->format.large_bit : 0);
			if (push)
				flush_if_needed(t, at, ENTRY);
		}
		if (entry)
			entry += run * PAGE;
	}
}

void radix_store(struct radix *t, uint64_t first, uint64_t count, uint64_t entry)
{
	store_all(t, first, count, entry, true);
}

void radix_store_unpushed(struct radix *t, uint64_t first, uint64_t count, uint64_t entry)
{
	store_all(t, first, count, entry, false);
}

void radix_push(const struct radix *t, uint64_t first, uint64_t count)
{
	const uint64_t end = first + count;

	for (uint64_t run; first < end; first += run) {
		run = run_of(first, end);
		if (has_lowest(t, first))
			flush_if_needed(t, entry_of(t, 1, first), run * ENTRY);
		else
			flush_if_needed(t, entry_of(t, 2, first), ENTRY);
	}
}
