/* SPDX-License-Identifier: MIT */
/*
 * A machine emulator's DMA path: guest memory, a VT-d unit over it, and one device behind that.
 *What a guest's kernel would do is done by hand here: tables in memory, registers, a DMA write, a
 *fault, an unmap with its invalidation. Register offsets and layouts are those of the Intel VT-d
 * specification, sections 9 and 10 (legacy mode).
 *
 *	cc vtd_device.c $(pkg-config --cflags --libs iotoll) -o vtd_device && ./vtd_device
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <iotoll/iommu.h>

#define GUEST_BYTES (UINT64_C(16) << 20)
#define PAGE        UINT64_C(4096)

/* The guest's map of its own memory: where it puts root table, context table and page tables. */
enum { ROOT = 0x1000, CONTEXT = 0x2000, LEVEL_3 = 0x3000, LEVEL_2 = 0x4000, LEVEL_1 = 0x5000 };
enum { BUFFER = 0x80000, NEXT = 0x93000 };
#define IOVA   UINT64_C(0x40200000)
#define DEVICE 0x0008u /* bus 0, device 1, function 0 */

enum { REG_GCMD = 0x18, REG_GSTS = 0x1c, REG_RTADDR = 0x20, REG_CCMD = 0x28, REG_FSTS = 0x34 };
#define GCMD_TE   (UINT64_C(1) << 31)
#define GCMD_SRTP (UINT64_C(1) << 30)

struct machine {
	uint8_t *memory;
	struct iotoll_iommu *iommu;
};

static int guest_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	const struct machine *m = ctx;

	if (paddr > GUEST_BYTES || bytes > GUEST_BYTES - paddr)
		return -EFAULT;
	memcpy(to, m->memory + paddr, bytes);
	return 0;
}

static int guest_write(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	const struct machine *m = ctx;

	if (paddr > GUEST_BYTES || bytes > GUEST_BYTES - paddr)
		return -EFAULT;
	memcpy(m->memory + paddr, from, bytes);
	return 0;
}

static void fault(void *ctx, struct iotoll_source source, uint64_t iova, enum iotoll_access access)
{
	(void)ctx;
	printf("fault: device %04x, %s of 0x%llx\n", source.devid,
	       access == IOTOLL_WRITE ? "write" : "read", (unsigned long long)iova);
}

static void check(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(-rc));
	exit(1);
}

static void store64(struct machine *m, uint64_t paddr, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		m->memory[paddr + i] = (uint8_t)(value >> 8 * i);
}

static void poke(struct machine *m, uint64_t offset, uint64_t value, unsigned width)
{
	check(iotoll_iommu_reg_write(m->iommu, offset, value, width), "register write");
}

static uint64_t peek(struct machine *m, uint64_t offset, unsigned width)
{
	uint64_t value;

	check(iotoll_iommu_reg_read(m->iommu, offset, width, &value), "register read");
	return value;
}

/* Two pages in a row of I/O addresses, which lie apart in memory; three levels of tables. */
static void guest_maps(struct machine *m)
{
	store64(m, ROOT, CONTEXT | 1);
	store64(m, CONTEXT + 16 * DEVICE, LEVEL_3 | 1);
	store64(m, CONTEXT + 16 * DEVICE + 8, UINT64_C(1) << 8 | 1); /* domain 1, 39 bits */
	store64(m, LEVEL_3 + 8 * (IOVA >> 30 & 511), LEVEL_2 | 3);
	store64(m, LEVEL_2 + 8 * (IOVA >> 21 & 511), LEVEL_1 | 3);
	store64(m, LEVEL_1 + 8 * (IOVA >> 12 & 511), BUFFER | 3);
	store64(m, LEVEL_1 + 8 * ((IOVA + PAGE) >> 12 & 511), NEXT | 3);
	poke(m, REG_RTADDR, ROOT, 8);
	poke(m, REG_GCMD, GCMD_SRTP, 4);
	poke(m, REG_GCMD, GCMD_TE, 4);
	if ((peek(m, REG_GSTS, 4) & GCMD_TE) == 0)
		check(-EIO, "switching translation on");
}

/* The mapping goes, and the unit is told: a global invalidation of the IOTLB, by its register. */
static void guest_unmaps(struct machine *m)
{
	const uint64_t iotlb = (peek(m, 0x10, 8) >> 8 & 0x3ff) * 16 + 8;

	store64(m, LEVEL_1 + 8 * (IOVA >> 12 & 511), 0);
	store64(m, LEVEL_1 + 8 * ((IOVA + PAGE) >> 12 & 511), 0);
	poke(m, iotlb, UINT64_C(1) << 63 | UINT64_C(1) << 60, 8);
	while (peek(m, iotlb, 8) >> 63)
		;
}

/* What the device does: bytes to an I/O address, wherever they lie. 0, or why not all of them went.
 */
static int device_writes(struct machine *m, uint64_t iova, const void *from, uint64_t bytes)
{
	const struct iotoll_source who = {.bus = 0, .devid = DEVICE};
	const uint8_t *data = from;

	while (bytes != 0) {
		struct iotoll_piece piece[4];
		unsigned pieces = 4;
		uint64_t done;
		const int rc = iotoll_iommu_translate_range(m->iommu, who, iova, bytes,
							    IOTOLL_WRITE, piece, &pieces, &done);

		for (unsigned i = 0; i < pieces; i++) {
			check(guest_write(m, piece[i].paddr, data, piece[i].bytes), "guest memory");
			data += piece[i].bytes;
		}
		if (rc != 0)
			return rc;
		iova += done;
		bytes -= done;
	}
	return 0;
}

int main(void)
{
	static const char text[] = "a frame that crosses the border of two pages";
	const struct iotoll_iommu_observer observer = {.fault = fault};
	struct machine m = {.memory = calloc(1, GUEST_BYTES)};
	struct iotoll_iommu_config config;
	char why[200];
	int rc;

	if (m.memory == NULL)
		check(-ENOMEM, "guest memory");
	check(iotoll_iommu_defaults(&config, "vtd"), "model vtd");
	config.memory = (struct iotoll_memory){.ctx = &m,
					       .read = guest_read,
					       .write = guest_write,
					       .window = m.memory,
					       .window_bytes = GUEST_BYTES};
	rc = iotoll_iommu_create(&m.iommu, &config, why, sizeof(why));
	if (rc != 0) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	iotoll_iommu_observe(m.iommu, &observer);
	guest_maps(&m);
	check(device_writes(&m, IOVA + PAGE - 20, text, sizeof(text)), "DMA");
	printf("end of the first page: %.20s\n", (const char *)m.memory + BUFFER + PAGE - 20);
	printf("start of the second: %s\n", (const char *)m.memory + NEXT);
	guest_unmaps(&m);
	rc = device_writes(&m, IOVA, text, sizeof(text));
	printf("after the unmap: %s, fault status 0x%x\n", rc == -EPERM ? "refused" : "let through",
	       (unsigned)peek(&m, REG_FSTS, 4));
	iotoll_iommu_destroy(m.iommu);
	free(m.memory);
	return rc == -EPERM ? 0 : 1;
}
