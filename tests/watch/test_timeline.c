/* SPDX-License-Identifier: MIT */
/* Timelines: the text, what CPUs and locks leave on it, mappings, and where it begins and ends. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "../sim/harness.h"
#include "sim/lock.h"
#include "sim/task.h"
#include "timeline_read.h"
#include "watch/timeline.h"
#include "watch/timeline_json.h"

struct scene {
	char path[64];
	FILE *to;
	struct sim *sim;
	struct machine *machine;
	struct timeline *t;
	struct vlock lock;
};

static void begin(struct scene *s, sim_time from, uint64_t most)
{
	struct timeline_config config = {.from = from, .most = most};
	int fd;

	*s = (struct scene){.path = "/tmp/iotoll-timeline-XXXXXX"};
	fd = mkstemp(s->path);
	assert_true(fd >= 0);
	s->to = fdopen(fd, "w");
	assert_non_null(s->to);
	config.to = s->to;
	s->sim = sim_create();
	s->machine = harness_machine(s->sim, 2);
	vlock_init(&s->lock, s->machine, 0x4000);
	assert_int_equal(timeline_create(&s->t, &config), 0);
	timeline_clock(s->t, s->machine);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(timeline_cpu(s->t, machine_cpu(s->machine, i), "box"), 0);
}

/* Ends the timeline; what was written. */
static json_t *finish(struct scene *s, bool *cut)
{
	json_t *events;

	timeline_clock(s->t, NULL);
	assert_int_equal(timeline_finish(s->t, cut), 0);
	timeline_destroy(s->t);
	machine_destroy(s->machine);
	sim_destroy(s->sim);
	fclose(s->to);
	events = tl_read(s->path, true);
	unlink(s->path);
	return events;
}

/* The first event called so; NULL: none. */
static json_t *find(const json_t *events, char ph, const char *name)
{
	json_t *e;
	size_t i;

	json_array_foreach(events, i, e) if (*tl_string(e, "ph") == ph &&
					     !strcmp(tl_string(e, "name"), name)) return e;
	return NULL;
}

static void text_is_escaped_and_times_are_exact(void **state)
{
	static const char odd[] = "a\"b\\c\n\x01\xff\xc3\xa9";
	const struct tl_event e = {
		.phase = TL_SLICE,
		.name = "slice",
		.ps = UINT64_C(1234567000001),
		.dur_ps = 999999,
		.pid = 3,
		.arg = {{.key = "text", .form = TL_TEXT, .text = odd, .bytes = sizeof(odd) - 1},
			{.key = "high", .form = TL_HEX, .number = UINT64_MAX}}};
	const struct tl_arg none[TL_ARGS] = {{0}};
	char *text = NULL;
	size_t bytes = 0;
	FILE *to = open_memstream(&text, &bytes);
	struct tl_out o;
	json_t *document, *slice;

	(void)state;
	tl_open(&o, to);
	tl_put(&o, &e);
	assert_int_equal(tl_close(&o, none), 0);
	fclose(to);
	assert_non_null(strstr(text, "\"ts\":1234567.000001,\"dur\":0.999999"));
	document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(document);
	slice = json_array_get(json_object_get(document, "traceEvents"), 1);
	assert_string_equal(tl_string(json_object_get(slice, "args"), "text"),
			    "a\"b\\c\n\x01?\xc3\xa9");
	assert_string_equal(tl_string(json_object_get(slice, "args"), "high"),
			    "0xffffffffffffffff");
	json_decref(document);
	free(text);
}

/* 3 us of the stack in two charges, 1 us of map within them. */
static void works(void *ctx)
{
	struct scene *s = ctx;
	struct cpu *cpu = machine_cpu(s->machine, 0);
	const enum charge before = cpu_enter(cpu, CHARGE_STACK);
	enum charge outer;

	cpu_charge(cpu, 1000000);
	cpu_charge(cpu, 1000000);
	outer = cpu_enter(cpu, CHARGE_MAP);
	cpu_charge(cpu, 1000000);
	cpu_leave(cpu, outer);
	cpu_charge(cpu, 1000000);
	cpu_leave(cpu, before);
}

static void charges_of_one_category_are_one_slice(void **state)
{
	struct scene s;
	json_t *events, *first;

	(void)state;
	begin(&s, 0, 1000);
	assert_non_null(task_create(machine_cpu(s.machine, 0), "works", works, &s));
	assert_int_equal(sim_run(s.sim, SIM_MS), 0);
	events = finish(&s, NULL);
	assert_int_equal(tl_count(events, 'X', "tcp_stack", 0), 2);
	assert_int_equal(tl_count(events, 'X', "map", 0), 1);
	first = find(events, 'X', "tcp_stack");
	assert_int_equal(tl_ps(first, "dur"), 2000000);
	assert_int_equal(tl_ps(find(events, 'X', "map"), "ts"), tl_ps(first, "ts") + 2000000);
	json_decref(events);
}

/* Each CPU holds the lock for 5 us. */
static void holds(void *ctx)
{
	struct scene *s = ctx;
	struct cpu *cpu = cpu_current(s->machine);

	vlock_acquire(&s->lock, cpu);
	cpu_charge(cpu, 5000000);
	vlock_release(&s->lock, cpu);
}

static void a_lock_is_held_by_one_while_the_other_waits(void **state)
{
	struct scene s;
	json_t *events, *wait;
	uint64_t wait_ps;

	(void)state;
	begin(&s, 0, 1000);
	for (unsigned i = 0; i < 2; i++)
		assert_non_null(task_create(machine_cpu(s.machine, i), "holds", holds, &s));
	assert_int_equal(sim_run(s.sim, SIM_MS), 0);
	wait_ps = s.lock.wait_ps;
	assert_true(wait_ps >= 5000000);
	events = finish(&s, NULL);
	assert_int_equal(tl_count(events, 'X', "held", 0), 2);
	assert_int_equal(tl_count(events, 'X', "waits", 0), 1);
	wait = find(events, 'X', "waits");
	assert_int_equal(tl_ps(wait, "dur"), wait_ps);
	assert_string_equal(tl_string(json_object_get(wait, "args"), "lock"), "0x4000");
	/* the same time, as the CPU's account has it */
	assert_int_equal(tl_ps(find(events, 'X', "lock_wait"), "dur"), wait_ps);
	json_decref(events);
}

static void tell_map(const struct iotoll_dma_observer *o, uint64_t iova, size_t bytes)
{
	o->mapped(o->ctx, IOTOLL_IOVA(iova), 1, IOTOLL_PHYS(0x9000), bytes, IOTOLL_DMA_FROM_DEVICE);
}

static void pieces_of_a_request_end_with_it_and_the_rest_with_the_timeline(void **state)
{
	const struct iotoll_dma_observer *o;
	struct scene s;
	json_t *events, *e;
	unsigned left = 0;
	size_t i;

	(void)state;
	begin(&s, 0, 1000);
	o = timeline_maps(s.t);
	tell_map(o, 0x1800, 0x1800); /* over two pages, and the next piece follows */
	tell_map(o, 0x3000, 0x800);
	tell_map(o, 0x5000, 64);
	tell_map(o, 0x5000, 64);                                 /* twice at one address */
	o->unmapped(o->ctx, IOTOLL_IOVA(0x1800), 3, 0x2000);     /* both pieces */
	o->unmapped(o->ctx, IOTOLL_IOVA(0x5000), 1, 64);         /* one of the two */
	o->unmapped(o->ctx, IOTOLL_IOVA(0x777000), 4, 4 * 4096); /* nobody's */
	events = finish(&s, NULL);
	assert_int_equal(tl_count(events, 'b', "map", 0), 4);
	assert_int_equal(tl_count(events, 'e', "map", 0), 4);
	json_array_foreach(events, i, e) left +=
		*tl_string(e, "ph") == 'e' && json_object_size(json_object_get(e, "args")) != 0;
	assert_int_equal(left, 1);
	json_decref(events);
}

static void the_beginning_can_be_left_out(void **state)
{
	const struct iotoll_dma_observer *o;
	struct scene s;
	json_t *events;

	(void)state;
	begin(&s, SIM_MS, 1000);
	o = timeline_maps(s.t);
	tell_map(o, 0x1000, 64); /* over before */
	o->unmapped(o->ctx, IOTOLL_IOVA(0x1000), 1, 64);
	tell_map(o, 0x2000, 64); /* reaches into it */
	assert_non_null(task_create(machine_cpu(s.machine, 0), "works", works, &s));
	assert_int_equal(sim_run(s.sim, 2 * SIM_MS), 0);
	o->unmapped(o->ctx, IOTOLL_IOVA(0x2000), 1, 64);
	events = finish(&s, NULL);
	assert_int_equal(tl_count(events, 'X', "tcp_stack", 0), 0);
	assert_int_equal(tl_count(events, 'b', "map", 0), 1);
	assert_int_equal(tl_ps(find(events, 'b', "map"), "ts"), SIM_MS);
	assert_int_equal(tl_ps(find(events, 'e', "map"), "ts"), 2 * SIM_MS);
	json_decref(events);
}

static void a_full_timeline_says_so_and_still_ends_what_began(void **state)
{
	const struct iotoll_dma_observer *o;
	struct scene s;
	json_t *events;
	bool cut = false;

	(void)state;
	begin(&s, 0, 3);
	o = timeline_maps(s.t);
	for (uint64_t i = 1; i <= 10; i++)
		tell_map(o, i << 12, 64);
	for (uint64_t i = 1; i <= 10; i++)
		o->unmapped(o->ctx, IOTOLL_IOVA(i << 12), 1, 64);
	events = finish(&s, &cut);
	assert_true(cut);
	assert_int_equal(tl_count(events, 'b', "map", 0), 3);
	assert_int_equal(tl_count(events, 'e', "map", 0), 3);
	json_decref(events);
}

static void what_cannot_be_written_is_an_error(void **state)
{
	const struct timeline_config config = {.to = fopen("/dev/full", "w"), .most = 10};
	struct timeline *t;

	(void)state;
	if (!config.to)
		skip();
	assert_int_equal(timeline_create(&t, &config), 0);
	assert_int_equal(timeline_finish(t, NULL), -EIO);
	timeline_destroy(t);
	fclose(config.to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_escaped_and_times_are_exact),
		cmocka_unit_test(charges_of_one_category_are_one_slice),
		cmocka_unit_test(a_lock_is_held_by_one_while_the_other_waits),
		cmocka_unit_test(pieces_of_a_request_end_with_it_and_the_rest_with_the_timeline),
		cmocka_unit_test(the_beginning_can_be_left_out),
		cmocka_unit_test(a_full_timeline_says_so_and_still_ends_what_began),
		cmocka_unit_test(what_cannot_be_written_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
