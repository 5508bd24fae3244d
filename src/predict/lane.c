/* SPDX-License-Identifier: MIT */
/* See lane.h. */
#include "predict/lane.h"

#include <errno.h>

#include "dma/domain.h"
#include "predict/impl.h"
#include "spec/vtd.h"
#include "spec/vtd_regs.h"

#define QUEUE_SLOTS 256u /* of the driver's queue, one page */
#define LANE_DEVID  0x0008u
#define ENTRIES     (UINT64_C(1) << 20) /* 4 GiB: all that a kernel gives while there is room */
#define MEMORY_AT   UINT64_C(0x100000)  /* what maps lead to: nobody goes there */

static struct lane *lane_of(struct iova *a)
{
	return ((struct lane_front *)a)->lane;
}

/* ---- the allocator in front ---- */

static int front_alloc(struct iova *a, const struct iova_want *want, uint64_t *out)
{
	struct lane *l = lane_of(a);
	int rc;

	if (l->asks == LANE_ADOPT)
		rc = mirror_adopt(&l->mirror, l->recorded, want->count);
	else
		rc = mirror_alloc(&l->mirror, l->cpu, l->recorded, want->count, l->slow,
				  &l->answer);
	*out = l->recorded;
	/* The DMA layer knows of full tables only. */
	return rc == -EEXIST ? -ENOSPC : rc;
}

static void front_free(struct iova *a, uint64_t first, uint64_t count)
{
	struct lane *l = lane_of(a);

	if (l->forgetting)
		mirror_forget(&l->mirror, first, count);
	else
		mirror_free(&l->mirror, l->cpu, first, count);
}

static int front_reserve(struct iova *a, uint64_t first, uint64_t count)
{
	return mirror_reserve(&lane_of(a)->mirror, first, count);
}

static bool front_owns(const struct iova *a, uint64_t first, uint64_t count)
{
	return mirror_owns(&((const struct lane_front *)a)->lane->mirror, first, count);
}

static bool front_usable_below(const struct iova *a, uint64_t limit)
{
	const struct iova *below = ((const struct lane_front *)a)->lane->mirror.now.iova;

	return below->ops->usable_below(below, limit);
}

static bool front_check(const struct iova *a)
{
	const struct iova *below = ((const struct lane_front *)a)->lane->mirror.now.iova;

	return below->ops->check(below);
}

static void front_destroy(struct iova *a)
{
	mirror_fini(&lane_of(a)->mirror);
}

static const struct iova_ops front_ops = {
	.name = "recorded",
	.title = "what a recording says, after another was asked",
	.destroy = front_destroy,
	.reserve = front_reserve,
	.alloc = front_alloc,
	.owns = front_owns,
	.free = front_free,
	.usable_below = front_usable_below,
	.check = front_check,
};

/* ---- what the driver says ---- */

static uint64_t reg(const struct lane *l, uint32_t offset)
{
	struct iommu *iommu = l->solo.rig.iommu;

	return iommu->ops->reg_read(iommu, offset, 8);
}

static void listen(struct lane *l)
{
	l->tail = (unsigned)(reg(l, VTD_IQT) & VTD_IQ_INDEX) / VTD_DESC_BYTES;
	l->descs = 0;
}

/* All that was put into the queue since listen(), as it lies in memory. */
static void hear(struct lane *l)
{
	const unsigned tail = (unsigned)(reg(l, VTD_IQT) & VTD_IQ_INDEX) / VTD_DESC_BYTES;
	const uint64_t queue = reg(l, VTD_IQA) & VTD_IQA_BASE;

	for (; l->tail != tail; l->tail = (l->tail + 1) % QUEUE_SLOTS) {
		const uint8_t *at =
			memory_ptr(l->solo.machine->mem, queue + (uint64_t)l->tail * VTD_DESC_BYTES,
				   VTD_DESC_BYTES);
		const struct vtd_pair desc = vtd_unpack_pair(at);

		if ((desc.lo & VTD_DESC_TYPE) == VTD_DESC_WAIT)
			continue;
		if (l->descs < LANE_DESCRIPTORS)
			l->desc[l->descs] = (struct lane_descriptor){{desc.lo, desc.hi}};
		l->descs++;
	}
}

/* ---- calls ---- */

static int map(struct lane *l, unsigned cpu, uint64_t first, uint64_t pages)
{
	struct iotoll_dma_device *dev = l->solo.device;
	iotoll_iova_t at;

	l->cpu = cpu;
	l->recorded = first;
	at = iotoll_dma_map_page(dev, IOTOLL_PHYS(MEMORY_AT), pages << PREDICT_PAGE_SHIFT,
				 IOTOLL_DMA_BIDIRECTIONAL);
	if (iotoll_dma_mapping_error(at))
		return -EEXIST;
	return 0;
}

int lane_map(struct lane *l, unsigned cpu, uint64_t first, uint64_t pages, enum mirror_slow slow)
{
	l->asks = LANE_PREDICT;
	l->slow = slow;
	l->answer = (struct mirror_answer){.verdict = MIRROR_WRONG, .predicted = UINT64_MAX};
	return map(l, cpu, first, pages);
}

int lane_adopt(struct lane *l, uint64_t first, uint64_t pages)
{
	l->asks = LANE_ADOPT;
	return map(l, 0, first, pages);
}

void lane_unmap(struct lane *l, unsigned cpu, uint64_t first, uint64_t pages)
{
	listen(l);
	l->cpu = cpu;
	iotoll_dma_unmap_page(l->solo.device, IOTOLL_IOVA(first << PREDICT_PAGE_SHIFT),
			      pages << PREDICT_PAGE_SHIFT, IOTOLL_DMA_BIDIRECTIONAL);
	hear(l);
}

void lane_forget(struct lane *l, uint64_t first, uint64_t pages)
{
	l->forgetting = true;
	lane_unmap(l, 0, first, pages);
	l->forgetting = false;
}

void lane_timer(struct lane *l, unsigned cpu)
{
	listen(l);
	l->cpu = cpu;
	domain_timer(l->solo.rig.domain);
	hear(l);
}

bool lane_owns(const struct lane *l, uint64_t first, uint64_t pages)
{
	return mirror_owns(&l->mirror, first, pages);
}

bool lane_waits(const struct lane *l, uint64_t first, uint64_t pages)
{
	const struct iotoll_dma_domain *domain = l->solo.rig.domain;

	return domain->strategy->keeps && domain->strategy->keeps(domain, first, pages);
}

/* ---- life ---- */

static int put_in_front(struct lane *l, struct err *err)
{
	int rc = mirror_init(&l->mirror, &l->solo.rig.env, ENTRIES);

	if (rc)
		return err_set(err, rc, "predict: no memory for an allocator");
	l->front = (struct lane_front){
		.base = {.ops = &front_ops,
			 .env = &l->solo.rig.env,
			 .entries = ENTRIES,
			 .cpu = &l->cpu},
		.lane = l,
	};
	rc = domain_replace_allocator(l->solo.rig.domain, &l->front.base);
	if (rc) {
		mirror_fini(&l->mirror);
		return err_set(err, rc,
			       "predict: the allocator cannot be held against a recording");
	}
	return 0;
}

int lane_init(struct lane *l, const struct profile *profile, const char *strategy, struct err *err)
{
	const struct rig_config rig = {
		.model = "vtd",
		.iotlb = {.entries = 16, .ways = 4, .line_pages = 1, .policy = "lru"},
		.strategy = strategy,
		.allocator = "magazines",
		.table_entries = ENTRIES,
	};
	struct profile machine = *profile;
	int rc;

	*l = (struct lane){.cpu = 0};
	machine.cpus = MIRROR_CPUS;
	rc = solo_init(&l->solo, &machine, &rig, LANE_DEVID, err);
	if (rc)
		return rc;
	domain_give_timer(l->solo.rig.domain);
	rc = put_in_front(l, err);
	if (rc)
		lane_fini(l);
	return rc;
}

void lane_fini(struct lane *l)
{
	solo_fini(&l->solo);
}
