// SPDX-License-Identifier: MIT
/*
 * What a hypercall of a real guest machine costs: the domain's own view of its memory, its virtual
 * CPU, the board's caches. Costs are round numbers; lines are counted.
 */
#include "../sim/guest_rig.h"

#include "xen/abi.h"
#include "xen/hypervisor.h"

#define VA(pfn) (XEN_PAGE_OFFSET + (pfn)*PAGE_BYTES)

struct scene {
	struct sim *sim;
	struct machine *board, *guest;
	struct xen *hv;
	struct xen_domain *driver, *granter;
	struct memory *view;
	uint64_t first; /* free page of both */
	struct irq upcall;
	unsigned upcalls;
	void (*body)(struct scene *s, struct cpu *cpu);
	struct cpu_account spent;
};

static void count_upcall(void *ctx, struct cpu *cpu)
{
	struct scene *s = ctx;

	(void)cpu;
	s->upcalls++;
}

static int setup(void **state)
{
	static const unsigned on[] = {0};
	const struct guest_vcpus vcpus = {.name = "driver", .count = 1, .physical = on};
	struct xen_domain_config c = {
		.id = 1, .vcpus = 1, .hardware = true, .pages = 64, .span = 128, .max_pages = 128};
	struct scene *s = calloc(1, sizeof(*s));
	struct profile p = guest_profile(2);
	struct err err = {{0}};
	uint64_t end;

	assert_non_null(s);
	p.cost.xen_multicall_entry = 3000000;
	p.cost.xen_grant_map = 50000000;
	p.cost.xen_grant_unmap = 60000000;
	p.cost.xen_tlb_flush = 900000000;
	p.cost.xen_va_update = 70000000;
	s->sim = sim_create();
	assert_int_equal(machine_create(&s->board, s->sim, &p, &err), 0);
	assert_int_equal(xen_create(&s->hv, s->board->mem, NULL), 0);
	assert_int_equal(xen_domain_create(s->hv, &c, &s->driver), 0);
	c.id = 2;
	assert_int_equal(xen_domain_create(s->hv, &c, &s->granter), 0);
	xen_domain_free_memory(s->driver, &s->first, &end);
	s->view = memory_view_create(s->board->mem, xen_domain_l1(s->driver),
				     xen_domain_span(s->driver));
	assert_non_null(s->view);
	if (machine_create_guest(&s->guest, s->board, s->view, &vcpus, &err) != 0)
		fail_msg("%s", err.text);
	s->upcall =
		(struct irq){.handler = count_upcall, .ctx = s, .target = machine_cpu(s->guest, 0)};
	xen_vcpu_set_upcall(s->driver, 0, &s->upcall);
	/* Behind it stands no device: the hypervisor takes no interrupt for it. */
	assert_true(s->upcall.event);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	machine_destroy(s->guest);
	memory_destroy(s->view);
	assert_int_equal(xen_check(s->hv, NULL), 0);
	xen_destroy(s->hv);
	machine_destroy(s->board);
	sim_destroy(s->sim);
	free(s);
	return 0;
}

static void body(void *ctx)
{
	struct scene *s = ctx;
	struct cpu *cpu = cpu_current(s->guest);
	struct cpu_account before;

	cpu_account(cpu, &before);
	s->body(s, cpu);
	cpu_account(cpu, &s->spent);
	for (unsigned i = 0; i < CHARGE_COUNT; i++)
		s->spent.ps[i] -= before.ps[i];
}

/* Run @fn as a task of the driver domain; what its virtual CPU spent in it. */
static void run(struct scene *s, void (*fn)(struct scene *s, struct cpu *cpu))
{
	s->body = fn;
	assert_non_null(task_create(machine_cpu(s->guest, 0), "body", body, s));
	sim_run(s->sim, SIM_S);
}

static long hypercall(struct scene *s, struct cpu *cpu, unsigned long op, unsigned long a0,
		      unsigned long a1, unsigned long a2, unsigned long a3)
{
	const unsigned long args[6] = {a0, a1, a2, a3};

	return xen_hypercall(s->driver, 0, cpu, op, args);
}

/* The same page table serves the view: what the hypervisor maps, the guest's CPU reads. */
static void map_and_read(struct scene *s, struct cpu *cpu)
{
	const phys_t arg = s->first * PAGE_BYTES, hole = 100 * PAGE_BYTES;
	const gnttab_map_grant_ref_t op = {
		.host_addr = VA(100), .flags = GNTMAP_host_map, .ref = 8, .dom = 2};
	gnttab_map_grant_ref_t out;
	gnttab_unmap_grant_ref_t unmap = {.host_addr = VA(100)};

	assert_null(memory_ptr(s->view, hole, 8));
	memcpy(memory_ptr(s->view, arg, sizeof(op)), &op, sizeof(op));
	assert_int_equal(hypercall(s, cpu, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref,
				   VA(s->first), 1, 0),
			 0);
	memcpy(&out, memory_ptr(s->view, arg, sizeof(out)), sizeof(out));
	assert_int_equal(out.status, GNTST_okay);
	assert_int_equal(*(uint64_t *)memory_ptr(s->view, hole, 8), 0x1122334455667788);
	assert_int_equal(memory_machine(s->view, hole), out.dev_bus_addr);
	unmap.handle = out.handle;
	memcpy(memory_ptr(s->view, arg, sizeof(unmap)), &unmap, sizeof(unmap));
	assert_int_equal(hypercall(s, cpu, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref,
				   VA(s->first), 1, 0),
			 0);
}

static void a_guests_map_and_unmap_cost_what_the_profile_says(void **state)
{
	struct scene *s = *state;
	const uint64_t *pte =
		memory_ptr(s->board->mem, xen_domain_l1(s->granter) + s->first * 8, 8);
	const uint64_t mfn = (*pte & 0x000ffffffffff000) >> 12;
	unsigned long args[6] = {GNTTABOP_setup_table, VA(s->first + 1), 1};
	const uint64_t *grant_pte = memory_ptr(s->board->mem, xen_domain_l1(s->granter), 8);
	gnttab_setup_table_t setup_op = {.dom = DOMID_SELF, .nr_frames = 1};
	grant_entry_v1_t *grants;
	uint64_t frame, tables;

	/* The granter's side, without a CPU: its grant table, one entry. */
	setup_op.frame_list.p = (xen_pfn_t *)(uintptr_t)VA(s->first + 2);
	memcpy(memory_ptr(s->board->mem, grant_pte[s->first + 1] & 0x000ffffffffff000,
			  sizeof(setup_op)),
	       &setup_op, sizeof(setup_op));
	assert_int_equal(xen_hypercall(s->granter, 0, NULL, __HYPERVISOR_grant_table_op, args), 0);
	frame = *(uint64_t *)memory_ptr(s->board->mem, grant_pte[s->first + 2] & 0x000ffffffffff000,
					8);
	grants = memory_ptr(s->board->mem, frame << 12, PAGE_BYTES);
	grants[8] =
		(grant_entry_v1_t){.flags = GTF_permit_access, .domid = 1, .frame = (uint32_t)mfn};
	*(uint64_t *)memory_ptr(s->board->mem, mfn << 12, 8) = 0x1122334455667788;
	run(s, map_and_read);
	/* Two crossings; the rows of both operations and one flush; the rest is lines. */
	assert_int_equal(s->spent.ps[CHARGE_CROSSING], 2 * 7000);
	tables = s->spent.ps[CHARGE_HYPERVISOR] - 50000000 - 60000000 - 900000000;
	/*
	 * Lines of map: its argument (cold), read and written back; active entry; shared entry
	 * (locked); frame; entry of the page table twice; maptrack. Of unmap the same, warm, and
	 * each of these a hit. No more than 9 can miss, each at 100 ns.
	 */
	assert_in_range(tables, 5 * 100000, 9 * 100000 + 30 * 41000);
	assert_int_equal(s->spent.ps[CHARGE_COPY], 0);
}

static void send_to_self(struct scene *s, struct cpu *cpu)
{
	evtchn_bind_ipi_t *op = memory_ptr(s->view, s->first * PAGE_BYTES, sizeof(*op));
	evtchn_port_t *port = (void *)op;

	memset(memory_ptr(s->view, PAGE_BYTES + offsetof(shared_info_t, evtchn_mask), 512), 0, 512);
	*op = (evtchn_bind_ipi_t){.vcpu = 0};
	assert_int_equal(hypercall(s, cpu, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi,
				   VA(s->first), 0, 0),
			 0);
	*port = op->port;
	assert_int_equal(
		hypercall(s, cpu, __HYPERVISOR_event_channel_op, EVTCHNOP_send, VA(s->first), 0, 0),
		0);
	assert_int_equal(s->upcalls, 0); /* not in the middle of the hypercall */
	cpu_sync(cpu);
	assert_int_equal(s->upcalls, 1);
}

static void an_event_is_taken_when_the_guest_goes_on(void **state)
{
	struct scene *s = *state;

	run(s, send_to_self);
	assert_int_equal(s->upcalls, 1);
	/* Two hypercalls and one upcall. */
	assert_int_equal(s->spent.ps[CHARGE_CROSSING], 2 * 7000 + 17000);
	assert_in_range(s->spent.ps[CHARGE_HYPERVISOR], 190000, 190000 + 10 * 140000);
}

static void batch(struct scene *s, struct cpu *cpu)
{
	multicall_entry_t *e = memory_ptr(s->view, s->first * PAGE_BYTES, 4 * sizeof(*e));

	for (unsigned i = 0; i < 4; i++)
		e[i] = (multicall_entry_t){.op = __HYPERVISOR_update_va_mapping,
					   .args = {VA(100 + i), 0, i == 3 ? UVMF_TLB_FLUSH : 0}};
	assert_int_equal(hypercall(s, cpu, __HYPERVISOR_multicall, VA(s->first), 4, 0, 0), 0);
}

static void a_multicall_crosses_once(void **state)
{
	struct scene *s = *state;
	uint64_t rows = 4 * (3000000 + 70000000) + 900000000;

	run(s, batch);
	assert_int_equal(s->spent.ps[CHARGE_CROSSING], 7000);
	/* Four lines of entries, one of the page table; at most a miss for each. */
	assert_in_range(s->spent.ps[CHARGE_HYPERVISOR], rows + 5 * 100000,
			rows + 5 * 100000 + 40000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(a_guests_map_and_unmap_cost_what_the_profile_says),
		T(an_event_is_taken_when_the_guest_goes_on),
		T(a_multicall_crosses_once),
	};

	return cmocka_run_group_tests_name("xen/cost", tests, NULL, NULL);
}
