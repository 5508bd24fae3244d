/* SPDX-License-Identifier: MIT */
/* Streams of IOTLB accesses: out of a recorded trace, or of a run of the simulator. */
#ifndef IOTOLL_STUDY_IOTLB_STREAM_H
#define IOTOLL_STUDY_IOTLB_STREAM_H

#include "mrc/sample.h"
#include "study/iotlb_lab.h"

/*
 * Read the trace of @r into @s (just made). *@rule says in words what its accesses are:
 * - the device's side: accesses and invalidations as recorded;
 * - the kernel's side: it holds no accesses, so each page of a mapping is accessed once,
 *   immediately before its unmap, as a replay does it, and invalidated by it. Pages whose map was
 *   not recorded are left out.
 * 0; -EINVAL with @err for a trace with neither, or one that cannot be read; -EINTR when
 * @r->options.should_stop() says so; -EFBIG; -ENOMEM.
 */
/* With @sample not NULL what the device asked goes there, and @s stays empty. */
int iotlb_stream_trace(struct mrc_stream *s, struct mrc_sample *sample,
		       const struct iotlb_lab_request *r, const char **rule,
		       struct err *err) MUST_CHECK;

/*
 * Run @scenario and note what is asked of its IOMMU's IOTLB from first to last, and what is mapped.
 * The run is not disturbed. Several IOTLBs of one IOMMU are told apart by tag. 0; -EINVAL with @err
 * without an IOMMU; what run_scenario() says.
 */
int iotlb_stream_run(struct mrc_stream *s, const struct scenario *scenario,
		     const struct run_options *options, struct err *err) MUST_CHECK;

#endif
