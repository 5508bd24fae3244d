/* SPDX-License-Identifier: MIT */
/*
 * Preallocated: every page of memory has an entry at its own address from the beginning, so a map
 * is the identity and an unmap nothing ("The Price of Safety", section 4.3.1; "direct-map" of
 * Willmann, Rixner and Cox, "Protection Strategies for Direct Access to Virtualized I/O Devices",
 * USENIX ATC 2008). No allocator, no lock, no flush.
 *
 * Under a hypervisor the table is the hypervisor's: it made the entries when it built the domain
 * and changes them when a page gets another frame, so nothing is left to do here. On bare metal we
 * write them. What the hardware does not translate has no entry; where memory lies there in the
 * first megabyte, as around a PC's legacy hole, it is taken out of circulation.
 */
#include <errno.h>

#include "dma/strategy/withheld.h"

#define CHUNK 512u /* 2 MiB, whose entry may be one */

struct prepared {
	uint64_t pages; /* with an entry, less those withheld */
	struct withheld withheld;
};

static int set_run(struct iotoll_dma_domain *domain, uint64_t first, uint64_t count)
{
	const struct driver_ops *ops = domain->driver->ops;

	for (uint64_t n; count; first += n, count -= n) {
		int rc = 0;

		n = CHUNK - first % CHUNK < count ? CHUNK - first % CHUNK : count;
		if (ops->prepare)
			rc = ops->prepare(domain->driver, first, n,
					  IOTOLL_PHYS(first << DMA_PAGE_SHIFT));
		if (rc)
			return rc;
		ops->set(domain->driver, first, n, IOTOLL_PHYS(first << DMA_PAGE_SHIFT),
			 IOTOLL_DMA_BIDIRECTIONAL);
	}
	return ops->commit ? ops->commit(domain->driver) : 0;
}

static int set_all(struct iotoll_dma_domain *domain, const struct prepared *p)
{
	uint64_t page = 0;
	int rc = 0;

	while (page < p->pages && !rc) {
		const struct withheld_range *r = withheld_next(&p->withheld, page);
		const uint64_t until = r && r->first < p->pages ? r->first : p->pages;

		if (page < until)
			rc = set_run(domain, page, until - page);
		page = r ? r->first + r->pages : p->pages;
	}
	return rc;
}

static void preallocated_destroy(struct iotoll_dma_domain *domain)
{
	struct prepared *p = domain->strategy_data;

	withheld_release(&p->withheld, domain);
	free(p);
}

static int preallocated_create(struct iotoll_dma_domain *domain)
{
	struct prepared *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return -ENOMEM;
	domain->strategy_data = p;
	p->pages = env_memory_bytes(domain->env) >> DMA_PAGE_SHIFT;
	if (env_table_kept(domain->env))
		return 0;
	rc = withheld_list(&p->withheld, domain);
	if (!rc)
		rc = set_all(domain, p);
	if (rc) {
		preallocated_destroy(domain);
		return rc;
	}
	withheld_keep_low(&p->withheld, domain);
	return 0;
}

static int preallocated_fits(const struct iotoll_dma_domain *domain, struct err *err)
{
	if (env_table_kept(domain->env))
		return 0;
	if (domain_bytewise(domain))
		return err_set(err, -EINVAL,
			       "strategy preallocated: driver %s has no entries for pages",
			       domain->driver->ops->name);
	if (env_has_hypervisor(domain->env))
		return err_set(err, -EINVAL,
			       "strategy preallocated: the hypervisor keeps no table of all memory "
			       "for this domain");
	return withheld_fits(domain, "preallocated", err);
}

/* Only memory has entries; what the hardware leaves alone is not given out. */
static bool preallocated_owns(const struct iotoll_dma_domain *domain, const struct mapping *what)
{
	const struct prepared *p = domain->strategy_data;
	const uint64_t first = IOTOLL_IOVA_U64(what->iova) >> DMA_PAGE_SHIFT;
	const uint64_t pages = dma_pages(IOTOLL_IOVA_U64(what->iova), what->bytes);
	const struct withheld_range *r = withheld_next(&p->withheld, first);

	if (env_table_kept(domain->env)) /* by the hypervisor, whose addresses these are */
		return true;
	return first < p->pages && pages <= p->pages - first && (!r || r->first >= first + pages);
}

const struct strategy_ops preallocated_ops = {
	.name = "preallocated",
	.title =
		"all memory mapped at its own addresses from the start (the paper's section 4.3.1)",
	.does = "Every page of the domain has an entry from the beginning; a map returns the "
		"page's "
		"own address, an unmap does nothing. Under a hypervisor a page that gets another "
		"frame has its entry changed, and the IOTLB flushed, in that hypercall.",
	.protects = "Under a hypervisor everybody else: devices reach the domain's own memory and "
		    "what it has mapped by grant. On bare metal addresses beyond memory.",
	.gives_up = "The domain itself: its devices reach all of its memory at all times.",
	.source = "\"The Price of Safety\", section 4.3.1; \"direct-map\" of Willmann, Rixner and "
		  "Cox, USENIX ATC 2008",
	.translates = true,
	.standing = true,
	.fits = preallocated_fits,
	.create = preallocated_create,
	.destroy = preallocated_destroy,
	.owns = preallocated_owns,
};
