/* SPDX-License-Identifier: MIT */
/* iotoll bench: the native library measured on this host, beside its targets. */
#include "cli/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/cli.h"
#include "report/bench_text.h"

enum {
	OPT_THREADS = 256,
	OPT_PAGES,
	OPT_OUTSTANDING,
	OPT_PATTERN,
	OPT_LOCKS,
	OPT_STRATEGY,
	OPT_ALLOCATOR,
	OPT_IOMMU,
	OPT_POLICY,
	OPT_ENTRIES,
	OPT_WAYS,
	OPT_INTERVAL,
	OPT_LIMIT,
	OPT_QUICK,
	OPT_HISTOGRAM
};

struct args {
	struct bench_options options;
	struct bench_map_params kernel;
	bool kernel_asked, bars, limited;
	const char *group;
	struct cli_format format;
	json_t *document;
	struct err err;
};

static const struct argp_option options[] = {
	{"threads", OPT_THREADS, "N", 0, "at once (1)", 1},
	{"pages", OPT_PAGES, "N", 0, "of one mapping (1)", 1},
	{"outstanding", OPT_OUTSTANDING, "N", 0, "mappings alive at a time, of each thread (256)",
	 1},
	{"pattern", OPT_PATTERN, "NAME", 0,
	 "which of them goes next: ring (the oldest, default), lifo (the newest), random", 1},
	{"locks", OPT_LOCKS, "NAME", 0,
	 "split (none around each call, where that can be; default) or one", 1},
	{"strategy", OPT_STRATEGY, "NAME", 0, "as 'iotoll list strategies' names them", 1},
	{"allocator", OPT_ALLOCATOR, "NAME", 0, "as 'iotoll list allocators' names them", 1},
	{"iommu", OPT_IOMMU, "NAME", 0, "as 'iotoll list iommus' names them", 1},
	{"entries", OPT_ENTRIES, "N", 0, "of the IOTLB", 1},
	{"ways", OPT_WAYS, "N", 0, "of the IOTLB", 1},
	{"policy", OPT_POLICY, "NAME", 0, "as 'iotoll list policies' names them", 1},
	{"interval", OPT_INTERVAL, "PERCENT", 0,
	 "measure until the median is known to this with 95 % confidence (2)", 2},
	{"limit", OPT_LIMIT, "SECONDS", 0, "but no longer than this for a row (1)", 2},
	{"quick", OPT_QUICK, 0, 0, "a look: few and short rounds", 2},
	{"histogram", OPT_HISTOGRAM, 0, 0, "show how the rounds were spread", 2},
	{"format", 'f', "FORMAT", 0, "text (default), json or csv; with :FILE into a file", 2},
	{0, 0, 0, 0, "map: Linux's dma_map_benchmark, with its letters and its words:", 3},
	{0, 't', "N", 0, "threads", 3},
	{0, 's', "N", 0, "seconds (1)", 3},
	{0, 'n', "N", 0, "NUMA node (-1: any)", 3},
	{0, 'b', "N", 0, "bits of the DMA mask (32)", 3},
	{0, 'd', "N", 0, "0: bidirectional (default), 1: to, 2: from the device", 3},
	{0, 'x', "NS", 0, "between map and unmap", 3},
	{0, 'g', "N", 0, "pages of a mapping", 3},
	{0},
};

static int take_count(unsigned *out, const char *option, const char *text, uint64_t least,
		      uint64_t most, struct err *err)
{
	uint64_t value = 0;
	const int rc = cli_take_number(&value, option, text, least, most, err);

	*out = (unsigned)value;
	return rc;
}

static int take_decimal(double *out, const char *option, const char *text, double most,
			struct err *err)
{
	char *end;

	*out = strtod(text, &end);
	if (*end == '%')
		end++;
	if (end != text && !*end && *out > 0 && *out <= most)
		return 0;
	err_set(err, -EINVAL, "--%s %s: expected a number above 0, at most %g", option, text, most);
	return EINVAL;
}

/* One of @names, counted from 1. */
static int take_name(unsigned *out, const char *option, const char *const *names, unsigned count,
		     const char *text, const char *expected, struct err *err)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(names[i], text)) {
			*out = i + 1;
			return 0;
		}
	err_set(err, -EINVAL, "--%s %s: expected %s", option, text, expected);
	return EINVAL;
}

static int take_pattern(unsigned *out, const char *text, struct err *err)
{
	static const char *const names[BENCH_PATTERNS] = {"ring", "lifo", "random"};

	return take_name(out, "pattern", names, BENCH_PATTERNS, text, "ring, lifo or random", err);
}

static int take_locks(unsigned *out, const char *text, struct err *err)
{
	static const char *const names[BENCH_LOCKS] = {"split", "one"};

	return take_name(out, "locks", names, BENCH_LOCKS, text, "split or one", err);
}

/* Letters are the kernel's: one of them asks for its benchmark. */
static error_t parse_letter(int key, const char *arg, struct args *a)
{
	struct bench_map_params *k = &a->kernel;
	struct bench_setup *s = &a->options.setup;
	unsigned node;
	int rc;

	a->kernel_asked = true;
	switch (key) {
	case 't':
		return take_count(&s->threads, "-t", arg, 1, 1024, &a->err);
	case 'g':
		return take_count(&s->pages, "-g", arg, 1, 1024, &a->err);
	case 's':
		return take_count(&k->seconds, "-s", arg, 1, 300, &a->err);
	case 'b':
		return take_count(&k->bits, "-b", arg, 20, 64, &a->err);
	case 'd':
		return take_count(&k->dir, "-d", arg, 0, 2, &a->err);
	case 'x':
		return take_count(&k->delay_ns, "-x", arg, 0, 10000000, &a->err);
	default:
		if (!strcmp(arg, "-1"))
			return 0;
		rc = take_count(&node, "-n", arg, 0, 1023, &a->err);
		k->node = (int)node;
		return rc;
	}
}

static error_t parse_setup(int key, char *arg, struct args *a)
{
	struct bench_setup *s = &a->options.setup;

	switch (key) {
	case OPT_THREADS:
		return take_count(&s->threads, "threads", arg, 1, 1024, &a->err);
	case OPT_PAGES:
		return take_count(&s->pages, "pages", arg, 1, 1024, &a->err);
	case OPT_OUTSTANDING:
		return take_count(&s->outstanding, "outstanding", arg, 1, 65536, &a->err);
	case OPT_ENTRIES:
		return take_count(&s->entries, "entries", arg, 1, 1u << 20, &a->err);
	case OPT_WAYS:
		return take_count(&s->ways, "ways", arg, 1, 1u << 20, &a->err);
	case OPT_PATTERN:
		return take_pattern(&s->pattern, arg, &a->err);
	case OPT_LOCKS:
		return take_locks(&s->locks, arg, &a->err);
	case OPT_STRATEGY:
		s->strategy = arg;
		return 0;
	case OPT_ALLOCATOR:
		s->allocator = arg;
		return 0;
	case OPT_IOMMU:
		s->iommu = arg;
		return 0;
	case OPT_POLICY:
		s->policy = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	if (key > 0 && key < 128 && strchr("tgsbdxn", key))
		return parse_letter(key, arg, a);
	switch (key) {
	case OPT_INTERVAL:
		return take_decimal(&a->options.interval_percent, "interval", arg, 100, &a->err);
	case OPT_LIMIT:
		a->limited = true;
		return take_decimal(&a->options.limit_s, "limit", arg, 3600, &a->err);
	case OPT_QUICK:
		a->options.quick = true;
		return 0;
	case OPT_HISTOGRAM:
		a->bars = true;
		return 0;
	case 'f':
		return cli_take_format(&a->format, arg, &a->err);
	case ARGP_KEY_ARG:
		return cli_take_argument(&a->group, "benchmark", arg, &a->err);
	case ARGP_KEY_NO_ARGS:
		return cli_take_argument(&a->group, "benchmark", NULL, &a->err);
	default:
		return parse_setup(key, arg, a);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "map|iova|translate|invalidate|iotlb|sim|all",
	.doc = "Measure the library on this machine, with real threads and the wall clock: all of "
	       "a group's rows, beside targets, baselines and what the machine itself needs; or, "
	       "with any of the first options, the one row they describe."
	       "\vExamples:\n"
	       "  iotoll bench all\n"
	       "  iotoll bench map --strategy strict --iommu amdvi --threads 2 --histogram\n"
	       "  iotoll bench iova --allocator magazines --pattern random --outstanding 4096\n"
	       "  iotoll bench map -t 2 -s 5 -g 8 -d 1\n"
	       "  iotoll bench all --quick --format json:bench.json",
};

static int check_group(struct args *a)
{
	struct nearest near;
	const char *name;

	nearest_init(&near, a->group);
	for (unsigned i = 0; (name = bench_groups(i, NULL)); i++) {
		if (!strcmp(name, a->group))
			return a->kernel_asked && strcmp(name, "map")
				       ? err_set(&a->err, -EINVAL,
						 "bench %s: -t, -s, -n, -b, -d, -x and -g are for "
						 "'bench map'",
						 name)
				       : 0;
		nearest_offer(&near, name);
	}
	return err_set(&a->err, -EINVAL,
		       "bench: '%s' is not one of map, iova, translate, invalidate, iotlb, sim, "
		       "all%s%s%s",
		       a->group, near.best ? "; did you mean " : "", near.best ? near.best : "",
		       near.best ? "?" : "");
}

static void row_begins(void *ctx, const char *row, unsigned index, unsigned rows)
{
	(void)ctx;
	cli_progress("bench: %u of %u, %s", index + 1, rows, row);
}

static void row_done(void *ctx, const struct bench_result *result)
{
	bench_add(((struct args *)ctx)->document, result);
}

static void row_left_out(void *ctx, const char *row, const char *why)
{
	bench_add_left_out(((struct args *)ctx)->document, row, why);
}

/* Linux's, on the library's default for it where nothing else was said. */
static int run_kernel(struct args *a)
{
	const struct bench_setup *asked = &a->options.setup;
	const struct bench_setup setup = {
		.iommu = asked->iommu ? asked->iommu : "vtd",
		.strategy = asked->strategy ? asked->strategy : "flush-queue",
		.allocator = asked->allocator ? asked->allocator : "magazines"};
	struct bench_map_result result;
	int rc;

	a->kernel.threads = asked->threads ? asked->threads : 1;
	a->kernel.granule = asked->pages ? asked->pages : 1;
	cli_progress("bench: dma_map_benchmark, %u s", a->kernel.seconds);
	rc = bench_map_run(&a->kernel, &setup, cli_stopped, NULL, &result, &a->err);
	if (!rc)
		bench_add_kernel(a->document, &a->kernel, &result);
	return rc;
}

static int measure(struct args *a)
{
	struct bench_outside rows[BENCH_SIM_MAX];
	struct bench_options *o = &a->options;
	int rc;

	o->group = a->group;
	o->ctx = a;
	o->stop = cli_stopped;
	o->begin = row_begins;
	o->done = row_done;
	o->left_out = row_left_out;
	o->outside = rows;
	o->outside_rows = bench_sim_rows(rows);
	if (!a->limited)
		o->limit_s = o->quick ? 0.2 : 1;
	a->document = bench_document(o);
	rc = bench_run(o, &a->err);
	if (!rc && a->kernel_asked)
		rc = run_kernel(a);
	if (!rc)
		rc = bench_add_floors(a->document, o->quick || strcmp(a->group, "all"),
				      cli_stopped);
	return rc;
}

int cli_bench(int argc, char **argv)
{
	struct args a = {.format = {.kind = FORMAT_TEXT},
			 .options = {.interval_percent = 2},
			 .kernel = {.seconds = 1, .node = -1, .bits = 32}};
	int rc = cli_parse(&argp, argc, argv, &a, &a.err);
	bool stopped;

	if (rc)
		return rc;
	rc = check_group(&a);
	if (!rc)
		rc = cli_output_possible(&a.format, &a.err);
	if (rc)
		return cli_fail(rc, &a.err);
	cli_catch_signals();
	rc = measure(&a);
	stopped = rc == -EINTR;
	if (stopped) {
		json_object_set_new(a.document, "interrupted", json_true());
		rc = 0;
	}
	if (!rc)
		rc = cli_output(&a.format, a.document,
				a.bars ? report_bench_bars : report_bench_text, report_bench_csv,
				&a.err);
	json_decref(a.document);
	if (rc)
		return cli_fail(rc, &a.err);
	return stopped ? cli_fail(-EINTR, &a.err) : CLI_OK;
}
