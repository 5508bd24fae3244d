// SPDX-License-Identifier: MIT
/* What came of the replays of what_if.h as a document for pages and terminals. */
#include <math.h>
#include <string.h>

#include "study/paper_show.h"
#include "study/what_if.h"

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static bool is(const json_t *row, const char *key)
{
	return json_is_true(json_object_get(row, key));
}

/* Is it one of @iommu's that was replayed? */
static bool shown(const json_t *row, const char *iommu)
{
	return is(row, "applies") && !strcmp(text(row, "iommu"), iommu);
}

/* ---- the table ---- */

static const char table_note[] =
	"Microseconds of CPU time: of a map, of an unmap without its invalidation, of "
	"invalidations "
	"and of waiting for locks, the last two for each unmap. Inval: ranges and whole IOTLBs "
	"invalidated. CPU: share of one CPU at the recorded rate. Stale: pages unmapped and still "
	"in "
	"the device's reach, summed over time, and for how long each, on average and at worst. "
	"Beyond: bytes mapped around what was asked for, mean. Rights: pages that the device may "
	"use "
	"in a direction nobody asked for. At rest: what entries lead to without a live request, "
	"mean. "
	"* on the Pareto front: no other strategy is both cheaper and safer. ! to show what goes "
	"wrong: takes no part. In brackets: an allocator other than magazines. burst, "
	"fast-and-safe, "
	"page-pool and damn are strict here but for lists: a recording does not say what they "
	"need.";

static json_t *named(const json_t *row)
{
	const bool other = strcmp(text(row, "allocator"), "magazines") != 0;

	return json_sprintf("%s%s%s%s%s", text(row, "name"), other ? " (" : "",
			    other ? text(row, "allocator") : "", other ? ")" : "",
			    is(row, "pareto")          ? " *"
			    : is(row, "demonstration") ? " !"
						       : "");
}

static double value(const json_t *row, const char *path)
{
	return result_number(row, path);
}

static json_t *stale(const json_t *row)
{
	return is(json_object_get(row, "safety"), "untranslated")
		       ? json_string("everything")
		       : paper_cell(4, value(row, "safety.stale_page_seconds"));
}

static json_t *cells(const json_t *row)
{
	return json_pack(
		"[o, o, o, o, o, o, o, o, o, o, o, o, o]", named(row),
		paper_cell(2, value(row, "price.us_per_map")),
		paper_cell(2, value(row, "price.us_per_unmap")),
		paper_cell(2, value(row, "price.flush_us_per_unmap")),
		paper_cell(2, value(row, "price.lock_wait_us_per_pair")),
		paper_cell(0, value(row, "price.invalidations") + value(row, "price.flushes")),
		paper_cell(2, value(row, "price.cpu_percent")), stale(row),
		paper_cell(0, value(row, "safety.stale_us_mean")),
		paper_cell(0, value(row, "safety.stale_us_max")),
		paper_cell(0, value(row, "safety.excess_bytes_mean") / 1024),
		paper_cell(0, value(row, "safety.excess_rights_pages")),
		paper_cell(0, value(row, "safety.reachable_at_rest_bytes") / 1024));
}

static json_t *columns(void)
{
	return json_pack("[o, o, o, o, o, o, o, o, o, o, o, o, o]", paper_column("Strategy", ""),
			 paper_column("Map", "us"), paper_column("Unmap", "us"),
			 paper_column("Inval", "us"), paper_column("Wait", "us"),
			 paper_column("Inval", "times"), paper_column("CPU", "%"),
			 paper_column("Stale", "page s"), paper_column("Mean", "us"),
			 paper_column("Worst", "us"), paper_column("Beyond", "KiB"),
			 paper_column("Rights", "pages"), paper_column("At rest", "KiB"));
}

/* Letters and digits of a device's name, which files are called after. */
static json_t *id_of(const char *what, const json_t *device, const char *iommu)
{
	return json_sprintf("%s-%s-%s", what, text(device, "name"), iommu);
}

static json_t *table(const json_t *device, const char *iommu)
{
	json_t *rows = json_array(), *id = id_of("strategies", device, iommu), *row, *o;
	json_t *title = json_sprintf("%s through %s", text(device, "name"), iommu);
	size_t i;

	json_array_foreach(json_object_get(device, "rows"), i, row) if (shown(row, iommu))
		json_array_append_new(rows, cells(row));
	o = paper_table(json_string_value(id), json_string_value(title), columns(), rows,
			table_note);
	json_decref(id);
	json_decref(title);
	return o;
}

/* What could not be built, and why; NULL if all could. */
static json_t *refused(const json_t *device)
{
	json_t *rows = json_array(), *row, *o = NULL, *id;
	size_t i;

	json_array_foreach(json_object_get(device, "rows"), i, row) if (!is(row, "applies"))
		json_array_append_new(rows, json_pack("[s, s, s]", text(row, "name"),
						      text(row, "iommu"), text(row, "reason")));
	id = json_sprintf("refused-%s", text(device, "name"));
	if (json_array_size(rows))
		o = paper_table(json_string_value(id), "What cannot be built",
				json_pack("[o, o, o]", paper_column("Strategy", ""),
					  paper_column("IOMMU", ""), paper_column("Reason", "")),
				rows, "");
	else
		json_decref(rows);
	json_decref(id);
	return o;
}

/* ---- recorded and replayed ---- */

static const json_t *row_of(const json_t *device, const char *iommu, const char *name)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(device, "rows"), i, row)
	{
		if (shown(row, iommu) && !strcmp(text(row, "name"), name))
			return row;
	}
	return NULL;
}

static void beside(json_t *rows, const char *what, double recorded, double replayed)
{
	json_array_append_new(rows, json_pack("[s, o, o]", what, paper_cell(0, recorded),
					      paper_cell(0, replayed)));
}

/* A lazy kernel's: why each came, as far as a probe says, and why it came here. */
static void add_flushes(json_t *rows, const json_t *recorded, const json_t *price)
{
	const double timer = value(price, "timer_flushes"), all = value(price, "flushes");
	const double unsaid = value(recorded, "unsaid_flushes");
	const double here = value(price, "unsaid_timer_flushes");
	const bool said = isfinite(value(recorded, "timer_flushes"));

	beside(rows, "flushes of the domain", value(recorded, "flushes"), all);
	beside(rows, "of these, by the timer", value(recorded, "timer_flushes"),
	       said ? timer - here : timer);
	beside(rows, "of these, by a full ring", value(recorded, "ring_flushes"), all - timer);
	if (said && unsaid > 0)
		beside(rows, "of these, no probe says why", unsaid, here);
}

static void add_beside(json_t *rows, const json_t *device)
{
	const json_t *recorded = json_object_get(device, "recorded");
	const bool strict = !strcmp(text(recorded, "mode"), "strict");
	const json_t *row = row_of(device, "vtd", strict ? "strict" : "flush-queue");

	if (!row || !json_is_object(recorded))
		return;
	if (strict) {
		beside(rows, "invalidations of a range", value(recorded, "invalidations"),
		       value(row, "price.invalidations"));
		return;
	}
	add_flushes(rows, recorded, json_object_get(row, "price"));
}

/* What the table needs said: lists, and of a lazy kernel where its timer and rings come from. */
static json_t *beside_words(const json_t *device)
{
	const json_t *recorded = json_object_get(device, "recorded");
	const json_t *row = row_of(device, "vtd", "flush-queue");
	const double queued = value(recorded, "queued_before");
	const double steps = value(row, "price.step_flushes");
	const char *list = "A list has one range and is invalidated at once, there and here.";
	json_t *rings, *between, *o;

	if (strcmp(text(recorded, "mode"), "lazy") != 0)
		return json_string(list);
	rings = isfinite(queued)
			? json_sprintf("%.0f unmaps waited in the ring that was full first when "
				       "the recording began: learnt from that flush",
				       queued)
			: json_string("What waited in rings when the recording began went with the "
				      "first flush, whatever it was");
	between = steps > 0 ? json_sprintf(" Between steps of the recording, of which nothing is "
					   "known, all that waits goes with one flush more: %.0f "
					   "of these, not counted here.",
					   steps)
			    : json_string("");
	o = json_sprintf("%s timer=recorded: under flush-queue the timer goes off where the "
			 "kernel's did; when a ring is full is ours to find out. A flush of which "
			 "no probe says why is the timer's here unless our ring was full. %s.%s "
			 "Timers of other strategies go off by their own rules, at ticks 4 ms "
			 "apart.",
			 list, json_string_value(rings), json_string_value(between));
	json_decref(rings);
	json_decref(between);
	return o;
}

/* Of the IOMMU whose descriptors are recorded; NULL if it was not replayed with. */
static json_t *recorded_table(const json_t *device)
{
	json_t *rows = json_array(), *o, *id, *words;

	add_beside(rows, device);
	if (!json_array_size(rows)) {
		json_decref(rows);
		return NULL;
	}
	id = json_sprintf("recorded-%s", text(device, "name"));
	words = beside_words(device);
	o = paper_table(json_string_value(id), "What the kernel told VT-d, and the replay ours",
			json_pack("[o, o, o]", paper_column("What", ""),
				  paper_column("Recorded", "times"),
				  paper_column("Replayed", "times")),
			rows, json_string_value(words));
	json_decref(id);
	json_decref(words);
	return o;
}

/* ---- the figure ---- */

static json_t *figure(const json_t *device, const char *iommu, const json_t *command)
{
	json_t *series = json_array(), *row;
	size_t i;

	json_array_foreach(json_object_get(device, "rows"), i, row)
	{
		const double x = value(row, "price.us_per_pair");
		const double y = value(row, "safety.unasked_bytes_mean");

		if (shown(row, iommu) && isfinite(x) && isfinite(y))
			json_array_append_new(series, json_pack("{s:s, s:b, s:[{s:f, s:f}]}",
								"name", text(row, "name"), "front",
								is(row, "pareto"), "points", "x", x,
								"y", y));
	}
	return json_pack("{s:o, s:o, s:s, s:s, s:s, s:s, s:O, s:o, s:s}", "id",
			 id_of("price", device, iommu), "title",
			 json_sprintf("%s through %s: what each strategy costs, and what it leaves "
				      "in reach",
				      text(device, "name"), iommu),
			 "kind", "scatter", "x_label",
			 "CPU time for one map and one unmap, microseconds", "y_scale", "log2",
			 "y_label", "Bytes in reach that no live request asked for, mean",
			 "command", command, "series", series, "note",
			 "Lower and further left is better. Filled points are on the Pareto front. "
			 "Exposure is of stale pages and of the rest of live ones; where addresses "
			 "are not translated it is all of memory.");
}

/* ---- the whole ---- */

static void append(json_t *list, json_t *table)
{
	if (table)
		json_array_append_new(list, table);
}

/* The IOMMUs replayed with, as keys in the order they were named. */
static json_t *iommus_of(const json_t *device)
{
	json_t *names = json_object(), *row;
	size_t i;

	json_array_foreach(json_object_get(device, "rows"), i, row)
		json_object_set_new(names, text(row, "iommu"), json_true());
	return names;
}

static json_t *section(const json_t *device, const json_t *command)
{
	json_t *tables = json_array(), *figures = json_array(), *iommus = iommus_of(device);
	json_t *unused;
	const char *iommu;

	json_object_foreach(iommus, iommu, unused)
	{
		append(tables, table(device, iommu));
		append(figures, figure(device, iommu, command));
	}
	append(tables, recorded_table(device));
	append(tables, refused(device));
	json_decref(iommus);
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "id", text(device, "name"), "title",
			 text(device, "name"), "words", what_if_words(device), "tables", tables,
			 "figures", figures);
}

static json_t *summary(const json_t *result)
{
	const json_t *r = json_object_get(result, "recording");
	const double unknown = value(r, "unknown_maps") + value(r, "unknown_unmaps");
	json_t *left = unknown > 0 ? json_sprintf(" Nothing says whose %.0f of them were: they are "
						  "left out.",
						  unknown)
				   : json_string("");
	json_t *o = json_sprintf(
		"%.0f maps and %.0f unmaps of %.3f s, replayed on %s, device by device, with each "
		"strategy of the DMA layer. %sTimes: %s. Accesses of the device: %s.%s",
		value(r, "maps"), value(r, "unmaps"), value(r, "span_s"), text(result, "profile"),
		!strcmp(text(r, "source"), "dma")
			? "Recorded are calls of the DMA API alone: each is taken for the pages "
			  "it touches. "
			: "",
		text(result, "pace"), text(result, "device_access_rule"), json_string_value(left));

	json_decref(left);
	return o;
}

json_t *what_if_document(const json_t *result, const json_t *command)
{
	json_t *sections = json_array(), *device;
	size_t i;

	json_array_foreach(json_object_get(result, "devices"), i, device)
		json_array_append_new(sections, section(device, command));
	return json_pack("{s:s, s:o, s:s, s:s, s:o, s:O, s:o, s:O}", "study", "what-if", "title",
			 json_sprintf("What if: %s", text(result, "trace")), "version",
			 text(result, "version"), "sut", text(result, "profile"), "summary",
			 summary(result), "command", command, "sections", sections, "what_if",
			 result);
}
