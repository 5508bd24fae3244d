/* SPDX-License-Identifier: MIT */
/*
 * The DMA layer under load: every strategy with every driver and allocator that it goes with, one,
 * two, four and eight threads that unmap what others have mapped, held against an oracle that knows
 * nothing of the library but its header. Without arguments a short run; see usage().
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stress.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MOST         1024u /* combinations of one strategy */

struct options {
	uint64_t operations; /* a strategy */
	uint64_t each;       /* a combination, if not 0 */
	uint64_t seed;
	unsigned every; /* of so many combinations one */
	const char *strategy, *driver, *allocator, *locks, *misuse;
	unsigned threads;
	bool hardware, tight;
};

static const char *const drivers[] = {"none", "calgary", "dart-u3",  "dart-u4",
				      "vtd",  "amdvi",   "callbacks"};
static const unsigned thread_counts[] = {1, 2, 4, 8};

static int usage(FILE *to)
{
	fprintf(to, "stress [--operations N] a strategy, shared out among its combinations\n"
		    "       [--each N]       a combination instead\n"
		    "       [--every N]      only one in so many combinations\n"
		    "       [--strategy S] [--driver D] [--allocator A] [--threads N]\n"
		    "       [--locks one|split] [--misuse on|off] only these\n"
		    "       [--seed N] [--tight] a table that gets full\n"
		    "       [--quiet-hardware] ask the hardware half only while no thread runs\n");
	return to == stderr ? 2 : 0;
}

static bool wanted(const char *only, const char *name)
{
	return !only || strcmp(only, name) == 0;
}

/* Does the library say that these go together? */
static bool goes(const struct combination *c)
{
	const struct iotoll_dma_callbacks none = {.ctx = NULL};
	const struct iotoll_dma_config config = {.driver = c->driver,
						 .strategy = c->strategy,
						 .allocator = c->allocator,
						 .split_locks = c->split,
						 .callbacks = &none};

	return iotoll_dma_config_check(&config, NULL, 0) == 0;
}

/* Strategies without a table, or with all of it, have no allocator: one will do. */
static bool allocates(const struct combination *c)
{
	struct combination without = *c;

	without.allocator = NULL;
	return !goes(&without);
}

static unsigned add_threads(const struct options *o, const struct combination *c,
			    struct combination *list, unsigned n)
{
	for (unsigned i = 0; i < COUNT(thread_counts) && n < MOST; i++) {
		struct combination one = *c;

		one.threads = thread_counts[i];
		/* Half of them without a book: the allocator's word is all there is then. */
		one.check_misuse = o->misuse ? strcmp(o->misuse, "on") == 0 : (n + i / 2) % 2;
		one.tight = o->tight || n % 3 == 2;
		one.seed = o->seed + n;
		if (!o->threads || o->threads == one.threads)
			list[n++] = one;
	}
	return n;
}

/* May its locks be split here? If not @why says so. */
static bool splits(const struct combination *c, char *why, size_t why_bytes)
{
	struct combination one = *c;
	struct tally ignored = {.operations = 0};

	one.threads = 1;
	one.operations = 0;
	return stress_run(&one, &ignored, why, why_bytes);
}

static unsigned add_locks(const struct options *o, struct combination c, struct combination *list,
			  unsigned n, char *why, size_t why_bytes)
{
	if (wanted(o->locks, "one") && goes(&c))
		n = add_threads(o, &c, list, n);
	c.split = true;
	/* Without a table there is no lock to split. */
	if (wanted(o->locks, "split") && allocates(&c) && goes(&c) && splits(&c, why, why_bytes))
		n = add_threads(o, &c, list, n);
	return n;
}

/*
 * All combinations of @strategy; returns how many. If some with split locks were left out @why says
 * why.
 */
static unsigned combine(const struct options *o, const char *strategy, struct combination *list,
			char *why, size_t why_bytes)
{
	const char *allocator;
	unsigned n = 0;

	for (unsigned d = 0; d < COUNT(drivers); d++) {
		for (unsigned a = 0; (allocator = iotoll_dma_allocator_name(a, NULL)); a++) {
			const struct combination c = {.strategy = strategy,
						      .driver = drivers[d],
						      .allocator = allocator,
						      .hardware = o->hardware};

			if (wanted(o->driver, c.driver) && wanted(o->allocator, allocator))
				n = add_locks(o, c, list, n, why, why_bytes);
			if (!o->allocator && !allocates(&c))
				break;
		}
	}
	return n;
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One in @every of the combinations, other ones with another seed. */
static unsigned thin_out(struct combination *list, unsigned n, unsigned every, uint64_t seed)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < n; i++)
		if ((i + seed) % every == 0)
			list[kept++] = list[i];
	return kept;
}

/* False if nothing was there to run. */
static bool run_strategy(const struct options *o, const char *strategy, struct tally *total)
{
	static struct combination list[MOST];
	const double from = seconds(CLOCK_PROCESS_CPUTIME_ID);
	struct tally sum = {.operations = 0};
	char split[200] = "", why[200] = "";
	unsigned n = combine(o, strategy, list, split, sizeof(split));

	n = thin_out(list, n, o->every, o->seed);
	for (unsigned i = 0; i < n; i++) {
		list[i].operations = o->each ? o->each : o->operations / n + 1;
		if (!stress_run(&list[i], &sum, why, sizeof(why))) {
			fprintf(stderr, "stress: %s, driver %s, allocator %s: %s\n", strategy,
				list[i].driver, list[i].allocator, why);
			return false;
		}
	}
	printf("%-18s %4u combinations %10llu operations %9llu maps %8llu failed %7llu buffers"
	       " %8llu compared %6.1f s%s%s\n",
	       strategy, n, (unsigned long long)sum.operations, (unsigned long long)sum.maps,
	       (unsigned long long)sum.failures, (unsigned long long)sum.buffers,
	       (unsigned long long)sum.checks, seconds(CLOCK_PROCESS_CPUTIME_ID) - from,
	       split[0] ? "; not run: " : "", split);
	(void)fflush(stdout);
	total->operations += sum.operations;
	return n != 0;
}

static int parse(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {{"operations", required_argument, NULL, 'o'},
					      {"each", required_argument, NULL, 'e'},
					      {"strategy", required_argument, NULL, 's'},
					      {"driver", required_argument, NULL, 'd'},
					      {"allocator", required_argument, NULL, 'a'},
					      {"threads", required_argument, NULL, 't'},
					      {"locks", required_argument, NULL, 'l'},
					      {"misuse", required_argument, NULL, 'm'},
					      {"seed", required_argument, NULL, 'r'},
					      {"help", no_argument, NULL, 'h'},
					      {"every", required_argument, NULL, 'n'},
					      {"tight", no_argument, NULL, 'f'},
					      {"quiet-hardware", no_argument, NULL, 'q'},
					      {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'o':
			o->operations = strtoull(optarg, NULL, 0);
			break;
		case 'e':
			o->each = strtoull(optarg, NULL, 0);
			break;
		case 's':
			o->strategy = optarg;
			break;
		case 'd':
			o->driver = optarg;
			break;
		case 'a':
			o->allocator = optarg;
			break;
		case 't':
			o->threads = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case 'l':
			o->locks = optarg;
			break;
		case 'm':
			o->misuse = optarg;
			break;
		case 'r':
			o->seed = strtoull(optarg, NULL, 0);
			break;
		case 'h':
			exit(usage(stdout));
		case 'n':
			o->every = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case 'f':
			o->tight = true;
			break;
		case 'q':
			o->hardware = false;
			break;
		default:
			return -1;
		}
	}
	return optind == argc && o->every ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct options o = {.operations = 60000, .every = 1, .seed = 1, .hardware = true};
	const double from = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	struct tally total = {.operations = 0};
	const char *strategy;
	unsigned strategies = 0;

	if (parse(&o, argc, argv))
		return usage(stderr);
	for (unsigned i = 0; (strategy = iotoll_dma_strategy_name(i, NULL)) != NULL; i++) {
		if (!wanted(o.strategy, strategy))
			continue;
		strategies++;
		if (!run_strategy(&o, strategy, &total)) {
			fprintf(stderr, "stress: strategy %s: nothing ran\n", strategy);
			return 1;
		}
	}
	if (!strategies || !total.operations) {
		fprintf(stderr, "stress: nothing to run\n");
		return 2;
	}
	printf("%u strategies, %llu operations, %.1f s of CPU time in %.1f s; seed %llu\n",
	       strategies, (unsigned long long)total.operations,
	       seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, seconds(CLOCK_MONOTONIC) - from,
	       (unsigned long long)o.seed);
	return 0;
}
