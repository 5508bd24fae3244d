/* SPDX-License-Identifier: MIT */
/* FFSB: the operations on directories (FFSB 6.0: metaops.c). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load/ffsb_doing.h"

/* One thread at a time changes the directories of a set. */
static void own_dirs(struct ffsb_doing *d)
{
	while (d->set->dirs_busy)
		waitq_wait(&d->set->dirs_wait, d->w->cpu);
	d->set->dirs_busy = true;
}

static void disown_dirs(struct ffsb_doing *d)
{
	d->set->dirs_busy = false;
	waitq_wake(&d->set->dirs_wait, d->w->cpu);
}

int ffsb_op_createdir(struct ffsb_doing *d)
{
	struct ffsb_set *s = d->set;
	int rc;

	own_dirs(d);
	snprintf(d->path, FFSB_PATH, "%s/data/datadir%u", s->profile->location, s->dirs);
	rc = extfs_mkdir(ffsb_fs(d), d->w->cpu, d->path);
	s->dirs += !rc;
	disown_dirs(d);
	d->transactions = 1;
	return rc ? ffsb_failed(d, rc, "making") : 0;
}

static void meta_path(const struct ffsb_set *s, const struct ffsb_meta_dir *m, unsigned more,
		      char *to)
{
	char suffix[48] = "";

	for (uint32_t i = 0; i < m->suffixes + more && i < sizeof(suffix) - 1; i++)
		suffix[i] = 'a';
	snprintf(to, FFSB_PATH, "%s/meta/m%u%s", s->profile->location, m->number, suffix);
}

static int meta_make(struct ffsb_doing *d)
{
	struct ffsb_set *s = d->set;
	int rc;

	if (s->meta_count == s->meta_room) {
		const uint32_t room = s->meta_room ? s->meta_room * 2 : 64;
		struct ffsb_meta_dir *larger = realloc(s->meta, room * sizeof(*larger));

		if (!larger)
			return ffsb_failed(d, -ENOMEM, "in");
		s->meta = larger;
		s->meta_room = room;
	}
	s->meta[s->meta_count] = (struct ffsb_meta_dir){.number = s->meta_next++};
	meta_path(s, &s->meta[s->meta_count], 0, d->path);
	rc = extfs_mkdir(ffsb_fs(d), d->w->cpu, d->path);
	if (rc)
		return ffsb_failed(d, rc, "making");
	s->meta_count++;
	return 0;
}

static int meta_remove(struct ffsb_doing *d)
{
	struct ffsb_set *s = d->set;
	const uint32_t i = (uint32_t)ffsb_draw(&d->w->rng, s->meta_count);
	int rc;

	meta_path(s, &s->meta[i], 0, d->path);
	rc = extfs_rmdir(ffsb_fs(d), d->w->cpu, d->path);
	if (rc)
		return ffsb_failed(d, rc, "removing");
	s->meta[i] = s->meta[--s->meta_count];
	return 0;
}

static int meta_rename(struct ffsb_doing *d)
{
	struct ffsb_set *s = d->set;
	const uint32_t i = (uint32_t)ffsb_draw(&d->w->rng, s->meta_count);
	char to[FFSB_PATH];
	int rc;

	meta_path(s, &s->meta[i], 0, d->path);
	meta_path(s, &s->meta[i], 1, to);
	rc = extfs_rename(ffsb_fs(d), d->w->cpu, d->path, to);
	if (rc)
		return ffsb_failed(d, rc, "renaming");
	s->meta[i].suffixes++;
	return 0;
}

/* Two made, one removed, one renamed. */
int ffsb_op_meta(struct ffsb_doing *d)
{
	int rc;

	own_dirs(d);
	rc = meta_make(d);
	if (!rc)
		rc = meta_make(d);
	if (!rc)
		rc = meta_remove(d);
	if (!rc)
		rc = meta_rename(d);
	disown_dirs(d);
	d->transactions = 1;
	return rc;
}
