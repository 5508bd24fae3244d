// SPDX-License-Identifier: MIT
/*
 * Well-formedness after XML 1.0 sections 2 and 3, as far as generated documents use it.
 */
#include "markup.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define DEEPEST    64
#define MOST_ATTRS 32

struct span {
	const char *at;
	size_t bytes;
};

static bool same(struct span a, struct span b)
{
	return a.bytes == b.bytes && memcmp(a.at, b.at, a.bytes) == 0;
}

static struct span name_at(const char *s)
{
	struct span n = {s, 0};

	while (isalnum((unsigned char)s[n.bytes]) || (s[n.bytes] && strchr("-_:.", s[n.bytes])))
		n.bytes++;
	return n;
}

static bool entity_ok(const char *s)
{
	static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strncmp(s, known[i], strlen(known[i])) == 0)
			return true;
	return false;
}

static bool char_ok(const char *s)
{
	unsigned char c = (unsigned char)*s;

	return (c >= 0x20 || c == '\t' || c == '\n' || c == '\r') && (c != '&' || entity_ok(s));
}

/* Parse the attributes at *@s up to '>' or '/'. */
static const char *attributes(const char **s)
{
	struct span seen[MOST_ATTRS];
	size_t n = 0;

	for (;;) {
		bool blank = isspace((unsigned char)**s);

		*s += strspn(*s, " \t\r\n");
		if (**s == '>' || **s == '/')
			return NULL;
		if (!blank)
			return "no blank before an attribute";
		if (n == MOST_ATTRS)
			return "too many attributes";
		seen[n] = name_at(*s);
		if (!seen[n].bytes)
			return "no attribute name";
		for (size_t i = 0; i < n; i++)
			if (same(seen[i], seen[n]))
				return "attribute given twice";
		*s += seen[n++].bytes;
		if (strncmp(*s, "=\"", 2) != 0)
			return "attribute value is not quoted";
		for (*s += 2; **s != '"'; (*s)++)
			if (!**s || **s == '<' || !char_ok(*s))
				return "bad character in an attribute value";
		(*s)++;
	}
}

const char *markup_check(const char *text, bool html, const char **at)
{
	struct span open[DEEPEST];
	size_t depth = 0;
	bool seen_root = false;
	const char *s = text, *wrong;

	*at = s;
	if (html && strncmp(s, "<!DOCTYPE html>", 15) == 0)
		s += 15;
	if (!html && strncmp(s, "<?xml ", 6) == 0)
		s = strstr(s, "?>") + 2;
	for (; *s; *at = s) {
		struct span name;
		bool closing;

		if (*s != '<') {
			if (!char_ok(s))
				return "bad character in text";
			if (!depth && !isspace((unsigned char)*s))
				return "text outside the root element";
			s++;
			continue;
		}
		closing = s[1] == '/';
		s += closing ? 2 : 1;
		name = name_at(s);
		if (!name.bytes)
			return "no element name after <";
		s += name.bytes;
		if (closing) {
			if (*s++ != '>')
				return "closing tag does not end";
			if (!depth || !same(open[--depth], name))
				return "closing tag does not match";
			continue;
		}
		if (!depth && seen_root)
			return "second root element";
		seen_root = true;
		wrong = attributes(&s);
		if (wrong)
			return wrong;
		if (*s == '/') {
			if (*++s != '>')
				return "/ without >";
			s++;
			continue;
		}
		s++;
		if (html && same(name, (struct span){"meta", 4}))
			continue;
		if (depth == DEEPEST)
			return "nested too deeply";
		open[depth++] = name;
		if (same(name, (struct span){"style", 5})) {
			s = strstr(s, "</style>");
			if (!s)
				return "style does not end";
		}
	}
	return depth ? "element not closed" : seen_root ? NULL : "no root element";
}

unsigned markup_count(const char *text, const char *name)
{
	char tag[64];
	unsigned n = 0;
	int bytes = snprintf(tag, sizeof(tag), "<%s", name);

	for (const char *s = text; (s = strstr(s, tag)) != NULL; s++)
		n += strchr(" >/\n", s[bytes]) != NULL;
	return n;
}
