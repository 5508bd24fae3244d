/* SPDX-License-Identifier: MIT */
/* Finding a row of the list of settings, and putting a value that somebody wrote into its field. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "study/params.h"

const struct param *scenario_param(size_t index)
{
	return index < param_count ? &param_rows[index].param : NULL;
}

const struct param_row *param_find(const char *section, const char *key)
{
	for (size_t i = 0; i < param_count; i++) {
		const struct param *p = &param_rows[i].param;

		if (!strcmp(p->section, section) && !strcmp(p->key, key))
			return &param_rows[i];
	}
	return NULL;
}

const char *param_nearest(const char *section, const char *key, char *to, size_t bytes)
{
	char wanted[128], best[128] = "";
	unsigned distance = UINT32_MAX;

	snprintf(wanted, sizeof(wanted), "%s.%s", section, key);
	for (size_t i = 0; i < param_count; i++) {
		const struct param *p = &param_rows[i].param;
		char name[128];
		struct nearest n;

		snprintf(name, sizeof(name), "%s.%s", p->section, p->key);
		nearest_init(&n, wanted);
		nearest_offer(&n, name);
		if (n.best && n.distance < distance) {
			distance = n.distance;
			snprintf(best, sizeof(best), "%s", name);
		}
		/* the right key in a wrong or missing section */
		if (!strcmp(p->key, key) && distance > 1) {
			distance = 1;
			snprintf(best, sizeof(best), "%s", name);
		}
	}
	if (!best[0])
		return NULL;
	snprintf(to, bytes, "%s", best);
	return to;
}

/* The @i-th name a choice or a registry parameter knows, NULL past the last. */
static const char *nth_name(const struct param_row *row, unsigned i)
{
	const char *title;
	unsigned extra = 0;

	if (row->choices)
		return row->choices[i];
	while (extra < 2 && row->extra_names[extra])
		extra++;
	return i < extra ? row->extra_names[i] : row->name(i - extra, &title);
}

/* Its index, or -1 with "a, b, c" in @list and the nearest name in @n. */
static int find_name(const struct param_row *row, const char *value, char *list, size_t bytes,
		     struct nearest *n)
{
	size_t used = 0;
	const char *name;

	nearest_init(n, value);
	list[0] = '\0';
	for (unsigned i = 0; (name = nth_name(row, i)); i++) {
		if (!strcmp(name, value))
			return (int)i;
		nearest_offer(n, name);
		if (used < bytes)
			used += (size_t)snprintf(list + used, bytes - used, "%s%s", i ? ", " : "",
						 name);
	}
	return -1;
}

static int apply_name(struct scenario *s, const struct param_row *row, const char *value,
		      struct err *err)
{
	void *field = (char *)s + row->offset;
	char names[300];
	struct nearest n;
	const int index = find_name(row, value, names, sizeof(names), &n);

	if (index < 0)
		return err_set(err, -EINVAL, "%s.%s: '%s' is not one of %s%s%s%s",
			       row->param.section, row->param.key, value, names,
			       n.best ? "; did you mean " : "", n.best ? n.best : "",
			       n.best ? "?" : "");
	if (row->type == PARAM_CHOICE)
		*(uint64_t *)field = (uint64_t)index;
	else
		snprintf(field, SCENARIO_TEXT, "%s", value);
	return 0;
}

static int apply_number(struct scenario *s, const struct param_row *row, const char *value,
			struct err *err)
{
	struct quantity q;
	int rc;

	if (row->automatic && !strcmp(value, "auto")) {
		*(uint64_t *)((char *)s + row->offset) = PARAM_AUTO;
		return 0;
	}
	rc = quantity_parse(&q, value, QUANTITY_MASK(row->number), err);

	if (rc)
		return err_prefix(err, rc, "%s.%s: ", row->param.section, row->param.key);
	if (q.value < row->min || q.value > row->max) {
		char lo[40], hi[40];

		quantity_format(lo, sizeof(lo), row->number, row->min);
		quantity_format(hi, sizeof(hi), row->number, row->max);
		return err_set(err, -EINVAL, "%s.%s: '%s' is out of range, expected %s to %s",
			       row->param.section, row->param.key, value, lo, hi);
	}
	*(uint64_t *)((char *)s + row->offset) = q.value;
	return 0;
}

int param_apply(struct scenario *s, const struct param_row *row, const char *value, struct err *err)
{
	const size_t index = (size_t)(row - param_rows);
	int rc = 0;

	if (strlen(value) >= SCENARIO_TEXT)
		return err_set(err, -EINVAL, "%s.%s: expected at most %d bytes", row->param.section,
			       row->param.key, SCENARIO_TEXT - 1);
	if (row->type == PARAM_NUMBER)
		rc = apply_number(s, row, value, err);
	else if (row->type == PARAM_FILE)
		snprintf((char *)s + row->offset, SCENARIO_TEXT, "%s", value);
	else
		rc = apply_name(s, row, value, err);
	if (!rc)
		snprintf(s->text[index], SCENARIO_TEXT, "%s", value);
	return rc;
}
