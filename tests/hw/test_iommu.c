// SPDX-License-Identifier: MIT
/*
 * The registry of IOMMU models: what creation refuses, with which words, and that it leaks nothing
 * at any failing allocation (the linker wraps malloc, calloc and free for this program).
 */
#include <errno.h>

#include "rig.h"

/* Allocations until one fails; 0 = none does. Touched by one thread only. */
static unsigned fail_at;
static int live;

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void __real_free(void *p);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void __wrap_free(void *p);

static bool fails_now(void)
{
	return fail_at != 0 && --fail_at == 0;
}

static void *counted(void *p)
{
	live += p != NULL;
	return p;
}

void *__wrap_malloc(size_t bytes)
{
	return fails_now() ? NULL : counted(__real_malloc(bytes));
}

void *__wrap_calloc(size_t n, size_t bytes)
{
	return fails_now() ? NULL : counted(__real_calloc(n, bytes));
}

void __wrap_free(void *p)
{
	live -= p != NULL;
	__real_free(p);
}

static int no_memory(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	(void)ctx;
	(void)paddr;
	(void)to;
	(void)bytes;
	return -EFAULT;
}

static struct iommu_config good_config(void)
{
	return (struct iommu_config){
		.model = "calgary",
		.iotlb = rig_iotlb,
		.memory = {.read = no_memory},
	};
}

static void every_model_of_the_registry_has_a_name_and_can_be_made(void **state)
{
	(void)state;
	assert_non_null(iommu_models[0]);
	for (size_t i = 0; iommu_models[i] != NULL; i++) {
		struct iommu_config config = good_config();
		struct iommu *iommu;

		config.model = iommu_models[i]->name;
		assert_int_equal(iommu_create(&iommu, &config, NULL), 0);
		assert_ptr_equal(iommu->ops, iommu_models[i]);
		iommu_destroy(iommu);
	}
	iommu_destroy(NULL);
}

static void unknown_model_is_refused_with_the_known_ones(void **state)
{
	struct iommu_config config = good_config();
	struct iommu *iommu;
	struct err err;

	(void)state;
	config.model = "calgery";
	assert_int_equal(iommu_create(&iommu, &config, &err), -EINVAL);
	assert_ptr_equal(strstr(err.text, "iommu model 'calgery': expected one of calgary"),
			 err.text);
	for (size_t i = 0; iommu_models[i] != NULL; i++)
		assert_non_null(strstr(err.text, iommu_models[i]->name));
	config.model = NULL;
	assert_int_equal(iommu_create(&iommu, &config, &err), -EINVAL);
}

static void model_without_memory_is_refused(void **state)
{
	struct iommu_config config = good_config();
	struct iommu *iommu;
	struct err err;

	(void)state;
	config.memory.read = NULL;
	assert_int_equal(iommu_create(&iommu, &config, &err), -EINVAL);
	assert_string_equal(err.text, "iommu calgary: expected a memory to read tables from");
}

static void impossible_geometry_is_refused_through_the_model(void **state)
{
	struct iommu_config config = good_config();
	struct iommu *iommu;
	struct err err;

	(void)state;
	config.iotlb.ways = 3;
	assert_int_equal(iommu_create(&iommu, &config, &err), -EINVAL);
	assert_non_null(strstr(err.text, "iotlb ways 3"));
}

/* Make @model with each allocation failing in turn; how many there are. */
static unsigned survive(const char *model)
{
	struct iommu_config config = good_config();
	struct iommu *iommu;
	int before = live, ret = -ENOMEM;
	unsigned n;

	config.model = model;
	for (n = 1; ret != 0; n++) {
		struct err err = {{0}};

		assert_true(n < 100);
		fail_at = n;
		ret = iommu_create(&iommu, &config, &err);
		fail_at = 0;
		if (ret != 0) {
			assert_int_equal(ret, -ENOMEM);
			assert_int_equal(live, before);
			assert_true(err.text[0] != '\0');
		}
	}
	iommu_destroy(iommu);
	assert_int_equal(live, before);
	return n - 2;
}

static void every_failing_allocation_is_survived(void **state)
{
	(void)state;
	/* One chip, and per bus one cache with its six arrays. */
	assert_int_equal(survive("calgary"), 1 + 4 * 7);
	/* One unit, the IOTLB, fault records, contexts, three levels of tables. */
	assert_int_equal(survive("vtd"), 1 + 7 + 1 + 1 + 3);
	/* One unit, the IOTLB of rings, what is held of them, where it is. */
	assert_int_equal(survive("riommu"), 1 + 7 + 2);
}

/* Memory whose every byte is 0xAA, up to address 48. */
static int read_aa(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	++*(unsigned *)ctx;
	if (paddr > 48 || bytes > 48 - paddr)
		return -EFAULT;
	memset(to, 0xAA, bytes);
	return 0;
}

static void what_the_window_has_is_read_there_and_the_rest_by_call(void **state)
{
	unsigned calls = 0;
	uint8_t window[32], scratch[64];
	struct iotoll_memory m = {
		.ctx = &calls, .read = read_aa, .window = window, .window_bytes = sizeof(window)};

	(void)state;
	memset(window, 0xBB, sizeof(window));
	assert_ptr_equal(iommu_memory_view(&m, 0, 8, scratch), window);
	assert_ptr_equal(iommu_memory_view(&m, 24, 8, scratch), window + 24);
	assert_ptr_equal(iommu_memory_view(&m, 0, 32, scratch), window);
	assert_int_equal(calls, 0);
	/* Across its end, behind it, and more than it has. */
	assert_ptr_equal(iommu_memory_view(&m, 25, 8, scratch), scratch);
	assert_int_equal(scratch[0], 0xAA);
	assert_ptr_equal(iommu_memory_view(&m, 32, 16, scratch), scratch);
	assert_ptr_equal(iommu_memory_view(&m, 0, 33, scratch), scratch);
	assert_int_equal(calls, 3);
	/* No memory there; addresses that wrap around. */
	assert_null(iommu_memory_view(&m, 41, 8, scratch));
	assert_null(iommu_memory_view(&m, UINT64_MAX - 3, 8, scratch));
	assert_null(iommu_memory_view(&m, UINT64_MAX, 1, scratch));
	m.window_bytes = 0;
	m.window = NULL;
	assert_ptr_equal(iommu_memory_view(&m, 0, 8, scratch), scratch);
	assert_int_equal(calls, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_model_of_the_registry_has_a_name_and_can_be_made),
		cmocka_unit_test(unknown_model_is_refused_with_the_known_ones),
		cmocka_unit_test(model_without_memory_is_refused),
		cmocka_unit_test(impossible_geometry_is_refused_through_the_model),
		cmocka_unit_test(every_failing_allocation_is_survived),
		cmocka_unit_test(what_the_window_has_is_read_there_and_the_rest_by_call),
	};

	return cmocka_run_group_tests_name("hw/iommu", tests, NULL, NULL);
}
