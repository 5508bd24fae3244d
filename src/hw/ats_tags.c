// SPDX-License-Identifier: MIT
/*
 * See ats_tags.h.
 */
#include "hw/ats_tags.h"

static unsigned outstanding_at(const struct ats_tags *t, uint16_t devid)
{
	unsigned n = 0;

	for (unsigned i = 0; t->outstanding != 0 && i < ATS_TAGS; i++)
		n += t->tag[i].used && t->tag[i].devid == devid;
	return n;
}

enum ats_sent ats_tags_send(struct ats_tags *t, const struct iommu *iommu, uint16_t devid,
			    unsigned limit, uint64_t payload, uint64_t at, unsigned *itag)
{
	const struct ats_fabric *f = iommu->fabric;

	if (t->outstanding == ATS_TAGS || outstanding_at(t, devid) >= limit)
		return ATS_NO_TAG;
	while (t->tag[t->next].used)
		t->next = (t->next + 1) % ATS_TAGS;
	*itag = t->next;
	t->next = (t->next + 1) % ATS_TAGS;
	/* Before the message leaves, as its completion may come from within. */
	t->tag[*itag] = (struct ats_pending){.used = true, .devid = devid, .at = at};
	t->outstanding++;
	if (f == NULL || f->invalidate == NULL || !f->invalidate(f->ctx, devid, *itag, payload))
		return ATS_NOBODY;
	return ATS_SENT;
}

unsigned ats_tags_complete(struct ats_tags *t, uint16_t devid, uint32_t vector, unsigned cc,
			   bool *valid)
{
	const uint8_t expected = (cc & 7) != 0 ? (uint8_t)(cc & 7) : ATS_COMPLETIONS_MAX;
	unsigned finished = 0;

	*valid = vector != 0;
	for (unsigned i = 0; i < ATS_TAGS; i++) {
		struct ats_pending *p = &t->tag[i];

		if ((vector >> i & 1) == 0)
			continue;
		if (!p->used || p->devid != devid ||
		    (p->expected != 0 && p->expected != expected)) {
			*valid = false;
			continue;
		}
		p->expected = expected;
		if (++p->seen < p->expected)
			continue;
		p->used = false;
		t->outstanding--;
		finished++;
	}
	return finished;
}

bool ats_tags_drop(struct ats_tags *t, unsigned itag)
{
	if (itag >= ATS_TAGS || !t->tag[itag].used)
		return false;
	t->tag[itag].used = false;
	t->outstanding--;
	return true;
}

bool ats_tags_check(const struct ats_tags *t)
{
	unsigned used = 0;

	for (unsigned i = 0; i < ATS_TAGS; i++) {
		const struct ats_pending *p = &t->tag[i];

		used += p->used;
		if (p->used && (p->expected > ATS_COMPLETIONS_MAX ||
				(p->expected != 0 ? p->seen >= p->expected : p->seen != 0)))
			return false;
	}
	return used == t->outstanding && t->next < ATS_TAGS;
}
