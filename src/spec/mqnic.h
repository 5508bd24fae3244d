/* SPDX-License-Identifier: MIT */
/*
 * What driver and hardware of the multi-queue NIC agree upon. It stands for adapters of the
 * ConnectX class by what it does with memory: queues of work entries in 64-byte blocks with one
 * 16-byte segment for each mapping (address 8, key 4, length 4), completions of 64 bytes with an
 * owner bit, a doorbell record in memory for receive queues, a register for send queues, an
 * interrupt for each queue pair. The places of registers and fields are ours: that class of adapter
 * is set up by its firmware's command interface, which is not modelled. Everything is
 * little-endian.
 */
#ifndef IOTOLL_SPEC_MQNIC_H
#define IOTOLL_SPEC_MQNIC_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define MQNIC_QUEUES_MAX 16u /* queue pairs */
#define MQNIC_MTU_MIN    256u
#define MQNIC_MTU_MAX    9000u
#define MQNIC_LOG_MIN    4u /* entries, blocks of a ring, as powers of two */
#define MQNIC_LOG_MAX    13u

/* ---- registers: 32 bits wide; addresses are two of them, the low half first ---- */

#define MQNIC_ID         0x000u /* read only: MQNIC_ID_VALUE */
#define MQNIC_CAPS       0x004u /* read only: queue pairs 0-7, MQNIC_LOG_MAX 8-15, MTU 16-31 */
#define MQNIC_CONTROL    0x008u
#define MQNIC_MTU        0x00cu
#define MQNIC_MAC_HIGH   0x010u /* the first two bytes of the station address */
#define MQNIC_MAC_LOW    0x014u
#define MQNIC_STATUS     0x018u  /* a written 1 clears */
#define MQNIC_RSS_KEY    0x080u  /* 40 bytes, in the order of the key */
#define MQNIC_RSS_TABLE  0x100u  /* 128 bytes: which queue, by the low 7 bits of the hash */
#define MQNIC_QUEUE      0x1000u /* the first queue's page; the next one's follows */
#define MQNIC_QUEUE_STEP 0x100u
#define MQNIC_END        (MQNIC_QUEUE + MQNIC_QUEUES_MAX * MQNIC_QUEUE_STEP)

#define MQNIC_ID_VALUE        0x434e514du /* "MQNC" */
#define MQNIC_CONTROL_ENABLE  0x1u
#define MQNIC_CONTROL_RESET   0x2u /* reads 0: over at once */
#define MQNIC_STATUS_READ     0x1u /* a read of the NIC's was refused */
#define MQNIC_STATUS_ENTRY    0x2u /* a work entry made no sense */
#define MQNIC_RSS_KEY_BYTES   40u
#define MQNIC_RSS_TABLE_BYTES 128u

/* A queue pair's page. */
#define MQNIC_Q_RX_RING    0x00u /* address of the receive ring */
#define MQNIC_Q_RX_RECORD  0x08u /* of the record with its producer counter, 4 bytes */
#define MQNIC_Q_RX_CQ      0x10u /* of the receive completions, as many as entries */
#define MQNIC_Q_TX_RING    0x18u
#define MQNIC_Q_TX_CQ      0x20u /* of the send completions, as many as blocks */
#define MQNIC_Q_SIZES      0x28u /* powers of two: entries 0-7, their bytes 8-15, blocks 16-23 */
#define MQNIC_Q_CONTROL    0x2cu /* bit 0: on; switching on starts all counters at 0 */
#define MQNIC_Q_RX_MODER   0x30u /* interrupt after this long, us 0-15, or so many 16-31 */
#define MQNIC_Q_TX_MODER   0x34u
#define MQNIC_Q_TX_BELL    0x38u /* producer counter of the send ring, in blocks, 16 bits */
#define MQNIC_Q_ARM        0x3cu /* one interrupt, please; seen so far: receive 0-15, send 16-31 */
#define MQNIC_Q_CONTROL_ON 0x1u

/* ---- work entries ---- */

#define MQNIC_BLOCK_BYTES   64u
#define MQNIC_SEGMENT_BYTES 16u
#define MQNIC_BLOCKS_MAX    16u                          /* of one send entry */
#define MQNIC_TX_PIECES_MAX (MQNIC_BLOCKS_MAX * 4u - 2u) /* data segments of one */
#define MQNIC_RX_PIECES_MAX 4u
#define MQNIC_KEY           0x00000100u /* of all memory that the IOMMU lets the function reach */

#define MQNIC_OP_SEND 0x0au
#define MQNIC_OP_TSO  0x0eu

/* The first two segments of a send entry; data segments follow. */
struct mqnic_send {
	uint8_t opcode;
	uint8_t segments;      /* of 16 bytes, these two included */
	uint16_t index;        /* the counter of its first block */
	uint16_t mss;          /* with TSO: payload bytes of a frame */
	uint16_t header_bytes; /* with TSO: what is repeated before each */
};

/* Memory to read or write. In a receive entry 0 bytes end the list. */
struct mqnic_piece {
	uint32_t bytes;
	uint32_t key;
	uint64_t addr;
};

/* ---- completions ---- */

#define MQNIC_CQE_BYTES 64u
#define MQNIC_CQE_OWNER (MQNIC_CQE_BYTES - 1u) /* the byte with the owner bit */
#define MQNIC_CQE_TX    0x0u
#define MQNIC_CQE_RX    0x2u
#define MQNIC_CQE_ERROR 0x8u /* besides: the entry was not carried out */

/* Why not. */
#define MQNIC_ERROR_READ   1u /* its memory could not be read */
#define MQNIC_ERROR_ENTRY  2u /* it makes no sense */
#define MQNIC_ERROR_LENGTH 3u /* the frame is longer than its memory */

struct mqnic_cqe {
	uint32_t hash;
	uint32_t bytes;   /* received, without FCS */
	uint16_t counter; /* of the entry; of a send entry, of its first block */
	uint8_t error;
	uint8_t opcode;
	uint8_t owner; /* 1 on the ring's first lap, then 0, and so on */
};

/* Of completion number @counter in a ring of 2^@log. */
static inline uint8_t mqnic_owner(uint32_t counter, unsigned log)
{
	return !(counter >> log & 1);
}

/* ---- bytes ---- */

static inline uint16_t mqnic_get16(const void *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return le16toh(v);
}

static inline uint32_t mqnic_get32(const void *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return le32toh(v);
}

static inline uint64_t mqnic_get64(const void *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return le64toh(v);
}

static inline void mqnic_put16(void *at, uint16_t value)
{
	const uint16_t v = htole16(value);

	memcpy(at, &v, sizeof(v));
}

static inline void mqnic_put32(void *at, uint32_t value)
{
	const uint32_t v = htole32(value);

	memcpy(at, &v, sizeof(v));
}

static inline void mqnic_put64(void *at, uint64_t value)
{
	const uint64_t v = htole64(value);

	memcpy(at, &v, sizeof(v));
}

/* @to: two segments. */
static inline void mqnic_send_pack(void *to, const struct mqnic_send *s)
{
	uint8_t *p = (uint8_t *)to;

	memset(p, 0, 2u * MQNIC_SEGMENT_BYTES);
	p[0] = s->opcode;
	p[1] = s->segments;
	mqnic_put16(p + 2, s->index);
	mqnic_put16(p + 16, s->mss);
	mqnic_put16(p + 18, s->header_bytes);
}

static inline void mqnic_send_unpack(struct mqnic_send *s, const void *from)
{
	const uint8_t *p = (const uint8_t *)from;

	s->opcode = p[0];
	s->segments = p[1];
	s->index = mqnic_get16(p + 2);
	s->mss = mqnic_get16(p + 16);
	s->header_bytes = mqnic_get16(p + 18);
}

/* @to: one segment. */
static inline void mqnic_piece_pack(void *to, const struct mqnic_piece *d)
{
	uint8_t *p = (uint8_t *)to;

	mqnic_put32(p, d->bytes);
	mqnic_put32(p + 4, d->key);
	mqnic_put64(p + 8, d->addr);
}

static inline void mqnic_piece_unpack(struct mqnic_piece *d, const void *from)
{
	const uint8_t *p = (const uint8_t *)from;

	d->bytes = mqnic_get32(p);
	d->key = mqnic_get32(p + 4);
	d->addr = mqnic_get64(p + 8);
}

/* @to: MQNIC_CQE_BYTES bytes. */
static inline void mqnic_cqe_pack(void *to, const struct mqnic_cqe *c)
{
	uint8_t *p = (uint8_t *)to;

	memset(p, 0, MQNIC_CQE_BYTES);
	mqnic_put32(p, c->hash);
	mqnic_put32(p + 4, c->bytes);
	mqnic_put16(p + 8, c->counter);
	p[10] = c->error;
	p[11] = c->opcode;
	p[MQNIC_CQE_OWNER] = c->owner;
}

static inline void mqnic_cqe_unpack(struct mqnic_cqe *c, const void *from)
{
	const uint8_t *p = (const uint8_t *)from;

	c->hash = mqnic_get32(p);
	c->bytes = mqnic_get32(p + 4);
	c->counter = mqnic_get16(p + 8);
	c->error = p[10];
	c->opcode = p[11];
	c->owner = p[MQNIC_CQE_OWNER];
}

#endif
