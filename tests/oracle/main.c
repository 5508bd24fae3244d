// SPDX-License-Identifier: MIT
/*
 * The oracle: random programs executed by QEMU's model of an IOMMU and by ours, compared after
 * every operation.
 *
 *	oracle [--target NAME] [--ops N] [--seed S] [--length N] [--qemu BINARY] [--qemu-only]
 *[--no-shrink]
 *	       [--variant N --replay FILE]
 *
 * Exits 0 if both agreed, 1 if not, 2 if the comparison could not be made, 77 if there is no QEMU
 * of a version whose ways are known.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "shrink.h"

#define SKIP         77
#define SHRINK_TRIES 400u

struct options {
	struct run_config config;
	const char *target, *replay;
	uint64_t ops, seed, length;
	int variant; /* -1: all in turn */
	bool no_shrink;
};

struct judged {
	const struct target *target;
	const struct run_config *config;
	const struct finding *first;
};

/* For shrink(): does @p still fail in the way of the first finding? */
static int fails(void *ctx, const struct program *p)
{
	const struct judged *j = ctx;
	struct tally unused = {0};
	struct finding finding;
	struct err err;
	int ret = run_program(j->target, j->config, p, &unused, &finding, &err);

	if (ret != 0) {
		fprintf(stderr, "while shrinking: %s\n", err.text);
		return ret;
	}
	return finding.kind == j->first->kind && finding.where == j->first->where;
}

static void report(const struct target *target, const struct run_config *config, struct program *p,
		   const struct finding *first, bool no_shrink)
{
	struct judged judged = {.target = target, .config = config, .first = first};
	struct tally unused = {0};
	struct finding last;
	struct err err;

	printf("MISMATCH at operation %zu of %zu: %s\n", first->op, p->ops, first->text);
	if (no_shrink)
		return;
	if (first->op + 1 < p->ops)
		p->ops = first->op + 1;
	if (fails(&judged, p) != 1) {
		printf("# it does not recur when the program ends there; the whole of it:\n");
		program_print(p, stdout);
		return;
	}
	if (shrink(p, fails, &judged, SHRINK_TRIES) != 0)
		printf("# shrinking ended early\n");
	if (run_program(target, config, p, &unused, &last, &err) == 0 && last.kind != FIND_NONE)
		printf("# after shrinking, at operation %zu: %s\n", last.op, last.text);
	printf("# %zu operations; save them and run: oracle --target %s --variant %u --replay "
	       "FILE\n",
	       p->ops, target->name, config->variant);
	program_print(p, stdout);
}

static void print_tally(const struct target *target, const struct tally *t, unsigned mismatches)
{
	printf("%s: %" PRIu64 " operations compared in %" PRIu64 " programs (%" PRIu64
	       " left out as senseless), %u mismatches\n",
	       target->title, t->ops - t->skipped, t->programs, t->skipped, mismatches);
	printf("  %" PRIu64 " stores and %" PRIu64 " loads by devices, %" PRIu64
	       " register values\n",
	       t->stores, t->loads, t->registers);
	printf("  %" PRIu64 " accesses with one permitted outcome (%" PRIu64
	       " of them refused), %" PRIu64 " with a choice, alike in %" PRIu64 "\n",
	       t->pinned, t->blocked, t->choices, t->choices_alike);
	printf("  where QEMU departs from the document or has not got it:\n");
	for (const enum departure *d = target->departures; *d != DEPART_NONE; d++) {
		if (*d < DEPART_AVOIDED)
			printf("  %7" PRIu64 "  %s\n", t->departures[*d], departure_rows[*d].title);
		else
			printf("  avoided  %s\n", departure_rows[*d].title);
		printf("           %s\n", departure_rows[*d].reason);
	}
}

/* 0, 1 after a mismatch, 2. */
static int run_one(const struct target *target, const struct options *o, uint64_t n,
		   struct tally *tally)
{
	struct run_config config = o->config;
	struct program p = {0};
	struct finding finding;
	struct rng rng;
	struct err err;
	int ret;

	config.variant = o->variant >= 0 ? (unsigned)o->variant : (unsigned)(n % target->variants);
	rng_seed(&rng, o->seed + n);
	ret = target->generate(&p, &rng, config.variant, (unsigned)o->length);
	if (ret != 0) {
		fprintf(stderr, "oracle: no memory for a program\n");
		return 2;
	}
	ret = run_program(target, &config, &p, tally, &finding, &err);
	if (ret != 0) {
		fprintf(stderr, "oracle: --seed %" PRIu64 " --variant %u: %s\n", o->seed + n,
			config.variant, err.text);
		ret = 2;
	} else if (finding.kind != FIND_NONE) {
		printf("--target %s --seed %" PRIu64 " --variant %u --length %" PRIu64 "\n",
		       target->name, o->seed + n, config.variant, o->length);
		report(target, &config, &p, &finding, o->no_shrink);
		ret = 1;
	}
	program_free(&p);
	return ret;
}

/* Is our model of @target in this build? */
static bool modelled(const struct target *target)
{
	const struct iommu_ops *const *m = iommu_models;

	while (*m != NULL && strcmp((*m)->name, target->name) != 0)
		m++;
	return *m != NULL;
}

static int run_target(const struct target *target, const struct options *o)
{
	struct tally tally = {0};
	int ret = 0;

	if (!o->config.qemu_only && !modelled(target)) {
		printf("SKIP: there is no model \"%s\" in this build\n", target->name);
		return 0;
	}

	for (uint64_t n = 0; tally.ops < o->ops && ret == 0; n++)
		ret = run_one(target, o, n, &tally);
	if (ret != 2)
		print_tally(target, &tally, (unsigned)ret);
	return ret;
}

static int replay(const struct target *target, const struct options *o)
{
	struct run_config config = o->config;
	FILE *f = strcmp(o->replay, "-") == 0 ? stdin : fopen(o->replay, "r");
	struct program p = {0};
	struct tally tally = {0};
	struct finding finding = {0};
	struct err err;
	int ret;

	if (f == NULL) {
		fprintf(stderr, "oracle: %s: %s\n", o->replay, strerror(errno));
		return 2;
	}
	config.variant = o->variant >= 0 ? (unsigned)o->variant : 0;
	ret = program_parse(&p, f, o->replay, &err);
	if (f != stdin)
		fclose(f);
	if (ret == 0)
		ret = run_program(target, &config, &p, &tally, &finding, &err);
	program_free(&p);
	if (ret != 0) {
		fprintf(stderr, "oracle: %s\n", err.text);
		return 2;
	}
	if (finding.kind != FIND_NONE)
		printf("MISMATCH at operation %zu: %s\n", finding.op, finding.text);
	print_tally(target, &tally, finding.kind != FIND_NONE);
	return finding.kind != FIND_NONE;
}

static int number(const char *option, const char *text, uint64_t *to)
{
	char *end;

	errno = 0;
	*to = text != NULL && *text >= '0' && *text <= '9' ? strtoull(text, &end, 0) : 0;
	if (text == NULL || *text < '0' || *text > '9' || errno != 0 || *end != '\0') {
		fprintf(stderr, "oracle: %s: expected a number\n", option);
		return -EINVAL;
	}
	return 0;
}

static int parse(int argc, char **argv, struct options *o)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		const char *option = argv[i];
		uint64_t n = 0;
		int ret = 0;

		if (strcmp(option, "--qemu-only") == 0) {
			o->config.qemu_only = true;
			continue;
		}
		if (strcmp(option, "--no-shrink") == 0) {
			o->no_shrink = true;
			continue;
		}
		if (strcmp(option, "--ops") == 0)
			ret = number(option, value, &o->ops);
		else if (strcmp(option, "--seed") == 0)
			ret = number(option, value, &o->seed);
		else if (strcmp(option, "--length") == 0)
			ret = number(option, value, &o->length);
		else if (strcmp(option, "--variant") == 0)
			ret = number(option, value, &n);
		else if (value != NULL && strcmp(option, "--target") == 0)
			o->target = value;
		else if (value != NULL && strcmp(option, "--qemu") == 0)
			o->config.binary = value;
		else if (value != NULL && strcmp(option, "--replay") == 0)
			o->replay = value;
		else
			ret = -EINVAL;
		if (strcmp(option, "--variant") == 0)
			o->variant = n < 1000 ? (int)n : 1000;
		if (ret != 0) {
			fprintf(stderr,
				"oracle: %s: expected --target NAME, --ops N, --seed S, "
				"--length N, --qemu BINARY, --qemu-only, --no-shrink, --variant N, "
				"--replay "
				"FILE\n",
				option);
			return ret;
		}
		i++;
	}
	return 0;
}

/* 0 if QEMU is one that the departures were found with. */
static int check_version(const char *binary)
{
	char version[64];

	if (qtest_version(binary, version, sizeof(version)) != 0) {
		printf("SKIP: there is no %s\n", binary);
		return SKIP;
	}
	if (strncmp(version, "7.2.", 4) != 0) {
		printf("SKIP: %s is version %s; only the ways of 7.2 are known\n", binary, version);
		return SKIP;
	}
	printf("QEMU %s\n", version);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = {
		.config = {.binary = "qemu-system-x86_64"},
		.ops = 20000,
		.seed = 1,
		.length = 1000,
		.variant = -1,
	};
	bool known = false;
	int ret, worst = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (parse(argc, argv, &o) != 0)
		return 2;
	ret = check_version(o.config.binary);
	if (ret != 0)
		return ret;
	for (const struct target *const *t = targets; *t != NULL; t++) {
		if (o.target != NULL && strcmp(o.target, (*t)->name) != 0)
			continue;
		known = true;
		if (o.variant >= (int)(*t)->variants) {
			fprintf(stderr, "oracle: --variant %d: %s has 0 to %u\n", o.variant,
				(*t)->name, (*t)->variants - 1);
			return 2;
		}
		ret = o.replay != NULL ? replay(*t, &o) : run_target(*t, &o);
		if (ret > worst)
			worst = ret;
	}
	if (!known) {
		fprintf(stderr, "oracle: --target %s: there is no such target\n", o.target);
		return 2;
	}
	return worst;
}
