/* SPDX-License-Identifier: MIT */
/* Machine profiles: the shipped ones, both ends of their estimates, overrides, listing. */
#include "profile_rig.h"

#define COSTS (sizeof(struct cost) / sizeof(uint64_t))

static const char *const shipped[] = {PROFILES "/x460-2007.ini", PROFILES "/e326.ini",
				      PROFILES "/e3-1220-2015.ini", PROFILES "/js21-2007.ini",
				      PROFILES "/epyc-7742-2019.ini"};

static void shipped_profiles_load_and_their_ends_are_ordered(void **state)
{
	struct rig *rig = *state;

	for (unsigned i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++) {
		uint64_t low[COSTS], mid[COSTS], high[COSTS];
		uint64_t *const to[] = {mid, low, high};
		unsigned moved = 0;

		strcpy(rig->path, shipped[i]);
		for (int end = ESTIMATE_DEFAULT; end <= ESTIMATE_HIGH; end++) {
			loads(rig, (enum estimate)end, NULL);
			memcpy(to[end], &rig->p.cost, sizeof(low));
		}
		for (unsigned c = 0; c < COSTS; c++) {
			assert_true(low[c] <= mid[c] && mid[c] <= high[c]);
			moved += low[c] < mid[c] && mid[c] < high[c];
		}
		assert_true(moved > 20);
	}
}

static void shipped_profiles_are_the_machines_of_the_paper(void **state)
{
	struct rig *rig = *state;

	strcpy(rig->path, shipped[0]);
	loads(rig, ESTIMATE_DEFAULT, NULL);
	assert_string_equal(rig->p.name, "x460-2007");
	assert_int_equal(rig->p.clock_mhz, 3000);
	assert_int_equal(rig->p.cpus, 8);
	assert_true(rig->p.memory_bytes == (uint64_t)4 << 30);
	assert_int_equal(rig->p.l2_bytes, 2 << 20);
	assert_int_equal(rig->p.l2_ways, 8);
	assert_true(rig->p.has_iommu);
	assert_true(rig->p.has_xen);
	assert_int_equal(rig->p.cost.xen_hypercall, 300000);
	assert_int_equal(rig->p.cost.xen_irq, 566667);
	assert_int_equal(rig->p.cost.dram_miss, 130000);
	assert_int_equal(rig->p.cost.locked_rmw, 44000);
	assert_int_equal(rig->p.cost.mmio_read, 750000);
	assert_int_equal(rig->p.cost.interrupt, 570667);
	assert_int_equal(rig->p.cost.bus_byte, 1180);
	assert_true(rig->p.has_disk);
	assert_int_equal(rig->p.cost.disk_link_byte, 4706);

	strcpy(rig->path, shipped[1]);
	loads(rig, ESTIMATE_DEFAULT, NULL);
	assert_string_equal(rig->p.name, "e326");
	assert_int_equal(rig->p.clock_mhz, 1800);
	assert_int_equal(rig->p.cpus, 2);
	assert_int_equal(rig->p.l2_bytes, 1 << 20);
	assert_int_equal(rig->p.l2_ways, 16);
	assert_false(rig->p.has_iommu);
	assert_int_equal(rig->p.cost.dma_call, 0);
	assert_int_equal(rig->p.cost.socket_send, 1700000);
}

static void sizes_and_numbers_of_the_disk_stay_where_costs_move(void **state)
{
	struct rig *rig = *state;

	write_with(rig, 0, 0, NULL);
	loads(rig, ESTIMATE_LOW, NULL);
	assert_true(rig->p.has_disk);
	assert_true(rig->p.disk_cache_bytes == (uint64_t)512 << 20);
	assert_int_equal(rig->p.disk_spindles, 8);
	assert_int_equal(rig->p.disk_stripe_bytes, 65536);
	assert_true(rig->p.cost.disk_seek_average == 2600 * SIM_US);
	loads(rig, ESTIMATE_HIGH, NULL);
	assert_int_equal(rig->p.disk_spindles, 8);
	assert_true(rig->p.cost.disk_seek_average == 3800 * SIM_US);
}

static void estimates_move_and_nothing_else_does(void **state)
{
	struct rig *rig = *state;

	write_with(rig, 0, 0, NULL);
	loads(rig, ESTIMATE_DEFAULT, NULL);
	assert_int_equal(rig->p.cost.dram_miss, 100000);
	assert_int_equal(rig->p.cost.cache_hit, 5000);
	loads(rig, ESTIMATE_LOW, NULL);
	assert_int_equal(rig->p.cost.dram_miss, 80000);
	assert_int_equal(rig->p.cost.cache_hit, 2000);
	assert_int_equal(rig->p.cost.line_transfer, 120000);
	loads(rig, ESTIMATE_HIGH, NULL);
	assert_int_equal(rig->p.cost.dram_miss, 150000);
	assert_int_equal(rig->p.cost.cache_hit, 14000);
	assert_int_equal(rig->p.cost.line_transfer, 120000);
	assert_true(rig->p.memory_bytes == (uint64_t)1 << 30);
	assert_int_equal(rig->p.l2_bytes, 1 << 20);
	assert_string_equal(rig->p.title, "Test machine");
}

static void protection_can_be_dear_while_everything_else_is_cheap(void **state)
{
	static const char path[] = PROFILES "/x460-2007.ini";
	struct profile low = {0}, high = {0}, dear = {0}, cheap = {0}, middle = {0};
	struct err err = {{0}};

	(void)state;
	assert_int_equal(profile_load(&low, path, ESTIMATE_LOW, NULL, &err), 0);
	assert_int_equal(profile_load(&high, path, ESTIMATE_HIGH, NULL, &err), 0);
	assert_int_equal(profile_load(&dear, path, ESTIMATE_DEAR_PROTECTION, NULL, &err), 0);
	assert_int_equal(profile_load(&cheap, path, ESTIMATE_CHEAP_PROTECTION, NULL, &err), 0);
	assert_int_equal(profile_load(&middle, path, ESTIMATE_DEFAULT, NULL, &err), 0);
	assert_int_equal(dear.cost.clflush, high.cost.clflush);
	assert_int_equal(dear.cost.dma_call, high.cost.dma_call);
	assert_int_equal(dear.cost.rx_segment, low.cost.rx_segment);
	assert_int_equal(dear.cost.copy_cold, low.cost.copy_cold);
	assert_int_equal(dear.cost.line_transfer, middle.cost.line_transfer);
	assert_int_equal(cheap.cost.irq_flags, low.cost.irq_flags);
	assert_int_equal(cheap.cost.rx_segment, high.cost.rx_segment);
}

static void of_the_hypervisor_only_asking_for_mappings_is_protection(void **state)
{
	static const char path[] = PROFILES "/x460-2007.ini";
	struct profile low, high, dear, cheap, middle;
	struct err err = {{0}};

	(void)state;
	assert_int_equal(profile_load(&low, path, ESTIMATE_LOW, NULL, &err), 0);
	assert_int_equal(profile_load(&high, path, ESTIMATE_HIGH, NULL, &err), 0);
	assert_int_equal(profile_load(&dear, path, ESTIMATE_DEAR_PROTECTION, NULL, &err), 0);
	assert_int_equal(profile_load(&cheap, path, ESTIMATE_CHEAP_PROTECTION, NULL, &err), 0);
	assert_int_equal(profile_load(&middle, path, ESTIMATE_DEFAULT, NULL, &err), 0);
	assert_int_equal(dear.cost.xen_hypercall, high.cost.xen_hypercall);
	assert_int_equal(dear.cost.xen_multicall_entry, high.cost.xen_multicall_entry);
	assert_int_equal(dear.cost.xen_iommu_op, high.cost.xen_iommu_op);
	assert_int_equal(cheap.cost.xen_hypercall, low.cost.xen_hypercall);
	assert_int_equal(cheap.cost.xen_multicall_entry, low.cost.xen_multicall_entry);
	assert_int_equal(cheap.cost.xen_iommu_op, low.cost.xen_iommu_op);
	/* The rest is in the middle at either end, from the first row after these to the last. */
	for (size_t at = offsetof(struct cost, xen_syscall_bounce);
	     at <= offsetof(struct cost, xen_memory_op); at += sizeof(uint64_t)) {
		const uint64_t *m = (const uint64_t *)((const char *)&middle.cost + at);
		const uint64_t *d = (const uint64_t *)((const char *)&dear.cost + at);
		const uint64_t *c = (const uint64_t *)((const char *)&cheap.cost + at);
		const uint64_t *h = (const uint64_t *)((const char *)&high.cost + at);

		if (at == offsetof(struct cost, xen_iommu_op))
			continue;
		assert_true(*d == *m && *c == *m && *h > *m);
	}
}

static void machines_for_a_hypervisor_say_so(void **state)
{
	static const bool has[] = {true, true, true, false};
	struct rig *rig = *state;

	for (unsigned i = 0; i < sizeof(has) / sizeof(*has); i++) {
		strcpy(rig->path, shipped[i]);
		loads(rig, ESTIMATE_DEFAULT, NULL);
		assert_int_equal(rig->p.has_xen, has[i]);
		assert_int_equal(rig->p.cost.xen_hypercall != 0, has[i]);
	}
}

static void cycles_follow_the_clock_rounded_to_nearest(void **state)
{
	const char *overrides[] = {"machine.clock=3 GHz", "memory.cache_hit = 1 cycle",
				   "cpu.locked_rmw=2 cycles", NULL};
	struct rig *rig = *state;

	write_with(rig, 0, 0, NULL);
	loads(rig, ESTIMATE_DEFAULT, overrides);
	assert_int_equal(rig->p.cost.cache_hit, 333);
	assert_int_equal(rig->p.cost.locked_rmw, 667);
	assert_int_equal(rig->p.cost.clflush, 91667);
	assert_int_equal(profile_cycles(&rig->p, rig->p.cost.clflush), 275);
}

static void an_override_replaces_value_and_range(void **state)
{
	const char *overrides[] = {"memory.dram_miss=1 us", "memory.dram_miss= 200 ns",
				   "machine.title=Other", "machine.cpus=16", NULL};
	struct rig *rig = *state;

	write_with(rig, 0, 0, NULL);
	for (int end = ESTIMATE_DEFAULT; end <= ESTIMATE_HIGH; end++) {
		loads(rig, (enum estimate)end, overrides);
		assert_int_equal(rig->p.cost.dram_miss, 200000);
		assert_int_equal(rig->p.cpus, 16);
		assert_string_equal(rig->p.title, "Other");
	}
}

/* ---- every key reaches one field, and every field has a key ---- */

struct keys {
	const char *key[128];
	int line[128];
	unsigned count, stop_after;
};

static int collect(void *ctx, const struct profile_row *row)
{
	struct keys *keys = ctx;

	assert_true(row->help && row->help[0] && row->source[0] && row->text[0]);
	assert_true(row->grade != GRADE_ESTIMATED || row->range[0]);
	keys->key[keys->count] = row->key;
	keys->line[keys->count++] = row->line;
	return keys->stop_after && keys->count == keys->stop_after ? 17 : 0;
}

/* Any other section that may be left out has to be there for its costs to be met. */
#define XEN_ROW(key) #key " = 1 us | measured | a\n"
#define XEN_ROWS                 \
	XEN_ROW(hypercall)       \
	XEN_ROW(multicall_entry) \
	XEN_ROW(syscall_bounce)  \
	XEN_ROW(context_switch)  \
	XEN_ROW(irq)             \
	XEN_ROW(upcall)          \
	XEN_ROW(event_send)      \
	XEN_ROW(vcpu_switch)     \
	XEN_ROW(grant_map)       \
	XEN_ROW(grant_unmap)     \
	XEN_ROW(grant_copy)      \
	XEN_ROW(grant_transfer)  \
	XEN_ROW(va_update)       \
	XEN_ROW(tlb_flush)       \
	XEN_ROW(iommu_op)        \
	XEN_ROW(memory_op)

#define PCIE_ROWS                                       \
	"[pcie]\ngeneration = 3 | published | manual\n" \
	"lanes = 8 | published | manual\n"              \
	"mps = 256 B | published | manual\n"            \
	"mrrs = 512 B | published | manual\n"           \
	"packet = 24 B | published | manual\n"          \
	"posted_headers = 64 | published | manual\n"    \
	"posted_data = 16 KiB | published | manual\n"   \
	"credit = 250 ns | published | manual\n"

/* Sizes, numbers and the clock. */
static bool is_no_cost(const char *key)
{
	static const char *const some[] = {"disk.cache", "disk.drive", "disk.spindles",
					   "disk.stripe", "pcie.credit"};

	for (unsigned i = 0; i < 4; i++)
		if (!strcmp(key, some[i]))
			return true;
	return !strncmp(key, "machine.", 8) || (!strncmp(key, "pcie.", 5) && strcmp(key, some[4]));
}

static void every_cost_has_exactly_one_key(void **state)
{
	struct rig *rig = *state;
	uint64_t before[COSTS], after[COSTS];
	unsigned met[COSTS] = {0};
	struct keys keys = {.count = 0};
	char text[80];
	const char *overrides[] = {text, NULL};

	write_with(rig, 45, 45, "[xen]\n" XEN_ROWS PCIE_ROWS "[bus]");
	loads(rig, ESTIMATE_DEFAULT, NULL);
	memcpy(before, &rig->p.cost, sizeof(before));
	assert_int_equal(profile_rows(rig->path, collect, &keys, &rig->err), 0);
	/* The file leaves out what may be left out: 0 says so. */
	assert_int_equal(rig->p.cost.iommu_reg_read, 0);
	keys.key[keys.count++] = "iommu.reg_read";
	keys.key[keys.count++] = "iommu.ats_request";
	keys.key[keys.count++] = "iommu.ats_invalidate";
	keys.key[keys.count++] = "kernel.gro_segment";
	keys.key[keys.count++] = "kernel.tx_fragment";
	keys.key[keys.count++] = "kernel.bridge";
	keys.key[keys.count++] = "kernel.netback_tx";
	keys.key[keys.count++] = "kernel.netback_rx";
	keys.key[keys.count++] = "disk.blkfront";
	keys.key[keys.count++] = "disk.blkback";
	for (unsigned k = 0; k < keys.count; k++) {
		unsigned changed = 0;

		if (is_no_cost(keys.key[k]))
			continue;
		snprintf(text, sizeof(text), "%s=7.777 ns", keys.key[k]);
		loads(rig, ESTIMATE_DEFAULT, overrides);
		memcpy(after, &rig->p.cost, sizeof(after));
		for (unsigned c = 0; c < COSTS; c++) {
			changed += before[c] != after[c];
			met[c] += before[c] != after[c];
			assert_true(before[c] == after[c] || after[c] == 7777);
		}
		assert_int_equal(changed, 1);
		snprintf(text, sizeof(text), "%s=10 s", keys.key[k]);
		assert_int_equal(
			profile_load(&rig->p, rig->path, ESTIMATE_DEFAULT, overrides, &rig->err),
			-EINVAL);
	}
	for (unsigned c = 0; c < COSTS; c++)
		assert_int_equal(met[c], 1);
}

static void rows_come_in_file_order_without_the_title(void **state)
{
	struct rig *rig = *state;
	struct keys keys = {.count = 0};

	write_with(rig, 0, 0, NULL);
	assert_int_equal(profile_rows(rig->path, collect, &keys, &rig->err), 0);
	assert_int_equal(keys.count, 64);
	assert_string_equal(keys.key[0], "machine.clock");
	assert_int_equal(keys.line[0], 3);
	assert_string_equal(keys.key[63], "disk.media_byte");
	assert_int_equal(keys.line[63], LINES);
	for (unsigned i = 1; i < keys.count; i++)
		assert_true(keys.line[i] > keys.line[i - 1]);
}

static void the_iommu_a_machine_was_sold_with_may_be_left_out(void **state)
{
	static const char *const other[] = {"machine.iommu=vtd", NULL};
	struct rig *rig = *state;
	struct keys keys = {.count = 0};

	write_with(rig, 0, 0, NULL);
	loads(rig, ESTIMATE_DEFAULT, NULL);
	assert_string_equal(rig->p.iommu, "");
	write_with(rig, 2, 2, "title = Test machine\niommu = calgary");
	loads(rig, ESTIMATE_DEFAULT, NULL);
	assert_string_equal(rig->p.iommu, "calgary");
	loads(rig, ESTIMATE_DEFAULT, other);
	assert_string_equal(rig->p.iommu, "vtd");
	assert_string_equal(rig->p.title, "Test machine");
	assert_int_equal(profile_rows(rig->path, collect, &keys, &rig->err), 0);
	assert_string_equal(keys.key[0], "machine.clock"); /* no number, no row */
}

static void rows_stop_when_told_and_are_checked_first(void **state)
{
	struct rig *rig = *state;
	struct keys keys = {.stop_after = 3};

	write_with(rig, 0, 0, NULL);
	assert_int_equal(profile_rows(rig->path, collect, &keys, &rig->err), 17);
	assert_int_equal(keys.count, 3);
	keys.count = 0;
	write_with(rig, LINES, LINES, NULL);
	assert_int_equal(profile_rows(rig->path, collect, &keys, &rig->err), -EINVAL);
	assert_int_equal(keys.count, 0);
}

static int keep_first(void *ctx, const struct profile_row *row)
{
	*(struct profile_row *)ctx = *row;
	return 1;
}

static void a_row_says_what_the_file_says(void **state)
{
	struct rig *rig = *state;
	struct profile_row row;

	write_with(rig, 3, 3, "clock =  1.8   GHz|estimated  1.5..2.0| one | two\n   three four");
	assert_int_equal(profile_rows(rig->path, keep_first, &row, &rig->err), 1);
	assert_string_equal(row.key, "machine.clock");
	assert_string_equal(row.help, "CPU clock");
	assert_string_equal(row.text, "1.8   GHz");
	assert_string_equal(row.range, "1.5..2.0 GHz");
	assert_int_equal(row.grade, GRADE_ESTIMATED);
	assert_string_equal(row.source, "one | two three four");
	assert_int_equal(row.line, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(shipped_profiles_load_and_their_ends_are_ordered),
		cmocka_unit_test(protection_can_be_dear_while_everything_else_is_cheap),
		cmocka_unit_test(of_the_hypervisor_only_asking_for_mappings_is_protection),
		TEST(machines_for_a_hypervisor_say_so),
		TEST(shipped_profiles_are_the_machines_of_the_paper),
		TEST(estimates_move_and_nothing_else_does),
		TEST(sizes_and_numbers_of_the_disk_stay_where_costs_move),
		TEST(cycles_follow_the_clock_rounded_to_nearest),
		TEST(an_override_replaces_value_and_range),
		TEST(every_cost_has_exactly_one_key),
		TEST(rows_come_in_file_order_without_the_title),
		TEST(the_iommu_a_machine_was_sold_with_may_be_left_out),
		TEST(rows_stop_when_told_and_are_checked_first),
		TEST(a_row_says_what_the_file_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
