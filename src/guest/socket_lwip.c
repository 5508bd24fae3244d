/* SPDX-License-Identifier: MIT */
/*
 * What lwIP tells a socket: data, acknowledgements, connections, the end. Called inside lwIP, in
 * whatever context brought the frame in.
 */
#include <errno.h>

#include "guest/socket.h"
#include "guest/stack_internal.h"

/* Half the limit of lwIP's segment queue is free again: worth waking a writer for. */
#define QUEUE_LOW (TCP_SND_QUEUELEN / 2)

static struct cpu *here(const struct socket *s)
{
	return cpu_current(s->ns->machine);
}

/*
 * A writer is woken when a third of the buffer is free, not at every acknowledgement
 * (sk_stream_write_space: free space at least half of what is queued).
 */
bool socket_writable(const struct socket *s)
{
	const uint32_t room = tcp_sndbuf(s->pcb);

	return room >= (SOCKET_BUFFER_BYTES - room) / 2 && tcp_sndqueuelen(s->pcb) <= QUEUE_LOW;
}

int socket_errno(err_t err)
{
	switch (err) {
	case ERR_OK:
		return 0;
	case ERR_MEM:
	case ERR_BUF:
		return -ENOMEM;
	case ERR_TIMEOUT:
	case ERR_ABRT: /* lwIP gave up retransmitting */
		return -ETIMEDOUT;
	case ERR_RTE:
		return -EHOSTUNREACH;
	case ERR_USE:
		return -EADDRINUSE;
	case ERR_CONN:
	case ERR_CLSD:
		return -EPIPE;
	default:
		return -ECONNRESET;
	}
}

static void wake_all(struct socket *s)
{
	struct cpu *cpu = here(s);

	waitq_wake(&s->read_wait, cpu);
	waitq_wake(&s->write_wait, cpu);
	waitq_wake(&s->accept_wait, cpu);
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct socket *s = arg;
	struct cpu *cpu = here(s);

	(void)pcb;
	(void)err;
	cpu_touch(cpu, s->queue_line, CACHE_LINE_BYTES, true);
	if (!p) {
		s->eof = true;
	} else if (rx_queue_push(&s->rx, p)) {
		return ERR_MEM; /* lwIP keeps it and offers it again */
	}
	waitq_wake(&s->read_wait, cpu);
	return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t bytes)
{
	struct socket *s = arg;

	(void)pcb;
	(void)bytes;
	if (s->write_wait.first && socket_writable(s))
		waitq_wake(&s->write_wait, here(s));
	return ERR_OK;
}

static void on_err(void *arg, err_t err)
{
	struct socket *s = arg;

	s->pcb = NULL; /* lwIP has freed it */
	s->error = socket_errno(err);
	if (!s->connected && err == ERR_RST)
		s->error = -ECONNREFUSED;
	wake_all(s);
}

err_t socket_on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct socket *s = arg;

	(void)pcb;
	(void)err;
	s->connected = true;
	wake_all(s);
	return ERR_OK;
}

err_t socket_on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct socket *listener = arg, *s;

	if (err != ERR_OK || !pcb || !listener)
		return ERR_VAL;
	s = socket_new(listener->ns);
	if (!s)
		return ERR_MEM; /* lwIP resets the connection */
	s->pcb = pcb;
	s->connected = true;
	socket_bind_callbacks(s);
	socket_hash_in(s);
	if (listener->accept_last)
		listener->accept_last->accept_next = s;
	else
		listener->accept_first = s;
	listener->accept_last = s;
	waitq_wake(&listener->accept_wait, here(listener));
	return ERR_OK;
}

void socket_bind_callbacks(struct socket *s)
{
	const struct lwip_functions *fn = s->ns->fn;

	fn->tcp_arg(s->pcb, s);
	fn->tcp_recv(s->pcb, on_recv);
	fn->tcp_sent(s->pcb, on_sent);
	fn->tcp_err(s->pcb, on_err);
}

void socket_unbind_callbacks(struct socket *s)
{
	const struct lwip_functions *fn = s->ns->fn;

	fn->tcp_arg(s->pcb, NULL);
	fn->tcp_recv(s->pcb, NULL);
	fn->tcp_sent(s->pcb, NULL);
	fn->tcp_err(s->pcb, NULL);
}
