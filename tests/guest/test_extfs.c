/* SPDX-License-Identifier: MIT */
/* extfs call by call: names, errors, full disks, failing disks, and a checker that finds damage. */
#include "fs_world.h"

#include <errno.h>
#include <stdio.h>

#define BLOCKS 2048u

static const struct fs_world_config small = {
	.blocks = BLOCKS, .cache_pages = 1000, .ps_per_io = 50 * SIM_US};

struct ctx {
	struct fs_world *w;
	phys_t buffer; /* 64 pages */
};

static void with_world(void (*fn)(void *ctx, struct cpu *cpu))
{
	struct ctx c = {.w = fs_world_create(&small)};

	c.buffer = fs_world_memory(c.w, 64);
	fs_world_run(c.w, fn, &c);
	fs_world_remount(c.w);
	fs_world_destroy(c.w);
}

static void put(struct ctx *c, struct cpu *cpu, const char *path, uint64_t bytes, int value)
{
	struct extfs_file *f;

	assert_int_equal(extfs_open(c->w->fs, cpu, path, EXTFS_CREATE, &f), 0);
	memset(fs_world_at(c->w, c->buffer), value, bytes);
	assert_int_equal(extfs_write(f, cpu, 0, c->buffer, bytes), bytes);
	extfs_close(f, cpu);
}

static void names(void *ctx, struct cpu *cpu)
{
	struct ctx *c = ctx;
	struct extfs *fs = c->w->fs;
	char long_name[80];
	struct extfs_file *f;
	struct extfs_stat st;

	memset(long_name, 'x', sizeof(long_name));
	long_name[58] = '\0';
	assert_int_equal(extfs_mkdir(fs, cpu, "/a"), 0);
	assert_int_equal(extfs_mkdir(fs, cpu, "a//b/"), 0);
	assert_int_equal(extfs_mkdir(fs, cpu, "/a"), -EEXIST);
	assert_int_equal(extfs_mkdir(fs, cpu, "/"), -EEXIST);
	assert_int_equal(extfs_mkdir(fs, cpu, "/x/y"), -ENOENT);
	put(c, cpu, "/a/file", 10, 1);
	assert_int_equal(extfs_mkdir(fs, cpu, "/a/file/z"), -ENOTDIR);
	assert_int_equal(extfs_open(fs, cpu, "/a", 0, &f), -EISDIR);
	assert_int_equal(extfs_open(fs, cpu, "/nothing", 0, &f), -ENOENT);
	assert_int_equal(extfs_open(fs, cpu, "/a/file", EXTFS_CREATE | EXTFS_EXCLUSIVE, &f),
			 -EEXIST);
	assert_int_equal(extfs_open(fs, cpu, long_name, EXTFS_CREATE, &f), -ENAMETOOLONG);
	long_name[57] = '\0';
	put(c, cpu, long_name, 1, 1);
	assert_int_equal(extfs_rmdir(fs, cpu, "/a"), -ENOTEMPTY);
	assert_int_equal(extfs_rmdir(fs, cpu, "/a/file"), -ENOTDIR);
	assert_int_equal(extfs_unlink(fs, cpu, "/a/b"), -EISDIR);
	assert_int_equal(extfs_open(fs, cpu, "/a/file", 0, &f), 0);
	assert_int_equal(extfs_unlink(fs, cpu, "/a/file"), -EBUSY);
	extfs_close(f, cpu);
	assert_int_equal(extfs_rename(fs, cpu, "/a", "/a/b/c"), -EINVAL);
	assert_int_equal(extfs_rename(fs, cpu, "/a/file", "/a/b"), -EEXIST);
	assert_int_equal(extfs_rename(fs, cpu, "/a/b", "/moved"), 0);
	assert_int_equal(extfs_rename(fs, cpu, "/a/file", "/moved/file"), 0);
	assert_int_equal(extfs_stat(fs, cpu, "/moved/file", &st), 0);
	assert_int_equal(st.size, 10);
	assert_int_equal(extfs_rmdir(fs, cpu, "/a"), 0);
	assert_int_equal(extfs_stat(fs, cpu, "/", &st), 0);
	assert_true(st.directory);
}

static void names_are_refused_with_the_right_words(void **state)
{
	(void)state;
	with_world(names);
}

static void many_names(void *ctx, struct cpu *cpu)
{
	struct ctx *c = ctx;
	struct extfs_statfs before, after;
	struct extfs_stat st;
	char path[32];

	extfs_statfs(c->w->fs, &before);
	for (unsigned round = 0; round < 2; round++) { /* the second deletes every other */
		for (unsigned i = 0; i < 400; i++) {
			snprintf(path, sizeof(path), "/f%u", i);
			put(c, cpu, path, 0, 0);
		}
		for (unsigned i = 0; i < 400; i += 1 + round % 2) {
			snprintf(path, sizeof(path), "/f%u", i);
			assert_int_equal(extfs_stat(c->w->fs, cpu, path, &st), 0);
			assert_int_equal(extfs_unlink(c->w->fs, cpu, path), 0);
			assert_int_equal(extfs_stat(c->w->fs, cpu, path, &st), -ENOENT);
		}
		extfs_statfs(c->w->fs, &after);
	}
	assert_int_equal(after.free_inodes, before.free_inodes - 200);
}

static void a_directory_of_many_names_finds_each(void **state)
{
	(void)state;
	with_world(many_names);
}

static void no_space(void *ctx, struct cpu *cpu)
{
	struct ctx *c = ctx;
	struct extfs_statfs st, before;
	struct extfs_file *f;
	uint64_t size = 0;
	ssize_t n;

	extfs_statfs(c->w->fs, &before);
	assert_int_equal(extfs_open(c->w->fs, cpu, "/big", EXTFS_CREATE | EXTFS_APPEND, &f), 0);
	memset(fs_world_at(c->w, c->buffer), 7, 64 * PAGE_BYTES);
	while ((n = extfs_write(f, cpu, 0, c->buffer, 64 * PAGE_BYTES)) > 0)
		size += (uint64_t)n;
	assert_int_equal(n, -ENOSPC);
	extfs_statfs(c->w->fs, &st);
	assert_int_equal(st.free_blocks, 0);
	assert_int_equal(extfs_mkdir(c->w->fs, cpu, "/dir"), 0); /* the root has room for a name */
	assert_int_equal(extfs_fsync(f, cpu), 0);
	assert_int_equal(extfs_truncate(f, cpu, 4096), 0);
	/* what was given up can be used at once, if need be after a commit */
	assert_int_equal(extfs_write(f, cpu, 0, c->buffer, 64 * PAGE_BYTES), 64 * PAGE_BYTES);
	extfs_close(f, cpu);
	assert_int_equal(extfs_unlink(c->w->fs, cpu, "/big"), 0);
	extfs_statfs(c->w->fs, &st);
	assert_int_equal(st.free_blocks, before.free_blocks - 1); /* the root's block of names */
	assert_true(size > 1000 * 4096);
}

static void a_full_disk_says_so_and_freed_space_comes_back(void **state)
{
	(void)state;
	with_world(no_space);
}

static void holes(void *ctx, struct cpu *cpu)
{
	struct ctx *c = ctx;
	uint8_t *at = fs_world_at(c->w, c->buffer);
	struct extfs_stat st;
	struct extfs_file *f;

	put(c, cpu, "/h", 10, 1);
	assert_int_equal(extfs_open(c->w->fs, cpu, "/h", 0, &f), 0);
	at[0] = 9;
	assert_int_equal(extfs_write(f, cpu, 10 * 4096, c->buffer, 1), 1);
	assert_int_equal(extfs_read(f, cpu, 0, c->buffer, 64 * PAGE_BYTES), 10 * 4096 + 1);
	assert_int_equal(at[9], 1);
	for (unsigned i = 10; i < 10 * 4096; i++)
		assert_int_equal(at[i], 0);
	assert_int_equal(at[10 * 4096], 9);
	assert_int_equal(extfs_stat(c->w->fs, cpu, "/h", &st), 0);
	assert_int_equal(st.blocks, 2);
	/* cut within a block, grow again: zeros */
	assert_int_equal(extfs_truncate(f, cpu, 5), 0);
	assert_int_equal(extfs_truncate(f, cpu, 100), 0);
	assert_int_equal(extfs_read(f, cpu, 0, c->buffer, 4096), 100);
	assert_int_equal(at[4], 1);
	assert_int_equal(at[5], 0);
	extfs_close(f, cpu);
}

static void holes_and_what_was_cut_read_as_zeros(void **state)
{
	(void)state;
	with_world(holes);
}

static void direct(void *ctx, struct cpu *cpu)
{
	struct ctx *c = ctx;
	uint8_t *at = fs_world_at(c->w, c->buffer);
	struct extfs_stats s;
	struct extfs_file *f, *cached;

	put(c, cpu, "/d", 10000, 3);
	assert_int_equal(extfs_open(c->w->fs, cpu, "/d", EXTFS_DIRECT, &f), 0);
	assert_int_equal(extfs_open(c->w->fs, cpu, "/d", 0, &cached), 0);
	assert_int_equal(extfs_read(f, cpu, 1, c->buffer, 512), -EINVAL);
	assert_int_equal(extfs_read(f, cpu, 0, c->buffer + 1, 512), -EINVAL);
	assert_int_equal(extfs_read(f, cpu, 0, c->buffer, 511), -EINVAL);
	memset(at, 0, 12288);
	assert_int_equal(extfs_read(f, cpu, 0, c->buffer, 12288), 10000); /* dirty in the cache */
	assert_int_equal(at[9999], 3);
	memset(at, 4, 1024);
	assert_int_equal(extfs_write(f, cpu, 512, c->buffer, 1024), 1024);
	assert_int_equal(extfs_read(cached, cpu, 0, c->buffer, 4096), 4096);
	assert_int_equal(at[511], 3);
	assert_int_equal(at[512], 4);
	assert_int_equal(at[1535], 4);
	assert_int_equal(at[1536], 3);
	extfs_stats(c->w->fs, &s);
	assert_int_equal(s.direct_writes, 1);
	assert_int_equal(s.fallbacks, 0);
	assert_int_equal(extfs_write(f, cpu, 12288, c->buffer, 4096), 4096); /* beyond the end */
	extfs_stats(c->w->fs, &s);
	assert_int_equal(s.fallbacks, 1);
	extfs_close(f, cpu);
	extfs_close(cached, cpu);
}

static void direct_io_and_the_cache_agree(void **state)
{
	(void)state;
	with_world(direct);
}

static void fragments(void *ctx, struct cpu *cpu)
{
	struct ctx *c = ctx;
	uint8_t *at = fs_world_at(c->w, c->buffer);
	struct extfs_stat st;
	struct extfs_file *f;

	/* every other block: an extent each, more than an inode and one extent block hold */
	assert_int_equal(extfs_open(c->w->fs, cpu, "/f", EXTFS_CREATE, &f), 0);
	for (unsigned i = 0; i < 400; i++) {
		memset(at, (int)(i % 251), 4096);
		assert_int_equal(extfs_write(f, cpu, (uint64_t)i * 8192, c->buffer, 4096), 4096);
	}
	assert_int_equal(extfs_stat(c->w->fs, cpu, "/f", &st), 0);
	assert_int_equal(st.extents, 400);
	assert_int_equal(st.blocks, 402); /* and two extent blocks */
	for (unsigned i = 0; i < 400; i++) {
		assert_int_equal(extfs_read(f, cpu, (uint64_t)i * 8192, c->buffer, 4096), 4096);
		assert_int_equal(at[17], i % 251);
	}
	/* the chain stays as long, and its last block counts fewer: seen when it is read again */
	assert_int_equal(extfs_truncate(f, cpu, 390 * 8192), 0);
	assert_int_equal(extfs_sync(c->w->fs, cpu), 0);
	fs_world_check_running(c->w);
	assert_int_equal(extfs_truncate(f, cpu, 300 * 8192), 0);
	assert_int_equal(extfs_stat(c->w->fs, cpu, "/f", &st), 0);
	assert_int_equal(st.blocks, 301);
	extfs_close(f, cpu);
}

static void extents_beyond_the_inode_are_chained(void **state)
{
	(void)state;
	with_world(fragments);
}

static void failing(void *ctx, struct cpu *cpu)
{
	struct ctx *c = ctx;
	struct extfs_file *f;

	put(c, cpu, "/f", 8192, 5);
	assert_int_equal(extfs_sync(c->w->fs, cpu), 0);
	assert_int_equal(extfs_open(c->w->fs, cpu, "/f", EXTFS_DIRECT, &f), 0);
	c->w->ram.fail_in = 1;
	assert_int_equal(extfs_read(f, cpu, 0, c->buffer, 4096), -EIO);
	assert_int_equal(extfs_read(f, cpu, 0, c->buffer, 4096), 4096);
	extfs_close(f, cpu);
	/* overwriting: the failure is told by fsync, the data stays, the next fsync brings it out
	 */
	assert_int_equal(extfs_open(c->w->fs, cpu, "/f", 0, &f), 0);
	memset(fs_world_at(c->w, c->buffer), 6, 8192);
	assert_int_equal(extfs_write(f, cpu, 0, c->buffer, 8192), 8192);
	c->w->ram.fail_in = 1;
	assert_int_equal(extfs_fsync(f, cpu), -EIO);
	assert_int_equal(extfs_fsync(f, cpu), 0);
	extfs_close(f, cpu);
}

static void a_disk_that_fails_is_told_and_nothing_is_lost(void **state)
{
	(void)state;
	with_world(failing);
}

static void broken_journal(void *ctx, struct cpu *cpu)
{
	struct ctx *c = ctx;
	struct extfs_stat st;
	struct extfs_file *f;

	put(c, cpu, "/before", 4096, 5);
	assert_int_equal(extfs_sync(c->w->fs, cpu), 0);
	assert_int_equal(extfs_mkdir(c->w->fs, cpu, "/dir"), 0);
	c->w->ram.fail_in = 1;
	assert_int_equal(extfs_sync(c->w->fs, cpu), -EIO);
	assert_int_equal(extfs_mkdir(c->w->fs, cpu, "/more"), -EROFS);
	assert_int_equal(extfs_open(c->w->fs, cpu, "/new", EXTFS_CREATE, &f), -EROFS);
	assert_int_equal(extfs_stat(c->w->fs, cpu, "/before", &st), 0);
	assert_int_equal(st.size, 4096);
}

static void after_a_journal_error_nothing_changes_any_more(void **state)
{
	struct ctx c = {.w = fs_world_create(&small)};

	(void)state;
	c.buffer = fs_world_memory(c.w, 64);
	fs_world_run(c.w, broken_journal, &c);
	fs_world_check(c.w->ram.data, BLOCKS, true, NULL); /* what is on the disk is whole */
	fs_world_destroy(c.w);
}

/* ---- the checker ---- */

static int image_read(void *ctx, uint64_t block, uint64_t count, void *to)
{
	memcpy(to, (uint8_t *)ctx + block * EXTFS_BLOCK, count * EXTFS_BLOCK);
	return 0;
}

static void some_files(void *ctx, struct cpu *cpu)
{
	struct ctx *c = ctx;

	assert_int_equal(extfs_mkdir(c->w->fs, cpu, "/dir"), 0);
	put(c, cpu, "/dir/a", 20000, 1);
	put(c, cpu, "/b", 9000, 1);
	fragments(ctx, cpu);
}

static void the_checker_finds_what_is_wrong(void **state)
{
	struct ctx c = {.w = fs_world_create(&small)};
	uint8_t *image = malloc(BLOCKS * EXTFS_BLOCK);
	const struct extfs_disk disk = {.read = image_read, .ctx = image, .blocks = BLOCKS};
	struct extfs_super s;
	struct extfs_inode *inode;
	struct extfs_entry *entry;
	struct err err;
	uint32_t b_inode;

	(void)state;
	c.buffer = fs_world_memory(c.w, 64);
	fs_world_run(c.w, some_files, &c);
	fs_world_remount(c.w);
	memcpy(&s, c.w->ram.data, sizeof(s));
#define FRESH()                                                                                    \
	do {                                                                                       \
		memcpy(image, c.w->ram.data, BLOCKS *EXTFS_BLOCK);                                 \
		inode = (struct extfs_inode *)(void *)(image + s.inode_start * EXTFS_BLOCK);       \
		entry = (struct extfs_entry *)(void *)(image + inode[EXTFS_ROOT].extent[0].start * \
								       EXTFS_BLOCK);               \
	} while (0)
#define WRONG(words)                                                        \
	do {                                                                \
		assert_int_equal(extfs_check(&disk, NULL, &err), -EUCLEAN); \
		if (!strstr(err.text, words))                               \
			fail_msg("%s", err.text);                           \
	} while (0)
	FRESH();
	assert_int_equal(extfs_check(&disk, NULL, &err), 0);
	b_inode = entry[1].inode;
	assert_string_equal(entry[1].name, "b");
	image[s.block_map_start * EXTFS_BLOCK + inode[b_inode].extent[0].start / 8] ^=
		(uint8_t)(1u << inode[b_inode].extent[0].start % 8);
	WRONG("is free in the bitmap");
	FRESH();
	image[s.block_map_start * EXTFS_BLOCK + (BLOCKS - 1) / 8] |= 0x80;
	WRONG("is in use in the bitmap and nobody's");
	FRESH();
	inode[b_inode].extent[0].start = inode[EXTFS_ROOT].extent[0].start;
	WRONG("belongs to inode");
	FRESH();
	inode[b_inode].extent[0].start = s.data_start - 1;
	WRONG("outside the data area");
	FRESH();
	inode[b_inode].size = 4096;
	WRONG("beyond its size");
	FRESH();
	inode[b_inode].blocks++;
	WRONG("counts");
	FRESH();
	entry[1].inode = 0;
	WRONG("has no name");
	FRESH();
	entry[3] = entry[1];
	WRONG("two names");
	FRESH();
	entry[1].inode = 60;
	WRONG("which is free");
	FRESH();
	entry[1].length = 2;
	WRONG("ill-formed name");
	FRESH();
	inode[entry[0].inode].parent = b_inode;
	WRONG("does not know");
	FRESH();
	inode[61].size = 1;
	WRONG("free and not empty");
	FRESH();
	image[9] ^= 1;
	WRONG("superblock: damaged");
	FRESH();
	image[(uint64_t)inode[entry[2].inode].chain * EXTFS_BLOCK + 4] ^= 1;
	WRONG("not the extent block");
	free(image);
	fs_world_destroy(c.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_refused_with_the_right_words),
		cmocka_unit_test(a_directory_of_many_names_finds_each),
		cmocka_unit_test(a_full_disk_says_so_and_freed_space_comes_back),
		cmocka_unit_test(holes_and_what_was_cut_read_as_zeros),
		cmocka_unit_test(direct_io_and_the_cache_agree),
		cmocka_unit_test(extents_beyond_the_inode_are_chained),
		cmocka_unit_test(a_disk_that_fails_is_told_and_nothing_is_lost),
		cmocka_unit_test(after_a_journal_error_nothing_changes_any_more),
		cmocka_unit_test(the_checker_finds_what_is_wrong),
	};

	return cmocka_run_group_tests_name("guest/extfs", tests, NULL, NULL);
}
