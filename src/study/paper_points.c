/* SPDX-License-Identifier: MIT */
/* Which runs the study "paper" consists of. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim/profile.h"
#include "study/paper_disk.h"
#include "study/paper_generations.h"
#include "study/paper_proposals.h"
#include "study/paper_xen.h"
#include "study/paths.h"

/*
 * Long enough for thousands of interrupts, short against a lap of the full table, which takes
 * seconds; the run "lap" below is the one that is long enough for a roll-around.
 */
#define DURATION "run.duration=120 ms"
#define WARMUP   "run.warmup=30 ms"

const unsigned paper_size[PAPER_SIZES] = {16,   32,   64,   128,   256,   512,  1024,
					  2048, 4096, 8192, 16384, 32768, 65536};
const unsigned paper_variant_size[PAPER_VARIANT_SIZES] = {64, 512, 1024, 4096, 16384, 65536};

const struct paper_variant paper_variants[] = {
	{"send", "machine under test sends", "load.name=tcp_maerts"},
	{"nodelay", "without Nagle's algorithm", "load.nodelay=on"},
	{"small-recv", "receive calls as small as sends", "load.recv_bytes="},
	{"one-cpu", "interrupts and netserver on one CPU", "sut.app_cpu=0"},
	{"timer-first", "coalescing timer runs from the first frame", "nic.rx_tick_restart=off"},
	{NULL, NULL, NULL},
};

const struct paper_end paper_ends[] = {
	{"", "default", 0, "default"},
	{"/seed2", "another seed", 1, "default"},
	{"/seed3", "a third seed", 2, "default"},
	{"/low", "estimates low", 0, "low"},
	{"/high", "estimates high", 0, "high"},
	{"/dear", "protection dear, the rest cheap", 0, "dear-protection"},
	{"/cheap", "protection cheap, the rest dear", 0, "cheap-protection"},
	{NULL, NULL, 0, NULL},
};

const char *const paper_invalidate[] = {"0 us",   "0.5 us", "1 us",    "1.7 us", "2.1 us",
					"2.5 us", "3 us",   "5 us",    "8 us",   "12 us",
					"20 us",  "30 us",  "46.7 us", NULL};
const unsigned paper_streams[] = {1, 2, 4, 8, 0};

const char *paper_id(char buffer[96], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buffer, 96, fmt, ap);
	va_end(ap);
	return buffer;
}

const struct paper_dart_way paper_dart_ways[] = {
	{"u4", "U4, as Linux: a page as it is mapped", "iommu.model=dart-u4", NULL, NULL},
	{"u4-strict", "U4, also as it is unmapped", "iommu.model=dart-u4", "dma.strategy=strict",
	 NULL},
	{"u4-invalid", "U4, as Linux, unused entries invalid", "iommu.model=dart-u4",
	 "iommu.unused=invalid", NULL},
	{"u4-cached", "U4, as Linux later: table cached", "iommu.model=dart-u4",
	 "iommu.table_memory=cached", NULL},
	{"u3", "U3, as Linux: everything after every map", "iommu.model=dart-u3", NULL, NULL},
	{"u3-strict", "U3, also after every unmap", "iommu.model=dart-u3", "dma.strategy=strict",
	 NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

#define MAX_SETS 12

/* Add a point of message size @size with up to three more settings (NULL: none). */
static void add(struct paper *p, const char *id, unsigned size, const char *iommu, const char *a,
		const char *b, const char *c)
{
	char message[48], seed[48];
	const char *sets[MAX_SETS] = {DURATION, WARMUP, seed, message, iommu};
	size_t n = 5;

	snprintf(message, sizeof(message), "load.message_bytes=%u", size);
	snprintf(seed, sizeof(seed), "run.seed=%llu", (unsigned long long)p->seed);
	if (a)
		sets[n++] = a;
	if (b)
		sets[n++] = b;
	if (c)
		sets[n++] = c;
	study_add(&p->study, id, "bare-metal", sets);
}

#define OFF  "iommu.model=none"
#define ON   "iommu.model=calgary"
#define DART "iommu.model=dart-u4"
#define JS21 "sut.profile=js21-2007"

/* The same point with the IOMMU off and on. */
static void add_pair(struct paper *p, const char *stem, unsigned size, const char *tail,
		     const char *a, const char *b, const char *c)
{
	char id[96];

	add(p, paper_id(id, "%sm%u/off%s", stem, size, tail), size, OFF, a, b, c);
	add(p, paper_id(id, "%sm%u/on%s", stem, size, tail), size, ON, a, b, c);
}

void paper_add_on(struct paper *p, unsigned size, const char *tail, const char *a, const char *b)
{
	char id[96];

	add(p, paper_id(id, "m%u/on%s", size, tail), size, ON, a, b, NULL);
}

static void add_headline(struct paper *p)
{
	char seed[48], sut[64], client[64];

	for (const struct paper_end *e = paper_ends; e->title; e++) {
		snprintf(seed, sizeof(seed), "run.seed=%llu",
			 (unsigned long long)(p->seed + e->seed));
		snprintf(sut, sizeof(sut), "sut.estimates=%s", e->estimates);
		snprintf(client, sizeof(client), "client.estimates=%s", e->estimates);
		for (int i = 0; i < PAPER_SIZES; i++)
			add_pair(p, "", paper_size[i], e->tail, seed, sut, client);
	}
}

/* The same on the machine with DART. */
static void add_dart(struct paper *p)
{
	char id[96], seed[48], sut[64], client[64], message[48];
	const char *sets[MAX_SETS] = {DURATION, WARMUP, JS21, seed, sut, client, message};

	for (const struct paper_end *e = paper_ends; e->title; e++) {
		snprintf(seed, sizeof(seed), "run.seed=%llu",
			 (unsigned long long)(p->seed + e->seed));
		snprintf(sut, sizeof(sut), "sut.estimates=%s", e->estimates);
		snprintf(client, sizeof(client), "client.estimates=%s", e->estimates);
		for (int i = 0; i < PAPER_SIZES; i++) {
			const unsigned size = paper_size[i];

			snprintf(message, sizeof(message), "load.message_bytes=%u", size);
			sets[7] = OFF;
			study_add(&p->study, paper_id(id, "dart/m%u/off%s", size, e->tail),
				  "bare-metal", sets);
			sets[7] = DART;
			study_add(&p->study, paper_id(id, "dart/m%u/on%s", size, e->tail),
				  "bare-metal", sets);
		}
	}
	for (const struct paper_dart_way *w = paper_dart_ways; w->id; w++)
		add(p, paper_id(id, "dart/%s", w->id), PAPER_REFERENCE, w->model, JS21, w->a, w->b);
}

static void add_variants(struct paper *p)
{
	char stem[64], set[80];

	for (const struct paper_variant *v = paper_variants; v->id; v++) {
		snprintf(stem, sizeof(stem), "%s/", v->id);
		for (int i = 0; i < PAPER_VARIANT_SIZES; i++) {
			snprintf(set, sizeof(set), "%s", v->set);
			if (set[strlen(set) - 1] == '=')
				snprintf(set, sizeof(set), "%s%u", v->set, paper_variant_size[i]);
			add_pair(p, stem, paper_variant_size[i], "", set, NULL, NULL);
		}
	}
}

static void add_ablations(struct paper *p)
{
	char id[96];

	for (int i = 0; i < PAPER_VARIANT_SIZES; i++) {
		const unsigned size = paper_variant_size[i];

		add(p, paper_id(id, "m%u/on/free-translation", size), size, ON,
		    "sut.iommu.walk_read=0 ns", "sut.iommu.iotlb_hit=0 ns", NULL);
		add(p, paper_id(id, "m%u/on/free-software", size), size, ON,
		    "ablation.dma_software=free", NULL, NULL);
		add(p, paper_id(id, "m%u/strict", size), size, ON, "dma.strategy=strict", NULL,
		    NULL);
	}
}

static void add_flushes(struct paper *p)
{
	char id[96], set[64];

	for (const char *const *t = paper_invalidate; *t; t++) {
		snprintf(set, sizeof(set), "sut.iommu.invalidate=%s", *t);
		add(p, paper_id(id, "strict/%s", *t), PAPER_REFERENCE, ON, "dma.strategy=strict",
		    set, NULL);
	}
	add(p, "strict/system", PAPER_REFERENCE, ON, "dma.strategy=strict", "iommu.quiesce=system",
	    NULL);
	/* Long enough for the whole table to go round. */
	add(p, "lap", PAPER_REFERENCE, ON, "run.duration=10 s", NULL, NULL);
}

static void add_streams(struct paper *p)
{
	char stem[64], set[64];

	for (const unsigned *n = paper_streams; *n; n++) {
		snprintf(stem, sizeof(stem), "streams%u/", *n);
		snprintf(set, sizeof(set), "load.streams=%u", *n);
		add_pair(p, stem, PAPER_REFERENCE, "", set, "sut.app_cpu=0", NULL);
		snprintf(stem, sizeof(stem), "send-streams%u/", *n);
		add_pair(p, stem, PAPER_REFERENCE, "", set, "sut.app_cpu=0",
			 "load.name=tcp_maerts");
	}
}

/* "108..155 ns" into "108 ns" and "155 ns". */
static void split_range(const char *range, struct paper_estimate *e)
{
	const char *dots = strstr(range, ".."), *blank = strrchr(range, ' ');

	snprintf(e->low, sizeof(e->low), "%.*s%s", dots ? (int)(dots - range) : 0, range,
		 blank ? blank : "");
	snprintf(e->high, sizeof(e->high), "%s", dots ? dots + 2 : range);
}

bool paper_on_metal(const struct paper_estimate *e)
{
	return strncmp(e->key, "xen.", 4) != 0 && strncmp(e->key, "disk.", 5) != 0;
}

static int take_estimate(void *ctx, const struct profile_row *row)
{
	struct paper *p = ctx;
	struct paper_estimate *grown;

	/* The machine's build is not a cost: its clock and caches are varied by other means. */
	if (!row->range[0] || !strncmp(row->key, "machine.", 8))
		return 0;
	grown = realloc(p->estimate, (p->estimates + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->estimate = grown;
	snprintf(grown[p->estimates].key, sizeof(grown->key), "%s", row->key);
	split_range(row->range, &grown[p->estimates++]);
	return 0;
}

/* Each estimate alone, at either end of its range, the others at their defaults. */
static int add_sensitivity(struct paper *p, struct err *err)
{
	char path[PATH_MAX], stem[96], set[160];
	int rc = paths_find("profiles", "x460-2007", ".ini", path, sizeof(path), err);

	if (!rc)
		rc = profile_rows(path, take_estimate, p, err);
	for (size_t i = 0; i < p->estimates && !rc; i++) {
		const struct paper_estimate *e = &p->estimate[i];

		if (!paper_on_metal(e))
			continue;
		for (int high = 0; high < 2; high++) {
			snprintf(stem, sizeof(stem), "%s/%s/", e->key, high ? "high" : "low");
			snprintf(set, sizeof(set), "sut.%s=%s", e->key, high ? e->high : e->low);
			add_pair(p, stem, PAPER_REFERENCE, "", set, NULL, NULL);
		}
	}
	return rc;
}

int paper_init(struct paper *p, uint64_t seed, struct err *err)
{
	int rc;

	*p = (struct paper){.seed = seed};
	study_init(&p->study, "paper");
	add_headline(p);
	add_dart(p);
	add_variants(p);
	add_ablations(p);
	add_flushes(p);
	add_streams(p);
	rc = add_sensitivity(p, err);
	if (!rc) {
		paper_xen_points(p);
		paper_disk_points(p);
		paper_proposals_points(p);
		rc = paper_generations_points(p, err);
	}
	if (!rc && p->study.error)
		rc = err_set(err, p->study.error, "%s", p->study.why.text);
	if (rc)
		paper_fini(p);
	return rc;
}

void paper_fini(struct paper *p)
{
	paper_generations_fini(p);
	study_fini(&p->study);
	free(p->estimate);
	*p = (struct paper){0};
}
