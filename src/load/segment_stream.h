/* SPDX-License-Identifier: MIT */
/*
 * Streams of TCP segments without a TCP stack, for rates that one would not be simulated at:
 * between the machine under test, on its multi-queue NIC, and a partner who costs nothing. What a
 * kernel does for a segment is charged from the profile; the segments, their buffers, mappings and
 * acknowledgements are real. Connections are open from the start; sequence numbers begin at 0.
 *
 * segment_stream, the machine receives: each frame's headers are read, segments of a flow that
 * follow each other are merged up to 64 KiB within a round of polling (GRO), what was merged goes
 * up as one segment, and is acknowledged if it is ack_every segments or ends a burst; a program for
 * each flow takes the data out in calls of recv_bytes, one copy, and compares them. What does not
 * follow in sequence is dropped and answered at once, so the partner goes back.
 *
 * segment_maerts, the machine sends: a program for each flow sends message_bytes a call, one copy
 * into kernel memory of its own, as one packet that the NIC cuts (TSO) or segment by segment, as
 * far as the window goes. An acknowledgement that repeats itself has everything sent again that is
 * not on the NIC any more.
 *
 * Not there: connecting and closing, timers, SACK, checksums in software. Nagle's rule
 * and the merging of small sends are not there either: a message is a packet.
 */
#ifndef IOTOLL_LOAD_SEGMENT_STREAM_H
#define IOTOLL_LOAD_SEGMENT_STREAM_H

#include "guest/kmalloc.h"
#include "guest/mqnic_driver.h"
#include "load/load.h"
#include "spec/segment.h"

#define SEGMENT_FLOWS_MAX 64u

/* What both ends of the flows have agreed upon. */
struct segment_ends {
	struct mqnic_driver *driver; /* of the machine's NIC */
	struct kmalloc *kmalloc;     /* its kernel's memory */
	/* The NIC, as who looks for a buffer for it must name it; NULL: nobody does. */
	struct iotoll_dma_device *dma;
	struct segment_path path; /* from the machine; dport of flow 0: see port */
	const uint16_t *port;     /* of each flow, the partner's; copied */
	unsigned flows;           /* 1 to SEGMENT_FLOWS_MAX */
	uint32_t mss;             /* payload of a full segment */
	uint32_t window;          /* of each flow: bytes in flight, and receive buffer */
	/* Data: byte (flow * skew + offset) modulo @period of @pattern, which has each half twice.
	 */
	const uint8_t *pattern;
	uint32_t period, skew;
};

extern const struct load_ops load_segment_stream, load_segment_maerts;

#endif
