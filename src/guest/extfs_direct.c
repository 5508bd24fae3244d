/* SPDX-License-Identifier: MIT */
/*
 * extfs: past the cache, between a file's blocks and a program's memory, as Linux's direct I/O does
 * (fs/direct-io.c): the program's pages are pinned one by one and handed to the disk.
 */
#include <errno.h>
#include <string.h>

#include "guest/extfs_internal.h"

struct direct {
	struct waitq wait;
	unsigned pending;
	int status;
};

static void direct_done(struct bio *bio, struct cpu *cpu, int status)
{
	struct direct *d = bio->ctx;

	d->status = d->status ? d->status : status;
	extfs_let_go(bio);
	if (!--d->pending)
		waitq_wake(&d->wait, cpu);
}

/* One bio between consecutive sectors and a program's memory, page by page as it is pinned. */
static int direct_submit(struct extfs *fs, struct cpu *cpu, struct direct *d, enum bio_op op,
			 uint64_t sector, phys_t user, uint32_t bytes)
{
	const unsigned most = bytes / PAGE_BYTES + 2;
	struct bio *bio = extfs_hold(fs, sizeof(*bio) + most * sizeof(struct bio_vec));

	if (!bio)
		return -ENOMEM;
	*bio = (struct bio){.op = op,
			    .sync = true,
			    .sector = sector,
			    .vec = (struct bio_vec *)(bio + 1),
			    .done = direct_done,
			    .ctx = d};
	while (bytes) {
		const uint32_t left = PAGE_BYTES - (uint32_t)(user % PAGE_BYTES);
		const uint32_t n = bytes < left ? bytes : left;

		cpu_charge(cpu, machine_cost(fs->machine)->fs_page); /* get_user_pages() */
		bio->vec[bio->nvec++] = (struct bio_vec){user, n};
		user += n;
		bytes -= n;
	}
	d->pending++;
	blockdev_throttle(fs->dev, cpu);
	blockdev_submit(fs->dev, cpu, bio);
	return 0;
}

static void zero_user(struct extfs *fs, struct cpu *cpu, phys_t user, uint64_t bytes)
{
	while (bytes) {
		const uint64_t left = PAGE_BYTES - user % PAGE_BYTES;
		const uint64_t n = bytes < left ? bytes : left;

		memset(memory_ptr(fs->machine->mem, user, n), 0, n);
		cpu_touch(cpu, user, n, true);
		user += n;
		bytes -= n;
	}
}

int extfs_direct_io(struct extfs_node *n, struct cpu *cpu, enum bio_op op, uint64_t offset,
		    phys_t user, uint64_t bytes)
{
	struct extfs *fs = n->fs;
	const uint64_t most = fs->dev->max_bytes >= PAGE_BYTES ? fs->dev->max_bytes : 128 * 1024;
	struct direct d = {.pending = 1};
	int rc = 0;

	while (bytes && !rc) {
		uint64_t run, part;
		const uint32_t block = extfs_node_block(n, offset / EXTFS_BLOCK, &run);
		const uint32_t in_block = (uint32_t)(offset % EXTFS_BLOCK);

		part = run * EXTFS_BLOCK - in_block;
		part = part < bytes ? part : bytes;
		part = part < most ? part : most;
		if (block)
			rc = direct_submit(fs, cpu, &d, op,
					   (uint64_t)block * BLOCK_SECTORS +
						   in_block / BLOCK_SECTOR_BYTES,
					   user, (uint32_t)part);
		else
			zero_user(fs, cpu, user, part);
		offset += part;
		user += part;
		bytes -= part;
	}
	d.pending--;
	blockdev_unplug(fs->dev, cpu);
	while (d.pending)
		waitq_wait(&d.wait, cpu);
	return rc ? rc : d.status;
}
