/* SPDX-License-Identifier: MIT */
/*
 * The replacement policies of the IOTLB, one file each; the rows are collected in policy.c.
 */
#ifndef IOTOLL_HW_POLICY_H
#define IOTOLL_HW_POLICY_H

#include "hw/iotlb.h"

extern const struct iotlb_policy policy_lru;
extern const struct iotlb_policy policy_fifo;
extern const struct iotlb_policy policy_random;
extern const struct iotlb_policy policy_tree_plru;
extern const struct iotlb_policy policy_clock;
extern const struct iotlb_policy policy_nru;
extern const struct iotlb_policy policy_srrip;
extern const struct iotlb_policy policy_brrip;
extern const struct iotlb_policy policy_lfu;
extern const struct iotlb_policy policy_s3fifo;

/* For rows: one word a way; the way with the smallest; none above the clock. */
size_t policy_word_per_way(unsigned ways);
unsigned policy_smallest(uint64_t *state, unsigned ways, uint64_t random);
bool policy_stamps_past(const uint64_t *state, unsigned ways, uint64_t clock);

/* The row called @name, NULL if there is none. */
const struct iotlb_policy *policy_find(const char *name);
/* Every row's name, comma separated, cut to @bytes (> 0) with its terminator; for messages. */
void policy_names(char *to, size_t bytes);

#endif
