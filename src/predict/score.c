/* SPDX-License-Identifier: MIT */
/* Counting predictions. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "predict/impl.h"

void score_exact(struct predict_score *s)
{
	s->applies = true;
	s->exact++;
}

void score_unobservable(struct predict_score *s)
{
	s->applies = true;
	s->unobservable++;
}

struct predict_divergence *score_wrong(struct predict_score *s, uint64_t line)
{
	s->applies = true;
	s->wrong++;
	if (s->first.line)
		return NULL;
	s->first.line = line;
	return &s->first;
}

void score_note(struct predict_result *r, const char *fmt, ...)
{
	char text[sizeof(r->note[0])];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (unsigned i = 0; i < r->notes; i++)
		if (!strcmp(r->note[i], text))
			return;
	if (r->notes < PREDICT_NOTES)
		memcpy(r->note[r->notes++], text, sizeof(text));
}

double predict_fraction(const struct predict_score *s)
{
	const uint64_t predicted = s->exact + s->wrong;

	return predicted ? (double)s->exact / (double)predicted : 0;
}

const char *predict_part_name(unsigned part)
{
	static const char *const names[PREDICT_PARTS] = {"addresses", "invalidations", "flushes",
							 "iotlb"};

	return part < PREDICT_PARTS ? names[part] : NULL;
}
