/* SPDX-License-Identifier: MIT */
/*
 * The table of a profile's parameters: key, units, field, legal range, help. The legal ranges are
 * wide; they are there to catch a slipped unit, not to judge a number.
 */
#include "sim/profile_params.h"

#include <errno.h>
#include <string.h>

#include "base/nearest.h"

#define WORK     (QUANTITY_MASK(QUANTITY_TIME) | QUANTITY_MASK(QUANTITY_CYCLES)) /* of a CPU */
#define DURATION QUANTITY_MASK(QUANTITY_TIME)
#define CLOCK    QUANTITY_MASK(QUANTITY_FREQUENCY)
#define BYTES    QUANTITY_MASK(QUANTITY_BYTES)
#define COUNT    QUANTITY_MASK(QUANTITY_COUNT)

#define PLACE(field)    offsetof(struct profile, field), sizeof(((struct profile *)NULL)->field)
#define FIELD(field)    PLACE(field), false
#define COST(field)     FIELD(cost.field)
#define OPTIONAL(field) PLACE(cost.field), true
#define NS              ((uint64_t)1000)
#define US              ((uint64_t)1000000)
#define MHZ             ((uint64_t)1000000)
#define KIB             ((uint64_t)1 << 10)
#define GIB             ((uint64_t)1 << 30)

/* clang-format off */
const struct profile_param profile_params[PROFILE_PARAMS] = {
{"machine.title", 0, FIELD(title), 0, 0, "what machine this is"},
{"machine.iommu", 0, PLACE(iommu), true, 0, 0,
	"the IOMMU it was sold with, as iommu.model names it; left out: none"},
{"machine.clock", CLOCK, FIELD(clock_mhz), 100 * MHZ, 10000 * MHZ, "CPU clock"},
{"machine.cpus", COUNT, FIELD(cpus), 1, 16, "CPUs"},
{"machine.memory", BYTES, FIELD(memory_bytes), 16 * 1024 * KIB, 64 * GIB, "physical memory"},
{"machine.l2", BYTES, FIELD(l2_bytes), 16 * KIB, GIB, "last-level cache of one CPU"},
{"machine.l2_ways", COUNT, FIELD(l2_ways), 1, 64, "its ways"},

{"memory.dram_miss", WORK, COST(dram_miss), NS, 100 * US,
	"load that misses every cache, until the data is there"},
{"memory.line_transfer", WORK, COST(line_transfer), NS, 100 * US,
	"load of a line that another CPU holds modified"},
{"memory.cache_hit", WORK, COST(cache_hit), 0, 1 * US, "access to a line that is already there"},
{"memory.copy_cold", WORK, COST(copy_cold), 0, 100 * US, "copy of 64 bytes that lie in memory"},
{"memory.copy_warm", WORK, COST(copy_warm), 0, 100 * US, "copy of 64 bytes that lie in the cache"},
{"memory.clflush", WORK, COST(clflush), 0, 100 * US, "write back and drop one line, and wait"},

{"cpu.locked_rmw", WORK, COST(locked_rmw), 0, 100 * US,
	"locked read-modify-write of a line already held"},
{"cpu.irq_flags", WORK, COST(irq_flags), 0, 100 * US,
	"save flags and disable interrupts, restore: the pair"},
{"cpu.mmio_read", WORK, COST(mmio_read), 0, 1000 * US, "uncached read of a device register"},
{"cpu.mmio_write", WORK, COST(mmio_write), 0, 1000 * US,
	"posted write of a device register, until it has left the CPU"},
{"cpu.interrupt", WORK, COST(interrupt), 0, 1000 * US, "entry and exit of an interrupt handler"},
{"cpu.syscall", WORK, COST(syscall), 0, 1000 * US, "entry and exit of a system call"},
{"cpu.context_switch", WORK, COST(context_switch), 0, 1000 * US, "switch from one task to another"},
{"cpu.ipi", WORK, COST(ipi), 0, 1000 * US, "wake an idle CPU from another, until it runs"},
{"cpu.wakeup", WORK, COST(wakeup), 0, 1000 * US,
	"make a sleeping task runnable, paid by the waker"},

{"kernel.rx_segment", WORK, COST(rx_segment), 0, 1000 * US,
	"TCP/IP receive work for one data segment"},
{"kernel.rx_ack", WORK, COST(rx_ack), 0, 1000 * US,
	"TCP/IP receive work for one pure acknowledgement"},
{"kernel.tx_segment", WORK, COST(tx_segment), 0, 1000 * US,
	"TCP/IP transmit work for one data segment"},
{"kernel.tx_ack", WORK, COST(tx_ack), 0, 1000 * US, "build and send one pure acknowledgement"},
{"kernel.socket_send", WORK, COST(socket_send), 0, 1000 * US,
	"one send() inside the kernel, without copy and segments"},
{"kernel.socket_recv", WORK, COST(socket_recv), 0, 1000 * US,
	"one recv() inside the kernel, without the copy"},
{"kernel.driver_rx", WORK, COST(driver_rx), 0, 1000 * US, "driver work per received frame"},
{"kernel.driver_tx", WORK, COST(driver_tx), 0, 1000 * US,
	"driver work per transmitted frame, submit and reap"},
{"kernel.driver_poll", WORK, COST(driver_poll), 0, 1000 * US, "one NAPI poll call"},
{"kernel.irq_body", WORK, COST(irq_body), 0, 1000 * US,
	"NIC interrupt handler without its register accesses"},
{"kernel.skb_alloc", WORK, COST(skb_alloc), 0, 1000 * US, "allocate and free one packet buffer"},
{"kernel.app_call", WORK, COST(app_call), 0, 1000 * US, "what netperf does between two calls"},
{"kernel.gro_segment", WORK, OPTIONAL(gro_segment), 0, 1000 * US,
	"merge one received segment with those before it; left out: 0"},
{"kernel.tx_fragment", WORK, OPTIONAL(tx_fragment), 0, 1000 * US,
	"each further piece of memory of a frame sent; left out: 0"},
{"kernel.bridge", WORK, OPTIONAL(bridge), 0, 1000 * US,
	"pass one frame through an Ethernet bridge; left out: 0"},
{"kernel.netback_tx", WORK, OPTIONAL(netback_tx), 0, 1000 * US,
	"backend work for one frame a guest sends, without hypercalls and copies; left out: 0"},
{"kernel.netback_rx", WORK, OPTIONAL(netback_rx), 0, 1000 * US,
	"backend work for one frame a guest receives, without hypercalls and copies; left out: 0"},

{"iommu.dma_call", WORK, COST(dma_call), 0, 100 * US,
	"enter the DMA API, find the table, arithmetic"},
{"iommu.bitmap_word", WORK, COST(bitmap_word), 0, 100 * US,
	"examine one 64-bit word of the allocation bitmap"},
{"iommu.tce_store", WORK, COST(tce_store), 0, 100 * US, "build one table entry and store it"},
{"iommu.reg_read", WORK, OPTIONAL(iommu_reg_read), NS, 1000 * US,
	"uncached read of a register of the IOMMU; left out: as cpu.mmio_read"},
{"iommu.walk_read", DURATION, COST(walk_read), 0, 100 * US, "one table read by the IOMMU"},
{"iommu.iotlb_hit", DURATION, COST(iotlb_hit), 0, 100 * US, "one translation out of the IOTLB"},
{"iommu.invalidate", DURATION, COST(iommu_invalidate), 0, 1000 * US,
	"hardware time to empty the IOTLB after the register write"},
{"iommu.walkers", COUNT, PLACE(walkers), true, 1, 16,
	"misses of the IOTLB served at a time, as seen from PCI Express; left out: 1"},
{"iommu.ats_request", DURATION, OPTIONAL(ats_request), NS, 100 * US,
	"translation request of a device with ATS, there and back, without the table reads; left out: "
	"iommu.ats cannot be on"},
{"iommu.ats_invalidate", DURATION, OPTIONAL(ats_invalidate), NS, 1000 * US,
	"invalidation of a device's own cache, there and back, without what it waits for; left out: "
	"iommu.ats cannot be on"},

{"xen.hypercall", WORK, COST(xen_hypercall), 0, 100 * US,
	"into the hypervisor and back, without what it does there"},
{"xen.multicall_entry", WORK, COST(xen_multicall_entry), 0, 100 * US,
	"dispatch one more call of a batch"},
{"xen.syscall_bounce", WORK, COST(xen_syscall_bounce), 0, 100 * US,
	"what a 64-bit guest's system call takes longer than cpu.syscall"},
{"xen.context_switch", WORK, COST(xen_context_switch), 0, 1000 * US,
	"what a guest's task switch takes longer than cpu.context_switch"},
{"xen.irq", WORK, COST(xen_irq), 0, 1000 * US,
	"the hypervisor takes a device's interrupt, until the event is set"},
{"xen.upcall", WORK, COST(xen_upcall), 0, 1000 * US, "event into the guest: entry and exit"},
{"xen.event_send", WORK, COST(xen_event_send), 0, 1000 * US,
	"handler of an event-channel send, without hypercall and upcall"},
{"xen.vcpu_switch", WORK, COST(xen_vcpu_switch), 0, 1000 * US,
	"another virtual CPU on a physical CPU"},
{"xen.grant_map", WORK, COST(xen_grant_map), 0, 1000 * US, "map one granted page"},
{"xen.grant_unmap", WORK, COST(xen_grant_unmap), 0, 1000 * US,
	"unmap one granted page, without the TLB flush"},
{"xen.grant_copy", WORK, COST(xen_grant_copy), 0, 1000 * US,
	"copy of a part of a granted page, without the copying"},
{"xen.grant_transfer", WORK, COST(xen_grant_transfer), 0, 1000 * US,
	"one page changes hands, without the TLB flush"},
{"xen.va_update", WORK, COST(xen_va_update), 0, 1000 * US,
	"check and store one entry of a guest's page table"},
{"xen.tlb_flush", WORK, COST(xen_tlb_flush), 0, 1000 * US, "flush of one CPU's TLB, by that CPU"},
{"xen.iommu_op", WORK, COST(xen_iommu_op), 0, 1000 * US,
	"check one mapping asked for, without the IOMMU's table"},
{"xen.memory_op", WORK, COST(xen_memory_op), 0, 1000 * US,
	"one extent of memory given back or taken"},

{"bus.overhead", DURATION, COST(bus_overhead), 0, 100 * US,
	"address, attribute and turn-around of one transaction"},
{"bus.byte", DURATION, COST(bus_byte), 1, 1 * US, "one byte of data on the bus"},
{"bus.dma_read_latency", DURATION, COST(dma_read_latency), 0, 100 * US,
	"device read: from request to first data, without translation"},
{"bus.posted_write_latency", DURATION, COST(posted_write_latency), 0, 100 * US,
	"register write: from the CPU to the device"},

{"pcie.generation", COUNT, FIELD(pcie_generation), 1, 5, "of PCI Express: its rate"},
{"pcie.lanes", COUNT, FIELD(pcie_lanes), 1, 16, "of the NIC's slot"},
{"pcie.mps", BYTES, FIELD(pcie_mps), 128, 4096, "longest write or completion (MPS)"},
{"pcie.mrrs", BYTES, FIELD(pcie_mrrs), 128, 4096, "longest read request (MRRS)"},
{"pcie.packet", BYTES, FIELD(pcie_packet_bytes), 16, 64,
	"of each packet besides its data: framing, header, checksum"},
{"pcie.posted_headers", COUNT, FIELD(pcie_posted_headers), 1, 256,
	"writes that the root port takes before it has done any"},
{"pcie.posted_data", BYTES, FIELD(pcie_posted_data), 128, 64 * KIB,
	"bytes of writes, likewise"},
{"pcie.credit", DURATION, COST(pcie_credit), 0, 100 * US,
	"from a write's being translated until the device has its credits back"},

{"disk.bio", WORK, COST(disk_bio), 0, 1000 * US,
	"block layer: take one bio, look for a request to merge it with, say that it is done"},
{"disk.request", WORK, COST(disk_request), 0, 1000 * US,
	"block layer and SCSI: make, queue, dispatch and complete one request"},
{"disk.segment", WORK, COST(disk_segment), 0, 100 * US,
	"one entry of a request's scatter list, from the list to the adapter's entry"},
{"disk.driver", WORK, COST(disk_driver), 0, 1000 * US,
	"adapter driver: submit and complete one command, without registers and DMA API"},
{"disk.irq_body", WORK, COST(disk_irq_body), 0, 1000 * US,
	"adapter's interrupt handler without its register accesses"},
{"disk.blkfront", WORK, OPTIONAL(disk_blkfront), 0, 1000 * US,
	"paravirtual disk's driver: put one request on the ring and take its answer off, without grants "
	"and hypercalls; left out: 0"},
{"disk.blkback", WORK, OPTIONAL(disk_blkback), 0, 1000 * US,
	"its backend: take, check and answer one request, without hypercalls and the disk's own block "
	"layer; left out: 0"},
{"disk.fs_call", WORK, COST(fs_call), 0, 1000 * US,
	"one call of the file system inside the kernel, without names, pages and copy"},
{"disk.fs_name", WORK, COST(fs_name), 0, 1000 * US,
	"look up, add or remove one name of a directory"},
{"disk.fs_page", WORK, COST(fs_page), 0, 100 * US,
	"page cache: find or make one page, without its contents"},
{"disk.fs_word", WORK, COST(fs_word), 0, 100 * US,
	"examine one 64-bit word of the file system's bitmap"},
{"disk.adapter_command", DURATION, COST(disk_adapter_command), 0, 10000 * US,
	"the adapter's processor is busy with one command"},
{"disk.link_byte", DURATION, COST(disk_link_byte), 100, 1 * US, "one byte on the Fibre Channel link"},
{"disk.link_latency", DURATION, COST(disk_link_latency), 0, 10000 * US,
	"cables and switch, one way"},
{"disk.array_command", DURATION, COST(disk_array_command), 0, 100000 * US,
	"the array's controller is busy with one command"},
{"disk.array_latency", DURATION, COST(disk_array_latency), 0, 100000 * US,
	"what the array adds to one command beside that, without keeping others waiting"},
{"disk.cache", BYTES, FIELD(disk_cache_bytes), 0, 64 * GIB, "the array's cache"},
{"disk.drive", BYTES, FIELD(disk_drive_bytes), GIB, 64 * 1024 * GIB,
	"one whole drive, of which the volume may take less"},
{"disk.spindles", COUNT, FIELD(disk_spindles), 1, 256, "drives the volume is striped over"},
{"disk.stripe", BYTES, FIELD(disk_stripe_bytes), 4 * KIB, 1024 * KIB, "of it, on one drive"},
{"disk.seek_track", DURATION, COST(disk_seek_track), 0, 100000 * US, "seek to the next track"},
{"disk.seek_average", DURATION, COST(disk_seek_average), 0, 100000 * US,
	"seek over a third of all tracks"},
{"disk.rotation", DURATION, COST(disk_rotation), NS, 100000 * US, "one revolution"},
{"disk.media_byte", DURATION, COST(disk_media_byte), 100, 100 * US,
	"one byte from or to the platter"},
};
/* clang-format on */

const char *const profile_sections[] = {"machine", "memory", "cpu",  "kernel", "iommu",
					"xen",     "bus",    "pcie", "disk",   NULL};

const struct profile_optional profile_optionals[PROFILE_OPTIONALS] = {
	{"iommu", offsetof(struct profile, has_iommu)},
	{"xen", offsetof(struct profile, has_xen)},
	{"disk", offsetof(struct profile, has_disk)},
	{"pcie", offsetof(struct profile, has_pcie)},
};

size_t profile_param_optional(const struct profile_param *p)
{
	size_t i = 0;

	while (i < PROFILE_OPTIONALS && !profile_param_in(p, profile_optionals[i].section))
		i++;
	return i;
}

enum profile_part profile_param_part(const struct profile_param *p)
{
	static const char *const protection[] = {"memory.clflush", "cpu.irq_flags",
						 "xen.hypercall",  "xen.multicall_entry",
						 "xen.iommu_op",   NULL};
	static const char *const shared[] = {"memory.dram_miss", "memory.line_transfer",
					     "memory.cache_hit", "cpu.locked_rmw", NULL};

	if (profile_param_in(p, "iommu"))
		return PART_PROTECTION;
	for (size_t i = 0; protection[i]; i++)
		if (!strcmp(p->key, protection[i]))
			return PART_PROTECTION;
	for (size_t i = 0; shared[i]; i++)
		if (!strcmp(p->key, shared[i]))
			return PART_SHARED;
	if (profile_param_in(p, "xen"))
		return PART_SHARED;
	return PART_BASE;
}

bool profile_param_is_cost(const struct profile_param *p)
{
	return p->kinds & WORK;
}

bool profile_param_in(const struct profile_param *p, const char *section)
{
	const size_t bytes = strlen(section);

	return !strncmp(p->key, section, bytes) && p->key[bytes] == '.';
}

static const char *bare_key(const struct profile_param *p)
{
	return strchr(p->key, '.') + 1;
}

/* What @key, which no parameter has, was meant to be; NULL if nothing is near. */
static const char *suggest(const char *key)
{
	const char *bare = strchr(key, '.') ? strchr(key, '.') + 1 : key;
	struct nearest whole, part;

	nearest_init(&whole, key);
	nearest_init(&part, bare);
	for (size_t i = 0; i < PROFILE_PARAMS; i++) {
		if (!strcmp(bare, bare_key(&profile_params[i])))
			return profile_params[i].key; /* the right name under a wrong heading */
		nearest_offer(&whole, profile_params[i].key);
		nearest_offer(&part, bare_key(&profile_params[i]));
	}
	for (size_t i = 0; i < PROFILE_PARAMS && !whole.best && part.best; i++) {
		if (part.best == bare_key(&profile_params[i]))
			return profile_params[i].key;
	}
	return whole.best;
}

/* The parameter called @key; NULL with @err filled if there is none. */
const struct profile_param *profile_param_find(const char *key, struct err *err)
{
	const char *near;

	for (size_t i = 0; i < PROFILE_PARAMS; i++) {
		if (!strcmp(profile_params[i].key, key))
			return &profile_params[i];
	}
	near = suggest(key);
	if (near)
		err_set(err, -EINVAL, "%s: unknown key, did you mean %s?", key, near);
	else
		err_set(err, -EINVAL, "%s: unknown key", key);
	return NULL;
}
