/* SPDX-License-Identifier: MIT */
#include "ram_blockdev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Move the bytes; -EIO if the list leads out of memory. */
static int serve(struct ram_blockdev *r, const struct bio *bio)
{
	uint8_t *at = r->data + bio->sector * BLOCK_SECTOR_BYTES;

	for (unsigned i = 0; i < bio->nvec; i++) {
		const struct bio_vec *v = &bio->vec[i];
		void *host = memory_ptr(r->machine->mem, v->paddr, v->bytes);

		if (!host)
			return -EIO;
		if (bio->op == BIO_WRITE) {
			memcpy(at, host, v->bytes);
		} else {
			memcpy(host, at, v->bytes);
			cache_dma_write(r->machine->cache, v->paddr, v->bytes);
		}
		at += v->bytes;
	}
	return 0;
}

static void count(struct ram_blockdev *r, const struct bio *bio)
{
	if (bio->op == BIO_FLUSH) {
		r->flushes++;
	} else if (bio->op == BIO_WRITE) {
		r->writes++;
		r->write_bytes += bio_bytes(bio);
	} else {
		r->reads++;
		r->read_bytes += bio_bytes(bio);
	}
}

static void start(struct ram_blockdev *r)
{
	for (unsigned i = 0; i < RAM_BLOCKDEV_SLOTS && r->first && !r->hold; i++) {
		struct ram_blockdev_slot *s = &r->slot[i];

		if (s->bio)
			continue;
		s->bio = r->first;
		r->first = s->bio->next;
		sim_schedule(r->machine->sim, &s->done, machine_now(r->machine) + r->ps_per_io);
	}
}

static void on_done(void *ctx)
{
	struct ram_blockdev_slot *s = ctx;
	struct ram_blockdev *r = s->dev;
	struct bio *bio = s->bio;
	int status = 0;

	s->bio = NULL;
	if (r->fail_in && !--r->fail_in)
		status = -EIO;
	if (!status)
		status = serve(r, bio);
	if (status)
		r->failed++;
	start(r);
	bio->done(bio, NULL, status);
}

static void submit(struct blockdev *dev, struct cpu *cpu, struct bio *bio)
{
	struct ram_blockdev *r = (struct ram_blockdev *)dev;

	cpu_sync(cpu);
	count(r, bio);
	if (r->first)
		r->last->next = bio;
	else
		r->first = bio;
	r->last = bio;
	start(r);
}

static void unplug(struct blockdev *dev, struct cpu *cpu)
{
	struct ram_blockdev *r = (struct ram_blockdev *)dev;

	(void)cpu;
	r->unplugs++;
}

static const struct blockdev_ops ops = {.submit = submit, .unplug = unplug};

void ram_blockdev_init(struct ram_blockdev *r, struct machine *machine, uint64_t sectors,
		       uint64_t ps_per_io)
{
	*r = (struct ram_blockdev){
		.dev = {.ops = &ops, .sectors = sectors, .max_bytes = 131072, .max_segments = 128},
		.machine = machine,
		.data = calloc(sectors, BLOCK_SECTOR_BYTES),
		.ps_per_io = ps_per_io,
	};
	if (!r->data)
		abort();
	for (unsigned i = 0; i < RAM_BLOCKDEV_SLOTS; i++) {
		r->slot[i].dev = r;
		event_init(&r->slot[i].done, on_done, &r->slot[i]);
	}
}

void ram_blockdev_fini(struct ram_blockdev *r)
{
	for (unsigned i = 0; i < RAM_BLOCKDEV_SLOTS; i++)
		sim_cancel(r->machine->sim, &r->slot[i].done);
	free(r->data);
}

void ram_blockdev_release(struct ram_blockdev *r)
{
	r->hold = false;
	start(r);
}
