/* SPDX-License-Identifier: MIT */
/* Reading scenarios, changing them, writing them back. */
#include "study/scenario.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/inifile.h"
#include "sim/profile.h"
#include "study/params.h"
#include "study/paths.h"

int scenario_init(struct scenario *s)
{
	struct err err;

	memset(s, 0, sizeof(*s));
	s->text = calloc(param_count, sizeof(*s->text));
	s->origin = calloc(param_count, sizeof(*s->origin));
	if (!s->text || !s->origin) {
		scenario_fini(s);
		return -ENOMEM;
	}
	for (size_t i = 0; i < param_count; i++) {
		const int rc = param_apply(s, &param_rows[i], param_rows[i].param.fallback, &err);

		if (rc) { /* a default the table itself refuses: a bug, found by its test */
			scenario_fini(s);
			return rc;
		}
	}
	return 0;
}

static void free_overrides(char **list)
{
	for (size_t i = 0; list[i]; i++)
		free(list[i]);
}

void scenario_fini(struct scenario *s)
{
	free(s->text);
	free(s->origin);
	free_overrides(s->sut_override);
	free_overrides(s->client_override);
	memset(s, 0, sizeof(*s));
}

static int copy_overrides(char **to, char *const *from)
{
	for (size_t i = 0; from[i]; i++) {
		to[i] = strdup(from[i]);
		if (!to[i])
			return -ENOMEM;
	}
	return 0;
}

int scenario_copy(struct scenario *to, const struct scenario *from)
{
	*to = *from;
	memset(to->sut_override, 0, sizeof(to->sut_override));
	memset(to->client_override, 0, sizeof(to->client_override));
	to->text = malloc(param_count * sizeof(*to->text));
	to->origin = malloc(param_count * sizeof(*to->origin));
	if (!to->text || !to->origin) {
		scenario_fini(to);
		return -ENOMEM;
	}
	memcpy(to->text, from->text, param_count * sizeof(*to->text));
	memcpy(to->origin, from->origin, param_count * sizeof(*to->origin));
	if (copy_overrides(to->sut_override, from->sut_override) ||
	    copy_overrides(to->client_override, from->client_override)) {
		scenario_fini(to);
		return -ENOMEM;
	}
	return 0;
}

/* "memory.dram_miss=150 ns" joins the list, in place of an earlier one for the same key. */
static int override(char **list, const char *name, const char *value, struct err *err)
{
	const size_t length = strlen(name);
	char *text;
	size_t i = 0;

	if (asprintf(&text, "%s=%s", name, value) < 0)
		return err_set(err, -ENOMEM, "no memory");
	while (list[i] && (strncmp(list[i], name, length) || list[i][length] != '='))
		i++;
	if (i == SCENARIO_OVERRIDES) {
		free(text);
		return err_set(err, -EINVAL, "at most %d profile overrides a machine",
			       SCENARIO_OVERRIDES);
	}
	free(list[i]);
	list[i] = text;
	return 0;
}

/* A profile's number: key and unit are checked here, where file and line are known. */
static int set_override(char **list, const char *name, const char *value, struct err *err)
{
	const char *key = strchr(name, '.') + 1;
	int rc = profile_check(key, value, err);

	if (rc)
		return err_prefix(err, rc, "%.*s.", (int)(key - name - 1), name);
	return override(list, key, value, err);
}

/* @origin is what messages put in front of the setting. */
static int set(struct scenario *s, const char *section, const char *key, const char *value,
	       const char *origin, struct err *err)
{
	const struct param_row *row = param_find(section, key);
	char name[128], near[128];
	int rc;

	if (row) {
		rc = param_apply(s, row, value, err);
		if (!rc)
			snprintf(s->origin[row - param_rows], SCENARIO_ORIGIN, "%s", origin);
		return rc;
	}
	snprintf(name, sizeof(name), "%s.%s", section, key);
	if (!strncmp(name, "sut.", 4) && strchr(name + 4, '.'))
		return set_override(s->sut_override, name, value, err);
	if (!strncmp(name, "client.", 7) && strchr(name + 7, '.'))
		return set_override(s->client_override, name, value, err);
	if (param_nearest(section, key, near, sizeof(near)))
		return err_set(err, -EINVAL, "%s: unknown key; did you mean %s?", name, near);
	return err_set(err, -EINVAL, "%s: unknown key; 'iotoll list settings' shows all", name);
}

struct file_reader {
	struct scenario *s;
	const char *path;
};

static int from_file(void *ctx, const char *section, const char *key, const char *value, int line,
		     struct err *err)
{
	const struct file_reader *r = ctx;
	char origin[SCENARIO_ORIGIN];

	snprintf(origin, sizeof(origin), "%.140s:%d: ", r->path, line);
	return set(r->s, section, key, value, origin, err);
}

int scenario_read(struct scenario *s, const char *name, struct err *err)
{
	char path[PATH_MAX];
	struct file_reader reader = {.s = s, .path = path};
	const struct inifile_handler handler = {.ctx = &reader, .key = from_file};
	const char *base;
	int rc = paths_find("scenarios", name, ".ini", path, sizeof(path), err);

	if (rc)
		return rc;
	base = strrchr(path, '/');
	snprintf(s->name, sizeof(s->name), "%.*s", SCENARIO_TEXT - 1, base ? base + 1 : path);
	if (strstr(s->name, ".ini"))
		*strstr(s->name, ".ini") = '\0';
	return inifile_read(path, &handler, err);
}

static int assign(struct scenario *s, const char *assignment, const char *origin, struct err *err)
{
	char name[128], *dot, *end;
	const char *equals = strchr(assignment, '=');
	const char *value;

	if (!equals || equals == assignment || equals - assignment >= (long)sizeof(name))
		return err_set(err, -EINVAL, "'%s': expected section.key=value", assignment);
	snprintf(name, sizeof(name), "%.*s", (int)(equals - assignment), assignment);
	for (end = name + strlen(name); end > name && end[-1] == ' ';)
		*--end = '\0';
	dot = strrchr(name, '.');
	if (!dot || dot == name || !dot[1])
		return err_set(err, -EINVAL, "'%s': expected section.key=value", assignment);
	*dot = '\0';
	for (value = equals + 1; *value == ' ';)
		value++;
	return set(s, name, dot + 1, value, origin, err);
}

int scenario_set(struct scenario *s, const char *assignment, struct err *err)
{
	return assign(s, assignment, "--set ", err);
}

int scenario_settle(struct scenario *s, const char *assignment, struct err *err)
{
	return assign(s, assignment, "", err);
}

int scenario_setf(struct scenario *s, struct err *err, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return scenario_set(s, text, err);
}

void scenario_each(const struct scenario *s,
		   void (*fn)(void *ctx, const char *key, const char *value), void *ctx)
{
	char name[128];

	for (size_t i = 0; i < param_count; i++) {
		const struct param *p = &param_rows[i].param;

		snprintf(name, sizeof(name), "%s.%s", p->section, p->key);
		fn(ctx, name, s->text[i]);
	}
	for (int side = 0; side < 2; side++) {
		char *const *list = side ? s->client_override : s->sut_override;

		for (; *list; list++) {
			const char *equals = strchr(*list, '=');

			snprintf(name, sizeof(name), "%s.%.*s", side ? "client" : "sut",
				 (int)(equals - *list), *list);
			fn(ctx, name, equals + 1);
		}
	}
}

struct writer {
	FILE *to;
	char section[128];
};

static void write_setting(void *ctx, const char *key, const char *value)
{
	struct writer *w = ctx;
	const char *dot = strrchr(key, '.');
	const size_t length = (size_t)(dot - key);

	if (strlen(w->section) != length || strncmp(w->section, key, length)) {
		fprintf(w->to, "%s[%.*s]\n", w->section[0] ? "\n" : "", (int)length, key);
		snprintf(w->section, sizeof(w->section), "%.*s", (int)length, key);
	}
	fprintf(w->to, "%s = %s\n", dot + 1, value);
}

char *scenario_text(const struct scenario *s)
{
	struct writer w = {0};
	char *text = NULL;
	size_t bytes;

	w.to = open_memstream(&text, &bytes);
	if (!w.to)
		return NULL;
	scenario_each(s, write_setting, &w);
	if (fclose(w.to)) {
		free(text);
		return NULL;
	}
	return text;
}

int param_refuse(const struct scenario *s, const char *section, const char *key, struct err *err,
		 const char *fmt, ...)
{
	const struct param_row *row = param_find(section, key);
	char words[440];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	return err_set(err, -EINVAL, "%s%s.%s: %s", row ? s->origin[row - param_rows] : "", section,
		       key, words);
}
