/* SPDX-License-Identifier: MIT */
/*
 * A full-duplex Ethernet segment between two ports, 0 and 1. A frame occupies its direction for
 * preamble, frame padded to 60 bytes, FCS and inter-frame gap (IEEE 802.3 clauses 3 and 4): 1538
 * byte times, 12304 ns at 1 Gb/s, for a full frame. It arrives when its last bit has, after the
 * latency of cable and switch (a switch that stores and forwards adds its store time there).
 *
 * Jitter is an assumption, not a standard: oscillators that drift and a switch whose queue is not
 * always empty move every frame a little. Without it both machines keep time by one perfect clock,
 * and may lock into a pattern of interrupts and acknowledgements that one nanosecond elsewhere
 * would break up.
 */
#ifndef IOTOLL_DEV_LINK_H
#define IOTOLL_DEV_LINK_H

#include "dev/frame.h"
#include "dev/pcap.h"
#include "sim/event.h"

struct link;

struct link_config {
	uint32_t mbps; /* a divisor of 8,000,000: 10, 100, 1000, 10000, ... */
	uint64_t latency_ps;
	uint64_t jitter_ps; /* each frame is late by 0 to this, uniformly; 0 = none */
	uint64_t seed;      /* of the jitter */
};

/* One direction. A reader that wants an interval subtracts two copies. */
struct link_stats {
	uint64_t frames;     /* sent into it */
	uint64_t bytes;      /* of those frames, padded, without preamble, FCS and gap */
	uint64_t wire_bytes; /* with them */
	uint64_t busy_ps;    /* the same as time, booked when sent: see link_busy_ps() */
	uint64_t unattached; /* frames that found nobody at the far end */
};

/* 0 and *@out, -EINVAL for an impossible rate or jitter, -ENOMEM. @sim must outlive it. */
int link_create(struct link **out, struct sim *sim, const struct link_config *config) MUST_CHECK;
/* Frames on the way go back to their pools. NULL is allowed. */
void link_destroy(struct link *link);

/*
 * Frames for port @port go to receive(), which takes them over, in the order sent, at the
 * instant of their last bit. NULL detaches.
 */
void link_attach(struct link *link, unsigned port, void (*receive)(void *ctx, struct frame *frame),
		 void *ctx);
/* Where the device at port @port sends. Valid until link_destroy(). */
struct frame_sink link_sink(struct link *link, unsigned port);
/* What was sent by port @port. */
const struct link_stats *link_stats(const struct link *link, unsigned port);
/*
 * How long the direction from port @port was busy up to @now, the present: busy_ps less what
 * queued frames will take of the time to come. Over an interval it grows by the interval at most.
 */
uint64_t link_busy_ps(const struct link *link, unsigned port, sim_time now);
/*
 * Write every delivered frame of both directions to @pcap, stamped with its arrival. NULL stops.
 * Ownership stays with the caller; after a write error nothing more is captured and pcap_close()
 * tells.
 */
void link_capture(struct link *link, struct pcap *pcap);

#endif
