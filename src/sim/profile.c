/* SPDX-License-Identifier: MIT */
/*
 * Machine profiles: the loader that reads INI text against the table in profile_params.c and turns
 * it into costs. The grammar is described in profiles/README.md.
 */
#include "sim/profile.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/inifile.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "mem/memory.h"
#include "sim/profile_params.h"
#include "sim/profile_value.h"

#define MHZ ((uint64_t)1000000)

/* What was said about one parameter. */
struct slot {
	bool given;
	unsigned order;       /* in the file */
	const char *override; /* the text that replaced the file's value, or NULL */
	struct profile_value v;
};

struct reading {
	const char *path;
	unsigned given;              /* how many slots */
	bool has[PROFILE_OPTIONALS]; /* the section's heading stands there */
	struct profile words;        /* its texts, and nothing else */
	struct slot slot[PROFILE_PARAMS];
};

/* Keep the text @value of @p. */
static int text_set(struct reading *r, const struct profile_param *p, const char *value,
		    struct err *err)
{
	size_t bad;

	if (!value[0] || !utf8_is_text(value, strlen(value), &bad))
		return err_set(err, -EINVAL, "%s: expected a line of UTF-8 text", p->key);
	if (strlen(value) >= p->bytes)
		return err_set(err, -EINVAL, "%s: longer than %zu bytes", p->key, p->bytes - 1);
	strcpy((char *)&r->words + p->offset, value);
	return 0;
}

static int on_section(void *ctx, const char *section, int line, struct err *err)
{
	struct reading *r = ctx;
	const char *near;

	(void)line;
	for (size_t i = 0; i < PROFILE_OPTIONALS; i++)
		r->has[i] |= !strcmp(section, profile_optionals[i].section);
	for (size_t i = 0; profile_sections[i]; i++) {
		if (!strcmp(section, profile_sections[i]))
			return 0;
	}
	near = nearest_in(section, profile_sections);
	if (near)
		return err_set(err, -EINVAL, "[%s]: unknown section, did you mean [%s]?", section,
			       near);
	return err_set(
		err, -EINVAL,
		"[%s]: unknown section, expected machine, memory, cpu, kernel, iommu, xen, bus, "
		"pcie or disk",
		section);
}

static int on_key(void *ctx, const char *section, const char *key, const char *value, int line,
		  struct err *err)
{
	struct reading *r = ctx;
	const struct profile_param *p;
	char full[128];
	struct slot *s;
	int rc;

	if (!section[0])
		return err_set(err, -EINVAL, "%s: expected a [section] before the first key", key);
	snprintf(full, sizeof(full), "%s.%s", section, key);
	p = profile_param_find(full, err);
	if (!p)
		return -EINVAL;
	s = &r->slot[p - profile_params];
	s->given = true;
	s->order = r->given++;
	if (!p->kinds)
		return text_set(r, p, value, err);
	rc = profile_value_parse(&s->v, value, p->kinds, err);
	if (rc)
		return err_prefix(err, rc, "%s: ", full);
	s->v.row.key = p->key;
	s->v.row.help = p->help;
	s->v.row.line = line;
	return 0;
}

/* Is the section of @p one that was left out? */
static bool absent(const struct reading *r, const struct profile_param *p)
{
	const size_t i = profile_param_optional(p);

	return i < PROFILE_OPTIONALS && !r->has[i];
}

/* Replace one value by "section.key=VALUE UNIT". */
static int override_apply(struct reading *r, const char *text, struct err *err)
{
	const char *equals = strchr(text, '=');
	const struct profile_param *p;
	size_t bytes = equals ? (size_t)(equals - text) : 0;
	char key[64];
	struct slot *s;
	int rc;

	while (bytes && isspace((unsigned char)text[bytes - 1]))
		bytes--;
	if (!bytes || bytes >= sizeof(key))
		return err_set(err, -EINVAL, "expected section.key=VALUE UNIT");
	memcpy(key, text, bytes);
	key[bytes] = '\0';
	p = profile_param_find(key, err);
	if (!p)
		return -EINVAL;
	s = &r->slot[p - profile_params];
	for (equals++; isspace((unsigned char)*equals);)
		equals++;
	if (!p->kinds)
		return text_set(r, p, equals, err);
	if (absent(r, p))
		return err_set(err, -EINVAL, "%s: %s has no [%s] section", key, r->path,
			       profile_optionals[profile_param_optional(p)].section);
	rc = quantity_parse(&s->v.value, equals, p->kinds, err);
	if (rc)
		return err_prefix(err, rc, "%s: ", key);
	s->v.low = s->v.high = s->v.value;
	s->override = text;
	s->given = true;
	return 0;
}

int profile_check(const char *key, const char *value, struct err *err)
{
	const struct profile_param *p = profile_param_find(key, err);
	struct quantity q;
	int rc;

	if (!p)
		return -EINVAL;
	rc = p->kinds ? quantity_parse(&q, value, p->kinds, err) : 0;
	return rc ? err_prefix(err, rc, "%s: ", key) : 0;
}

static int overrides_apply(struct reading *r, const char *const *overrides, struct err *err)
{
	int rc;

	for (; overrides && *overrides; overrides++) {
		rc = override_apply(r, *overrides, err);
		if (rc)
			return err_prefix(err, rc, "override '%s': ", *overrides);
	}
	return 0;
}

/* Every parameter must be given but the optional ones and those of sections left out. */
static int check_complete(const struct reading *r, struct err *err)
{
	const struct profile_param *first = NULL;
	unsigned missing = 0;

	for (size_t i = 0; i < PROFILE_PARAMS; i++) {
		if (r->slot[i].given || profile_params[i].optional || absent(r, &profile_params[i]))
			continue;
		if (!missing++)
			first = &profile_params[i];
	}
	if (missing > 1)
		return err_set(err, -EINVAL, "%s: %s: missing, and %u more", r->path, first->key,
			       missing - 1);
	if (missing)
		return err_set(err, -EINVAL, "%s: %s: missing", r->path, first->key);
	return 0;
}

/* Cycles become picoseconds, rounded to nearest; everything else is in its base unit already. */
static uint64_t base_value(struct quantity q, uint64_t clock_mhz)
{
	unsigned __int128 ps;

	if (q.kind != QUANTITY_CYCLES)
		return q.value;
	ps = ((unsigned __int128)q.value * 1000 + clock_mhz / 2) / clock_mhz;
	return ps > UINT64_MAX ? UINT64_MAX : (uint64_t)ps;
}

/* @q within the legal range of @p? The message names where the value came from. */
/* Which end of an estimated range a run takes for a parameter of @part. */
static struct quantity pick_end(const struct profile_value *v, enum profile_part part,
				enum estimate end)
{
	switch (end) {
	case ESTIMATE_LOW:
		return v->low;
	case ESTIMATE_HIGH:
		return v->high;
	case ESTIMATE_DEAR_PROTECTION:
		return part == PART_PROTECTION ? v->high : part == PART_BASE ? v->low : v->value;
	case ESTIMATE_CHEAP_PROTECTION:
		return part == PART_PROTECTION ? v->low : part == PART_BASE ? v->high : v->value;
	case ESTIMATE_DEFAULT:
		break;
	}
	return v->value;
}

static int check_legal(const struct reading *r, const struct profile_param *p, const struct slot *s,
		       struct quantity q, uint64_t clock_mhz, struct err *err)
{
	enum quantity_kind kind = q.kind == QUANTITY_CYCLES ? QUANTITY_TIME : q.kind;
	const uint64_t value = base_value(q, clock_mhz);
	char found[40], low[40], high[40];
	int rc;

	if (p->kinds == QUANTITY_MASK(QUANTITY_FREQUENCY) && value % MHZ)
		rc = err_set(err, -EINVAL, "%s: expected whole MHz", p->key);
	else if (p->offset == offsetof(struct profile, memory_bytes) && value % PAGE_BYTES)
		rc = err_set(err, -EINVAL, "%s: expected whole pages of %u bytes", p->key,
			     PAGE_BYTES);
	else if (value >= p->min && value <= p->max)
		return 0;
	else {
		quantity_format(found, sizeof(found), q.kind, q.value);
		quantity_format(low, sizeof(low), kind, p->min);
		quantity_format(high, sizeof(high), kind, p->max);
		rc = err_set(err, -EINVAL, "%s: %s is outside the legal %s..%s", p->key, found, low,
			     high);
	}
	if (s->override)
		return err_prefix(err, rc, "override '%s': ", s->override);
	return err_prefix(err, rc, "%s:%d: ", r->path, s->v.row.line);
}

static void field_set(struct profile *out, const struct profile_param *p, uint64_t value)
{
	const uint32_t narrow = (uint32_t)value;
	char *field = (char *)out + p->offset;

	if (p->bytes == sizeof(narrow))
		memcpy(field, &narrow, sizeof(narrow));
	else
		memcpy(field, &value, sizeof(value));
}

/* Check every number and put it, or its chosen end, into *@out. */
static int resolve(struct profile *out, const struct reading *r, enum estimate end, struct err *err)
{
	uint64_t mhz = 1;

	for (size_t i = 0; i < PROFILE_PARAMS; i++) {
		const struct profile_param *p = &profile_params[i];
		const struct slot *s = &r->slot[i];
		struct quantity q = s->v.value;
		int rc;

		if (!p->kinds || !s->given)
			continue;
		rc = check_legal(r, p, s, s->v.low, mhz, err);
		if (!rc)
			rc = check_legal(r, p, s, s->v.high, mhz, err);
		if (!rc)
			rc = check_legal(r, p, s, q, mhz, err);
		if (rc)
			return rc;
		if (s->v.row.grade == GRADE_ESTIMATED && profile_param_is_cost(p))
			q = pick_end(&s->v, profile_param_part(p), end);
		if (p->kinds == QUANTITY_MASK(QUANTITY_FREQUENCY))
			mhz = q.value / MHZ; /* first number of the table: the others need it */
		field_set(out, p,
			  p->kinds == QUANTITY_MASK(QUANTITY_FREQUENCY) ? mhz : base_value(q, mhz));
	}
	return 0;
}

static int name_set(struct profile *out, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t bytes = strlen(base), bad;

	if (!utf8_is_text(base, bytes, &bad))
		return err_set(err, -EINVAL, "%s: expected a file name in UTF-8", path);
	if (bytes > 4 && !strcmp(base + bytes - 4, ".ini"))
		bytes -= 4;
	if (bytes >= sizeof(out->name))
		return err_set(err, -EINVAL, "%s: profile name longer than %zu bytes", path,
			       sizeof(out->name) - 1);
	memcpy(out->name, base, bytes);
	out->name[bytes] = '\0';
	return 0;
}

/* Everything a load does; *@out is the result, *@r what the file says. */
static int profile_read(struct profile *out, struct reading *r, enum estimate end,
			const char *const *overrides, struct err *err)
{
	const struct inifile_handler handler = {.ctx = r, .section = on_section, .key = on_key};
	int rc;

	rc = inifile_read(r->path, &handler, err);
	if (!rc)
		rc = check_complete(r, err);
	if (!rc)
		rc = overrides_apply(r, overrides, err);
	if (!rc)
		rc = resolve(out, r, end, err);
	if (!rc)
		rc = name_set(out, r->path, err);
	memcpy(out->title, r->words.title, sizeof(out->title));
	memcpy(out->iommu, r->words.iommu, sizeof(out->iommu));
	for (size_t i = 0; i < PROFILE_OPTIONALS; i++)
		memcpy((char *)out + profile_optionals[i].flag, &r->has[i], sizeof(bool));
	return rc;
}

int profile_load(struct profile *out, const char *path, enum estimate end,
		 const char *const *overrides, struct err *err)
{
	struct profile profile = {.name = ""};
	struct reading *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return err_set(err, -ENOMEM, "%s: out of memory", path);
	r->path = path;
	rc = profile_read(&profile, r, end, overrides, err);
	if (!rc)
		*out = profile;
	free(r);
	return rc;
}

int profile_rows(const char *path, int (*fn)(void *ctx, const struct profile_row *row), void *ctx,
		 struct err *err)
{
	struct profile profile = {.name = ""};
	struct reading *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return err_set(err, -ENOMEM, "%s: out of memory", path);
	r->path = path;
	rc = profile_read(&profile, r, ESTIMATE_DEFAULT, NULL, err);
	for (unsigned at = 0; !rc && at < r->given; at++) {
		for (size_t i = 0; i < PROFILE_PARAMS; i++) {
			if (r->slot[i].given && r->slot[i].order == at && profile_params[i].kinds)
				rc = fn(ctx, &r->slot[i].v.row);
		}
	}
	free(r);
	return rc;
}
