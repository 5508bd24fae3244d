/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: libiotoll by its public calls. The input chooses strategy, driver, allocator and
 * whether misuse is watched for, and then call after call; a model as naive as can be (a list of
 * what is mapped, a word for each page of I/O address space) says what each may answer, and what
 * the hardware half must say of every address in between.
 */
#include <errno.h>
#include <string.h>

#include "../tests/lib/stress.h"
#include "input.h"

#define LIVE_MAX  24
#define LIST      6
#define CALLS_MAX 400
#define ARENA     512u /* pages that requests are for */

static const char *const drivers[] = {"vtd",     "amdvi",   "calgary", "callbacks",
				      "dart-u4", "dart-u3", "none"};

enum kind { PAGE_, SG_, MULTI_, COHERENT_, BUFFER_ };

struct live {
	enum kind kind;
	unsigned dev;
	enum iotoll_dma_dir dir;
	int n;
	struct iotoll_sg sg[LIST];
	void *ptr;
};

struct model {
	struct world w;
	struct combination c;
	struct input *in;
	uint64_t arena;
	struct live live[LIVE_MAX];
	unsigned count;
	uint64_t maps, unmaps, coherents, unknown;
	unsigned sweeps; /* over all pages, slow */
};

static struct iotoll_dma_stats stats_of(const struct model *m)
{
	struct iotoll_dma_stats stats;

	iotoll_dma_domain_stats(m->w.domain, &stats);
	return stats;
}

static bool shares(const struct model *m, const struct live *l)
{
	return m->w.promise->shares || l->kind == BUFFER_;
}

/* ---- what the hardware half must say ---- */

static void check_element(struct model *m, const struct live *l, int i)
{
	const struct iotoll_sg *sg = &l->sg[i];

	for (unsigned k = 0; k < 2 && world_has_hardware(&m->w) && !m->w.promise->stale; k++) {
		const uint64_t at = k ? sg->bytes - 1 : 0;
		uint64_t paddr = 0;
		bool hit;

		JUDGE(world_reach(&m->w, l->dev, IOTOLL_IOVA_U64(sg->dma_address) + at,
				  l->dir == IOTOLL_DMA_TO_DEVICE ? IOTOLL_READ : IOTOLL_WRITE,
				  k != 0, &paddr, &hit) == 0);
		if (!m->w.promise->copies)
			JUDGE(paddr == IOTOLL_PHYS_U64(sg->paddr) + at);
	}
}

/* Nobody has page @page, or what is there is what the oracle says is behind it. */
static void check_page(struct model *m, uint64_t page, bool changes)
{
	const bool exact = m->w.promise->gone && !m->w.promise->keeps;
	const uint64_t word = page < m->w.oracle.pages ? m->w.oracle.page[page] : 0;
	uint64_t paddr = 0;
	bool hit;

	if (!world_has_hardware(&m->w) || !exact)
		return;
	for (unsigned access = IOTOLL_READ; access <= IOTOLL_WRITE; access++)
		if (world_reach(&m->w, (unsigned)page % DEVICES, page * PAGE,
				(enum iotoll_access)access, changes, &paddr, &hit) == 0) {
			JUDGE(word != 0);
			if (!m->w.promise->copies)
				JUDGE(paddr / PAGE == oracle_frame(word));
		}
}

static void check_all(struct model *m)
{
	for (unsigned i = 0; i < m->count; i++)
		for (int k = 0; k < m->live[i].n; k++)
			check_element(m, &m->live[i], k);
	/* Of a large table as much as has addresses of the memory that is used. */
	for (uint64_t page = 0; page < m->w.entries && page < 4096; page++)
		check_page(m, page, false);
}

/* ---- mapping ---- */

static enum iotoll_dma_dir draw_dir(struct model *m)
{
	return (enum iotoll_dma_dir)(take(m->in, 1) % 4); /* one of them is none */
}

static void draw_element(struct model *m, struct iotoll_sg *sg)
{
	const uint64_t what = take(m->in, 3);
	uint64_t bytes = what & 1 ? what >> 12 & 0xfff : (what >> 12 & 0xf) * PAGE;

	if ((what & 0xe) == 0xe)
		bytes = UINT64_MAX - bytes;
	*sg = (struct iotoll_sg){.paddr = IOTOLL_PHYS(m->arena + (what >> 4) % (ARENA * PAGE)),
				 .bytes = bytes};
}

static bool valid(const struct live *l)
{
	for (int i = 0; i < l->n; i++)
		if (l->sg[i].bytes == 0 || l->sg[i].bytes > UINT64_C(1) << 40)
			return false;
	return l->dir <= IOTOLL_DMA_FROM_DEVICE;
}

static void own(struct model *m, struct live *l)
{
	for (int i = 0; i < l->n; i++) {
		JUDGE(l->sg[i].dma_bytes == l->sg[i].bytes);
		JUDGE((IOTOLL_IOVA_U64(l->sg[i].dma_address) ^ IOTOLL_PHYS_U64(l->sg[i].paddr)) %
			      PAGE ==
		      0);
		JUDGE(oracle_claim(&m->w.oracle, IOTOLL_IOVA_U64(l->sg[i].dma_address),
				   IOTOLL_PHYS_U64(l->sg[i].paddr), l->sg[i].bytes, shares(m, l)));
	}
	for (int i = 0; i < l->n; i++)
		check_element(m, l, i);
}

static bool map_one(struct model *m, struct live *l)
{
	struct iotoll_sg *sg = &l->sg[0];

	sg->dma_address = iotoll_dma_map_page(m->w.dev[l->dev], sg->paddr, sg->bytes, l->dir);
	sg->dma_bytes = sg->bytes;
	return !iotoll_dma_mapping_error(sg->dma_address);
}

static bool map_coherent(struct model *m, struct live *l)
{
	struct iotoll_sg *sg = &l->sg[0];
	const size_t asked = sg->bytes;

	l->dir = IOTOLL_DMA_BIDIRECTIONAL;
	l->ptr = iotoll_dma_alloc_coherent(m->w.dev[l->dev], asked, &sg->dma_address, &sg->paddr);
	sg->bytes = sg->dma_bytes = (asked + PAGE - 1) / PAGE * PAGE;
	return l->ptr != NULL;
}

static bool map_buffer(struct model *m, struct live *l)
{
	struct iotoll_sg *sg = &l->sg[0];

	l->ptr = iotoll_dma_buffer_alloc(m->w.dev[l->dev], sg->bytes, l->dir, NULL, &sg->paddr);
	if (!l->ptr)
		return false;
	JUDGE(valid(l));
	if (map_one(m, l))
		return true;
	iotoll_dma_buffer_free(m->w.dev[l->dev], sg->paddr);
	return false;
}

static bool map_list(struct model *m, struct live *l)
{
	struct iotoll_dma_device *dev = m->w.dev[l->dev];
	const int n = l->kind == SG_ ? iotoll_dma_map_sg(dev, l->sg, l->n, l->dir)
				     : iotoll_dma_map_multi(dev, l->sg, l->n, l->dir, NULL);

	JUDGE(n == 0 || n == l->n);
	return n != 0;
}

static void call_map(struct model *m)
{
	const uint64_t what = take(m->in, 1);
	struct live l = {.kind = (enum kind)(what % 5), .dev = (unsigned)(what / 5 % DEVICES)};
	const uint64_t failures = stats_of(m).map_failures;
	bool mapped;

	l.dir = draw_dir(m);
	l.n = l.kind == SG_ || l.kind == MULTI_ ? 1 + (int)(take(m->in, 1) % LIST) : 1;
	for (int i = 0; i < l.n; i++)
		draw_element(m, &l.sg[i]);
	if (m->count == LIVE_MAX)
		return;
	mapped = l.kind == PAGE_       ? map_one(m, &l)
		 : l.kind == COHERENT_ ? map_coherent(m, &l)
		 : l.kind == BUFFER_   ? map_buffer(m, &l)
				       : map_list(m, &l);
	if (l.kind != BUFFER_)
		JUDGE(stats_of(m).map_failures == failures + !mapped);
	if (!mapped)
		return;
	JUDGE(valid(&l));
	own(m, &l);
	m->maps += l.kind == COHERENT_ ? 0 : (unsigned)l.n;
	m->coherents += l.kind == COHERENT_;
	m->live[m->count++] = l;
}

/* ---- unmapping ---- */

static void disown(struct model *m, const struct live *l)
{
	for (int i = 0; i < l->n; i++)
		JUDGE(oracle_release(&m->w.oracle, IOTOLL_IOVA_U64(l->sg[i].dma_address),
				     IOTOLL_PHYS_U64(l->sg[i].paddr), l->sg[i].bytes,
				     shares(m, l)));
}

static void unmap(struct model *m, struct live *l)
{
	struct iotoll_dma_device *dev = m->w.dev[l->dev];
	struct iotoll_sg *sg = &l->sg[0];

	if (l->kind == SG_)
		iotoll_dma_unmap_sg(dev, l->sg, l->n, l->dir);
	else if (l->kind == MULTI_)
		iotoll_dma_unmap_multi(dev, l->sg, l->n, l->dir, NULL);
	else if (l->kind == COHERENT_)
		iotoll_dma_free_coherent(dev, sg->bytes, l->ptr, sg->dma_address);
	else
		iotoll_dma_unmap_page(dev, sg->dma_address, sg->bytes, l->dir);
	if (l->kind == BUFFER_)
		iotoll_dma_buffer_free(dev, sg->paddr);
}

static void call_unmap(struct model *m)
{
	const uint64_t which = take(m->in, 1), again = take(m->in, 1);
	struct live l;

	if (!m->count)
		return;
	l = m->live[which % m->count];
	m->count--;
	m->live[which % (m->count + 1)] = m->live[m->count];
	disown(m, &l);
	unmap(m, &l);
	m->unmaps += l.kind == COHERENT_ ? 0 : (unsigned)l.n;
	for (int i = 0; i < l.n; i++)
		check_page(m, IOTOLL_IOVA_U64(l.sg[i].dma_address) / PAGE, true);
	/* Once more: the book knows, if nobody else has the address by now. */
	if (again % 4 || !m->c.check_misuse || l.kind != PAGE_ || shares(m, &l))
		return;
	unmap(m, &l);
	m->unknown++;
}

/* ---- other calls ---- */

static void call_sync(struct model *m)
{
	const uint64_t which = take(m->in, 1);
	const struct live *l = &m->live[m->count ? which % m->count : 0];

	if (!m->count || l->kind == COHERENT_)
		return;
	iotoll_dma_sync_single_for_cpu(m->w.dev[l->dev], l->sg[0].dma_address, l->sg[0].bytes,
				       l->dir);
	iotoll_dma_sync_single_for_device(m->w.dev[l->dev], l->sg[0].dma_address, l->sg[0].bytes,
					  l->dir);
}

static void call_look(struct model *m)
{
	const uint64_t iova = take(m->in, 4), offset = take(m->in, 2);
	struct iotoll_dma_entry entry;
	uint64_t value;
	int rc;

	check_page(m, iova % (2 * m->w.entries), true);
	rc = iotoll_dma_domain_entry(m->w.domain, IOTOLL_IOVA(iova), &entry);
	JUDGE(rc == 0 || rc == -ENOENT || rc == -ENOSYS);
	if (m->w.iommu)
		JUDGE(iotoll_iommu_reg_read(m->w.iommu, offset, 4, &value) ==
		      (offset % 4 ? -EINVAL : 0));
}

static void call_rest(struct model *m)
{
	const uint64_t what = take(m->in, 1);
	struct iotoll_dma_device *dev = m->w.dev[what % DEVICES];

	if (what & 0x80)
		(void)iotoll_dma_domain_tick(m->w.domain);
	if (what & 0x40)
		iotoll_dma_unmap_end(dev);
	if (what & 0x20)
		JUDGE(iotoll_dma_publish(dev) == 0);
	if (what & 0x10)
		iotoll_dma_forget(m->w.domain, IOTOLL_PHYS(m->arena), ARENA * PAGE);
	/* Calgary's driver shuts the bus off for what call_look() does. */
	if (what & 0x08 && strcmp(m->c.driver, "calgary") != 0)
		JUDGE(iotoll_dma_domain_watchdog(m->w.domain, NULL) >= 0);
	if (what == 0xff && m->sweeps++ == 0)
		check_all(m);
}

static void call(struct model *m)
{
	switch (take(m->in, 1) % 8) {
	case 0:
	case 1:
	case 2:
		call_map(m);
		break;
	case 3:
	case 4:
		call_unmap(m);
		break;
	case 5:
		call_sync(m);
		break;
	case 6:
		call_look(m);
		break;
	default:
		call_rest(m);
	}
}

/* ---- from beginning to end ---- */

static const char *nth(const char *(*name)(unsigned index, const char **title), uint64_t n)
{
	unsigned count = 0;

	while (name(count, NULL))
		count++;
	return name((unsigned)(n % count), NULL);
}

static void end(struct model *m)
{
	struct iotoll_dma_stats s;

	while (m->count) {
		struct live l = m->live[--m->count];

		disown(m, &l);
		unmap(m, &l);
		m->unmaps += l.kind == COHERENT_ ? 0 : (unsigned)l.n;
	}
	s = stats_of(m);
	JUDGE(s.maps == m->maps && s.unmaps == m->unmaps && s.coherent_allocs == m->coherents &&
	      s.coherent_frees == m->coherents);
	JUDGE(s.misuse[IOTOLL_MISUSE_UNMAP_UNKNOWN] == m->unknown);
	JUDGE(s.misuse[IOTOLL_MISUSE_LEAK] == 0 && s.misuse[IOTOLL_MISUSE_SYNC_UNMAPPED] == 0);
	JUDGE(oracle_empty(&m->w.oracle));
	check_all(m);
	(void)iotoll_env_free_pages(m->w.env, IOTOLL_PHYS(m->arena), ARENA);
	world_close(&m->w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const struct iotoll_dma_callbacks none = {.ctx = NULL};
	struct input in = {data, bytes};
	struct model m = {.in = &in};
	struct iotoll_dma_config config;
	iotoll_phys_t arena;
	char why[200];

	m.c = (struct combination){.strategy = nth(iotoll_dma_strategy_name, take(&in, 1)),
				   .driver = drivers[take(&in, 1) % 7],
				   .allocator = nth(iotoll_dma_allocator_name, take(&in, 1)),
				   .threads = 1,
				   .check_misuse = take(&in, 1) & 1,
				   .tight = true};
	config = (struct iotoll_dma_config){.driver = m.c.driver,
					    .strategy = m.c.strategy,
					    .allocator = m.c.allocator,
					    .callbacks = &none};
	if (iotoll_dma_config_check(&config, NULL, 0))
		return 0;
	JUDGE(world_open(&m.w, &m.c, why, sizeof(why)));
	JUDGE(iotoll_env_alloc_pages(m.w.env, ARENA, PAGE, 0, &arena) == 0);
	m.arena = IOTOLL_PHYS_U64(arena);
	for (unsigned i = 0; i < CALLS_MAX && in.left; i++)
		call(&m);
	end(&m);
	return 0;
}
