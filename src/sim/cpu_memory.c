/* SPDX-License-Identifier: MIT */
/*
 * CPUs at memory: where an access finds its lines, and what that costs. The cache model knows the
 * board's addresses; a guest's are followed to them page by page, as a TLB would that never misses.
 */
#include "mem/memory_view.h"
#include "sim/cpu_internal.h"

static uint64_t to_page_end(phys_t paddr)
{
	return PAGE_BYTES - paddr % PAGE_BYTES;
}

/* Addresses of a guest: page by page to where each lies on the board. */
static void touch_view(struct cpu *cpu, phys_t paddr, size_t bytes, bool write,
		       struct cache_found *found)
{
	while (bytes) {
		const size_t chunk = bytes < to_page_end(paddr) ? bytes : to_page_end(paddr);
		const phys_t machine = memory_machine(cpu->view, paddr);

		if (machine == MEMORY_NOWHERE)
			found->dram += (unsigned)((paddr % CACHE_LINE_BYTES + chunk +
						   CACHE_LINE_BYTES - 1) /
						  CACHE_LINE_BYTES);
		else
			cache_access_range(cpu->machine->cache, cpu->physical, machine, chunk,
					   write, found);
		paddr += chunk;
		bytes -= chunk;
	}
}

/* The same pieces as cache_copy() counts, each where it begins. */
static void copy_view(struct cpu *cpu, phys_t to, phys_t from, size_t bytes,
		      struct cache_found *found)
{
	while (bytes) {
		const uint64_t near =
			to_page_end(to) < to_page_end(from) ? to_page_end(to) : to_page_end(from);
		const size_t whole =
			(near + CACHE_LINE_BYTES - 1) & ~(size_t)(CACHE_LINE_BYTES - 1);
		const size_t chunk = bytes < whole ? bytes : whole;
		const phys_t m_to = memory_machine(cpu->view, to);
		const phys_t m_from = memory_machine(cpu->view, from);

		if (m_to == MEMORY_NOWHERE || m_from == MEMORY_NOWHERE)
			found->dram +=
				(unsigned)((chunk + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES);
		else
			cache_copy(cpu->machine->cache, cpu->physical, m_to, m_from, chunk, found);
		to += chunk;
		from += chunk;
		bytes -= chunk;
	}
}

/* One address where the cache knows it; MEMORY_NOWHERE, which no cache has, on an absent page. */
static inline phys_t machine_of(const struct cpu *cpu, phys_t paddr)
{
	return cpu->view ? memory_machine(cpu->view, paddr) : paddr;
}

/* What an access costs by where it finds its line. */
static inline uint64_t price(const struct cost *cost, enum cache_where where)
{
	return where == CACHE_OWN      ? cost->cache_hit
	       : where == CACHE_REMOTE ? cost->line_transfer
				       : cost->dram_miss;
}

/* Access each line of a range, and count where it was. */
static inline void find_lines(struct cpu *cpu, phys_t paddr, size_t bytes, bool write,
			      struct cache_found *found)
{
	if (cpu->view)
		touch_view(cpu, paddr, bytes, write, found);
	else
		cache_access_range(cpu->machine->cache, cpu->physical, paddr, bytes, write, found);
}

/* More than a line. Out of line itself: what cpu_touch() mostly does needs few registers. */
static __attribute__((noinline)) void touch_lines(struct cpu *cpu, phys_t paddr, size_t bytes,
						  bool write)
{
	struct cache_found found = {0};
	const struct cost *cost = cpu->cost;

	find_lines(cpu, paddr, bytes, write, &found);
	cpu_spend(cpu, found.own * cost->cache_hit + found.remote * cost->line_transfer +
			       found.dram * cost->dram_miss);
}

/* Most are of a few words, and a line has one place. */
static inline bool in_a_line(phys_t paddr, size_t bytes)
{
	return paddr % CACHE_LINE_BYTES + bytes <= CACHE_LINE_BYTES;
}

static inline void touch_line(struct cpu *cpu, phys_t machine, bool write)
{
	const enum cache_where where =
		cache_access(cpu->machine->cache, cpu->physical, machine, write);

	cpu_spend(cpu, price(cpu->cost, where));
}

void cpu_touch(struct cpu *cpu, phys_t paddr, size_t bytes, bool write)
{
	if (!cpu || !bytes)
		return;
	if (in_a_line(paddr, bytes))
		touch_line(cpu, machine_of(cpu, paddr), write);
	else
		touch_lines(cpu, paddr, bytes, write);
}

void cpu_touch_ptr(struct cpu *cpu, const void *ptr, size_t bytes, bool write)
{
	phys_t machine;

	if (!cpu || !bytes)
		return;
	/* Not there and back again: a pointer leads to a frame, whatever page leads there, too. */
	machine = memory_addr(memory_board(cpu->machine->mem), ptr);
	if (in_a_line(machine, bytes))
		touch_line(cpu, machine, write);
	else
		touch_lines(cpu, memory_addr(cpu->machine->mem, ptr), bytes, write);
}

/* A stream: where a line is in memory it goes on at memory speed. */
static void spend_stream(struct cpu *cpu, const struct cache_found *found)
{
	const struct cost *cost = cpu->cost;

	cpu_spend(cpu, found->dram * cost->copy_cold + found->own * cost->copy_warm +
			       found->remote * cost->line_transfer);
}

void cpu_fill(struct cpu *cpu, phys_t to, size_t bytes)
{
	struct cache_found found = {0};

	if (!cpu || !bytes)
		return;
	find_lines(cpu, to, bytes, true, &found);
	spend_stream(cpu, &found);
}

void cpu_copy_within(struct cpu *cpu, phys_t to, phys_t from, size_t bytes)
{
	struct cache_found found = {0};

	if (!cpu)
		return;
	if (cpu->view)
		copy_view(cpu, to, from, bytes, &found);
	else
		cache_copy(cpu->machine->cache, cpu->physical, to, from, bytes, &found);
	/* Where either side misses; both overlap. */
	spend_stream(cpu, &found);
}

void cpu_copy(struct cpu *cpu, phys_t to, phys_t from, size_t bytes)
{
	enum charge before;

	if (!cpu)
		return;
	before = cpu_enter(cpu, CHARGE_COPY);
	cpu_copy_within(cpu, to, from, bytes);
	cpu_leave(cpu, before);
}

void cpu_clflush(struct cpu *cpu, phys_t paddr)
{
	if (!cpu)
		return;
	cache_flush_line(cpu->machine->cache, machine_of(cpu, paddr));
	cpu_spend(cpu, cpu->cost->clflush);
}

void cpu_atomic(struct cpu *cpu, phys_t paddr)
{
	const struct cost *cost;
	enum cache_where where;

	if (!cpu)
		return;
	cost = cpu->cost;
	where = cache_access(cpu->machine->cache, cpu->physical, machine_of(cpu, paddr), true);
	cpu_spend(cpu, cost->locked_rmw + (where == CACHE_OWN      ? 0
					   : where == CACHE_REMOTE ? cost->line_transfer
								   : cost->dram_miss));
}
