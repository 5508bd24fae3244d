/* SPDX-License-Identifier: MIT */
/*
 * extfs without a machine: what reads and writes whole blocks of an image, be it a block device
 * under a task or bytes in a test; and what can be done with nothing else: formatting,
 * replaying the journal, checking.
 */
#ifndef IOTOLL_GUEST_EXTFS_DISK_H
#define IOTOLL_GUEST_EXTFS_DISK_H

#include "base/err.h"
#include "guest/extfs_format.h"

struct extfs_disk {
	/* @count blocks from @block on. 0 or a negative errno value. */
	int (*read)(void *ctx, uint64_t block, uint64_t count, void *to);
	int (*write)(void *ctx, uint64_t block, uint64_t count, const void *from);
	int (*flush)(void *ctx);
	void *ctx;
	uint64_t blocks;
};

struct extfs_format_options {
	uint32_t blocks;         /* 0: all of the disk */
	uint32_t inodes;         /* 0: one for each 4 blocks, at least 64 */
	uint32_t journal_blocks; /* 0: as large as is good */
};

/*
 * Write an empty file system with a root directory. 0; -EINVAL with @err for a disk too small
 * (about 8 MiB) or too large (16 TiB); what the disk says.
 */
int extfs_format(const struct extfs_disk *disk, const struct extfs_format_options *options,
		 struct err *err) MUST_CHECK;

/* Read and judge the superblock. 0, -EINVAL with @err, or what the disk says. */
int extfs_read_super(const struct extfs_disk *disk, struct extfs_super *out,
		     struct err *err) MUST_CHECK;

/*
 * Bring home what the journal holds, and empty it. *@replayed: transactions. May itself be
 * interrupted at any write, and done again. 0; -EINVAL with @err for a journal that makes no
 * sense; what the disk says.
 */
int extfs_replay(const struct extfs_disk *disk, uint64_t *replayed, struct err *err) MUST_CHECK;

struct extfs_census {
	uint64_t files, directories, file_bytes, free_blocks, extents, extent_blocks;
};

/*
 * Hold an image, whose journal has been replayed, to every rule of extfs_format.h; nothing is
 * believed that can be counted. 0; -EUCLEAN with @err saying what is wrong; -ENOMEM; what the
 * disk says. @out may be NULL.
 */
int extfs_check(const struct extfs_disk *disk, struct extfs_census *out,
		struct err *err) MUST_CHECK;

#endif
