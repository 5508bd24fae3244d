/* SPDX-License-Identifier: MIT */
/*
 * INI text with line numbers. Lines are parsed by the inih library; the rules it leaves loose are
 * tightened here, so that nothing a person mistyped is skipped, cut or guessed:
 *
 *	[section]		a heading, alone on its line; the same one may come again
 *	key = value		below a heading, or above the first one (section "")
 *	    more of the value	an indented line continues the value; joined with one blank
 *	# comment, ; comment	a whole line; within a value, " ;" begins a comment as well
 *
 * A key may stand once in a section of a file. Keys and section names have at most 49 bytes,
 * lines at most 199 (longer values are continued). LF or CR LF, a UTF-8 byte order mark and a
 * missing final newline are all good; other control characters, NUL included, and bytes that are
 * not UTF-8 are refused.
 */
#ifndef IOTOLL_BASE_INIFILE_H
#define IOTOLL_BASE_INIFILE_H

#include <stddef.h>

#include "base/err.h"

/* The largest file that is read: a guard against reading a disk by mistake. */
#define INIFILE_MAX_BYTES ((size_t)1 << 20)

/*
 * What the reader calls, in file order. A callback that refuses fills @err with "key: what was
 * expected", without place, and returns a negative errno value: the reader stops, puts
 * "FILE:LINE: " in front, and returns it. Strings are valid during the call only.
 */
struct inifile_handler {
	void *ctx;
	/* A heading was read. May be NULL. */
	int (*section)(void *ctx, const char *section, int line, struct err *err);
	/* A key and its whole value ("" if empty); @line is where the key stands. */
	int (*key)(void *ctx, const char *section, const char *key, const char *value, int line,
		   struct err *err);
};

/*
 * Read the file @path. 0; -EINVAL for text that breaks a rule, @err "FILE:LINE: what was
 * expected"; a callback's answer; -EFBIG, or -errno if the file cannot be read.
 */
int inifile_read(const char *path, const struct inifile_handler *handler,
		 struct err *err) MUST_CHECK;

/* The same for @bytes of text in memory, which messages call @name. */
int inifile_read_text(const char *name, const char *text, size_t bytes,
		      const struct inifile_handler *handler, struct err *err) MUST_CHECK;

#endif
