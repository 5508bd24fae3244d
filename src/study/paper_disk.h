/* SPDX-License-Identifier: MIT */
/* The part of the study "paper" that has files and a disk. */
#ifndef IOTOLL_STUDY_PAPER_DISK_H
#define IOTOLL_STUDY_PAPER_DISK_H

#include "study/paper_claims.h"

/* Declare the points; failures as study_add()'s. */
void paper_disk_points(struct paper *p);
/* A new reference. */
json_t *paper_disk_table(const struct paper *p);
/* The judge of S5. */
void paper_judge_ffsb(const struct paper *p, struct claim_result *r);
/* The share of FFSB's map and unmap requests for a single entry, in percent: least and greatest. */
void paper_disk_single(const struct paper *p, double *least, double *greatest);

#endif
