/* SPDX-License-Identifier: MIT */
/*
 * Taking a line of a trace apart from its left: each function takes what it names and moves on, or
 * answers false and leaves everything as it was. Lines are not terminated.
 */
#ifndef IOTOLL_TRACE_CUT_H
#define IOTOLL_TRACE_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is left of a line. */
struct cut {
	const char *at, *end;
};

static inline bool cut_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Spaces and tabs, if any. */
void cut_blanks(struct cut *c);
/* Exactly @text. */
bool cut_text(struct cut *c, const char *text);
/* At least one decimal digit, a value of at most @limit. */
bool cut_decimal(struct cut *c, uint64_t limit, uint64_t *out);
/* "0x" and one or more lower-case hexadecimal digits, a value below 2^64, as %016llx prints it. */
bool cut_hex(struct cut *c, uint64_t *out);
/* The same without "0x", as %llx prints it. */
bool cut_bare_hex(struct cut *c, uint64_t *out);
/* Up to the next blank, at least one byte. */
bool cut_word(struct cut *c, struct cut *word);

#endif
