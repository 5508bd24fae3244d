/* SPDX-License-Identifier: MIT */
/*
 * Pages of a domain that get another frame while a device works on them ("The Price of Safety",
 * section 4.3.1): each kind of table, each IOMMU that refuses what is not mapped. The device has
 * used the page before, so that its IOTLB holds what was there; what it writes then is looked for
 * in the board's memory. The frozen table shows that the test can fail.
 */
#include <errno.h>
#include <stdio.h>

#include "../sim/guest_rig.h"
#include "rig/hyper.h"
#include "xen/abi.h"

#define DEVID 0x08
#define PAGES 2048u
#define BYTES 64u

struct world {
	struct sim *sim;
	struct machine *board;
	struct hyper hyper;
	struct hyper_domain *d;
	struct iotoll_dma_device *dev;
};

static const char *const models[] = {"calgary", "vtd", "amdvi"};

#define MODELS (sizeof(models) / sizeof(models[0]))

static void books_are_right(const struct world *w)
{
	struct err err = {{0}};

	if (xen_check(w->hyper.xen, &err))
		fail_msg("%s", err.text);
}

static void set_up(struct world *w, const char *model, enum hyper_tables tables, bool frozen)
{
	struct profile p = guest_profile(2);
	struct hyper_config config = {
		.rig = {.model = model,
			.strategy = "preallocated",
			.table_entries = 32768,
			.check_misuse = true},
		.tables = tables,
		.frozen = frozen,
	};
	const unsigned physical[] = {0};
	const struct hyper_domain_config domain = {
		.name = "dom0",
		.pages = PAGES,
		.empty = 16,
		.vcpus = 1,
		.physical = physical,
		.privileged = true,
		.hardware = true,
		.grants_reach_devices = tables == HYPER_MACHINE,
	};
	struct err err = {{0}};

	memset(w, 0, sizeof(*w));
	config.rig.iotlb = iommu_find(model)->geometry;
	snprintf(config.rig.iotlb.policy, sizeof(config.rig.iotlb.policy), "lru");
	p.memory_bytes = 64u << 20;
	w->sim = sim_create();
	assert_int_equal(machine_create(&w->board, w->sim, &p, &err), 0);
	config.rig.machine = w->board;
	if (hyper_init(&w->hyper, &config, &err) ||
	    hyper_add_domain(&w->hyper, &domain, &w->d, &err) ||
	    hyper_assign_bus(w->d, DEVID, &err))
		fail_msg("%s: %s", model, err.text);
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

static phys_t page_of(struct world *w)
{
	phys_t at;

	assert_int_equal(memory_alloc(w->d->view, 1, PAGE_BYTES, 0, &at), 0);
	return at;
}

static uint64_t map(struct world *w, phys_t page)
{
	const iotoll_iova_t iova =
		iotoll_dma_map_page(w->dev, IOTOLL_PHYS(page), PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE);

	assert_false(iotoll_dma_mapping_error(iova));
	return IOTOLL_IOVA_U64(iova);
}

static int device_writes(struct world *w, uint64_t iova, uint8_t fill)
{
	uint8_t data[BYTES];
	uint32_t moved = 0;

	memset(data, fill, sizeof(data));
	return bus_dma_now(w->hyper.rig.bus, DEVID, iova, data, sizeof(data), IOTOLL_WRITE, &moved);
}

static uint8_t at_frame(const struct world *w, phys_t machine)
{
	return *(const uint8_t *)memory_ptr(w->board->mem, machine, 1);
}

static long hypercall(struct world *w, unsigned long op, unsigned long a0, unsigned long a1,
		      unsigned long a2)
{
	const unsigned long args[6] = {a0, a1, a2};

	return xen_hypercall(w->d->xen, 0, NULL, op, args);
}

/* A frame of the domain's that is at no page; @scratch: a page of its for arguments. */
static uint64_t new_frame(struct world *w, phys_t scratch)
{
	struct xen_memory_reservation *r = memory_ptr(w->d->view, scratch, sizeof(*r));
	uint64_t *list = memory_ptr(w->d->view, scratch + 512, sizeof(*list));

	*r = (struct xen_memory_reservation){.nr_extents = 1, .domid = DOMID_SELF};
	set_xen_guest_handle(r->extent_start,
			     (xen_pfn_t *)(uintptr_t)(XEN_PAGE_OFFSET + scratch + 512));
	assert_int_equal(hypercall(w, __HYPERVISOR_memory_op, XENMEM_increase_reservation,
				   XEN_PAGE_OFFSET + scratch, 0),
			 1);
	return *list;
}

/* @page gets frame @mfn. */
static void flip(struct world *w, phys_t page, uint64_t mfn)
{
	assert_int_equal(hypercall(w, __HYPERVISOR_update_va_mapping, XEN_PAGE_OFFSET + page,
				   mfn << PAGE_SHIFT | 0x67, UVMF_INVLPG | UVMF_ALL),
			 0);
	books_are_right(w);
}

static void a_device_writes_to_the_frame_that_its_page_has_now(void **state)
{
	static struct world w;

	(void)state;
	for (unsigned m = 0; m < MODELS; m++) {
		struct xen_counters before, after;
		phys_t page, scratch, old;
		uint64_t iova, fresh;

		set_up(&w, models[m], HYPER_WHOLE, false);
		page = page_of(&w);
		scratch = page_of(&w);
		iova = map(&w, page);
		assert_int_equal(iova, page);
		assert_int_equal(device_writes(&w, iova, 1), 0);
		old = memory_machine(w.d->view, page);
		assert_int_equal(at_frame(&w, old), 1);
		fresh = new_frame(&w, scratch);
		xen_counters(w.hyper.xen, &before);
		flip(&w, page, fresh);
		xen_counters(w.hyper.xen, &after);
		assert_int_equal(after.iommu_follows, before.iommu_follows + 1);
		assert_int_equal(after.iommu_flushes, before.iommu_flushes + 1);
		assert_int_equal(after.hypercalls, before.hypercalls + 1);
		assert_int_equal(device_writes(&w, iova, 2), 0);
		assert_int_equal(at_frame(&w, fresh << PAGE_SHIFT), 2);
		assert_int_equal(at_frame(&w, old), 1);
		iotoll_dma_unmap_page(w.dev, IOTOLL_IOVA(iova), PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE);
		tear_down(&w);
	}
}

static void with_a_table_that_does_not_follow_it_writes_to_the_frame_of_before(void **state)
{
	static struct world w;

	(void)state;
	for (unsigned m = 0; m < MODELS; m++) {
		phys_t page, scratch, old;
		uint64_t iova, fresh;

		set_up(&w, models[m], HYPER_WHOLE, true);
		page = page_of(&w);
		scratch = page_of(&w);
		iova = map(&w, page);
		old = memory_machine(w.d->view, page);
		fresh = new_frame(&w, scratch);
		flip(&w, page, fresh);
		assert_int_equal(device_writes(&w, iova, 2), 0);
		assert_int_not_equal(at_frame(&w, fresh << PAGE_SHIFT), 2);
		assert_int_equal(at_frame(&w, old), 2);
		iotoll_dma_unmap_page(w.dev, IOTOLL_IOVA(iova), PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE);
		tear_down(&w);
	}
}

static void by_machine_frames_a_device_keeps_nothing_of_a_frame_that_left_its_page(void **state)
{
	static struct world w;

	(void)state;
	for (unsigned m = 0; m < MODELS; m++) {
		phys_t page, scratch, old;
		uint64_t iova, fresh;

		set_up(&w, models[m], HYPER_MACHINE, false);
		page = page_of(&w);
		scratch = page_of(&w);
		old = memory_machine(w.d->view, page);
		iova = map(&w, page);
		assert_int_equal(iova, old);
		assert_int_equal(device_writes(&w, iova, 1), 0);
		iotoll_dma_unmap_page(w.dev, IOTOLL_IOVA(iova), PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE);
		fresh = new_frame(&w, scratch);
		assert_int_not_equal(device_writes(&w, fresh << PAGE_SHIFT, 2), 0);
		flip(&w, page, fresh);
		assert_int_not_equal(device_writes(&w, old, 2), 0);
		iova = map(&w, page);
		assert_int_equal(iova, fresh << PAGE_SHIFT);
		assert_int_equal(device_writes(&w, iova, 2), 0);
		assert_int_equal(at_frame(&w, fresh << PAGE_SHIFT), 2);
		assert_int_equal(at_frame(&w, old), 1);
		iotoll_dma_unmap_page(w.dev, IOTOLL_IOVA(iova), PAGE_BYTES, IOTOLL_DMA_FROM_DEVICE);
		tear_down(&w);
	}
}

/* S30: nothing between the guest and itself, everything between it and the rest. */
static void every_page_of_the_guest_is_reachable_and_no_frame_of_anybody_else(void **state)
{
	static struct world w;

	(void)state;
	for (unsigned m = 0; m < MODELS; m++)
		for (unsigned machine = 0; machine < 2; machine++) {
			uint64_t own = 0, others = 0, first, end;

			set_up(&w, models[m], machine ? HYPER_MACHINE : HYPER_WHOLE, false);
			xen_domain_free_memory(w.d->xen, &first, &end);
			for (uint64_t bfn = 0; bfn < 32768; bfn++) {
				const struct iotoll_source source = {.bus = RIG_BUS,
								     .devid = DEVID};
				const uint64_t pfn = bfn < PAGES + 17 ? bfn : 0;
				struct iotoll_xlat x;

				if (iommu_probe(w.hyper.rig.iommu, source, bfn << PAGE_SHIFT,
						IOTOLL_WRITE, &x) ||
				    x.bypass)
					continue;
				if (machine)
					own += x.paddr == bfn << PAGE_SHIFT;
				else
					own += x.paddr ==
					       memory_machine(w.d->view, pfn << PAGE_SHIFT);
				others += !machine && pfn != bfn;
			}
			assert_int_equal(others, 0);
			assert_in_range(own, end - first - (machine ? 0 : 96), PAGES);
			tear_down(&w);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_writes_to_the_frame_that_its_page_has_now),
		cmocka_unit_test(
			with_a_table_that_does_not_follow_it_writes_to_the_frame_of_before),
		cmocka_unit_test(
			by_machine_frames_a_device_keeps_nothing_of_a_frame_that_left_its_page),
		cmocka_unit_test(every_page_of_the_guest_is_reachable_and_no_frame_of_anybody_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
