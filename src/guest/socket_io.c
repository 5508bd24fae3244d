/* SPDX-License-Identifier: MIT */
/*
 * Moving data. The order of steps in send and receive follows Linux's tcp_sendmsg and tcp_recvmsg
 * (net/ipv4/tcp.c): full segments leave while the message is still being copied, a reader works
 * off the backlog before it sleeps, the window is reopened when the queue has been emptied or the
 * call is over.
 */
#include "guest/socket.h"

#include <errno.h>
#include <string.h>

#include "guest/stack_internal.h"

#define CHUNK 4096u /* copied in one go before interrupts and others get a look in */

/* ---- the border of the kernel ---- */

enum charge socket_syscall_enter(const struct netstack *ns, struct cpu *cpu, uint64_t work_ps)
{
	const enum charge before = cpu_enter(cpu, CHARGE_MODE_SWITCH);

	cpu_charge(cpu, machine_cost(ns->machine)->syscall);
	cpu_enter(cpu, CHARGE_STACK);
	cpu_charge(cpu, work_ps);
	return before;
}

void socket_syscall_leave(struct cpu *cpu, enum charge before)
{
	struct task *t = cpu ? task_current(cpu) : NULL;

	if (t)
		task_preempt_point(t);
	cpu_leave(cpu, before);
}

/* ---- sending ---- */

/* Let go, sleep until there is room, come back. The check and the sleep are one instant. */
static void wait_to_write(struct socket *s, struct cpu *cpu)
{
	socket_disown(s, cpu);
	if (s->pcb && !s->error && !socket_writable(s))
		waitq_wait(&s->write_wait, cpu);
	socket_own(s, cpu);
}

/*
 * Send the full segments of a message that is still being copied, but not its ragged end: Linux
 * pushes each segment as it fills up. lwIP would send the end too if nothing is in flight or
 * Nagle is off, so leave it the reason to hold back.
 */
static void push_full_segments(struct netstack *ns, struct tcp_pcb *pcb)
{
	const bool nodelay = tcp_nagle_disabled(pcb);

	if (!pcb->unsent || !pcb->unsent->next)
		return;
	tcp_nagle_enable(pcb);
	ns->fn->tcp_output(pcb);
	if (nodelay)
		tcp_nagle_disable(pcb);
}

/* Queue up to a chunk. The count, 0 if there is no room now, or negative. */
static ssize_t write_some(struct socket *s, struct cpu *cpu, const uint8_t *from, size_t left)
{
	struct netstack *ns = s->ns;
	size_t n = left < CHUNK ? left : CHUNK;
	err_t err = ERR_MEM;
	bool idle = false;

	stack_enter(ns, cpu);
	if (!s->pcb) {
		stack_leave(ns, cpu);
		return s->error ? s->error : -EPIPE;
	}
	if (n > tcp_sndbuf(s->pcb))
		n = tcp_sndbuf(s->pcb);
	if (n)
		err = ns->fn->tcp_write(s->pcb, from, (u16_t)n,
					TCP_WRITE_FLAG_COPY | (n < left ? TCP_WRITE_FLAG_MORE : 0));
	if (err == ERR_OK && n < left) {
		push_full_segments(ns, s->pcb);
	} else { /* the message's end, or no room before everything queued has left */
		ns->fn->tcp_output(s->pcb);
		idle = s->pcb && !s->pcb->unsent && !s->pcb->unacked;
	}
	stack_leave(ns, cpu);
	if (err == ERR_OK)
		return (ssize_t)n;
	if (err == ERR_MEM)
		return idle ? -ENOMEM : 0; /* nothing in flight will ever make room */
	return socket_errno(err);
}

static ssize_t send_owned(struct socket *s, struct cpu *cpu, const uint8_t *from, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t n;

		if (s->error || s->shut) {
			n = s->error ? s->error : -EPIPE;
		} else {
			n = write_some(s, cpu, from + done, bytes - done);
		}
		if (n < 0)
			return done ? (ssize_t)done : n;
		if (!n)
			wait_to_write(s, cpu);
		done += (size_t)n;
		cpu_sync(cpu);
	}
	return (ssize_t)done;
}

ssize_t socket_send(struct socket *s, struct cpu *cpu, phys_t from, size_t bytes)
{
	struct netstack *ns = s->ns;
	const enum charge before =
		socket_syscall_enter(ns, cpu, machine_cost(ns->machine)->socket_send);
	const uint8_t *host = memory_ptr(ns->machine->mem, from, bytes);
	ssize_t n = -EFAULT;

	if (host) {
		socket_own(s, cpu);
		n = send_owned(s, cpu, host, bytes);
		socket_disown(s, cpu);
	}
	socket_syscall_leave(cpu, before);
	return n;
}

/* ---- receiving ---- */

/*
 * Whether the reader should send an acknowledgement of its own to announce the window it opened
 * (tcp_cleanup_rbuf and __tcp_select_window): only if the sender is left with no more than half the
 * buffer, and would have twice that and a full segment at least. As long as the sender has more,
 * the acknowledgement of what it sends will tell it; if it has less, this comes true at the latest
 * when the buffer is empty.
 */
static bool worth_an_update(const struct tcp_pcb *pcb)
{
	const uint32_t left = TCP_SEQ_GT(pcb->rcv_ann_right_edge, pcb->rcv_nxt)
				      ? pcb->rcv_ann_right_edge - pcb->rcv_nxt
				      : 0;
	const uint32_t fresh = pcb->rcv_wnd / pcb->mss * pcb->mss;

	return 2 * left <= TCP_WND_MAX(pcb) && fresh && fresh >= 2 * left;
}

/*
 * Give what was consumed back to the window. lwIP's own tcp_recved() sends an acknowledgement
 * whenever four segments' worth came back, which depends on how much each recv() happens to find.
 */
static void reopen_window(struct socket *s, struct cpu *cpu)
{
	const struct lwip_functions *fn = s->ns->fn;
	struct tcp_pcb *pcb;

	stack_enter(s->ns, cpu);
	pcb = s->pcb;
	if (pcb) {
		const uint32_t most = TCP_WND_MAX(pcb), room = most - pcb->rcv_wnd;

		pcb->rcv_wnd = s->unacked_reads < room ? pcb->rcv_wnd + s->unacked_reads : most;
		/* Zero: lwIP would not raise what it announces by so little. */
		if (fn->tcp_update_rcv_ann_wnd(pcb) && !s->eof && worth_an_update(pcb)) {
			tcp_ack_now(pcb);
			fn->tcp_output(pcb);
		}
	}
	s->unacked_reads = 0;
	stack_leave(s->ns, cpu);
}

/* Copy from the front of the queue: one packet's piece at most. */
static size_t copy_piece(struct socket *s, struct cpu *cpu, phys_t to, size_t bytes)
{
	struct memory *mem = s->ns->machine->mem;
	struct pbuf *p = s->rx.at;
	size_t n = p->len - s->rx.offset;
	const uint8_t *from = (const uint8_t *)p->payload + s->rx.offset;

	if (n > bytes)
		n = bytes;
	if (n) { /* there is nothing behind headers that were copied for themselves */
		cpu_copy(cpu, to, memory_addr(mem, from), n);
		memcpy(memory_ptr(mem, to, n), from, n);
	}
	s->rx.offset += n;
	if (s->rx.offset < p->len)
		return n;
	s->rx.at = p->next;
	s->rx.offset = 0;
	if (!s->rx.at) {
		struct pbuf *chain = s->rx.item[s->rx.first];

		rx_queue_pop(&s->rx);
		s->ns->fn->pbuf_free(chain);
	}
	return n;
}

/* Everything queued, or all that was asked for. */
static size_t take_queued(struct socket *s, struct cpu *cpu, phys_t to, size_t bytes)
{
	size_t done = 0, chunk = 0;

	cpu_touch(cpu, s->queue_line, CACHE_LINE_BYTES, true);
	while (done < bytes && s->rx.count) {
		const size_t n = copy_piece(s, cpu, to + done, bytes - done);

		done += n;
		chunk += n;
		s->unacked_reads += (uint32_t)n;
		if (chunk >= CHUNK) {
			chunk = 0;
			cpu_sync(cpu);
		}
	}
	return done;
}

static ssize_t recv_owned(struct socket *s, struct cpu *cpu, phys_t to, size_t bytes)
{
	size_t done = 0;

	for (;;) {
		done += take_queued(s, cpu, to + done, bytes - done);
		if (s->unacked_reads)
			reopen_window(s, cpu);
		if (done == bytes || (done && !s->backlog_first))
			return (ssize_t)done;
		if (!s->backlog_first && !s->rx.count && (s->eof || s->error || !s->pcb))
			return s->eof ? 0 : s->error ? s->error : -ENOTCONN;
		/* Work the backlog off; sleep if that brought nothing and nothing was taken yet. */
		socket_disown(s, cpu);
		if (!done && !s->rx.count && !s->eof && !s->error && s->pcb)
			waitq_wait(&s->read_wait, cpu);
		socket_own(s, cpu);
	}
}

ssize_t socket_recv(struct socket *s, struct cpu *cpu, phys_t to, size_t bytes)
{
	struct netstack *ns = s->ns;
	const enum charge before =
		socket_syscall_enter(ns, cpu, machine_cost(ns->machine)->socket_recv);
	ssize_t n = -EFAULT;

	if (memory_ptr(ns->machine->mem, to, bytes)) {
		socket_own(s, cpu);
		n = bytes ? recv_owned(s, cpu, to, bytes) : 0;
		socket_disown(s, cpu);
	}
	socket_syscall_leave(cpu, before);
	return n;
}
