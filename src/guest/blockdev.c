/* SPDX-License-Identifier: MIT */
/* What is common to all block devices: checks, and waiting. */
#include "guest/blockdev.h"

#include <errno.h>

uint64_t bio_bytes(const struct bio *bio)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < bio->nvec; i++)
		bytes += bio->vec[i].bytes;
	return bytes;
}

static bool sensible(const struct blockdev *dev, const struct bio *bio)
{
	const uint64_t bytes = bio_bytes(bio), odd = dev->alignment ? dev->alignment - 1 : 0;

	if (bio->op == BIO_FLUSH)
		return !bio->nvec;
	if ((bio->op != BIO_READ && bio->op != BIO_WRITE) || !bytes || bytes % BLOCK_SECTOR_BYTES)
		return false;
	for (unsigned i = 0; i < bio->nvec; i++)
		if (!bio->vec[i].bytes || (bio->vec[i].paddr | bio->vec[i].bytes) & odd)
			return false;
	return bio->sector <= dev->sectors &&
	       bytes / BLOCK_SECTOR_BYTES <= dev->sectors - bio->sector;
}

void blockdev_submit(struct blockdev *dev, struct cpu *cpu, struct bio *bio)
{
	bio->next = NULL;
	bio->pending = 0;
	bio->status = 0;
	if (sensible(dev, bio))
		dev->ops->submit(dev, cpu, bio);
	else
		bio->done(bio, cpu, -EINVAL);
}

void blockdev_unplug(struct blockdev *dev, struct cpu *cpu)
{
	if (dev->ops->unplug)
		dev->ops->unplug(dev, cpu);
}

void blockdev_throttle(struct blockdev *dev, struct cpu *cpu)
{
	while (dev->congested) {
		blockdev_unplug(dev, cpu);
		if (dev->congested)
			waitq_wait(&dev->room, cpu);
	}
}

struct waited {
	struct waitq wq;
	bool over;
	int status;
};

static void on_done(struct bio *bio, struct cpu *cpu, int status)
{
	struct waited *w = bio->ctx;

	w->over = true;
	w->status = status;
	waitq_wake(&w->wq, cpu);
}

int blockdev_wait(struct blockdev *dev, struct cpu *cpu, enum bio_op op, uint64_t sector,
		  phys_t paddr, uint32_t bytes)
{
	struct waited w = {.over = false};
	struct bio_vec vec = {.paddr = paddr, .bytes = bytes};
	struct bio bio = {
		.op = op,
		.sync = true,
		.sector = sector,
		.vec = &vec,
		.nvec = bytes ? 1 : 0,
		.done = on_done,
		.ctx = &w,
	};

	blockdev_submit(dev, cpu, &bio);
	blockdev_unplug(dev, cpu);
	while (!w.over)
		waitq_wait(&w.wq, cpu);
	return w.status;
}
