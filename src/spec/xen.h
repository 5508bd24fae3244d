/* SPDX-License-Identifier: MIT */
/*
 * What a guest of the hypervisor knows that Xen's public headers do not say: where its direct map
 * lies, and the IOMMU hypercall. Xen has never had one; this ABI is ours, after the proposals of
 * 2014-2025 (number 43 is the one they ask for) with the checks those left out.
 *
 *	long iommu_op(struct xen_iommu_op ops[], unsigned long count)
 *
 * Elements are carried out in array order, each has its own status. Returns 0 when every element
 * was carried out, whatever their statuses say; -EINVAL for a count above XEN_IOMMU_OPS_MAX,
 * -EFAULT for a bad pointer (elements before the fault are done), -ENODEV for a domain without
 * any device. Statuses are 0 or a negative errno value:
 *
 *	-EOPNOTSUPP	unknown op
 *	-ENODEV		the device does not exist or is another domain's
 *	-EINVAL		unknown flag, neither R nor W, count 0 or above XEN_IOMMU_PAGES_MAX, bfns
 *			outside the device's window, a grant handle with a count other than 1
 *	-EADDRINUSE	map: the bfn has an entry already; it stays
 *	-EPERM		map, replace: the frame is not the caller's, nor covered by a live grant
 *			mapping of the caller's (a writable one for W), or there is no such handle;
 *			unmap, replace: the entry came with a grant mapping and goes with it;
 *			all: the device's table is kept by the hypervisor alone
 *	-EBUSY		map, replace with W: the frame is a page table now; or its counts are
 *			exhausted
 *	-ENOENT		unmap, replace: the bfn has no entry
 *	-ENOSPC, -ENOMEM  the IOMMU's table takes no more
 *
 * A replace has entries that are there lead elsewhere, in one store each, as a guest on bare metal
 * can that never frees them ("The Price of Safety", section 4.3.4): what the entry said before is
 * treated as by an unmap, what it says from now on as by a map. A page whose replace fails says
 *what it said. That there is such an op is our choice: of the proposals none has it.
 *
 * After a failure within a range, done tells how many pages of it were carried out; they stay.
 *
 * A frame that is mapped keeps a page reference (W: a writable-type reference too), which an unmap
 * does not drop: only the next flush of the device does, when no IOTLB entry can be left. The
 * hypervisor flushes by itself when too many are waiting. So whether a guest flushes at once or
 * later is its own policy, and costs nobody else's safety.
 */
#ifndef IOTOLL_SPEC_XEN_H
#define IOTOLL_SPEC_XEN_H

#include <assert.h>
#include <stdint.h>

/* Guest virtual address of pseudo-physical address 0 (x86-64 Linux under Xen). */
#define XEN_PAGE_OFFSET UINT64_C(0xffff880000000000)
/* The range [first, end) is the hypervisor's in every address space. */
#define XEN_RESERVED_FIRST UINT64_C(0xffff800000000000)
#define XEN_RESERVED_END   UINT64_C(0xffff880000000000)

/*
 * A word of a kernel's p2m list with this bit stands for a page of another domain's: the rest is
 * the page number by which devices reach it (Linux 2.6.18: FOREIGN_FRAME()).
 */
#define XEN_P2M_FOREIGN (UINT64_C(1) << 63)

#define XEN_HYPERCALL_IOMMU_OP 43u

#define XEN_IOMMU_OPS_MAX   512u /* elements of a call */
#define XEN_IOMMU_PAGES_MAX 512u /* pages of an element */

enum xen_iommu_what {
	XEN_IOMMU_MAP = 1,
	XEN_IOMMU_UNMAP = 2,
	XEN_IOMMU_FLUSH = 3, /* the whole device; bfn, frame and count mean nothing */
	XEN_IOMMU_REPLACE = 4,
};

#define XEN_IOMMU_R     0x1u
#define XEN_IOMMU_W     0x2u
#define XEN_IOMMU_GRANT 0x4u /* frame is a handle of a grant mapping, not a machine frame */
#define XEN_IOMMU_FLAGS 0x7u

struct xen_iommu_op {
	uint16_t what;   /* enum xen_iommu_what */
	uint16_t flags;  /* XEN_IOMMU_*; map and replace only, 0 otherwise */
	int32_t status;  /* out */
	uint32_t device; /* bus or device number, as it was given to the domain */
	uint32_t count;  /* pages: bfn, bfn + 1, ... onto frame, frame + 1, ... */
	uint64_t bfn;    /* I/O address >> 12 */
	uint64_t frame;  /* machine frame, or a handle; map, replace */
	uint32_t done;   /* out: pages carried out */
	uint32_t pad;
};
static_assert(sizeof(struct xen_iommu_op) == 40, "the element's layout is an ABI");

#endif
