/* SPDX-License-Identifier: MIT */
/*
 * Two machines and a cable: the machine under test behind its IOMMU, the client without one, a
 * NIC on each, one link between them, and the load that runs on both.
 */
#ifndef IOTOLL_STUDY_TESTBED_H
#define IOTOLL_STUDY_TESTBED_H

#include "dev/link.h"
#include "dev/tg3.h"
#include "guest/host.h"
#include "load/load.h"
#include "rig/hyper.h"
#include "rig/rogue.h"
#include "study/diskbed.h"
#include "study/run.h"
#include "study/scenario.h"
#include "study/streambed.h"

struct testbed_side {
	struct machine *board;   /* what the profile describes */
	struct machine *machine; /* on which the load runs: the board, or a domain on it */
	struct rig *rig;         /* the board's IOMMU and bus, the NIC's DMA domain, watchers */
	struct rig metal;        /* bare metal's; else it is the hypervisor's */
	struct hyper *hyper;     /* NULL: bare metal */
	struct irq irq;
	struct tg3 *nic;
	struct mmio_window nic_regs;
	struct iotoll_dma_device *dma;
	/* NULL: a load on the disk of the kernel that drives the adapter. */
	struct host *host;       /* of the load */
	struct host *nic_host;   /* who drives NIC or adapter: the same, or dom0 on behalf of it */
	struct kmalloc *kmalloc; /* of a machine without a host */
	struct diskbed disk;     /* of a load on a disk */
	struct blockdev *volume; /* the load's: that disk, or a domain's way to it */
	struct host_guest *vif;  /* dom0's end of the load's interface, if there is one */
	struct host_disk *vbd;   /* the same of its disk */
};

struct testbed {
	const struct scenario *scenario;
	struct sim *sim;
	struct frame_pool *pool;
	struct link *link;               /* NULL, and no client: a load on the disk */
	struct pcap *pcap;               /* NULL: no capture */
	struct testbed_side sut, client; /* of the client nothing: see stream */
	struct streambed stream;         /* of a load of segments: NIC, driver and partner */
	struct load *load;
	struct rogue *rogue; /* NULL: the device means well */
	struct event lie;
	struct {
		sim_time at; /* 0: not told yet */
		int status;  /* what the bus answered */
		uint64_t paddr;
		bool landed; /* memory says so */
	} lied;
	struct event corruption;
	uint64_t corrupted_iova; /* of the entry that was zeroed; UINT64_MAX: none */
};

/*
 * Build everything @s asks for, with the capture and the observers of @options. @t must stay where
 * it is. 0; -EINVAL for what cannot be built, with @err; -ENOMEM; what profiles and the stack say.
 * On failure nothing is left.
 */
int testbed_init(struct testbed *t, const struct scenario *s, const struct run_options *options,
		 struct err *err) MUST_CHECK;
/* Finish the capture and take everything down. 0 or what closing the capture said. */
int testbed_fini(struct testbed *t, struct err *err) MUST_CHECK;
/* The CPUs on which a side's software runs, virtual ones under a hypervisor: all domains'. */
unsigned testbed_cpus(const struct testbed_side *side);
/* The @n-th of them; *@domain (may be NULL) is whose it is, NULL on bare metal. */
struct cpu *testbed_cpu(const struct testbed_side *side, unsigned n, const char **domain);
/* Physical CPUs that carry them. */
unsigned testbed_physical_cpus(const struct testbed *t, const struct testbed_side *side);
/* The driver of the IOMMU's table, whoever keeps it: where it lies, and its entry for @iova. */
void testbed_table(const struct testbed_side *side, iotoll_phys_t *paddr, size_t *bytes);
int testbed_entry(const struct testbed_side *side, iotoll_iova_t iova,
		  struct iotoll_dma_entry *out) MUST_CHECK;
/* Let @timeline watch the CPUs of both sides and the protected machine. 0 or -ENOMEM with @err. */
int testbed_show(const struct testbed *t, struct timeline *timeline, struct err *err) MUST_CHECK;
/* Throw everything away; a capture leaves no file. Allowed on a zeroed testbed. */
void testbed_abandon(struct testbed *t);

#endif
