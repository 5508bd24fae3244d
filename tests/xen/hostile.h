/* SPDX-License-Identifier: MIT */
/*
 * Guests that mean harm: a stream of choices, from a generator or from a fuzzer's bytes, becomes
 * hypercalls of several domains, garbage and nearly valid ones, scribbling in their own memory, and
 * changes behind the hypervisor's back while it works. After every step everything must hold.
 */
#ifndef IOTOLL_TESTS_XEN_HOSTILE_H
#define IOTOLL_TESTS_XEN_HOSTILE_H

#include "world.h"

#define HOSTILE_DOMAINS 3u
#define HOSTILE_KNOWN   8u

struct hostile {
	struct world w;
	struct rng *rng; /* choices come from here, or else from the bytes */
	const uint8_t *bytes;
	size_t left;
	struct xen_domain *d[HOSTILE_DOMAINS]; /* alive, or NULL */
	struct known {
		uint64_t host_addr, dev_bus_addr;
		uint32_t handle;
	} known[HOSTILE_DOMAINS][HOSTILE_KNOWN]; /* handles that were once given */
	unsigned caller;                         /* whose call is being carried out */
	unsigned patience;                       /* one step in so many changes who lives */
	uint64_t calls, okay, deaths;
};

void hostile_init(struct hostile *h);
/* One step; false when the bytes are at an end. */
bool hostile_step(struct hostile *h);
/* What is broken, or NULL. */
const char *hostile_broken(struct hostile *h, struct err *err);
/* Everything dies; nothing may be left: NULL, or what is. */
const char *hostile_end(struct hostile *h, struct err *err);
void hostile_fini(struct hostile *h);

#endif
