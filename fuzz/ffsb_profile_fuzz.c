// SPDX-License-Identifier: MIT
/*
 * Fuzzer for FFSB profiles. The input is a profile's text. What is refused must say where and why;
 * what is read must fulfil all that the runner relies on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load/ffsb_profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(int held)
{
	if (!held)
		abort();
}

static void judge_group(const struct ffsb_profile *p, const struct ffsb_group *g)
{
	require(g->num_threads >= 1 && g->num_threads <= FFSB_THREADS);
	require(ffsb_weights(g) > 0);
	require(g->filesystem >= -1 && g->filesystem < (int)p->filesystem_count);
	require(g->range_count <= FFSB_LIST);
	for (unsigned i = 0; i < FFSB_OPS; i++) {
		if (!g->weight[i])
			continue;
		require(!ffsb_op_writes((enum ffsb_op)i) || g->write_blocksize);
		require((i != FFSB_READ && i != FFSB_READALL) || g->read_blocksize);
	}
	require(!g->read_skip || (g->read_skipsize && !g->read_random));
}

static void judge_filesystem(const struct ffsb_profile *p, const struct ffsb_filesystem *f)
{
	require(f->location[0] && memchr(f->location, '\0', sizeof(f->location)));
	require(f->size_count || f->min_filesize <= f->max_filesize);
	require(f->max_filesize <= INT64_MAX && f->size_count <= FFSB_LIST);
	require(f->create_blocksize && f->age_blocksize);
	require(f->desired_util_ppm <= 1000000 && f->init_util_ppm <= 1000000);
	require(!f->agefs || f->aging);
	if (f->agefs)
		judge_group(p, f->aging);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct err err = {.text = ""};
	struct ffsb_profile p;
	const int rc = ffsb_profile_read_text(&p, "f", (const char *)data, bytes, &err);

	if (rc) {
		require((rc == -EINVAL && !strncmp(err.text, "f:", 2)) || rc == -EFBIG);
		return 0;
	}
	require(!err.text[0]);
	require(p.filesystem_count >= 1 && p.filesystem_count <= FFSB_SECTIONS);
	require(p.group_count >= 1 && p.group_count <= FFSB_SECTIONS);
	for (unsigned i = 0; i < p.filesystem_count; i++)
		judge_filesystem(&p, &p.filesystem[i]);
	for (unsigned i = 0; i < p.group_count; i++)
		judge_group(&p, &p.group[i]);
	for (unsigned i = 0; i < p.warning_count && i < FFSB_WARNINGS; i++)
		require(!strncmp(p.warning[i], "f:", 2));
	ffsb_profile_free(&p);
	return 0;
}
