/* SPDX-License-Identifier: MIT */
/*
 * Which function was charged what in a run: the path of one packet, or one request to the disk, in
 * simulated cycles. Run by make ledger, which builds it with its hooks:
 *
 *	make ledger ARGS='domu iommu.model=calgary platform.receive=copy'
 *
 * Usage: ledger [--per FIELD] [--least CYCLES] SCENARIO [SECTION.KEY=VALUE ...]
 *
 * Every figure is the mean over the measured interval: charges divided by FIELD, a number of the
 * result (link.frames_to_sut; of a load on the disk disk.commands). What a batch costs is so shared
 *out among the packets in it. Paths below CYCLES, 20 if not given, are part of their callers; "a >
 *b" is a function that does little but call the next.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "ledger_symbols.h"
#include "study/run.h"
#include "study/study.h"

#define COLUMNS 8 /* of a line: categories of which a path's charges are more than a trace */

struct args {
	const char *per, *scenario;
	double least;
	char **sets;
};

struct scale {
	double units; /* frames */
	double mhz;
	double least;
};

static double cycles(const struct scale *scale, uint64_t ps)
{
	return (double)ps * scale->mhz / 1e6 / scale->units;
}

static uint64_t total(const struct ledger_node *n, uint64_t ps[CHARGE_COUNT])
{
	uint64_t all = 0;

	for (unsigned i = 0; i < CHARGE_COUNT; i++)
		ps[i] += n->ps[i];
	for (const struct ledger_node *c = n->child; c; c = c->next)
		(void)total(c, ps);
	for (unsigned i = 0; i < CHARGE_COUNT; i++)
		all += ps[i];
	return all;
}

/* The dearest category first. */
static void print_categories(const struct scale *scale, const uint64_t ps[CHARGE_COUNT])
{
	bool done[CHARGE_COUNT] = {false};

	for (unsigned n = 0; n < COLUMNS; n++) {
		unsigned best = 0;

		for (unsigned i = 0; i < CHARGE_COUNT; i++)
			if (!done[i] && (done[best] || ps[i] > ps[best]))
				best = i;
		if (done[best] || cycles(scale, ps[best]) < 0.5)
			return;
		done[best] = true;
		printf("%s%s %.0f", n ? ", " : "  ", charge_name((enum charge)best),
		       cycles(scale, ps[best]));
	}
}

static int dearest_first(const void *a, const void *b)
{
	uint64_t pa[CHARGE_COUNT] = {0}, pb[CHARGE_COUNT] = {0};
	const struct ledger_node *x = *(const struct ledger_node *const *)a;
	const struct ledger_node *y = *(const struct ledger_node *const *)b;
	const uint64_t ta = total(x, pa), tb = total(y, pb);

	return ta != tb ? (ta < tb) - (ta > tb) : strcmp(x->name, y->name);
}

/* The one function to which @n only leads: as often, for nearly all of its charges. */
static const struct ledger_node *led_to(const struct ledger_node *n, uint64_t all)
{
	for (const struct ledger_node *c = n->child; c; c = c->next) {
		uint64_t ps[CHARGE_COUNT] = {0};

		if (c->calls == n->calls && total(c, ps) >= all - all / 100)
			return c;
	}
	return NULL;
}

static int print_below(const struct scale *scale, const struct ledger_node *parent, int depth)
{
	const struct ledger_node **list;
	size_t count = 0, i = 0;
	int rc = 0;

	for (const struct ledger_node *n = parent->child; n; n = n->next)
		count++;
	list = calloc(count + 1, sizeof(const struct ledger_node *));
	if (!list)
		return -ENOMEM;
	for (const struct ledger_node *n = parent->child; n; n = n->next)
		list[i++] = n;
	qsort(list, count, sizeof(list[0]), dearest_first);
	for (i = 0; i < count && !rc; i++) {
		const struct ledger_node *n = list[i], *next;
		uint64_t ps[CHARGE_COUNT] = {0};
		const uint64_t all = total(n, ps);

		if (cycles(scale, all) < scale->least)
			break;
		printf("%9.0f %7.3f  %*s%s", cycles(scale, all), (double)n->calls / scale->units,
		       2 * depth, "", n->name);
		for (; (next = led_to(n, all)) != NULL; n = next)
			printf(" > %s", next->name);
		print_categories(scale, ps);
		putchar('\n');
		rc = print_below(scale, n, depth + 1);
	}
	free(list);
	return rc;
}

/* Whose CPU it is: domains stand in the result in the order of their CPUs. */
static const char *domain_of(const json_t *result, unsigned cpu)
{
	const json_t *domain;
	size_t i;

	json_array_foreach(json_object_get(json_object_get(result, "xen"), "domains"), i, domain)
	{
		const size_t vcpus = json_array_size(json_object_get(domain, "vcpus"));

		if (cpu < vcpus)
			return json_string_value(json_object_get(domain, "name"));
		cpu -= (unsigned)vcpus;
	}
	return "bare metal";
}

static int print(const struct args *a, const json_t *result)
{
	unsigned count;
	struct ledger_cpu *c = ledger_cpus(&count);
	const struct scale scale = {.units = result_number(result, a->per),
				    .mhz = result_number(result, "cpu_clock_mhz"),
				    .least = a->least};
	int rc = 0;

	if (!(scale.units >= 1)) {
		fprintf(stderr, "ledger: --per %s: expected a count of the result that is not 0\n",
			a->per);
		return -EINVAL;
	}
	printf("cycles of a %.0f MHz CPU, divided by %s = %.0f", scale.mhz, a->per, scale.units);
	if (result_number(result, "link.frames_to_client") > 0)
		printf("; link.frames_to_client = %.0f",
		       result_number(result, "link.frames_to_client"));
	for (unsigned i = 0; i < count && !rc; i++) {
		uint64_t ps[CHARGE_COUNT] = {0};

		printf("\n\n%s, CPU %u\n%9s %7s  %s\n%9.0f %7s  %s", domain_of(result, i), c[i].id,
		       "cycles", "calls", "function, and its cycles by category",
		       cycles(&scale, total(&c[i].root, ps)), "", "all");
		print_categories(&scale, ps);
		putchar('\n');
		rc = print_below(&scale, &c[i].root, 0);
		if (!ledger_complete(&c[i])) {
			fprintf(stderr, "ledger: charges without a function, or no hooks: build "
					"with make ledger\n");
			rc = -EINVAL;
		}
	}
	return rc;
}

static int run(const struct args *a, json_t **result, struct err *err)
{
	const struct run_options options = {0};
	struct scenario s;
	int rc = scenario_init(&s);

	if (!rc)
		rc = scenario_read(&s, a->scenario, err);
	for (char **set = a->sets; !rc && *set; set++)
		rc = scenario_set(&s, *set, err);
	if (!rc)
		rc = scenario_finish(&s, err);
	if (!rc)
		rc = run_scenario(&s, &options, result, err);
	scenario_fini(&s);
	return rc;
}

static bool take_args(struct args *a, char **argv)
{
	for (argv++; *argv && !strncmp(*argv, "--", 2); argv += 2) {
		char *end = NULL;

		if (!argv[1])
			return false;
		if (!strcmp(*argv, "--per"))
			a->per = argv[1];
		else if (!strcmp(*argv, "--least"))
			a->least = strtod(argv[1], &end);
		else
			return false;
		if (end && (*end || end == argv[1] || !(a->least >= 0)))
			return false;
	}
	a->scenario = *argv;
	a->sets = *argv ? argv + 1 : argv;
	return *argv != NULL;
}

int main(int argc, char **argv)
{
	struct args a = {.least = 20};
	struct err err = {{0}};
	json_t *result = NULL;
	int rc;

	(void)argc;
	if (!take_args(&a, argv)) {
		fprintf(stderr, "usage: ledger [--per FIELD] [--least CYCLES] SCENARIO "
				"[SECTION.KEY=VALUE ...]\n");
		return 2;
	}
	rc = symbols_load();
	if (rc)
		err_set(&err, rc, "no symbol table in this program");
	if (!rc)
		rc = run(&a, &result, &err);
	if (rc)
		fprintf(stderr, "ledger: %s\n", err.text);
	if (!rc && !a.per)
		a.per = result_number(result, "link.frames_to_sut") > 0 ? "link.frames_to_sut"
									: "disk.commands";
	if (!rc)
		rc = print(&a, result);
	json_decref(result);
	ledger_free();
	symbols_free();
	return rc ? 2 : 0;
}
