/* SPDX-License-Identifier: MIT */
/*
 * A small strict parser of XML without document type definitions, and of the HTML the page
 * writer makes (which is XML but for the doctype and the void element meta): tags must match,
 * attributes must be quoted and appear once, entities must be known.
 */
#ifndef IOTOLL_TESTS_REPORT_MARKUP_H
#define IOTOLL_TESTS_REPORT_MARKUP_H

#include <stdbool.h>

/* NULL if @text is well formed, else what is wrong with it and (in @*at) where. */
const char *markup_check(const char *text, bool html, const char **at);
/* How many elements @name it opens. */
unsigned markup_count(const char *text, const char *name);

#endif
