/* SPDX-License-Identifier: MIT */
/*
 * Subcommands: one file each, one row in main.c. Data goes to standard output, everything else
 * to standard error; exit status 0 success, 1 the run failed, 2 bad input, 130 interrupted.
 */
#ifndef IOTOLL_CLI_CLI_H
#define IOTOLL_CLI_CLI_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/write.h"
#include "study/scenario.h"

struct study;

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_BAD_INPUT = 2, CLI_INTERRUPTED = 130 };

struct command {
	const char *name, *summary;
	/* @argv[0] is "iotoll NAME". Returns the exit status. */
	int (*run)(int argc, char **argv);
};

int cli_run(int argc, char **argv);
int cli_study(int argc, char **argv);
int cli_compare(int argc, char **argv);
int cli_list(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_replay(int argc, char **argv);
int cli_predict(int argc, char **argv);
int cli_iotlb(int argc, char **argv);
int cli_trace(int argc, char **argv);
int cli_what_if(int argc, char **argv);
int cli_record(int argc, char **argv);
int cli_bench(int argc, char **argv);
int cli_calibrate(int argc, char **argv);

/* Print "iotoll: WORDS" on standard error and turn the negative errno @code into a status. */
int cli_fail(int code, const struct err *err);
/* From here on SIGINT, SIGTERM and SIGHUP only set what cli_stopped() asks. */
void cli_catch_signals(void);
bool cli_stopped(void *unused);
/* A line on standard error that replaces itself; only on a terminal. NULL ends and clears it. */
void cli_progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* --format text|json|csv[:FILE] */
enum cli_format_kind { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV };

struct cli_format {
	enum cli_format_kind kind;
	const char *file; /* NULL: standard output */
};

/* Refuse at once what cli_output() could not write after the work. 0 or -errno with @err. */
int cli_output_possible(const struct cli_format *format, struct err *err) MUST_CHECK;
/*
 * Write @json where @format says, as @text for people, @csv for spreadsheets, or as it is. A file
 * appears whole or not at all.
 */
int cli_output(const struct cli_format *format, const json_t *json, report_writer text,
	       report_writer csv, struct err *err) MUST_CHECK;

/*
 * Writers for an array of objects with the same string fields: the first one's keys are the
 * headings.
 */
int cli_rows_text(FILE *out, const json_t *rows, struct err *err);
int cli_rows_csv(FILE *out, const json_t *rows, struct err *err);
/* A run's result for people: a report_writer. */
int cli_run_text(FILE *out, const json_t *result, struct err *err);
/*
 * For argp parsers. Each fills @err and returns EINVAL if @text will not do, which ends
 * argp_parse() without a word of its own: the command then prints the one line there is to say.
 */
int cli_take_format(struct cli_format *out, const char *text, struct err *err);
int cli_take_number(uint64_t *out, const char *option, const char *text, uint64_t least,
		    uint64_t most, struct err *err);
/* The command's one argument, a @what ("scenario"); @text NULL: there was none. */
int cli_take_argument(const char **out, const char *what, const char *text, struct err *err);
/* --set SECTION.KEY=VALUE, as often as it was given. */
struct cli_sets {
	const char *set[128];
	size_t count;
};

int cli_take_set(struct cli_sets *sets, const char *text, struct err *err);
/*
 * Begin @scenario, read the one named @name and change what @sets say, without finishing it. 0 or
 * -errno with @err; scenario_fini() in any case.
 */
int cli_read_scenario(struct scenario *scenario, const char *name, const struct cli_sets *sets,
		      struct err *err) MUST_CHECK;
/* Begin @scenario, read the one named @name and change what @sets say. 0 or -errno with @err. */
int cli_load_scenario(struct scenario *scenario, const char *name, const struct cli_sets *sets,
		      struct err *err) MUST_CHECK;
/* argp_parse() with our conventions. 0; else the exit status, with everything said. */
int cli_parse(const struct argp *argp, int argc, char **argv, void *args, const struct err *err);

/*
 * Run @study, its results kept in DIRECTORY/results.db (@out, made if it is not there), with
 * progress on a terminal; @fresh: run again what is there. As study_execute().
 */
int cli_execute(struct study *study, const char *out, bool fresh, unsigned workers,
		struct err *err) MUST_CHECK;

/* Columns of the terminal on standard output; 0 if it is none. */
unsigned cli_width(void);

#endif
