// SPDX-License-Identifier: MIT
/*
 * Accesses many at a time, held against the same file read one by one: the same lookups and
 * invalidations, the same tally, the same words for the same mistake. On random files and on such
 * files with bytes changed; and on files that become shorter while they are read.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../base/seed.h"
#include "random_event.h"
#include "trace/native.h"
#include "trace/trace.h"

/* What a reader made of a file: one line for each event, then how it ended. */
struct story {
	char *text;
	size_t bytes;
	struct trace_tally tally;
	size_t many; /* events that did not come one by one */
};

/* Runs of accesses and invalidations, of several shapes, and now and then anything. */
static char *written(struct rng *rng, unsigned events, bool pack, size_t *bytes)
{
	const struct trace_tally tally = {.cpus = 3};
	struct native_writer *w = NULL;
	char *file = NULL;
	FILE *to = open_memstream(&file, bytes);
	uint64_t now = 1000;

	assert_non_null(to);
	assert_int_equal(native_create(&w, to, pack), 0);
	for (unsigned i = 0; i < events; i++) {
		struct trace_event ev = {.kind = TRACE_ACCESS, .name = "x", .name_bytes = 1};
		const uint64_t what = rng_below(rng, 100);

		now += rng_below(rng, 1000);
		now -= rng_below(rng, 16) ? 0 : rng_below(rng, 900);
		ev.has = TRACE_HAS(TRACE_F_IOVA) | TRACE_HAS(TRACE_F_TAG);
		ev.has |= rng_below(rng, 8) ? TRACE_HAS(TRACE_F_TIME) : 0;
		ev.has |= rng_below(rng, 4) ? TRACE_HAS(TRACE_F_ENTRY) : 0;
		ev.tag = (uint32_t)rng_below(rng, 3);
		ev.cpu = (unsigned)rng_below(rng, 2) * 7;
		ev.iova = rng_u64(rng) >> rng_below(rng, 60);
		ev.bytes = 1;
		ev.time_ns = now;
		if (what < 25) {
			ev.kind = TRACE_INVALIDATE;
			ev.has |= TRACE_HAS(TRACE_F_BYTES);
			ev.iova &= 0xFFFFFFFFF000;
			ev.bytes = UINT64_C(4096) << (what ? rng_below(rng, 4) : 34);
		} else if (what < 30) {
			ev = random_event(rng, now, true);
		}
		assert_int_equal(native_put(w, &ev), 0);
	}
	assert_int_equal(native_finish(w, &tally), 0);
	native_destroy(w);
	assert_int_equal(fclose(to), 0);
	return file;
}

static void tell(FILE *to, const struct trace_event *ev)
{
	if (ev->kind == TRACE_ACCESS || ev->kind == TRACE_INVALIDATE)
		fprintf(to, "%x %llx %llu\n", ev->tag, (unsigned long long)ev->iova >> 12,
			ev->kind == TRACE_ACCESS ? 0 : (unsigned long long)ev->bytes >> 12);
	else
		fprintf(to, "%s at %llu\n", trace_kind_name(ev->kind),
			(unsigned long long)ev->line);
}

static struct story read_it(const char *data, size_t bytes, bool many)
{
	struct story s = {NULL, 0, {0}, 0};
	FILE *to = open_memstream(&s.text, &s.bytes);
	struct trace_accesses a;
	struct err err = {""};
	struct trace *t = NULL;
	struct trace_event ev;
	int rc = trace_open_memory(&t, data, bytes, "input", NULL, &err);

	assert_non_null(to);
	while (!rc && (rc = trace_next(t, &ev, &err)) > 0) {
		rc = 0;
		tell(to, &ev);
		while (many && trace_next_accesses(t, &a)) {
			assert_in_range(a.count, 1, TRACE_ACCESSES);
			s.many += a.count;
			for (size_t i = 0; i < a.count; i++)
				fprintf(to, "%x %llx %u\n", a.tag[i], (unsigned long long)a.pfn[i],
					a.drop[i]);
		}
	}
	fprintf(to, "%d %s\n", rc, err.text);
	if (t)
		s.tally = *trace_tally(t);
	trace_close(t);
	fclose(to);
	return s;
}

/* Events that came many at a time. */
static size_t assert_alike(const char *data, size_t bytes)
{
	struct story one = read_it(data, bytes, false), many = read_it(data, bytes, true);

	assert_string_equal(one.text, many.text);
	/* A shape's CPU is seen a little early where a mistake follows. */
	if (one.tally.highest_cpu < many.tally.highest_cpu)
		one.tally.highest_cpu = many.tally.highest_cpu;
	assert_memory_equal(&one.tally, &many.tally, sizeof(one.tally));
	free(one.text);
	free(many.text);
	return many.many;
}

static void many_at_a_time_are_those_that_come_one_by_one(void **state)
{
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	for (unsigned i = 0; i < 40; i++) {
		size_t bytes;
		const unsigned events = i < 4 ? 30000 : 1 + (unsigned)rng_below(&rng, 600);
		char *file = written(&rng, events, i % 2, &bytes);
		const size_t many = assert_alike(file, bytes);

		if (i < 4)
			assert_true(many > 20000); /* and not for want of a fast way */
		free(file);
	}
}

static void what_is_wrong_is_said_alike(void **state)
{
	struct rng rng;
	unsigned wrong = 0;

	(void)state;
	seed_from_env(&rng);
	for (unsigned i = 0; i < 1500; i++) {
		size_t bytes;
		char *file = written(&rng, 60, false, &bytes);
		struct story s;

		for (uint64_t k = 1 + rng_below(&rng, 3); k-- > 0;)
			file[16 + rng_below(&rng, bytes - 16)] ^= (char)(1 << rng_below(&rng, 8));
		assert_alike(file, i % 4 ? bytes : rng_below(&rng, bytes) + 1);
		s = read_it(file, bytes, true);
		wrong += strstr(s.text, "expected") != NULL;
		free(s.text);
		free(file);
	}
	assert_true(wrong > 500);
}

/* Mapped memory would end the program with SIGBUS here. */
static void a_file_that_shrinks_while_it_is_read_is_cut_short(void **state)
{
	char path[] = "/tmp/iotoll-shrinks-XXXXXX";
	const int fd = mkstemp(path);
	struct trace_accesses a;
	struct err err = {""};
	struct trace *t = NULL;
	struct trace_event ev;
	struct rng rng;
	size_t bytes;
	char *file;
	int rc;

	(void)state;
	seed_from_env(&rng);
	file = written(&rng, 100000, false, &bytes);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, file, bytes), bytes);
	assert_int_equal(trace_open(&t, path, NULL, &err), 0);
	assert_int_equal(trace_next(t, &ev, &err), 1);
	assert_int_equal(ftruncate(fd, 4096), 0);
	while ((rc = trace_next(t, &ev, &err)) > 0)
		while (trace_next_accesses(t, &a))
			;
	assert_int_equal(rc, -EINVAL);
	assert_non_null(strstr(err.text, "cut short"));
	trace_close(t);
	close(fd);
	unlink(path);
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_at_a_time_are_those_that_come_one_by_one),
		cmocka_unit_test(what_is_wrong_is_said_alike),
		cmocka_unit_test(a_file_that_shrinks_while_it_is_read_is_cut_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
