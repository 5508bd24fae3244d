/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 for output: decoding that never fails and the number of terminal columns a text takes.
 * Independent of the locale, so that a table has the same bytes on every machine.
 */
#ifndef IOTOLL_REPORT_UTF8_H
#define IOTOLL_REPORT_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT 0xfffdu

/*
 * Decode the character at @s into *@cp and return its length in bytes; 0 at the end of the
 * string. An ill-formed byte (RFC 3629: stray, overlong, surrogate, above U+10FFFF, cut off)
 * counts as one byte and gives UTF8_REPLACEMENT.
 */
size_t utf8_next(const char *s, uint32_t *cp);
/* Terminal columns of one character: 0 (combining), 1 or 2 (East Asian wide, emoji). */
unsigned utf8_width(uint32_t cp);
/* Terminal columns of @s. */
unsigned utf8_columns(const char *s);
/*
 * A copy of @s that is safe to print: ill-formed bytes and control characters (a terminal would
 * obey them) become U+FFFD, tabs and line ends become blanks. To be freed; NULL when memory is
 * short.
 */
char *utf8_clean(const char *s);
/* As utf8_clean(), but line feeds stay. */
char *utf8_clean_lines(const char *s);

#endif
