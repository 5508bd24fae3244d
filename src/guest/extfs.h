/* SPDX-License-Identifier: MIT */
/*
 * extfs: a file system of extents with journalled metadata, on a block device and a page cache.
 * Small enough to read; what it keeps on the disk is in extfs_format.h, what is always true of it
 * is what extfs_check() checks.
 *
 * What survives a crash, at whatever write it happens and whatever the disk had not yet stored:
 *
 *  - The file system is whole: after its journal is replayed, extfs_check() finds nothing.
 *  - After extfs_fsync() has returned 0: the file, its name and its size as they were at some
 * moment between the call and the return, and every byte written before the call.
 *  - After extfs_sync() has returned 0: all of that for every file, and every change of names
 *    made before the call.
 *  - Changes of names and sizes happen in the order in which they were made: if one survives, all
 *    before it do. File data not synced may be lost or old, but a file's blocks never show
 *    another file's data.
 *
 * Every function that takes a CPU is called from a task on it and may sleep; it is one system call,
 * charged as such. Paths start at the root, with or without '/'; "." and ".." are names like
 * any other. Differences from POSIX: an open file or directory cannot be removed (-EBUSY), rename
 * does not replace (-EEXIST), there are no links, owners, permissions and times.
 *
 * What is found damaged is -EUCLEAN. After an error of the journal, or of file data a commit
 * depends on, the file system takes no more changes: they fail with -EROFS. Reads go on.
 */
#ifndef IOTOLL_GUEST_EXTFS_H
#define IOTOLL_GUEST_EXTFS_H

#include <sys/types.h>

#include "guest/extfs_disk.h"
#include "guest/pagecache.h"

struct extfs;
struct extfs_file;

/* Flags of extfs_open(). */
enum {
	EXTFS_CREATE = 1,     /* make it if it is not there */
	EXTFS_TRUNCATE = 2,   /* to 0 bytes */
	EXTFS_APPEND = 4,     /* writes go to the end */
	EXTFS_DIRECT = 8,     /* past the page cache: offset and length in whole sectors */
	EXTFS_EXCLUSIVE = 16, /* with CREATE: -EEXIST if it is there */
};

struct extfs_config {
	struct machine *machine;
	struct blockdev *dev;
	struct pagecache *cache; /* over the same device */
	unsigned cpu;            /* of the task that commits every five seconds */
};

struct extfs_stat {
	uint32_t inode, generation;
	bool directory;
	uint64_t size;
	uint32_t blocks, extents;
};

struct extfs_statfs {
	uint64_t blocks, free_blocks; /* of data; those freed but not yet committed count as free */
	uint64_t inodes, free_inodes;
};

struct extfs_stats {
	uint64_t replayed; /* transactions, at mounting */
	uint64_t commits, checkpoints;
	uint64_t journal_blocks; /* written */
	uint64_t fsyncs, direct_reads, direct_writes;
	uint64_t fallbacks; /* direct writes that had to allocate, and went through the cache */
};

/*
 * Mount the file system on @config's device: replay the journal, read the bitmaps. 0; -EINVAL
 * with @err; -ENOMEM; -EIO. A task's work.
 */
int extfs_mount(struct extfs **out, const struct extfs_config *config, struct cpu *cpu,
		struct err *err) MUST_CHECK;
/*
 * Write everything back and forget it. Nothing may be open. 0 or the first error; @fs is gone in
 * any case.
 */
int extfs_unmount(struct extfs *fs, struct cpu *cpu) MUST_CHECK;
/* Take it down where it stands, with the machine: no CPU may run afterwards. NULL is allowed. */
void extfs_abandon(struct extfs *fs);

/* Format @dev through @machine's memory, from a task. As extfs_format(). */
int extfs_make(struct machine *machine, struct blockdev *dev,
	       const struct extfs_format_options *options, struct cpu *cpu,
	       struct err *err) MUST_CHECK;

/* 0; -ENOENT, -EEXIST, -EISDIR, -ENOTDIR, -ENAMETOOLONG, -ENOSPC, -EROFS, -EIO, -ENOMEM. */
int extfs_open(struct extfs *fs, struct cpu *cpu, const char *path, unsigned flags,
	       struct extfs_file **out) MUST_CHECK;
void extfs_close(struct extfs_file *file, struct cpu *cpu);
/*
 * @bytes between the file at @offset and the memory at @paddr, which is physically contiguous.
 * The count, less at the file's end (reading) or when the disk fills up (writing); or negative:
 * -EINVAL (direct and not in sectors), -EFAULT, -EIO, -ENOSPC, -EFBIG, -EROFS, -ENOMEM.
 * Writing with EXTFS_APPEND ignores @offset.
 */
ssize_t extfs_read(struct extfs_file *file, struct cpu *cpu, uint64_t offset, phys_t paddr,
		   size_t bytes) MUST_CHECK;
ssize_t extfs_write(struct extfs_file *file, struct cpu *cpu, uint64_t offset, phys_t paddr,
		    size_t bytes) MUST_CHECK;
int extfs_fsync(struct extfs_file *file, struct cpu *cpu) MUST_CHECK;
int extfs_truncate(struct extfs_file *file, struct cpu *cpu, uint64_t size) MUST_CHECK;

int extfs_stat(struct extfs *fs, struct cpu *cpu, const char *path,
	       struct extfs_stat *out) MUST_CHECK;
int extfs_unlink(struct extfs *fs, struct cpu *cpu, const char *path) MUST_CHECK;
int extfs_mkdir(struct extfs *fs, struct cpu *cpu, const char *path) MUST_CHECK;
int extfs_rmdir(struct extfs *fs, struct cpu *cpu, const char *path) MUST_CHECK;
/* -EINVAL: a directory into itself. */
int extfs_rename(struct extfs *fs, struct cpu *cpu, const char *from, const char *to) MUST_CHECK;
int extfs_sync(struct extfs *fs, struct cpu *cpu) MUST_CHECK;
void extfs_statfs(const struct extfs *fs, struct extfs_statfs *out);
void extfs_stats(const struct extfs *fs, struct extfs_stats *out);

#endif
