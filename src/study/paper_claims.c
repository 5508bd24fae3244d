/* SPDX-License-Identifier: MIT */
/*
 * The paper's claims, each a row: what is claimed, where, by which rule it passes, and the function
 * that measures and judges. The rows are in paper_traffic.c, paper_mechanism.c, paper_dom0.c and
 * paper_domu.c; here they are gone through and put in order.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void claim_judge(struct claim_result *r, bool holds)
{
	r->verdict = holds ? VERDICT_HOLDS : VERDICT_FAILS;
}

static void append(json_t *claims, const struct claim *c, const struct claim_result *r)
{
	json_array_append_new(claims, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", c->id,
						"text", c->text, "source", c->source, "rule",
						c->rule, "measured", r->measured, "verdict",
						paper_verdicts[r->verdict], "note", r->note));
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

json_t *paper_claims(const struct paper *p, struct err *err)
{
	const struct claim *const lists[] = {paper_traffic_claims, paper_dom0_claims,
					     paper_domu_claims};
	json_t *claims = json_array();

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (const struct claim *c = lists[i]; c->id; c++) {
			struct claim_result r = {.verdict = VERDICT_NOT_TESTED, .note = ""};

			c->judge(p, &r);
			append(claims, c, &r);
		}
	}
	for (size_t i = 0; paper_mechanism_claims[i].id; i++) {
		struct claim_result r = {.verdict = VERDICT_NOT_TESTED, .note = ""};
		const struct mechanism_claim *m = &paper_mechanism_claims[i];
		const struct claim c = {m->id, m->text, m->source, m->rule, NULL};

		if (m->judge(p, &r, err)) {
			json_decref(claims);
			return NULL;
		}
		append(claims, &c, &r);
	}
	return sorted(claims);
}
