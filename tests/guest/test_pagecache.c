/* SPDX-License-Identifier: MIT */
/* The page cache alone: read-ahead, write-back, limits, reclaim, and failing disks. */
#include "lab.h"
#include "ram_blockdev.h"

#include <errno.h>

#include "guest/pagecache.h"

#define BLOCKS 4096u

/* A file of BLOCKS pages in one piece, but for a hole of pages 100 to 109. */
struct bench {
	struct sim *sim;
	struct machine *machine;
	struct ram_blockdev ram;
	struct pagecache *pc;
	struct mapping m;
	struct readahead ra;
	struct cpu *cpu;
	void (*fn)(struct bench *b);
	bool done;
};

static uint64_t block(struct mapping *m, uint64_t index, uint64_t *run)
{
	(void)m;
	*run = 1;
	return index >= 100 && index < 110 ? 0 : index + 1;
}

static const struct mapping_ops mapping = {.block = block};

static void main_task(void *ctx)
{
	struct bench *b = ctx;

	b->fn(b);
	b->done = true;
}

static void run(void (*fn)(struct bench *b), uint64_t pages, unsigned readahead)
{
	struct bench *b = calloc(1, sizeof(*b));
	const struct profile profile = lab_profile(2);
	struct pagecache_config config = {.pages = pages,
					  .background_percent = 5,
					  .limit_percent = 10,
					  .readahead_pages = readahead,
					  .cpu = 1};
	struct err err;

	b->sim = sim_create();
	b->fn = fn;
	assert_int_equal(machine_create(&b->machine, b->sim, &profile, &err), 0);
	b->cpu = machine_cpu(b->machine, 0);
	ram_blockdev_init(&b->ram, b->machine, (BLOCKS + 1) * 8, 200 * SIM_US);
	for (uint64_t i = 0; i <= BLOCKS; i++)
		memcpy(b->ram.data + i * 4096, &i, sizeof(i));
	config.machine = b->machine;
	config.dev = &b->ram.dev;
	assert_int_equal(pagecache_create(&b->pc, &config, &err), 0);
	mapping_init(&b->m, b->pc, &mapping);
	assert_non_null(task_create(b->cpu, "test", main_task, b));
	for (int i = 0; i < 100000 && !b->done; i++)
		assert_int_equal(sim_run(b->sim, sim_now(b->sim) + SIM_MS), 0);
	assert_true(b->done);
	assert_true(pagecache_check(b->pc));
	pagecache_destroy(b->pc);
	ram_blockdev_fini(&b->ram);
	machine_destroy(b->machine);
	sim_destroy(b->sim);
	free(b);
}

static void read_one(struct bench *b, uint64_t index)
{
	struct page *p;
	uint64_t found;

	assert_int_equal(pagecache_read(&b->m, index, 1, BLOCKS, &b->ra, b->cpu, &p), 0);
	memcpy(&found, p->data, sizeof(found));
	assert_int_equal(found, index >= 100 && index < 110 ? 0 : index + 1);
	page_put(p, b->cpu);
}

static int write_one(struct bench *b, uint64_t index, uint64_t value)
{
	struct page *p;

	assert_int_equal(page_get(&b->m, index, b->cpu, &p), 0);
	memset(p->data, 0, PAGE_BYTES);
	memcpy(p->data, &value, sizeof(value));
	page_dirty(p, b->cpu);
	page_unlock(p, b->cpu);
	page_put(p, b->cpu);
	return pagecache_balance(&b->m, b->cpu);
}

static uint64_t on_disk(const struct bench *b, uint64_t index)
{
	uint64_t value;

	memcpy(&value, b->ram.data + (index + 1) * 4096, sizeof(value));
	return value;
}

static void stream(struct bench *b)
{
	struct pagecache_stats s;

	for (uint64_t i = 0; i < 1000; i++)
		read_one(b, i);
	pagecache_stats(b->pc, &s);
	/* all but the first windows are 32 pages, and each was there when it was needed */
	assert_true(s.reads < 1000 / 32 + 12);
	assert_true(s.misses <= 3);
	assert_true(s.ahead_pages > 900);
	assert_true(s.read_pages <= 1000 + 64);
}

static void a_stream_is_read_ahead_in_large_pieces(void **state)
{
	(void)state;
	run(stream, 2000, 32);
}

static void jump(struct bench *b)
{
	struct pagecache_stats s;

	for (uint64_t i = 0; i < 200; i++)
		read_one(b, 3 + i * 1237 % BLOCKS);
	pagecache_stats(b->pc, &s);
	assert_int_equal(s.ahead_pages, 0);
	assert_int_equal(s.read_pages, s.reads);
}

static void jumps_read_what_was_asked_for(void **state)
{
	(void)state;
	run(jump, 2000, 32);
}

static void reclaim(struct bench *b)
{
	struct pagecache_stats s;

	for (uint64_t i = 0; i < 1000; i++)
		read_one(b, i);
	pagecache_stats(b->pc, &s);
	assert_int_equal(s.pages, 256);
	assert_int_equal(s.reclaimed, s.read_pages + 10 - 256);
	read_one(b, 999); /* the newest is still there, the oldest is not */
	assert_non_null(memory_ptr(b->machine->mem, 4096, 1));
	pagecache_stats(b->pc, &s);
	assert_int_equal(s.hits + s.misses, 1001);
}

static void the_oldest_pages_make_room(void **state)
{
	(void)state;
	run(reclaim, 256, 0);
}

static void write_back(struct bench *b)
{
	struct pagecache_stats s;

	for (uint64_t i = 0; i < 64; i++)
		assert_int_equal(write_one(b, 200 + (i * 37) % 64, 1000 + i), 0);
	assert_int_equal(on_disk(b, 200), 201);
	assert_int_equal(pagecache_write_back(&b->m, b->cpu), 0);
	for (uint64_t i = 0; i < 64; i++)
		assert_int_equal(on_disk(b, 200 + (i * 37) % 64), 1000 + i);
	pagecache_stats(b->pc, &s);
	assert_int_equal(s.writes,
			 2); /* neighbours together, in whatever order they were dirtied */
	assert_int_equal(s.dirty, 0);
}

static void neighbours_are_written_together(void **state)
{
	(void)state;
	run(write_back, 4000, 32);
}

static void limit(struct bench *b)
{
	struct pagecache_stats s;
	uint64_t most = 0;

	for (uint64_t i = 0; i < 800; i++) {
		assert_int_equal(write_one(b, 200 + i, i), 0);
		pagecache_stats(b->pc, &s);
		most = s.dirty > most ? s.dirty : most;
	}
	assert_true(most <= 101);
	assert_true(s.throttled > 0);
	assert_int_equal(pagecache_write_back(&b->m, b->cpu), 0);
	for (uint64_t i = 0; i < 800; i++)
		assert_int_equal(on_disk(b, 200 + i), i);
}

static void who_dirties_too_much_waits(void **state)
{
	(void)state;
	run(limit, 1000, 32);
}

static void old(struct bench *b)
{
	assert_int_equal(write_one(b, 7, 4711), 0);
	task_sleep(task_current(b->cpu), 20 * SIM_S);
	assert_int_equal(on_disk(b, 7), 8);
	task_sleep(task_current(b->cpu), 16 * SIM_S);
	assert_int_equal(on_disk(b, 7), 4711);
}

static void what_is_dirty_for_half_a_minute_is_written(void **state)
{
	(void)state;
	run(old, 1000, 32);
}

static void failing_write(struct bench *b)
{
	assert_int_equal(write_one(b, 7, 4711), 0);
	b->ram.fail_in = 1;
	assert_int_equal(pagecache_write_back(&b->m, b->cpu), -EIO);
	assert_int_equal(on_disk(b, 7), 8);
	/* still there, still dirty, and written when the disk can */
	assert_int_equal(pagecache_write_back(&b->m, b->cpu), 0);
	assert_int_equal(on_disk(b, 7), 4711);
}

static void a_failed_write_is_told_once_and_nothing_is_lost(void **state)
{
	(void)state;
	run(failing_write, 1000, 32);
}

static void failing_read(struct bench *b)
{
	struct page *p;

	b->ram.fail_in = 1;
	assert_int_equal(pagecache_read(&b->m, 50, 1, BLOCKS, &b->ra, b->cpu, &p), -EIO);
	read_one(b, 50); /* the next attempt is a new one */
}

static void a_failed_read_is_told_and_tried_again(void **state)
{
	(void)state;
	run(failing_read, 1000, 0);
}

static void while_under_way(struct bench *b)
{
	assert_int_equal(write_one(b, 7, 1), 0);
	b->ram.hold = true;
	pagecache_begin_write_back(&b->m, b->cpu);
	assert_int_equal(write_one(b, 7, 2), 0); /* while 1 is on its way */
	ram_blockdev_release(&b->ram);
	assert_int_equal(pagecache_write_back(&b->m, b->cpu), 0);
	assert_int_equal(on_disk(b, 7), 2);
	assert_int_equal(b->ram.writes, 2);
}

static void a_page_stored_to_while_it_is_written_is_written_again(void **state)
{
	(void)state;
	run(while_under_way, 1000, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_is_read_ahead_in_large_pieces),
		cmocka_unit_test(jumps_read_what_was_asked_for),
		cmocka_unit_test(the_oldest_pages_make_room),
		cmocka_unit_test(neighbours_are_written_together),
		cmocka_unit_test(who_dirties_too_much_waits),
		cmocka_unit_test(what_is_dirty_for_half_a_minute_is_written),
		cmocka_unit_test(a_failed_write_is_told_once_and_nothing_is_lost),
		cmocka_unit_test(a_failed_read_is_told_and_tried_again),
		cmocka_unit_test(a_page_stored_to_while_it_is_written_is_written_again),
	};

	return cmocka_run_group_tests_name("guest/pagecache", tests, NULL, NULL);
}
