/* SPDX-License-Identifier: MIT */
/* What run.c measures and result.c writes down. */
#ifndef IOTOLL_STUDY_RUN_INTERNAL_H
#define IOTOLL_STUDY_RUN_INTERNAL_H

#include "guest/watchdog.h"
#include "study/run.h"
#include "study/testbed.h"

/* Counters that only ever grow, at one instant. */
struct counters {
	uint64_t events;
	struct xen_counters xen;
	struct netback_vif_stats vif; /* of the load's interface, dom0's end and its own */
	struct netfront_stats front;
	struct bus_stats bus;
	struct iotlb_stats iotlb;
	struct ats_stats ats; /* of the IOMMU, and of the NIC's own cache: */
	struct atc_stats atc;
	struct tg3_stats nic[2]; /* machine under test, client */
	struct blk_stats blk;    /* of a load on the disk */
	struct qla_driver_stats hba;
	struct blk_stats guest_blk; /* of a domain whose disk is dom0's, and what is between: */
	struct blkfront_stats blkfront;
	struct blkback_stats blkback;
	struct blkback_vbd_stats vbd;
	struct stream_counters stream; /* of a load of segments */
	struct link_stats link[2];
	uint64_t link_busy[2]; /* up to that instant */
	struct netstack_stats stack[2];
	struct tg3_driver_stats driver[2];
};

struct measurement {
	struct counters begin, end;
	struct cpu_account cpu[2][CACHE_MAX_CPUS];
	sim_time began, ended;
	uint64_t latched_status, latched_detail; /* error registers at the end */
	struct watchdog watchdog;
};

/* The result of a finished run as a new JSON object; NULL when memory is short. */
json_t *result_make(const struct testbed *t, const struct measurement *m);

#endif
