/* SPDX-License-Identifier: MIT */
/* FFSB profiles: the three dialects, every key, and files. */
#include "ffsb_texts.h"

/* ---- 6.0 ---- */

static void six_reads_every_key_in_any_order(void **state)
{
	struct ffsb_profile p =
		good("[threadgroup7]\n num_threads = 4k # text after a number\n"
		     "read_weight=1\nreadall_weight=2\nwrite_weight=3\ncreate_weight=4\n"
		     "append_weight=5\ndelete_weight=6\nmetaop_weight=7\ncreatedir_weight=8\n"
		     "stat_weight=9\nwriteall_weight=10\nwriteall_fsync_weight=11\n"
		     "open_close_weight=12\nwrite_fsync_weight=13\ncreate_fsync_weight=14\n"
		     "append_fsync_weight=15\nread_size=40K\nread_blocksize=4kb\nread_skip=2\n"
		     "read_skipsize=8k\nwrite_size=1g\nwrite_blocksize=1Mb\nwrite_random=1\n"
		     "op_delay=25\nbindfs=/mnt/ffsb\n"
		     "[stats]\nenable_stats=1\nenable_range=1\nignore=Stat\nignore=lseek\n"
		     "msec_range 0.5 1\nmsec_range 1 20\n[end]\n[end7]\n"
		     "time=300\ndirectio=1\nbufferio=1\nverbose=1\ncallout=echo hi\n"
		     "[filesystem]\nlocation=/mnt/ffsb\nnum_files=100\nnum_dirs=10\n"
		     "min_filesize=4k\nmax_filesize=1.5g\nsize_weight\t4k 33\nsize_weight 8m   2\n"
		     "init_size=100m\ninit_util=0.25\ncreate_blocksize=8k\nage_blocksize=16k\n"
		     "reuse=1\nagefs=0\ndesired_util=.5\n[end]\n");
	const struct ffsb_filesystem *f = p.filesystem;
	const struct ffsb_group *g = p.group;

	(void)state;
	assert_int_equal(p.dialect, FFSB_6);
	assert_true(p.has_time && p.directio && p.bufferio && p.verbose);
	assert_true(p.alignio); /* direct I/O implies it */
	assert_int_equal(p.time_s, 300);
	assert_string_equal(p.callout, "echohi"); /* as the original: every blank goes */
	assert_int_equal(p.filesystem_count, 1);
	assert_string_equal(f->location, "/mnt/ffsb");
	assert_int_equal(f->num_files, 100);
	assert_int_equal(f->num_dirs, 10);
	assert_int_equal(f->min_filesize, 4096);
	assert_int_equal(f->max_filesize, 1u << 30); /* fraction cut, with a warning */
	one_warning(&p, "p:46: max_filesize: the fraction of '1.5g' is cut off");
	assert_int_equal(f->size_count, 2);
	assert_int_equal(f->size[0].bytes, 4096);
	assert_int_equal(f->size[0].weight, 33);
	assert_int_equal(f->size[1].bytes, 8 << 20);
	assert_int_equal(f->init_size, 100 << 20);
	assert_int_equal(f->init_util_ppm, 250000);
	assert_int_equal(f->desired_util_ppm, 500000);
	assert_int_equal(f->create_blocksize, 8192);
	assert_int_equal(f->age_blocksize, 16384);
	assert_true(f->reuse && !f->agefs);
	assert_int_equal(p.group_count, 1);
	assert_int_equal(g->num_threads, 4);
	for (unsigned i = 0; i < FFSB_OPS; i++)
		assert_int_equal(g->weight[i], i + 1);
	assert_int_equal(ffsb_weights(g), 120);
	assert_int_equal(g->read_size, 40960);
	assert_int_equal(g->read_blocksize, 4096);
	assert_true(g->read_skip && !g->read_random && g->write_random);
	assert_int_equal(g->read_skipsize, 8192);
	assert_int_equal(g->write_size, 1u << 30);
	assert_int_equal(g->write_blocksize, 1 << 20);
	assert_int_equal(g->op_delay_ms, 25);
	assert_int_equal(g->filesystem, 0);
	assert_true(g->stats && g->stats_ranges);
	assert_int_equal(g->stats_ignore, 1u << FFSB_CALL_STAT | 1u << FFSB_CALL_LSEEK);
	assert_int_equal(g->range_count, 2);
	assert_int_equal(g->range[0].low_ps, 500000000);
	assert_int_equal(g->range[1].high_ps, 20000000000);
	ffsb_profile_free(&p);
}

static void six_has_defaults_for_all_but_place_and_threads(void **state)
{
	struct ffsb_profile p = good(FS6 GROUP6);

	(void)state;
	assert_int_equal(p.time_s, 0);
	assert_false(p.has_time || p.directio || p.alignio);
	assert_int_equal(p.filesystem->create_blocksize, 4096);
	assert_int_equal(p.filesystem->age_blocksize, 4096);
	assert_int_equal(p.group->filesystem, -1);
	assert_false(p.group->stats);
	assert_int_equal(p.warning_count, 0);
	ffsb_profile_free(&p);
}

static void six_ages_by_the_first_group_inside_a_file_system(void **state)
{
	struct ffsb_profile p =
		good("[filesystem]\nlocation=/a\nagefs=1\n"
		     "[threadgroup]\nnum_threads=3\ncreate_weight=2\nwrite_blocksize=4k\n[end]\n"
		     "[threadgroup]\nnum_threads=nonsense\n[end]\n"
		     "desired_util=0.3\n[end]\n" GROUP6);

	(void)state;
	assert_int_equal(p.filesystem->aging->num_threads, 3);
	assert_int_equal(p.filesystem->aging->weight[FFSB_CREATE], 2);
	assert_int_equal(p.filesystem->desired_util_ppm, 300000);
	one_warning(&p, "p:9: [threadgroup]: only the first one inside a [filesystem] counts; "
			"skipped");
	ffsb_profile_free(&p);
}

static void six_clones_all_but_the_place(void **state)
{
	struct ffsb_profile p = good("[filesystem]\nlocation=/b\nclone=/a\nnum_files=3\n[end]\n"
				     "[filesystem]\nlocation=/a\nnum_files=7\nmax_filesize=9\n"
				     "[end]\n" GROUP6);

	(void)state;
	assert_string_equal(p.filesystem[0].location, "/b");
	assert_int_equal(p.filesystem[0].num_files, 7);
	assert_int_equal(p.filesystem[0].max_filesize, 9);
	ffsb_profile_free(&p);
	refused("[filesystem]\nlocation=/b\nclone=/c\n[end]\n" GROUP6,
		"p:1: clone: no other [filesystem] has the location '/c'");
	/* the ageing group is not cloned, the wish to age is */
	refused("[filesystem]\nlocation=/a\nagefs=1\n[threadgroup]\nnum_threads=1\n"
		"create_weight=1\nwrite_blocksize=1\n[end]\n[end]\n"
		"[filesystem]\nlocation=/b\nclone=/a\n[end]\n" GROUP6,
		"p:10: agefs: expected a [threadgroup] inside the [filesystem] that says how to "
		"age "
		"it");
}

static void six_takes_the_end_of_the_file_for_an_end(void **state)
{
	struct ffsb_profile p = good(FS6 "[threadgroup]\nnum_threads=1\nstat_weight=1");

	(void)state;
	assert_int_equal(p.group->num_threads, 1);
	one_warning(&p, "p:5: [threadgroup]: no [end] before the end of the file");
	ffsb_profile_free(&p);
}

static void six_skips_statistics_that_have_no_group(void **state)
{
	struct ffsb_profile p = good("[stats]\nwhatever\n[end]\n" FS6 GROUP6);

	(void)state;
	one_warning(&p, "p:1: [stats]: has an effect inside a [threadgroup] only; skipped");
	ffsb_profile_free(&p);
}

static void six_remarks_on_a_call_it_does_not_know(void **state)
{
	struct ffsb_profile p = good(FS6 "[threadgroup]\nnum_threads=1\nstat_weight=1\n[stats]\n"
					 "enable_stats=1\nignore=fsync\n[end]\n[end]\n");

	(void)state;
	assert_int_equal(p.group->stats_ignore, 0);
	one_warning(&p,
		    "p:10: ignore: 'fsync' is none of open, read, write, create, lseek, unlink, "
		    "close, stat; skipped");
	ffsb_profile_free(&p);
}

/* ---- 5.x ---- */

static void five_inherits_as_the_original_does(void **state)
{
	struct ffsb_profile p =
		good("num_filesystems=2\nnum_threadgroups=2\ntime=30\ncallout=echo hello  world\n"
		     "[filesystem0]\nlocation=/a#b\nnum_files=7\nnum_dirs=3\nmin_filesize=10\n"
		     "max_filesize=20 # bytes\nreuse=1\n[end0]\n"
		     "[filesystem1]\nlocation=/c\nnum_files=9\n[end1]\n"
		     "[threadgroup0]\nbindfs=1\nnum_threads=5\nread_weight=4\nread_random=1\n"
		     "read_size=40\nread_blocksize=4\nwrite_size=44\nwrite_blocksize=11\n"
		     "fsync_file=1\nop_delay=2\n[end0]\n"
		     "[threadgroup1]\nmeta_weight=1\nappend_weight=2\n[end1]\n");
	const struct ffsb_filesystem *f = &p.filesystem[1];
	const struct ffsb_group *g = &p.group[1];

	(void)state;
	assert_int_equal(p.dialect, FFSB_5);
	assert_string_equal(p.callout, "echo hello  world");
	assert_string_equal(p.filesystem[0].location, "/a#b");
	assert_string_equal(f->location, "/c");
	assert_int_equal(f->num_files, 9);
	assert_int_equal(f->num_dirs, 3);
	assert_int_equal(f->max_filesize, 20);
	assert_true(f->reuse);
	assert_int_equal(p.group[0].filesystem, 1);
	assert_int_equal(g->filesystem, -1);
	assert_int_equal(g->num_threads, 5);
	assert_int_equal(g->weight[FFSB_READ], 0);
	assert_int_equal(g->weight[FFSB_METAOP], 1);
	assert_true(g->read_random && g->fsync_file);
	assert_int_equal(g->write_size, 44);
	assert_int_equal(g->op_delay_ms, 2);
	assert_int_equal(p.warning_count, 0);
	ffsb_profile_free(&p);
}

static void five_skips_what_is_not_counted(void **state)
{
	struct ffsb_profile p = good(HEAD5 FS5 GROUP5 "[threadgroup1]\nnum_threads=x\n[end1]\n");

	(void)state;
	assert_int_equal(p.group_count, 1);
	one_warning(&p, "p:11: [threadgroup1]: beyond num_threadgroups; skipped");
	ffsb_profile_free(&p);
	p = good(HEAD5 FS5 GROUP5 "and so on\n");
	one_warning(&p, "p:11: text after the last section is ignored");
	ffsb_profile_free(&p);
}

static void five_skips_unknown_lines_inside_sections_only(void **state)
{
	struct ffsb_profile p =
		good(HEAD5 "[filesystem0]\nlocation=/a\nnum_file=1\nnum_files=2\n[end0]\n" GROUP5);

	(void)state;
	assert_int_equal(p.filesystem->num_files, 2);
	one_warning(&p, "p:5: num_file: unknown here, did you mean num_files?; skipped");
	ffsb_profile_free(&p);
	refused(HEAD5 "tyme=3\n" FS5 GROUP5, "p:3: tyme: unknown here, did you mean time?");
}

static void five_counts_its_sections(void **state)
{
	(void)state;
	refused("num_filesystems=2\nnum_threadgroups=1\n" FS5 GROUP5,
		"p:10: num_filesystems: expected 2 [filesystem] sections, found 1");
	refused("num_filesystems=1\nnum_threadgroups=2\n" FS5 GROUP5,
		"p:10: num_threadgroups: expected 2 [threadgroup] sections, found 1");
	refused("num_filesystems=0\n", "p:1: num_filesystems: expected at least 1, found '0'");
	refused("num_filesystems=1\n" FS5 GROUP5,
		"p:9: num_threadgroups: missing, expected besides num_filesystems");
	refused(HEAD5 FS5 "[filesystem1]\nlocation=/b\n[end]\n" GROUP5,
		"p:13: num_filesystems, num_threadgroups: expected 1 and 1, found 2 and 1 "
		"sections");
	refused("num_threadgroups=1\n" FS6 GROUP6,
		"p:9: num_threadgroups: without num_filesystems; expected both (5.x) or none "
		"(6.0)");
}

static void five_ages_with_what_stands_inside(void **state)
{
	struct ffsb_profile p =
		good("num_filesystems=2\nnum_threadgroups=1\n[filesystem0]\nlocation=/a\nagefs=1\n"
		     "[threadgroup0]\nnum_threads=2\ncreate_weight=1\nwrite_size=1\n"
		     "write_blocksize=1\n[end0]\ndesired_util=0.75\n[end0]\n"
		     "[filesystem1]\nlocation=/b\n[end1]\n" GROUP5);

	(void)state;
	assert_int_equal(p.filesystem[0].desired_util_ppm, 750000);
	assert_int_equal(p.filesystem[1].aging->num_threads, 2); /* inherited like the rest */
	assert_ptr_not_equal(p.filesystem[0].aging, p.filesystem[1].aging);
	ffsb_profile_free(&p);
}

/* ---- 4.x ---- */

static void four_becomes_one_file_system_and_one_group(void **state)
{
	struct ffsb_profile p =
		good("numconfigs=1\nnumfiles=100\nmaxfilesize=65536\nminfilesize=4096\nnumdirs=9\n"
		     "utilization=0.5\ninitialcreateweight=10\ninitialdeleteweight=4\n"
		     "location=/a\ndirectio=1\nbufferedio=0\nverbose=0\nreage=0\n[config0]\n"
		     "threads=4\niterations=7\nreadsize=8192\nreadblocksize=4096\nreadseeksize=1\n"
		     "writesize=2048\nreadweight=4\nwriteweight=1\ncreateweight=2\n"
		     "deleteweight=3\nmetaweight=5\n");
	const struct ffsb_filesystem *f = p.filesystem;
	const struct ffsb_group *g = p.group;

	(void)state;
	assert_int_equal(p.dialect, FFSB_4);
	assert_false(p.has_time);
	assert_true(p.directio);
	assert_int_equal(f->num_files, 100);
	assert_int_equal(f->max_filesize, 65536);
	assert_true(f->agefs);
	assert_int_equal(f->desired_util_ppm, 500000);
	assert_int_equal(f->aging->weight[FFSB_CREATE], 10);
	assert_int_equal(f->aging->weight[FFSB_DELETE], 4);
	assert_int_equal(f->aging->num_threads, 1);
	assert_int_equal(g->num_threads, 4);
	assert_true(g->read_random);
	assert_int_equal(g->read_size, 8192);
	assert_int_equal(g->write_size, 2048);
	assert_int_equal(g->write_blocksize, 2048);
	assert_int_equal(g->weight[FFSB_APPEND], 1); /* 4.x called that write */
	assert_int_equal(g->weight[FFSB_WRITE], 0);
	assert_int_equal(g->weight[FFSB_METAOP], 5);
	ffsb_profile_free(&p);
	refused("numconfigs=2\nlocation=/a\n[config0]\nthreads=1\n",
		"p:4: numconfigs: expected 1, found 2");
	refused("numconfigs=1\nlocation=/a\nthreads=1\n",
		"p:3: threads: expected [config0] before it");
}

/* ---- files ---- */

static void a_file_is_read_and_named_in_messages(void **state)
{
	char path[] = "/tmp/ffsb-profile-XXXXXX", why[80];
	const int fd = mkstemp(path);
	struct err err = {.text = ""};
	struct ffsb_profile p;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, FS6 GROUP6, strlen(FS6 GROUP6)), strlen(FS6 GROUP6));
	assert_int_equal(ffsb_profile_read(&p, path, &err), 0);
	ffsb_profile_free(&p);
	assert_int_equal(write(fd, "oops\n", 5), 5);
	assert_int_equal(ffsb_profile_read(&p, path, &err), -EINVAL);
	snprintf(why, sizeof(why), "%s:9: oops: unknown here, expected key=value", path);
	assert_string_equal(err.text, why);
	close(fd);
	unlink(path);
	assert_int_equal(ffsb_profile_read(&p, path, &err), -ENOENT);
	assert_int_equal(ffsb_profile_read(&p, "/", &err), -EISDIR);
}

static void what_is_shipped_is_read_without_a_warning(void **state)
{
	static const char *const names[] = {"mixed", "random-direct", "sequential"};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct err err = {.text = ""};
		struct ffsb_profile p;
		char path[512];

		snprintf(path, sizeof(path), LOADS "/ffsb-%s.profile", names[i]);
		if (ffsb_profile_read(&p, path, &err))
			fail_msg("%s", err.text);
		assert_int_equal(p.warning_count, 0);
		assert_int_equal(p.time_s, 10);
		ffsb_profile_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(six_reads_every_key_in_any_order),
		cmocka_unit_test(six_has_defaults_for_all_but_place_and_threads),
		cmocka_unit_test(six_ages_by_the_first_group_inside_a_file_system),
		cmocka_unit_test(six_clones_all_but_the_place),
		cmocka_unit_test(six_takes_the_end_of_the_file_for_an_end),
		cmocka_unit_test(six_skips_statistics_that_have_no_group),
		cmocka_unit_test(six_remarks_on_a_call_it_does_not_know),
		cmocka_unit_test(five_inherits_as_the_original_does),
		cmocka_unit_test(five_skips_what_is_not_counted),
		cmocka_unit_test(five_skips_unknown_lines_inside_sections_only),
		cmocka_unit_test(five_counts_its_sections),
		cmocka_unit_test(five_ages_with_what_stands_inside),
		cmocka_unit_test(four_becomes_one_file_system_and_one_group),
		cmocka_unit_test(a_file_is_read_and_named_in_messages),
		cmocka_unit_test(what_is_shipped_is_read_without_a_warning),
	};

	return cmocka_run_group_tests_name("load/ffsb_profile", tests, NULL, NULL);
}
