/* SPDX-License-Identifier: MIT */
/* FFSB profiles: every key of the three dialects, and how a value's text becomes a field. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "load/ffsb_profile_internal.h"

enum kind {
	KIND_U32,
	KIND_FLAG,   /* 0 or 1 */
	KIND_TRUTH,  /* any number, not 0 is yes */
	KIND_SIZE32, /* bytes with an optional suffix */
	KIND_SIZE64,
	KIND_FRACTION, /* of 1, kept in millionths */
	KIND_TEXT,
	KIND_IGNORE_CALL,
	KIND_COUNT_FS, /* num_filesystems */
	KIND_COUNT_GROUPS,
	KIND_OLD,     /* 4.x: numconfigs */
	KIND_NOTHING, /* read and without effect */
};

struct key {
	const char *name;
	enum ffsb_section in;
	enum kind kind;
	size_t offset;
};

#define GLOBAL(name_, kind_, field)                                             \
	{                                                                       \
		name_, SECTION_TOP, kind_, offsetof(struct ffsb_profile, field) \
	}
#define FS(name_, kind_, field)                                                           \
	{                                                                                 \
		name_, SECTION_FILESYSTEM, kind_, offsetof(struct ffsb_filesystem, field) \
	}
#define GROUP(name_, kind_, field)                                              \
	{                                                                       \
		name_, SECTION_GROUP, kind_, offsetof(struct ffsb_group, field) \
	}
#define STATS(name_, kind_, field)                                              \
	{                                                                       \
		name_, SECTION_STATS, kind_, offsetof(struct ffsb_group, field) \
	}
#define WEIGHT(name_, op)                                                             \
	{                                                                             \
		name_, SECTION_GROUP, KIND_U32,                                       \
			offsetof(struct ffsb_group, weight) + (op) * sizeof(uint32_t) \
	}

/* clang-format off */
static const struct key keys[] = {
	{"num_filesystems", SECTION_TOP, KIND_COUNT_FS, 0},
	{"num_threadgroups", SECTION_TOP, KIND_COUNT_GROUPS, 0},
	GLOBAL("time", KIND_U32, time_s),
	GLOBAL("directio", KIND_FLAG, directio),
	GLOBAL("alignio", KIND_FLAG, alignio),
	GLOBAL("bufferio", KIND_FLAG, bufferio),
	GLOBAL("bufferedio", KIND_FLAG, bufferio),
	GLOBAL("verbose", KIND_FLAG, verbose),
	GLOBAL("callout", KIND_TEXT, callout),

	FS("location", KIND_TEXT, location),
	FS("num_files", KIND_U32, num_files),
	FS("num_dirs", KIND_U32, num_dirs),
	FS("min_filesize", KIND_SIZE64, min_filesize),
	FS("max_filesize", KIND_SIZE64, max_filesize),
	FS("init_size", KIND_SIZE64, init_size),
	FS("init_util", KIND_FRACTION, init_util_ppm),
	FS("create_blocksize", KIND_SIZE32, create_blocksize),
	FS("age_blocksize", KIND_SIZE32, age_blocksize),
	FS("reuse", KIND_FLAG, reuse),
	FS("agefs", KIND_FLAG, agefs),
	FS("desired_util", KIND_FRACTION, desired_util_ppm),
	FS("clone", KIND_TEXT, clone),

	GROUP("num_threads", KIND_U32, num_threads),
	GROUP("bindfs", KIND_TEXT, bindfs),
	GROUP("read_size", KIND_SIZE64, read_size),
	GROUP("read_blocksize", KIND_SIZE32, read_blocksize),
	GROUP("read_random", KIND_FLAG, read_random),
	GROUP("read_skip", KIND_TRUTH, read_skip),
	GROUP("read_skipsize", KIND_SIZE32, read_skipsize),
	GROUP("write_size", KIND_SIZE64, write_size),
	GROUP("write_blocksize", KIND_SIZE32, write_blocksize),
	GROUP("write_random", KIND_FLAG, write_random),
	GROUP("fsync_file", KIND_FLAG, fsync_file),
	GROUP("op_delay", KIND_U32, op_delay_ms),
	WEIGHT("read_weight", FFSB_READ),
	WEIGHT("readall_weight", FFSB_READALL),
	WEIGHT("write_weight", FFSB_WRITE),
	WEIGHT("create_weight", FFSB_CREATE),
	WEIGHT("append_weight", FFSB_APPEND),
	WEIGHT("delete_weight", FFSB_DELETE),
	WEIGHT("metaop_weight", FFSB_METAOP),
	WEIGHT("meta_weight", FFSB_METAOP),
	WEIGHT("createdir_weight", FFSB_CREATEDIR),
	WEIGHT("stat_weight", FFSB_STAT),
	WEIGHT("writeall_weight", FFSB_WRITEALL),
	WEIGHT("writeall_fsync_weight", FFSB_WRITEALL_FSYNC),
	WEIGHT("open_close_weight", FFSB_OPEN_CLOSE),
	WEIGHT("write_fsync_weight", FFSB_WRITE_FSYNC),
	WEIGHT("create_fsync_weight", FFSB_CREATE_FSYNC),
	WEIGHT("append_fsync_weight", FFSB_APPEND_FSYNC),

	STATS("enable_stats", KIND_FLAG, stats),
	STATS("enable_range", KIND_FLAG, stats_ranges),
	{"ignore", SECTION_STATS, KIND_IGNORE_CALL, 0},
};

/* 4.x; fields are those of the one file system, the one group, or the group that ages. */
enum { OLD_PROFILE, OLD_FS, OLD_GROUP, OLD_AGING };

static const struct old_key {
	struct key key;
	int of;
} old_keys[] = {
	{{"numconfigs", SECTION_TOP, KIND_OLD, 0}, OLD_PROFILE},
	{FS("numfiles", KIND_U32, num_files), OLD_FS},
	{FS("maxfilesize", KIND_SIZE64, max_filesize), OLD_FS},
	{FS("minfilesize", KIND_SIZE64, min_filesize), OLD_FS},
	{FS("numdirs", KIND_U32, num_dirs), OLD_FS},
	{FS("utilization", KIND_FRACTION, desired_util_ppm), OLD_FS},
	{WEIGHT("initialcreateweight", FFSB_CREATE), OLD_AGING},
	{WEIGHT("initialdeleteweight", FFSB_DELETE), OLD_AGING},
	{FS("location", KIND_TEXT, location), OLD_FS},
	{GLOBAL("directio", KIND_FLAG, directio), OLD_PROFILE},
	{GLOBAL("bufferedio", KIND_FLAG, bufferio), OLD_PROFILE},
	{GLOBAL("verbose", KIND_FLAG, verbose), OLD_PROFILE},
	{{"reage", SECTION_TOP, KIND_NOTHING, 0}, OLD_PROFILE},
	{GROUP("threads", KIND_U32, num_threads), OLD_GROUP},
	{{"iterations", SECTION_GROUP, KIND_NOTHING, 0}, OLD_GROUP},
	{GROUP("readsize", KIND_SIZE64, read_size), OLD_GROUP},
	{GROUP("readblocksize", KIND_SIZE32, read_blocksize), OLD_GROUP},
	{GROUP("readseeksize", KIND_TRUTH, read_random), OLD_GROUP},
	{GROUP("writesize", KIND_SIZE64, write_size), OLD_GROUP},
	{WEIGHT("readweight", FFSB_READ), OLD_GROUP},
	{WEIGHT("writeweight", FFSB_APPEND), OLD_GROUP},
	{WEIGHT("createweight", FFSB_CREATE), OLD_GROUP},
	{WEIGHT("deleteweight", FFSB_DELETE), OLD_GROUP},
	{WEIGHT("metaweight", FFSB_METAOP), OLD_GROUP},
};
/* clang-format on */

#define KEYS     (sizeof(keys) / sizeof(keys[0]))
#define OLD_KEYS (sizeof(old_keys) / sizeof(old_keys[0]))

static int take_count(struct ffsb_reading *r, const char *key, const char *value, uint32_t *out)
{
	const int rc = ffsb_value_u32(r, key, value, out);

	if (rc)
		return rc;
	return *out ? 0 : ffsb_want(r, key, value, "at least 1");
}

static int take_value(struct ffsb_reading *r, const struct key *k, void *base, const char *value)
{
	void *field = (char *)base + k->offset;
	uint64_t size;
	int rc;

	switch (k->kind) {
	case KIND_U32:
		return ffsb_value_u32(r, k->name, value, field);
	case KIND_FLAG:
	case KIND_TRUTH:
		return ffsb_value_flag(r, k->name, value, k->kind == KIND_TRUTH, field);
	case KIND_SIZE32:
		rc = ffsb_value_size(r, k->name, value, UINT32_MAX, &size);
		if (!rc)
			*(uint32_t *)field = (uint32_t)size;
		return rc;
	case KIND_SIZE64:
		return ffsb_value_size(r, k->name, value, INT64_MAX, field);
	case KIND_FRACTION:
		return ffsb_value_fraction(r, k->name, value, field);
	case KIND_TEXT:
		return ffsb_value_text(r, k->name, value, field);
	case KIND_IGNORE_CALL:
		return ffsb_take_ignored_call(r, value);
	case KIND_COUNT_FS:
		return take_count(r, k->name, value, &r->num_filesystems);
	case KIND_COUNT_GROUPS:
		return take_count(r, k->name, value, &r->num_groups);
	default:
		return 0;
	}
}

/* The group of 4.x that creates and deletes until the file system is as full as wanted. */
static struct ffsb_group *old_aging(struct ffsb_filesystem *f)
{
	if (!f->aging) {
		f->aging = calloc(1, sizeof(*f->aging));
		if (f->aging)
			*f->aging = (struct ffsb_group){
				.num_threads = 1, .filesystem = -1, .write_blocksize = 4096};
	}
	return f->aging;
}

static struct ffsb_filesystem *old_filesystem(struct ffsb_reading *r)
{
	struct ffsb_profile *p = r->out;

	if (!p->filesystem) {
		p->filesystem = calloc(1, sizeof(*p->filesystem));
		if (!p->filesystem)
			return NULL;
		p->filesystem_count = 1;
		p->filesystem->line = r->line;
		p->filesystem->create_blocksize = p->filesystem->age_blocksize = 4096;
	}
	return p->filesystem;
}

static int take_old(struct ffsb_reading *r, const struct old_key *k, const char *value)
{
	struct ffsb_filesystem *f = old_filesystem(r);
	void *base = r->out;

	if (!f)
		return err_set(r->err, -ENOMEM, "no memory");
	if (k->of == OLD_GROUP && !r->group)
		return ffsb_refuse(r, r->line, "%s: expected [config0] before it", k->key.name);
	if (k->of == OLD_FS)
		base = f;
	else if (k->of == OLD_GROUP)
		base = r->group;
	else if (k->of == OLD_AGING)
		base = old_aging(f);
	if (!base)
		return err_set(r->err, -ENOMEM, "no memory");
	if (k->key.kind == KIND_OLD)
		return take_count(r, k->key.name, value, &r->numconfigs);
	return take_value(r, &k->key, base, value);
}

int ffsb_old_finish(struct ffsb_reading *r)
{
	struct ffsb_filesystem *f = r->out->filesystem;

	if (r->numconfigs > 1)
		return ffsb_refuse(r, r->line, "numconfigs: expected 1, found %u", r->numconfigs);
	if (!f || !r->group)
		return ffsb_refuse(r, r->line, "expected a [config0]");
	r->group->write_blocksize = (uint32_t)r->group->write_size;
	if (r->group->write_size > UINT32_MAX)
		return ffsb_refuse(r, r->group->line,
				   "writesize: expected less than 4 GiB, as it is "
				   "the size of a call as well");
	f->agefs = f->desired_util_ppm > 0;
	if (f->agefs && !f->aging)
		return ffsb_refuse(r, f->line, "utilization: expected initialcreateweight besides");
	return 0;
}

static void *base_of(struct ffsb_reading *r, enum ffsb_section in)
{
	switch (in) {
	case SECTION_TOP:
		return r->out;
	case SECTION_FILESYSTEM:
		return &r->out->filesystem[r->out->filesystem_count - 1];
	default:
		return r->group;
	}
}

/* Unknown keys stop 6.0 and 4.x; 5.x remarked on them inside sections and went on. */
static int unknown(struct ffsb_reading *r, const char *key, enum ffsb_section in)
{
	struct nearest n;

	nearest_init(&n, key);
	for (size_t i = 0; r->out->dialect != FFSB_4 && i < KEYS; i++) {
		if (keys[i].in == in)
			nearest_offer(&n, keys[i].name);
	}
	for (size_t i = 0; r->out->dialect == FFSB_4 && i < OLD_KEYS; i++)
		nearest_offer(&n, old_keys[i].key.name);
	if (r->out->dialect == FFSB_5 && in != SECTION_TOP)
		return ffsb_warn(r, r->line, "%.60s: unknown here%s%s%s; skipped", key,
				 n.best ? ", did you mean " : "", n.best ? n.best : "",
				 n.best ? "?" : "");
	return ffsb_refuse(r, r->line, "%.60s: unknown here%s%s%s", key,
			   n.best ? ", did you mean " : ", expected key=value",
			   n.best ? n.best : "", n.best ? "?" : "");
}

static int twice(struct ffsb_reading *r, size_t index, const char *key)
{
	struct ffsb_open *o = &r->open[r->depth];
	const uint64_t bit = (uint64_t)1 << index;
	const bool again = o->seen & bit;

	o->seen |= bit;
	return again ? ffsb_warn(r, r->line, "%s: given twice, the last one counts", key) : 0;
}
_Static_assert(KEYS <= 64 && OLD_KEYS <= 64, "a bit for each key");

/*
 * Where the key ends and the value begins. 6.0 deletes every blank of the line first; the others
 * keep what is within a value.
 */
static char *split(const struct ffsb_reading *r, char *text)
{
	char *equals, *end;

	if (r->out->dialect == FFSB_6) {
		char *to = text;

		for (const char *from = text; *from; from++) {
			if (!isspace((unsigned char)*from))
				*to++ = *from;
		}
		*to = '\0';
	}
	equals = strchr(text, '=');
	if (!equals)
		return NULL;
	for (end = equals; end > text && isspace((unsigned char)end[-1]);)
		end--;
	*end = '\0';
	return equals + 1 + strspn(equals + 1, " \t");
}

static int take_key(struct ffsb_reading *r, const char *key, const char *value)
{
	const enum ffsb_section in = r->open[r->depth].kind;
	int rc;

	if (r->out->dialect == FFSB_4) {
		for (size_t i = 0; i < OLD_KEYS; i++) {
			if (strcmp(old_keys[i].key.name, key))
				continue;
			rc = twice(r, i, key);
			return rc ? rc : take_old(r, &old_keys[i], value);
		}
		return unknown(r, key, in);
	}
	for (size_t i = 0; i < KEYS; i++) {
		if (keys[i].in != in || strcmp(keys[i].name, key))
			continue;
		if (r->out->dialect == FFSB_6 && !strcmp(key, "fsync_file"))
			return ffsb_refuse(
				r, r->line,
				"fsync_file: 6.0 does not have it, expected write_fsync_weight "
				"in place of write_weight");
		rc = keys[i].kind == KIND_IGNORE_CALL ? 0 : twice(r, i, key);
		if (!strcmp(key, "time"))
			r->out->has_time = true;
		return rc ? rc : take_value(r, &keys[i], base_of(r, in), value);
	}
	return unknown(r, key, in);
}

int ffsb_take_line(struct ffsb_reading *r, char *text)
{
	const enum ffsb_section in = r->open[r->depth].kind;
	char *value;
	int rc;

	if (ffsb_take_list(r, text, &rc))
		return rc;
	/* What follows the last section 5.x counts on is none of its business. */
	if (r->out->dialect == FFSB_5 && in == SECTION_TOP && r->num_groups &&
	    r->out->group_count >= r->num_groups)
		return ffsb_warn(r, r->line, "text after the last section is ignored");
	value = split(r, text);
	if (!value)
		return unknown(r, text, in);
	return take_key(r, text, value);
}
