// SPDX-License-Identifier: MIT
/* From lists of names and numbers to the points of the laboratory's curves. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "hw/iotlb.h"
#include "study/iotlb_impl.h"

#define LIST_MAX 64

struct list {
	unsigned value[LIST_MAX];
	size_t count;
};

struct lists {
	struct list entries, ways, policies, prefetch, index, hints;
};

/* Numbers of policies: rows of the registry, then the optimum. */
static const char *policy_name(unsigned index, const char **title)
{
	unsigned rows = 0;

	(void)title;
	while (iotlb_policies[rows])
		rows++;
	if (index < rows)
		return iotlb_policies[index]->name;
	return index == rows ? "opt" : NULL;
}

static int add(struct list *list, const char *option, unsigned value, struct err *err)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->value[i] == value)
			return 0;
	if (list->count == LIST_MAX)
		return err_set(err, -EINVAL, "--%s: expected at most %d values", option, LIST_MAX);
	list->value[list->count++] = value;
	return 0;
}

/* The next piece of *@text, cut into @piece; false at the end. */
static bool next_piece(const char **text, char *piece, size_t bytes)
{
	size_t n;

	if (!*text)
		return false;
	n = strcspn(*text, ",");
	snprintf(piece, bytes, "%.*s", (int)(n < bytes ? n : bytes - 1), *text);
	*text = (*text)[n] ? *text + n + 1 : NULL;
	return true;
}

static int take_numbers(struct list *list, const char *option, const char *text,
			const char *zero_word, struct err *err)
{
	char piece[32], *end;
	int rc = 0;

	while (!rc && next_piece(&text, piece, sizeof(piece))) {
		const unsigned long value = strtoul(piece, &end, 10);

		if (zero_word && !strcmp(piece, zero_word))
			rc = add(list, option, 0, err);
		else if (*piece < '0' || *piece > '9' || *end || value == 0 ||
			 value > IOTLB_MAX_ENTRIES)
			rc = err_set(err, -EINVAL, "--%s %s: expected numbers from 1 to %u%s%s",
				     option, piece, IOTLB_MAX_ENTRIES, zero_word ? " or " : "",
				     zero_word ? zero_word : "");
		else
			rc = add(list, option, (unsigned)value, err);
	}
	return rc;
}

static int unknown(const char *option, const char *piece,
		   const char *(*name)(unsigned index, const char **title), struct err *err)
{
	char names[300] = "";
	struct nearest near;
	size_t used = 0;
	const char *one;

	nearest_init(&near, piece);
	for (unsigned i = 0; (one = name(i, NULL)) && used < sizeof(names); i++) {
		nearest_offer(&near, one);
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 one);
	}
	return err_set(err, -EINVAL, "--%s: '%s' is not one of %s%s%s%s", option, piece, names,
		       near.best ? "; did you mean " : "", near.best ? near.best : "",
		       near.best ? "?" : "");
}

static int take_names(struct list *list, const char *option, const char *text,
		      const char *(*name)(unsigned index, const char **title), struct err *err)
{
	char piece[32];
	int rc = 0;

	while (!rc && next_piece(&text, piece, sizeof(piece))) {
		const bool all = !strcmp(piece, "all");
		bool found = all;

		for (unsigned i = 0; name(i, NULL) && !rc; i++) {
			if (!all && strcmp(name(i, NULL), piece))
				continue;
			found = true;
			rc = add(list, option, i, err);
		}
		if (!rc && !found)
			rc = unknown(option, piece, name, err);
	}
	return rc;
}

static int by_value(const void *a, const void *b)
{
	const unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return (x > y) - (x < y);
}

static int take_lists(struct lists *l, const struct iotlb_lab_request *r, struct err *err)
{
	int rc = take_numbers(&l->entries, "entries", r->entries, NULL, err);

	if (!rc)
		rc = take_numbers(&l->ways, "ways", r->ways, "full", err);
	if (!rc)
		rc = take_names(&l->policies, "policies", r->policies, policy_name, err);
	if (!rc)
		rc = take_names(&l->prefetch, "prefetch", r->prefetch, iotlb_prefetch_name, err);
	if (!rc)
		rc = take_names(&l->index, "index", r->index, iotlb_index_name, err);
	if (!rc)
		rc = take_names(&l->hints, "hints", r->hints, mrc_hints_name, err);
	qsort(l->entries.value, l->entries.count, sizeof(l->entries.value[0]), by_value);
	return rc;
}

/* A geometry that cannot be is refused before anything is read or run. */
static int add_point(struct iotlb_plan *plan, const struct iotlb_point *p, struct err *err)
{
	const char *field;
	const int rc = iotlb_config_check(&p->config, &field, err);

	if (rc)
		return rc;
	if (plan->points == plan->room) {
		const size_t room = plan->room ? 2 * plan->room : 64;
		struct iotlb_point *grown = realloc(plan->point, room * sizeof(*grown));

		if (!grown)
			return err_set(err, -ENOMEM, "no memory");
		plan->point = grown;
		plan->room = room;
	}
	plan->point[plan->points++] = *p;
	return 0;
}

/* The curve of one policy, prefetcher, index and number of ways. */
static int add_curve(struct iotlb_plan *plan, const struct iotlb_lab_request *r,
		     const struct list *entries, struct iotlb_point p, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < entries->count && !rc; i++) {
		p.config.entries = entries->value[i];
		p.config.partitions = (unsigned)r->partitions;
		p.config.line_pages = 1;
		p.config.seed = 1;
		rc = add_point(plan, &p, err);
	}
	return rc;
}

/* Its curve without hints, and for LRU without prefetching one for each kind of them. */
static int add_hints(struct iotlb_plan *plan, const struct iotlb_lab_request *r,
		     const struct lists *l, struct iotlb_point p, struct err *err)
{
	const bool takes = !p.opt && !strcmp(p.config.policy, "lru") &&
			   p.config.prefetch == IOTLB_PREFETCH_NONE;
	int rc = 0;

	for (size_t i = 0; i < l->hints.count && !rc; i++) {
		p.hints = (enum mrc_hints)l->hints.value[i];
		p.stacked = takes && !p.config.ways && p.hints == MRC_HINTS_NONE;
		if (takes || p.hints == MRC_HINTS_NONE)
			rc = add_curve(plan, r, &l->entries, p, err);
	}
	return rc;
}

static int add_policy(struct iotlb_plan *plan, const struct iotlb_lab_request *r,
		      const struct lists *l, unsigned policy, struct err *err)
{
	const char *name = policy_name(policy, NULL);
	int rc = 0;

	for (size_t w = 0; w < l->ways.count; w++) {
		for (size_t x = 0; x < l->index.count; x++) {
			for (size_t f = 0; f < l->prefetch.count && !rc; f++) {
				struct iotlb_point p = {.opt = !strcmp(name, "opt")};

				p.config.ways = l->ways.value[w];
				p.config.index = (enum iotlb_index)l->index.value[x];
				p.config.prefetch = (enum iotlb_prefetch)l->prefetch.value[f];
				if (p.opt && p.config.prefetch != IOTLB_PREFETCH_NONE)
					continue;
				snprintf(p.config.policy, sizeof(p.config.policy), "%.15s",
					 p.opt ? "lru" : name);
				rc = add_hints(plan, r, l, p, err);
			}
		}
	}
	return rc;
}

int iotlb_plan_make(struct iotlb_plan *plan, const struct iotlb_lab_request *r, struct err *err)
{
	struct lists l = {0};
	int rc = take_lists(&l, r, err);

	*plan = (struct iotlb_plan){0};
	for (size_t i = 0; i < l.policies.count && !rc; i++)
		rc = add_policy(plan, r, &l, l.policies.value[i], err);
	if (rc)
		iotlb_plan_fini(plan);
	return rc;
}

void iotlb_plan_fini(struct iotlb_plan *plan)
{
	free(plan->point);
	*plan = (struct iotlb_plan){0};
}
