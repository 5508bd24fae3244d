/* SPDX-License-Identifier: MIT */
/* What the files of the NIC share: mqnic.c, mqnic_regs.c, mqnic_rx.c, mqnic_tx.c, mqnic_cq.c. */
#ifndef IOTOLL_DEV_MQNIC_INTERNAL_H
#define IOTOLL_DEV_MQNIC_INTERNAL_H

#include "dev/mqnic.h"
#include "spec/mqnic.h"
#include "spec/segment.h"

/* Entries and blocks held on chip, of each queue; frames and entries under way (our choices). */
#define MQNIC_RX_AHEAD  64u
#define MQNIC_RX_LOW    32u
#define MQNIC_TX_AHEAD  32u
#define MQNIC_RX_JOBS   512u
#define MQNIC_TX_JOBS   64u
#define MQNIC_TX_MAX    (65536u + 256u) /* bytes of one send entry: TSO's 64 KiB and headers */
#define MQNIC_REG_WORDS (MQNIC_END / 4u)

struct mqnic_queue;

struct mqnic_rx_job {
	struct mqnic_rx_job *next; /* free ones */
	struct mqnic_queue *q;
	struct frame *frame;
	unsigned under_way;
	struct pcie_request data[MQNIC_RX_PIECES_MAX], cqe;
	uint8_t cqe_bytes[MQNIC_CQE_BYTES];
};

struct mqnic_tx_job {
	struct mqnic_tx_job *next; /* free ones; its queue's, oldest first */
	struct mqnic_queue *q;
	struct mqnic_send send;
	uint32_t bytes;
	unsigned reading;
	uint8_t error;
	bool gathered, writing;
	struct pcie_request data[MQNIC_TX_PIECES_MAX], cqe;
	uint8_t cqe_bytes[MQNIC_CQE_BYTES];
	uint8_t bytes_read[MQNIC_TX_MAX];
};

struct mqnic_rx {
	uint64_t ring, record, cq;
	unsigned log, log_stride;
	uint32_t producer, fetched, consumed; /* counters that never wrap at the ring's size */
	uint32_t completed;
	bool reading_record, fetching;
	bool refused;   /* the last fetch */
	sim_time asked; /* when the record was last asked for, and 1; 0: never */
	unsigned batch; /* entries of the fetch under way */
	struct pcie_request read_record, fetch;
	uint8_t record_bytes[4];
	uint8_t stock[MQNIC_RX_AHEAD * MQNIC_BLOCK_BYTES];
	uint8_t fetch_bytes[MQNIC_RX_AHEAD * MQNIC_BLOCK_BYTES];
};

struct mqnic_tx {
	uint64_t ring, cq;
	unsigned log;
	uint32_t producer, fetched, consumed; /* in blocks */
	uint32_t completed;
	bool fetching, refused;
	unsigned batch;
	struct mqnic_tx_job *first, *last;
	struct pcie_request fetch;
	uint8_t stock[MQNIC_TX_AHEAD * MQNIC_BLOCK_BYTES];
	uint8_t fetch_bytes[MQNIC_TX_AHEAD * MQNIC_BLOCK_BYTES];
};

/* One direction's part in its queue pair's interrupt. */
struct mqnic_moderation {
	uint32_t written; /* completions in memory, */
	uint32_t seen;    /* of which the driver has seen so many */
	sim_time first;   /* when the first of the others came */
};

struct mqnic_queue {
	struct mqnic *nic;
	unsigned number;
	bool on;
	struct mqnic_rx rx;
	struct mqnic_tx tx;
	struct mqnic_moderation side[2]; /* receive, send */
	bool armed, sending;
	unsigned rx_under_way, tx_under_way; /* frames, entries */
	struct event timer;
	struct pcie_request message;
};

struct mqnic {
	struct mqnic_config config;
	struct machine *machine;
	struct pcie *pcie;
	uint64_t station;
	struct frame *first, *last; /* arrived and not yet on their way to memory, oldest first */
	uint32_t rx_used, tx_gathering;
	sim_time wire_free;
	struct event tx_room;
	unsigned tx_turn;      /* the queue whose turn it is */
	uint64_t tx_buffer_ps; /* the on-chip send buffer as time on the wire */
	struct mqnic_rx_job *free_rx, *rx_jobs;
	struct mqnic_tx_job *free_tx, *tx_jobs;
	struct mqnic_stats stats;
	uint32_t reg[MQNIC_REG_WORDS];
	uint32_t hash[SEGMENT_RSS_INPUT_BYTES][256]; /* what each byte of the input does to it */
	struct mqnic_queue queue[MQNIC_QUEUES_MAX];
};

static inline uint32_t mqnic_reg(const struct mqnic *nic, uint32_t offset)
{
	return nic->reg[offset / 4];
}

static inline uint32_t mqnic_queue_reg(const struct mqnic_queue *q, uint32_t offset)
{
	return mqnic_reg(q->nic, MQNIC_QUEUE + q->number * MQNIC_QUEUE_STEP + offset);
}

static inline sim_time mqnic_now(const struct mqnic *nic)
{
	return sim_now(nic->machine->sim);
}

static inline bool mqnic_enabled(const struct mqnic *nic)
{
	return mqnic_reg(nic, MQNIC_CONTROL) & MQNIC_CONTROL_ENABLE;
}

/* Hand in a DMA of @bytes at @iova; @req->done and ctx are set. */
static inline void mqnic_dma(struct mqnic *nic, struct pcie_request *req,
			     enum iotoll_access direction, uint64_t iova, void *buffer,
			     uint32_t bytes)
{
	req->direction = direction;
	req->iova = iova;
	req->buffer = buffer;
	req->bytes = bytes;
	pcie_submit(nic->pcie, req);
}

/* A read's outcome: true if it went well; else it is counted and reported. */
bool mqnic_read_ok(struct mqnic *nic, int status);
/* A work entry made no sense: report it. */
void mqnic_bad_entry(struct mqnic *nic);
/* Everything back to its state after power-up, except statistics of the model. */
void mqnic_reset(struct mqnic *nic);

/* mqnic_regs.c */
void mqnic_regs_reset(struct mqnic *nic);

/* mqnic_rx.c */
int mqnic_rx_init(struct mqnic *nic);
void mqnic_rx_fini(struct mqnic *nic);
void mqnic_rx_reset(struct mqnic *nic);
/* Queue @q was switched on: read its registers. False if they make no sense. */
bool mqnic_rx_start(struct mqnic_queue *q);
void mqnic_rx_pump(struct mqnic *nic);

/* mqnic_tx.c */
int mqnic_tx_init(struct mqnic *nic);
void mqnic_tx_fini(struct mqnic *nic);
void mqnic_tx_reset(struct mqnic *nic);
bool mqnic_tx_start(struct mqnic_queue *q);
/* Its producer counter, of which @low are the low 16 bits, was written. */
void mqnic_tx_bell(struct mqnic_queue *q, uint16_t low);

/* mqnic_segment.c: the frames of a send entry whose bytes are @bytes at @from. */
void mqnic_emit(struct mqnic *nic, const struct mqnic_send *send, uint8_t *from, uint32_t bytes);

/* mqnic_cq.c */
void mqnic_cq_init(struct mqnic_queue *q);
void mqnic_cq_start(struct mqnic_queue *q);
/* A completion of direction @side (0 receive, 1 send) is in memory. */
void mqnic_cq_written(struct mqnic_queue *q, unsigned side);
void mqnic_cq_arm(struct mqnic_queue *q, uint32_t value);

#endif
