/* SPDX-License-Identifier: MIT */
/*
 * A register file that behaves like DART's towards its driver: it takes invalidate bits down
 * after a number of polls. Nothing of src/hw is behind it. Offsets and values are written out here
 * and in the tests instead of taken from spec/dart.h, so that a mistake in the header shows.
 */
#ifndef IOTOLL_TESTS_DMA_DART_CHIP_H
#define IOTOLL_TESTS_DMA_DART_CHIP_H

#include "rig.h"

/* Offsets from 0xF8030000. */
#define APIEXCP 0x0060
#define CNTL    0x3000
#define U4_BASE 0x3010
#define U4_SIZE 0x3020

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct chip {
	struct rig rig; /* memory, domain, device, log; its own registers are not used */
	uint32_t reg[0xA000 / 4];
	uint32_t invalidate; /* bits that fall by themselves */
	unsigned busy;       /* polls that find them up; UINT_MAX: for ever */
	unsigned left, set;  /* how often they were set */
};

/* Memory of 64 MiB and registers at 0; no domain yet. rig_close(&c->rig) undoes it. */
void chip_open(struct chip *c, bool u4);
/* 2 MiB of table, misuse watched for. */
struct iotoll_dma_config dart_config(bool u4, const char *strategy);
/* chip_open(), such a domain and a device with a 32-bit mask. */
void chip_start(struct chip *c, bool u4, const char *strategy);
uint32_t table_at(const struct chip *c);
/* The four bytes of entry @index are these; name the dummy page. */
void entry_is(const struct chip *c, uint64_t index, uint8_t b0, uint8_t b1, uint8_t b2, uint8_t b3);
void entry_is_dummy(const struct chip *c, uint64_t index);
/* Accesses of one kind since the log was forgotten. */
unsigned logged(const struct chip *c, char op);

#endif
