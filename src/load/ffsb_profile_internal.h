/* SPDX-License-Identifier: MIT */
/* What the parts of the profile reader share: lines and sections, keys and values, checks. */
#ifndef IOTOLL_LOAD_FFSB_PROFILE_INTERNAL_H
#define IOTOLL_LOAD_FFSB_PROFILE_INTERNAL_H

#include "load/ffsb_profile.h"

enum ffsb_section {
	SECTION_TOP,
	SECTION_FILESYSTEM,
	SECTION_GROUP,
	SECTION_STATS,
	SECTION_SKIPPED
};

#define FFSB_DEPTH 8

struct ffsb_open {
	enum ffsb_section kind;
	int line;
	uint64_t seen; /* keys given, by their place in the table */
	bool nested;   /* a section was inside already */
};

struct ffsb_reading {
	const char *name;
	int line;
	struct err *err;
	struct ffsb_profile *out;
	struct ffsb_open open[FFSB_DEPTH]; /* from the top level inwards */
	unsigned depth;
	struct ffsb_group *group; /* of the innermost group section */
	/* 5.x: what it says there is; 0: did not say */
	uint32_t num_filesystems, num_groups;
	uint32_t numconfigs; /* 4.x */
};

/* "NAME:LINE: " and the words. Returns -EINVAL. */
int ffsb_refuse(struct ffsb_reading *r, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same as a warning. 0 or -ENOMEM. */
int ffsb_warn(struct ffsb_reading *r, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ffsb_profile_keys.c: one line of a section, blanks at both ends gone, terminated. */
int ffsb_take_line(struct ffsb_reading *r, char *text);
/* 4.x's settings that fit nowhere until the last line was read. */
int ffsb_old_finish(struct ffsb_reading *r);

/* ffsb_profile_lists.c: true if @text is a list's line; *@rc is what became of it. */
bool ffsb_take_list(struct ffsb_reading *r, const char *text, int *rc);
/* The value of "ignore": a call's name, of which a beginning will do, in any case. An unknown one
 * is remarked on and changes nothing. 0 or -ENOMEM. */
int ffsb_take_ignored_call(struct ffsb_reading *r, const char *value);

/*
 * ffsb_profile_values.c: @value of @key as a number, a size, ... into @out. 0, -EINVAL with a
 * message, -ENOMEM. Text after a number is a remark.
 */
int ffsb_value_u32(struct ffsb_reading *r, const char *key, const char *value, uint32_t *out);
/* Bytes up to @max, with a suffix of 6.0's if wanted. */
int ffsb_value_size(struct ffsb_reading *r, const char *key, const char *value, uint64_t max,
		    uint64_t *out);
/* 0 to 1, in millionths. */
int ffsb_value_fraction(struct ffsb_reading *r, const char *key, const char *value, uint32_t *out);
/* @out has FFSB_TEXT bytes. */
int ffsb_value_text(struct ffsb_reading *r, const char *key, const char *value, char *out);
/* 0 or 1; with @truth any number, of which 0 alone is false. */
int ffsb_value_flag(struct ffsb_reading *r, const char *key, const char *value, bool truth,
		    bool *out);
/* A decimal fraction at *@text, which moves behind it, in units of 1 / @scale. False: none there.
 */
bool ffsb_value_decimal(const char **text, uint64_t scale, uint64_t *out);
/* -EINVAL: "key: expected ..., found 'value'". */
int ffsb_want(struct ffsb_reading *r, const char *key, const char *value, const char *expected);

/* ffsb_profile_check.c: inheritance, clones, bindings, and whether all of it makes sense. */
int ffsb_profile_finish(struct ffsb_reading *r);

#endif
