/* SPDX-License-Identifier: MIT */
/* extfs on damaged disks: whatever the metadata says, calls return, and the rest goes on. */
#include "fs_world.h"

#include <errno.h>
#include <stdio.h>

#include "../base/seed.h"

#define BLOCKS 2048u
#define ROUNDS 250u

struct ctx {
	struct fs_world *w;
	phys_t buffer; /* 16 pages */
	struct rng rng;
	uint64_t failures;
	int rc;
};

static void tolerated(struct ctx *c, int64_t rc)
{
	c->failures += rc < 0;
	assert_true(rc >= -4095);
}

static void use_file(struct ctx *c, struct cpu *cpu, const char *path)
{
	struct extfs_file *f;
	int rc = extfs_open(c->w->fs, cpu, path, EXTFS_CREATE, &f);

	tolerated(c, rc);
	if (rc)
		return;
	tolerated(c, extfs_read(f, cpu, rng_below(&c->rng, 100000), c->buffer, 16 * PAGE_BYTES));
	tolerated(c, extfs_write(f, cpu, rng_below(&c->rng, 100000), c->buffer,
				 rng_below(&c->rng, 16 * PAGE_BYTES)));
	tolerated(c, extfs_truncate(f, cpu, rng_below(&c->rng, 60000)));
	tolerated(c, extfs_fsync(f, cpu));
	extfs_close(f, cpu);
}

static void use(void *ctx, struct cpu *cpu)
{
	struct ctx *c = ctx;
	struct extfs_stat st;
	char path[40], to[40];

	for (unsigned i = 0; i < 24; i++) {
		snprintf(path, sizeof(path), "/d%u/f%u", i % 3, i);
		snprintf(to, sizeof(to), "/d%u/g%u", (i + 1) % 3, i);
		tolerated(c, extfs_stat(c->w->fs, cpu, path, &st));
		if (i % 2)
			use_file(c, cpu, path);
		tolerated(c, extfs_rename(c->w->fs, cpu, path, to));
		if (i % 3)
			tolerated(c, extfs_unlink(c->w->fs, cpu, to));
	}
	tolerated(c, extfs_rename(c->w->fs, cpu, "/d0", "/d1/sub"));
	tolerated(c, extfs_rename(c->w->fs, cpu, "/d2", "/d1/sub/sub"));
	tolerated(c, extfs_rmdir(c->w->fs, cpu, "/d1"));
	tolerated(c, extfs_sync(c->w->fs, cpu));
}

static void populate(void *ctx, struct cpu *cpu)
{
	struct ctx *c = ctx;
	char path[40];

	for (unsigned i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "/d%u", i);
		assert_int_equal(extfs_mkdir(c->w->fs, cpu, path), 0);
	}
	for (unsigned i = 0; i < 24; i++) {
		snprintf(path, sizeof(path), "/d%u/f%u", i % 3, i);
		use_file(c, cpu, path);
	}
}

static void try_to_mount(void *ctx, struct cpu *cpu)
{
	struct ctx *c = ctx;
	const struct extfs_config config = {
		.machine = c->w->machine, .dev = &c->w->tape, .cache = c->w->cache};
	struct err err = {.text = ""};

	c->rc = extfs_mount(&c->w->fs, &config, cpu, &err);
	assert_true(!c->rc == !err.text[0]);
}

static void unmount(void *ctx, struct cpu *cpu)
{
	struct ctx *c = ctx;

	c->rc = extfs_unmount(c->w->fs, cpu);
	c->w->fs = NULL;
}

/* One of: the bitmaps, an inode in use, a directory's block, the journal's beginning. */
static uint64_t place(struct ctx *c, const struct extfs_super *s)
{
	switch (rng_below(&c->rng, 8)) {
	case 0:
		return (uint64_t)s->block_map_start * EXTFS_BLOCK + rng_below(&c->rng, BLOCKS / 8);
	case 1:
		return (uint64_t)s->inode_map_start * EXTFS_BLOCK + rng_below(&c->rng, 8);
	case 2:
		return (uint64_t)s->data_start * EXTFS_BLOCK + rng_below(&c->rng, 8) * EXTFS_BLOCK +
		       rng_below(&c->rng, 8 * sizeof(struct extfs_entry));
	case 3:
		return (uint64_t)s->journal_start * EXTFS_BLOCK +
		       rng_below(&c->rng, 2) * EXTFS_BLOCK + rng_below(&c->rng, 64);
	default:
		return (uint64_t)s->inode_start * EXTFS_BLOCK +
		       (1 + rng_below(&c->rng, 30)) * EXTFS_INODE_BYTES + rng_below(&c->rng, 48);
	}
}

static void damaged_metadata_is_an_error_and_no_more(void **state)
{
	const struct fs_world_config config = {
		.blocks = BLOCKS, .cache_pages = 1500, .ps_per_io = 20 * SIM_US};
	struct ctx c = {.w = fs_world_create(&config)};
	uint8_t *image = malloc(BLOCKS * EXTFS_BLOCK);
	struct extfs_super s;
	unsigned mounted = 0, clean = 0;

	(void)state;
	seed_from_env(&c.rng);
	c.buffer = fs_world_memory(c.w, 16);
	fs_world_run(c.w, populate, &c);
	assert_int_equal(c.failures, 0);
	fs_world_run(c.w, unmount, &c);
	assert_int_equal(c.rc, 0);
	memcpy(image, c.w->ram.data, BLOCKS * EXTFS_BLOCK);
	memcpy(&s, image, sizeof(s));
	for (unsigned round = 0; round < ROUNDS; round++) {
		memcpy(c.w->ram.data, image, BLOCKS * EXTFS_BLOCK);
		for (unsigned i = 0; i <= round % 6; i++)
			c.w->ram.data[place(&c, &s)] ^= (uint8_t)(1 + rng_below(&c.rng, 255));
		fs_world_run(c.w, try_to_mount, &c);
		if (c.rc)
			continue;
		mounted++;
		fs_world_run(c.w, use, &c);
		fs_world_run(c.w, unmount, &c);
		clean += !c.rc;
		assert_true(pagecache_check(c.w->cache));
	}
	print_message("%u of %u mounted, %u clean\n", mounted, ROUNDS, clean);
	assert_true(mounted > ROUNDS / 2 && (mounted < ROUNDS || clean < mounted));
	free(image);
	fs_world_destroy(c.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_metadata_is_an_error_and_no_more),
	};

	return cmocka_run_group_tests_name("guest/extfs_damaged", tests, NULL, NULL);
}
