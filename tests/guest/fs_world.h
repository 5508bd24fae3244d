/* SPDX-License-Identifier: MIT */
/*
 * A machine with a disk in memory, a page cache and a file system, for tests: functions run as
 * tasks, the image can be checked at any time, and every write can be kept to rebuild what a crash
 * would have left.
 */
#ifndef IOTOLL_TESTS_GUEST_FS_WORLD_H
#define IOTOLL_TESTS_GUEST_FS_WORLD_H

#include "guest/extfs.h"
#include "lab.h"
#include "ram_blockdev.h"

/* A finished write or flush. */
struct fs_event {
	bool flush;
	uint64_t sector, covers; /* of a flush: events before this one are stable */
	uint32_t bytes;
	uint8_t *data;
};

struct fs_world {
	struct sim *sim;
	struct machine *machine;
	struct ram_blockdev ram;
	struct blockdev tape; /* in front of it */
	struct pagecache *cache;
	struct extfs *fs;
	bool recording;
	struct fs_event *event;
	uint64_t events, room;
};

struct fs_world_config {
	uint64_t blocks, cache_pages, ps_per_io;
	uint32_t inodes;
	unsigned cpus;
};

/* Formatted and mounted. Fails the test if anything does. */
struct fs_world *fs_world_create(const struct fs_world_config *config);
void fs_world_destroy(struct fs_world *w);
/* Run fn(ctx, cpu) as a task on CPU 0 until it returns. */
void fs_world_run(struct fs_world *w, void (*fn)(void *ctx, struct cpu *cpu), void *ctx);
/* @count of them at the same time, over all CPUs; fn gets ctx + i * bytes. */
void fs_world_run_many(struct fs_world *w, void (*fn)(void *ctx, struct cpu *cpu), void *ctx,
		       size_t bytes, unsigned count);
/* Unmount in good order, hold the image to its rules, mount again. */
void fs_world_remount(struct fs_world *w);
/* The rules, for an image in memory; fails the test. @replay: its journal first. */
void fs_world_check(uint8_t *image, uint64_t blocks, bool replay, struct extfs_census *census);
/* The same for what is on the disk now, with its journal replayed on a copy. */
void fs_world_check_running(const struct fs_world *w);
/* Make a disk out of @image, and mount it. */
void fs_world_mount_image(struct fs_world *w, const uint8_t *image);
/*
 * An image as a crash after @events of the tape would leave it. @base: what lay on the disk when
 * the recording began, brought up here to what is stable by then; *@applied events, 0 at first.
 * What was not flushed is there sector by sector or not, as @seed has it.
 */
void fs_world_crash(const struct fs_world *w, uint8_t *base, uint64_t *applied, uint8_t *image,
		    uint64_t events, uint64_t seed);

/* @pages of memory for a task's buffers. */
phys_t fs_world_memory(struct fs_world *w, uint64_t pages);
uint8_t *fs_world_at(struct fs_world *w, phys_t paddr);

#endif
