// SPDX-License-Identifier: MIT
/*
 * How fast traces are read on this host: text, our native format, trace.dat. In CPU seconds; never
 * part of a result. Best of three, the file in the page cache.
 *
 *	trace_bench TRACE...
 *
 * For each: events a second, to an IOTLB's stack distances if the file holds accesses, and for a
 * trace.dat libtracecmd's own iteration without looking at fields.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <trace-cmd.h>

#include "mrc/mrc.h"
#include "trace/trace.h"

/* CPU seconds so far, of this process and of those it has waited for: a trace.dat is read by two.
 */
static double now_s(void)
{
	double seconds = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct rusage u;

		getrusage(i ? RUSAGE_CHILDREN : RUSAGE_SELF, &u);
		seconds += (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
			   (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
	}
	return seconds;
}

/* Events read; 0 if it failed. */
static uint64_t read_all(const char *path, uint64_t *accesses)
{
	struct trace_event ev;
	struct trace *t = NULL;
	struct err err = {""};
	uint64_t events = 0;
	int rc = trace_open(&t, path, NULL, &err);

	while (!rc && (rc = trace_next(t, &ev, &err)) > 0)
		rc = 0;
	if (t) {
		events = trace_tally(t)->events;
		*accesses = trace_tally(t)->accesses;
	}
	trace_close(t);
	if (rc)
		fprintf(stderr, "trace_bench: %s\n", err.text);
	return rc ? 0 : events;
}

static int add(struct mrc_stream *s, const struct trace_event *ev)
{
	if (ev->kind == TRACE_ACCESS)
		return mrc_access(s, ev->tag, ev->iova >> 12);
	if (ev->kind == TRACE_INVALIDATE)
		return mrc_drop(s, ev->tag, ev->iova >> 12, ev->bytes >> 12);
	return ev->kind == TRACE_INVALIDATE_TAG ? mrc_drop_tag(s, ev->tag) : 0;
}

/* The accesses of the file, as the IOTLB laboratory takes them. */
static int read_stream(const char *path, struct mrc_stream *s)
{
	struct trace_accesses a;
	struct trace_event ev;
	struct trace *t = NULL;
	struct err err = {""};
	int rc = trace_open(&t, path, NULL, &err);

	while (!rc && trace_next(t, &ev, &err) > 0) {
		rc = add(s, &ev);
		while (!rc && trace_next_accesses(t, &a)) {
			const struct mrc_many many = {a.tag, a.pfn, a.drop, a.count};

			rc = mrc_take_many(s, &many);
		}
	}
	trace_close(t);
	return rc;
}

static int take_rows(void *rows, const struct mrc_stream *s)
{
	return mrc_rows_take(rows, s);
}

static int take_stack(void *stack, const struct mrc_stream *s)
{
	return mrc_stack_take(stack, s);
}

/*
 * From the file to the miss ratio of one IOTLB (256 entries, 4 ways, LRU), or of every size of a
 * fully associative one, as 'iotoll iotlb' goes: nothing is kept of the stream but its pages.
 */
static uint64_t read_to_ratio(const char *path, bool every_size)
{
	const struct iotlb_config one = {
		.entries = 256, .ways = 4, .line_pages = 1, .policy = "lru"};
	struct mrc_rows *rows = NULL;
	struct mrc_stack *stack = NULL;
	struct mrc_stream s;
	uint64_t accesses;
	int rc = mrc_stream_init(&s);

	if (!rc && every_size)
		rc = mrc_stack_create(&stack) ?: mrc_stream_pour(&s, take_stack, stack);
	else if (!rc)
		rc = mrc_rows_create(&rows, &one, NULL) ?: mrc_stream_pour(&s, take_rows, rows);
	if (!rc)
		rc = read_stream(path, &s);
	if (!rc)
		rc = mrc_stream_flush(&s);
	accesses = rc ? 0 : s.accesses;
	mrc_rows_destroy(rows);
	mrc_stack_destroy(stack);
	mrc_stream_fini(&s);
	return accesses;
}

static int count(struct tracecmd_input *handle, struct tep_record *record, int cpu, void *ctx)
{
	(void)handle;
	(void)record;
	(void)cpu;
	++*(uint64_t *)ctx;
	return 0;
}

/* What the library itself needs to go over all records; 0 if it is no trace.dat. */
static uint64_t iterate(const char *path)
{
	struct tracecmd_input *handle;
	uint64_t events = 0;
	FILE *f = fopen(path, "rb");
	char magic[3] = "";
	const bool is = f && fread(magic, 3, 1, f) == 1 && !memcmp(magic, "\x17\x08\x44", 3);

	if (f)
		fclose(f);
	handle = is ? tracecmd_open(path, TRACECMD_FL_LOAD_NO_PLUGINS) : NULL;
	if (!handle)
		return 0;
	tracecmd_iterate_events(handle, NULL, 0, count, &events);
	tracecmd_close(handle);
	return events;
}

static void show(const char *path, const char *what, uint64_t events, double seconds)
{
	if (events)
		printf("%-40s %-32s %10llu %8.2f M/s\n", path, what, (unsigned long long)events,
		       (double)events / seconds / 1e6);
}

int main(int argc, char **argv)
{
	static const char *const names[] = {"events read", "accesses to one IOTLB's misses",
					    "accesses to every size's",
					    "records by libtracecmd alone"};

	for (int i = 1; i < argc; i++) {
		double best[4] = {1e9, 1e9, 1e9, 1e9};
		uint64_t events[4] = {0}, accesses = 0;

		for (unsigned n = 0; n < 12; n++) {
			const double begin = now_s();
			const unsigned what = n % 4;

			if (what == 0)
				events[0] = read_all(argv[i], &accesses);
			else if (what == 3)
				events[3] = iterate(argv[i]);
			else
				events[what] = accesses ? read_to_ratio(argv[i], what == 2) : 0;
			if (now_s() - begin < best[what])
				best[what] = now_s() - begin;
		}
		for (unsigned what = 0; what < 4; what++)
			show(argv[i], names[what], events[what], best[what]);
	}
	return 0;
}
