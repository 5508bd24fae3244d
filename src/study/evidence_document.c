/* SPDX-License-Identifier: MIT */
/* The document of the study "evidence": every prediction with its figures, as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/evidence_impl.h"
#include "study/paper_claims.h"

static const char summary[] =
	"What was measured by others, on other machines and with other IOMMUs, as predictions for "
	"this laboratory. Its profiles say what single events cost, a cache miss, a register "
	"access, the copy of a line; what follows from them is held here against what was printed. "
	"A command stands beside each figure. The verdict is that of the profiles' numbers as they "
	"are; whether it is the same with all estimates at their low and at their high ends, and "
	"with two other seeds, is said with each. Where a cost in a profile is from the very "
	"source, the row says so. What does not hold is not mended by turning a number.";

static const char *const grades[] = {
	[GRADE_TEXT] = "text or table",
	[GRADE_DRAWN] = "read off a figure, 10 % or worse",
	[GRADE_ABSTRACT] = "from its abstract",
	[GRADE_MAIL] = "an informal measurement in a commit or mail",
	[GRADE_CITED] = "as quoted by another paper",
};

/* ---- figures ---- */

static double of_run(const struct evidence *e, const char *run, const char *tail,
		     const char *metric)
{
	char id[96];
	const json_t *result;

	snprintf(id, sizeof(id), "%s%s", run, tail);
	result = study_result(&e->study, id);
	return result ? evidence_metric_of(evidence_metric_find(metric), result) : (double)NAN;
}

static double value_of(const struct evidence *e, const struct evidence_figure *f, const char *tail)
{
	const double value = of_run(e, f->run, tail, f->metric);

	return f->by ? value / of_run(e, f->by, tail, f->metric) : value;
}

/* false if one of the figures is no number. */
static bool values_of(const struct evidence *e, const struct prediction *p, const char *tail,
		      double *value)
{
	bool all = true;

	for (size_t i = 0; i < evidence_figures(p); i++) {
		value[i] = value_of(e, &p->figure[i], tail);
		all = all && isfinite(value[i]);
	}
	return all && evidence_figures(p);
}

struct printed {
	char text[32];
};

/* Three digits, and integers as they are. */
static struct printed print(double value)
{
	struct printed p;

	if (fabs(value) >= 100)
		snprintf(p.text, sizeof(p.text), "%.0f", value);
	else
		snprintf(p.text, sizeof(p.text), "%.3g", value);
	return p;
}

/* The command that gives the result of @run; new reference. */
static json_t *command(const struct evidence *e, const struct evidence_run *run)
{
	json_t *list = json_pack("[s, s, s]", "iotoll", run->lab ? "iotlb" : "run", run->scenario);
	const char *text = run->sets;
	char word[96];

	while (evidence_word(&text, word, sizeof(word))) {
		json_array_append_new(list, json_string("--set"));
		json_array_append_new(list, json_string(word));
	}
	if (e->seed != 1) {
		json_array_append_new(list, json_string("--set"));
		json_array_append_new(list,
				      json_sprintf("run.seed=%llu", (unsigned long long)e->seed));
	}
	for (text = run->lab ? run->lab : ""; evidence_word(&text, word, sizeof(word));)
		json_array_append_new(list, json_string(word));
	json_array_append_new(list, json_string("--format"));
	json_array_append_new(list, json_string("json"));
	return list;
}

static json_t *figure(const struct evidence *e, const struct evidence_figure *f, double value)
{
	const struct evidence_metric *m = evidence_metric_find(f->metric);
	char *field = evidence_metric_text(m);
	json_t *out = json_pack("{s:s, s:o, s:s, s:o, s:s, s:b, s:o}", "what", f->what, "value",
				isfinite(value) ? json_real(value) : json_null(), "unit",
				f->by ? "times" : m->unit, "published",
				f->published < 0 ? json_null() : json_real(f->published), "field",
				field ? field : "", "judged", !f->aside, "command",
				command(e, evidence_run_find(f->run)));

	free(field);
	if (f->by)
		json_object_set_new(out, "by", command(e, evidence_run_find(f->by)));
	return out;
}

static json_t *figures(const struct evidence *e, const struct prediction *p, const double *value)
{
	json_t *list = json_array();

	for (size_t i = 0; i < evidence_figures(p); i++)
		json_array_append_new(list, figure(e, &p->figure[i], value[i]));
	return list;
}

static void say(struct claim_result *r, const struct prediction *p, const double *value)
{
	for (size_t i = 0; i < evidence_judged(p); i++)
		claim_say(r, "%s%s %s", i ? "; " : "", p->figure[i].what, print(value[i]).text);
}

/* What the source prints: its words, and its numbers. */
static json_t *published(const struct prediction *p)
{
	char text[1024];
	size_t used;
	const char *gap = "";

	snprintf(text, sizeof(text), "%s", p->published ? p->published : "");
	used = strlen(text);
	gap = used ? ": " : "";
	for (size_t i = 0; i < evidence_judged(p) && used < sizeof(text); i++) {
		if (p->figure[i].published < 0)
			continue;
		snprintf(text + used, sizeof(text) - used, "%s%s %s", gap, p->figure[i].what,
			 print(p->figure[i].published).text);
		used = strlen(text);
		gap = "; ";
	}
	return json_string(text);
}

/* ---- judging ---- */

static enum verdict judge(const struct evidence *e, const struct prediction *p, const char *tail)
{
	double value[EVIDENCE_FIGURES];

	if (!values_of(e, p, tail, value))
		return VERDICT_NOT_TESTED;
	return p->holds(p, value) ? VERDICT_HOLDS : VERDICT_FAILS;
}

/* With the estimates at their ends, and with other seeds. */
static json_t *ends(const struct evidence *e, const struct prediction *p)
{
	json_t *out = json_object();

	for (const struct evidence_end *end = evidence_ends + 1; end->tail; end++)
		json_object_set_new(out, end->name,
				    json_string(paper_verdicts[judge(e, p, end->tail)]));
	return out;
}

static json_t *why(const struct prediction *p, enum verdict verdict, const double *value)
{
	if (verdict == VERDICT_NOT_TESTED)
		return json_string(p->pending ? p->pending : "a figure is missing in a result");
	if (verdict != VERDICT_FAILS)
		return json_string("");
	if (!p->because)
		return json_string("Why is open.");
	if (p->explained && !p->explained(p, value))
		return json_string("Why is open: the reason that was written down does not go with "
				   "these figures.");
	return json_string(p->because);
}

static json_t *claim(const struct evidence *e, const struct prediction *p, const char *group)
{
	struct claim_result r = {.verdict = judge(e, p, "")};
	double value[EVIDENCE_FIGURES];
	char source[512];
	const struct claim c = {.id = p->id, .text = p->text, .source = source, .rule = p->rule};
	json_t *out;

	snprintf(source, sizeof(source), "%s; %s", p->paper, grades[p->grade]);
	claim_note(&r, "%s", p->note ? p->note : "");
	(void)!values_of(e, p, "", value);
	if (r.verdict != VERDICT_NOT_TESTED)
		say(&r, p, value);
	out = claim_json(&c, &r);
	json_object_set_new(out, "group", json_string(group));
	json_object_set_new(out, "published", published(p));
	json_object_set_new(out, "why", why(p, r.verdict, value));
	if (r.verdict != VERDICT_NOT_TESTED) {
		json_object_set_new(out, "ends", ends(e, p));
		json_object_set_new(out, "figures", figures(e, p, value));
	}
	return out;
}

static json_t *claims(const struct evidence *e)
{
	json_t *list = json_array();

	for (const struct evidence_group *g = evidence_groups; g->title; g++)
		for (const struct prediction *p = g->prediction; p->id; p++)
			if (evidence_wants(e, p))
				json_array_append_new(list, claim(e, p, g->title));
	return list;
}

/* Is @p none of the ends? */
static bool judged(const struct study_point *p)
{
	const size_t length = strlen(p->id);

	for (const struct evidence_end *end = evidence_ends + 1; end->tail; end++) {
		const size_t n = strlen(end->tail);

		if (length > n && !strcmp(p->id + length - n, end->tail))
			return false;
	}
	return true;
}

/* The runs of the verdicts, but for the laboratory's, which are no runs of a machine. */
static json_t *runs(const struct evidence *e)
{
	json_t *list = json_array();

	for (size_t i = 0; i < e->study.count; i++) {
		const struct study_point *p = &e->study.point[i];

		if (p->result && !p->execute && judged(p))
			json_array_append(list, p->result);
	}
	return list;
}

json_t *evidence_document(const struct evidence *e)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:o, s:o}", "study", "evidence", "title",
			 "Independent evidence", "version", IOTOLL_VERSION, "seed",
			 (json_int_t)e->seed, "summary", summary, "claims", claims(e), "runs",
			 runs(e));
}
