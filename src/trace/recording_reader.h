/* SPDX-License-Identifier: MIT */
/* What reading a recording keeps of each CPU; between recording.c and recording_calls.c. */
#ifndef IOTOLL_TRACE_RECORDING_READER_H
#define IOTOLL_TRACE_RECORDING_READER_H

#include "trace/recording_impl.h"
#include "watch/pfnmap.h"

#define CALLS  8u   /* under way on a CPU: one, and interrupts in it */
#define RECENT 256u /* maps and unmaps of a CPU that what follows may be about */

/* What a call of the DMA API says. */
struct said {
	enum trace_kind kind;
	int device;
	uint8_t dir;
	uint32_t offset;
	uint64_t first, pages, asked; /* pages 0: not said, as of a list */
	size_t head;                  /* 1 + the event of its first piece; 0: none yet */
	uint64_t end;                 /* of the last piece */
};

struct reader_cpu {
	struct said call[CALLS]; /* of maps: not returned yet */
	unsigned calls;
	struct said unmap;     /* announced; kind TRACE_OTHER: none */
	size_t recent[RECENT]; /* events, 1 + index; 0: none */
	unsigned next;
	struct flush_probes said;
};

struct dma_list;

/* The lists of one device that are mapped, by where their memory begins: the oldest and the newest
 * of each address (1 + index). */
struct reader_lists {
	struct pfnmap at; /* keys are addresses, of bytes */
	bool begun;       /* there is a table */
};

/* Maps and unmaps as the tracepoints of "dma:" have them, as long as there are none but those. */
struct reader_dma {
	struct recorded *event;
	size_t events, room;
	struct reader_lists of[1 + RECORDING_DEVICES]; /* the first: of RECORDING_NOBODY */
	struct dma_list *list;                         /* mapped, or to be used again */
	size_t lists, list_room;
	size_t spare; /* first of the latter, 1 + index; 0: none */
	uint64_t maps, unmaps;
	uint64_t unknown; /* unmaps of lists from before the recording */
};

struct reader {
	struct recording *r;
	struct reader_cpu *cpu;
	unsigned cpus;
	uint64_t last_ns, now_ns;
	bool begun, moved; /* there was an event; there was one of "iommu:" */
	bool descriptors;  /* are kept */
	struct reader_dma dma;
	struct err *err;
};

/* Time since the first event that is kept. */
uint64_t reader_now(struct reader *rd, const struct trace_event *ev);

/* The last event of this kind on this CPU for which the call has the address and nobody else. */
struct recorded *reader_recent(struct reader *rd, struct reader_cpu *c, enum trace_kind kind,
			       uint64_t first);
/* A call of the DMA API. 0 or an error with rd->err. */
int reader_call(struct reader *rd, struct reader_cpu *c, const struct trace_event *ev) MUST_CHECK;
/* The innermost of this kind has returned, and all that were begun in it. */
void reader_call_ends(struct reader_cpu *c, enum trace_kind kind);
/* What is known of a map, of an unmap, that is about to become the recording's next event. */
void reader_tell_map(struct reader *rd, struct reader_cpu *c, struct recorded *ev);
void reader_tell_unmap(struct reader_cpu *c, struct recorded *ev);

/* ---- recording_dma.c ---- */

/* A tracepoint of "dma:", which says @said. 0 or an error with rd->err. */
int reader_dma(struct reader *rd, const struct trace_event *ev, const struct said *said) MUST_CHECK;
/* A flush of a domain, for the same list of events. 0; -ENOMEM with rd->err. */
int reader_dma_flush(struct reader *rd, const struct recorded *flush) MUST_CHECK;
/* All is read: if nothing else was recorded, those are the recording's events. */
void reader_dma_take(struct reader *rd);
void reader_dma_fini(struct reader *rd);

#endif
