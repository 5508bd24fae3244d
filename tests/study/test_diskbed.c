/* SPDX-License-Identifier: MIT */
/*
 * The whole storage path, from bios to bytes on the volume and back, through every IOMMU and
 * strategy: random I/O with unaligned scatter lists against an array of bytes, in spite of a full
 * disk, resets and DMA that is refused.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spec/qla2300.h"
#include "study/diskbed.h"
#include "study/paths.h"

#include "disk_model.h"

#define VOLUME  (4u << 20)
#define SECTORS (VOLUME / 512)
#define SEED    20070628u

struct world {
	struct sim *sim;
	struct machine *machine;
	struct rig rig;
	struct kmalloc *kmalloc;
	struct diskbed bed;
	struct iotoll_dma_observer observer;
	struct disk_model io;
	bool spoil; /* every new mapping is made to lead nowhere */
	unsigned spoiled;
};

static void on_mapped(void *ctx, iotoll_iova_t iova, uint64_t pages, iotoll_phys_t paddr,
		      size_t bytes, enum iotoll_dma_dir dir)
{
	struct world *w = ctx;
	struct iotoll_dma_entry entry;

	(void)pages, (void)paddr, (void)bytes, (void)dir;
	if (!w->spoil || iotoll_dma_domain_entry(w->rig.domain, iova, &entry))
		return;
	memset(memory_ptr(w->machine->mem, IOTOLL_PHYS_U64(entry.paddr), entry.bytes), 0,
	       entry.bytes);
	w->spoiled++;
}

static struct profile small_machine(void)
{
	struct err err = {{0}};
	struct profile p;
	char path[PATH_MAX];

	assert_int_equal(paths_find("profiles", "x460-2007", ".ini", path, sizeof(path), &err), 0);
	assert_int_equal(profile_load(&p, path, ESTIMATE_DEFAULT, NULL, &err), 0);
	p.cpus = 2;
	p.memory_bytes = 128 << 20;
	p.disk_cache_bytes = 1 << 20; /* so that drives have something to do */
	p.disk_spindles = 3;
	return p;
}

static struct world *world_make(const char *model, const char *strategy, unsigned commands)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct profile p = small_machine();
	struct rig_config rig = {
		.model = model,
		.strategy = strategy,
		.allocator = "next-fit",
		.devid = STORAGE_DEVID,
		.check_misuse = true,
		.track_stale = true,
		.iotlb = {.entries = 64, .ways = 4, .line_pages = 1, .policy = "lru"}};
	struct diskbed_config bed = {.storage = {.bytes = VOLUME, .commands = commands}};
	struct err err = {{0}};

	w->sim = sim_create();
	assert_int_equal(machine_create(&w->machine, w->sim, &p, &err), 0);
	rig.machine = w->machine;
	rig.table_entries = iotoll_dma_driver_entries(model);
	w->observer = (struct iotoll_dma_observer){.ctx = w, .mapped = on_mapped};
	rig.also = &w->observer;
	if (rig_init(&w->rig, &rig, &err))
		fail_msg("%s", err.text);
	w->kmalloc = kmalloc_create(w->machine->mem, true);
	bed.kmalloc = w->kmalloc;
	if (diskbed_init(&w->bed, &w->rig, &bed, &err))
		fail_msg("%s", err.text);
	disk_model_init(&w->io, &(struct disk_model_config){.machine = w->machine,
							    .dev = w->bed.dev,
							    .disk = w->bed.storage.disk,
							    .seed = disk_model_seed(SEED)});
	return w;
}

static void world_free(struct world *w)
{
	struct iotoll_dma_stats dma;

	diskbed_fini(&w->bed);
	iotoll_dma_domain_stats(w->rig.domain, &dma);
	assert_int_equal(dma.maps, dma.unmaps);
	for (unsigned i = 0; i < IOTOLL_MISUSE_COUNT; i++)
		assert_int_equal(dma.misuse[i], 0);
	kmalloc_destroy(w->kmalloc);
	rig_fini(&w->rig);
	machine_destroy(w->machine);
	sim_destroy(w->sim);
	disk_model_fini(&w->io);
	free(w);
}

static const char *const paths[][2] = {
	{"none", "off"},
	{"calgary", "strict"},
	{"calgary", "deferred"},
	{"calgary", "deferred-tracked"},
	{"calgary", "flush-queue"},
	{"dart-u3", "deferred"},
	{"dart-u4", "strict"},
	{"vtd", "strict"},
	{"vtd", "flush-queue"},
	{"amdvi", "strict"},
	{"amdvi", "flush-queue"},
};

#define PATHS (sizeof(paths) / sizeof(paths[0]))

static void bytes_read_are_bytes_written_through_every_iommu(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PATHS; i++) {
		struct world *w = world_make(paths[i][0], paths[i][1], 0);
		struct qla_driver_stats d;
		struct blk_stats b;

		print_message("%s %s\n", paths[i][0], paths[i][1]);
		disk_model_run(&w->io, 600, 60);
		assert_int_equal(w->io.bad, 0);
		disk_model_check(&w->io);
		qla_driver_stats(w->bed.driver, &d);
		blk_stats(qla_driver_queue(w->bed.driver), &b);
		assert_int_equal(d.bad_entries + d.handed_back + d.errors + d.resets, 0);
		assert_int_equal(d.commands, d.completions);
		assert_int_equal(d.commands, b.requests);
		assert_true(b.splits > 0 && b.in_flight_peak <= QLA_DRIVER_DEPTH);
		assert_int_equal(b.in_flight + b.queued, 0);
		world_free(w);
	}
}

static void a_full_disk_only_delays(void **state)
{
	struct world *w = world_make("calgary", "deferred", 5);
	struct disk_stats disk;
	struct blk_stats b;

	(void)state;
	disk_model_run(&w->io, 600, 60);
	assert_int_equal(w->io.bad, 0);
	disk_model_check(&w->io);
	disk_stats(w->bed.storage.disk, &disk);
	blk_stats(qla_driver_queue(w->bed.driver), &b);
	assert_true(disk.refused > 0);
	assert_int_equal(disk.refused, b.requeues);
	world_free(w);
}

/* An index no ring has: the adapter reports a system error, the driver resets it. */
static void upset(void *ctx)
{
	struct world *w = ctx;

	mmio_write(&w->bed.storage.regs, NULL, QLA_REQ_IN, 60000, 2);
}

static void resets_lose_nothing(void **state)
{
	static const unsigned after_ms[] = {3, 50, 51, 90, 200};
	struct world *w = world_make("calgary", "strict", 0);
	struct event event[5];
	struct qla_driver_stats d;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		event_init(&event[i], upset, w);
		sim_schedule(w->sim, &event[i], after_ms[i] * SIM_MS);
	}
	disk_model_run(&w->io, 800, 60);
	assert_int_equal(w->io.bad, 0);
	disk_model_check(&w->io);
	qla_driver_stats(w->bed.driver, &d);
	assert_int_equal(d.resets, 5);
	assert_int_equal(d.failed_resets, 0);
	world_free(w);
}

static void spoil_on(void *ctx)
{
	struct world *w = ctx;

	w->spoil = true;
}

static void spoil_off(void *ctx)
{
	struct world *w = ctx;

	w->spoil = false;
}

/* While mappings lead nowhere, I/O ends with an error or, after a retry, well; never wrongly. */
static void refused_dma_is_an_error_for_the_caller(void **state)
{
	static const char *const models[] = {"calgary", "vtd", "amdvi"};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct world *w = world_make(models[i], "strict", 0);
		struct event on, off;
		struct qla_driver_stats d;
		struct blk_stats b;

		print_message("%s\n", models[i]);
		event_init(&on, spoil_on, w);
		event_init(&off, spoil_off, w);
		sim_schedule(w->sim, &on, 40 * SIM_MS);
		sim_schedule(w->sim, &off, 80 * SIM_MS);
		disk_model_run(&w->io, 800, 60);
		qla_driver_stats(w->bed.driver, &d);
		blk_stats(qla_driver_queue(w->bed.driver), &b);
		assert_true(w->spoiled > 0);
		assert_true(w->io.bad > 0);
		assert_true(d.dma_errors > 0);
		assert_int_equal(b.failed, w->io.bad);
		assert_true(b.retries > 0);
		disk_model_check(&w->io);
		/* And afterwards everything works again. */
		w->io.bad = 0;
		disk_model_run(&w->io, 100, 60);
		assert_int_equal(w->io.bad, 0);
		disk_model_check(&w->io);
		world_free(w);
	}
}

static void a_worn_sector_is_an_error_and_its_neighbours_are_not(void **state)
{
	struct world *w = world_make("calgary", "deferred", 0);
	struct qla_driver_stats d;

	(void)state;
	disk_damage(w->bed.storage.disk, SECTORS / 2);
	disk_model_run(&w->io, 800, 60);
	qla_driver_stats(w->bed.driver, &d);
	assert_true(w->io.bad > 0 && w->io.bad < w->io.good);
	assert_true(d.sense > 0);
	disk_model_check(&w->io);
	world_free(w);
}

/* A bus that is off for good: commands time out, the reset fails, and everything is an error. */
static void waiter(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->machine);

	assert_int_equal(blockdev_wait(w->bed.dev, cpu, BIO_READ, 0, w->io.slot[0].paddr, 4096),
			 -EIO);
	assert_int_equal(blockdev_wait(w->bed.dev, cpu, BIO_FLUSH, 0, 0, 0), -EIO);
	w->io.good = 1;
}

static void shut(struct world *w)
{
	struct iotoll_dma_fault fault;
	uint8_t byte;

	/* A stray DMA, found by the watchdog, makes the Calgary driver shut the bus. */
	assert_int_not_equal(bus_dma_now(w->rig.bus, 0x77, 0x7fff000, &byte, 1, IOTOLL_READ, NULL),
			     0);
	assert_int_equal(iotoll_dma_domain_watchdog(w->rig.domain, &fault), 1);
}

static void a_bus_that_is_shut_makes_every_request_fail(void **state)
{
	struct world *w = world_make("calgary", "strict", 0);
	struct qla_driver_stats d;

	(void)state;
	shut(w);
	task_create(machine_cpu(w->machine, 1), "waiter", waiter, w);
	assert_int_equal(sim_run(w->sim, 100 * SIM_S), 0);
	assert_int_equal(w->io.good, 1);
	qla_driver_stats(w->bed.driver, &d);
	assert_int_equal(d.timeouts, 1);
	assert_int_equal(d.failed_resets, 1);
	assert_true(d.offline);
	world_free(w);
}

static uint64_t fingerprint(void)
{
	struct world *w = world_make("calgary", "deferred", 0);
	struct cpu_account a;
	struct blk_stats b;
	uint64_t print;

	disk_model_run(&w->io, 300, 60);
	cpu_account(machine_cpu(w->machine, 0), &a);
	blk_stats(qla_driver_queue(w->bed.driver), &b);
	assert_true(a.ps[CHARGE_BLOCK] > 0 && a.ps[CHARGE_DRIVER] > 0 && a.ps[CHARGE_MAP] > 0);
	print = a.busy_ps ^ b.latency[BIO_READ].sum << 1 ^ b.back_merges << 50;
	world_free(w);
	return print;
}

static void the_same_seed_gives_the_same_picoseconds(void **state)
{
	(void)state;
	assert_true(fingerprint() == fingerprint());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_read_are_bytes_written_through_every_iommu),
		cmocka_unit_test(a_full_disk_only_delays),
		cmocka_unit_test(resets_lose_nothing),
		cmocka_unit_test(refused_dma_is_an_error_for_the_caller),
		cmocka_unit_test(a_worn_sector_is_an_error_and_its_neighbours_are_not),
		cmocka_unit_test(a_bus_that_is_shut_makes_every_request_fail),
		cmocka_unit_test(the_same_seed_gives_the_same_picoseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
