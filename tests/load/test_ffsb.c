/* SPDX-License-Identifier: MIT */
/* FFSB on a machine with a disk in memory: what it builds, does, counts and notices. */
#include "lab.h"
#include "ram_blockdev.h"

#include <errno.h>

#include "load/ffsb.h"

struct bench {
	struct sim *sim;
	struct machine *machine;
	struct ram_blockdev ram;
	struct ffsb_profile profile;
	struct ffsb *load;
};

static struct bench *make(const char *text, uint64_t blocks, uint64_t cache_pages, uint64_t seed)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct profile profile = lab_profile(4);
	struct err err = {.text = ""};
	struct ffsb_config config = {.seed = seed, .cache_pages = cache_pages, .verify = true};

	profile.cost.fs_call = profile.cost.fs_name = 500000;
	profile.cost.fs_page = 200000;
	b->sim = sim_create();
	assert_int_equal(machine_create(&b->machine, b->sim, &profile, &err), 0);
	ram_blockdev_init(&b->ram, b->machine, blocks * 8, 100 * SIM_US);
	if (ffsb_profile_read_text(&b->profile, "p", text, strlen(text), &err))
		fail_msg("%s", err.text);
	config.machine = b->machine;
	config.dev = &b->ram.dev;
	config.profile = &b->profile;
	config.background_cpu = 3;
	if (ffsb_create(&b->load, &config, &err) || ffsb_start(b->load, &err))
		fail_msg("%s", err.text);
	return b;
}

static void pass(struct bench *b, uint64_t ps)
{
	assert_int_equal(sim_run(b->sim, sim_now(b->sim) + ps), 0);
}

static void until_ready(struct bench *b)
{
	for (int i = 0; i < 200000 && !ffsb_ready(b->load); i++)
		pass(b, SIM_MS);
	assert_true(ffsb_ready(b->load));
}

static void finish(struct bench *b)
{
	ffsb_stop(b->load);
	for (int i = 0; i < 200000 && !ffsb_finished(b->load); i++)
		pass(b, SIM_MS);
	assert_true(ffsb_finished(b->load));
}

/* What lies on the disk is a whole file system. */
static int read_image(void *ctx, uint64_t block, uint64_t count, void *to)
{
	memcpy(to, ((struct bench *)ctx)->ram.data + block * EXTFS_BLOCK, count * EXTFS_BLOCK);
	return 0;
}

static struct extfs_census checked(struct bench *b)
{
	const struct extfs_disk disk = {
		.read = read_image, .ctx = b, .blocks = b->ram.dev.sectors / 8};
	struct extfs_census census = {.files = 0};
	struct err err;

	if (extfs_check(&disk, &census, &err))
		fail_msg("%s", err.text);
	return census;
}

static void destroy(struct bench *b)
{
	ffsb_destroy(b->load);
	ffsb_profile_free(&b->profile);
	ram_blockdev_fini(&b->ram);
	machine_destroy(b->machine);
	sim_destroy(b->sim);
	free(b);
}

static struct ffsb_stats measure(struct bench *b, uint64_t ps)
{
	struct ffsb_stats s;
	struct err err;

	until_ready(b);
	if (ffsb_error(b->load, &err))
		fail_msg("%s", err.text);
	ffsb_begin(b->load);
	pass(b, ps);
	ffsb_end(b->load);
	finish(b);
	if (ffsb_error(b->load, &err))
		fail_msg("%s", err.text);
	ffsb_stats(b->load, &s);
	return s;
}

#define EVERY_OP                                                                          \
	"time=10\n[filesystem]\nlocation=/mnt/test\nnum_files=40\nnum_dirs=3\n"           \
	"min_filesize=40k\nmax_filesize=90000\n[end]\n"                                   \
	"[threadgroup]\nnum_threads=6\nread_weight=2\nreadall_weight=2\nwrite_weight=2\n" \
	"create_weight=2\nappend_weight=1\ndelete_weight=2\nmetaop_weight=1\n"            \
	"createdir_weight=1\nstat_weight=1\nwriteall_weight=1\nwriteall_fsync_weight=1\n" \
	"open_close_weight=1\nwrite_fsync_weight=1\ncreate_fsync_weight=1\n"              \
	"append_fsync_weight=1\nread_size=30000\nread_blocksize=4k\nwrite_size=10000\n"   \
	"write_blocksize=4k\n"                                                            \
	"[stats]\nenable_stats=1\nenable_range=1\nignore=stat\nmsec_range 0 0.2\n"        \
	"msec_range 0.2 100000\n[end]\n[end]\n"

static void every_operation_runs_and_every_byte_is_as_written(void **state)
{
	struct bench *b = make(EVERY_OP, 32768, 2000, 1);
	const struct ffsb_stats s = measure(b, 700 * SIM_MS);
	const struct ffsb_group_stats *g = ffsb_group_stats(b->load, 0);
	const struct extfs_census census = checked(b);
	uint64_t ops = 0, calls = 0;

	(void)state;
	for (unsigned i = 0; i < FFSB_OPS; i++) {
		assert_true(g->op[i].ops > 0);
		assert_int_equal(g->op[i].ops, g->op[i].latency.count);
		ops += g->op[i].ops;
	}
	assert_int_equal(s.ops, ops);
	assert_true(s.bytes_checked > 1000000);
	assert_int_equal(s.mismatches, 0);
	assert_int_equal(census.files, s.files);
	assert_int_equal(g->call[FFSB_CALL_STAT].count, 0);
	for (unsigned i = 0; i < FFSB_CALLS; i++)
		calls += g->call[i].count;
	assert_int_equal(g->range[0] + g->range[1], calls);
	/* 30000 bytes in 4096: seven whole blocks, the rest is read and not counted */
	assert_int_equal(g->op[FFSB_READ].bytes, g->op[FFSB_READ].ops * 30000);
	assert_int_equal(g->op[FFSB_READ].transactions, g->op[FFSB_READ].ops * 7);
	/* 10000 bytes: three blocks, the last of them short */
	assert_int_equal(g->op[FFSB_WRITE].transactions, g->op[FFSB_WRITE].ops * 3);
	assert_int_equal(g->op[FFSB_APPEND].bytes, g->op[FFSB_APPEND].ops * 10000);
	assert_int_equal(g->op[FFSB_DELETE].transactions, g->op[FFSB_DELETE].ops);
	destroy(b);
}

static void the_same_seed_gives_the_same_run(void **state)
{
	struct ffsb_stats s[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct bench *b = make(EVERY_OP, 16384, 2000, i < 2 ? 5 : 6);

		s[i] = measure(b, 500 * SIM_MS);
		destroy(b);
	}
	assert_memory_equal(&s[0], &s[1], sizeof(s[0]));
	assert_memory_not_equal(&s[0], &s[2], sizeof(s[0]));
}

static void damage_on_the_way_from_the_disk_is_noticed(void **state)
{
	struct bench *b =
		make("time=1\n[filesystem]\nlocation=/a\nnum_files=20\nmin_filesize=256k\n"
		     "max_filesize=256k\n[end]\n[threadgroup]\nnum_threads=2\n"
		     "readall_weight=1\nread_blocksize=64k\n[end]\n",
		     8192, 256, 1);
	struct ffsb_stats s;

	(void)state;
	until_ready(b);
	for (uint64_t at = 900; at < 1900; at++) /* one bit of each block of data */
		b->ram.data[at * EXTFS_BLOCK + 77] ^= 4;
	s = measure(b, 300 * SIM_MS);
	assert_true(s.mismatches > 0 && s.bytes_checked > 0);
	destroy(b);
}

static void direct_reads_go_past_the_cache_block_by_block(void **state)
{
	struct bench *b = make("time=1\ndirectio=1\n[filesystem]\nlocation=/a\nnum_files=10\n"
			       "min_filesize=1m\nmax_filesize=1m\n[end]\n[threadgroup]\n"
			       "num_threads=4\nread_weight=1\nread_random=1\nread_size=64k\n"
			       "read_blocksize=4k\n[end]\n",
			       8192, 4000, 1);
	const struct ffsb_stats s = measure(b, 200 * SIM_MS);
	const uint64_t reads = s.bytes_read / 4096;

	(void)state;
	assert_true(s.ops > 100 && s.bytes_read == s.ops * 65536);
	assert_int_equal(s.mismatches, 0);
	assert_true(s.cache.read_pages == 0);
	assert_true(s.fs.direct_reads >= reads - 4 * 16 && s.fs.direct_reads <= reads + 4 * 16);
	destroy(b);
}

static void ageing_fills_the_disk_as_far_as_asked(void **state)
{
	struct bench *b = make("time=0\n[filesystem]\nlocation=/a\nnum_files=3\nagefs=1\n"
			       "max_filesize=60k\n[threadgroup]\nnum_threads=3\n"
			       "create_weight=10\ndelete_weight=4\nappend_weight=2\n"
			       "write_size=8k\nwrite_blocksize=4k\n[end]\ndesired_util=0.4\n"
			       "[end]\n[threadgroup]\nnum_threads=1\nstat_weight=1\n[end]\n",
			       8192, 1500, 1);
	struct extfs_census census;
	struct err err;

	(void)state;
	until_ready(b);
	finish(b);
	assert_int_equal(ffsb_error(b->load, &err), 0);
	census = checked(b);
	assert_true(census.free_blocks < 8192 * 6 / 10);
	assert_true(census.free_blocks > 8192 * 45 / 100);
	destroy(b);
}

static void expect_failure(const char *profile, uint64_t blocks, int code, const char *why)
{
	struct bench *b = make(profile, blocks, 1000, 1);
	struct err err = {.text = ""};

	until_ready(b);
	pass(b, 500 * SIM_MS);
	finish(b);
	assert_int_equal(ffsb_error(b->load, &err), code);
	if (!strstr(err.text, why))
		fail_msg("%s", err.text);
	checked(b);
	destroy(b);
}

static void what_cannot_go_on_says_why(void **state)
{
	(void)state;
	expect_failure(
		"time=1\n[filesystem]\nlocation=/a\nnum_files=1\nmax_filesize=4k\n"
		"min_filesize=4k\n[end]\n[threadgroup]\nnum_threads=1\nread_weight=1\n"
		"read_size=8k\nread_blocksize=4k\n[end]\n",
		4096, -EINVAL,
		"read: /a/data/datafile0 has 4096 bytes, expected at least read_size = 8192");
	expect_failure("time=1\n[filesystem]\nlocation=/a\nnum_files=5\n[end]\n[threadgroup]\n"
		       "num_threads=2\ndelete_weight=1\n[end]\n",
		       4096, -ENOENT, "delete: no file left in /a");
	expect_failure("time=1\n[filesystem]\nlocation=/a\nnum_files=5\nmin_filesize=1m\n"
		       "max_filesize=1m\n[end]\n[threadgroup]\nnum_threads=2\ncreate_weight=1\n"
		       "write_blocksize=64k\n[end]\n",
		       4096, -ENOSPC, "p:8: create_weight: the file system of ");
	expect_failure("time=1\n[filesystem]\nlocation=/a\nnum_files=500\nmin_filesize=1m\n"
		       "max_filesize=1m\n[end]\n[threadgroup]\nnum_threads=2\nstat_weight=1\n"
		       "[end]\n",
		       4096, -ENOSPC, "p:2: num_files: the file system of ");
	expect_failure("time=1\n[filesystem]\nlocation=/a\ninit_size=500m\nmin_filesize=1m\n"
		       "max_filesize=1m\n[end]\n[threadgroup]\nnum_threads=2\nstat_weight=1\n"
		       "[end]\n",
		       4096, -ENOSPC, "p:2: init_size: the file system of ");
	expect_failure("time=1\n[filesystem]\nlocation=/a\nnum_dirs=100000\n[end]\n"
		       "[threadgroup]\nnum_threads=2\nstat_weight=1\n[end]\n",
		       4096, -ENOSPC,
		       "p:2: num_dirs: the file system has no room for /a/data/datadir");
	expect_failure("time=1\n[filesystem]\nlocation=/a\nnum_files=1\nmax_filesize=9k\n"
		       "min_filesize=9k\n[end]\n[threadgroup]\nnum_threads=1\nread_weight=1\n"
		       "read_size=8k\nread_blocksize=4k\nread_skip=1\nread_skipsize=4k\n[end]\n",
		       4096, -EINVAL, "expected at least 12288 for read_size 8192");
}

static void what_is_skipped_is_told(void **state)
{
	struct bench *b = make("time=0\ncallout=sync\n[filesystem]\nlocation=/a\nreuse=1\n"
			       "num_files=1\n[end]\n[threadgroup]\nnum_threads=1\nstat_weight=1\n"
			       "[end]\n",
			       4096, 1000, 1);

	(void)state;
	assert_string_equal(ffsb_warning(b->load, 0),
			    "callout: not run; there is no shell on the simulated machine");
	assert_string_equal(ffsb_warning(b->load, 1),
			    "reuse: the file system is new, its file sets are built");
	assert_null(ffsb_warning(b->load, 2));
	until_ready(b);
	finish(b);
	destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_runs_and_every_byte_is_as_written),
		cmocka_unit_test(the_same_seed_gives_the_same_run),
		cmocka_unit_test(damage_on_the_way_from_the_disk_is_noticed),
		cmocka_unit_test(direct_reads_go_past_the_cache_block_by_block),
		cmocka_unit_test(ageing_fills_the_disk_as_far_as_asked),
		cmocka_unit_test(what_cannot_go_on_says_why),
		cmocka_unit_test(what_is_skipped_is_told),
	};

	return cmocka_run_group_tests_name("load/ffsb", tests, NULL, NULL);
}
