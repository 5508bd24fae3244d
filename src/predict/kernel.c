/* SPDX-License-Identifier: MIT */
/*
 * Linux on x86, as its trace points and probes record it, in whatever format: which addresses the
 * allocator gave, what each unmap told the invalidation queue, when a flush queue was full. Linux
 * 6.1: drivers/iommu/{dma-iommu,iova}.c, drivers/iommu/intel.
 *
 * Whether unmaps are strict or lazy is found out first: events wait until the first descriptor
 * says. Steps of a recording, and places where the recorder lost events, begin another time, of
 * which nothing is known.
 */
#include "predict/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BARE_AFTER 2048u /* unmaps without a descriptor: then none are recorded */

static int device_number(struct kernel *k, const struct trace_event *ev, int *out, struct err *err)
{
	const size_t n = ev->dev.bytes;

	*out = NO_DEVICE;
	if (!trace_has(ev, TRACE_F_DEV) || !n || n >= sizeof(k->device[0]))
		return 0;
	for (unsigned i = 0; i < k->devices; i++) {
		*out = (int)i;
		if (strlen(k->device[i]) == n && !memcmp(k->device[i], ev->dev.at, n))
			return 0;
	}
	if (k->devices == KERNEL_DEVICES)
		return err_set(err, -EINVAL, "predict: line %llu: expected at most %u devices",
			       (unsigned long long)ev->line, KERNEL_DEVICES);
	memcpy(k->device[k->devices], ev->dev.at, n);
	*out = (int)k->devices++;
	return 0;
}

/* Pages that the call is about, as far as it says. */
static uint64_t pages_of(const struct trace_event *ev)
{
	const uint64_t page = UINT64_C(1) << PREDICT_PAGE_SHIFT;
	uint64_t at = 0;

	if (ev->kind == TRACE_UNMAP)
		return ev->done_bytes >> PREDICT_PAGE_SHIFT;
	if (trace_has(ev, TRACE_F_PAGES))
		return ev->pages;
	if (!trace_has(ev, TRACE_F_BYTES) || ev->bytes > UINT64_MAX / 2)
		return 0;
	if (trace_has(ev, TRACE_F_OFFSET))
		at = ev->offset % page;
	else if (trace_has(ev, TRACE_F_IOVA))
		at = ev->iova % page;
	return (at + ev->bytes + page - 1) >> PREDICT_PAGE_SHIFT;
}

static int convert(struct kernel *k, const struct trace_event *ev, struct kernel_event *out,
		   struct err *err)
{
	*out = (struct kernel_event){
		.kind = ev->kind,
		.cpu = ev->cpu,
		.line = ev->line,
		.first = trace_has(ev, TRACE_F_IOVA) ? ev->iova >> PREDICT_PAGE_SHIFT : UINT64_MAX,
		.pages = pages_of(ev),
		.tag = trace_has(ev, TRACE_F_TAG) ? (int)(ev->tag & 0xFFFF) : NO_TAG,
		.iotlb = ev->kind == TRACE_QI_SUBMIT && ev->qi_type == TRACE_QI_IOTLB,
		.by_page = ev->qi_granularity == 3,
		.word = {ev->word[0], ev->word[1]},
	};
	if (ev->cpu >= MIRROR_CPUS)
		return err_set(err, -EINVAL, "predict: line %llu: CPU %u: expected one below %u",
			       (unsigned long long)ev->line, ev->cpu, MIRROR_CPUS);
	if (ev->kind == TRACE_QI_SUBMIT) {
		out->device = NO_DEVICE;
		return 0;
	}
	return device_number(k, ev, &out->device, err);
}

static int on_event(struct kernel *k, const struct kernel_event *ev, struct err *err)
{
	switch (ev->kind) {
	case TRACE_MAP:
		return kernel_map(k, ev, err);
	case TRACE_UNMAP:
		return ev->pages ? kernel_unmap(k, ev, err) : 0;
	case TRACE_QI_SUBMIT:
		return kernel_descriptor(k, ev, err);
	case TRACE_FQ_TIMEOUT:
	case TRACE_FQ_FLUSH:
		flush_probes_take(&k->cpu[ev->cpu].said, ev->kind);
		return 0;
	case TRACE_API_MAP:
	case TRACE_API_MAP_RET:
	case TRACE_API_MAP_SG:
	case TRACE_API_MAP_SG_RET:
	case TRACE_API_ALLOC:
	case TRACE_API_ALLOC_RET:
	case TRACE_API_UNMAP:
	case TRACE_API_UNMAP_SG:
	case TRACE_API_FREE:
	case TRACE_IOVA_SLOW:
		return kernel_call(k, ev, err);
	default:
		return 0;
	}
}

static void forget_cpus(struct kernel *k)
{
	for (unsigned i = 0; i < MIRROR_CPUS; i++)
		k->cpu[i] = (struct kernel_cpu){.flush_lane = -1, .last_lane = -1};
}

/* Nothing is known any more, but how the kernel does things. */
static void new_time(struct kernel *k)
{
	kernel_settle(k);
	kernel_drop_lanes(k);
	forget_cpus(k);
}

/* ---- which mode ---- */

static enum kernel_mode mode_of(struct kernel *k, const struct kernel_event *ev)
{
	if (ev->iotlb)
		return ev->by_page ? KERNEL_STRICT : KERNEL_LAZY;
	if (ev->kind == TRACE_FQ_TIMEOUT || ev->kind == TRACE_FQ_FLUSH)
		return KERNEL_LAZY;
	k->early_unmaps += ev->kind == TRACE_UNMAP;
	return k->early_unmaps > BARE_AFTER ? KERNEL_BARE : KERNEL_UNDECIDED;
}

static int decide(struct kernel *k, enum kernel_mode mode, struct err *err)
{
	int rc = 0;

	k->mode = mode;
	k->result->model =
		mode == KERNEL_LAZY ? "magazines, flush-queue, vtd" : "magazines, strict, vtd";
	if (mode == KERNEL_BARE)
		score_note(k->result, "no descriptors recorded: unmaps taken to be strict");
	for (size_t i = 0; !rc && i < k->earlies; i++)
		rc = on_event(k, &k->early[i], err);
	free(k->early);
	k->early = NULL;
	k->earlies = 0;
	return rc;
}

static int keep(struct kernel *k, const struct kernel_event *ev, struct err *err)
{
	if (k->earlies == k->early_room) {
		const size_t room = k->early_room ? 2 * k->early_room : 256;
		struct kernel_event *grown = realloc(k->early, room * sizeof(*grown));

		if (!grown)
			return err_set(err, -ENOMEM, "predict: out of memory");
		k->early = grown;
		k->early_room = room;
	}
	k->early[k->earlies++] = *ev;
	return 0;
}

static int kernel_event(void *ctx, const struct trace_event *ev, struct err *err)
{
	struct kernel *k = ctx;
	struct kernel_event mine;
	enum kernel_mode mode;
	int rc;

	if (ev->kind == TRACE_STEP || ev->kind == TRACE_LOST) {
		if (k->mode != KERNEL_UNDECIDED)
			new_time(k);
		return 0;
	}
	rc = convert(k, ev, &mine, err);
	if (rc)
		return rc;
	if (k->mode != KERNEL_UNDECIDED)
		return on_event(k, &mine, err);
	mode = mode_of(k, &mine);
	rc = keep(k, &mine, err);
	if (!rc && mode != KERNEL_UNDECIDED)
		rc = decide(k, mode, err);
	return rc;
}

/* ---- life ---- */

static void kernel_end(void *ctx, bool ok)
{
	struct kernel *k = ctx;

	if (ok && k->mode == KERNEL_UNDECIDED && k->earlies)
		(void)!decide(k, KERNEL_BARE, NULL);
	if (ok)
		kernel_settle(k);
	kernel_drop_lanes(k);
	if (ok && k->owners_guessed)
		score_note(k->result,
			   "%llu maps could be for several devices: judged by their unmaps, which "
			   "%llu "
			   "have not got",
			   (unsigned long long)k->owners_guessed,
			   (unsigned long long)k->owners_never_told);
	free(k->riddle);
	free(k->early);
	free(k);
}

static int kernel_begin(void **ctx, const struct predict_config *config,
			struct predict_result *result, struct err *err)
{
	struct kernel *k = calloc(1, sizeof(*k));

	if (!k)
		return err_set(err, -ENOMEM, "predict: out of memory");
	k->config = config;
	k->result = result;
	result->model = "magazines";
	forget_cpus(k);
	*ctx = k;
	return 0;
}

const struct predictor predictor_kernel = {
	.format = NULL, /* whatever records a kernel */
	.begin = kernel_begin,
	.event = kernel_event,
	.end = kernel_end,
};
