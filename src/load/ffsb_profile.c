/* SPDX-License-Identifier: MIT */
/* FFSB profiles: the file, its lines, its dialect and how sections nest. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "load/ffsb_profile_internal.h"

/* ---- messages ---- */

int ffsb_refuse(struct ffsb_reading *r, int line, const char *fmt, ...)
{
	char words[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	return err_set(r->err, -EINVAL, "%s:%d: %s", r->name, line, words);
}

int ffsb_warn(struct ffsb_reading *r, int line, const char *fmt, ...)
{
	char words[400], *text;
	va_list ap;

	if (r->out->warning_count++ >= FFSB_WARNINGS)
		return 0;
	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	if (asprintf(&text, "%s:%d: %s", r->name, line, words) < 0) {
		r->out->warning_count--;
		return err_set(r->err, -ENOMEM, "no memory");
	}
	r->out->warning[r->out->warning_count - 1] = text;
	return 0;
}

/* ---- lines ---- */

/* The next line without blanks at its ends into @to; 1, 0 at the end, negative if refused. */
static int next_line(struct ffsb_reading *r, const char **at, const char *end, char *to)
{
	const char *from = *at, *newline;
	size_t bytes, bad;

	if (from == end)
		return 0;
	newline = memchr(from, '\n', (size_t)(end - from));
	bytes = (size_t)((newline ? newline : end) - from);
	*at = newline ? newline + 1 : end;
	r->line++;
	if (bytes > FFSB_LINE_MAX)
		return ffsb_refuse(r, r->line, "the line has %zu bytes, expected at most %d", bytes,
				   FFSB_LINE_MAX);
	if (!utf8_is_text(from, bytes, &bad))
		return ffsb_refuse(r, r->line, "byte %zu: expected text in UTF-8", bad + 1);
	while (bytes && isspace((unsigned char)*from)) {
		from++;
		bytes--;
	}
	while (bytes && isspace((unsigned char)from[bytes - 1]))
		bytes--;
	for (size_t i = 0; i < bytes; i++) {
		if (iscntrl((unsigned char)from[i]) && from[i] != '\t')
			return ffsb_refuse(r, r->line,
					   "a control character (0x%02x), expected text",
					   (unsigned)(unsigned char)from[i]);
	}
	memcpy(to, from, bytes);
	to[bytes] = '\0';
	return 1;
}

/* Only 6.0 has comments behind something; elsewhere '#' may be part of a name. */
static void cut_comment(const struct ffsb_reading *r, char *line)
{
	char *hash = r->out->dialect == FFSB_6 ? strchr(line, '#') : NULL;

	if (!hash && line[0] == '#')
		hash = line;
	if (!hash)
		return;
	while (hash > line && isspace((unsigned char)hash[-1]))
		hash--;
	*hash = '\0';
}

static bool starts(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

/* Which dialect? By keys that only one of them has, wherever they stand. */
static enum ffsb_dialect dialect_of(const char *text, size_t bytes)
{
	const char *at = text, *end = text + bytes;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;
		char word[24];
		size_t n = 0;

		while (at < stop && isspace((unsigned char)*at))
			at++;
		while (n < sizeof(word) - 1 && at + n < stop && at[n] &&
		       !isspace((unsigned char)at[n]))
			n++;
		memcpy(word, at, n);
		word[n] = '\0';
		if (starts(word, "numconfigs") || starts(word, "[config"))
			return FFSB_4;
		if (starts(word, "num_filesystems"))
			return FFSB_5;
		at = newline ? newline + 1 : end;
	}
	return FFSB_6;
}

/* ---- sections ---- */

static const char *const section_names[] = {"the top level", "[filesystem]", "[threadgroup]",
					    "[stats]", "a section that is not used"};

static struct ffsb_open *innermost(struct ffsb_reading *r)
{
	return &r->open[r->depth];
}

static int enter(struct ffsb_reading *r, enum ffsb_section kind)
{
	if (r->depth + 1 == FFSB_DEPTH)
		return ffsb_refuse(r, r->line, "expected at most %d sections inside each other",
				   FFSB_DEPTH - 1);
	innermost(r)->nested = true;
	r->open[++r->depth] = (struct ffsb_open){.kind = kind, .line = r->line};
	return 0;
}

static int grow(struct ffsb_reading *r, void *array, unsigned count, size_t bytes, const char *what)
{
	void **at = array, *larger;

	if (count == FFSB_SECTIONS)
		return ffsb_refuse(r, r->line, "expected at most %u %s", FFSB_SECTIONS, what);
	larger = realloc(*at, (count + 1) * bytes);
	if (!larger)
		return err_set(r->err, -ENOMEM, "no memory");
	*at = larger;
	return 0;
}

/* 5.x: a file system begins with all of the one before but its place. */
static int open_filesystem(struct ffsb_reading *r)
{
	struct ffsb_profile *p = r->out;
	struct ffsb_filesystem *f;
	int rc = grow(r, &p->filesystem, p->filesystem_count, sizeof(*f), "file systems");

	if (rc)
		return rc;
	f = &p->filesystem[p->filesystem_count];
	if (p->dialect == FFSB_5 && p->filesystem_count) {
		const struct ffsb_group *aging = f[-1].aging;

		*f = f[-1];
		f->location[0] = '\0';
		f->aging = NULL;
		if (aging) {
			f->aging = malloc(sizeof(*aging));
			if (!f->aging)
				return err_set(r->err, -ENOMEM, "no memory");
			*f->aging = *aging;
		}
	} else {
		*f = (struct ffsb_filesystem){.create_blocksize = 4096, .age_blocksize = 4096};
	}
	f->line = r->line;
	p->filesystem_count++;
	return enter(r, SECTION_FILESYSTEM);
}

/* 5.x: a group begins with the one before, but without its weights and its file system. */
static int open_group(struct ffsb_reading *r)
{
	struct ffsb_profile *p = r->out;
	struct ffsb_group *g;
	int rc = grow(r, &p->group, p->group_count, sizeof(*g), "thread groups");

	if (rc)
		return rc;
	g = &p->group[p->group_count];
	*g = (struct ffsb_group){.line = 0};
	if (p->dialect == FFSB_5 && p->group_count) {
		*g = g[-1];
		memset(g->weight, 0, sizeof(g->weight));
		g->bindfs[0] = '\0';
	}
	g->line = r->line;
	g->filesystem = -1;
	p->group_count++;
	r->group = g;
	return enter(r, SECTION_GROUP);
}

/* The first section inside a file system says how it is aged. */
static int open_aging(struct ffsb_reading *r)
{
	struct ffsb_filesystem *f = &r->out->filesystem[r->out->filesystem_count - 1];

	if (innermost(r)->nested) {
		const int rc = ffsb_warn(r, r->line,
					 "[threadgroup]: only the first one inside a "
					 "[filesystem] counts; skipped");

		return rc ? rc : enter(r, SECTION_SKIPPED);
	}
	free(f->aging);
	f->aging = calloc(1, sizeof(*f->aging));
	if (!f->aging)
		return err_set(r->err, -ENOMEM, "no memory");
	f->aging->line = r->line;
	f->aging->filesystem = -1;
	r->group = f->aging;
	return enter(r, SECTION_GROUP);
}

static int open_stats(struct ffsb_reading *r)
{
	const enum ffsb_section where = innermost(r)->kind;

	if (where == SECTION_GROUP && !innermost(r)->nested) {
		r->group->stats = r->group->stats_ranges = false;
		r->group->stats_ignore = 0;
		r->group->range_count = 0;
		return enter(r, SECTION_STATS);
	}
	if (where != SECTION_SKIPPED) {
		const int rc =
			where == SECTION_GROUP
				? ffsb_warn(r, r->line,
					    "[stats]: only the first section inside a "
					    "[threadgroup] counts; skipped")
				: ffsb_warn(r, r->line,
					    "[stats]: has an effect inside a [threadgroup] only; "
					    "skipped");

		if (rc)
			return rc;
	}
	return enter(r, SECTION_SKIPPED);
}

/* The number of an [endN] means nothing: 5.x remarked on a wrong one, 6.0 never looked. */
static int close_section(struct ffsb_reading *r, const char *heading)
{
	if (!r->depth)
		return ffsb_refuse(r, r->line,
				   "%.40s: there is nothing to end, expected [filesystem] "
				   "or [threadgroup]",
				   heading);
	r->depth--;
	return 0;
}

/* 5.x reads as many groups as it was told of, and nothing that comes after. */
static bool counted_out(const struct ffsb_reading *r)
{
	return r->out->dialect == FFSB_5 && r->num_groups && r->out->group_count >= r->num_groups;
}

static int take_heading(struct ffsb_reading *r, const char *heading)
{
	const enum ffsb_section where = innermost(r)->kind;
	const bool filesystem = strstr(heading, "filesystem") != NULL;

	if (r->out->dialect == FFSB_4) {
		if (!starts(heading, "[config0]"))
			return ffsb_refuse(r, r->line,
					   "%.40s: expected [config0], the only section "
					   "of a 4.x profile",
					   heading);
		if (r->group)
			return ffsb_refuse(r, r->line, "[config0]: given twice");
		return open_group(r);
	}
	if (filesystem || strstr(heading, "threadgroup")) {
		if (where == SECTION_SKIPPED)
			return enter(r, SECTION_SKIPPED);
		if (where == SECTION_TOP && counted_out(r)) {
			const int rc = ffsb_warn(
				r, r->line, "%.40s: beyond num_threadgroups; skipped", heading);

			return rc ? rc : enter(r, SECTION_SKIPPED);
		}
		if (where == SECTION_TOP)
			return filesystem ? open_filesystem(r) : open_group(r);
		if (where == SECTION_FILESYSTEM && !filesystem)
			return open_aging(r);
		return ffsb_refuse(r, r->line,
				   "%.40s inside %s of line %d: expected [end] before it", heading,
				   section_names[where], innermost(r)->line);
	}
	if (strstr(heading, "end"))
		return close_section(r, heading);
	if (strstr(heading, "stats"))
		return open_stats(r);
	return ffsb_refuse(r, r->line,
			   "%.40s: unknown section, expected filesystem, threadgroup, stats or end "
			   "in the brackets",
			   heading);
}

/* ---- the whole ---- */

static int read_lines(struct ffsb_reading *r, const char *text, size_t bytes)
{
	const char *at = text, *end = text + bytes;
	char line[FFSB_LINE_MAX + 1];
	int rc;

	while ((rc = next_line(r, &at, end, line)) > 0) {
		cut_comment(r, line);
		rc = 0;
		if (line[0] == '[')
			rc = take_heading(r, line);
		else if (line[0] && innermost(r)->kind != SECTION_SKIPPED)
			rc = ffsb_take_line(r, line);
		if (rc)
			return rc;
	}
	if (rc)
		return rc;
	if (r->out->dialect == FFSB_4)
		return ffsb_old_finish(r);
	if (r->depth)
		return ffsb_warn(r, innermost(r)->line, "%s: no [end] before the end of the file",
				 section_names[innermost(r)->kind]);
	return 0;
}

int ffsb_profile_read_text(struct ffsb_profile *out, const char *name, const char *text,
			   size_t bytes, struct err *err)
{
	struct ffsb_profile made = {.dialect = dialect_of(text, bytes)};
	struct ffsb_reading r = {.name = name, .err = err, .out = &made};
	int rc;

	if (bytes > FFSB_PROFILE_MAX)
		return err_set(err, -EFBIG, "%s: expected at most %zu bytes", name,
			       FFSB_PROFILE_MAX);
	made.name = strdup(name);
	if (!made.name)
		return err_set(err, -ENOMEM, "no memory for %s", name);
	rc = read_lines(&r, text, bytes);
	if (!rc)
		rc = ffsb_profile_finish(&r);
	if (rc) {
		ffsb_profile_free(&made);
		return rc;
	}
	*out = made;
	return 0;
}

/* All of @f up to a byte more than is good, into memory to be freed. */
static int slurp(FILE *f, const char *path, char **text, size_t *bytes, struct err *err)
{
	int rc = 0;

	*bytes = 0;
	*text = malloc(FFSB_PROFILE_MAX + 1);
	if (!*text)
		return err_set(err, -ENOMEM, "no memory for %s", path);
	errno = 0;
	*bytes = fread(*text, 1, FFSB_PROFILE_MAX + 1, f);
	if (ferror(f)) {
		rc = errno ? -errno : -EIO;
		free(*text);
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	}
	return 0;
}

int ffsb_profile_read(struct ffsb_profile *out, const char *path, struct err *err)
{
	FILE *f = fopen(path, "re");
	char *text;
	size_t bytes;
	int rc;

	if (!f) {
		rc = -errno;
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	}
	rc = slurp(f, path, &text, &bytes, err);
	fclose(f);
	if (rc)
		return rc;
	rc = ffsb_profile_read_text(out, path, text, bytes, err);
	free(text);
	return rc;
}

void ffsb_profile_free(struct ffsb_profile *p)
{
	for (unsigned i = 0; i < p->filesystem_count; i++)
		free(p->filesystem[i].aging);
	for (unsigned i = 0; i < p->warning_count && i < FFSB_WARNINGS; i++)
		free(p->warning[i]);
	free(p->filesystem);
	free(p->group);
	free(p->name);
	*p = (struct ffsb_profile){.dialect = FFSB_6};
}
