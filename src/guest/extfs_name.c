/* SPDX-License-Identifier: MIT */
/* extfs: calls that take a path. */
#include <errno.h>

#include "guest/extfs_internal.h"

/* What a new name may change: two inodes, two bitmaps, and a block more of the directory. */
static unsigned name_credits(const struct extfs_node *dir)
{
	return 10 + dir->chains;
}

/* ---- making ---- */

static int make_named(struct extfs *fs, struct cpu *cpu, const struct extfs_place *p, uint16_t type,
		      struct extfs_node **out)
{
	const unsigned credits = name_credits(p->dir);
	struct extfs_node *n;
	int rc = extfs_begin(fs, cpu, credits);

	if (rc)
		return rc;
	rc = extfs_node_new(fs, cpu, type, p->dir->number, &n);
	if (!rc) {
		rc = extfs_dir_add(p->dir, cpu, p->name, p->length, n->number, (uint8_t)type);
		if (rc) { /* as if it had never been */
			const int failed = extfs_node_remove(n, cpu);

			if (failed)
				fs->error = failed;
			extfs_node_put(n);
		}
	}
	extfs_end(fs, cpu, credits);
	if (!rc)
		*out = n;
	return rc;
}

/* The same; a full disk is looked at again after a commit has freed what was given up. */
static int make(struct extfs *fs, struct cpu *cpu, const struct extfs_place *p, uint16_t type,
		struct extfs_node **out)
{
	int rc = make_named(fs, cpu, p, type, out);

	if (rc == -ENOSPC && (fs->freed.blocks || fs->freed_meta.blocks) &&
	    !extfs_commit(fs, cpu, fs->tid, fs->freed_meta.blocks > 0))
		rc = make_named(fs, cpu, p, type, out);
	return rc;
}

static int open_node(struct extfs *fs, struct cpu *cpu, const struct extfs_place *p, unsigned flags,
		     struct extfs_node **out)
{
	int rc;

	if (!(flags & EXTFS_CREATE)) {
		extfs_lock_shared(fs, &p->dir->lock, cpu);
		rc = extfs_find(fs, cpu, p, out);
		if (!rc)
			(*out)->opens++;
		extfs_unlock_shared(fs, &p->dir->lock, cpu);
		return rc;
	}
	extfs_lock_alone(fs, &p->dir->lock, cpu);
	rc = extfs_find(fs, cpu, p, out);
	if (rc == -ENOENT && !p->dir->dead) {
		rc = make(fs, cpu, p, EXTFS_FILE, out);
	} else if (!rc && (flags & EXTFS_EXCLUSIVE)) {
		extfs_node_put(*out);
		rc = -EEXIST;
	}
	if (!rc)
		(*out)->opens++;
	extfs_unlock_alone(fs, &p->dir->lock, cpu);
	return rc;
}

static void close_node(struct extfs_node *n)
{
	if (!--n->opens)
		extfs_unreserve(n->fs, n);
	extfs_node_put(n);
}

int extfs_open(struct extfs *fs, struct cpu *cpu, const char *path, unsigned flags,
	       struct extfs_file **out)
{
	const enum charge before = extfs_enter(fs, cpu);
	struct extfs_file *f = extfs_hold(fs, sizeof(*f));
	struct extfs_node *n = NULL;
	struct extfs_place p;
	int rc = f ? extfs_walk(fs, cpu, path, &p) : -ENOMEM;

	if (rc)
		goto out;
	rc = open_node(fs, cpu, &p, flags, &n);
	extfs_node_put(p.dir);
	if (!rc && n->type != EXTFS_FILE) {
		close_node(n);
		rc = -EISDIR;
	}
	if (rc)
		goto out;
	*f = (struct extfs_file){.node = n, .flags = flags};
	if ((flags & EXTFS_TRUNCATE) && n->size)
		rc = extfs_truncate(f, cpu, 0);
	if (rc)
		close_node(n);
out:
	if (rc)
		extfs_let_go(f);
	else
		*out = f;
	extfs_leave(cpu, before);
	return rc;
}

void extfs_close(struct extfs_file *f, struct cpu *cpu)
{
	const enum charge before = extfs_enter(f->node->fs, cpu);

	close_node(f->node);
	extfs_let_go(f);
	extfs_leave(cpu, before);
}

int extfs_mkdir(struct extfs *fs, struct cpu *cpu, const char *path)
{
	const enum charge before = extfs_enter(fs, cpu);
	struct extfs_node *n;
	struct extfs_place p;
	int rc = extfs_walk(fs, cpu, path, &p);

	if (!rc) {
		extfs_lock_alone(fs, &p.dir->lock, cpu);
		rc = extfs_find(fs, cpu, &p, &n);
		if (!rc)
			rc = -EEXIST;
		else if (rc == -ENOENT && !p.dir->dead)
			rc = make(fs, cpu, &p, EXTFS_DIRECTORY, &n);
		if (!rc || rc == -EEXIST)
			extfs_node_put(n);
		extfs_unlock_alone(fs, &p.dir->lock, cpu);
		extfs_node_put(p.dir);
	}
	extfs_leave(cpu, before);
	return rc == -EINVAL ? -EEXIST : rc;
}

/* ---- removing ---- */

/* Take the name away, then what it named. The directory, and @n, are locked alone. */
static int remove_named(struct extfs *fs, struct cpu *cpu, const struct extfs_place *p,
			struct extfs_node *n)
{
	const unsigned credits = extfs_cut_credits(n) + name_credits(p->dir);
	int rc = extfs_begin(fs, cpu, credits);

	if (rc)
		return rc;
	rc = extfs_dir_remove(p->dir, cpu, p->name, p->length);
	if (!rc) {
		rc = extfs_node_remove(n, cpu);
		if (rc) /* a name less, an inode too many */
			fs->error = rc;
	}
	extfs_end(fs, cpu, credits);
	return rc;
}

static int removable(const struct extfs_node *n, uint16_t type)
{
	if (n->type != type)
		return type == EXTFS_FILE ? -EISDIR : -ENOTDIR;
	if (n->opens)
		return -EBUSY;
	if (type == EXTFS_DIRECTORY && !extfs_dir_empty(n))
		return -ENOTEMPTY;
	return 0;
}

static int remove_locked(struct extfs *fs, struct cpu *cpu, const struct extfs_place *p,
			 uint16_t type)
{
	struct extfs_node *n;
	int rc = extfs_find(fs, cpu, p, &n);

	if (rc)
		return rc;
	if (n->type == EXTFS_DIRECTORY)
		rc = extfs_load_names(fs, cpu, n);
	if (!rc) {
		extfs_lock_alone(fs, &n->lock, cpu);
		extfs_lock_alone(fs, &n->map, cpu);
		rc = removable(n, type);
		if (!rc) {
			mapping_drop(&n->mapping, 0, cpu);
			rc = remove_named(fs, cpu, p, n);
		}
		extfs_unlock_alone(fs, &n->map, cpu);
		extfs_unlock_alone(fs, &n->lock, cpu);
	}
	extfs_node_put(n);
	return rc;
}

static int remove_path(struct extfs *fs, struct cpu *cpu, const char *path, uint16_t type)
{
	const enum charge before = extfs_enter(fs, cpu);
	struct extfs_place p;
	int rc = extfs_walk(fs, cpu, path, &p);

	if (!rc) {
		extfs_lock_alone(fs, &p.dir->lock, cpu);
		rc = remove_locked(fs, cpu, &p, type);
		extfs_unlock_alone(fs, &p.dir->lock, cpu);
		extfs_node_put(p.dir);
	}
	extfs_leave(cpu, before);
	return rc;
}

int extfs_unlink(struct extfs *fs, struct cpu *cpu, const char *path)
{
	return remove_path(fs, cpu, path, EXTFS_FILE);
}

int extfs_rmdir(struct extfs *fs, struct cpu *cpu, const char *path)
{
	return remove_path(fs, cpu, path, EXTFS_DIRECTORY);
}

/* ---- renaming ---- */

static void lock_two(struct extfs *fs, struct cpu *cpu, struct extfs_node *a, struct extfs_node *b)
{
	if (a->number > b->number) {
		lock_two(fs, cpu, b, a);
		return;
	}
	extfs_lock_alone(fs, &a->lock, cpu);
	if (a != b)
		extfs_lock_alone(fs, &b->lock, cpu);
}

static void unlock_two(struct extfs *fs, struct cpu *cpu, struct extfs_node *a,
		       struct extfs_node *b)
{
	if (a != b)
		extfs_unlock_alone(fs, &b->lock, cpu);
	extfs_unlock_alone(fs, &a->lock, cpu);
}

/* Is @n the directory @dir, or above it? Nothing moves meanwhile: the rename lock is held. */
static int above(struct extfs *fs, struct cpu *cpu, const struct extfs_node *n,
		 struct extfs_node *dir)
{
	uint32_t at = dir->number, steps = 0;

	while (at != n->number && at != EXTFS_ROOT) {
		struct extfs_node *up;
		const int rc = steps++ < fs->s.inodes ? extfs_node_get(fs, cpu, at, &up) : -EUCLEAN;

		if (rc)
			return rc;
		at = up->parent;
		extfs_node_put(up);
	}
	return at == n->number ? -EINVAL : 0;
}

static int move(struct extfs *fs, struct cpu *cpu, const struct extfs_place *from,
		const struct extfs_place *to, struct extfs_node *n)
{
	const unsigned credits = name_credits(from->dir) + name_credits(to->dir);
	int rc = extfs_begin(fs, cpu, credits);

	if (rc)
		return rc;
	rc = extfs_dir_add(to->dir, cpu, to->name, to->length, n->number, (uint8_t)n->type);
	if (!rc) {
		rc = extfs_dir_remove(from->dir, cpu, from->name, from->length);
		if (!rc && n->type == EXTFS_DIRECTORY) {
			n->parent = to->dir->number;
			rc = extfs_node_store(n, cpu);
		}
		if (rc) /* two names, or a wrong parent */
			fs->error = rc;
		n->tid = fs->tid;
	}
	extfs_end(fs, cpu, credits);
	return rc;
}

static int rename_locked(struct extfs *fs, struct cpu *cpu, const struct extfs_place *from,
			 const struct extfs_place *to)
{
	struct extfs_node *n, *there;
	int rc = extfs_find(fs, cpu, from, &n);

	if (rc)
		return rc;
	rc = extfs_find(fs, cpu, to, &there);
	if (!rc) {
		extfs_node_put(there);
		rc = -EEXIST;
	} else if (rc == -ENOENT && !to->dir->dead) {
		rc = n->type == EXTFS_DIRECTORY ? above(fs, cpu, n, to->dir) : 0;
		if (!rc)
			rc = move(fs, cpu, from, to, n);
	}
	extfs_node_put(n);
	return rc;
}

int extfs_rename(struct extfs *fs, struct cpu *cpu, const char *from, const char *to)
{
	const enum charge before = extfs_enter(fs, cpu);
	struct extfs_place a, b;
	int rc;

	extfs_lock_alone(fs, &fs->rename, cpu);
	rc = extfs_walk(fs, cpu, from, &a);
	if (!rc) {
		rc = extfs_walk(fs, cpu, to, &b);
		if (!rc) {
			lock_two(fs, cpu, a.dir, b.dir);
			rc = rename_locked(fs, cpu, &a, &b);
			unlock_two(fs, cpu, a.dir, b.dir);
			extfs_node_put(b.dir);
		}
		extfs_node_put(a.dir);
	}
	extfs_unlock_alone(fs, &fs->rename, cpu);
	extfs_leave(cpu, before);
	return rc;
}

/* ---- asking ---- */

int extfs_stat(struct extfs *fs, struct cpu *cpu, const char *path, struct extfs_stat *out)
{
	const enum charge before = extfs_enter(fs, cpu);
	struct extfs_node *n;
	struct extfs_place p;
	int rc = extfs_walk(fs, cpu, path, &p);

	if (rc == -EINVAL) { /* the root */
		rc = extfs_node_get(fs, cpu, EXTFS_ROOT, &n);
	} else if (!rc) {
		extfs_lock_shared(fs, &p.dir->lock, cpu);
		rc = extfs_find(fs, cpu, &p, &n);
		extfs_unlock_shared(fs, &p.dir->lock, cpu);
		extfs_node_put(p.dir);
	}
	if (!rc) {
		*out = (struct extfs_stat){.inode = n->number,
					   .generation = n->generation,
					   .directory = n->type == EXTFS_DIRECTORY,
					   .size = n->size,
					   .blocks = n->blocks,
					   .extents = n->extents};
		extfs_node_put(n);
	}
	extfs_leave(cpu, before);
	return rc;
}
