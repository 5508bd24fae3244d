/* SPDX-License-Identifier: MIT */
/* iotoll record: a DMA trace of the kernel that runs here. */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "trace/record.h"

enum { OPT_SECONDS = 256, OPT_PRINT, OPT_TRACEFS, OPT_BUFFER, OPT_NO_PROBES };

#define BUFFER_KIB 16384 /* of each CPU: what the recordings in traces/ were made with */
#define GRACE_MS   2000  /* for a command that is told to end */

extern char **environ;

struct args {
	uint64_t seconds, buffer_kib;
	const char *out, *tracefs;
	bool print, no_probes;
	char **command; /* NULL: none */
	struct points points;
	struct record *record;
	struct record_result result;
	pid_t child; /* 0: none that runs */
	int child_status;
	struct timespec begun;
	struct err err;
};

static const struct argp_option options[] = {
	{"seconds", OPT_SECONDS, "N", 0, "so long (default: until the command ends, or Ctrl-C)", 0},
	{"output", 'o', "FILE", 0, "where to write (record.iot)", 0},
	{"print-command", OPT_PRINT, NULL, 0,
	 "print how trace-cmd, perf and bpftrace record the same, and stop", 0},
	{"buffer", OPT_BUFFER, "KIB", 0, "of the kernel, for each CPU (16384)", 0},
	{"no-probes", OPT_NO_PROBES, NULL, 0, "tracepoints alone", 0},
	{"tracefs", OPT_TRACEFS, "DIR", 0, "where it is mounted (/sys/kernel/tracing)", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case OPT_SECONDS:
		return cli_take_number(&a->seconds, "seconds", arg, 1, 1000000, &a->err);
	case 'o':
		a->out = arg;
		return 0;
	case OPT_PRINT:
		a->print = true;
		return 0;
	case OPT_BUFFER:
		return cli_take_number(&a->buffer_kib, "buffer", arg, 4, 1u << 22, &a->err);
	case OPT_NO_PROBES:
		a->no_probes = true;
		return 0;
	case OPT_TRACEFS:
		a->tracefs = arg;
		return 0;
	case ARGP_KEY_ARGS:
		a->command = state->argv + state->next;
		state->next = state->argc;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[-- COMMAND...]",
	.doc = "Record what this kernel maps and unmaps for devices, as a native trace: the "
	       "tracepoints that it has of iommu:, intel_iommu: and dma:, and probes where those "
	       "are missing. Needs to be root; nothing of it stays in the kernel."
	       "\vExamples:\n"
	       "  iotoll record --seconds 5 -o load.iot\n"
	       "  iotoll record -o fio.iot -- fio job.fio\n"
	       "  iotoll record --print-command",
};

/* ---- while it goes on ---- */

static double elapsed(const struct args *a)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - a->begun.tv_sec) +
	       (double)(now.tv_nsec - a->begun.tv_nsec) / 1e9;
}

static bool over(void *ctx)
{
	struct args *a = ctx;

	if (a->child && waitpid(a->child, &a->child_status, WNOHANG) == a->child)
		a->child = 0;
	return cli_stopped(NULL) || (a->command && !a->child) ||
	       (a->seconds && elapsed(a) >= (double)a->seconds);
}

static void halt(void *ctx)
{
	struct args *a = ctx;

	record_stop(a->record);
}

static void progress(void *ctx, uint64_t events, uint64_t bytes)
{
	const struct args *a = ctx;

	cli_progress("record: %.1f s, %llu events, %.1f MiB of text; Ctrl-C ends it", elapsed(a),
		     (unsigned long long)events, (double)bytes / 1048576);
}

/* ---- the command ---- */

static int start_command(struct args *a, struct err *err)
{
	int rc;

	if (!a->command)
		return 0;
	rc = posix_spawnp(&a->child, a->command[0], NULL, NULL, a->command, environ);
	if (rc)
		a->child = 0;
	return rc ? err_set(err, -rc, "%s: cannot be started: %s", a->command[0], strerror(rc)) : 0;
}

/* A command that outlives its recording is asked to end, then made to. */
static void end_command(struct args *a)
{
	const struct timespec nap = {.tv_nsec = 20000000};

	if (!a->child)
		return;
	kill(a->child, SIGTERM);
	for (int ms = 0; ms < GRACE_MS; ms += 20) {
		if (waitpid(a->child, &a->child_status, WNOHANG) == a->child)
			return;
		nanosleep(&nap, NULL);
	}
	kill(a->child, SIGKILL);
	(void)waitpid(a->child, &a->child_status, 0);
}

static void say_command(const struct args *a)
{
	if (!a->command)
		return;
	if (WIFEXITED(a->child_status) && WEXITSTATUS(a->child_status))
		fprintf(stderr, "iotoll: %s: exit status %d\n", a->command[0],
			WEXITSTATUS(a->child_status));
	else if (WIFSIGNALED(a->child_status))
		fprintf(stderr, "iotoll: %s: ended by signal %d\n", a->command[0],
			WTERMSIG(a->child_status));
}

/* ---- recording ---- */

static int record_to(FILE *out, void *ctx, struct err *err)
{
	struct args *a = ctx;
	const long cpus = sysconf(_SC_NPROCESSORS_CONF);
	const struct record_about about = {.should_stop = over,
					   .stop = halt,
					   .progress = progress,
					   .ctx = a,
					   .cpus = cpus > 0 ? (unsigned)cpus : 0};
	struct err said = {""}, left = {""};
	int rc = record_begin(&a->record, &a->points, (unsigned)a->buffer_kib, &said, err);

	if (rc)
		return rc;
	if (said.text[0])
		fprintf(stderr, "iotoll: %s\n", said.text);
	clock_gettime(CLOCK_MONOTONIC, &a->begun);
	rc = start_command(a, err);
	if (!rc)
		rc = record_read(record_fd(a->record), out, &about, &a->result, err);
	end_command(a);
	if (record_end(a->record, &left))
		fprintf(stderr, "iotoll: %s\n", left.text);
	return rc;
}

static int say_result(const struct args *a)
{
	const struct trace_tally *t = &a->result.tally;

	fprintf(stderr, "iotoll: %s: %llu events, %llu lost at %llu places\n", a->out,
		(unsigned long long)t->events, (unsigned long long)t->lost_events,
		(unsigned long long)t->lost_marks);
	if (t->lost_marks)
		fprintf(stderr, "iotoll: a larger --buffer than %llu KiB loses less\n",
			(unsigned long long)a->buffer_kib);
	if (!a->result.broken[0])
		return CLI_OK;
	fprintf(stderr, "iotoll: %s: it ends early: %s\n", a->out, a->result.broken);
	return CLI_FAILED;
}

static int print_command(struct args *a)
{
	const struct points_order order = {.seconds = (unsigned)a->seconds,
					   .buffer_kib = (unsigned)a->buffer_kib,
					   .command = (const char *const *)a->command};
	struct err why = {""};

	if (points_find(&a->points, a->tracefs, !a->no_probes, &why))
		points_default(&a->points, why.text);
	points_commands(stdout, &a->points, &order);
	return CLI_OK;
}

int cli_record(int argc, char **argv)
{
	struct args a = {.out = "record.iot", .buffer_kib = BUFFER_KIB};
	struct cli_format file = {.kind = FORMAT_TEXT};
	int rc = cli_parse(&argp, argc, argv, &a, &a.err);

	if (rc)
		return rc;
	if (a.print)
		return print_command(&a);
	file.file = a.out;
	rc = cli_output_possible(&file, &a.err);
	if (!rc)
		rc = points_find(&a.points, a.tracefs, !a.no_probes, &a.err);
	if (rc)
		return cli_fail(rc, &a.err);
	cli_catch_signals();
	rc = report_write_stream(a.out, record_to, &a, &a.err);
	cli_progress(NULL);
	say_command(&a);
	return rc ? cli_fail(rc, &a.err) : say_result(&a);
}
