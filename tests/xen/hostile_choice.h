/* SPDX-License-Identifier: MIT */
/*
 * What hostile guests choose from: numbers, frames, addresses and places for arguments, mostly
 * plausible and sometimes not, each out of the stream of choices.
 */
#ifndef IOTOLL_TESTS_XEN_HOSTILE_CHOICE_H
#define IOTOLL_TESTS_XEN_HOSTILE_CHOICE_H

#include "hostile.h"

#include "xen/impl.h"

#define PAGES    12u /* of a domain, at first */
#define SPAN     24u
#define ELEMENTS 4u /* that are written of a list, whatever its length is said to be */

/* ---- choices ---- */

static inline uint64_t choose(struct hostile *h, uint64_t bound)
{
	uint64_t v = 0;

	if (h->rng)
		return rng_below(h->rng, bound);
	for (uint64_t most = bound - 1; most != 0; most >>= 8) {
		v = v << 8 | (h->left != 0 ? *h->bytes : 0);
		h->bytes += h->left != 0;
		h->left -= h->left != 0;
	}
	return v % bound;
}

static inline bool rarely(struct hostile *h, unsigned one_in)
{
	return choose(h, one_in) == one_in - 1;
}

static inline uint64_t odd_number(struct hostile *h)
{
	static const uint64_t odd[] = {0,
				       1,
				       7,
				       0x7fffffff,
				       0x80000000,
				       0xffffffff,
				       UINT64_C(1) << 32,
				       UINT64_C(1) << 52,
				       UINT64_MAX - 4095,
				       UINT64_MAX / 8 + 1,
				       UINT64_MAX,
				       XEN_RESERVED_FIRST,
				       XEN_RESERVED_END - 8,
				       XEN_RESERVED_FIRST - 8};

	return odd[choose(h, sizeof(odd) / sizeof(odd[0]))];
}

static inline struct xen_domain *someone(struct hostile *h)
{
	return h->d[choose(h, HOSTILE_DOMAINS)];
}

static inline unsigned some_domid(struct hostile *h)
{
	static const unsigned odd[] = {DOMID_SELF, DOMID_IO, DOMID_XEN, 9, 63, 64, 0x7fff, 0xffff};

	return rarely(h, 6) ? odd[choose(h, 8)] : (unsigned)choose(h, HOSTILE_DOMAINS);
}

static inline uint64_t some_pfn(struct hostile *h)
{
	return rarely(h, 12) ? choose(h, SPAN + 2) : 2 + choose(h, SPAN - 2);
}

/* A frame: often one that the domain or another has, sometimes any. */
static inline uint64_t some_mfn(struct hostile *h, struct xen_domain *d)
{
	uint64_t mfn;

	if (rarely(h, 4) || !d)
		d = someone(h);
	mfn = d ? guest_mfn(d, choose(h, SPAN)) : UINT64_MAX;
	if (rarely(h, 16) || mfn == UINT64_MAX)
		return rarely(h, 4) ? odd_number(h) : choose(h, h->w.hv->frames + 2);
	return mfn;
}

static inline uint64_t some_pte(struct hostile *h, struct xen_domain *d)
{
	static const uint64_t flags[] = {0x67, 0x67, 0x65, 0x65, 0x7, 0x66, 0, 0xe67, 0xe7};

	return some_mfn(h, d) << 12 | flags[choose(h, 9)] | (rarely(h, 20) ? PTE_NX : 0);
}

static inline uint64_t some_va(struct hostile *h)
{
	if (rarely(h, 30))
		return odd_number(h);
	return va_of(some_pfn(h)) + (rarely(h, 10) ? choose(h, PAGE_BYTES) : 0);
}

static inline unsigned some_ref(struct hostile *h)
{
	return rarely(h, 30) ? (unsigned)odd_number(h) : (unsigned)choose(h, 6);
}

/* ---- arguments in guest memory ---- */

/* The guest stores as its page table lets it: what it may not write stays as it is. */
static inline void guest_store(struct xen_domain *d, uint64_t va, const void *from, size_t bytes)
{
	(void)!guest_write(d, NULL, va, from, bytes);
}

/* Where to put arguments: mostly a good place. */
static inline uint64_t arg_va(struct hostile *h, struct xen_domain *d)
{
	unsigned tries = 0;
	uint64_t pfn;

	if (rarely(h, 40))
		return some_va(h);
	do
		pfn = 4 + choose(h, PAGES - 3);
	while (guest_mfn(d, pfn) == UINT64_MAX && ++tries < 4);
	return va_of(pfn) + (rarely(h, 8) ? PAGE_BYTES - 8 * choose(h, 16) : choose(h, 8) * 256);
}

static inline unsigned some_count(struct hostile *h)
{
	if (rarely(h, 40))
		return (unsigned)odd_number(h);
	return rarely(h, 20) ? (unsigned)choose(h, 520) : 1 + (unsigned)choose(h, 4);
}

struct planned {
	unsigned long op, args[6];
};

static inline struct known *known_of(struct hostile *h, const struct xen_domain *d)
{
	return &h->known[xen_domain_id(d)][choose(h, HOSTILE_KNOWN)];
}

/* hostile_calls.c: plan any hypercall of @d, its arguments stored; @depth: multicalls around it. */
void hostile_plan(struct hostile *h, struct xen_domain *d, struct planned *p, unsigned depth);

#endif
