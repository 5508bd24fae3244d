// SPDX-License-Identifier: MIT
/* Recordings that hold a device's accesses beside maps: each is made where the replay mapped it. */
#include <errno.h>

#include "recording_scene.h"

/* Our own CSV: accesses to a page, to one that nobody maps, to a list, and too late. */
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
	/* Three pages, one of them twice: the second time it is cached. */
	assert_int_equal(out.accesses, 4);
	assert_int_equal(out.access_faults, 0);
	assert_int_equal(out.iotlb.misses, 3);
	assert_int_equal(out.iotlb.hits, 1);
	/* That nobody maps is mapped all the time: a ring. */
	assert_int_equal(r.befores, 1);
	assert_int_equal(r.before[0].iova, 0x9000);
	assert_int_equal(out.earlier_maps, 1);
	/* After its unmap. */
	assert_int_equal(out.stray_accesses, 1);
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

/* ---- the two sides of one run ---- */

/* clang-format off */
#undef QI
#define QI(word0, iova) \
	" t-1 [000] d..1. 1.000000: qi_submit: iotlb_inv dmar0: " word0 " " iova " 0x0 0x0\n"
#define ACC(iova) \
	"0.100000:vtd_iotlb_page_hit IOTLB page hit sid 0x8 iova " iova " slpte 0x1003 domain 0x3\n"
#define SIDE(iova) \
	"0.200000:vtd_inv_desc_iotlb_pages iotlb invalidate domain 0x3 addr " iova " mask 0x0\n"
/* clang-format on */

static const char kernel[] =
	MAP1("1.000001", "0x1000", "0x100000") UNMAP1("1.000002", "0x1000") QI("0x300f2", "0x1000")
		MAP1("1.000003", "0x2000", "0x100000") MAP1("1.000004", "0x3000", "0x200000")
			UNMAP1("1.000005", "0x2000") QI("0x300f2", "0x2000")
				UNMAP1("1.000006", "0x3000") QI("0x300f2", "0x3000");

static int read_both(const char *side, struct recording *r, struct err *err)
{
	struct trace *t = NULL, *s = NULL;
	int rc;

	if (trace_open_memory(&t, kernel, strlen(kernel), "kernel", "ftrace", err) ||
	    trace_open_memory(&s, side, strlen(side), "side", "qemu-vtd", err))
		fail_msg("%s", err->text);
	rc = recording_read_beside(r, t, s, err);
	trace_close(t);
	trace_close(s);
	return rc;
}

static void invalidations_tie_two_clocks_together(void **state)
{
	static const enum trace_kind expected[] = {
		TRACE_MAP,    TRACE_UNMAP, TRACE_MAP,    TRACE_MAP,   TRACE_ACCESS,
		TRACE_ACCESS, TRACE_UNMAP, TRACE_ACCESS, TRACE_UNMAP,
	};
	struct recording r;
	struct replay_result out;
	struct err err = {""};

	(void)state;
	if (read_both(SIDE("0x7000") ACC("0x1000") SIDE("0x1000") ACC("0x2040") ACC("0x9000")
			      SIDE("0x2000") ACC("0x3000") SIDE("0x3000") ACC("0x3000"),
		      &r, &err))
		fail_msg("%s", err.text);
	assert_int_equal(r.events, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < r.events; i++)
		assert_int_equal(r.event[i].kind, expected[i]);
	assert_int_equal(r.accesses, 3);
	assert_int_equal(r.before[0].iova, 0x9000);
	out = replay_with(&r, REPLAY_ACCESS_RECORDED);
	assert_int_equal(out.accesses, 3);
	assert_int_equal(out.stray_accesses, 0);
	assert_int_equal(out.dma.invalidations, 3);
	recording_fini(&r);
}

static void another_runs_side_is_refused(void **state)
{
	struct recording r;
	struct err err = {""};

	(void)state;
	assert_int_equal(read_both(SIDE("0x1000") SIDE("0x3000") SIDE("0x2000"), &r, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "do not follow each other"));
	assert_int_equal(read_both(SIDE("0x1000") SIDE("0x2000"), &r, &err), -EINVAL);
	assert_int_equal(read_both(ACC("0x1000"), &r, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no invalidations of ranges"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accesses_go_where_their_page_went),
		cmocka_unit_test(rules_do_not_look_at_them),
		cmocka_unit_test(invalidations_tie_two_clocks_together),
		cmocka_unit_test(another_runs_side_is_refused),
	};

	return cmocka_run_group_tests(tests, load_profile, NULL);
}
