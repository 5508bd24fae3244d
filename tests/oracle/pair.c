// SPDX-License-Identifier: MIT
/*
 * See pair.h.
 */
#include "pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/rng.h"

/* Where the devices' buffers are loaded from, before anything is translated. */
#define PATTERN_ADDR UINT64_C(0x180000)

static bool inside(uint64_t addr, size_t bytes)
{
	return addr <= PAIR_RAM_BYTES && bytes <= PAIR_RAM_BYTES - addr;
}

static int ours_read(void *ctx, uint64_t paddr, void *to, size_t bytes)
{
	const struct pair *p = ctx;

	if (!inside(paddr, bytes))
		return -EFAULT;
	memcpy(to, p->ram + paddr, bytes);
	return 0;
}

static int ours_write(void *ctx, uint64_t paddr, const void *from, size_t bytes)
{
	struct pair *p = ctx;

	if (!inside(paddr, bytes))
		return -EFAULT;
	memcpy(p->ram + paddr, from, bytes);
	return 0;
}

static bool complete_at_once(void *ctx, uint16_t devid, unsigned itag, uint64_t payload)
{
	const struct pair *p = ctx;

	(void)payload;
	p->ours->ops->ats->completion(p->ours, devid, UINT32_C(1) << itag, 1);
	return true;
}

/* Every 8 bytes of every buffer differ from all others, so that they tell where they came from. */
static int fill_buffers(struct pair *p, struct err *err)
{
	struct rng rng;
	int ret = 0;

	rng_seed(&rng, 0x6f7261636c65);
	for (unsigned n = 0; n < PAIR_DEVICES && ret == 0; n++) {
		const uint64_t addr = PATTERN_ADDR + (uint64_t)n * EDU_BUFFER_BYTES;

		for (unsigned i = 0; i < EDU_BUFFER_BYTES; i += 8) {
			uint64_t word = rng_u64(&rng);

			memcpy(p->buffer[n] + i, &word, sizeof(word));
		}
		memcpy(p->ram + addr, p->buffer[n], EDU_BUFFER_BYTES);
		qtest_write_bytes(p->qemu, addr, EDU_BUFFER_BYTES, p->buffer[n]);
		edu_configure(p->qemu, n);
		ret = edu_transfer(p->qemu, n, EDU_LOAD, addr, 0, EDU_USABLE_BYTES, err);
	}
	return ret;
}

int pair_create(struct pair **out, const struct pair_config *config, struct err *err)
{
	char edu[PAIR_DEVICES][64];
	const char *words[2 * PAIR_DEVICES + 3] = {"-device", config->device};
	struct pair *p = calloc(1, sizeof(*p));
	struct iommu_config ours = config->ours;
	int ret;

	if (p == NULL)
		return err_set(err, -ENOMEM, "no memory for a pair");
	for (unsigned n = 0; n < PAIR_DEVICES; n++) {
		edu_words(n, edu[n], sizeof(edu[n]));
		words[2 + 2 * n] = "-device";
		words[3 + 2 * n] = edu[n];
	}
	p->reg_base = config->reg_base;
	p->ram = mmap(NULL, PAIR_RAM_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p->ram == MAP_FAILED) {
		p->ram = NULL;
		ret = err_set(err, -ENOMEM, "no memory for a pair");
		goto destroy;
	}
	ours.memory = (struct iotoll_memory){.ctx = p, .read = ours_read, .write = ours_write};
	ret = config->qemu_only ? 0 : iommu_create(&p->ours, &ours, err);
	if (ret != 0)
		goto destroy;
	p->fabric = (struct ats_fabric){.ctx = p, .invalidate = complete_at_once};
	if (p->ours != NULL)
		p->ours->fabric = &p->fabric;
	ret = qtest_start(&p->qemu, config->binary, PAIR_RAM_MIB, words, err);
	if (ret != 0)
		goto destroy;
	ret = fill_buffers(p, err);
	if (ret != 0)
		goto destroy;
	*out = p;
	return 0;

destroy:
	pair_destroy(p);
	return ret;
}

void pair_destroy(struct pair *p)
{
	if (p == NULL)
		return;
	qtest_stop(p->qemu);
	iommu_destroy(p->ours);
	if (p->ram != NULL)
		munmap(p->ram, PAIR_RAM_BYTES);
	free(p);
}

void pair_poke(struct pair *p, uint64_t addr, uint64_t value)
{
	uint8_t byte[8];

	for (unsigned i = 0; i < 8; i++)
		byte[i] = (uint8_t)(value >> (8 * i));
	if (inside(addr, sizeof(byte)))
		memcpy(p->ram + addr, byte, sizeof(byte));
	qtest_write(p->qemu, addr, value, 8);
}

void pair_reg_write(struct pair *p, uint64_t offset, uint64_t value, unsigned width)
{
	qtest_write(p->qemu, p->reg_base + offset, value, width);
	if (p->ours != NULL)
		p->ours->ops->reg_write(p->ours, offset, value, width);
}

void pair_reg_read(struct pair *p, uint64_t offset, unsigned width, uint64_t *theirs,
		   uint64_t *ours)
{
	qtest_read(p->qemu, p->reg_base + offset, width, theirs);
	*ours = p->ours != NULL ? p->ours->ops->reg_read(p->ours, offset, width) : 0;
}

uint64_t pair_peek(const struct pair *p, uint64_t addr)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < 8 && inside(addr, 8); i++)
		value |= (uint64_t)p->ram[addr + i] << (8 * i);
	return value;
}

/* Move one part whose translation succeeded. What lies outside memory reads 0 and is dropped. */
static void move(struct pair *p, unsigned device, enum edu_direction direction,
		 const struct pair_part *part)
{
	uint8_t *buffer = p->buffer[device] + part->at;
	const bool real = part->ret == 0 && inside(part->xlat.paddr, part->bytes);

	if (direction == EDU_LOAD && real)
		memcpy(buffer, p->ram + part->xlat.paddr, part->bytes);
	else if (direction == EDU_LOAD)
		memset(buffer, 0, part->bytes);
	else if (real)
		memcpy(p->ram + part->xlat.paddr, buffer, part->bytes);
}

unsigned pair_dma_ours(struct pair *p, unsigned device, enum edu_direction direction, uint64_t iova,
		       uint32_t at, uint32_t bytes, struct pair_part parts[PAIR_PARTS])
{
	const struct iotoll_source source = {.devid = edu_source(device)};
	unsigned n = 0;

	while (bytes > 0 && n < PAIR_PARTS) {
		struct pair_part *part = &parts[n++];
		const uint32_t in_page = 4096 - (uint32_t)(iova & 4095);

		*part = (struct pair_part){.iova = iova, .at = at};
		part->bytes = bytes < in_page ? bytes : in_page;
		part->ret = iommu_translate(p->ours, source, iova,
					    direction == EDU_LOAD ? IOTOLL_READ : IOTOLL_WRITE,
					    &part->xlat);
		move(p, device, direction, part);
		iova += part->bytes;
		at += part->bytes;
		bytes -= part->bytes;
	}
	return n;
}
