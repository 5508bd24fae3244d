/* SPDX-License-Identifier: MIT */
/*
 * An ideal machine at the other end of the cable: it sends segments of many flows, or takes them
 * and acknowledges, as fast as the wire goes, without CPUs, memory or delays of its own. What
 * limits a transfer is then the machine under test. Segments as in spec/segment.h, one flow for
 * each of its ports.
 *
 * Sending: flows take turns, a burst of full segments each (as a sender with TSO puts them on the
 * wire; PSH on its last), as far as the smaller of the receiver's window and the flow's own goes.
 * The own window begins with ten segments (RFC 6928) and grows by what is acknowledged up to its
 * limit; after a loss, by one segment for each windowful acknowledged. A loss shows as
 * acknowledgements that repeat what was acknowledged while data are out: at the third of these, or
 * the first that opens no window, the own window is halved, to two segments at least, and
 * everything from there on is sent again (go-back-N; the wire does not reorder). After a silence of
 * four round trips as measured, at least PARTNER_SILENCE, the same.
 *
 * Taking: what follows in sequence is compared with what should come, anything else is dropped and
 * answered at once; otherwise every so many segments, and each with PSH, are acknowledged.
 */
#ifndef IOTOLL_DEV_PARTNER_H
#define IOTOLL_DEV_PARTNER_H

#include "dev/frame.h"
#include "sim/event.h"
#include "spec/segment.h"

#define PARTNER_FLOWS_MAX 64u
/* Our choice: Linux probes after two round trips, and waits for 200 ms before it gives up. */
#define PARTNER_SILENCE (200 * SIM_US)

struct partner;

struct partner_config {
	struct sim *sim;
	struct frame_pool *pool;
	struct frame_sink wire;
	struct segment_path path; /* from here; sport of flow 0: see port */
	const uint16_t *port;     /* one a flow: its own end's; copied */
	unsigned flows;           /* 1 to PARTNER_FLOWS_MAX */
	bool sends;
	uint32_t mss;         /* payload of a full segment */
	uint32_t window;      /* bytes in flight, of each flow; taking: what is advertised */
	uint32_t burst_bytes; /* of one flow before the next one's turn */
	unsigned ack_every;   /* segments */
	/* The data of flow f at offset o: byte (f * PARTNER_SKEW + o) modulo @period of @pattern.
	 */
	const uint8_t *pattern; /* must outlive the partner; 2 * @period bytes, its halves alike */
	uint32_t period;        /* more than a segment */
	bool verify;            /* compare a word in 512 bytes of what arrives */
};

#define PARTNER_SKEW 65539u

struct partner_stats {
	uint64_t segments_sent, bytes_sent; /* data, again or not */
	uint64_t segments_again;            /* of those: sent before */
	uint64_t bytes_acked;
	uint64_t losses, timeouts; /* times that a flow went back */
	uint64_t acks_sent, acks_received;
	uint64_t segments_received, bytes_received; /* in sequence */
	uint64_t out_of_sequence;
	uint64_t bytes_checked, mismatches;
	uint64_t foreign; /* frames that are none of these */
};

/* 0 and *@out; -EINVAL, -ENOMEM. Sends nothing before partner_start(). */
int partner_create(struct partner **out, const struct partner_config *config) MUST_CHECK;
/* NULL is allowed. */
void partner_destroy(struct partner *p);
void partner_start(struct partner *p);
/* A frame has arrived: for link_attach(), with the partner as ctx. It is taken over. */
void partner_receive(void *partner, struct frame *frame);
/* Valid until partner_destroy(). */
const struct partner_stats *partner_stats(const struct partner *p);

#endif
