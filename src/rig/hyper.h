/* SPDX-License-Identifier: MIT */
/*
 * A board with a hypervisor on it: the IOMMU and the bus below it are the board's, the IOMMU's
 * table is kept by the hypervisor, with the driver half that a kernel on bare metal would use, and
 * each domain is a guest machine whose DMA layer asks the hypervisor for entries.
 *
 * One domain has the bus. What its devices reach is decided by enum hyper_tables. Without an IOMMU,
 * or with one that is switched off, they reach everything.
 */
#ifndef IOTOLL_RIG_HYPER_H
#define IOTOLL_RIG_HYPER_H

#include "dma/driver/driver.h"
#include "rig/rig.h"
#include "sim/gate.h"
#include "sim/guest.h"
#include "sim/lock.h"
#include "xen/hypervisor.h"

#define HYPER_DEVICE  0u /* the number under which the bus is assigned; RIG_BUS */
#define HYPER_DOMAINS 8u
#define HYPER_RANGES  8u

enum hyper_tables {
	/* What the domain asks for, entry by entry: it knows of the IOMMU (dom0, driver domain). */
	HYPER_ASKED,
	/*
	 * All of the domain's memory at its own pseudo-physical addresses, from the start and
	 * whatever becomes of its pages: it knows of no IOMMU and nobody asks it ("The Price of
	 * Safety", section 4.3.1). Page tables and the like are left out: devices must not write to
	 * them, nor have they anything to read there. Under the strategy "preallocated" the domain
	 * knows, and asks for nothing.
	 */
	HYPER_WHOLE,
	/* The same at machine addresses; only under that strategy. */
	HYPER_MACHINE,
};

struct hyper_domain_config {
	const char *name; /* "dom0"; outlives the domain */
	uint16_t id;
	uint64_t pages; /* of memory, its own tables included */
	uint64_t empty; /* page numbers besides, where frames of others can be mapped */
	unsigned vcpus;
	const unsigned *physical;  /* [vcpus]: the board's CPU that carries each, or first does */
	unsigned weight, cap;      /* with a scheduler: see struct guest_vcpus */
	uint32_t affinity;         /* the same */
	bool privileged, hardware; /* see struct xen_domain_config */
	bool grants_reach_devices; /* the same */
};

struct hyper;

/* One domain of a struct hyper. */
struct hyper_domain {
	struct hyper *hyper;
	const char *name;       /* as configured: must outlive it */
	struct xen_domain *xen; /* NULL once it is dead */
	struct memory *view;
	struct machine *machine;
	struct env_hypervisor door; /* for its DMA layer */
};

struct hyper_config {
	struct rig_config rig; /* as for bare metal; rig.machine is the board */
	enum hyper_tables tables;
	/*
	 * HYPER_ASKED: entries for what the domain maps by grant with GNTMAP_device_map come and go
	 * with the mapping ("The Price of Safety", section 4.4). They have a part of the table.
	 */
	bool grants_bring_entries;
	bool frozen; /* for demonstration: HYPER_WHOLE, once: see struct xen_device_config */
	/* For demonstration: entries change, and the IOTLB is never told. */
	bool unflushed;
	const struct gate_ops *scheduler; /* of the board's CPUs; NULL: each carries one vCPU */
};

struct hyper {
	struct hyper_config config;
	struct xen *xen;
	struct rig rig;     /* the board's IOMMU and bus, and the DMA domain of who has the bus */
	struct dma_env env; /* the hypervisor's own, on the board */
	struct dma_driver *driver; /* of the IOMMU; NULL: nothing is translated */
	struct vlock lock;         /* of the table */
	phys_t lock_line;
	struct env_withheld withheld[HYPER_RANGES];
	unsigned withheld_count;
	struct hyper_domain domain[HYPER_DOMAINS];
	unsigned domains;
	struct hyper_domain *holder; /* who has the bus, NULL: nobody yet */
	bool hole;
};

/*
 * The board's IOMMU, bus and hypervisor; translation is on from here, and every table empty. @h
 * must stay where it is. 0; -EINVAL with @err for what cannot be built; -ENOMEM.
 */
int hyper_init(struct hyper *h, const struct hyper_config *config, struct err *err) MUST_CHECK;
/* Guests' software and devices must be gone, and no CPU may run. Allowed on a zeroed struct. */
void hyper_fini(struct hyper *h);

/* Build a domain. 0 and *@out, valid until hyper_fini(); -ENOSPC; what its parts say, with @err. */
int hyper_add_domain(struct hyper *h, const struct hyper_domain_config *config,
		     struct hyper_domain **out, struct err *err) MUST_CHECK;
/* Kill it (xen_domain_kill()). Its machine stays, but none of its CPUs may run any more. */
void hyper_kill_domain(struct hyper_domain *d);
/*
 * Give @d the bus, and make the DMA domain to which its devices are attached (h->rig.domain),
 * watched as on bare metal. @devid: the requester whose entries these are, where the IOMMU tells
 * requesters apart. Once. 0; -EINVAL, -EBUSY, -ENOMEM with @err.
 */
int hyper_assign_bus(struct hyper_domain *d, uint16_t devid, struct err *err) MUST_CHECK;

/* What the bus's devices reach, page by page of their address space, and whose memory it is. */
struct hyper_scope {
	uint64_t probed;     /* pages asked for */
	uint64_t own_live;   /* lead to memory of who has the bus, with a live request's part, */
	uint64_t own_other;  /* or without one; */
	uint64_t granted;    /* to another domain's, with a live request of who has the bus, */
	uint64_t foreign;    /* or without one; */
	uint64_t hypervisor; /* to what is no domain's */
	uint64_t nowhere;    /* where there is no memory: rig_no_memory() */
};

/*
 * Ask for all of it, each page for reading and for writing; where nothing is translated, look at
 * all of the board's memory. Changes nothing. After hyper_assign_bus().
 */
void hyper_scope(const struct hyper *h, struct hyper_scope *out);

#endif
