/* SPDX-License-Identifier: MIT */
/* Booting a host: what is refused, and that a boot that fails half-way leaves nothing behind. */
#include "lab.h"

#include <errno.h>

static int setup(void **state)
{
	*state = lab_create(1);
	return 0;
}

static int teardown(void **state)
{
	lab_destroy(*state);
	return 0;
}

static void interrupts_to_a_cpu_that_is_not_there_are_refused(void **state)
{
	const struct lab *lab = *state;
	const struct host_config config = {.machine = lab->side[0].machine, .irq_cpu = 1};
	struct host *h = NULL;
	struct err err = {{0}};

	assert_int_equal(host_create(&h, &config, &err), -EINVAL);
	assert_string_equal(err.text, "interrupts to CPU 1: expected 0 to 0");
}

static uint64_t read_ones(void *ctx, uint64_t offset, unsigned width)
{
	(void)ctx, (void)offset, (void)width;
	return 0xffffffff; /* nobody answers */
}

static void write_nowhere(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	(void)ctx, (void)offset, (void)value, (void)width;
}

static void an_empty_slot_is_no_nic(void **state)
{
	static const struct mmio_ops nobody = {.read = read_ones, .write = write_nowhere};
	struct lab *lab = *state;
	struct lab_side *side = &lab->side[0];
	struct mmio_window window;
	struct irq irq;
	struct host_config config = {.machine = side->machine,
				     .nic_regs = &window,
				     .nic_irq = &irq,
				     .dma = side->dma,
				     .ip = LAB_IP(9),
				     .netmask = 0xffffff00};
	const uint64_t pages = memory_allocated_pages(side->machine->mem);
	struct iotoll_dma_stats before, after;
	struct host *h = NULL;
	struct err err = {{0}};

	iotoll_dma_domain_stats(side->domain, &before);
	mmio_window_init(&window, side->machine, &nobody, NULL);
	assert_int_equal(host_create(&h, &config, &err), -ENODEV);
	assert_string_equal(err.text, "no BCM5704 answers: device and vendor id read ffffffff");
	mmio_window_fini(&window);
	iotoll_dma_domain_stats(side->domain, &after);
	assert_int_equal(after.pages_live, before.pages_live);
	assert_int_equal(memory_allocated_pages(side->machine->mem), pages);
}

/* Boot with all but @pages of the memory taken. */
static int boot_with(uint64_t pages, struct err *err)
{
	struct lab *lab = lab_create(1);
	struct lab_side *side = &lab->side[0];
	struct host_config config = {.machine = side->machine,
				     .nic_regs = &side->regs,
				     .nic_irq = &side->irq,
				     .dma = side->dma,
				     .ip = LAB_IP(0),
				     .netmask = 0xffffff00};
	struct memory *mem = side->machine->mem;
	uint64_t taken = 0, before;
	struct host *h = NULL;
	phys_t *frames;
	int rc;

	host_destroy(side->host);
	frames = calloc(memory_bytes(mem) / PAGE_BYTES, sizeof(*frames));
	while (!memory_alloc(mem, 1, PAGE_BYTES, 0, &frames[taken]))
		taken++;
	for (uint64_t i = 0; i < pages; i++)
		memory_free(mem, frames[--taken], 1);
	before = memory_allocated_pages(mem);
	rc = host_create(&h, &config, err);
	host_destroy(h);
	assert_int_equal(memory_allocated_pages(mem), before);
	while (taken)
		memory_free(mem, frames[--taken], 1);
	free(frames);
	assert_int_equal(host_create(&side->host, &config, err), 0);
	lab_destroy(lab);
	return rc;
}

static void a_boot_that_runs_out_of_memory_anywhere_leaves_nothing_behind(void **state)
{
	uint64_t pages = 0;
	int rc = -1;

	(void)state;
	for (; pages < 200 && rc; pages += pages < 24 ? 1 : 9) {
		struct err err = {{0}};

		rc = boot_with(pages, &err);
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			assert_true(strlen(err.text) > 10);
		}
	}
	/* 18 ring pages, 100 for 200 buffers, a few for the rest */
	assert_int_equal(rc, 0);
	assert_in_range(pages, 110, 150);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(interrupts_to_a_cpu_that_is_not_there_are_refused),
		TEST(an_empty_slot_is_no_nic),
		cmocka_unit_test(a_boot_that_runs_out_of_memory_anywhere_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
