/* SPDX-License-Identifier: MIT */
/*
 * A board with a hypervisor: what the devices of the domain that has the bus reach, for each IOMMU
 * and each way to keep its table. Every access is made by the bus and lands, or does not, in the
 * board's memory; the hypervisor's books are recomputed after each step.
 */
#include <errno.h>
#include <stdio.h>

#include "../sim/guest_rig.h"
#include "rig/hyper.h"

#define DEVID 0x08
#define PAGES 2048u
#define BYTES 64u

struct world {
	struct sim *sim;
	struct machine *board;
	struct hyper hyper;
	struct hyper_domain *dom0, *domu;
	struct iotoll_dma_device *dev;
};

static const char *const models[] = {"calgary", "dart-u4", "vtd", "amdvi"};

#define MODELS (sizeof(models) / sizeof(models[0]))

static void books_are_right(const struct world *w)
{
	struct err err = {{0}};

	if (xen_check(w->hyper.xen, &err))
		fail_msg("%s", err.text);
}

static struct hyper_domain *add(struct world *w, const char *name, uint16_t id, unsigned physical)
{
	const struct hyper_domain_config config = {
		.name = name,
		.id = id,
		.pages = PAGES,
		.empty = 16,
		.vcpus = 1,
		.physical = &physical,
		.privileged = id == 0,
		.hardware = id == 0,
	};
	struct err err = {{0}};
	struct hyper_domain *d = NULL;

	if (hyper_add_domain(&w->hyper, &config, &d, &err))
		fail_msg("%s", err.text);
	return d;
}

static void set_up(struct world *w, const char *model, const char *strategy,
		   enum hyper_tables tables, bool multicall)
{
	struct profile p = guest_profile(2);
	struct hyper_config config = {
		.rig = {.model = model,
			.strategy = strategy,
			.allocator = "next-fit",
			.table_entries = 8192,
			.check_misuse = true,
			.multicall = multicall},
		.tables = tables,
	};
	struct err err = {{0}};

	memset(w, 0, sizeof(*w));
	if (strcmp(model, "none")) {
		config.rig.iotlb = iommu_find(model)->geometry;
		snprintf(config.rig.iotlb.policy, sizeof(config.rig.iotlb.policy), "lru");
	}
	p.memory_bytes = 64u << 20;
	w->sim = sim_create();
	assert_int_equal(machine_create(&w->board, w->sim, &p, &err), 0);
	config.rig.machine = w->board;
	if (hyper_init(&w->hyper, &config, &err))
		fail_msg("%s: %s", model, err.text);
	w->dom0 = add(w, "dom0", 0, 0);
	w->domu = add(w, "domu", 1, 1);
}

static void assign(struct world *w, struct hyper_domain *to)
{
	struct err err = {{0}};

	if (hyper_assign_bus(to, DEVID, &err))
		fail_msg("%s", err.text);
	assert_int_equal(iotoll_dma_attach(&w->dev, w->hyper.rig.domain, DEVID, UINT32_MAX), 0);
	books_are_right(w);
}

static void tear_down(struct world *w)
{
	iotoll_dma_detach(w->dev);
	hyper_fini(&w->hyper);
	assert_int_equal(memory_allocated_pages(w->board->mem), 0);
	machine_destroy(w->board);
	sim_destroy(w->sim);
}

/* What the device gets when it writes to @iova. */
static int device_writes(struct world *w, uint64_t iova, uint8_t fill)
{
	uint8_t data[BYTES];
	uint32_t moved = 0;

	memset(data, fill, sizeof(data));
	return bus_dma_now(w->hyper.rig.bus, DEVID, iova, data, sizeof(data), IOTOLL_WRITE, &moved);
}

static phys_t page_of(struct hyper_domain *d)
{
	phys_t at;

	assert_int_equal(memory_alloc(d->view, 1, PAGE_BYTES, 0, &at), 0);
	memset(memory_ptr(d->view, at, PAGE_BYTES), 0, PAGE_BYTES);
	return at;
}

static bool holds(struct hyper_domain *d, phys_t at, uint8_t fill)
{
	const uint8_t *p = memory_ptr(d->view, at, BYTES);

	return p[0] == fill && p[BYTES - 1] == fill;
}

static void a_device_reaches_what_dom0_asked_for_and_no_longer_after_a_strict_unmap(void **state)
{
	static struct world w;

	(void)state;
	for (unsigned m = 0; m < 2 * MODELS; m++) {
		phys_t page;
		iotoll_iova_t iova;

		set_up(&w, models[m % MODELS], "strict", HYPER_ASKED, m >= MODELS);
		assign(&w, w.dom0);
		page = page_of(w.dom0);
		iova = iotoll_dma_map_page(w.dev, IOTOLL_PHYS(page), PAGE_BYTES,
					   IOTOLL_DMA_FROM_DEVICE);
		assert_false(iotoll_dma_mapping_error(iova));
		books_are_right(&w);
		assert_int_equal(device_writes(&w, IOTOLL_IOVA_U64(iova), 0x5A), 0);
		assert_true(holds(w.dom0, page, 0x5A));
		iotoll_dma_unmap_page(w.dev, iova, PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE);
		books_are_right(&w);
		/* DART sends what is unused to a page of nobody's. */
		assert_int_equal(device_writes(&w, IOTOLL_IOVA_U64(iova), 0xA5),
				 strcmp(models[m % MODELS], "dart-u4") ? -EPERM : 0);
		assert_true(holds(w.dom0, page, 0x5A));
		memory_free(w.dom0->view, page, 1);
		tear_down(&w);
	}
}

static void a_frame_stays_its_owners_until_the_flush(void **state)
{
	static struct world w;

	(void)state;
	for (unsigned m = 0; m < MODELS; m++) {
		struct xen_counters c;
		phys_t page;
		iotoll_iova_t iova;

		set_up(&w, models[m], "unflushed", HYPER_ASKED, false);
		assign(&w, w.dom0);
		page = page_of(w.dom0);
		iova = iotoll_dma_map_page(w.dev, IOTOLL_PHYS(page), PAGE_BYTES,
					   IOTOLL_DMA_FROM_DEVICE);
		assert_int_equal(device_writes(&w, IOTOLL_IOVA_U64(iova), 1), 0);
		iotoll_dma_unmap_page(w.dev, iova, PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE);
		books_are_right(&w);
		/* The IOTLB still knows it; xen_check() has seen the reference that this takes. */
		assert_int_equal(device_writes(&w, IOTOLL_IOVA_U64(iova), 2), 0);
		assert_true(holds(w.dom0, page, 2));
		xen_counters(w.hyper.xen, &c);
		assert_int_equal(c.iommu_unmaps, 1);
		assert_int_equal(c.iommu_flushes, 0);
		memory_free(w.dom0->view, page, 1);
		tear_down(&w);
	}
}

static void a_domain_that_knows_nothing_reaches_its_own_memory_and_no_other(void **state)
{
	static struct world w;

	(void)state;
	for (unsigned m = 0; m < MODELS; m++) {
		phys_t page, first;
		uint64_t others = 0, own = 0;

		if (!strcmp(models[m], "dart-u4")) /* refuses nothing */
			continue;
		set_up(&w, models[m], "deferred", HYPER_WHOLE, false);
		assign(&w, w.domu);
		page = page_of(w.domu);
		/* Its own address, not the machine's. */
		assert_int_equal(IOTOLL_IOVA_U64(iotoll_dma_map_page(w.dev, IOTOLL_PHYS(page), 4096,
								     IOTOLL_DMA_FROM_DEVICE)),
				 page);
		assert_int_equal(device_writes(&w, page, 0x77), 0);
		assert_true(holds(w.domu, page, 0x77));
		iotoll_dma_unmap_page(w.dev, IOTOLL_IOVA(page), 4096, IOTOLL_DMA_FROM_DEVICE);
		/* Every address there is: it ends in a frame of the domain's or nowhere. */
		first = xen_domain_l1(w.domu->xen);
		for (uint64_t pfn = 0; pfn < 8192; pfn++) {
			const struct iotoll_source source = {.bus = RIG_BUS, .devid = DEVID};
			struct iotoll_xlat x;

			if (iommu_probe(w.hyper.rig.iommu, source, pfn << PAGE_SHIFT, IOTOLL_WRITE,
					&x))
				continue;
			/* Calgary's way past the table: to where nobody's memory is. */
			if (x.bypass) {
				assert_in_range(x.paddr, 0xA0000, 0xFFFFF);
				continue;
			}
			own += x.paddr == memory_machine(w.domu->view, pfn << PAGE_SHIFT);
			others += x.paddr != memory_machine(w.domu->view, pfn << PAGE_SHIFT);
			assert_int_not_equal(x.paddr, first); /* no page table */
		}
		assert_int_equal(others, 0);
		/* Less the tables, and on Calgary the 96 pages of the legacy hole. */
		assert_in_range(own, PAGES - 16 - (m == 0 ? 96 : 0), PAGES);
		for (uint64_t pfn = 0; pfn < PAGES; pfn++) {
			assert_not_in_range(memory_machine(w.domu->view, pfn << PAGE_SHIFT),
					    0xA0000, 0xFFFFF);
			assert_not_in_range(memory_machine(w.dom0->view, pfn << PAGE_SHIFT),
					    0xA0000, 0xFFFFF);
		}
		memory_free(w.domu->view, page, 1);
		tear_down(&w);
	}
}

static struct hyper_scope scope(const struct world *w)
{
	struct hyper_scope s;

	hyper_scope(&w->hyper, &s);
	return s;
}

static void what_is_reached_is_told_by_whose_it_is(void **state)
{
	static struct world w;

	(void)state;
	for (unsigned m = 0; m < MODELS; m++) {
		phys_t page;
		iotoll_iova_t iova;

		set_up(&w, models[m], "unflushed", HYPER_ASKED, false);
		assign(&w, w.dom0);
		assert_int_equal(scope(&w).own_live + scope(&w).own_other, 0);
		page = page_of(w.dom0);
		iova = iotoll_dma_map_page(w.dev, IOTOLL_PHYS(page), 100, IOTOLL_DMA_FROM_DEVICE);
		assert_int_equal(scope(&w).own_live, 1);
		assert_int_equal(device_writes(&w, IOTOLL_IOVA_U64(iova), 1), 0);
		iotoll_dma_unmap_page(w.dev, iova, 100, IOTOLL_DMA_FROM_DEVICE);
		assert_int_equal(scope(&w).own_live, 0);
		assert_int_equal(scope(&w).own_other, 1); /* the IOTLB has it */
		assert_int_equal(scope(&w).foreign + scope(&w).hypervisor, 0);
		memory_free(w.dom0->view, page, 1);
		tear_down(&w);
	}
	set_up(&w, "calgary", "deferred", HYPER_WHOLE, false);
	assign(&w, w.domu);
	assert_in_range(scope(&w).own_other, PAGES - 16 - 96, PAGES);
	assert_int_equal(scope(&w).foreign + scope(&w).hypervisor, 0);
	assert_int_equal(scope(&w).nowhere, 96);
	tear_down(&w);
	/* Nothing in the way: all of the board's 64 MiB. */
	set_up(&w, "none", "off", HYPER_ASKED, false);
	assign(&w, w.domu);
	assert_int_equal(scope(&w).own_other, xen_domain_tot_pages(w.domu->xen));
	assert_int_equal(scope(&w).foreign, xen_domain_tot_pages(w.dom0->xen));
	assert_int_equal(scope(&w).own_other + scope(&w).foreign + scope(&w).hypervisor +
				 scope(&w).nowhere,
			 (64u << 20) / PAGE_BYTES);
	tear_down(&w);
}

static void without_an_iommu_the_device_goes_by_machine_addresses(void **state)
{
	static struct world w;
	phys_t page;
	iotoll_iova_t iova;

	(void)state;
	set_up(&w, "none", "off", HYPER_ASKED, false);
	assign(&w, w.dom0);
	page = page_of(w.dom0);
	iova = iotoll_dma_map_page(w.dev, IOTOLL_PHYS(page), PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE);
	assert_int_equal(IOTOLL_IOVA_U64(iova), memory_machine(w.dom0->view, page));
	assert_int_not_equal(IOTOLL_IOVA_U64(iova), page);
	assert_int_equal(device_writes(&w, IOTOLL_IOVA_U64(iova), 9), 0);
	assert_true(holds(w.dom0, page, 9));
	iotoll_dma_unmap_page(w.dev, iova, PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE);
	memory_free(w.dom0->view, page, 1);
	tear_down(&w);
}

static void what_the_hardware_cannot_translate_is_not_given_out(void **state)
{
	static struct world w;
	phys_t page;

	(void)state;
	/* Calgary: 32 entries that stand for "no mapping", and the legacy hole from 640 KiB. */
	set_up(&w, "calgary", "strict", HYPER_ASKED, false);
	assign(&w, w.dom0);
	page = page_of(w.dom0);
	for (unsigned i = 0; i < 300; i++) {
		const iotoll_iova_t iova = iotoll_dma_map_page(w.dev, IOTOLL_PHYS(page), PAGE_BYTES,
							       IOTOLL_DMA_FROM_DEVICE);
		const uint64_t pfn = IOTOLL_IOVA_U64(iova) >> PAGE_SHIFT;

		assert_true(pfn >= 32 && (pfn < 160 || pfn >= 256));
		iotoll_dma_unmap_page(w.dev, iova, PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE);
	}
	memory_free(w.dom0->view, page, 1);
	tear_down(&w);
}

static void a_killed_domains_device_reaches_nothing(void **state)
{
	static struct world w;

	(void)state;
	for (unsigned m = 0; m < MODELS; m++) {
		phys_t page;
		uint64_t machine;
		iotoll_iova_t iova;

		if (!strcmp(models[m], "dart-u4"))
			continue;
		set_up(&w, models[m], "deferred", HYPER_ASKED, false);
		assign(&w, w.domu);
		page = page_of(w.domu);
		iova = iotoll_dma_map_page(w.dev, IOTOLL_PHYS(page), PAGE_BYTES,
					   IOTOLL_DMA_FROM_DEVICE);
		machine = memory_machine(w.domu->view, page);
		assert_int_equal(device_writes(&w, IOTOLL_IOVA_U64(iova), 1), 0);
		hyper_kill_domain(w.domu);
		books_are_right(&w);
		memset(memory_ptr(w.board->mem, machine, BYTES), 0x11, BYTES);
		assert_int_not_equal(device_writes(&w, IOTOLL_IOVA_U64(iova), 2), 0);
		assert_int_equal(*(uint8_t *)memory_ptr(w.board->mem, machine, 1), 0x11);
		tear_down(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_device_reaches_what_dom0_asked_for_and_no_longer_after_a_strict_unmap),
		cmocka_unit_test(a_frame_stays_its_owners_until_the_flush),
		cmocka_unit_test(a_domain_that_knows_nothing_reaches_its_own_memory_and_no_other),
		cmocka_unit_test(what_is_reached_is_told_by_whose_it_is),
		cmocka_unit_test(without_an_iommu_the_device_goes_by_machine_addresses),
		cmocka_unit_test(what_the_hardware_cannot_translate_is_not_given_out),
		cmocka_unit_test(a_killed_domains_device_reaches_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
