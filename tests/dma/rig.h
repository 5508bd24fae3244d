/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the DMA layer stand on: a native environment whose registers are a plain
 * array that records every access, a domain and a device in it. Nothing of src/hw is behind it.
 */
#ifndef IOTOLL_TESTS_DMA_RIG_H
#define IOTOLL_TESTS_DMA_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "iotoll/dma.h"
#include "iotoll/env.h"
#include "mem/memory.h"
#include "spec/calgary.h"

#define RIG_LOG_MAX 1024u

struct rig_access {
	char op; /* 'R' or 'W' */
	unsigned width;
	uint64_t offset;
	uint64_t value; /* as the little-endian CPU saw or stored it */
};

struct rig {
	struct memory *memory;
	struct dma_env *env;
	struct iotoll_dma_domain *domain;
	struct iotoll_dma_device *dev;
	uint8_t window[CALGARY_WINDOW_BYTES];
	unsigned busy_reads; /* of the split queue until it is idle; UINT_MAX: for ever */
	struct rig_access log[RIG_LOG_MAX];
	size_t logged; /* also beyond RIG_LOG_MAX */
};

/*
 * "strict", "deferred", ...: every strategy with a table whose entries come and go with requests;
 * NULL past the last.
 */
const char *rig_translating(unsigned index);
/* Is @strategy one of those? */
bool rig_follows_requests(const char *strategy);

/* Calgary on PHB 1, deferred, 8192 entries, misuse watched for. */
struct iotoll_dma_config rig_config(void);
/* The same for @strategy, with a table in which all of rig_start()'s memory has room if it needs
 * that, and a pool that has room in it. */
struct iotoll_dma_config rig_config_for(const char *strategy);
/* Does @strategy map all memory at once, with nothing to allocate for a request? */
bool rig_stands(const char *strategy);
/* Run @body on a fresh rig under "off" and each of rig_translating(), with and without the watch.
 */
void rig_for_each_strategy(void (*body)(struct rig *rig));
/* Does its strategy translate at all? */
bool rig_has_table(const struct rig *rig);

/* Memory of @bytes, zeroed registers, idle buses; no domain yet. */
void rig_open(struct rig *rig, uint64_t bytes);
/* rig_open() with 64 MiB, the domain @config describes and a device with a 32-bit mask. */
void rig_start(struct rig *rig, const struct iotoll_dma_config *config);
/* Undo either; asserts that no page frame is left allocated. */
void rig_close(struct rig *rig);
/* Forget what was recorded. */
void rig_forget(struct rig *rig);

/* The logical values of registers. */
uint32_t rig_get32(const struct rig *rig, uint64_t offset);
void rig_put32(struct rig *rig, uint64_t offset, uint32_t value);
uint64_t rig_get64(const struct rig *rig, uint64_t offset);
void rig_put64(struct rig *rig, uint64_t offset, uint64_t value);

/* The @logged accesses of @log are exactly these @n. */
void rig_expect_log(const struct rig_access *log, size_t logged, const struct rig_access *want,
		    size_t n);
/* The recorded accesses are exactly these @n. */
void rig_expect(const struct rig *rig, const struct rig_access *want, size_t n);

/* The logical table entry at @index, out of memory. */
uint64_t rig_tce(const struct rig *rig, uint64_t index);
/* A counter of the domain. */
struct iotoll_dma_stats rig_stats(const struct rig *rig);
/* Map @bytes at @paddr for writing by the device; must succeed. */
uint64_t rig_map(struct rig *rig, uint64_t paddr, size_t bytes);
void rig_unmap(struct rig *rig, uint64_t iova, size_t bytes);
/* Let time pass: entries that the strategy keeps are free again. */
void rig_settle(struct rig *rig);
/* IOTOLL_TEST_SEED or a fixed default, printed. */
uint64_t rig_seed(void);

#endif
