// SPDX-License-Identifier: MIT
/* Recordings of the tracepoints of "dma:" alone: maps and unmaps put together from calls. */
#include <stdlib.h>

#include "recording_scene.h"

/* clang-format off */
#define SAY(text) " t-1 [000] d..1. 1.000000: " text "\n"
#define DEV "0000:00:02.0 "
#define MAP_PAGE(addr, bytes, phys) \
	SAY("dma_map_page: " DEV "dir=FROM_DEVICE dma_addr=" addr " size=" bytes " phys_addr=" phys " attrs=")
#define UNMAP_PAGE(addr, bytes) \
	SAY("dma_unmap_page: " DEV "dir=FROM_DEVICE dma_addr=" addr " size=" bytes " attrs=")
#define LIST(dev, to, from) \
	SAY("dma_map_sg: " dev " dir=TO_DEVICE dma_addrs={" to "} sizes={0x1000} phys_addrs={" from "} attrs=")
#define UNLIST(dev, from) SAY("dma_unmap_sg: " dev " dir=TO_DEVICE phys_addrs={" from "} attrs=")
/* clang-format on */

static void pages_are_those_that_a_call_touches(void **state)
{
	struct recording r = read_text(
		MAP_PAGE("fffe0f00", "512", "40f00") UNMAP_PAGE("fffe0f00", "512")
			UNMAP_PAGE("fffd0040", "1500")
				SAY("dma_alloc: " DEV "dma_addr=fffc0000 size=8192 "
				    "virt_addr=ffff888003fa0000 flags=GFP_KERNEL attrs="));
	struct replay_result out;

	(void)state;
	assert_true(r.dma_alone);
	assert_int_equal(r.devices, 1);
	assert_string_equal(r.device[0].name, "0000:00:02.0");
	assert_int_equal(r.events, 4);
	assert_int_equal(r.event[0].iova, 0xfffe0000);
	assert_int_equal(r.event[0].bytes, 8192);
	assert_int_equal(r.event[0].offset, 0xf00);
	assert_int_equal(r.event[0].asked, 512);
	assert_int_equal(r.event[0].paddr, 0x40000);
	assert_int_equal(r.event[0].dir, TRACE_DIR_FROM_DEVICE);
	assert_int_equal(r.event[1].done_bytes, 8192);
	assert_int_equal(r.event[3].bytes, 8192);
	assert_int_equal(r.tally.maps, 2);
	assert_int_equal(r.tally.unmaps, 2);
	assert_int_equal(r.befores, 1);
	out = replay_strictly(&r, 0, "strict");
	assert_int_equal(out.maps, 2);
	assert_int_equal(out.unmaps, 2);
	assert_int_equal(out.dma.invalidations, 2);
	assert_int_equal(out.access_faults, 0);
	recording_fini(&r);
}

/* An unmap names memory; two pieces one behind the other have one range, a third is elsewhere. */
static void a_list_is_found_again_by_its_memory(void **state)
{
	struct recording r = read_text(
		SAY("dma_map_sg: " DEV "dir=TO_DEVICE dma_addrs={0xfffe0000,0xfffe1000,0xfff00000} "
		    "sizes={0x1000,0x800,0x1000} phys_addrs={0x70000,0x90000,0x50000} attrs=")
			SAY("dma_map_sg_err: " DEV "dir=TO_DEVICE dma_addrs={0x100000} err=-12 "
			    "attrs=") SAY("dma_unmap_sg: " DEV "dir=TO_DEVICE "
					  "phys_addrs={0x12000} attrs=")
				SAY("dma_unmap_sg: " DEV "dir=TO_DEVICE "
				    "phys_addrs={0x70000,0x90000,0x50000} attrs="));
	struct replay_result out;

	(void)state;
	assert_int_equal(r.events, 4);
	assert_int_equal(r.event[0].pieces, 2);
	assert_int_equal(r.event[0].bytes, 0x2000);
	assert_int_equal(r.piece[r.event[0].piece + 1].paddr, 0x90000);
	assert_int_equal(r.event[1].iova, 0xfff00000);
	assert_int_equal(r.event[2].iova, 0xfffe0000);
	assert_int_equal(r.event[2].done_bytes, 0x2000);
	assert_int_equal(r.event[3].done_bytes, 0x1000);
	assert_int_equal(r.unknown_unmaps, 1);
	out = replay_strictly(&r, 0, "strict");
	assert_int_equal(out.sg_unmaps, 1);
	assert_int_equal(out.dma.invalidations, 2);
	assert_int_equal(out.unmatched_unmaps, 0);
	recording_fini(&r);
}

/* Of one device's at one address, to the byte; the place of one that is gone is used again. */
static void the_oldest_list_of_an_address_goes_first(void **state)
{
	static const uint64_t expected[] = {0x10000, 0x40000, 0x20000, 0x30000, 0x60000, 0x50000};
	struct recording r = read_text(
		LIST("a", "0x10000", "0x70000") LIST("a", "0x20000", "0x70000")
			LIST("b", "0x30000", "0x70000") LIST("a", "0x40000", "0x70200")
				UNLIST("a", "0x70000") UNLIST("a", "0x70200") LIST(
					"a", "0x50000", "0x70000") LIST("a", "0x60000", "0x80000")
					UNLIST("a", "0x70000") UNLIST("b", "0x70000")
						UNLIST("a", "0x80000") UNLIST("a", "0x70000")
							UNLIST("a", "0x70000")
								UNLIST("b", "0x80000"));
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < r.events; i++)
		if (r.event[i].kind == TRACE_UNMAP)
			assert_int_equal(r.event[i].iova, expected[n++]);
	assert_int_equal(n, sizeof(expected) / sizeof(expected[0]));
	assert_int_equal(r.unknown_unmaps, 2);
	recording_fini(&r);
}

/* Not taken for what an event before it said. */
static void an_unmap_that_names_no_memory_is_of_nothing_known(void **state)
{
	struct recording r = read_text(LIST("a", "0x10000", "0x70000")
					       SAY("dma_unmap_sg: a dir=TO_DEVICE attrs="));

	(void)state;
	assert_int_equal(r.events, 1);
	assert_int_equal(r.unknown_unmaps, 1);
	recording_fini(&r);
}

/* The last address of all is no memory's. */
static void a_list_beyond_all_memory_is_not_found_again(void **state)
{
	struct recording r = read_text(LIST("a", "0x10000", "0xffffffffffffffff")
					       UNLIST("a", "0xffffffffffffffff"));

	(void)state;
	assert_int_equal(r.events, 1);
	assert_int_equal(r.unknown_unmaps, 1);
	recording_fini(&r);
}

#define MANY 100000u

/* The newest is unmapped first: looking through them is 5 * 10^9 comparisons. */
static void many_lists_are_mapped_at_once(void **state)
{
	const size_t room = (size_t)MANY * 300;
	char *text = malloc(room);
	size_t at = 0;
	struct recording r;

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i < MANY; i++)
		at += (size_t)snprintf(text + at, room - at, LIST("a", "0x%x000", "0x%x000"),
				       0x100 + i, 0x100000 + i);
	for (unsigned i = MANY; i-- > 0;)
		at += (size_t)snprintf(text + at, room - at, UNLIST("a", "0x%x000"), 0x100000 + i);
	assert_true(at < room);
	r = read_text(text);
	free(text);
	assert_int_equal(r.unknown_unmaps, 0);
	assert_int_equal(r.events, 2 * MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(r.event[2 * MANY - 1 - i].iova, r.event[i].iova);
	recording_fini(&r);
}

/* With events of "iommu:" the calls tell of those, and nothing is there twice. */
static void events_of_the_iommu_go_first(void **state)
{
	struct recording r = read_text(UNMAP_PAGE("fffd0040", "1500") MAP1(
		"1.000001", "0x5000", "0x9000") MAP_PAGE("5040", "100", "9040"));

	(void)state;
	assert_false(r.dma_alone);
	assert_int_equal(r.events, 1);
	assert_int_equal(r.event[0].asked, 100);
	recording_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_those_that_a_call_touches),
		cmocka_unit_test(a_list_is_found_again_by_its_memory),
		cmocka_unit_test(the_oldest_list_of_an_address_goes_first),
		cmocka_unit_test(an_unmap_that_names_no_memory_is_of_nothing_known),
		cmocka_unit_test(a_list_beyond_all_memory_is_not_found_again),
		cmocka_unit_test(many_lists_are_mapped_at_once),
		cmocka_unit_test(events_of_the_iommu_go_first),
	};

	return cmocka_run_group_tests(tests, load_profile, NULL);
}
