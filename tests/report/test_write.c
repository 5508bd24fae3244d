// SPDX-License-Identifier: MIT
/* Files: replaced as a whole or not at all, and the set a study writes. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture.h"
#include "report/study_write.h"
#include "report/write.h"
#include "sample.h"

static int make_place(void **state)
{
	char *place = strdup("/tmp/iotoll-report-XXXXXX");

	*state = place;
	return mkdtemp(place) ? 0 : -1;
}

static int remove_place(void **state)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%.200s'", (char *)*state);
	free(*state);
	return system(command);
}

static bool exists(const char *place, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", place, name);
	return access(path, F_OK) == 0;
}

static unsigned files_in(const char *place)
{
	DIR *d = opendir(place);
	unsigned n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n;
}

static void study_writes_its_files_and_nothing_else(void **state)
{
	static const char *const names[] = {
		"figure-2.svg",      "figure-2.csv",     "figure-cycles.svg",
		"figure-cycles.csv", "table-cycles.csv", "claims.csv",
		"claims.md",         "study.json",       "index.html"};
	json_t *study = json_of(SAMPLE_STUDY), *back;
	struct err err = {""};
	char path[256];

	snprintf(path, sizeof(path), "%s/a/b", (char *)*state);
	assert_int_equal(report_study_write(path, study, &err), 0);
	assert_int_equal(report_study_write(path, study, &err), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(exists(path, names[i]));
	assert_int_equal(files_in(path), sizeof(names) / sizeof(names[0]));
	strcat(path, "/study.json");
	back = json_load_file(path, 0, NULL);
	assert_true(json_equal(study, back));
	json_decref(back);
	json_decref(study);
}

static void figures_that_would_share_a_file_are_refused(void **state)
{
	json_t *study = json_of("{'figures': [{'id': 'a/b', 'kind': 'line'},"
				" {'id': 'a-b', 'kind': 'line'}]}");
	struct err err = {""};

	assert_int_equal(report_study_write(*state, study, &err), -EINVAL);
	assert_string_equal(err.text, "two of the study's figures are called figure-a-b");
	json_decref(study);
}

static void ids_cannot_leave_the_directory(void **state)
{
	char *name = study_file_name("figure", "../../etc/x y", ".svg");

	(void)state;
	assert_string_equal(name, "figure-..-..-etc-x-y.svg");
	free(name);
}

static int half_then_fail(FILE *out, const json_t *json, struct err *err)
{
	(void)json;
	fputs("half of the new", out);
	return err_set(err, -EINVAL, "no more");
}

static void failed_write_leaves_the_old_file(void **state)
{
	struct err err = {""};
	char path[256], wanted[300], text[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/file", (char *)*state);
	f = fopen(path, "w");
	fputs("old", f);
	fclose(f);
	assert_int_equal(report_write_file(path, half_then_fail, NULL, &err), -EINVAL);
	snprintf(wanted, sizeof(wanted), "%s: no more", path);
	assert_string_equal(err.text, wanted);
	f = fopen(path, "r");
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	assert_string_equal(text, "old");
	assert_int_equal(files_in(*state), 1);
}

static void refusals_of_the_system_name_the_file(void **state)
{
	json_t *json = json_object();
	struct err err = {""};
	char path[256], wanted[400];

	assert_int_equal(report_write_file(*state, report_json, json, &err), -EISDIR);
	snprintf(wanted, sizeof(wanted), "%s: cannot write: Is a directory", (char *)*state);
	assert_string_equal(err.text, wanted);
	snprintf(path, sizeof(path), "%s/none/file", (char *)*state);
	assert_int_equal(report_write_file(path, report_json, json, &err), -ENOENT);
	assert_int_equal(report_write_file("/dev/full", report_json, json, &err), -ENOSPC);
	assert_string_equal(err.text, "/dev/full: cannot write: No space left on device");
	snprintf(path, sizeof(path), "%s/file", (char *)*state);
	assert_int_equal(report_write_file(path, report_json, json, &err), 0);
	assert_int_equal(report_make_directory(path, &err), -ENOTDIR);
	strcat(path, "/below");
	assert_int_equal(report_make_directory(path, &err), -ENOTDIR);
	json_decref(json);
}

static void full_disks_name_the_file_however_much_is_written(void **state)
{
	json_t *json = json_object();
	struct err err = {""};
	char key[16];

	(void)state;
	/* Far more than a buffer: the writer itself meets the error, not the flush at the end. */
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "key%u", i);
		json_object_set_new(json, key, json_integer(i));
	}
	assert_int_equal(report_write_file("/dev/full", report_json, json, &err), -ENOSPC);
	assert_string_equal(err.text, "/dev/full: cannot write: No space left on device");
	json_decref(json);
}

static int short_of_memory(FILE *out, const json_t *json, struct err *err)
{
	(void)out;
	(void)json;
	return err_set(err, -ENOMEM, "short");
}

static void short_memory_stays_that(void **state)
{
	struct err err = {""};
	char path[256], wanted[300];

	snprintf(path, sizeof(path), "%s/file", (char *)*state);
	assert_int_equal(report_write_file(path, short_of_memory, NULL, &err), -ENOMEM);
	snprintf(wanted, sizeof(wanted), "%s: out of memory", path);
	assert_string_equal(err.text, wanted);
}

static void symbolic_link_stays_and_its_target_is_replaced(void **state)
{
	json_t *json = json_object();
	struct err err = {""};
	char target[256], path[256];
	struct stat st;

	snprintf(target, sizeof(target), "%s/target", (char *)*state);
	snprintf(path, sizeof(path), "%s/link", (char *)*state);
	assert_int_equal(report_write_file(target, report_json, json, &err), 0);
	assert_int_equal(symlink("target", path), 0);
	json_object_set_new(json, "a", json_integer(1));
	assert_int_equal(report_write_file(path, report_json, json, &err), 0);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, strlen("{\n \"a\": 1\n}\n"));
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(study_writes_its_files_and_nothing_else, make_place,
						remove_place),
		cmocka_unit_test_setup_teardown(figures_that_would_share_a_file_are_refused,
						make_place, remove_place),
		cmocka_unit_test_setup_teardown(ids_cannot_leave_the_directory, make_place,
						remove_place),
		cmocka_unit_test_setup_teardown(failed_write_leaves_the_old_file, make_place,
						remove_place),
		cmocka_unit_test_setup_teardown(refusals_of_the_system_name_the_file, make_place,
						remove_place),
		cmocka_unit_test(full_disks_name_the_file_however_much_is_written),
		cmocka_unit_test_setup_teardown(short_memory_stays_that, make_place, remove_place),
		cmocka_unit_test_setup_teardown(symbolic_link_stays_and_its_target_is_replaced,
						make_place, remove_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
