/* SPDX-License-Identifier: MIT */
/*
 * Learning, forwarding, flooding (Linux: br_handle_frame, br_fdb_update, br_forward, br_flood).
 *
 * The table of addresses is read without a lock, as Linux reads it under RCU: nothing in here
 * synchronises with other CPUs between a look-up and the store that follows it.
 */
#include "guest/bridge.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cpu.h"

#define NO_PORT UINT32_MAX

struct port {
	struct bridge *bridge;
	struct netdev dev; /* ops NULL: unused */
	unsigned number;
};

struct address {
	uint8_t mac[6];
	bool used, local; /* local: the kernel's own, never moves or ages */
	unsigned port;
	sim_time heard;
};

struct bridge {
	struct machine *machine;
	struct port port[BRIDGE_PORTS];
	struct address address[BRIDGE_ADDRESSES]; /* open addressing */
	struct net_upper local;
	unsigned local_port;
	struct bridge_stats stats;
};

/* A frame that leaves through several ports. */
struct shared {
	struct net_release release; /* of the frame */
	unsigned left;              /* copies not yet back */
};

static unsigned hash(const uint8_t mac[6])
{
	uint32_t h = 2166136261u;

	for (unsigned i = 0; i < 6; i++)
		h = (h ^ mac[i]) * 16777619u;
	return h % BRIDGE_ADDRESSES;
}

static bool stale(const struct bridge *b, const struct address *a)
{
	return !a->local && machine_now(b->machine) - a->heard > BRIDGE_AGEING;
}

/* The row of @mac, or, failing that, one to put it in; NULL if the table is full of others. */
static struct address *find(struct bridge *b, const uint8_t mac[6], bool *known)
{
	const unsigned start = hash(mac);
	struct address *room = NULL;

	*known = false;
	for (unsigned i = 0; i < BRIDGE_ADDRESSES; i++) {
		struct address *a = &b->address[(start + i) % BRIDGE_ADDRESSES];

		if (a->used && !memcmp(a->mac, mac, 6)) {
			*known = !stale(b, a) && a->port != NO_PORT;
			return a;
		}
		if (!room && (!a->used || a->port == NO_PORT || stale(b, a)))
			room = a;
		if (!a->used)
			break;
	}
	return room;
}

static void learn(struct bridge *b, const uint8_t mac[6], unsigned port)
{
	struct address *a;
	bool known;

	if (mac[0] & 1) /* a group's address is nobody's */
		return;
	a = find(b, mac, &known);
	if (!a || (known && a->local))
		return;
	b->stats.moved += known && a->port != port;
	*a = (struct address){.used = true, .port = port, .heard = machine_now(b->machine)};
	memcpy(a->mac, mac, 6);
}

static void send(struct bridge *b, struct cpu *cpu, unsigned port, const struct net_frame *frame)
{
	const struct port *p = &b->port[port];

	if (p->dev.ops && !p->dev.ops->xmit(p->dev.ctx, cpu, frame))
		return;
	b->stats.refused++;
	net_frame_done(frame, cpu);
}

static void shared_done(void *ctx, struct cpu *cpu, void *owner)
{
	struct shared *s = owner;

	(void)ctx;
	if (--s->left)
		return;
	s->release.fn(s->release.ctx, cpu, s->release.owner);
	free(s);
}

static void flood(struct bridge *b, struct cpu *cpu, unsigned from, const struct net_frame *frame)
{
	struct shared *s = malloc(sizeof(*s));
	struct net_frame copy = *frame;

	if (!s) {
		b->stats.no_memory++;
		net_frame_done(frame, cpu);
		return;
	}
	/* One share is ours until all have theirs: a port may be through with a frame at once. */
	*s = (struct shared){.release = frame->release, .left = 1};
	copy.object = NULL;
	copy.release = (struct net_release){.fn = shared_done, .owner = s};
	for (unsigned i = 0; i < BRIDGE_PORTS; i++) {
		if (i == from || !b->port[i].dev.ops)
			continue;
		cpu_charge(cpu, machine_cost(b->machine)->skb_alloc); /* skb_clone() */
		s->left++;
		send(b, cpu, i, &copy);
	}
	shared_done(NULL, cpu, s);
}

static void handle(struct bridge *b, struct cpu *cpu, unsigned from, const struct net_frame *frame)
{
	const struct net_piece *first = &frame->piece[0];
	const uint8_t *header = memory_ptr(b->machine->mem, first->paddr, NET_ETH_BYTES);
	const struct address *to;
	bool known;

	if (first->bytes < NET_ETH_BYTES || !header) {
		b->stats.runts++;
		net_frame_done(frame, cpu);
		return;
	}
	cpu_charge(cpu, machine_cost(b->machine)->bridge);
	cpu_touch(cpu, first->paddr, NET_ETH_BYTES, false);
	learn(b, header + 6, from);
	to = find(b, header, &known);
	if ((header[0] & 1) || !known) {
		b->stats.flooded++;
		flood(b, cpu, from, frame);
	} else if (to->port == from) {
		b->stats.returned++;
		net_frame_done(frame, cpu);
	} else {
		b->stats.forwarded++;
		send(b, cpu, to->port, frame);
	}
}

static void port_receive(void *ctx, struct cpu *cpu, const struct net_frame *frame)
{
	const struct port *p = ctx;
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);

	handle(p->bridge, cpu, p->number, frame);
	cpu_leave(cpu, before);
}

/* ---- ports ---- */

int bridge_add_port(struct bridge *b, struct netdev dev)
{
	for (unsigned i = 0; i < BRIDGE_PORTS; i++) {
		if (b->port[i].dev.ops)
			continue;
		b->port[i].dev = dev;
		return (int)i;
	}
	return -ENOSPC;
}

struct net_upper bridge_port_upper(struct bridge *b, unsigned port)
{
	assert(port < BRIDGE_PORTS);
	return (struct net_upper){.receive = port_receive, .ctx = &b->port[port]};
}

void bridge_remove_port(struct bridge *b, unsigned port)
{
	assert(port < BRIDGE_PORTS);
	b->port[port].dev.ops = NULL;
	/* Rows stay in place, chains of open addressing run through them. */
	for (unsigned i = 0; i < BRIDGE_ADDRESSES; i++)
		if (b->address[i].used && b->address[i].port == port)
			b->address[i].port = NO_PORT;
}

/* ---- the kernel's own interface ---- */

/* Out of the bridge into the stack. */
static int to_local(void *ctx, struct cpu *cpu, const struct net_frame *frame)
{
	struct bridge *b = ctx;

	b->local.receive(b->local.ctx, cpu, frame);
	return 0;
}

/* Out of the stack into the bridge. What the bridge drops is gone, as on Linux's br0. */
static int from_local(void *ctx, struct cpu *cpu, const struct net_frame *frame)
{
	struct bridge *b = ctx;

	port_receive(&b->port[b->local_port], cpu, frame);
	return 0;
}

int bridge_attach_local(struct bridge *b, const uint8_t mac[6], struct net_upper upper)
{
	static const struct netdev_ops ops = {.xmit = to_local};
	const int port = bridge_add_port(b, (struct netdev){.ops = &ops, .ctx = b});
	struct address *a;
	bool known;

	if (port < 0)
		return port;
	b->local = upper;
	b->local_port = (unsigned)port;
	a = find(b, mac, &known);
	if (!a)
		return -ENOSPC;
	*a = (struct address){.used = true, .local = true, .port = (unsigned)port};
	memcpy(a->mac, mac, 6);
	return 0;
}

struct netdev bridge_local_netdev(struct bridge *b)
{
	static const struct netdev_ops ops = {.xmit = from_local};

	return (struct netdev){.ops = &ops, .ctx = b};
}

/* ---- life ---- */

struct bridge *bridge_create(struct machine *machine)
{
	struct bridge *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->machine = machine;
	for (unsigned i = 0; i < BRIDGE_PORTS; i++)
		b->port[i] = (struct port){.bridge = b, .number = i};
	return b;
}

void bridge_destroy(struct bridge *b)
{
	free(b);
}

void bridge_stats(const struct bridge *b, struct bridge_stats *out)
{
	*out = b->stats;
}
