// SPDX-License-Identifier: MIT
/* What a recording does not have: which unmaps are evidence of a loss, and what is refused for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "trace/loss.h"

#define MAP(stamp, iova) " a-1 [000] " stamp ": map: IOMMU: iova=" iova " paddr=0x5000 size=4096\n"
#define UNMAP(stamp, iova) \
	" a-1 [000] " stamp ": unmap: IOMMU: iova=" iova " size=4096 unmapped_size=4096\n"

/* Follow @text; *@judged is what loss_judge() says of it. */
static struct loss follow(const char *text, int *judged, struct err *err)
{
	struct trace *t = NULL;
	struct trace_event ev;
	struct loss l, seen;
	int rc;

	*err = (struct err){""};
	assert_int_equal(trace_open_memory(&t, text, strlen(text), "file", NULL, err), 0);
	assert_int_equal(loss_init(&l), 0);
	while ((rc = trace_next(t, &ev, err)) > 0)
		assert_int_equal(loss_take(&l, &ev), 0);
	assert_int_equal(rc, 0);
	*judged = loss_judge(t, &l, err);
	seen = l;
	loss_fini(&l);
	trace_close(t);
	return seen; /* its counts alone */
}

static void maps_from_before_the_recording_are_no_loss(void **state)
{
	struct err err;
	int judged;
	const struct loss l = follow(UNMAP("1.0", "0x1000") UNMAP("1.1", "0x2000")
					     MAP("1.2", "0x1000") UNMAP("1.3", "0x1000"),
				     &judged, &err);

	(void)state;
	assert_int_equal(judged, 0);
	assert_int_equal(l.before_bytes, 8192);
	assert_int_equal(l.again_bytes, 0);
	assert_int_equal(l.unmapped_bytes, 12288);
	assert_int_equal(l.mapped_bytes, 4096);
}

static void an_unmap_of_what_was_unmapped_is_a_loss(void **state)
{
	struct err err;
	int judged;
	const struct loss l = follow(
		MAP("1.0", "0x1000") UNMAP("1.1", "0x1000") UNMAP("1.2", "0x1000"), &judged, &err);

	(void)state;
	assert_int_equal(l.again_bytes, 4096);
	assert_int_equal(l.before_bytes, 0);
	assert_int_equal(judged, -22);
	assert_non_null(strstr(err.text, "4096 of 8192 bytes were unmapped again"));
	assert_non_null(strstr(err.text, "--allow-loss"));
}

static void a_page_of_two_devices_is_told_but_no_loss(void **state)
{
	struct err err;
	int judged;
	const struct loss l = follow(MAP("1.0", "0x1000") MAP("1.1", "0x1000")
					     UNMAP("1.2", "0x1000") UNMAP("1.3", "0x1000"),
				     &judged, &err);

	(void)state;
	assert_int_equal(judged, 0);
	assert_int_equal(l.shared_maps, 1);
	assert_int_equal(l.again_bytes + l.before_bytes, 0);
}

static void bytes_out_of_order_are_counted(void **state)
{
	struct err err;
	int judged;
	const struct loss l = follow(MAP("2.0", "0x1000") UNMAP("1.9", "0x1000"), &judged, &err);

	(void)state;
	assert_int_equal(judged, 0);
	assert_int_equal(l.backward_bytes, 4096);
}

/* @events events after a mark that @lost of them are missing. */
static int judge_lost(unsigned events, const char *lost, struct err *err)
{
	char *text = malloc(events * 100 + 200);
	size_t at;
	int judged;

	assert_non_null(text);
	at = (size_t)sprintf(text, "# tracer: nop\nCPU:0 [LOST%s EVENTS]\n", lost);
	for (unsigned i = 0; i < events; i++)
		at += (size_t)sprintf(text + at, " a-1 [000] 1.%06u: fork: x\n", i);
	(void)follow(text, &judged, err);
	free(text);
	return judged;
}

static void a_share_of_lost_events_is_bearable_and_more_is_not(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(judge_lost(1000, " 1", &err), 0);
	assert_int_equal(judge_lost(1000, " 2", &err), -22);
	assert_non_null(strstr(err.text, "the recorder lost 2 events beside these 1000"));
	/* Nobody knows how many. */
	assert_int_equal(judge_lost(1000, "", &err), -22);
	assert_non_null(strstr(err.text, "at 1 places and does not say how many"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_from_before_the_recording_are_no_loss),
		cmocka_unit_test(an_unmap_of_what_was_unmapped_is_a_loss),
		cmocka_unit_test(a_page_of_two_devices_is_told_but_no_loss),
		cmocka_unit_test(bytes_out_of_order_are_counted),
		cmocka_unit_test(a_share_of_lost_events_is_bearable_and_more_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
