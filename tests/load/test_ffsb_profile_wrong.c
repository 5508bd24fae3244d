/* SPDX-License-Identifier: MIT */
/* FFSB profiles: what is refused or remarked on, and with which words. */
#include "ffsb_texts.h"

static void groups_that_cannot_run_are_refused(void **state)
{
	(void)state;
	refused(FS6 "[threadgroup]\nstat_weight=1\n[end]\n",
		"p:5: num_threads: expected at least 1");
	refused(FS6 "[threadgroup]\nnum_threads=1\n[end]\n",
		"p:5: expected at least one operation with a weight that is not 0");
	refused(FS6 "[threadgroup]\nnum_threads=1\nreadall_weight=1\n[end]\n",
		"p:5: read_blocksize: expected at least 1 where read or readall has a weight");
	refused(FS6 "[threadgroup]\nnum_threads=1\ncreate_fsync_weight=1\n[end]\n",
		"p:5: write_blocksize: expected at least 1 where an operation that writes has a "
		"weight");
	refused(FS6 "[threadgroup]\nnum_threads=1\nread_weight=1\nread_blocksize=1\nread_random=1\n"
		    "read_skip=1\nread_skipsize=1\n[end]\n",
		"p:5: read_random and read_skip: expected one of them");
	refused(FS6 "[threadgroup]\nnum_threads=1\nread_weight=1\nread_blocksize=1\nread_skip=1\n"
		    "[end]\n",
		"p:5: read_skipsize: expected at least 1 with read_skip");
	refused(FS6 "[threadgroup]\nnum_threads=4097\nstat_weight=1\n[end]\n",
		"p:5: num_threads: expected at most 4096");
	refused(FS6 "[threadgroup]\nnum_threads=1\nstat_weight=1\nbindfs=/b\n[end]\n",
		"p:5: bindfs: no [filesystem] has the location '/b'");
	refused(HEAD5 FS5 "[threadgroup0]\nnum_threads=1\nbindfs=1\ndelete_weight=1\n[end0]\n",
		"p:7: bindfs: expected a number from 0 to 0, found '1'");
}

static void file_systems_that_cannot_be_are_refused(void **state)
{
	(void)state;
	refused("[filesystem]\nnum_files=1\n[end]\n" GROUP6,
		"p:1: location: missing in this [filesystem]");
	refused("[filesystem]\nlocation=/a\nmin_filesize=5\nmax_filesize=4\n[end]\n" GROUP6,
		"p:1: min_filesize: expected at most max_filesize, found 5 and 4");
	refused("[filesystem]\nlocation=/a\nsize_weight 4k 0\n[end]\n" GROUP6,
		"p:1: size_weight: expected a weight that is not 0");
	refused("[filesystem]\nlocation=/a\ncreate_blocksize=0\n[end]\n" GROUP6,
		"p:1: create_blocksize: expected at least 1");
	refused("[filesystem]\nlocation=/a\nagefs=1\n[threadgroup]\nnum_threads=1\nread_weight=1\n"
		"read_blocksize=1\n[end]\n[end]\n" GROUP6,
		"p:4: read_weight: ageing knows create, append, delete, create_fsync and "
		"append_fsync only");
	refused(FS6 FS6 GROUP6, "p:5: location: /a is used in line 1 already");
	refused(GROUP6, "p:4: expected a [filesystem] section at least");
	refused(FS6, "p:4: expected a [threadgroup] section at least");
	refused("", "p:0: expected a [filesystem] section at least");
}

static void a_file_system_without_files_is_remarked_on(void **state)
{
	struct ffsb_profile p = good("[filesystem]\nlocation=/a\n[end]\n" GROUP6);

	(void)state;
	one_warning(&p, "p:1: /a: there will be no files at the start (num_files, init_size and "
			"init_util are 0)");
	ffsb_profile_free(&p);
}

static void ill_formed_lines_are_refused_in_place(void **state)
{
	char line[1100];

	(void)state;
	refused("time\n", "p:1: time: unknown here, did you mean time?");
	refused("x y z\n", "p:1: xyz: unknown here, expected key=value");
	refused("time=\n", "p:1: time: expected a whole number from 0 to 4294967295, found ''");
	refused("time=-1\n", "p:1: time: expected a whole number from 0 to 4294967295, found '-1'");
	refused("time=4294967296\n",
		"p:1: time: expected a whole number from 0 to 4294967295, found '4294967296'");
	refused("directio=2\n", "p:1: directio: expected 0 or 1, found '2'");
	refused("fsync_file=1\n", "p:1: fsync_file: unknown here, expected key=value");
	refused("[threadgroup]\nfsync_file=1\n",
		"p:2: fsync_file: 6.0 does not have it, expected write_fsync_weight in place of "
		"write_weight");
	refused("[filesystem]\nmax_filesize=64q\n",
		"p:2: max_filesize: expected one of the suffixes k, kb, m, mb, g, gb, found '64q'");
	refused("[filesystem]\nmax_filesize=512b\n",
		"p:2: max_filesize: expected one of the suffixes k, kb, m, mb, g, gb, found "
		"'512b'");
	refused("[filesystem]\ncreate_blocksize=4g\n",
		"p:2: create_blocksize: expected less than 4 GiB, found '4g'");
	refused("[filesystem]\ninit_size=8589934592g\n",
		"p:2: init_size: expected less than 2^63 bytes, found '8589934592g'");
	refused("[filesystem]\ninit_util=75\n",
		"p:2: init_util: expected a fraction from 0 to 1, such as 0.75, found '75'");
	refused("[filesystem]\nsize_weight 4k\n",
		"p:2: size_weight: expected a size and a weight, such as 4k 33, found '4k'");
	refused("[filesystem]\nlocation=\n", "p:2: location: expected a value after the =");
	refused("[threadgroup]\n[stats]\nmsec_range 2 1\n",
		"p:3: msec_range: expected two numbers of milliseconds, the higher one last, found "
		"'2 1'");
	refused("[end]\n", "p:1: [end]: there is nothing to end, expected [filesystem] or "
			   "[threadgroup]");
	refused("[bogus]\n", "p:1: [bogus]: unknown section, expected filesystem, threadgroup, "
			     "stats or end in the brackets");
	refused("[filesystem]\n[filesystem]\n",
		"p:2: [filesystem] inside [filesystem] of line 1: expected [end] before it");
	refused("time=1\001\n", "p:1: a control character (0x01), expected text");
	refused("time=\xff\n", "p:1: byte 6: expected text in UTF-8");
	memset(line, 'a', sizeof(line));
	line[1024] = '\0';
	refused(line, "p:1: the line has 1024 bytes, expected at most 1023");
}

static void a_key_given_twice_is_remarked_on_and_the_last_counts(void **state)
{
	struct ffsb_profile p = good("time=1\ntime=2\n" FS6 GROUP6);

	(void)state;
	assert_int_equal(p.time_s, 2);
	one_warning(&p, "p:2: time: given twice, the last one counts");
	ffsb_profile_free(&p);
}

static void only_some_warnings_are_kept_but_all_are_counted(void **state)
{
	char text[4096] = "";
	struct ffsb_profile p;

	(void)state;
	for (int i = 0; i < 40; i++)
		strcat(text, "time=1\n");
	strcat(text, FS6 GROUP6);
	p = good(text);
	assert_int_equal(p.warning_count, 39);
	ffsb_profile_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_that_cannot_run_are_refused),
		cmocka_unit_test(file_systems_that_cannot_be_are_refused),
		cmocka_unit_test(a_file_system_without_files_is_remarked_on),
		cmocka_unit_test(ill_formed_lines_are_refused_in_place),
		cmocka_unit_test(a_key_given_twice_is_remarked_on_and_the_last_counts),
		cmocka_unit_test(only_some_warnings_are_kept_but_all_are_counted),
	};

	return cmocka_run_group_tests_name("load/ffsb_profile_wrong", tests, NULL, NULL);
}
