// SPDX-License-Identifier: MIT
/*
 * UTF-8 decoding after RFC 3629 and column widths after the wide and zero-width ranges of Unicode
 * (UAX 11), kept to the blocks that occur in practice.
 */
#include "report/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct range {
	uint32_t first, last;
};

static const struct range zero_width[] = {
	{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a}, {0x064b, 0x065f},
	{0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064},
	{0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff},
};

static const struct range wide[] = {
	{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff}, {0x3400, 0x4dbf},
	{0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xac00, 0xd7a3}, {0xf900, 0xfaff},
	{0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6}, {0x1f300, 0x1f64f},
	{0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

static bool in_ranges(const struct range *r, size_t n, uint32_t cp)
{
	for (size_t i = 0; i < n; i++)
		if (cp >= r[i].first && cp <= r[i].last)
			return true;
	return false;
}

size_t utf8_next(const char *s, uint32_t *cp)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n = u[0] < 0x80 ? 1 : u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t value;

	*cp = u[0];
	if (u[0] == 0)
		return 0;
	if (n == 1)
		return 1;
	*cp = UTF8_REPLACEMENT;
	if (u[0] < 0xc2 || u[0] > 0xf4)
		return 1;
	value = u[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 1;
		value = value << 6 | (u[i] & 0x3f);
	}
	if (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 1;
	*cp = value;
	return n;
}

unsigned utf8_width(uint32_t cp)
{
	if (in_ranges(zero_width, sizeof(zero_width) / sizeof(zero_width[0]), cp))
		return 0;
	return in_ranges(wide, sizeof(wide) / sizeof(wide[0]), cp) ? 2 : 1;
}

unsigned utf8_columns(const char *s)
{
	unsigned columns = 0;
	uint32_t cp;
	size_t n;

	while ((n = utf8_next(s, &cp)) != 0) {
		columns += utf8_width(cp);
		s += n;
	}
	return columns;
}

static char *clean_copy(const char *s, char line_feed)
{
	/* A bad byte grows to the three of U+FFFD. */
	char *clean = malloc(strlen(s) * 3 + 1), *to = clean;
	uint32_t cp;
	size_t n;

	if (!clean)
		return NULL;
	while ((n = utf8_next(s, &cp)) != 0) {
		if (cp == '\n') {
			*to++ = line_feed;
		} else if (cp == '\t' || cp == '\r') {
			*to++ = ' ';
		} else if (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == UTF8_REPLACEMENT) {
			memcpy(to, "\xef\xbf\xbd", 3);
			to += 3;
		} else {
			memcpy(to, s, n);
			to += n;
		}
		s += n;
	}
	*to = 0;
	return clean;
}

char *utf8_clean(const char *s)
{
	return clean_copy(s, ' ');
}

char *utf8_clean_lines(const char *s)
{
	return clean_copy(s, '\n');
}
