/* SPDX-License-Identifier: MIT */
/*
 * What the tests of translators share: a shared IOMMU over memory of the test's own, a translator
 * of it, and the question whether the two agree. For programs that include nothing else of the
 * kind.
 */
#ifndef IOTOLL_TESTS_LIB_TRANSLATOR_WORLD_H
#define IOTOLL_TESTS_LIB_TRANSLATOR_WORLD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "iotoll/dma.h"
#include "iotoll/env.h"
#include "iotoll/translator.h"

#include "../base/seed.h"

#define BYTES  (UINT64_C(32) << 20)
#define DEVICE 0x0018u
#define PAGE   UINT64_C(4096)

static const struct iotoll_source who = {.devid = DEVICE};

struct world {
	uint8_t *memory;
	struct iotoll_iommu *iommu;
	struct iotoll_translator *t;
	struct dma_env *env;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dev;
	unsigned tail; /* of the VT-d tests' own queue */
	unsigned faults;
};

static inline int read_memory(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	const struct world *w = ctx;

	if (paddr > BYTES || bytes > BYTES - paddr)
		return -EFAULT;
	memcpy(to, w->memory + paddr, bytes);
	return 0;
}

static inline int write_memory(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	const struct world *w = ctx;

	if (paddr > BYTES || bytes > BYTES - paddr)
		return -EFAULT;
	memcpy(w->memory + paddr, from, bytes);
	return 0;
}

static inline uint64_t reg_read(void *ctx, uint64_t offset, unsigned width)
{
	const struct world *w = ctx;
	uint64_t value = 0;

	assert_int_equal(iotoll_iommu_reg_read(w->iommu, offset, width, &value), 0);
	return value;
}

static inline void reg_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	const struct world *w = ctx;

	assert_int_equal(iotoll_iommu_reg_write(w->iommu, offset, value, width), 0);
}

static inline struct iotoll_iommu_config config_for(struct world *w, const char *model)
{
	struct iotoll_iommu_config config;

	assert_int_equal(iotoll_iommu_defaults(&config, model), 0);
	config.memory =
		(struct iotoll_memory){.ctx = w, .read = read_memory, .write = write_memory};
	config.shared = true;
	return config;
}

static inline void open_memory(struct world *w)
{
	*w = (struct world){.memory = aligned_alloc(PAGE, BYTES)};
	assert_non_null(w->memory);
	memset(w->memory, 0, BYTES);
}

static inline void open_iommu(struct world *w, const struct iotoll_iommu_config *config,
			      unsigned entries)
{
	char why[200] = "";

	assert_int_equal(iotoll_iommu_create(&w->iommu, config, why, sizeof(why)), 0);
	assert_int_equal(iotoll_translator_create(&w->t, w->iommu, who, entries), 0);
}

static inline void close_world(struct world *w)
{
	iotoll_translator_destroy(w->t);
	if (w->dev != NULL) {
		iotoll_dma_detach(w->dev);
		iotoll_dma_domain_destroy(w->domain);
		iotoll_env_destroy(w->env);
	}
	iotoll_iommu_destroy(w->iommu);
	free(w->memory);
}

/* The translator answers as the IOMMU would. */
static inline int same_answer(struct world *w, uint64_t iova, enum iotoll_access access)
{
	struct iotoll_xlat want, got;
	const int rc = iotoll_iommu_probe(w->iommu, who, iova, access, &want);

	assert_int_equal(iotoll_translator_translate(w->t, iova, access, &got), rc);
	if (rc == 0) {
		assert_int_equal(got.paddr, want.paddr);
		assert_int_equal(got.bytes, want.bytes);
		assert_int_equal(got.bypass, want.bypass);
	}
	return rc;
}

static inline uint64_t hits(const struct world *w)
{
	struct iotoll_translator_stats stats;

	iotoll_translator_stats(w->t, &stats);
	return stats.hits;
}

#endif
