// SPDX-License-Identifier: MIT
/* The result store: what it keeps, what it refuses, and what an interruption leaves. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "study/store.h"

struct place {
	char directory[64], path[96];
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->directory, "/tmp/iotoll-store-XXXXXX");
	*state = p;
	if (!mkdtemp(p->directory))
		return -1;
	snprintf(p->path, sizeof(p->path), "%s/results.db", p->directory);
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;
	char command[128];
	int ret;

	snprintf(command, sizeof(command), "rm -rf '%s'", p->directory);
	ret = system(command);
	free(p);
	return ret;
}

static struct store *opened(const struct place *p, enum store_mode mode)
{
	struct err err = {""};
	struct store *s;
	int ret = store_open(&s, p->path, mode, &err);

	if (ret)
		fail_msg("%d %s", ret, err.text);
	return s;
}

static const struct store_run sample = {.study = "paper",
					.id = "bare-metal/on/16",
					.scenario = "[load]\nmessage_bytes = 16\n",
					.profiles = "clock = 3 GHz\n",
					.seed = 1,
					.version = "0.1.0",
					.result = "{\"throughput_mbps\":57.1}"};

static int count(void *ctx, const struct store_run *run)
{
	(void)run;
	++*(int *)ctx;
	return 0;
}

static int runs_in(struct store *s)
{
	int n = 0;

	assert_int_equal(store_each(s, NULL, count, &n, NULL), 0);
	return n;
}

static void expect_refused(const struct place *p, enum store_mode mode, int code, const char *part)
{
	struct err err = {""};
	struct store *s;

	assert_int_equal(store_open(&s, p->path, mode, &err), code);
	assert_null(s);
	if (strncmp(err.text, p->path, strlen(p->path)) != 0 || !strstr(err.text, part))
		fail_msg("'%s' does not name the file and '%s'", err.text, part);
}

static void sql(const struct place *p, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void finished_run_is_found_again_by_its_content(void **state)
{
	struct store *s = opened(*state, STORE_WRITE);
	struct store_run other = sample;
	struct err err = {""};
	char *result;

	assert_int_equal(store_get(s, &sample, &result, &err), -ENOENT);
	assert_null(result);
	assert_int_equal(store_put(s, &sample, &err), 0);
	store_close(s);
	s = opened(*state, STORE_READ);
	other.study = "another";
	other.id = "other";
	assert_int_equal(store_get(s, &other, &result, &err), 0);
	assert_string_equal(result, sample.result);
	free(result);
	store_close(s);
}

static void every_part_of_the_content_tells_runs_apart(void **state)
{
	struct store *s = opened(*state, STORE_WRITE);
	struct store_run runs[5] = {sample, sample, sample, sample, sample};
	struct err err = {""};
	char *result;

	runs[0].scenario = "[load]\nmessage_bytes = 32\n";
	runs[1].profiles = "clock = 2 GHz\n";
	runs[2].seed = UINT64_MAX;
	runs[3].version = "0.1.1";
	/* The same bytes, divided differently between two texts. */
	runs[4].scenario = "[load]\nmessage_bytes = 16\nclock = 3 GHz\n";
	runs[4].profiles = "";
	assert_int_equal(store_put(s, &sample, &err), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(store_get(s, &runs[i], &result, &err), -ENOENT);
	for (int i = 0; i < 5; i++)
		assert_int_equal(store_put(s, &runs[i], &err), 0);
	assert_int_equal(runs_in(s), 6);
	store_close(s);
}

static void same_result_twice_is_stored_once(void **state)
{
	struct store *s = opened(*state, STORE_WRITE);
	struct err err = {""};

	assert_int_equal(store_put(s, &sample, &err), 0);
	assert_int_equal(store_put(s, &sample, &err), 1);
	assert_int_equal(runs_in(s), 1);
	store_close(s);
}

static void other_result_for_the_same_content_is_refused(void **state)
{
	struct store *s = opened(*state, STORE_WRITE);
	struct store_run other = sample;
	struct err err = {""};

	other.id = "again";
	other.result = "{\"throughput_mbps\":57.2}";
	assert_int_equal(store_put(s, &sample, &err), 0);
	assert_int_equal(store_put(s, &other, &err), -EEXIST);
	assert_non_null(strstr(err.text, "run bare-metal/on/16 of study paper is stored with "
					 "another result"));
	assert_int_equal(runs_in(s), 1);
	assert_int_equal(store_forget(s, &sample, &err), 1);
	assert_int_equal(store_forget(s, &sample, &err), 0);
	assert_int_equal(store_put(s, &other, &err), 0);
	store_close(s);
}

struct order {
	char ids[64];
	int stop_after;
};

static int note_id(void *ctx, const struct store_run *run)
{
	struct order *o = ctx;

	strcat(o->ids, run->id);
	assert_string_equal(run->scenario, sample.scenario);
	return --o->stop_after == 0 ? 42 : 0;
}

static void runs_are_walked_in_the_order_they_were_added(void **state)
{
	struct store *s = opened(*state, STORE_WRITE);
	static const char *const ids[] = {"c", "a", "d", "b"};
	struct order all = {"", 0}, mine = {"", 0}, two = {"", 2};
	struct err err = {""};

	for (int i = 0; i < 4; i++) {
		struct store_run run = sample;

		run.id = ids[i];
		run.study = i == 2 ? "other" : "paper";
		run.seed = (uint64_t)i;
		assert_int_equal(store_put(s, &run, &err), 0);
	}
	assert_int_equal(store_each(s, NULL, note_id, &all, &err), 0);
	assert_string_equal(all.ids, "cadb");
	assert_int_equal(store_each(s, "paper", note_id, &mine, &err), 0);
	assert_string_equal(mine.ids, "cab");
	assert_int_equal(store_each(s, NULL, note_id, &two, &err), 42);
	assert_string_equal(two.ids, "ca");
	store_close(s);
}

static int note_seed(void *ctx, const struct store_run *run)
{
	*(uint64_t *)ctx = run->seed;
	return 0;
}

static void texts_and_seeds_come_back_as_they_went_in(void **state)
{
	struct store *s = opened(*state, STORE_WRITE);
	struct store_run run = sample;
	struct err err = {""};
	uint64_t seed = 0;
	char *result;

	run.result = "it's \"quoted\"; DROP TABLE run; -- \xc2\xb5\n";
	run.scenario = "'); DELETE FROM run; --";
	run.seed = UINT64_MAX;
	assert_int_equal(store_put(s, &run, &err), 0);
	assert_int_equal(store_get(s, &run, &result, &err), 0);
	assert_string_equal(result, run.result);
	free(result);
	assert_int_equal(store_each(s, NULL, note_seed, &seed, &err), 0);
	assert_true(seed == UINT64_MAX);
	store_close(s);
}

static void file_that_is_not_there_is_made_for_writing_only(void **state)
{
	const struct place *p = *state;

	expect_refused(p, STORE_READ, -ENOENT, "No such file");
	assert_int_not_equal(access(p->path, F_OK), 0);
	store_close(opened(p, STORE_WRITE));
	store_close(opened(p, STORE_READ));
}

static void database_of_another_program_is_left_alone(void **state)
{
	const struct place *p = *state;

	sql(p, "CREATE TABLE bookmarks (url TEXT)");
	expect_refused(p, STORE_WRITE, -EINVAL, "another program");
	expect_refused(p, STORE_READ, -EINVAL, "another program");
	sql(p, "INSERT INTO bookmarks VALUES ('x')");
}

static void store_of_a_newer_iotoll_is_refused(void **state)
{
	const struct place *p = *state;

	store_close(opened(p, STORE_WRITE));
	sql(p, "PRAGMA user_version = 2");
	expect_refused(p, STORE_WRITE, -EINVAL, "a result store of version 2");
}

static void write_bytes(const struct place *p, const char *text, size_t bytes, long at)
{
	FILE *f = fopen(p->path, at ? "r+" : "w");

	assert_non_null(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	assert_int_equal(fwrite(text, 1, bytes, f), bytes);
	fclose(f);
}

static void file_that_is_no_database_is_refused(void **state)
{
	static const char text[] =
		"[machine]\nclock = 3 GHz | published | somewhere, long enough "
		"to be taken for a database header by its length alone .......\n";
	const struct place *p = *state;

	write_bytes(p, text, sizeof(text) - 1, 0);
	expect_refused(p, STORE_WRITE, -EINVAL, "not a result store");
	expect_refused(p, STORE_READ, -EINVAL, "not a result store");
}

static void directory_is_refused(void **state)
{
	const struct place *p = *state;

	assert_int_equal(mkdir(p->path, 0777), 0);
	expect_refused(p, STORE_WRITE, -EINVAL, "not a regular file");
}

static void damaged_store_is_refused(void **state)
{
	const struct place *p = *state;
	struct store *s = opened(p, STORE_WRITE);
	struct store_run run = sample;
	char junk[4096];

	for (uint64_t i = 0; i < 50; i++) {
		run.seed = i;
		assert_int_equal(store_put(s, &run, NULL), 0);
	}
	store_close(s);
	memset(junk, 0xa5, sizeof(junk));
	write_bytes(p, junk, sizeof(junk), 4096);
	expect_refused(p, STORE_READ, -EINVAL, "damaged");
}

static void writer_killed_inside_an_insert_leaves_the_earlier_runs(void **state)
{
	const struct place *p = *state;
	struct store *s = opened(p, STORE_WRITE);
	pid_t child;
	int status;

	assert_int_equal(store_put(s, &sample, NULL), 0);
	store_close(s);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		/* An insert larger than SQLite's cache reaches the file before its commit. */
		sqlite3 *db;

		if (sqlite3_open(p->path, &db) != SQLITE_OK ||
		    sqlite3_exec(
			    db,
			    "PRAGMA cache_size = 1; BEGIN IMMEDIATE;"
			    "UPDATE run SET id = 'half written';"
			    "INSERT INTO run (study, id, key, scenario, profiles, seed, version,"
			    " result) VALUES ('x', 'y', 'k', hex(zeroblob(200000)), 'p', '1',"
			    " 'v', hex(zeroblob(200000)));",
			    NULL, NULL, NULL) != SQLITE_OK)
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	s = opened(p, STORE_READ);
	assert_int_equal(runs_in(s), 1);
	store_close(s);
	s = opened(p, STORE_WRITE);
	assert_int_equal(store_put(s, &sample, NULL), 1);
	store_close(s);
}

static void second_writer_is_told_to_wait(void **state)
{
	const struct place *p = *state;
	struct store *s = opened(p, STORE_WRITE);
	struct err err = {""};
	sqlite3 *other;

	assert_int_equal(sqlite3_open(p->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(store_put(s, &sample, &err), -EBUSY);
	assert_non_null(strstr(err.text, "another iotoll is writing"));
	assert_int_equal(runs_in(s), 0);
	assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(store_put(s, &sample, &err), 0);
	sqlite3_close(other);
	store_close(s);
}

static void store_opened_for_reading_is_never_changed(void **state)
{
	struct store *s = opened(*state, STORE_WRITE);
	struct err err = {""};

	store_close(s);
	s = opened(*state, STORE_READ);
	assert_int_equal(store_put(s, &sample, &err), -EROFS);
	assert_int_equal(runs_in(s), 0);
	store_close(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finished_run_is_found_again_by_its_content),
		TEST(every_part_of_the_content_tells_runs_apart),
		TEST(same_result_twice_is_stored_once),
		TEST(other_result_for_the_same_content_is_refused),
		TEST(runs_are_walked_in_the_order_they_were_added),
		TEST(texts_and_seeds_come_back_as_they_went_in),
		TEST(file_that_is_not_there_is_made_for_writing_only),
		TEST(database_of_another_program_is_left_alone),
		TEST(store_of_a_newer_iotoll_is_refused),
		TEST(file_that_is_no_database_is_refused),
		TEST(directory_is_refused),
		TEST(damaged_store_is_refused),
		TEST(writer_killed_inside_an_insert_leaves_the_earlier_runs),
		TEST(second_writer_is_told_to_wait),
		TEST(store_opened_for_reading_is_never_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
