/* SPDX-License-Identifier: MIT */
/* Texts of FFSB profiles, read, refused or remarked on. */
#ifndef IOTOLL_TESTS_LOAD_FFSB_TEXTS_H
#define IOTOLL_TESTS_LOAD_FFSB_TEXTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load/ffsb_profile.h"

#define FS6    "[filesystem]\nlocation=/a\nnum_files=1\n[end]\n"
#define GROUP6 "[threadgroup]\nnum_threads=1\nstat_weight=1\n[end]\n"
#define HEAD5  "num_filesystems=1\nnum_threadgroups=1\n"
#define FS5    "[filesystem0]\nlocation=/a\nnum_files=1\n[end0]\n"
#define GROUP5 "[threadgroup0]\nnum_threads=1\ndelete_weight=1\n[end0]\n"

static inline struct ffsb_profile good(const char *text)
{
	struct err err = {.text = ""};
	struct ffsb_profile p;

	if (ffsb_profile_read_text(&p, "p", text, strlen(text), &err))
		fail_msg("%s", err.text);
	return p;
}

static inline void refused(const char *text, const char *why)
{
	struct err err = {.text = ""};
	struct ffsb_profile p;
	const int rc = ffsb_profile_read_text(&p, "p", text, strlen(text), &err);

	if (!rc)
		ffsb_profile_free(&p);
	assert_int_equal(rc, -EINVAL);
	assert_string_equal(err.text, why);
}

static inline void one_warning(const struct ffsb_profile *p, const char *text)
{
	assert_int_equal(p->warning_count, 1);
	assert_string_equal(p->warning[0], text);
}

#endif
