/* SPDX-License-Identifier: MIT */
/*
 * A NIC on the rig, set up through its registers as a driver does, with its rings at fixed places
 * of an identity-mapped memory, and a wire that collects what is sent.
 */
#ifndef IOTOLL_TESTS_DEV_NIC_H
#define IOTOLL_TESTS_DEV_NIC_H

#include "rig.h"

#include "dev/tg3.h"
#include "spec/tg3.h"

#define NIC_STD    0x10000u
#define NIC_RET    0x20000u
#define NIC_SEND   0x30000u
#define NIC_STATUS 0x40000u
#define NIC_STATS  0x41000u
#define NIC_RX     0x100000u /* buffer i at NIC_RX + 2048 i + 2 */
#define NIC_TX     0x300000u

#define NIC_SENT_MAX 64u

struct nic {
	struct rig rig;
	struct frame_pool *pool;
	struct tg3 *tg3;
	struct mmio_window regs;
	struct irq irq;
	struct frame *sent[NIC_SENT_MAX];
	sim_time sent_at[NIC_SENT_MAX];
	unsigned nsent;
	uint16_t std_prod, send_prod;
};

/* @tick_restart as in struct tg3_config. Interrupts enabled, nothing posted. */
void nic_make(struct nic *nic, bool tick_restart);
/* Also checks that no frame leaked. */
void nic_free(struct nic *nic);
void nic_write(struct nic *nic, uint32_t offset, uint32_t value);
uint32_t nic_read(struct nic *nic, uint32_t offset);
void nic_sram_write(struct nic *nic, uint32_t at, uint32_t value);
/* Program rings, coalescing and enable bits; nic_make() has done so, a reset undoes it. */
void nic_setup(struct nic *nic);
/* Post @n receive buffers of @bytes each and tell the NIC. */
void nic_post(struct nic *nic, unsigned n, uint16_t bytes);
/* Put a send descriptor in the ring; nic_send_go() writes the mailbox. */
void nic_send(struct nic *nic, uint64_t addr, uint16_t bytes, uint16_t flags);
void nic_send_go(struct nic *nic);
/* A unicast frame of @bytes for the NIC arrives now; its payload depends on @seed. */
void nic_arrive(struct nic *nic, uint32_t bytes, unsigned seed);
/* What nic_arrive() put in such a frame. */
void nic_pattern(uint8_t *to, uint32_t bytes, unsigned seed);
void nic_run_us(struct nic *nic, unsigned us);
struct tg3_status nic_status(struct nic *nic);
struct tg3_rxd nic_returned(struct nic *nic, unsigned index);

#endif
