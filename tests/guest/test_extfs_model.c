/* SPDX-License-Identifier: MIT */
/* extfs against a naive model: names and bytes in an array, random programs, seeds printed. */
#include "fs_world.h"

#include <errno.h>
#include <stdio.h>

#include "../base/seed.h"
#include "base/rng.h"

#define FILES      12u
#define DIRS       3u
#define FILE_BYTES (200u * 1024)
#define BUFFER     (80u * 1024)

struct model_file {
	bool there;
	uint64_t size;
	uint8_t data[FILE_BYTES];
};

/* One task's part of the file system, which nobody else touches. */
struct model {
	struct fs_world *w;
	struct rng rng;
	unsigned number, steps;
	phys_t buffer;
	struct model_file file[FILES];
	uint64_t verified;
	bool full; /* -ENOSPC is allowed */
	uint64_t refused;
};

static void path_of(const struct model *m, unsigned i, char *to, size_t bytes)
{
	snprintf(to, bytes, "/task%u/dir%u/file%u", m->number, i % DIRS, i);
}

static unsigned flags_of(struct model *m, uint64_t *offset, uint64_t *bytes)
{
	if (rng_below(&m->rng, 4))
		return 0;
	*offset = *offset / 512 * 512;
	*bytes = (*bytes + 511) / 512 * 512;
	return EXTFS_DIRECT;
}

static struct extfs_file *open_at(struct model *m, struct cpu *cpu, unsigned i, unsigned flags)
{
	struct extfs_file *f;
	char path[64];
	int rc;

	path_of(m, i, path, sizeof(path));
	rc = extfs_open(m->w->fs, cpu, path, flags, &f);
	if (m->full && rc == -ENOSPC) {
		m->refused++;
		return NULL;
	}
	if (!m->file[i].there && !(flags & EXTFS_CREATE)) {
		assert_int_equal(rc, -ENOENT);
		return NULL;
	}
	assert_int_equal(rc, 0);
	m->file[i].there = true;
	return f;
}

static void do_write(struct model *m, struct cpu *cpu, unsigned i)
{
	struct model_file *mf = &m->file[i];
	uint64_t offset = rng_below(&m->rng, FILE_BYTES - BUFFER),
		 bytes = rng_below(&m->rng, 3) ? rng_below(&m->rng, 9000)
					       : rng_below(&m->rng, BUFFER - 512);
	const bool append = !rng_below(&m->rng, 3) && mf->size + BUFFER < FILE_BYTES;
	unsigned flags = EXTFS_CREATE;
	struct extfs_file *f;
	ssize_t n;

	if (append)
		flags |= EXTFS_APPEND;
	else
		flags |= flags_of(m, &offset, &bytes);
	if (append)
		offset = mf->size;
	f = open_at(m, cpu, i, flags);
	if (!f)
		return;
	for (uint64_t k = 0; k < bytes; k++)
		fs_world_at(m->w, m->buffer)[k] = (uint8_t)rng_u64(&m->rng);
	n = extfs_write(f, cpu, offset, m->buffer, bytes);
	if (n < 0 && m->full) {
		assert_int_equal(n, -ENOSPC);
		m->refused++;
		n = 0;
	}
	if (!m->full)
		assert_int_equal(n, bytes);
	memcpy(mf->data + offset, fs_world_at(m->w, m->buffer), (size_t)n);
	if (n && offset + (uint64_t)n > mf->size)
		mf->size = offset + (uint64_t)n;
	if (!rng_below(&m->rng, 5))
		assert_int_equal(extfs_fsync(f, cpu), 0);
	extfs_close(f, cpu);
}

static void do_read(struct model *m, struct cpu *cpu, unsigned i)
{
	struct model_file *mf = &m->file[i];
	uint64_t offset = rng_below(&m->rng, FILE_BYTES), bytes = rng_below(&m->rng, BUFFER - 512);
	const unsigned flags = flags_of(m, &offset, &bytes);
	struct extfs_file *f = open_at(m, cpu, i, flags);
	uint64_t want = offset < mf->size ? mf->size - offset : 0;
	ssize_t n;

	if (!f)
		return;
	want = want < bytes ? want : bytes;
	n = extfs_read(f, cpu, offset, m->buffer, bytes);
	assert_int_equal(n, want);
	assert_memory_equal(fs_world_at(m->w, m->buffer), mf->data + offset, want);
	m->verified += want;
	extfs_close(f, cpu);
}

static void do_truncate(struct model *m, struct cpu *cpu, unsigned i)
{
	struct model_file *mf = &m->file[i];
	const uint64_t size = rng_below(&m->rng, FILE_BYTES);
	struct extfs_file *f = open_at(m, cpu, i, 0);

	if (!f)
		return;
	assert_int_equal(extfs_truncate(f, cpu, size), 0);
	if (size < mf->size)
		memset(mf->data + size, 0, mf->size - size);
	mf->size = size;
	extfs_close(f, cpu);
}

static void do_unlink(struct model *m, struct cpu *cpu, unsigned i)
{
	char path[64];

	path_of(m, i, path, sizeof(path));
	assert_int_equal(extfs_unlink(m->w->fs, cpu, path), m->file[i].there ? 0 : -ENOENT);
	memset(&m->file[i], 0, sizeof(m->file[i]));
}

static void do_rename(struct model *m, struct cpu *cpu, unsigned i)
{
	const unsigned to = (unsigned)rng_below(&m->rng, FILES);
	char a[64], b[64];
	int rc;

	path_of(m, i, a, sizeof(a));
	path_of(m, to, b, sizeof(b));
	rc = extfs_rename(m->w->fs, cpu, a, b);
	if (!m->file[i].there) {
		assert_int_equal(rc, -ENOENT);
	} else if (m->file[to].there) {
		assert_int_equal(rc, -EEXIST);
	} else if (!m->full || rc != -ENOSPC) {
		assert_int_equal(rc, 0);
		m->file[to] = m->file[i];
		memset(&m->file[i], 0, sizeof(m->file[i]));
	}
}

static void do_stat(struct model *m, struct cpu *cpu, unsigned i)
{
	struct extfs_stat st;
	char path[64];
	int rc;

	path_of(m, i, path, sizeof(path));
	rc = extfs_stat(m->w->fs, cpu, path, &st);
	assert_int_equal(rc, m->file[i].there ? 0 : -ENOENT);
	if (!rc)
		assert_int_equal(st.size, m->file[i].size);
}

static void program(void *ctx, struct cpu *cpu)
{
	struct model *m = ctx;

	for (unsigned s = 0; s < m->steps; s++) {
		const unsigned i = (unsigned)rng_below(&m->rng, FILES);

		switch (rng_below(&m->rng, 12)) {
		case 0:
			do_truncate(m, cpu, i);
			break;
		case 1:
			do_unlink(m, cpu, i);
			break;
		case 2:
			do_rename(m, cpu, i);
			break;
		case 3:
			do_stat(m, cpu, i);
			break;
		case 4:
		case 5:
		case 6:
		case 7:
			do_read(m, cpu, i);
			break;
		default:
			do_write(m, cpu, i);
		}
	}
}

static void make_dirs(void *ctx, struct cpu *cpu)
{
	struct model *m = ctx;
	char path[64];

	snprintf(path, sizeof(path), "task%u", m->number);
	assert_int_equal(extfs_mkdir(m->w->fs, cpu, path), 0);
	for (unsigned i = 0; i < DIRS; i++) {
		snprintf(path, sizeof(path), "task%u/dir%u", m->number, i);
		assert_int_equal(extfs_mkdir(m->w->fs, cpu, path), 0);
	}
}

static void compare_all(void *ctx, struct cpu *cpu)
{
	struct model *m = ctx;

	for (unsigned i = 0; i < FILES; i++) {
		const struct model_file *mf = &m->file[i];
		struct extfs_file *f;
		char path[64];

		do_stat(m, cpu, i);
		path_of(m, i, path, sizeof(path));
		if (!mf->there)
			continue;
		assert_int_equal(extfs_open(m->w->fs, cpu, path, 0, &f), 0);
		for (uint64_t at = 0; at < mf->size; at += BUFFER) {
			const uint64_t left = mf->size - at, n = left < BUFFER ? left : BUFFER;

			assert_int_equal(extfs_read(f, cpu, at, m->buffer, BUFFER), n);
			assert_memory_equal(fs_world_at(m->w, m->buffer), mf->data + at, n);
		}
		extfs_close(f, cpu);
	}
}

static void run(const struct fs_world_config *config, unsigned tasks, unsigned steps, bool full,
		unsigned rounds)
{
	struct fs_world *w = fs_world_create(config);
	struct rng seeds;
	struct model *m = calloc(tasks, sizeof(*m));
	uint64_t refused = 0;

	seed_from_env(&seeds);
	for (unsigned i = 0; i < tasks; i++) {
		m[i].w = w;
		m[i].number = i;
		m[i].steps = steps;
		m[i].full = full;
		m[i].buffer = fs_world_memory(w, BUFFER / PAGE_BYTES);
		rng_seed(&m[i].rng, rng_u64(&seeds));
	}
	fs_world_run_many(w, make_dirs, m, sizeof(*m), tasks);
	for (unsigned r = 0; r < rounds; r++) {
		fs_world_run_many(w, program, m, sizeof(*m), tasks);
		assert_true(pagecache_check(w->cache));
		fs_world_remount(w);
		fs_world_run_many(w, compare_all, m, sizeof(*m), tasks);
	}
	for (unsigned i = 0; i < tasks; i++) {
		assert_true(m[i].verified > 0);
		refused += m[i].refused;
	}
	assert_true(!full || refused);
	free(m);
	fs_world_destroy(w);
}

static void one_task_sees_what_the_model_sees(void **state)
{
	const struct fs_world_config config = {
		.blocks = 8192, .cache_pages = 2048, .ps_per_io = 50 * SIM_US};

	(void)state;
	run(&config, 1, 1500, false, 3);
}

static void many_tasks_see_what_their_models_see(void **state)
{
	const struct fs_world_config config = {
		.blocks = 16384, .cache_pages = 2048, .ps_per_io = 80 * SIM_US, .cpus = 4};

	(void)state;
	run(&config, 10, 250, false, 2);
}

static void a_small_cache_changes_nothing(void **state)
{
	const struct fs_world_config config = {
		.blocks = 16384, .cache_pages = 700, .ps_per_io = 80 * SIM_US, .cpus = 2};

	(void)state;
	run(&config, 6, 250, false, 2);
}

static void a_disk_that_fills_up_refuses_and_loses_nothing(void **state)
{
	const struct fs_world_config config = {
		.blocks = 2048, .cache_pages = 1500, .ps_per_io = 20 * SIM_US, .cpus = 2};

	(void)state;
	run(&config, 14, 250, true, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_task_sees_what_the_model_sees),
		cmocka_unit_test(many_tasks_see_what_their_models_see),
		cmocka_unit_test(a_small_cache_changes_nothing),
		cmocka_unit_test(a_disk_that_fills_up_refuses_and_loses_nothing),
	};

	return cmocka_run_group_tests_name("guest/extfs_model", tests, NULL, NULL);
}
