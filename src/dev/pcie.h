/* SPDX-License-Identifier: MIT */
/*
 * A device's PCI Express link and the root port at its other end (PCI Express Base Specification
 * 3.0, chapters 2 and 3), on a bus (dev/bus.h) that says which IOMMU translates for it. Requests
 * are cut into transaction layer packets: writes of at most MPS bytes, reads of at most MRRS, none
 * across a 4 KiB boundary, so each needs one translation. Each direction of the link carries one
 * packet at a time.
 *
 * What is in flight is bounded, and from that throughput follows. A write holds credits of the
 * root port, a header and its data, until it has been translated and written; writes are written
 * in the order sent. A read holds a tag until its data are back, which may overtake other reads but
 * not writes sent before it. An IOTLB miss waits for one of the IOMMU's walkers: it keeps the
 * credits of every write behind it, and the device's buffers fill.
 *
 * A write has no answer: one that is refused disappears, and the device never hears of it. A read
 * that is refused is completed with an error.
 *
 * Modelling choices: packets of the data link layer (2 to 5 % of the link), retries and errors are
 * left out; a device may send a read while its writes wait for credits; completions are of MPS
 * bytes; register accesses of CPUs do not load the link. Allocates nothing after creation.
 */
#ifndef IOTOLL_DEV_PCIE_H
#define IOTOLL_DEV_PCIE_H

#include "dev/bus.h"

#define PCIE_TAGS_MAX    256u /* of 8-bit tags */
#define PCIE_HEADERS_MAX 256u

struct pcie;

/*
 * One DMA. The device fills the first group. @left (may be NULL) is called when the device need no
 * longer keep the bytes of a write: the last packet has arrived at the root port. @done ends it:
 * all bytes are in memory, or in @buffer, which must stay until then. @status 0; -EPERM or -EFAULT
 * (refused, no memory there), -ESHUTDOWN. Of a write it is for counters: hardware would not know.
 * Both are called from events; in @done the request may be used again.
 */
struct pcie_request {
	uint64_t iova;
	void *buffer;
	uint32_t bytes;               /* 1.. ; of a message 4 */
	enum iotoll_access direction; /* IOTOLL_READ: the device reads memory */
	bool message;                 /* a write that goes to a CPU, not to memory: MSI-X */
	void (*left)(void *ctx, struct pcie_request *req);
	void (*done)(void *ctx, struct pcie_request *req, int status);
	void *ctx;

	/* The link's own. Zero before the first use. */
	struct pcie_request *next;
	uint64_t order;
	uint32_t sent, landed; /* bytes */
	int status;
	bool busy;
};

struct pcie_config {
	struct bus *bus;
	uint16_t devid;
	unsigned tags; /* reads in flight: 1 to PCIE_TAGS_MAX */
};

struct pcie_stats {
	uint64_t write_packets, read_packets, completions;
	uint64_t up_ps, down_ps;  /* the directions of the link were taken */
	uint64_t walks;           /* translations that had to read tables */
	uint64_t walk_wait_ps;    /* for a walker, or for another packet's walk to the same page */
	uint64_t credit_stalls;   /* times that a write waited for credits alone */
	uint64_t credit_stall_ps; /* for how long, those over by now */
	uint64_t tag_stalls;      /* times that a read waited for a tag alone */
	uint64_t refused_writes, refused_reads;
};

/*
 * A link with the numbers of the machine's profile, section [pcie]. 0 and *@out; -EINVAL for tags
 * out of range or a profile without that section; -ENOMEM.
 */
int pcie_create(struct pcie **out, const struct pcie_config *config) MUST_CHECK;
/* NULL is allowed. */
void pcie_destroy(struct pcie *p);
/* Hand in @req, which must not be busy. */
void pcie_submit(struct pcie *p, struct pcie_request *req);
/* Forget every request without calling anybody: a device reset. */
void pcie_abort(struct pcie *p);
/* Valid until pcie_destroy(); a reader that wants an interval subtracts two copies. */
const struct pcie_stats *pcie_stats(const struct pcie *p);

#endif
