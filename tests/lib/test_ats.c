/* SPDX-License-Identifier: MIT */
/*
 * include/iotoll/ats.h as an embedder's bus uses it: a device of VT-d's asks, is answered, is told
 * to forget, and completes that, on an IOMMU alone and on one that threads share. What is answered
 * in each case is the models' tests' business.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "iotoll/ats.h"
#include "spec/vtd.h"

#define ROOT     UINT64_C(0x0000)
#define CONTEXT  UINT64_C(0x1000)
#define LEVEL(n) (UINT64_C(0x2000) + UINT64_C(0x1000) * (n)) /* 1 to 4 */
#define QUEUE    UINT64_C(0x7000)
#define STATUS   UINT64_C(0x8000)
#define BYTES    UINT64_C(0x9000)
#define DEVICE   0x18u

static const struct iotoll_source who = {.devid = DEVICE};

struct world {
	uint8_t memory[BYTES];
	struct iotoll_iommu *iommu;
	unsigned sent, itag, tail;
	uint64_t payload;
	bool prompt; /* the device completes from within */
};

static int read_memory(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	const struct world *w = ctx;

	if (paddr > BYTES || bytes > BYTES - paddr)
		return -EFAULT;
	memcpy(to, w->memory + paddr, bytes);
	return 0;
}

static int write_memory(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	struct world *w = ctx;

	if (paddr > BYTES || bytes > BYTES - paddr)
		return -EFAULT;
	memcpy(w->memory + paddr, from, bytes);
	return 0;
}

static bool told_to_forget(void *ctx, uint16_t devid, unsigned itag, uint64_t payload)
{
	struct world *w = ctx;

	assert_int_equal(devid, DEVICE);
	w->sent++;
	w->itag = itag;
	w->payload = payload;
	if (w->prompt)
		assert_int_equal(iotoll_ats_invalidated(w->iommu, devid, UINT32_C(1) << itag, 1),
				 0);
	return true;
}

static void reg_write(struct world *w, uint64_t offset, uint64_t value, unsigned width)
{
	assert_int_equal(iotoll_iommu_reg_write(w->iommu, offset, value, width), 0);
}

static void submit(struct world *w, struct vtd_pair d)
{
	vtd_pack_pair(w->memory + QUEUE + UINT64_C(16) * w->tail++, d);
	reg_write(w, VTD_IQT, UINT64_C(16) * w->tail, 8);
}

static void open_world(struct world *w, bool shared)
{
	const struct iotoll_ats_fabric fabric = {.ctx = w, .invalidate = told_to_forget};
	struct iotoll_iommu_config config;

	memset(w, 0, sizeof(*w));
	assert_int_equal(iotoll_iommu_defaults(&config, "vtd"), 0);
	config.memory =
		(struct iotoll_memory){.ctx = w, .read = read_memory, .write = write_memory};
	config.shared = shared;
	assert_int_equal(iotoll_iommu_create(&w->iommu, &config, NULL, 0), 0);
	assert_true(iotoll_ats_served(w->iommu));
	assert_int_equal(iotoll_ats_fabric(w->iommu, &fabric), 0);
	vtd_pack_pair(w->memory + ROOT, vtd_root(CONTEXT));
	vtd_pack_pair(w->memory + CONTEXT + 16 * DEVICE,
		      vtd_context(LEVEL(4), VTD_TT_ATS, VTD_AW_48, 1));
	for (unsigned n = 4; n > 1; n--)
		vtd_pack64(w->memory + LEVEL(n), vtd_pte(LEVEL(n - 1), true, true));
	vtd_pack64(w->memory + LEVEL(1) + 8, vtd_pte(0x5000, true, false));
	reg_write(w, VTD_RTADDR, ROOT, 8);
	reg_write(w, VTD_GCMD, VTD_GCMD_SRTP, 4);
	reg_write(w, VTD_IQA, QUEUE, 8);
	reg_write(w, VTD_GCMD, VTD_GCMD_TE | VTD_GCMD_QIE, 4);
}

static void a_device_is_answered_and_goes_past(void **state)
{
	const struct iotoll_ats_request one = {.source = who, .address = 0x1000, .count = 1};
	struct iotoll_ats_request bad = one;
	struct iotoll_ats_completion answer;
	struct iotoll_ats_stats stats;
	static struct world w;
	struct iotoll_xlat x;

	for (unsigned shared = 0; shared < 2; shared++) {
		open_world(&w, shared != 0);
		assert_int_equal(iotoll_ats_request(w.iommu, &one, &answer), 0);
		assert_int_equal(answer.status, IOTOLL_ATS_SUCCESS);
		assert_int_equal(answer.count, 1);
		assert_int_equal(answer.entry[0] & 3, 1); /* R */
		assert_int_equal(answer.entry[0] >> 12, 5);
		assert_true(answer.fetches >= 4);
		assert_int_equal(iotoll_ats_translated(w.iommu, who, 0x5008, IOTOLL_READ, &x), 0);
		assert_int_equal(x.paddr, 0x5008);
		assert_true(x.bypass);
		bad.count = IOTOLL_ATS_REQUEST_MAX + 1;
		assert_int_equal(iotoll_ats_request(w.iommu, &bad, &answer), -EINVAL);
		assert_int_equal(iotoll_ats_page_request(w.iommu, DEVICE, 0x1000 | 1), 0);
		assert_int_equal(iotoll_ats_stats(w.iommu, &stats), 0);
		assert_int_equal(stats.requests, 1);
		assert_int_equal(stats.translated, 1);
		assert_int_equal(stats.page_requests, 1);
		iotoll_iommu_destroy(w.iommu);
	}
	(void)state;
}

/* An invalidation of page 1 at the device, and who waits for it. */
static void forget_and_wait(struct world *w)
{
	submit(w, vtd_desc_devtlb(DEVICE, 8, 0x1000, 12));
	submit(w, vtd_desc_wait(VTD_DESC_WAIT_SW, STATUS, 0x77));
}

static void an_invalidation_is_waited_for_until_it_is_completed(void **state)
{
	struct iotoll_ats_stats stats;
	static struct world w;
	uint64_t ns = 0;

	for (unsigned shared = 0; shared < 2; shared++) {
		open_world(&w, shared != 0);
		forget_and_wait(&w);
		assert_int_equal(w.sent, 1);
		assert_int_equal(w.payload >> 12, 1);
		assert_int_equal(w.memory[STATUS], 0);
		assert_int_equal(iotoll_ats_invalidated(w.iommu, DEVICE, UINT32_C(1) << w.itag, 8),
				 -EINVAL);
		assert_int_equal(iotoll_ats_invalidated(w.iommu, DEVICE, UINT32_C(1) << w.itag, 1),
				 0);
		assert_int_equal(w.memory[STATUS], 0x77);
		w.prompt = true;
		w.memory[STATUS] = 0;
		forget_and_wait(&w);
		assert_int_equal(w.memory[STATUS], 0x77);
		w.prompt = false;
		forget_and_wait(&w);
		assert_int_equal(iotoll_ats_limit(w.iommu, &ns), 0);
		assert_true(ns > 0);
		assert_int_equal(iotoll_ats_timed_out(w.iommu, IOTOLL_ATS_TAGS), -EINVAL);
		assert_int_equal(iotoll_ats_timed_out(w.iommu, w.itag), 0);
		assert_int_equal(iotoll_ats_fabric(w.iommu, NULL), 0);
		assert_int_equal(iotoll_ats_stats(w.iommu, &stats), 0);
		assert_int_equal(stats.invalidations, 3);
		assert_int_equal(stats.completed, 2);
		assert_int_equal(stats.timed_out, 1);
		iotoll_iommu_destroy(w.iommu);
	}
	(void)state;
}

static void a_model_without_ats_says_so(void **state)
{
	const struct iotoll_ats_request one = {.source = who, .count = 1};
	struct iotoll_iommu_config config;
	struct iotoll_ats_completion answer;
	struct iotoll_ats_stats stats;
	struct iotoll_iommu *iommu;
	struct iotoll_xlat x;
	uint64_t ns;

	(void)state;
	for (unsigned shared = 0; shared < 2; shared++) {
		assert_int_equal(iotoll_iommu_defaults(&config, "calgary"), 0);
		config.memory.read = read_memory;
		config.shared = shared != 0;
		assert_int_equal(iotoll_iommu_create(&iommu, &config, NULL, 0), 0);
		assert_false(iotoll_ats_served(iommu));
		assert_int_equal(iotoll_ats_fabric(iommu, NULL), -EOPNOTSUPP);
		assert_int_equal(iotoll_ats_request(iommu, &one, &answer), -EOPNOTSUPP);
		assert_int_equal(iotoll_ats_translated(iommu, who, 0, IOTOLL_READ, &x),
				 -EOPNOTSUPP);
		assert_int_equal(iotoll_ats_invalidated(iommu, DEVICE, 1, 1), -EOPNOTSUPP);
		assert_int_equal(iotoll_ats_limit(iommu, &ns), -EOPNOTSUPP);
		assert_int_equal(iotoll_ats_timed_out(iommu, 0), -EOPNOTSUPP);
		assert_int_equal(iotoll_ats_page_request(iommu, DEVICE, 1), -EOPNOTSUPP);
		assert_int_equal(iotoll_ats_stats(iommu, &stats), -EOPNOTSUPP);
		iotoll_iommu_destroy(iommu);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_is_answered_and_goes_past),
		cmocka_unit_test(an_invalidation_is_waited_for_until_it_is_completed),
		cmocka_unit_test(a_model_without_ats_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
