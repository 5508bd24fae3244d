/* SPDX-License-Identifier: MIT */
/* iotoll study: many runs in parallel, kept in a store, then tables, figures, claims and a page. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "report/claims.h"
#include "report/csv.h"
#include "report/study_text.h"
#include "report/study_write.h"
#include "study/evidence.h"
#include "study/paper.h"

struct args {
	const char *name;
	const char *out;
	const char *figures; /* "2,3"; NULL: all */
	const char *only;    /* "1.1,4.2"; NULL: all */
	struct cli_format format;
	uint64_t workers, seed;
	bool fresh;
	struct err err;
};

enum { OPT_FIGURES = 256, OPT_ONLY, OPT_OUT, OPT_FRESH, OPT_SEED };

static const struct argp_option options[] = {
	{"out", OPT_OUT, "DIR", 0, "where page, figures, tables and the store go (out/NAME)", 0},
	{"figures", OPT_FIGURES, "LIST", 0, "paper: show only these figures: 2,3 (all are written)",
	 0},
	{"only", OPT_ONLY, "LIST", 0, "evidence: only these predictions: 1.1,4.2", 0},
	{"format", 'f', "FORMAT", 0,
	 "text (default), json or csv (figures); with :FILE into a file", 0},
	{"jobs", 'j', "N", 0, "processes at a time (default: one a processor)", 0},
	{"seed", OPT_SEED, "N", 0, "seed of every run (default 1)", 0},
	{"fresh", OPT_FRESH, NULL, 0, "run again what the store already holds", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case OPT_OUT:
		a->out = arg;
		return 0;
	case OPT_FIGURES:
		a->figures = arg;
		return 0;
	case OPT_ONLY:
		a->only = arg;
		return 0;
	case 'f':
		return cli_take_format(&a->format, arg, &a->err);
	case 'j':
		return cli_take_number(&a->workers, "jobs", arg, 0, 256, &a->err);
	case OPT_SEED:
		return cli_take_number(&a->seed, "seed", arg, 0, INT64_MAX, &a->err);
	case OPT_FRESH:
		a->fresh = true;
		return 0;
	case ARGP_KEY_ARG:
		return cli_take_argument(&a->name, "study", arg, &a->err);
	case ARGP_KEY_NO_ARGS:
		return cli_take_argument(&a->name, "study (there are: paper, evidence)", NULL,
					 &a->err);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "STUDY",
	.doc = "Run a study. 'paper' is \"The Price of Safety\" (OLS 2007): figures 2 to 7, files "
	       "on a "
	       "disk, the claims behind them, and the strategies on three generations of "
	       "machines. 'evidence' holds what others published about "
	       "IOMMUs against what this laboratory measures, with a command for each figure. "
	       "Finished runs are kept in DIR/results.db: an "
	       "interrupted study goes on where it stopped."
	       "\vExamples:\n"
	       "  iotoll study paper\n"
	       "  iotoll study paper --figures 2,3 --out out/mine\n"
	       "  iotoll study paper --format json:paper.json\n"
	       "  iotoll study evidence\n"
	       "  iotoll study evidence --only 3.1,5.11 --format csv",
};

/* ---- output ---- */

static bool listed(const char *list, const char *id)
{
	const size_t length = strlen(id);

	for (const char *at = list; *at;) {
		const size_t n = strcspn(at, ",");

		if (n == length && !strncmp(at, id, n))
			return true;
		at += n + (at[n] == ',');
	}
	return false;
}

/* The document with only the figures that were asked for; a new reference. */
static json_t *selected(const json_t *document, const char *list)
{
	json_t *out = json_copy((json_t *)(uintptr_t)document), *figures = json_array(), *figure;
	size_t i;

	json_array_foreach(
		json_object_get(document, "figures"), i,
		figure) if (listed(list, json_string_value(json_object_get(figure, "id"))))
		json_array_append(figures, figure);
	json_object_set_new(out, "figures", figures);
	json_object_del(out, "sections"); /* these have figures of their own */
	return out;
}

/* Every name of the list must be a figure, and there must be one. */
static int check_figures(const char *list, struct err *err)
{
	const char *at = list;

	do {
		const size_t n = strcspn(at, ",");
		bool found = false;

		for (const char *const *id = paper_figure_ids; *id; id++)
			found = found || (strlen(*id) == n && !strncmp(*id, at, n));
		if (!found)
			return err_set(
				err, -EINVAL,
				"--figures %s: there is no figure '%.*s'; expected some of 2 to "
				"7, increase, strict, cycles",
				list, (int)n, at);
		at += n;
	} while (*at++ == ',');
	return 0;
}

static int print_text(FILE *out, const json_t *document, struct err *err)
{
	return study_text(out, document, json_string_value(json_object_get(document, "page")),
			  cli_width(), err);
}

static int print(struct args *a, json_t *document, report_writer csv)
{
	json_t *shown = a->figures ? selected(document, a->figures) : json_incref(document);
	char page[PATH_MAX];
	int rc;

	snprintf(page, sizeof(page), "%s/index.html", a->out);
	if (a->format.kind == FORMAT_TEXT)
		json_object_set_new(shown, "page", json_string(page));
	rc = cli_output(&a->format, shown, print_text, csv, &a->err);
	json_decref(shown);
	return rc;
}

/* ---- the studies ---- */

/* The page and its files, then what was asked for. */
static int show(struct args *a, json_t *document, report_writer csv)
{
	int rc = document ? 0 : a->err.text[0] ? -EIO : -ENOMEM;

	if (!rc && cli_stopped(NULL))
		rc = -EINTR;
	if (!rc)
		rc = report_study_write(a->out, document, &a->err);
	return rc ? rc : print(a, document, csv);
}

static int run_paper(struct args *a)
{
	json_t *document = NULL;
	struct paper paper;
	int rc = a->figures ? check_figures(a->figures, &a->err) : 0;

	if (!rc && a->only)
		rc = err_set(&a->err, -EINVAL, "--only goes with the study evidence");
	if (!rc)
		rc = cli_output_possible(&a->format, &a->err);
	if (!rc)
		rc = paper_init(&paper, a->seed, &a->err);
	if (rc)
		return rc;
	rc = cli_execute(&paper.study, a->out, a->fresh, (unsigned)a->workers, &a->err);
	if (!rc) {
		cli_progress("%s: experiments and claims", a->name);
		document = paper_document(&paper, &a->err);
		rc = show(a, document, report_study_csv);
	}
	json_decref(document);
	paper_fini(&paper);
	return rc;
}

static int run_evidence(struct args *a)
{
	json_t *document = NULL;
	struct evidence evidence;
	int rc = 0;

	if (a->figures)
		rc = err_set(&a->err, -EINVAL, "--figures goes with the study paper");
	if (!rc)
		rc = cli_output_possible(&a->format, &a->err);
	if (!rc)
		rc = evidence_init(&evidence, a->only, a->seed, &a->err);
	if (rc)
		return rc;
	rc = cli_execute(&evidence.study, a->out, a->fresh, (unsigned)a->workers, &a->err);
	if (!rc) {
		document = evidence_document(&evidence);
		rc = show(a, document, report_claim_figures_csv);
	}
	json_decref(document);
	evidence_fini(&evidence);
	return rc;
}

static const struct {
	const char *name;
	int (*run)(struct args *a);
} studies[] = {{"paper", run_paper}, {"evidence", run_evidence}};

int cli_study(int argc, char **argv)
{
	struct args a = {.format = {.kind = FORMAT_TEXT}, .seed = 1};
	int (*run)(struct args * a) = NULL;
	char out[64];
	int rc;

	rc = cli_parse(&argp, argc, argv, &a, &a.err);
	if (rc)
		return rc;
	for (size_t i = 0; i < sizeof(studies) / sizeof(studies[0]); i++)
		if (!strcmp(a.name, studies[i].name))
			run = studies[i].run;
	if (!run) {
		err_set(&a.err, -EINVAL, "study: '%s' is not a study; there are: paper, evidence",
			a.name);
		return cli_fail(-EINVAL, &a.err);
	}
	if (!a.out) {
		snprintf(out, sizeof(out), "out/%s", a.name);
		a.out = out;
	}
	cli_catch_signals();
	rc = run(&a);
	return rc ? cli_fail(rc, &a.err) : CLI_OK;
}
