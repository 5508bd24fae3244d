/* SPDX-License-Identifier: MIT */
/* A recording from the kernel's text to a whole file, and what a refused one leaves behind. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "trace/record.h"

#define MAP(n)                                                                           \
	" fio-1 [000] d..1. 5.00010" n ": map: IOMMU: iova=0xfff0" n "000 paddr=0x1000 " \
	"size=4096\n"
#define LOST "CPU:1 [LOST 17 EVENTS]\n"

static unsigned stops, asked, stop_after;

static bool should_stop(void *ctx)
{
	(void)ctx;
	return stop_after && ++asked >= stop_after;
}

static void stop(void *ctx)
{
	(void)ctx;
	stops++;
}

static const struct record_about about = {.should_stop = should_stop, .stop = stop, .cpus = 3};

/* What record_read() makes of @text that comes through a pipe, which stays open if it is to be
 * stopped. The trace, opened. */
static struct trace *recorded(const char *text, unsigned after, struct record_result *result)
{
	char path[] = "/tmp/iotoll-record-XXXXXX";
	FILE *to = fdopen(mkstemp(path), "w");
	struct trace *t = NULL;
	struct err err = {""};
	int ends[2];

	stop_after = after;
	stops = asked = 0;
	assert_non_null(to);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
	if (!after)
		close(ends[1]);
	assert_int_equal(record_read(ends[0], to, &about, result, &err), 0);
	if (after)
		close(ends[1]);
	close(ends[0]);
	fclose(to);
	assert_int_equal(stops, 1);
	assert_int_equal(trace_open(&t, path, NULL, &err), 0);
	assert_string_equal(trace_format_name(t), "native");
	unlink(path);
	return t;
}

static unsigned events(struct trace *t, unsigned *marks)
{
	struct trace_event ev;
	struct err err;
	unsigned n = 0;
	int rc;

	*marks = 0;
	trace_want_marks(t);
	while ((rc = trace_next(t, &ev, &err)) > 0) {
		n += ev.kind == TRACE_MAP;
		*marks += ev.kind == TRACE_LOST && ev.lost == 17;
	}
	assert_int_equal(rc, 0);
	return n;
}

static void the_file_is_whole_when_the_text_ends_and_holds_what_was_lost(void **state)
{
	struct record_result r;
	struct trace *t = recorded(MAP("1") LOST MAP("2") MAP("3"), 0, &r);
	unsigned marks;

	(void)state;
	assert_int_equal(events(t, &marks), 3);
	assert_int_equal(marks, 1);
	assert_int_equal(trace_tally(t)->lost_events, 17);
	assert_int_equal(trace_tally(t)->cpus, 3);
	assert_int_equal(r.tally.lost_marks, 1);
	assert_string_equal(r.broken, "");
	trace_close(t);
}

static void a_stop_reads_what_is_there_and_ends_the_file(void **state)
{
	struct record_result r;
	unsigned marks;

	(void)state;
	for (unsigned after = 1; after < 5; after++) {
		struct trace *t = recorded(MAP("1") MAP("2"), after, &r);

		assert_int_equal(events(t, &marks), 2);
		trace_close(t);
	}
}

static void a_recording_of_nothing_is_a_trace(void **state)
{
	struct record_result r;
	unsigned marks;
	struct trace *t = recorded("", 2, &r);

	(void)state;
	assert_int_equal(events(t, &marks), 0);
	assert_int_equal(r.tally.events, 0);
	assert_string_equal(r.broken, "");
	trace_close(t);
}

static void text_that_does_not_read_ends_the_file_before_it_and_is_told(void **state)
{
	struct record_result r;
	unsigned marks;
	struct trace *t = recorded(
		MAP("1") " fio-1 [000] d..1. 5.2: map: IOMMU: iova=zero\n" MAP("2"), 0, &r);

	(void)state;
	assert_int_equal(events(t, &marks), 1);
	assert_non_null(strstr(r.broken, "map"));
	trace_close(t);
}

static void a_disk_that_is_full_ends_it_with_an_error(void **state)
{
	char text[8192];
	FILE *to = fopen("/dev/full", "w");
	struct record_result r;
	struct err err = {""};
	int ends[2];

	(void)state;
	if (!to)
		skip();
	setvbuf(to, NULL, _IONBF, 0);
	stop_after = 0;
	snprintf(text, sizeof(text), MAP("1"));
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
	close(ends[1]);
	assert_true(record_read(ends[0], to, &about, &r, &err) < 0);
	assert_non_null(strstr(err.text, "cannot be written"));
	close(ends[0]);
	fclose(to);
}

/* A folder in which an instance can be made, but has none of the files of one. */
static void an_instance_that_does_not_work_is_taken_away_again(void **state)
{
	static const char *const parts[] = {"", "/instances", "/events", "/events/iommu",
					    "/events/iommu/map"};
	char root[] = "/tmp/iotoll-tracefs-XXXXXX", path[128];
	struct points points;
	struct record *r = NULL;
	struct dirent *e;
	struct err err = {""};
	DIR *d;

	(void)state;
	assert_non_null(mkdtemp(root));
	for (size_t i = 1; i < 5; i++) {
		snprintf(path, sizeof(path), "%s%s", root, parts[i]);
		assert_int_equal(mkdir(path, 0777), 0);
	}
	assert_int_equal(points_find(&points, root, true, &err), 0);
	assert_true(record_begin(&r, &points, 64, NULL, &err) < 0);
	assert_null(r);
	assert_non_null(strstr(err.text, root));
	snprintf(path, sizeof(path), "%s/instances", root);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)))
		assert_int_equal(e->d_name[0], '.');
	closedir(d);
	for (size_t i = 5; i-- > 0;) {
		snprintf(path, sizeof(path), "%s%s", root, parts[i]);
		assert_int_equal(rmdir(path), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_is_whole_when_the_text_ends_and_holds_what_was_lost),
		cmocka_unit_test(a_stop_reads_what_is_there_and_ends_the_file),
		cmocka_unit_test(a_recording_of_nothing_is_a_trace),
		cmocka_unit_test(text_that_does_not_read_ends_the_file_before_it_and_is_told),
		cmocka_unit_test(a_disk_that_is_full_ends_it_with_an_error),
		cmocka_unit_test(an_instance_that_does_not_work_is_taken_away_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
