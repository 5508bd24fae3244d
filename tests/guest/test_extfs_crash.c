/* SPDX-License-Identifier: MIT */
/*
 * What survives a crash. A program runs with every write on tape; then the disk is rebuilt as it
 * would have been had the power failed after any of them, with what no flush had covered there or
 * not, sector by sector. Each such disk must be whole, and hold what was promised.
 */
#include "fs_world.h"

#include <errno.h>
#include <stdio.h>

#include "../base/seed.h"

#define BLOCKS   2048u
#define FILES    10u
#define LARGE    (120u * 1024)
#define STEPS    700u
#define PROMISES STEPS

/* A promise: from event @from on the file has at least these contents. */
struct promise {
	uint64_t from, until; /* until: the file was changed or removed again after it */
	unsigned file;
	uint64_t size;
	uint8_t *data;
};

struct program {
	struct fs_world *w;
	struct rng rng;
	phys_t buffer;
	uint8_t *image; /* the disk when the recording began */
	struct {
		bool there;
		uint8_t tag; /* low half of each byte ever written to it */
		uint64_t size;
		uint8_t data[LARGE];
	} file[FILES];
	struct promise promise[PROMISES];
	unsigned promises;
};

static void path_of(unsigned i, char *to, size_t bytes)
{
	snprintf(to, bytes, "/d%u/file%u", i % 2, i);
}

/* Whatever was promised of file @i before holds until now only. */
static void changes(struct program *p, unsigned i)
{
	for (unsigned k = 0; k < p->promises; k++) {
		if (p->promise[k].file == i && p->promise[k].until == UINT64_MAX)
			p->promise[k].until = p->w->events;
	}
}

static void promised(struct program *p, unsigned i)
{
	struct promise *q = &p->promise[p->promises++];

	assert_true(p->promises <= PROMISES);
	*q = (struct promise){.from = p->w->events,
			      .until = UINT64_MAX,
			      .file = i,
			      .size = p->file[i].size,
			      .data = malloc(p->file[i].size + 1)};
	memcpy(q->data, p->file[i].data, q->size);
}

static void write_and_sync(struct program *p, struct cpu *cpu, unsigned i)
{
	const uint64_t bytes = 1 + rng_below(&p->rng, 30000);
	uint64_t offset = rng_below(&p->rng, p->file[i].size + 1);
	struct extfs_file *f;
	char path[32];

	if (offset + bytes > LARGE)
		offset = LARGE - bytes;
	if (offset > p->file[i].size)
		offset = p->file[i].size;
	if (!p->file[i].there)
		p->file[i].tag = (uint8_t)(1 + rng_below(&p->rng, 15));
	path_of(i, path, sizeof(path));
	changes(p, i);
	assert_int_equal(extfs_open(p->w->fs, cpu, path, EXTFS_CREATE, &f), 0);
	for (uint64_t k = 0; k < bytes; k++)
		fs_world_at(p->w, p->buffer)[k] =
			(uint8_t)((rng_u64(&p->rng) & 0xf0) | p->file[i].tag);
	assert_int_equal(extfs_write(f, cpu, offset, p->buffer, bytes), bytes);
	memcpy(p->file[i].data + offset, fs_world_at(p->w, p->buffer), bytes);
	p->file[i].there = true;
	if (offset + bytes > p->file[i].size)
		p->file[i].size = offset + bytes;
	if (rng_below(&p->rng, 3)) {
		assert_int_equal(extfs_fsync(f, cpu), 0);
		promised(p, i);
	}
	extfs_close(f, cpu);
}

static void remove_or_rename(struct program *p, struct cpu *cpu, unsigned i)
{
	const unsigned to = (unsigned)rng_below(&p->rng, FILES);
	char a[32], b[32];

	if (!p->file[i].there)
		return;
	path_of(i, a, sizeof(a));
	path_of(to, b, sizeof(b));
	changes(p, i);
	if (rng_below(&p->rng, 2) || p->file[to].there) {
		assert_int_equal(extfs_unlink(p->w->fs, cpu, a), 0);
	} else {
		assert_int_equal(extfs_rename(p->w->fs, cpu, a, b), 0);
		changes(p, to);
		p->file[to] = p->file[i];
	}
	memset(&p->file[i], 0, sizeof(p->file[i]));
}

static void program(void *ctx, struct cpu *cpu)
{
	struct program *p = ctx;

	assert_int_equal(extfs_mkdir(p->w->fs, cpu, "/d0"), 0);
	assert_int_equal(extfs_mkdir(p->w->fs, cpu, "/d1"), 0);
	for (unsigned s = 0; s < STEPS; s++) {
		const unsigned i = (unsigned)rng_below(&p->rng, FILES);

		if (rng_below(&p->rng, 4))
			write_and_sync(p, cpu, i);
		else
			remove_or_rename(p, cpu, i);
	}
}

/* ---- a crash ---- */

struct after {
	struct program *p;
	uint64_t event;
	unsigned kept;
};

/* Synced or not: what is in a file was written to it, or is a zero. */
static void look_for_strangers(struct program *p, struct cpu *cpu)
{
	for (unsigned i = 0; i < FILES; i++) {
		struct extfs_file *f;
		uint8_t tag = 0;
		char path[32];
		ssize_t n;

		path_of(i, path, sizeof(path));
		if (extfs_open(p->w->fs, cpu, path, 0, &f))
			continue;
		n = extfs_read(f, cpu, 0, p->buffer, LARGE);
		assert_true(n >= 0);
		for (ssize_t k = 0; k < n; k++) {
			const uint8_t byte = fs_world_at(p->w, p->buffer)[k];

			if (byte && !tag)
				tag = byte & 0xf;
			assert_true(!byte || (byte & 0xf) == tag);
		}
		extfs_close(f, cpu);
	}
}

static void look(void *ctx, struct cpu *cpu)
{
	struct after *a = ctx;
	struct program *p = a->p;

	look_for_strangers(p, cpu);

	for (unsigned k = 0; k < p->promises; k++) {
		const struct promise *q = &p->promise[k];
		struct extfs_file *f;
		struct extfs_stat st;
		char path[32];

		if (q->from > a->event || q->until <= a->event)
			continue;
		path_of(q->file, path, sizeof(path));
		assert_int_equal(extfs_stat(p->w->fs, cpu, path, &st), 0);
		assert_int_equal(st.size, q->size);
		assert_int_equal(extfs_open(p->w->fs, cpu, path, 0, &f), 0);
		assert_int_equal(extfs_read(f, cpu, 0, p->buffer, LARGE), q->size);
		assert_memory_equal(fs_world_at(p->w, p->buffer), q->data, q->size);
		extfs_close(f, cpu);
		a->kept++;
	}
}

static void every_crash_leaves_a_whole_file_system_and_what_was_promised(void **state)
{
	const struct fs_world_config config = {
		.blocks = BLOCKS, .cache_pages = 2048, .ps_per_io = 100 * SIM_US};
	struct fs_world *w = fs_world_create(&config);
	struct program *p = calloc(1, sizeof(*p));
	uint8_t *image = malloc((size_t)BLOCKS * EXTFS_BLOCK);
	struct extfs_stats stats;
	struct after a = {.p = p};
	uint64_t events, applied = 0, crashes = 0;

	(void)state;
	p->w = w;
	p->buffer = fs_world_memory(w, LARGE / PAGE_BYTES);
	seed_from_env(&p->rng);
	p->image = malloc((size_t)BLOCKS * EXTFS_BLOCK);
	memcpy(p->image, w->ram.data, (size_t)BLOCKS * EXTFS_BLOCK);
	w->recording = true;
	fs_world_run(w, program, p);
	w->recording = false;
	extfs_stats(w->fs, &stats);
	assert_true(p->promises > 50 && stats.commits > 50 && stats.checkpoints > 1);
	events = w->events;
	for (uint64_t at = 0; at <= events; at += 1 + rng_below(&p->rng, 4)) {
		fs_world_crash(w, p->image, &applied, image, at, rng_u64(&p->rng));
		if (crashes++ % 8 == 0) {
			fs_world_mount_image(w, image);
			a.event = at;
			fs_world_run(w, look, &a);
		}
		fs_world_check(image, BLOCKS, true, NULL);
	}
	assert_true(a.kept > 100);
	print_message("%llu crashes, %u promises looked at\n", (unsigned long long)crashes, a.kept);
	for (unsigned k = 0; k < p->promises; k++)
		free(p->promise[k].data);
	free(p->image);
	free(p);
	free(image);
	fs_world_destroy(w);
}

/* ---- replaying is safe to interrupt ---- */

struct counted {
	uint8_t *image;
	unsigned left; /* writes until the power fails */
};

static int counted_read(void *ctx, uint64_t block, uint64_t count, void *to)
{
	memcpy(to, ((struct counted *)ctx)->image + block * EXTFS_BLOCK, count * EXTFS_BLOCK);
	return 0;
}

static int counted_write(void *ctx, uint64_t block, uint64_t count, const void *from)
{
	struct counted *c = ctx;

	if (!c->left)
		return -EIO;
	c->left--;
	memcpy(c->image + block * EXTFS_BLOCK, from, count * EXTFS_BLOCK);
	return 0;
}

static int counted_flush(void *ctx)
{
	(void)ctx;
	return 0;
}

/* Until a few transactions stand in the journal. */
static void leave_something(void *ctx, struct cpu *cpu)
{
	struct program *p = ctx;
	struct extfs_stats before, after;
	char path[32];

	for (unsigned n = 0, i = 0; n < 5; i++) {
		extfs_stats(p->w->fs, &before);
		snprintf(path, sizeof(path), "/more%u", i);
		assert_int_equal(extfs_mkdir(p->w->fs, cpu, path), 0);
		assert_int_equal(extfs_sync(p->w->fs, cpu), 0);
		extfs_stats(p->w->fs, &after);
		n = after.checkpoints == before.checkpoints ? n + 1 : 0;
	}
}

static void a_replay_that_is_interrupted_is_done_again(void **state)
{
	const struct fs_world_config config = {
		.blocks = BLOCKS, .cache_pages = 2048, .ps_per_io = 100 * SIM_US};
	struct fs_world *w = fs_world_create(&config);
	struct program *p = calloc(1, sizeof(*p));
	struct counted c = {.image = malloc((size_t)BLOCKS * EXTFS_BLOCK)};
	const struct extfs_disk disk = {.read = counted_read,
					.write = counted_write,
					.flush = counted_flush,
					.ctx = &c,
					.blocks = BLOCKS};
	unsigned interrupted = 0;

	(void)state;
	p->w = w;
	p->buffer = fs_world_memory(w, LARGE / PAGE_BYTES);
	seed_from_env(&p->rng);
	fs_world_run(w, program, p);
	fs_world_run(w, leave_something, p);
	for (unsigned writes = 0;; writes++) {
		uint64_t replayed;
		struct err err;

		memcpy(c.image, w->ram.data, (size_t)BLOCKS * EXTFS_BLOCK);
		c.left = writes;
		if (!extfs_replay(&disk, &replayed, &err))
			break;
		interrupted++;
		c.left = UINT32_MAX;
		assert_int_equal(extfs_replay(&disk, &replayed, &err), 0);
		fs_world_check(c.image, BLOCKS, true, NULL);
	}
	assert_true(interrupted > 10);
	for (unsigned k = 0; k < p->promises; k++)
		free(p->promise[k].data);
	free(c.image);
	free(p);
	fs_world_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_crash_leaves_a_whole_file_system_and_what_was_promised),
		cmocka_unit_test(a_replay_that_is_interrupted_is_done_again),
	};

	return cmocka_run_group_tests_name("guest/extfs_crash", tests, NULL, NULL);
}
