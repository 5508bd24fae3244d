/* SPDX-License-Identifier: MIT */
/*
 * A real machine of one CPU with round figures for its costs, a bus, and an IOMMU made of a plain
 * array of pages that records what the bus asks of it. Times of an undisturbed transaction:
 *	write of n bytes: 50 ns + 10 ns (hit) + n ns
 *	read of n bytes:  50 ns + 10 ns (hit) + 500 ns + n ns
 * and 250 ns for a page met for the first time. On PCI Express a byte takes 1 ns in each direction:
 *	write of n <= 256 bytes: n + 24 ns, 10 ns (hit), and the credits 100 ns later
 *	read of n <= 256 bytes:  24 ns, 10 ns (hit), 500 ns, n + 24 ns
 */
#ifndef IOTOLL_TESTS_DEV_RIG_H
#define IOTOLL_TESTS_DEV_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dev/bus.h"

#define RIG_BUS      3u
#define RIG_DEVID    0x0108u
#define RIG_PAGES    1024u
#define RIG_LOG      256u
#define RIG_OVERHEAD (50 * SIM_NS)
#define RIG_BYTE     SIM_NS
#define RIG_HIT      (10 * SIM_NS)
#define RIG_WALK     (250 * SIM_NS)
#define RIG_LATENCY  (500 * SIM_NS)
#define RIG_MPS      256u
#define RIG_MRRS     512u
#define RIG_PACKET   24u
#define RIG_HEADERS  8u
#define RIG_CREDIT   (100 * SIM_NS)

struct fake_iommu {
	struct iommu iommu; /* first */
	struct {
		uint64_t paddr;
		unsigned rights; /* of enum iotoll_access, 0 = refused */
		bool cached, stale;
	} page[RIG_PAGES];
	bool open, dead;
	int outstanding;
	int most_outstanding;
	unsigned begun, translated;
	uint64_t iova[RIG_LOG]; /* of each translation */
	sim_time at[RIG_LOG];
	struct sim *sim;
	unsigned faults;
};

struct rig {
	struct sim *sim;
	struct machine *machine;
	struct fake_iommu fake;
	struct bus *bus;
	/* of rig_done() */
	unsigned finished;
	const struct bus_request *order[RIG_LOG];
	int status[RIG_LOG];
	sim_time when[RIG_LOG];
};

/* @translated false: no IOMMU at all. */
void rig_make(struct rig *rig, bool translated);
void rig_free(struct rig *rig);
/* Device page @pfn is memory page @paddr / 4096. */
void rig_map(struct rig *rig, uint64_t pfn, uint64_t paddr, unsigned rights);
/* Arbitration off or on, telling the observer as a register write would. */
void rig_arbitrate(struct rig *rig, bool on);
/* Host pointer to physical memory. */
uint8_t *rig_at(struct rig *rig, uint64_t paddr);
void rig_run_us(struct rig *rig, unsigned us);
/* A request that reports to rig_done(). */
struct bus_request rig_request(struct rig *rig, uint64_t iova, void *buffer, uint32_t bytes,
			       enum iotoll_access direction);

#endif
