/* SPDX-License-Identifier: MIT */
/*
 * Events as text: a line for people, an object of JSON, a row of CSV that csv_text.c reads back.
 * All that an event has is there, nothing else; bytes that are no text come as '?'.
 */
#ifndef IOTOLL_TRACE_PRINT_H
#define IOTOLL_TRACE_PRINT_H

#include <stdio.h>

#include "trace/event.h"

/* "   20.885008000 [000] iperf3-147 map iova=0xffefc000 bytes=4096 paddr=0x2a28000" */
void trace_print_text(FILE *to, const struct trace_event *ev);
/* One line, one object. */
void trace_print_json(FILE *to, const struct trace_event *ev);
/* The heading and a row below it. */
void trace_print_csv_head(FILE *to);
void trace_print_csv(FILE *to, const struct trace_event *ev);

#endif
