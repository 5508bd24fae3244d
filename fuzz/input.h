/* SPDX-License-Identifier: MIT */
/*
 * What every fuzz target of programs needs: the input as a stream of numbers, and the word with
 * which a judge says that something is broken.
 */
#ifndef IOTOLL_FUZZ_INPUT_H
#define IOTOLL_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct input {
	const uint8_t *at;
	size_t left;
};

/* The next @bytes (at most 8) as a number, most significant first; 0 once all is used up. */
static inline uint64_t take(struct input *in, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- != 0 && in->left != 0) {
		v = v << 8 | *in->at++;
		in->left--;
	}
	return v;
}

/* Aborts, which fuzzers and replays count as a finding, and says where. */
#define JUDGE(cond)                                                                        \
	do {                                                                               \
		if (!(cond)) {                                                             \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                           \
		}                                                                          \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#endif
