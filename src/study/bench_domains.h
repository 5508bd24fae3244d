/* SPDX-License-Identifier: MIT */
/*
 * A board with a hypervisor and two domains on it, for experiments about what section 4.3.1 of "The
 * Price of Safety" (OLS 2007) proposes: the first domain has the bus with a device on it, the other
 * one has nothing but memory.
 */
#ifndef IOTOLL_STUDY_BENCH_DOMAINS_H
#define IOTOLL_STUDY_BENCH_DOMAINS_H

#include "rig/hyper.h"
#include "study/experiment.h"

enum bench_domain { BENCH_HOLDER, BENCH_OTHER, BENCH_DOMAINS };

#define BENCH_FLIPS        32u   /* pages that change their frames in one call */
#define BENCH_DOMAIN_PAGES 2048u /* of each, its own tables included */

struct bench_domains {
	struct sim *sim;
	struct machine *board;
	struct hyper hyper;
	struct hyper_domain *domain[BENCH_DOMAINS];
	struct iotoll_dma_device *device; /* of the holder, BENCH_DEVID */
};

/* How the holder's table is kept. */
struct bench_domains_config {
	const char *strategy; /* "preallocated": a table that follows the holder's pages */
	/* For demonstration, of such a table: it does not follow; it does, and the IOTLB is never
	 * told. */
	bool frozen, unflushed;
	bool small; /* a table of 8192 entries, Calgary's least; not for one that follows */
	bool lists; /* entries cross in lists, one for each call of the DMA API */
};

/*
 * On a board of @profile, but with 128 MiB of memory; Calgary, whose IOTLB is the model's. @b must
 * stay where it is. 0, or the first failure with @err; bench_domains_fini() in any case.
 */
int bench_domains_init(struct bench_domains *b, const struct profile *profile,
		       const struct bench_domains_config *config, struct err *err) MUST_CHECK;
void bench_domains_fini(struct bench_domains *b);

/* A hypercall of the holder's vCPU, charged to it while it executes. The hypervisor's answer. */
long bench_hypercall(struct bench_domains *b, unsigned long op, unsigned long a0, unsigned long a1,
		     unsigned long a2);
/* A fresh page of the holder's, by pseudo-physical address; false if there is none. */
bool bench_domains_page(struct bench_domains *b, phys_t *page);
/*
 * Frames of the holder's that lie at no page of its, by machine frame number; @scratch: a page of
 * its for arguments. 0, -ENOSPC.
 */
int bench_domains_frames(struct bench_domains *b, phys_t scratch, uint64_t *mfn,
			 unsigned n) MUST_CHECK;
/*
 * Each of @n pages of the holder's, at most BENCH_FLIPS, gets the frame of the same place in @mfn,
 * and its frame of before is put there in exchange: one hypercall for a single page, one multicall
 * for several, its list in @scratch. 0, or the hypervisor's refusal.
 */
int bench_domains_flip(struct bench_domains *b, phys_t scratch, const phys_t *page, uint64_t *mfn,
		       unsigned n) MUST_CHECK;

#endif
