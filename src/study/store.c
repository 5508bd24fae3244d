// SPDX-License-Identifier: MIT
/*
 * The runs of the result store. A run is looked up by a 64-bit FNV-1a hash of its content, and
 * the content itself is compared, so two runs whose hashes collide are still two runs.
 */
#include "study/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/store_db.h"

struct key {
	char text[17], seed[21];
};

static uint64_t hash_text(uint64_t h, const char *text)
{
	/* FNV-1a (Fowler, Noll, Vo); the closing zero separates one text from the next. */
	do {
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	} while (*text++);
	return h;
}

static struct key key_of(const struct store_run *run)
{
	uint64_t h = 0xcbf29ce484222325u;
	struct key k;

	snprintf(k.seed, sizeof(k.seed), "%" PRIu64, run->seed);
	h = hash_text(h, run->scenario);
	h = hash_text(h, run->profiles);
	h = hash_text(h, k.seed);
	h = hash_text(h, run->version);
	snprintf(k.text, sizeof(k.text), "%016" PRIx64, h);
	return k;
}

#define BY_CONTENT \
	" WHERE key = ?1 AND scenario = ?2 AND profiles = ?3 AND seed = ?4 AND version = ?5"

/* @k must live until the statement is finalized. */
static int bind_content(struct store *s, sqlite3_stmt *stmt, const struct store_run *run,
			const struct key *k, struct err *err)
{
	const char *const texts[] = {k->text, run->scenario, run->profiles, k->seed, run->version};

	for (int i = 0; i < 5; i++)
		if (sqlite3_bind_text(stmt, i + 1, texts[i], -1, SQLITE_STATIC) != SQLITE_OK)
			return store_db_failed(s, err);
	return 0;
}

static int insert(struct store *s, const struct store_run *run, struct err *err)
{
	const struct key k = key_of(run);
	const char *const rest[] = {run->study, run->id, run->result};
	sqlite3_stmt *stmt;
	int ret = store_db_prepare(
		s,
		"INSERT INTO run (key, scenario, profiles, seed, version, study, id, "
		"result) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		&stmt, err);

	if (ret)
		return ret;
	ret = bind_content(s, stmt, run, &k, err);
	for (int i = 0; i < 3 && !ret; i++)
		if (sqlite3_bind_text(stmt, 6 + i, rest[i], -1, SQLITE_STATIC) != SQLITE_OK)
			ret = store_db_failed(s, err);
	if (!ret && sqlite3_step(stmt) != SQLITE_DONE)
		ret = store_db_failed(s, err);
	sqlite3_finalize(stmt);
	return ret;
}

/* 1 if @run is stored under its study and name; -EEXIST if its content has another result. */
static int find_same(struct store *s, const struct store_run *run, struct err *err)
{
	const struct key k = key_of(run);
	sqlite3_stmt *stmt;
	int ret = store_db_prepare(s, "SELECT result, study, id FROM run" BY_CONTENT, &stmt, err),
	    step;

	if (ret)
		return ret;
	ret = bind_content(s, stmt, run, &k, err);
	while (!ret && (step = sqlite3_step(stmt)) != SQLITE_DONE) {
		const char *result = (const char *)sqlite3_column_text(stmt, 0);
		const char *study = (const char *)sqlite3_column_text(stmt, 1);
		const char *id = (const char *)sqlite3_column_text(stmt, 2);

		if (step != SQLITE_ROW || !result || !study || !id)
			ret = store_db_failed(s, err);
		else if (strcmp(result, run->result) != 0)
			ret = err_set(
				err, -EEXIST,
				"%s: run %s of study %s is stored with another result for the "
				"same scenario, profiles, seed and version; a run must be "
				"deterministic",
				s->path, id, study);
		else if (!strcmp(study, run->study) && !strcmp(id, run->id))
			ret = 1;
	}
	sqlite3_finalize(stmt);
	return ret;
}

int store_put(struct store *s, const struct store_run *run, struct err *err)
{
	int ret = store_db_execute(s, "BEGIN IMMEDIATE", err), found;

	if (ret)
		return ret;
	found = find_same(s, run, err);
	ret = found == 0 ? insert(s, run, err) : found;
	if (ret >= 0 && store_db_execute(s, "COMMIT", err) == 0)
		return found;
	if (ret >= 0)
		ret = store_db_code(sqlite3_extended_errcode(s->db));
	store_db_rollback(s);
	return ret;
}

int store_get(struct store *s, const struct store_run *run, char **result, struct err *err)
{
	const struct key k = key_of(run);
	sqlite3_stmt *stmt;
	int ret, step;

	*result = NULL;
	ret = store_db_prepare(s, "SELECT result FROM run" BY_CONTENT " ORDER BY seq LIMIT 1",
			       &stmt, err);
	if (ret)
		return ret;
	ret = bind_content(s, stmt, run, &k, err);
	step = ret ? SQLITE_ERROR : sqlite3_step(stmt);
	if (!ret && step == SQLITE_DONE) {
		ret = -ENOENT;
	} else if (!ret && step != SQLITE_ROW) {
		ret = store_db_failed(s, err);
	} else if (!ret) {
		const char *text = (const char *)sqlite3_column_text(stmt, 0);

		*result = text ? strdup(text) : NULL;
		if (!*result)
			ret = err_set(err, -ENOMEM, "%s: out of memory", s->path);
	}
	sqlite3_finalize(stmt);
	return ret;
}

int store_forget(struct store *s, const struct store_run *run, struct err *err)
{
	const struct key k = key_of(run);
	sqlite3_stmt *stmt;
	int ret = store_db_prepare(s, "DELETE FROM run" BY_CONTENT, &stmt, err);

	if (ret)
		return ret;
	ret = bind_content(s, stmt, run, &k, err);
	if (!ret && sqlite3_step(stmt) != SQLITE_DONE)
		ret = store_db_failed(s, err);
	sqlite3_finalize(stmt);
	return ret ? ret : sqlite3_changes(s->db);
}

/* False if a column is not there (memory was short). */
static bool read_row(sqlite3_stmt *stmt, struct store_run *run)
{
	const char *texts[7];

	for (int i = 0; i < 7; i++) {
		texts[i] = (const char *)sqlite3_column_text(stmt, i);
		if (!texts[i])
			return false;
	}
	*run = (struct store_run){.study = texts[0],
				  .id = texts[1],
				  .scenario = texts[2],
				  .profiles = texts[3],
				  .seed = strtoull(texts[4], NULL, 10),
				  .version = texts[5],
				  .result = texts[6]};
	return true;
}

int store_each(struct store *s, const char *study,
	       int (*fn)(void *ctx, const struct store_run *run), void *ctx, struct err *err)
{
	struct store_run run;
	sqlite3_stmt *stmt;
	int step, ret = store_db_prepare(
			  s,
			  "SELECT study, id, scenario, profiles, seed, version, result FROM run "
			  "WHERE ?1 IS NULL OR study = ?1 ORDER BY seq",
			  &stmt, err);

	if (ret)
		return ret;
	if (study && sqlite3_bind_text(stmt, 1, study, -1, SQLITE_STATIC) != SQLITE_OK)
		ret = store_db_failed(s, err);
	while (!ret && (step = sqlite3_step(stmt)) != SQLITE_DONE) {
		if (step == SQLITE_ROW && read_row(stmt, &run))
			ret = fn(ctx, &run);
		else
			ret = store_db_failed(s, err);
	}
	sqlite3_finalize(stmt);
	return ret;
}
