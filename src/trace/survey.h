/* SPDX-License-Identifier: MIT */
/* What a trace consists of, counted as it is read: events by name, devices, bytes, losses. */
#ifndef IOTOLL_TRACE_SURVEY_H
#define IOTOLL_TRACE_SURVEY_H

#include "trace/loss.h"

#define SURVEY_NAMES   64 /* of events; more are counted together */
#define SURVEY_DEVICES 64

struct survey {
	struct {
		char name[40]; /* cut short if need be */
		enum trace_kind kind;
		uint64_t count, bytes;
	} event[SURVEY_NAMES]; /* in order of appearance */
	unsigned events;
	uint64_t beyond; /* events whose name found no room */
	struct {
		char name[40];
		uint64_t count, bytes; /* of calls of the DMA API that map */
	} device[SURVEY_DEVICES];
	unsigned devices;
	uint64_t first_ns, last_ns; /* least and greatest stamp */
	bool timed;
	uint64_t total;
	struct loss loss;
};

/* 0 or -ENOMEM. survey_fini() is allowed after either. */
int survey_init(struct survey *s) MUST_CHECK;
void survey_fini(struct survey *s);
/* 0 or -ENOMEM. */
int survey_take(struct survey *s, const struct trace_event *ev) MUST_CHECK;

#endif
