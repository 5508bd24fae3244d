// SPDX-License-Identifier: MIT
/*
 * Recordings of a lazy kernel: whose an unmap was, what waited when the recording began, and
 * replays that flush where the kernel did.
 */
#include "recording_scene.h"

#define ROOM 255 /* of a ring */

static char text[400000];
static size_t used;
static unsigned at_us; /* of the next line */

static int begin(void **state)
{
	(void)state;
	text[0] = '\0';
	used = at_us = 0;
	return 0;
}

static void say(unsigned cpu, const char *what)
{
	used += (size_t)snprintf(text + used, sizeof(text) - used, " t-1 [%03u] d..1. 1.%06u: %s\n",
				 cpu, at_us++, what);
	assert_true(used < sizeof(text));
}

/* @n pages are mapped and unmapped, from page @from on. */
static void unmaps(unsigned cpu, unsigned from, unsigned n)
{
	char line[120];

	for (unsigned i = from; i < from + n; i++) {
		snprintf(line, sizeof(line), "map: IOMMU: iova=0x%x000 paddr=0x%x000 size=4096", i,
			 0x1000 + i);
		say(cpu, line);
		snprintf(line, sizeof(line),
			 "unmap: IOMMU: iova=0x%x000 size=4096 unmapped_size=4096", i);
		say(cpu, line);
	}
}

static void flush(unsigned cpu, unsigned domain)
{
	char line[80];

	snprintf(line, sizeof(line), "qi_submit: iotlb_inv dmar0: 0x%x00e2 0x0 0x0 0x0", domain);
	say(cpu, line);
}

static void timer(unsigned cpu, unsigned domain)
{
	say(cpu, "fq_flush_timeout: (ff)");
	say(cpu, "fq_flush_iotlb: (ff)");
	flush(cpu, domain);
}

static void ring(unsigned cpu, unsigned domain)
{
	say(cpu, "fq_flush_iotlb: (ff)");
	flush(cpu, domain);
}

static void expect_flushes(const struct replay_result *out, uint64_t timers, uint64_t rings)
{
	assert_true(out->ticks_taken);
	assert_int_equal(out->dma.timer_flushes - out->step_flushes, timers);
	assert_int_equal(out->dma.flushes - out->dma.timer_flushes, rings);
	assert_int_equal(out->missed_rings, 0);
}

/* ---- by hand ---- */

/* The first ring that was full had as many as are not seen; the second is ours to find out. */
static void a_full_ring_tells_what_waited_before(void **state)
{
	struct recording r;
	struct replay_result out;

	(void)state;
	unmaps(1, 1, 40);
	unmaps(0, 100, 3);
	ring(1, 3);
	unmaps(1, 200, ROOM - 1);
	unmaps(1, 600, 1);
	ring(1, 3);
	unmaps(1, 700, 1);
	r = read_text(text);
	assert_int_equal(r.device[0].queued, ROOM - 39);
	assert_int_equal(r.device[0].queued_cpu, 1);
	out = replay_on(&r, 0, "flush-queue", 2);
	expect_flushes(&out, 0, 2);
	assert_int_equal(out.unmaps, 40 + 3 + ROOM + 1);
	recording_fini(&r);
}

/* What waited went with the timer's flush, and then a ring takes all of its room. */
static void after_the_timer_nothing_from_before_waits(void **state)
{
	struct recording r;
	struct replay_result out;

	(void)state;
	unmaps(0, 1, 40);
	timer(0, 3);
	unmaps(0, 100, ROOM + 1);
	ring(0, 3);
	unmaps(0, 500, ROOM - 2);
	timer(0, 3);
	unmaps(0, 900, ROOM);
	timer(0, 3);
	r = read_text(text);
	assert_int_equal(r.device[0].queued, 0);
	out = replay_strictly(&r, 0, "flush-queue");
	expect_flushes(&out, 3, 1);
	recording_fini(&r);
}

static void a_flush_without_a_cause_is_the_timers_unless_our_ring_was_full(void **state)
{
	struct recording r;
	struct replay_result out;

	(void)state;
	unmaps(0, 1, 5);
	flush(0, 3);
	unmaps(0, 100, ROOM + 1);
	flush(0, 3);
	unmaps(0, 500, 7);
	flush(0, 3);
	r = read_text(text);
	out = replay_strictly(&r, 0, "flush-queue");
	expect_flushes(&out, 2, 1);
	assert_int_equal(out.unsaid_ticks, 2);
	assert_int_equal(out.unsaid_rings, 1);
	recording_fini(&r);
}

/* It is said, not passed over: unmaps are missing from this recording. */
static void a_ring_that_is_not_full_here_is_counted(void **state)
{
	struct recording r;
	struct replay_result out;

	(void)state;
	unmaps(0, 1, 5);
	timer(0, 3);
	unmaps(0, 100, 9);
	ring(0, 3);
	r = read_text(text);
	out = replay_strictly(&r, 0, "flush-queue");
	assert_int_equal(out.missed_rings, 1);
	assert_int_equal(out.dma.flushes, 1);
	recording_fini(&r);
}

/* Each step has one domain that flushes: there and only there its unmaps can be. */
static void steps_tell_two_domains_apart(void **state)
{
	struct recording r;
	struct replay_result out;

	(void)state;
	unmaps(0, 1, 5);
	flush(0, 3);
	unmaps(0, 10, 2); /* their flush is after the step's end */
	used += (size_t)snprintf(text + used, sizeof(text) - used, "# step disk\n");
	unmaps(0, 1, 7);
	flush(0, 4);
	r = read_text(text);
	assert_int_equal(r.devices, 2);
	assert_string_equal(r.device[0].name, "domain 3");
	assert_int_equal(r.device[0].unmaps, 7);
	assert_int_equal(r.device[1].unmaps, 7);
	assert_int_equal(r.unknown_maps + r.unknown_unmaps, 0);
	out = replay_strictly(&r, 0, "flush-queue");
	expect_flushes(&out, 1, 0);
	assert_int_equal(out.step_flushes, 1);
	recording_fini(&r);
}

static void two_domains_in_one_step_remain_one(void **state)
{
	struct recording r;

	(void)state;
	unmaps(0, 1, 5);
	flush(0, 3);
	flush(0, 4);
	unmaps(0, 10, 2);
	r = read_text(text);
	assert_int_equal(r.devices, 1);
	assert_string_equal(r.device[0].name, "all devices");
	assert_int_equal(r.device[0].unmaps, 7);
	recording_fini(&r);
}

/* Nor is a strict kernel's flush a timer's. */
static void other_strategies_and_recordings_keep_their_own_timer(void **state)
{
	struct recording r;

	(void)state;
	unmaps(0, 1, 5);
	timer(0, 3);
	r = read_text(text);
	assert_false(replay_strictly(&r, 0, "strict").ticks_taken);
	recording_fini(&r);
	say(0, "unmap: IOMMU: iova=0x9000 size=4096 unmapped_size=4096");
	say(0, "qi_submit: iotlb_inv dmar0: 0x300f2 0x9000 0x0 0x0");
	r = read_text(text);
	assert_false(replay_strictly(&r, 0, "flush-queue").ticks_taken);
	recording_fini(&r);
}

/* ---- shipped ---- */

static void a_lazy_recording_flushes_as_the_kernel_did(void **state)
{
	struct recording r = read_file(TRACES "vtd-lazy-rx.probes.txt");
	const struct recorded_flushes *f = &r.device[0].flushes;
	const struct replay_result out = replay_strictly(&r, 0, "flush-queue");

	(void)state;
	assert_int_equal(r.devices, 1);
	assert_int_equal(r.device[0].maps, 537);
	assert_int_equal(r.device[0].unmaps, 539);
	assert_int_equal(r.device[0].befores, 242);
	assert_int_equal(f->by_page, 0);
	assert_int_equal(f->by_domain, 5);
	assert_int_equal(f->by_cause[FLUSH_TIMER], 2);
	assert_int_equal(f->by_cause[FLUSH_RING], 3);
	assert_int_equal(r.device[0].queued, 247);
	assert_int_equal(out.unmaps, 539);
	expect_flushes(&out, 2, 3);
	assert_true(out.exposure.stale_page_seconds > 0);
	assert_true(out.exposure.excess_mean_bytes > 0);
	recording_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_full_ring_tells_what_waited_before, begin),
		cmocka_unit_test_setup(after_the_timer_nothing_from_before_waits, begin),
		cmocka_unit_test_setup(
			a_flush_without_a_cause_is_the_timers_unless_our_ring_was_full, begin),
		cmocka_unit_test_setup(a_ring_that_is_not_full_here_is_counted, begin),
		cmocka_unit_test_setup(steps_tell_two_domains_apart, begin),
		cmocka_unit_test_setup(two_domains_in_one_step_remain_one, begin),
		cmocka_unit_test_setup(other_strategies_and_recordings_keep_their_own_timer, begin),
		cmocka_unit_test(a_lazy_recording_flushes_as_the_kernel_did),
	};

	return cmocka_run_group_tests(tests, load_profile, NULL);
}
