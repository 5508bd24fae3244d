/* SPDX-License-Identifier: MIT */
/* Which runs under a hypervisor the study "paper" consists of. */
#include <string.h>

#include "study/paper_xen.h"

#define DURATION "run.duration=120 ms"
#define WARMUP   "run.warmup=30 ms"
/* Memory that nobody touches costs no virtual time, but that of whoever waits for the study. */
#define MEMORY0 "platform.dom0_memory=32 MiB"
#define MEMORYU "platform.domu_memory=32 MiB"

#define OFF "iommu.model=none"
#define ON  "iommu.model=calgary"

const unsigned paper_xen_size[PAPER_XEN_SIZES] = {64, 256, 512, 1024, 4096, 16384, 65536};

const struct paper_way paper_ways[] = {
	{"receive", "receives", {NULL, NULL}, true},
	{"receive-small",
	 "receives, in calls as small as sends",
	 {"load.recv_bytes=", NULL},
	 false},
	{"receive-nodelay", "receives, no Nagle", {"load.nodelay=on", NULL}, false},
	{"receive-nodelay-small",
	 "receives, no Nagle, in calls as small as sends",
	 {"load.nodelay=on", "load.recv_bytes="},
	 false},
	{"send", "sends", {"load.name=tcp_maerts", NULL}, false},
	{"send-nodelay", "sends, no Nagle", {"load.name=tcp_maerts", "load.nodelay=on"}, true},
	{NULL, NULL, {NULL, NULL}, false},
};

static const struct paper_place dom0_places[] = {
	{"1", "1 vCPU", {NULL, NULL, NULL}, true},
	{"2",
	 "2 vCPUs, load and interrupts apart",
	 {"platform.dom0_vcpus=2", "sut.app_cpu=1", NULL},
	 true},
	{"2-same",
	 "2 vCPUs, load and interrupts on one",
	 {"platform.dom0_vcpus=2", NULL, NULL},
	 false},
	{"4",
	 "4 vCPUs, load and interrupts apart",
	 {"platform.dom0_vcpus=4", "sut.app_cpu=1", NULL},
	 false},
	{NULL, NULL, {NULL, NULL, NULL}, false},
};

static const struct paper_place domu_places[] = {
	{"flip", "pages flipped, a CPU for each domain", {NULL, NULL, NULL}, true},
	{"copy",
	 "frames copied, a CPU for each domain",
	 {"platform.receive=copy", NULL, NULL},
	 true},
	{"flip-shared",
	 "pages flipped, one CPU for both",
	 {"platform.scheduler=credit", "platform.cpus=1", NULL},
	 false},
	{"copy-shared",
	 "frames copied, one CPU for both",
	 {"platform.receive=copy", "platform.scheduler=credit", "platform.cpus=1"},
	 false},
	{NULL, NULL, {NULL, NULL, NULL}, false},
};

const struct paper_domain paper_domains[PAPER_DOMAINS] = {
	{"dom0",
	 "dom0",
	 "4",
	 "5",
	 "dom0: throughput",
	 "dom0: CPU utilisation",
	 dom0_places,
	 {{"1", "receive", "receives, "},
	  {"1", "send-nodelay", "sends without Nagle, "},
	  {NULL, NULL, NULL}}},
	{"domu",
	 "domU",
	 "6",
	 "7",
	 "domU: throughput",
	 "domU: CPU utilisation",
	 domu_places,
	 {{"flip", "receive", "pages flipped, "},
	  {"copy", "receive", "frames copied, "},
	  {NULL, NULL, NULL}}},
};

const char *paper_xen_stem(char buffer[96], const char *domain, const char *place, const char *way)
{
	return paper_id(buffer, "%s/%s/%s/", domain, place, way);
}

bool paper_xen_runs(const struct paper_place *place, const struct paper_way *way)
{
	return place->every_way || way->everywhere;
}

/* ---- one point ---- */

#define MAX_SETS 20

/* Settings of a point under construction; texts of its own where they hold numbers. */
struct sets {
	const char *set[MAX_SETS + 1];
	size_t n;
	char text[6][80];
	size_t texts;
};

static void set(struct sets *s, const char *assignment)
{
	if (assignment && s->n < MAX_SETS)
		s->set[s->n++] = assignment;
}

static void set_number(struct sets *s, const char *key, unsigned long long value)
{
	char *text = s->text[s->texts++];

	snprintf(text, sizeof(s->text[0]), "%s%llu", key, value);
	set(s, text);
}

static void set_text(struct sets *s, const char *key, const char *value)
{
	char *text = s->text[s->texts++];

	snprintf(text, sizeof(s->text[0]), "%s%s", key, value);
	set(s, text);
}

static void set_way(struct sets *s, const struct paper_way *way, unsigned size)
{
	for (int i = 0; i < 2 && way->set[i]; i++) {
		if (way->set[i][strlen(way->set[i]) - 1] == '=')
			set_number(s, way->set[i], size);
		else
			set(s, way->set[i]);
	}
}

/* What distinguishes a point from the others of its domain. */
struct spot {
	const struct paper_domain *domain;
	const struct paper_place *place;
	const struct paper_way *way;
	const struct paper_end *end;
	const char *extra[3]; /* more settings */
};

static void add(struct paper *p, const struct spot *at, const char *id, unsigned size,
		const char *iommu)
{
	struct sets s = {.n = 0};

	set(&s, DURATION);
	set(&s, WARMUP);
	set(&s, MEMORY0);
	set(&s, at->domain == &paper_domains[PAPER_DOMU] ? MEMORYU : NULL);
	set_number(&s, "run.seed=", p->seed + at->end->seed);
	set_number(&s, "load.message_bytes=", size);
	set_text(&s, "sut.estimates=", at->end->estimates);
	set_text(&s, "client.estimates=", at->end->estimates);
	set(&s, iommu);
	set_way(&s, at->way, size);
	for (int i = 0; i < 3; i++)
		set(&s, at->place->set[i]);
	for (int i = 0; i < 3; i++)
		set(&s, at->extra[i]);
	study_add(&p->study, id, at->domain->id, s.set);
}

static void add_pair(struct paper *p, const struct spot *at, unsigned size, const char *tail)
{
	char stem[96], id[96];

	paper_xen_stem(stem, at->domain->id, at->place->id, at->way->id);
	add(p, at, paper_id(id, "%.60sm%u/off%s", stem, size, tail), size, OFF);
	add(p, at, paper_id(id, "%.60sm%u/on%s", stem, size, tail), size, ON);
}

static void add_sizes(struct paper *p, const struct spot *at, const char *tail)
{
	for (int i = 0; i < PAPER_XEN_SIZES; i++)
		add_pair(p, at, paper_xen_size[i], tail);
}

/* ---- figures 4 to 7 ---- */

static const struct paper_place *find_place(const struct paper_domain *d, const char *id)
{
	const struct paper_place *place = d->place;

	while (strcmp(place->id, id) != 0)
		place++;
	return place;
}

static const struct paper_way *find_way(const char *id)
{
	const struct paper_way *way = paper_ways;

	while (strcmp(way->id, id) != 0)
		way++;
	return way;
}

void paper_xen_add(struct paper *p, const struct paper_spot *spot, unsigned size, const char *tail)
{
	const struct paper_domain *d = &paper_domains[spot->domain];
	struct spot at = {.domain = d,
			  .place = find_place(d, spot->place),
			  .way = find_way(spot->way),
			  .end = spot->end ? spot->end : paper_ends};
	char stem[96], id[96];

	memcpy(at.extra, spot->extra, sizeof(at.extra));
	paper_xen_stem(stem, d->id, spot->place, spot->way);
	add(p, &at, paper_id(id, "%.60sm%u/on%s", stem, size, tail), size, ON);
}

static void add_lines(struct paper *p, const struct paper_domain *d)
{
	for (const struct paper_line *l = d->line; l->title; l++) {
		struct spot at = {.domain = d,
				  .place = find_place(d, l->place),
				  .way = find_way(l->way),
				  .end = paper_ends};

		/* Other seeds move bare metal by nothing that shows: the ends of the estimates. */
		for (; at.end->title; at.end++)
			for (int i = 0; i < PAPER_SIZES && !at.end->seed; i++)
				add_pair(p, &at, paper_size[i], at.end->tail);
	}
}

/* ---- what the paper leaves open ---- */

static void add_ways(struct paper *p, const struct paper_domain *d)
{
	for (const struct paper_place *place = d->place; place->id; place++) {
		for (const struct paper_way *way = paper_ways; way->id; way++) {
			const struct spot at = {
				.domain = d, .place = place, .way = way, .end = paper_ends};

			if (paper_xen_runs(place, way))
				add_sizes(p, &at, "");
		}
	}
}

/* ---- ablations ---- */

static void add_ablations(struct paper *p)
{
	const struct paper_domain *d = &paper_domains[PAPER_DOM0];
	struct spot at = {.domain = d, .place = d->place, .way = paper_ways, .end = paper_ends};
	char id[96];

	/* Crossings for nothing, as many vCPUs as bare metal's two placements use CPUs. */
	at.extra[0] = "sut.xen.hypercall=0 ns";
	at.extra[1] = "sut.xen.multicall_entry=0 ns";
	add_sizes(p, &at, "/free-crossing");
	at.place = find_place(d, "2");
	add_sizes(p, &at, "/free-crossing");
	/* Table entries in lists; a list ends with the call of the DMA API that made it. */
	at = (struct spot){.domain = d, .place = d->place, .way = paper_ways, .end = paper_ends};
	for (int i = 0; i < PAPER_XEN_SIZES; i++) {
		const unsigned m = paper_xen_size[i];

		at.extra[0] = "platform.multicall=on";
		at.extra[1] = NULL;
		add(p, &at, paper_id(id, "dom0/1/receive/m%u/on/multicall", m), m, ON);
		at.extra[1] = "dma.strategy=strict";
		add(p, &at, paper_id(id, "dom0/1/receive/m%u/on/strict-multicall", m), m, ON);
		at.extra[0] = NULL;
		add(p, &at, paper_id(id, "dom0/1/receive/m%u/on/strict", m), m, ON);
	}
	/* Twice the clock, where a second vCPU cannot help a single sender. */
	at = (struct spot){.domain = d,
			   .place = d->place,
			   .way = find_way("send-nodelay"),
			   .end = paper_ends,
			   .extra = {"sut.machine.clock=6 GHz", NULL, NULL}};
	add_sizes(p, &at, "/twice-clock");
}

/* Each estimate of the hypervisor's costs alone, at either end of its range. */
static void add_sensitivity(struct paper *p)
{
	char tail[96], setting[160];

	for (size_t i = 0; i < p->estimates; i++) {
		const struct paper_estimate *e = &p->estimate[i];

		if (strncmp(e->key, "xen.", 4) != 0)
			continue;
		for (int high = 0; high < 2; high++) {
			snprintf(setting, sizeof(setting), "sut.%s=%s", e->key,
				 high ? e->high : e->low);
			snprintf(tail, sizeof(tail), "/%s/%s", e->key, high ? "high" : "low");
			for (int k = 0; k < PAPER_DOMAINS; k++) {
				const struct paper_domain *d = &paper_domains[k];
				const struct spot at = {.domain = d,
							.place = d->place,
							.way = paper_ways,
							.end = paper_ends,
							.extra = {setting, NULL, NULL}};

				add_pair(p, &at, PAPER_REFERENCE, tail);
			}
		}
	}
}

void paper_xen_points(struct paper *p)
{
	for (int k = 0; k < PAPER_DOMAINS; k++) {
		add_lines(p, &paper_domains[k]);
		add_ways(p, &paper_domains[k]);
	}
	add_ablations(p);
	add_sensitivity(p);
}
