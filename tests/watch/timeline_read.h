/* SPDX-License-Identifier: MIT */
/* A timeline read back: is it what viewers take, and does it hang together? */
#ifndef IOTOLL_TESTS_WATCH_TIMELINE_READ_H
#define IOTOLL_TESTS_WATCH_TIMELINE_READ_H

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline const char *tl_string(const json_t *e, const char *key)
{
	const char *text = json_string_value(json_object_get(e, key));

	assert_non_null(text);
	return text;
}

/* Picoseconds: exact, since 2^53 of them are two hours and a half. */
static inline uint64_t tl_ps(const json_t *e, const char *key)
{
	const json_t *value = json_object_get(e, key);

	assert_true(json_is_number(value));
	return (uint64_t)(json_number_value(value) * 1e6 + 0.5);
}

static inline uint64_t tl_thread(const json_t *e)
{
	assert_true(json_is_integer(json_object_get(e, "pid")));
	assert_true(json_is_integer(json_object_get(e, "tid")));
	return (uint64_t)json_integer_value(json_object_get(e, "pid")) << 32 |
	       (uint64_t)json_integer_value(json_object_get(e, "tid"));
}

/* Slices of one thread in order; the next begins when the one before is over, or later. */
static inline void tl_check_slice(json_t *ends, const json_t *e)
{
	const uint64_t begin = tl_ps(e, "ts"), end = begin + tl_ps(e, "dur");
	char key[32];

	snprintf(key, sizeof(key), "%llx", (unsigned long long)tl_thread(e));
	assert_true(begin >= (uint64_t)json_integer_value(json_object_get(ends, key)));
	json_object_set_new(ends, key, json_integer((json_int_t)end));
}

/* A begin has an id that is free, an end one that began before. */
static inline void tl_check_span(json_t *open, const json_t *e, bool begins)
{
	const char *id = tl_string(e, "id");
	const json_t *begun = json_object_get(open, id);

	if (begins) {
		assert_null(begun);
		json_object_set_new(open, id, json_integer((json_int_t)tl_ps(e, "ts")));
		return;
	}
	assert_non_null(begun);
	assert_true(tl_ps(e, "ts") >= (uint64_t)json_integer_value(begun));
	json_object_del(open, id);
}

/*
 * Every event has what its kind needs and lies in a process that has a name; slices that may not
 * overlap do not (@flat), and what begins ends. A new reference to the array of events.
 */
static inline json_t *tl_read(const char *path, bool flat)
{
	json_t *ends = json_object(), *open = json_object(), *names = json_object();
	json_t *document = json_load_file(path, JSON_REJECT_DUPLICATES, NULL), *events, *e;
	size_t i;

	assert_non_null(document);
	events = json_object_get(document, "traceEvents");
	assert_true(json_is_array(events));
	json_array_foreach(events, i, e)
	{
		const char *ph = tl_string(e, "ph");
		char pid[16];

		assert_true(*tl_string(e, "name") && strlen(ph) == 1 && strchr("MXibe", *ph));
		assert_true(json_is_object(json_object_get(e, "args")));
		snprintf(pid, sizeof(pid), "%u", (unsigned)(tl_thread(e) >> 32));
		if (*ph == 'M') {
			assert_true(*tl_string(json_object_get(e, "args"), "name"));
			if (!strcmp(tl_string(e, "name"), "process_name"))
				json_object_set_new(names, pid, json_true());
			continue;
		}
		assert_non_null(json_object_get(names, pid));
		(void)tl_ps(e, "ts");
		if (*ph == 'X' && flat)
			tl_check_slice(ends, e);
		else if (*ph == 'X')
			(void)tl_ps(e, "dur");
		else if (*ph == 'i')
			assert_string_equal(tl_string(e, "s"), "t");
		else
			tl_check_span(open, e, *ph == 'b');
	}
	assert_int_equal(json_object_size(open), 0);
	json_incref(events);
	json_decref(document);
	json_decref(ends);
	json_decref(open);
	json_decref(names);
	return events;
}

/* How many events there are with this ph and name, in processes whose pid is @pid (0: any). */
static inline unsigned tl_count(const json_t *events, char ph, const char *name, unsigned pid)
{
	unsigned n = 0;
	json_t *e;
	size_t i;

	json_array_foreach(events, i, e) n += *tl_string(e, "ph") == ph &&
					      !strcmp(tl_string(e, "name"), name) &&
					      (!pid || tl_thread(e) >> 32 == pid);
	return n;
}

#endif
