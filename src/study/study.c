/* SPDX-License-Identifier: MIT */
/* Points, their execution, and asking for their results. */
#include "study/study.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/paths.h"
#include "study/run.h"
#include "study/version.h"

void study_init(struct study *s, const char *name)
{
	*s = (struct study){.name = name};
}

void study_fini(struct study *s)
{
	for (size_t i = 0; i < s->count; i++) {
		scenario_fini(&s->point[i].scenario);
		json_decref(s->point[i].result);
		free(s->point[i].refused);
	}
	free(s->point);
	*s = (struct study){0};
}

static struct study_point *find(const struct study *s, const char *id)
{
	for (size_t i = 0; i < s->count; i++)
		if (!strcmp(s->point[i].id, id))
			return &s->point[i];
	return NULL;
}

/* Room for one more point, which is all zeros; it is there once s->count is raised. */
static int grow(struct study *s, struct err *err)
{
	const size_t capacity = s->capacity ? 2 * s->capacity : 64;
	struct study_point *point = s->point;

	if (s->count == s->capacity) {
		point = realloc(s->point, capacity * sizeof(*point));
		if (!point)
			return err_set(err, -ENOMEM, "no memory for %zu points", capacity);
		s->point = point;
		s->capacity = capacity;
	}
	memset(&point[s->count], 0, sizeof(*point));
	return 0;
}

static int fill(struct study_point *p, const char *scenario, const char *const *sets,
		struct err *err)
{
	int rc = scenario_init(&p->scenario);

	if (!rc)
		rc = scenario_read(&p->scenario, scenario, err);
	for (; !rc && *sets; sets++)
		rc = scenario_set(&p->scenario, *sets, err);
	return rc ? rc : scenario_finish(&p->scenario, err);
}

void study_add(struct study *s, const char *id, const char *scenario, const char *const *sets)
{
	struct study_point *p;

	if (s->error || find(s, id))
		return;
	s->error = grow(s, &s->why);
	if (s->error)
		return;
	p = &s->point[s->count];
	snprintf(p->id, sizeof(p->id), "%s", id);
	s->error = fill(p, scenario, sets, &s->why);
	if (s->error) {
		scenario_fini(&p->scenario);
		err_prefix(&s->why, s->error, "%s: ", id);
		return;
	}
	s->count++;
}

int study_try(struct study *s, const char *id, const struct scenario *base, const char *const *sets,
	      struct err *err)
{
	struct study_point *p;
	int rc;

	if (find(s, id))
		return err_set(err, -EEXIST, "%s: there is such a point already", id);
	rc = grow(s, err);
	if (rc)
		return rc;
	p = &s->point[s->count];
	snprintf(p->id, sizeof(p->id), "%s", id);
	p->tolerant = true;
	if (scenario_copy(&p->scenario, base))
		return err_set(err, -ENOMEM, "no memory");
	for (; !rc && *sets; sets++)
		rc = scenario_settle(&p->scenario, *sets, err);
	if (!rc)
		rc = scenario_finish(&p->scenario, err);
	if (rc)
		scenario_fini(&p->scenario);
	else
		s->count++;
	return rc;
}

/* ---- execution ---- */

/* What a process says in place of a result: {"refused": "why"}. */
#define REFUSED "refused"

struct execution {
	struct study *study;
	struct store *store;
	const struct study_watch *watch;
	size_t *todo;          /* point of each job */
	struct store_run *key; /* of each job: what determined it when the study began */
	size_t jobs, stored;
};

static int job(void *ctx, size_t index, FILE *out, struct err *err)
{
	const struct execution *x = ctx;
	const struct study_point *p = &x->study->point[x->todo[index]];
	const struct run_options options = {0};
	json_t *result = NULL;
	int rc = p->execute ? p->execute(p, &result, err)
			    : run_scenario(&p->scenario, &options, &result, err);

	if (rc == -EINVAL && p->tolerant) {
		result = json_pack("{s:s}", REFUSED, err->text);
		rc = 0;
	}
	if (rc)
		return err_prefix(err, rc, "%s: ", p->id);
	if (json_dumpf(result, out, JSON_COMPACT))
		rc = err_set(err, -EIO, "%s: cannot write the result", p->id);
	json_decref(result);
	return rc;
}

/* The scenario, and what is done with it if it is not simply run; to be freed, NULL: no memory. */
static char *whole_text(const struct study_point *p)
{
	char *scenario = scenario_text(&p->scenario), *text = NULL;

	if (!p->execute || !scenario)
		return scenario;
	if (asprintf(&text, "%s# %s\n", scenario, p->how) < 0)
		text = NULL;
	free(scenario);
	return text;
}

/* What determines the result of @p; the texts are to be freed by forget_key(). */
static int make_key(const struct execution *x, const struct study_point *p, struct store_run *key,
		    struct err *err)
{
	*key = (struct store_run){
		.study = x->study->name,
		.id = p->id,
		.seed = p->scenario.seed,
		.version = version_of_program(),
		.scenario = whole_text(p),
		.profiles = scenario_profiles_text(&p->scenario, err),
	};
	if (key->scenario && key->profiles)
		return 0;
	return err->text[0] ? -EIO : err_set(err, -ENOMEM, "no memory");
}

static void forget_key(struct store_run *key)
{
	free((void *)(uintptr_t)key->scenario);
	free((void *)(uintptr_t)key->profiles);
}

static int take(struct study_point *p, const char *text, struct err *err)
{
	const char *refused;
	json_error_t where;

	p->result = json_loads(text, 0, &where);
	if (!p->result)
		return err_set(err, -EIO, "%s: the result is no JSON: %s", p->id, where.text);
	refused = json_string_value(json_object_get(p->result, REFUSED));
	if (refused) {
		p->refused = strdup(refused);
		json_decref(p->result);
		p->result = NULL;
		return p->refused ? 0 : err_set(err, -ENOMEM, "no memory");
	}
	json_object_set_new(p->result, "id", json_string(p->id));
	return 0;
}

static int done(void *ctx, size_t index, const char *text, size_t bytes, struct err *err)
{
	struct execution *x = ctx;
	struct study_point *p = &x->study->point[x->todo[index]];
	struct store_run now, *key = &x->key[index];
	int rc = take(p, text, err);

	(void)bytes;
	if (rc || !x->store || p->refused) /* what was never built is soon refused again */
		return rc;
	rc = make_key(x, p, &now, err);
	if (!rc && strcmp(now.profiles, key->profiles))
		rc = err_set(err, -ESTALE,
			     "a machine profile was changed while the study ran: start "
			     "it again");
	forget_key(&now);
	if (rc)
		return rc;
	key->result = text;
	rc = store_put(x->store, key, err);
	return rc < 0 ? rc : 0;
}

/* One more point to run. */
static void add_job(struct execution *x, size_t point, struct store_run key)
{
	x->todo[x->jobs] = point;
	x->key[x->jobs++] = key;
}

/* Take what the store holds; list the rest. */
static int look_up(struct execution *x, struct err *err)
{
	for (size_t i = 0; i < x->study->count; i++) {
		struct study_point *p = &x->study->point[i];
		struct store_run key = {0};
		char *text = NULL;
		int rc;

		if (!x->store) {
			add_job(x, i, key);
			continue;
		}
		rc = make_key(x, p, &key, err);
		if (!rc)
			rc = store_get(x->store, &key, &text, err);
		if (rc == -ENOENT) {
			add_job(x, i, key);
			continue;
		}
		forget_key(&key);
		if (!rc)
			rc = take(p, text, err);
		free(text);
		if (rc)
			return rc;
	}
	x->stored = x->study->count - x->jobs;
	return 0;
}

static void progress(void *ctx, size_t finished, size_t total)
{
	const struct execution *x = ctx;

	if (x->watch && x->watch->progress)
		x->watch->progress(x->watch->ctx, x->stored + finished, x->stored + total);
}

static bool should_stop(void *ctx)
{
	const struct execution *x = ctx;

	return x->watch && x->watch->should_stop && x->watch->should_stop(x->watch->ctx);
}

int study_execute(struct study *s, struct store *store, unsigned workers,
		  const struct study_watch *watch, struct err *err)
{
	struct execution x = {.study = s, .store = store, .watch = watch};
	const struct pool_ops ops = {.ctx = &x,
				     .job = job,
				     .done = done,
				     .progress = progress,
				     .should_stop = should_stop};
	int rc;

	if (s->error)
		return err_set(err, s->error, "%s", s->why.text);
	x.todo = calloc(s->count + 1, sizeof(*x.todo));
	x.key = calloc(s->count + 1, sizeof(*x.key));
	rc = x.todo && x.key ? look_up(&x, err) : err_set(err, -ENOMEM, "no memory");
	if (!rc)
		rc = pool_run(&ops, x.jobs, workers, err);
	for (size_t i = 0; i < x.jobs; i++)
		forget_key(&x.key[i]);
	free(x.key);
	free(x.todo);
	return rc;
}

/* ---- results ---- */

const json_t *study_result(const struct study *s, const char *id)
{
	const struct study_point *p = find(s, id);

	return p ? p->result : NULL;
}

const char *study_refusal(const struct study *s, const char *id)
{
	const struct study_point *p = find(s, id);

	return p ? p->refused : NULL;
}

double result_number(const json_t *result, const char *path)
{
	char key[64];

	while (result) {
		const size_t length = strcspn(path, ".");

		if (length >= sizeof(key))
			return (double)NAN;
		memcpy(key, path, length);
		key[length] = '\0';
		result = json_object_get(result, key);
		if (!path[length])
			break;
		path += length + 1;
	}
	return json_is_number(result) ? json_number_value(result) : (double)NAN;
}

double study_number(const struct study *s, const char *id, const char *path)
{
	return result_number(study_result(s, id), path);
}

/* ---- provenance ---- */

static int append_file(FILE *to, const char *name, struct err *err)
{
	char path[PATH_MAX], block[4096];
	FILE *from;
	size_t n;
	int rc = paths_find("profiles", name, ".ini", path, sizeof(path), err);

	if (rc)
		return rc;
	from = fopen(path, "r");
	if (!from)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	fprintf(to, "# %s\n", name);
	while ((n = fread(block, 1, sizeof(block), from)))
		fwrite(block, 1, n, to);
	if (ferror(from))
		rc = err_set(err, -EIO, "%s: cannot read", path);
	fclose(from);
	return rc;
}

char *scenario_profiles_text(const struct scenario *s, struct err *err)
{
	char *text = NULL;
	size_t bytes;
	FILE *to = open_memstream(&text, &bytes);
	int rc;

	if (!to)
		return NULL;
	rc = append_file(to, s->sut.profile, err);
	if (!rc)
		rc = append_file(to, s->client.profile, err);
	if (fclose(to) || rc) {
		free(text);
		return NULL;
	}
	return text;
}
