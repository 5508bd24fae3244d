// SPDX-License-Identifier: MIT
/*
 * The lock around a model: a table of operations that has every operation of the model's own, taken
 * under one mutex. Only an IOMMU that is shared gets it, so the others pay nothing for it. See
 * hw/shared.h for what it keeps beside the lock.
 */
#include "hw/shared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/membarrier.h>

/* ---- times of invalidations ---- */

static uint64_t move_on(struct iommu_shared *s)
{
	return ++s->clock;
}

static void stamp(atomic_uint_least64_t *at, uint64_t now)
{
	atomic_store_explicit(at, now, memory_order_release);
}

void iommu_shared_forget_pages(struct iommu_shared *s, uint32_t tag, uint64_t first, uint64_t pages)
{
	const uint64_t mix = shared_mix_of(tag);
	const uint64_t now = move_on(s);

	if (pages == 0)
		return;
	if (pages > SHARED_PAGES_APART) {
		stamp(&s->scope[shared_scope_of(tag)].flushed, now);
		return;
	}
	for (uint64_t i = 0; i < pages; i++)
		stamp(&s->page[shared_page_of(mix, first + i)], now);
	stamp(&s->region[shared_region_of(mix, first)], now);
	stamp(&s->region[shared_region_of(mix, first + pages - 1)], now); /* at most two */
	stamp(&s->scope[shared_scope_of(tag)].paged, now);
}

void iommu_shared_forget_tag(struct iommu_shared *s, uint32_t tag)
{
	stamp(&s->scope[shared_scope_of(tag)].flushed, move_on(s));
}

void iommu_shared_forget_all(struct iommu_shared *s)
{
	const uint64_t now = move_on(s);

	for (size_t i = 0; i < SHARED_SCOPES; i++)
		stamp(&s->scope[i].flushed, now);
}

/* ---- operations with the lock ---- */

/* A question changes nothing that can be seen, but what it reads must not change meanwhile. */
static struct iommu_shared *locked(const struct iommu *iommu)
{
	(void)pthread_mutex_lock(&iommu->shared->lock);
	return iommu->shared;
}

static void unlock(const struct iommu *iommu)
{
	(void)pthread_mutex_unlock(&iommu->shared->lock);
}

static void shared_destroy(struct iommu *iommu)
{
	struct iommu_shared *s = iommu->shared;

	iommu->ops = s->model;
	iommu->shared = NULL;
	iommu->ops->destroy(iommu);
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_mutex_destroy(&s->list_lock);
	free(s);
}

static void shared_reset(struct iommu *iommu)
{
	struct iommu_shared *s = locked(iommu);

	s->model->reset(iommu);
	iommu_shared_forget_all(s);
	unlock(iommu);
}

static uint64_t shared_reg_read(struct iommu *iommu, uint64_t offset, unsigned width)
{
	const uint64_t value = locked(iommu)->model->reg_read(iommu, offset, width);

	unlock(iommu);
	return value;
}

static void shared_reg_write(struct iommu *iommu, uint64_t offset, uint64_t value, unsigned width)
{
	locked(iommu)->model->reg_write(iommu, offset, value, width);
	unlock(iommu);
}

static int shared_translate(struct iommu *iommu, struct iotoll_source source, uint64_t iova,
			    enum iotoll_access access, struct iotoll_xlat *out)
{
	const int ret = locked(iommu)->model->translate(iommu, source, iova, access, out);

	unlock(iommu);
	return ret;
}

static int shared_probe(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
			enum iotoll_access access, struct iotoll_xlat *out)
{
	const int ret = locked(iommu)->model->probe(iommu, source, iova, access, out);

	unlock(iommu);
	return ret;
}

static bool shared_may_start(const struct iommu *iommu, unsigned bus)
{
	const bool may = locked(iommu)->model->may_start(iommu, bus);

	unlock(iommu);
	return may;
}

static void shared_begin(struct iommu *iommu, unsigned bus)
{
	locked(iommu)->model->begin(iommu, bus);
	unlock(iommu);
}

static void shared_end(struct iommu *iommu, unsigned bus)
{
	locked(iommu)->model->end(iommu, bus);
	unlock(iommu);
}

static void shared_stats(const struct iommu *iommu, struct iotlb_stats *out)
{
	locked(iommu)->model->stats(iommu, out);
	unlock(iommu);
}

static uint64_t shared_invalidations(const struct iommu *iommu)
{
	const uint64_t n = locked(iommu)->model->invalidations(iommu);

	unlock(iommu);
	return n;
}

static void shared_latched(const struct iommu *iommu, unsigned bus, uint64_t *status,
			   uint64_t *detail)
{
	locked(iommu)->model->latched(iommu, bus, status, detail);
	unlock(iommu);
}

/* ---- set up ---- */

static void lock_operations(struct iommu_shared *s)
{
	struct iommu_ops *ops = &s->ops;

	*ops = *s->model;
	ops->destroy = shared_destroy;
	ops->reset = shared_reset;
	ops->reg_read = shared_reg_read;
	ops->reg_write = shared_reg_write;
	ops->translate = shared_translate;
	ops->probe = shared_probe;
	ops->may_start = shared_may_start;
	ops->begin = shared_begin;
	ops->end = shared_end;
	ops->stats = shared_stats;
	if (ops->invalidations != NULL)
		ops->invalidations = shared_invalidations;
	ops->latched = shared_latched;
	ops->held = NULL; /* these two are asked of the model itself, with the lock held */
	ops->ats = NULL;
}

/* Recursive: a device may complete an invalidation from within the call that brings it. */
static int init_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;
	int rc = pthread_mutexattr_init(&attr);

	if (rc != 0)
		return rc;
	rc = pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	if (rc == 0)
		rc = pthread_mutex_init(lock, &attr);
	(void)pthread_mutexattr_destroy(&attr);
	return rc;
}

int iommu_share(struct iommu *iommu, struct err *err)
{
	struct iommu_shared *s = aligned_alloc(alignof(struct iommu_shared), sizeof(*s));

	if (s == NULL)
		return err_set(err, -ENOMEM, "no memory for a shared iommu");
	memset(s, 0, sizeof(*s));
	s->model = iommu->ops;
	if (init_lock(&s->lock) != 0 || pthread_mutex_init(&s->list_lock, NULL) != 0) {
		free(s);
		return err_set(err, -ENOMEM, "no memory for a shared iommu's locks");
	}
	/* Kept by the kernel for the process, and the same however often it is asked for. */
	s->expedited =
		syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
	lock_operations(s);
	iommu->shared = s;
	iommu->ops = &s->ops;
	return 0;
}
