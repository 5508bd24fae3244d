/* SPDX-License-Identifier: MIT */
/*
 * The profile of a host: what was measured loads back as it was, what was not says whose it is. The
 * measurements are made up, so that every value can be told from every other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calibrate/calibrate.h"
#include "sim/profile.h"

static const char *const bases[] = {"x460-2007",    "e3-1220-2015",   "haswell-2016",
				    "icelake-2021", "epyc-7742-2019", "e326",
				    "js21-2007"};

#define BASES (sizeof(bases) / sizeof(bases[0]))

static void fill(struct host_sample *s, double median)
{
	*s = (struct host_sample){
		.median = median, .p10 = median * 0.875, .p90 = median * 1.5, .samples = 31};
	snprintf(s->method, sizeof(s->method), "made up, once and again");
}

/* Each value is exact in picoseconds, so that nothing is lost to rounding. */
static void make_up(struct calibration *c)
{
	*c = (struct calibration){.cpus = 6,
				  .memory_bytes = (UINT64_C(9) << 30) + 12345,
				  .has_caches = true,
				  .caches = {.l1_bytes = 32 << 10,
					     .l2_bytes = 1 << 20,
					     .l2_ways = 8,
					     .llc_bytes = 36 << 20,
					     .llc_ways = 12,
					     .llc_sharers = 6}};
	strcpy(c->cpu, "AMD Something 1");
	for (unsigned i = 0; i < HOST_QUANTITIES; i++)
		fill(&c->host[i], 8 + i);
	fill(&c->host[HOST_CLOCK], 3200);
	fill(&c->host[HOST_LOAD_DRAM], 96);
	fill(&c->host[HOST_COLD_1500], 8);
	fill(&c->host[HOST_WARM_1500], 32);
	for (unsigned i = 0; i < CALIBRATE_STEPS; i++)
		fill(&c->step[i], 1.5 + i);
}

static void not_measured(struct host_sample *s, const char *why)
{
	*s = (struct host_sample){.median = 0};
	snprintf(s->why_not, sizeof(s->why_not), "%s", why);
}

static void base_path(char *to, size_t bytes, const char *name)
{
	snprintf(to, bytes, PROFILES "/%s.ini", name);
}

/* Write, load, and the name of the file, which the caller unlinks. */
static void write_and_load(const struct calibration *c, const char *base, struct profile *made,
			   char name[64])
{
	struct err err = {""};
	char path[512];
	FILE *out;
	int fd;

	strcpy(name, "/tmp/iotoll-calibrate-XXXXXX");
	fd = mkstemp(name);
	assert_true(fd >= 0);
	out = fdopen(fd, "w");
	base_path(path, sizeof(path), base);
	if (calibrate_write(out, c, path, base, &err))
		fail_msg("%s", err.text);
	assert_int_equal(fclose(out), 0);
	if (profile_load(made, name, ESTIMATE_DEFAULT, NULL, &err))
		fail_msg("%s", err.text);
}

static void what_was_measured_loads_back_as_it_was(void **state)
{
	struct calibration c;
	struct profile p;
	char name[64];

	(void)state;
	make_up(&c);
	write_and_load(&c, "epyc-7742-2019", &p, name);
	unlink(name);
	assert_string_equal(p.title, "AMD Something 1, 6 CPUs, as measured");
	assert_string_equal(p.iommu, "amdvi");
	assert_int_equal(p.clock_mhz, 3200);
	assert_int_equal(p.cpus, 6);
	assert_int_equal(p.memory_bytes, UINT64_C(9) << 30);
	assert_int_equal(p.cost.dram_miss, 96000);
	assert_int_equal(p.cost.line_transfer, (8 + HOST_TRANSFER) * 1000);
	assert_int_equal(p.cost.cache_hit, (8 + HOST_LOAD_L2) * 1000);
	assert_int_equal(p.cost.copy_cold, 8000); /* 64 bytes at 8 a nanosecond */
	assert_int_equal(p.cost.copy_warm, 2000);
	assert_int_equal(p.cost.clflush, (8 + HOST_FLUSH) * 1000);
	assert_int_equal(p.cost.locked_rmw, (8 + HOST_ATOMIC) * 1000);
	assert_int_equal(p.cost.syscall, (8 + HOST_SYSCALL) * 1000);
	assert_int_equal(p.cost.context_switch, (8 + HOST_SWITCH) * 1000);
	assert_int_equal(p.cost.dma_call, 1500);
	assert_int_equal(p.cost.bitmap_word, 2500);
	assert_int_equal(p.cost.tce_store, 3500);
}

/* 36 MiB for six: 6 MiB with 12 ways are 8192 sets. Where loads say that it is not there: L2. */
static void the_cache_is_the_level_that_loads_find(void **state)
{
	struct calibration c;
	struct profile p;
	char name[64];

	(void)state;
	make_up(&c);
	write_and_load(&c, "icelake-2021", &p, name);
	unlink(name);
	assert_int_equal(p.l2_bytes, 6 << 20);
	assert_int_equal(p.l2_ways, 12);
	fill(&c.host[HOST_LOAD_LLC], 80);
	write_and_load(&c, "icelake-2021", &p, name);
	unlink(name);
	assert_int_equal(p.l2_bytes, 1 << 20);
	assert_int_equal(p.l2_ways, 8);
	c.has_caches = false;
	write_and_load(&c, "icelake-2021", &p, name);
	unlink(name);
	assert_int_equal(p.l2_bytes, 3 << 19); /* the base's */
	/* A number of sets that is no power of two is cut to one. */
	c.has_caches = true;
	c.caches.l2_bytes = 1280 << 10;
	c.caches.l2_ways = 20; /* 1024 sets */
	write_and_load(&c, "icelake-2021", &p, name);
	unlink(name);
	assert_int_equal(p.l2_bytes, 1280 << 10);
	c.caches.l2_ways = 16; /* 1280 sets */
	write_and_load(&c, "icelake-2021", &p, name);
	unlink(name);
	assert_int_equal(p.l2_bytes, 1 << 20);
}

struct origins {
	const struct calibration *c;
	const char *base;
	unsigned measured, taken;
};

static bool is_measured(const char *key)
{
	static const char *const machine[] = {"machine.cpus", "machine.memory", "machine.l2",
					      "machine.l2_ways"};

	for (unsigned i = 0; i < HOST_QUANTITIES; i++) {
		const char *k = calibrate_host_key((enum host_quantity)i);

		if (k && !strcmp(k, key))
			return true;
	}
	for (unsigned i = 0; i < CALIBRATE_STEPS; i++)
		if (!strcmp(calibrate_step_key((enum calibrate_step)i), key))
			return true;
	for (unsigned i = 0; i < 4; i++)
		if (!strcmp(machine[i], key))
			return true;
	return false;
}

static int judge(void *ctx, const struct profile_row *row)
{
	struct origins *o = ctx;
	char taken[96];

	snprintf(taken, sizeof(taken), "Taken from %s, not measured here: ", o->base);
	if (is_measured(row->key)) {
		o->measured++;
		assert_int_equal(row->grade, GRADE_MEASURED);
		if (strncmp(row->source, "Measured here: ", 15) &&
		    strncmp(row->source, "Of this machine", 15))
			fail_msg("%s: %s", row->key, row->source);
	} else {
		o->taken++;
		if (strncmp(row->source, taken, strlen(taken)))
			fail_msg("%s: %s", row->key, row->source);
	}
	return 0;
}

static void every_value_says_whose_it_is_with_every_profile_as_base(void **state)
{
	(void)state;
	for (unsigned i = 0; i < BASES; i++) {
		struct origins o = {.base = bases[i]};
		struct calibration c;
		struct err err = {""};
		struct profile p;
		char name[64];

		make_up(&c);
		write_and_load(&c, bases[i], &p, name);
		if (profile_rows(name, judge, &o, &err))
			fail_msg("%s", err.text);
		unlink(name);
		/* e326, a client, has no [iommu]. */
		assert_int_equal(o.measured, p.has_iommu ? 17 : 14);
		assert_true(o.taken > 20);
	}
}

static int same_as_base(void *ctx, const struct profile_row *row)
{
	struct profile_row *found = ctx;

	if (!strcmp(row->key, found->key))
		*found = *row;
	return 0;
}

static int taken_is_unchanged(void *ctx, const struct profile_row *row)
{
	struct profile_row found = {.key = row->key};
	struct err err = {""};
	char path[512];

	(void)ctx;
	if (is_measured(row->key))
		return 0;
	base_path(path, sizeof(path), "x460-2007");
	assert_int_equal(profile_rows(path, same_as_base, &found, &err), 0);
	assert_string_equal(found.text, row->text);
	assert_string_equal(found.range, row->range);
	assert_int_equal(found.grade, row->grade);
	assert_non_null(strstr(row->source, found.source));
	return 0;
}

static void what_is_taken_is_unchanged(void **state)
{
	struct calibration c;
	struct err err = {""};
	struct profile p;
	char name[64];

	(void)state;
	make_up(&c);
	write_and_load(&c, "x460-2007", &p, name);
	assert_int_equal(profile_rows(name, taken_is_unchanged, NULL, &err), 0);
	unlink(name);
}

static int find_transfer(void *ctx, const struct profile_row *row)
{
	if (!strcmp(row->key, "memory.line_transfer"))
		*(struct profile_row *)ctx = *row;
	return 0;
}

static void what_could_not_be_measured_is_taken_and_says_why(void **state)
{
	struct profile_row row = {.key = NULL};
	struct calibration c;
	struct err err = {""};
	struct profile p;
	char name[64];

	(void)state;
	make_up(&c);
	not_measured(&c.host[HOST_TRANSFER], "this process may run on one CPU only");
	not_measured(&c.host[HOST_CLOCK], "no reason");
	write_and_load(&c, "icelake-2021", &p, name);
	assert_int_equal(profile_rows(name, find_transfer, &row, &err), 0);
	unlink(name);
	assert_int_equal(p.cost.line_transfer, 100000);
	assert_int_equal(p.clock_mhz, 2600);
	assert_int_equal(row.grade, GRADE_ESTIMATED);
	assert_non_null(strstr(row.source,
			       "Taken from icelake-2021, not measured here (this process "
			       "may run on one CPU only): Our estimate"));
}

static void a_base_that_is_none_is_refused(void **state)
{
	struct calibration c;
	struct err err = {""};
	FILE *out = tmpfile();

	(void)state;
	assert_non_null(out);
	make_up(&c);
	assert_true(calibrate_write(out, &c, "/nowhere/at-all.ini", "at-all", &err) < 0);
	assert_non_null(strstr(err.text, "/nowhere/at-all.ini"));
	fclose(out);
}

static void the_nearest_machine_is_of_the_same_maker(void **state)
{
	struct calibration c;

	(void)state;
	make_up(&c);
	assert_string_equal(calibrate_nearest(&c), "epyc-7742-2019");
	strcpy(c.cpu, "Intel(R) Xeon(R) something");
	assert_string_equal(calibrate_nearest(&c), "icelake-2021");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_measured_loads_back_as_it_was),
		cmocka_unit_test(the_cache_is_the_level_that_loads_find),
		cmocka_unit_test(every_value_says_whose_it_is_with_every_profile_as_base),
		cmocka_unit_test(what_is_taken_is_unchanged),
		cmocka_unit_test(what_could_not_be_measured_is_taken_and_says_why),
		cmocka_unit_test(a_base_that_is_none_is_refused),
		cmocka_unit_test(the_nearest_machine_is_of_the_same_maker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
