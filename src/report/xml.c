// SPDX-License-Identifier: MIT
/*
 * Escaping after XML 1.0 sections 2.2 (characters) and 2.4 (character data).
 */
#include "report/xml.h"

#include <stdbool.h>
#include <string.h>

#include "report/utf8.h"

static bool allowed(uint32_t cp)
{
	if (cp < 0x20)
		return cp == '\t' || cp == '\n' || cp == '\r';
	return cp != 0xfffe && cp != 0xffff;
}

static const char *entity(uint32_t cp)
{
	switch (cp) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void xml_text(FILE *out, const char *s)
{
	uint32_t cp;
	size_t n;

	while ((n = utf8_next(s, &cp)) != 0) {
		const char *e = entity(cp);

		if (e)
			fputs(e, out);
		else if (cp == UTF8_REPLACEMENT || !allowed(cp))
			fputs("\xef\xbf\xbd", out);
		else
			fwrite(s, 1, n, out);
		s += n;
	}
}

void xml_id(FILE *out, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._-";

	for (; *s; s++) {
		if (strchr(plain, *s))
			fputc(*s, out);
		else
			fprintf(out, ":%02x", (unsigned char)*s);
	}
}
