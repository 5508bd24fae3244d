/* SPDX-License-Identifier: MIT */
/*
 * Guests on a driver domain's bridge, end to end: TCP between them and to the wire, received by
 * copying and by page flips, with the hypervisor's tables and every grant checked afterwards.
 */
#include "xen_lab.h"

#define MIB ((uint64_t)1 << 20)

static void run_until(struct xen_lab *x, const struct program *a, const struct program *b,
		      uint64_t limit)
{
	const sim_time end = sim_now(x->lab->sim) + limit;

	while ((!a->finished || !b->finished) && sim_now(x->lab->sim) < end)
		xen_lab_run(x, 10 * SIM_MS);
}

static void expect_whole(const struct program *receiver, const struct program *other)
{
	assert_true(receiver->finished);
	assert_true(other->finished);
	assert_int_equal(receiver->done, receiver->bytes);
	assert_int_equal(receiver->mismatches, 0);
	assert_int_equal(receiver->last, 0);
}

static struct netback_vif_stats vif_stats(const struct xen_lab *x, unsigned n)
{
	struct netback_vif_stats s;

	netback_vif_stats(x->dom[n].vif->vif, &s);
	return s;
}

static struct netfront_stats front_stats(const struct xen_lab *x, unsigned n)
{
	struct netfront_stats s;

	netfront_stats(x->dom[n].host->front, &s);
	return s;
}

static struct netback_stats back_stats(const struct xen_lab *x)
{
	struct netback_stats s;

	netback_stats(x->dom[0].host->netback, &s);
	return s;
}

/* @bytes from @sender to @receiver; the sender connects. */
static void move(struct xen_lab *x, struct program *sender, struct program *receiver)
{
	program_start(receiver, "server", transfer_server);
	program_start(sender, "client", transfer_client);
	run_until(x, sender, receiver, 5 * SIM_S);
	expect_whole(receiver, sender);
	free(sender);
	free(receiver);
}

static void guest_to_wire(enum xen_lab_mode mode)
{
	struct xen_lab *x = xen_lab_create(mode);

	move(x, xen_lab_program(x, 1, LAB_IP(0), true, 2 * MIB),
	     program_new(x->lab, 0, 1, false, 2 * MIB, 65536));
	/* Data lies in the guest's pages until the NIC has read it: mapped, not copied. */
	assert_true(vif_stats(x, 1).tx_frames > 2 * MIB / NET_MTU);
	assert_true(back_stats(x).tx_maps >= vif_stats(x, 1).tx_frames);
	assert_int_equal(vif_stats(x, 1).tx_errors, 0);
	assert_int_equal(front_stats(x, 1).tx_errors, 0);
	assert_int_equal(front_stats(x, 1).broken, 0);
	xen_lab_destroy(x);
}

static void a_guest_sends_to_the_wire(void **state)
{
	(void)state;
	guest_to_wire(XEN_LAB_COPY);
}

static void wire_to_guest(enum xen_lab_mode mode)
{
	struct xen_lab *x = xen_lab_create(mode);
	struct program *sender = program_new(x->lab, 0, 1, true, 2 * MIB, 16384);

	sender->ip = XEN_LAB_IP(1);
	move(x, sender, xen_lab_program(x, 1, LAB_IP(0), false, 2 * MIB));
	assert_int_equal(vif_stats(x, 1).rx_errors, 0);
	assert_int_equal(front_stats(x, 1).rx_errors, 0);
	if (mode == XEN_LAB_FLIP) {
		assert_true(front_stats(x, 1).rx_flipped >= 2 * MIB / NET_MTU);
		assert_int_equal(back_stats(x).transfer_errors, 0);
		assert_int_equal(back_stats(x).rx_copies, 0);
	} else {
		assert_true(back_stats(x).rx_copies >= 2 * MIB / NET_MTU);
		assert_int_equal(front_stats(x, 1).rx_flipped, 0);
	}
	xen_lab_destroy(x);
}

static void a_guest_receives_copies_from_the_wire(void **state)
{
	(void)state;
	wire_to_guest(XEN_LAB_COPY);
}

static void a_guest_receives_pages_from_the_wire(void **state)
{
	(void)state;
	wire_to_guest(XEN_LAB_FLIP);
}

static void guest_to_guest(enum xen_lab_mode mode)
{
	struct xen_lab *x = xen_lab_create(mode);

	move(x, xen_lab_program(x, 1, XEN_LAB_IP(2), true, 2 * MIB),
	     xen_lab_program(x, 2, XEN_LAB_IP(1), false, 2 * MIB));
	assert_true(vif_stats(x, 2).rx_frames > 2 * MIB / NET_MTU);
	xen_lab_destroy(x);
}

static void guests_talk_to_each_other_by_copies(void **state)
{
	(void)state;
	guest_to_guest(XEN_LAB_COPY);
}

static void guests_talk_to_each_other_by_pages(void **state)
{
	(void)state;
	guest_to_guest(XEN_LAB_FLIP);
}

/* Domain 0's own stack hangs on the same bridge. */
static void domain_0_talks_to_a_guest_and_to_the_wire(void **state)
{
	struct xen_lab *x = xen_lab_create(XEN_LAB_COPY);
	struct program *sender;

	(void)state;
	move(x, xen_lab_program(x, 1, XEN_LAB_IP(0), true, MIB),
	     xen_lab_program(x, 0, XEN_LAB_IP(1), false, MIB));
	sender = program_new(x->lab, 0, 1, true, MIB, 16384);
	sender->ip = XEN_LAB_IP(0);
	move(x, sender, xen_lab_program(x, 0, LAB_IP(0), false, MIB));
	xen_lab_destroy(x);
}

/* While both guests talk to the wire, one dies. */
static void a_guest_dies(enum xen_lab_mode mode, bool dying_sends, sim_time at)
{
	struct xen_lab *x = xen_lab_create(mode);
	struct program *a, *b, *c, *d;

	a = xen_lab_program(x, 1, LAB_IP(0), dying_sends, 64 * MIB);
	b = program_new(x->lab, 0, 1, !dying_sends, 64 * MIB, 65536);
	b->ip = XEN_LAB_IP(1);
	c = xen_lab_program(x, 2, XEN_LAB_IP(0), true, 2 * MIB);
	d = xen_lab_program(x, 0, XEN_LAB_IP(2), false, 2 * MIB);
	program_start(dying_sends ? b : a, "server", transfer_server);
	program_start(dying_sends ? a : b, "client", transfer_client);
	program_start(d, "server", transfer_server);
	program_start(c, "client", transfer_client);
	xen_lab_run(x, at);
	assert_true(a->done > 100000 && b->done > 100000);
	assert_false(c->finished);
	xen_lab_kill(x, 1);
	xen_lab_check(x);
	run_until(x, c, d, 5 * SIM_S);
	expect_whole(d, c);
	xen_lab_run(x, 100 * SIM_MS);
	/* Whatever was on its way is unmapped, and the domain and its memory are gone. */
	assert_int_equal(back_stats(x).pending, 0);
	assert_null(xen_domain_find(x->hv, 1));
	xen_lab_destroy(x);
	free(a);
	free(b);
	free(c);
	free(d);
}

/* At instants that fall anywhere in what the others do at that moment. */
static void a_guest_dies_in_mid_traffic(enum xen_lab_mode mode, bool dying_sends)
{
	for (unsigned i = 0; i < 6; i++)
		a_guest_dies(mode, dying_sends, 10 * SIM_MS + i * 7 * SIM_US);
}

static void a_sending_guest_dies_and_the_others_carry_on(void **state)
{
	(void)state;
	a_guest_dies_in_mid_traffic(XEN_LAB_COPY, true);
}

static void a_receiving_guest_dies_and_the_others_carry_on(void **state)
{
	(void)state;
	a_guest_dies_in_mid_traffic(XEN_LAB_COPY, false);
}

static void a_guest_that_gets_pages_dies_and_the_others_carry_on(void **state)
{
	(void)state;
	a_guest_dies_in_mid_traffic(XEN_LAB_FLIP, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_sends_to_the_wire),
		cmocka_unit_test(a_guest_receives_copies_from_the_wire),
		cmocka_unit_test(guests_talk_to_each_other_by_copies),
		cmocka_unit_test(domain_0_talks_to_a_guest_and_to_the_wire),
		cmocka_unit_test(a_guest_receives_pages_from_the_wire),
		cmocka_unit_test(guests_talk_to_each_other_by_pages),
		cmocka_unit_test(a_sending_guest_dies_and_the_others_carry_on),
		cmocka_unit_test(a_receiving_guest_dies_and_the_others_carry_on),
		cmocka_unit_test(a_guest_that_gets_pages_dies_and_the_others_carry_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
