// SPDX-License-Identifier: MIT
/*
 * Traces of any length, for measuring: nothing that was recorded.
 *
 *	trace_make zipf|mixed|maps|text EVENTS [FILE]
 *
 * zipf: accesses of a device by Zipf's law to 100000 pages. mixed: the same, every fourth event
 * invalidates the page accessed last. maps: maps and unmaps of single pages, 256 live at a time, on
 * four CPUs. All in the native format; text: as maps, in that of ftrace. Without FILE to standard
 * output.
 */
#include <stdio.h>
#include <string.h>

#include "trace/native.h"
#include "trace/trace.h"
#include "zipf.h"

#define PAGES     100000u
#define LIVE      256u
#define IOVA_BASE 0xE0000000u

struct maker {
	struct zipf zipf;
	uint64_t made;
	uint32_t last; /* page */
};

static void make_access(struct maker *m, bool drops, struct trace_event *ev)
{
	*ev = (struct trace_event){
		.kind = TRACE_ACCESS,
		.has = TRACE_HAS(TRACE_F_TIME) | TRACE_HAS(TRACE_F_IOVA) | TRACE_HAS(TRACE_F_TAG) |
		       TRACE_HAS(TRACE_F_SID) | TRACE_HAS(TRACE_F_ENTRY),
		.name = "vtd_iotlb_page_hit",
		.tag = 3,
		.sid = 8,
		.bytes = 1,
	};
	if (drops && m->made % 4 == 3) {
		ev->kind = TRACE_INVALIDATE;
		ev->has = TRACE_HAS(TRACE_F_TIME) | TRACE_HAS(TRACE_F_IOVA) |
			  TRACE_HAS(TRACE_F_BYTES) | TRACE_HAS(TRACE_F_TAG);
		ev->name = "vtd_inv_desc_iotlb_pages";
		ev->bytes = 4096;
	} else {
		m->last = zipf_next(&m->zipf);
	}
	ev->iova = IOVA_BASE + (uint64_t)m->last * 4096;
	ev->entry = ev->iova << 1 | 3;
}

/* Page n is mapped at event 2n and unmapped LIVE maps later. */
static void make_map(struct maker *m, struct trace_event *ev)
{
	const uint64_t n = m->made / 2;
	const bool map = m->made % 2 == 0 || n < LIVE;

	*ev = (struct trace_event){
		.kind = map ? TRACE_MAP : TRACE_UNMAP,
		.has = TRACE_HAS(TRACE_F_TIME) | TRACE_HAS(TRACE_F_TASK) | TRACE_HAS(TRACE_F_IOVA) |
		       TRACE_HAS(TRACE_F_BYTES) | TRACE_HAS(map ? TRACE_F_PADDR : TRACE_F_DONE),
		.name = map ? "map" : "unmap",
		.task = {"made", 4},
		.pid = 100,
		.cpu = (unsigned)(n % 4),
		.bytes = 4096,
		.done_bytes = map ? 0 : 4096,
	};
	if (n < LIVE) /* twice as many maps, until they are there */
		ev->iova = m->made;
	else
		ev->iova = map ? n + LIVE : n - LIVE;
	ev->iova = IOVA_BASE + ev->iova % (4 * LIVE) * 4096;
	ev->paddr = map ? ev->iova - IOVA_BASE + 0x10000000 : 0;
}

static int put_text(const struct trace_event *ev)
{
	const uint64_t us = ev->time_ns / 1000;

	printf("            made-100     [%03u] d..1. %5llu.%06llu: %.*s: IOMMU: iova=0x%016llx - "
	       "0x%016llx ",
	       ev->cpu, (unsigned long long)(us / 1000000), (unsigned long long)(us % 1000000),
	       (int)ev->name_bytes, ev->name, (unsigned long long)ev->iova,
	       (unsigned long long)(ev->iova + ev->bytes));
	if (ev->kind == TRACE_MAP)
		return printf("paddr=0x%016llx size=4096\n", (unsigned long long)ev->paddr) < 0;
	return printf("size=4096 unmapped_size=4096\n") < 0;
}

static int make(const char *what, uint64_t events)
{
	const bool text = !strcmp(what, "text"), maps = text || !strcmp(what, "maps");
	const struct trace_tally tally = {.cpus = 4};
	struct maker m = {0};
	struct native_writer *w = NULL;
	struct trace_event ev;
	int rc = !zipf_init(&m.zipf, PAGES, 1);

	if (!rc && !text)
		rc = native_create(&w, stdout, false);
	for (; m.made < events && !rc; m.made++) {
		if (maps)
			make_map(&m, &ev);
		else
			make_access(&m, !strcmp(what, "mixed"), &ev);
		ev.name_bytes = strlen(ev.name);
		ev.time_ns = m.made * 1000;
		rc = text ? put_text(&ev) : native_put(w, &ev);
	}
	if (!rc && !text)
		rc = native_finish(w, &tally);
	native_destroy(w);
	zipf_fini(&m.zipf);
	return rc;
}

int main(int argc, char **argv)
{
	const bool known = argc >= 2 && (!strcmp(argv[1], "zipf") || !strcmp(argv[1], "mixed") ||
					 !strcmp(argv[1], "maps") || !strcmp(argv[1], "text"));
	const uint64_t events = argc >= 3 ? strtoull(argv[2], NULL, 10) : 0;

	if (!known || argc > 4 || !events) {
		fprintf(stderr, "usage: trace_make zipf|mixed|maps|text EVENTS [FILE]\n");
		return 2;
	}
	if ((argc == 4 && !freopen(argv[3], "wb", stdout)) || make(argv[1], events) ||
	    fclose(stdout)) {
		perror("trace_make");
		return 1;
	}
	return 0;
}
