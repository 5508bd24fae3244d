// SPDX-License-Identifier: MIT
/* Pieces of a line: see cut.h. */
#include "trace/cut.h"

#include <string.h>

void cut_blanks(struct cut *c)
{
	while (c->at < c->end && cut_is_blank(*c->at))
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

bool cut_bare_hex(struct cut *c, uint64_t *out)
{
	struct cut in = *c;
	const char *first;
	uint64_t v = 0;

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

bool cut_hex(struct cut *c, uint64_t *out)
{
	struct cut in = *c;

	if (!cut_text(&in, "0x") || !cut_bare_hex(&in, out))
		return false;
	*c = in;
	return true;
}

bool cut_word(struct cut *c, struct cut *word)
{
	*word = *c;
	while (c->at < c->end && !cut_is_blank(*c->at))
		c->at++;
	word->end = c->at;
	return word->end > word->at;
}
