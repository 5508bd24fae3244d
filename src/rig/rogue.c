/* SPDX-License-Identifier: MIT */
/*
 * The rogue device of rogue.h: what it remembers, when it attacks, how an attempt is made and
 * judged. The kinds are rows of rogue_attacks.c.
 */
#include "rig/rogue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "dev/bus_ats.h"
#include "rig/rogue_internal.h"

#define ACCESS_MAX 64u
#define AGAIN_PS   SIM_US /* the bus is stopped for a flush: a few microseconds */

/* ---- one attempt ---- */

/* Where the access would end: 0 and *@x, or what the IOMMU would say. */
static int foresee(const struct rogue *r, uint64_t iova, enum iotoll_access access,
		   struct iotoll_xlat *x)
{
	*x = (struct iotoll_xlat){.paddr = iova, .bypass = true};
	return r->rig->iommu ? bus_probe(r->rig->bus, r->rig->devid, iova, access, x) : 0;
}

/* Do the IOMMU's error registers tell of an error, for a driver to find? */
static bool latched(const struct rogue *r)
{
	const struct iommu *iommu = r->rig->iommu;
	uint64_t status = 0, detail = 0;

	if (!iommu || !iommu->ops->latched)
		return false;
	iommu->ops->latched(iommu, RIG_BUS, &status, &detail);
	return status != 0;
}

/*
 * Was it wrong to be at @paddr? Not where the dummy page is, nor where the IOMMU looks away because
 * a PC has no memory there, nor at what a live request gave for such an access, nor at what no
 * request ever had and entries lead to: strategies' own pools.
 */
static bool trespass(const struct rogue *r, uint64_t iova, const struct iotoll_xlat *x,
		     uint32_t bytes, enum iotoll_access access)
{
	const struct exposure *e = r->rig->exposure;
	const struct requests *books = exposure_requests(e);
	/* Where addresses are memory's own, or a domain's, they say whose it is. */
	const bool plain = exposure_untranslated(e);
	iotoll_phys_t dummy;

	if (plain ? requests_serve(books, iova, bytes, access)
		  : requests_cover(books, x->paddr, bytes, access))
		return false;
	if (plain || x->bypass)
		return plain || !rig_no_memory(x->paddr);
	if (iotoll_dma_domain_dummy(r->rig->domain, &dummy) &&
	    x->paddr >> PAGE_SHIFT == IOTOLL_PHYS_U64(dummy) >> PAGE_SHIFT)
		return false;
	return exposure_was_given(e, x->paddr >> PAGE_SHIFT);
}

static void count(struct rogue *r, unsigned kind, int rc, bool wrong, uint64_t faults)
{
	struct rogue_stats *s = &r->stats[kind];

	s->attempted++;
	if (rc) {
		s->refused++;
		s->reported += r->rig->faults != faults && latched(r);
	} else if (wrong) {
		s->succeeded++;
	} else {
		s->redirected++;
	}
}

/* What lies at @paddr, to be written there again; zeros where there is no memory. */
static void keep(const struct rogue *r, uint64_t paddr, void *to, uint32_t bytes)
{
	const void *from = memory_ptr(r->rig->machine->mem, paddr, bytes);

	if (from)
		memcpy(to, from, bytes);
	else
		memset(to, 0, bytes);
}

bool rogue_try(struct rogue *r, unsigned kind, uint64_t iova, uint32_t bytes,
	       enum iotoll_access access)
{
	const uint64_t faults = r->rig->faults;
	uint8_t buffer[ACCESS_MAX] = {0};
	struct iotoll_xlat x;
	bool wrong = false;
	int rc;

	if (!foresee(r, iova, access, &x)) {
		wrong = trespass(r, iova, &x, bytes, access);
		keep(r, x.paddr, buffer, bytes);
	}
	rc = bus_dma_now(r->rig->bus, r->rig->devid, iova, buffer, bytes, access, NULL);
	if (rc == -EAGAIN)
		return false;
	count(r, kind, rc, wrong, faults);
	return true;
}

void rogue_lie(struct rogue *r, unsigned kind, uint64_t paddr, uint32_t bytes,
	       enum iotoll_access access)
{
	const struct iotoll_xlat x = {.paddr = paddr, .bypass = true};
	const uint64_t faults = r->rig->faults;
	uint8_t buffer[ACCESS_MAX];
	int rc;

	keep(r, paddr, buffer, bytes);
	rc = bus_dma_translated(r->rig->bus, r->rig->devid, paddr, buffer, bytes, access);
	count(r, kind, rc, trespass(r, paddr, &x, bytes, access), faults);
}

int rogue_access(struct rogue *r, uint64_t iova, void *bytes, uint32_t n, enum iotoll_access access)
{
	return bus_dma_now(r->rig->bus, r->rig->devid, iova, bytes, n, access, NULL);
}

/* ---- what it knows ---- */

const struct rogue_buffer *rogue_recall(struct rogue *r, uint64_t among)
{
	const uint64_t known = r->seen < ROGUE_HISTORY ? r->seen : ROGUE_HISTORY;
	const uint64_t n = known < among ? known : among;

	return n ? &r->history[(r->seen - 1 - rng_below(&r->rng, n)) % ROGUE_HISTORY] : NULL;
}

static void on_mapped(void *ctx, iotoll_iova_t iova, uint64_t pages, iotoll_phys_t paddr,
		      size_t bytes, enum iotoll_dma_dir dir)
{
	struct rogue *r = ctx;
	const struct rogue_buffer b = {IOTOLL_IOVA_U64(iova), IOTOLL_PHYS_U64(paddr), bytes, dir};

	(void)pages;
	/* What both may write to is what device and driver talk by. */
	if (dir != IOTOLL_DMA_BIDIRECTIONAL)
		r->history[r->seen++ % ROGUE_HISTORY] = b;
	else if (r->rings < ROGUE_RINGS)
		r->ring[r->rings++] = b;
}

/* ---- attacks that follow an unmap ---- */

static void done_with(struct rogue *r, struct rogue_pending *p)
{
	p->next = r->free;
	r->free = p;
}

static void on_pending(void *ctx)
{
	struct rogue_pending *p = ctx;
	struct rogue *r = p->rogue;

	if (rogue_rows[p->kind].late(r, p->kind, &p->victim))
		done_with(r, p);
	else
		sim_schedule(r->rig->machine->sim, &p->event,
			     sim_now(r->rig->machine->sim) + AGAIN_PS);
}

static void plan(struct rogue *r, unsigned kind, const struct rogue_buffer *victim)
{
	struct rogue_pending *p = r->free;

	if (!p)
		return;
	r->free = p->next;
	p->victim = *victim;
	p->kind = kind;
	event_init(&p->event, on_pending, p);
	sim_schedule(r->rig->machine->sim, &p->event,
		     machine_now(r->rig->machine) + rogue_rows[kind].delay_ps);
}

/* The buffer that began at @iova and was given last. */
static const struct rogue_buffer *remember(const struct rogue *r, uint64_t iova)
{
	const uint64_t known = r->seen < ROGUE_HISTORY ? r->seen : ROGUE_HISTORY;

	for (uint64_t i = 1; i <= known; i++)
		if (r->history[(r->seen - i) % ROGUE_HISTORY].iova == iova)
			return &r->history[(r->seen - i) % ROGUE_HISTORY];
	return NULL;
}

static void forget_ring(struct rogue *r, uint64_t iova)
{
	for (unsigned i = 0; i < r->rings; i++)
		if (r->ring[i].iova == iova)
			r->ring[i--] = r->ring[--r->rings];
}

static void on_unmapped(void *ctx, iotoll_iova_t iova, uint64_t pages, size_t bytes)
{
	struct rogue *r = ctx;
	const struct rogue_buffer *victim;

	(void)pages;
	(void)bytes;
	forget_ring(r, IOTOLL_IOVA_U64(iova));
	if (!r->running || !r->armed)
		return;
	victim = remember(r, IOTOLL_IOVA_U64(iova));
	if (!victim)
		return;
	r->armed = false;
	r->write = !r->write;
	for (unsigned i = 0; rogue_rows[i].name; i++)
		if (r->does[i] && rogue_rows[i].late &&
		    (!rogue_rows[i].received_only || victim->dir == IOTOLL_DMA_FROM_DEVICE))
			plan(r, i, victim);
}

/* ---- attacks at any time ---- */

static void on_tick(void *ctx)
{
	struct rogue *r = ctx;
	const uint64_t interval = r->config.interval_ps;

	r->armed = true;
	for (unsigned tried = 0; tried < ROGUE_KINDS; tried++) {
		const unsigned kind = r->turn++ % ROGUE_KINDS;

		if (r->does[kind] && rogue_rows[kind].strike) {
			rogue_rows[kind].strike(r, kind);
			break;
		}
	}
	sim_schedule(r->rig->machine->sim, &r->tick,
		     sim_now(r->rig->machine->sim) + interval / 2 + rng_below(&r->rng, interval) +
			     1);
}

/* ---- the whole ---- */

const char *rogue_kind(unsigned index, const char **title)
{
	*title = rogue_rows[index].title;
	return rogue_rows[index].name;
}

static int choose(struct rogue *r, const char *attacks, struct err *err)
{
	struct nearest n;
	bool any = false;

	nearest_init(&n, attacks);
	for (unsigned i = 0; rogue_rows[i].name; i++) {
		r->does[i] = !strcmp(attacks, "all") || !strcmp(attacks, rogue_rows[i].name);
		any |= r->does[i];
		nearest_offer(&n, rogue_rows[i].name);
	}
	return any ? 0
		   : err_set(err, -EINVAL, "no attack is called '%s'%s%s", attacks,
			     n.best ? "; the nearest is " : "", n.best ? n.best : "");
}

int rogue_create(struct rogue **out, const struct rogue_config *config, struct err *err)
{
	struct rogue *r = calloc(1, sizeof(*r));
	struct iotoll_dma_observer watch = {.ctx = r, .mapped = on_mapped, .unmapped = on_unmapped};
	int rc;

	if (!r)
		return err_set(err, -ENOMEM, "no memory for a rogue device");
	r->config = *config;
	r->rig = config->rig;
	rng_seed(&r->rng, config->seed);
	for (unsigned i = 0; i < ROGUE_PENDING; i++) {
		r->pending[i].rogue = r;
		done_with(r, &r->pending[i]);
	}
	event_init(&r->tick, on_tick, r);
	rc = choose(r, config->attacks, err);
	if (!rc)
		rc = rig_watch(r->rig, &watch, err);
	if (rc) {
		free(r);
		return rc;
	}
	*out = r;
	return 0;
}

void rogue_start(struct rogue *r)
{
	r->running = true;
	sim_schedule(r->rig->machine->sim, &r->tick,
		     sim_now(r->rig->machine->sim) + r->config.interval_ps);
}

void rogue_stop(struct rogue *r)
{
	struct sim *sim = r->rig->machine->sim;

	r->running = false;
	sim_cancel(sim, &r->tick);
	for (unsigned i = 0; i < ROGUE_PENDING; i++) {
		if (!event_pending(&r->pending[i].event))
			continue;
		sim_cancel(sim, &r->pending[i].event);
		done_with(r, &r->pending[i]);
	}
}

void rogue_destroy(struct rogue *r)
{
	if (!r)
		return;
	rogue_stop(r);
	rig_unwatch(r->rig, r);
	free(r);
}

bool rogue_stats(const struct rogue *r, unsigned index, struct rogue_stats *out)
{
	*out = r->stats[index];
	return r->does[index];
}
