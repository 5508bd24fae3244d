/* SPDX-License-Identifier: MIT */
/* Predictions of hand-written and of shipped recordings. */
#ifndef IOTOLL_TESTS_PREDICT_SCENE_H
#define IOTOLL_TESTS_PREDICT_SCENE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "predict/predict.h"

#define PROFILE     IOTOLL_SOURCE_ROOT "/profiles/x460-2007.ini"
#define TRACE(name) IOTOLL_SOURCE_ROOT "/traces/" name

static struct profile profile;

static inline int load_profile(void **state)
{
	struct err err;

	(void)state;
	if (profile_load(&profile, PROFILE, ESTIMATE_DEFAULT, NULL, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return -1;
}

static inline int predict_open(struct trace *t, struct predict_result *r, struct err *err)
{
	const struct predict_config config = {.profile = &profile};
	const int rc = predict_run(t, &config, r, err);

	trace_close(t);
	return rc;
}

static inline int predict_text(const char *text, size_t bytes, struct predict_result *r,
			       struct err *err)
{
	struct trace *t;
	const int rc = trace_open_memory(&t, text, bytes, "text", NULL, err);

	return rc ? rc : predict_open(t, r, err);
}

/* The whole file, terminated; to be freed. */
static inline char *slurp(const char *path, size_t *bytes)
{
	FILE *in = fopen(path, "r");
	char *text;

	assert_non_null(in);
	assert_int_equal(fseek(in, 0, SEEK_END), 0);
	*bytes = (size_t)ftell(in);
	rewind(in);
	text = malloc(*bytes + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, *bytes, in), *bytes);
	text[*bytes] = '\0';
	(void)fclose(in);
	return text;
}

static inline void predict_file(const char *path, struct predict_result *r)
{
	struct trace *t;
	struct err err = {""};

	if (trace_open(&t, path, NULL, &err) || predict_open(t, r, &err))
		fail_msg("%s", err.text);
}

static inline void assert_score(const struct predict_score *s, uint64_t exact, uint64_t wrong,
				uint64_t unobservable)
{
	assert_int_equal(s->exact, exact);
	assert_int_equal(s->wrong, wrong);
	assert_int_equal(s->unobservable, unobservable);
}

/* Cut in steps of @step from @from on up to @to, @path is refused or predicted, never worse. */
static inline void assert_cuts_are_refused_or_right(const char *path, size_t from, size_t to,
						    size_t step)
{
	size_t bytes;
	char *text = slurp(path, &bytes);

	assert_true(to <= bytes);
	for (size_t cut = from; cut < to; cut += step) {
		struct predict_result r;
		struct err err;
		const int rc = predict_text(text, cut, &r, &err);

		if (rc)
			assert_int_equal(rc, -EINVAL);
		else
			assert_int_equal(r.part[PREDICT_ADDRESSES].wrong, 0);
	}
	free(text);
}

/* The start of line @number of @text. */
static inline char *line_of(char *text, uint64_t number)
{
	while (--number)
		text = strchr(text, '\n') + 1;
	return text;
}

#endif
