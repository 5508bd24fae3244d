/* SPDX-License-Identifier: MIT */
/*
 * A board with a hypervisor, a driver domain that has the NIC, and guests behind its bridge; at the
 * other end of the cable the lab's ordinary side 0. Domain 0 runs on CPUs 0 and 1, each guest on
 * one CPU of its own.
 */
#ifndef IOTOLL_TESTS_GUEST_XEN_LAB_H
#define IOTOLL_TESTS_GUEST_XEN_LAB_H

#include "transfer.h"

#include "guest/xen_grant.h"
#include "mem/memory_view.h"
#include "sim/guest.h"
#include "xen/hypervisor.h"

#define XEN_LAB_GUESTS 2u

struct xen_lab_domain {
	struct xen_domain *d; /* NULL: dead */
	struct memory *view;
	struct machine *machine;
	struct host *host;
	struct host_guest *vif; /* dom0's end of it */
};

struct xen_lab {
	struct lab *lab; /* side 0: the client; side 1: domain 0 */
	struct machine *board;
	struct xen *hv;
	struct env_hypervisor call;
	struct xen_lab_domain dom[1 + XEN_LAB_GUESTS]; /* by domain number */
	uint64_t grants_at_rest[1 + XEN_LAB_GUESTS];
};

enum xen_lab_mode { XEN_LAB_COPY, XEN_LAB_FLIP, XEN_LAB_NO_FRONT };

/* Address of domain @n: XEN_LAB_IP(0) is that of domain 0. */
#define XEN_LAB_IP(n) LAB_IP(1 + (n))

struct xen_lab *xen_lab_create(enum xen_lab_mode mode);
/* Checks that the hypervisor's tables are consistent, that no grant and no memory is left over. */
void xen_lab_destroy(struct xen_lab *x);
/* Run for @ps more; nobody has panicked. */
void xen_lab_run(struct xen_lab *x, uint64_t ps);
/* The domain dies where it stands, and domain 0 hears of it. */
void xen_lab_kill(struct xen_lab *x, unsigned n);
/* A task of domain 0 disconnects an interface; returns when it is done. */
void xen_lab_remove(struct xen_lab *x, struct host_guest *vif);
/* xen_check(), failing the test with what it says. */
void xen_lab_check(struct xen_lab *x);
/* A program on CPU 0 of domain @n that will talk to @ip. The caller frees it. */
struct program *xen_lab_program(struct xen_lab *x, unsigned n, uint32_t ip, bool sends,
				uint64_t bytes);

#endif
