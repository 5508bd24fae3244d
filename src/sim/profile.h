/* SPDX-License-Identifier: MIT */
/*
 * A machine profile: what each event costs on one machine, read from INI text in which every
 * number has a unit, a grade and a source (see profiles/README.md for the grammar). Costs that
 * a CPU pays are kept in picoseconds of that machine; the text may say ns, us or cycles.
 *
 * The table in profile_params.c is the only list of parameters: name, unit, legal range, help.
 */
#ifndef IOTOLL_SIM_PROFILE_H
#define IOTOLL_SIM_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sim/time.h"

enum grade { GRADE_MEASURED, GRADE_PUBLISHED, GRADE_ESTIMATED };

/*
 * Which end of each estimated range a run uses. Costs only: sizes, numbers and the clock describe
 * the machine, and a smaller machine is not a cheaper one, so they stay.
 */
enum estimate {
	ESTIMATE_DEFAULT,
	ESTIMATE_LOW,
	ESTIMATE_HIGH,
	/* What only protection costs at one end, what everything costs at the other, for the widest
	 * spread of their ratio. What both share stays at its default. */
	ESTIMATE_DEAR_PROTECTION,
	ESTIMATE_CHEAP_PROTECTION,
};

struct cost { /* everything is picoseconds unless the name says otherwise */
	/* [memory] */
	uint64_t dram_miss;     /* load that misses every cache, until the data is there */
	uint64_t line_transfer; /* line held modified by another CPU */
	uint64_t cache_hit;     /* charged per line touched that is already there */
	uint64_t copy_cold;     /* per 64-byte line copied from memory (streaming) */
	uint64_t copy_warm;     /* per 64-byte line copied from the cache */
	uint64_t clflush;       /* write back and drop one line, and wait for it */
	/* [cpu] */
	uint64_t locked_rmw; /* locked read-modify-write on an own line */
	uint64_t irq_flags;  /* save and disable, restore: the pair */
	uint64_t mmio_read;  /* uncached read of a device register, CPU stalled */
	uint64_t mmio_write; /* posted write leaves the CPU */
	uint64_t interrupt;  /* entry and exit of an interrupt handler */
	uint64_t syscall;    /* entry and exit of a system call */
	uint64_t context_switch;
	uint64_t ipi;    /* wake an idle CPU from another: until it runs */
	uint64_t wakeup; /* make a sleeping task runnable, paid by the waker */
	/* [kernel] per-event work of the kernel around the IOMMU */
	uint64_t rx_segment;  /* TCP/IP receive work for one data segment */
	uint64_t rx_ack;      /* TCP/IP receive work for one pure acknowledgement */
	uint64_t tx_segment;  /* TCP/IP transmit work for one data segment */
	uint64_t tx_ack;      /* build and send one pure acknowledgement */
	uint64_t socket_send; /* one send() inside the kernel, without copy and segments */
	uint64_t socket_recv; /* one recv() inside the kernel, without the copy */
	uint64_t driver_rx;   /* driver work per received frame */
	uint64_t driver_tx;   /* driver work per transmitted frame, submit and reap */
	uint64_t driver_poll; /* one NAPI poll call */
	uint64_t irq_body;    /* NIC interrupt handler without its register accesses */
	uint64_t skb_alloc;   /* allocate and free one packet buffer */
	uint64_t app_call;    /* what netperf does between two calls */
	uint64_t gro_segment; /* merge one received segment with those before; 0 if left out */
	uint64_t tx_fragment; /* each further piece of a frame sent; 0 if left out */
	uint64_t bridge;      /* pass one frame through a bridge; 0 if left out */
	uint64_t netback_tx;  /* netback's work for one frame out of a guest; 0 if left out */
	uint64_t netback_rx;  /* ... into a guest; 0 if left out */
	/* [iommu] the DMA layer's instructions; lock, cache and flush costs come on top */
	uint64_t dma_call;       /* enter the DMA API, find the table, arithmetic */
	uint64_t bitmap_word;    /* examine one 64-bit word of the allocation bitmap */
	uint64_t tce_store;      /* build one table entry and store it */
	uint64_t iommu_reg_read; /* uncached read of a register of the IOMMU; 0: as mmio_read */
	/* hardware side */
	uint64_t walk_read;        /* one table read by the IOMMU */
	uint64_t iotlb_hit;        /* one translation out of the IOTLB */
	uint64_t iommu_invalidate; /* hardware time to empty the IOTLB after the register write */
	uint64_t ats_request;    /* a device's translation request, there and back; 0 if left out */
	uint64_t ats_invalidate; /* an invalidation of a device's cache, likewise; 0 if left out */
	/* [xen] below the hypervisor; misses of its tables and moved bytes come on top */
	uint64_t xen_hypercall;       /* into the hypervisor and back, without what it does there */
	uint64_t xen_multicall_entry; /* dispatch one more call of a batch */
	uint64_t xen_syscall_bounce;  /* a 64-bit guest's system call, on top of syscall */
	uint64_t xen_context_switch;  /* a guest's task switch, on top of context_switch */
	uint64_t xen_irq;         /* the hypervisor takes a device's interrupt, until the event */
	uint64_t xen_upcall;      /* an event into the guest: entry and exit */
	uint64_t xen_event_send;  /* handler of an event-channel send */
	uint64_t xen_vcpu_switch; /* another virtual CPU on a physical one */
	uint64_t xen_grant_map;
	uint64_t xen_grant_unmap;    /* without the TLB flush */
	uint64_t xen_grant_copy;     /* without the copy */
	uint64_t xen_grant_transfer; /* one page changes hands, without the TLB flush */
	uint64_t xen_va_update;      /* check and store one page-table entry */
	uint64_t xen_tlb_flush;      /* of the CPU it is done on */
	uint64_t xen_iommu_op;       /* check one element, without the IOMMU's table */
	uint64_t xen_memory_op;      /* one extent given or taken */
	/* [bus] */
	uint64_t bus_overhead; /* address, attribute and turn-around of one transaction */
	uint64_t bus_byte;     /* one byte of data on the bus */
	uint64_t
		dma_read_latency; /* device read: from request to first data, without translation */
	uint64_t posted_write_latency; /* register write: from the CPU to the device */
	/* [pcie] */
	uint64_t pcie_credit; /* from a write's translation until its credits are back */
	/* [disk] work of CPUs */
	uint64_t disk_bio;      /* block layer, per bio */
	uint64_t disk_request;  /* block layer and SCSI, per request */
	uint64_t disk_segment;  /* per entry of its scatter list */
	uint64_t disk_driver;   /* adapter driver, per command */
	uint64_t disk_irq_body; /* its interrupt handler without register accesses */
	uint64_t disk_blkfront; /* paravirtual disk's driver, per request; 0 if left out */
	uint64_t disk_blkback;  /* its backend, likewise; 0 if left out */
	uint64_t fs_call;       /* file system, per call, without names and pages */
	uint64_t fs_name;       /* per name looked up, added or removed */
	uint64_t fs_page;       /* page cache, per page found or made */
	uint64_t fs_word;       /* per 64-bit word of a bitmap searched */
	/* host bus adapter and Fibre Channel */
	uint64_t disk_adapter_command; /* the adapter is busy with one command */
	uint64_t disk_link_byte;       /* one byte on the link */
	uint64_t disk_link_latency;    /* one way */
	/* the array behind it */
	uint64_t disk_array_command; /* its controller is busy with one command */
	uint64_t disk_array_latency; /* and what else it adds to one */
	uint64_t disk_seek_track;    /* to the next track */
	uint64_t disk_seek_average;  /* over a third of all tracks */
	uint64_t disk_rotation;      /* one revolution */
	uint64_t disk_media_byte;    /* one byte from or to the platter */
};

struct profile {
	char name[48];
	char title[128];
	char iommu[32]; /* the IOMMU it was sold with, in the words of who names IOMMUs; "": none */
	uint32_t clock_mhz;
	uint32_t cpus;
	uint64_t memory_bytes;
	uint32_t l2_bytes; /* per CPU */
	uint32_t l2_ways;
	bool has_iommu; /* false: the profile has no [iommu] section, those costs are 0 */
	bool has_xen;   /* the same of [xen]: nothing runs under a hypervisor on it */
	bool has_pcie;  /* the same of [pcie]; then what follows is 0, too */
	uint32_t pcie_generation, pcie_lanes;
	uint32_t pcie_mps, pcie_mrrs; /* bytes */
	uint32_t pcie_packet_bytes;   /* of a packet besides its data */
	uint32_t pcie_posted_headers; /* credits of the root port */
	uint32_t pcie_posted_data;    /* likewise, bytes */
	uint32_t walkers;             /* of the IOMMU; 0 if left out: 1 */
	bool has_disk;                /* the same of [disk]; then what follows is 0, too */
	uint64_t disk_cache_bytes;    /* of the array, for this volume */
	uint64_t disk_drive_bytes;    /* of one whole drive */
	uint32_t disk_spindles;       /* drives it is striped over */
	uint32_t disk_stripe_bytes;   /* of it, on one drive */
	struct cost cost;
};

/* One parameter as written in the file, for listing and for the result's provenance. */
struct profile_row {
	const char *key; /* "memory.dram_miss" */
	const char *help;
	char text[32];  /* "130 ns" */
	char range[48]; /* "108..155 ns", empty if none */
	enum grade grade;
	char source[640];
	int line; /* where the key stands; continuation lines follow it */
};

/*
 * Read @path; the profile is named after the file, without folder and ".ini". @overrides is a
 * NULL-terminated list of "section.key=VALUE UNIT" (may be NULL), each replacing a value and its
 * range; of several for one key the last counts. Unknown keys, missing keys, wrong units, values
 * out of range and estimated numbers without a range are refused: -EINVAL and @err says
 * FILE:LINE: section.key: what was expected, or names the override. The sections [iommu], [xen],
 * [pcie] and [disk] may each be absent as a whole. -errno if the file cannot be read. *@out is
 * written on success only.
 */
int profile_load(struct profile *out, const char *path, enum estimate end,
		 const char *const *overrides, struct err *err) MUST_CHECK;

/*
 * Call @fn for each parameter of @path in file order, but for machine.title and machine.iommu,
 * which are no numbers. The whole file is checked first, as profile_load() does. Returns 0, @fn's
 * first nonzero answer, or profile_load()'s errors. A row is valid during the call only, its key
 * and help for ever.
 */
int profile_rows(const char *path, int (*fn)(void *ctx, const struct profile_row *row), void *ctx,
		 struct err *err) MUST_CHECK;

/*
 * Would "@key=@value" do as an override, as far as that can be told without a profile? 0; -EINVAL
 * with @err: an unknown key (and a near one), a wrong unit.
 */
int profile_check(const char *key, const char *value, struct err *err) MUST_CHECK;

/* Cycles of this machine's clock in @ps, rounded to nearest. */
static inline uint64_t profile_cycles(const struct profile *p, uint64_t ps)
{
	return (uint64_t)(((unsigned __int128)ps * p->clock_mhz + 500000) / 1000000);
}

#endif
