// SPDX-License-Identifier: MIT
/* A comparison as a document for pages and terminals: figure, tables, words and runs. */
#include <math.h>
#include <string.h>

#include "study/compare.h"
#include "study/paper_show.h"

static const char *text(const json_t *row, const char *key)
{
	const char *s = json_string_value(json_object_get(row, key));

	return s ? s : "";
}

static bool is(const json_t *row, const char *key)
{
	return json_is_true(json_object_get(row, key));
}

static double price(const json_t *row)
{
	return result_number(row, "cpu_per_kb_increase_percent");
}

/* What rounds to nothing has no sign but a plus. */
static double tidy(double percent)
{
	return fabs(percent) < 0.05 ? 0 : percent;
}

static const json_t *strategies(const json_t *comparison)
{
	return json_object_get(comparison, "strategies");
}

/* ---- the figure ---- */

json_t *compare_figure(const json_t *comparison, const json_t *command)
{
	json_t *series = json_array(), *row;
	size_t i;

	json_array_foreach(strategies(comparison), i, row)
	{
		const double y = result_number(row, "exposure.unasked_bytes_mean");

		if (!isfinite(price(row)) || !isfinite(y))
			continue;
		json_array_append_new(
			series, json_pack("{s:s, s:b, s:[{s:f, s:f, s:s}]}", "name",
					  text(row, "name"), "front", is(row, "pareto"), "points",
					  "x", price(row), "y", y, "run", text(row, "run")));
	}
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:O, s:o, s:s}", "id", "price-of-safety", "title",
		"What each strategy costs, and what it leaves in a device's reach", "kind",
		"scatter", "x_label", "CPU time per KiB moved: increase over no IOMMU, %",
		"y_scale", "log2", "y_label", "Bytes in reach that no live request asked for, mean",
		"command", command, "series", series, "note",
		"Lower and further left is better. Filled points are on the Pareto front: no other "
		"strategy is both cheaper and safer. Exposure is of stale pages and of the rest of "
		"live ones; where addresses are not translated it is all of memory.");
}

/* ---- tables ---- */

static const char table_note[] =
	"* on the Pareto front: no other strategy is both cheaper and safer. ! to show what goes "
	"wrong: takes no part. Stale: unmapped, and "
	"still in the device's reach, mean; window: for how long, of 99 in 100 that ended. "
	"Sub-page: the rest of mapped pages, mean. At rest: what entries lead to without a live "
	"request, mean. Attacks: of all that a rogue device tried in a run of its own, what "
	"reached memory that nobody gave it. In brackets: an allocator that is not the scenario's "
	"own, which does not "
	"go with this strategy.";

static json_t *kib(const json_t *row, const char *path)
{
	return paper_cell(1, result_number(row, path) / 1024);
}

/* With the allocator that serves it, if that is not the scenario's own. */
static json_t *named(const json_t *row, const char *allocator)
{
	const bool other = strcmp(text(row, "allocator"), allocator) != 0;

	return json_sprintf("%s%s%s%s%s", text(row, "name"), other ? " (" : "",
			    other ? text(row, "allocator") : "", other ? ")" : "",
			    is(row, "pareto")          ? " *"
			    : is(row, "demonstration") ? " !"
						       : "");
}

static json_t *stale(const json_t *row)
{
	return is(json_object_get(row, "exposure"), "untranslated")
		       ? json_string("everything")
		       : kib(row, "exposure.stale_bytes_mean");
}

/* The first row that was attacked; its kinds are everybody's. */
static const json_t *kinds_of(const json_t *comparison)
{
	const json_t *row, *attacks;
	size_t i;

	json_array_foreach(strategies(comparison), i, row)
	{
		attacks = json_object_get(row, "attacks");
		if (json_object_size(attacks))
			return attacks;
	}
	return NULL;
}

static json_t *landed(const json_t *row)
{
	return paper_cell(1, 100 * result_number(row, "attacks_succeeded_fraction"));
}

static json_t *cells(const json_t *row, const char *allocator)
{
	return json_pack("[o, o, o, o, o, o, o, o]", named(row, allocator),
			 paper_cell(1, result_number(row, "throughput_mbps")),
			 paper_cell(1, result_number(row, "cpu_percent")),
			 paper_signed(tidy(price(row))), stale(row),
			 paper_cell(1, result_number(row, "exposure.stale_us_p99")),
			 kib(row, "exposure.subpage_bytes_mean"),
			 kib(row, "exposure.reachable_at_rest_bytes"));
}

/* Is @a to be shown before @b: cheaper, or not refused as @b was? */
static bool before(const json_t *a, const json_t *b)
{
	return isfinite(price(a)) && (!isfinite(price(b)) || price(a) < price(b));
}

/* The rows in the order in which they are to be shown, equals as they come; borrowed references. */
static size_t ordered(const json_t *comparison, enum compare_order order,
		      const json_t *rows[COMPARE_MOST])
{
	const json_t *all = strategies(comparison);
	size_t n = 0;

	for (; n < json_array_size(all) && n < COMPARE_MOST; n++) {
		const json_t *row = json_array_get(all, n);
		size_t at = n;

		for (; order == COMPARE_PRICE && at && before(row, rows[at - 1]); at--)
			rows[at] = rows[at - 1];
		rows[at] = row;
	}
	return n;
}

static json_t *baseline_cells(const json_t *baseline)
{
	return json_pack("[s, o, o, s, s, s, s, s]", "no IOMMU",
			 paper_cell(1, result_number(baseline, "throughput_mbps")),
			 paper_cell(1, result_number(baseline, "cpu_percent")), "-", "everything",
			 "-", "-", "-");
}

static void add_attacks_column(json_t *columns, json_t *rows, const json_t *const shown[], size_t n)
{
	size_t at = 0;

	json_array_append_new(columns, paper_column("Attacks", "% good"));
	json_array_append_new(json_array_get(rows, at++), json_string("-"));
	for (size_t i = 0; i < n; i++)
		if (is(shown[i], "applies"))
			json_array_append_new(json_array_get(rows, at++), landed(shown[i]));
}

json_t *compare_table(const json_t *comparison, enum compare_order order)
{
	const json_t *shown[COMPARE_MOST];
	const size_t n = ordered(comparison, order, shown);
	const char *allocator = text(comparison, "allocator");
	json_t *rows = json_array();
	json_t *columns =
		json_pack("[o, o, o, o, o, o, o, o]", paper_column("Strategy", ""),
			  paper_column("Payload", "Mb/s"), paper_column("CPU", "%"),
			  paper_column("CPU/KiB", "change %"), paper_column("Stale", "KiB"),
			  paper_column("Window", "us p99"), paper_column("Sub-page", "KiB"),
			  paper_column("At rest", "KiB"));

	json_array_append_new(rows, baseline_cells(json_object_get(comparison, "baseline")));
	for (size_t i = 0; i < n; i++)
		if (is(shown[i], "applies"))
			json_array_append_new(rows, cells(shown[i], allocator));
	if (kinds_of(comparison))
		add_attacks_column(columns, rows, shown, n);
	return paper_table("strategies", "Price and exposure", columns, rows, table_note);
}

json_t *compare_refused_table(const json_t *comparison)
{
	json_t *rows = json_array(), *row;
	size_t i;

	json_array_foreach(strategies(comparison), i, row) if (!is(row, "applies"))
		json_array_append_new(rows,
				      json_pack("[s, s]", text(row, "name"), text(row, "reason")));
	if (json_array_size(rows))
		return paper_table("not-built", "Not to be run here",
				   json_pack("[o, o]", paper_column("Strategy", ""),
					     paper_column("Reason", "")),
				   rows, "");
	json_decref(rows);
	return NULL;
}

static json_t *attacks_cells(const json_t *row, const json_t *kinds)
{
	json_t *cells = json_pack("[s]", text(row, "name")), *unused;
	const json_t *attacks = json_object_get(row, "attacks");
	const char *name;

	json_object_foreach((json_t *)(uintptr_t)kinds, name, unused)
	{
		const json_t *kind = json_object_get(attacks, name);
		const double tried = result_number(kind, "attempted");

		json_array_append_new(
			cells,
			paper_cell(1, tried > 0 ? 100 * result_number(kind, "succeeded") / tried
						: (double)NAN));
	}
	return cells;
}

json_t *compare_attacks_table(const json_t *comparison)
{
	const json_t *kinds = kinds_of(comparison);
	json_t *columns, *rows, *row, *unused;
	const char *name;
	size_t i;

	if (!kinds)
		return NULL;
	columns = json_pack("[o]", paper_column("Strategy", ""));
	rows = json_array();
	json_object_foreach((json_t *)(uintptr_t)kinds, name, unused)
		json_array_append_new(columns, paper_column(name, "% good"));
	json_array_foreach(strategies(comparison), i, row)
	{
		if (is(row, "applies"))
			json_array_append_new(rows, attacks_cells(row, kinds));
	}
	return paper_table("attacks", "What a rogue device got, by kind of attack", columns, rows,
			   "Of the attempts of each kind: how many reached memory that, at that "
			   "instant, no live request gave to the device for such an access.");
}

/* ---- words ---- */

static const json_t *row_named(const json_t *comparison, const char *name)
{
	const json_t *row;
	size_t i;

	json_array_foreach(strategies(comparison), i, row) if (!strcmp(text(row, "name"), name) &&
							       is(row, "applies")) return row;
	return NULL;
}

static json_t *without_stale(const json_t *comparison)
{
	const json_t *row = row_named(comparison, text(comparison, "cheapest_without_stale"));

	if (!row)
		return json_string("Under each of these an unmapped buffer can still be reached.");
	return json_sprintf(
		"The cheapest under which an unmapped buffer is out of reach at once is "
		"%s: %+.1f %% CPU time per KiB, %+.1f %% throughput.",
		text(row, "name"), tidy(price(row)),
		tidy(result_number(row, "throughput_change_percent")));
}

static json_t *on_front(const json_t *comparison)
{
	const json_t *row = row_named(comparison, text(comparison, "cheapest_on_front"));

	if (!row)
		return json_string("None of those on the front translates anything.");
	return json_sprintf("The cheapest on the front that protects at all is %s: %+.1f %%, with "
			    "%.1f KiB in reach that no live request asked for.",
			    text(row, "name"), tidy(price(row)),
			    result_number(row, "exposure.unasked_bytes_mean") / 1024);
}

json_t *compare_words(const json_t *comparison)
{
	const json_t *strict = row_named(comparison, "strict");
	json_t *words = json_array();

	json_array_append_new(words, without_stale(comparison));
	json_array_append_new(words, on_front(comparison));
	if (strict)
		json_array_append_new(
			words,
			json_sprintf("strict costs %+.1f %% CPU time per KiB and %+.1f %% "
				     "throughput.",
				     tidy(price(strict)),
				     tidy(result_number(strict, "throughput_change_percent"))));
	return words;
}

/* ---- the whole ---- */

static json_t *summary(const struct compare *c)
{
	return json_sprintf(
		"Scenario %s on %s, once without an IOMMU and once with %s (%s) for each strategy "
		"of "
		"the DMA layer. Everything else is the same, the seed included.",
		c->scenario, c->sut, c->iommu, c->own ? "the machine's own" : "as set");
}

static json_t *runs(const struct study *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->count; i++)
		if (s->point[i].result)
			json_array_append(list, s->point[i].result);
	return list;
}

json_t *compare_document(const struct compare *c, const json_t *comparison,
			 enum compare_order order, const json_t *command)
{
	json_t *refused = compare_refused_table(comparison);
	json_t *attacks = compare_attacks_table(comparison);
	json_t *tables = json_pack("[o]", compare_table(comparison, order));

	if (refused)
		json_array_append_new(tables, refused);
	if (attacks)
		json_array_append_new(tables, attacks);
	return json_pack("{s:s, s:o, s:s, s:I, s:s, s:s, s:o, s:O, s:[o], s:o, s:o, s:O, s:o}",
			 "study", "compare", "title",
			 json_sprintf("The price of safety: %s through %s", c->scenario, c->iommu),
			 "version", IOTOLL_VERSION, "seed", (json_int_t)c->seed, "sut", c->sut,
			 "client", c->client, "summary", summary(c), "command", command, "figures",
			 compare_figure(comparison, command), "tables", tables, "words",
			 compare_words(comparison), "comparison", comparison, "runs",
			 runs(c->study));
}
