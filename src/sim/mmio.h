/* SPDX-License-Identifier: MIT */
/*
 * Device registers as a CPU reaches them: an uncached load stalls the CPU until the device has
 * answered, a store is posted and reaches the device a little later, in order; a load pushes
 * every earlier store of any CPU to the same window before it (PCI ordering).
 */
#ifndef IOTOLL_SIM_MMIO_H
#define IOTOLL_SIM_MMIO_H

#include "sim/cpu.h"

struct mmio_ops {
	/* Value as a little-endian CPU sees it. @width 1, 2, 4 or 8 bytes. */
	uint64_t (*read)(void *ctx, uint64_t offset, unsigned width);
	void (*write)(void *ctx, uint64_t offset, uint64_t value, unsigned width);
	/*
	 * How long from now on the device takes no access (a bridge that is busy emptying its
	 * cache): reads stall that long, posted writes wait in order. NULL: never.
	 */
	uint64_t (*busy_ps)(void *ctx);
};

#define MMIO_POSTED 32

struct mmio_posted {
	sim_time arrives;
	uint64_t offset, value;
	unsigned width;
};

struct mmio_window {
	struct machine *machine;
	const struct mmio_ops *ops;
	void *ctx;
	struct event arrival; /* of the oldest posted write */
	struct mmio_posted posted[MMIO_POSTED];
	unsigned first, count;
	uint64_t reads, writes;
	uint64_t read_ps; /* of one read, there and back; 0: the machine's mmio_read */
};

/* @w must stay where it is while writes are in flight. */
void mmio_window_init(struct mmio_window *w, struct machine *m, const struct mmio_ops *ops,
		      void *ctx);
/* Forget what is in flight, before @w or its machine goes away. */
void mmio_window_fini(struct mmio_window *w);
/* Both sync first; with @cpu NULL they act at once. Charged in the category in force. */
uint64_t mmio_read(struct mmio_window *w, struct cpu *cpu, uint64_t offset, unsigned width);
void mmio_write(struct mmio_window *w, struct cpu *cpu, uint64_t offset, uint64_t value,
		unsigned width);

#endif
