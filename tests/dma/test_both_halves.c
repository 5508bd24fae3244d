/* SPDX-License-Identifier: MIT */
/*
 * Where driver and bridge each read the same registers: what one hands out the other must
 * translate, and what one answers for a failure the other must refuse.
 */
#include <errno.h>

#include "hwrig.h"

static void put32(struct hwrig *h, uint32_t reg, uint32_t value)
{
	h->iommu->ops->reg_write(h->iommu, calgary_phb_reg(0, reg), calgary_cpu32(value), 4);
}

/* The domain anew, over registers as firmware left them: @last is that of both windows. */
static void boot_with_windows(struct hwrig *h, uint32_t last)
{
	const struct iotoll_dma_config config = {.driver = "calgary",
						 .strategy = "strict",
						 .allocator = "next-fit",
						 .table_entries = 8192};

	hwrig_start(h, "strict", 64, 0);
	iotoll_dma_detach(h->dev);
	iotoll_dma_domain_destroy(h->domain);
	put32(h, CALGARY_MEM_1_LOW, 0);
	put32(h, CALGARY_MEM_1_HIGH, 0);
	put32(h, CALGARY_MEM_1_SIZE, last);
	put32(h, CALGARY_MEM_2_LOW, 0);
	put32(h, CALGARY_MEM_2_HIGH, 0);
	put32(h, CALGARY_MEM_2_SIZE_LOW, last);
	put32(h, CALGARY_MEM_2_SIZE_HIGH, 0);
	put32(h, CALGARY_CONFIG_RW, CALGARY_MEM2_ENABLE);
	assert_int_equal(iotoll_dma_domain_create(&h->domain, h->env, &config, NULL, 0), 0);
	assert_int_equal(iotoll_dma_attach(&h->dev, h->domain, 8, UINT32_MAX), 0);
}

/* Fill the table: every address leads to its own page, none past the table. */
static unsigned mapped_and_translated(struct hwrig *h)
{
	for (unsigned n = 0;; n++) {
		const uint64_t page = (uint64_t)(16383 - n) << 12;
		const iotoll_iova_t iova = iotoll_dma_map_page(h->dev, IOTOLL_PHYS(page), 4096,
							       IOTOLL_DMA_FROM_DEVICE);
		uint64_t paddr = 0;

		if (iotoll_dma_mapping_error(iova))
			return n;
		assert_int_equal(hwrig_access(h, IOTOLL_IOVA_U64(iova), IOTOLL_WRITE, &paddr), 0);
		assert_int_equal(paddr, page);
	}
}

static void nothing_mapped_is_bypassed_whatever_the_windows_say(void **state)
{
	static struct hwrig h;

	(void)state;
	/* Registers of zeros: no window. All but emergency pages, hole and the last entry. */
	boot_with_windows(&h, 0);
	assert_int_equal(mapped_and_translated(&h), 8192 - 32 - 96 - 1);
	hwrig_close(&h);
	/* [0, 4 MiB). */
	boot_with_windows(&h, 0x300000);
	assert_int_equal(mapped_and_translated(&h), 8192 - 1024 - 1);
	hwrig_close(&h);
}

static void note_fault(void *ctx, struct iotoll_source source, uint64_t iova,
		       enum iotoll_access access)
{
	(void)source;
	(void)iova;
	(void)access;
	(*(unsigned *)ctx)++;
}

static void the_answer_of_a_failed_map_is_refused_and_told(void **state)
{
	const uint64_t answer = IOTOLL_IOVA_U64(IOTOLL_DMA_MAPPING_ERROR);
	struct iotoll_dma_fault fault;
	static struct hwrig h;
	unsigned faults = 0;
	uint64_t paddr;

	(void)state;
	hwrig_start(&h, "strict", 64, 0);
	h.iommu->observer = (struct iotoll_iommu_observer){.ctx = &faults, .fault = note_fault};
	assert_int_equal(hwrig_access(&h, answer, IOTOLL_WRITE, &paddr), -EPERM);
	assert_int_equal(faults, 1);
	/* A dual-address cycle leaves nothing for the watchdog; a device of 32 bits does. */
	assert_int_equal(iotoll_dma_domain_watchdog(h.domain, &fault), 0);
	assert_int_equal(hwrig_access(&h, (uint32_t)answer, IOTOLL_WRITE, &paddr), -EPERM);
	assert_int_equal(faults, 2);
	assert_int_equal(iotoll_dma_domain_watchdog(h.domain, &fault), 1);
	h.iommu->observer = (struct iotoll_iommu_observer){.ctx = NULL};
	hwrig_close(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_mapped_is_bypassed_whatever_the_windows_say),
		cmocka_unit_test(the_answer_of_a_failed_map_is_refused_and_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
