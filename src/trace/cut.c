// SPDX-License-Identifier: MIT
/* Pieces of a line, and whether it is text at all: see cut.h. */
#include "trace/cut.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

void cut_blanks(struct cut *c)
{
	while (c->at < c->end && is_blank(*c->at))
		c->at++;
}

bool cut_text(struct cut *c, const char *text)
{
	const size_t n = strlen(text);

	if ((size_t)(c->end - c->at) < n || memcmp(c->at, text, n) != 0)
		return false;
	c->at += n;
	return true;
}

bool cut_decimal(struct cut *c, uint64_t limit, uint64_t *out)
{
	const char *p = c->at;
	uint64_t v = 0;

	for (; p < c->end && *p >= '0' && *p <= '9'; p++) {
		const unsigned digit = (unsigned)(*p - '0');

		if (digit > limit || v > (limit - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (p == c->at)
		return false;
	c->at = p;
	*out = v;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool cut_hex(struct cut *c, uint64_t *out)
{
	struct cut in = *c;
	const char *first;
	uint64_t v = 0;

	if (!cut_text(&in, "0x"))
		return false;
	for (first = in.at; in.at < in.end && hex_digit(*in.at) >= 0; in.at++) {
		if (v >> 60)
			return false;
		v = v << 4 | (unsigned)hex_digit(*in.at);
	}
	if (in.at == first)
		return false;
	c->at = in.at;
	*out = v;
	return true;
}

bool cut_word(struct cut *c, struct cut *word)
{
	*word = *c;
	while (c->at < c->end && !is_blank(*c->at))
		c->at++;
	word->end = c->at;
	return word->end > word->at;
}

/* Bytes of the UTF-8 sequence at @p (RFC 3629, table of section 4), 0 if it is none. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
	unsigned char low = 0x80, high = 0xBF;
	size_t n;

	if (p[0] < 0x80)
		return p[0] ? 1 : 0;
	if (p[0] >= 0xC2 && p[0] <= 0xDF)
		n = 2;
	else if (p[0] >= 0xE0 && p[0] <= 0xEF)
		n = 3;
	else if (p[0] >= 0xF0 && p[0] <= 0xF4)
		n = 4;
	else
		return 0;
	if (n > left)
		return 0;
	if (p[0] == 0xE0)
		low = 0xA0; /* shorter forms exist */
	else if (p[0] == 0xED)
		high = 0x9F; /* surrogates */
	else if (p[0] == 0xF0)
		low = 0x90;
	else if (p[0] == 0xF4)
		high = 0x8F; /* beyond U+10FFFF */
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xBF)
			return 0;
	return n;
}

bool cut_is_utf8(const char *text, size_t bytes, size_t *bad)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t i = 0;

	while (i < bytes) {
		uint64_t eight;
		size_t n;

		/* Nearly every line is ASCII: eight bytes at a time, none zero, none above 127. */
		if (bytes - i >= 8) {
			memcpy(&eight, p + i, 8);
			if (!(((eight - 0x0101010101010101ull) | eight) & 0x8080808080808080ull)) {
				i += 8;
				continue;
			}
		}
		n = utf8_sequence(p + i, bytes - i);
		if (!n) {
			*bad = i;
			return false;
		}
		i += n;
	}
	return true;
}
