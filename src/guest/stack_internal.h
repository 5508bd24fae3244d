/* SPDX-License-Identifier: MIT */
/* What the files of the stack share: the stack, its sockets, its received frames. */
#ifndef IOTOLL_GUEST_STACK_INTERNAL_H
#define IOTOLL_GUEST_STACK_INTERNAL_H

#include <setjmp.h>

#include "base/rng.h"
#include "guest/lwip_module.h"
#include "guest/stack.h"
#include "sim/task.h"

#define SOCKET_HASH    64u
#define SOCKET_BACKLOG 2048u /* frames; far above what one poll and one window can bring */

#define STACK_ETHERTYPE_IP4 0x0800u
#define STACK_IP_BYTES      20u
#define STACK_TCP_BYTES     20u
/* Ethernet, IPv4 and TCP headers: what protocol work reads and writes of a frame. */
#define STACK_HEADER_BYTES (NET_ETH_BYTES + STACK_IP_BYTES + STACK_TCP_BYTES)

static inline uint16_t stack_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

enum frame_kind { FRAME_DATA, FRAME_ACK, FRAME_OTHER };

/* What the headers of a frame say. */
struct frame_info {
	enum frame_kind kind;
	bool tcp;
	uint32_t src_ip, dst_ip;     /* host byte order */
	uint16_t src_port, dst_port; /* host byte order */
	uint32_t seq;
	uint32_t payload_bytes;
};

/* A received frame while the stack has it. */
struct rx_frame {
	struct pbuf_custom custom; /* first: lwIP's pointer is ours */
	/* What is behind the headers, if these were copied: freed for itself. */
	struct pbuf_custom rest;
	unsigned parts; /* of the two, those not freed */
	struct netstack *ns;
	struct net_release release; /* of its memory */
	void *headers;              /* a copy of them, of the kernel's; or NULL */
	struct rx_frame *next;      /* on a backlog, or free */
	struct rx_frame *all_next;  /* of the stack's, for freeing */
	phys_t paddr;
	uint32_t bytes;
	enum frame_kind kind;
};

/* One allocation made for lwIP in the host program's memory. */
struct meta {
	struct meta *prev, *next;
	size_t bytes;
	size_t pad;
};

struct netstack {
	struct machine *machine;
	struct kmalloc *kmalloc;
	struct lwip_shim_host shim;
	struct lwip_module *module;
	const struct lwip_functions *fn;
	struct netif netif;
	uint8_t mac[6];
	struct rng rng;
	struct netdev dev;

	struct vlock lock; /* around lwIP's globals */
	bool inside;       /* somebody is in lwIP */
	void *lines;       /* the lock's cache line and the protocol's */

	struct event timer;
	struct irq timer_irq;
	struct softirq timer_softirq;

	struct socket *hash[SOCKET_HASH];
	struct socket *sockets; /* all of them */
	struct rx_frame *free_rx, *all_rx;
	struct meta meta; /* list head */

	struct netstack_stats stats;
	char panic[240];
	jmp_buf *boot; /* where a panic at boot goes */
	struct event panic_event;
};

struct rx_queue { /* of received pbuf chains, a ring that grows */
	struct pbuf **item;
	size_t first, count, capacity;
	struct pbuf *at; /* next pbuf of the first chain to copy from */
	size_t offset;   /* in it */
};

struct socket {
	struct netstack *ns;
	struct tcp_pcb *pcb; /* NULL once lwIP has let go of it */
	struct socket *hash_next, *all_prev, *all_next;
	bool hashed;
	unsigned refs;    /* the user, and whoever looked it up (sock_hold) */
	uint32_t peer_ip; /* host byte order */
	uint16_t peer_port, local_port;

	struct vlock lock; /* guards owned and the backlog: sk_lock.slock */
	void *lines;       /* the lock's cache line, then the receive queue's */
	phys_t queue_line;
	bool owned;
	struct rx_frame *backlog_first, *backlog_last;
	size_t backlog_frames;
	struct waitq owner_wait, read_wait, write_wait, accept_wait;

	bool listening, connected, eof, shut;
	int error; /* negative errno value once the connection broke */
	struct rx_queue rx;
	uint32_t sent_up_to; /* highest sequence number sent + 1 */
	bool sent_any;
	uint32_t unacked_reads; /* consumed, not yet given back to the window */

	struct socket *accept_first, *accept_last, *accept_next; /* of a listener: not yet taken */
};

/* stack.c: the way into lwIP and out of it. Softirqs are off in between. */
void stack_enter(struct netstack *ns, struct cpu *cpu);
void stack_leave(struct netstack *ns, struct cpu *cpu);
/* Look when lwIP's next timer is due; call inside, after what may have started one. */
void stack_arm_timer(struct netstack *ns);
/* Add what a socket's @lock has counted. */
void stack_count_socket_lock(struct netstack_stats *stats, const struct vlock *lock);

/* stack_frame.c */
bool frame_parse(const void *frame, size_t bytes, struct frame_info *info);
/* The interface's link output: lwIP calls it with a frame for the wire. */
err_t stack_linkoutput(struct netif *netif, struct pbuf *p);

/* stack_receive.c */
/* Protocol work on @f; inside. */
void stack_input(struct netstack *ns, struct cpu *cpu, struct rx_frame *f);
void stack_free_rx_frames(struct netstack *ns);

/* socket_own.c: sockets in the stack's tables, and who may touch one. */
struct socket *socket_new(struct netstack *ns);
/* Out of the tables and, with the last reference, gone. */
void socket_free(struct socket *s);
/* Every socket of a stack that will not run again. */
void socket_free_all(struct netstack *ns);
void socket_get(struct socket *s);
void socket_put(struct socket *s);
void socket_hash_in(struct socket *s);
struct socket *socket_find(const struct netstack *ns, uint32_t peer_ip, uint16_t peer_port,
			   uint16_t local_port);
void socket_own(struct socket *s, struct cpu *cpu);
void socket_disown(struct socket *s, struct cpu *cpu);
/*
 * A frame for @s: true if its owner will work it off. False: it is the caller's, who then holds
 * s->lock.
 */
bool socket_backlog(struct socket *s, struct cpu *cpu, struct rx_frame *f);
int rx_queue_push(struct rx_queue *q, struct pbuf *p) MUST_CHECK;
void rx_queue_pop(struct rx_queue *q);

/* socket_io.c: into the kernel, with @work_ps of work, and out, where the scheduler has its say. */
enum charge socket_syscall_enter(const struct netstack *ns, struct cpu *cpu, uint64_t work_ps);
void socket_syscall_leave(struct cpu *cpu, enum charge before);

/* socket_lwip.c: what lwIP tells a socket. */
void socket_bind_callbacks(struct socket *s);
void socket_unbind_callbacks(struct socket *s);
err_t socket_on_accept(void *arg, struct tcp_pcb *pcb, err_t err);
err_t socket_on_connected(void *arg, struct tcp_pcb *pcb, err_t err);
int socket_errno(err_t err);
bool socket_writable(const struct socket *s);

#endif
