/* SPDX-License-Identifier: MIT */
/* FFSB profiles: what can be said of a whole one: clones, bindings, and what cannot work. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load/ffsb_profile_internal.h"

static const char *const op_names[FFSB_OPS] = {
	"read",           "readall",    "write",       "create",       "append",
	"delete",         "metaop",     "createdir",   "stat",         "writeall",
	"writeall_fsync", "open_close", "write_fsync", "create_fsync", "append_fsync"};

const char *ffsb_op_name(enum ffsb_op op)
{
	return op_names[op];
}

uint64_t ffsb_weights(const struct ffsb_group *g)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < FFSB_OPS; i++)
		sum += g->weight[i];
	return sum;
}

bool ffsb_op_writes(enum ffsb_op op)
{
	switch (op) {
	case FFSB_WRITE:
	case FFSB_CREATE:
	case FFSB_APPEND:
	case FFSB_WRITEALL:
	case FFSB_WRITEALL_FSYNC:
	case FFSB_WRITE_FSYNC:
	case FFSB_CREATE_FSYNC:
	case FFSB_APPEND_FSYNC:
		return true;
	default:
		return false;
	}
}

/* ---- counts ---- */

/* 5.x reads as many sections as it was told of, and not what comes after. */
static int check_counts(struct ffsb_reading *r)
{
	const struct ffsb_profile *p = r->out;

	if (p->dialect == FFSB_5) {
		if (!r->num_groups)
			return ffsb_refuse(r, r->line,
					   "num_threadgroups: missing, expected besides "
					   "num_filesystems");
		if (p->filesystem_count < r->num_filesystems)
			return ffsb_refuse(r, r->line,
					   "num_filesystems: expected %u [filesystem] "
					   "sections, found %u",
					   r->num_filesystems, p->filesystem_count);
		if (p->group_count < r->num_groups)
			return ffsb_refuse(r, r->line,
					   "num_threadgroups: expected %u [threadgroup] "
					   "sections, found %u",
					   r->num_groups, p->group_count);
		if (p->filesystem_count > r->num_filesystems || p->group_count > r->num_groups)
			return ffsb_refuse(r, r->line,
					   "num_filesystems, num_threadgroups: expected %u and "
					   "%u, found %u and %u sections",
					   r->num_filesystems, r->num_groups, p->filesystem_count,
					   p->group_count);
	} else if (r->num_groups) {
		return ffsb_refuse(r, r->line,
				   "num_threadgroups: without num_filesystems; expected "
				   "both (5.x) or none (6.0)");
	}
	if (!p->filesystem_count)
		return ffsb_refuse(r, r->line, "expected a [filesystem] section at least");
	if (!p->group_count)
		return ffsb_refuse(r, r->line, "expected a [threadgroup] section at least");
	return 0;
}

/* ---- file systems ---- */

/* 6.0: everything but the place and the group that ages, which must stand in the clone itself. */
static int clone_filesystem(struct ffsb_reading *r, struct ffsb_filesystem *f)
{
	const struct ffsb_profile *p = r->out;

	for (unsigned i = 0; i < p->filesystem_count; i++) {
		const struct ffsb_filesystem *from = &p->filesystem[i];
		struct ffsb_filesystem made = *from;

		if (from == f || strcmp(from->location, f->clone))
			continue;
		memcpy(made.location, f->location, sizeof(made.location));
		memcpy(made.clone, f->clone, sizeof(made.clone));
		made.line = f->line;
		made.aging = f->aging;
		*f = made;
		return 0;
	}
	return ffsb_refuse(r, f->line, "clone: no other [filesystem] has the location '%s'",
			   f->clone);
}

static int check_group(struct ffsb_reading *r, const struct ffsb_group *g);

static int check_aging(struct ffsb_reading *r, const struct ffsb_filesystem *f)
{
	const struct ffsb_group *g = f->aging;

	if (!f->agefs)
		return 0;
	if (!g)
		return ffsb_refuse(r, f->line,
				   "agefs: expected a [threadgroup] inside the "
				   "[filesystem] that says how to age it");
	for (unsigned i = 0; i < FFSB_OPS; i++) {
		if (g->weight[i] && i != FFSB_CREATE && i != FFSB_APPEND && i != FFSB_DELETE &&
		    i != FFSB_CREATE_FSYNC && i != FFSB_APPEND_FSYNC)
			return ffsb_refuse(r, g->line,
					   "%s_weight: ageing knows create, append, "
					   "delete, create_fsync and append_fsync only",
					   op_names[i]);
	}
	return check_group(r, g);
}

static int check_sizes(struct ffsb_reading *r, const struct ffsb_filesystem *f)
{
	uint64_t weights = 0;

	for (unsigned i = 0; i < f->size_count; i++)
		weights += f->size[i].weight;
	if (f->size_count && !weights)
		return ffsb_refuse(r, f->line, "size_weight: expected a weight that is not 0");
	if (!f->size_count && f->min_filesize > f->max_filesize)
		return ffsb_refuse(r, f->line,
				   "min_filesize: expected at most max_filesize, found "
				   "%llu and %llu",
				   (unsigned long long)f->min_filesize,
				   (unsigned long long)f->max_filesize);
	if (!f->create_blocksize || !f->age_blocksize)
		return ffsb_refuse(r, f->line, "%s: expected at least 1",
				   f->create_blocksize ? "age_blocksize" : "create_blocksize");
	return 0;
}

static int check_filesystem(struct ffsb_reading *r, struct ffsb_filesystem *f)
{
	int rc;

	if (!f->location[0])
		return ffsb_refuse(r, f->line, "location: missing in this [filesystem]");
	if (f->clone[0]) {
		rc = clone_filesystem(r, f);
		if (rc)
			return rc;
	}
	for (const struct ffsb_filesystem *o = r->out->filesystem; o < f; o++) {
		if (!strcmp(o->location, f->location))
			return ffsb_refuse(r, f->line, "location: %s is used in line %d already",
					   f->location, o->line);
	}
	rc = check_sizes(r, f);
	if (rc)
		return rc;
	if (!f->num_files && !f->init_size && !f->init_util_ppm && !f->reuse && !f->agefs) {
		rc = ffsb_warn(r, f->line,
			       "%s: there will be no files at the start (num_files, "
			       "init_size and init_util are 0)",
			       f->location);
		if (rc)
			return rc;
	}
	return check_aging(r, f);
}

/* ---- groups ---- */

static bool writes(const struct ffsb_group *g)
{
	for (unsigned i = 0; i < FFSB_OPS; i++) {
		if (g->weight[i] && ffsb_op_writes((enum ffsb_op)i))
			return true;
	}
	return false;
}

static int check_group(struct ffsb_reading *r, const struct ffsb_group *g)
{
	const char *want = NULL;

	if (!g->num_threads)
		return ffsb_refuse(r, g->line, "num_threads: expected at least 1");
	if (g->num_threads > FFSB_THREADS)
		return ffsb_refuse(r, g->line, "num_threads: expected at most %u", FFSB_THREADS);
	if (!ffsb_weights(g))
		want = "expected at least one operation with a weight that is not 0";
	else if ((g->weight[FFSB_READ] || g->weight[FFSB_READALL]) && !g->read_blocksize)
		want = "read_blocksize: expected at least 1 where read or readall has a weight";
	else if (writes(g) && !g->write_blocksize)
		want = "write_blocksize: expected at least 1 where an operation that writes has a "
		       "weight";
	else if (g->read_random && g->read_skip)
		want = "read_random and read_skip: expected one of them";
	else if (g->read_skip && !g->read_skipsize)
		want = "read_skipsize: expected at least 1 with read_skip";
	return want ? ffsb_refuse(r, g->line, "%s", want) : 0;
}

/* 5.x by number, 6.0 by place. */
static int bind(struct ffsb_reading *r, struct ffsb_group *g)
{
	const struct ffsb_profile *p = r->out;
	unsigned long index;
	char *end;

	if (!g->bindfs[0])
		return 0;
	for (unsigned i = 0; p->dialect == FFSB_6 && i < p->filesystem_count; i++) {
		if (!strcmp(p->filesystem[i].location, g->bindfs)) {
			g->filesystem = (int)i;
			return 0;
		}
	}
	if (p->dialect == FFSB_6)
		return ffsb_refuse(r, g->line, "bindfs: no [filesystem] has the location '%s'",
				   g->bindfs);
	index = strtoul(g->bindfs, &end, 10);
	if (end == g->bindfs || index >= p->filesystem_count)
		return ffsb_refuse(r, g->line, "bindfs: expected a number from 0 to %u, found '%s'",
				   p->filesystem_count - 1, g->bindfs);
	g->filesystem = (int)index;
	return 0;
}

/* ---- all ---- */

int ffsb_profile_finish(struct ffsb_reading *r)
{
	struct ffsb_profile *p = r->out;
	uint64_t threads = 0;
	int rc = check_counts(r);

	if (p->directio)
		p->alignio = true;
	for (unsigned i = 0; i < p->filesystem_count && !rc; i++)
		rc = check_filesystem(r, &p->filesystem[i]);
	for (unsigned i = 0; i < p->group_count && !rc; i++) {
		struct ffsb_group *g = &p->group[i];

		rc = check_group(r, g);
		if (!rc)
			rc = bind(r, g);
		threads += g->num_threads;
	}
	if (!rc && threads > FFSB_THREADS)
		rc = ffsb_refuse(r, r->line,
				 "num_threads: expected at most %u in all groups, found "
				 "%llu",
				 FFSB_THREADS, (unsigned long long)threads);
	return rc;
}
