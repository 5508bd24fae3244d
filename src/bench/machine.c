/* SPDX-License-Identifier: MIT */
/* See machine.h. */
#include "bench/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE         4096u
#define OWN_BYTES    (UINT64_C(512) << 20) /* for tables, pools, and what strategies keep */
#define MEMORY_LIMIT (UINT64_C(64) << 30)

static int memory_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	const struct machine *m = ctx;

	if (paddr > m->bytes || bytes > m->bytes - paddr)
		return -EFAULT;
	memcpy(to, m->memory + paddr, bytes);
	return 0;
}

static int memory_write(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	const struct machine *m = ctx;

	if (paddr > m->bytes || bytes > m->bytes - paddr)
		return -EFAULT;
	memcpy(m->memory + paddr, from, bytes);
	return 0;
}

uint64_t machine_reg_read(void *ctx, uint64_t offset, unsigned width)
{
	struct machine *m = ctx;
	uint64_t value = 0;

	if (m->listener)
		m->listener(m->listener_ctx, false, offset, 0, width);
	(void)iotoll_iommu_reg_read(m->iommu, offset, width, &value);
	return value;
}

void machine_reg_write(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	struct machine *m = ctx;

	if (m->listener)
		m->listener(m->listener_ctx, true, offset, value, width);
	(void)iotoll_iommu_reg_write(m->iommu, offset, value, width);
}

/* Untouched pages cost nothing. */
static int make_memory(struct machine *m, uint64_t buffers, struct err *err)
{
	void *at;

	m->bytes = OWN_BYTES + buffers * PAGE;
	if (buffers > MEMORY_LIMIT / PAGE || m->bytes > MEMORY_LIMIT)
		return err_set(err, -EINVAL,
			       "%llu pages in all: threads times outstanding times pages, at most "
			       "%llu expected",
			       (unsigned long long)buffers,
			       (unsigned long long)((MEMORY_LIMIT - OWN_BYTES) / PAGE));
	at = mmap(NULL, m->bytes, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return err_set(err, -ENOMEM, "no room for a machine's memory");
	m->memory = at;
	return 0;
}

static int make_iommu(struct machine *m, const struct bench_setup *setup, struct err *err)
{
	struct iotoll_iommu_config config;

	if (!strcmp(setup->iommu, "none"))
		return 0;
	if (iotoll_iommu_defaults(&config, setup->iommu))
		return err_set(err, -EINVAL,
			       "--iommu %s: no model of that name; 'iotoll list iommus'",
			       setup->iommu);
	config.memory = (struct iotoll_memory){.ctx = m,
					       .read = memory_read,
					       .write = memory_write,
					       .window = m->memory,
					       .window_bytes = m->bytes};
	config.shared = setup->threads > 1;
	if (setup->entries) {
		config.iotlb_entries = setup->entries;
		config.iotlb_ways = setup->ways;
	}
	if (setup->policy)
		config.iotlb_policy = setup->policy;
	return iotoll_iommu_create(&m->iommu, &config, err->text, sizeof(err->text));
}

static int make_domain(struct machine *m, const struct bench_setup *setup, struct err *err)
{
	const struct iotoll_env_config env = {.ctx = m,
					      .reg_read = m->iommu ? machine_reg_read : NULL,
					      .reg_write = m->iommu ? machine_reg_write : NULL,
					      .window = m->memory,
					      .memory_bytes = m->bytes};
	struct iotoll_dma_config config = {
		.driver = setup->iommu,
		.strategy = setup->strategy,
		.allocator = setup->allocator,
		.table_entries = setup->table_entries ? setup->table_entries
						      : iotoll_dma_driver_entries(setup->iommu),
		.split_locks = setup->locks != 1 + BENCH_ONE_LOCK};
	int rc = iotoll_env_create(&m->env, &env);

	if (rc)
		return rc;
	/* The fastest there is; not every row is made for it. */
	rc = iotoll_dma_domain_create(&m->domain, m->env, &config, err->text, sizeof(err->text));
	if (rc != -EINVAL || !config.split_locks)
		return rc;
	config.split_locks = false;
	return iotoll_dma_domain_create(&m->domain, m->env, &config, err->text, sizeof(err->text));
}

static int attach(struct machine *m, unsigned threads, uint64_t mask, struct err *err)
{
	/* An ordinary one drives 32 bits, but for what has no pages. */
	const uint64_t its = mask                                    ? mask
			     : iotoll_dma_domain_bytewise(m->domain) ? UINT64_MAX
								     : UINT32_MAX;

	m->device = calloc(threads, sizeof(struct iotoll_dma_device *));
	if (!m->device)
		return -ENOMEM;
	for (; m->devices < threads; m->devices++) {
		const int rc = iotoll_dma_attach(&m->device[m->devices], m->domain,
						 (uint16_t)(MACHINE_DEVICE + m->devices), its);

		if (rc == -EBUSY)
			return err_set(err, -EINVAL,
				       "this IOMMU serves one device a domain: one "
				       "thread expected");
		if (rc)
			return err_set(err, rc,
				       "a device whose addresses end at 0x%llx cannot be "
				       "attached",
				       (unsigned long long)its);
	}
	return 0;
}

int machine_open(struct machine *m, const struct bench_setup *setup, uint64_t buffers,
		 uint64_t mask, struct err *err)
{
	int rc;

	*m = (struct machine){.memory = NULL};
	rc = make_memory(m, buffers, err);
	if (!rc)
		rc = make_iommu(m, setup, err);
	if (!rc)
		rc = make_domain(m, setup, err);
	if (!rc)
		rc = attach(m, setup->threads ? setup->threads : 1, mask, err);
	if (rc)
		machine_close(m);
	return rc;
}

void machine_close(struct machine *m)
{
	for (unsigned i = 0; i < m->devices; i++)
		iotoll_dma_detach(m->device[i]);
	free(m->device);
	iotoll_dma_domain_destroy(m->domain);
	iotoll_env_destroy(m->env);
	iotoll_iommu_destroy(m->iommu);
	if (m->memory)
		(void)munmap(m->memory, m->bytes);
}

int machine_frames(struct machine *m, uint64_t pages, uint64_t *paddr, struct err *err)
{
	iotoll_phys_t at;

	if (iotoll_env_alloc_pages(m->env, pages, PAGE, 0, &at))
		return err_set(err, -ENOMEM, "no room for %llu pages of buffers",
			       (unsigned long long)pages);
	*paddr = IOTOLL_PHYS_U64(at);
	return 0;
}

int machine_translator(struct machine *m, unsigned device, unsigned entries,
		       struct iotoll_translator **out, struct err *err)
{
	const struct iotoll_source source = {.devid = (uint16_t)(MACHINE_DEVICE + device)};
	const int rc = iotoll_translator_create(out, m->iommu, source, entries);

	return rc ? err_set(err, rc, "a translator of %u entries cannot be had", entries) : 0;
}
