/* SPDX-License-Identifier: MIT */
/*
 * A domain whose disk is dom0's dies in the middle of its I/O, with the IOMMU on: dom0's adapter
 * finishes what it has in its hands, the hypervisor's books are right, no device reaches a frame
 * that was freed, and no frame is lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "death_world.h"

/* Reads and writes past the cache: pages of the guest's are always in the adapter's hands. */
#define DIRECT                                                                            \
	"directio=1\n[filesystem]\nlocation=/a\nnum_files=8\nmin_filesize=256k\n"         \
	"max_filesize=256k\ncreate_blocksize=64k\n[end]\n[threadgroup]\nnum_threads=12\n" \
	"read_weight=1\nwrite_weight=1\nread_random=1\nwrite_random=1\nread_size=64k\n"   \
	"write_size=64k\nread_blocksize=16k\nwrite_blocksize=16k\n[end]\n"

/* Through the cache, synced all the time: a commit, or a file on its way out, is under way. */
#define SYNCED                                                                           \
	"[filesystem]\nlocation=/a\nnum_files=20\nnum_dirs=4\nmin_filesize=20k\n"        \
	"max_filesize=80k\n[end]\n[threadgroup]\nnum_threads=8\ncreate_fsync_weight=2\n" \
	"append_fsync_weight=4\ndelete_weight=1\nmetaop_weight=1\nreadall_weight=1\n"    \
	"read_blocksize=4k\nwrite_size=12k\nwrite_blocksize=4k\n[end]\n"

static void write_profile(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void kill_disk_domu(struct world *w)
{
	struct testbed_side *sut = &w->t.sut;
	struct hyper_domain *d = &w->h->domain[1];

	while (sut->host->pv->calls)
		death_run_for(w, SIM_US / 10);
	death_note_frames(w);
	load_destroy(w->t.load);
	w->t.load = NULL;
	host_crash(sut->host);
	sut->host = NULL;
	machine_destroy(d->machine);
	d->machine = NULL;
	hyper_kill_domain(d);
}

static void remove_vbd(void *ctx)
{
	struct world *w = ctx;
	struct testbed_side *sut = &w->t.sut;

	host_remove_disk(sut->nic_host, machine_cpu(sut->nic_host->machine, 0), sut->vbd);
	sut->vbd = NULL;
}

static void dies_with_its_disk(const char *const model[2], const char *profile,
			       const char *strategy, sim_time at, unsigned *caught)
{
	const char *const sets[] = {profile, strategy, "disk.size=64 MiB", "ffsb.cache=2 MiB",
				    NULL};
	struct blkback_stats back;
	struct qla_driver_stats hba;
	struct world w;
	bool *freed;

	death_start(&w, "ffsb", model, sets);
	for (unsigned ms = 0; !load_ready(w.t.load) && ms < 20000; ms++)
		death_run_for(&w, SIM_MS);
	assert_true(load_ready(w.t.load));
	death_run_for(&w, at);
	blkback_stats(w.t.sut.nic_host->blkback, &back);
	*caught += back.pending;
	kill_disk_domu(&w);
	death_books_are_right(&w);
	death_nothing_freed_is_reachable(&w);
	freed = death_poison_freed(&w);
	/* What the adapter has in its hands comes back meanwhile. */
	for (unsigned i = 0; i < 20; i++) {
		death_run_for(&w, 50 * SIM_US);
		death_nothing_freed_is_reachable(&w);
	}
	assert_non_null(
		task_create(machine_cpu(w.h->domain[0].machine, 0), "xenbus", remove_vbd, &w));
	death_run_for(&w, 4 * SIM_S);
	assert_null(w.t.sut.vbd);
	death_nothing_freed_is_reachable(&w);
	death_nothing_freed_was_written(&w, freed);
	death_books_are_right(&w);
	assert_int_equal(w.t.sut.rig->faults, 0);
	blkback_stats(w.t.sut.nic_host->blkback, &back);
	assert_int_equal(back.pending, 0);
	assert_int_equal(back.unmap_errors, 0);
	assert_int_equal(back.maps, back.unmaps);
	/* No command of dom0's failed for the guest's death. */
	qla_driver_stats(w.t.sut.disk.driver, &hba);
	assert_int_equal(hba.dma_errors + hba.map_errors, 0);
	death_nothing_is_left(&w);
	free(freed);
	death_finish(&w);
}

static void dies_anywhere(const char *text, unsigned least)
{
	static const char *const strategy[] = {"dma.strategy=strict", "dma.strategy=deferred"};
	char path[] = "death-XXXXXX", set[40];
	const int fd = mkstemp(path);
	unsigned caught = 0;

	assert_true(fd >= 0);
	close(fd);
	write_profile(path, text);
	snprintf(set, sizeof(set), "ffsb.profile=./%s", path);
	for (unsigned i = 0; i < 6; i++)
		dies_with_its_disk(death_models[i / 2], set, strategy[i % 2],
				   3 * SIM_MS + i * 137 * SIM_US, &caught);
	print_message("%u requests under way\n", caught);
	assert_true(caught > least); /* requests were with the backend */
	assert_int_equal(unlink(path), 0);
}

static void a_domain_dies_with_its_pages_in_the_adapters_hands(void **state)
{
	(void)state;
	dies_anywhere(DIRECT, 20);
}

static void a_domain_dies_while_it_syncs(void **state)
{
	(void)state;
	dies_anywhere(SYNCED, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_domain_dies_with_its_pages_in_the_adapters_hands),
		cmocka_unit_test(a_domain_dies_while_it_syncs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
