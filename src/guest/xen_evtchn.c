/* SPDX-License-Identifier: MIT */
/*
 * The upcall and the ports. The words of shared_info are the kernel's own to write; the hypervisor
 * sets bits there atomically at any time, so each of them is changed by one locked operation.
 */
#include "guest/xen_evtchn.h"

#include <errno.h>
#include <stdlib.h>

#define WORDS (EVTCHN_2L_NR_CHANNELS / 64)

union op {
	struct evtchn_alloc_unbound alloc_unbound;
	struct evtchn_bind_interdomain bind;
	struct evtchn_close close;
	struct evtchn_send send;
	struct evtchn_unmask unmask;
};

struct binding {
	pv_event_handler *fn; /* NULL: not bound */
	void *ctx;
	union op *op; /* for sends: whoever signals the port writes the same words there */
};

/* Of one vCPU. */
struct per_cpu {
	struct pv_events *events;
	struct irq irq;
	bool inside;
};

struct pv_events {
	struct pv_kernel *k;
	struct binding port[EVTCHN_2L_NR_CHANNELS];
	struct per_cpu cpu[XEN_VCPUS_MAX];
	struct pv_events_stats stats;
};

static struct shared_info *shared(const struct pv_events *e)
{
	return memory_ptr(e->k->machine->mem, XEN_SHARED_INFO_PADDR, sizeof(struct shared_info));
}

/* The cache line of a word in shared_info, changed by a locked operation. */
static void atomic_at(struct cpu *cpu, size_t offset)
{
	cpu_atomic(cpu, XEN_SHARED_INFO_PADDR + offset);
}

static size_t pending_at(unsigned word)
{
	return offsetof(struct shared_info, evtchn_pending) + word * 8ul;
}

static size_t mask_at(unsigned word)
{
	return offsetof(struct shared_info, evtchn_mask) + word * 8ul;
}

static long event_op(struct pv_events *e, struct cpu *cpu, int cmd, union op *op)
{
	pv_touch(e->k, cpu, op, sizeof(*op), true);
	return pv_hypercall(e->k, cpu, __HYPERVISOR_event_channel_op, (unsigned long)cmd,
			    pv_va(memory_addr(e->k->machine->mem, op)), 0, 0);
}

/* ---- upcall ---- */

/* Outside the upcall: the hypervisor clears the mask and signals what came meanwhile again. */
static void ask_unmask(struct pv_events *e, struct cpu *cpu, evtchn_port_t port)
{
	union op *op = kmalloc_alloc(e->k->kmalloc, sizeof(*op));

	if (!op)
		return;
	op->unmask = (struct evtchn_unmask){.port = port};
	event_op(e, cpu, EVTCHNOP_unmask, op);
	kmalloc_free(e->k->kmalloc, op);
}

/* Clear the mask, and if an event came meanwhile see to it that it is served. */
static void unmask(struct pv_events *e, struct cpu *cpu, evtchn_port_t port)
{
	struct shared_info *s = shared(e);
	const unsigned word = port / 64, vcpu = cpu ? cpu_id(cpu) : 0;
	const uint64_t bit = (uint64_t)1 << port % 64;
	const bool came = s->evtchn_pending[word] & bit;
	struct vcpu_info *v = &s->vcpu_info[vcpu];

	if (came && !e->cpu[vcpu].inside) {
		ask_unmask(e, cpu, port);
		return;
	}
	s->evtchn_mask[word] &= ~bit;
	atomic_at(cpu, mask_at(word));
	if (came) { /* the upcall's loop will look again */
		v->evtchn_pending_sel |= (uint64_t)1 << word;
		v->evtchn_upcall_pending = 1;
	}
}

static void serve(struct pv_events *e, struct cpu *cpu, evtchn_port_t port)
{
	struct shared_info *s = shared(e);
	const uint64_t bit = (uint64_t)1 << port % 64;
	const struct binding b = e->port[port];

	s->evtchn_mask[port / 64] |= bit;
	atomic_at(cpu, mask_at(port / 64));
	s->evtchn_pending[port / 64] &= ~bit;
	atomic_at(cpu, pending_at(port / 64));
	if (!b.fn) {
		e->stats.unbound++;
		return;
	}
	e->stats.events++;
	b.fn(b.ctx, cpu);
	if (e->port[port].fn)
		unmask(e, cpu, port);
}

static void serve_word(struct pv_events *e, struct cpu *cpu, unsigned word)
{
	for (;;) {
		const struct shared_info *s = shared(e);
		const uint64_t active = s->evtchn_pending[word] & ~s->evtchn_mask[word];

		cpu_touch(cpu, XEN_SHARED_INFO_PADDR + pending_at(word), 8, false);
		cpu_touch(cpu, XEN_SHARED_INFO_PADDR + mask_at(word), 8, false);
		if (!active)
			return;
		serve(e, cpu, word * 64 + (unsigned)__builtin_ctzll(active));
	}
}

static void upcall(void *ctx, struct cpu *cpu)
{
	struct per_cpu *c = ctx;
	struct pv_events *e = c->events;
	const unsigned vcpu = cpu_id(cpu);
	const size_t at = offsetof(struct shared_info, vcpu_info) + vcpu * sizeof(struct vcpu_info);

	e->stats.upcalls++;
	c->inside = true;
	cpu_sync(cpu);
	do {
		struct vcpu_info *v = &shared(e)->vcpu_info[vcpu];
		uint64_t selected;

		v->evtchn_upcall_pending = 0; /* before the selector is taken */
		selected = v->evtchn_pending_sel;
		v->evtchn_pending_sel = 0;
		atomic_at(cpu, at);
		for (; selected; selected &= selected - 1)
			serve_word(e, cpu, (unsigned)__builtin_ctzll(selected));
	} while (shared(e)->vcpu_info[vcpu].evtchn_upcall_pending);
	c->inside = false;
}

/* ---- ports ---- */

static int connect(struct pv_events *e, struct cpu *cpu, evtchn_port_t port, pv_event_handler *fn,
		   void *ctx, union op *op)
{
	e->port[port] = (struct binding){.fn = fn, .ctx = ctx, .op = op};
	op->send = (struct evtchn_send){.port = port};
	unmask(e, cpu, port);
	return (int)port;
}

int pv_event_alloc(struct pv_events *e, struct cpu *cpu, domid_t remote, pv_event_handler *fn,
		   void *ctx)
{
	union op *op = kmalloc_alloc(e->k->kmalloc, sizeof(*op));
	evtchn_port_t port;
	long rc;

	if (!op)
		return -ENOMEM;
	op->alloc_unbound = (struct evtchn_alloc_unbound){.dom = DOMID_SELF, .remote_dom = remote};
	rc = event_op(e, cpu, EVTCHNOP_alloc_unbound, op);
	port = op->alloc_unbound.port;
	if (rc || port >= EVTCHN_2L_NR_CHANNELS) {
		kmalloc_free(e->k->kmalloc, op);
		return rc ? (int)rc : -EIO;
	}
	return connect(e, cpu, port, fn, ctx, op);
}

int pv_event_bind(struct pv_events *e, struct cpu *cpu, domid_t remote, evtchn_port_t remote_port,
		  pv_event_handler *fn, void *ctx)
{
	union op *op = kmalloc_alloc(e->k->kmalloc, sizeof(*op));
	evtchn_port_t port;
	long rc;

	if (!op)
		return -ENOMEM;
	op->bind =
		(struct evtchn_bind_interdomain){.remote_dom = remote, .remote_port = remote_port};
	rc = event_op(e, cpu, EVTCHNOP_bind_interdomain, op);
	port = op->bind.local_port;
	if (rc || port >= EVTCHN_2L_NR_CHANNELS) {
		kmalloc_free(e->k->kmalloc, op);
		return rc ? (int)rc : -EIO;
	}
	return connect(e, cpu, port, fn, ctx, op);
}

void pv_event_close(struct pv_events *e, struct cpu *cpu, evtchn_port_t port)
{
	struct shared_info *s = shared(e);
	union op *op = e->port[port].op;

	if (s) {
		s->evtchn_mask[port / 64] |= (uint64_t)1 << port % 64;
		atomic_at(cpu, mask_at(port / 64));
	}
	e->port[port] = (struct binding){0};
	op->close = (struct evtchn_close){.port = port};
	event_op(e, cpu, EVTCHNOP_close, op);
	kmalloc_free(e->k->kmalloc, op);
}

void pv_event_notify(struct pv_events *e, struct cpu *cpu, evtchn_port_t port)
{
	if (!e->port[port].op)
		return;
	e->stats.notified++;
	event_op(e, cpu, EVTCHNOP_send, e->port[port].op);
}

/* ---- life ---- */

int pv_events_create(struct pv_events **out, struct pv_kernel *k)
{
	struct pv_events *e = calloc(1, sizeof(*e));
	struct shared_info *s;

	if (!e)
		return -ENOMEM;
	e->k = k;
	s = shared(e);
	if (!s) {
		pv_events_destroy(e);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < WORDS; i++)
		s->evtchn_mask[i] = UINT64_MAX; /* nothing is bound yet */
	for (unsigned i = 0; i < k->machine->ncpus && i < XEN_VCPUS_MAX; i++) {
		struct per_cpu *c = &e->cpu[i];

		c->events = e;
		c->irq = (struct irq){
			.handler = upcall, .ctx = c, .target = machine_cpu(k->machine, i)};
		s->vcpu_info[i].evtchn_upcall_mask = 0;
		xen_vcpu_set_upcall(k->domain, i, &c->irq);
	}
	*out = e;
	return 0;
}

void pv_events_destroy(struct pv_events *e)
{
	if (!e)
		return;
	for (unsigned i = 0; i < e->k->machine->ncpus && i < XEN_VCPUS_MAX; i++)
		xen_vcpu_set_upcall(e->k->domain, i, NULL);
	for (unsigned i = 0; i < EVTCHN_2L_NR_CHANNELS; i++)
		kmalloc_free(e->k->kmalloc, e->port[i].op);
	free(e);
}

void pv_events_stats(const struct pv_events *e, struct pv_events_stats *out)
{
	*out = e->stats;
}
