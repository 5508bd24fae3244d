// SPDX-License-Identifier: MIT
/* What drivers asked of the DMA API, in the text of probes and of the dma: tracepoints, and the
 * columns before it in the texts of ftrace and perf. The lines of probes are from recordings; those
 * of the tracepoints are what include/trace/events/dma.h prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "trace/trace.h"

#define PROBE  "     ksoftirqd/0-14    [000]    32.756701: "
#define KERNEL "     ksoftirqd/0-14    [000] ..s2.    32.756701: "

struct one {
	struct trace *t;
	struct trace_event ev;
};

static struct one read_one(const char *text)
{
	struct one o = {NULL, {0}};
	struct err err = {""};

	if (trace_open_memory(&o.t, text, strlen(text), "file", NULL, &err) ||
	    trace_next(o.t, &o.ev, &err) != 1)
		fail_msg("%s: %s", text, err.text);
	return o;
}

static void assert_text(struct trace_text text, const char *expected)
{
	assert_int_equal(text.bytes, strlen(expected));
	assert_memory_equal(text.at, expected, text.bytes);
}

static void a_mapped_page_shows_what_the_driver_asked_for(void **state)
{
	struct one o = read_one(PROBE "map_page:             (ffffffffb1ae8d90) "
				      "dev=\"0000:00:01.0\" off=2294 size=74 dir=1\n");

	(void)state;
	assert_int_equal(o.ev.kind, TRACE_API_MAP);
	assert_text(o.ev.dev, "0000:00:01.0");
	assert_int_equal(o.ev.offset, 2294);
	assert_int_equal(o.ev.bytes, 74);
	assert_int_equal(o.ev.dir, TRACE_DIR_TO_DEVICE);
	assert_int_equal(o.ev.site, 0xffffffffb1ae8d90);
	assert_false(trace_has(&o.ev, TRACE_F_IOVA));
	assert_false(trace_has(&o.ev, TRACE_F_CALLER));
	assert_text(o.ev.task, "ksoftirqd/0");
	assert_int_equal(o.ev.pid, 14);
	assert_false(trace_has(&o.ev, TRACE_F_CONTEXT));
	trace_close(o.t);
}

static void every_probe_that_is_documented_is_known(void **state)
{
	static const struct {
		const char *text;
		enum trace_kind kind;
		enum trace_field field;
		uint64_t value;
	} rows[] = {
		{"map_page_ret: (ffffffffb1ae8d90 <- ffffffffc030ad4e) iova=0xffffc8f6",
		 TRACE_API_MAP_RET, TRACE_F_IOVA, 0xffffc8f6},
		{"map_page_ret: (ffffffffb1ae8d90 <- ffffffffc030ad4e) iova=0xffffc8f6",
		 TRACE_API_MAP_RET, TRACE_F_CALLER, 0xffffffffc030ad4e},
		{"unmap_page: (ffffffffb1ae7ce0) dev=\"0000:00:02.0\" iova=0xfffdc000 size=4096 "
		 "dir=1",
		 TRACE_API_UNMAP, TRACE_F_IOVA, 0xfffdc000},
		{"map_sg: (ffffffff994e9250) dev=\"0000:00:02.0\" nents=2 dir=1", TRACE_API_MAP_SG,
		 TRACE_F_NENTS, 2},
		{"map_sg_ret: (ffffffff994e9250 <- ffffffff98f41999) nents=1", TRACE_API_MAP_SG_RET,
		 TRACE_F_RET, 1},
		{"map_sg_ret: (ffffffff994e9250 <- ffffffff98f41999) nents=-12",
		 TRACE_API_MAP_SG_RET, TRACE_F_RET, (uint64_t)-12},
		{"unmap_sg: (ffffffff994e8400) dev=\"0000:00:02.0\" nents=2 dir=1",
		 TRACE_API_UNMAP_SG, TRACE_F_NENTS, 2},
		{"alloc: (ffffffff994e8ff0) dev=\"0000:00:02.0\" size=4096", TRACE_API_ALLOC,
		 TRACE_F_BYTES, 4096},
		{"alloc_ret: (ffffffff994e8ff0 <- ffffffff9910c4ff) cpu=0xff320e3eff470000",
		 TRACE_API_ALLOC_RET, TRACE_F_VIRT, 0xff320e3eff470000},
		{"free: (ffffffff8bce8750) dev=\"0000:00:01.0\" size=4096 iova=0xfffff000",
		 TRACE_API_FREE, TRACE_F_IOVA, 0xfffff000},
		{"iova_slow: (ffffffffb1aeaaa0) pages=1 limit_pfn=0xfffff", TRACE_IOVA_SLOW,
		 TRACE_F_LIMIT, 0xfffff},
		{"iova_free_slow: (ffffffffb1aeaaa0) pfn=0xffefc", TRACE_IOVA_FREE_SLOW,
		 TRACE_F_PFN, 0xffefc},
		{"fq_flush_timeout: (ffffffffb1ae8290)", TRACE_FQ_TIMEOUT, TRACE_F_SITE,
		 0xffffffffb1ae8290},
		{"fq_flush_iotlb: (ffffffffb1ae77d0)", TRACE_FQ_FLUSH, TRACE_F_SITE,
		 0xffffffffb1ae77d0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[256] = KERNEL;
		struct one o;

		strcat(strcat(line, rows[i].text), "\n");
		o = read_one(line);
		if (o.ev.kind != rows[i].kind || !trace_has(&o.ev, rows[i].field) ||
		    trace_field_number(&o.ev, rows[i].field) != rows[i].value)
			fail_msg("%s: kind %d", rows[i].text, (int)o.ev.kind);
		assert_memory_equal(o.ev.context, "..s2.\0\0\0", 8);
		trace_close(o.t);
	}
}

static void an_event_that_only_has_a_probes_name_is_another_event(void **state)
{
	static const char *const rows[] = {
		"alloc: comm=x prio=1",
		"free: (ffffffff8bce8750) addr=0x1",
		"map_page: (ffffffffb1ae8d90) dev=\"0\" off=1 size=74 dir=7",
		"map_page: (ffffffffb1ae8d90) dev=\"0\" off=1 size=74",
		"map_page: (ffffffffb1ae8d90) dev=\"0\" off=1 size=74 dir=1 more=2",
		"map_page: (ffffffffb1ae8d90) dev=(fault) off=1 size=74 dir=1",
		"iova_slow: (ffffffffb1ae8d90) pages=1x limit_pfn=0xfffff",
		"fq_flush_iotlb: (ffffffffb1ae77d0) iova=0x1000",
		"fq_flush_iotlb:",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[256] = PROBE;
		struct one o;

		strcat(strcat(line, rows[i]), "\n");
		o = read_one(line);
		assert_int_equal(o.ev.kind, TRACE_OTHER);
		assert_int_equal(o.ev.has, TRACE_HAS(TRACE_F_TIME) | TRACE_HAS(TRACE_F_TASK) |
						   TRACE_HAS(TRACE_F_TEXT));
		assert_int_equal(o.ev.text.bytes,
				 strlen(strchr(rows[i], ':') + 1) - (strchr(rows[i], ' ') ? 1 : 0));
		trace_close(o.t);
	}
}

static void a_probes_place_may_be_a_symbol(void **state)
{
	struct one o = read_one(KERNEL "map_page_ret: (dma_map_page_attrs+0x1f/0x240 <- "
				       "iommu_dma_map_page) iova=0xffffc8f6\n");

	(void)state;
	assert_int_equal(o.ev.kind, TRACE_API_MAP_RET);
	assert_text(o.ev.text, "dma_map_page_attrs+0x1f/0x240 <- iommu_dma_map_page");
	assert_false(trace_has(&o.ev, TRACE_F_SITE));
	trace_close(o.t);
}

static void a_mapped_page_of_the_tracepoints_is_complete(void **state)
{
	static const char *const names[] = {"dma_map_page", "dma_map_phys", "dma_map_resource"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char line[256] = KERNEL;
		struct one o;

		strcat(line, names[i]);
		strcat(line, ": 0000:00:02.0 dir=FROM_DEVICE dma_addr=ffffe040 size=1522 "
			     "phys_addr=6ade2040 attrs=WEAK_ORDERING|SKIP_CPU_SYNC\n");
		o = read_one(line);
		assert_int_equal(o.ev.kind, TRACE_API_MAP);
		assert_text(o.ev.dev, "0000:00:02.0");
		assert_int_equal(o.ev.dir, TRACE_DIR_FROM_DEVICE);
		assert_int_equal(o.ev.iova, 0xffffe040);
		assert_int_equal(o.ev.bytes, 1522);
		assert_int_equal(o.ev.paddr, 0x6ade2040);
		assert_text(o.ev.attrs, "WEAK_ORDERING|SKIP_CPU_SYNC");
		trace_close(o.t);
	}
}

static void a_list_that_was_cut_says_so_and_how_long_it_was(void **state)
{
	static char line[16384] = KERNEL "dma_map_sg: 0000:00:02.0 dir=TO_DEVICE nents=128/200 "
					 "ents=2/2 [TRUNCATED] dma_addrs={0xfffe0000,0xfffc0000} "
					 "sizes={0x20000,0x1000} phys_addrs={";
	struct one o;

	(void)state;
	for (unsigned i = 0; i < 128; i++)
		sprintf(line + strlen(line), "%s0x%x", i ? "," : "", 0x100000 + i * 4096);
	strcat(line, "} attrs=\n");
	o = read_one(line);
	assert_int_equal(o.ev.kind, TRACE_API_MAP_SG);
	assert_true(trace_has(&o.ev, TRACE_F_TRUNCATED));
	assert_int_equal(o.ev.nents, 200);
	assert_int_equal(o.ev.ents, 2);
	assert_int_equal(o.ev.dma_addrs.count, 2);
	assert_int_equal(o.ev.dma_addrs.at[1], 0xfffc0000);
	assert_int_equal(o.ev.sizes.at[0], 0x20000);
	assert_int_equal(o.ev.paddrs.count, 128);
	assert_int_equal(o.ev.paddrs.at[127], 0x100000 + 127 * 4096);
	assert_true(trace_has(&o.ev, TRACE_F_ATTRS));
	assert_int_equal(o.ev.attrs.bytes, 0);
	trace_close(o.t);
}

static void an_unmap_of_a_list_has_physical_addresses(void **state)
{
	struct one o = read_one(KERNEL "dma_unmap_sg: 0000:00:02.0 dir=TO_DEVICE "
				       "phys_addrs={0x100000,0x7000} attrs=\n");

	(void)state;
	assert_int_equal(o.ev.kind, TRACE_API_UNMAP_SG);
	assert_int_equal(o.ev.paddrs.count, 2);
	assert_int_equal(o.ev.paddrs.at[1], 0x7000);
	assert_false(trace_has(&o.ev, TRACE_F_IOVA) || trace_has(&o.ev, TRACE_F_DMA_ADDRS));
	trace_close(o.t);
}

static void a_list_that_failed_has_its_error(void **state)
{
	struct one o = read_one(KERNEL "dma_map_sg_err: 0000:00:02.0 dir=TO_DEVICE "
				       "dma_addrs={0x100000} err=-12 attrs=\n");

	(void)state;
	assert_int_equal(o.ev.kind, TRACE_API_MAP_SG);
	assert_int_equal(o.ev.ret, -12);
	assert_int_equal(o.ev.paddrs.at[0], 0x100000);
	assert_false(trace_has(&o.ev, TRACE_F_DMA_ADDRS));
	trace_close(o.t);
}

static void coherent_memory_has_both_addresses(void **state)
{
	/* 6.12 wrote no direction here; %p may be a secret still. */
	struct one a =
		read_one(KERNEL "dma_alloc: 0000:00:02.0 dma_addr=fffff000 size=4096 "
				"virt_addr=00000000a5a5a5a5 flags=GFP_KERNEL|__GFP_ZERO attrs=\n");
	struct one b = read_one(KERNEL "dma_free: 0000:00:02.0 dir=BIDIRECTIONAL dma_addr=fffff000 "
				       "size=4096 virt_addr=(____ptrval____) attrs=\n");

	(void)state;
	assert_int_equal(a.ev.kind, TRACE_API_ALLOC);
	assert_int_equal(a.ev.virt, 0xa5a5a5a5);
	assert_text(a.ev.flags, "GFP_KERNEL|__GFP_ZERO");
	assert_false(trace_has(&a.ev, TRACE_F_DIR));
	assert_int_equal(b.ev.kind, TRACE_API_FREE);
	assert_int_equal(b.ev.virt, 0);
	assert_int_equal(b.ev.iova, 0xfffff000);
	trace_close(a.t);
	trace_close(b.t);
}

static void perfs_columns_are_read_like_ftraces(void **state)
{
	static const char *const names[] = {"iommu:map", "iommu:map", "sched:sched_switch"};
	static const char *const tasks[] = {"Web Content", "kworker/0:1H [x]", "swapper"};
	static const char *const pids[] = {"141", "1200/1203", "0"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char line[256];
		struct one o;

		sprintf(line,
			"%16s %5s [003]    13.882221987: %20s: IOMMU: iova=0x1000 - 0x2000 "
			"paddr=0x5000 size=4096\n",
			tasks[i], pids[i], names[i]);
		o = read_one(line);
		assert_string_equal(trace_format_name(o.t), "perf");
		assert_text(o.ev.task, tasks[i]);
		assert_int_equal(o.ev.pid, i == 0 ? 141 : i == 1 ? 1203 : 0);
		assert_int_equal(o.ev.cpu, 3);
		assert_int_equal(o.ev.time_ns, 13882221987);
		assert_int_equal(o.ev.kind, i < 2 ? TRACE_MAP : TRACE_OTHER);
		assert_text((struct trace_text){o.ev.name, o.ev.name_bytes},
			    i < 2 ? "map" : "sched:sched_switch");
		trace_close(o.t);
	}
}

static void task_names_may_hold_anything(void **state)
{
	static const struct {
		const char *line, *task;
		int32_t pid;
	} rows[] = {
		{"kworker/0:1H-38    [000] 1.5: x: y\n", "kworker/0:1H", 38},
		{" a [001] b-7-9 [000] 1.5: x: y\n", "a [001] b-7", 9},
		{" <...>-12 (   77) [000] d..1. 1.5: x: y\n", "<...>", 12},
		{" a-12 (-----) [000] d..1. 1.5: x: y\n", "a", 12},
		{" -3 [000] d..1. 1.5: x: y\n", "", 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct one o = read_one(rows[i].line);

		assert_text(o.ev.task, rows[i].task);
		assert_int_equal(o.ev.pid, rows[i].pid);
		trace_close(o.t);
	}
}

static void marks_are_handed_out_to_whoever_wants_them(void **state)
{
	static const char text[] = "# step rx\ncpus=2\nCPU:1 [LOST 5 EVENTS]\n"
				   " a-1 [000] 1.5: fork: y\n";
	struct trace *t = NULL;
	struct trace_event ev;
	struct err err;

	(void)state;
	assert_int_equal(trace_open_memory(&t, text, strlen(text), "file", NULL, &err), 0);
	trace_want_marks(t);
	assert_int_equal(trace_next(t, &ev, &err), 1);
	assert_int_equal(ev.kind, TRACE_STEP);
	assert_text(ev.text, "rx");
	assert_int_equal(trace_next(t, &ev, &err), 1);
	assert_int_equal(ev.kind, TRACE_LOST);
	assert_int_equal(ev.cpu, 1);
	assert_int_equal(ev.lost, 5);
	assert_int_equal(ev.line, 3);
	assert_int_equal(trace_tally(t)->events, 0);
	assert_int_equal(trace_tally(t)->lost_events, 5);
	assert_int_equal(trace_next(t, &ev, &err), 1);
	assert_int_equal(ev.kind, TRACE_OTHER);
	assert_int_equal(trace_next(t, &ev, &err), 0);
	trace_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mapped_page_shows_what_the_driver_asked_for),
		cmocka_unit_test(every_probe_that_is_documented_is_known),
		cmocka_unit_test(an_event_that_only_has_a_probes_name_is_another_event),
		cmocka_unit_test(a_probes_place_may_be_a_symbol),
		cmocka_unit_test(a_mapped_page_of_the_tracepoints_is_complete),
		cmocka_unit_test(a_list_that_was_cut_says_so_and_how_long_it_was),
		cmocka_unit_test(an_unmap_of_a_list_has_physical_addresses),
		cmocka_unit_test(a_list_that_failed_has_its_error),
		cmocka_unit_test(coherent_memory_has_both_addresses),
		cmocka_unit_test(perfs_columns_are_read_like_ftraces),
		cmocka_unit_test(task_names_may_hold_anything),
		cmocka_unit_test(marks_are_handed_out_to_whoever_wants_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
