/* SPDX-License-Identifier: MIT */
/*
 * Translators in threads of their own, while another maps, unmaps and invalidates: no translation
 * that begins after an invalidation is complete gives what that took away, and after a drain nobody
 * uses it any more. Run under ThreadSanitizer as well: the tables, which two sides share as a guest
 * and its hardware do, are read and written here by atomic loads and stores.
 *
 * Every page of I/O addresses has a number that only rises, kept in the page's table entry as the
 * frame it leads to. The mapper writes the entry, invalidates, and then announces the number; who
 * has read an announcement must be led to that number or a later one.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "iotoll/translator.h"
#include "spec/calgary.h"
#include "spec/vtd.h"

#include "../base/seed.h"

#define PAGE   UINT64_C(4096)
#define DEVICE 0x0028u
#define PAGES  64u /* of I/O addresses; from page FIRST on */
#define FIRST  512u
#define WORDS  (UINT64_C(0x20000) / 8)
#define STEPS  3000u
#define TWO    2u /* translators */

#define ROOT     UINT64_C(0x1000)
#define CONTEXT  UINT64_C(0x2000)
#define QUEUE    UINT64_C(0x3000)
#define LEVEL(n) (UINT64_C(0x8000) - PAGE * (n)) /* 2 to 4 */
#define LEAVES   UINT64_C(0x8000)                /* Calgary's table, VT-d's last levels */

static const struct iotoll_source who = {.devid = DEVICE};

struct world {
	atomic_uint_least64_t memory[WORDS];
	struct iotoll_iommu *iommu;
	bool calgary;
	unsigned tail;
	atomic_uint_least64_t announced[PAGES];
	atomic_bool over;
	/* For the test of draining: the number whose frame may no longer be touched, plus 1. */
	bool drains;
	atomic_uint_least64_t taken_back[PAGES];
};

struct device {
	struct world *w;
	struct iotoll_translator *t;
	struct rng rng;
	atomic_uint_least64_t granted; /* so far: the mapper goes on until there are enough */
	uint64_t old, touched_late;
};

/* Words of 8 bytes, whole or halves: what the models read. */
static int read_memory(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	struct world *w = ctx;

	for (size_t i = 0; i < bytes; i++) {
		const uint64_t at = paddr + i;
		uint64_t word;

		if (at / 8 >= WORDS)
			return -EFAULT;
		word = atomic_load_explicit(&w->memory[at / 8], memory_order_acquire);
		((uint8_t *)to)[i] = (uint8_t)(word >> 8 * (at % 8));
	}
	return 0;
}

/* A table entry is one store, as the specifications demand: @bytes are those in memory. */
static void put(struct world *w, uint64_t at, const uint8_t *bytes)
{
	uint64_t word = 0;

	for (unsigned i = 0; i < 8; i++)
		word |= (uint64_t)bytes[i] << 8 * i;
	atomic_store_explicit(&w->memory[at / 8], word, memory_order_release);
}

static void put_vtd(struct world *w, uint64_t at, uint64_t value)
{
	uint8_t bytes[8];

	vtd_pack64(bytes, value);
	put(w, at, bytes);
}

static void put_pair(struct world *w, uint64_t at, struct vtd_pair pair)
{
	put_vtd(w, at, pair.lo);
	put_vtd(w, at + 8, pair.hi);
}

static void reg_write(struct world *w, uint64_t offset, uint64_t value, unsigned width)
{
	if (iotoll_iommu_reg_write(w->iommu, offset, value, width) != 0)
		abort();
}

/* ---- the two IOMMUs: a table entry, and its invalidation ---- */

static void set_page(struct world *w, unsigned page, uint64_t number, bool mapped)
{
	uint8_t bytes[8];

	if (w->calgary) {
		calgary_tce_pack(bytes, mapped ? calgary_tce(number * PAGE, true, true) : 0);
		put(w, LEAVES + UINT64_C(8) * (FIRST + page), bytes);
	} else {
		put_vtd(w, LEAVES + UINT64_C(8) * (FIRST + page),
			mapped ? vtd_pte(number * PAGE, true, true) : 0);
	}
}

static void invalidate(struct world *w, unsigned page)
{
	if (w->calgary) {
		reg_write(w, calgary_tar(0), calgary_cpu64(calgary_tar_value(0, LEAVES, 0)), 8);
		return;
	}
	put_pair(w, QUEUE + UINT64_C(16) * w->tail,
		 vtd_desc_iotlb(VTD_GRAN_PAGE, 1, true,
				vtd_iva((FIRST + page) * PAGE, 0, page % 2 != 0)));
	w->tail = (w->tail + 1) % 256;
	reg_write(w, VTD_IQT, UINT64_C(16) * w->tail, 8);
}

static void start_vtd(struct world *w)
{
	put_pair(w, ROOT, vtd_root(CONTEXT));
	put_pair(w, CONTEXT + 16 * DEVICE,
		 vtd_context(LEVEL(4), VTD_TT_UNTRANSLATED, VTD_AW_48, 1));
	put_vtd(w, LEVEL(4), vtd_pte(LEVEL(3), true, true));
	put_vtd(w, LEVEL(3), vtd_pte(LEVEL(2), true, true));
	for (unsigned i = 0; i < 4; i++)
		put_vtd(w, LEVEL(2) + UINT64_C(8) * i, vtd_pte(LEAVES + PAGE * i, true, true));
	reg_write(w, VTD_RTADDR, ROOT, 8);
	reg_write(w, VTD_GCMD, VTD_GCMD_SRTP, 4);
	reg_write(w, VTD_IQA, QUEUE, 8);
	reg_write(w, VTD_GCMD, VTD_GCMD_TE | VTD_GCMD_QIE, 4);
}

static void start(struct world *w, const char *model)
{
	struct iotoll_iommu_config config;
	char why[200] = "";

	w->calgary = strcmp(model, "calgary") == 0;
	assert_int_equal(iotoll_iommu_defaults(&config, model), 0);
	config.memory = (struct iotoll_memory){.ctx = w, .read = read_memory};
	config.shared = true;
	assert_int_equal(iotoll_iommu_create(&w->iommu, &config, why, sizeof(why)), 0);
	for (unsigned page = 0; page < PAGES; page++)
		set_page(w, page, 1, true);
	if (!w->calgary) {
		start_vtd(w);
		return;
	}
	invalidate(w, 0); /* sets the TAR */
	reg_write(w, calgary_phb_reg(0, CALGARY_CONFIG_RW), calgary_cpu32(CALGARY_TRANSLATE_BITS),
		  4);
}

/* ---- a device's thread ---- */

static bool taken_back(const struct device *d, unsigned page, uint64_t number)
{
	return atomic_load_explicit(&d->w->taken_back[page], memory_order_acquire) > number;
}

/* The transaction goes on with @number's frame, at times long enough for others to run. */
static void touch(struct device *d, unsigned page, uint64_t number)
{
	for (unsigned i = 0; i < 20; i++)
		d->touched_late += taken_back(d, page, number);
	if (rng_below(&d->rng, 16) == 0)
		(void)sched_yield();
	d->touched_late += taken_back(d, page, number);
}

static void access_once(struct device *d)
{
	struct world *w = d->w;
	const unsigned page = (unsigned)rng_below(&d->rng, PAGES);
	const uint64_t least = atomic_load_explicit(&w->announced[page], memory_order_acquire);
	struct iotoll_xlat x;

	if (w->drains)
		iotoll_translator_begin(d->t);
	if (iotoll_translator_translate(d->t, (FIRST + page) * PAGE, IOTOLL_READ, &x) == 0) {
		(void)atomic_fetch_add_explicit(&d->granted, 1, memory_order_relaxed);
		d->old += x.paddr / PAGE < least;
		if (w->drains)
			touch(d, page, x.paddr / PAGE);
	}
	if (w->drains)
		iotoll_translator_end(d->t);
}

static void *device(void *arg)
{
	struct device *d = arg;

	while (!atomic_load_explicit(&d->w->over, memory_order_acquire))
		access_once(d);
	return NULL;
}

/* ---- the mapper's ---- */

/* Wait until each device has done so much more. */
static void let_them(struct device *devices, uint64_t accesses)
{
	for (unsigned i = 0; i < TWO; i++) {
		const uint64_t from =
			atomic_load_explicit(&devices[i].granted, memory_order_relaxed);

		while (atomic_load_explicit(&devices[i].granted, memory_order_relaxed) - from <
		       accesses)
			(void)sched_yield();
	}
}

static void map_and_unmap(struct world *w, struct device *devices, struct rng *rng)
{
	uint64_t number[PAGES];

	for (unsigned page = 0; page < PAGES; page++)
		number[page] = 1;
	let_them(devices, 500);
	for (unsigned i = 0; i < STEPS; i++) {
		const unsigned page = (unsigned)rng_below(rng, PAGES);

		/* They must have had time to fill in what there is to forget. */
		if (i % 8 == 0)
			(void)usleep(100);
		number[page]++;
		set_page(w, page, number[page], rng_below(rng, 4) != 0);
		invalidate(w, page);
		atomic_store_explicit(&w->announced[page], number[page], memory_order_release);
		if (w->drains && rng_below(rng, 8) == 0) {
			assert_int_equal(iotoll_iommu_drain(w->iommu), 0);
			atomic_store_explicit(&w->taken_back[page], number[page],
					      memory_order_release);
		}
	}
}

static void run(const char *model, bool drains)
{
	struct world *w = calloc(1, sizeof(*w));
	struct device device_of[TWO] = {{0}};
	struct iotoll_translator_stats stats;
	pthread_t thread[TWO];
	struct rng rng;

	assert_non_null(w);
	seed_from_env(&rng);
	w->drains = drains;
	start(w, model);
	for (unsigned i = 0; i < TWO; i++) {
		struct device *d = &device_of[i];

		d->w = w;
		rng_seed(&d->rng, rng_u64(&rng));
		assert_int_equal(iotoll_translator_create(&d->t, w->iommu, who, 64u << i), 0);
		assert_int_equal(pthread_create(&thread[i], NULL, device, d), 0);
	}
	map_and_unmap(w, device_of, &rng);
	let_them(device_of, 500);
	atomic_store_explicit(&w->over, true, memory_order_release);
	for (unsigned i = 0; i < TWO; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_int_equal(device_of[i].old, 0);
		assert_int_equal(device_of[i].touched_late, 0);
		iotoll_translator_stats(device_of[i].t, &stats);
		assert_true(stats.hits > 0 && stats.dropped > 0);
		iotoll_translator_destroy(device_of[i].t);
	}
	iotoll_iommu_destroy(w->iommu);
	free(w);
}

static void what_vtd_invalidated_is_never_given_again(void **state)
{
	(void)state;
	run("vtd", false);
}

static void what_calgary_invalidated_is_never_given_again(void **state)
{
	(void)state;
	run("calgary", false);
}

static void what_was_drained_is_no_longer_used(void **state)
{
	(void)state;
	run("vtd", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_vtd_invalidated_is_never_given_again),
		cmocka_unit_test(what_calgary_invalidated_is_never_given_again),
		cmocka_unit_test(what_was_drained_is_no_longer_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
