/* SPDX-License-Identifier: MIT */
/*
 * TCP segments over IPv4 and Ethernet, as far as NICs and a load without a TCP stack need them:
 * where the fields lie (RFC 791, RFC 9293), their checksum (RFC 1071), and the hash by which NICs
 * spread flows over queues (Toeplitz hash over addresses and ports, Microsoft's specification of
 * receive side scaling). Headers carry no options; windows are scaled by SEGMENT_WINDOW_SHIFT, as
 * if both ends had agreed on it when the connection was opened (RFC 7323).
 */
#ifndef IOTOLL_SPEC_SEGMENT_H
#define IOTOLL_SPEC_SEGMENT_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SEGMENT_ETH_BYTES    14u
#define SEGMENT_IP_BYTES     20u
#define SEGMENT_TCP_BYTES    20u
#define SEGMENT_HEADER_BYTES (SEGMENT_ETH_BYTES + SEGMENT_IP_BYTES + SEGMENT_TCP_BYTES)
#define SEGMENT_WINDOW_SHIFT 8u

#define SEGMENT_OFF_IP       SEGMENT_ETH_BYTES
#define SEGMENT_OFF_IP_BYTES (SEGMENT_OFF_IP + 2u)
#define SEGMENT_OFF_IP_ID    (SEGMENT_OFF_IP + 4u)
#define SEGMENT_OFF_IP_SUM   (SEGMENT_OFF_IP + 10u)
#define SEGMENT_OFF_IP_SRC   (SEGMENT_OFF_IP + 12u)
#define SEGMENT_OFF_TCP      (SEGMENT_OFF_IP + SEGMENT_IP_BYTES)
#define SEGMENT_OFF_SEQ      (SEGMENT_OFF_TCP + 4u)
#define SEGMENT_OFF_ACK      (SEGMENT_OFF_TCP + 8u)
#define SEGMENT_OFF_FLAGS    (SEGMENT_OFF_TCP + 13u)
#define SEGMENT_OFF_WINDOW   (SEGMENT_OFF_TCP + 14u)
#define SEGMENT_OFF_TCP_SUM  (SEGMENT_OFF_TCP + 16u)

#define SEGMENT_FLAG_PSH 0x08u
#define SEGMENT_FLAG_ACK 0x10u

/* Which way a segment goes. */
struct segment_path {
	uint8_t to[6], from[6];
	uint32_t src, dst; /* addresses, host byte order */
	uint16_t sport, dport;
};

struct segment {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint32_t window; /* bytes, a multiple of 2^SEGMENT_WINDOW_SHIFT */
	uint8_t flags;
	uint32_t payload; /* bytes */
};

static inline uint16_t segment_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t segment_get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static inline void segment_put16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void segment_put32(uint8_t *p, uint32_t value)
{
	const uint32_t v = htobe32(value);

	memcpy(p, &v, sizeof(v));
}

/* Add @bytes to a one's complement sum; an odd count only at the end. */
static inline uint64_t segment_add(uint64_t sum, const uint8_t *p, size_t bytes)
{
	for (; bytes >= 4; p += 4, bytes -= 4)
		sum += segment_get32(p);
	if (bytes & 2) {
		sum += segment_get16(p);
		p += 2;
	}
	return sum + (bytes & 1 ? (uint64_t)*p << 8 : 0);
}

static inline uint16_t segment_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Fill in the lengths and checksums of a frame of @bytes with headers as below. */
static inline void segment_finish(uint8_t *frame, uint32_t bytes)
{
	const uint32_t ip = bytes - SEGMENT_ETH_BYTES, tcp = ip - SEGMENT_IP_BYTES;
	uint64_t sum;

	segment_put16(frame + SEGMENT_OFF_IP_BYTES, (uint16_t)ip);
	segment_put16(frame + SEGMENT_OFF_IP_SUM, 0);
	segment_put16(frame + SEGMENT_OFF_IP_SUM,
		      segment_fold(segment_add(0, frame + SEGMENT_OFF_IP, SEGMENT_IP_BYTES)));
	segment_put16(frame + SEGMENT_OFF_TCP_SUM, 0);
	sum = segment_add(6u + tcp, frame + SEGMENT_OFF_IP_SRC,
			  8); /* protocol, length, addresses */
	segment_put16(frame + SEGMENT_OFF_TCP_SUM,
		      segment_fold(segment_add(sum, frame + SEGMENT_OFF_TCP, tcp)));
}

/* Write the headers of @s to SEGMENT_HEADER_BYTES at @to, without what segment_finish() does. */
static inline void segment_pack(uint8_t *to, const struct segment_path *path,
				const struct segment *s)
{
	memset(to, 0, SEGMENT_HEADER_BYTES);
	memcpy(to, path->to, 6);
	memcpy(to + 6, path->from, 6);
	segment_put16(to + 12, 0x0800);
	to[SEGMENT_OFF_IP] = 0x45;
	segment_put16(to + SEGMENT_OFF_IP_BYTES,
		      (uint16_t)(SEGMENT_IP_BYTES + SEGMENT_TCP_BYTES + s->payload));
	segment_put16(to + SEGMENT_OFF_IP + 6, 0x4000); /* don't fragment */
	to[SEGMENT_OFF_IP + 8] = 64;
	to[SEGMENT_OFF_IP + 9] = 6;
	segment_put32(to + SEGMENT_OFF_IP_SRC, path->src);
	segment_put32(to + SEGMENT_OFF_IP_SRC + 4, path->dst);
	segment_put16(to + SEGMENT_OFF_TCP, s->sport);
	segment_put16(to + SEGMENT_OFF_TCP + 2, s->dport);
	segment_put32(to + SEGMENT_OFF_SEQ, s->seq);
	segment_put32(to + SEGMENT_OFF_ACK, s->ack);
	to[SEGMENT_OFF_TCP + 12] = 0x50;
	to[SEGMENT_OFF_FLAGS] = s->flags;
	segment_put16(to + SEGMENT_OFF_WINDOW, (uint16_t)(s->window >> SEGMENT_WINDOW_SHIFT));
}

/* Read a frame of @bytes; false if it is no such segment. Padding is told by the IP length. */
static inline bool segment_unpack(struct segment *s, const uint8_t *frame, size_t bytes)
{
	uint32_t ip;

	if (bytes < SEGMENT_HEADER_BYTES || segment_get16(frame + 12) != 0x0800 ||
	    frame[SEGMENT_OFF_IP] != 0x45 || frame[SEGMENT_OFF_IP + 9] != 6 ||
	    frame[SEGMENT_OFF_TCP + 12] != 0x50)
		return false;
	ip = segment_get16(frame + SEGMENT_OFF_IP_BYTES);
	if (ip < SEGMENT_IP_BYTES + SEGMENT_TCP_BYTES || ip > bytes - SEGMENT_ETH_BYTES)
		return false;
	s->payload = ip - SEGMENT_IP_BYTES - SEGMENT_TCP_BYTES;
	s->sport = segment_get16(frame + SEGMENT_OFF_TCP);
	s->dport = segment_get16(frame + SEGMENT_OFF_TCP + 2);
	s->seq = segment_get32(frame + SEGMENT_OFF_SEQ);
	s->ack = segment_get32(frame + SEGMENT_OFF_ACK);
	s->flags = frame[SEGMENT_OFF_FLAGS];
	s->window = (uint32_t)segment_get16(frame + SEGMENT_OFF_WINDOW) << SEGMENT_WINDOW_SHIFT;
	return true;
}

/* ---- receive side scaling ---- */

#define SEGMENT_RSS_KEY_BYTES   40u
#define SEGMENT_RSS_INPUT_BYTES 12u /* both addresses and both ports, as they stand in a frame */

/* The key of the specification's verification suite. */
static const uint8_t segment_rss_key[SEGMENT_RSS_KEY_BYTES] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

static inline uint32_t segment_rss_hash(const uint8_t *key, const uint8_t *input)
{
	uint32_t window = segment_get32(key), hash = 0;

	for (unsigned i = 0; i < SEGMENT_RSS_INPUT_BYTES; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			if (input[i] & 0x80u >> bit)
				hash ^= window;
			window = window << 1 | (key[i + 4] >> (7 - bit) & 1);
		}
	}
	return hash;
}

#endif
