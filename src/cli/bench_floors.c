/* SPDX-License-Identifier: MIT */
/* iotoll bench: what this machine itself needs for a load, an atomic, a line, a system call. */
#include <errno.h>
#include <string.h>

#include "cli/bench.h"
#include "cli/cli.h"
#include "host/host.h"

static const enum host_quantity floors[] = {
	HOST_LOAD_L1, HOST_LOAD_L2,  HOST_LOAD_LLC, HOST_LOAD_DRAM, HOST_ATOMIC,
	HOST_LOCK,    HOST_TRANSFER, HOST_PINGPONG, HOST_SYSCALL,
};

#define FLOORS (sizeof(floors) / sizeof(floors[0]))

static void add_host(json_t *document)
{
	char name[64] = "";
	bool virtual_cpu;

	host_cpu_name(name, sizeof(name), &virtual_cpu);
	json_object_set_new(document, "host",
			    json_pack("{s:s, s:i, s:b}", "cpu", name, "cpus", (int)host_cpus(),
				      "virtual", virtual_cpu));
}

/* Each result's distance to its floor: times as long. */
static void hold_against(json_t *document, const char *floor, double ns)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(document, "results"), i, row)
	{
		const char *its = json_string_value(json_object_get(row, "floor"));

		if (!its || strcmp(its, floor))
			continue;
		json_object_set_new(row, "floor_ns", json_real(ns));
		json_object_set_new(
			row, "over_floor",
			json_real(json_number_value(json_object_get(row, "median")) / ns));
	}
}

int bench_add_floors(json_t *document, bool quick, bool (*stop)(void *ctx))
{
	const struct host_options options = {.quick = quick, .should_stop = stop};
	json_t *list = json_object_get(document, "floors");
	int rc = 0;

	add_host(document);
	for (size_t i = 0; i < FLOORS && !rc; i++) {
		const struct host_row *row = &host_rows[floors[i]];
		struct host_sample s;

		cli_progress("the machine itself: %s", row->title);
		rc = host_measure(floors[i], &options, &s);
		if (rc)
			break;
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:f, s:f, s:f, s:s}", "name", row->name,
						"what", row->title, "ns", s.median, "p10", s.p10,
						"p90", s.p90, "why_not", s.why_not));
		if (s.median > 0)
			hold_against(document, row->name, s.median);
	}
	return rc == -EINTR ? rc : 0;
}
