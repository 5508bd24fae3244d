/* SPDX-License-Identifier: MIT */
/* extfs: the way along a path, one directory after the other, to the place it names. */
#include <errno.h>
#include <string.h>

#include "guest/extfs_internal.h"

int extfs_load_names(struct extfs *fs, struct cpu *cpu, struct extfs_node *dir)
{
	int rc;

	if (dir->dir)
		return 0;
	extfs_lock_alone(fs, &dir->lock, cpu);
	rc = dir->dead ? -ENOENT : extfs_dir_load(dir, cpu);
	extfs_unlock_alone(fs, &dir->lock, cpu);
	return rc;
}

/* What @name leads to, referenced. */
static int step(struct extfs *fs, struct cpu *cpu, struct extfs_node *dir, const char *name,
		size_t length, struct extfs_node **out)
{
	uint32_t inode;
	uint8_t type;
	int rc = dir->type == EXTFS_DIRECTORY ? extfs_load_names(fs, cpu, dir) : -ENOTDIR;

	if (rc)
		return rc;
	extfs_lock_shared(fs, &dir->lock, cpu);
	rc = dir->dead ? -ENOENT : extfs_dir_find(dir, cpu, name, length, &inode, &type);
	if (!rc)
		rc = extfs_node_get(fs, cpu, inode, out);
	extfs_unlock_shared(fs, &dir->lock, cpu);
	return rc;
}

static const char *next_name(const char **path, size_t *length)
{
	const char *name = *path + strspn(*path, "/");

	*length = strcspn(name, "/");
	*path = name + *length;
	return name;
}

int extfs_walk(struct extfs *fs, struct cpu *cpu, const char *path, struct extfs_place *p)
{
	struct extfs_node *next;
	int rc = extfs_node_get(fs, cpu, EXTFS_ROOT, &p->dir);

	if (rc)
		return rc;
	p->name = next_name(&path, &p->length);
	while (!rc && path[strspn(path, "/")]) {
		rc = step(fs, cpu, p->dir, p->name, p->length, &next);
		extfs_node_put(p->dir);
		if (rc)
			return rc;
		p->dir = next;
		p->name = next_name(&path, &p->length);
	}
	rc = !p->length ? -EINVAL : p->length > EXTFS_NAME ? -ENAMETOOLONG : 0;
	if (!rc)
		rc = p->dir->type == EXTFS_DIRECTORY ? extfs_load_names(fs, cpu, p->dir) : -ENOTDIR;
	if (rc)
		extfs_node_put(p->dir);
	return rc;
}

int extfs_find(struct extfs *fs, struct cpu *cpu, const struct extfs_place *p,
	       struct extfs_node **out)
{
	uint32_t inode;
	uint8_t type;
	int rc = p->dir->dead ? -ENOENT
			      : extfs_dir_find(p->dir, cpu, p->name, p->length, &inode, &type);

	return rc ? rc : extfs_node_get(fs, cpu, inode, out);
}
