/* SPDX-License-Identifier: MIT */
/* Which runs the study needs of what section 4 of the paper proposes. */
#include "study/paper_proposals.h"
#include "study/paper_xen.h"

const struct paper_proposal paper_proposals[] = {
	{"preallocated", "a table made in advance (4.3.1)", "dma.strategy=preallocated"},
	{"persistent", "a cache of mappings (4.3.2)", "dma.strategy=persistent"},
	{"batch", "lists that the driver makes (4.3.3)", "dma.batch=drivers"},
	{"never-free", "entries that are never freed (4.3.4)", "dma.strategy=never-free"},
	{NULL, NULL, NULL},
};

const struct paper_cache paper_caches[] = {
	{"", {NULL, NULL}},
	{"/shared", {"dma.strategy=shared", NULL}},
	{"/keep1", {"dma.strategy=optimistic", "dma.quota=1"}},
	{"/keep2", {"dma.strategy=optimistic", "dma.quota=2"}},
	{"/keep4", {"dma.strategy=optimistic", "dma.quota=4"}},
	{"/keep8", {"dma.strategy=optimistic", "dma.quota=8"}},
	{"/on-demand", {"dma.strategy=on-demand", NULL}},
	{"/persistent", {"dma.strategy=persistent", NULL}},
	{NULL, {NULL, NULL}},
};

/* In dom0, where nothing but the mappings changes, at each size. */
static void add_proposals(struct paper *p)
{
	char tail[64];

	for (const struct paper_proposal *q = paper_proposals; q->id; q++) {
		const struct paper_spot at = {.domain = PAPER_DOM0,
					      .place = "1",
					      .way = "receive",
					      .extra = {q->set, NULL, NULL}};

		snprintf(tail, sizeof(tail), "/%s", q->id);
		for (int i = 0; i < PAPER_XEN_SIZES; i++)
			paper_xen_add(p, &at, paper_xen_size[i], tail);
	}
}

/* The table made in advance also at the ends of the estimates, and in a domain whose pages flip. */
static void add_preallocated(struct paper *p)
{
	struct paper_spot at = {.domain = PAPER_DOM0,
				.place = "1",
				.way = "receive",
				.extra = {"dma.strategy=preallocated", NULL, NULL}};
	char tail[64];

	for (at.end = paper_ends; at.end->title; at.end++) {
		snprintf(tail, sizeof(tail), "/preallocated%s", at.end->tail);
		for (int i = 0; i < PAPER_XEN_SIZES && !at.end->seed; i++)
			paper_xen_add(p, &at, paper_xen_size[i], tail);
	}
	at.end = NULL;
	at.domain = PAPER_DOMU;
	at.place = "flip";
	paper_xen_add(p, &at, PAPER_REFERENCE, "/preallocated");
}

static void add_caches(struct paper *p)
{
	for (const struct paper_cache *c = paper_caches; c->tail; c++) {
		const struct paper_spot at = {.domain = PAPER_DOM0,
					      .place = "1",
					      .way = "receive",
					      .extra = {c->set[0], c->set[1], NULL}};

		paper_add_on(p, PAPER_REFERENCE, c->tail, c->set[0], c->set[1]);
		paper_xen_add(p, &at, PAPER_REFERENCE, c->tail);
	}
	/* Lists of another kind, 4.2 carried on: how many entries there are to put into them. */
	paper_xen_add(p,
		      &(struct paper_spot){.domain = PAPER_DOM0,
					   .place = "1",
					   .way = "receive",
					   .extra = {"platform.multicall=doorbell", NULL, NULL}},
		      PAPER_REFERENCE, "/doorbell");
	paper_add_on(p, PAPER_REFERENCE, "/never-free", "dma.strategy=never-free", NULL);
}

/* Entries that come with grants: where the other domain sends, and dom0 reads its pages. */
static void add_grants(struct paper *p)
{
	static const char set[] = "platform.grants=integrated";
	struct paper_spot at = {
		.domain = PAPER_DOMU, .place = "flip", .way = "send", .extra = {set, NULL, NULL}};

	for (int i = 0; i < PAPER_XEN_SIZES; i++)
		paper_xen_add(p, &at, paper_xen_size[i], "/integrated");
	at.domain = PAPER_DOM0;
	at.place = "1";
	paper_xen_add(p, &at, PAPER_REFERENCE, "/integrated");
}

void paper_proposals_points(struct paper *p)
{
	add_proposals(p);
	add_preallocated(p);
	add_caches(p);
	add_grants(p);
}
