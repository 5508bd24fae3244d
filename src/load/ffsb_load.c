/* SPDX-License-Identifier: MIT */
/* FFSB's life in the shape of every load's. */
#include "load/ffsb_load.h"

#include <errno.h>
#include <stdlib.h>

enum { CACHE_PAGES, BACKGROUND_CPU, VERIFY, VALUES };

static const struct load_param params[] = {
	[CACHE_PAGES] = {"cache_pages", 8192, 64, 1 << 24, "pages of the page cache"},
	[BACKGROUND_CPU] = {"background_cpu", 0, 0, 63,
			    "CPU of the tasks that write back and commit"},
	[VERIFY] = {"verify", 1, 0, 1, "compare what is read with what was written"},
	[VALUES] = {.name = NULL},
};

struct ffsb_load {
	struct load base; /* first */
	struct ffsb_profile profile;
	struct ffsb *ffsb;
};

static struct ffsb_load *of(const struct load *load)
{
	return (struct ffsb_load *)(uintptr_t)load;
}

static void destroy(struct load *load)
{
	struct ffsb_load *l = of(load);

	ffsb_destroy(l->ffsb);
	ffsb_profile_free(&l->profile);
	free(l);
}

static int create(struct load **out, const struct load_config *config, const uint64_t *values,
		  struct err *err)
{
	struct ffsb_load *l = calloc(1, sizeof(*l));
	struct ffsb_config ffsb = {
		.machine = config->machine,
		.dev = config->disk,
		.seed = config->seed,
		.cache_pages = values[CACHE_PAGES],
		.background_cpu = (unsigned)values[BACKGROUND_CPU],
		.verify = values[VERIFY] != 0,
	};
	int rc;

	if (!l)
		return err_set(err, -ENOMEM, "no memory for a load");
	if (!config->disk || !config->file) {
		free(l);
		return err_set(err, -EINVAL, "ffsb needs a machine's disk and a profile");
	}
	l->base.ops = &load_ffsb;
	rc = ffsb_profile_read(&l->profile, config->file, err);
	if (rc) {
		free(l);
		return rc;
	}
	ffsb.profile = &l->profile;
	rc = ffsb_create(&l->ffsb, &ffsb, err);
	if (rc) {
		destroy(&l->base);
		return rc;
	}
	*out = &l->base;
	return 0;
}

static int start(struct load *load, struct err *err)
{
	return ffsb_start(of(load)->ffsb, err);
}

static bool ready(const struct load *load)
{
	return ffsb_ready(of(load)->ffsb);
}

static void begin(struct load *load)
{
	ffsb_begin(of(load)->ffsb);
}

static void end(struct load *load)
{
	ffsb_end(of(load)->ffsb);
}

static void stop(struct load *load)
{
	ffsb_stop(of(load)->ffsb);
}

static bool finished(const struct load *load)
{
	return ffsb_finished(of(load)->ffsb);
}

static int error(const struct load *load, struct err *err)
{
	return ffsb_error(of(load)->ffsb, err);
}

static void stats(const struct load *load, struct load_stats *out)
{
	struct ffsb_stats s;

	ffsb_stats(of(load)->ffsb, &s);
	*out = (struct load_stats){
		.elapsed_ps = s.elapsed_ps,
		.bytes_received = s.bytes_read,
		.bytes_sent = s.bytes_written,
		.bytes_checked = s.bytes_checked,
		.mismatches = s.mismatches,
	};
}

const struct ffsb *load_ffsb_run(const struct load *load)
{
	return of(load)->ffsb;
}

const struct ffsb_profile *load_ffsb_profile(const struct load *load)
{
	return &of(load)->profile;
}

const struct load_ops load_ffsb = {
	.name = "ffsb",
	.title = "FFSB: threads that read, write, create and delete files on the machine's disk",
	.needs_disk = true,
	.params = params,
	.create = create,
	.destroy = destroy,
	.start = start,
	.ready = ready,
	.begin = begin,
	.end = end,
	.stop = stop,
	.finished = finished,
	.error = error,
	.stats = stats,
};
