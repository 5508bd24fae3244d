/* SPDX-License-Identifier: MIT */
/* Where a measurement runs, and in what memory. */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/host_impl.h"

#define HUGE_BYTES ((size_t)2 << 20)

unsigned host_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (unsigned)CPU_COUNT(&set);
}

/* The first CPU of the core that @cpu belongs to; @cpu itself where nothing is said. */
static unsigned core_of(unsigned cpu)
{
	char path[128];
	unsigned first = cpu;
	FILE *in;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
		 cpu);
	in = fopen(path, "re");
	if (!in)
		return cpu;
	if (fscanf(in, "%u", &first) != 1)
		first = cpu;
	fclose(in);
	return first;
}

unsigned host_pick_cpus(unsigned cpu[2], bool *siblings)
{
	unsigned count = 0;
	cpu_set_t set;

	*siblings = false;
	cpu[0] = 0;
	if (sched_getaffinity(0, sizeof(set), &set))
		return 1;
	for (unsigned i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &set))
			continue;
		if (!count) {
			cpu[count++] = i;
		} else if (count == 1 || (*siblings && core_of(i) != core_of(cpu[0]))) {
			cpu[1] = i;
			count = 2;
			*siblings = core_of(i) == core_of(cpu[0]);
		}
	}
	return count ? count : 1;
}

int host_pin(unsigned cpu)
{
	cpu_set_t set;

	if (cpu >= CPU_SETSIZE)
		return -EINVAL;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

/* Bytes of the mapping at @base that lie in huge pages. */
static size_t huge_bytes(const void *base)
{
	FILE *in = fopen("/proc/self/smaps", "re");
	bool inside = false;
	size_t kib = 0;
	char line[256];

	while (in && fgets(line, sizeof(line), in)) {
		uintptr_t from, to;

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2)
			inside = (uintptr_t)base >= from && (uintptr_t)base < to;
		else if (inside && sscanf(line, "AnonHugePages: %zu kB", &kib) == 1)
			break;
	}
	if (in)
		fclose(in);
	return kib << 10;
}

int host_memory_init(struct host_memory *m, size_t bytes, bool huge)
{
	const size_t whole = (bytes + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
	void *base = NULL;

	*m = (struct host_memory){.bytes = 0};
	if (posix_memalign(&base, HUGE_BYTES, whole))
		return -ENOMEM;
	/* A kernel without huge pages refuses both, which is as good. */
	(void)madvise(base, whole, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	memset(base, 1, whole);
	m->base = base;
	m->bytes = bytes;
	m->huge = huge ? huge_bytes(base) : 0;
	if (m->huge > bytes)
		m->huge = bytes;
	return 0;
}

void host_memory_fini(struct host_memory *m)
{
	free(m->base);
	*m = (struct host_memory){.bytes = 0};
}

size_t host_memory_most(size_t bytes)
{
	const long pages = sysconf(_SC_AVPHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	const size_t quarter = pages > 0 && size > 0 ? (size_t)pages / 4 * (size_t)size : bytes;

	return bytes < quarter ? bytes : quarter;
}

void host_cpu_name(char *name, unsigned long bytes, bool *virtual_cpu)
{
	FILE *in = fopen("/proc/cpuinfo", "re");
	char line[4096], *colon;

	snprintf(name, bytes, "unnamed CPU");
	*virtual_cpu = false;
	while (in && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		colon = strchr(line, ':');
		if (!colon || !colon[1])
			continue;
		if (!strncmp(line, "model name", 10))
			snprintf(name, bytes, "%s", colon + 2);
		if (!strncmp(line, "flags", 5)) {
			*virtual_cpu = strstr(colon, " hypervisor") != NULL;
			break;
		}
	}
	if (in)
		fclose(in);
}
