/* SPDX-License-Identifier: MIT */
/*
 * The bridge: where frames go as it learns, who gives them back and when, and a TCP transfer
 * through one without a copy more than without it.
 */
#include "transfer.h"

#include <errno.h>

#include "guest/stack_internal.h"

#define FAKES 4u

/* A port that keeps the last frame it was sent. */
struct fake {
	unsigned port;
	unsigned taken;
	bool refuses, holds;
	struct net_frame held;
};

struct fixture {
	struct sim *sim;
	struct machine *machine;
	struct bridge *bridge;
	struct fake fake[FAKES];
	phys_t page;
	unsigned returned;
};

static void fake_let_go(struct fake *f)
{
	if (f->holds)
		net_frame_done(&f->held, NULL);
	f->holds = false;
}

static int fake_xmit(void *ctx, struct cpu *cpu, const struct net_frame *frame)
{
	struct fake *f = ctx;

	(void)cpu;
	if (f->refuses)
		return -ENOBUFS;
	f->taken++;
	fake_let_go(f);
	f->held = *frame;
	f->holds = true;
	return 0;
}

static const struct netdev_ops fake_ops = {.xmit = fake_xmit};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	const struct profile profile = lab_profile(1);
	struct err err = {{0}};

	x->sim = sim_create();
	assert_int_equal(machine_create(&x->machine, x->sim, &profile, &err), 0);
	x->bridge = bridge_create(x->machine);
	for (unsigned i = 0; i < FAKES; i++) {
		const struct netdev dev = {&fake_ops, &x->fake[i], .dma = NULL};

		x->fake[i].port = (unsigned)bridge_add_port(x->bridge, dev);
		assert_int_equal(x->fake[i].port, i);
	}
	assert_int_equal(memory_alloc(x->machine->mem, 1, PAGE_BYTES, 0, &x->page), 0);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	for (unsigned i = 0; i < FAKES; i++)
		fake_let_go(&x->fake[i]);
	bridge_destroy(x->bridge);
	machine_destroy(x->machine);
	sim_destroy(x->sim);
	free(x);
	return 0;
}

static void on_return(void *ctx, struct cpu *cpu, void *owner)
{
	struct fixture *x = ctx;

	(void)cpu;
	assert_ptr_equal(owner, &x->page);
	x->returned++;
}

/* Port @from receives a frame from address 02::@src to 02::@dst (0xff: broadcast). */
static void receive(struct fixture *x, unsigned from, uint8_t dst, uint8_t src)
{
	const struct net_upper upper = bridge_port_upper(x->bridge, from);
	uint8_t *p = memory_ptr(x->machine->mem, x->page, PAGE_BYTES);
	const struct net_frame frame = {
		.piece[0] = {x->page, 60},
		.pieces = 1,
		.bytes = 60,
		.release = {on_return, x, &x->page},
	};

	memset(p, 0, 60);
	memset(p, dst == 0xff ? 0xff : 0, 6);
	if (dst != 0xff)
		p[0] = 2, p[5] = dst;
	p[6] = 2, p[11] = src;
	upper.receive(upper.ctx, NULL, &frame);
}

static void give_back(struct fixture *x, unsigned port)
{
	fake_let_go(&x->fake[port]);
}

/* Taken by ports 0 to 3 since the last call, as four digits. */
static unsigned taken(struct fixture *x)
{
	unsigned digits = 0;

	for (unsigned i = 0; i < FAKES; i++) {
		digits = digits * 10 + x->fake[i].taken;
		x->fake[i].taken = 0;
	}
	return digits;
}

static void the_unknown_is_flooded_and_what_was_heard_is_known(void **state)
{
	struct fixture *x = *state;
	struct bridge_stats s;

	receive(x, 0, 7, 1);
	assert_int_equal(taken(x), 111);
	receive(x, 2, 1, 7);
	assert_int_equal(taken(x), 1000);
	receive(x, 0, 7, 1);
	assert_int_equal(taken(x), 10);
	receive(x, 0, 1, 7); /* 7 has moved to port 0, and 1 lives there too */
	assert_int_equal(taken(x), 0);
	receive(x, 3, 7, 9);
	assert_int_equal(taken(x), 1000);
	bridge_stats(x->bridge, &s);
	assert_int_equal(s.flooded, 1);
	assert_int_equal(s.forwarded, 3);
	assert_int_equal(s.returned, 1);
	assert_int_equal(s.moved, 1);
}

static void a_flooded_frame_comes_back_with_its_last_copy(void **state)
{
	struct fixture *x = *state;

	x->fake[2].refuses = true;
	receive(x, 0, 0xff, 1);
	assert_int_equal(taken(x), 101);
	assert_int_equal(x->returned, 0);
	give_back(x, 3);
	assert_int_equal(x->returned, 0);
	give_back(x, 1);
	assert_int_equal(x->returned, 1);
	for (unsigned i = 1; i < FAKES; i++)
		x->fake[i].refuses = true;
	receive(x, 0, 0xff, 1);
	assert_int_equal(x->returned, 2);
}

static void a_refused_frame_comes_back_at_once(void **state)
{
	struct fixture *x = *state;
	struct bridge_stats s;

	receive(x, 1, 0xff, 5);
	for (unsigned i = 0; i < FAKES; i++)
		if (i != 1)
			give_back(x, i);
	assert_int_equal(x->returned, 1);
	x->fake[1].refuses = true;
	receive(x, 0, 5, 1);
	assert_int_equal(x->returned, 2);
	bridge_stats(x->bridge, &s);
	assert_int_equal(s.refused, 1);
}

static void a_removed_port_is_forgotten_and_its_number_given_again(void **state)
{
	struct fixture *x = *state;
	const struct netdev dev = {&fake_ops, &x->fake[2], .dma = NULL};

	receive(x, 2, 0xff, 7);
	taken(x);
	bridge_remove_port(x->bridge, 2);
	receive(x, 0, 7, 1);
	assert_int_equal(taken(x), 101); /* flooded, and not to the port that is gone */
	assert_int_equal(bridge_add_port(x->bridge, dev), 2);
	receive(x, 0, 7, 1);
	assert_int_equal(taken(x), 111);
}

static void addresses_age_and_a_full_table_floods(void **state)
{
	struct fixture *x = *state;

	receive(x, 2, 0xff, 7);
	taken(x);
	assert_int_equal(sim_run(x->sim, BRIDGE_AGEING), 0);
	receive(x, 0, 7, 1);
	assert_int_equal(taken(x), 10);
	assert_int_equal(sim_run(x->sim, BRIDGE_AGEING + 1), 0);
	receive(x, 0, 7, 1);
	assert_int_equal(taken(x), 111);
	for (unsigned i = 0; i < 2 * BRIDGE_ADDRESSES; i++) {
		const struct net_upper upper = bridge_port_upper(x->bridge, 3);
		uint8_t *p = memory_ptr(x->machine->mem, x->page, PAGE_BYTES);
		const struct net_frame frame = {.piece[0] = {x->page, 60},
						.pieces = 1,
						.bytes = 60,
						.release = {on_return, x, &x->page}};

		memcpy(p, (uint8_t[]){2, 0, 0, 0, 0, 1, 6, 6, 6, 6, (uint8_t)(i >> 8), (uint8_t)i},
		       12);
		upper.receive(upper.ctx, NULL, &frame);
	}
	taken(x);
	receive(x, 2, 1, 8); /* no room for 8; 1 is still known */
	assert_int_equal(taken(x), 1000);
	receive(x, 0, 8, 1);
	assert_int_equal(taken(x), 111);
}

static void ports_run_out(void **state)
{
	struct fixture *x = *state;
	const struct netdev dev = {&fake_ops, &x->fake[0], .dma = NULL};

	for (unsigned i = FAKES; i < BRIDGE_PORTS; i++)
		assert_int_equal(bridge_add_port(x->bridge, dev), i);
	assert_int_equal(bridge_add_port(x->bridge, dev), -ENOSPC);
}

/* Data both ways between a plain host and one whose stack hangs on a bridge. */
static void tcp_passes_a_bridge_in_both_directions(void **state)
{
	(void)state;
	for (unsigned sender = 0; sender < 2; sender++) {
		struct lab *lab = lab_create_bridged(2);
		struct netstack_stats stack;
		struct bridge_stats s;

		transfer(lab, sender, 4 << 20, 16384, 65536, false, 2 * SIM_S);
		bridge_stats(lab->side[1].host->bridge, &s);
		assert_int_equal(s.refused, 0);
		assert_true(s.forwarded > (4 << 20) / NET_MTU);
		assert_true(s.flooded <= 4); /* address resolution */
		netstack_stats(lab->side[1].host->stack, &stack);
		assert_int_equal(stack.rx_dropped + stack.tx_dropped, 0);
		lab_destroy(lab);
	}
}

/* The bridge's port takes frames for any address: those of guests behind it. */
static void a_bridged_nic_hears_every_address(void **state)
{
	struct lab *lab = lab_create_bridged(1);
	struct frame_sink wire = link_sink(lab->link, 0);
	struct frame *f = frame_get(lab->pool);
	struct bridge_stats s;

	(void)state;
	lab_run(lab, SIM_MS);
	memset(f->data, 0, 60);
	memcpy(f->data, (uint8_t[]){2, 9, 9, 9, 9, 9, 2, 0, 0, 0, 0, 0, 0x88, 0xb5}, 14);
	f->bytes = 60;
	wire.send(wire.ctx, f);
	lab_run(lab, SIM_MS);
	bridge_stats(lab->side[1].host->bridge, &s);
	assert_int_equal(s.flooded, 1);
	lab_destroy(lab);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_unknown_is_flooded_and_what_was_heard_is_known),
		TEST(a_flooded_frame_comes_back_with_its_last_copy),
		TEST(a_refused_frame_comes_back_at_once),
		TEST(a_removed_port_is_forgotten_and_its_number_given_again),
		TEST(addresses_age_and_a_full_table_floods),
		TEST(ports_run_out),
		cmocka_unit_test(tcp_passes_a_bridge_in_both_directions),
		cmocka_unit_test(a_bridged_nic_hears_every_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
