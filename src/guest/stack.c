/* SPDX-License-Identifier: MIT */
/*
 * The stack's life: loading lwIP, standing in for its operating system, its timers, its death.
 */
#include "guest/stack.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/dma_buffer.h"
#include "guest/stack_internal.h"

/* ---- what the shim asks for ---- */

static uint32_t host_now_ms(void *ctx)
{
	const struct netstack *ns = ctx;

	return (uint32_t)(machine_now(ns->machine) / SIM_MS);
}

static uint32_t host_random(void *ctx)
{
	struct netstack *ns = ctx;

	return (uint32_t)(rng_u64(&ns->rng) >> 32);
}

static void *host_meta_alloc(void *ctx, size_t bytes)
{
	struct netstack *ns = ctx;
	struct meta *m;

	if (bytes > SIZE_MAX / 2)
		return NULL;
	m = malloc(sizeof(*m) + bytes);
	if (!m)
		return NULL;
	m->bytes = bytes;
	m->prev = &ns->meta;
	m->next = ns->meta.next;
	m->next->prev = m;
	ns->meta.next = m;
	return m + 1;
}

static void host_meta_free(void *ctx, void *ptr)
{
	struct meta *m = (struct meta *)ptr - 1;

	(void)ctx;
	m->prev->next = m->next;
	m->next->prev = m->prev;
	free(m);
}

static size_t host_meta_size(void *ctx, const void *ptr)
{
	(void)ctx;
	return ((const struct meta *)ptr - 1)->bytes;
}

/*
 * One packet buffer: alloc_skb in sk_stream_alloc_skb or tcp_send_ack, and the kfree_skb to come;
 * out of the DMA API's memory for the device that will read it, where that has some.
 * The driver charges the buffers it receives into itself.
 */
static void *host_frame_alloc(void *ctx, size_t bytes)
{
	struct netstack *ns = ctx;
	struct cpu *cpu = cpu_current(ns->machine);
	const enum charge before = cpu_enter(cpu, CHARGE_STACK);
	void *frame;

	cpu_charge(cpu, machine_cost(ns->machine)->skb_alloc);
	cpu_leave(cpu, before);
	frame = dma_buffer_get(ns->kmalloc, ns->dev.dma, bytes);
	if (frame)
		ns->stats.frames_live++;
	return frame;
}

static void host_frame_free(void *ctx, void *ptr)
{
	struct netstack *ns = ctx;

	ns->stats.frames_live--;
	dma_buffer_put(ns->kmalloc, ns->dev.dma, ptr);
}

static void host_copied(void *ctx, const void *to, const void *from, size_t bytes)
{
	struct netstack *ns = ctx;
	struct memory *mem = ns->machine->mem;

	if (memory_owns(mem, to) && memory_owns(mem, from))
		cpu_copy(cpu_current(ns->machine), memory_addr(mem, to), memory_addr(mem, from),
			 bytes);
}

static void nothing(void *ctx)
{
	(void)ctx;
}

/*
 * A kernel whose own assertion failed stops: this CPU will execute nothing more, and each time it
 * is due it stops the simulation again. At boot there is no CPU to stop; the creating call fails.
 */
static __attribute__((noreturn)) void host_panic(void *ctx, const char *text)
{
	struct netstack *ns = ctx;
	struct sim *sim = ns->machine->sim;
	struct cpu *cpu = cpu_current(ns->machine);

	strncpy(ns->panic, text, sizeof(ns->panic) - 1);
	if (!cpu) {
		if (ns->boot)
			longjmp(*ns->boot, 1);
		abort();
	}
	cpu_irq_disable(cpu);
	for (;;) {
		sim_schedule(sim, &ns->panic_event, cpu_now(cpu));
		cpu_charge(cpu, SIM_US);
		sim_stop(sim);
		cpu_sync(cpu);
	}
}

/* ---- in and out ---- */

void stack_enter(struct netstack *ns, struct cpu *cpu)
{
	vlock_acquire_bh(&ns->lock, cpu);
	assert(!ns->inside);
	ns->inside = true;
}

void stack_leave(struct netstack *ns, struct cpu *cpu)
{
	assert(ns->inside);
	ns->inside = false;
	vlock_release_bh(&ns->lock, cpu);
}

/* ---- timers ---- */

void stack_arm_timer(struct netstack *ns)
{
	const uint32_t ms = ns->fn->sys_timeouts_sleeptime();
	/* lwIP counts whole milliseconds: it is due when the count changes, not before. */
	const sim_time now = machine_now(ns->machine) / SIM_MS * SIM_MS;
	const sim_time at = now + (ms ? ms : 1) * SIM_MS;

	if (ms != UINT32_MAX && (!event_pending(&ns->timer) || at < ns->timer.at))
		sim_schedule(ns->machine->sim, &ns->timer, at);
}

static void on_timer(void *ctx)
{
	struct netstack *ns = ctx;

	irq_raise(&ns->timer_irq);
}

static void on_timer_irq(void *ctx, struct cpu *cpu)
{
	struct netstack *ns = ctx;

	softirq_raise(cpu, &ns->timer_softirq);
}

static bool run_timers(void *ctx, struct cpu *cpu)
{
	struct netstack *ns = ctx;
	const enum charge before = cpu_enter(cpu, CHARGE_STACK);

	stack_enter(ns, cpu);
	ns->fn->sys_check_timeouts();
	stack_arm_timer(ns);
	stack_leave(ns, cpu);
	cpu_leave(cpu, before);
	return false;
}

/* ---- set-up and tear-down ---- */

static err_t init_netif(struct netif *netif)
{
	const struct netstack *ns = netif->state;

	netif->name[0] = 'e';
	netif->name[1] = 't';
	netif->hwaddr_len = 6;
	memcpy(netif->hwaddr, ns->mac, 6);
	netif->mtu = NET_MTU;
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
	netif->output = ns->fn->etharp_output;
	netif->linkoutput = stack_linkoutput;
	return ERR_OK;
}

static int bring_up(struct netstack *ns, const struct netstack_config *config, struct err *err)
{
	const ip4_addr_t ip = {htobe32(config->ip)}, mask = {htobe32(config->netmask)}, gw = {0};
	jmp_buf boot;
	int rc;

	ns->boot = &boot;
	if (setjmp(boot))
		return err_set(err, -EPROTO, "the TCP stack gave up: %s", ns->panic);
	rc = lwip_module_open(&ns->module, &ns->shim, err);
	if (rc)
		goto out;
	ns->fn = lwip_module_functions(ns->module);
	if (!ns->fn->netif_add(&ns->netif, &ip, &mask, &gw, ns, init_netif,
			       ns->fn->ethernet_input)) {
		rc = err_set(err, -EPROTO, "the TCP stack takes no interface");
		goto out;
	}
	ns->fn->netif_set_default(&ns->netif);
	ns->fn->netif_set_up(&ns->netif);
	ns->fn->netif_set_link_up(&ns->netif);
	stack_arm_timer(ns);
out:
	ns->boot = NULL;
	return rc;
}

static void init_links(struct netstack *ns, const struct netstack_config *config)
{
	ns->meta.prev = ns->meta.next = &ns->meta;
	rng_seed(&ns->rng, config->seed);
	memcpy(ns->mac, config->mac, 6);
	ns->shim = (struct lwip_shim_host){
		.ctx = ns,
		.now_ms = host_now_ms,
		.random = host_random,
		.meta_alloc = host_meta_alloc,
		.meta_free = host_meta_free,
		.meta_size = host_meta_size,
		.frame_alloc = host_frame_alloc,
		.frame_free = host_frame_free,
		.copied = host_copied,
		.panic = host_panic,
	};
	event_init(&ns->timer, on_timer, ns);
	event_init(&ns->panic_event, nothing, ns);
	ns->timer_irq =
		(struct irq){.handler = on_timer_irq, .ctx = ns, .target = config->timer_cpu};
	ns->timer_softirq = (struct softirq){.run = run_timers, .ctx = ns};
}

int netstack_create(struct netstack **out, const struct netstack_config *config, struct err *err)
{
	struct netstack *ns = calloc(1, sizeof(*ns));
	int rc;

	if (!ns)
		return err_set(err, -ENOMEM, "no memory for the TCP stack");
	ns->machine = config->machine;
	ns->kmalloc = config->kmalloc;
	init_links(ns, config);
	ns->lines = kmalloc_alloc(ns->kmalloc, CACHE_LINE_BYTES);
	if (!ns->lines) {
		rc = err_set(err, -ENOMEM, "no simulated memory for the TCP stack");
		goto destroy;
	}
	vlock_init(&ns->lock, ns->machine, kmalloc_phys(ns->kmalloc, ns->lines));
	rc = bring_up(ns, config, err);
	if (rc)
		goto destroy;
	*out = ns;
	return 0;

destroy:
	netstack_destroy(ns);
	return rc;
}

/* Every connection lwIP still has, ours or on its way out. */
static void abort_all(struct netstack *ns)
{
	jmp_buf boot;

	ns->dev.ops = NULL;
	ns->boot = &boot;
	if (!setjmp(boot)) {
		while (*ns->fn->tcp_active_pcbs)
			ns->fn->tcp_abort(*ns->fn->tcp_active_pcbs);
		while (*ns->fn->tcp_tw_pcbs)
			ns->fn->tcp_abort(*ns->fn->tcp_tw_pcbs);
		ns->fn->netif_remove(&ns->netif);
	}
	ns->boot = NULL;
}

void netstack_destroy(struct netstack *ns)
{
	if (!ns)
		return;
	sim_cancel(ns->machine->sim, &ns->timer);
	sim_cancel(ns->machine->sim, &ns->panic_event);
	/* A CPU that was stopped inside lwIP left it in mid-step: then nothing in it is to be
	 * touched. */
	if (ns->fn && !ns->panic[0] && !ns->inside)
		abort_all(ns);
	socket_free_all(ns);
	lwip_module_close(ns->module);
	while (ns->meta.next != &ns->meta)
		host_meta_free(ns, ns->meta.next + 1);
	stack_free_rx_frames(ns);
	kmalloc_free(ns->kmalloc, ns->lines);
	free(ns);
}

void netstack_attach(struct netstack *ns, struct netdev dev)
{
	ns->dev = dev;
}

void netstack_stats(const struct netstack *ns, struct netstack_stats *out)
{
	*out = ns->stats;
	out->lock_acquisitions = ns->lock.acquisitions;
	out->lock_contended = ns->lock.contended;
	out->lock_wait_ps = ns->lock.wait_ps;
	for (const struct socket *s = ns->sockets; s; s = s->all_next)
		stack_count_socket_lock(out, &s->lock);
}

void stack_count_socket_lock(struct netstack_stats *stats, const struct vlock *lock)
{
	stats->socket_lock_acquisitions += lock->acquisitions;
	stats->socket_lock_contended += lock->contended;
	stats->socket_lock_wait_ps += lock->wait_ps;
}

const char *netstack_panic(const struct netstack *ns)
{
	return ns && ns->panic[0] ? ns->panic : NULL;
}

struct machine *netstack_machine(const struct netstack *ns)
{
	return ns->machine;
}
