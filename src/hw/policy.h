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

/* The row called @name, NULL if there is none. */
const struct iotlb_policy *policy_find(const char *name);
/* Every row's name, comma separated, cut to @bytes (> 0) with its terminator; for messages. */
void policy_names(char *to, size_t bytes);

#endif
