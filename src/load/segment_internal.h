/* SPDX-License-Identifier: MIT */
/* What the files of the segment streams share: segment_stream.c, segment_receive.c, segment_send.c.
 */
#ifndef IOTOLL_LOAD_SEGMENT_INTERNAL_H
#define IOTOLL_LOAD_SEGMENT_INTERNAL_H

#include "load/segment_stream.h"
#include "sim/task.h"

#define SEGMENT_MERGED_MAX 65535u /* bytes of payload merged into one segment */
#define SEGMENT_QUEUES     16u    /* of the NIC, at most */
#define SEGMENT_LIST_RUNS  64u
#define SEGMENT_RESENDS    16u /* of one packet that the NIC cannot read */

enum segment_value {
	MESSAGE_BYTES,
	RECV_BYTES,
	FIRST_CPU,
	CPUS,
	VERIFY,
	ACK_EVERY,
	GRO,
	TSO,
	SEND_PAGES,
	VALUES,
};

/* Received and not yet read. */
struct piece {
	struct mqnic_page *page;
	phys_t paddr;
	uint32_t bytes;
};

/* What merging has put together of a flow and not yet passed up. */
struct merged {
	uint32_t seq, bytes;
	unsigned segments, pieces;
	bool push;
};

/* Memory of the kernel's in which sent data lie until they are acknowledged. */
struct chunk {
	struct chunk *next; /* of its flow's; free ones */
	struct chunk *next_all;
	struct segment_flow *flow;
	uint64_t at; /* offset in the stream */
	uint32_t bytes;
	unsigned under_way; /* on the NIC; 0 or 1 */
	unsigned resent;
	bool acked;
	uint8_t *header;  /* of its packet */
	uint32_t buffers; /* a bit for each piece that lies in one of the DMA API's */
	struct mqnic_packet packet;
};

/*
 * Runs of send_pages pages that a CPU freed last, newest at the end (Linux's lists of free pages
 * for each CPU): their lines are in its caches.
 */
struct page_list {
	phys_t run[SEGMENT_LIST_RUNS];
	unsigned count;
};

struct counters {
	uint64_t bytes, calls, checked, mismatches;
};

struct segment_flow {
	struct segment_load *load;
	unsigned number;
	struct cpu *cpu; /* of its program */
	struct vlock lock;
	struct waitq wait;
	phys_t user;
	uint64_t user_pages;
	size_t user_bytes;
	bool done;
	/* receiving */
	struct piece *piece; /* a ring: queued from head on, then what is being merged */
	uint32_t ring, head, queued;
	uint64_t queued_bytes;
	struct merged merged;
	struct segment_flow *next_merging; /* of the same queue */
	uint64_t expected, read;           /* offsets in the stream */
	unsigned unacked;                  /* segments */
	uint64_t advertised; /* offset up to which the partner may send, as it was told */
	/* sending */
	uint64_t next, una, recover, window; /* offsets; bytes */
	struct chunk *first, *last;          /* not acknowledged, oldest first */
	bool resend_all;                     /* when the queue has room */
	struct counters count, at_begin, at_end;
};

struct segment_load {
	struct load load;
	struct segment_ends ends;
	struct machine *machine;
	bool sut_receives, stopping, ended;
	uint64_t value[VALUES];
	struct segment_flow *flow;
	struct page_list *list;                       /* one a CPU */
	struct chunk *free_chunks, *chunks;           /* outside the machine's memory */
	struct segment_flow *merging[SEGMENT_QUEUES]; /* flows with something merged, by queue */
	uint8_t of_port[UINT16_MAX + 1];              /* flow + 1 */
	phys_t lines, headers; /* a line a flow; one a CPU, for copies of headers */
	uint64_t header_pages;
	sim_time begin, end;
	uint64_t resent, resent_begin, resent_end;
	uint64_t acks_dropped; /* no room or memory: the next one says as much */
	int error;
	char error_text[96];
};

static inline const uint8_t *segment_data(const struct segment_flow *f, uint64_t offset)
{
	const struct segment_ends *e = &f->load->ends;

	return e->pattern + ((uint64_t)f->number * e->skew + offset) % e->period;
}

void segment_fail(struct segment_flow *f, int code, const char *what);
/* A pure acknowledgement of @f leaves by @cpu's queue. In softirq or task context. */
void segment_send_ack(struct segment_flow *f, struct cpu *cpu);

/* segment_receive.c */
/* A frame with data has come, whose headers say @s. The pieces are the flow's from here on. */
void segment_take(struct segment_flow *f, struct cpu *cpu, unsigned queue, const struct segment *s,
		  const struct mqnic_frame *frame);
/* Pass up what was merged of @queue's flows. */
void segment_flush(struct segment_load *l, struct cpu *cpu, unsigned queue);
/* The receiving program. */
void segment_reader(void *flow);

/* segment_send.c */
/* An acknowledgement has come. */
void segment_acked(struct segment_flow *f, struct cpu *cpu, const struct segment *s);
/* A send queue has room again. */
void segment_room(struct segment_load *l, struct cpu *cpu);
/* The sending program. */
void segment_writer(void *flow);
void segment_free_chunks(struct segment_load *l);

#endif
