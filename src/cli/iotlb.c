/* SPDX-License-Identifier: MIT */
/* iotoll iotlb: miss-ratio curves of an IOTLB from a trace or a run. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/recording.h"
#include "mrc/sample.h"
#include "report/iotlb_text.h"
#include "study/iotlb_lab.h"

enum {
	OPT_ENTRIES = 256,
	OPT_WAYS,
	OPT_POLICIES,
	OPT_PREFETCH,
	OPT_INDEX,
	OPT_HINTS,
	OPT_PARTITIONS,
	OPT_SAMPLE,
	OPT_SVG
};

struct args {
	struct iotlb_lab_request request;
	const char *source, *svg;
	struct cli_sets sets;
	struct scenario scenario;
	struct cli_format format;
	struct err err;
};

static const struct argp_option options[] = {
	{"entries", OPT_ENTRIES, "LIST", 0, "sizes (8,16,...,1024)", 0},
	{"ways", OPT_WAYS, "LIST", 0, "associativities (4); full: of all entries", 0},
	{"policies", OPT_POLICIES, "LIST", 0,
	 "replacement (lru,opt); all, or as 'iotoll list policies' names them; opt: the least "
	 "misses any could have",
	 0},
	{"prefetch", OPT_PREFETCH, "LIST", 0, "none (default), next, adjacent, stride, or all", 0},
	{"index", OPT_INDEX, "LIST", 0, "what picks the set: modulo (default), hashed", 0},
	{"hints", OPT_HINTS, "LIST", 0,
	 "what the operating system tells an LRU IOTLB (a proposal: WIOSCA 2010): none (default), "
	 "eviction, mapping, both, or all",
	 0},
	{"partitions", OPT_PARTITIONS, "N", 0, "groups of sets, one a domain modulo N (1)", 0},
	{"sample", OPT_SAMPLE, "RATE", 0,
	 "of a long trace: four samples, each this part of the pages (0.0001 to 0.25), for LRU of "
	 "full associativity, and how far to believe them",
	 0},
	{"set", 's', "SECTION.KEY=VALUE", 0, "change one setting of the scenario", 0},
	CLI_RECORDING_OPTIONS,
	{"format", 'f', "FORMAT", 0, "text (default), json or csv; with :FILE into a file", 0},
	{"svg", OPT_SVG, "FILE", 0, "draw the curves", 0},
	{0},
};

static int take_rate(struct args *a, const char *arg)
{
	char *end;
	const double rate = strtod(arg, &end);

	if (*end || end == arg || !(rate >= MRC_SAMPLE_MIN && rate <= MRC_SAMPLE_MAX))
		return err_set(&a->err, -EINVAL, "--sample %s: expected a number from %g to %g",
			       arg, MRC_SAMPLE_MIN, MRC_SAMPLE_MAX);
	a->request.sample = rate;
	return 0;
}

/* What a sample can say, wherever nothing was asked for: what was has a string of its own. */
static void sample_defaults(struct iotlb_lab_request *r)
{
	struct iotlb_lab_request usual;

	iotlb_lab_defaults(&usual);
	if (r->policies == usual.policies)
		r->policies = "lru";
	if (r->ways == usual.ways)
		r->ways = "full";
	if (r->entries == usual.entries)
		r->entries = "1024,2048,4096,8192,16384,32768,65536";
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;
	struct iotlb_lab_request *r = &a->request;
	const struct cli_recording of = {.format = &r->format, .allow_loss = &r->allow_loss};

	switch (key) {
	case OPT_ENTRIES:
		r->entries = arg;
		return 0;
	case OPT_WAYS:
		r->ways = arg;
		return 0;
	case OPT_POLICIES:
		r->policies = arg;
		return 0;
	case OPT_PREFETCH:
		r->prefetch = arg;
		return 0;
	case OPT_INDEX:
		r->index = arg;
		return 0;
	case OPT_HINTS:
		r->hints = arg;
		return 0;
	case OPT_PARTITIONS:
		return cli_take_number(&r->partitions, "partitions", arg, 1, 1u << 20, &a->err);
	case OPT_SAMPLE:
		return take_rate(a, arg);
	case OPT_SVG:
		a->svg = arg;
		return 0;
	case 's':
		return cli_take_set(&a->sets, arg, &a->err);
	case 'f':
		return cli_take_format(&a->format, arg, &a->err);
	case ARGP_KEY_ARG:
		return cli_take_argument(&a->source, "trace or scenario", arg, &a->err);
	case ARGP_KEY_NO_ARGS:
		return cli_take_argument(&a->source, "trace or scenario", NULL, &a->err);
	default:
		return cli_recording_take(&of, key, arg, &a->err);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "TRACE|SCENARIO",
	.doc = "How often an IOTLB misses, by size, associativity, replacement and prefetching. "
	       "TRACE is a recording of a device's IOTLB lookups, or of a kernel's maps and unmaps "
	       "('-' is standard input); SCENARIO (a ready one, or the path of an INI file) is "
	       "run, and what its NIC or disk adapter asks of the IOTLB is taken."
	       "\vExamples:\n"
	       "  iotoll iotlb traces/vtd-strict-rx.iotlb.txt --policies all --ways 4,full\n"
	       "  iotoll iotlb bare-metal --set iommu.model=calgary --entries 8,64,512 "
	       "--prefetch all\n"
	       "  iotoll iotlb ffsb --set iommu.model=vtd --policies all --ways full\n"
	       "  xzcat big.txt.xz | iotoll iotlb - --policies lru,fifo,opt --svg curves.svg",
};

/* What is there as a file is a trace, unless it says that it is a scenario. */
static bool is_scenario(const char *source)
{
	const size_t n = strlen(source);

	if (n >= 4 && !strcmp(source + n - 4, ".ini"))
		return true;
	return strcmp(source, "-") && !strchr(source, '/') && access(source, F_OK);
}

static int load(struct args *a)
{
	if (!is_scenario(a->source)) {
		a->request.trace = a->source;
		return a->sets.count
			       ? err_set(&a->err, -EINVAL,
					 "--set changes a scenario, and %s is a trace", a->source)
			       : 0;
	}
	a->request.scenario = &a->scenario;
	return cli_load_scenario(&a->scenario, a->source, &a->sets, &a->err);
}

static void show_progress(void *ctx, double fraction)
{
	const struct args *a = ctx;

	cli_progress("%s: %3.0f %%", a->source, 100 * fraction);
}

static int execute(struct args *a)
{
	json_t *result = NULL;
	int rc;

	a->request.options = (struct run_options){
		.ctx = a, .should_stop = cli_stopped, .progress = show_progress};
	if (a->request.sample > 0)
		sample_defaults(&a->request);
	rc = iotlb_lab_run(&a->request, &result, &a->err);
	if (!rc && a->svg)
		rc = report_write_file(a->svg, report_iotlb_svg, result, &a->err);
	if (!rc)
		rc = cli_output(&a->format, result, report_iotlb_text, report_iotlb_csv, &a->err);
	json_decref(result);
	return rc;
}

int cli_iotlb(int argc, char **argv)
{
	struct args a = {.format = {.kind = FORMAT_TEXT}};
	int rc;

	iotlb_lab_defaults(&a.request);
	rc = cli_parse(&argp, argc, argv, &a, &a.err);
	if (rc)
		return rc;
	cli_catch_signals();
	rc = load(&a);
	if (!rc)
		rc = execute(&a);
	if (a.request.scenario)
		scenario_fini(&a.scenario);
	return rc ? cli_fail(rc, &a.err) : CLI_OK;
}
