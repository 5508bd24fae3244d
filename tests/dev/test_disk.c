/* SPDX-License-Identifier: MIT */
/*
 * The disk by itself: commands and sense, and that time is what heads, platters, cache and queue
 * make of it. The rig's drives: 4 ms a revolution, 10 ns a byte, so 781 sectors or 399872 bytes on
 * a track; two of them, 64 KiB of the volume on each in turn; a cache of 64 blocks of 4 KiB.
 */
#include "rig.h"

#include "base/rng.h"
#include "dev/disk.h"
#include "dev/disk_cache.h"
#include "dev/disk_drive.h"

#define VOLUME  (64u << 20)
#define COMMAND (120 * SIM_US) /* controller and latency */
#define ROUND   (4 * SIM_MS)
#define N       40u

struct bench {
	struct rig rig;
	struct disk *disk;
	struct disk_io io[N];
	uint8_t data[N][65536];
	sim_time ready[N], over[N];
	unsigned ended, order[N];
	bool hold; /* move no data by itself */
};

static void on_ready(void *ctx, struct disk_io *io)
{
	struct bench *b = ctx;
	const size_t i = (size_t)(io - b->io);

	b->ready[i] = sim_now(b->rig.sim);
	if (b->hold)
		return;
	if (io->direction == DISK_IN)
		disk_get(b->disk, io, 0, b->data[i], io->bytes);
	else
		disk_put(b->disk, io, 0, b->data[i], io->bytes);
	disk_moved(b->disk, io);
}

static void on_over(void *ctx, struct disk_io *io)
{
	struct bench *b = ctx;

	b->over[io - b->io] = sim_now(b->rig.sim);
	b->order[b->ended++ % N] = (unsigned)(io - b->io);
}

static struct bench *bench_make(struct disk_config config)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct err err = {{0}};

	rig_make(&b->rig, false);
	config.machine = b->rig.machine;
	config.bytes = config.bytes ? config.bytes : VOLUME;
	if (disk_create(&b->disk, &config, &err))
		fail_msg("%s", err.text);
	for (unsigned i = 0; i < N; i++) {
		b->io[i].ready = on_ready;
		b->io[i].over = on_over;
		b->io[i].ctx = b;
	}
	return b;
}

static void bench_free(struct bench *b)
{
	for (unsigned i = 0; i < N; i++)
		disk_abort(b->disk, &b->io[i]);
	disk_destroy(b->disk);
	rig_free(&b->rig);
	free(b);
}

static int setup(void **state)
{
	*state = bench_make((struct disk_config){.no_read_ahead = true});
	return 0;
}

static int teardown(void **state)
{
	bench_free(*state);
	return 0;
}

static void start(struct bench *b, unsigned i, uint8_t op, uint32_t lba, uint16_t sectors)
{
	uint8_t *cdb = b->io[i].cdb;

	memset(cdb, 0, DISK_CDB_BYTES);
	cdb[0] = op;
	scsi_put32(cdb + 2, lba);
	scsi_put16(cdb + 7, sectors);
	disk_submit(b->disk, &b->io[i]);
}

static void run(struct bench *b, uint64_t ps)
{
	assert_int_equal(sim_run(b->rig.sim, sim_now(b->rig.sim) + ps), 0);
}

/* One command from now to its end. */
static sim_time alone(struct bench *b, uint8_t op, uint32_t lba, uint16_t sectors)
{
	const sim_time begun = sim_now(b->rig.sim);

	start(b, 0, op, lba, sectors);
	run(b, 100 * SIM_MS);
	assert_null(b->io[0].disk);
	return b->over[0] - begun;
}

static void sense_is(const struct bench *b, uint8_t key, uint16_t asc)
{
	const struct disk_io *io = &b->io[0];

	assert_int_equal(io->status, 2);
	assert_int_equal(io->sense_bytes, 18);
	assert_int_equal(io->sense[0], 0x70);
	assert_int_equal(io->sense[2], key);
	assert_int_equal(io->sense[12] << 8 | io->sense[13], asc);
}

static void what_cannot_be_done_is_refused_with_its_sense(void **state)
{
	struct bench *b = *state;
	uint8_t *cdb = b->io[0].cdb;

	alone(b, 0x28, VOLUME / 512, 1);
	sense_is(b, 5, 0x2100);
	alone(b, 0x2a, VOLUME / 512 - 1, 2);
	sense_is(b, 5, 0x2100);
	alone(b, 0x08, 0, 1); /* READ (6) */
	sense_is(b, 5, 0x2000);
	b->io[0].lun = 1;
	alone(b, 0x00, 0, 0);
	sense_is(b, 5, 0x2500);
	b->io[0].lun = 0;
	memset(cdb, 0, 16);
	cdb[0] = 0x88;
	memset(cdb + 2, 0xff, 12); /* READ (16) of everything from the last address there is */
	disk_submit(b->disk, &b->io[0]);
	run(b, SIM_MS);
	sense_is(b, 5, 0x2100);
	disk_damage(b->disk, 1000);
	alone(b, 0x28, 1000, 1);
	sense_is(b, 3, 0x1100);
	alone(b, 0x28, 1001, 1);
	assert_int_equal(b->io[0].status, 0);
	alone(b, 0x28, VOLUME / 512, 0); /* nothing, at the end: allowed */
	assert_int_equal(b->io[0].status, 0);
}

static void it_says_what_it_is(void **state)
{
	static const uint8_t capacity[8] = {0, 1, 0xff, 0xff, 0, 0, 2, 0};
	struct bench *b = *state;

	alone(b, 0x25, 0, 0);
	assert_int_equal(b->io[0].bytes, 8);
	assert_memory_equal(b->data[0], capacity, 8);
	memset(b->io[0].cdb, 0, 16);
	b->io[0].cdb[0] = 0x9e;
	b->io[0].cdb[1] = 0x10;
	b->io[0].cdb[13] = 12;
	disk_submit(b->disk, &b->io[0]);
	run(b, SIM_MS);
	assert_int_equal(b->io[0].bytes, 12);
	assert_memory_equal(b->data[0] + 4, capacity, 8);
	memset(b->io[0].cdb, 0, 16);
	b->io[0].cdb[0] = 0x12;
	b->io[0].cdb[4] = 36;
	disk_submit(b->disk, &b->io[0]);
	run(b, SIM_MS);
	assert_int_equal(b->io[0].bytes, 36);
	assert_int_equal(b->data[0][0], 0); /* a disk */
	assert_memory_equal(b->data[0] + 8, "iotoll  ", 8);
}

/*
 * The first sector of drive 0 passes the head at every multiple of 4 ms. A read that reaches the
 * drive at 0.12 ms waits for it until 4 ms and takes 4096 * 10 ns; the next 4 KiB lie right behind,
 * so that a read of them at once waits a whole round but for what its command took.
 */
static void a_read_takes_command_rotation_and_transfer(void **state)
{
	struct bench *b = *state;
	const uint64_t transfer = 4096 * 10 * SIM_NS;
	sim_time now;

	assert_true(alone(b, 0x28, 0, 8) == ROUND + transfer);
	now = sim_now(b->rig.sim) + COMMAND;
	assert_true(alone(b, 0x28, 8, 8) ==
		    COMMAND + (transfer + ROUND - now % ROUND) % ROUND + transfer);
	/* Drive 1 is half a revolution ahead or behind. */
	now = sim_now(b->rig.sim) + COMMAND;
	assert_true(alone(b, 0x28, 128, 8) ==
		    COMMAND + (ROUND / 2 + ROUND - now % ROUND) % ROUND + transfer);
}

/* 0.2 ms to the next track, 3.2 ms over a third of all, and never less for more. */
static void seeks_grow_with_the_root_of_the_distance(void **state)
{
	struct bench *b = *state;
	struct disk_drive d;
	uint64_t last = 0;

	disk_drive_init(&d, b->rig.machine, 0, 1, false);
	assert_int_equal(d.track_bytes, 399872);
	assert_int_equal(d.tracks, ((1u << 30) + 399871) / 399872);
	for (uint64_t t = 0; t < d.tracks; t++) {
		/* Waiting included it is the seek rounded up to where the sector comes by. */
		const uint64_t took = disk_drive_service(&d, 0, 0, t * d.track_bytes, 512);
		const uint64_t angle = (t * (d.track_bytes * 10 * SIM_NS + 200 * SIM_US)) % ROUND;
		const uint64_t seek = took - 512 * 10 * SIM_NS;

		assert_int_equal(seek % ROUND, angle);
		assert_true(seek + ROUND > last);
		last = seek;
	}
	/* From a third away, at an instant that makes the wait short: between 3.2 ms and a round
	 * more. */
	assert_true(disk_drive_service(&d, 0, 0, (d.tracks / 3 + 1) * d.track_bytes, 512) >=
		    3190 * SIM_US);
	assert_true(disk_drive_service(&d, 0, 0, d.track_bytes, 512) < ROUND + 400 * SIM_US);
}

/* A step to the next track costs the step and no more. */
static void streams_run_on_over_the_end_of_a_track(void **state)
{
	struct bench *b = *state;
	struct disk_drive d;
	uint64_t t = 0;

	disk_drive_init(&d, b->rig.machine, 0, 1, false);
	t += disk_drive_service(&d, 0, 0, 0, (uint32_t)d.track_bytes);
	assert_true(t == d.track_bytes * 10 * SIM_NS);
	t += disk_drive_service(&d, t, 0, d.track_bytes, 512);
	assert_true(t == d.track_bytes * 10 * SIM_NS + 200 * SIM_US + 512 * 10 * SIM_NS);
	assert_true(disk_drive_service(&d, 0, 0, 0, (uint32_t)(2 * d.track_bytes)) ==
		    2 * d.track_bytes * 10 * SIM_NS + 200 * SIM_US);
}

static void what_was_read_or_written_is_in_the_cache(void **state)
{
	struct bench *b = *state;
	struct disk_stats s;

	alone(b, 0x28, 64, 8);
	assert_true(alone(b, 0x28, 64, 8) == COMMAND);
	assert_true(alone(b, 0x2a, 5000, 8) == COMMAND);
	assert_true(alone(b, 0x28, 5000, 8) == COMMAND);
	disk_stats(b->disk, &s);
	assert_int_equal(s.read_hits, 2);
	assert_int_equal(s.dirty_bytes, 0); /* written out meanwhile */
	assert_int_equal(s.drive_written_bytes, 4096);
	for (uint32_t lba = 10000; lba < 10000 + 64 * 8; lba += 8) /* 64 other blocks */
		alone(b, 0x28, lba, 8);
	assert_true(alone(b, 0x28, 64, 8) > COMMAND);
}

/* 51 of 64 blocks may be dirty: the rest of forty-one writes of two blocks waits for drives. */
static void writes_wait_when_the_cache_is_full_of_what_is_not_yet_written(void **state)
{
	struct bench *b = *state;
	const sim_time begun = sim_now(b->rig.sim);
	struct disk_stats s;
	unsigned at_once = 0;

	for (unsigned i = 0; i < N; i++)
		start(b, i, 0x2a, i * 2048, 16);
	run(b, 2000 * SIM_MS);
	assert_int_equal(b->ended, N);
	for (unsigned i = 0; i < N; i++)
		at_once += b->over[i] - begun <= N * 20 * SIM_US + 100 * SIM_US;
	disk_stats(b->disk, &s);
	assert_true(s.cache_waits > 0);
	assert_in_range(at_once, 20, 32);
	assert_int_equal(s.dirty_bytes, 0);
	assert_int_equal(s.drive_written_bytes, N * 8192);
}

static void a_write_too_large_for_the_cache_goes_through(void **state)
{
	struct bench *b = *state;
	const sim_time took = alone(b, 0x2a, 0, 128); /* 16 of the 51 blocks: kept */
	struct disk_config none = {.no_read_ahead = true};
	struct bench *c;

	assert_true(took == COMMAND);
	b->rig.machine->profile.disk_cache_bytes = 64 << 10; /* a disk made now has 16 blocks */
	none.machine = b->rig.machine;
	c = b;
	disk_destroy(c->disk);
	none.bytes = VOLUME;
	assert_int_equal(disk_create(&c->disk, &none, NULL), 0);
	assert_true(alone(c, 0x2a, 0, 128) > COMMAND + 65536 * 10 * SIM_NS);
}

/* Most of both drives. */
#define WIDE ((uint64_t)1536 << 20)

static sim_time many(bool fifo)
{
	struct bench *b = bench_make(
		(struct disk_config){.bytes = WIDE, .fifo = fifo, .no_read_ahead = true});
	sim_time last = 0;
	struct rng rng;

	rng_seed(&rng, 7);
	for (unsigned i = 0; i < 32; i++)
		start(b, i, 0x28, (uint32_t)rng_below(&rng, WIDE / 4096) * 8, 8);
	run(b, 1000 * SIM_MS);
	assert_int_equal(b->ended, 32);
	for (unsigned i = 0; i < 32; i++)
		last = b->over[i] > last ? b->over[i] : last;
	bench_free(b);
	return last;
}

static void the_elevator_beats_the_order_of_arrival(void **state)
{
	(void)state;
	assert_true(many(false) * 5 < many(true) * 4);
}

static sim_time stream(bool ahead)
{
	struct bench *b = bench_make((struct disk_config){.no_read_ahead = !ahead});
	sim_time begun;

	begun = sim_now(b->rig.sim);
	for (unsigned i = 0; i < 64; i++) {
		start(b, 0, 0x28, i * 32, 32);
		while (b->io[0].disk)
			run(b, SIM_US);
	}
	begun = sim_now(b->rig.sim) - begun;
	bench_free(b);
	return begun;
}

static void reading_ahead_makes_streams_run(void **state)
{
	(void)state;
	assert_true(stream(true) * 3 < stream(false));
}

static void more_commands_than_it_takes_are_told_so(void **state)
{
	struct bench *b = bench_make((struct disk_config){.commands = 4});

	(void)state;
	b->hold = true;
	for (unsigned i = 0; i < 6; i++)
		start(b, i, 0x28, i * 8, 8);
	run(b, 100 * SIM_MS);
	assert_int_equal(b->ended, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_in_range(b->order[i], 4, 5);
		assert_int_equal(b->io[4 + i].status, 0x28);
	}
	bench_free(b);
}

/* Random commands, some aborted at random times: nothing hangs, nothing is kept. */
static void aborted_commands_leave_nothing_behind(void **state)
{
	struct bench *b = bench_make((struct disk_config){0});
	struct disk_stats s;
	struct rng rng;

	(void)state;
	print_message("seed 11\n");
	rng_seed(&rng, 11);
	for (unsigned step = 0; step < 4000; step++) {
		const unsigned i = (unsigned)rng_below(&rng, N);

		if (b->io[i].disk && !rng_below(&rng, 3))
			disk_abort(b->disk, &b->io[i]);
		else if (!b->io[i].disk)
			start(b, i, rng_below(&rng, 2) ? 0x28 : 0x2a,
			      (uint32_t)rng_below(&rng, 20000), (uint16_t)rng_below(&rng, 128));
		run(b, rng_below(&rng, 400) * SIM_US);
	}
	run(b, 2000 * SIM_MS);
	disk_stats(b->disk, &s);
	assert_int_equal(s.queue_depth, 0);
	assert_int_equal(s.dirty_bytes, 0);
	bench_free(b);
}

static void the_cache_keeps_its_invariants(void **state)
{
	struct disk_cache c;
	struct rng rng;
	uint32_t cleaned = 0;

	(void)state;
	rng_seed(&rng, 5);
	assert_int_equal(disk_cache_init(&c, 40 * 4096), 0);
	for (unsigned step = 0; step < 20000; step++) {
		const uint64_t block = rng_below(&rng, 120);
		const unsigned what = (unsigned)rng_below(&rng, 10);

		if (what < 3)
			(void)disk_cache_use(&c, block);
		else if (what < 6)
			assert_true(disk_cache_add(&c, block, false) || c.dirty == 40);
		else if (what < 8)
			(void)disk_cache_add(&c, block, true);
		else if (disk_cache_is_dirty(&c, block) && ++cleaned)
			disk_cache_clean(&c, block);
		assert_true(disk_cache_check(&c));
	}
	assert_true(cleaned > 100);
	disk_cache_fini(&c);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_cannot_be_done_is_refused_with_its_sense),
		T(it_says_what_it_is),
		T(a_read_takes_command_rotation_and_transfer),
		T(seeks_grow_with_the_root_of_the_distance),
		T(streams_run_on_over_the_end_of_a_track),
		T(what_was_read_or_written_is_in_the_cache),
		T(writes_wait_when_the_cache_is_full_of_what_is_not_yet_written),
		T(a_write_too_large_for_the_cache_goes_through),
		cmocka_unit_test(the_elevator_beats_the_order_of_arrival),
		cmocka_unit_test(reading_ahead_makes_streams_run),
		cmocka_unit_test(more_commands_than_it_takes_are_told_so),
		cmocka_unit_test(aborted_commands_leave_nothing_behind),
		cmocka_unit_test(the_cache_keeps_its_invariants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
