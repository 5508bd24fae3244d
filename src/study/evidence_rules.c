/* SPDX-License-Identifier: MIT */
/* By which rules predictions hold; those of one row only are beside it. */
#include "study/evidence.h"

size_t evidence_judged(const struct prediction *p)
{
	size_t n = 0;

	while (n < EVIDENCE_FIGURES && p->figure[n].what && !p->figure[n].aside)
		n++;
	return n;
}

size_t evidence_figures(const struct prediction *p)
{
	size_t n = 0;

	while (n < EVIDENCE_FIGURES && p->figure[n].what)
		n++;
	return n;
}

bool evidence_descends(const struct prediction *p, const double *figure)
{
	for (size_t i = 0; i + 1 < evidence_judged(p); i++)
		if (!(figure[i] >= (1 + p->limit) * figure[i + 1]))
			return false;
	return true;
}

bool evidence_near(const struct prediction *p, const double *figure)
{
	for (size_t i = 0; i < evidence_judged(p); i++) {
		const double published = p->figure[i].published;

		if (published < 0)
			continue;
		if (!(figure[i] <= p->limit * published && published <= p->limit * figure[i]))
			return false;
	}
	return true;
}

bool evidence_bounded(const struct prediction *p, const double *figure)
{
	for (size_t i = 0; i < evidence_judged(p); i++)
		if (!(figure[i] <= p->figure[i].published))
			return false;
	return true;
}

bool evidence_at_least(const struct prediction *p, const double *figure)
{
	for (size_t i = 0; i < evidence_judged(p); i++)
		if (!(figure[i] >= p->limit))
			return false;
	return true;
}

bool evidence_at_most(const struct prediction *p, const double *figure)
{
	for (size_t i = 0; i < evidence_judged(p); i++)
		if (!(figure[i] <= p->limit))
			return false;
	return true;
}
