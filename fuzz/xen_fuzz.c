// SPDX-License-Identifier: MIT
/*
 * Fuzzer for the hypervisor. The input is a program of hostile guests (tests/xen/hostile.h): each
 * byte a choice of what which domain asks, of whom, and what it writes meanwhile. After every step
 * every count must add up; at the end everything dies, and nothing may be left.
 */
#include <stdio.h>
#include <stdlib.h>

#include "hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void judge(const char *broken)
{
	if (!broken)
		return;
	fprintf(stderr, "broken: %s\n", broken);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct hostile *h = calloc(1, sizeof(*h));
	struct err err = {{0}};

	if (!h)
		return 0;
	h->bytes = data;
	h->left = bytes;
	hostile_init(h);
	while (hostile_step(h))
		judge(hostile_broken(h, &err));
	judge(hostile_end(h, &err));
	hostile_fini(h);
	free(h);
	return 0;
}
