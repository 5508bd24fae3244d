/* SPDX-License-Identifier: MIT */
/*
 * A baseline for translations: a mutex around a chained hash table, as an emulator's IOTLB is
 * usually written (QEMU's intel_iommu.c keeps a GHashTable under its lock). Only hits are measured,
 * so it neither evicts nor walks.
 */
#ifndef IOTOLL_BENCH_HASH_IOTLB_H
#define IOTOLL_BENCH_HASH_IOTLB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct hash_iotlb;

/* Pages [@first, @first + @pages) of tag 0, each to the frame of its own number. 0 or -ENOMEM. */
int hash_iotlb_create(struct hash_iotlb **out, uint64_t first, uint64_t pages) MUST_CHECK;
void hash_iotlb_destroy(struct hash_iotlb *t);
/* Where the byte at @iova is; false: not held. Any thread. */
bool hash_iotlb_translate(struct hash_iotlb *t, uint32_t tag, uint64_t iova, uint64_t *paddr);

#endif
