/* SPDX-License-Identifier: MIT */
/*
 * The driver of a domain under a hypervisor, to which the IOMMU belongs: entries are set, cleared
 * and flushed by its IOMMU hypercall (spec/xen.h), the guest keeps nothing but its allocator, as in
 * the Linux of "The Price of Safety", section 1.2. The table is written by the hypervisor, with the
 * driver of bare metal.
 *
 * An element names a run of pages that lie one behind the other in the machine's memory; nearly
 * always that is one page. Each element is a hypercall of its own; those of iotoll_dma_map_multi()
 * and unmap_multi() are the array of one (section 4.3.3). With config->multicall each is an entry
 * of a multicall that goes when the call of the DMA API ends, a flush is due or the list is full
 * (section 4.2). With config->multicall_entries it waits for the device's driver to ring,
 * too: the guest allocates its addresses itself, so it can give them out before the table has them.
 * A refusal is then told by publish(), too late for the map.
 */
#include <errno.h>
#include <string.h>

#include "dma/driver/driver.h"
#include "spec/xen.h"

#define FRAME_BYTES 4096u
/* Of an array of elements in one page, and of a multicall's entries in another. */
#define BATCH_MAX 64u
/* __HYPERVISOR_multicall and its entry, Xen's public xen.h. */
#define MULTICALL 13u
#define CALL_ONE  1u

struct multicall_entry {
	uint64_t op, result, args[6];
};

struct xen_guest {
	struct dma_driver base;
	uint32_t device;
	bool multicall;
	bool waits;          /* for publish() */
	unsigned most;       /* of a list */
	iotoll_phys_t pages; /* elements, then entries */
	struct xen_iommu_op *op;
	struct multicall_entry *entry;
	unsigned count; /* collected */
	int refusal;    /* the first of a set() since the last commit() */
};

static struct xen_guest *guest_of(struct dma_driver *driver)
{
	return (struct xen_guest *)driver;
}

static iotoll_phys_t entries_page(const struct xen_guest *g)
{
	return IOTOLL_PHYS(IOTOLL_PHYS_U64(g->pages) + FRAME_BYTES);
}

/* A domain's kernel sees its memory at a fixed distance. */
static unsigned long virtual(iotoll_phys_t paddr, size_t offset)
{
	return XEN_PAGE_OFFSET + IOTOLL_PHYS_U64(paddr) + offset;
}

/* ---- calls ---- */

/*
 * There was nothing to replace: the map before it was refused, and that was told when the strategy
 * had long taken the entry to be there.
 */
static bool found_none(const struct xen_iommu_op *op)
{
	return op->what == XEN_IOMMU_REPLACE && op->count == 1 && op->status == -ENOENT;
}

/*
 * What the hypervisor said of element @i. An unmap finds nothing only where the map before it was
 * refused; a call that fails as a whole carried out nothing.
 */
static void read_status(struct xen_guest *g, unsigned i, long called)
{
	const struct xen_iommu_op *op = &g->op[i];
	const int status = called ? (int)called : op->status;

	if ((op->what == XEN_IOMMU_MAP || op->what == XEN_IOMMU_REPLACE) && status &&
	    !found_none(op) && !g->refusal)
		g->refusal = status;
}

/* As a multicall. */
static void call_all(struct xen_guest *g)
{
	const unsigned long args[6] = {virtual(entries_page(g), 0), g->count};
	long called;

	/* After a multicall only results may be relied on, so all is filled in anew. */
	for (unsigned i = 0; i < g->count; i++)
		g->entry[i] = (struct multicall_entry){
			.op = XEN_HYPERCALL_IOMMU_OP,
			.args = {virtual(g->pages, i * sizeof(*g->op)), CALL_ONE},
		};
	env_touch(g->base.env, entries_page(g), g->count * sizeof(*g->entry), true);
	called = env_hypercall(g->base.env, MULTICALL, args);
	env_touch(g->base.env, g->pages, g->count * sizeof(*g->op), false);
	for (unsigned i = 0; i < g->count; i++)
		read_status(g, i, called ? called : (long)g->entry[i].result);
}

/* One element, or those that a list of the DMA API gave together: the hypercall takes an array. */
static void call_list(struct xen_guest *g)
{
	const unsigned long args[6] = {virtual(g->pages, 0), g->count};
	const long called = env_hypercall(g->base.env, XEN_HYPERCALL_IOMMU_OP, args);

	env_touch(g->base.env, g->pages, g->count * sizeof(*g->op), false);
	for (unsigned i = 0; i < g->count; i++)
		read_status(g, i, called);
}

/*
 * An unmap ends at the first page that has no entry (spec/xen.h), which is one whose map was
 * refused. What lies behind it may have been mapped by an element of its own: it is asked for
 * again, with the flush that went too early for it; and what was to be replaced and is not there
 * is mapped. How many elements that makes.
 */
static unsigned left_over(struct xen_guest *g)
{
	unsigned n = 0;

	for (unsigned i = 0; i < g->count; i++) {
		struct xen_iommu_op op = g->op[i];
		const bool behind = op.what == XEN_IOMMU_UNMAP && op.status == -ENOENT &&
				    op.done + UINT64_C(1) < op.count;

		if (behind) {
			op.bfn += op.done + 1;
			op.count -= op.done + 1;
		}
		if (found_none(&g->op[i]))
			op.what = XEN_IOMMU_MAP;
		if (behind || found_none(&g->op[i]) || (n && op.what == XEN_IOMMU_FLUSH)) {
			op.status = 0;
			op.done = 0;
			g->op[n++] = op;
		}
	}
	if (n)
		env_touch(g->base.env, g->pages, n * sizeof(*g->op), true);
	return n;
}

static void send(struct xen_guest *g)
{
	if (!g->count)
		return;
	while (g->count) {
		if (g->multicall)
			call_all(g);
		else
			call_list(g);
		g->count = left_over(g);
	}
	g->base.unsent = 0;
	if (g->base.sent)
		g->base.sent(g->base.sent_ctx);
}

static void collect(struct xen_guest *g, const struct xen_iommu_op *op)
{
	const size_t at = g->count * sizeof(*op);

	g->op[g->count++] = *op;
	env_touch(g->base.env, IOTOLL_PHYS(IOTOLL_PHYS_U64(g->pages) + at), sizeof(*op), true);
	g->base.unsent = g->count;
	if (!(g->multicall || g->base.together) || g->count == g->most)
		send(g);
}

/* ---- the table, from afar ---- */

/* Pages from @paddr on, @most at most, that follow each other in the machine's memory. */
static uint64_t run_of(const struct dma_env *env, uint64_t paddr, uint64_t most)
{
	uint64_t n = 1;

	while (n < most && env_bus_address(env, paddr, (n + 1) * FRAME_BYTES) != ENV_NO_BUS_ADDRESS)
		n++;
	return n;
}

static void lead(struct dma_driver *driver, enum xen_iommu_what what, uint64_t first,
		 uint64_t count, iotoll_phys_t paddr, enum iotoll_dma_dir dir)
{
	struct xen_guest *g = guest_of(driver);
	uint64_t at = IOTOLL_PHYS_U64(paddr) & ~(uint64_t)(FRAME_BYTES - 1);

	while (count) {
		/* Of those that wait each is told of by itself: see found_none(). */
		const uint64_t limit =
			g->waits && what == XEN_IOMMU_REPLACE ? 1 : XEN_IOMMU_PAGES_MAX;
		const uint64_t pages = run_of(driver->env, at, count < limit ? count : limit);
		const uint64_t machine = env_bus_address(driver->env, at, FRAME_BYTES);
		const struct xen_iommu_op op = {
			.what = (uint16_t)what,
			.flags = dir == IOTOLL_DMA_TO_DEVICE     ? XEN_IOMMU_R
				 : dir == IOTOLL_DMA_FROM_DEVICE ? XEN_IOMMU_W
								 : XEN_IOMMU_R | XEN_IOMMU_W,
			.device = g->device,
			.count = (uint32_t)pages,
			.bfn = first,
			.frame = machine / FRAME_BYTES,
		};

		collect(g, &op);
		first += pages;
		at += pages * FRAME_BYTES;
		count -= pages;
	}
}

static void guest_set(struct dma_driver *driver, uint64_t first, uint64_t count,
		      iotoll_phys_t paddr, enum iotoll_dma_dir dir)
{
	lead(driver, XEN_IOMMU_MAP, first, count, paddr, dir);
}

static void guest_replace(struct dma_driver *driver, uint64_t first, uint64_t count,
			  iotoll_phys_t paddr, enum iotoll_dma_dir dir)
{
	lead(driver, XEN_IOMMU_REPLACE, first, count, paddr, dir);
}

static void guest_clear(struct dma_driver *driver, uint64_t first, uint64_t count)
{
	struct xen_guest *g = guest_of(driver);

	while (count) {
		const uint64_t pages = count < XEN_IOMMU_PAGES_MAX ? count : XEN_IOMMU_PAGES_MAX;
		const struct xen_iommu_op op = {
			.what = XEN_IOMMU_UNMAP,
			.device = g->device,
			.count = (uint32_t)pages,
			.bfn = first,
		};

		collect(g, &op);
		first += pages;
		count -= pages;
	}
}

static int guest_publish(struct dma_driver *driver)
{
	struct xen_guest *g = guest_of(driver);
	int rc;

	send(g);
	rc = g->refusal;
	g->refusal = 0;
	return rc;
}

static int guest_commit(struct dma_driver *driver)
{
	return guest_of(driver)->waits ? 0 : guest_publish(driver);
}

static void guest_flush(struct dma_driver *driver, struct driver_flush *out)
{
	struct xen_guest *g = guest_of(driver);
	const struct xen_iommu_op op = {.what = XEN_IOMMU_FLUSH, .device = g->device};

	*out = (struct driver_flush){.polls = 0};
	collect(g, &op);
	send(g);
}

/* ---- life ---- */

static int guest_reserve(struct dma_driver *driver, struct iova *a)
{
	unsigned count;
	const struct env_withheld *range = env_withheld(driver->env, &count);
	int rc = 0;

	for (unsigned i = 0; i < count && !rc; i++)
		rc = a->ops->reserve(a, range[i].first, range[i].pages);
	return rc;
}

/* Translation is on since before the domain existed. */
static void guest_enable(struct dma_driver *driver)
{
	(void)driver;
}

static int guest_create(struct dma_driver **out, struct dma_env *env,
			const struct iotoll_dma_config *config, bool translate, struct err *err)
{
	struct xen_guest *g;
	int rc;

	if (!env_has_hypervisor(env))
		return err_set(err, -EINVAL, "driver xen needs a hypervisor below it");
	if (translate && !config->table_entries)
		return err_set(err, -EINVAL, "table_entries 0: at least 1 expected");
	if (config->multicall_entries > BATCH_MAX)
		return err_set(err, -EINVAL, "multicall_entries %u: at most %u expected",
			       config->multicall_entries, BATCH_MAX);
	g = calloc(1, sizeof(*g));
	if (!g)
		return err_set(err, -ENOMEM, "no memory for the driver");
	g->base.env = env;
	g->base.entries = translate ? config->table_entries : 0;
	g->device = config->bus;
	g->multicall = config->multicall;
	g->waits = config->multicall && config->multicall_entries;
	g->most = g->waits ? config->multicall_entries : BATCH_MAX;
	rc = env_alloc_pages(env, 2, FRAME_BYTES, 0, &g->pages);
	if (rc) {
		free(g);
		return err_set(err, rc, "no memory for the driver's hypercalls");
	}
	g->op = env_ptr(env, g->pages, FRAME_BYTES);
	g->entry = env_ptr(env, entries_page(g), FRAME_BYTES);
	*out = &g->base;
	return 0;
}

static void guest_destroy(struct dma_driver *driver)
{
	struct xen_guest *g = guest_of(driver);

	g->base.sent = NULL;
	send(g);
	env_free_pages(driver->env, g->pages, 2);
	free(g);
}

/* A page mapped by grant may have brought its entry along ("The Price of Safety", section 4.4). */
static bool guest_lent(struct dma_driver *driver, uint64_t paddr, size_t bytes, uint64_t *iova)
{
	const uint64_t offset = paddr % FRAME_BYTES;
	uint64_t word;

	if (env_lent_from(driver->env) == ENV_NO_BUS_ADDRESS || bytes > FRAME_BYTES - offset)
		return false;
	word = env_p2m_word(driver->env, paddr);
	*iova = (word & ~XEN_P2M_FOREIGN) * FRAME_BYTES + offset;
	return word != UINT64_MAX && (word & XEN_P2M_FOREIGN) != 0;
}

static bool guest_is_lent(const struct dma_driver *driver, uint64_t first)
{
	return first >= env_lent_from(driver->env) && first < driver->entries;
}

/* Whoever has the registers looks at them. */
static int guest_watchdog(struct dma_driver *driver, struct iotoll_dma_fault *out)
{
	(void)driver;
	(void)out;
	return 0;
}

const struct driver_ops xen_driver_ops = {
	.name = "xen",
	.title = "the hypervisor's IOMMU hypercall, for domains",
	.translates = true,
	.sets_only_clear = true,
	.max_paddr = UINT64_MAX,
	.create = guest_create,
	.destroy = guest_destroy,
	.reserve = guest_reserve,
	.enable = guest_enable,
	.set = guest_set,
	.commit = guest_commit,
	.publish = guest_publish,
	.clear = guest_clear,
	.replace = guest_replace,
	.flush = guest_flush,
	.lent = guest_lent,
	.is_lent = guest_is_lent,
	.watchdog = guest_watchdog,
};
