/* SPDX-License-Identifier: MIT */
/* Which runs the study "evidence" consists of. */
#include "study/evidence.h"

#include <errno.h>
#include <string.h>

#include "study/evidence_impl.h"
#include "study/iotlb_lab.h"

#define SETS 24

const struct evidence_end evidence_ends[] = {
	{"", "default", "default", 0},     {"/low", "low", "low", 0},
	{"/high", "high", "high", 0},      {"/seed2", "seed2", "default", 1},
	{"/seed3", "seed3", "default", 2}, {NULL, NULL, NULL, 0}};

const struct evidence_group evidence_groups[] = {
	{"Cycles of maps and unmaps", evidence_cycles, evidence_cycles_runs},
	{"Allocation of I/O addresses", evidence_addresses, evidence_addresses_runs},
	{"Locks and many CPUs", evidence_locks, evidence_locks_runs},
	{"Copying and reuse instead of mapping", evidence_copies, evidence_copies_runs},
	{"Translation as the limit", evidence_walks, evidence_walks_runs},
	{"What stays in reach, and for how long", evidence_windows, evidence_windows_runs},
	{"Under a hypervisor", evidence_guests, evidence_guests_runs},
	{"Other hardware", evidence_designs, evidence_designs_runs},
	{NULL, NULL, NULL},
};

/* ---- asking the tables ---- */

/* Is @id in the list @only? */
static bool listed(const char *only, const char *id)
{
	const size_t length = strlen(id);

	for (const char *at = only; *at; at += *at == ',') {
		const size_t n = strcspn(at, ",");

		if (n == length && !strncmp(at, id, n))
			return true;
		at += n;
	}
	return false;
}

bool evidence_wants(const struct evidence *e, const struct prediction *p)
{
	return !e->only || listed(e->only, p->id);
}

const struct evidence_run *evidence_run_find(const char *id)
{
	for (const struct evidence_group *g = evidence_groups; g->title; g++)
		for (const struct evidence_run *r = g->run; r->id; r++)
			if (!strcmp(r->id, id))
				return r;
	return NULL;
}

bool evidence_word(const char **text, char *word, size_t bytes)
{
	size_t n;

	*text += strspn(*text, " ");
	n = strcspn(*text, " ");
	snprintf(word, bytes, "%.*s", (int)n, *text);
	*text += n;
	return n != 0;
}

/* ---- runs in the IOTLB laboratory ---- */

static const char **lab_option(struct iotlb_lab_request *r, const char *name)
{
	const struct {
		const char *name, **to;
	} options[] = {{"--entries", &r->entries},
		       {"--ways", &r->ways},
		       {"--policies", &r->policies},
		       {"--prefetch", &r->prefetch},
		       {"--index", &r->index}};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (!strcmp(options[i].name, name))
			return options[i].to;
	return NULL;
}

/* The first row of the laboratory's result: the first policy, size and prefetcher. */
static int run_lab(const struct study_point *p, json_t **result, struct err *err)
{
	struct scenario scenario;
	struct iotlb_lab_request request;
	const char *text = p->how;
	char word[16][64];
	json_t *whole = NULL;
	int rc;

	iotlb_lab_defaults(&request);
	for (size_t i = 0; i + 1 < 16 && evidence_word(&text, word[i], sizeof(word[i])); i += 2) {
		const char **option = lab_option(&request, word[i]);

		if (!option || !evidence_word(&text, word[i + 1], sizeof(word[i + 1])))
			return err_set(err, -EINVAL, "%s: '%s' is no option", p->id, word[i]);
		*option = word[i + 1];
	}
	if (scenario_copy(&scenario, &p->scenario))
		return err_set(err, -ENOMEM, "no memory");
	request.scenario = &scenario;
	request.workers = 1;
	rc = iotlb_lab_run(&request, &whole, err);
	if (!rc)
		*result = json_incref(json_array_get(json_object_get(whole, "rows"), 0));
	json_decref(whole);
	scenario_fini(&scenario);
	return rc;
}

/* ---- declaring them ---- */

static int add_point(struct evidence *e, const struct evidence_run *run,
		     const struct evidence_end *end, const struct scenario *base, struct err *err)
{
	char id[96], seed[48], estimates[48], word[SETS][64];
	const char *sets[SETS + 3] = {seed, estimates};
	const char *text = run->sets;
	size_t n = 0;
	int rc;

	snprintf(id, sizeof(id), "%s%s", run->id, end->tail);
	snprintf(seed, sizeof(seed), "run.seed=%llu", (unsigned long long)(e->seed + end->seed));
	snprintf(estimates, sizeof(estimates), "sut.estimates=%s", end->estimates);
	while (n < SETS && evidence_word(&text, word[n], sizeof(word[n]))) {
		sets[n + 2] = word[n];
		n++;
	}
	sets[n + 2] = NULL;
	rc = study_try(&e->study, id, base, sets, err);
	if (!rc) {
		struct study_point *point = &e->study.point[e->study.count - 1];

		point->tolerant = false;
		point->execute = run->lab ? run_lab : NULL;
		point->how = run->lab;
	}
	return rc == -EEXIST ? 0 : rc;
}

static int add_run(struct evidence *e, const char *name, struct err *err)
{
	const struct evidence_run *run = evidence_run_find(name);
	struct scenario base;
	int rc;

	if (!run)
		return err_set(err, -ENOENT, "there is no run %s", name);
	rc = scenario_init(&base);
	if (!rc)
		rc = scenario_read(&base, run->scenario, err);
	for (const struct evidence_end *end = evidence_ends; end->tail && !rc; end++)
		rc = add_point(e, run, end, &base, err);
	scenario_fini(&base);
	return rc ? err_prefix(err, rc, "%s: ", name) : 0;
}

static int add_prediction(struct evidence *e, const struct prediction *p, struct err *err)
{
	for (size_t i = 0; i < evidence_figures(p); i++) {
		int rc = add_run(e, p->figure[i].run, err);

		if (!rc && p->figure[i].by)
			rc = add_run(e, p->figure[i].by, err);
		if (rc == -EINVAL && p->pending)
			return 0;
		if (rc)
			return rc;
	}
	return 0;
}

static int check_ids(const char *only, struct err *err)
{
	for (const char *at = only; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		const int n = (int)strcspn(at, ",");
		bool found = false;

		for (const struct evidence_group *g = evidence_groups; g->title; g++)
			for (const struct prediction *p = g->prediction; p->id; p++)
				found = found ||
					((int)strlen(p->id) == n && !strncmp(p->id, at, (size_t)n));
		if (!found)
			return err_set(err, -EINVAL,
				       "--only %s: there is no prediction '%.*s'; expected some "
				       "of 1.1, 1.2 and so on, as the study numbers them",
				       only, n, at);
	}
	return 0;
}

int evidence_init(struct evidence *e, const char *only, uint64_t seed, struct err *err)
{
	int rc;

	*e = (struct evidence){.seed = seed, .only = only};
	study_init(&e->study, "evidence");
	rc = check_ids(only, err);
	for (const struct evidence_group *g = evidence_groups; g->title && !rc; g++)
		for (const struct prediction *p = g->prediction; p->id && !rc; p++)
			if (evidence_wants(e, p))
				rc = add_prediction(e, p, err);
	if (rc)
		evidence_fini(e);
	return rc;
}

void evidence_fini(struct evidence *e)
{
	study_fini(&e->study);
}
