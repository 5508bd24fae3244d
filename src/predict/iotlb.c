/* SPDX-License-Identifier: MIT */
/*
 * What each access of a device finds in the IOTLB, held against what QEMU's VT-d model said it
 * found (format qemu-vtd). Our hardware half (hw/vtd.h) is given the same accesses and the same
 * invalidations, these as descriptors on its queue, and must agree with each: a hit, with the entry
 * that was recorded, or a walk; of a walk also whether the context was cached, where that is
 * recorded. What the tables held is the kernel's doing and no prediction: a leaf that the recording
 * shows to have been fetched is put into ours, after the question whether it is cached already.
 *
 * The unit is configured like the one that was recorded: its capabilities; an IOTLB of 1024
 * entries, fully associative; 8 bits of a page number compared by a page-selective invalidation,
 * because QEMU 7.2 keeps that mask in a byte (struct VTDIOTLBPageInvInfo). When full, QEMU's
 * empties itself and ours replaces one entry: a recording in which that would show is told of.
 *
 * Where a recording begins in the middle, the first access to a page is unobservable, until the
 * domain has been told to forget everything.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/vtd.h"
#include "predict/impl.h"
#include "predict/tables.h"
#include "spec/vtd.h"
#include "spec/vtd_regs.h"
#include "watch/pfnmap.h"

#define QUEUE_SLOTS   256u
#define IOTLB_ENTRIES 1024u /* VTD_IOTLB_MAX_SIZE */
#define COMPARED_BITS 8u
#define SIDS          65536u
#define TAGS          65536u

enum context_event { CONTEXT_UNSAID, CONTEXT_HIT, CONTEXT_MISS };

struct lookups {
	struct ground ground;
	struct predict_result *result;
	struct iommu *iommu;
	struct tables tables;
	phys_t queue;
	unsigned tail;
	struct pfnmap seen; /* pages by domain that were accessed */
	bool *emptied;      /* by domain: it was told to forget everything */
	bool all_emptied, contexts_emptied;
	uint32_t *domain;           /* by requester: its domain + 1, 0 if none accessed yet */
	enum context_event context; /* said of the access to come */
};

/* ---- the unit ---- */

static void write32(struct lookups *l, uint32_t offset, uint32_t value)
{
	l->iommu->ops->reg_write(l->iommu, offset, value, 4);
}

/* Root table, queue, translation: in the order of the specification's section 10.4.4. */
static void switch_on(struct lookups *l)
{
	l->iommu->ops->reg_write(l->iommu, VTD_RTADDR, l->tables.root, 8);
	write32(l, VTD_GCMD, VTD_GCMD_SRTP);
	l->iommu->ops->reg_write(l->iommu, VTD_IQA, l->queue, 8);
	write32(l, VTD_GCMD, VTD_GCMD_QIE);
	write32(l, VTD_GCMD, VTD_GCMD_QIE | VTD_GCMD_TE);
}

/* One descriptor, carried out at once. */
static void submit(struct lookups *l, struct vtd_pair desc)
{
	const phys_t at = l->queue + (uint64_t)l->tail * VTD_DESC_BYTES;

	vtd_pack_pair(memory_ptr(l->ground.machine->mem, at, VTD_DESC_BYTES), desc);
	l->tail = (l->tail + 1) % QUEUE_SLOTS;
	write32(l, VTD_IQT, l->tail * VTD_DESC_BYTES);
}

static int make_unit(struct lookups *l, struct err *err)
{
	struct memory *memory = l->ground.machine->mem;
	struct vtd_config unit = vtd_like_qemu;
	const struct iommu_config config = {
		.model = "vtd",
		.iotlb = {.entries = IOTLB_ENTRIES, .line_pages = 1, .policy = "fifo"},
		.memory = {.ctx = memory, .read = memory_load, .write = memory_store},
		.vtd = &unit,
	};
	int rc;

	unit.compared_bits = COMPARED_BITS;
	rc = iommu_create(&l->iommu, &config, err);
	if (!rc && (tables_init(&l->tables, memory) ||
		    memory_alloc(memory, 1, VTD_PAGE_BYTES, 0, &l->queue)))
		rc = err_set(err, -ENOMEM, "predict: no memory for tables");
	if (!rc)
		switch_on(l);
	return rc;
}

/* ---- accesses ---- */

/* What our unit made of an access, or would. */
struct outcome {
	bool hit, context_hit, refused;
	uint64_t page; /* where it ended */
};

static enum iotoll_access access_of(const struct trace_event *ev)
{
	return ev->entry & VTD_PTE_R ? IOTOLL_READ : IOTOLL_WRITE;
}

static struct outcome carry_out(struct lookups *l, const struct trace_event *ev)
{
	const struct iotoll_source source = {.devid = (uint16_t)ev->sid};
	struct vtd_stats before, after;
	struct iotoll_xlat x;
	int rc;

	vtd_stats(l->iommu, &before);
	rc = iommu_translate(l->iommu, source, ev->iova, access_of(ev), &x);
	vtd_stats(l->iommu, &after);
	return (struct outcome){.hit = !rc && x.hit,
				.context_hit = after.context_misses == before.context_misses,
				.refused = rc != 0,
				.page = rc ? 0 : x.paddr & VTD_PTE_ADDR};
}

/* Without asking: is it cached? Tables do not matter, so they need not be up to date. */
static bool would_hit(const struct lookups *l, const struct trace_event *ev)
{
	const struct iotoll_source source = {.devid = (uint16_t)ev->sid};
	struct iotoll_xlat x;

	return iommu_probe(l->iommu, source, ev->iova, access_of(ev), &x) == 0 && x.hit;
}

static bool is(const struct trace_event *ev, const char *name)
{
	return ev->name_bytes == strlen(name) && !memcmp(ev->name, name, ev->name_bytes);
}

static void in_words(char *to, size_t bytes, bool hit, uint64_t page, enum context_event context)
{
	snprintf(to, bytes, "a %s, page %#llx%s", hit ? "hit" : "walk", (unsigned long long)page,
		 hit || context == CONTEXT_UNSAID ? ""
		 : context == CONTEXT_HIT         ? ", its context cached"
						  : ", its context fetched");
}

static void diverged(const struct lookups *l, const struct trace_event *ev,
		     const struct outcome *ours, bool hit, struct predict_divergence *first)
{
	struct iotlb_stats s;

	l->iommu->ops->stats(l->iommu, &s);
	in_words(first->expected, sizeof(first->expected), ours->hit, ours->page,
		 ours->context_hit ? CONTEXT_HIT : CONTEXT_MISS);
	in_words(first->recorded, sizeof(first->recorded), hit, ev->entry & VTD_PTE_ADDR,
		 l->context);
	snprintf(first->state, sizeof(first->state),
		 "requester %#x, domain %u, I/O address %#llx; the IOTLB has had %llu hits and "
		 "%llu misses, %llu entries were invalidated and %llu replaced",
		 ev->sid, ev->tag, (unsigned long long)ev->iova, (unsigned long long)s.hits,
		 (unsigned long long)s.misses, (unsigned long long)s.invalidated,
		 (unsigned long long)s.evictions);
}

/* The unit must have @ev's leaf, whatever it has: for after a wrong prediction. */
static void take_over(struct lookups *l, const struct trace_event *ev)
{
	submit(l, vtd_desc_iotlb(VTD_GRAN_PAGE, (uint16_t)ev->tag, false,
				 vtd_iva(ev->iova, 0, false)));
	(void)carry_out(l, ev);
}

static int know_requester(struct lookups *l, const struct trace_event *ev)
{
	if (l->domain[ev->sid] == ev->tag + 1)
		return 0;
	l->domain[ev->sid] = ev->tag + 1;
	return tables_context(&l->tables, (uint16_t)ev->sid, (uint16_t)ev->tag);
}

/* Has this page's fate been recorded? From now on it has. 1, 0, -ENOMEM. */
static int known(struct lookups *l, const struct trace_event *ev)
{
	const uint64_t key = (uint64_t)ev->tag << 36 | ev->iova >> VTD_PAGE_SHIFT;
	const size_t before = l->seen.count;

	if (l->all_emptied || l->emptied[ev->tag])
		return 1;
	if (!pfnmap_put(&l->seen, key))
		return -ENOMEM;
	return l->seen.count == before;
}

static int on_access(struct lookups *l, const struct trace_event *ev, struct err *err)
{
	struct predict_score *score = &l->result->part[PREDICT_IOTLB];
	const bool hit = is(ev, "vtd_iotlb_page_hit"), new_sid = !l->domain[ev->sid];
	const int was_known = known(l, ev);
	struct predict_divergence *first;
	struct outcome ours;
	bool cached, right;

	if (ev->iova >= TABLES_IOVA_END)
		return err_set(err, -EINVAL,
			       "predict: line %llu: an access to %#llx: expected one below 2^48",
			       (unsigned long long)ev->line, (unsigned long long)ev->iova);
	if (was_known < 0 || know_requester(l, ev))
		return err_set(err, -ENOMEM, "predict: no memory for tables");
	cached = would_hit(l, ev);
	if (!cached && tables_leaf(&l->tables, (uint16_t)ev->sid, ev->iova, ev->entry))
		return err_set(err, -ENOMEM, "predict: no memory for tables");
	if (new_sid && !l->contexts_emptied)
		l->context = CONTEXT_UNSAID; /* cached since before, or not: not known */
	ours = carry_out(l, ev);
	right = ours.hit == hit && !ours.refused && ours.page == (ev->entry & VTD_PTE_ADDR) &&
		(hit || l->context == CONTEXT_UNSAID ||
		 ours.context_hit == (l->context == CONTEXT_HIT));
	if (!was_known) {
		score_unobservable(score);
	} else if (right) {
		score_exact(score);
	} else {
		first = score_wrong(score, ev->line);
		if (first)
			diverged(l, ev, &ours, hit, first);
	}
	l->context = CONTEXT_UNSAID;
	if (right)
		return 0;
	if (tables_leaf(&l->tables, (uint16_t)ev->sid, ev->iova, ev->entry))
		return err_set(err, -ENOMEM, "predict: no memory for tables");
	take_over(l, ev);
	return 0;
}

/* ---- invalidations ---- */

static void on_other(struct lookups *l, const struct trace_event *ev)
{
	if (is(ev, "vtd_iotlb_cc_hit")) {
		l->context = CONTEXT_HIT;
	} else if (is(ev, "vtd_iotlb_cc_update")) {
		l->context = CONTEXT_MISS;
	} else if (is(ev, "vtd_inv_desc_cc_global")) {
		submit(l, vtd_desc_context(VTD_GRAN_GLOBAL, 0, 0, 0));
		l->contexts_emptied = true;
	} else if (is(ev, "vtd_inv_desc_cc_domain") || is(ev, "vtd_inv_desc_cc_device") ||
		   is(ev, "vtd_inv_desc_cc_devices")) {
		/* Which, its line says; ours then forgets them all, and the cost is a fetch. */
		submit(l, vtd_desc_context(VTD_GRAN_GLOBAL, 0, 0, 0));
		score_note(l->result, "contexts were invalidated one by one, ours all at once");
	} else if (is(ev, "vtd_iotlb_reset")) {
		submit(l, vtd_desc_iotlb(VTD_GRAN_GLOBAL, 0, false, 0));
	}
}

static unsigned mask_of(uint64_t bytes)
{
	return (unsigned)__builtin_ctzll(bytes) - VTD_PAGE_SHIFT;
}

static int lookups_event(void *ctx, const struct trace_event *ev, struct err *err)
{
	struct lookups *l = ctx;
	const uint16_t did = (uint16_t)ev->tag;

	switch (ev->kind) {
	case TRACE_ACCESS:
		if (!trace_has(ev, TRACE_F_SID) || !trace_has(ev, TRACE_F_ENTRY) || ev->sid >= SIDS)
			return err_set(err, -EINVAL,
				       "predict: line %llu: an access: expected a requester of 16 "
				       "bits and the entry that was found",
				       (unsigned long long)ev->line);
		return on_access(l, ev, err);
	case TRACE_INVALIDATE:
		if (ev->bytes & (ev->bytes - 1))
			return err_set(err, -EINVAL,
				       "predict: line %llu: an invalidation: expected a power of "
				       "two of pages",
				       (unsigned long long)ev->line);
		submit(l, vtd_desc_iotlb(VTD_GRAN_PAGE, did, false,
					 vtd_iva(ev->iova, mask_of(ev->bytes), false)));
		return 0;
	case TRACE_INVALIDATE_TAG:
		submit(l, vtd_desc_iotlb(VTD_GRAN_DOMAIN, did, false, 0));
		l->emptied[did] = true;
		return 0;
	case TRACE_INVALIDATE_ALL:
		submit(l, vtd_desc_iotlb(VTD_GRAN_GLOBAL, 0, false, 0));
		l->all_emptied = true;
		return 0;
	default:
		on_other(l, ev);
		return 0;
	}
}

/* ---- life ---- */

static void lookups_end(void *ctx, bool ok)
{
	struct lookups *l = ctx;
	struct iotlb_stats s;

	if (ok) {
		l->iommu->ops->stats(l->iommu, &s);
		if (s.evictions)
			score_note(
				l->result,
				"the IOTLB was full %llu times: QEMU's then empties itself, ours "
				"replaces",
				(unsigned long long)s.evictions);
	}
	iommu_destroy(l->iommu);
	pfnmap_fini(&l->seen);
	ground_fini(&l->ground);
	free(l->emptied);
	free(l->domain);
	free(l);
}

static int lookups_begin(void **ctx, const struct predict_config *config,
			 struct predict_result *result, struct err *err)
{
	struct lookups *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return err_set(err, -ENOMEM, "predict: out of memory");
	l->result = result;
	l->emptied = calloc(TAGS, sizeof(*l->emptied));
	l->domain = calloc(SIDS, sizeof(*l->domain));
	rc = l->emptied && l->domain && !pfnmap_init(&l->seen, 1024)
		     ? ground_init(&l->ground, config->profile, 1, err)
		     : err_set(err, -ENOMEM, "predict: out of memory");
	if (!rc)
		rc = make_unit(l, err);
	if (rc) {
		lookups_end(l, false);
		return rc;
	}
	result->model = "vtd";
	*ctx = l;
	return 0;
}

const struct predictor predictor_iotlb = {
	.format = "qemu-vtd",
	.prefix = "vtd_",
	.begin = lookups_begin,
	.event = lookups_event,
	.end = lookups_end,
};
