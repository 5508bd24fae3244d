/* SPDX-License-Identifier: MIT */
/*
 * A study: a list of scenario points with names, run in parallel processes, each finished result
 * kept in a store so that an interrupted study goes on where it stopped.
 */
#ifndef IOTOLL_STUDY_STUDY_H
#define IOTOLL_STUDY_STUDY_H

#include <jansson.h>

#include "study/pool.h"
#include "study/scenario.h"
#include "study/store.h"

struct study_point {
	char id[96]; /* "bare-metal/on/1024" */
	struct scenario scenario;
	json_t *result;
	bool tolerant; /* if it cannot be built (-EINVAL) that is noted, and does not end it all */
	char *refused; /* why it cannot be built; only if tolerant, and then no result */
	/* NULL: run_scenario(). Else what is done with the scenario, as @how says. */
	int (*execute)(const struct study_point *p, json_t **result, struct err *err);
	const char *how; /* of execute; determines the result like the scenario. Not copied */
};

struct study {
	const char *name;
	struct study_point *point;
	size_t count, capacity;
	int error; /* the first failure of study_add(); reported by study_execute() */
	struct err why;
};

void study_init(struct study *s, const char *name);
void study_fini(struct study *s);

/*
 * Add the point @id: scenario @scenario with each "section.key=value" of the NULL-terminated
 * @sets. An @id that is there already is not added again. A failure is remembered, not returned.
 */
void study_add(struct study *s, const char *id, const char *scenario, const char *const *sets);

/*
 * The same from the scenario @base, not finished yet, which is copied; what the @sets change has no
 * place of its own in messages. The point is tolerant. A failure is returned with @err and nothing
 * is added: -EINVAL if it cannot be built, -EEXIST for an @id that is there already, -ENOMEM.
 */
int study_try(struct study *s, const char *id, const struct scenario *base, const char *const *sets,
	      struct err *err) MUST_CHECK;

struct study_watch {
	void *ctx;
	void (*progress)(void *ctx, size_t finished, size_t total); /* may be NULL */
	bool (*should_stop)(void *ctx);                             /* may be NULL */
};

/*
 * Run every point that @store (may be NULL) does not hold, with @workers processes (0: one a
 * processor). 0; -EINTR after a stop, with what is finished stored; else the first failure.
 */
int study_execute(struct study *s, struct store *store, unsigned workers,
		  const struct study_watch *watch, struct err *err) MUST_CHECK;

/* Result of point @id; NULL if there is no such point, or it was refused. Borrowed. */
const json_t *study_result(const struct study *s, const char *id);
/* Why point @id was refused (a tolerant point); NULL if it was not. Borrowed. */
const char *study_refusal(const struct study *s, const char *id);
/* A number of it by path ("dma.maps"); NaN if the point or the field is missing. */
double study_number(const struct study *s, const char *id, const char *path);
/* The same from a result. */
double result_number(const json_t *result, const char *path);

/* The complete text of both profiles of @s for provenance; free() it. NULL with @err set. */
char *scenario_profiles_text(const struct scenario *s, struct err *err);

#endif
