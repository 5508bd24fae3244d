/* SPDX-License-Identifier: MIT */
/*
 * The DMA layer's environment inside the laboratory: locks wait in virtual time, work is charged
 * to the current CPU out of the machine's profile, registers are reached through the machine's
 * bus. src/dma includes "dma_env.h" and is built once against this file and once against its
 * native twin; it knows nothing else of where it runs.
 */
#ifndef IOTOLL_DMA_ENV_H
#define IOTOLL_DMA_ENV_H

#include <stdlib.h>
#include <string.h>

#include "iotoll/types.h"
#include "mem/memory_view.h"
#include "sim/lock.h"
#include "sim/mmio.h"

struct dma_lock {
	struct vlock v;
};

/* What all domains of the environment share: see dma/chip.h. Starts as zeros. */
struct dma_chip {
	struct dma_lock lock; /* only while there are users */
	iotoll_phys_t line;   /* a page frame of its own for the lock word */
	unsigned users;
	uint64_t buses; /* a bit for each that has a domain */
	void *unit;     /* the driver's own: see driver/vtd_unit.c */
};

/* Pages of I/O address space that are not to be used, whoever keeps the table. */
struct env_withheld {
	uint64_t first, pages;
};

/* The hypervisor below a domain, as its kernel reaches it. */
struct env_hypervisor {
	void *ctx;
	/* Hypercall @op on @cpu (NULL at boot); what it returns in rax. */
	long (*call)(void *ctx, struct cpu *cpu, unsigned long op, const unsigned long args[6]);
	const struct env_withheld *withheld;
	unsigned withheld_count;
	/* Entries for all of the domain's memory are there, and the hypervisor sees to them. */
	bool keeps_table;
	/* Bus addresses are the domain's own, instead of the machine's. */
	bool own_addresses;
	/*
	 * I/O pages from here on come with grant mappings (0: none do); which one a page of another
	 * domain's has is said by the kernel's p2m list, at this address of its memory.
	 */
	uint64_t lent_from;
	phys_t p2m;
};

/* Everything but the first members starts as zeros. */
struct dma_env {
	struct machine *machine;
	struct mmio_window *regs; /* the IOMMU's registers; NULL if it has none */
	/* NULL: bare metal, or a domain that does not know what lies below it. */
	const struct env_hypervisor *hypervisor;
	struct dma_chip chip;
	/* Whoever reads tables looks into CPU caches, as a walker that is a thread does: nothing
	 * has to be pushed out to memory for it. */
	bool snooped;
};

/* Which cost of the profile a step of the layer is charged as. */
enum dma_work { DMA_WORK_CALL, DMA_WORK_BITMAP_WORD, DMA_WORK_ENTRY_STORE };
/* The category in force. */
enum dma_phase {
	DMA_PHASE_MAP = CHARGE_MAP,
	DMA_PHASE_UNMAP = CHARGE_UNMAP,
	DMA_PHASE_FLUSH = CHARGE_FLUSH
};

static inline struct cpu *env_cpu_(const struct dma_env *env)
{
	return cpu_current(env->machine);
}

/* Is anything charged for? */
static inline bool env_charges(const struct dma_env *env)
{
	(void)env;
	return true;
}

/* Category handling: the returned token goes to env_leave(). */
static inline int env_enter(struct dma_env *env, enum dma_phase phase)
{
	return (int)cpu_enter(env_cpu_(env), (enum charge)phase);
}

static inline void env_leave(struct dma_env *env, int token)
{
	cpu_leave(env_cpu_(env), (enum charge)token);
}

/* @times units of @work were done. */
static inline void env_work(struct dma_env *env, enum dma_work work, uint64_t times)
{
	const struct cost *c = machine_cost(env->machine);
	const uint64_t unit = work == DMA_WORK_CALL          ? c->dma_call
			      : work == DMA_WORK_BITMAP_WORD ? c->bitmap_word
							     : c->tce_store;

	cpu_charge(env_cpu_(env), unit * times);
}

/* The layer reads or writes [paddr, paddr + bytes) with the CPU. */
static inline void env_touch(struct dma_env *env, iotoll_phys_t paddr, size_t bytes, bool write)
{
	cpu_touch(env_cpu_(env), IOTOLL_PHYS_U64(paddr), bytes, write);
}

/* A locked read-modify-write of a word in the line at @paddr. */
static inline void env_atomic(struct dma_env *env, uint64_t paddr)
{
	cpu_atomic(env_cpu_(env), paddr);
}

/* Push one cache line out to where a non-snooping table walker sees it. */
static inline void env_clflush(struct dma_env *env, iotoll_phys_t paddr)
{
	if (!env->snooped)
		cpu_clflush(env_cpu_(env), IOTOLL_PHYS_U64(paddr));
}

/* A store to, a load from memory that is mapped uncached: one leaves the CPU, one is waited for. */
static inline void env_store_uncached(struct dma_env *env)
{
	cpu_charge(env_cpu_(env), machine_cost(env->machine)->mmio_write);
}

static inline void env_load_uncached(struct dma_env *env)
{
	cpu_charge(env_cpu_(env), machine_cost(env->machine)->dram_miss);
}

/* Host pointer to physical memory; NULL if outside. */
static inline void *env_ptr(struct dma_env *env, iotoll_phys_t paddr, size_t bytes)
{
	return memory_ptr(env->machine->mem, IOTOLL_PHYS_U64(paddr), bytes);
}

/* Ranges are gone through page by page: in a view one page need not lie behind the other. */
static inline size_t env_in_page_(uint64_t paddr, size_t bytes)
{
	const size_t left = PAGE_BYTES - paddr % PAGE_BYTES;

	return bytes < left ? bytes : left;
}

/* Is all of [paddr, paddr + bytes) memory that the CPU can read and, if it should, write? */
static inline bool env_has_memory(struct dma_env *env, uint64_t paddr, size_t bytes, bool write)
{
	while (bytes) {
		const size_t n = env_in_page_(paddr, bytes);

		if (!(write ? memory_ptr_write : memory_ptr)(env->machine->mem, paddr, n))
			return false;
		paddr += n;
		bytes -= n;
	}
	return true;
}

/*
 * The CPU copies between two ranges that do not overlap, charged as a copy in the category in
 * force. Only where env_has_memory() says so.
 */
static inline void env_copy(struct dma_env *env, uint64_t to, uint64_t from, size_t bytes)
{
	cpu_copy_within(env_cpu_(env), to, from, bytes);
	while (bytes) {
		const size_t there = env_in_page_(to, bytes), n = env_in_page_(from, there);

		memcpy(memory_ptr_write(env->machine->mem, to, n),
		       memory_ptr(env->machine->mem, from, n), n);
		to += n;
		from += n;
		bytes -= n;
	}
}

/* The CPU fills a range with zeros. */
static inline void env_clear(struct dma_env *env, uint64_t paddr, size_t bytes)
{
	cpu_fill(env_cpu_(env), paddr, bytes);
	while (bytes) {
		const size_t n = env_in_page_(paddr, bytes);

		memset(memory_ptr_write(env->machine->mem, paddr, n), 0, n);
		paddr += n;
		bytes -= n;
	}
}

/* Page frames; 0 or -ENOMEM. @below 0 = anywhere. */
static inline int env_alloc_pages(struct dma_env *env, uint64_t pages, uint64_t align_bytes,
				  uint64_t below, iotoll_phys_t *out)
{
	phys_t paddr = 0;
	const int rc = memory_alloc(env->machine->mem, pages, align_bytes, below, &paddr);

	*out = IOTOLL_PHYS(paddr);
	return rc;
}

static inline void env_free_pages(struct dma_env *env, iotoll_phys_t paddr, uint64_t pages)
{
	memory_free(env->machine->mem, IOTOLL_PHYS_U64(paddr), pages);
}

/* Highest physical address + 1: what an identity mapping exposes. */
static inline uint64_t env_memory_bytes(struct dma_env *env)
{
	return memory_bytes(env->machine->mem);
}

/*
 * Where devices find [paddr, paddr + bytes), if that is one piece: a domain that knows of its
 * hypervisor goes by machine addresses, everybody else by his own.
 */
#define ENV_NO_BUS_ADDRESS UINT64_MAX

static inline uint64_t env_bus_address(const struct dma_env *env, uint64_t paddr, size_t bytes)
{
	const struct memory *mem = env->machine->mem;
	const uint64_t at = env->hypervisor ? memory_machine(mem, paddr) : paddr;
	const bool own = env->hypervisor && env->hypervisor->own_addresses;

	if (!env->hypervisor || at == MEMORY_NOWHERE)
		return at;
	for (uint64_t ahead = PAGE_BYTES - paddr % PAGE_BYTES; ahead < bytes; ahead += PAGE_BYTES) {
		const uint64_t there = memory_machine(mem, paddr + ahead);

		if (own ? there == MEMORY_NOWHERE : there != at + ahead)
			return ENV_NO_BUS_ADDRESS;
	}
	return own ? paddr : at;
}

/* Page frames that env_bus_address() may lead to: those of the machine's memory. */
static inline uint64_t env_bus_pages(const struct dma_env *env)
{
	const struct memory *mem = env->machine->mem;

	return memory_bytes(env->hypervisor ? memory_board(env->machine->mem) : mem) / PAGE_BYTES;
}

static inline bool env_has_hypervisor(const struct dma_env *env)
{
	return env->hypervisor != NULL;
}

/* The first I/O page that is lent, ENV_NO_BUS_ADDRESS if none is. */
static inline uint64_t env_lent_from(const struct dma_env *env)
{
	return env->hypervisor && env->hypervisor->lent_from ? env->hypervisor->lent_from
							     : ENV_NO_BUS_ADDRESS;
}

/* What the kernel's p2m list says of the page at @paddr; UINT64_MAX: nothing. Where pages are lent.
 */
static inline uint64_t env_p2m_word(struct dma_env *env, uint64_t paddr)
{
	const struct env_hypervisor *h = env->hypervisor;
	const uint64_t at = h->p2m + paddr / PAGE_BYTES * sizeof(uint64_t);
	const uint64_t *word = memory_ptr(env->machine->mem, at, sizeof(*word));

	cpu_touch(env_cpu_(env), at, sizeof(*word), false);
	return word ? *word : UINT64_MAX;
}

static inline bool env_table_kept(const struct dma_env *env)
{
	return env->hypervisor && env->hypervisor->keeps_table;
}

static inline const struct env_withheld *env_withheld(const struct dma_env *env, unsigned *count)
{
	*count = env->hypervisor->withheld_count;
	return env->hypervisor->withheld;
}

static inline long env_hypercall(struct dma_env *env, unsigned long op, const unsigned long args[6])
{
	return env->hypervisor->call(env->hypervisor->ctx, env_cpu_(env), op, args);
}

/* Which of @shards counters the caller should use, to keep threads apart. */
static inline unsigned env_shard(struct dma_env *env, unsigned shards)
{
	(void)env;
	(void)shards;
	return 0;
}

/* CPUs, and which one the code runs on; boot counts as the first. */
static inline unsigned env_cpus(const struct dma_env *env)
{
	return env->machine->ncpus;
}

static inline unsigned env_cpu(struct dma_env *env)
{
	const struct cpu *cpu = env_cpu_(env);

	if (!cpu)
		return 0;
	/* Below a hypervisor the board's layer is run by whichever domain asks. */
	return machine_is_guest(env->machine) ? cpu_id(cpu) : cpu_physical(cpu);
}

/* Places for what is one CPU's alone: as many as there are CPUs, each with a lock of its own. */
static inline unsigned env_owners(const struct dma_env *env)
{
	return env_cpus(env);
}

static inline unsigned env_owners_certain(const struct dma_env *env)
{
	return env_cpus(env);
}

/* Powers of two of pages that `magazines` caches ranges of: IOVA_RANGE_CACHE_MAX_SIZE, up to 32. */
#define ENV_RANGE_CLASSES 6u

static inline unsigned env_owner(struct dma_env *env)
{
	return env_cpu(env);
}

/* Nothing is to be had for nothing here. */
static inline bool env_enter_free(struct dma_env *env, unsigned *i)
{
	(void)env;
	*i = 0;
	return false;
}

static inline void env_leave_free(struct dma_env *env, unsigned i)
{
	(void)env;
	(void)i;
}

/* Is this an interrupt's work, or a softirq's? Then no other can come in between on this CPU. */
static inline bool env_in_interrupt(struct dma_env *env)
{
	return cpu_in_interrupt(env_cpu_(env));
}

/* True if the environment has registers to reach. */
static inline bool env_has_regs(const struct dma_env *env)
{
	return env->regs != NULL;
}

/* Device registers of the IOMMU, as the little-endian CPU loads and stores them. */
static inline uint64_t env_reg_read(struct dma_env *env, uint64_t offset, unsigned width)
{
	return mmio_read(env->regs, env_cpu_(env), offset, width);
}

static inline void env_reg_write(struct dma_env *env, uint64_t offset, uint64_t value,
				 unsigned width)
{
	mmio_write(env->regs, env_cpu_(env), offset, value, width);
}

/* The CPU spins for @ps (udelay()), while devices go on. */
static inline void env_spin(struct dma_env *env, uint64_t ps)
{
	cpu_charge(env_cpu_(env), ps);
	cpu_sync(env_cpu_(env));
}

/* Clock for durations, in picoseconds. */
static inline uint64_t env_now_ps(const struct dma_env *env)
{
	return machine_now(env->machine);
}

#include "dma_env_locks.h"
#include "dma_env_timer.h"

#endif
