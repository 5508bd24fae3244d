/* SPDX-License-Identifier: MIT */
/* memcpy(): within the cache, and from memory to where the cache is. */
#include <errno.h>

#include "host/host_impl.h"
#include "host/loops.h"

#define ROUND_BYTES ((size_t)512 << 10)

struct copy {
	void *to;
	const void *from;
	size_t bytes;
	unsigned long blocks, times;
	uint64_t state;
};

/* Bytes a nanosecond. */
static double copy_round(void *ctx)
{
	struct copy *c = ctx;
	const double before = host_thread_ns();

	loop_copy(c->to, c->from, c->bytes, c->blocks, &c->state, c->times);
	return (double)c->times * (double)c->bytes / (host_thread_ns() - before);
}

static int copy(size_t bytes, size_t source, const struct host_job *job, struct host_sample *out)
{
	struct copy c = {.bytes = bytes, .blocks = source / bytes, .times = ROUND_BYTES / bytes};
	struct host_memory to, from;
	int rc;

	if (host_memory_init(&from, source, true))
		return host_not(out, "no %zu KiB of memory", source >> 10);
	if (host_memory_init(&to, bytes, true)) {
		host_memory_fini(&from);
		return host_not(out, "no memory");
	}
	c.from = from.base;
	c.to = to.base;
	rc = host_rounds(job->options, copy_round, &c, out);
	host_memory_fini(&to);
	host_memory_fini(&from);
	return rc;
}

int host_copy_warm(const struct host_job *job, struct host_sample *out)
{
	host_method(out, "memcpy() of the same %lu bytes again and again", job->row->arg);
	return copy(job->row->arg, job->row->arg, job, out);
}

int host_copy_cold(const struct host_job *job, struct host_sample *out)
{
	struct host_caches caches;
	bool by_steps;
	int rc = host_caches_here(&caches, job, &by_steps);
	size_t source;

	if (rc)
		return rc == -EINTR ? rc : host_not(out, "no memory");
	source = host_dram_bytes(&caches);
	host_method(
		out,
		"memcpy() of %lu bytes from random places of %zu MiB to one place, one copy not "
		"waiting for another",
		job->row->arg, source >> 20);
	return copy(job->row->arg, source, job, out);
}
