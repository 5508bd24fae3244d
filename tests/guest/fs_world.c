/* SPDX-License-Identifier: MIT */
#include "fs_world.h"

#include <errno.h>

#include "base/rng.h"

/* ---- the tape ---- */

struct taped {
	struct fs_world *w;
	void (*done)(struct bio *bio, struct cpu *cpu, int status);
	void *ctx;
	uint64_t covers;
};

static void record(struct fs_world *w, const struct bio *bio, uint64_t covers)
{
	struct fs_event *e;

	if (w->events == w->room) {
		w->room = w->room ? w->room * 2 : 256;
		w->event = realloc(w->event, w->room * sizeof(*w->event));
		assert_non_null(w->event);
	}
	e = &w->event[w->events++];
	*e = (struct fs_event){.flush = bio->op == BIO_FLUSH,
			       .sector = bio->sector,
			       .covers = covers,
			       .bytes = (uint32_t)bio_bytes(bio)};
	if (!e->bytes)
		return;
	e->data = malloc(e->bytes);
	memcpy(e->data, w->ram.data + e->sector * BLOCK_SECTOR_BYTES, e->bytes);
}

static void tape_done(struct bio *bio, struct cpu *cpu, int status)
{
	struct taped *t = bio->ctx;

	if (!status && t->w->recording && bio->op != BIO_READ)
		record(t->w, bio, t->covers);
	bio->done = t->done;
	bio->ctx = t->ctx;
	free(t);
	bio->done(bio, cpu, status);
}

static void tape_submit(struct blockdev *dev, struct cpu *cpu, struct bio *bio)
{
	struct fs_world *w =
		(struct fs_world *)(void *)((char *)dev - offsetof(struct fs_world, tape));
	struct taped *t = malloc(sizeof(*t));

	*t = (struct taped){.w = w, .done = bio->done, .ctx = bio->ctx, .covers = w->events};
	bio->done = tape_done;
	bio->ctx = t;
	blockdev_submit(&w->ram.dev, cpu, bio);
}

static const struct blockdev_ops tape_ops = {.submit = tape_submit};

static void apply(uint8_t *image, const struct fs_event *e, struct rng *torn)
{
	for (uint32_t at = 0; at < e->bytes; at += BLOCK_SECTOR_BYTES) {
		if (!torn || rng_below(torn, 2))
			memcpy(image + e->sector * BLOCK_SECTOR_BYTES + at, e->data + at,
			       BLOCK_SECTOR_BYTES);
	}
}

void fs_world_crash(const struct fs_world *w, uint8_t *base, uint64_t *applied, uint8_t *image,
		    uint64_t events, uint64_t seed)
{
	uint64_t stable = *applied;
	struct rng rng;

	rng_seed(&rng, seed);
	for (uint64_t i = *applied; i < events; i++) {
		if (w->event[i].flush && w->event[i].covers > stable)
			stable = w->event[i].covers;
	}
	while (*applied < stable)
		apply(base, &w->event[(*applied)++], NULL);
	memcpy(image, base, w->ram.dev.sectors * BLOCK_SECTOR_BYTES);
	for (uint64_t i = stable; i < events; i++)
		apply(image, &w->event[i], &rng);
}

/* ---- an image in memory ---- */

static int image_read(void *ctx, uint64_t block, uint64_t count, void *to)
{
	memcpy(to, (uint8_t *)ctx + block * EXTFS_BLOCK, count * EXTFS_BLOCK);
	return 0;
}

static int image_write(void *ctx, uint64_t block, uint64_t count, const void *from)
{
	memcpy((uint8_t *)ctx + block * EXTFS_BLOCK, from, count * EXTFS_BLOCK);
	return 0;
}

static int image_flush(void *ctx)
{
	(void)ctx;
	return 0;
}

static struct extfs_disk image_disk(uint8_t *image, uint64_t blocks)
{
	return (struct extfs_disk){.read = image_read,
				   .write = image_write,
				   .flush = image_flush,
				   .ctx = image,
				   .blocks = blocks};
}

void fs_world_check(uint8_t *image, uint64_t blocks, bool replay, struct extfs_census *census)
{
	const struct extfs_disk disk = image_disk(image, blocks);
	struct err err = {.text = ""};
	uint64_t replayed;

	if (replay && extfs_replay(&disk, &replayed, &err))
		fail_msg("%s", err.text);
	if (extfs_check(&disk, census, &err))
		fail_msg("%s", err.text);
}

void fs_world_check_running(const struct fs_world *w)
{
	const uint64_t bytes = w->ram.dev.sectors * BLOCK_SECTOR_BYTES;
	uint8_t *image = malloc(bytes);

	memcpy(image, w->ram.data, bytes);
	fs_world_check(image, bytes / EXTFS_BLOCK, true, NULL);
	free(image);
}

/* ---- tasks ---- */

struct job {
	struct fs_world *w;
	void (*fn)(void *ctx, struct cpu *cpu);
	void *ctx;
	struct cpu *cpu;
	bool done;
};

static void run_job(void *ctx)
{
	struct job *j = ctx;

	j->fn(j->ctx, j->cpu);
	j->done = true;
}

void fs_world_run_many(struct fs_world *w, void (*fn)(void *ctx, struct cpu *cpu), void *ctx,
		       size_t bytes, unsigned count)
{
	struct job *job = calloc(count, sizeof(*job));
	unsigned left = count;

	for (unsigned i = 0; i < count; i++) {
		job[i] = (struct job){.w = w,
				      .fn = fn,
				      .ctx = (char *)ctx + i * bytes,
				      .cpu = machine_cpu(w->machine, i % w->machine->ncpus)};
		assert_non_null(task_create(job[i].cpu, "test", run_job, &job[i]));
	}
	for (unsigned step = 0; left; step++) {
		if (step > 2000000)
			fail_msg("the tasks did not end within 2000 s");
		assert_int_equal(sim_run(w->sim, sim_now(w->sim) + SIM_MS), 0);
		for (left = 0, step += 0; left < count && job[left].done;)
			left++;
		left = count - left;
	}
	free(job);
}

void fs_world_run(struct fs_world *w, void (*fn)(void *ctx, struct cpu *cpu), void *ctx)
{
	fs_world_run_many(w, fn, ctx, 0, 1);
}

/* ---- the world ---- */

struct mounting {
	struct fs_world *w;
	const struct extfs_format_options *format; /* NULL: do not */
	struct err err;
	int rc;
};

static void mount(void *ctx, struct cpu *cpu)
{
	struct mounting *m = ctx;
	struct fs_world *w = m->w;
	const struct extfs_config config = {.machine = w->machine,
					    .dev = &w->tape,
					    .cache = w->cache,
					    .cpu = w->machine->ncpus - 1};

	m->rc = 0;
	if (m->format)
		m->rc = extfs_make(w->machine, &w->tape, m->format, cpu, &m->err);
	if (!m->rc)
		m->rc = extfs_mount(&w->fs, &config, cpu, &m->err);
}

static void unmount(void *ctx, struct cpu *cpu)
{
	struct mounting *m = ctx;

	m->rc = extfs_unmount(m->w->fs, cpu);
	m->w->fs = NULL;
}

static void do_mount(struct fs_world *w, const struct extfs_format_options *format)
{
	struct mounting m = {.w = w, .format = format};

	fs_world_run(w, mount, &m);
	if (m.rc)
		fail_msg("%s", m.err.text);
}

struct fs_world *fs_world_create(const struct fs_world_config *config)
{
	const struct extfs_format_options format = {.inodes = config->inodes};
	struct profile profile = lab_profile(config->cpus ? config->cpus : 1);
	struct fs_world *w = calloc(1, sizeof(*w));
	struct pagecache_config cache = {.pages = config->cache_pages,
					 .background_percent = 5,
					 .limit_percent = 10,
					 .readahead_pages = 32};
	struct err err;

	profile.cost.fs_call = 500000;
	profile.cost.fs_name = 500000;
	profile.cost.fs_page = 200000;
	profile.cost.fs_word = 5000;
	w->sim = sim_create();
	assert_int_equal(machine_create(&w->machine, w->sim, &profile, &err), 0);
	ram_blockdev_init(&w->ram, w->machine, config->blocks * BLOCK_SECTORS, config->ps_per_io);
	w->tape = w->ram.dev;
	w->tape.ops = &tape_ops;
	cache.machine = w->machine;
	cache.dev = &w->tape;
	if (pagecache_create(&w->cache, &cache, &err))
		fail_msg("%s", err.text);
	do_mount(w, &format);
	return w;
}

void fs_world_remount(struct fs_world *w)
{
	struct mounting m = {.w = w};

	fs_world_run(w, unmount, &m);
	assert_int_equal(m.rc, 0);
	assert_true(pagecache_check(w->cache));
	fs_world_check(w->ram.data, w->ram.dev.sectors / BLOCK_SECTORS, false, NULL);
	do_mount(w, NULL);
}

void fs_world_mount_image(struct fs_world *w, const uint8_t *image)
{
	struct mounting m = {.w = w};

	fs_world_run(w, unmount, &m);
	memcpy(w->ram.data, image, w->ram.dev.sectors * BLOCK_SECTOR_BYTES);
	do_mount(w, NULL);
}

void fs_world_destroy(struct fs_world *w)
{
	extfs_abandon(w->fs);
	pagecache_destroy(w->cache);
	ram_blockdev_fini(&w->ram);
	machine_destroy(w->machine);
	sim_destroy(w->sim);
	for (uint64_t i = 0; i < w->events; i++)
		free(w->event[i].data);
	free(w->event);
	free(w);
}

phys_t fs_world_memory(struct fs_world *w, uint64_t pages)
{
	phys_t at;

	assert_int_equal(memory_alloc(w->machine->mem, pages, PAGE_BYTES, 0, &at), 0);
	return at;
}

uint8_t *fs_world_at(struct fs_world *w, phys_t paddr)
{
	return memory_ptr(w->machine->mem, paddr, 1);
}
