/* SPDX-License-Identifier: MIT */
/*
 * Two hosts back to back for tests: machine, bus, NIC, DMA domain and guest software on each
 * side, a gigabit link between them. Costs are round numbers; memory is small.
 */
#ifndef IOTOLL_TESTS_GUEST_LAB_H
#define IOTOLL_TESTS_GUEST_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dev/link.h"
#include "dev/tg3.h"
#include "dma_env.h"
#include "guest/host.h"
#include "iotoll/dma.h"
#include "sim/task.h"

#define LAB_IP(n) (0x0a000001u + (n))
#define LAB_SEED  20070627u
#define LAB_HOLD  (150 * SIM_US) /* that long chunks wait for a frame */

/* What stands between NIC and wire: return false to lose the frame. May change its bytes. */
typedef bool lab_filter(void *ctx, unsigned from, struct frame *frame);

struct lab_side {
	struct lab *lab;
	unsigned number;
	struct machine *machine;
	struct bus *bus;
	struct tg3 *nic;
	struct mmio_window regs;
	struct irq irq;
	struct dma_env env;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dma;
	struct host *host;
	struct frame_sink out; /* the link's */
};

struct lab {
	struct sim *sim;
	struct frame_pool *pool;
	struct link *link;
	struct lab_side side[2];
	lab_filter *filter;
	void *filter_ctx;
	/* Of side 1's driver: pages of its receive chunks, bytes of frames sent as copies. */
	unsigned rx_chunk_pages;
	uint32_t tx_copy_bytes;
	bool lists; /* sides made from now on have a NIC driver that maps in lists */
};

struct lab *lab_create(unsigned cpus);
/* With NIC drivers that map and unmap in lists. */
struct lab *lab_create_lists(unsigned cpus);
/* With stack and NIC of side 1 on a bridge. */
struct lab *lab_create_bridged(unsigned cpus);
/* Side 1 receives into chunks of so many pages and copies short frames that it sends. */
struct lab *lab_create_chunked(unsigned cpus, unsigned pages, uint32_t tx_copy_bytes);
/* Its parts: simulation and cable alone; then a side, or a side's NIC on @machine's bus. */
struct lab *lab_create_bare(void);
void lab_create_side(struct lab *lab, unsigned n, unsigned cpus, bool bridge);
void lab_create_nic(struct lab_side *side, const uint8_t mac[6], struct machine *on);
/* All but its machine; @rested: no work is half done, so everything can be accounted for. */
void lab_destroy_side(struct lab_side *side, bool rested);
/* If the hosts come to rest, asserts that nothing of their memory or mappings is left over. */
void lab_destroy(struct lab *lab);
/* The profile of a lab's machines. */
struct profile lab_profile(unsigned cpus);
/* Run for @ps more; asserts that nobody panicked. */
void lab_run(struct lab *lab, uint64_t ps);
uint64_t lab_seed(void);

#endif
