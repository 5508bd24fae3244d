/* SPDX-License-Identifier: MIT */
/*
 * A multi-queue NIC on the rig, set up through its registers as a driver does, with its rings at
 * fixed places of an identity-mapped memory, and a wire that collects what is sent.
 */
#ifndef IOTOLL_TESTS_DEV_MQBENCH_H
#define IOTOLL_TESTS_DEV_MQBENCH_H

#include "rig.h"

#include "dev/mqnic.h"
#include "spec/mqnic.h"
#include "spec/segment.h"

#define MQ_QUEUES  2u
#define MQ_LOG     4u /* of every ring */
#define MQ_ENTRIES (1u << MQ_LOG)
/* Of queue q, at q * MQ_STEP besides. */
#define MQ_STEP    0x10000u
#define MQ_RX      0x10000u
#define MQ_RECORD  0x11000u
#define MQ_RX_CQ   0x12000u
#define MQ_TX      0x13000u
#define MQ_TX_CQ   0x14000u
#define MQ_BUFFERS 0x100000u /* 2 KiB each */
#define MQ_DATA    0x200000u

#define MQ_SENT_MAX 128u

struct mqbench {
	struct rig rig;
	struct frame_pool *pool;
	struct mqnic *nic;
	struct mmio_window regs;
	struct frame *sent[MQ_SENT_MAX];
	unsigned nsent;
	uint32_t posted[MQ_QUEUES], blocks[MQ_QUEUES];
};

/*
 * Both queues on, nothing posted, MTU 1500, no moderation, hash table all queue 0; so many bytes of
 * buffers on chip for each direction, 0: as by default.
 */
void mq_make(struct mqbench *b, uint32_t buffer);
/* Also checks that no frame leaked. */
void mq_free(struct mqbench *b);
void mq_write(struct mqbench *b, uint32_t offset, uint32_t value);
uint32_t mq_read(struct mqbench *b, uint32_t offset);
/* A queue's register. */
uint32_t mq_reg(unsigned queue, uint32_t offset);
void mq_setup(struct mqbench *b);
/* Post one entry of queue @q with @bytes at @addr, and say so in the record. */
void mq_post(struct mqbench *b, unsigned q, uint64_t addr, uint32_t bytes);
/* Put a send entry with pieces (address, bytes) into the ring; the bell is rung for @ring. */
void mq_send(struct mqbench *b, unsigned q, const struct mqnic_send *send,
	     const struct mqnic_piece *piece, unsigned pieces, bool ring);
/* A TCP segment of @payload bytes from @sport, whose data depend on @seed, arrives now. */
void mq_arrive(struct mqbench *b, uint16_t sport, uint32_t payload, unsigned seed);
void mq_pattern(uint8_t *to, uint32_t bytes, unsigned seed);
struct mqnic_cqe mq_rx_cqe(struct mqbench *b, unsigned q, unsigned index);
struct mqnic_cqe mq_tx_cqe(struct mqbench *b, unsigned q, unsigned index);

#endif
