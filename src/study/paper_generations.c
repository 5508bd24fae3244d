/* SPDX-License-Identifier: MIT */
/* Three generations of machines and links: their runs, their figures, and how ranks change. */
#include "study/paper_generations.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/compare.h"
#include "study/paper_show.h"

/*
 * How long each runs is a compromise: all of them are to take a minute or two. What another seed
 * changes is measured and told beside them. At 100 Gb/s an interval must be long against the third
 * of a millisecond's worth of data that can wait in eight windows of 512 KiB as it begins.
 */
const struct paper_generation paper_generations[PAPER_GENERATIONS] = {
	{"gigabit",
	 "2007",
	 "1 Gb/s",
	 "bare-metal",
	 {"run.warmup=30 ms", "run.duration=100 ms", "rogue.interval=20 us", NULL}},
	{"40-gigabit",
	 "2016",
	 "40 Gb/s",
	 "stream",
	 {"run.duration=20 ms", "rogue.interval=5 us", NULL}},
	{"100-gigabit",
	 "2021",
	 "100 Gb/s",
	 "stream",
	 {"sut.profile=icelake-2021", "link.rate=100 Gb/s", "mqnic.queues=8", "load.streams=8",
	  "run.warmup=5 ms", "run.duration=30 ms", "rogue.interval=10 us", NULL}},
};

/* ---- points ---- */

static int read_base(struct scenario *base, const struct paper_generation *g, uint64_t seed,
		     struct err *err)
{
	char set[48];
	int rc = scenario_init(base);

	if (rc)
		return err_set(err, rc, "no memory");
	rc = scenario_read(base, g->scenario, err);
	for (const char *const *s = g->set; *s && !rc; s++)
		rc = scenario_set(base, *s, err);
	snprintf(set, sizeof(set), "run.seed=%llu", (unsigned long long)seed);
	return rc ? rc : scenario_set(base, set, err);
}

/* @again: the same with another seed and without attacks. */
static int join(struct paper *p, int which, bool again, struct err *err)
{
	const struct paper_generation *g = &paper_generations[which];
	struct scenario base = {0};
	char prefix[24];
	int rc = read_base(&base, g, p->seed + again, err);

	snprintf(prefix, sizeof(prefix), "%s/%s", g->id, again ? "seed2/" : "");
	if (!rc)
		rc = compare_join(&p->comparison[2 * which + again], &p->study, prefix, &base,
				  "all", again ? "none" : "all", err);
	scenario_fini(&base);
	return rc ? err_prefix(err, rc, "%s: ", g->id) : 0;
}

int paper_generations_points(struct paper *p, struct err *err)
{
	int rc = 0;

	p->comparison = calloc(2 * PAPER_GENERATIONS, sizeof(*p->comparison));
	if (!p->comparison)
		return err_set(err, -ENOMEM, "no memory");
	for (int i = 0; i < PAPER_GENERATIONS && !rc; i++) {
		rc = join(p, i, false, err);
		if (!rc)
			rc = join(p, i, true, err);
	}
	return rc;
}

void paper_generations_fini(struct paper *p)
{
	for (int i = 0; p->comparison && i < 2 * PAPER_GENERATIONS; i++)
		compare_fini(&p->comparison[i]);
	free(p->comparison);
	p->comparison = NULL;
}

/* ---- ranks ---- */

/* One strategy's places, a generation each; rank 0: it has none there. */
struct ranks {
	const char *name;
	unsigned rank[2 * PAPER_GENERATIONS]; /* as compared: each with its second seed */
	const json_t *row[2 * PAPER_GENERATIONS];
};

static double price(const json_t *row)
{
	return result_number(row, "cpu_per_kb_increase_percent");
}

/* Takes part: it was run, translates, and is meant to be used. */
static bool ranked(const json_t *row)
{
	return json_is_true(json_object_get(row, "applies")) &&
	       !json_is_true(json_object_get(row, "demonstration")) &&
	       !json_is_true(json_object_get(json_object_get(row, "exposure"), "untranslated")) &&
	       isfinite(price(row));
}

/* 1 is the cheapest; equals share a place. */
static unsigned rank_of(const json_t *rows, const json_t *row)
{
	const json_t *other;
	unsigned rank = 1;
	size_t i;

	if (!ranked(row))
		return 0;
	json_array_foreach((json_t *)(uintptr_t)rows, i, other) rank +=
		ranked(other) && price(other) < price(row);
	return rank;
}

/* Every comparison has the same rows, those of the registry. */
static size_t find_ranks(json_t *const results[2 * PAPER_GENERATIONS],
			 struct ranks out[COMPARE_MOST])
{
	size_t n = 0;

	for (int k = 0; k < 2 * PAPER_GENERATIONS; k++) {
		const json_t *rows = json_object_get(results[k], "strategies");

		n = json_array_size(rows);
		for (size_t i = 0; i < n && i < COMPARE_MOST; i++) {
			const json_t *row = json_array_get(rows, i);

			out[i].name = json_string_value(json_object_get(row, "name"));
			out[i].row[k] = row;
			out[i].rank[k] = rank_of(rows, row);
		}
	}
	return n;
}

static json_t *rank_cell(const struct ranks *r, int generation)
{
	const unsigned rank = r->rank[2 * generation], again = r->rank[2 * generation + 1];

	if (!rank)
		return json_string("-");
	return json_sprintf("%u%s%s", rank, again != rank ? "~" : "",
			    json_is_true(json_object_get(r->row[2 * generation], "pareto")) ? " *"
											    : "");
}

static json_t *rank_row(const struct ranks *r)
{
	json_t *cells = json_pack("[s]", r->name);

	for (int g = 0; g < PAPER_GENERATIONS; g++) {
		const json_t *row = r->row[2 * g];

		json_array_append_new(cells, rank_cell(r, g));
		json_array_append_new(cells, paper_signed(price(row)));
		json_array_append_new(
			cells, paper_signed(result_number(row, "throughput_change_percent")));
	}
	return cells;
}

static json_t *rank_table(const struct ranks *ranks, size_t n)
{
	json_t *columns = json_pack("[o]", paper_column("Strategy", "")), *rows = json_array();

	for (int g = 0; g < PAPER_GENERATIONS; g++) {
		json_array_append_new(columns, paper_column(paper_generations[g].year,
							    paper_generations[g].rate));
		json_array_append_new(columns, paper_column("CPU/KiB", "%"));
		json_array_append_new(columns, paper_column("Payload", "%"));
	}
	for (size_t i = 0; i < n; i++)
		if (ranks[i].rank[0] || ranks[i].rank[2] || ranks[i].rank[4])
			json_array_append_new(rows, rank_row(&ranks[i]));
	return paper_table("ranks", "Who is cheapest, from one generation to the next", columns,
			   rows,
			   "Under the year the rank: 1 is the least CPU time for each KiB, of the "
			   "strategies that do not open all of memory. Then what that and the "
			   "payload change against no IOMMU. ~ has another rank with another seed. "
			   "* on the Pareto "
			   "front: no other is both cheaper and safer. -: cannot be built there.");
}

/* ---- words ---- */

/* How far another seed moves prices: the median, and the most and whose it is. */
static json_t *steadiness(const struct ranks *ranks, size_t n, int generation)
{
	double moved[COMPARE_MOST], most = 0;
	const char *whose = "-";
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		const double by = fabs(price(ranks[i].row[2 * generation]) -
				       price(ranks[i].row[2 * generation + 1]));

		if (!ranks[i].rank[2 * generation] || !isfinite(by))
			continue;
		if (by >= most) {
			most = by;
			whose = ranks[i].name;
		}
		moved[count++] = by;
	}
	if (!count)
		return json_string("No strategy could be run here.");
	/* The smaller half's last. */
	for (size_t i = 1; i < count; i++)
		for (size_t k = i; k && moved[k] < moved[k - 1]; k--) {
			const double x = moved[k];

			moved[k] = moved[k - 1];
			moved[k - 1] = x;
		}
	return json_sprintf("Another seed moves a price by %.1f points (median of the strategies) "
			    "and by %.1f at the most (%s).",
			    moved[(count - 1) / 2], most, whose);
}

/* Is it in generation @from and in the next? */
static bool in_both(const struct ranks *r, int from)
{
	return r->rank[2 * from] && r->rank[2 * from + 2];
}

/* Rank in @generation among those that are in @from and the next: who joins moves nobody. */
static unsigned rank_among(const struct ranks *ranks, size_t n, size_t which, int generation,
			   int from)
{
	const double mine = price(ranks[which].row[2 * generation]);
	unsigned rank = 1;

	for (size_t i = 0; i < n; i++)
		rank += in_both(&ranks[i], from) && price(ranks[i].row[2 * generation]) < mine;
	return rank;
}

/* How many places strategies move from @from to the next generation, of those that are in both. */
static json_t *change(const struct ranks *ranks, size_t n, int from)
{
	unsigned both = 0, moved = 0, most = 0;
	const char *whose = "-";

	for (size_t i = 0; i < n; i++) {
		unsigned a, b, by;

		if (!in_both(&ranks[i], from))
			continue;
		a = rank_among(ranks, n, i, from, from);
		b = rank_among(ranks, n, i, from + 1, from);
		by = a > b ? a - b : b - a;
		both++;
		moved += by != 0;
		if (by > most) {
			most = by;
			whose = ranks[i].name;
		}
	}
	return json_sprintf("From %s to %s %u of %u strategies change their rank among those that "
			    "are in both; furthest goes %s, by %u.",
			    paper_generations[from].year, paper_generations[from + 1].year, moved,
			    both, whose, most);
}

/* ---- one generation ---- */

static json_t *command(const struct paper *p, const struct paper_generation *g)
{
	json_t *list = json_pack("[s, s, s]", "iotoll", "compare", g->scenario);

	for (const char *const *s = g->set; *s; s++) {
		json_array_append_new(list, json_string("--set"));
		json_array_append_new(list, json_string(*s));
	}
	json_array_append_new(list, json_string("--set"));
	json_array_append_new(list, json_sprintf("run.seed=%llu", (unsigned long long)p->seed));
	return list;
}

/* Ids of figures and tables are unique in the document. */
static json_t *renamed(json_t *part, const char *what, const struct paper_generation *g)
{
	json_object_set_new(part, "id", json_sprintf("%s-%s", what, g->id));
	json_object_set_new(part, "title",
			    json_sprintf("%s, %s: %s", g->year, g->rate,
					 json_string_value(json_object_get(part, "title"))));
	return part;
}

static json_t *part(const struct paper *p, int which, const json_t *comparison, json_t *steady)
{
	const struct paper_generation *g = &paper_generations[which];
	const struct compare *c = &p->comparison[2 * which];
	json_t *arguments = command(p, g), *words = compare_words(comparison);
	json_t *figure = renamed(compare_figure(comparison, arguments), "price", g);
	json_t *table = renamed(compare_table(comparison, COMPARE_PRICE), "strategies", g);
	json_t *refused = compare_refused_table(comparison);
	json_t *tables = json_pack("[o]", table);

	if (which) /* said once */
		json_object_set_new(table, "note", json_string(""));
	if (refused)
		json_array_append_new(tables, renamed(refused, "not-built", g));
	json_array_insert_new(
		words, 0,
		json_sprintf("Scenario %s on %s with %s: the interval is %.0f ms.", g->scenario,
			     c->sut, c->iommu,
			     1e3 * result_number(study_result(&p->study,
							      json_string_value(json_object_get(
								      json_object_get(comparison,
										      "baseline"),
								      "run"))),
						 "elapsed_s")));
	json_array_append_new(words, steady);
	json_decref(arguments);
	return json_pack("{s:s, s:o, s:o, s:[o], s:o}", "id", g->id, "title",
			 json_sprintf("%s, %s", g->year, g->rate), "words", words, "figures",
			 figure, "tables", tables);
}

/* ---- the section ---- */

static const char lead[] =
	"The paper's question asked again of later machines: every strategy of the DMA layer on "
	"the "
	"paper's own machine, and on one of 2016 and one of 2021 with the multi-queue NIC and "
	"segments instead of a TCP stack. What a strategy costs, in CPU time for each KiB (which "
	"counts lost throughput, too) and in throughput, against the same machine without an "
	"IOMMU; "
	"and what it leaves in a device's reach.";

static json_t *section(const struct paper *p, json_t *const results[2 * PAPER_GENERATIONS])
{
	struct ranks ranks[COMPARE_MOST] = {0};
	const size_t n = find_ranks(results, ranks);
	json_t *words = json_pack("[s]", lead), *parts = json_array();

	for (int g = 0; g + 1 < PAPER_GENERATIONS; g++)
		json_array_append_new(words, change(ranks, n, g));
	for (int g = 0; g < PAPER_GENERATIONS; g++)
		json_array_append_new(parts, part(p, g, results[2 * g], steadiness(ranks, n, g)));
	return json_pack("{s:s, s:s, s:o, s:[o], s:o}", "id", "generations", "title",
			 "Three generations", "words", words, "tables", rank_table(ranks, n),
			 "parts", parts);
}

json_t *paper_generations_section(const struct paper *p, struct err *err)
{
	json_t *results[2 * PAPER_GENERATIONS] = {NULL}, *out = NULL;
	bool there = true;

	for (int i = 0; i < 2 * PAPER_GENERATIONS && there; i++) {
		results[i] = compare_result(&p->comparison[i], err);
		there = results[i] != NULL;
	}
	if (there)
		out = section(p, results);
	for (int i = 0; i < 2 * PAPER_GENERATIONS; i++)
		json_decref(results[i]);
	return out;
}
