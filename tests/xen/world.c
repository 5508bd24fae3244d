// SPDX-License-Identifier: MIT
#include "world.h"

#include "xen/grant.h"
#include "xen/impl.h"
#include "xen/iommu.h"

/* ---- an IOMMU that remembers ---- */

static void keep_stale(struct world_iommu *u, uint64_t bfn)
{
	assert_true(u->stales < WORLD_STALE);
	u->stale[u->stales] = u->table[bfn];
	u->stale[u->stales++].bfn = bfn;
}

static int iommu_map(void *ctx, struct cpu *cpu, uint32_t device, uint64_t bfn, uint64_t mfn,
		     bool read, bool write)
{
	struct world_iommu *u = ctx;

	(void)cpu;
	assert_int_equal(device, WORLD_DEVICE);
	assert_true(bfn < WORLD_BFNS && !u->detached);
	if (u->full)
		return -ENOSPC;
	/* The device uses its addresses all the time: what was there is in the IOTLB. */
	if (u->table[bfn].live)
		keep_stale(u, bfn);
	u->table[bfn] =
		(struct world_entry){.mfn = mfn, .live = true, .read = read, .write = write};
	u->maps++;
	return 0;
}

static void iommu_unmap(void *ctx, struct cpu *cpu, uint32_t device, uint64_t bfn)
{
	struct world_iommu *u = ctx;

	(void)cpu;
	assert_int_equal(device, WORLD_DEVICE);
	assert_true(bfn < WORLD_BFNS && u->table[bfn].live);
	keep_stale(u, bfn);
	u->table[bfn].live = false;
	u->unmaps++;
}

static void iommu_flush(void *ctx, struct cpu *cpu, uint32_t device)
{
	struct world_iommu *u = ctx;

	(void)cpu;
	assert_int_equal(device, WORLD_DEVICE);
	u->stales = 0;
	u->flushes++;
}

static void iommu_detach(void *ctx, uint32_t device)
{
	struct world_iommu *u = ctx;

	(void)device;
	/* Before a reference of any kind went. */
	assert_int_equal(xen_check(u->hv, NULL), 0);
	u->detached = true;
}

static const struct xen_iommu_ops ops = {
	.map = iommu_map, .unmap = iommu_unmap, .flush = iommu_flush, .detach = iommu_detach};

/* ---- the world ---- */

void world_init(struct world *w, uint64_t pages, const struct xen_limits *limits)
{
	memset(w, 0, sizeof(*w));
	w->board = memory_create(pages * PAGE_BYTES);
	assert_non_null(w->board);
	w->board_pages = memory_allocated_pages(w->board);
	assert_int_equal(xen_create(&w->hv, w->board, limits), 0);
	w->iommu.hv = w->hv;
}

void world_fini(struct world *w)
{
	world_check(w);
	xen_destroy(w->hv);
	assert_int_equal(memory_allocated_pages(w->board), w->board_pages);
	assert_true(memory_check(w->board));
	memory_destroy(w->board);
}

/* Held by the device's queue: neither free nor, if it can be written, a page table. */
static bool kept(const struct world *w, const struct world_entry *e)
{
	const struct frame *f = frame_of(w->hv, e->mfn);

	return f->count != 0 && (!e->write || f->type == TYPE_WRITABLE);
}

/* Whose table follows a page table, and nobody is in the middle of a call. */
static bool follows(const struct world *w)
{
	for (unsigned i = 0; i < XEN_DOMAINS_MAX; i++)
		if (w->hv->domain[i] && w->hv->domain[i]->follow && !w->hv->domain[i]->inside)
			return true;
	return false;
}

const char *world_broken(struct world *w, struct err *err)
{
	if (xen_check(w->hv, err) != 0)
		return err->text;
	if (follows(w) && w->iommu.stales != 0)
		return "the IOTLB holds what the page table said before";
	for (unsigned i = 0; i < w->iommu.stales; i++)
		if (!kept(w, &w->iommu.stale[i]))
			return "the IOTLB leads to a frame that nobody keeps";
	for (unsigned i = 0; i < WORLD_BFNS; i++)
		if (w->iommu.table[i].live && !kept(w, &w->iommu.table[i]))
			return "the table leads to a frame that nobody keeps";
	if (xen_frames_in_use(w->hv) + w->board_pages != memory_allocated_pages(w->board))
		return "the free list and the frame table disagree";
	return NULL;
}

void world_check(struct world *w)
{
	struct err err = {{0}};
	const char *broken = world_broken(w, &err);

	if (broken)
		fail_msg("%s", broken);
}

struct xen_domain *world_domain(struct world *w, uint16_t id, bool hardware)
{
	const struct xen_domain_config config = {.id = id,
						 .vcpus = 2,
						 .privileged = id == 0,
						 .hardware = hardware,
						 .pages = 32,
						 .span = 64,
						 .max_pages = 48};
	struct xen_domain *d = NULL;

	assert_int_equal(xen_domain_create(w->hv, &config, &d), 0);
	return d;
}

int world_device_as(struct world *w, struct xen_domain *d, const struct xen_device_config *like)
{
	struct xen_device_config config = *like;
	bool taken = false;

	config.device = WORLD_DEVICE;
	config.ops = &ops;
	config.ctx = &w->iommu;
	for (unsigned i = 0; i < XEN_DOMAINS_MAX; i++)
		taken |= w->hv->domain[i] && device_find(w->hv->domain[i], WORLD_DEVICE);
	if (!taken) {
		memset(w->iommu.table, 0, sizeof(w->iommu.table));
		w->iommu.detached = false;
	}
	return xen_device_assign(d, &config);
}

int world_device(struct world *w, struct xen_domain *d, uint64_t bfns)
{
	return world_device_as(w, d, &(struct xen_device_config){.bfns = bfns});
}

/* ---- a guest's own view ---- */

uint64_t va_of(uint64_t pfn)
{
	return XEN_PAGE_OFFSET + pfn * PAGE_BYTES;
}

uint64_t pte_addr(struct xen_domain *d, uint64_t pfn)
{
	return xen_domain_l1(d) + pfn * 8;
}

uint64_t guest_mfn(struct xen_domain *d, uint64_t pfn)
{
	const uint64_t *pte = memory_ptr(d->hv->board, pte_addr(d, pfn), 8);

	return *pte & PTE_PRESENT ? pte_mfn(*pte) : UINT64_MAX;
}

void *guest_page(struct xen_domain *d, uint64_t pfn)
{
	const uint64_t mfn = guest_mfn(d, pfn);

	return mfn == UINT64_MAX ? NULL : memory_ptr(d->hv->board, mfn << PAGE_SHIFT, PAGE_BYTES);
}

uint64_t free_pfn(struct xen_domain *d, unsigned n)
{
	uint64_t first, end;

	xen_domain_free_memory(d, &first, &end);
	assert_true(first + n < end);
	return first + n;
}

uint64_t hole_pfn(struct xen_domain *d, unsigned n)
{
	uint64_t first, end;

	xen_domain_free_memory(d, &first, &end);
	assert_true(end + n < xen_domain_span(d));
	return end + n;
}

long call(struct xen_domain *d, unsigned long op, unsigned long a0, unsigned long a1,
	  unsigned long a2, unsigned long a3)
{
	const unsigned long args[6] = {a0, a1, a2, a3};

	return xen_hypercall(d, 0, NULL, op, args);
}

static void to_guest(struct xen_domain *d, const void *arg, size_t bytes)
{
	assert_true(bytes <= PAGE_BYTES);
	memcpy(guest_page(d, free_pfn(d, 0)), arg, bytes);
}

static void from_guest(struct xen_domain *d, void *arg, size_t bytes)
{
	memcpy(arg, guest_page(d, free_pfn(d, 0)), bytes);
}

long call_arg(struct xen_domain *d, unsigned long op, unsigned long cmd, void *arg, size_t bytes)
{
	long ret;

	to_guest(d, arg, bytes);
	ret = call(d, op, cmd, va_of(free_pfn(d, 0)), 0, 0);
	from_guest(d, arg, bytes);
	return ret;
}

long gnttab(struct xen_domain *d, unsigned cmd, void *elements, size_t bytes, unsigned count)
{
	long ret;

	to_guest(d, elements, bytes * count);
	ret = call(d, __HYPERVISOR_grant_table_op, cmd, va_of(free_pfn(d, 0)), count, 0);
	from_guest(d, elements, bytes * count);
	return ret;
}

/* ---- one element of each ---- */

grant_entry_v1_t *entry_of(struct xen_domain *d, unsigned ref)
{
	phys_t at;

	(void)grant_shared(d, ref, &at);
	return memory_ptr(d->hv->board, at, sizeof(grant_entry_v1_t));
}

void grant_access(struct xen_domain *d, unsigned ref, struct xen_domain *to, uint64_t mfn,
		  unsigned more_flags)
{
	*entry_of(d, ref) = (grant_entry_v1_t){.flags = (uint16_t)(GTF_permit_access | more_flags),
					       .domid = xen_domain_id(to),
					       .frame = (uint32_t)mfn};
}

void grant_accept(struct xen_domain *d, unsigned ref, struct xen_domain *from)
{
	*entry_of(d, ref) =
		(grant_entry_v1_t){.flags = GTF_accept_transfer, .domid = xen_domain_id(from)};
}

int map_ref(struct xen_domain *d, unsigned of, unsigned ref, unsigned flags, uint64_t host_addr,
	    gnttab_map_grant_ref_t *op)
{
	*op = (gnttab_map_grant_ref_t){
		.host_addr = host_addr, .flags = flags, .ref = ref, .dom = (domid_t)of};
	assert_int_equal(gnttab(d, GNTTABOP_map_grant_ref, op, sizeof(*op), 1), 0);
	return op->status;
}

int unmap_handle(struct xen_domain *d, unsigned handle, uint64_t host_addr, uint64_t dev_bus_addr)
{
	gnttab_unmap_grant_ref_t op = {
		.host_addr = host_addr, .dev_bus_addr = dev_bus_addr, .handle = handle};

	assert_int_equal(gnttab(d, GNTTABOP_unmap_grant_ref, &op, sizeof(op), 1), 0);
	return op.status;
}

int transfer(struct xen_domain *d, uint64_t mfn, unsigned to, unsigned ref)
{
	gnttab_transfer_t op = {.mfn = mfn, .domid = (domid_t)to, .ref = ref};

	assert_int_equal(gnttab(d, GNTTABOP_transfer, &op, sizeof(op), 1), 0);
	return op.status;
}

int iommu_one(struct xen_domain *d, unsigned what, unsigned flags, uint64_t bfn, uint64_t frame,
	      unsigned count)
{
	struct xen_iommu_op op = {.what = (uint16_t)what,
				  .flags = (uint16_t)flags,
				  .device = WORLD_DEVICE,
				  .count = count,
				  .bfn = bfn,
				  .frame = frame};

	to_guest(d, &op, sizeof(op));
	assert_int_equal(call(d, XEN_HYPERCALL_IOMMU_OP, va_of(free_pfn(d, 0)), 1, 0, 0), 0);
	from_guest(d, &op, sizeof(op));
	return op.status;
}

long update_va(struct xen_domain *d, uint64_t va, uint64_t pte, unsigned long flags)
{
	return call(d, __HYPERVISOR_update_va_mapping, va, pte, flags, 0);
}

/* An array call of one element of @bytes, with the word done behind it. */
static long batch_one(struct xen_domain *d, unsigned long op, const void *req, size_t bytes,
		      unsigned foreign, unsigned *done)
{
	const uint64_t at = va_of(free_pfn(d, 0));
	uint8_t *page = guest_page(d, free_pfn(d, 0));
	long ret;

	memcpy(page, req, bytes);
	memset(page + 1024, 0xff, 4);
	ret = call(d, op, at, 1, at + 1024, foreign);
	if (done)
		memcpy(done, page + 1024, 4);
	return ret;
}

long mmu_update(struct xen_domain *d, uint64_t ptr, uint64_t val, unsigned foreign, unsigned *done)
{
	const mmu_update_t req = {ptr, val};

	return batch_one(d, __HYPERVISOR_mmu_update, &req, sizeof(req), foreign, done);
}

long mmuext(struct xen_domain *d, unsigned cmd, uint64_t mfn)
{
	struct mmuext_op op = {.cmd = cmd};

	op.arg1.mfn = mfn;
	return batch_one(d, __HYPERVISOR_mmuext_op, &op, sizeof(op), DOMID_SELF, NULL);
}

long reservation(struct xen_domain *d, unsigned long cmd, uint64_t *list, uint64_t n)
{
	uint8_t *page = guest_page(d, free_pfn(d, 0));
	const uint64_t at = va_of(free_pfn(d, 0));
	xen_memory_reservation_t r = {.nr_extents = n, .domid = DOMID_SELF};
	long ret;

	assert_true(1024 + n * 8 <= PAGE_BYTES);
	r.extent_start.p = (xen_pfn_t *)(uintptr_t)(at + 1024);
	memcpy(page, &r, sizeof(r));
	memcpy(page + 1024, list, n * 8);
	ret = call(d, __HYPERVISOR_memory_op, cmd, at, 0, 0);
	memcpy(list, page + 1024, n * 8);
	return ret;
}

uint64_t balloon(struct xen_domain *d, uint64_t pfn)
{
	uint64_t mfn = guest_mfn(d, pfn);

	assert_int_equal(update_va(d, va_of(pfn), 0, UVMF_TLB_FLUSH), 0);
	assert_int_equal(reservation(d, XENMEM_decrease_reservation, &mfn, 1), 1);
	return mfn;
}
