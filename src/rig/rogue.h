/* SPDX-License-Identifier: MIT */
/*
 * A device that has turned against the machine it serves. It goes on doing its work, and besides
 * attacks: it remembers the addresses that it was given, tries them again when they are not its own
 * any more, looks around them, scans, rewrites the addresses in its own rings and claims to have
 * translations. The attacks are those of Markettos et al. ("Thunderclap", NDSS 2019) and of Markuze
 * et al. ("Characterizing, Exploiting, and Detecting DMA Code Injection Vulnerabilities in the
 * Presence of an IOMMU", EuroSys 2021), as far as they can be told apart on a bus.
 *
 * Each attempt is an access of the device's requester id through bus, its translation cache if it
 * has one, and IOMMU, at one instant: it fills caches and raises faults like any other, but takes
 * none of the bus's time. What is written is what was there, so that nothing breaks by it but the
 * CPUs' cache lines. What came of it is judged by memory: who owned at that instant what was
 * reached.
 */
#ifndef IOTOLL_RIG_ROGUE_H
#define IOTOLL_RIG_ROGUE_H

#include "rig/rig.h"

struct rogue;

struct rogue_config {
	struct rig *rig;      /* whose watched device it is; must outlive it */
	const char *attacks;  /* a kind, or "all" */
	uint64_t interval_ps; /* mean time between two that need no occasion; > 0 */
	uint64_t io_bytes;    /* of the address space that is scanned, > 0 */
	uint64_t seed;
};

/* Of one kind. attempted = succeeded + refused + redirected. */
struct rogue_stats {
	uint64_t attempted;
	uint64_t succeeded; /* memory that nobody gave to the device for this at that instant */
	uint64_t refused;
	/*
	 * Got through to where it does no harm: the dummy page, where a PC has no memory, a pool of
	 * copies, or memory that a live request gives to the device for just this.
	 */
	uint64_t redirected;
	uint64_t reported; /* of the refused: after which the IOMMU's error registers tell of one */
};

/* Watches the rig's domain from here on. 0; -EINVAL with @err for an unknown kind; -ENOMEM. */
int rogue_create(struct rogue **out, const struct rogue_config *config, struct err *err) MUST_CHECK;
/* Before the rig goes. NULL is allowed. */
void rogue_destroy(struct rogue *r);
/* It attacks from now on; and no more. */
void rogue_start(struct rogue *r);
void rogue_stop(struct rogue *r);

/* Kinds of attacks by number; NULL past the last. */
const char *rogue_kind(unsigned index, const char **title);
/* What came of kind @index; false: it is not among those that were asked for. */
bool rogue_stats(const struct rogue *r, unsigned index, struct rogue_stats *out);

#endif
