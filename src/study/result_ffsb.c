/* SPDX-License-Identifier: MIT */
/* What FFSB did, and what of it reached the disk. */
#include "load/ffsb_load.h"
#include "study/result_parts.h"
#include "study/result_put.h"

static json_t *latency(const struct hist *h)
{
	json_t *o = json_object();

	put_real(o, "mean", hist_mean(h) / 1e6);
	put_real(o, "p50", us(hist_percentile(h, 500)));
	put_real(o, "p90", us(hist_percentile(h, 900)));
	put_real(o, "p99", us(hist_percentile(h, 990)));
	put_real(o, "max", us(hist_percentile(h, 1000)));
	return o;
}

static json_t *operation(const struct ffsb_op_stats *s, double seconds)
{
	json_t *o = json_object();

	put(o, "ops", s->ops);
	put(o, "transactions", s->transactions);
	put(o, "bytes", s->bytes);
	put_real(o, "transactions_per_s", ratio((double)s->transactions, seconds));
	json_object_set_new(o, "latency_us", latency(&s->latency));
	return o;
}

/* Of every thread group, each operation that it did. */
static json_t *groups(const struct load *load, double seconds)
{
	const struct ffsb *f = load_ffsb_run(load);
	json_t *list = json_array();

	for (unsigned g = 0; g < load_ffsb_profile(load)->group_count; g++) {
		const struct ffsb_group_stats *s = ffsb_group_stats(f, g);
		json_t *o = json_object();

		for (int op = 0; op < FFSB_OPS; op++)
			if (s->op[op].ops)
				json_object_set_new(o, ffsb_op_name((enum ffsb_op)op),
						    operation(&s->op[op], seconds));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *cache(const struct pagecache_stats *s)
{
	json_t *o = json_object();

	put(o, "hits", s->hits);
	put(o, "misses", s->misses);
	put(o, "pages", s->pages);
	put(o, "dirty_pages", s->dirty);
	return o;
}

json_t *result_ffsb(const struct testbed *t, const struct measurement *m)
{
	const double seconds = us(m->ended - m->began) / 1e6;
	json_t *o = json_object();
	struct ffsb_stats s;

	ffsb_stats(load_ffsb_run(t->load), &s);
	json_object_set_new(o, "profile", json_string(t->scenario->ffsb_profile));
	put(o, "ops", s.ops);
	put(o, "transactions", s.transactions);
	put_real(o, "ops_per_s", ratio((double)s.ops, seconds));
	put_real(o, "transactions_per_s", ratio((double)s.transactions, seconds));
	put(o, "bytes_read", s.bytes_read);
	put(o, "bytes_written", s.bytes_written);
	put_real(o, "read_mb_per_s", ratio((double)s.bytes_read / 1e6, seconds));
	put_real(o, "write_mb_per_s", ratio((double)s.bytes_written / 1e6, seconds));
	put(o, "bytes_checked", s.bytes_checked);
	put(o, "mismatches", s.mismatches);
	put(o, "files", s.files);
	put(o, "directories", s.directories);
	put_real(o, "setup_s", us(s.setup_ps) / 1e6);
	json_object_set_new(o, "cache", cache(&s.cache));
	json_object_set_new(o, "groups", groups(t->load, seconds));
	return o;
}

json_t *result_disk(const struct measurement *m)
{
	const struct blk_stats *a = &m->begin.blk, *b = &m->end.blk;
	const struct qla_driver_stats *c = &m->begin.hba, *d = &m->end.hba;
	json_t *o = json_object();

	put(o, "bios", b->bios - a->bios);
	put(o, "requests", b->requests - a->requests);
	put(o, "merges", b->back_merges + b->front_merges - a->back_merges - a->front_merges);
	put(o, "flushes", b->flush_requests - a->flush_requests);
	put(o, "bytes_read", b->read_bytes - a->read_bytes);
	put(o, "bytes_written", b->written_bytes - a->written_bytes);
	put_real(o, "segments_per_request",
		 ratio((double)(b->segments - a->segments), (double)(b->requests - a->requests)));
	put(o, "failed", b->failed - a->failed);
	put(o, "commands", d->commands - c->commands);
	put(o, "interrupts", d->interrupts - c->interrupts);
	put(o, "map_errors", d->map_errors - c->map_errors);
	put(o, "dma_errors", d->dma_errors - c->dma_errors);
	put_real(o, "lock_wait_us",
		 us(b->lock_wait_ps + d->lock_wait_ps - a->lock_wait_ps - c->lock_wait_ps));
	return o;
}

void result_ffsb_warnings(const struct testbed *t, json_t *list)
{
	const char *text;

	for (unsigned i = 0; (text = ffsb_warning(load_ffsb_run(t->load), i)); i++)
		json_array_append_new(list, json_string(text));
}
