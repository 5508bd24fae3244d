/* SPDX-License-Identifier: MIT */
/*
 * FFSB through the whole storage path: file system, page cache, block layer, adapter and its
 * driver, array, with and without an IOMMU between the adapter and memory.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "load/ffsb.h"
#include "study/diskbed.h"
#include "study/paths.h"

#define VOLUME (512u << 20)

/* Random reads past the cache: one request, and one mapping, for each 4 KiB. */
#define DIRECT                                                                             \
	"time=1\ndirectio=1\n[filesystem]\nlocation=/ffsb\nnum_files=4\nmin_filesize=2m\n" \
	"max_filesize=2m\ncreate_blocksize=128k\n[end]\n[threadgroup]\nnum_threads=8\n"    \
	"read_weight=1\nread_random=1\nread_size=16k\nread_blocksize=4k\n[end]\n"

/* A bit of everything through the cache. */
#define MIXED                                                                                \
	"time=1\n[filesystem]\nlocation=/ffsb\nnum_files=60\nnum_dirs=4\nsize_weight 8k 3\n" \
	"size_weight 100k 1\n[end]\n[threadgroup]\nnum_threads=8\nreadall_weight=3\n"        \
	"append_fsync_weight=1\ncreate_weight=2\ndelete_weight=1\nstat_weight=1\n"           \
	"metaop_weight=1\nread_blocksize=4k\nwrite_size=6k\nwrite_blocksize=4k\n[end]\n"

struct measured {
	struct ffsb_stats s;
	uint64_t maps, cpu_map_ps, cpu_ps;
	sim_time wall;
};

static void measure(const char *text, const char *model, const char *strategy, struct measured *m)
{
	const uint64_t entries = iotoll_dma_driver_entries(model);
	struct rig_config rig = {
		.model = model,
		.strategy = strategy,
		.allocator = "next-fit",
		.devid = STORAGE_DEVID,
		.table_entries = entries,
		.check_misuse = true,
		.iotlb = {.entries = 64, .ways = 4, .line_pages = 1, .policy = "lru"}};
	struct diskbed_config bed = {.storage = {.bytes = VOLUME}};
	struct ffsb_config config = {
		.seed = 1, .cache_pages = 4000, .background_cpu = 1, .verify = true};
	struct ffsb_profile profile;
	struct iotoll_dma_stats dma;
	struct rig r = {.machine = NULL};
	struct diskbed b = {.dev = NULL};
	struct err err = {.text = ""};
	struct ffsb *load;
	struct profile p;
	char path[PATH_MAX];

	assert_int_equal(paths_find("profiles", "x460-2007", ".ini", path, sizeof(path), &err), 0);
	assert_int_equal(profile_load(&p, path, ESTIMATE_DEFAULT, NULL, &err), 0);
	p.cpus = 4;
	p.memory_bytes = 256 << 20;
	struct sim *sim = sim_create();

	assert_int_equal(machine_create(&rig.machine, sim, &p, &err), 0);
	assert_int_equal(rig_init(&r, &rig, &err), 0);
	bed.kmalloc = kmalloc_create(rig.machine->mem, true);
	if (diskbed_init(&b, &r, &bed, &err))
		fail_msg("%s", err.text);
	assert_int_equal(ffsb_profile_read_text(&profile, "p", text, strlen(text), &err), 0);
	config.machine = rig.machine;
	config.dev = b.dev;
	config.profile = &profile;
	if (ffsb_create(&load, &config, &err) || ffsb_start(load, &err))
		fail_msg("%s", err.text);
	while (!ffsb_ready(load) && sim_now(sim) < 100 * SIM_S)
		assert_int_equal(sim_run(sim, sim_now(sim) + SIM_MS), 0);
	for (unsigned i = 0; i < p.cpus; i++)
		cpu_account_reset(machine_cpu(rig.machine, i), sim_now(sim));
	iotoll_dma_domain_stats_reset(r.domain);
	ffsb_begin(load);
	assert_int_equal(sim_run(sim, sim_now(sim) + 500 * SIM_MS), 0);
	ffsb_end(load);
	iotoll_dma_domain_stats(r.domain, &dma);
	*m = (struct measured){.maps = dma.maps};
	for (unsigned i = 0; i < p.cpus; i++) {
		struct cpu_account a;

		cpu_account(machine_cpu(rig.machine, i), &a);
		m->cpu_ps += a.busy_ps;
		m->cpu_map_ps += a.ps[CHARGE_MAP] + a.ps[CHARGE_UNMAP] + a.ps[CHARGE_FLUSH];
	}
	ffsb_stop(load);
	while (!ffsb_finished(load) && sim_now(sim) < 200 * SIM_S)
		assert_int_equal(sim_run(sim, sim_now(sim) + SIM_MS), 0);
	if (ffsb_error(load, &err))
		fail_msg("%s", err.text);
	ffsb_stats(load, &m->s);
	print_message("%s/%s: %llu ops, %llu KiB read, %llu KiB written, CPU %.2f %%, of that %.2f "
		      "%% map, "
		      "unmap, flush; %llu maps\n",
		      model, strategy, (unsigned long long)m->s.ops,
		      (unsigned long long)m->s.bytes_read / 1024,
		      (unsigned long long)m->s.bytes_written / 1024,
		      100.0 * (double)m->cpu_ps / (double)m->s.elapsed_ps,
		      100.0 * (double)m->cpu_map_ps / (double)m->cpu_ps,
		      (unsigned long long)m->maps);
	ffsb_destroy(load);
	ffsb_profile_free(&profile);
	diskbed_fini(&b);
	kmalloc_destroy(bed.kmalloc);
	rig_fini(&r);
	machine_destroy(rig.machine);
	sim_destroy(sim);
}

static void random_direct_reads_need_a_mapping_each(void **state)
{
	struct measured off, on;

	(void)state;
	measure(DIRECT, "none", "off", &off);
	measure(DIRECT, "calgary", "deferred", &on);
	assert_int_equal(off.s.mismatches + on.s.mismatches, 0);
	assert_true(off.s.bytes_checked > 1000000 && on.s.bytes_checked > 1000000);
	/* an operation begun before the interval counts whole: up to 4 reads of each of 8 threads
	 */
	assert_true(on.maps + 8 * 4 >= on.s.bytes_read / 4096);
	assert_true(on.maps <= on.s.bytes_read / 4096 * 11 / 10);
	/* without an IOMMU the DMA API is only called, with one it has work */
	assert_true(on.cpu_map_ps > 3 * off.cpu_map_ps);
}

static void a_mixed_load_loses_nothing_behind_any_iommu(void **state)
{
	static const char *const what[][2] = {{"none", "off"},
					      {"calgary", "strict"},
					      {"calgary", "deferred"},
					      {"vtd", "flush-queue"}};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct measured m;

		measure(MIXED, what[i][0], what[i][1], &m);
		assert_int_equal(m.s.mismatches, 0);
		assert_true(m.s.bytes_checked > 100000 && m.s.fs.commits > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_direct_reads_need_a_mapping_each),
		cmocka_unit_test(a_mixed_load_loses_nothing_behind_any_iommu),
	};

	return cmocka_run_group_tests_name("study/ffsb_disk", tests, NULL, NULL);
}
