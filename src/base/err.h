/* SPDX-License-Identifier: MIT */
/*
 * Errors with words. A function that can fail returns a negative errno value; where a person
 * will read the reason it also takes a struct err and fills it with one line that names the
 * file, the line, the key and what was expected. Library code never prints and never exits.
 */
#ifndef IOTOLL_BASE_ERR_H
#define IOTOLL_BASE_ERR_H

struct err {
	char text[480];
};

#define MUST_CHECK __attribute__((warn_unused_result))

/*
 * Write the formatted line into @err (which may be NULL: then only the code travels) and
 * return @code, so that a failing branch is one statement:
 *	return err_set(err, -EINVAL, "%s:%d: ...", file, line);
 */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set(), with @fmt's text put in front of what @err already says. Returns @code. */
int err_prefix(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
