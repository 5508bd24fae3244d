/* SPDX-License-Identifier: MIT */
/* Who may use the bus when: limits of a device, several devices, arbitration, bus death. */
#include "rig.h"

#include <errno.h>

#include "base/rng.h"

#define RW (IOTOLL_READ | IOTOLL_WRITE)

/* A bus over the fake IOMMU, page 1 mapped. */
static void make_with_page(struct rig *rig)
{
	rig_make(rig, true);
	rig_map(rig, 1, 0x20000, RW);
}

/* A device that does one DMA at a time. */
static void plug_in(struct rig *rig, struct bus_port *port)
{
	static const struct bus_limits limits = {.one_dma = true};

	assert_int_equal(bus_port_init(port, rig->bus, RIG_DEVID, &limits), 0);
}

static void outstanding_reads_stay_within_the_limit_and_overlap_within_it(void **state)
{
	static const struct bus_limits limits = {.outstanding = 2};
	struct rig rig;
	struct bus_port port;
	struct bus_request req[5];
	uint8_t buffer[5][100];

	(void)state;
	make_with_page(&rig);
	rig.fake.page[1].cached = true;
	assert_int_equal(bus_port_init(&port, rig.bus, RIG_DEVID, &limits), 0);
	for (unsigned i = 0; i < 5; i++) {
		req[i] = rig_request(&rig, 0x1000 + i * 100, buffer[i], 100, IOTOLL_READ);
		bus_submit(&port, &req[i]);
	}
	rig_run_us(&rig, 20);
	assert_int_equal(rig.finished, 5);
	assert_int_equal(rig.fake.most_outstanding, 2);
	for (unsigned i = 0; i < 5; i++)
		assert_ptr_equal(rig.order[i], &req[i]);
	/* The first: 50 + 10 + 500 + 100 ns. The second's request phase waited 50 ns. */
	assert_int_equal(rig.when[0], 660 * SIM_NS);
	assert_int_equal(rig.when[1], 760 * SIM_NS); /* ready at 610, but data until 660 */
	rig_free(&rig);
}

static void one_dma_at_a_time_keeps_read_and_write_engines_apart(void **state)
{
	static const struct bus_limits both = {.outstanding = 1}, one = {.one_dma = true};
	sim_time last[2];

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct rig rig;
		struct bus_port port;
		struct bus_request r, w;
		uint8_t buffer[2][100] = {{0}};

		make_with_page(&rig);
		rig.fake.page[1].cached = true;
		assert_int_equal(bus_port_init(&port, rig.bus, RIG_DEVID, k ? &one : &both), 0);
		r = rig_request(&rig, 0x1000, buffer[0], 100, IOTOLL_READ);
		w = rig_request(&rig, 0x1800, buffer[1], 100, IOTOLL_WRITE);
		bus_submit(&port, &r);
		bus_submit(&port, &w);
		rig_run_us(&rig, 20);
		assert_int_equal(rig.fake.most_outstanding, k ? 1 : 2);
		last[k] = rig.when[1];
		rig_free(&rig);
	}
	assert_int_equal(last[0], 660 * SIM_NS); /* the write ran inside the read's latency */
	assert_int_equal(last[1], (660 + 160) * SIM_NS); /* the write waited */
}

static void two_devices_share_the_data_path_first_come_first_served(void **state)
{
	struct rig rig;
	struct bus_port a, b;
	struct bus_request wa, wb;
	uint8_t buffer[1000] = {0};

	(void)state;
	make_with_page(&rig);
	rig.fake.page[1].cached = true;
	plug_in(&rig, &a);
	plug_in(&rig, &b);
	wa = rig_request(&rig, 0x1000, buffer, 1000, IOTOLL_WRITE);
	wb = rig_request(&rig, 0x1000, buffer, 200, IOTOLL_WRITE);
	bus_submit(&a, &wa);
	bus_submit(&b, &wb);
	rig_run_us(&rig, 20);
	assert_int_equal(rig.when[0], 1060 * SIM_NS);
	/* The path is free at 1050; the second translates when its address phase comes. */
	assert_int_equal(rig.fake.at[1], 1050 * SIM_NS);
	assert_int_equal(rig.when[1], (1050 + 260) * SIM_NS);
	assert_int_equal(bus_stats(rig.bus)->data_ps, 1300 * SIM_NS);
	rig_free(&rig);
}

static void write_of_another_device_pushes_a_split_completion_back(void **state)
{
	struct rig rig;
	struct bus_port a, b;
	struct bus_request r, w;
	uint8_t buffer[1000] = {0}, got[100];

	(void)state;
	make_with_page(&rig);
	rig.fake.page[1].cached = true;
	plug_in(&rig, &a);
	plug_in(&rig, &b);
	r = rig_request(&rig, 0x1000, got, 100, IOTOLL_READ);
	w = rig_request(&rig, 0x1000, buffer, 1000, IOTOLL_WRITE);
	bus_submit(&a, &r); /* data ready at 560 */
	bus_submit(&b, &w); /* on the bus from 50 to 1100 */
	rig_run_us(&rig, 20);
	assert_ptr_equal(rig.order[0], &w);
	assert_int_equal(rig.when[0], (1100 + 10) * SIM_NS);
	assert_ptr_equal(rig.order[1], &r);
	assert_int_equal(rig.when[1], (1100 + 100) * SIM_NS);
	rig_free(&rig);
}

static void arbitration_off_holds_everything_and_resumes_in_order(void **state)
{
	struct rig rig;
	struct bus_port port;
	struct bus_request req[3];
	uint8_t buffer[64] = {0};

	(void)state;
	make_with_page(&rig);
	plug_in(&rig, &port);
	for (unsigned i = 0; i < 3; i++)
		req[i] = rig_request(&rig, 0x1000, buffer, 64, i % 2 ? IOTOLL_READ : IOTOLL_WRITE);
	bus_submit(&port, &req[0]);
	rig_arbitrate(&rig, false); /* the first has begun and drains */
	bus_submit(&port, &req[1]);
	bus_submit(&port, &req[2]);
	rig_run_us(&rig, 10);
	assert_int_equal(rig.finished, 1);
	assert_int_equal(rig.fake.outstanding, 0);
	rig_run_us(&rig, 90);
	rig_arbitrate(&rig, true);
	rig_run_us(&rig, 10);
	assert_int_equal(rig.finished, 3);
	assert_ptr_equal(rig.order[1], &req[1]);
	assert_ptr_equal(rig.order[2], &req[2]);
	assert_int_equal(bus_stats(rig.bus)->stalls, 1);
	/* From when the first was over (or already wanted more) to the 100th microsecond. */
	assert_true(bus_stats(rig.bus)->stall_ps > 99 * SIM_US);
	assert_true(bus_stats(rig.bus)->stall_ps <= 100 * SIM_US);
	rig_free(&rig);
}

static void transaction_promised_the_bus_does_not_start_once_arbitration_is_off(void **state)
{
	struct rig rig;
	struct bus_port a, b;
	struct bus_request wa, wb;
	uint8_t buffer[1000] = {0};

	(void)state;
	make_with_page(&rig);
	plug_in(&rig, &a);
	plug_in(&rig, &b);
	wa = rig_request(&rig, 0x1000, buffer, 1000, IOTOLL_WRITE);
	wb = rig_request(&rig, 0x1000, buffer, 200, IOTOLL_WRITE);
	bus_submit(&a, &wa);
	bus_submit(&b, &wb); /* granted for later */
	rig_arbitrate(&rig, false);
	rig_run_us(&rig, 10);
	assert_int_equal(rig.fake.begun, 1);
	assert_int_equal(rig.finished, 1);
	rig_arbitrate(&rig, true);
	rig_run_us(&rig, 10);
	assert_int_equal(rig.finished, 2);
	rig_free(&rig);
}

static void shut_bus_fails_what_waits_and_what_comes(void **state)
{
	struct rig rig;
	struct bus_port port;
	struct bus_request req[3];
	uint8_t buffer[64] = {0};

	(void)state;
	make_with_page(&rig);
	plug_in(&rig, &port);
	for (unsigned i = 0; i < 3; i++)
		req[i] = rig_request(&rig, 0x1000, buffer, 64, IOTOLL_WRITE);
	rig_arbitrate(&rig, false);
	bus_submit(&port, &req[0]);
	bus_submit(&port, &req[1]);
	rig_run_us(&rig, 10);
	assert_int_equal(rig.finished, 0);
	rig.fake.dead = true;
	rig_arbitrate(&rig, false);
	rig_run_us(&rig, 1);
	assert_int_equal(rig.finished, 2);
	bus_submit(&port, &req[2]);
	rig_run_us(&rig, 1);
	assert_int_equal(rig.finished, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(rig.status[i], -ESHUTDOWN);
	assert_int_equal(bus_stats(rig.bus)->shut, 3);
	rig_free(&rig);
}

static void reset_forgets_requests_without_telling_and_frees_the_drain_count(void **state)
{
	static const struct bus_limits limits = {.outstanding = 2};
	struct rig rig;
	struct bus_port port;
	struct bus_request req[4];
	uint8_t buffer[64] = {0};

	(void)state;
	make_with_page(&rig);
	assert_int_equal(bus_port_init(&port, rig.bus, RIG_DEVID, &limits), 0);
	for (unsigned i = 0; i < 4; i++) {
		req[i] = rig_request(&rig, 0x1000, buffer, 64, IOTOLL_READ);
		bus_submit(&port, &req[i]);
	}
	assert_int_equal(sim_run(rig.sim, 100 * SIM_NS), 0);
	assert_int_equal(rig.fake.outstanding, 2);
	bus_port_abort(&port);
	assert_int_equal(rig.fake.outstanding, 0);
	rig_run_us(&rig, 20);
	assert_int_equal(rig.finished, 0);
	bus_submit(&port, &req[0]); /* and the port still works */
	rig_run_us(&rig, 20);
	assert_int_equal(rig.finished, 1);
	rig_free(&rig);
}

struct heard {
	unsigned drops, arbitrations, faults, interrupts;
};

static void hear_drop(void *ctx, struct iotoll_source source, uint64_t pfn)
{
	struct heard *h = ctx;

	(void)source;
	(void)pfn;
	h->drops++;
}

static void hear_arbitration(void *ctx, unsigned bus, bool enabled)
{
	struct heard *h = ctx;

	(void)bus;
	(void)enabled;
	h->arbitrations++;
}

static void hear_fault(void *ctx, struct iotoll_source source, uint64_t iova,
		       enum iotoll_access access)
{
	struct heard *h = ctx;

	(void)source;
	(void)iova;
	(void)access;
	h->faults++;
}

static void hear_interrupt(void *ctx, uint64_t address, uint32_t data)
{
	struct heard *h = ctx;

	(void)address;
	(void)data;
	h->interrupts++;
}

static void all_buses_and_watchers_of_one_iommu_are_told(void **state)
{
	struct rig rig;
	struct heard first = {0}, second = {0};
	struct iotoll_iommu_observer o = {.ctx = &first,
					  .dropped = hear_drop,
					  .arbitration = hear_arbitration,
					  .fault = hear_fault,
					  .interrupt = hear_interrupt};
	struct bus *other;
	const struct iotoll_iommu_observer *at;

	(void)state;
	rig_make(&rig, true);
	other = bus_create(rig.machine, &rig.fake.iommu, RIG_BUS + 1);
	assert_non_null(other);
	at = &rig.fake.iommu.observer;
	assert_int_equal(bus_observe(rig.bus, &o), 0);
	o = (struct iotoll_iommu_observer){.ctx = &second, .dropped = hear_drop};
	assert_int_equal(bus_observe(other, &o), 0);
	at->dropped(at->ctx, (struct iotoll_source){.bus = RIG_BUS}, 1);
	rig_arbitrate(&rig, false);
	rig_arbitrate(&rig, true);
	at->fault(at->ctx, (struct iotoll_source){.bus = RIG_BUS}, 0, IOTOLL_READ);
	assert_int_equal(first.drops, 1);
	assert_int_equal(second.drops, 1);
	assert_int_equal(first.arbitrations, 2);
	assert_int_equal(first.faults, 1);
	at->interrupt(at->ctx, 0xFEE00000, 0x40);
	assert_int_equal(first.interrupts, 1);
	bus_unobserve(rig.bus, &first);
	at->dropped(at->ctx, (struct iotoll_source){.bus = RIG_BUS}, 1);
	assert_int_equal(first.drops, 1);
	/* Destroyed out of order: the older bus first. rig_free() checks that none is left. */
	bus_destroy(rig.bus);
	rig.bus = other;
	at->dropped(at->ctx, (struct iotoll_source){.bus = RIG_BUS}, 1);
	assert_int_equal(second.drops, 3);
	rig_free(&rig);
}

/* Three devices throw random requests at the bus while arbitration comes and goes. */
static void random_traffic_completes_once_each_and_in_order_of_its_engine(void **state)
{
	static const struct bus_limits limits[3] = {
		{.one_dma = true}, {.outstanding = 4, .max_read = 512}, {.max_write = 300}};
	const char *env = getenv("IOTOLL_TEST_SEED");
	const uint64_t seed = env ? strtoull(env, NULL, 0) : 1;
	static uint8_t buffer[60][3000];
	struct bus_request req[60];
	struct bus_port port[3];
	struct rig rig;
	struct rng rng;
	unsigned bytes[2] = {0, 0};

	(void)state;
	print_message("seed %llu\n", (unsigned long long)seed);
	rng_seed(&rng, seed);
	rig_make(&rig, true);
	for (unsigned i = 0; i < 16; i++)
		rig_map(&rig, i, 0x100000 + i * 0x3000, RW);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(bus_port_init(&port[i], rig.bus, RIG_DEVID, &limits[i]), 0);
	for (unsigned i = 0; i < 60; i++) {
		const uint32_t n = 1 + (uint32_t)rng_below(&rng, 2999);
		const enum iotoll_access way = rng_below(&rng, 2) ? IOTOLL_READ : IOTOLL_WRITE;

		bytes[way == IOTOLL_WRITE] += n;
		req[i] = rig_request(&rig, rng_below(&rng, 15 * 4096), buffer[i], n, way);
		bus_submit(&port[i % 3], &req[i]);
		if (!rng_below(&rng, 4))
			rig_arbitrate(&rig, rng_below(&rng, 2));
		(void)sim_run(rig.sim, sim_now(rig.sim) + rng_below(&rng, 2 * SIM_US));
	}
	rig_arbitrate(&rig, true);
	rig_run_us(&rig, 1000);
	assert_int_equal(rig.finished, 60);
	for (unsigned i = 0; i < 60; i++) {
		assert_int_equal(rig.status[i], 0);
		for (unsigned k = 0; k < i; k++) {
			assert_ptr_not_equal(rig.order[i], rig.order[k]);
			/* Writes of one device stay in order: that is what drivers rely on. */
			if (rig.order[i]->port == rig.order[k]->port &&
			    rig.order[i]->direction == IOTOLL_WRITE &&
			    rig.order[k]->direction == IOTOLL_WRITE)
				assert_true(rig.order[k] < rig.order[i]);
		}
	}
	assert_int_equal(bus_stats(rig.bus)->read_bytes, bytes[0]);
	assert_int_equal(bus_stats(rig.bus)->write_bytes, bytes[1]);
	assert_true(rig.fake.outstanding == 0);
	/* The data path carried one thing at a time. */
	assert_int_equal(bus_stats(rig.bus)->data_ps,
			 bus_stats(rig.bus)->transactions * RIG_OVERHEAD +
				 (bytes[0] + bytes[1]) * RIG_BYTE);
	assert_true(bus_stats(rig.bus)->data_ps <= sim_now(rig.sim));
	rig_free(&rig);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(outstanding_reads_stay_within_the_limit_and_overlap_within_it),
		cmocka_unit_test(one_dma_at_a_time_keeps_read_and_write_engines_apart),
		cmocka_unit_test(two_devices_share_the_data_path_first_come_first_served),
		cmocka_unit_test(write_of_another_device_pushes_a_split_completion_back),
		cmocka_unit_test(arbitration_off_holds_everything_and_resumes_in_order),
		cmocka_unit_test(
			transaction_promised_the_bus_does_not_start_once_arbitration_is_off),
		cmocka_unit_test(shut_bus_fails_what_waits_and_what_comes),
		cmocka_unit_test(reset_forgets_requests_without_telling_and_frees_the_drain_count),
		cmocka_unit_test(all_buses_and_watchers_of_one_iommu_are_told),
		cmocka_unit_test(random_traffic_completes_once_each_and_in_order_of_its_engine),
	};

	return cmocka_run_group_tests_name("dev/bus_sharing", tests, NULL, NULL);
}
