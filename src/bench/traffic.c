/* SPDX-License-Identifier: MIT */
/*
 * Both halves at once: one thread is the driver, which maps and unmaps pages of its own; others are
 * devices, which translate pages that stay mapped. The driver's invalidations reach the IOMMU that
 * the devices use.
 */
#include "bench/traffic.h"

#include <errno.h>
#include <stdlib.h>

#include "base/rng.h"
#include "bench/machine.h"
#include "bench/pattern.h"

#define PAGE       4096u
#define STANDING   64u /* pages that stay mapped */
#define ACCESSES   4096u
#define TRANSLATOR 512u /* entries of a device's translator */

struct device {
	struct iotoll_translator *translator;
	uint64_t sink;
	unsigned at;
	uint64_t address[ACCESSES];
} __attribute__((aligned(64)));

struct traffic {
	struct machine machine;
	unsigned driver; /* number of its thread; past the last: there is none */
	unsigned threads, devices;
	struct device *device; /* one a thread; the driver's is not used */
	struct pattern pattern;
	uint64_t buffers, standing_at;
	unsigned standing_count;
	iotoll_iova_t standing[STANDING];
	iotoll_iova_t *iova;
};

static void traffic_close(void *data)
{
	struct traffic *x = data;
	struct iotoll_dma_device *dev = x->machine.devices ? x->machine.device[0] : NULL;

	for (unsigned i = 0; i < x->threads && x->device; i++)
		iotoll_translator_destroy(x->device[i].translator);
	for (unsigned i = 0; i < x->standing_count; i++)
		iotoll_dma_unmap_page(dev, x->standing[i], PAGE, IOTOLL_DMA_TO_DEVICE);
	for (unsigned i = 0; x->iova && i < x->pattern.filled; i++)
		iotoll_dma_unmap_page(dev, x->iova[i], PAGE, IOTOLL_DMA_TO_DEVICE);
	pattern_fini(&x->pattern);
	machine_close(&x->machine);
	free(x->iova);
	free(x->device);
	free(x);
}

/* What stays mapped, and the order in which each device goes through it. */
static int stand(struct traffic *x, struct err *err)
{
	struct rng rng;

	for (; x->standing_count < STANDING; x->standing_count++) {
		const iotoll_iova_t iova = iotoll_dma_map_page(
			x->machine.device[0],
			IOTOLL_PHYS(x->standing_at + (uint64_t)x->standing_count * PAGE), PAGE,
			IOTOLL_DMA_TO_DEVICE);

		if (iotoll_dma_mapping_error(iova))
			return err_set(err, -EIO, "a page cannot be mapped");
		x->standing[x->standing_count] = iova;
	}
	rng_seed(&rng, 1);
	for (unsigned t = 0; t < x->threads; t++)
		for (unsigned i = 0; i < ACCESSES; i++)
			x->device[t].address[i] =
				IOTOLL_IOVA_U64(x->standing[rng_below(&rng, STANDING)]);
	return 0;
}

static int fill(struct traffic *x, const struct bench_setup *setup, struct err *err)
{
	int rc = pattern_init(&x->pattern, setup->pattern, setup->outstanding, 1);

	x->iova = calloc(setup->outstanding, sizeof(*x->iova));
	x->device = aligned_alloc(64, x->threads * sizeof(*x->device));
	if (!x->iova || !x->device)
		rc = -ENOMEM;
	for (unsigned t = 0; x->device && t < x->threads; t++) {
		x->device[t].translator = NULL;
		x->device[t].at = 0;
		x->device[t].sink = 0;
	}
	for (unsigned t = 0; !rc && t < x->threads; t++)
		rc = machine_translator(&x->machine, t, TRANSLATOR, &x->device[t].translator, err);
	if (!rc)
		rc = machine_frames(&x->machine, setup->outstanding, &x->buffers, err);
	if (!rc)
		rc = machine_frames(&x->machine, STANDING, &x->standing_at, err);
	return rc ? rc : stand(x, err);
}

static int traffic_open(void **data, const struct bench_setup *setup, unsigned driver,
			struct err *err)
{
	struct traffic *x = calloc(1, sizeof(*x));
	struct bench_setup shared = *setup;
	int rc;

	if (!x)
		return -ENOMEM;
	/* A thread that translates alone has the same IOMMU, which could be shared. */
	if (shared.threads < 2)
		shared.threads = 2;
	rc = machine_open(&x->machine, &shared, setup->outstanding + STANDING, 0, err);
	if (rc) {
		free(x);
		return rc;
	}
	x->driver = driver;
	x->threads = setup->threads;
	rc = fill(x, setup, err);
	if (rc)
		traffic_close(x);
	else
		*data = x;
	return rc;
}

static int driver_open(void **data, const struct bench_setup *setup, const void *variant,
		       struct err *err)
{
	(void)variant;
	return traffic_open(data, setup, 0, err);
}

static int devices_open(void **data, const struct bench_setup *setup, const void *variant,
			struct err *err)
{
	(void)variant;
	return traffic_open(data, setup, setup->threads - 1, err);
}

static int alone_open(void **data, const struct bench_setup *setup, const void *variant,
		      struct err *err)
{
	(void)variant;
	return traffic_open(data, setup, setup->threads, err);
}

static bool drive(struct traffic *x, uint64_t ops)
{
	struct iotoll_dma_device *dev = x->machine.device[0];

	for (uint64_t i = 0; i < ops; i++) {
		bool empty;
		const unsigned slot = pattern_next(&x->pattern, &empty);
		const iotoll_phys_t buffer = IOTOLL_PHYS(x->buffers + (uint64_t)slot * PAGE);

		if (!empty)
			iotoll_dma_unmap_page(dev, x->iova[slot], PAGE, IOTOLL_DMA_TO_DEVICE);
		x->iova[slot] = iotoll_dma_map_page(dev, buffer, PAGE, IOTOLL_DMA_TO_DEVICE);
		if (iotoll_dma_mapping_error(x->iova[slot])) {
			x->pattern.filled = 0;
			return false;
		}
	}
	return true;
}

static bool access_memory(struct traffic *x, unsigned thread, uint64_t ops)
{
	struct device *d = &x->device[thread];
	struct iotoll_xlat xlat;
	unsigned at = d->at;
	uint64_t sink = 0;

	for (uint64_t i = 0; i < ops; i++) {
		if (iotoll_translator_translate(d->translator, d->address[at], IOTOLL_READ, &xlat))
			return false;
		sink += xlat.paddr;
		at = (at + 1) % ACCESSES;
	}
	d->at = at;
	d->sink += sink;
	return true;
}

static bool traffic_work(void *data, unsigned thread, uint64_t ops)
{
	struct traffic *x = data;

	return thread == x->driver ? drive(x, ops) : access_memory(x, thread, ops);
}

const struct subject traffic_driver = {
	.open = driver_open, .work = traffic_work, .close = traffic_close, .background = 1};
const struct subject traffic_devices = {
	.open = devices_open, .work = traffic_work, .close = traffic_close, .background = 1};
const struct subject traffic_devices_alone = {
	.open = alone_open, .work = traffic_work, .close = traffic_close};
