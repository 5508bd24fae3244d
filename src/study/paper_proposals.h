/* SPDX-License-Identifier: MIT */
/*
 * The part of the study "paper" about section 4 of the paper: what it proposes against the price,
 * and did not measure. Points: paper_proposals_points.c; claims S28, S32, S36 and S37 from
 * runs: paper_proposals.c; by experiments S29 to S31: paper_proposals_reach.c, and S33 to S35:
 * paper_proposals_cost.c.
 */
#ifndef IOTOLL_STUDY_PAPER_PROPOSALS_H
#define IOTOLL_STUDY_PAPER_PROPOSALS_H

#include "study/paper_claims.h"

/* What section 4.3 lists, in its order; runs in dom0. NULL-terminated. */
struct paper_proposal {
	const char *id;    /* also the tail of its points: "dom0/1/receive/m64/on/never-free" */
	const char *title; /* "a table made in advance" */
	const char *set;
};
extern const struct paper_proposal paper_proposals[];

/* Strategies that keep entries for later requests, from none kept to all. NULL-terminated. */
struct paper_cache {
	const char *tail;   /* of points at the reference size; "": as the study has them anyway */
	const char *set[2]; /* NULL: none */
};
extern const struct paper_cache paper_caches[];

/* Declare the points; failures as study_add()'s. */
void paper_proposals_points(struct paper *p);

/* End with a row whose id is NULL. */
extern const struct claim paper_proposals_claims[];
extern const struct mechanism_claim paper_reach_claims[];
extern const struct mechanism_claim paper_cost_claims[];

#endif
