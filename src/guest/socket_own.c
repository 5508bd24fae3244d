/* SPDX-License-Identifier: MIT */
/*
 * Sockets in the stack's tables, and who may touch one: the spin lock, the owned flag and the
 * backlog of Linux's socket_lock_t (include/net/sock.h, net/core/sock.c: lock_sock, release_sock,
 * sk_add_backlog).
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "guest/socket.h"
#include "guest/stack_internal.h"

static unsigned bucket(uint32_t peer_ip, uint16_t peer_port, uint16_t local_port)
{
	return (peer_ip ^ peer_port ^ (uint32_t)local_port * 31u) % SOCKET_HASH;
}

struct socket *socket_new(struct netstack *ns)
{
	struct socket *s = calloc(1, sizeof(*s));
	phys_t lines;

	if (!s)
		return NULL;
	s->lines = kmalloc_alloc(ns->kmalloc, 2 * CACHE_LINE_BYTES);
	if (!s->lines) {
		free(s);
		return NULL;
	}
	lines = kmalloc_phys(ns->kmalloc, s->lines);
	vlock_init(&s->lock, ns->machine, lines);
	s->queue_line = lines + CACHE_LINE_BYTES;
	s->ns = ns;
	s->refs = 1;
	s->all_next = ns->sockets;
	if (ns->sockets)
		ns->sockets->all_prev = s;
	ns->sockets = s;
	return s;
}

void socket_get(struct socket *s)
{
	s->refs++;
}

void socket_put(struct socket *s)
{
	struct netstack *ns = s->ns;

	if (--s->refs)
		return;
	if (s->all_prev)
		s->all_prev->all_next = s->all_next;
	else
		ns->sockets = s->all_next;
	if (s->all_next)
		s->all_next->all_prev = s->all_prev;
	stack_count_socket_lock(&ns->stats, &s->lock);
	kmalloc_free(ns->kmalloc, s->lines);
	free(s->rx.item);
	free(s);
}

static void hash_out(struct socket *s)
{
	struct socket **at = &s->ns->hash[bucket(s->peer_ip, s->peer_port, s->local_port)];

	if (!s->hashed)
		return;
	while (*at != s)
		at = &(*at)->hash_next;
	*at = s->hash_next;
	s->hashed = false;
}

void socket_hash_in(struct socket *s)
{
	struct socket **at;

	s->peer_ip = be32toh(ip_addr_get_ip4_u32(&s->pcb->remote_ip));
	s->peer_port = s->pcb->remote_port;
	s->local_port = s->pcb->local_port;
	at = &s->ns->hash[bucket(s->peer_ip, s->peer_port, s->local_port)];
	s->hash_next = *at;
	*at = s;
	s->hashed = true;
}

struct socket *socket_find(const struct netstack *ns, uint32_t peer_ip, uint16_t peer_port,
			   uint16_t local_port)
{
	struct socket *s = ns->hash[bucket(peer_ip, peer_port, local_port)];

	while (s &&
	       (s->peer_ip != peer_ip || s->peer_port != peer_port || s->local_port != local_port))
		s = s->hash_next;
	return s;
}

void socket_free(struct socket *s)
{
	const struct lwip_functions *fn = s->ns->fn;

	hash_out(s);
	while (s->rx.count) {
		fn->pbuf_free(s->rx.item[s->rx.first]);
		rx_queue_pop(&s->rx);
	}
	while (s->backlog_first) {
		struct rx_frame *f = s->backlog_first;

		s->backlog_first = f->next;
		fn->pbuf_free(&f->custom.pbuf);
	}
	socket_put(s);
}

void socket_free_all(struct netstack *ns)
{
	while (ns->sockets) {
		struct socket *s = ns->sockets;

		s->refs = 1; /* whoever held another one will not come back */
		socket_free(s);
	}
}

/* ---- ownership ---- */

void socket_own(struct socket *s, struct cpu *cpu)
{
	vlock_acquire_bh(&s->lock, cpu);
	while (s->owned) {
		vlock_release_bh(&s->lock, cpu);
		if (s->owned)
			waitq_wait(&s->owner_wait, cpu);
		vlock_acquire_bh(&s->lock, cpu);
	}
	s->owned = true;
	vlock_release_bh(&s->lock, cpu);
}

/* Let frames of the backlog in, one entry into lwIP each, as __release_sock() does. */
static void work_off(struct socket *s, struct cpu *cpu, struct rx_frame *f)
{
	while (f) {
		struct rx_frame *next = f->next;

		f->next = NULL;
		stack_enter(s->ns, cpu);
		stack_input(s->ns, cpu, f);
		stack_leave(s->ns, cpu);
		f = next;
	}
}

void socket_disown(struct socket *s, struct cpu *cpu)
{
	vlock_acquire_bh(&s->lock, cpu);
	assert(s->owned);
	while (s->backlog_first) {
		struct rx_frame *f = s->backlog_first;

		s->backlog_first = s->backlog_last = NULL;
		s->backlog_frames = 0;
		vlock_release_bh(&s->lock, cpu);
		work_off(s, cpu, f);
		vlock_acquire_bh(&s->lock, cpu);
	}
	s->owned = false;
	waitq_wake(&s->owner_wait, cpu);
	vlock_release_bh(&s->lock, cpu);
}

bool socket_backlog(struct socket *s, struct cpu *cpu, struct rx_frame *f)
{
	struct netstack *ns = s->ns;

	vlock_acquire_bh(&s->lock, cpu);
	if (!s->owned)
		return false;
	if (s->backlog_frames >= SOCKET_BACKLOG) {
		ns->stats.rx_dropped++;
		ns->fn->pbuf_free(&f->custom.pbuf);
	} else {
		ns->stats.rx_backlogged++;
		f->next = NULL;
		if (s->backlog_last)
			s->backlog_last->next = f;
		else
			s->backlog_first = f;
		s->backlog_last = f;
		s->backlog_frames++;
	}
	vlock_release_bh(&s->lock, cpu);
	return true;
}

/* ---- the receive queue ---- */

int rx_queue_push(struct rx_queue *q, struct pbuf *p)
{
	if (q->count == q->capacity) {
		const size_t capacity = q->capacity ? 2 * q->capacity : 64;
		struct pbuf **item = malloc(capacity * sizeof(*item));

		if (!item)
			return -ENOMEM;
		for (size_t i = 0; i < q->count; i++)
			item[i] = q->item[(q->first + i) % q->capacity];
		free(q->item);
		q->item = item;
		q->first = 0;
		q->capacity = capacity;
	}
	q->item[(q->first + q->count++) % q->capacity] = p;
	if (q->count == 1) {
		q->at = p;
		q->offset = 0;
	}
	return 0;
}

/* Drop the first chain from the queue; the caller frees it. */
void rx_queue_pop(struct rx_queue *q)
{
	q->first = (q->first + 1) % q->capacity;
	q->count--;
	q->at = q->count ? q->item[q->first] : NULL;
	q->offset = 0;
}
