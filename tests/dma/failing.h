/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out at the N-th request: the linker puts these wrappers between the layer and
 * its allocations (--wrap=malloc, calloc, realloc, aligned_alloc, memory_alloc).
 */
#ifndef IOTOLL_TESTS_DMA_FAILING_H
#define IOTOLL_TESTS_DMA_FAILING_H

/* Requests until one fails; negative: none does. */
extern int until_failure;

#endif
