/* SPDX-License-Identifier: MIT */
/* What the files of the study "evidence" share. */
#ifndef IOTOLL_STUDY_EVIDENCE_IMPL_H
#define IOTOLL_STUDY_EVIDENCE_IMPL_H

#include "study/evidence.h"

/*
 * How the estimated numbers of a machine are taken, and with which seed. NULL-terminated; the first
 * one is judged.
 */
struct evidence_end {
	const char *tail; /* of point names */
	const char *name; /* in the document */
	const char *estimates;
	unsigned seed; /* added to the study's */
};
extern const struct evidence_end evidence_ends[];

/* Is prediction @p one of those that @e is about? */
bool evidence_wants(const struct evidence *e, const struct prediction *p);
/* The run that figures call @id, of any group; NULL if there is none. */
const struct evidence_run *evidence_run_find(const char *id);
/* The setting or option at *@text, which moves behind it; false at the end. */
bool evidence_word(const char **text, char *word, size_t bytes);

extern const struct prediction evidence_cycles[], evidence_addresses[], evidence_locks[],
	evidence_copies[], evidence_walks[], evidence_windows[], evidence_guests[],
	evidence_designs[];
extern const struct evidence_run evidence_cycles_runs[], evidence_addresses_runs[],
	evidence_locks_runs[], evidence_copies_runs[], evidence_walks_runs[],
	evidence_windows_runs[], evidence_guests_runs[], evidence_designs_runs[];

#endif
