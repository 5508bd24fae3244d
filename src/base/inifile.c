/* SPDX-License-Identifier: MIT */
/*
 * INI reading over inih's ini_parse_stream(). Debian's build of inih (r55) cuts lines at 200
 * bytes, names at 50, skips what follows a ']', and its handler is not told the line. So the
 * reader that feeds it, called once a line, counts lines and checks each against the rules of
 * inifile.h first; what reaches inih is a line it takes whole. inih reports a continuation line
 * by calling the handler again with the key above: such pieces are joined before they are told.
 */
#include "base/inifile.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define NAME_BYTES 50u /* inih's MAX_SECTION and MAX_NAME, terminator included */

/* A key that was read, to find it again when it comes twice. */
struct seen {
	char section[NAME_BYTES];
	char key[NAME_BYTES];
	int line;
};

struct reading {
	const char *name; /* of the file, for messages */
	const struct inifile_handler *handler;
	struct err *err;
	int rc; /* first failure; stops the reading */

	const char *at, *end; /* text not yet read */
	int line;             /* number of the line read last */
	bool continues;       /* it continues the value above */

	char section[NAME_BYTES]; /* heading in force */
	char key[NAME_BYTES];     /* key whose value is being gathered, "" = none */
	int key_line;
	char *value;
	size_t value_bytes;

	struct seen *seen;
	size_t seen_count, seen_room;
};

/* Note the first failure: "NAME:LINE: " and @what, which may be NULL if err has the words. */
static bool fail_at(struct reading *r, int line, int rc, const char *what)
{
	if (what)
		err_set(r->err, rc, "%s", what);
	r->rc = err_prefix(r->err, rc, "%s:%d: ", r->name, line);
	return false;
}

static bool fail(struct reading *r, const char *what)
{
	return fail_at(r, r->line, -EINVAL, what);
}

/* Tell the handler the key whose value is complete. */
static bool flush_key(struct reading *r)
{
	int rc;

	if (!r->key[0])
		return true;
	rc = r->handler->key(r->handler->ctx, r->section, r->key, r->value, r->key_line, r->err);
	r->key[0] = '\0';
	r->value_bytes = 0;
	return rc ? fail_at(r, r->key_line, rc, NULL) : true;
}

/* Length of @piece up to a comment, blanks before it not counted. */
static size_t without_comment(const char *piece)
{
	size_t end = strlen(piece);

	for (size_t i = 1; i < end; i++) {
		if (piece[i] == ';' && isspace((unsigned char)piece[i - 1]))
			end = i;
	}
	while (end && isspace((unsigned char)piece[end - 1]))
		end--;
	return end;
}

/* inih cuts comments off values, but not off continuation lines: here every piece is cut. */
static bool append_value(struct reading *r, const char *piece)
{
	const size_t bytes = without_comment(piece), blank = r->value_bytes && bytes ? 1 : 0;
	char *larger = realloc(r->value, r->value_bytes + blank + bytes + 1);

	if (!larger)
		return fail_at(r, r->line, -ENOMEM, "out of memory");
	r->value = larger;
	if (blank)
		r->value[r->value_bytes++] = ' ';
	memcpy(r->value + r->value_bytes, piece, bytes);
	r->value_bytes += bytes;
	r->value[r->value_bytes] = '\0';
	return true;
}

/* Enter section and key of the present line into the list of those seen. */
static bool note_seen(struct reading *r, const char *key)
{
	struct seen *larger;

	for (size_t i = 0; i < r->seen_count; i++) {
		const struct seen *s = &r->seen[i];

		if (strcmp(s->key, key) || strcmp(s->section, r->section))
			continue;
		err_set(r->err, -EINVAL, "%s%s%s: given twice, first in line %d", r->section,
			r->section[0] ? "." : "", key, s->line);
		return fail(r, NULL);
	}
	if (r->seen_count == r->seen_room) {
		r->seen_room = r->seen_room ? 2 * r->seen_room : 64;
		larger = realloc(r->seen, r->seen_room * sizeof(*r->seen));
		if (!larger)
			return fail_at(r, r->line, -ENOMEM, "out of memory");
		r->seen = larger;
	}
	r->seen[r->seen_count] = (struct seen){.line = r->line};
	strcpy(r->seen[r->seen_count].section, r->section);
	strcpy(r->seen[r->seen_count].key, key);
	r->seen_count++;
	return true;
}

/* inih's handler: one call for each "key = value" line and each continuation line. */
static int on_line(void *user, const char *section, const char *key, const char *value)
{
	struct reading *r = user;

	(void)section; /* r->section is the same name; checked to be short enough */
	if (r->rc)
		return 0;
	if (!r->continues) {
		if (!note_seen(r, key))
			return 0;
		strcpy(r->key, key);
		r->key_line = r->line;
	}
	return append_value(r, value);
}

static const char *skip_blanks(const char *at)
{
	while (isspace((unsigned char)*at))
		at++;
	return at;
}

/* Length of @at up to @end without the blanks before it. */
static size_t trimmed(const char *at, const char *end)
{
	while (end > at && isspace((unsigned char)end[-1]))
		end--;
	return (size_t)(end - at);
}

/* "[name]" and nothing else but a comment. */
static bool check_section(struct reading *r, const char *start)
{
	const char *close = strchr(start, ']'), *after;
	int rc;

	if (!close)
		return fail(r, "expected ']' at the end of '[section'");
	after = skip_blanks(close + 1);
	if (*after && *after != '#' && *after != ';')
		return fail(r, "expected nothing after '[section]'");
	if (close == start + 1 || isspace((unsigned char)start[1]) ||
	    isspace((unsigned char)close[-1]))
		return fail(r, "expected a name without blanks around it in '[section]'");
	if ((size_t)(close - start - 1) >= NAME_BYTES)
		return fail(r, "section name longer than 49 bytes");
	memcpy(r->section, start + 1, (size_t)(close - start - 1));
	r->section[close - start - 1] = '\0';
	if (!r->handler->section)
		return true;
	rc = r->handler->section(r->handler->ctx, r->section, r->line, r->err);
	return rc ? fail_at(r, r->line, rc, NULL) : true;
}

/* "name = value" as inih splits it: at the first '=' or ':'. */
static bool check_key(struct reading *r, const char *start)
{
	const size_t upto = strcspn(start, "=:");
	const char *comment = strstr(start, " ;");
	const size_t bytes = trimmed(start, start + upto);

	if (!start[upto] || !bytes || (comment && comment < start + upto))
		return fail(r, "expected 'key = value' or '[section]'");
	if (bytes >= NAME_BYTES)
		return fail(r, "key longer than 49 bytes");
	return true;
}

/*
 * Does an indented line look like a key of its own? Then its author meant one, and taking it for
 * more of the value above would swallow it.
 */
static bool looks_like_key(const char *start)
{
	const size_t name = strspn(start, "abcdefghijklmnopqrstuvwxyz0123456789_.-");

	return name && *skip_blanks(start + name) == '=';
}

/* Check one line; true if inih may have it. Sets r->continues, r->section. */
static bool check_line(struct reading *r, const char *line)
{
	const char *start = line;

	for (const char *c = line; *c; c++) {
		if (iscntrl((unsigned char)*c) && *c != '\t')
			return fail(r, "control character in text");
	}
	if (r->line == 1 && !strncmp(start, "\xef\xbb\xbf", 3))
		start += 3;
	line = start;
	start = skip_blanks(start);
	r->continues = false;
	if (!*start || *start == ';' || *start == '#')
		return true;
	if (start > line && r->key[0]) {
		r->continues = true;
		if (looks_like_key(start))
			return fail(r, "an indented line continues the value above; "
				       "begin a key at the left margin");
		return true;
	}
	if (!flush_key(r))
		return false;
	return *start == '[' ? check_section(r, start) : check_key(r, start);
}

/* inih's reader, in the manner of fgets(): the next line, or NULL at the end or on failure. */
static char *next_line(char *to, int room, void *stream)
{
	struct reading *r = stream;
	const char *newline;
	size_t bytes, bad;

	if (r->rc || r->at == r->end)
		return NULL;
	newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
	bytes = (size_t)((newline ? newline : r->end) - r->at);
	r->line++;
	if (memchr(r->at, '\0', bytes)) {
		fail(r, "NUL byte in text");
		return NULL;
	}
	if (!utf8_is_text(r->at, bytes, &bad)) {
		err_set(r->err, -EINVAL, "byte 0x%02x at column %zu is not UTF-8 text",
			(unsigned char)r->at[bad], bad + 1);
		fail(r, NULL);
		return NULL;
	}
	if (bytes && r->at[bytes - 1] == '\r')
		bytes--;
	if (bytes >= (size_t)room) {
		err_set(r->err, -EINVAL,
			"line longer than %d bytes: continue it on an indented line", room - 1);
		fail(r, NULL);
		return NULL;
	}
	memcpy(to, r->at, bytes);
	to[bytes] = '\0';
	r->at = newline ? newline + 1 : r->end;
	return check_line(r, to) ? to : NULL;
}

int inifile_read_text(const char *name, const char *text, size_t bytes,
		      const struct inifile_handler *handler, struct err *err)
{
	struct reading r = {
		.name = name, .handler = handler, .err = err, .at = text, .end = text + bytes};
	const int bad = ini_parse_stream(next_line, &r, on_line, &r);

	if (!r.rc)
		flush_key(&r);
	if (!r.rc && bad) {
		/* Every line was checked; this is for rules of inih that the checks do not know. */
		r.line = bad > 0 ? bad : r.line;
		fail(&r, "expected 'key = value' or '[section]'");
	}
	free(r.value);
	free(r.seen);
	return r.rc;
}

/* All of @file in a heap block. 0 or -errno. */
static int slurp(FILE *file, char **text, size_t *bytes)
{
	char *all = malloc(INIFILE_MAX_BYTES + 1);
	size_t got;
	int rc = 0;

	if (!all)
		return -ENOMEM;
	errno = 0;
	got = fread(all, 1, INIFILE_MAX_BYTES + 1, file);
	if (ferror(file))
		rc = errno ? -errno : -EIO;
	else if (got > INIFILE_MAX_BYTES)
		rc = -EFBIG;
	if (rc) {
		free(all);
		return rc;
	}
	*text = all;
	*bytes = got;
	return 0;
}

int inifile_read(const char *path, const struct inifile_handler *handler, struct err *err)
{
	FILE *file = fopen(path, "rbe");
	char *text;
	size_t bytes;
	int rc;

	if (!file) {
		rc = -errno;
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	}
	rc = slurp(file, &text, &bytes);
	fclose(file);
	if (rc)
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	rc = inifile_read_text(path, text, bytes, handler, err);
	free(text);
	return rc;
}
