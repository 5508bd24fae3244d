// SPDX-License-Identifier: MIT
/* Recordings that hold a device's accesses beside maps: each is made where the replay mapped it. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "../base/seed.h"
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

static struct recording read_csv(const char *text)
{
	struct recording r = {.events = 0};
	struct trace *t = NULL;
	struct err err = {""};

	if (trace_open_memory(&t, text, strlen(text), "table", "csv", &err) ||
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
	struct recording r = read_csv(table);
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
	struct recording r = read_csv(table);

	(void)state;
	assert_int_equal(replay_with(&r, REPLAY_ACCESS_AT_UNMAP).accesses, 4);
	assert_int_equal(replay_with(&r, REPLAY_ACCESS_NONE).accesses, 0);
	assert_int_equal(replay_with(&r, REPLAY_ACCESS_NONE).stray_accesses, 0);
	recording_fini(&r);
}

/* A device does not wait for a CPU: of four events at one time two are held up, not three. */
static void an_access_is_never_late(void **state)
{
	static const char at_once[] = "kind,cpu,time_ns,dev,iova,bytes,paddr,done,tag,sid\n"
				      "map,0,1000,,0x8000,4096,0x100000,,,\n"
				      "map,0,1000,,0x9000,4096,0x200000,,,\n"
				      "access,0,1000,,0x8040,,,,3,8\n"
				      "unmap,0,1000,,0x8000,4096,,4096,,\n";
	struct recording r = read_csv(at_once);
	struct replay_result out = replay_with(&r, REPLAY_ACCESS_RECORDED);

	(void)state;
	assert_int_equal(out.accesses, 1);
	assert_int_equal(out.late_events, 2);
	assert_true(out.late_max_ps > 0);
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

/* Says yes from the question with this number on. */
struct patience {
	unsigned asked, enough;
};

static bool is_enough(void *ctx)
{
	struct patience *p = ctx;

	return ++p->asked >= p->enough;
}

/* @p: who may stop it, or NULL. */
static int read_sides(const char *of_kernel, const char *side, struct patience *p,
		      struct recording *r, struct err *err)
{
	struct trace *t = NULL, *s = NULL;
	int rc;

	if (trace_open_memory(&t, of_kernel, strlen(of_kernel), "kernel", "ftrace", err) ||
	    trace_open_memory(&s, side, strlen(side), "side", "qemu-vtd", err))
		fail_msg("%s", err->text);
	if (p)
		trace_stop_when(t, is_enough, p);
	rc = recording_read_beside(r, t, s, err);
	trace_close(t);
	trace_close(s);
	return rc;
}

static int read_both(const char *side, struct recording *r, struct err *err)
{
	return read_sides(kernel, side, NULL, r, err);
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

/* @line @count times, then @last; to be freed. */
static char *often(const char *line, size_t count, const char *last)
{
	const size_t bytes = strlen(line), more = strlen(last) + 1;
	char *text = malloc(count * bytes + more);

	assert_non_null(text);
	for (size_t i = 0; i < count; i++)
		memcpy(text + i * bytes, line, bytes);
	memcpy(text + count * bytes, last, more);
	return text;
}

#define SAME UNMAP1("1.000001", "0x1000") QI("0x300f2", "0x1000")

/*
 * One page, unmapped @unmaps times and then another page, against @invalidations of the former and
 * then one of the page that @last has.
 */
static int join_one_page(size_t unmaps, size_t invalidations, const char *last, struct patience *p,
			 struct recording *r, struct err *err)
{
	char *of_kernel = often(SAME, unmaps, UNMAP1("1.000002", "0x2000") QI("0x300f2", "0x2000"));
	char *side = often(SIDE("0x1000"), invalidations, last);
	const int rc = read_sides(of_kernel, side, p, r, err);

	free(of_kernel);
	free(side);
	return rc;
}

/* Each may be the first that the other side has: one by one that is 2 * 10^10 comparisons. */
static void one_page_all_the_time_is_found_in_one_pass(void **state)
{
	struct recording r;
	struct err err = {""};

	(void)state;
	assert_int_equal(join_one_page(150000, 300000, SIDE("0x3000"), NULL, &r, &err), -EINVAL);
	assert_non_null(strstr(err.text, "that begin at kernel:1 do not follow each other"));
	/* Where the pages before the last one are as many as in the kernel's, not at the first. */
	if (join_one_page(150000, 300000, ACC("0x2000") SIDE("0x2000"), NULL, &r, &err))
		fail_msg("%s", err.text);
	assert_int_equal(r.accesses, 1);
	assert_int_equal(r.events, 150000 + 1 + 1);
	assert_int_equal(r.event[150000].kind, TRACE_ACCESS);
	assert_int_equal(r.event[150001].kind, TRACE_UNMAP);
	recording_fini(&r);
}

/* While the other side is read, and while the two are put together. */
static void who_may_stop_one_side_may_stop_the_other(void **state)
{
	struct patience all = {.enough = UINT_MAX}, p;
	struct recording r;
	struct err err = {""};

	(void)state;
	if (join_one_page(300, 70000, SIDE("0x2000"), &all, &r, &err))
		fail_msg("%s", err.text);
	recording_fini(&r);
	/* Of 601 lines, of 70001, and of the first invalidation and the 65537th. */
	assert_in_range(all.asked, 602 / 256 + 70001 / 256 + 2, 602 / 256 + 70001 / 256 + 6);
	for (unsigned before_the_end = 0; before_the_end < 4; before_the_end++) {
		p = (struct patience){.enough = all.asked - before_the_end};
		assert_int_equal(join_one_page(300, 70000, SIDE("0x2000"), &p, &r, &err), -EINTR);
		assert_string_equal(err.text, "side: interrupted");
		assert_int_equal(p.asked, p.enough);
	}
}

/* ---- wherever the pages repeat ---- */

#define NEEDED 6u
#define HAD    16u

/* The kernel's side: the two pages, as @need has them. */
static void write_kernel(struct rng *rng, unsigned *need, unsigned needs, char *text)
{
	*text = 0;
	for (unsigned i = 0; i < needs; i++) {
		need[i] = (unsigned)rng_below(rng, 2);
		strcat(text, need[i] ? SAME : UNMAP1("1.000001", "0x2000") QI("0x300f2", "0x2000"));
	}
}

/* The IOMMU's: before each invalidation an access, whose page says which it is. */
static void write_side(struct rng *rng, unsigned *have, unsigned haves, char *text, size_t room)
{
	size_t at = 0;

	for (unsigned i = 0; i < haves; i++) {
		have[i] = (unsigned)rng_below(rng, 2);
		at += (size_t)snprintf(text + at, room - at, ACC("0x%x000") "%s", 0x100 + i,
				       have[i] ? SIDE("0x1000") : SIDE("0x2000"));
		assert_true(at < room);
	}
}

/* The search finds what looking everywhere finds: the first place, or none. Was there one? */
static bool is_found_where_it_is(struct rng *rng)
{
	const unsigned needs = 1 + (unsigned)rng_below(rng, NEEDED);
	const unsigned haves = 1 + (unsigned)rng_below(rng, HAD);
	unsigned need[NEEDED], have[HAD], at = 0;
	char of_kernel[2000], side[4000];
	struct recording r;
	struct err err = {""};
	int rc;

	write_kernel(rng, need, needs, of_kernel);
	write_side(rng, have, haves, side, sizeof(side));
	while (at + needs <= haves && memcmp(need, have + at, needs * sizeof(*need)) != 0)
		at++;
	rc = read_sides(of_kernel, side, NULL, &r, &err);
	if (at + needs > haves) {
		assert_int_equal(rc, -EINVAL);
		return false;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(r.accesses, needs - 1);
	for (size_t i = 0; i < r.events; i++)
		if (r.event[i].kind == TRACE_ACCESS)
			assert_int_equal(r.event[i].iova >> 12, 0x100 + ++at);
	recording_fini(&r);
	return true;
}

static void the_first_place_is_found_whatever_repeats(void **state)
{
	const unsigned rounds = 2000;
	unsigned found = 0;
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	for (unsigned i = 0; i < rounds; i++)
		found += is_found_where_it_is(&rng);
	assert_in_range(found, rounds / 10, rounds - rounds / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accesses_go_where_their_page_went),
		cmocka_unit_test(rules_do_not_look_at_them),
		cmocka_unit_test(an_access_is_never_late),
		cmocka_unit_test(invalidations_tie_two_clocks_together),
		cmocka_unit_test(another_runs_side_is_refused),
		cmocka_unit_test(one_page_all_the_time_is_found_in_one_pass),
		cmocka_unit_test(who_may_stop_one_side_may_stop_the_other),
		cmocka_unit_test(the_first_place_is_found_whatever_repeats),
	};

	return cmocka_run_group_tests(tests, load_profile, NULL);
}
