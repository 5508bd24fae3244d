// SPDX-License-Identifier: MIT
/*
 * The store's database: opening, recognising and creating it, and what its errors mean to a
 * person. The file is known by SQLite's application_id and its schema by user_version (both in the
 * database header, see the SQLite file format, section 1.3).
 */
#include "study/store_db.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define APPLICATION_ID 0x696f746c /* "iotl" */
#define SCHEMA_VERSION 1

static const char schema[] =
	"CREATE TABLE run ("
	" seq INTEGER PRIMARY KEY AUTOINCREMENT," /* order of insertion, never reused */
	" study TEXT NOT NULL, id TEXT NOT NULL,"
	" key TEXT NOT NULL," /* 16 hexadecimal digits over the next four */
	" scenario TEXT NOT NULL, profiles TEXT NOT NULL, seed TEXT NOT NULL, version TEXT NOT "
	"NULL,"
	" result TEXT NOT NULL);"
	"CREATE INDEX run_by_key ON run (key);"
	"CREATE INDEX run_by_study ON run (study, seq);"
	"PRAGMA application_id = 1768911980;" /* APPLICATION_ID */
	"PRAGMA user_version = 1;";
_Static_assert(APPLICATION_ID == 1768911980 && SCHEMA_VERSION == 1, "the schema text agrees");

/* ---- errors ---- */

int store_db_code(int sqlite_code)
{
	switch (sqlite_code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		return -EINVAL;
	default:
		return -EIO;
	}
}

int store_db_failed(struct store *s, struct err *err)
{
	int code = store_db_code(sqlite3_extended_errcode(s->db));

	switch (code) {
	case -EBUSY:
		return err_set(err, code,
			       "%s: another iotoll is writing to this store; wait until it has "
			       "finished or choose another file",
			       s->path);
	case -EINVAL:
		return err_set(err, code,
			       "%s: not a result store, or damaged (%s); move it away and run "
			       "again",
			       s->path, sqlite3_errmsg(s->db));
	case -EROFS:
		return err_set(err, code, "%s: the store cannot be written to", s->path);
	default:
		return err_set(err, code, "%s: %s", s->path, sqlite3_errmsg(s->db));
	}
}

/* ---- statements ---- */

int store_db_prepare(struct store *s, const char *sql, sqlite3_stmt **stmt, struct err *err)
{
	if (sqlite3_prepare_v2(s->db, sql, -1, stmt, NULL) != SQLITE_OK)
		return store_db_failed(s, err);
	return 0;
}

int store_db_execute(struct store *s, const char *sql, struct err *err)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
								       : store_db_failed(s, err);
}

/* End a transaction that failed; the error that is reported is the one that made it fail. */
void store_db_rollback(struct store *s)
{
	sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

static int get_int(struct store *s, const char *sql, int64_t *value, struct err *err)
{
	sqlite3_stmt *stmt;
	int ret = store_db_prepare(s, sql, &stmt, err);

	if (ret)
		return ret;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		*value = sqlite3_column_int64(stmt, 0);
	else
		ret = store_db_failed(s, err);
	sqlite3_finalize(stmt);
	return ret;
}

/* ---- opening ---- */

static int check_ours(struct store *s, bool *fresh, struct err *err)
{
	int64_t application = 0, version = 0, objects = 0;
	int ret = get_int(s, "PRAGMA application_id", &application, err);

	if (!ret)
		ret = get_int(s, "PRAGMA user_version", &version, err);
	if (!ret)
		ret = get_int(s, "SELECT count(*) FROM sqlite_master", &objects, err);
	if (ret)
		return ret;
	*fresh = application == 0 && version == 0 && objects == 0;
	if (*fresh)
		return 0;
	if (application != APPLICATION_ID)
		return err_set(err, -EINVAL,
			       "%s: an SQLite database of another program, not a result store; it "
			       "was left as it is",
			       s->path);
	if (version != SCHEMA_VERSION)
		return err_set(err, -EINVAL,
			       "%s: a result store of version %lld, this iotoll reads version %d; "
			       "use the iotoll that made it or choose another file",
			       s->path, (long long)version, SCHEMA_VERSION);
	return 0;
}

static int check_sound(struct store *s, struct err *err)
{
	sqlite3_stmt *stmt;
	int ret = store_db_prepare(s, "PRAGMA quick_check(1)", &stmt, err);

	if (ret)
		return ret;
	if (sqlite3_step(stmt) != SQLITE_ROW)
		ret = store_db_failed(s, err);
	else if (strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0)
		ret = err_set(err, -EINVAL,
			      "%s: the result store is damaged (%s); move it away and run again",
			      s->path, (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return ret;
}

/* The check and the creation are one transaction, so of two processes only one creates. */
static int make_schema(struct store *s, struct err *err)
{
	bool fresh;
	int ret = store_db_execute(s, "BEGIN IMMEDIATE", err);

	if (ret)
		return ret;
	ret = check_ours(s, &fresh, err);
	if (!ret && fresh)
		ret = store_db_execute(s, schema, err);
	if (!ret)
		ret = store_db_execute(s, "COMMIT", err);
	if (ret)
		store_db_rollback(s);
	return ret;
}

static int look_at_file(const char *path, enum store_mode mode, struct err *err)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		if (mode == STORE_READ || errno != ENOENT)
			return err_set(err, -errno, "%s: %s", path, strerror(errno));
		return 0;
	}
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s: not a regular file, so not a result store", path);
	if (mode == STORE_READ && st.st_size == 0)
		return err_set(err, -EINVAL, "%s: an empty file, not a result store", path);
	return 0;
}

static int open_database(struct store *s, enum store_mode mode, struct err *err)
{
	/*
	 * A reader too opens for writing if it may, so that SQLite can roll back what a killed
	 * writer left in the journal; query_only keeps everything else from being changed.
	 */
	int flags = SQLITE_OPEN_READWRITE | (mode == STORE_WRITE ? SQLITE_OPEN_CREATE : 0);
	bool fresh = false;
	int ret;

	if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK) {
		if (!s->db)
			return err_set(err, -ENOMEM, "%s: out of memory", s->path);
		return err_set(err, store_db_code(sqlite3_errcode(s->db)),
			       "%s: cannot open the result store: %s", s->path,
			       sqlite3_errmsg(s->db));
	}
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, STORE_WAIT_MS);
	ret = mode == STORE_READ ? store_db_execute(s, "PRAGMA query_only = 1", err) : 0;
	if (!ret)
		ret = check_ours(s, &fresh, err);
	if (!ret && fresh && mode == STORE_READ)
		ret = err_set(err, -EINVAL, "%s: an empty database, not a result store", s->path);
	else if (!ret && fresh)
		ret = make_schema(s, err);
	return ret ? ret : check_sound(s, err);
}

int store_open(struct store **out, const char *path, enum store_mode mode, struct err *err)
{
	struct store *s;
	int ret;

	*out = NULL;
	ret = look_at_file(path, mode, err);
	if (ret)
		return ret;
	s = calloc(1, sizeof(*s));
	if (s)
		s->path = strdup(path);
	if (!s || !s->path) {
		free(s);
		return err_set(err, -ENOMEM, "%s: out of memory", path);
	}
	ret = open_database(s, mode, err);
	if (ret) {
		store_close(s);
		return ret;
	}
	*out = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	sqlite3_close(s->db);
	free(s->path);
	free(s);
}
