/* SPDX-License-Identifier: MIT */
/*
 * The ground of paravirtual drivers, on the real hypervisor: events are neither lost nor doubled,
 * grants are given and taken in the entries the hypervisor reads, batches of page-table changes do
 * what they say.
 */
#include "xen_lab.h"

#include <errno.h>

#include "guest/xen_batch.h"
#include "guest/xen_evtchn.h"

static int setup(void **state)
{
	*state = xen_lab_create(XEN_LAB_NO_FRONT);
	return 0;
}

static int teardown(void **state)
{
	xen_lab_destroy(*state);
	return 0;
}

static struct pv_kernel *kernel(const struct xen_lab *x, unsigned n)
{
	return x->dom[n].host->pv;
}

struct listener {
	unsigned calls;
	struct pv_kernel *answers; /* signals back through @port */
	int port;
};

static void on_event(void *ctx, struct cpu *cpu)
{
	struct listener *l = ctx;

	l->calls++;
	if (l->answers)
		pv_event_notify(l->answers->events, cpu, (evtchn_port_t)l->port);
}

/* A channel between domains 0 and 1. */
struct channel {
	struct listener l[2];
	int port[2];
};

static void channel_open(struct xen_lab *x, struct channel *c)
{
	*c = (struct channel){0};
	c->port[1] = pv_event_alloc(kernel(x, 1)->events, NULL, 0, on_event, &c->l[1]);
	assert_true(c->port[1] > 0);
	c->port[0] = pv_event_bind(kernel(x, 0)->events, NULL, 1, (evtchn_port_t)c->port[1],
				   on_event, &c->l[0]);
	assert_true(c->port[0] > 0);
	xen_lab_run(x, SIM_MS);
	c->l[0].calls = c->l[1].calls = 0;
}

static void channel_close(struct xen_lab *x, const struct channel *c)
{
	for (unsigned i = 0; i < 2; i++)
		pv_event_close(kernel(x, i)->events, NULL, (evtchn_port_t)c->port[i]);
}

static void signal_from(struct xen_lab *x, const struct channel *c, unsigned n)
{
	pv_event_notify(kernel(x, n)->events, NULL, (evtchn_port_t)c->port[n]);
}

static void events_arrive_and_those_not_yet_seen_are_one(void **state)
{
	struct xen_lab *x = *state;
	struct channel c;

	channel_open(x, &c);
	signal_from(x, &c, 1);
	xen_lab_run(x, SIM_MS);
	assert_int_equal(c.l[0].calls, 1);
	for (unsigned i = 0; i < 5; i++)
		signal_from(x, &c, 0);
	xen_lab_run(x, SIM_MS);
	assert_int_equal(c.l[1].calls, 1);
	assert_int_equal(c.l[0].calls, 1);
	channel_close(x, &c);
}

/* Each answers the other from inside its handler: no event may be lost on the way. */
static void a_ball_goes_to_and_fro(void **state)
{
	struct xen_lab *x = *state;
	struct channel c;

	channel_open(x, &c);
	for (unsigned i = 0; i < 2; i++) {
		c.l[i].answers = kernel(x, i);
		c.l[i].port = c.port[i];
	}
	signal_from(x, &c, 0);
	xen_lab_run(x, 20 * SIM_MS);
	assert_true(c.l[0].calls > 1000);
	assert_true(c.l[1].calls - c.l[0].calls <= 1);
	c.l[0].answers = c.l[1].answers = NULL;
	xen_lab_run(x, SIM_MS);
	channel_close(x, &c);
}

static void a_masked_port_stays_silent_and_catches_up(void **state)
{
	struct xen_lab *x = *state;
	struct shared_info *s =
		memory_ptr(x->dom[1].view, XEN_SHARED_INFO_PADDR, sizeof(struct shared_info));
	evtchn_unmask_t *op;
	struct channel c;

	channel_open(x, &c);
	s->evtchn_mask[c.port[1] / 64] |= (xen_ulong_t)1 << c.port[1] % 64;
	signal_from(x, &c, 0);
	xen_lab_run(x, SIM_MS);
	assert_int_equal(c.l[1].calls, 0);
	assert_true(s->evtchn_pending[c.port[1] / 64] >> c.port[1] % 64 & 1);
	op = kmalloc_alloc(kernel(x, 1)->kmalloc, sizeof(*op));
	op->port = (evtchn_port_t)c.port[1];
	assert_int_equal(pv_hypercall(kernel(x, 1), NULL, __HYPERVISOR_event_channel_op,
				      EVTCHNOP_unmask,
				      pv_va(kmalloc_phys(kernel(x, 1)->kmalloc, op)), 0, 0),
			 0);
	kmalloc_free(kernel(x, 1)->kmalloc, op);
	xen_lab_run(x, SIM_MS);
	assert_int_equal(c.l[1].calls, 1);
	channel_close(x, &c);
}

static void a_closed_port_calls_nobody(void **state)
{
	struct xen_lab *x = *state;
	struct channel c;

	channel_open(x, &c);
	pv_event_close(kernel(x, 1)->events, NULL, (evtchn_port_t)c.port[1]);
	signal_from(x, &c, 0);
	xen_lab_run(x, SIM_MS);
	assert_int_equal(c.l[1].calls, 0);
	pv_event_close(kernel(x, 0)->events, NULL, (evtchn_port_t)c.port[0]);
	assert_int_equal(pv_event_bind(kernel(x, 0)->events, NULL, 1, 4000, on_event, NULL),
			 -EINVAL);
}

/* Map grant @ref of domain 1 in domain 0. The status. */
static int map(struct xen_lab *x, grant_ref_t ref, phys_t at, bool readonly, grant_handle_t *handle)
{
	struct pv_kernel *k = kernel(x, 0);
	struct gnttab_map_grant_ref *op = kmalloc_alloc(k->kmalloc, sizeof(*op));
	int status;

	*op = (struct gnttab_map_grant_ref){
		.host_addr = pv_va(at),
		.flags = GNTMAP_host_map | (readonly ? GNTMAP_readonly : 0),
		.ref = ref,
		.dom = 1,
	};
	assert_int_equal(pv_hypercall(k, NULL, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref,
				      pv_va(kmalloc_phys(k->kmalloc, op)), 1, 0),
			 0);
	status = op->status;
	*handle = op->handle;
	kmalloc_free(k->kmalloc, op);
	return status;
}

static void unmap(struct xen_lab *x, phys_t at, grant_handle_t handle)
{
	struct pv_kernel *k = kernel(x, 0);
	struct gnttab_unmap_grant_ref *op = kmalloc_alloc(k->kmalloc, sizeof(*op));

	*op = (struct gnttab_unmap_grant_ref){.host_addr = pv_va(at), .handle = handle};
	assert_int_equal(pv_hypercall(k, NULL, __HYPERVISOR_grant_table_op,
				      GNTTABOP_unmap_grant_ref, pv_va(kmalloc_phys(k->kmalloc, op)),
				      1, 0),
			 0);
	assert_int_equal(op->status, GNTST_okay);
	kmalloc_free(k->kmalloc, op);
}

static void a_grant_in_use_is_not_revoked(void **state)
{
	struct xen_lab *x = *state;
	struct pv_kernel *k = kernel(x, 1);
	uint8_t *page = kmalloc_alloc(k->kmalloc, PAGE_BYTES);
	const uint64_t mfn = pv_mfn(k, NULL, kmalloc_phys(k->kmalloc, page));
	const grant_ref_t ref = pv_grant_take(k->grants, NULL);
	grant_handle_t handle;
	phys_t at;

	assert_true(ref >= PV_GRANT_RESERVED);
	memset(page, 0x5a, PAGE_BYTES);
	assert_int_equal(pv_empty_page(kernel(x, 0), &at), 0);
	pv_grant_access(k->grants, NULL, ref, 0, mfn, true);
	assert_int_equal(map(x, ref, at, false, &handle), GNTST_general_error); /* read-only */
	assert_int_equal(map(x, ref, at, true, &handle), GNTST_okay);
	assert_memory_equal(memory_ptr(x->dom[0].view, at, PAGE_BYTES), page, PAGE_BYTES);
	assert_null(memory_ptr_write(x->dom[0].view, at, PAGE_BYTES));
	assert_true(pv_grant_busy(k->grants, NULL, ref));
	assert_int_equal(pv_grant_end_access(k->grants, NULL, ref), -EBUSY);
	xen_lab_check(x);
	unmap(x, at, handle);
	assert_false(pv_grant_busy(k->grants, NULL, ref));
	assert_int_equal(pv_grant_end_access(k->grants, NULL, ref), 0);
	assert_int_equal(map(x, ref, at, true, &handle), GNTST_general_error);
	pv_grant_give(k->grants, NULL, ref);
	pv_empty_page_free(kernel(x, 0), at);
	kmalloc_free(k->kmalloc, page);
}

static void the_table_grows_until_the_hypervisor_ends_it(void **state)
{
	struct xen_lab *x = *state;
	struct pv_kernel *k = kernel(x, 1);
	const unsigned entries = 32 * 512 - PV_GRANT_RESERVED;
	grant_ref_t *ref = calloc(entries, sizeof(*ref));
	unsigned n;

	for (n = 0; n < entries; n++) {
		ref[n] = pv_grant_take(k->grants, NULL);
		assert_int_not_equal(ref[n], PV_GRANT_NONE);
		assert_true(ref[n] >= PV_GRANT_RESERVED && ref[n] < 32 * 512);
	}
	assert_int_equal(pv_grant_take(k->grants, NULL), PV_GRANT_NONE);
	while (n > 0)
		pv_grant_give(k->grants, NULL, ref[--n]);
	assert_int_not_equal(pv_grant_take(k->grants, NULL), PV_GRANT_NONE);
	pv_grant_give(k->grants, NULL, ref[entries - 1]);
	free(ref);
}

static void an_offer_to_take_a_frame_can_be_withdrawn_once(void **state)
{
	struct xen_lab *x = *state;
	struct pv_kernel *k = kernel(x, 1);
	const grant_ref_t ref = pv_grant_take(k->grants, NULL);

	pv_grant_accept(k->grants, NULL, ref, 0, 77);
	assert_int_equal(pv_grant_end_accept(k->grants, NULL, ref), UINT64_MAX);
	assert_int_equal(pv_grant_end_accept(k->grants, NULL, ref), UINT64_MAX);
	pv_grant_give(k->grants, NULL, ref);
}

/* Two pages change places: what is read at each address is the other's. */
static void a_batch_moves_pages(void **state)
{
	struct xen_lab *x = *state;
	struct pv_kernel *k = kernel(x, 1);
	struct pv_batch b;
	phys_t page[2];
	uint64_t mfn[2];

	assert_int_equal(pv_batch_init(&b, k), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(memory_alloc(x->dom[1].view, 1, PAGE_BYTES, 0, &page[i]), 0);
		memset(memory_ptr(x->dom[1].view, page[i], PAGE_BYTES), (int)(1 + i), PAGE_BYTES);
		mfn[i] = pv_mfn(k, NULL, page[i]);
	}
	for (unsigned i = 0; i < 2; i++) {
		pv_batch_map(&b, NULL, page[i] / PAGE_BYTES, mfn[1 - i]);
		pv_batch_m2p(&b, mfn[1 - i], page[i] / PAGE_BYTES);
	}
	assert_int_equal(pv_batch_run(&b, NULL, 0, 0, 0, 0), 0);
	for (unsigned i = 0; i < 2; i++) {
		const uint8_t *bytes = memory_ptr(x->dom[1].view, page[i], PAGE_BYTES);

		assert_int_equal(bytes[9], 2 - i);
		assert_int_equal(pv_mfn(k, NULL, page[i]), mfn[1 - i]);
	}
	/* Somebody else's frame is refused, and the batch says so. */
	pv_batch_map(&b, NULL, page[0] / PAGE_BYTES,
		     memory_machine(x->dom[2].view, 400 * PAGE_BYTES) / PAGE_BYTES);
	assert_true(pv_batch_run(&b, NULL, 0, 0, 0, 0) < 0);
	assert_int_equal(pv_batch_run(&b, NULL, 0, 0, 0, 0), 0);
	xen_lab_check(x);
	pv_batch_fini(&b);
	for (unsigned i = 0; i < 2; i++)
		memory_free(x->dom[1].view, page[i], 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(events_arrive_and_those_not_yet_seen_are_one),
		TEST(a_ball_goes_to_and_fro),
		TEST(a_masked_port_stays_silent_and_catches_up),
		TEST(a_closed_port_calls_nobody),
		TEST(a_grant_in_use_is_not_revoked),
		TEST(the_table_grows_until_the_hypervisor_ends_it),
		TEST(an_offer_to_take_a_frame_can_be_withdrawn_once),
		TEST(a_batch_moves_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
