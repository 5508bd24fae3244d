/* SPDX-License-Identifier: MIT */
/* Building and dismantling the board that tests of paravirtual drivers share. */
#include "xen_lab.h"

#define DOM0_PAGES  3072u
#define GUEST_PAGES 1536u
#define EMPTY_PAGES 512u

static long call(void *ctx, struct cpu *cpu, unsigned long op, const unsigned long args[6])
{
	return xen_hypercall(ctx, cpu ? cpu_id(cpu) : 0, cpu, op, args);
}

static void mac_of(unsigned n, uint8_t mac[6])
{
	memcpy(mac, (const uint8_t[6]){2, 0, 0, 0, 1, (uint8_t)n}, 6);
}

/* What is not free memory is none of the page allocator's business. */
static void reserve(struct xen_lab_domain *dom)
{
	uint64_t first, end;
	phys_t all;

	xen_domain_free_memory(dom->d, &first, &end);
	assert_int_equal(memory_alloc(dom->view, memory_bytes(dom->view) / PAGE_BYTES - 1,
				      PAGE_BYTES, 0, &all),
			 0);
	memory_free(dom->view, first * PAGE_BYTES, end - first);
}

static void create_domain(struct xen_lab *x, unsigned n)
{
	static const unsigned dom0_cpus[] = {0, 1};
	const unsigned guest_cpu = 1 + n;
	const uint64_t pages = n ? GUEST_PAGES : DOM0_PAGES;
	const struct xen_domain_config config = {
		.id = (uint16_t)n,
		.vcpus = n ? 1 : 2,
		.privileged = n == 0,
		.hardware = n == 0,
		.pages = pages,
		.span = pages + EMPTY_PAGES,
		.max_pages = pages + (n ? 0 : 128),
	};
	const struct guest_vcpus vcpus = {
		.name = "domain", .count = config.vcpus, .physical = n ? &guest_cpu : dom0_cpus};
	struct xen_lab_domain *dom = &x->dom[n];
	struct err err = {{0}};

	assert_int_equal(xen_domain_create(x->hv, &config, &dom->d), 0);
	dom->view = memory_view_create(x->board->mem, xen_domain_l1(dom->d), config.span);
	assert_non_null(dom->view);
	if (machine_create_guest(&dom->machine, x->board, dom->view, &vcpus, &err))
		fail_msg("%s", err.text);
	reserve(dom);
}

static struct host_config host_config(const struct xen_lab *x, unsigned n)
{
	struct host_config config = {
		.machine = x->dom[n].machine,
		.domain = x->dom[n].d,
		.ip = XEN_LAB_IP(n),
		.netmask = 0xffffff00,
		.poison_memory = true,
		.seed = LAB_SEED + 10 + n,
	};

	mac_of(n, config.mac);
	return config;
}

/* Domain 0's NIC and software. */
static void create_dom0(struct xen_lab *x, bool flip)
{
	const struct iotoll_dma_config dma = {
		.driver = "none", .strategy = "off", .allocator = "next-fit", .check_misuse = true};
	struct lab_side *side = &x->lab->side[1];
	struct host_config config = host_config(x, 0);
	struct err err = {{0}};
	char why[200] = "";

	side->lab = x->lab;
	side->number = 1;
	side->machine = x->dom[0].machine;
	lab_create_nic(side, config.mac, x->board);
	mmio_window_fini(&side->regs);
	mmio_window_init(&side->regs, side->machine, &tg3_mmio_ops, side->nic);
	x->call = (struct env_hypervisor){.ctx = x->dom[0].d, .call = call};
	side->env = (struct dma_env){.machine = side->machine, .hypervisor = &x->call};
	if (iotoll_dma_domain_create(&side->domain, &side->env, &dma, why, sizeof(why)))
		fail_msg("domain: %s", why);
	assert_int_equal(iotoll_dma_attach(&side->dma, side->domain, 8, UINT64_MAX), 0);
	config.nic_regs = &side->regs;
	config.nic_irq = &side->irq;
	config.dma = side->dma;
	config.bridge = true;
	config.page_buffers = flip;
	if (host_create(&side->host, &config, &err))
		fail_msg("domain 0: %s", err.text);
	x->dom[0].host = side->host;
}

static void create_guest(struct xen_lab *x, unsigned n, enum xen_lab_mode mode)
{
	struct host_config config = host_config(x, n);
	struct xen_lab_domain *dom = &x->dom[n];
	struct netif_backend_keys backend;
	struct netif_frontend_keys keys;
	struct err err = {{0}};

	netback_keys(x->dom[0].host->netback, &backend);
	config.backend = mode == XEN_LAB_NO_FRONT ? NULL : &backend;
	config.want_copy = mode == XEN_LAB_COPY;
	if (host_create(&dom->host, &config, &err))
		fail_msg("domain %u: %s", n, err.text);
	if (mode == XEN_LAB_NO_FRONT)
		return;
	netfront_keys(dom->host->front, &keys);
	if (host_add_guest(x->dom[0].host, &keys, &dom->vif, &err))
		fail_msg("backend for %u: %s", n, err.text);
	netfront_connect(dom->host->front, NULL);
}

static uint64_t grants(const struct host *h)
{
	struct pv_grants_stats s;

	pv_grants_stats(h->pv->grants, &s);
	return s.in_use;
}

struct xen_lab *xen_lab_create(enum xen_lab_mode mode)
{
	const struct profile profile = lab_profile(2 + XEN_LAB_GUESTS);
	struct xen_lab *x = calloc(1, sizeof(*x));
	struct err err = {{0}};

	x->lab = lab_create_bare();
	lab_create_side(x->lab, 0, 2, false);
	if (machine_create(&x->board, x->lab->sim, &profile, &err))
		fail_msg("%s", err.text);
	assert_int_equal(xen_create(&x->hv, x->board->mem, NULL), 0);
	for (unsigned n = 0; n <= XEN_LAB_GUESTS; n++)
		create_domain(x, n);
	create_dom0(x, mode == XEN_LAB_FLIP);
	for (unsigned n = 1; n <= XEN_LAB_GUESTS; n++)
		create_guest(x, n, mode);
	for (unsigned n = 0; n <= XEN_LAB_GUESTS; n++)
		x->grants_at_rest[n] = grants(x->dom[n].host);
	xen_lab_check(x);
	return x;
}

void xen_lab_check(struct xen_lab *x)
{
	struct err err = {{0}};

	if (xen_check(x->hv, &err))
		fail_msg("the hypervisor's tables: %s", err.text);
}

void xen_lab_run(struct xen_lab *x, uint64_t ps)
{
	assert_int_equal(sim_run(x->lab->sim, sim_now(x->lab->sim) + ps), 0);
	assert_null(netstack_panic(x->lab->side[0].host->stack));
	for (unsigned n = 0; n <= XEN_LAB_GUESTS; n++)
		if (x->dom[n].host)
			assert_null(netstack_panic(x->dom[n].host->stack));
}

static void dismantle(struct xen_lab_domain *dom)
{
	machine_destroy(dom->machine);
	xen_domain_kill(dom->d);
	memory_destroy(dom->view);
	*dom = (struct xen_lab_domain){0};
}

struct removal {
	struct host *host;
	struct host_guest *vif;
	bool done;
};

static void remove_task(void *ctx)
{
	struct removal *r = ctx;

	host_remove_guest(r->host, machine_cpu(r->host->machine, 0), r->vif);
	r->done = true;
}

void xen_lab_remove(struct xen_lab *x, struct host_guest *vif)
{
	struct removal r = {.host = x->dom[0].host, .vif = vif};

	assert_non_null(task_create(machine_cpu(r.host->machine, 0), "xenbus", remove_task, &r));
	for (unsigned i = 0; i < 1000 && !r.done; i++)
		xen_lab_run(x, SIM_MS / 10);
	assert_true(r.done);
}

void xen_lab_kill(struct xen_lab *x, unsigned n)
{
	struct xen_lab_domain *dom = &x->dom[n];
	struct host_guest *vif = dom->vif;

	while (dom->host->pv->calls)
		xen_lab_run(x, SIM_US / 10);
	host_crash(dom->host);
	dismantle(dom);
	if (vif)
		xen_lab_remove(x, vif);
}

/* Take a guest down in good order: the backend lets go first. */
static void destroy_guest(struct xen_lab *x, unsigned n)
{
	struct xen_lab_domain *dom = &x->dom[n];
	struct kmalloc_stats memory;
	struct host *h = dom->host;

	if (!h)
		return;
	assert_true(grants(h) <= x->grants_at_rest[n]);
	assert_int_equal(netfront_close(h->front), 0);
	h->front = NULL;
	assert_int_equal(grants(h), 0);
	netstack_destroy(h->stack);
	h->stack = NULL;
	pv_kernel_destroy(h->pv);
	h->pv = NULL;
	kmalloc_stats(h->kmalloc, &memory);
	assert_int_equal(memory.live_objects, 0);
	assert_int_equal(memory.bad_frees, 0);
	assert_int_equal(memory.dirtied, 0);
	host_destroy(h);
	dom->host = NULL;
}

static void destroy_dom0(struct xen_lab *x)
{
	struct lab_side *side = &x->lab->side[1];
	struct host *h = side->host;
	struct netback_stats backend;
	struct iotoll_dma_stats dma;

	tg3_driver_close(h->driver);
	h->driver = NULL;
	iotoll_dma_domain_stats(side->domain, &dma);
	assert_int_equal(dma.maps, dma.unmaps);
	netback_stats(h->netback, &backend);
	assert_int_equal(backend.unmap_errors, 0);
	host_destroy(h);
	iotoll_dma_detach(side->dma);
	iotoll_dma_domain_destroy(side->domain);
	tg3_destroy(side->nic);
	mmio_window_fini(&side->regs);
	bus_destroy(side->bus);
	side->host = NULL;
}

void xen_lab_destroy(struct xen_lab *x)
{
	struct lab *lab = x->lab;

	xen_lab_check(x);
	while (x->dom[0].host->guests)
		xen_lab_remove(x, x->dom[0].host->guests);
	/* What is on its way comes back; nobody sends any more. */
	xen_lab_run(x, 20 * SIM_MS);
	for (unsigned n = 1; n <= XEN_LAB_GUESTS; n++)
		destroy_guest(x, n);
	destroy_dom0(x);
	xen_lab_check(x);
	for (unsigned n = 0; n <= XEN_LAB_GUESTS; n++)
		if (x->dom[n].d)
			dismantle(&x->dom[n]);
	xen_lab_check(x);
	for (unsigned n = 0; n <= XEN_LAB_GUESTS; n++)
		assert_null(xen_domain_find(x->hv, n));
	xen_destroy(x->hv);
	lab_destroy_side(&lab->side[0], false);
	link_destroy(lab->link);
	frame_pool_destroy(lab->pool);
	machine_destroy(x->board);
	machine_destroy(lab->side[0].machine);
	sim_destroy(lab->sim);
	free(lab);
	free(x);
}

struct program *xen_lab_program(struct xen_lab *x, unsigned n, uint32_t ip, bool sends,
				uint64_t bytes)
{
	struct program *p = calloc(1, sizeof(*p));

	p->host = x->dom[n].host;
	p->cpu = machine_cpu(p->host->machine, 0);
	p->sends = sends;
	p->bytes = bytes;
	p->chunk = 16384;
	p->ip = ip;
	assert_int_equal(memory_alloc(p->host->machine->mem, USER_PAGES, PAGE_BYTES, 0, &p->user),
			 0);
	return p;
}
