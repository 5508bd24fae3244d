/* SPDX-License-Identifier: MIT */
/*
 * Whose memory a device reaches through a table that was made in advance ("The Price of Safety",
 * section 4.3.1): under a hypervisor that of its own domain, and nobody else's; on bare metal,
 * where there is nobody else, everything. The device was given nothing. It writes to each page of
 * its address space; that a write arrived is seen in memory, and undone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "study/bench_domains.h"

#define WORD          UINT64_C(0x5afe2007feedf00d)
#define METAL_MEMORY  (UINT64_C(64) << 20)
#define METAL_ENTRIES (UINT64_C(1) << 20) /* 4 GiB, as Linux drives Calgary */

enum owner { NOBODY, OWN, GUARDED, OTHER, REST }; /* nobody: there is no memory */

struct survey {
	struct rig *rig;
	struct memory *board;
	uint64_t frames, pages; /* of memory; of the device's address space */
	uint8_t *owner;         /* of each frame, enum owner */
	bool *reached;
	uint64_t astray; /* what went through although the hardware's probe says it does not */
};

/* Where a write to page @iova arrived, if it did: the frame, or UINT64_MAX. */
static uint64_t try_page(struct survey *s, uint64_t iova)
{
	const struct iotoll_source source = {.bus = RIG_BUS, .devid = BENCH_DEVID};
	uint64_t value = WORD ^ iova, before;
	struct iotoll_xlat x;
	bool there;
	void *at;
	const bool open = !iommu_probe(s->rig->iommu, source, iova, IOTOLL_WRITE, &x);

	/* What lies where it will go is kept, and looked at. */
	if (open && (x.paddr >> PAGE_SHIFT) >= s->frames)
		return UINT64_MAX;
	at = open ? memory_ptr(s->board, x.paddr, sizeof(value)) : &before;
	memcpy(&before, at, sizeof(before));
	there = !bus_dma_now(s->rig->bus, BENCH_DEVID, iova, &value, sizeof(value), IOTOLL_WRITE,
			     NULL);
	if (!open) {
		s->astray += there;
		return UINT64_MAX;
	}
	there = there && !memcmp(at, &value, sizeof(value));
	memcpy(at, &before, sizeof(before));
	return there ? x.paddr >> PAGE_SHIFT : UINT64_MAX;
}

static void count(const struct survey *s, struct reach_result *out)
{
	uint64_t *const all[] = {NULL, &out->own, &out->guarded, &out->other, &out->rest};
	uint64_t *const hit[] = {NULL, &out->own_reached, &out->guarded_reached,
				 &out->other_reached, &out->rest_reached};

	for (uint64_t f = 0; f < s->frames; f++) {
		if (s->owner[f] == NOBODY)
			continue;
		++*all[s->owner[f]];
		*hit[s->owner[f]] += s->reached[f];
	}
	out->rest_reached += s->astray;
	out->attempts = s->pages;
}

static void attack(struct survey *s, struct reach_result *out)
{
	for (uint64_t page = 0; page < s->pages; page++) {
		const uint64_t frame = try_page(s, page << PAGE_SHIFT);

		if (frame != UINT64_MAX)
			s->reached[frame] = true;
	}
	count(s, out);
}

static int survey_init(struct survey *s, struct rig *rig, struct memory *board, uint64_t pages)
{
	*s = (struct survey){.rig = rig, .board = board, .pages = pages};
	s->frames = memory_bytes(board) >> PAGE_SHIFT;
	s->owner = calloc(s->frames, sizeof(*s->owner));
	s->reached = calloc(s->frames, sizeof(*s->reached));
	return s->owner && s->reached ? 0 : -ENOMEM;
}

static void survey_fini(struct survey *s)
{
	free(s->owner);
	free(s->reached);
}

/* ---- bare metal ---- */

static int reach_metal(const struct profile *p, const char *strategy, struct reach_result *out,
		       struct err *err)
{
	const struct rig_config config = {.model = "calgary",
					  .iotlb = {.entries = 0},
					  .strategy = strategy,
					  .allocator = "next-fit",
					  .table_entries = METAL_ENTRIES};
	struct profile small = *p;
	struct survey s = {0};
	struct solo solo;
	int rc;

	small.memory_bytes = METAL_MEMORY;
	rc = solo_init(&solo, &small, &config, BENCH_DEVID, err);
	if (rc)
		return rc;
	rc = survey_init(&s, &solo.rig, solo.machine->mem, METAL_ENTRIES);
	for (uint64_t f = 0; f < s.frames && !rc; f++)
		s.owner[f] = rig_no_memory(f << PAGE_SHIFT) ? NOBODY : OWN;
	if (!rc)
		attack(&s, out);
	survey_fini(&s);
	solo_fini(&solo);
	return rc ? err_set(err, rc, "no memory") : 0;
}

/* ---- two domains ---- */

static void find_owners(struct survey *s, const struct bench_domains *b)
{
	const struct hyper_domain *d = b->domain[BENCH_HOLDER];
	uint64_t first, end;

	for (uint64_t f = 0; f < s->frames; f++) {
		const int owner = xen_frame_domain(b->hyper.xen, f);

		s->owner[f] = rig_no_memory(f << PAGE_SHIFT)   ? NOBODY
			      : owner == xen_domain_id(d->xen) ? GUARDED
			      : owner >= 0                     ? OTHER
							       : REST;
	}
	/* What the domain may write to: its free memory, less addresses that are not translated. */
	xen_domain_free_memory(d->xen, &first, &end);
	for (uint64_t pfn = first; pfn < end; pfn++)
		if (!rig_no_memory(pfn << PAGE_SHIFT))
			s->owner[memory_machine(d->view, pfn << PAGE_SHIFT) >> PAGE_SHIFT] = OWN;
}

static int reach_domains(const struct profile *p, const char *strategy, struct reach_result *out,
			 struct err *err)
{
	const struct bench_domains_config config = {.strategy = strategy};
	struct bench_domains b;
	struct survey s = {0};
	int rc = bench_domains_init(&b, p, &config, err);

	if (!rc) {
		rc = survey_init(&s, &b.hyper.rig, b.board->mem, b.hyper.driver->entries);
		if (rc)
			(void)err_set(err, rc, "no memory");
	}
	if (!rc) {
		find_owners(&s, &b);
		attack(&s, out);
	}
	survey_fini(&s);
	bench_domains_fini(&b);
	return rc;
}

int experiment_reach(const struct profile *p, const char *strategy, bool metal,
		     struct reach_result *out, struct err *err)
{
	*out = (struct reach_result){0};
	return metal ? reach_metal(p, strategy, out, err) : reach_domains(p, strategy, out, err);
}
