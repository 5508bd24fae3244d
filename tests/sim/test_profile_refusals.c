/* SPDX-License-Identifier: MIT */
/* What a machine profile's loader refuses, and with which words. */
#include "profile_rig.h"

/* "PATH" + @rest is the message expected. */
static void refused(struct rig *rig, const char *const *overrides, const char *rest)
{
	char expected[600];

	snprintf(expected, sizeof(expected), "%s%s", rig->path, rest);
	memset(&rig->p, 0x5a, sizeof(rig->p));
	assert_int_equal(profile_load(&rig->p, rig->path, ESTIMATE_DEFAULT, overrides, &rig->err),
			 -EINVAL);
	assert_string_equal(rig->err.text, expected);
	assert_int_equal(rig->p.clock_mhz, 0x5a5a5a5a); /* nothing was written */
}

static void every_slip_in_a_line_is_told_with_its_place(void **state)
{
	static const struct {
		const char *text, *expected;
	} slips[] = {
		{"dram_mis = 1 ns | measured | a",
		 "memory.dram_mis: unknown key, did you mean memory.dram_miss?"},
		{"syscall = 1 ns | measured | a",
		 "memory.syscall: unknown key, did you mean cpu.syscall?"},
		{"interupt = 1 ns | measured | a",
		 "memory.interupt: unknown key, did you mean cpu.interrupt?"},
		{"banana = 1 ns | measured | a", "memory.banana: unknown key"},
		{"dram_miss = 1 ns",
		 "memory.dram_miss: expected 'VALUE UNIT | GRADE [LOW..HIGH] | SOURCE', "
		 "found '1 ns'"},
		{"dram_miss = 1 ns | measured",
		 "memory.dram_miss: expected 'VALUE UNIT | GRADE [LOW..HIGH] | SOURCE', "
		 "found '1 ns | measured'"},
		{"dram_miss =",
		 "memory.dram_miss: expected 'VALUE UNIT | GRADE [LOW..HIGH] | SOURCE', found ''"},
		{"dram_miss = 1 B | measured | a",
		 "memory.dram_miss: '1 B': expected a time (ps, ns, us, ms, s) or cycles"},
		{"dram_miss = | measured | a",
		 "memory.dram_miss: '': expected a time (ps, ns, us, ms, s) or cycles"},
		{"dram_miss = 1.2345 ns | measured | a",
		 "memory.dram_miss: '1.2345 ns': finer than 1 ps"},
		{"dram_miss = 10 ps | measured | a",
		 "memory.dram_miss: 10 ps is outside the legal 1 ns..100 us"},
		{"dram_miss = 1000000 cycles | measured | a",
		 "memory.dram_miss: 1000000 cycles is outside the legal 1 ns..100 us"},
		{"dram_miss = 5 ns | estimated 0..6 | a",
		 "memory.dram_miss: 0 ps is outside the legal 1 ns..100 us"},
		{"dram_miss = 1 ns | measurd | a",
		 "memory.dram_miss: 'measurd': unknown grade, did you mean measured?"},
		{"dram_miss = 1 ns | guess | a",
		 "memory.dram_miss: 'guess': expected the grade measured, published or estimated"},
		{"dram_miss = 1 ns || a",
		 "memory.dram_miss: '': expected the grade measured, published or estimated"},
		{"dram_miss = 1 ns | estimated | a",
		 "memory.dram_miss: an estimated value needs its range: estimated LOW..HIGH"},
		{"dram_miss = 1 ns | estimated 1-2 | a",
		 "memory.dram_miss: '1-2': expected LOW..HIGH, two numbers in ns"},
		{"dram_miss = 1 ns | estimated 1 ns..2 ns | a",
		 "memory.dram_miss: '1 ns..2 ns': expected LOW..HIGH, two numbers in ns"},
		{"dram_miss = 1 ns | estimated ..2 | a",
		 "memory.dram_miss: '..2': expected LOW..HIGH, two numbers in ns"},
		{"dram_miss = 1 ns | estimated 1.. | a",
		 "memory.dram_miss: '1..': expected LOW..HIGH, two numbers in ns"},
		{"dram_miss = 1 ns | estimated 2..1 | a",
		 "memory.dram_miss: 1 ns lies outside its own range 2..1"},
		{"dram_miss = 5 ns | published 1..4 | a",
		 "memory.dram_miss: 5 ns lies outside its own range 1..4"},
		{"dram_miss = 1 ns | measured |", "memory.dram_miss: expected a source after the "
						  "second '|'"},
		{"dram_miss = 0000000000000000000000000000001 ns | measured | a",
		 "memory.dram_miss: value longer than 31 bytes"},
	};
	struct rig *rig = *state;
	char expected[300];

	for (size_t i = 0; i < sizeof(slips) / sizeof(*slips); i++) {
		write_with(rig, 9, 9, slips[i].text);
		snprintf(expected, sizeof(expected), ":9: %s", slips[i].expected);
		refused(rig, NULL, expected);
	}
}

static void slips_elsewhere_are_told_too(void **state)
{
	struct rig *rig = *state;

	write_with(rig, 8, 8, "[memry]");
	refused(rig, NULL, ":8: [memry]: unknown section, did you mean [memory]?");
	write_with(rig, 8, 8, "[printer]");
	refused(rig, NULL,
		":8: [printer]: unknown section, expected machine, memory, cpu, kernel, iommu, "
		"xen, bus, pcie "
		"or disk");
	write_with(rig, 1, 1, NULL);
	refused(rig, NULL, ":2: title: expected a [section] before the first key");
	write_with(rig, 2, 2, "title =");
	refused(rig, NULL, ":2: machine.title: expected a line of UTF-8 text");
	write_with(rig, 2, 2, "title = a\niommu = a name of thirty-two letters----");
	refused(rig, NULL, ":3: machine.iommu: longer than 31 bytes");
	write_with(rig, 3, 3, "clock = 2000.5 MHz | measured | a");
	refused(rig, NULL, ":3: machine.clock: expected whole MHz");
	write_with(rig, 3, 3, "clock = 20 GHz | measured | a");
	refused(rig, NULL, ":3: machine.clock: 20 GHz is outside the legal 100 MHz..10 GHz");
	write_with(rig, 3, 3, "clock = 2000000 cycles | measured | a");
	refused(rig, NULL,
		":3: machine.clock: '2000000 cycles': expected a frequency (Hz, kHz, MHz, GHz)");
	write_with(rig, 4, 4, "cpus = 2.5 | measured | a");
	refused(rig, NULL, ":4: machine.cpus: '2.5': finer than 1");
	write_with(rig, 4, 4, "cpus = 0 | measured | a");
	refused(rig, NULL, ":4: machine.cpus: 0 is outside the legal 1..16");
	write_with(rig, 4, 4, "cpus = 4 | estimated 1-8 | a");
	refused(rig, NULL, ":4: machine.cpus: '1-8': expected LOW..HIGH, two numbers without unit");
	write_with(rig, 5, 5, "memory = 17000001 B | measured | a");
	refused(rig, NULL, ":5: machine.memory: expected whole pages of 4096 bytes");
	write_with(rig, 42, 42, "walk_read = 44 cycles | measured | a");
	refused(rig, NULL,
		":42: iommu.walk_read: '44 cycles': expected a time (ps, ns, us, ms, s)");
	write_with(rig, 10, 10, "dram_miss = 1 ns | measured | a");
	refused(rig, NULL, ":10: memory.dram_miss: given twice, first in line 9");
	write_with(rig, 9, 9, "dram_miss");
	refused(rig, NULL, ":9: expected 'key = value' or '[section]'");
}

static void missing_keys_are_named(void **state)
{
	struct rig *rig = *state;

	write_with(rig, 9, 9, NULL);
	refused(rig, NULL, ": memory.dram_miss: missing");
	write_with(rig, 2, 2, NULL);
	refused(rig, NULL, ": machine.title: missing");
	write_with(rig, 16, 24, NULL);
	refused(rig, NULL, ": cpu.locked_rmw: missing, and 8 more");
	write_with(rig, 1, LINES, NULL);
	refused(rig, NULL, ": machine.title: missing, and 36 more");
	write_with(rig, 39, 44, NULL); /* the heading stands: then its keys must follow */
	refused(rig, NULL, ": iommu.dma_call: missing, and 5 more");
}

static void the_iommu_section_may_be_absent_as_a_whole(void **state)
{
	const char *overrides[] = {"iommu.dma_call=1 ns", NULL};
	char expected[400];
	struct rig *rig = *state;

	write_with(rig, 38, 44, NULL);
	loads(rig, ESTIMATE_DEFAULT, NULL);
	assert_false(rig->p.has_iommu);
	assert_int_equal(rig->p.cost.walk_read, 0);
	snprintf(expected, sizeof(expected),
		 "override 'iommu.dma_call=1 ns': iommu.dma_call: %s has no [iommu] section",
		 rig->path);
	assert_int_equal(profile_load(&rig->p, rig->path, ESTIMATE_DEFAULT, overrides, &rig->err),
			 -EINVAL);
	assert_string_equal(rig->err.text, expected);
}

/* The line of its heading. */
#define DISK (LINES - 22)

static void the_disk_section_may_be_absent_but_not_half_there(void **state)
{
	const char *overrides[] = {"disk.rotation=4 ms", NULL};
	char expected[400];
	struct rig *rig = *state;

	write_with(rig, DISK, LINES, NULL);
	loads(rig, ESTIMATE_DEFAULT, NULL);
	assert_false(rig->p.has_disk);
	assert_int_equal(rig->p.cost.disk_rotation, 0);
	snprintf(expected, sizeof(expected),
		 "override 'disk.rotation=4 ms': disk.rotation: %s has no [disk] section",
		 rig->path);
	assert_int_equal(profile_load(&rig->p, rig->path, ESTIMATE_DEFAULT, overrides, &rig->err),
			 -EINVAL);
	assert_string_equal(rig->err.text, expected);
	write_with(rig, DISK + 2, LINES, NULL);
	refused(rig, NULL, ": disk.request: missing, and 20 more");
}

static void the_xen_section_is_absent_or_whole(void **state)
{
	const char *overrides[] = {"xen.upcall=1 ns", NULL};
	char expected[400];
	struct rig *rig = *state;

	write_with(rig, 0, 0, NULL);
	loads(rig, ESTIMATE_DEFAULT, NULL);
	assert_false(rig->p.has_xen);
	assert_int_equal(profile_load(&rig->p, rig->path, ESTIMATE_DEFAULT, overrides, &rig->err),
			 -EINVAL);
	snprintf(expected, sizeof(expected),
		 "override 'xen.upcall=1 ns': xen.upcall: %s has no [xen] section", rig->path);
	assert_string_equal(rig->err.text, expected);
	write_with(rig, 37, 37, "[xen]\nhypercall = 1 us | measured | a");
	refused(rig, NULL, ": kernel.app_call: missing, and 15 more");
	write_with(rig, 25, 25, "[xen]\nhypercall = 1 us | measured | a\n[kernel]");
	refused(rig, NULL, ": xen.multicall_entry: missing, and 14 more");
}

static void override_slips_name_the_override(void **state)
{
	static const char *const slips[][2] = {
		{"memory.dram_mis=1 ns", "memory.dram_mis: unknown key, did you mean "
					 "memory.dram_miss?"},
		{"dram_miss=1 ns", "dram_miss: unknown key, did you mean memory.dram_miss?"},
		{"memory.dram_miss", "expected section.key=VALUE UNIT"},
		{"=1 ns", "expected section.key=VALUE UNIT"},
		{"", "expected section.key=VALUE UNIT"},
		{"memory.dram_miss=", "memory.dram_miss: '': expected a time (ps, ns, us, ms, s) "
				      "or cycles"},
		{"memory.dram_miss=1 ns | measured | a",
		 "memory.dram_miss: '1 ns | measured | a': expected a time (ps, ns, us, ms, s) or "
		 "cycles"},
		{"memory.dram_miss=1 ms", "memory.dram_miss: 1 ms is outside the legal "
					  "1 ns..100 us"},
		{"machine.memory=17000001 B", "machine.memory: expected whole pages of 4096 bytes"},
		{"machine.title=caf\xe9", "machine.title: expected a line of UTF-8 text"},
		{"machine.title=", "machine.title: expected a line of UTF-8 text"},
	};
	struct rig *rig = *state;
	char expected[300];

	write_with(rig, 0, 0, NULL);
	for (size_t i = 0; i < sizeof(slips) / sizeof(*slips); i++) {
		const char *overrides[] = {slips[i][0], NULL};

		snprintf(expected, sizeof(expected), "override '%s': %s", slips[i][0], slips[i][1]);
		assert_int_equal(
			profile_load(&rig->p, rig->path, ESTIMATE_DEFAULT, overrides, &rig->err),
			-EINVAL);
		assert_string_equal(rig->err.text, expected);
	}
}

static void a_profile_that_cannot_be_read_is_named(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(
		profile_load(&rig->p, "/nonexistent.ini", ESTIMATE_DEFAULT, NULL, &rig->err),
		-ENOENT);
	assert_string_equal(rig->err.text, "/nonexistent.ini: No such file or directory");
	assert_int_equal(profile_load(&rig->p, "/nonexistent.ini", ESTIMATE_DEFAULT, NULL, NULL),
			 -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_slip_in_a_line_is_told_with_its_place),
		TEST(slips_elsewhere_are_told_too),
		TEST(missing_keys_are_named),
		TEST(the_iommu_section_may_be_absent_as_a_whole),
		TEST(the_xen_section_is_absent_or_whole),
		TEST(the_disk_section_may_be_absent_but_not_half_there),
		TEST(override_slips_name_the_override),
		TEST(a_profile_that_cannot_be_read_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
