/* SPDX-License-Identifier: MIT */
/*
 * The paper's claims, each a row: what is claimed, where, by which rule it passes, and the function
 * that measures and judges. The rows are in paper_traffic.c, paper_mechanism.c, paper_dom0.c,
 * paper_domu.c and paper_proposals*.c; here they are gone through and put in order.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/paper_proposals.h"
#include "study/paper_xen.h"

const char *const paper_verdicts[] = {"holds", "does not hold", "not tested", "reported"};

void claim_say(struct claim_result *r, const char *fmt, ...)
{
	const size_t used = strlen(r->measured);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->measured + used, sizeof(r->measured) - used, fmt, ap);
	va_end(ap);
}

void claim_note(struct claim_result *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->note, sizeof(r->note), fmt, ap);
	va_end(ap);
}

void claim_judge(struct claim_result *r, bool holds)
{
	r->verdict = holds ? VERDICT_HOLDS : VERDICT_FAILS;
}

json_t *claim_json(const struct claim *c, const struct claim_result *r)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", c->id, "text", c->text,
			 "source", c->source, "rule", c->rule, "measured", r->measured, "verdict",
			 paper_verdicts[r->verdict], "note", r->note);
}

static int by_number(const void *a, const void *b)
{
	const char *x = json_string_value(json_object_get(*(json_t *const *)a, "id"));
	const char *y = json_string_value(json_object_get(*(json_t *const *)b, "id"));
	const long m = strtol(x + 1, NULL, 10), n = strtol(y + 1, NULL, 10);

	return m != n ? (m < n ? -1 : 1) : strcmp(x, y);
}

/* The rows of all files in the order of their numbers. */
static json_t *sorted(json_t *claims)
{
	const size_t n = json_array_size(claims);
	json_t **row = calloc(n ? n : 1, sizeof(json_t *)), *out = json_array();

	for (size_t i = 0; row && i < n; i++)
		row[i] = json_array_get(claims, i);
	if (row)
		qsort(row, n, sizeof(json_t *), by_number);
	for (size_t i = 0; row && i < n; i++)
		json_array_append(out, row[i]);
	free(row);
	json_decref(claims);
	return out;
}

/* Those of one list that are judged from the study's runs. */
static void from_runs(const struct paper *p, const struct claim *list, json_t *claims)
{
	for (const struct claim *c = list; c->id; c++) {
		struct claim_result r = {.verdict = VERDICT_NOT_TESTED, .note = ""};

		c->judge(p, &r);
		json_array_append_new(claims, claim_json(c, &r));
	}
}

/* Those that need experiments. */
static int from_experiments(const struct paper *p, const struct mechanism_claim *list,
			    json_t *claims, struct err *err)
{
	for (const struct mechanism_claim *m = list; m->id; m++) {
		struct claim_result r = {.verdict = VERDICT_NOT_TESTED, .note = ""};
		const struct claim c = {m->id, m->text, m->source, m->rule, NULL};
		const int rc = m->judge(p, &r, err);

		if (rc)
			return rc;
		json_array_append_new(claims, claim_json(&c, &r));
	}
	return 0;
}

json_t *paper_claims(const struct paper *p, struct err *err)
{
	json_t *claims = json_array();

	from_runs(p, paper_traffic_claims, claims);
	from_runs(p, paper_dom0_claims, claims);
	from_runs(p, paper_domu_claims, claims);
	from_runs(p, paper_proposals_claims, claims);
	if (from_experiments(p, paper_mechanism_claims, claims, err) ||
	    from_experiments(p, paper_reach_claims, claims, err) ||
	    from_experiments(p, paper_cost_claims, claims, err)) {
		json_decref(claims);
		return NULL;
	}
	return sorted(claims);
}
