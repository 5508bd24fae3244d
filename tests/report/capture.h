/* SPDX-License-Identifier: MIT */
/* Catching what a writer writes, and JSON out of a C string, for the tests of this room. */
#ifndef IOTOLL_TESTS_REPORT_CAPTURE_H
#define IOTOLL_TESTS_REPORT_CAPTURE_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct capture {
	FILE *out;
	char *text;
	size_t bytes;
};

static inline void capture_open(struct capture *c)
{
	c->text = NULL;
	c->out = open_memstream(&c->text, &c->bytes);
	if (!c->out)
		abort();
}

/* The text so far; valid until capture_free(). */
static inline const char *capture_close(struct capture *c)
{
	if (fclose(c->out) != 0)
		abort();
	return c->text;
}

static inline void capture_free(struct capture *c)
{
	free(c->text);
}

/* @text with ' for ", so that JSON stays legible in C. */
static inline json_t *json_of(const char *text)
{
	json_error_t error;
	char *copy = strdup(text);
	json_t *json;

	for (char *s = copy; *s; s++)
		if (*s == '\'')
			*s = '"';
	json = json_loads(copy, 0, &error);
	free(copy);
	if (!json) {
		fprintf(stderr, "test JSON: %s\n", error.text);
		abort();
	}
	return json;
}

#endif
