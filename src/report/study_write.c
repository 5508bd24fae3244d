// SPDX-License-Identifier: MIT
/*
 * The files of a study.
 */
#include "report/study_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/claims.h"
#include "report/csv.h"
#include "report/number.h"
#include "report/page.h"
#include "report/sections.h"
#include "report/svg.h"
#include "report/write.h"

char *study_file_name(const char *kind, const char *id, const char *suffix)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789._-";
	char *name = NULL;

	if (asprintf(&name, "%s-%s%s", kind, *id ? id : "unnamed", suffix) < 0)
		return NULL;
	for (char *s = name; *s; s++)
		if (!strchr(plain, *s))
			*s = '-';
	return name;
}

static int write_one(const char *directory, const char *name, report_writer writer,
		     const json_t *json, struct err *err)
{
	char *path = NULL;
	int ret;

	if (!name || asprintf(&path, "%s/%s", directory, name) < 0)
		return err_set(err, -ENOMEM, "%s: out of memory", directory);
	ret = report_write_file(path, writer, json, err);
	free(path);
	return ret;
}

static int write_named(const char *directory, const char *kind, const char *suffix,
		       report_writer writer, const json_t *json, struct err *err)
{
	char *name = study_file_name(kind, text_member(json, "id"), suffix);
	int ret = write_one(directory, name, writer, json, err);

	free(name);
	return ret;
}

/* Two members of @list whose files would be one. */
static int check_names(const json_t *list, const char *kind, struct err *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		char *a = study_file_name(kind, text_member(json_array_get(list, i), "id"), "");
		bool same = false;

		if (!a)
			return -ENOMEM;
		for (size_t k = 0; k < i && !same; k++) {
			char *b = study_file_name(kind, text_member(json_array_get(list, k), "id"),
						  "");

			same = b && strcmp(a, b) == 0;
			free(b);
		}
		if (same)
			err_set(err, -EINVAL, "two of the study's %ss are called %s", kind, a);
		free(a);
		if (same)
			return -EINVAL;
	}
	return 0;
}

static int write_figures(const char *directory, const json_t *figures, struct err *err)
{
	int ret = check_names(figures, "figure", err);

	for (size_t i = 0; i < json_array_size(figures) && !ret; i++) {
		const json_t *figure = json_array_get(figures, i);

		ret = write_named(directory, "figure", ".svg", report_figure_svg, figure, err);
		if (!ret)
			ret = write_named(directory, "figure", ".csv", report_figure_csv, figure,
					  err);
	}
	return ret;
}

static int write_tables(const char *directory, const json_t *tables, struct err *err)
{
	int ret = check_names(tables, "table", err);

	for (size_t i = 0; i < json_array_size(tables) && !ret; i++)
		ret = write_named(directory, "table", ".csv", report_table_csv,
				  json_array_get(tables, i), err);
	return ret;
}

/* Figures and tables, wherever they stand in the document. */
static int write_parts(const char *directory, const json_t *study, struct err *err)
{
	json_t *figures = sections_all(study, "figures"), *tables = sections_all(study, "tables");
	int ret = figures && tables ? 0 : -ENOMEM;

	if (!ret)
		ret = write_figures(directory, figures, err);
	if (!ret)
		ret = write_tables(directory, tables, err);
	json_decref(figures);
	json_decref(tables);
	return ret;
}

int report_study_write(const char *directory, const json_t *study, struct err *err)
{
	int ret;

	if (!json_is_object(study))
		return err_set(err, -EINVAL, "a study is not a JSON object");
	ret = report_make_directory(directory, err);
	if (!ret)
		ret = write_parts(directory, study, err);
	if (!ret && json_array_size(json_object_get(study, "claims")))
		ret = write_one(directory, "claims.csv", report_claims_csv, study, err);
	if (!ret && json_array_size(json_object_get(study, "claims")))
		ret = write_one(directory, "claims.md", report_claims_markdown, study, err);
	if (!ret)
		ret = write_one(directory, "study.json", report_json, study, err);
	return ret ? ret : write_one(directory, "index.html", report_page, study, err);
}
