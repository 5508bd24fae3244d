/* SPDX-License-Identifier: MIT */
/*
 * Receiving segments: merging as Linux's GRO does it (a flow's segments that follow each other, up
 * to 64 KiB, until PSH or the end of the poll), then the socket's queue, then the program.
 */
#include <string.h>

#include "load/segment_internal.h"

#define VERIFY_STRIDE 512u
#define SYNC_BYTES    16384u /* copied before interrupts get their turn */

static struct piece *piece_at(const struct segment_flow *f, uint32_t index)
{
	return &f->piece[(f->head + index) % f->ring];
}

/* ---- merging ---- */

static void release_merged(struct segment_flow *f)
{
	for (unsigned i = 0; i < f->merged.pieces; i++)
		mqnic_driver_put(f->load->ends.driver, piece_at(f, f->queued + i)->page);
}

/* What was merged goes up. The lock is the socket's. */
static void pass_up(struct segment_flow *f, struct cpu *cpu)
{
	struct segment_load *l = f->load;
	const struct merged m = f->merged;
	bool answer;

	if (!m.segments)
		return;
	vlock_acquire_bh(&f->lock, cpu);
	cpu_charge(cpu, machine_cost(l->machine)->rx_segment);
	if (m.seq == (uint32_t)f->expected) {
		f->expected += m.bytes;
		f->queued += m.pieces;
		f->queued_bytes += m.bytes;
		f->unacked += m.segments;
		answer = f->unacked >= l->value[ACK_EVERY] || m.push;
		waitq_wake(&f->wait, cpu);
	} else {
		release_merged(f);
		answer = true;
	}
	f->merged = (struct merged){.segments = 0};
	vlock_release_bh(&f->lock, cpu);
	if (answer)
		segment_send_ack(f, cpu);
}

static void start_merging(struct segment_flow *f, unsigned queue, const struct segment *s)
{
	struct segment_load *l = f->load;

	f->merged = (struct merged){.seq = s->seq};
	f->next_merging = l->merging[queue];
	l->merging[queue] = f;
}

static void stop_merging(struct segment_flow *f, unsigned queue)
{
	struct segment_flow **at = &f->load->merging[queue];

	while (*at && *at != f)
		at = &(*at)->next_merging;
	if (*at)
		*at = f->next_merging;
}

/* Put the frame's payload behind what was merged. False: the ring is full. */
static bool append(struct segment_flow *f, const struct segment *s, const struct mqnic_frame *frame)
{
	uint32_t skip = SEGMENT_HEADER_BYTES, left = s->payload;

	if (f->queued + f->merged.pieces + frame->pieces > f->ring)
		return false;
	for (unsigned i = 0; i < frame->pieces; i++) {
		uint32_t n = frame->piece[i].bytes - skip;

		n = n < left ? n : left; /* short frames are padded */
		if (n)
			*piece_at(f, f->queued + f->merged.pieces++) =
				(struct piece){.page = frame->piece[i].page,
					       .paddr = frame->piece[i].paddr + skip,
					       .bytes = n};
		else
			mqnic_driver_put(f->load->ends.driver, frame->piece[i].page);
		left -= n;
		skip = 0;
	}
	f->merged.bytes += s->payload;
	f->merged.segments++;
	f->merged.push |= (s->flags & SEGMENT_FLAG_PSH) != 0;
	return true;
}

void segment_take(struct segment_flow *f, struct cpu *cpu, unsigned queue, const struct segment *s,
		  const struct mqnic_frame *frame)
{
	struct segment_load *l = f->load;
	struct merged *m = &f->merged;

	if (m->segments &&
	    (s->seq != m->seq + m->bytes || m->bytes + s->payload > SEGMENT_MERGED_MAX)) {
		stop_merging(f, queue);
		pass_up(f, cpu);
	}
	if (!m->segments)
		start_merging(f, queue, s);
	if (l->value[GRO])
		cpu_charge(cpu, machine_cost(l->machine)->gro_segment);
	if (!append(f, s, frame)) {
		for (unsigned i = 0; i < frame->pieces; i++)
			mqnic_driver_put(l->ends.driver, frame->piece[i].page);
		if (!m->segments)
			stop_merging(f, queue);
		return;
	}
	if (!l->value[GRO] || m->push) {
		stop_merging(f, queue);
		pass_up(f, cpu);
	}
}

void segment_flush(struct segment_load *l, struct cpu *cpu, unsigned queue)
{
	while (l->merging[queue]) {
		struct segment_flow *f = l->merging[queue];

		l->merging[queue] = f->next_merging;
		pass_up(f, cpu);
	}
}

/* ---- the program ---- */

/* Compare @bytes at @got with the stream from @offset on. */
static void verify(struct segment_flow *f, const uint8_t *got, size_t bytes, uint64_t offset)
{
	const uint64_t mode = f->load->value[VERIFY];

	while (bytes && mode) {
		size_t n = bytes < VERIFY_STRIDE ? bytes : VERIFY_STRIDE;
		const size_t compared = mode == 2 || n < 8 ? n : 8;

		f->count.checked += compared;
		f->count.mismatches += memcmp(got, segment_data(f, offset), compared) != 0;
		got += n;
		offset += n;
		bytes -= n;
	}
}

/* One piece of the queue's front to @to; how much of it. The lock is not held: only we read. */
static size_t copy_piece(struct segment_flow *f, struct cpu *cpu, phys_t to, size_t room)
{
	struct memory *mem = f->load->machine->mem;
	struct piece *p = piece_at(f, 0);
	const size_t n = p->bytes < room ? p->bytes : room;

	cpu_copy(cpu, to, p->paddr, n);
	memcpy(memory_ptr(mem, to, n), memory_ptr(mem, p->paddr, n), n);
	p->paddr += n;
	p->bytes -= (uint32_t)n;
	return n;
}

/* Up to @room bytes of what is queued. */
static size_t take_queued(struct segment_flow *f, struct cpu *cpu, size_t room)
{
	size_t done = 0, chunk = 0;

	while (done < room && f->queued) {
		const size_t n = copy_piece(f, cpu, f->user + done, room - done);

		done += n;
		chunk += n;
		if (!piece_at(f, 0)->bytes) {
			/* The other end, which softirqs move, stays where it is. */
			mqnic_driver_put(f->load->ends.driver, piece_at(f, 0)->page);
			f->head = (f->head + 1) % f->ring;
			f->queued--;
		}
		if (chunk >= SYNC_BYTES) {
			chunk = 0;
			cpu_sync(cpu);
		}
	}
	return done;
}

/*
 * The window has opened by half a buffer since the partner was told: tell it
 * (tcp_cleanup_rbuf and __tcp_select_window, by and large).
 */
static bool worth_an_update(const struct segment_flow *f)
{
	const uint64_t window = f->load->ends.window;

	return f->read + window - f->advertised >= window / 2;
}

static size_t receive(struct segment_flow *f, struct cpu *cpu)
{
	const struct cost *cost = machine_cost(f->load->machine);
	const enum charge before = cpu_enter(cpu, CHARGE_MODE_SWITCH);
	bool update;
	size_t n;

	cpu_charge(cpu, cost->syscall);
	cpu_enter(cpu, CHARGE_STACK);
	cpu_charge(cpu, cost->socket_recv);
	vlock_acquire_bh(&f->lock, cpu);
	while (!f->queued && !f->load->stopping) {
		vlock_release_bh(&f->lock, cpu);
		if (!f->queued && !f->load->stopping)
			waitq_wait(&f->wait, cpu);
		vlock_acquire_bh(&f->lock, cpu);
	}
	vlock_release_bh(&f->lock, cpu);
	n = take_queued(f, cpu, f->user_bytes);
	vlock_acquire_bh(&f->lock, cpu);
	f->read += n;
	f->queued_bytes -= n;
	update = worth_an_update(f);
	vlock_release_bh(&f->lock, cpu);
	if (update)
		segment_send_ack(f, cpu);
	cpu_leave(cpu, before);
	return n;
}

void segment_reader(void *ctx)
{
	struct segment_flow *f = ctx;
	struct segment_load *l = f->load;
	const uint64_t app_call = machine_cost(l->machine)->app_call;

	while (!l->stopping) {
		const uint64_t at = f->read;
		size_t n;

		cpu_charge(f->cpu, app_call);
		n = receive(f, f->cpu);
		verify(f, memory_ptr(l->machine->mem, f->user, f->user_bytes), n, at);
		f->count.bytes += n;
		f->count.calls += n != 0;
		cpu_sync(f->cpu);
		task_preempt_point(task_current(f->cpu));
	}
	f->done = true;
}
