// SPDX-License-Identifier: MIT
/* Which runs a comparison of strategies needs. */
#include "study/compare.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/nearest.h"
#include "dma/strategy/strategy.h"
#include "hw/iommu.h"
#include "iotoll/dma.h"
#include "sim/profile.h"
#include "study/params.h"
#include "study/paths.h"

/* ---- which IOMMU ---- */

static int load_machine(struct profile *out, const struct scenario *s, struct err *err)
{
	char path[PATH_MAX];
	int rc = paths_find("profiles", s->sut.profile, ".ini", path, sizeof(path), err);

	return rc ? rc
		  : profile_load(out, path, (enum estimate)s->sut.estimates,
				 (const char *const *)s->sut_override, err);
}

/* The scenario's, else the machine's own. */
static int choose_iommu(struct compare *c, const struct scenario *s, struct err *err)
{
	struct profile machine;
	struct nearest near;
	int rc;

	c->own = !strcmp(s->iommu_model, "none");
	snprintf(c->iommu, sizeof(c->iommu), "%s", s->iommu_model);
	if (!c->own)
		return 0;
	rc = load_machine(&machine, s, err);
	if (rc)
		return rc;
	if (!machine.iommu[0])
		return param_refuse(s, "iommu", "model", err,
				    "there is nothing to compare without an IOMMU, and %s names "
				    "none of its own (machine.iommu); expected a model",
				    s->sut.profile);
	snprintf(c->iommu, sizeof(c->iommu), "%s", machine.iommu);
	if (iommu_find(c->iommu))
		return 0;
	nearest_init(&near, c->iommu);
	for (size_t i = 0; iommu_models[i]; i++)
		nearest_offer(&near, iommu_models[i]->name);
	return err_set(err, -EINVAL, "%s: machine.iommu: '%s' is not an IOMMU%s%s%s",
		       s->sut.profile, c->iommu, near.best ? "; did you mean " : "",
		       near.best ? near.best : "", near.best ? "?" : "");
}

/* ---- which strategies ---- */

static int take_row(struct compare *c, const struct strategy_ops *strategy, struct err *err)
{
	if (c->rows == COMPARE_MOST)
		return err_set(err, -EINVAL, "--strategies: at most %u of them", COMPARE_MOST);
	c->row[c->rows++] = (struct compare_row){.name = strategy->name,
						 .title = strategy->title,
						 .demonstration = strategy->demonstration};
	return 0;
}

static int unknown(const char *name, struct err *err)
{
	struct nearest near;

	nearest_init(&near, name);
	nearest_offer(&near, "all");
	for (size_t i = 0; dma_strategies[i]; i++)
		nearest_offer(&near, dma_strategies[i]->name);
	return err_set(err, -EINVAL,
		       "--strategies: '%s' is not a strategy%s%s%s; 'iotoll list strategies' "
		       "names them",
		       name, near.best ? "; did you mean " : "", near.best ? near.best : "",
		       near.best ? "?" : "");
}

/* Is @name in the list @text? */
static bool listed(const char *text, const char *name)
{
	const size_t length = strlen(name);

	for (; *text; text += *text == ',') {
		const size_t n = strcspn(text, ",");

		if (n == length && !strncmp(text, name, n))
			return true;
		text += n;
	}
	return false;
}

static int check_names(const char *text, struct err *err)
{
	do {
		const size_t n = strcspn(text, ",");
		char name[SCENARIO_TEXT];

		snprintf(name, sizeof(name), "%.*s", (int)n, text);
		if (n >= sizeof(name) || !strategy_find(name))
			return unknown(name, err);
		text += n;
	} while (*text++ == ',');
	return 0;
}

/* In the registry's order, each once, however they were named. */
static int choose_strategies(struct compare *c, const char *text, struct err *err)
{
	const bool all = !strcmp(text, "all");
	int rc = all ? 0 : check_names(text, err);

	for (size_t i = 0; dma_strategies[i] && !rc; i++)
		if (all || listed(text, dma_strategies[i]->name))
			rc = take_row(c, dma_strategies[i], err);
	return rc;
}

/* ---- which allocator ---- */

/* The driver half that the domain of the load, or of its devices, will have. */
static const char *driver_of(const struct compare *c, const struct scenario *s)
{
	return s->platform == PLATFORM_METAL ? c->iommu : "xen";
}

static int check(const char *driver, const char *strategy, const char *allocator, struct err *why)
{
	const struct iotoll_dma_config config = {
		.driver = driver, .strategy = strategy, .allocator = allocator};

	return iotoll_dma_config_check(&config, why->text, sizeof(why->text));
}

bool compare_allocator(char to[COMPARE_NAME], const char *driver, const char *strategy,
		       const char *wanted, struct err *why)
{
	const char *name = wanted;
	struct err other;

	if (check(driver, strategy, wanted, why)) {
		for (unsigned i = 0; (name = iotoll_dma_allocator_name(i, NULL)) != NULL; i++)
			if (!check(driver, strategy, name, &other))
				break;
	}
	if (!name)
		return false;
	why->text[0] = '\0';
	snprintf(to, COMPARE_NAME, "%s", name);
	return true;
}

/* ---- points ---- */

/* A failure that says what cannot be built is told beside the row; others end it all. */
static int bearable(int rc, const struct err *reason, struct err *err)
{
	return rc == -EINVAL ? 0 : rc ? err_set(err, rc, "%s", reason->text) : 0;
}

static int add_attacks(struct compare *c, struct compare_row *row, const struct scenario *base,
		       const char *const sets[4], struct err *err)
{
	const char *all[] = {sets[0], sets[1], sets[2], NULL, NULL};
	char attacks[96], id[COMPARE_ID];
	int rc;

	if (!strcmp(c->attacks, "none"))
		return 0;
	snprintf(attacks, sizeof(attacks), "rogue.attacks=%s", c->attacks);
	all[3] = attacks;
	rc = study_try(c->study, compare_rogue_id(id, c, row->name), base, all, &row->no_attacks);
	row->attacked = !rc;
	return bearable(rc, &row->no_attacks, err);
}

static int add_row(struct compare *c, struct compare_row *row, const struct scenario *base,
		   struct err *err)
{
	char model[96], strategy[96], allocator[96], id[COMPARE_ID];
	const char *const sets[] = {model, strategy, allocator, NULL};
	int rc;

	if (!compare_allocator(row->allocator, driver_of(c, base), row->name, base->allocator,
			       &row->reason))
		return 0;
	snprintf(model, sizeof(model), "iommu.model=%s", c->iommu);
	snprintf(strategy, sizeof(strategy), "dma.strategy=%s", row->name);
	snprintf(allocator, sizeof(allocator), "dma.allocator=%s", row->allocator);
	rc = study_try(c->study, compare_id(id, c, row->name), base, sets, &row->reason);
	row->declared = !rc;
	if (rc)
		return bearable(rc, &row->reason, err);
	return add_attacks(c, row, base, sets, err);
}

const char *compare_id(char *to, const struct compare *c, const char *name)
{
	snprintf(to, COMPARE_ID, "%s%s", c->prefix, name);
	return to;
}

const char *compare_rogue_id(char *to, const struct compare *c, const char *strategy)
{
	snprintf(to, COMPARE_ID, "%s%s/rogue", c->prefix, strategy);
	return to;
}

/* What the comparison sets itself, the scenario leaves alone; and is there such an attack? */
static int check_settings(const struct scenario *base, const char *attacks, struct err *err)
{
	struct scenario s;
	char set[96];
	int rc;

	if (strcmp(base->strategy, "auto"))
		return param_refuse(base, "dma", "strategy", err,
				    "a comparison sets it; expected auto, and --strategies to "
				    "name those to compare");
	if (strcmp(base->rogue_attacks, "none"))
		return param_refuse(base, "rogue", "attacks", err,
				    "a comparison sets it; expected none, and --attacks");
	snprintf(set, sizeof(set), "rogue.attacks=%s", attacks);
	if (scenario_copy(&s, base))
		return err_set(err, -ENOMEM, "no memory");
	rc = scenario_settle(&s, set, err);
	scenario_fini(&s);
	return rc ? err_prefix(err, rc, "--attacks: ") : 0;
}

static int declare(struct compare *c, const struct scenario *base, const char *strategies,
		   const char *attacks, struct err *err)
{
	static const char *const without[] = {"iommu.model=none", "dma.strategy=off",
					      "iommu.ats=off", NULL};
	char id[COMPARE_ID];
	int rc;

	c->seed = base->seed;
	snprintf(c->scenario, sizeof(c->scenario), "%s", base->name);
	snprintf(c->allocator, sizeof(c->allocator), "%s", base->allocator);
	snprintf(c->attacks, sizeof(c->attacks), "%s", attacks);
	snprintf(c->sut, sizeof(c->sut), "%s", base->sut.profile);
	snprintf(c->client, sizeof(c->client), "%s", base->client.profile);
	rc = choose_strategies(c, strategies, err);
	if (!rc)
		rc = check_settings(base, attacks, err);
	if (!rc)
		rc = choose_iommu(c, base, err);
	if (!rc)
		rc = study_try(c->study, compare_id(id, c, COMPARE_BASELINE), base, without, err);
	for (size_t i = 0; i < c->rows && !rc; i++)
		rc = add_row(c, &c->row[i], base, err);
	return rc;
}

int compare_init(struct compare *c, const struct scenario *base, const char *strategies,
		 const char *attacks, struct err *err)
{
	*c = (struct compare){.study = &c->alone};
	study_init(&c->alone, "compare");
	return declare(c, base, strategies, attacks, err);
}

int compare_join(struct compare *c, struct study *into, const char *prefix,
		 const struct scenario *base, const char *strategies, const char *attacks,
		 struct err *err)
{
	*c = (struct compare){.study = into};
	snprintf(c->prefix, sizeof(c->prefix), "%s", prefix);
	return declare(c, base, strategies, attacks, err);
}

void compare_fini(struct compare *c)
{
	study_fini(&c->alone);
}
