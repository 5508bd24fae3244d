/* SPDX-License-Identifier: MIT */
/*
 * Errors with words: the formatting behind err.h. A line that does not fit is cut and ends in
 * "...", so that nobody takes half a message for a whole one. Arguments may point into the very
 * text that is being replaced.
 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void err_mark_cut(char *text, size_t size, int wanted)
{
	size_t end = size - 4;

	if (wanted >= 0 && (size_t)wanted < size)
		return;
	/* Do not leave the first bytes of a UTF-8 sequence before the dots. */
	while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
		end--;
	strcpy(text + end, "...");
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	struct err made;
	va_list args;
	int wanted;

	if (!err)
		return code;
	va_start(args, fmt);
	wanted = vsnprintf(made.text, sizeof(made.text), fmt, args);
	va_end(args);
	err_mark_cut(made.text, sizeof(made.text), wanted);
	*err = made;
	return code;
}

int err_prefix(struct err *err, int code, const char *fmt, ...)
{
	struct err made;
	va_list args;
	size_t used;
	int wanted;

	if (!err)
		return code;
	va_start(args, fmt);
	wanted = vsnprintf(made.text, sizeof(made.text), fmt, args);
	va_end(args);
	if (wanted >= 0 && (size_t)wanted < sizeof(made.text)) {
		used = (size_t)wanted;
		wanted += snprintf(made.text + used, sizeof(made.text) - used, "%s", err->text);
	}
	err_mark_cut(made.text, sizeof(made.text), wanted);
	*err = made;
	return code;
}
