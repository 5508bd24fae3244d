/* SPDX-License-Identifier: MIT */
/*
 * Parts of a run's result that stand in files of their own. Each is a new object with the fields of
 * docs/results.md; NULL when memory is short.
 */
#ifndef IOTOLL_STUDY_RESULT_PARTS_H
#define IOTOLL_STUDY_RESULT_PARTS_H

#include <jansson.h>

#include "study/run_internal.h"

/* ---- result_iommu.c; @s are the statistics of the machine under test's domain ---- */

json_t *result_dma(const struct testbed *t, const struct measurement *m,
		   const struct iotoll_dma_stats *s);
json_t *result_iommu(const struct testbed *t, const struct measurement *m,
		     const struct iotoll_dma_stats *s);
json_t *result_iotlb(const struct measurement *m);
/* What the rig's exposure watcher saw, and what was still reachable some time after unmaps. */
json_t *result_live_exposure(const struct testbed *t);

/* ---- result_xen.c ---- */

/* NULL on bare metal. */
json_t *result_xen(const struct testbed *t, const struct measurement *m);

/* ---- result_ffsb.c; of a load on the disk ---- */

json_t *result_ffsb(const struct testbed *t, const struct measurement *m);
json_t *result_disk(const struct measurement *m);
/* What was skipped of the profile, appended to @list. */
void result_ffsb_warnings(const struct testbed *t, json_t *list);

/* ---- result_stream.c; of a load of segments ---- */

/* Put what the partner knows into @s. */
void result_stream_fix(const struct measurement *m, struct load_stats *s);
json_t *result_stream(const struct testbed *t, const struct measurement *m,
		      const struct load_stats *s);
json_t *result_stream_nic(const struct measurement *m);
/* The send queues' locks, into @o. */
void result_stream_locks(json_t *o, const struct measurement *m);
json_t *result_pcie(const struct measurement *m);

/* ---- result_attacks.c ---- */

/* NULL if the device means well. */
json_t *result_attacks(const struct testbed *t);

/* ---- result_ats.c ---- */

json_t *result_ats(const struct testbed *t, const struct measurement *m,
		   const struct iotoll_dma_stats *s);

#endif
