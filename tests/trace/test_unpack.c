// SPDX-License-Identifier: MIT
/* Compressed text is read as if it were not: gzip, xz and zstd, one or several in a row, in memory,
 * in a file and through a pipe; cut or damaged it is refused. */
#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "trace/trace.h"

#define LINE  "     iperf3-141 [000] b..1. 13.%06u: map: IOMMU: iova=0x1000 paddr=0x5000 size=4096\n"
#define LINES 3000u /* more than a buffer */
#define ROOM  (LINES * 100u)

static size_t make_text(char *to)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < LINES; i++)
		bytes += (size_t)sprintf(to + bytes, LINE, i);
	return bytes;
}

static size_t pack(const char *how, const char *text, size_t bytes, char *to)
{
	size_t out = 0;

	if (!strcmp(how, "gzip")) {
		z_stream z = {.next_in = (Bytef *)(uintptr_t)text,
			      .avail_in = (uInt)bytes,
			      .next_out = (Bytef *)to,
			      .avail_out = ROOM};

		assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		out = z.total_out;
		deflateEnd(&z);
	} else if (!strcmp(how, "xz")) {
		assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL,
							 (const uint8_t *)text, bytes,
							 (uint8_t *)to, &out, ROOM),
				 LZMA_OK);
	} else {
		out = ZSTD_compress(to, ROOM, text, bytes, 1);
	}
	assert_true(out > 0 && out < bytes);
	return out;
}

static const char *const ways[] = {"gzip", "xz", "zstd"};

static int read_through(struct trace *t, uint64_t *events, struct err *err)
{
	struct trace_event ev;
	int rc;

	while ((rc = trace_next(t, &ev, err)) > 0) {
		assert_int_equal(ev.time_ns, 13000000000 + *events % LINES * 1000);
		(*events)++;
	}
	return rc;
}

static int read_memory(const char *data, size_t bytes, uint64_t *events, struct err *err)
{
	struct trace *t = NULL;
	int rc = trace_open_memory(&t, data, bytes, "file", NULL, err);

	*events = 0;
	if (!rc)
		rc = read_through(t, events, err);
	trace_close(t);
	return rc;
}

struct world {
	char text[ROOM], packed[2 * ROOM];
	size_t bytes;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	w->bytes = make_text(w->text);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void compressed_text_is_read_as_it_is(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 3; i++) {
		const size_t one = pack(ways[i], w->text, w->bytes, w->packed);
		struct err err = {""};
		uint64_t events;

		assert_int_equal(read_memory(w->packed, one, &events, &err), 0);
		assert_int_equal(events, LINES);
		/* cat a.gz b.gz > c.gz */
		memcpy(w->packed + one, w->packed, one);
		assert_int_equal(read_memory(w->packed, 2 * one, &events, &err), 0);
		assert_int_equal(events, 2 * LINES);
	}
}

static void cut_anywhere_it_is_refused(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 3; i++) {
		const size_t one = pack(ways[i], w->text, w->bytes, w->packed);

		for (size_t cut = 8; cut < one; cut += cut < one - 40 ? 37 : 1) {
			char *part = malloc(cut);
			struct err err = {""};
			uint64_t events;

			assert_non_null(part);
			memcpy(part, w->packed, cut);
			assert_int_equal(read_memory(part, cut, &events, &err), -22);
			if (!strstr(err.text, "damaged or ends early"))
				fail_msg("%s, %zu of %zu: %s", ways[i], cut, one, err.text);
			free(part);
		}
	}
}

static void damaged_it_is_refused(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 3; i++) {
		const size_t one = pack(ways[i], w->text, w->bytes, w->packed);
		struct err err = {""};
		uint64_t events;

		if (i == 2) /* zstd's one-call form has no checksum: break a header */
			w->packed[5] ^= 0x7F;
		else
			w->packed[one / 2] ^= 0x10;
		assert_int_equal(read_memory(w->packed, one, &events, &err), -22);
	}
}

static void through_a_pipe_it_streams(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 3; i++) {
		const size_t one = pack(ways[i], w->text, w->bytes, w->packed);
		struct trace *t = NULL;
		struct err err = {""};
		uint64_t events = 0;
		char path[64];
		int ends[2];

		assert_true(one < 65536); /* fits a pipe: nobody needs to write while we read */
		assert_int_equal(pipe(ends), 0);
		assert_int_equal(write(ends[1], w->packed, one), one);
		close(ends[1]);
		snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
		assert_int_equal(trace_open(&t, path, NULL, &err), 0);
		assert_int_equal(read_through(t, &events, &err), 0);
		assert_int_equal(events, LINES);
		trace_close(t);
		close(ends[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(compressed_text_is_read_as_it_is, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(cut_anywhere_it_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damaged_it_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(through_a_pipe_it_streams, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
