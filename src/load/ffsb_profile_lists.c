/* SPDX-License-Identifier: MIT */
/*
 * FFSB profiles: lines that may stand several times and add to a list: sizes with their weights,
 * ranges of latencies, and the calls that statistics leave out.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "load/ffsb_profile_internal.h"

static int take_size_weight(struct ffsb_reading *r, const char *rest)
{
	struct ffsb_filesystem *f = &r->out->filesystem[r->out->filesystem_count - 1];
	struct ffsb_size_weight sw;
	const char *second = rest + strcspn(rest, " \t");
	int rc;

	second += strspn(second, " \t");
	if (!*second)
		return ffsb_want(r, "size_weight", rest, "a size and a weight, such as 4k 33");
	if (f->size_count == FFSB_LIST)
		return ffsb_refuse(r, r->line, "size_weight: expected at most %u of them",
				   FFSB_LIST);
	rc = ffsb_value_size(r, "size_weight", rest, INT64_MAX, &sw.bytes);
	if (!rc)
		rc = ffsb_value_u32(r, "size_weight", second, &sw.weight);
	if (!rc)
		f->size[f->size_count++] = sw;
	return rc;
}

static int take_range(struct ffsb_reading *r, const char *rest)
{
	struct ffsb_group *g = r->group;
	const char *at = rest;
	struct ffsb_range range;

	if (g->range_count == FFSB_LIST)
		return ffsb_refuse(r, r->line, "msec_range: expected at most %u of them",
				   FFSB_LIST);
	if (!ffsb_value_decimal(&at, 1000000000, &range.low_ps) || !isspace((unsigned char)*at))
		return ffsb_want(r, "msec_range", rest,
				 "two numbers of milliseconds, such as 0.5 1");
	at += strspn(at, " \t");
	if (!ffsb_value_decimal(&at, 1000000000, &range.high_ps) || range.high_ps < range.low_ps)
		return ffsb_want(r, "msec_range", rest,
				 "two numbers of milliseconds, the higher one last");
	g->range[g->range_count++] = range;
	return 0;
}

bool ffsb_take_list(struct ffsb_reading *r, const char *text, int *rc)
{
	static const struct {
		const char *name;
		enum ffsb_section in;
		int (*take)(struct ffsb_reading *r, const char *rest);
	} lists[] = {
		{"size_weight", SECTION_FILESYSTEM, take_size_weight},
		{"msec_range", SECTION_STATS, take_range},
		{"bucket", SECTION_STATS, take_range}, /* as 5.2.1 of December 2007 called it */
	};
	const size_t word = strcspn(text, " \t");

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (strlen(lists[i].name) != word || strncmp(text, lists[i].name, word) ||
		    r->open[r->depth].kind != lists[i].in)
			continue;
		*rc = lists[i].take(r, text + word + strspn(text + word, " \t"));
		return true;
	}
	return false;
}

static const char *const call_names[FFSB_CALLS] = {"open",  "read",   "write", "create",
						   "lseek", "unlink", "close", "stat"};

const char *ffsb_call_name(enum ffsb_call call)
{
	return call_names[call];
}

int ffsb_take_ignored_call(struct ffsb_reading *r, const char *value)
{
	for (unsigned i = 0; i < FFSB_CALLS; i++) {
		if (!strncasecmp(value, call_names[i], strlen(call_names[i]))) {
			r->group->stats_ignore |= 1u << i;
			return 0;
		}
	}
	return ffsb_warn(r, r->line,
			 "ignore: '%.40s' is none of open, read, write, create, lseek, unlink, "
			 "close, stat; skipped",
			 value);
}
