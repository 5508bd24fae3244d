/* SPDX-License-Identifier: MIT */
/*
 * The part of the study "paper" that runs under a hypervisor: netserver in dom0 and in a domU, in
 * every way that the paper leaves open. Points: paper_xen_points.c; what is shown: paper_xen.c and
 * paper_xen_tables.c; claims: paper_dom0.c, paper_causes.c and
 * paper_domu.c.
 */
#ifndef IOTOLL_STUDY_PAPER_XEN_H
#define IOTOLL_STUDY_PAPER_XEN_H

#include "study/paper_claims.h"

/* The message sizes at which every way and place runs. */
#define PAPER_XEN_SIZES 7
extern const unsigned paper_xen_size[PAPER_XEN_SIZES];

/* Who sends, and by which calls. NULL-terminated; the first is the study's default. */
struct paper_way {
	const char *id, *title;
	const char *set[2]; /* one that ends in "=" takes the message size */
	bool everywhere;    /* run at every place, not just the first ones */
};
extern const struct paper_way paper_ways[];

/* Where it runs. */
struct paper_place {
	const char *id, *title; /* NULL ends the list, whose first is the study's default */
	const char *set[3];
	bool every_way;
};

enum { PAPER_DOM0, PAPER_DOMU, PAPER_DOMAINS };

struct paper_domain {
	const char *id;               /* also the scenario's name */
	const char *name;             /* for people */
	const char *throughput, *cpu; /* ids of its figures */
	const char *throughput_title, *cpu_title;
	const struct paper_place *place;
	/* The lines of its figures: run at every size and every end of the estimates. */
	struct paper_line {
		const char *place, *way, *title; /* title: NULL ends the list */
	} line[3];
};
extern const struct paper_domain paper_domains[PAPER_DOMAINS];

/* Beginning of the names of a domain's points: paper_xen_stem(buf, "dom0", "1", "send") is
 * "dom0/1/send/". */
const char *paper_xen_stem(char buffer[96], const char *domain, const char *place, const char *way);
/* Does the study run @way at @place? */
bool paper_xen_runs(const struct paper_place *place, const struct paper_way *way);

/* Declare the points; failures as study_add()'s. */
void paper_xen_points(struct paper *p);

/* Which point with the IOMMU on: place and way by their ids. */
struct paper_spot {
	int domain; /* PAPER_DOM0, PAPER_DOMU */
	const char *place, *way;
	const struct paper_end *end; /* NULL: the default */
	const char *extra[3];        /* more settings; NULL: none */
};
/* Declare it for messages of @size bytes as "<stem>m<size>/on<tail>". */
void paper_xen_add(struct paper *p, const struct paper_spot *spot, unsigned size, const char *tail);

/*
 * A number's change from "<stem>m<size>/off<tail>" to "on", in percent, at each of paper_size[];
 * NaN where that did not run or moved no data.
 */
void paper_xen_changes(const struct paper *p, const char *stem, const char *tail, const char *path,
		       double out[PAPER_SIZES]);
/* The greatest (least, if @sign is -1) of @change at sizes from @from to below @below; NaN if none.
 */
double paper_xen_extreme(const double change[PAPER_SIZES], unsigned from, unsigned below, int sign);
double paper_xen_median(const double change[PAPER_SIZES], unsigned from, unsigned below);

/* A place and a way; the first are the study's default. */
struct paper_setting {
	const struct paper_place *place;
	const struct paper_way *way;
};

/*
 * The setting of @d for which @score is largest; of equals the first. @score judges the points of a
 * stem and a tail.
 */
struct paper_setting paper_xen_closest(const struct paper *p, const struct paper_domain *d,
				       unsigned (*score)(const struct paper *p, const char *stem,
							 const char *tail));
/* At how many of the ways the headline was run (*@of: that exist) @test of @which passes. */
unsigned paper_xen_ends(const struct paper *p, const char *stem,
			bool (*test)(const struct paper *p, const char *stem, const char *tail,
				     int which),
			int which, unsigned *of);

/* How the claims about one domain are judged. */
struct paper_judge {
	const struct paper_domain *domain;
	/* As for paper_xen_closest(): how many of the claims come out. */
	unsigned (*score)(const struct paper *p, const char *stem, const char *tail);
	bool (*test)(const struct paper *p, const char *stem, const char *tail, int which);
	/* Say what the default points of @stem show for @which; false if nothing is there. */
	bool (*say)(const struct paper *p, const char *stem, int which, struct claim_result *r);
};

/*
 * Judge claim @which where most of the domain's come out, which its rule says, and tell what the
 * study's default gives and at how many ends of the estimates each stands.
 */
void paper_xen_judge(const struct paper *p, const struct paper_judge *j, int which,
		     struct claim_result *r);

/* paper_causes.c: the judges of S10 and S17. */
void paper_judge_twice(const struct paper *p, struct claim_result *r);
void paper_judge_crossing(const struct paper *p, struct claim_result *r);

/* Appended to what the study shows. */
void paper_xen_figures(const struct paper *p, json_t *figures);
void paper_xen_tables(const struct paper *p, json_t *tables);
/* Rows of the settings of either. */
json_t *paper_dom0_table(const struct paper *p);
json_t *paper_domu_table(const struct paper *p);

/* End with a row whose id is NULL. */
extern const struct claim paper_dom0_claims[];
extern const struct claim paper_domu_claims[];

#endif
