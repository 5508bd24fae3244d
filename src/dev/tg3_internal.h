/* SPDX-License-Identifier: MIT */
/* What the files of the NIC share: tg3.c, tg3_regs.c, tg3_coalesce.c, tg3_rx.c, tg3_tx.c. */
#ifndef IOTOLL_DEV_TG3_INTERNAL_H
#define IOTOLL_DEV_TG3_INTERNAL_H

#include "dev/tg3.h"
#include "spec/tg3.h"

#define TG3_REG_WORDS (0x7000u / 4)
/* Descriptors held on chip; how many the chip has room for is not published (our choice). */
#define TG3_RX_CACHE 64u
#define TG3_TX_CACHE 32u

struct tg3_rx {
	struct frame *first, *last;          /* arrived and not yet in host memory, oldest first */
	uint32_t buffered;                   /* their bytes in the on-chip buffer */
	struct tg3_rxd posted[TG3_RX_CACHE]; /* descriptors fetched ahead */
	unsigned posted_first, posted_count;
	uint16_t fetched;    /* standard ring: fetched up to here */
	uint16_t fetching;   /* descriptors of the fetch under way, 0 if none */
	bool fetch_refused;  /* until the producer mailbox is written again */
	bool placing;        /* the first frame or its descriptor is being written */
	uint16_t produced;   /* return ring: written up to here */
	struct tg3_rxd used; /* of the frame being placed */
	struct bus_request fetch, data, ret;
	uint8_t fetch_buffer[TG3_RX_CACHE * TG3_RXD_BYTES];
	uint8_t ret_buffer[TG3_RXD_BYTES];
};

struct tg3_tx {
	struct tg3_txd posted[TG3_TX_CACHE];
	unsigned posted_first, posted_count;
	uint16_t fetched, fetching;
	bool fetch_refused;
	uint16_t consumed; /* send ring: whole frames done up to here */
	uint16_t pending;  /* descriptors of the frame being gathered, 0 between frames */
	bool gathering;    /* a fragment is being read */
	bool bad, lost;    /* the frame being gathered must not be sent: refused, unreadable */
	bool end;          /* the fragment in hand is its last */
	bool coalesce_now; /* a descriptor of it asked for a status block */
	struct frame *frame;
	sim_time wire_free;
	struct event room; /* the on-chip send buffer has room again */
	struct bus_request fetch, data;
	uint8_t fetch_buffer[TG3_TX_CACHE * TG3_TXD_BYTES];
};

struct tg3_coalesce {
	uint32_t rx_frames, tx_frames;     /* since the last status block */
	sim_time rx_deadline, tx_deadline; /* SIM_NEVER: not running */
	struct event timer;
	bool again;        /* another status block is wanted once this one is out */
	uint8_t tag;       /* of the newest status block begun */
	uint8_t tag_shown; /* of the newest in host memory */
	bool line;         /* INTx asserted */
	bool held;         /* it would be, were it not masked */
	struct bus_request status;
	uint8_t status_buffer[TG3_STATUS_BYTES];
	struct event statistics_timer;
	struct bus_request statistics;
	uint8_t statistics_buffer[TG3_STATS_BYTES];
};

struct tg3 {
	struct tg3_config config;
	struct machine *machine;
	struct bus_port port;
	uint64_t filter;       /* station address as a number */
	uint64_t tx_buffer_ps; /* on-chip send buffer as time on the wire */
	bool dead;             /* the bus was shut off */
	struct tg3_rx rx;
	struct tg3_tx tx;
	struct tg3_coalesce co;
	struct tg3_stats stats;
	uint32_t reg[TG3_REG_WORDS];
	uint8_t row[TG3_REG_WORDS]; /* 1 + index into the register table, 0 = no register */
	uint32_t sram[TG3_SRAM_BYTES / 4];
};

static inline uint32_t tg3_reg(const struct tg3 *nic, uint32_t offset)
{
	return nic->reg[offset / 4];
}

static inline sim_time tg3_now(const struct tg3 *nic)
{
	return sim_now(nic->machine->sim);
}

/* The read and the write engine are switched on. */
static inline bool tg3_can_read(const struct tg3 *nic)
{
	return !nic->dead && tg3_reg(nic, TG3_RDMAC_MODE) & TG3_MODE_ENABLE;
}

static inline bool tg3_can_write(const struct tg3 *nic)
{
	return !nic->dead && tg3_reg(nic, TG3_WDMAC_MODE) & TG3_MODE_ENABLE;
}

/* Take a DMA's outcome in: true if it went well; else it is counted and reported. */
bool tg3_dma_ok(struct tg3 *nic, enum iotoll_access direction, int status);
/* Everything back to its state after power-up, except statistics of the model. */
void tg3_reset(struct tg3 *nic);

/* tg3_regs.c */
void tg3_regs_init(struct tg3 *nic);
void tg3_regs_reset(struct tg3 *nic);
/* Host address and length field of the ring control block at @offset of registers or SRAM. */
struct tg3_ring {
	uint64_t base;
	uint32_t length;
	bool usable;
};
struct tg3_ring tg3_ring_register(const struct tg3 *nic, uint32_t offset);
struct tg3_ring tg3_ring_sram(const struct tg3 *nic, uint32_t offset);

/* tg3_rx.c: something that receiving waits for may have come. */
void tg3_rx_init(struct tg3 *nic);
void tg3_rx_reset(struct tg3 *nic);
void tg3_rx_pump(struct tg3 *nic);

/* tg3_tx.c */
void tg3_tx_init(struct tg3 *nic);
void tg3_tx_reset(struct tg3 *nic);
void tg3_tx_pump(struct tg3 *nic);

/* tg3_coalesce.c */
void tg3_coalesce_init(struct tg3 *nic);
void tg3_coalesce_reset(struct tg3 *nic);
/* A frame was placed, sent; @now: a status block is due whatever the counters say. */
void tg3_coalesce_rx(struct tg3 *nic);
void tg3_coalesce_tx(struct tg3 *nic, bool now);
/* Write a status block as soon as possible. */
void tg3_status_update(struct tg3 *nic);
/* The interrupt mailbox, or the control register's mask and clear bits, were written. */
void tg3_interrupt_mailbox(struct tg3 *nic, uint32_t value);
void tg3_interrupt_control(struct tg3 *nic, uint32_t value);
/* Let the statistics period run if it is switched on; @restart: from now. */
void tg3_statistics_arm(struct tg3 *nic, bool restart);

#endif
