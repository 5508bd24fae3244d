/* SPDX-License-Identifier: MIT */
/* See trace_speed.h. */
#include "study/trace_speed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "study/iotlb_lab.h"
#include "trace/native.h"
#include "trace/trace.h"

#define ACCESSES 2000000u

struct trace_speed {
	FILE *file;
	char path[64]; /* of the open file, by its descriptor */
	bool every_size;
};

/* A few busy pages (rings), a sliding window (buffers) and rare ones, as a NIC's. */
static uint64_t page(struct rng *rng, unsigned i)
{
	const uint64_t what = rng_below(rng, 100);

	if (what >= 95)
		return 100000 + rng_below(rng, 20000);
	return what >= 40 ? 1000 + (i / 64 + rng_below(rng, 256)) % 4096 : rng_below(rng, 8);
}

static int write_trace(FILE *to)
{
	struct trace_event ev = {.kind = TRACE_ACCESS,
				 .has = TRACE_HAS(TRACE_F_TIME) | TRACE_HAS(TRACE_F_IOVA) |
					TRACE_HAS(TRACE_F_TAG),
				 .name = "vtd_iotlb_page_hit",
				 .tag = 1,
				 .bytes = 1};
	const struct trace_tally tally = {.cpus = 1};
	struct native_writer *w = NULL;
	struct rng rng;
	int rc = native_create(&w, to, false);

	rng_seed(&rng, 1);
	ev.name_bytes = strlen(ev.name);
	for (unsigned i = 0; i < ACCESSES && !rc; i++) {
		ev.time_ns = i * UINT64_C(1000);
		ev.iova = page(&rng, i) << 12;
		rc = native_put(w, &ev);
	}
	if (!rc)
		rc = native_finish(w, &tally);
	native_destroy(w);
	return rc;
}

int trace_speed_open(struct trace_speed **out, bool every_size, uint64_t *each, struct err *err)
{
	struct trace_speed *s = calloc(1, sizeof(*s));
	int rc = -ENOMEM;

	*out = NULL;
	if (!s)
		return rc;
	s->every_size = every_size;
	s->file = tmpfile();
	rc = s->file ? write_trace(s->file) : -errno;
	if (!rc && fflush(s->file))
		rc = -errno;
	if (rc) {
		trace_speed_close(s);
		return err_set(err, rc, "a temporary file: %s", strerror(-rc));
	}
	snprintf(s->path, sizeof(s->path), "/proc/self/fd/%d", fileno(s->file));
	*each = ACCESSES;
	*out = s;
	return 0;
}

bool trace_speed_run(struct trace_speed *s)
{
	struct iotlb_lab_request r;
	json_t *result = NULL;
	struct err err;
	int rc;

	iotlb_lab_defaults(&r);
	r.trace = s->path;
	r.entries = "256";
	r.ways = s->every_size ? "full" : "4";
	r.policies = "lru";
	r.workers = 1;
	rc = iotlb_lab_run(&r, &result, &err);
	json_decref(result);
	return rc == 0;
}

void trace_speed_close(struct trace_speed *s)
{
	if (s->file)
		(void)fclose(s->file);
	free(s);
}
