/* SPDX-License-Identifier: MIT */
/* What the subcommands share: failing, stopping, progress, output. */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/run_text.h"

/* The one thing a signal handler may do. */
static volatile sig_atomic_t stopped;

static void on_signal(int signal)
{
	(void)signal;
	stopped = 1;
}

void cli_catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

bool cli_stopped(void *unused)
{
	(void)unused;
	return stopped;
}

void cli_progress(const char *fmt, ...)
{
	va_list ap;

	if (!isatty(STDERR_FILENO))
		return;
	fputs("\r\033[K", stderr);
	if (fmt) {
		va_start(ap, fmt);
		vfprintf(stderr, fmt, ap);
		va_end(ap);
	}
	fflush(stderr);
}

/* What somebody named is not there, not allowed, or not of its kind. */
static bool bad_input(int code)
{
	static const int codes[] = {EINVAL, ENOENT, EFBIG, ENAMETOOLONG, EISDIR, ENOTDIR,
				    EACCES, EPERM,  ELOOP, EROFS,        ELIBACC};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (code == -codes[i])
			return true;
	return false;
}

int cli_fail(int code, const struct err *err)
{
	cli_progress(NULL);
	if (code == -EINTR) {
		fprintf(stderr, "iotoll: interrupted\n");
		return CLI_INTERRUPTED;
	}
	fprintf(stderr, "iotoll: %s\n", err->text[0] ? err->text : strerror(-code));
	return bad_input(code) ? CLI_BAD_INPUT : CLI_FAILED;
}

int cli_take_format(struct cli_format *out, const char *text, struct err *err)
{
	static const char *const kinds[] = {"text", "json", "csv"};
	const char *colon = strchr(text, ':');
	const size_t length = colon ? (size_t)(colon - text) : strlen(text);

	for (int i = 0; i < 3; i++) {
		if (strlen(kinds[i]) == length && !strncmp(kinds[i], text, length) &&
		    (!colon || colon[1])) {
			*out = (struct cli_format){.kind = (enum cli_format_kind)i,
						   .file = colon ? colon + 1 : NULL};
			return 0;
		}
	}
	err_set(err, -EINVAL,
		"--format %s: expected text, json or csv, or one of them followed by :FILE", text);
	return EINVAL;
}

int cli_take_number(uint64_t *out, const char *option, const char *text, uint64_t least,
		    uint64_t most, struct err *err)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || value < least || value > most) {
		err_set(err, -EINVAL, "--%s %s: expected a number from %llu to %llu", option, text,
			(unsigned long long)least, (unsigned long long)most);
		return EINVAL;
	}
	*out = value;
	return 0;
}

int cli_take_argument(const char **out, const char *what, const char *text, struct err *err)
{
	if (text && !*out) {
		*out = text;
		return 0;
	}
	if (text)
		err_set(err, -EINVAL, "one %s at a time: '%s' is too much", what, text);
	else
		err_set(err, -EINVAL, "expected a %s; --help says more", what);
	return EINVAL;
}

int cli_take_set(struct cli_sets *sets, const char *text, struct err *err)
{
	const size_t most = sizeof(sets->set) / sizeof(sets->set[0]);

	if (sets->count == most) {
		err_set(err, -EINVAL, "--set: at most %zu of them", most);
		return EINVAL;
	}
	sets->set[sets->count++] = text;
	return 0;
}

int cli_read_scenario(struct scenario *scenario, const char *name, const struct cli_sets *sets,
		      struct err *err)
{
	int rc = scenario_init(scenario);

	if (!rc)
		rc = scenario_read(scenario, name, err);
	for (size_t i = 0; i < sets->count && !rc; i++) {
		rc = scenario_set(scenario, sets->set[i], err);
		if (rc)
			err_prefix(err, rc, "--set ");
	}
	return rc;
}

int cli_load_scenario(struct scenario *scenario, const char *name, const struct cli_sets *sets,
		      struct err *err)
{
	const int rc = cli_read_scenario(scenario, name, sets, err);

	return rc ? rc : scenario_finish(scenario, err);
}

int cli_parse(const struct argp *argp, int argc, char **argv, void *args, const struct err *err)
{
	static const struct err unknown = {
		"an option is not known or lacks its argument; --help lists them"};

	/* argp would say two lines for an unknown option; silenced, it leaves help to us as well.
	 */
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		const bool usage = !strcmp(argv[i], "--usage");

		if (usage || !strcmp(argv[i], "--help") || !strcmp(argv[i], "-?")) {
			argp_help(argp, stdout, usage ? ARGP_HELP_USAGE : ARGP_HELP_STD_HELP,
				  argv[0]);
			exit(fflush(stdout) ? CLI_FAILED : CLI_OK);
		}
	}
	if (!argp_parse(argp, argc, argv, ARGP_NO_ERRS, NULL, args))
		return CLI_OK;
	return cli_fail(-EINVAL, err->text[0] ? err : &unknown);
}

/* The file's folder, or the file where it is there already, can be written. */
int cli_output_possible(const struct cli_format *format, struct err *err)
{
	const char *slash;
	char folder[4096];

	if (!format->file)
		return 0;
	slash = strrchr(format->file, '/');
	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - format->file + 1),
			 format->file);
	else
		snprintf(folder, sizeof(folder), ".");
	if (access(folder, W_OK | X_OK))
		return err_set(err, -errno, "%s: cannot write: %s", format->file, strerror(errno));
	return 0;
}

int cli_output(const struct cli_format *format, const json_t *json, report_writer text,
	       report_writer csv, struct err *err)
{
	const report_writer writer = format->kind == FORMAT_JSON  ? report_json
				     : format->kind == FORMAT_CSV ? csv
								  : text;
	int rc;

	cli_progress(NULL);
	if (format->file)
		return report_write_file(format->file, writer, json, err);
	rc = writer(stdout, json, err);
	if (!rc && fflush(stdout))
		rc = err_set(err, -errno, "standard output: %s", strerror(errno));
	return rc;
}

unsigned cli_width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}

int cli_run_text(FILE *out, const json_t *result, struct err *err)
{
	return run_text(out, result, RUN_TEXT_FULL, cli_width(), err);
}
