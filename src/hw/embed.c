// SPDX-License-Identifier: MIT
/*
 * The models as a program outside sees them: include/iotoll/iommu.h over hw/iommu.h. What is
 * checked here is the embedder's side, everything that a guest can do is checked by the models.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/iommu.h"
#include "hw/iotlb.h"
#include "hw/range.h"
#include "hw/shared.h"

/* struct iotoll_iommu is the model's own struct under a name that nobody defines. */
static struct iommu *inside(struct iotoll_iommu *iommu)
{
	return (struct iommu *)iommu;
}

static const struct iommu *inside_const(const struct iotoll_iommu *iommu)
{
	return (const struct iommu *)iommu;
}

int iotoll_iommu_defaults(struct iotoll_iommu_config *config, const char *model)
{
	const struct iommu_ops *ops = model != NULL ? iommu_find(model) : NULL;

	if (ops == NULL || config == NULL)
		return -EINVAL;
	*config = (struct iotoll_iommu_config){
		.model = ops->name,
		.iotlb_entries = ops->geometry.entries,
		.iotlb_ways = ops->geometry.ways,
		.iotlb_line_pages = ops->geometry.line_pages,
		.iotlb_policy = "lru",
	};
	return 0;
}

/* Nowhere to write to: as on a bus that drops what nobody claims. */
static int write_nothing(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	(void)ctx;
	(void)paddr;
	(void)from;
	(void)bytes;
	return -EFAULT;
}

static int convert(struct iommu_config *to, const struct iotoll_iommu_config *from, struct err *err)
{
	const char *policy = from->iotlb_policy != NULL ? from->iotlb_policy : "lru";

	*to = (struct iommu_config){
		.model = from->model,
		.memory = from->memory,
		.track_stale = from->track_stale,
		.iotlb = {.entries = from->iotlb_entries,
			  .ways = from->iotlb_ways,
			  .line_pages = from->iotlb_line_pages,
			  .seed = from->seed},
	};
	if (from->memory.window == NULL && from->memory.window_bytes != 0)
		return err_set(err, -EINVAL, "memory window: expected an address for its bytes");
	if (to->memory.write == NULL)
		to->memory.write = write_nothing;
	if (strlen(policy) >= sizeof(to->iotlb.policy))
		return err_set(err, -EINVAL, "iotlb policy '%s': expected one of the list", policy);
	memcpy(to->iotlb.policy, policy, strlen(policy) + 1);
	return 0;
}

int iotoll_iommu_create(struct iotoll_iommu **out, const struct iotoll_iommu_config *config,
			char *why, size_t why_bytes)
{
	struct err err = {""};
	struct iommu_config converted;
	struct iommu *iommu = NULL;
	int rc;

	if (out == NULL)
		return -EINVAL;
	*out = NULL;
	if (config == NULL)
		rc = err_set(&err, -EINVAL, "iommu: expected a config");
	else
		rc = convert(&converted, config, &err);
	if (rc == 0)
		rc = iommu_create(&iommu, &converted, &err);
	if (rc == 0 && config->shared) {
		rc = iommu_share(iommu, &err);
		if (rc != 0)
			iommu_destroy(iommu);
	}
	if (rc == 0)
		*out = (struct iotoll_iommu *)iommu;
	else if (why != NULL && why_bytes != 0)
		(void)snprintf(why, why_bytes, "%s", err.text[0] != 0 ? err.text : strerror(-rc));
	return rc;
}

void iotoll_iommu_destroy(struct iotoll_iommu *iommu)
{
	if (iommu == NULL)
		return;
	free(inside(iommu)->own_fabric);
	iommu_destroy(inside(iommu));
}

void iotoll_iommu_reset(struct iotoll_iommu *iommu)
{
	if (iommu != NULL)
		inside(iommu)->ops->reset(inside(iommu));
}

void iotoll_iommu_observe(struct iotoll_iommu *iommu, const struct iotoll_iommu_observer *observer)
{
	if (iommu == NULL)
		return;
	iommu_lock(inside(iommu));
	inside(iommu)->observer =
		observer != NULL ? *observer : (struct iotoll_iommu_observer){.ctx = NULL};
	iommu_unlock(inside(iommu));
}

static bool register_access(uint64_t offset, unsigned width)
{
	return (width == 4 || width == 8) && offset % width == 0;
}

int iotoll_iommu_reg_read(struct iotoll_iommu *iommu, uint64_t offset, unsigned width,
			  uint64_t *value)
{
	if (iommu == NULL || value == NULL || !register_access(offset, width))
		return -EINVAL;
	*value = inside(iommu)->ops->reg_read(inside(iommu), offset, width);
	return 0;
}

int iotoll_iommu_reg_write(struct iotoll_iommu *iommu, uint64_t offset, uint64_t value,
			   unsigned width)
{
	if (iommu == NULL || !register_access(offset, width))
		return -EINVAL;
	inside(iommu)->ops->reg_write(inside(iommu), offset, value, width);
	return 0;
}

int iotoll_iommu_translate(struct iotoll_iommu *iommu, struct iotoll_source source, uint64_t iova,
			   enum iotoll_access access, struct iotoll_xlat *out)
{
	if (iommu == NULL || out == NULL)
		return -EINVAL;
	return iommu_translate(inside(iommu), source, iova, access, out);
}

int iotoll_iommu_probe(const struct iotoll_iommu *iommu, struct iotoll_source source, uint64_t iova,
		       enum iotoll_access access, struct iotoll_xlat *out)
{
	if (iommu == NULL || out == NULL)
		return -EINVAL;
	return iommu_probe(inside_const(iommu), source, iova, access, out);
}

/* Whose bytes a range translates. */
struct asker {
	struct iommu *iommu;
	struct iotoll_source source;
};

static int translate_one(void *ctx, uint64_t iova, enum iotoll_access access,
			 struct iotoll_xlat *out)
{
	const struct asker *a = ctx;

	return iommu_translate(a->iommu, a->source, iova, access, out);
}

int iotoll_iommu_translate_range(struct iotoll_iommu *iommu, struct iotoll_source source,
				 uint64_t iova, uint64_t bytes, enum iotoll_access access,
				 struct iotoll_piece *pieces, unsigned *count, uint64_t *done)
{
	const struct range range = {iova, bytes, access};
	struct asker asker = {inside(iommu), source};

	if (iommu == NULL || pieces == NULL || count == NULL || done == NULL)
		return -EINVAL;
	return range_translate(&range, pieces, count, done, translate_one, &asker);
}

bool iotoll_iommu_may_start(const struct iotoll_iommu *iommu, unsigned bus)
{
	return iommu != NULL && inside_const(iommu)->ops->may_start(inside_const(iommu), bus);
}

void iotoll_iommu_begin(struct iotoll_iommu *iommu, unsigned bus)
{
	if (iommu != NULL)
		inside(iommu)->ops->begin(inside(iommu), bus);
}

void iotoll_iommu_end(struct iotoll_iommu *iommu, unsigned bus)
{
	if (iommu != NULL)
		inside(iommu)->ops->end(inside(iommu), bus);
}

void iotoll_iommu_stats(const struct iotoll_iommu *iommu, struct iotoll_iommu_stats *out)
{
	const struct iommu *i = inside_const(iommu);
	struct iotlb_stats s;

	if (out == NULL)
		return;
	*out = (struct iotoll_iommu_stats){.hits = 0};
	if (iommu == NULL)
		return;
	i->ops->stats(i, &s);
	*out = (struct iotoll_iommu_stats){
		.hits = s.hits,
		.misses = s.misses,
		.evictions = s.evictions,
		.invalidated = s.invalidated,
		.invalidations =
			i->ops->invalidations != NULL ? i->ops->invalidations(i) : s.flushes,
	};
}

const char *iotoll_iommu_model_name(unsigned index, const char **title)
{
	for (unsigned i = 0; iommu_models[i] != NULL; i++)
		if (i == index) {
			if (title != NULL)
				*title = iommu_models[i]->title;
			return iommu_models[i]->name;
		}
	return NULL;
}

const char *iotoll_iommu_policy_name(unsigned index, const char **title)
{
	for (unsigned i = 0; iotlb_policies[i] != NULL; i++)
		if (i == index) {
			if (title != NULL)
				*title = iotlb_policies[i]->title;
			return iotlb_policies[i]->name;
		}
	return NULL;
}
