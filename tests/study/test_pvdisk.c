/* SPDX-License-Identifier: MIT */
/*
 * Disks of guests, end to end: random I/O from two domains through blkfront, ring, blkback, block
 * layer, adapter and array, with and without an IOMMU that the hypervisor keeps, against arrays of
 * bytes; and a guest that dies in the middle of it. Afterwards the hypervisor's tables add up, and
 * no grant, frame or page is left over.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "guest/host.h"
#include "guest/xen_evtchn.h"
#include "guest/xen_grant.h"
#include "rig/hyper.h"
#include "study/diskbed.h"
#include "study/paths.h"

#include "disk_model.h"

#define VOLUME  (4u << 20)
#define SECTORS (VOLUME / 512)
#define GUESTS  2u
#define SEED    20070629u

struct guest {
	struct hyper_domain *d;
	struct host *host;
	struct host_disk *disk; /* dom0's end */
	struct disk_model io;
	uint64_t grants_at_rest;
};

struct world {
	struct sim *sim;
	struct machine *board;
	struct hyper hyper;
	struct hyper_domain *dom0;
	struct host *host; /* dom0's */
	struct diskbed bed;
	struct guest guest[GUESTS];
	struct host_disk *leaving;
	uint64_t empty; /* page numbers dom0 has to map at */
};

/* ---- building ---- */

static struct profile small_board(void)
{
	struct err err = {{0}};
	struct profile p;
	char path[PATH_MAX];

	assert_int_equal(paths_find("profiles", "x460-2007", ".ini", path, sizeof(path), &err), 0);
	assert_int_equal(profile_load(&p, path, ESTIMATE_DEFAULT, NULL, &err), 0);
	p.cpus = 2 + GUESTS;
	p.memory_bytes = 256 << 20;
	p.disk_cache_bytes = 1 << 20; /* so that drives have something to do */
	p.disk_spindles = 3;
	return p;
}

static void check(struct world *w)
{
	struct err err = {{0}};

	if (xen_check(w->hyper.xen, &err))
		fail_msg("the hypervisor's tables: %s", err.text);
}

static uint64_t grants(const struct host *h)
{
	struct pv_grants_stats s;

	pv_grants_stats(h->pv->grants, &s);
	return s.in_use;
}

static struct hyper_domain *add_domain(struct world *w, uint16_t id)
{
	static const unsigned physical[] = {0, 1};
	const unsigned guest_cpu = 1 + id;
	const struct hyper_domain_config config = {
		.name = id ? "guest" : "dom0",
		.id = id,
		.pages = id ? 6144 : 8192,
		.empty = id ? 16 : 1024,
		.vcpus = id ? 1 : 2,
		.physical = id ? &guest_cpu : physical,
		.privileged = id == 0,
		.hardware = id == 0,
	};
	struct hyper_domain *d;
	struct err err = {{0}};

	if (hyper_add_domain(&w->hyper, &config, &d, &err))
		fail_msg("%s", err.text);
	return d;
}

static struct host *boot(const struct hyper_domain *d, bool backend,
			 const struct blkif_backend_keys *disk)
{
	const struct host_config config = {
		.machine = d->machine,
		.domain = d->xen,
		.ip = 0x0a000001,
		.netmask = 0xffffff00,
		.disk_backend = backend,
		.disk = disk,
		.poison_memory = true,
		.seed = SEED,
	};
	struct host *h;
	struct err err = {{0}};

	if (host_create(&h, &config, &err))
		fail_msg("%s", err.text);
	return h;
}

static void make_guest(struct world *w, unsigned n, uint64_t seed)
{
	const struct blkback_extent extent = {
		.dev = w->bed.dev, .first = n * (SECTORS / GUESTS), .sectors = SECTORS / GUESTS};
	struct guest *g = &w->guest[n];
	struct blkif_backend_keys backend;
	struct blkif_frontend_keys front;
	struct err err = {{0}};

	g->d = add_domain(w, (uint16_t)(n + 1));
	blkback_keys(w->host->blkback, &extent, &backend);
	g->host = boot(g->d, false, &backend);
	blkfront_keys(g->host->disk, &front);
	if (host_add_disk(w->host, &front, &extent, &g->disk, &err))
		fail_msg("%s", err.text);
	blkfront_connect(g->host->disk, NULL);
	g->grants_at_rest = grants(g->host);
	disk_model_init(&g->io, &(struct disk_model_config){.machine = g->d->machine,
							    .dev = blkfront_disk(g->host->disk),
							    .disk = w->bed.storage.disk,
							    .first = extent.first,
							    .seed = seed + n});
}

static struct world *world_make(const char *model, const char *strategy, bool multicall)
{
	struct world *w = calloc(1, sizeof(*w));
	const struct profile p = small_board();
	struct hyper_config config = {
		.rig = {.model = model,
			.strategy = strategy,
			.allocator = "next-fit",
			.devid = STORAGE_DEVID,
			.check_misuse = true,
			.multicall = multicall,
			.table_entries = iotoll_dma_driver_entries(model),
			.iotlb = {.entries = 64, .ways = 4, .line_pages = 1, .policy = "lru"}},
		.tables = HYPER_ASKED};
	struct diskbed_config bed = {.storage = {.bytes = VOLUME}};
	const uint64_t seed = disk_model_seed(SEED);
	struct err err = {{0}};

	w->sim = sim_create();
	assert_int_equal(machine_create(&w->board, w->sim, &p, &err), 0);
	config.rig.machine = w->board;
	if (hyper_init(&w->hyper, &config, &err))
		fail_msg("%s", err.text);
	w->dom0 = add_domain(w, 0);
	if (hyper_assign_bus(w->dom0, STORAGE_DEVID, &err))
		fail_msg("%s", err.text);
	w->host = boot(w->dom0, true, NULL);
	bed.machine = w->dom0->machine;
	bed.kmalloc = w->host->kmalloc;
	if (diskbed_init(&w->bed, &w->hyper.rig, &bed, &err))
		fail_msg("%s", err.text);
	for (unsigned n = 0; n < GUESTS; n++)
		make_guest(w, n, seed);
	w->empty = w->host->pv->empty_count;
	check(w);
	return w;
}

/* ---- taking apart ---- */

static void leave(void *ctx)
{
	struct world *w = ctx;

	host_remove_disk(w->host, cpu_current(w->dom0->machine), w->leaving);
	w->leaving = NULL;
}

/* dom0 disconnects a guest, in a task of its own. */
static void disconnect(struct world *w, struct guest *g)
{
	w->leaving = g->disk;
	g->disk = NULL;
	assert_non_null(task_create(machine_cpu(w->dom0->machine, 1), "xenwatch", leave, w));
	for (unsigned ms = 0; w->leaving && ms < 100; ms++)
		assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
	assert_null(w->leaving);
}

static void dismiss(struct world *w, struct guest *g)
{
	struct kmalloc_stats memory;
	struct host *h = g->host;

	assert_int_equal(grants(h), g->grants_at_rest);
	disconnect(w, g);
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + 20 * SIM_MS), 0);
	assert_int_equal(blkfront_close(h->disk), 0);
	h->disk = NULL;
	assert_int_equal(grants(h), 0);
	netstack_destroy(h->stack);
	h->stack = NULL;
	pv_kernel_destroy(h->pv);
	h->pv = NULL;
	kmalloc_stats(h->kmalloc, &memory);
	assert_int_equal(memory.live_objects, 0);
	assert_int_equal(memory.bad_frees, 0);
	assert_int_equal(memory.dirtied, 0);
	host_destroy(h);
	g->host = NULL;
}

/* Of the backend: nothing is on its way, nothing is mapped, nothing was lost. */
static void rests(struct world *w)
{
	struct blkback_stats s;

	blkback_stats(w->host->blkback, &s);
	assert_int_equal(s.pending, 0);
	assert_int_equal(s.unmap_errors, 0);
	assert_int_equal(s.maps, s.unmaps);
	check(w);
}

static void world_free(struct world *w)
{
	struct iotoll_dma_stats dma;

	rests(w);
	for (unsigned n = 0; n < GUESTS; n++)
		if (w->guest[n].host)
			dismiss(w, &w->guest[n]);
	rests(w);
	/* The rings' pages are free again too. */
	assert_int_equal(w->host->pv->empty_count, w->empty + GUESTS);
	diskbed_fini(&w->bed);
	iotoll_dma_domain_stats(w->hyper.rig.domain, &dma);
	assert_int_equal(dma.maps, dma.unmaps);
	for (unsigned i = 0; i < IOTOLL_MISUSE_COUNT; i++)
		assert_int_equal(dma.misuse[i], 0);
	host_destroy(w->host);
	check(w);
	hyper_fini(&w->hyper);
	for (unsigned n = 0; n < GUESTS; n++)
		disk_model_fini(&w->guest[n].io);
	machine_destroy(w->board);
	sim_destroy(w->sim);
	free(w);
}

/* ---- tests ---- */

static const struct {
	const char *model, *strategy;
	bool multicall;
} paths[] = {
	{"none", "off", false},       {"calgary", "off", false},
	{"calgary", "strict", false}, {"calgary", "deferred", false},
	{"calgary", "strict", true},  {"calgary", "deferred-tracked", true},
	{"vtd", "strict", false},     {"vtd", "flush-queue", false},
	{"amdvi", "strict", false},   {"amdvi", "flush-queue", true},
};

static struct blkfront_stats front_stats(const struct guest *g)
{
	struct blkfront_stats s;

	blkfront_stats(g->host->disk, &s);
	return s;
}

static struct blkback_vbd_stats vbd_stats(const struct guest *g)
{
	struct blkback_vbd_stats s;

	blkback_vbd_stats(g->disk->vbd, &s);
	return s;
}

static void both_ran_well(struct world *w)
{
	for (unsigned n = 0; n < GUESTS; n++) {
		const struct guest *g = &w->guest[n];
		const struct blkfront_stats f = front_stats(g);
		const struct blkback_vbd_stats b = vbd_stats(g);

		assert_int_equal(g->io.bad, 0);
		disk_model_check(&g->io);
		assert_int_equal(f.requests, f.responses);
		assert_int_equal(f.broken + f.errors + f.withdrawn, 0);
		assert_int_equal(f.requests, b.reads + b.writes + b.flushes);
		assert_int_equal(b.flushes, f.flushes);
		assert_int_equal(b.bad_requests + b.bad_grants + b.io_errors + b.disabled, 0);
		/* Neither side is told of every request by itself. */
		assert_true(f.notified < f.requests);
		assert_true(b.notified <= f.responses);
	}
}

static void guests_read_what_they_wrote_through_every_iommu(void **state)
{
	unsigned flushes = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct world *w = world_make(paths[i].model, paths[i].strategy, paths[i].multicall);
		struct blkback_stats s;
		struct iotoll_dma_stats dma;

		print_message("%s %s%s\n", paths[i].model, paths[i].strategy,
			      paths[i].multicall ? ", multicalls" : "");
		for (unsigned n = 0; n < GUESTS; n++)
			disk_model_start(&w->guest[n].io, 300);
		for (unsigned n = 0; n < GUESTS; n++)
			disk_model_wait(&w->guest[n].io, 60);
		both_ran_well(w);
		flushes += w->guest[0].io.flushes + w->guest[1].io.flushes;
		blkback_stats(w->host->blkback, &s);
		assert_int_equal(s.maps, front_stats(&w->guest[0]).segments +
						 front_stats(&w->guest[1]).segments);
		/* One hypercall a request, each way. */
		assert_int_equal(s.map_calls, s.unmap_calls);
		iotoll_dma_domain_stats(w->hyper.rig.domain, &dma);
		if (strcmp(paths[i].strategy, "off"))
			assert_true(dma.maps > 300);
		assert_int_equal(w->hyper.rig.faults, 0);
		world_free(w);
	}
	assert_true(flushes > 20);
}

/* Guest 0 dies at some instant of its I/O; guest 1's goes on as if nothing were. */
static void dies_after(const char *model, const char *strategy, uint64_t us, unsigned *caught)
{
	struct world *w = world_make(model, strategy, false);
	struct guest *dead = &w->guest[0], *alive = &w->guest[1];
	const uint64_t frames = xen_frames_in_use(w->hyper.xen);

	struct blkback_stats s;

	disk_model_start(&dead->io, 100000);
	disk_model_start(&alive->io, 300);
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + us * SIM_US), 0);
	while (dead->host->pv->calls)
		assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_US / 10), 0);
	assert_true(dead->io.in_flight > 0);
	host_crash(dead->host);
	dead->host = NULL;
	machine_destroy(dead->d->machine);
	dead->d->machine = NULL;
	hyper_kill_domain(dead->d);
	check(w);
	blkback_stats(w->host->blkback, &s);
	*caught += s.pending;
	disconnect(w, dead);
	disk_model_wait(&alive->io, 60);
	assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_S), 0);
	assert_int_equal(alive->io.bad, 0);
	disk_model_check(&alive->io);
	assert_int_equal(w->hyper.rig.faults, 0);
	rests(w);
	/* No zombie: every frame of its has come back. */
	assert_null(xen_domain_find(w->hyper.xen, 1));
	assert_true(xen_frames_in_use(w->hyper.xen) + 6144 <= frames + 64);
	world_free(w);
}

static void a_guest_dies_in_mid_io_and_the_others_carry_on(void **state)
{
	static const unsigned after_us[] = {300, 2000, 5003, 9777, 20011, 60000};
	unsigned caught = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof(after_us) / sizeof(after_us[0]); i++) {
		dies_after("none", "off", after_us[i], &caught);
		dies_after("calgary", "strict", after_us[i], &caught);
		dies_after("vtd", "flush-queue", after_us[i], &caught);
	}
	assert_true(caught > 100); /* requests were with the backend */
}

/* Worn sectors are errors for whoever reads them, and for nobody else. */
static void an_error_of_the_disk_reaches_the_guest(void **state)
{
	struct world *w = world_make("calgary", "strict", false);

	(void)state;
	for (unsigned i = 0; i < 12; i++) /* a sector is good again once it is written */
		disk_damage(w->bed.storage.disk, i * 331);
	for (unsigned n = 0; n < GUESTS; n++)
		disk_model_start(&w->guest[n].io, 500);
	for (unsigned n = 0; n < GUESTS; n++)
		disk_model_wait(&w->guest[n].io, 60);
	assert_true(w->guest[0].io.bad > 0);
	assert_true(w->guest[0].io.bad < w->guest[0].io.good);
	assert_int_equal(w->guest[1].io.bad, 0);
	assert_true(vbd_stats(&w->guest[0]).io_errors > 0);
	assert_int_equal(vbd_stats(&w->guest[0]).io_errors, front_stats(&w->guest[0]).errors);
	assert_int_equal(front_stats(&w->guest[0]).broken, 0);
	for (unsigned n = 0; n < GUESTS; n++)
		disk_model_check(&w->guest[n].io);
	world_free(w);
}

static uint64_t fingerprint(void)
{
	struct world *w = world_make("calgary", "deferred", false);
	struct cpu_account back, front;
	uint64_t print;

	for (unsigned n = 0; n < GUESTS; n++)
		disk_model_start(&w->guest[n].io, 200);
	for (unsigned n = 0; n < GUESTS; n++)
		disk_model_wait(&w->guest[n].io, 60);
	cpu_account(machine_cpu(w->dom0->machine, 0), &back);
	cpu_account(machine_cpu(w->guest[0].d->machine, 0), &front);
	assert_true(back.ps[CHARGE_DRIVER] > 0 && back.ps[CHARGE_CROSSING] > 0 &&
		    back.ps[CHARGE_HYPERVISOR] > 0 && back.ps[CHARGE_MAP] > 0);
	assert_true(front.ps[CHARGE_DRIVER] > 0 && front.ps[CHARGE_BLOCK] > 0);
	print = back.busy_ps ^ front.busy_ps << 1;
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
		cmocka_unit_test(guests_read_what_they_wrote_through_every_iommu),
		cmocka_unit_test(a_guest_dies_in_mid_io_and_the_others_carry_on),
		cmocka_unit_test(an_error_of_the_disk_reaches_the_guest),
		cmocka_unit_test(the_same_seed_gives_the_same_picoseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
