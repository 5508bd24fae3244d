/* SPDX-License-Identifier: MIT */
/* What every block device promises: bios that make no sense are refused, waiting works. */
#include "lab.h"

#include <errno.h>

#include "ram_blockdev.h"

#define SECTORS 1000u
#define IO_PS   (100 * SIM_US)

struct bench {
	struct sim *sim;
	struct machine *machine;
	struct ram_blockdev ram;
	unsigned done;
	int status;
	struct cpu *done_on;
	sim_time woke;
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	const struct profile profile = lab_profile(1);
	struct err err;

	b->sim = sim_create();
	assert_int_equal(machine_create(&b->machine, b->sim, &profile, &err), 0);
	ram_blockdev_init(&b->ram, b->machine, SECTORS, IO_PS);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	ram_blockdev_fini(&b->ram);
	machine_destroy(b->machine);
	sim_destroy(b->sim);
	free(b);
	return 0;
}

static void on_done(struct bio *bio, struct cpu *cpu, int status)
{
	struct bench *b = bio->ctx;

	b->done++;
	b->status = status;
	b->done_on = cpu;
}

static void bios_that_make_no_sense_are_done_at_once_with_einval(void **state)
{
	struct bench *b = *state;
	struct bio_vec ok = {4096, 512}, empty[2] = {{4096, 512}, {8192, 0}}, odd = {4096, 700};
	struct bio_vec two = {4096, 1024};
	const struct bio bad[] = {
		{.op = BIO_READ, .nvec = 0},
		{.op = BIO_READ, .vec = empty, .nvec = 2},
		{.op = BIO_WRITE, .vec = &odd, .nvec = 1},
		{.op = BIO_FLUSH, .vec = &ok, .nvec = 1},
		{.op = (enum bio_op)7, .vec = &ok, .nvec = 1},
		{.op = BIO_READ, .vec = &ok, .nvec = 1, .sector = SECTORS},
		{.op = BIO_READ, .vec = &two, .nvec = 1, .sector = SECTORS - 1},
		{.op = BIO_READ, .vec = &ok, .nvec = 1, .sector = UINT64_MAX},
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct bio bio = bad[i];

		bio.done = on_done;
		bio.ctx = b;
		b->status = 0;
		blockdev_submit(&b->ram.dev, NULL, &bio);
		assert_int_equal(b->done, i + 1);
		assert_int_equal(b->status, -EINVAL);
	}
	assert_int_equal(b->ram.reads + b->ram.writes + b->ram.flushes, 0);
}

static void the_last_sector_is_within_the_device(void **state)
{
	struct bench *b = *state;
	struct bio_vec vec = {4096, 512};
	struct bio bio = {.op = BIO_WRITE,
			  .vec = &vec,
			  .nvec = 1,
			  .sector = SECTORS - 1,
			  .done = on_done,
			  .ctx = b};

	memset(memory_ptr(b->machine->mem, 4096, 512), 0x5a, 512);
	blockdev_submit(&b->ram.dev, NULL, &bio);
	assert_int_equal(sim_run(b->sim, SIM_MS), 0);
	assert_int_equal(b->done, 1);
	assert_int_equal(b->status, 0);
	assert_int_equal(b->ram.data[SECTORS * 512 - 1], 0x5a);
	assert_int_equal(b->ram.data[(SECTORS - 1) * 512 - 1], 0);
}

static void waiter(void *ctx)
{
	struct bench *b = ctx;
	struct cpu *cpu = cpu_current(b->machine);
	struct blockdev *dev = &b->ram.dev;
	uint8_t *mem = memory_ptr(b->machine->mem, 4096, 8192);

	memset(mem, 0xc3, 4096);
	assert_int_equal(blockdev_wait(dev, cpu, BIO_WRITE, 8, 4096, 4096), 0);
	assert_int_equal(blockdev_wait(dev, cpu, BIO_FLUSH, 0, 0, 0), 0);
	assert_int_equal(blockdev_wait(dev, cpu, BIO_READ, 8, 8192, 4096), 0);
	assert_memory_equal(mem + 4096, mem, 4096);
	b->ram.fail_in = 1;
	assert_int_equal(blockdev_wait(dev, cpu, BIO_READ, 8, 8192, 4096), -EIO);
	b->woke = cpu_now(cpu);
}

static void a_task_sleeps_until_its_bio_is_done_and_gets_its_status(void **state)
{
	struct bench *b = *state;

	task_create(machine_cpu(b->machine, 0), "waiter", waiter, b);
	assert_int_equal(sim_run(b->sim, 10 * SIM_MS), 0);
	assert_true(b->woke >= 4 * IO_PS && b->woke < 5 * IO_PS);
	assert_int_equal(b->ram.unplugs, 4);
	assert_int_equal(b->ram.flushes, 1);
	assert_int_equal(b->ram.failed, 1);
}

static void producer(void *ctx)
{
	struct bench *b = ctx;

	blockdev_throttle(&b->ram.dev, cpu_current(b->machine));
	b->woke = cpu_now(cpu_current(b->machine));
}

static void a_producer_sleeps_while_the_device_is_congested(void **state)
{
	struct bench *b = *state;

	b->ram.dev.congested = true;
	task_create(machine_cpu(b->machine, 0), "producer", producer, b);
	assert_int_equal(sim_run(b->sim, SIM_MS), 0);
	assert_int_equal(b->woke, 0);
	waitq_wake(&b->ram.dev.room, NULL); /* nothing has changed */
	assert_int_equal(sim_run(b->sim, 2 * SIM_MS), 0);
	assert_int_equal(b->woke, 0);
	b->ram.dev.congested = false;
	waitq_wake(&b->ram.dev.room, NULL);
	assert_int_equal(sim_run(b->sim, 3 * SIM_MS), 0);
	assert_true(b->woke >= 2 * SIM_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			bios_that_make_no_sense_are_done_at_once_with_einval, setup, teardown),
		cmocka_unit_test_setup_teardown(the_last_sector_is_within_the_device, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_task_sleeps_until_its_bio_is_done_and_gets_its_status, setup, teardown),
		cmocka_unit_test_setup_teardown(a_producer_sleeps_while_the_device_is_congested,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
