/* SPDX-License-Identifier: MIT */
/* Lines of ftrace text, and reading them out of memory, for the tests of the reader. */
#ifndef IOTOLL_TESTS_TRACE_FTRACE_TEXT_H
#define IOTOLL_TESTS_TRACE_FTRACE_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trace/trace.h"

#define MAP_FIELDS \
	"IOMMU: iova=0x00000000ffefc000 - 0x00000000ffefd000 paddr=0x000000007cb8c000 size=4096"
#define UNMAP_FIELDS \
	"IOMMU: iova=0x00000000ffef0000 - 0x00000000ffef4000 size=16384 unmapped_size=16384"
#define MAP_LINE "     iperf3-141     [000] b..1.    13.882221: map: " MAP_FIELDS "\n"

static inline struct trace *open_text(const char *text, size_t bytes)
{
	struct trace *t = NULL;
	struct err err = {""};
	const int rc = trace_open_memory(&t, text, bytes, "file", "ftrace", &err);

	if (rc)
		fail_msg("%s", err.text);
	return t;
}

/* Read @text to its end: the last event is kept, the answer of the end is returned. */
static inline int read_all(const char *text, size_t bytes, struct trace_event *last,
			   struct trace_tally *tally, struct err *err)
{
	struct trace *t = open_text(text, bytes);
	struct trace_event ev;
	int rc;

	while ((rc = trace_next(t, &ev, err)) > 0) {
		ev.name = NULL; /* not valid beyond */
		*last = ev;
	}
	*tally = *trace_tally(t);
	trace_close(t);
	return rc;
}

#endif
