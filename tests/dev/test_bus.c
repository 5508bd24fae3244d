/* SPDX-License-Identifier: MIT */
/* One device on the bus: bursts, pages, time, refusals. */
#include "rig.h"

#include <errno.h>

#define RW (IOTOLL_READ | IOTOLL_WRITE)

static const struct bus_limits one_dma = {.one_dma = true};

static void fill(uint8_t *p, size_t bytes, unsigned seed)
{
	for (size_t i = 0; i < bytes; i++)
		p[i] = (uint8_t)(seed + i * 7 + i / 256);
}

static void write_puts_exactly_its_bytes_where_the_page_table_says(void **state)
{
	struct rig rig;
	struct bus_port port;
	uint8_t frame[1518];
	struct bus_request req;

	(void)state;
	rig_make(&rig, true);
	fill(frame, sizeof(frame), 1);
	rig_map(&rig, 5, 0x9000, IOTOLL_WRITE);
	assert_int_equal(bus_port_init(&port, rig.bus, RIG_DEVID, &one_dma), 0);
	req = rig_request(&rig, 0x5002, frame, sizeof(frame), IOTOLL_WRITE);
	bus_submit(&port, &req);
	assert_int_equal(rig.finished, 0); /* never from inside the call */
	rig_run_us(&rig, 10);
	assert_int_equal(rig.finished, 1);
	assert_int_equal(rig.status[0], 0);
	assert_memory_equal(rig_at(&rig, 0x9002), frame, sizeof(frame));
	assert_int_equal(*rig_at(&rig, 0x9001), 0);
	assert_int_equal(*rig_at(&rig, 0x9002 + 1518), 0);
	assert_int_equal(rig.when[0], RIG_OVERHEAD + RIG_HIT + RIG_WALK + 1518 * RIG_BYTE);
	assert_int_equal(bus_stats(rig.bus)->write_bytes, 1518);
	assert_int_equal(bus_stats(rig.bus)->translation_ps, RIG_HIT + RIG_WALK);
	rig_free(&rig);
}

static void read_pays_the_memory_latency_once(void **state)
{
	struct rig rig;
	struct bus_port port;
	uint8_t got[1000], expected[1000];
	struct bus_request req;

	(void)state;
	rig_make(&rig, true);
	fill(expected, sizeof(expected), 9);
	memcpy(rig_at(&rig, 0x4010), expected, sizeof(expected));
	rig_map(&rig, 7, 0x4000, IOTOLL_READ);
	assert_int_equal(bus_port_init(&port, rig.bus, RIG_DEVID, &one_dma), 0);
	req = rig_request(&rig, 0x7010, got, sizeof(got), IOTOLL_READ);
	bus_submit(&port, &req);
	rig_run_us(&rig, 10);
	assert_memory_equal(got, expected, sizeof(got));
	assert_int_equal(rig.when[0],
			 RIG_OVERHEAD + RIG_HIT + RIG_WALK + RIG_LATENCY + 1000 * RIG_BYTE);
	rig_free(&rig);
}

static void burst_across_pages_translates_again_at_each(void **state)
{
	struct rig rig;
	struct bus_port port;
	uint8_t data[4096];
	struct bus_request req;

	(void)state;
	rig_make(&rig, true);
	fill(data, sizeof(data), 3);
	rig_map(&rig, 1, 0x20000, RW);
	rig_map(&rig, 2, 0x10000, RW); /* not behind the first in memory */
	assert_int_equal(bus_port_init(&port, rig.bus, RIG_DEVID, &one_dma), 0);
	req = rig_request(&rig, 0x1f00, data, sizeof(data), IOTOLL_WRITE);
	bus_submit(&port, &req);
	rig_run_us(&rig, 20);
	assert_int_equal(rig.status[0], 0);
	assert_memory_equal(rig_at(&rig, 0x20f00), data, 0x100);
	assert_memory_equal(rig_at(&rig, 0x10000), data + 0x100, sizeof(data) - 0x100);
	assert_int_equal(rig.fake.translated, 2);
	assert_int_equal(rig.fake.iova[0], 0x1f00);
	assert_int_equal(rig.fake.iova[1], 0x2000);
	/* The second is asked when the burst gets there, not before. */
	assert_int_equal(rig.fake.at[0], 0);
	assert_int_equal(rig.fake.at[1], RIG_OVERHEAD + RIG_HIT + RIG_WALK + 0x100 * RIG_BYTE);
	assert_int_equal(rig.fake.begun, 1); /* one transaction */
	assert_int_equal(bus_stats(rig.bus)->transactions, 1);
	rig_free(&rig);
}

static void read_beyond_2048_bytes_becomes_several_bursts(void **state)
{
	struct rig rig;
	struct bus_port port;
	uint8_t got[5000], expected[5000];
	struct bus_request req;

	(void)state;
	rig_make(&rig, true);
	fill(expected, sizeof(expected), 5);
	memcpy(rig_at(&rig, 0x30000), expected, sizeof(expected));
	rig_map(&rig, 8, 0x30000, IOTOLL_READ);
	rig_map(&rig, 9, 0x31000, IOTOLL_READ);
	assert_int_equal(bus_port_init(&port, rig.bus, RIG_DEVID, &one_dma), 0);
	req = rig_request(&rig, 0x8000, got, sizeof(got), IOTOLL_READ);
	bus_submit(&port, &req);
	rig_run_us(&rig, 20);
	assert_memory_equal(got, expected, sizeof(got));
	assert_int_equal(rig.fake.begun, 3); /* 2048 + 2048 + 904 */
	assert_int_equal(rig.fake.most_outstanding, 1);
	assert_int_equal(rig.when[0], 3 * (RIG_OVERHEAD + RIG_HIT + RIG_LATENCY) + 2 * RIG_WALK +
					      5000 * RIG_BYTE);
	rig_free(&rig);
}

static void refused_page_ends_the_request_and_keeps_what_was_written(void **state)
{
	struct rig rig;
	struct bus_port port;
	uint8_t data[512];
	struct bus_request req, next;

	(void)state;
	rig_make(&rig, true);
	fill(data, sizeof(data), 7);
	rig_map(&rig, 1, 0x20000, IOTOLL_WRITE);
	rig_map(&rig, 2, 0x21000, IOTOLL_READ); /* may not be written */
	assert_int_equal(bus_port_init(&port, rig.bus, RIG_DEVID, &one_dma), 0);
	req = rig_request(&rig, 0x1f80, data, sizeof(data), IOTOLL_WRITE);
	next = rig_request(&rig, 0x1000, data, 4, IOTOLL_WRITE);
	bus_submit(&port, &req);
	bus_submit(&port, &next);
	rig_run_us(&rig, 20);
	assert_int_equal(rig.finished, 2);
	assert_int_equal(rig.status[0], -EPERM);
	assert_int_equal(rig.status[1], 0); /* the device goes on */
	assert_memory_equal(rig_at(&rig, 0x20f80), data, 0x80);
	assert_int_equal(*rig_at(&rig, 0x21000), 0);
	assert_int_equal(bus_stats(rig.bus)->refused, 1);
	assert_int_equal(rig.fake.faults, 1);
	rig_free(&rig);
}

static void address_without_memory_is_a_fault_not_a_crash(void **state)
{
	struct rig rig;
	struct bus_port port;
	uint8_t data[64] = {0};
	struct bus_request req;

	(void)state;
	rig_make(&rig, false);
	assert_int_equal(bus_port_init(&port, rig.bus, RIG_DEVID, &one_dma), 0);
	req = rig_request(&rig, UINT64_MAX - 16, data, sizeof(data), IOTOLL_READ);
	bus_submit(&port, &req);
	rig_run_us(&rig, 20);
	assert_int_equal(rig.status[0], -EFAULT);
	assert_int_equal(bus_stats(rig.bus)->unmapped, 1);
	rig_free(&rig);
}

static void without_an_iommu_addresses_are_physical_and_free(void **state)
{
	struct rig rig;
	struct bus_port port;
	uint8_t data[3000];
	struct bus_request req;

	(void)state;
	rig_make(&rig, false);
	fill(data, sizeof(data), 2);
	assert_int_equal(bus_port_init(&port, rig.bus, RIG_DEVID, &one_dma), 0);
	req = rig_request(&rig, 0x7ff0, data, sizeof(data), IOTOLL_WRITE);
	bus_submit(&port, &req);
	rig_run_us(&rig, 20);
	assert_memory_equal(rig_at(&rig, 0x7ff0), data, sizeof(data));
	assert_int_equal(rig.when[0], RIG_OVERHEAD + 3000 * RIG_BYTE);
	rig_free(&rig);
}

static void empty_request_completes_without_a_transaction(void **state)
{
	struct rig rig;
	struct bus_port port;
	struct bus_request req;

	(void)state;
	rig_make(&rig, true);
	assert_int_equal(bus_port_init(&port, rig.bus, RIG_DEVID, &one_dma), 0);
	req = rig_request(&rig, 0, NULL, 0, IOTOLL_READ);
	bus_submit(&port, &req);
	rig_run_us(&rig, 1);
	assert_int_equal(rig.finished, 1);
	assert_int_equal(rig.status[0], 0);
	assert_int_equal(rig.fake.begun, 0);
	rig_free(&rig);
}

static void dma_write_takes_the_lines_out_of_the_caches(void **state)
{
	struct rig rig;
	struct bus_port port;
	uint8_t data[64] = {1};
	struct bus_request req;

	(void)state;
	rig_make(&rig, true);
	rig_map(&rig, 1, 0x20000, IOTOLL_WRITE);
	(void)cache_access(rig.machine->cache, 0, 0x20000, true);
	(void)cache_access(rig.machine->cache, 0, 0x20040, true);
	assert_int_equal(cache_probe(rig.machine->cache, 0, 0x20000, false), CACHE_OWN);
	assert_int_equal(bus_port_init(&port, rig.bus, RIG_DEVID, &one_dma), 0);
	req = rig_request(&rig, 0x1000, data, sizeof(data), IOTOLL_WRITE);
	bus_submit(&port, &req);
	rig_run_us(&rig, 5);
	assert_int_equal(cache_probe(rig.machine->cache, 0, 0x20000, false), CACHE_DRAM);
	assert_int_equal(cache_probe(rig.machine->cache, 0, 0x20040, false), CACHE_OWN);
	rig_free(&rig);
}

static void stale_translations_are_counted_by_direction(void **state)
{
	struct rig rig;
	struct bus_port port;
	uint8_t data[16] = {0};
	struct bus_request w, r;

	(void)state;
	rig_make(&rig, true);
	rig_map(&rig, 1, 0x20000, RW);
	rig.fake.page[1].stale = true;
	assert_int_equal(bus_port_init(&port, rig.bus, RIG_DEVID, &one_dma), 0);
	w = rig_request(&rig, 0x1000, data, 16, IOTOLL_WRITE);
	r = rig_request(&rig, 0x1000, data, 16, IOTOLL_READ);
	bus_submit(&port, &w);
	bus_submit(&port, &r);
	rig_run_us(&rig, 5);
	assert_int_equal(bus_stats(rig.bus)->stale_writes, 1);
	assert_int_equal(bus_stats(rig.bus)->stale_reads, 1);
	rig_free(&rig);
}

static void access_outside_time_copies_at_once_and_honours_refusal(void **state)
{
	struct rig rig;
	uint8_t data[0x1100], back[0x100];
	uint32_t moved;

	(void)state;
	rig_make(&rig, true);
	fill(data, sizeof(data), 4);
	rig_map(&rig, 1, 0x20000, RW);
	assert_int_equal(
		bus_dma_now(rig.bus, RIG_DEVID, 0x1000, data, sizeof(data), IOTOLL_WRITE, &moved),
		-EPERM);
	assert_int_equal(moved, 0x1000);
	assert_memory_equal(rig_at(&rig, 0x20000), data, 0x1000);
	assert_int_equal(
		bus_dma_now(rig.bus, RIG_DEVID, 0x1000, back, sizeof(back), IOTOLL_READ, NULL), 0);
	assert_memory_equal(back, data, sizeof(back));
	rig_arbitrate(&rig, false);
	assert_int_equal(
		bus_dma_now(rig.bus, RIG_DEVID, 0x1000, back, sizeof(back), IOTOLL_READ, NULL),
		-EAGAIN);
	rig.fake.dead = true;
	assert_int_equal(
		bus_dma_now(rig.bus, RIG_DEVID, 0x1000, back, sizeof(back), IOTOLL_READ, NULL),
		-ESHUTDOWN);
	assert_int_equal(sim_now(rig.sim), 0);
	rig_free(&rig);
}

static void limits_out_of_range_are_refused(void **state)
{
	static const struct bus_limits bad[] = {
		{.max_read = 4097}, {.max_write = 8192}, {.outstanding = 33}};
	struct rig rig;
	struct bus_port port;

	(void)state;
	rig_make(&rig, true);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(bus_port_init(&port, rig.bus, RIG_DEVID, &bad[i]), -EINVAL);
	rig_free(&rig);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(write_puts_exactly_its_bytes_where_the_page_table_says),
		cmocka_unit_test(read_pays_the_memory_latency_once),
		cmocka_unit_test(burst_across_pages_translates_again_at_each),
		cmocka_unit_test(read_beyond_2048_bytes_becomes_several_bursts),
		cmocka_unit_test(refused_page_ends_the_request_and_keeps_what_was_written),
		cmocka_unit_test(address_without_memory_is_a_fault_not_a_crash),
		cmocka_unit_test(without_an_iommu_addresses_are_physical_and_free),
		cmocka_unit_test(empty_request_completes_without_a_transaction),
		cmocka_unit_test(dma_write_takes_the_lines_out_of_the_caches),
		cmocka_unit_test(stale_translations_are_counted_by_direction),
		cmocka_unit_test(access_outside_time_copies_at_once_and_honours_refusal),
		cmocka_unit_test(limits_out_of_range_are_refused),
	};

	return cmocka_run_group_tests_name("dev/bus", tests, NULL, NULL);
}
