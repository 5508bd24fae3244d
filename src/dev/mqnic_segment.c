/* SPDX-License-Identifier: MIT */
/*
 * Send entries become frames: one, or with TSO as many as its payload fills, each with the entry's
 * headers adjusted (RFC 9293: sequence numbers count bytes, PSH belongs to the last).
 */
#include <string.h>

#include "dev/mqnic_internal.h"

static void send(struct mqnic *nic, struct frame *frame)
{
	nic->stats.tx_frames++;
	nic->stats.tx_bytes += frame->bytes;
	nic->wire_free = nic->config.wire.send(nic->config.wire.ctx, frame);
}

/* A new frame, if there is somebody to send it to. */
static struct frame *get(struct mqnic *nic)
{
	struct frame *frame = nic->config.wire.send ? frame_get(nic->config.pool) : NULL;

	nic->stats.tx_drop_no_wire += !frame;
	return frame;
}

static void emit_whole(struct mqnic *nic, const uint8_t *from, uint32_t bytes)
{
	struct frame *frame = get(nic);
	struct segment s;

	if (!frame)
		return;
	memcpy(frame->data, from, bytes);
	frame->bytes = bytes;
	if (segment_unpack(&s, frame->data, bytes) && bytes == SEGMENT_HEADER_BYTES + s.payload)
		segment_finish(frame->data, bytes);
	send(nic, frame);
}

void mqnic_emit(struct mqnic *nic, const struct mqnic_send *entry, uint8_t *from, uint32_t bytes)
{
	const uint32_t header = entry->header_bytes;
	uint8_t *flags = from + SEGMENT_OFF_FLAGS;
	uint32_t seq, at = header;
	uint8_t last_flags;
	uint16_t id;

	if (entry->opcode != MQNIC_OP_TSO) {
		emit_whole(nic, from, bytes);
		return;
	}
	seq = segment_get32(from + SEGMENT_OFF_SEQ);
	id = segment_get16(from + SEGMENT_OFF_IP_ID);
	last_flags = *flags;
	while (at < bytes) {
		const uint32_t n = bytes - at < entry->mss ? bytes - at : entry->mss;
		struct frame *frame = get(nic);

		if (!frame)
			return;
		*flags = at + n == bytes ? last_flags : last_flags & (uint8_t)~SEGMENT_FLAG_PSH;
		segment_put32(from + SEGMENT_OFF_SEQ, seq + at - header);
		segment_put16(from + SEGMENT_OFF_IP_ID, id++);
		memcpy(frame->data, from, header);
		memcpy(frame->data + header, from + at, n);
		frame->bytes = header + n;
		segment_finish(frame->data, frame->bytes);
		send(nic, frame);
		at += n;
	}
}
