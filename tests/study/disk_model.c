/* SPDX-License-Identifier: MIT */
/* I/O at random, and what it must have done. */
#include "disk_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t disk_model_seed(uint64_t otherwise)
{
	const char *text = getenv("IOTOLL_TEST_SEED");
	const uint64_t s = text ? strtoull(text, NULL, 0) : otherwise;

	print_message("seed %llu (IOTOLL_TEST_SEED)\n", (unsigned long long)s);
	return s;
}

static size_t volume(const struct disk_model *m)
{
	return (size_t)m->config.dev->sectors * BLOCK_SECTOR_BYTES;
}

void disk_model_init(struct disk_model *m, const struct disk_model_config *config)
{
	struct memory *mem = config->machine->mem;

	memset(m, 0, sizeof(*m));
	m->config = *config;
	m->sim = config->machine->sim;
	m->bytes = calloc(1, volume(m));
	for (unsigned i = 0; i < MODEL_SLOTS; i++) {
		struct model_slot *s = &m->slot[i];

		s->m = m;
		assert_int_equal(
			memory_alloc(mem, MODEL_AREA / PAGE_BYTES, PAGE_BYTES, 0, &s->paddr), 0);
		s->memory = memory_ptr(mem, s->paddr, MODEL_AREA);
		assert_non_null(s->memory);
		s->expected = malloc(MODEL_AREA);
	}
	rng_seed(&m->rng, config->seed);
}

void disk_model_fini(struct disk_model *m)
{
	for (unsigned i = 0; i < MODEL_SLOTS; i++)
		free(m->slot[i].expected);
	free(m->bytes);
}

static unsigned below(struct disk_model *m, unsigned n)
{
	return (unsigned)rng_below(&m->rng, n);
}

/* @n, or what the device can take instead. */
static uint32_t aligned(const struct disk_model *m, uint32_t n)
{
	const uint32_t alignment = m->config.dev->alignment;

	return alignment ? (n + alignment - 1) & ~(alignment - 1) : n;
}

/* Ranges of all kinds in the slot's memory, @bytes in all; gaps between most of them. */
static unsigned scatter(struct model_slot *s, uint32_t bytes)
{
	struct disk_model *m = s->m;
	uint32_t at = aligned(m, below(m, 5000));
	unsigned n = 0;

	while (bytes && n < MODEL_VECS) {
		uint32_t take = aligned(m, 1 + below(m, below(m, 4) ? 9000 : 300));

		if (take > bytes || n == MODEL_VECS - 1)
			take = bytes;
		if (at + take > MODEL_AREA)
			return 0;
		s->vec[n++] = (struct bio_vec){.paddr = s->paddr + at, .bytes = take};
		bytes -= take;
		at += take + (below(m, 3) ? aligned(m, below(m, 3000)) : 0);
	}
	return n;
}

/* May it run beside what is in flight? Two that overlap, one a write, have no defined result. */
static bool alone(const struct disk_model *m, const struct model_slot *me, uint64_t sector,
		  uint32_t sectors, bool write)
{
	for (unsigned i = 0; i < MODEL_SLOTS; i++) {
		const struct model_slot *s = &m->slot[i];

		if (!s->busy || s == me || s->bio.op == BIO_FLUSH)
			continue;
		if ((write || s->bio.op == BIO_WRITE) &&
		    sector < s->bio.sector + bio_bytes(&s->bio) / 512 &&
		    s->bio.sector < sector + sectors)
			return false;
	}
	return true;
}

/* Copy between the ranges and a flat run of bytes. */
static void flat(struct model_slot *s, uint8_t *memory, uint8_t *bytes, bool gather)
{
	for (unsigned i = 0; i < s->bio.nvec; i++) {
		uint8_t *at = memory + (s->vec[i].paddr - s->paddr);

		memcpy(gather ? bytes : at, gather ? at : bytes, s->vec[i].bytes);
		bytes += s->vec[i].bytes;
	}
}

static void on_done(struct bio *bio, struct cpu *cpu, int status)
{
	struct model_slot *s = bio->ctx;
	struct disk_model *m = s->m;
	uint8_t *place = m->bytes + bio->sector * 512;

	assert_true(s->busy);
	assert_true(!status || status == -EIO);
	m->good += !status;
	m->bad += status != 0;
	if (bio->op == BIO_WRITE && !status)
		flat(s, s->memory, place, true);
	else if (bio->op == BIO_WRITE) /* any part of it may have arrived */
		disk_peek(m->config.disk, (m->config.first + bio->sector) * 512, place,
			  bio_bytes(bio));
	else if (bio->op == BIO_READ && !status)
		flat(s, s->expected, place, false);
	if (bio->op != BIO_FLUSH && !(bio->op == BIO_READ && status))
		assert_memory_equal(s->memory, s->expected, MODEL_AREA);
	s->busy = false;
	m->in_flight--;
	waitq_wake(&m->room, cpu);
}

static void begin(struct model_slot *s, struct cpu *cpu)
{
	struct disk_model *m = s->m;
	const unsigned kind = below(m, 100);
	const bool write = kind < 50;
	/* Mostly neighbours, so that there is something to merge; now and then larger than a
	 * request. */
	const uint32_t sectors = 1 + below(m, kind % 10 ? 24 : 300);
	const uint64_t sector = below(m, (unsigned)m->config.dev->sectors - sectors);

	s->bio = (struct bio){.op = write ? BIO_WRITE : BIO_READ,
			      .sync = !below(m, 8),
			      .sector = sector,
			      .vec = s->vec,
			      .done = on_done,
			      .ctx = s};
	if (kind == 99)
		s->bio = (struct bio){.op = BIO_FLUSH, .done = on_done, .ctx = s};
	else if (!alone(m, s, sector, sectors, write) || !(s->bio.nvec = scatter(s, sectors * 512)))
		return;
	for (uint32_t i = 0; i < MODEL_AREA; i += 8) {
		const uint64_t v = rng_u64(&m->rng);

		memcpy(s->memory + i, &v, sizeof(v));
	}
	memcpy(s->expected, s->memory, MODEL_AREA);
	m->flushes += kind == 99;
	m->left--;
	s->busy = true;
	m->in_flight++;
	blockdev_submit(m->config.dev, cpu, &s->bio);
}

static void submitter(void *ctx)
{
	struct disk_model *m = ctx;
	struct cpu *cpu = cpu_current(m->config.machine);

	while (m->left) {
		struct model_slot *s = &m->slot[below(m, MODEL_SLOTS)];

		if (m->in_flight == MODEL_SLOTS) {
			blockdev_unplug(m->config.dev, cpu);
			waitq_wait(&m->room, cpu);
		}
		if (!s->busy)
			begin(s, cpu);
		if (!below(m, 20))
			task_sleep(task_current(cpu), below(m, 4000) * SIM_US);
	}
}

void disk_model_start(struct disk_model *m, unsigned bios)
{
	struct machine *machine = m->config.machine;

	m->left = bios;
	for (unsigned i = 0; i < 2; i++)
		assert_non_null(
			task_create(machine_cpu(machine, i % machine->ncpus), "io", submitter, m));
}

void disk_model_wait(struct disk_model *m, unsigned seconds)
{
	for (unsigned ms = 0; (m->left || m->in_flight) && ms < seconds * 1000; ms += 10)
		assert_int_equal(sim_run(m->sim, sim_now(m->sim) + 10 * SIM_MS), 0);
	assert_int_equal(m->left, 0);
	assert_int_equal(m->in_flight, 0);
}

void disk_model_run(struct disk_model *m, unsigned bios, unsigned seconds)
{
	disk_model_start(m, bios);
	disk_model_wait(m, seconds);
}

void disk_model_check(const struct disk_model *m)
{
	uint8_t *disk = malloc(volume(m));

	disk_peek(m->config.disk, m->config.first * 512, disk, volume(m));
	assert_memory_equal(disk, m->bytes, volume(m));
	free(disk);
}
