/* SPDX-License-Identifier: MIT */
/*
 * The study "evidence": what others measured on other machines, as predictions for this
 * laboratory. None of their figures went into its making, except where a row says so; profiles
 * have the costs of single events, and the shapes have to follow from the mechanism.
 *
 * A prediction is a row: what is claimed, who printed it, which figures of which runs are held
 * against it, and the rule by which it holds. Rows are in evidence_*.c, a file a subject, rules in
 * evidence_rules.c, figures in evidence_metrics.c. Everything is run five times, with the
 * estimated numbers of the profiles at their values and at both ends of their ranges, and with two
 * other seeds; the verdict is that of the first.
 */
#ifndef IOTOLL_STUDY_EVIDENCE_H
#define IOTOLL_STUDY_EVIDENCE_H

#include "study/study.h"

/* A figure that the source does not print as a number. */
#define UNPRINTED (-1.0)

#define EVIDENCE_FIGURES 20 /* of a row, at the most */

/* A run, named by figures; several rows may use one. */
struct evidence_run {
	const char *id;       /* NULL ends a table */
	const char *scenario; /* a ready one */
	const char *sets;     /* settings, blanks between them */
	const char *lab;      /* NULL: iotoll run; else options of iotoll iotlb, blanks between */
};

/* How a figure is made of a result: the sum of @over over the sum of @under, times @scale. */
struct evidence_metric {
	const char *name; /* NULL ends the table */
	const char *unit;
	const char *over[3], *under[3]; /* fields; no under: nothing to divide by */
	double scale;
};

struct evidence_figure {
	const char *what;
	const char *run;
	const char *metric;
	const char *by;   /* NULL, or the run whose same metric it is divided by */
	double published; /* or UNPRINTED */
	bool aside;       /* not judged: for the explanation. Behind those that are */
};

/* What kind of text the published figure was taken from. */
enum evidence_grade {
	GRADE_TEXT,     /* the text or a table of the paper */
	GRADE_DRAWN,    /* read off its figure by eye, 10 % or worse */
	GRADE_ABSTRACT, /* only the abstract could be read */
	GRADE_MAIL,     /* a kernel commit or mail, measured informally */
	GRADE_CITED,    /* as another paper quotes it */
};

struct prediction;
/* Does it hold for the @figure values of its row? All of them are numbers. */
typedef bool (*evidence_rule)(const struct prediction *p, const double *figure);

struct prediction {
	const char *id;    /* "3.1"; NULL ends a table */
	const char *text;  /* the prediction, a sentence */
	const char *paper; /* who printed it, and where */
	enum evidence_grade grade;
	const char *published; /* in words, for what its figures do not say; may be NULL */
	const char *rule;      /* the predicate in words */
	evidence_rule holds;
	double limit;                                    /* of the rule */
	struct evidence_figure figure[EVIDENCE_FIGURES]; /* ends with what == NULL */
	const char *note;                                /* may be NULL */
	/* For a row that does not hold: why, shown only if @explained agrees (NULL: no check). */
	const char *because;
	evidence_rule explained;
	/* The runs name what is not there yet: then it is not tested, for this reason. */
	const char *pending;
};

struct evidence_group {
	const char *title; /* NULL ends the table */
	const struct prediction *prediction;
	const struct evidence_run *run;
};
extern const struct evidence_group evidence_groups[];

extern const struct evidence_metric evidence_metrics[];
/* NULL if there is none of that name. */
const struct evidence_metric *evidence_metric_find(const char *name);
/* Metric @m of @result; NaN if a field is missing, infinite or NaN if it divides by nothing. */
double evidence_metric_of(const struct evidence_metric *m, const json_t *result);
/* "cpu_cycles.map / dma.maps"; to be freed, NULL without memory. */
char *evidence_metric_text(const struct evidence_metric *m);

/* Figures of @p that are judged, and all. */
size_t evidence_judged(const struct prediction *p);
size_t evidence_figures(const struct prediction *p);

/* ---- rules ---- */

/* Each figure is at least (1 + limit) times the next. */
bool evidence_descends(const struct prediction *p, const double *figure);
/* Each figure is within a factor of limit of what is published. */
bool evidence_near(const struct prediction *p, const double *figure);
/* Each figure is at most what is published, which is a bound. */
bool evidence_bounded(const struct prediction *p, const double *figure);
/* Each figure is at least limit; at most limit. */
bool evidence_at_least(const struct prediction *p, const double *figure);
bool evidence_at_most(const struct prediction *p, const double *figure);

/* ---- the study ---- */

struct evidence {
	struct study study;
	uint64_t seed;
	const char *only; /* ids, commas between; NULL: all */
};

/*
 * Declare the runs of the predictions in the list @only (NULL: of all), all with @seed. -EINVAL
 * for an id that does not exist, or a run that cannot be built and is not pending.
 */
int evidence_init(struct evidence *e, const char *only, uint64_t seed, struct err *err) MUST_CHECK;
void evidence_fini(struct evidence *e);
/* After study_execute(): what reports are made of. New reference; NULL without memory. */
json_t *evidence_document(const struct evidence *e);

#endif
