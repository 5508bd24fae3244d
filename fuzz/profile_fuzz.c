// SPDX-License-Identifier: MIT
/*
 * Fuzzer for machine profiles, and with them for INI text and quantities. The input is a profile's
 * text. What loads must load at every end of its estimates with costs in order; what is refused
 * must say why. The corpus is the folder of shipped profiles.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/profile.h"

#define COSTS (sizeof(struct cost) / sizeof(uint64_t))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(int held)
{
	if (!held)
		abort();
}

static int count_row(void *ctx, const struct profile_row *row)
{
	unsigned *count = ctx;

	require(row->key && row->help && row->text[0] && row->source[0] && row->line > 0);
	(*count)++;
	return 0;
}

static void judge(const char *path)
{
	static const enum estimate ends[] = {ESTIMATE_LOW, ESTIMATE_DEFAULT, ESTIMATE_HIGH};
	uint64_t before[COSTS] = {0}, now[COSTS];
	unsigned count = 0;
	int rc[3];

	for (unsigned i = 0; i < 3; i++) {
		struct profile p;
		struct err err = {.text = ""};

		rc[i] = profile_load(&p, path, ends[i], NULL, &err);
		require(rc[i] == rc[0]);
		require(rc[i] == 0 || ((rc[i] == -EINVAL || rc[i] == -EFBIG) && err.text[0]));
		if (rc[i])
			continue;
		memcpy(now, &p.cost, sizeof(now));
		for (unsigned c = 0; c < COSTS; c++)
			require(before[c] <= now[c]);
		memcpy(before, now, sizeof(now));
	}
	require(profile_rows(path, count_row, &count, NULL) == rc[0]);
	require(rc[0] ? count == 0 : count >= 36);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const int fd = memfd_create("profile", 0);
	char path[32];

	require(fd >= 0);
	require(write(fd, data, bytes) == (ssize_t)bytes);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	judge(path);
	close(fd);
	return 0;
}
