// SPDX-License-Identifier: MIT
/* Recordings that hold a device's accesses beside maps: each is made where the replay mapped it. */
#include "recording_scene.h"

/* Our own CSV: a page of which two accesses come, one before anything maps it, a list's pages. */
static const char table[] = "kind,cpu,time_ns,dev,iova,bytes,paddr,done,tag,sid\n"
			    "map,0,1000,,0x8000,4096,0x100000,,,\n"
			    "access,0,2000,,0x8040,,,,3,8\n"
			    "access,0,2500,,0x8f00,,,,3,8\n"
			    "access,0,3000,,0x9000,,,,3,8\n"
			    "map,0,4000,,0x20000,4096,0x300000,,,\n"
			    "map,0,4001,,0x21000,8192,0x700000,,,\n"
			    "access,0,5000,,0x22010,,,,3,8\n"
			    "unmap,0,6000,,0x20000,12288,,12288,,\n"
			    "unmap,0,7000,,0x8000,4096,,4096,,\n"
			    "access,0,8000,,0x8040,,,,3,8\n";

static struct recording read_table(void)
{
	struct recording r = {.events = 0};
	struct trace *t = NULL;
	struct err err = {""};

	if (trace_open_memory(&t, table, strlen(table), "table", "csv", &err) ||
	    recording_read(&r, t, &err))
		fail_msg("%s", err.text);
	trace_close(t);
	return r;
}

static struct replay_result replay_with(const struct recording *r, enum replay_access access)
{
	const struct replay_config config = {
		.profile = &profile,
		.cpus = 1,
		.iommu = "vtd",
		.iotlb = {.entries = 64, .ways = 4, .line_pages = 1, .policy = "lru"},
		.strategy = "strict",
		.allocator = "magazines",
		.table_entries = 1048576,
		.access = access,
		.split_locks = true,
	};
	struct replay_result out;
	struct err err = {""};

	if (replay_recorded(r, 0, &config, &out, &err))
		fail_msg("%s", err.text);
	return out;
}

static void accesses_go_where_their_page_went(void **state)
{
	struct recording r = read_table();
	struct replay_result out = replay_with(&r, REPLAY_ACCESS_RECORDED);

	(void)state;
	assert_int_equal(r.accesses, 5);
	assert_int_equal(r.device[0].lists, 1);
	/* Two pages, the first of them twice: the second time it is cached. */
	assert_int_equal(out.accesses, 3);
	assert_int_equal(out.access_faults, 0);
	assert_int_equal(out.iotlb.misses, 2);
	assert_int_equal(out.iotlb.hits, 1);
	/* Before its map, and after its unmap. */
	assert_int_equal(out.stray_accesses, 2);
	recording_fini(&r);
}

static void rules_do_not_look_at_them(void **state)
{
	struct recording r = read_table();

	(void)state;
	assert_int_equal(replay_with(&r, REPLAY_ACCESS_AT_UNMAP).accesses, 4);
	assert_int_equal(replay_with(&r, REPLAY_ACCESS_NONE).accesses, 0);
	assert_int_equal(replay_with(&r, REPLAY_ACCESS_NONE).stray_accesses, 0);
	recording_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accesses_go_where_their_page_went),
		cmocka_unit_test(rules_do_not_look_at_them),
	};

	return cmocka_run_group_tests(tests, load_profile, NULL);
}
