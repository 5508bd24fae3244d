/* SPDX-License-Identifier: MIT */
/* iotoll calibrate: this machine as a profile, and the model against what this machine does. */
#include "cli/calibrate.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "sim/profile.h"
#include "study/paths.h"

enum { OPT_CHECK = 256, OPT_FORCE };

struct args {
	const char *out, *base, *check;
	bool force, quick;
	struct cli_format format;
	struct err err;
};

static const struct argp_option options[] = {
	{"output", 'o', "FILE", 0, "write a machine profile, and hold the model against it", 0},
	{"based-on", 'b', "PROFILE", 0,
	 "whose values stand for what cannot be measured (default: the newest server of the same "
	 "maker)",
	 0},
	{"force", OPT_FORCE, NULL, 0, "overwrite FILE if it is there", 0},
	{"check", OPT_CHECK, "PROFILE", 0,
	 "measure nothing for a profile: hold the model with this one against this machine", 0},
	{"quick", 'q', NULL, 0, "a fifth of the rounds", 0},
	{"format", 'f', "FORMAT", 0, "text (default), json or csv; with :FILE into a file", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case 'o':
		a->out = arg;
		return 0;
	case 'b':
		a->base = arg;
		return 0;
	case OPT_FORCE:
		a->force = true;
		return 0;
	case OPT_CHECK:
		a->check = arg;
		return 0;
	case 'q':
		a->quick = true;
		return 0;
	case 'f':
		return cli_take_format(&a->format, arg, &a->err);
	case ARGP_KEY_ARG:
		err_set(&a->err, -EINVAL, "'%s' is too much: calibrate takes options only", arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Measure what events cost on this machine, write them as a machine profile, and "
	       "hold "
	       "the laboratory's model against a loop that is run here. Takes some seconds; other "
	       "programs' load is in the results."
	       "\vExamples:\n"
	       "  iotoll calibrate\n"
	       "  iotoll calibrate -o mine.ini\n"
	       "  iotoll run bare-metal --set sut.profile=./mine.ini --set iommu.model=vtd\n"
	       "  iotoll calibrate --check mine.ini --format json\n"
	       "  iotoll list profiles ./mine.ini",
};

static void show(void *ctx, const char *what, unsigned index, unsigned of)
{
	(void)ctx;
	cli_progress("%u of %u: %s", index + 1, of, what);
}

/* Could a scenario name a profile in the file @path? */
static int check_name(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	const size_t bytes = strlen(base), most = sizeof(((struct profile *)NULL)->name) - 1;
	const bool ini = bytes > 4 && !strcmp(base + bytes - 4, ".ini");

	if (!slash && !ini)
		return err_set(err, -EINVAL,
			       "--output %s: expected a name that ends in .ini or has a folder: no "
			       "scenario could name this one",
			       path);
	if (bytes - (ini ? 4 : 0) > most)
		return err_set(err, -EINVAL, "--output %s: expected a name of at most %zu bytes",
			       path, most);
	return 0;
}

/* Whatever would make the work worth nothing is said before it. */
static int check_args(struct args *a)
{
	struct cli_format target = {.file = a->out};
	int rc = cli_output_possible(&a->format, &a->err);

	if (rc)
		return rc;
	if (a->check && (a->out || a->base || a->force))
		return err_set(
			&a->err, -EINVAL,
			"--check makes no profile: expected without --output, --based-on and "
			"--force");
	if (!a->out)
		return a->force ? err_set(&a->err, -EINVAL, "--force: expected with --output") : 0;
	rc = check_name(a->out, &a->err);
	if (rc)
		return rc;
	if (!a->force && !access(a->out, F_OK))
		return err_set(&a->err, -EEXIST, "%s: is there already; --force overwrites it",
			       a->out);
	return cli_output_possible(&target, &a->err);
}

struct order {
	const struct calibration *found;
	const char *base, *path;
};

static int write_profile(FILE *out, void *ctx, struct err *err)
{
	const struct order *o = ctx;

	return calibrate_write(out, o->found, o->path, o->base, err);
}

/* A base that is not there, or is none, is refused before anything is measured. */
static int find_base(const char *name, char *path, size_t bytes, struct err *err)
{
	struct profile p;
	const int rc = paths_find("profiles", name, ".ini", path, bytes, err);

	return rc ? rc : profile_load(&p, path, ESTIMATE_DEFAULT, NULL, err);
}

/* The profile of what was @found, as a file that loads. */
static int make_profile(struct args *a, const struct calibration *found, json_t *document)
{
	const char *base = a->base ? a->base : calibrate_nearest(found);
	struct profile made;
	char path[PATH_MAX];
	struct order order = {.found = found, .base = base, .path = path};
	int rc = find_base(base, path, sizeof(path), &a->err);

	if (!rc)
		rc = report_write_stream(a->out, write_profile, &order, &a->err);
	json_object_set_new(document, "based_on", json_string(base));
	return rc ? rc : profile_load(&made, a->out, ESTIMATE_DEFAULT, NULL, &a->err);
}

static int check_profile(struct args *a, const char *path, const struct calibrate_options *o,
			 json_t *document)
{
	struct calibrate_check check[CALIBRATE_CHECKS];
	const int rc = calibrate_check(check, path, o, &a->err);

	if (!rc) {
		json_object_set_new(document, "profile", json_string(path));
		json_object_set_new(document, "check", calibrate_json_check(check));
	}
	return rc;
}

static int execute(struct args *a, json_t *document)
{
	const struct calibrate_options o = {.host = {.quick = a->quick, .should_stop = cli_stopped},
					    .begin = show};
	struct calibration found;
	char path[PATH_MAX];
	int rc;

	if (a->check) {
		rc = find_base(a->check, path, sizeof(path), &a->err);
		return rc ? rc : check_profile(a, path, &o, document);
	}
	rc = a->base ? find_base(a->base, path, sizeof(path), &a->err) : 0;
	if (!rc)
		rc = calibrate_measure(&found, &o, &a->err);
	if (rc)
		return rc;
	json_object_set_new(document, "measured", calibrate_json_measured(&found));
	if (!a->out)
		return 0;
	rc = make_profile(a, &found, document);
	return rc ? rc : check_profile(a, a->out, &o, document);
}

int cli_calibrate(int argc, char **argv)
{
	struct args a = {.format = {.kind = FORMAT_TEXT}};
	json_t *document = json_object();
	int rc = cli_parse(&argp, argc, argv, &a, &a.err);

	if (rc) {
		json_decref(document);
		return rc;
	}
	cli_catch_signals();
	rc = check_args(&a);
	if (!rc)
		rc = execute(&a, document);
	if (!rc)
		rc = cli_output(&a.format, document, calibrate_text, calibrate_csv, &a.err);
	json_decref(document);
	if (rc == -EEXIST)
		rc = -EINVAL; /* what somebody named, not what went wrong */
	return rc ? cli_fail(rc, &a.err) : CLI_OK;
}
