/* SPDX-License-Identifier: MIT */
/*
 * What an LRU IOTLB would make of hints from the operating system (N. Amit, M. Ben-Yehuda and B.-A.
 * Yassour, "IOMMU: Strategies for Mitigating the IOTLB Bottleneck", WIOSCA 2010), for a recorded
 * stream that says what was mapped, and for how long. A proposal of that paper: no IOMMU here takes
 * them, and none that we know of has the first; AMD-Vi has a command that would do for the second.
 *
 * Eviction hints (the paper's EH): entries of mappings that serve one request are marked as
 * transient, and the one of them used longest ago goes before any that is not.
 *
 * Mapping prefetch (its MPRE): the first page of a mapping is fetched when it is made. The paper
 * has a buffer beside the IOTLB for what is fetched ahead; here it goes into the IOTLB, as with the
 * other prefetchers. What was fetched and not used is dropped at its unmap: streams do not hold
 * invalidations of pages that no access had filled.
 *
 * Its third, a different offset for each device's addresses (OF), sorts out devices that share an
 * IOTLB. Of one device it renames the sets and changes nothing; streams here are of one device.
 */
#ifndef IOTOLL_MRC_HINTS_H
#define IOTOLL_MRC_HINTS_H

#include "mrc/mrc.h"

enum mrc_hints { MRC_HINTS_NONE, MRC_HINTS_EVICTION, MRC_HINTS_MAPPING, MRC_HINTS_BOTH };

/* Names of the values, NULL past the last. */
const char *mrc_hints_name(unsigned hints, const char **title);
/*
 * Run an LRU IOTLB of @config's geometry that takes @hints over the stream; policy and prefetcher
 * are not looked at. 0; -EINVAL with @err for a geometry that cannot be, a stream without maps, or,
 * for mapping prefetch, one of several tags, since a map does not say whose it is; -ENOMEM.
 */
int mrc_hinted(const struct mrc_stream *s, const struct iotlb_config *config, enum mrc_hints hints,
	       struct mrc_count *out, struct err *err) MUST_CHECK;

#endif
