/* SPDX-License-Identifier: MIT */
/*
 * What a kernel can be asked to record of its DMA: which of the tracepoints that our readers know
 * are there, and which functions a probe can be put on where there is no tracepoint. Read from
 * tracefs (Documentation/trace/{events,kprobetrace}.rst of Linux); nothing is changed there.
 */
#ifndef IOTOLL_TRACE_POINTS_H
#define IOTOLL_TRACE_POINTS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

#define POINTS_MAX 32

struct point {
	const char *system, *event;
};

/* A probe as docs/traces.md defines it. */
struct point_probe {
	const char *event, *function;
	const char *fetch;     /* its arguments, in registers of x86-64 ... */
	const char *fetch_any; /* ... and by number, as other machines can be asked for them */
	bool returns;
	bool api; /* a call that "dma:" has a tracepoint for, from Linux 6.12 on */
};

struct points {
	char dir[PATH_MAX / 2]; /* where tracefs is */
	bool read;              /* false: the default set, since tracefs could not be read ... */
	char why[200];          /* ... and why */
	const struct point *event[POINTS_MAX];
	unsigned events;
	const struct point_probe *probe[POINTS_MAX];
	unsigned probes;
	char no_probes[160]; /* why there are none; empty if there are */
};

#define POINTS_DEFAULT "iommu" /* the name of the default set: what every IOMMU layer has */

/*
 * Look into the tracefs at @dir, or where it usually is (NULL). @want_probes: functions, too. 0;
 * -ENOENT, -EACCES, -EPERM with @err, which says what to do: no tracefs there, not allowed to look
 * into it, nothing of it known.
 */
int points_find(struct points *out, const char *dir, bool want_probes, struct err *err) MUST_CHECK;
/* The default set, which @why a kernel could not be asked. */
void points_default(struct points *out, const char *why);
/* A probe's arguments, as the machine that this was compiled for writes them. */
const char *points_fetch(const struct point_probe *probe);

struct points_order {
	unsigned seconds;           /* 0: until it is stopped */
	unsigned buffer_kib;        /* of each CPU */
	const char *const *command; /* ends with NULL; NULL: none */
};

/*
 * The lines with which trace-cmd, perf and bpftrace record these points, for a shell: comments,
 * definitions of probes, and one command each whose output our readers take.
 */
void points_commands(FILE *to, const struct points *p, const struct points_order *order);

#endif
