/* SPDX-License-Identifier: MIT */
/*
 * How large the caches are: Linux says so in sysfs (Documentation/ABI/testing/
 * sysfs-devices-system-cpu); where it does not, the latency of loads over growing working sets
 * does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/host_impl.h"
#include "host/loops.h"

#define INDEXES     8u
#define STEP_FIRST  4096ul
#define STEPS       16u /* up to 128 MiB */
#define STEP_LOADS  20000ul
#define STEP_ROUNDS 5u

/* One line of a small file; false if there is none. */
static bool read_line(const char *root, unsigned cpu, unsigned index, const char *file, char *to,
		      size_t bytes)
{
	char path[512];
	FILE *in;
	bool got;

	if ((size_t)snprintf(path, sizeof(path), "%s/cpu%u/cache/index%u/%s", root, cpu, index,
			     file) >= sizeof(path))
		return false;
	in = fopen(path, "re");
	if (!in)
		return false;
	got = fgets(to, (int)bytes, in) != NULL;
	fclose(in);
	if (got)
		to[strcspn(to, "\n")] = '\0';
	return got;
}

/* CPUs in a list like "0-3,8". */
static unsigned list_count(const char *list)
{
	unsigned count = 0;

	while (*list) {
		unsigned from, to;
		int used = 0;

		if (sscanf(list, "%u-%u%n", &from, &to, &used) == 2 && to >= from)
			count += to - from + 1;
		else if (sscanf(list, "%u%n", &from, &used) == 1)
			count++;
		else
			return 0;
		list += used;
		list += *list == ',';
	}
	return count;
}

static unsigned long size_of(const char *text)
{
	unsigned long value = 0;
	char unit = 'B';

	if (sscanf(text, "%lu%c", &value, &unit) < 1)
		return 0;
	return unit == 'K' ? value << 10 : unit == 'M' ? value << 20 : value;
}

/* What cache index @index says. */
static void take_index(struct host_caches *out, const char *root, unsigned cpu, unsigned index)
{
	unsigned level = 0, ways = 0;
	unsigned long bytes;
	char text[256];

	if (!read_line(root, cpu, index, "type", text, sizeof(text)) ||
	    !strcmp(text, "Instruction"))
		return;
	if (!read_line(root, cpu, index, "level", text, sizeof(text)) ||
	    sscanf(text, "%u", &level) != 1 ||
	    !read_line(root, cpu, index, "size", text, sizeof(text)))
		return;
	bytes = size_of(text);
	if (read_line(root, cpu, index, "ways_of_associativity", text, sizeof(text)))
		(void)sscanf(text, "%u", &ways);
	if (level == 1) {
		out->l1_bytes = bytes;
	} else if (level == 2) {
		out->l2_bytes = bytes;
		out->l2_ways = ways;
	} else if (level == 3) {
		out->llc_bytes = bytes;
		out->llc_ways = ways;
		if (read_line(root, cpu, index, "shared_cpu_list", text, sizeof(text)))
			out->llc_sharers = list_count(text);
	}
}

int host_caches_read(struct host_caches *out, const char *root, unsigned cpu)
{
	*out = (struct host_caches){0};
	for (unsigned i = 0; i < INDEXES; i++)
		take_index(out, root, cpu, i);
	return out->l1_bytes ? 0 : -ENOENT;
}

void host_caches_from_steps(struct host_caches *out, const double *ns, unsigned n,
			    unsigned long first)
{
	unsigned long *const level[] = {&out->l1_bytes, &out->l2_bytes, &out->llc_bytes};
	unsigned found = 0, begins = 0;

	*out = (struct host_caches){0};
	for (unsigned i = 1; i < n && found < 3; i++) {
		if (ns[i] < ns[begins] * 1.5)
			continue;
		*level[found++] = first << (i - 1);
		/* Sizes on the slope between two levels belong to neither. */
		while (i + 1 < n && ns[i + 1] >= ns[i] * 1.2)
			i++;
		begins = i;
	}
}

/* The least of a few rounds: what disturbs only adds. 0 or -errno. */
static int step(double *ns, unsigned long bytes)
{
	struct host_memory m;
	int rc = host_memory_init(&m, bytes, true);
	void *at = m.base;

	if (rc)
		return rc;
	rc = host_link_lines(m.base, bytes, bytes);
	for (unsigned i = 0; i < STEP_ROUNDS && !rc; i++) {
		const double before = host_thread_ns();
		double took;

		at = loop_chase(at, STEP_LOADS);
		took = (host_thread_ns() - before) / (double)STEP_LOADS;
		if (!i || took < *ns)
			*ns = took;
	}
	host_memory_fini(&m);
	return rc;
}

int host_caches_here(struct host_caches *out, const struct host_job *job, bool *by_steps)
{
	const struct host_options *options = job->options;
	double ns[STEPS];
	int rc = 0;

	*by_steps = host_caches_read(out, "/sys/devices/system/cpu", job->cpu[0]) != 0;
	if (!*by_steps)
		return 0;
	for (unsigned i = 0; i < STEPS && !rc; i++) {
		rc = step(&ns[i], STEP_FIRST << i);
		if (options->should_stop && options->should_stop(options->ctx))
			rc = -EINTR;
	}
	if (!rc)
		host_caches_from_steps(out, ns, STEPS, STEP_FIRST);
	return rc;
}
