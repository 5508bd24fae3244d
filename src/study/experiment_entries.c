/* SPDX-License-Identifier: MIT */
/*
 * Table entries of Calgary and DART, by the two halves themselves: the driver half writes one and
 * its bytes are compared with tables 1 and 2 of the paper; then bytes are written by hand and the
 * hardware half is asked what they allow. Nothing is cached, so that every answer is the table's.
 */
#include <errno.h>
#include <string.h>

#include "study/experiment.h"

#define SPACE_ENTRIES (UINT64_C(1) << 19) /* 2 GiB, all that DART has under Linux */
#define FRAME         UINT64_C(0x12345)
#define MAX_BYTES     8

/* Bits of the entry in the paper's numbering, where bit 0 is the most significant. */
struct layout {
	const char *model;
	unsigned bytes;
	int valid; /* -1: there is none */
	unsigned frame_first, frame_last, read, write;
	/* What the driver writes for FRAME, the device may read and write. */
	uint8_t mapped[MAX_BYTES];
};

static const struct layout layouts[] = {
	/* table 1: real page number 16:51, W 62, R 63 */
	{"calgary", 8, -1, 16, 51, 63, 62, {0, 0, 0, 0, 0x12, 0x34, 0x50, 0x03}},
	/* table 2: V 0, R 1, W 2, real page number 8:31 */
	{"dart-u4", 4, 0, 8, 31, 1, 2, {0x80, 0x01, 0x23, 0x45}},
};

static void set_bit(uint8_t *entry, unsigned bit, bool value)
{
	const uint8_t mask = (uint8_t)(0x80u >> bit % 8);

	entry[bit / 8] = (uint8_t)(value ? entry[bit / 8] | mask : entry[bit / 8] & ~mask);
}

struct bench {
	struct solo solo;
	const struct layout *layout;
	uint8_t *entry; /* of the page at @iova */
	uint64_t iova;
};

static bool allows(const struct bench *b, enum iotoll_access access, uint64_t *paddr)
{
	struct iotoll_xlat x;
	const int rc = iommu_probe(b->solo.rig.iommu, b->solo.source, b->iova, access, &x);

	*paddr = x.paddr;
	return rc == 0;
}

static void try_rights(struct bench *b, struct entries_result *out)
{
	uint8_t saved[MAX_BYTES];
	uint64_t paddr;

	memcpy(saved, b->entry, b->layout->bytes);
	for (unsigned bits = 0; bits < 4; bits++) {
		set_bit(b->entry, b->layout->read, bits & 1);
		set_bit(b->entry, b->layout->write, bits & 2);
		out->readable |= (unsigned)allows(b, IOTOLL_READ, &paddr) << bits;
		out->writable |= (unsigned)allows(b, IOTOLL_WRITE, &paddr) << bits;
	}
	memcpy(b->entry, saved, b->layout->bytes);
	if (b->layout->valid >= 0) {
		set_bit(b->entry, (unsigned)b->layout->valid, false);
		out->needs_valid = !allows(b, IOTOLL_READ, &paddr);
		memcpy(b->entry, saved, b->layout->bytes);
	}
}

/* All ones as a frame number: how far does it reach? */
static void try_frame(struct bench *b, struct entries_result *out)
{
	uint8_t saved[MAX_BYTES];
	uint64_t paddr;

	memcpy(saved, b->entry, b->layout->bytes);
	for (unsigned bit = b->layout->frame_first; bit <= b->layout->frame_last; bit++)
		set_bit(b->entry, bit, true);
	if (allows(b, IOTOLL_WRITE, &paddr))
		for (uint64_t frame = paddr >> 12; frame & 1; frame >>= 1)
			out->frame_bits++;
	memcpy(b->entry, saved, b->layout->bytes);
}

static int look(struct bench *b, struct entries_result *out, struct err *err)
{
	const iotoll_iova_t iova = iotoll_dma_map_page(b->solo.device, IOTOLL_PHYS(FRAME << 12),
						       4096, IOTOLL_DMA_BIDIRECTIONAL);
	iotoll_phys_t table;
	size_t bytes;

	if (iotoll_dma_mapping_error(iova))
		return err_set(err, -ENOSPC, "a page cannot be mapped");
	iotoll_dma_domain_table(b->solo.rig.domain, &table, &bytes);
	b->iova = IOTOLL_IOVA_U64(iova);
	b->entry = memory_ptr(b->solo.machine->mem,
			      IOTOLL_PHYS_U64(table) + (b->iova >> 12) * b->layout->bytes,
			      b->layout->bytes);
	out->table_bytes = bytes;
	out->entry_bytes = (unsigned)(bytes / SPACE_ENTRIES);
	out->as_published = !memcmp(b->entry, b->layout->mapped, b->layout->bytes);
	try_rights(b, out);
	try_frame(b, out);
	iotoll_dma_unmap_page(b->solo.device, iova, 4096, IOTOLL_DMA_BIDIRECTIONAL);
	return 0;
}

int experiment_entries(const struct profile *p, const char *model, struct entries_result *out,
		       struct err *err)
{
	const struct rig_config config = {
		.model = model,
		.iotlb = {.entries = 0},
		.strategy = "strict",
		.allocator = "next-fit",
		.table_entries = SPACE_ENTRIES,
	};
	struct bench b = {.layout = &layouts[!strcmp(model, layouts[1].model)]};
	int rc = solo_init(&b.solo, p, &config, BENCH_DEVID, err);

	*out = (struct entries_result){0};
	if (rc)
		return rc;
	rc = look(&b, out, err);
	solo_fini(&b.solo);
	return rc;
}
