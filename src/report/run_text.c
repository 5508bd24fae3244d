// SPDX-License-Identifier: MIT
/*
 * A run's result as text. The first table follows netperf 2.4's TCP_STREAM layout; the direction
 * words swap for TCP_MAERTS as they do there.
 */
#include "report/run_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "report/attacks_text.h"
#include "report/flat.h"
#include "report/number.h"
#include "report/table.h"

#define BAR_COLUMNS 40

/* Members shown by the tables above the sections; everything else is printed in the sections. */
static const char *const shown[] = {
	"schema",
	"version",
	"scenario",
	"seed",
	"id",
	"command",
	"throughput_mbps",
	"elapsed_s",
	"attacks",
	"cpu_cycles",
	"cpu_utilization_percent",
	"cpu_max_percent",
	"service_demand_us_per_kb",
	"warnings",
};

static bool is_shown(const char *key)
{
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (strcmp(shown[i], key) == 0)
			return true;
	return false;
}

/* "cpu_cycles" -> "CPU cycles": section titles in the field's spelling. */
static const char *section_title(const char *key)
{
	static const char *const titles[][2] = {
		{"client", "Client"}, {"load", "Load"},         {"dma", "DMA layer"},
		{"iommu", "IOMMU"},   {"iotlb", "IOTLB"},       {"exposure", "Exposure"},
		{"ats", "ATS"},       {"nic", "NIC"},           {"link", "Link"},
		{"locks", "Locks"},   {"settings", "Settings"}, {"xen", "Hypervisor"},
		{"ffsb", "FFSB"},     {"disk", "Disk"},
	};

	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (strcmp(titles[i][0], key) == 0)
			return titles[i][1];
	return key;
}

static int heading(FILE *out, const json_t *run, unsigned width)
{
	const char *scenario = text_member(run, "scenario"), *id = text_member(run, "id");
	const char *version = text_member(run, "version");
	const json_t *seed = json_object_get(run, "seed");
	struct table *t = table_create();
	int ret;

	table_column(t, "", TABLE_LEFT);
	if (*id && *scenario)
		table_cell(t, "%s, scenario %s", id, scenario);
	else if (*id || *scenario)
		table_cell(t, "%s%s", id, scenario);
	if (json_is_integer(seed))
		table_cell(t, "seed %" JSON_INTEGER_FORMAT "%s%s", json_integer_value(seed),
			   *version ? ", iotoll " : "", version);
	else if (*version)
		table_cell(t, "iotoll %s", version);
	ret = table_print(t, out, width);
	table_destroy(t);
	return ret;
}

static int warnings(FILE *out, const json_t *list, unsigned width)
{
	struct table *t = table_create();
	int ret;

	table_column(t, "", TABLE_LEFT);
	table_column(t, "", TABLE_LEFT);
	for (size_t i = 0; i < json_array_size(list); i++) {
		table_cell(t, "warning:");
		table_take(t, flat_text(json_array_get(list, i)));
	}
	ret = table_print(t, out, width);
	table_destroy(t);
	return ret;
}

static void number_cell(struct table *t, const json_t *object, const char *key, int decimals)
{
	double value;

	if (number_member(object, key, &value))
		table_cell(t, "%s", number_fixed(value, decimals).text);
	else
		table_cell(t, "-");
}

static void size_cell(struct table *t, const json_t *run, const char *key)
{
	const json_t *size = json_object_get(json_object_get(run, "load"), key);
	char name[64];

	if (!size) {
		snprintf(name, sizeof(name), "load.%s", key);
		size = json_object_get(json_object_get(run, "settings"), name);
	}
	if (size)
		table_take(t, flat_text(size));
	else
		table_cell(t, "-");
}

static void utilization_column(struct table *t, const json_t *side, const char *first,
			       const char *second)
{
	double max;
	char title[128];

	if (number_member(side, "cpu_max_percent", &max))
		snprintf(title, sizeof(title), "%.31s\n%.31s\n%% of %s", first, second,
			 number_human(max).text);
	else
		snprintf(title, sizeof(title), "%.31s\n%.31s\n%%", first, second);
	table_column(t, title, TABLE_RIGHT);
}

static bool is_maerts(const json_t *run)
{
	const json_t *load = json_object_get(run, "load"),
		     *settings = json_object_get(run, "settings");

	return json_is_false(json_object_get(load, "sut_receives")) ||
	       strcasestr(text_member(load, "name"), "maerts") ||
	       strcasestr(text_member(load, "type"), "maerts") ||
	       strcasestr(text_member(settings, "load.type"), "maerts");
}

static int netperf_table(FILE *out, const json_t *run)
{
	const json_t *client = json_object_get(run, "client");
	bool maerts = is_maerts(run);
	const char *local = maerts ? "Recv" : "Send", *remote = maerts ? "Send" : "Recv";
	struct table *t = table_create();
	char title[96];
	int ret;

	table_column(t, "Recv\nSocket\nSize\nbytes", TABLE_RIGHT);
	table_column(t, "Send\nSocket\nSize\nbytes", TABLE_RIGHT);
	table_column(t, "Send\nMessage\nSize\nbytes", TABLE_RIGHT);
	table_column(t, "Elapsed\nTime\nsecs.", TABLE_RIGHT);
	table_column(t, "Throughput\n10^6bits/s", TABLE_RIGHT);
	snprintf(title, sizeof(title), "Utilization\n%s", local);
	utilization_column(t, client, title, "local");
	utilization_column(t, run, remote, "remote");
	snprintf(title, sizeof(title), "Service Demand\n%s\nlocal\nus/KB", local);
	table_column(t, title, TABLE_RIGHT);
	snprintf(title, sizeof(title), "%s\nremote\nus/KB", remote);
	table_column(t, title, TABLE_RIGHT);
	size_cell(t, run, "recv_socket_bytes");
	size_cell(t, run, "send_socket_bytes");
	size_cell(t, run, "message_bytes");
	number_cell(t, run, "elapsed_s", 2);
	number_cell(t, run, "throughput_mbps", 2);
	number_cell(t, client, "cpu_utilization_percent", 2);
	number_cell(t, run, "cpu_utilization_percent", 2);
	number_cell(t, client, "service_demand_us_per_kb", 3);
	number_cell(t, run, "service_demand_us_per_kb", 3);
	fputc('\n', out);
	ret = table_print(t, out, 0);
	table_destroy(t);
	return ret;
}

/* The totals of FFSB's own report, with the machine's utilisation; its operations follow below. */
static int ffsb_table(FILE *out, const json_t *run)
{
	const json_t *ffsb = json_object_get(run, "ffsb");
	struct table *t = table_create();
	int ret;

	table_column(t, "Elapsed\nsecs.", TABLE_RIGHT);
	table_column(t, "Operations\nper sec.", TABLE_RIGHT);
	table_column(t, "Transactions\nper sec.", TABLE_RIGHT);
	table_column(t, "Read\nMB/s", TABLE_RIGHT);
	table_column(t, "Write\nMB/s", TABLE_RIGHT);
	utilization_column(t, run, "Utilization", "");
	number_cell(t, run, "elapsed_s", 2);
	number_cell(t, ffsb, "ops_per_s", 1);
	number_cell(t, ffsb, "transactions_per_s", 1);
	number_cell(t, ffsb, "read_mb_per_s", 2);
	number_cell(t, ffsb, "write_mb_per_s", 2);
	number_cell(t, run, "cpu_utilization_percent", 2);
	fputc('\n', out);
	ret = table_print(t, out, 0);
	table_destroy(t);
	return ret;
}

/* ---- where the cycles went ---- */

static double busy_cycles(const json_t *cycles)
{
	double sum = 0;
	json_t *o = flat_iterable(cycles);

	for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it))
		if (strcmp(json_object_iter_key(it), "idle") != 0)
			sum += json_number_value(json_object_iter_value(it));
	return sum;
}

/* Rows of what most runs have none of: left out where nothing was charged. */
static bool cycle_row_empty(const char *name, double cycles)
{
	static const char *const elsewhere[] = {"crossing", "hypervisor", "block"};

	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++)
		if (!strcmp(name, elsewhere[i]))
			return cycles == 0;
	return false;
}

static void cycle_row(struct table *t, const char *name, double cycles, double busy,
		      double kilobytes)
{
	double share = busy > 0 ? cycles / busy : 0;
	int length = (int)(share * BAR_COLUMNS + 0.5);
	bool idle = strcmp(name, "idle") == 0;

	table_cell(t, "%s", name);
	table_cell(t, "%.0f", cycles);
	table_cell(t, "%s", kilobytes > 0 ? number_fixed(cycles / kilobytes, 1).text : "-");
	table_cell(t, "%s", idle ? "" : number_fixed(share * 100, 1).text);
	table_cell(t, "%.*s", idle || length < 0 ? 0 : length,
		   "########################################");
}

static int cycle_table(FILE *out, const json_t *run)
{
	const json_t *cycles = json_object_get(run, "cpu_cycles");
	json_t *o = flat_iterable(cycles);
	double busy = busy_cycles(cycles), bytes = 0;
	struct table *t;
	int ret;

	if (json_object_size(cycles) == 0)
		return 0;
	number_member(run, "payload_bytes", &bytes);
	t = table_create();
	table_column(t, "CPU time", TABLE_LEFT);
	table_column(t, "cycles", TABLE_RIGHT);
	table_column(t, "per KB", TABLE_RIGHT);
	table_column(t, "% of busy", TABLE_RIGHT);
	table_column(t, "", TABLE_LEFT);
	for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it)) {
		const char *name = json_object_iter_key(it);
		const double spent = json_number_value(json_object_iter_value(it));

		if (!cycle_row_empty(name, spent))
			cycle_row(t, name, spent, busy, bytes / 1024);
	}
	fputc('\n', out);
	ret = table_print(t, out, 0);
	table_destroy(t);
	return ret;
}

/* ---- everything else ---- */

static int section_leaf(void *ctx, const char *key, const json_t *leaf)
{
	struct table *t = ctx;
	table_cell(t, "  %s", key);
	if (json_is_real(leaf))
		table_cell(t, "%s", number_readable(json_real_value(leaf)).text);
	else
		table_take(t, flat_text(leaf));
	return 0;
}

/* An array of numbers reads better in one line than numbered. */
static bool number_list(const json_t *value, struct table *t, const char *key)
{
	size_t n = json_array_size(value), bytes = 0;
	char *text = NULL;
	FILE *line;

	for (size_t i = 0; i < n; i++)
		if (!json_is_number(json_array_get(value, i)))
			return false;
	line = n ? open_memstream(&text, &bytes) : NULL;
	if (!line)
		return false;
	for (size_t i = 0; i < n; i++)
		fprintf(line, "%s%s", i ? " " : "",
			number_human(json_number_value(json_array_get(value, i))).text);
	fclose(line);
	table_cell(t, "  %s", key);
	table_take(t, text);
	return true;
}

static int section_rows(struct table *t, const json_t *section)
{
	json_t *o = flat_iterable(section);
	int ret = 0;

	for (void *it = json_object_iter(o); it && !ret; it = json_object_iter_next(o, it)) {
		const char *key = json_object_iter_key(it);
		const json_t *value = json_object_iter_value(it);

		if (!number_list(value, t, key))
			ret = flat_each(value, key, section_leaf, t);
	}
	return ret;
}

/* A section's name may come from the document: it is cleaned as every cell is. */
static int title_line(FILE *out, const char *title)
{
	struct table *t = table_create();
	int ret;

	table_column(t, "", TABLE_LEFT);
	table_cell(t, "%s", title);
	ret = table_print(t, out, 0);
	table_destroy(t);
	return ret;
}

static int print_section(FILE *out, const char *title, const json_t *section, unsigned width)
{
	struct table *t;
	int ret;

	if (json_object_size(section) == 0)
		return 0;
	t = table_create();
	table_column(t, "", TABLE_LEFT);
	table_column(t, "", TABLE_LEFT);
	ret = t ? section_rows(t, section) : -ENOMEM;
	fputc('\n', out);
	if (!ret)
		ret = title_line(out, title);
	if (!ret)
		ret = table_print(t, out, width);
	table_destroy(t);
	return ret;
}

static int sections(FILE *out, const json_t *run, unsigned width)
{
	json_t *o = flat_iterable(run), *scalars = json_object();
	int ret = scalars ? 0 : -ENOMEM;

	for (void *it = json_object_iter(o); it && !ret; it = json_object_iter_next(o, it)) {
		const char *key = json_object_iter_key(it);
		json_t *value = json_object_iter_value(it);

		if (!is_shown(key) && !json_is_object(value) &&
		    json_object_set(scalars, key, value) != 0)
			ret = -ENOMEM;
	}
	if (!ret)
		ret = print_section(out, "Run", scalars, width);
	for (void *it = json_object_iter(o); it && !ret; it = json_object_iter_next(o, it)) {
		const char *key = json_object_iter_key(it);

		if (!is_shown(key))
			ret = print_section(out, section_title(key), json_object_iter_value(it),
					    width);
	}
	json_decref(scalars);
	return ret;
}

int run_text(FILE *out, const json_t *run, enum run_text_detail detail, unsigned width,
	     struct err *err)
{
	int ret;

	if (!json_is_object(run))
		return err_set(err, -EINVAL, "a run's result is not a JSON object");
	ret = heading(out, run, width);
	if (!ret)
		ret = warnings(out, json_object_get(run, "warnings"), width);
	/* A replay of a trace is a result too, but nothing was sent. */
	if (!ret && json_object_get(run, "throughput_mbps"))
		ret = netperf_table(out, run);
	if (!ret && json_object_get(run, "ffsb"))
		ret = ffsb_table(out, run);
	if (!ret)
		ret = attacks_text(out, json_object_get(run, "attacks"), width);
	if (!ret && detail >= RUN_TEXT_CYCLES)
		ret = cycle_table(out, run);
	if (!ret && detail >= RUN_TEXT_FULL)
		ret = sections(out, run, width);
	if (ret == -E2BIG)
		return err_set(err, -EINVAL, "a run's result nests too deeply");
	if (ret)
		return ret;
	return ferror(out) ? -EIO : 0;
}

int report_run_text(FILE *out, const json_t *run, struct err *err)
{
	return run_text(out, run, RUN_TEXT_FULL, 0, err);
}
