/* SPDX-License-Identifier: MIT */
/* FFSB: building the file sets before the clock starts: directories, ageing, files. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "load/ffsb_internal.h"

#define SEED_FILES 10 /* of ageing */

/* "a/b/c" with all that is above it; there already is fine. */
static int make_dirs(struct ffsb_worker *w, const char *path)
{
	struct ffsb *f = w->load;
	char part[FFSB_PATH];
	int rc = 0;

	for (size_t end = 1; path[end - 1] && !rc; end++) {
		if (path[end] && path[end] != '/')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)end, path);
		rc = extfs_mkdir(f->fs, w->cpu, part);
		if (rc == -EEXIST)
			rc = 0;
		if (!path[end])
			break;
	}
	if (rc == -ENOSPC)
		ffsb_fail(f, rc,
			  "%s:%d: num_dirs: the file system has no room for %s; expected fewer",
			  f->profile->name, w->set->profile->line, path);
	else if (rc)
		ffsb_fail(f, rc, "building: making %s: %s", path, strerror(-rc));
	return rc;
}

static uint64_t used_blocks(const struct ffsb *f)
{
	struct extfs_statfs st;

	extfs_statfs(f->fs, &st);
	return st.blocks - st.free_blocks;
}

static bool as_full_as(const struct ffsb *f, uint32_t ppm)
{
	struct extfs_statfs st;

	extfs_statfs(f->fs, &st);
	return (st.blocks - st.free_blocks) * 1000000 >= st.blocks * ppm;
}

/* ---- ageing ---- */

void ffsb_ager(void *ctx)
{
	struct ffsb_worker *w = ctx;
	struct ffsb_set *s = w->set;
	int rc = 0;

	while (!rc && !w->load->error && !as_full_as(w->load, s->profile->desired_util_ppm))
		rc = ffsb_operate(w, ffsb_pick(w->group, &w->rng), s);
	w->done = true;
	if (!--s->aging)
		waitq_wake(&s->aged, w->cpu);
}

/* Empty files to begin with, or of the profile's sizes if it lists them. */
static int seed_files(struct ffsb_worker *w)
{
	struct ffsb_filesystem empty = *w->set->profile;
	const struct ffsb_filesystem *real = w->set->profile;
	int rc = 0;

	if (!empty.size_count)
		empty.min_filesize = empty.max_filesize = 0;
	w->set->profile = &empty;
	w->blocksize = real->age_blocksize;
	w->list = &w->set->fill;
	for (unsigned i = 0; i < SEED_FILES && !rc; i++)
		rc = ffsb_operate(w, FFSB_CREATE, w->set);
	w->set->profile = real;
	w->list = NULL;
	return rc;
}

static int age(struct ffsb_worker *w)
{
	struct ffsb *f = w->load;
	struct ffsb_set *s = w->set;
	int rc = seed_files(w);

	if (rc)
		return rc;
	s->aging = s->profile->aging->num_threads;
	for (unsigned i = f->workers; i < f->workers + f->agers; i++) {
		struct ffsb_worker *a = &f->worker[i];

		if (a->set == s && !task_create(a->cpu, "ffsb-age", ffsb_ager, a)) {
			ffsb_fail(f, -ENOMEM, "building: no memory for the threads that age");
			return -ENOMEM;
		}
	}
	while (s->aging)
		waitq_wait(&s->aged, w->cpu);
	return f->error;
}

/* ---- files ---- */

static int make_files(struct ffsb_worker *w)
{
	const struct ffsb_filesystem *p = w->set->profile;
	const uint64_t before = used_blocks(w->load);
	int rc = 0;

	w->blocksize = p->create_blocksize;
	if (p->num_files) {
		for (uint32_t i = 0; i < p->num_files && !rc; i++)
			rc = ffsb_operate(w, FFSB_CREATE, w->set);
	} else if (p->init_size) {
		do {
			rc = ffsb_operate(w, FFSB_CREATE, w->set);
		} while (!rc && (used_blocks(w->load) - before) * EXTFS_BLOCK < p->init_size);
	} else if (p->init_util_ppm) {
		while (!rc && !as_full_as(w->load, p->init_util_ppm))
			rc = ffsb_operate(w, FFSB_CREATE, w->set);
	}
	return rc;
}

static int build(struct ffsb_worker *w)
{
	struct ffsb_set *s = w->set;
	char path[FFSB_PATH];
	int rc;

	snprintf(path, sizeof(path), "%s/meta", s->profile->location);
	rc = make_dirs(w, path);
	snprintf(path, sizeof(path), "%s/data", s->profile->location);
	if (!rc)
		rc = make_dirs(w, path);
	for (uint32_t i = 0; i < s->profile->num_dirs && !rc; i++) {
		snprintf(path, sizeof(path), "%s/data/datadir%u", s->profile->location, i);
		rc = make_dirs(w, path);
	}
	if (rc)
		return rc;
	s->dirs = s->profile->num_dirs;
	if (s->profile->agefs)
		rc = age(w);
	return rc ? rc : make_files(w);
}

void ffsb_builder(void *ctx)
{
	struct ffsb_worker *w = ctx;

	w->set->built = !build(w);
	w->load->sets_built++;
	w->done = true;
	waitq_wake(&w->load->master, w->cpu);
}
