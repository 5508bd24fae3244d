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

#include "base/rng.h"
#include "spec/qla2300.h"
#include "study/diskbed.h"
#include "study/paths.h"

#define VOLUME  (4u << 20)
#define SECTORS (VOLUME / 512)
#define SLOTS   40u
#define AREA    (192u << 10) /* memory of a slot */
#define VECS    48u
#define SEED    20070628u

struct world;

struct slot {
	struct world *w;
	struct bio bio;
	struct bio_vec vec[VECS];
	uint8_t *memory, *expected; /* AREA bytes each */
	phys_t paddr;
	bool busy;
};

struct world {
	struct sim *sim;
	struct machine *machine;
	struct rig rig;
	struct kmalloc *kmalloc;
	struct diskbed bed;
	struct iotoll_dma_observer observer;
	struct rng rng;
	uint8_t *model;
	struct slot slot[SLOTS];
	struct waitq room;
	unsigned left, in_flight;
	unsigned good, bad, flushes;
	bool spoil; /* every new mapping is made to lead nowhere */
	unsigned spoiled;
};

static uint64_t seed(void)
{
	const char *text = getenv("IOTOLL_TEST_SEED");
	const uint64_t s = text ? strtoull(text, NULL, 0) : SEED;

	print_message("seed %llu (IOTOLL_TEST_SEED)\n", (unsigned long long)s);
	return s;
}

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
	w->model = calloc(1, VOLUME);
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *s = &w->slot[i];

		s->w = w;
		assert_int_equal(
			memory_alloc(w->machine->mem, AREA / PAGE_BYTES, PAGE_BYTES, 0, &s->paddr),
			0);
		s->memory = memory_ptr(w->machine->mem, s->paddr, AREA);
		s->expected = malloc(AREA);
	}
	rng_seed(&w->rng, seed());
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
	for (unsigned i = 0; i < SLOTS; i++)
		free(w->slot[i].expected);
	free(w->model);
	free(w);
}

static unsigned below(struct world *w, unsigned n)
{
	return (unsigned)rng_below(&w->rng, n);
}

/* Ranges of all kinds in the slot's memory, @bytes in all; gaps between most of them. */
static unsigned scatter(struct slot *s, uint32_t bytes)
{
	struct world *w = s->w;
	uint32_t at = below(w, 5000);
	unsigned n = 0;

	while (bytes && n < VECS) {
		uint32_t take = 1 + below(w, below(w, 4) ? 9000 : 300);

		if (take > bytes || n == VECS - 1)
			take = bytes;
		if (at + take > AREA)
			return 0;
		s->vec[n++] = (struct bio_vec){.paddr = s->paddr + at, .bytes = take};
		bytes -= take;
		at += take + (below(w, 3) ? below(w, 3000) : 0);
	}
	return n;
}

/* May it run beside what is in flight? Two that overlap, one a write, have no defined result. */
static bool alone(const struct world *w, const struct slot *me, uint64_t sector, uint32_t sectors,
		  bool write)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		const struct slot *s = &w->slot[i];

		if (!s->busy || s == me || s->bio.op == BIO_FLUSH)
			continue;
		if ((write || s->bio.op == BIO_WRITE) &&
		    sector < s->bio.sector + bio_bytes(&s->bio) / 512 &&
		    s->bio.sector < sector + sectors)
			return false;
	}
	return true;
}

/* Copy between the ranges and a flat run of bytes. */
static void flat(struct slot *s, uint8_t *memory, uint8_t *bytes, bool gather)
{
	for (unsigned i = 0; i < s->bio.nvec; i++) {
		uint8_t *at = memory + (s->vec[i].paddr - s->paddr);

		memcpy(gather ? bytes : at, gather ? at : bytes, s->vec[i].bytes);
		bytes += s->vec[i].bytes;
	}
}

static void on_done(struct bio *bio, struct cpu *cpu, int status)
{
	struct slot *s = bio->ctx;
	struct world *w = s->w;
	uint8_t *place = w->model + bio->sector * 512;

	assert_true(s->busy);
	assert_true(!status || status == -EIO);
	w->good += !status;
	w->bad += status != 0;
	if (bio->op == BIO_WRITE && !status)
		flat(s, s->memory, place, true);
	else if (bio->op == BIO_WRITE) /* any part of it may have arrived */
		disk_peek(w->bed.storage.disk, bio->sector * 512, place, bio_bytes(bio));
	else if (bio->op == BIO_READ && !status)
		flat(s, s->expected, place, false);
	if (bio->op != BIO_FLUSH && !(bio->op == BIO_READ && status))
		assert_memory_equal(s->memory, s->expected, AREA);
	s->busy = false;
	w->in_flight--;
	waitq_wake(&w->room, cpu);
}

static void begin(struct slot *s, struct cpu *cpu)
{
	struct world *w = s->w;
	const unsigned kind = below(w, 100);
	const bool write = kind < 50;
	/* Mostly neighbours, so that there is something to merge; now and then larger than a
	 * request. */
	const uint32_t sectors = 1 + below(w, kind % 10 ? 24 : 300);
	const uint64_t sector = below(w, SECTORS - sectors);

	s->bio = (struct bio){.op = write ? BIO_WRITE : BIO_READ,
			      .sync = !below(w, 8),
			      .sector = sector,
			      .vec = s->vec,
			      .done = on_done,
			      .ctx = s};
	if (kind == 99)
		s->bio = (struct bio){.op = BIO_FLUSH, .done = on_done, .ctx = s};
	else if (!alone(w, s, sector, sectors, write) || !(s->bio.nvec = scatter(s, sectors * 512)))
		return;
	for (uint32_t i = 0; i < AREA; i += 8) {
		const uint64_t v = rng_u64(&w->rng);

		memcpy(s->memory + i, &v, sizeof(v));
	}
	memcpy(s->expected, s->memory, AREA);
	w->flushes += kind == 99;
	w->left--;
	s->busy = true;
	w->in_flight++;
	blockdev_submit(w->bed.dev, cpu, &s->bio);
}

static void submitter(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->machine);

	while (w->left) {
		struct slot *s = &w->slot[below(w, SLOTS)];

		if (w->in_flight == SLOTS) {
			blockdev_unplug(w->bed.dev, cpu);
			waitq_wait(&w->room, cpu);
		}
		if (!s->busy)
			begin(s, cpu);
		if (!below(w, 20))
			task_sleep(task_current(cpu), below(w, 4000) * SIM_US);
	}
}

/* Everything submitted ends within the limit: nothing is lost. */
static void run(struct world *w, unsigned bios, unsigned seconds)
{
	w->left = bios;
	for (unsigned i = 0; i < 2; i++)
		assert_non_null(task_create(machine_cpu(w->machine, i), "io", submitter, w));
	for (unsigned ms = 0; (w->left || w->in_flight) && ms < seconds * 1000; ms += 10)
		assert_int_equal(sim_run(w->sim, sim_now(w->sim) + 10 * SIM_MS), 0);
	assert_int_equal(w->left, 0);
	assert_int_equal(w->in_flight, 0);
}

static void volume_is_the_model(struct world *w)
{
	uint8_t *volume = malloc(VOLUME);

	disk_peek(w->bed.storage.disk, 0, volume, VOLUME);
	assert_memory_equal(volume, w->model, VOLUME);
	free(volume);
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
		run(w, 600, 60);
		assert_int_equal(w->bad, 0);
		volume_is_the_model(w);
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
	run(w, 600, 60);
	assert_int_equal(w->bad, 0);
	volume_is_the_model(w);
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
	run(w, 800, 60);
	assert_int_equal(w->bad, 0);
	volume_is_the_model(w);
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
		run(w, 800, 60);
		qla_driver_stats(w->bed.driver, &d);
		blk_stats(qla_driver_queue(w->bed.driver), &b);
		assert_true(w->spoiled > 0);
		assert_true(w->bad > 0);
		assert_true(d.dma_errors > 0);
		assert_int_equal(b.failed, w->bad);
		assert_true(b.retries > 0);
		volume_is_the_model(w);
		/* And afterwards everything works again. */
		w->bad = 0;
		run(w, 100, 60);
		assert_int_equal(w->bad, 0);
		volume_is_the_model(w);
		world_free(w);
	}
}

static void a_worn_sector_is_an_error_and_its_neighbours_are_not(void **state)
{
	struct world *w = world_make("calgary", "deferred", 0);
	struct qla_driver_stats d;

	(void)state;
	disk_damage(w->bed.storage.disk, SECTORS / 2);
	run(w, 800, 60);
	qla_driver_stats(w->bed.driver, &d);
	assert_true(w->bad > 0 && w->bad < w->good);
	assert_true(d.sense > 0);
	volume_is_the_model(w);
	world_free(w);
}

/* A bus that is off for good: commands time out, the reset fails, and everything is an error. */
static void waiter(void *ctx)
{
	struct world *w = ctx;
	struct cpu *cpu = cpu_current(w->machine);

	assert_int_equal(blockdev_wait(w->bed.dev, cpu, BIO_READ, 0, w->slot[0].paddr, 4096), -EIO);
	assert_int_equal(blockdev_wait(w->bed.dev, cpu, BIO_FLUSH, 0, 0, 0), -EIO);
	w->good = 1;
}

static void shut(struct world *w)
{
	struct iotoll_dma_fault fault;
	uint8_t byte;

	/* A stray DMA, found by the watchdog, makes the Calgary driver shut the bus. */
	assert_int_not_equal(bus_dma_now(w->rig.bus, 0x77, 0x7fff000, &byte, 1, IOMMU_READ, NULL),
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
	assert_int_equal(w->good, 1);
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

	run(w, 300, 60);
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
