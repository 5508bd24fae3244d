// SPDX-License-Identifier: MIT
/*
 * See edu.h. Registers as in QEMU's docs/specs/edu.rst: 0x80 source, 0x88 destination, 0x90 count,
 * 0x98 command, of which bit 0 starts and reads 1 while the transfer runs, bit 1 is the direction.
 * The buffer is at 0x40000 of the device's own address space.
 */
#include "edu.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#define EDU_BUFFER 0x40000u
#define FIRST_SLOT 5u
#define POLLS_MAX  10000u

static uint64_t bar(unsigned n)
{
	return UINT64_C(0xc0000000) + ((uint64_t)n << 20);
}

void edu_words(unsigned n, char *option, size_t bytes)
{
	snprintf(option, bytes, "edu,addr=%02x.0,dma_mask=0xffffffffffffffff", FIRST_SLOT + n);
}

uint16_t edu_source(unsigned n)
{
	return (uint16_t)((FIRST_SLOT + n) << 3);
}

static void config_write(struct qtest *q, unsigned n, unsigned offset, uint32_t value)
{
	qtest_outl(q, 0xcf8, 0x80000000u | (uint32_t)edu_source(n) << 8 | offset);
	qtest_outl(q, 0xcfc, value);
}

void edu_configure(struct qtest *q, unsigned n)
{
	config_write(q, n, 0x10, (uint32_t)bar(n));
	config_write(q, n, 0x04, 0x6); /* memory space, bus master */
}

void edu_start(struct qtest *q, unsigned n, enum edu_direction direction, uint64_t addr,
	       uint32_t at, uint32_t bytes)
{
	const uint64_t inside = EDU_BUFFER + at;

	assert(bytes >= 1 && bytes <= EDU_USABLE_BYTES && at <= EDU_USABLE_BYTES - bytes);
	qtest_write(q, bar(n) + 0x80, direction == EDU_LOAD ? addr : inside, 8);
	qtest_write(q, bar(n) + 0x88, direction == EDU_LOAD ? inside : addr, 8);
	qtest_write(q, bar(n) + 0x90, bytes, 8);
	qtest_write(q, bar(n) + 0x98, 1 | (direction == EDU_STORE ? 2 : 0), 8);
}

void edu_ask(struct qtest *q, unsigned n, uint64_t *to)
{
	qtest_read(q, bar(n) + 0x98, 8, to);
}

int edu_transfer(struct qtest *q, unsigned n, enum edu_direction direction, uint64_t addr,
		 uint32_t at, uint32_t bytes, struct err *err)
{
	edu_start(q, n, direction, addr, at, bytes);
	for (unsigned polls = 0; polls < POLLS_MAX; polls++) {
		uint64_t command;
		int ret;

		/* The transfer itself happens between two batches of commands. */
		ret = qtest_sync(q, err);
		if (ret != 0)
			return ret;
		edu_ask(q, n, &command);
		ret = qtest_sync(q, err);
		if (ret != 0)
			return ret;
		if ((command & 1) == 0)
			return 0;
	}
	return err_set(err, -ETIMEDOUT, "QEMU: a transfer of device %u does not end", n);
}
