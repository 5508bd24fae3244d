/* SPDX-License-Identifier: MIT */
/* What a kernel can record, found in a folder that looks like its tracefs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "trace/fields.h"
#include "trace/points.h"
#include "trace/trace.h"

static char root[64];

static void folder(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		(void)mkdir(path, 0777);
	}
	assert_int_equal(mkdir(path, 0777), 0);
}

static void file(const char *name, const char *text)
{
	char path[300];
	FILE *to;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	to = fopen(path, "w");
	assert_non_null(to);
	fputs(text, to);
	fclose(to);
}

static int make_root(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/iotoll-tracefs-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int drop_root(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static bool has_event(const struct points *p, const char *system, const char *event)
{
	for (unsigned i = 0; i < p->events; i++)
		if (!strcmp(p->event[i]->system, system) && !strcmp(p->event[i]->event, event))
			return true;
	return false;
}

static const struct point_probe *probe(const struct points *p, const char *event)
{
	for (unsigned i = 0; i < p->probes; i++)
		if (!strcmp(p->probe[i]->event, event))
			return p->probe[i];
	return NULL;
}

/* Linux 6.1 on x86-64, of which alloc_iova is in a module. */
static void kernel_6_1(void)
{
	folder("events/iommu/map");
	folder("events/iommu/unmap");
	folder("events/iommu/add_device_to_group");
	folder("events/intel_iommu/qi_submit");
	file("kprobe_events", "");
	file("available_filter_functions",
	     "iommu_dma_map_page_more\niommu_dma_map_page\niommu_dma_unmap_page\n"
	     "iommu_dma_map_sg\nalloc_iova [iova]\nfq_flush_timeout\n");
}

static void
an_old_kernel_has_tracepoints_of_the_iommu_layer_and_functions_for_the_rest(void **state)
{
	struct points p;
	struct err err;

	(void)state;
	kernel_6_1();
	assert_int_equal(points_find(&p, root, true, &err), 0);
	assert_true(p.read);
	assert_int_equal(p.events, 3);
	assert_true(has_event(&p, "iommu", "map") && has_event(&p, "iommu", "unmap") &&
		    has_event(&p, "intel_iommu", "qi_submit"));
	assert_non_null(probe(&p, "map_page"));
	assert_true(probe(&p, "map_page_ret")->returns);
	assert_non_null(probe(&p, "iova_slow"));
	assert_null(probe(&p, "alloc")); /* not in this kernel */
	assert_string_equal(p.no_probes, "");
}

static void tracepoints_of_the_dma_api_make_its_probes_needless_by_either_name(void **state)
{
	static const char *const names[][2] = {{"dma_map_page", "dma_unmap_page"},
					       {"dma_map_phys", "dma_unmap_phys"}};

	for (size_t i = 0; i < 2; i++) {
		struct points p;
		char path[64];
		struct err err;

		kernel_6_1();
		for (size_t k = 0; k < 2; k++) {
			snprintf(path, sizeof(path), "events/dma/%s", names[i][k]);
			folder(path);
		}
		assert_int_equal(points_find(&p, root, true, &err), 0);
		assert_true(has_event(&p, "dma", names[i][0]) && has_event(&p, "dma", names[i][1]));
		assert_int_equal(p.events, 5);
		assert_null(probe(&p, "map_page"));
		assert_non_null(probe(&p, "iova_slow")); /* no tracepoint says that */
		assert_int_equal(drop_root(state), 0);
		assert_int_equal(make_root(state), 0);
	}
}

/* Else a recording would have events that no reader of ours knows. */
static void every_event_and_probe_has_a_reader(void **state)
{
	struct points p;
	struct err err;

	(void)state;
	kernel_6_1();
	assert_int_equal(points_find(&p, root, true, &err), 0);
	for (unsigned i = 0; i < p.events; i++)
		assert_non_null(fields_find(p.event[i]->event, strlen(p.event[i]->event)));
	for (unsigned i = 0; i < p.probes; i++)
		assert_non_null(fields_find(p.probe[i]->event, strlen(p.probe[i]->event)));
}

static void what_is_missing_is_named_with_what_to_do(void **state)
{
	struct points p;
	char path[128];
	struct err err;

	(void)state;
	assert_int_equal(points_find(&p, "/nonexistent/tracing", true, &err), -ENOENT);
	assert_non_null(strstr(err.text, "mount -t tracefs"));
	assert_int_equal(points_find(&p, root, true, &err), -ENOENT); /* an empty mount point */
	assert_non_null(strstr(err.text, "mount -t tracefs"));
	folder("events/sched");
	assert_int_equal(points_find(&p, root, true, &err), -ENOENT);
	assert_non_null(strstr(err.text, "CONFIG_KPROBE_EVENTS"));
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(points_find(&p, path, true, &err), -ENOENT);
}

/* As somebody who is not root, in a process of its own: its answer, 0 if the words are right. */
static int ask_as_nobody(void)
{
	const pid_t child = fork();
	int status = -1;

	if (!child) {
		struct points p;
		struct err err = {""};
		int rc;

		if (!geteuid() && (setgid(65534) || setuid(65534)))
			_exit(2);
		rc = points_find(&p, root, true, &err);
		_exit(rc != -EACCES || !strstr(err.text, "root") ||
		      !strstr(err.text, "may not be read"));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void who_may_not_look_into_it_is_told_so(void **state)
{
	char path[128];

	(void)state;
	kernel_6_1();
	snprintf(path, sizeof(path), "%s/events", root);
	assert_int_equal(chmod(root, 0755), 0);
	assert_int_equal(chmod(path, 0), 0); /* tracefs has 0700 */
	assert_int_equal(ask_as_nobody(), 0);
	assert_int_equal(chmod(root, 0), 0); /* as debugfs above it may */
	assert_int_equal(ask_as_nobody(), 0);
	assert_int_equal(chmod(root, 0700), 0);
	assert_int_equal(chmod(path, 0700), 0);
}

static void probes_are_left_out_where_they_are_not_wanted_or_not_there(void **state)
{
	struct points p;
	char path[128];
	struct err err;

	(void)state;
	kernel_6_1();
	assert_int_equal(points_find(&p, root, false, &err), 0);
	assert_int_equal(p.probes, 0);
	snprintf(path, sizeof(path), "%s/kprobe_events", root);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(points_find(&p, root, true, &err), 0);
	assert_int_equal(p.probes, 0);
	assert_non_null(strstr(p.no_probes, "CONFIG_KPROBE_EVENTS"));
}

static char *commands(const struct points *p, const struct points_order *order)
{
	char *text = calloc(1, 65536);
	FILE *to = tmpfile();

	assert_true(text && to);
	points_commands(to, p, order);
	rewind(to);
	assert_in_range(fread(text, 1, 65535, to), 1, 65534);
	fclose(to);
	return text;
}

static void commands_name_what_was_found_and_quote_what_a_shell_would_take_apart(void **state)
{
	static const char *const command[] = {"fio", "my job.fio", "it's", NULL};
	const struct points_order order = {.seconds = 7, .buffer_kib = 512, .command = command};
	struct points p;
	struct err err;
	char *text;

	(void)state;
	kernel_6_1();
	assert_int_equal(points_find(&p, root, true, &err), 0);
	text = commands(&p, &order);
	assert_non_null(strstr(text,
			       "trace-cmd record -C mono -b 512 -o trace.dat -e iommu:map "
			       "-e iommu:unmap -e intel_iommu:qi_submit -e iotoll:map_page "));
	assert_non_null(strstr(text, "perf record -a "));
	assert_non_null(strstr(text, "timeout 7 fio 'my job.fio' 'it'\\''s'\n"));
	assert_non_null(strstr(text, "\np:iotoll/map_page iommu_dma_map_page dev=+0(+0("));
	assert_non_null(strstr(text, "\nr10:iotoll/map_page_ret iommu_dma_map_page iova=$retval"));
	assert_non_null(strstr(text, "echo '-:iotoll/map_page' >> "));
	assert_non_null(strstr(text, "tracepoint:iommu:unmap {"));
	assert_null(strstr(text, "default set"));
	free(text);
}

static void a_kernel_that_could_not_be_asked_gets_the_default_set_and_says_so(void **state)
{
	const struct points_order order = {.buffer_kib = 512};
	struct points p;
	char *text;

	(void)state;
	points_default(&p, "it is locked");
	text = commands(&p, &order);
	assert_non_null(strstr(text, "default set 'iommu'"));
	assert_non_null(strstr(text, "it is locked"));
	assert_non_null(strstr(text, "-e iommu:map -e iommu:unmap -e iommu:io_page_fault sleep"));
	free(text);
}

/* What bpftrace's programs print, filled in by hand with their own format, is ftrace's text. */
static void the_words_of_the_bpftrace_programs_are_read_back(void **state)
{
	const struct points_order order = {.buffer_kib = 512};
	static const char head[] = "tracepoint:iommu:map { printf(\"";
	char format[200], line[300], *text, *at, *end;
	struct trace_event ev;
	struct points p;
	struct trace *t;
	struct err err;

	(void)state;
	points_default(&p, "");
	text = commands(&p, &order);
	at = strstr(text, head);
	assert_non_null(at);
	at += strlen(head);
	end = strstr(at, "\\n\"");
	assert_non_null(end);
	snprintf(format, sizeof(format), "%.*s", (int)(end - at), at);
	assert_string_equal(format, "%s-%d [%03d] %llu.%06llu: map: IOMMU: iova=0x%llx - 0x%llx "
				    "paddr=0x%llx size=%llu");
	snprintf(line, sizeof(line),
		 "%s-%d [%03d] %llu.%06llu: map: IOMMU: iova=0x%llx - 0x%llx paddr=0x%llx "
		 "size=%llu\n",
		 "fio", 12, 1, 5ULL, 77ULL, 0xfff00000ULL, 0xfff01000ULL, 0x2000ULL, 4096ULL);
	assert_int_equal(trace_open_memory(&t, line, strlen(line), "line", NULL, &err), 0);
	assert_int_equal(trace_next(t, &ev, &err), 1);
	assert_int_equal(ev.kind, TRACE_MAP);
	assert_int_equal(ev.paddr, 0x2000);
	assert_int_equal(ev.time_ns, 5000077000);
	trace_close(t);
	free(text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_root, drop_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_old_kernel_has_tracepoints_of_the_iommu_layer_and_functions_for_the_rest),
		TEST(tracepoints_of_the_dma_api_make_its_probes_needless_by_either_name),
		TEST(every_event_and_probe_has_a_reader),
		TEST(what_is_missing_is_named_with_what_to_do),
		TEST(who_may_not_look_into_it_is_told_so),
		TEST(probes_are_left_out_where_they_are_not_wanted_or_not_there),
		TEST(commands_name_what_was_found_and_quote_what_a_shell_would_take_apart),
		TEST(a_kernel_that_could_not_be_asked_gets_the_default_set_and_says_so),
		TEST(the_words_of_the_bpftrace_programs_are_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
