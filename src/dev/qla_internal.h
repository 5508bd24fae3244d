/* SPDX-License-Identifier: MIT */
/*
 * What the files of the adapter share: qla.c (life), qla_regs.c (registers, interrupts),
 * qla_mailbox.c, qla_request.c (request queue), qla_data.c (link and data), qla_response.c.
 */
#ifndef IOTOLL_DEV_QLA_INTERNAL_H
#define IOTOLL_DEV_QLA_INTERNAL_H

#include "dev/qla.h"
#include "spec/qla2300.h"

/* Commands the chip holds, buffers for frames in each direction: not published, our choice. */
#define QLA_EXCHANGES  512u
#define QLA_RX_BUFFERS 16u
#define QLA_TX_BUFFERS 4u
#define QLA_FRAME_MAX  2048u

enum qla_stage {
	QLA_FREE,
	QLA_GATHER, /* its continuation entries are being read */
	QLA_READY,  /* the processor will send the command */
	QLA_SENT,   /* the target has it, or it is on its way */
	QLA_GRANT,  /* leave to send data is on its way here */
	QLA_DATA,   /* data are moving */
	QLA_STATUS, /* the target's response is on its way */
	QLA_OVER,   /* waits for its frames, then for the response queue */
	QLA_ANSWER, /* its entry is in the queue of those to write */
};

struct qla_exchange {
	struct qla *hba;
	uint8_t stage;
	bool gone; /* aborted: what still arrives for it is dropped */
	uint32_t handle;
	uint16_t target, flags;
	uint32_t bytes; /* the host's count */
	unsigned entries_left;
	struct qla_segment *segment;
	unsigned segments, segments_read;
	unsigned segment_now; /* where the next frame begins */
	uint32_t segment_at;
	uint32_t at;      /* data handed to frames */
	uint32_t limit;   /* data that will move */
	uint32_t moved;   /* and those that have arrived */
	unsigned frames;  /* in flight */
	uint16_t outcome; /* QLA_CS_* */
	struct event event;
	struct disk_io io;
	struct qla_exchange *next; /* in the queue of a link or of answers */
	uint8_t entry[QLA_ENTRY_BYTES];
};

/* A buffer with a frame of data and the DMA that fills or empties it, segment by segment. */
struct qla_frame {
	struct qla *hba;
	struct qla_exchange *x; /* NULL: free */
	uint32_t offset, bytes, done;
	unsigned segment; /* the present one, and where in it */
	uint32_t segment_at;
	struct event event;
	struct bus_request req;
	uint8_t data[QLA_FRAME_MAX];
};

struct qla_queue {
	struct qla_exchange *first, *last;
};

struct qla {
	struct qla_config config;
	struct machine *machine;
	struct bus_port port;
	bool dead;    /* the bus was shut off */
	bool running; /* firmware executes */
	bool ready;   /* and has its queues */
	bool halted;  /* the queues stand still until the next initialization */
	bool paused;

	/* Registers. */
	uint16_t reg[QLA_REG_BYTES / 2]; /* those that just hold what was written */
	uint16_t in_mailbox[QLA_MAILBOXES], out_mailbox[QLA_MAILBOXES];
	uint32_t cause;         /* HOST_STATUS; 0: no interrupt */
	uint32_t mailbox_cause; /* waiting to be shown, 0: none */
	uint16_t async[8];      /* events waiting to be shown */
	unsigned async_count;
	bool response_cause;
	bool line;
	struct event interrupt; /* the line goes up again */

	/* Queues. */
	uint64_t req_base, rsp_base;
	uint16_t req_length, rsp_length;
	uint16_t req_in, req_out, rsp_in, rsp_out;
	uint32_t payload; /* data in a frame at most */
	bool fetching;
	struct bus_request fetch, answer;
	uint8_t fetch_buffer[QLA_ENTRY_BYTES];
	struct qla_exchange *gathering; /* the command whose continuations come next */
	struct qla_queue answers;       /* entries to write; the first is being written */
	bool answering, answer_waits;

	/* Link. */
	sim_time processor_free, tx_free, rx_free;
	struct qla_queue rx, tx; /* exchanges that move data */
	struct event rx_event;   /* the link is free for another frame */
	struct qla_frame rx_frame[QLA_RX_BUFFERS], tx_frame[QLA_TX_BUFFERS];

	struct qla_exchange exchange[QLA_EXCHANGES];
	unsigned next_exchange;
	struct qla_stats stats;
};

static inline sim_time qla_now(const struct qla *hba)
{
	return sim_now(hba->machine->sim);
}

static inline bool qla_works(const struct qla *hba)
{
	return hba->ready && !hba->halted && !hba->dead;
}

/* qla.c */
void qla_reset(struct qla *hba);
/* Stop the queues, tell the host by @event. */
void qla_halt(struct qla *hba, uint16_t event);
/* Take a DMA's outcome in: true if it went well. */
bool qla_dma_ok(struct qla *hba, int status);
/* Forget every command and frame. */
void qla_drop_all(struct qla *hba);
void qla_queue_push(struct qla_queue *q, struct qla_exchange *x);
void qla_queue_remove(struct qla_queue *q, struct qla_exchange *x);

/* qla_regs.c */
void qla_regs_reset(struct qla *hba);
void qla_post_mailbox(struct qla *hba, bool rom, bool failed);
void qla_post_async(struct qla *hba, uint16_t event);
void qla_post_response(struct qla *hba);

/* qla_mailbox.c: the host has written a command. */
void qla_mailbox(struct qla *hba);

/* qla_request.c */
void qla_request_init(struct qla *hba);
void qla_request_pump(struct qla *hba);
/* Nothing of the exchange is under way any more. */
void qla_exchange_free(struct qla_exchange *x);

/* qla_data.c */
void qla_data_init(struct qla *hba);
void qla_data_reset(struct qla *hba);
/* The command is complete: send it. */
void qla_command(struct qla_exchange *x);
/* End it early: a status entry with @outcome follows. */
void qla_exchange_abort(struct qla_exchange *x, uint16_t outcome);

/* qla_response.c */
void qla_response_init(struct qla *hba);
void qla_response_pump(struct qla *hba);
/* Hand the host its own entry back. */
void qla_answer_entry(struct qla_exchange *x, uint8_t entry_status);
/* Tell the host how the command ended. */
void qla_answer_status(struct qla_exchange *x);

#endif
