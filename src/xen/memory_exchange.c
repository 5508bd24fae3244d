// SPDX-License-Identifier: MIT
/*
 * XENMEM_exchange: frames for as many others, larger extents for small ones or the reverse. Chunk
 * by chunk: a chunk holds one extent of the larger kind. Until every frame of a chunk has been
 * taken and paid for, nothing of it has happened; what is reported in nr_exchanged stays done.
 *
 * Decided here: a chunk whose list of new pfns cannot be read is refused before anything is taken;
 * if the new mfns cannot be written, the chunk counts as done, and the answer is -EFAULT.
 */
#include <errno.h>

#include "xen/cost.h"
#include "xen/impl.h"
#include "xen/iommu.h"
#include "xen/memory_op.h"

#define CHUNK_PAGES (1u << EXTENT_ORDER_MAX)

struct chunk {
	unsigned in_order, out_order;
	unsigned ins, outs; /* extents of a chunk */
	uint64_t in[CHUNK_PAGES], pfn[CHUNK_PAGES], out[CHUNK_PAGES];
};

static int check(struct call *c, const xen_memory_exchange_t *x)
{
	const unsigned in = x->in.extent_order, out = x->out.extent_order;

	if (x->nr_exchanged > x->in.nr_extents || in >= 64 || out >= 64 ||
	    x->in.nr_extents > UINT64_MAX >> in || x->out.nr_extents > UINT64_MAX >> out ||
	    x->in.nr_extents << in != x->out.nr_extents << out)
		return -EINVAL;
	if (x->in.nr_extents > UINT64_MAX / 8 || x->out.nr_extents > UINT64_MAX / 8 ||
	    !guest_range_ok((uintptr_t)x->in.extent_start.p, x->in.nr_extents * 8) ||
	    !guest_range_ok((uintptr_t)x->out.extent_start.p, x->out.nr_extents * 8))
		return -EFAULT;
	if ((in != 0 || out != 0) && !c->d->hardware)
		return -EPERM;
	if (in > EXTENT_ORDER_MAX || out > EXTENT_ORDER_MAX)
		return -EPERM;
	if (x->in.domid != DOMID_SELF || x->out.domid != DOMID_SELF)
		return c->d->privileged ? -EINVAL : -EPERM;
	/* An exchange begins and goes on at whole chunks. */
	return out > in && x->nr_exchanged % (UINT64_C(1) << (out - in)) != 0 ? -EINVAL : 0;
}

/* Give the first @n pages of the chunk's input back to their owner. */
static void restore(struct call *c, const struct chunk *k, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		frame_assign(c->hv, c->cpu,
			     k->in[i >> k->in_order] + (i & ((1u << k->in_order) - 1)), c->d);
}

static int steal(struct call *c, const struct chunk *k)
{
	const unsigned pages = k->ins << k->in_order;

	for (unsigned i = 0; i < pages; i++) {
		const mfn_t mfn = k->in[i >> k->in_order] + (i & ((1u << k->in_order) - 1));

		if (device_frame_steal(c, mfn))
			continue;
		restore(c, k, i);
		return -EINVAL;
	}
	return 0;
}

static int allocate(struct call *c, struct chunk *k, phys_t below)
{
	const uint64_t n = UINT64_C(1) << k->out_order;

	for (unsigned i = 0; i < k->outs; i++) {
		/* As many as were taken: the maximum has no say. */
		if (frame_alloc(c->d, n, below, false, &k->out[i]) == 0)
			continue;
		while (i-- != 0)
			for (uint64_t j = 0; j < n; j++)
				(void)frame_release(c->hv, c->cpu, k->out[i] + j);
		restore(c, k, k->ins << k->in_order);
		return -ENOMEM;
	}
	return 0;
}

static long chunk_run(struct call *c, struct chunk *k, uint64_t in_list, uint64_t out_list,
		      phys_t below)
{
	const unsigned pages = k->ins << k->in_order;
	long ret;

	if (guest_read(c->d, c->cpu, k->in, in_list, k->ins * 8) != 0 ||
	    guest_read(c->d, c->cpu, k->pfn, out_list, k->outs * 8) != 0)
		return -EFAULT;
	xen_race(c->hv);
	ret = steal(c, k);
	if (ret == 0)
		ret = allocate(c, k, below);
	if (ret != 0)
		return ret;
	for (unsigned i = 0; i < pages; i++)
		frame_discard(c->hv, c->cpu,
			      k->in[i >> k->in_order] + (i & ((1u << k->in_order) - 1)));
	for (unsigned i = 0; i < k->outs; i++)
		for (uint64_t j = 0; j < UINT64_C(1) << k->out_order; j++)
			m2p_set(c->hv, c->cpu, k->out[i] + j, k->pfn[i] + j);
	return guest_write(c->d, c->cpu, out_list, k->out, k->outs * 8) == 0 ? 0 : 1;
}

long memory_exchange(struct call *c)
{
	const uint64_t nr_at = c->args[1] + offsetof(xen_memory_exchange_t, nr_exchanged);
	xen_memory_exchange_t x;
	struct chunk k;
	unsigned bits;
	long ret;

	if (guest_read(c->d, c->cpu, &x, c->args[1], sizeof(x)) != 0)
		return -EFAULT;
	xen_race(c->hv);
	ret = check(c, &x);
	if (ret != 0)
		return ret;
	k.in_order = x.in.extent_order;
	k.out_order = x.out.extent_order;
	k.ins = k.out_order > k.in_order ? 1u << (k.out_order - k.in_order) : 1;
	k.outs = k.in_order > k.out_order ? 1u << (k.in_order - k.out_order) : 1;
	bits = x.out.mem_flags & 0xff;
	while (x.nr_exchanged < x.in.nr_extents && ret == 0) {
		const uint64_t chunk = x.nr_exchanged / k.ins;

		if (call_preempt(c)) {
			ret = CALL_RESTART;
			break;
		}
		cost_charge(c->cpu, COST_MEMORY_OP);
		ret = chunk_run(c, &k, (uintptr_t)x.in.extent_start.p + x.nr_exchanged * 8,
				(uintptr_t)x.out.extent_start.p + chunk * k.outs * 8,
				bits != 0 && bits < 52 ? (phys_t)1 << bits : 0);
		c->work += (k.ins << k.in_order) - 1;
		if (ret >= 0)
			x.nr_exchanged += k.ins;
		if (ret > 0)
			ret = -EFAULT;
	}
	if (guest_write(c->d, c->cpu, nr_at, &x.nr_exchanged, 8) != 0)
		return -EFAULT;
	return ret;
}
