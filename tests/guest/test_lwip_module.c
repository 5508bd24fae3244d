/* SPDX-License-Identifier: MIT */
/* The private copies of lwIP: what the shim took over, and that copies come and go. */
#include "lab.h"

#include <errno.h>

#include "base/rng.h"
#include "guest/stack_internal.h"

struct world {
	struct sim *sim;
	struct machine *machine;
	struct kmalloc *kmalloc;
	struct netstack *ns;
};

static struct netstack *boot(struct world *w, struct err *err)
{
	const struct netstack_config config = {.machine = w->machine,
					       .kmalloc = w->kmalloc,
					       .mac = {2, 0, 0, 0, 0, 1},
					       .ip = LAB_IP(1),
					       .netmask = 0xffffff00,
					       .seed = LAB_SEED,
					       .timer_cpu = machine_cpu(w->machine, 0)};
	struct netstack *ns = NULL;

	return netstack_create(&ns, &config, err) ? NULL : ns;
}

static int setup(void **state)
{
	const struct profile profile = lab_profile(1);
	struct world *w = calloc(1, sizeof(*w));
	struct err err = {{0}};

	w->sim = sim_create();
	assert_int_equal(machine_create(&w->machine, w->sim, &profile, &err), 0);
	w->kmalloc = kmalloc_create(w->machine->mem, true);
	w->ns = boot(w, &err);
	if (!w->ns)
		fail_msg("%s", err.text);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	struct kmalloc_stats memory;

	netstack_destroy(w->ns);
	kmalloc_stats(w->kmalloc, &memory);
	assert_int_equal(memory.live_objects, 0);
	kmalloc_destroy(w->kmalloc);
	machine_destroy(w->machine);
	sim_destroy(w->sim);
	free(w);
	return 0;
}

/* RFC 1071 word by word, the bytes in memory order. */
static uint16_t naive_sum(const uint8_t *data, size_t bytes)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < bytes; i++) {
		sum += (uint32_t)data[i] << (i % 2 * 8);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

static void the_checksum_equals_the_definition_at_every_alignment(void **state)
{
	const struct world *w = *state;
	uint8_t *data = malloc(4096);
	struct rng rng;

	rng_seed(&rng, lab_seed());
	for (int round = 0; round < 4000; round++) {
		const size_t bytes = (size_t)rng_below(&rng, round < 200 ? 20 : 1600);
		const size_t at = (size_t)rng_below(&rng, 16);
		const uint8_t fill = (uint8_t)(round % 3 == 0 ? 0xff : round % 3 == 1 ? 0 : 1);

		for (size_t i = 0; i < bytes; i++)
			data[at + i] = fill == 1 ? (uint8_t)rng_u64(&rng) : fill;
		assert_int_equal(w->ns->fn->standard_chksum(data + at, (int)bytes),
				 naive_sum(data + at, bytes));
	}
	free(data);
}

static void frames_lie_in_simulated_memory_and_their_headers_do_not(void **state)
{
	static const pbuf_type types[] = {PBUF_RAM, PBUF_POOL};
	const struct world *w = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct pbuf *p = w->ns->fn->pbuf_alloc(PBUF_TRANSPORT, 1460, types[i]);
		struct netstack_stats stats;

		assert_non_null(p);
		assert_null(p->next);
		assert_int_equal(p->len, 1460);
		assert_false(memory_owns(w->machine->mem, p));
		assert_true(memory_owns(w->machine->mem, p->payload));
		netstack_stats(w->ns, &stats);
		assert_int_equal(stats.frames_live, 1);
		memset(p->payload, 0x55, 1460);
		/* transport, network and link headers fit in front; further back is not ours */
		assert_int_equal(w->ns->fn->pbuf_add_header(p, 20 + 20 + 14), 0);
		assert_int_equal(p->tot_len, 1514);
		assert_int_equal(w->ns->fn->pbuf_add_header(p, 30), 1);
		assert_int_equal(p->tot_len, 1514);
		assert_int_equal(w->ns->fn->pbuf_free(p), 1);
		netstack_stats(w->ns, &stats);
		assert_int_equal(stats.frames_live, 0);
	}
}

#define SENT 3u

/* As from a driver's poll, which acknowledges what it brings in. */
static void allocate_frames(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = machine_cpu(w->machine, 0);
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);

	for (unsigned i = 0; i < SENT; i++)
		w->ns->fn->pbuf_free(w->ns->fn->pbuf_alloc(PBUF_TRANSPORT, 1460, PBUF_RAM));
	cpu_leave(cpu, before);
}

static void a_buffer_to_send_costs_what_one_to_receive_costs(void **state)
{
	struct world *w = *state;
	struct cpu_account account;

	assert_non_null(task_create(machine_cpu(w->machine, 0), "sender", allocate_frames, w));
	assert_int_equal(sim_run(w->sim, SIM_MS), 0);
	cpu_account(machine_cpu(w->machine, 0), &account);
	assert_int_equal(account.ps[CHARGE_STACK], SENT * machine_cost(w->machine)->skb_alloc);
	assert_int_equal(account.ps[CHARGE_DRIVER], 0);
}

static void copies_can_be_made_and_dropped_in_any_order_without_end(void **state)
{
	struct world *w = *state;
	struct netstack *ns[4] = {NULL};
	struct err err = {{0}};

	for (unsigned i = 0; i < 200; i++) {
		netstack_destroy(ns[i % 4]);
		ns[i % 4] = boot(w, &err);
		if (!ns[i % 4])
			fail_msg("copy %u: %s", i, err.text);
		assert_null(*ns[i % 4]->fn->tcp_active_pcbs);
	}
	for (unsigned i = 0; i < 4; i++)
		netstack_destroy(ns[i]);
}

static void two_copies_share_no_state(void **state)
{
	struct world *w = *state;
	struct err err = {{0}};
	struct netstack *other = boot(w, &err);

	assert_non_null(other);
	assert_ptr_not_equal(w->ns->fn->tcp_new, other->fn->tcp_new);
	assert_ptr_not_equal(w->ns->fn->tcp_active_pcbs, other->fn->tcp_active_pcbs);
	netstack_destroy(other);
}

static void too_many_copies_are_refused_with_words(void **state)
{
	struct world *w = *state;
	struct err err = {{0}};
	struct netstack *ns[32];
	int n = 0;

	while (n < 32 && (ns[n] = boot(w, &err)))
		n++;
	if (n < 32)
		assert_non_null(strstr(err.text, "cannot load the TCP stack"));
	assert_true(n >= 8);
	while (n)
		netstack_destroy(ns[--n]);
}

static void a_missing_module_is_named(void **state)
{
	const char *was = getenv("IOTOLL_LWIP_MODULE");
	char *keep = was ? strdup(was) : NULL;
	struct world *w = *state;
	struct err err = {{0}};
	struct netstack *ns[32];
	int n = 0;

	setenv("IOTOLL_LWIP_MODULE", "/nonexistent/iotoll-lwip.so", 1);
	while (n < 32 && (ns[n] = boot(w, &err))) /* idle copies need no file */
		n++;
	assert_true(n < 32);
	assert_non_null(strstr(err.text, "/nonexistent/iotoll-lwip.so"));
	while (n)
		netstack_destroy(ns[--n]);
	if (keep)
		setenv("IOTOLL_LWIP_MODULE", keep, 1);
	else
		unsetenv("IOTOLL_LWIP_MODULE");
	free(keep);
}

static void break_lwip(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->machine);
	struct pbuf dead = {.ref = 0};

	stack_enter(w->ns, cpu);
	w->ns->fn->pbuf_free(&dead);
	fail_msg("lwIP went on after a failed assertion");
}

static void a_failed_assertion_stops_the_simulation_and_says_why(void **state)
{
	struct world *w = *state;

	assert_null(netstack_panic(w->ns));
	assert_non_null(task_create(machine_cpu(w->machine, 0), "breaker", break_lwip, w));
	assert_int_equal(sim_run(w->sim, SIM_S), -EINTR);
	assert_non_null(netstack_panic(w->ns));
	assert_non_null(strstr(netstack_panic(w->ns), "ref"));
	/* and it stays down */
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_S), -EINTR);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_checksum_equals_the_definition_at_every_alignment),
		TEST(frames_lie_in_simulated_memory_and_their_headers_do_not),
		TEST(a_buffer_to_send_costs_what_one_to_receive_costs),
		TEST(copies_can_be_made_and_dropped_in_any_order_without_end),
		TEST(two_copies_share_no_state),
		TEST(too_many_copies_are_refused_with_words),
		TEST(a_missing_module_is_named),
		TEST(a_failed_assertion_stops_the_simulation_and_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
