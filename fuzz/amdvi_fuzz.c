// SPDX-License-Identifier: MIT
/*
 * Fuzzer for AMD-Vi's hardware half. The input is a program of register accesses, commands, stores
 * to tables and translations; any values are allowed, as from a hostile guest. Judge is a walker
 * written from the published rules that keeps no cache but remembers every store since the unit
 * last forgot everything: an answer that is not marked stale must be what the tables say now; a
 * stale one must follow some path through what they held at some moment since; with nothing stored
 * since, everything must agree to the letter, the logged event included. Probes must tell what the
 * following translation does.
 */
#include <errno.h>

#include "amdvi_judge.h"
#include "hw/iotlb.h"

static void remember(struct world *w, uint64_t paddr)
{
	if (w->nstores == MAX_STORES)
		w->blurred = true;
	else
		w->stores[w->nstores++] = (struct store){paddr, load(w, paddr)};
}

static void put(struct world *w, uint64_t paddr, uint64_t value)
{
	if (paddr % 8 != 0 || paddr >= MEMORY_BYTES)
		return;
	remember(w, paddr);
	memcpy(w->memory + paddr, &value, 8);
}

static int memory_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	struct world *w = ctx;

	JUDGE(bytes <= 128);
	/* A ring of 32768 commands is the most that one register write can set off. */
	JUDGE(++w->reads <= 32768 + 64);
	if (paddr > MEMORY_BYTES || bytes > MEMORY_BYTES - paddr)
		return -EFAULT;
	memcpy(to, w->memory + paddr, bytes);
	return 0;
}

static int memory_write(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	struct world *w = ctx;

	JUDGE(bytes == 8 || bytes == 16);
	JUDGE(paddr % 8 == 0);
	if (paddr > MEMORY_BYTES || bytes > MEMORY_BYTES - paddr)
		return -EFAULT;
	for (size_t i = 0; i < bytes; i += 8)
		remember(w, paddr + i);
	memcpy(w->memory + paddr, from, bytes);
	return 0;
}

static void write_reg(struct world *w, uint64_t offset, uint64_t value, unsigned width)
{
	w->reads = 0;
	w->iommu->ops->reg_write(w->iommu, offset, value, width);
}

static void forgot_everything(struct world *w)
{
	w->since = w->nstores;
	w->only = -1;
	w->blurred = false;
}

/* ---- the program ---- */

/*
 * No further than the page that the tables name. An IOTLB entry made through another slot of a page
 * of several may say more, if the guest has not filled all slots alike: then that other slot must
 * lead to its last byte.
 */
static bool judge_reach(struct world *w, const struct answer *now, uint64_t iova, unsigned rw,
			const struct iotoll_xlat *x)
{
	const uint64_t beyond = x->bytes - 1;

	return x->bytes <= now->end - iova ||
	       (x->hit && ever_granted(w, iova + beyond, rw, x->paddr + beyond));
}

static void do_translate(struct world *w)
{
	const struct iotoll_source src = {
		.devid = (uint16_t)(take(&w->input, 1) % (DEVICES + 1) * 31)};
	const uint8_t style = (uint8_t)take(&w->input, 1);
	const enum iotoll_access rw = style & 1 ? IOTOLL_WRITE : IOTOLL_READ;
	const uint64_t iova = style & 4   ? take(&w->input, 8)
			      : style & 8 ? UINT64_C(0xFEE00000) + take(&w->input, 2)
					  : take(&w->input, 1) % 4 << (12 + style / 16 * 9 % 52) |
						    take(&w->input, 2);
	bool clean;
	const uint64_t tail = reg(w, 0x2018), status = reg(w, 0x2020);
	const struct answer now = judge_now(w, src.devid, iova, rw);
	struct iotoll_xlat p, x;
	int foretold, ret;

	/* Devices of one domain are to have the same tables; a guest may do otherwise. */
	w->only = w->only == -1 || w->only == src.devid ? src.devid : -2;
	clean = w->since == w->nstores && !w->blurred && w->only != -2;
	w->reads = 0;
	foretold = iommu_probe(w->iommu, src, iova, rw, &p);
	JUDGE(reg(w, 0x2018) == tail && reg(w, 0x2020) == status);
	ret = iommu_translate(w->iommu, src, iova, rw, &x);
	JUDGE(ret == foretold && p.paddr == x.paddr && p.bytes == x.bytes && p.hit == x.hit &&
	      p.bypass == x.bypass && p.stale == x.stale && p.fetches == x.fetches);
	JUDGE(ret == 0 || ret == -EPERM || ret == -EFAULT);
	if (ret == 0) {
		JUDGE(x.bytes > 0 && iova + (x.bytes - 1) >= iova);
		JUDGE(!x.bypass || x.paddr == iova);
		if (!x.stale)
			JUDGE(now.error == 0 && now.paddr == x.paddr);
		else
			JUDGE(w->blurred || x.bypass || ever_granted(w, iova, rw, x.paddr));
		if (clean && !x.stale)
			JUDGE(now.bypass == x.bypass && judge_reach(w, &now, iova, rw, &x));
		return;
	}
	if (!clean || x.fetches == 0)
		return; /* refused by what was: the tables of the past are many */
	JUDGE(now.error == ret);
	if (reg(w, 0x2018) != tail) {
		const uint64_t ring = UINT64_C(16)
				      << ((reg(w, 0x10) >> 56) < 8 ? 8 : reg(w, 0x10) >> 56);
		const uint64_t at = (reg(w, 0x10) & FRAME) + tail % ring;

		if (at <= MEMORY_BYTES - 16)
			JUDGE(load(w, at) >> 48 == (now.code << 12 | now.flags));
	}
}

static void do_store(struct world *w)
{
	const uint8_t where = (uint8_t)take(&w->input, 1), style = (uint8_t)take(&w->input, 1);
	uint64_t entry = take(&w->input, 1) % 16 * 0x1000 + TABLES;
	static const uint64_t markers[4] = {0, 0x1000, 0x7F000, 0x1FF000};

	if (style < 128) /* a table or a page, by next level */
		entry |= (uint64_t)(style & 7) << 9 | 1 | (uint64_t)(style >> 3 & 3) << 61 |
			 ((style & 7) == 7 ? markers[style >> 5] : 0);
	else if (style < 192)
		entry = take(&w->input, 8);
	else
		entry = 0;
	put(w, TABLES + where % 16 * 0x1000 + take(&w->input, 1) % 5 * 8, entry);
}

static void do_device(struct world *w)
{
	const uint64_t at = take(&w->input, 1) % DEVICES * 31 * 32;
	const uint8_t style = (uint8_t)take(&w->input, 1);

	if (style >= 224) {
		put(w, at + take(&w->input, 1) % 4 * 8, take(&w->input, 8));
		return;
	}
	put(w, at + 8, (style & 3) | (uint64_t)(take(&w->input, 1) & 0xE0) << 32);
	put(w, at,
	    3 | (uint64_t)(style >> 2 & 7) << 9 | (uint64_t)(style >> 5 & 3) << 61 |
		    (TABLES + take(&w->input, 1) % 16 * 0x1000));
}

static void do_command(struct world *w)
{
	static const uint64_t s_bits[4] = {2, 3, UINT64_C(0x7FFFFFFFFFFFF003), 0x1FF001};
	const uint64_t tail = reg(w, 0x2008);
	const uint64_t at = (reg(w, 8) & FRAME) + tail % 4096;
	const uint8_t style = (uint8_t)take(&w->input, 1);
	uint64_t q0 = (uint64_t)(style & 15) << 60, q1 = 0;
	const bool all = (style & 15) == 8 && style < 240;
	bool done;

	if ((style & 15) == 1)
		q0 |= (take(&w->input, 1) & 7) | take(&w->input, 2) << 3;
	else if ((style & 15) == 3) {
		q0 |= (take(&w->input, 1) & 3) << 32;
		q1 = take(&w->input, 2) << 12 ^ s_bits[style >> 4 & 3];
	} else if (!all)
		q0 |= take(&w->input, 2);
	if (style >= 240)
		q1 = take(&w->input, 8);
	put(w, at, q0);
	put(w, at + 8, q1);
	/* Alone in the buffer, read and legal: afterwards nothing may be held. */
	done = all && at <= MEMORY_BYTES - 16 && at % 8 == 0 && reg(w, 0x2000) == tail &&
	       tail < 4096 && reg(w, 8) >> 56 == 8 && (reg(w, 0x2020) & 16) && load(w, at) == q0 &&
	       load(w, at + 8) == 0;
	write_reg(w, 0x2008, (tail + 16) % 4096, 8);
	if (done) {
		JUDGE(reg(w, 0x2000) == (tail + 16) % 4096);
		forgot_everything(w);
	}
}

static void do_register(struct world *w)
{
	static const uint32_t known[] = {0,    8,      0x10,   0x18,   0x20,   0x28,
					 0x30, 0x2000, 0x2008, 0x2010, 0x2018, 0x2020};
	const unsigned which = (unsigned)take(&w->input, 1);
	const uint64_t offset =
		which < 240 ? known[which % 12] + (which & 64 ? 4 : 0) : take(&w->input, 3);
	const unsigned width = which & 128 ? 4 : 8;
	const uint64_t strays = amdvi_stray_accesses(w->iommu);

	if (take(&w->input, 1) & 1) {
		const uint64_t read = w->iommu->ops->reg_read(w->iommu, offset, width);

		JUDGE(width == 8 || read >> 32 == 0);
		JUDGE(amdvi_stray_accesses(w->iommu) == strays || read == 0);
		return;
	}
	write_reg(w, offset, take(&w->input, which & 1 ? 8 : 2), width);
	w->blurred = true;
	JUDGE(reg(w, 0x30) == 0x842);
	JUDGE((reg(w, 0x18) & 1) || !(reg(w, 0x2020) & 0x18));
}

/* The commonest start: everything on, table and buffers where the program writes them. */
static void do_enable(struct world *w)
{
	write_reg(w, 0x18, 0, 8);
	write_reg(w, 0x2020, 7, 8);
	write_reg(w, 0, 0, 8);
	write_reg(w, 8, UINT64_C(0x0800000000004000), 8);
	write_reg(w, 0x10, UINT64_C(0x0800000000005000), 8);
	write_reg(w, 0x20, take(&w->input, 1) & 3, 8);
	write_reg(w, 0x28, 0x3000, 8);
	write_reg(w, 0x18, 0x1005, 8);
	w->blurred = true;
}

/* ---- devices with translation caches ---- */

static bool on_invalidate(void *ctx, uint16_t devid, unsigned itag, uint64_t payload)
{
	struct world *w = ctx;
	const unsigned how = (unsigned)take(&w->input, 1);

	(void)payload;
	JUDGE(itag < 32);
	if (how & 1) {
		w->owner[itag] = devid; /* later, or never */
		return (how & 2) != 0;
	}
	if (how & 2)
		w->iommu->ops->ats->completion(w->iommu, devid, how * 0x01010101u, how >> 2);
	w->iommu->ops->ats->completion(w->iommu, devid, UINT32_C(1) << itag, 1);
	return true;
}

static bool on_response(void *ctx, uint16_t devid, unsigned index, unsigned code)
{
	(void)ctx;
	(void)devid;
	JUDGE(index < 512 && code < 16);
	return true;
}

static uint16_t take_device(struct world *w)
{
	return (uint16_t)(take(&w->input, 1) % (DEVICES + 1) * 31);
}

/* V and I, and TV for a translation request, as memory has them; the unit may know older ones. */
static bool trusted_now(struct world *w, uint16_t devid, uint64_t q0_bits)
{
	const uint64_t base = reg(w, 0), at = (base & FRAME) + devid * UINT64_C(32);

	return devid < ((base & 0x1FF) + 1) * 128 && at <= MEMORY_BYTES - 32 &&
	       (load(w, at) & q0_bits) == q0_bits && (load(w, at + 8) & BIT(32)) != 0;
}

/* What is granted to a device that asks must be what an access would find in the tables. */
static void do_ats_request(struct world *w)
{
	const struct ats_request request = {.source = {.devid = take_device(w)},
					    .address = take(&w->input, 1) % 4
						       << (12 + take(&w->input, 1) % 5 * 9),
					    .count = 1,
					    .no_write = (take(&w->input, 1) & 1) != 0};
	const bool clean = w->since == w->nstores && !w->blurred && w->only == -1;
	const uint16_t devid = request.source.devid;
	const uint64_t iova = request.address & ATS_ADDRESS;
	struct ats_completion c;
	uint64_t paddr;

	w->only = w->only == -1 || w->only == devid ? devid : -2;
	w->reads = 0;
	JUDGE(w->iommu->ops->ats->request(w->iommu, &request, &c) == 0);
	JUDGE(c.count == (c.status == ATS_SUCCESS));
	JUDGE(c.status != ATS_SUCCESS || !request.no_write || !(c.entry[0] & ATS_ENTRY_W) ||
	      (c.entry[0] & ATS_ENTRY_U));
	if (!(reg(w, 0x18) & 1))
		JUDGE(c.status == ATS_UNSUPPORTED);
	if (c.status != ATS_SUCCESS || !clean || (c.entry[0] & ATS_ENTRY_U))
		return;
	JUDGE(trusted_now(w, devid, 3));
	paddr = ats_entry_base(c.entry[0]) |
		(iova & ats_span(ats_range_log2(c.entry[0], ATS_ENTRY_S)));
	for (unsigned rw = IOTOLL_READ; rw <= IOTOLL_WRITE; rw++) {
		const struct answer now = judge_now(w, devid, iova, rw);

		if (c.entry[0] & (rw == IOTOLL_READ ? ATS_ENTRY_R : ATS_ENTRY_W))
			JUDGE(now.error == 0 && now.paddr == paddr);
	}
}

static void do_ats_translated(struct world *w)
{
	const struct iotoll_source src = {.devid = take_device(w)};
	const uint64_t paddr = take(&w->input, 8);
	const enum iotoll_access rw = take(&w->input, 1) & 1 ? IOTOLL_WRITE : IOTOLL_READ;
	const bool clean = w->since == w->nstores && !w->blurred && w->only == -1;
	struct iotoll_xlat x, p;
	int ret, foretold;

	w->only = w->only == -1 || w->only == src.devid ? src.devid : -2;
	w->reads = 0;
	foretold = w->iommu->ops->ats->probe_translated(w->iommu, src, paddr, rw, &p);
	ret = w->iommu->ops->ats->translated(w->iommu, src, paddr, rw, &x);
	JUDGE(ret == foretold);
	if (ret == 0)
		JUDGE(x.bypass && x.paddr == paddr);
	if (clean && (reg(w, 0x18) & 1))
		JUDGE((ret == 0) <= (trusted_now(w, src.devid, 1) && paddr >> 20 != 0xFEE));
}

static void do_ats(struct world *w, unsigned what)
{
	const struct iommu_ats_ops *ats = w->iommu->ops->ats;
	const unsigned tag = (unsigned)take(&w->input, 1) % 33;

	w->reads = 0;
	switch (what % 6) {
	case 0:
		do_ats_request(w);
		break;
	case 1:
		do_ats_translated(w);
		break;
	case 2:
		ats->completion(w->iommu, w->owner[tag % 32], UINT32_C(1) << tag % 32, 1);
		break;
	case 3:
		ats->completion(w->iommu, (uint16_t)take(&w->input, 2),
				(uint32_t)take(&w->input, 4), tag);
		break;
	case 4:
		ats->time_out(w->iommu, tag);
		break;
	default:
		ats->page_request(w->iommu, take_device(w), take(&w->input, 8));
	}
	w->blurred = w->blurred || what % 6 > 1; /* commands may have gone on, events be logged */
}

static void run(struct world *w)
{
	while (w->input.left != 0) {
		unsigned what;

		switch (take(&w->input, 1) % 10) {
		case 0:
		case 1:
		case 2:
			do_store(w);
			break;
		case 3:
			do_device(w);
			break;
		case 4:
			do_command(w);
			break;
		case 5:
			do_register(w);
			break;
		case 6:
			do_enable(w);
			break;
		case 7:
			what = (unsigned)take(&w->input, 1);
			if (what == 255) {
				w->iommu->ops->reset(w->iommu);
				forgot_everything(w);
			} else if (what < 128) {
				do_ats(w, what);
			}
			break;
		default:
			do_translate(w);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	static const struct iotlb_config geometries[] = {
		{.entries = 0},
		{.entries = 1, .ways = 1, .line_pages = 1, .policy = "lru"},
		{.entries = 64, .ways = 4, .line_pages = 1, .policy = "lru"},
		{.entries = 6, .ways = 3, .line_pages = 4, .policy = "fifo"},
		{.entries = 8, .ways = 0, .line_pages = 8, .policy = "random"},
		{.entries = 4, .ways = 2, .line_pages = 16, .policy = "lru"},
	};
	struct world *w = calloc(1, sizeof(*w));
	struct iommu_config config = {.model = "amdvi", .track_stale = true};

	if (w == NULL)
		return 0;
	w->input = (struct input){data, bytes};
	w->only = -1;
	config.iotlb =
		geometries[take(&w->input, 1) % (sizeof(geometries) / sizeof(geometries[0]))];
	config.memory =
		(struct iotoll_memory){.ctx = w, .read = memory_read, .write = memory_write};
	if (iommu_create(&w->iommu, &config, NULL) == 0) {
		w->fabric = (struct ats_fabric){w, on_invalidate, on_response};
		w->iommu->fabric = &w->fabric;
		run(w);
		iommu_destroy(w->iommu);
	}
	free(w);
	return 0;
}
