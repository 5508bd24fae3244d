/* SPDX-License-Identifier: MIT */
/*
 * Private to the store: its database handle and the few SQLite calls both of its files make.
 */
#ifndef IOTOLL_STUDY_STORE_DB_H
#define IOTOLL_STUDY_STORE_DB_H

#include <sqlite3.h>

#include "study/store.h"

struct store {
	sqlite3 *db;
	char *path;
};

/* The errno value, negative, for an SQLite result code. */
int store_db_code(int sqlite_code);
/* Put the database's last error into words; returns its store_db_code(). */
int store_db_failed(struct store *s, struct err *err);
/* Compile @sql into *@stmt, to be finalized. */
int store_db_prepare(struct store *s, const char *sql, sqlite3_stmt **stmt, struct err *err);
/* Run statements that return nothing. */
int store_db_execute(struct store *s, const char *sql, struct err *err);
/* End a failed transaction; the error to report is the one that made it fail. */
void store_db_rollback(struct store *s);

#endif
