// SPDX-License-Identifier: MIT
/* Is it UTF-8, and where to cut it: see utf8.h. */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

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

bool utf8_is_text(const char *text, size_t bytes, size_t *bad)
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

size_t utf8_cut(const char *text, size_t bytes, size_t room)
{
	if (bytes <= room)
		return bytes;
	while (room && ((unsigned char)text[room] & 0xC0) == 0x80)
		room--;
	return room;
}
