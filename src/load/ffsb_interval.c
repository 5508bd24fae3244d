/* SPDX-License-Identifier: MIT */
/* FFSB: what is counted, between the beginning and the end of an interval. */
#include <string.h>

#include "load/ffsb_internal.h"

void ffsb_reset_stats(struct ffsb *f)
{
	memset(f->group, 0, f->profile->group_count * sizeof(*f->group));
	for (unsigned i = 0; i < f->profile->group_count; i++) {
		for (unsigned k = 0; k < FFSB_OPS; k++)
			hist_init(&f->group[i].op[k].latency);
		for (unsigned k = 0; k < FFSB_CALLS; k++)
			hist_init(&f->group[i].call[k]);
	}
}

static void snapshot(const struct ffsb *f, struct pagecache_stats *cache, struct extfs_stats *fs)
{
	pagecache_stats(f->cache, cache);
	if (f->fs)
		extfs_stats(f->fs, fs);
}

void ffsb_begin(struct ffsb *f)
{
	ffsb_reset_stats(f);
	f->checked = f->mismatches = 0;
	f->begin = sim_now(f->config.machine->sim);
	snapshot(f, &f->cache_begin, &f->fs_begin);
	f->counting = true;
	f->ended = false;
}

static void take_end(struct ffsb *f)
{
	f->end = sim_now(f->config.machine->sim);
	f->checked_end = f->checked;
	f->mismatches_end = f->mismatches;
	snapshot(f, &f->cache_end, &f->fs_end);
}

void ffsb_end(struct ffsb *f)
{
	take_end(f);
	f->counting = false;
	f->ended = true;
}

static void cache_difference(const struct ffsb *f, struct pagecache_stats *out)
{
	const struct pagecache_stats *a = &f->cache_begin, *b = &f->cache_end;

	*out = (struct pagecache_stats){
		.hits = b->hits - a->hits,
		.misses = b->misses - a->misses,
		.read_pages = b->read_pages - a->read_pages,
		.ahead_pages = b->ahead_pages - a->ahead_pages,
		.written_pages = b->written_pages - a->written_pages,
		.reclaimed = b->reclaimed - a->reclaimed,
		.throttled = b->throttled - a->throttled,
		.errors = b->errors - a->errors,
		.reads = b->reads - a->reads,
		.writes = b->writes - a->writes,
		.pages = b->pages,
		.dirty = b->dirty,
	};
}

static void fs_difference(const struct ffsb *f, struct extfs_stats *out)
{
	const struct extfs_stats *a = &f->fs_begin, *b = &f->fs_end;

	*out = (struct extfs_stats){
		.commits = b->commits - a->commits,
		.checkpoints = b->checkpoints - a->checkpoints,
		.journal_blocks = b->journal_blocks - a->journal_blocks,
		.fsyncs = b->fsyncs - a->fsyncs,
		.direct_reads = b->direct_reads - a->direct_reads,
		.direct_writes = b->direct_writes - a->direct_writes,
		.fallbacks = b->fallbacks - a->fallbacks,
	};
}

void ffsb_stats(const struct ffsb *load, struct ffsb_stats *out)
{
	struct ffsb *f = (struct ffsb *)(uintptr_t)load;

	if (!f->ended)
		take_end(f); /* up to the present */
	*out = (struct ffsb_stats){.elapsed_ps = f->end - f->begin,
				   .setup_ps = f->ready_at - f->started,
				   .bytes_checked = f->checked_end,
				   .mismatches = f->mismatches_end};
	cache_difference(f, &out->cache);
	fs_difference(f, &out->fs);
	for (unsigned i = 0; i < f->profile->filesystem_count; i++) {
		out->files += f->set[i].data.live + f->set[i].fill.live;
		out->directories += f->set[i].dirs + f->set[i].meta_count;
	}
	for (unsigned i = 0; i < f->profile->group_count; i++) {
		for (unsigned k = 0; k < FFSB_OPS; k++) {
			const struct ffsb_op_stats *s = &f->group[i].op[k];

			out->ops += s->ops;
			out->transactions += s->transactions;
			*(ffsb_op_writes((enum ffsb_op)k) ? &out->bytes_written
							  : &out->bytes_read) += s->bytes;
		}
	}
}

const struct ffsb_group_stats *ffsb_group_stats(const struct ffsb *f, unsigned group)
{
	return &f->group[group];
}
