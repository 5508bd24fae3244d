/* SPDX-License-Identifier: MIT */
/*
 * Writing a timeline that chrome://tracing and ui.perfetto.dev open: the JSON object format of
 * "Trace Event Format" (the Chromium project's document): traceEvents, each with ph, ts, pid, tid,
 * name and args. Written as it comes, nothing is held back.
 */
#ifndef IOTOLL_WATCH_TIMELINE_JSON_H
#define IOTOLL_WATCH_TIMELINE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What an event is: the letters of its "ph". */
enum tl_phase {
	TL_SLICE = 'X',   /* begins at ts, lasts dur */
	TL_INSTANT = 'i', /* of its thread */
	TL_BEGIN = 'b',   /* of something with an id, which may overlap others ... */
	TL_END = 'e',     /* ... and its end: same category, name and id */
	TL_META = 'M',    /* names of processes and threads */
};

enum tl_form { TL_NONE, TL_NUMBER, TL_HEX, TL_TEXT };

/* An argument. A hexadecimal number is written as text, "0x1000", as people read addresses. */
struct tl_arg {
	const char *key;
	enum tl_form form;
	uint64_t number;
	const char *text; /* TL_TEXT, not terminated; what is not UTF-8 in it is written as '?' */
	size_t bytes;
};

#define TL_ARGS 8

struct tl_event {
	enum tl_phase phase;
	const char *name, *category; /* category: NULL for none */
	size_t name_bytes;           /* 0: @name is terminated */
	uint64_t ps, dur_ps;         /* picoseconds; dur_ps: of a slice */
	uint32_t pid, tid;
	uint64_t id;
	struct tl_arg arg[TL_ARGS]; /* up to the first without a form */
};

/* A document in the making. */
struct tl_out {
	FILE *to;
	uint64_t events; /* written so far, without names of processes and threads */
};

void tl_open(struct tl_out *o, FILE *to);
void tl_put(struct tl_out *o, const struct tl_event *e);
/* {"ph":"M"}: the name of a process (@what "process_name") or a thread ("thread_name"). */
void tl_name(struct tl_out *o, const char *what, uint32_t pid, uint32_t tid, const char *name);
/* Ends the document with @args as its "otherData". 0; -EIO if anything could not be written. */
int tl_close(struct tl_out *o, const struct tl_arg args[TL_ARGS]);

#endif
