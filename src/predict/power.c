/* SPDX-License-Identifier: MIT */
/*
 * Which entries Linux 6.1 on POWER gives each map, from H_PUT_TCE and its kin: next fit in pools
 * (arch/powerpc/kernel/iommu.c), which is the row `pools` of our allocators. Given to it are the
 * number of entries of each request, what decides their alignment, and what was freed, in recorded
 * order.
 *
 * A table is known from its creation on, when the kernel clears it from its first entry to its
 * last; what is mapped in one whose clearing was not recorded is unobservable.
 *
 * Alignment (iommu_alloc() by way of iommu_map_page()): a buffer of at least a page of the system,
 * 64 KiB, that begins on one begins on one in the table. Of a buffer the recording shows whole
 * entries; we take one for such if the first of them begins on 64 KiB in memory and they are a
 * multiple of 16: any other begins or ends within a page.
 *
 * Which CPU asked is not recorded; ours is the first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "dma/iova/iova.h"
#include "predict/impl.h"

#define TABLES_MAX  64u
#define ENTRIES_MAX (UINT64_C(1) << 24) /* of one table: 64 GiB, far beyond any 32-bit window */
#define PAGE_LOG2   4u                  /* entries of a system page of 64 KiB */
#define TCE_RIGHTS  3u                  /* bit 0: read, bit 1: write */
#define BATCH_MAX   512u                /* entries that a list of 4 KiB has */
#define WINDOW_64   (UINT64_C(1) << 59) /* where a dynamic window begins */

struct table {
	uint32_t liobn;
	uint64_t cleared;  /* entries, from 0 on, before anything was mapped */
	bool begun;        /* something was mapped */
	struct iova *iova; /* NULL: its creation was not recorded, or is not over */
};

struct power {
	struct ground ground;
	struct dma_env env;
	struct predict_result *result;
	struct table table[TABLES_MAX];
	unsigned tables;
	unsigned cpu;
};

static void ignore_wrap(void *ctx)
{
	(void)ctx;
}

static int table_of(struct power *p, uint32_t liobn, struct table **out, struct err *err)
{
	for (unsigned i = 0; i < p->tables; i++) {
		*out = &p->table[i];
		if ((*out)->liobn == liobn)
			return 0;
	}
	if (p->tables == TABLES_MAX)
		return err_set(err, -EINVAL, "predict: expected at most %u tables", TABLES_MAX);
	*out = &p->table[p->tables++];
	(*out)->liobn = liobn;
	return 0;
}

/* The first map: the table is as large as what was cleared. */
static int open_table(struct power *p, struct table *t, struct err *err)
{
	const struct iova_ops *ops = iova_find("pools");
	const struct iova_config config = {.entries = t->cleared};
	int rc;

	t->begun = true;
	if (!t->cleared) {
		score_note(p->result,
			   "table %#x: its creation is not recorded, so nothing in it can be told",
			   t->liobn);
		return 0;
	}
	if (t->cleared > ENTRIES_MAX)
		return err_set(err, -EINVAL,
			       "predict: table %#x: cleared as having %llu entries: expected at "
			       "most %llu",
			       t->liobn, (unsigned long long)t->cleared,
			       (unsigned long long)ENTRIES_MAX);
	rc = ops->create(&t->iova, &p->env, &config);
	if (rc)
		return err_set(err, rc, "predict: no memory for a table");
	t->iova->ops = ops;
	t->iova->wrapped = ignore_wrap;
	t->iova->cpu = &p->cpu;
	return 0;
}

/* What was expected, what came, and what our model had gone by. */
static void diverged(const struct table *t, const struct iova_want *want, int rc, uint64_t ours,
		     const struct trace_event *ev, const char *state,
		     struct predict_divergence *first)
{
	if (rc)
		snprintf(first->expected, sizeof(first->expected), "no room");
	else
		snprintf(first->expected, sizeof(first->expected), "ioba %#llx",
			 (unsigned long long)ours << PREDICT_PAGE_SHIFT);
	snprintf(first->recorded, sizeof(first->recorded), "ioba %#llx",
		 (unsigned long long)ev->iova);
	snprintf(first->state, sizeof(first->state),
		 "table %#x, a request for %llu entries aligned to %u: %s", t->liobn,
		 (unsigned long long)want->count, 1u << want->align_log2, state);
}

static int map(struct power *p, struct table *t, const struct trace_event *ev, struct err *err)
{
	struct predict_score *score = &p->result->part[PREDICT_ADDRESSES];
	const uint64_t entry = ev->iova >> PREDICT_PAGE_SHIFT, count = ev->pages;
	const uint64_t page = UINT64_C(1) << PAGE_LOG2;
	/* Pages of a batch follow each other, and the last one is told. */
	const uint64_t behind = (ev->entry >> PREDICT_PAGE_SHIFT) + 1;
	const bool whole = count % page == 0 && behind % page == 0;
	struct predict_divergence *first;
	struct iova_want want;
	char state[192];
	uint64_t ours = 0;
	int rc = t->begun ? 0 : open_table(p, t, err);

	if (rc)
		return rc;
	if (!t->iova) {
		score_unobservable(score);
		return 0;
	}
	want = (struct iova_want){
		.count = count, .limit = t->iova->entries, .align_log2 = whole ? PAGE_LOG2 : 0};
	t->iova->ops->history->describe(t->iova, &want, state, sizeof(state));
	rc = t->iova->ops->alloc(t->iova, &want, &ours);
	if (!rc && ours == entry) {
		score_exact(score);
		return 0;
	}
	first = score_wrong(score, ev->line);
	if (first)
		diverged(t, &want, rc, ours, ev, state, first);
	if (!rc)
		t->iova->ops->history->undo(t->iova, ours, count);
	if (t->iova->ops->history->seize(t->iova, entry, count, true) == -EEXIST)
		score_note(p->result, "a map was recorded of entries that were mapped already");
	return 0;
}

static void unmap(struct power *p, struct table *t, const struct trace_event *ev)
{
	const uint64_t entry = ev->iova >> PREDICT_PAGE_SHIFT;
	const uint64_t count = ev->pages;

	if (!t->begun && entry == t->cleared)
		t->cleared += count;
	else if (t->iova && t->iova->ops->owns(t->iova, entry, count))
		t->iova->ops->free(t->iova, entry, count);
	else
		p->result->unknown_frees++;
}

static bool is_call(enum trace_kind kind)
{
	return kind == TRACE_TCE_PUT || kind == TRACE_TCE_INDIRECT || kind == TRACE_TCE_STUFF;
}

/* Are the entries that @ev names ones that a call can name? Formats other than QEMU's do not say.
 */
static bool can_be(const struct trace_event *ev)
{
	const uint64_t page = UINT64_C(1) << PREDICT_PAGE_SHIFT;
	const uint64_t most = ev->kind == TRACE_TCE_STUFF ? WINDOW_64 / page : BATCH_MAX;

	return trace_has(ev, TRACE_F_IOVA) && trace_has(ev, TRACE_F_PAGES) &&
	       trace_has(ev, TRACE_F_ENTRY) && trace_has(ev, TRACE_F_TAG) && ev->pages &&
	       ev->pages <= most && ev->iova % page == 0 && ev->bytes == ev->pages * page &&
	       ev->iova < WINDOW_64 && ev->bytes <= WINDOW_64 - ev->iova;
}

/* Refused calls change nothing; 64-bit windows, which have no bytes, are not the allocator's. */
static int power_event(void *ctx, const struct trace_event *ev, struct err *err)
{
	struct power *p = ctx;
	struct table *t;
	int rc;

	if (!is_call(ev->kind) || ev->ret != 0 || !trace_has(ev, TRACE_F_BYTES))
		return 0;
	if (!can_be(ev))
		return err_set(err, -EINVAL,
			       "predict: line %llu: a call for a table: expected whole entries "
			       "that end below 2^59, at most 512 in a batch",
			       (unsigned long long)ev->line);
	rc = table_of(p, ev->tag, &t, err);
	if (rc)
		return rc;
	if (!(ev->entry & TCE_RIGHTS))
		unmap(p, t, ev);
	else if (ev->kind != TRACE_TCE_STUFF)
		return map(p, t, ev, err);
	return 0;
}

static void power_end(void *ctx, bool ok)
{
	struct power *p = ctx;

	/* A kernel that made a table and maps nothing has been predicted as far as it went. */
	p->result->part[PREDICT_ADDRESSES].applies |= ok && p->tables > 0;
	for (unsigned i = 0; i < p->tables; i++)
		if (p->table[i].iova)
			p->table[i].iova->ops->destroy(p->table[i].iova);
	ground_fini(&p->ground);
	free(p);
}

static int power_begin(void **ctx, const struct predict_config *config,
		       struct predict_result *result, struct err *err)
{
	struct power *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return err_set(err, -ENOMEM, "predict: out of memory");
	rc = ground_init(&p->ground, config->profile, 1, err);
	if (rc) {
		free(p);
		return rc;
	}
	p->env.machine = p->ground.machine;
	p->result = result;
	result->model = "pools";
	score_note(result, "the calling CPU is not recorded: taken to be the first throughout");
	*ctx = p;
	return 0;
}

const struct predictor predictor_power = {
	.format = "qemu-tce",
	.prefix = "spapr_iommu_",
	.begin = power_begin,
	.event = power_event,
	.end = power_end,
};
