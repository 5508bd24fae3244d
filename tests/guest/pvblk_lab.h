/* SPDX-License-Identifier: MIT */
/*
 * A board with a hypervisor and three bare kernels, without network: domain 0 with a disk of memory
 * (ram_blockdev.h), domains 1 and 2. Either end of a paravirtual disk may be made by hand.
 */
#ifndef IOTOLL_TESTS_GUEST_PVBLK_LAB_H
#define IOTOLL_TESTS_GUEST_PVBLK_LAB_H

#include "lab.h"
#include "ram_blockdev.h"

#include "guest/blkback.h"
#include "guest/blkfront.h"
#include "guest/xen_evtchn.h"
#include "guest/xen_share.h"
#include "mem/memory_view.h"
#include "sim/guest.h"
#include "xen/hypervisor.h"

#define PVBLK_SECTORS 4096u

struct pvblk_side {
	struct xen_domain *d;
	struct memory *view;
	struct machine *machine;
	struct kmalloc *kmalloc;
	struct pv_kernel *k;
};

struct pvblk_lab {
	struct sim *sim;
	struct machine *board;
	struct xen *hv;
	struct pvblk_side side[3]; /* by domain number */
	struct ram_blockdev disk;
};

struct pvblk_lab *pvblk_lab_create(void);
/* Checks that no grant, no memory of domains 1 and 2, and nothing of the hypervisor's is left. */
void pvblk_lab_destroy(struct pvblk_lab *x);
void pvblk_lab_run(struct pvblk_lab *x, uint64_t ps);
/* xen_check(), failing the test with what it says. */
void pvblk_lab_check(struct pvblk_lab *x);
/* A page of domain @n, granted to domain @to. */
grant_ref_t pvblk_lab_grant(struct pvblk_lab *x, unsigned n, const void *page, unsigned to,
			    bool readonly);
/* For ports whose events do not matter. */
void pvblk_lab_ignore(void *ctx, struct cpu *cpu);
/* Disconnect a disk by a task of domain 0, and wait until nothing of it is left. */
void pvblk_lab_close(struct pvblk_lab *x, struct blkback_vbd *v);

/* One bio of one range on a page of domain @n. */
struct pvblk_io {
	struct bio bio;
	struct bio_vec vec;
	uint8_t *page; /* 4096 bytes, the caller's to free with kmalloc_free() */
	int status;    /* 1: not done */
};

/* @count sectors from byte @offset of the page. */
void pvblk_io_make(struct pvblk_io *io, struct pvblk_lab *x, unsigned n, enum bio_op op,
		   uint64_t sector, unsigned offset, unsigned count);

#endif
