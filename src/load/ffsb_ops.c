/* SPDX-License-Identifier: MIT */
/* FFSB: the operations on files (FFSB 6.0: ffsb_op.c, rwfiles.c), and what they count. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load/ffsb_doing.h"

/* ---- reading and writing ---- */

typedef int (*transfer)(struct ffsb_doing *d, struct extfs_file *file, uint64_t offset,
			uint64_t bytes);

/* Somewhere in @range, in whole pages if the profile says so. */
static uint64_t draw_offset(struct ffsb_doing *d, uint64_t range)
{
	if (d->w->load->profile->alignio)
		return 4096 * ffsb_draw(&d->w->rng, range / 4096);
	return ffsb_draw(&d->w->rng, range);
}

/* @size from @offset on in blocks, the rest last; a rest is a block only if it is counted. */
static int in_blocks(struct ffsb_doing *d, struct extfs_file *file, transfer move, uint64_t offset,
		     uint64_t size, uint64_t block, bool count_rest)
{
	int rc = 0;

	while (size && !rc) {
		const uint64_t n = size < block ? size : block;

		rc = move(d, file, offset, n);
		offset += n;
		size -= n;
		d->transactions += n == block || count_rest;
	}
	return rc;
}

static int at_random(struct ffsb_doing *d, struct extfs_file *file, transfer move,
		     uint64_t file_size, uint64_t size, uint64_t block)
{
	int rc = 0;

	for (uint64_t i = 0; i < size / block && !rc; i++) {
		ffsb_seek(d);
		rc = move(d, file, draw_offset(d, file_size - block), block);
		d->transactions++;
	}
	return rc;
}

static int in_strides(struct ffsb_doing *d, struct extfs_file *file, uint64_t file_size,
		      uint64_t size, uint64_t block, uint64_t skip)
{
	const uint64_t whole = size / block, rest = size % block;
	const uint64_t need =
		rest ? whole * (block + skip) + rest : whole * (block + skip) - (whole ? skip : 0);
	uint64_t offset = 0;
	int rc = 0;

	if (need > file_size) {
		ffsb_fail(d->w->load, -EINVAL,
			  "read: %s has %llu bytes, expected at least %llu for read_size %llu with "
			  "read_skipsize %llu",
			  d->path, (unsigned long long)file_size, (unsigned long long)need,
			  (unsigned long long)size, (unsigned long long)skip);
		return -EINVAL;
	}
	for (uint64_t i = 0; i < whole + (rest > 0) && !rc; i++) {
		rc = ffsb_read(d, file, offset, i < whole ? block : rest);
		offset += block + skip;
		d->transactions++;
		ffsb_seek(d);
	}
	return rc;
}

/* How large the file is, as FFSB asks before each transfer. */
static int size_of(struct ffsb_doing *d, uint64_t *size)
{
	struct extfs_stat st;
	const int rc = extfs_stat(ffsb_fs(d), d->w->cpu, d->path, &st);

	*size = st.size;
	return rc ? ffsb_failed(d, rc, "stat of") : 0;
}

static int large_enough(struct ffsb_doing *d, const char *key, uint64_t size, uint64_t file_size)
{
	if (size <= file_size)
		return 0;
	ffsb_fail(d->w->load, -EINVAL, "%s: %s has %llu bytes, expected at least %s = %llu",
		  ffsb_op_name(d->op), d->path, (unsigned long long)file_size, key,
		  (unsigned long long)size);
	return -EINVAL;
}

static int transfer_part(struct ffsb_doing *d, struct extfs_file *file, uint64_t file_size,
			 bool reads)
{
	const struct ffsb_group *g = d->w->group;
	const uint64_t size = reads ? g->read_size : g->write_size;
	const uint64_t block = reads ? g->read_blocksize : g->write_blocksize;
	const transfer move = reads ? ffsb_read : ffsb_write;
	uint64_t offset = 0;
	int rc;

	if (reads && g->read_skip)
		return in_strides(d, file, file_size, size, block, g->read_skipsize);
	rc = large_enough(d, reads ? "read_size" : "write_size", size, file_size);
	if (rc)
		return rc;
	if (reads ? g->read_random : g->write_random)
		return at_random(d, file, move, file_size, size, block);
	if (file_size > size) {
		offset = draw_offset(d, file_size - size);
		ffsb_seek(d);
	}
	return in_blocks(d, file, move, offset, size, block, !reads);
}

static int op_transfer(struct ffsb_doing *d, bool reads, bool all, bool sync)
{
	const struct ffsb_group *g = d->w->group;
	struct extfs_file *file;
	uint64_t size;
	int rc = ffsb_take_file(d->w, d->list, false, &d->number);

	if (rc)
		return ffsb_failed(d, rc, "no file left in");
	ffsb_path(d->set, d->list, d->number, d->path);
	rc = size_of(d, &size);
	if (!rc)
		rc = ffsb_open(d, 0, &file);
	if (!rc) {
		if (all)
			rc = in_blocks(d, file, reads ? ffsb_read : ffsb_write, 0, size,
				       reads ? g->read_blocksize : g->write_blocksize, !reads);
		else
			rc = transfer_part(d, file, size, reads);
		if (!rc && sync)
			rc = ffsb_fsync(d, file);
		ffsb_close(d, file);
	}
	ffsb_give_file(d->list, d->number);
	return rc;
}

/* ---- appending ---- */

/*
 * One call. What is appended depends on where it lands, and other threads append to the same file;
 * the kernel lets one at a time do so, and here that one knows where the end is.
 */
static int append_block(struct ffsb_doing *d, struct extfs_file *file, uint64_t bytes)
{
	struct ffsb_file *f = d->list->file[d->number];
	int rc;

	while (f->appending)
		waitq_wait(&f->append_wait, d->w->cpu);
	f->appending = true;
	rc = ffsb_write(d, file, f->size, bytes);
	if (!rc)
		f->size += bytes;
	f->appending = false;
	waitq_wake(&f->append_wait, d->w->cpu);
	return rc;
}

static int op_append(struct ffsb_doing *d, bool sync)
{
	const struct ffsb_group *g = d->w->group;
	struct extfs_file *file;
	int rc = ffsb_take_file(d->w, d->list, false, &d->number);

	if (rc)
		return ffsb_failed(d, rc, "no file left in");
	ffsb_path(d->set, d->list, d->number, d->path);
	rc = ffsb_open(d, EXTFS_APPEND, &file);
	if (!rc) {
		for (uint64_t left = g->write_size; left && !rc; d->transactions++) {
			const uint64_t n = left < g->write_blocksize ? left : g->write_blocksize;

			rc = append_block(d, file, n);
			left -= n;
		}
		if (!rc && sync)
			rc = ffsb_fsync(d, file);
		ffsb_close(d, file);
	}
	ffsb_give_file(d->list, d->number);
	return rc;
}

/* ---- files come and go ---- */

static int op_create(struct ffsb_doing *d, bool sync)
{
	struct ffsb_worker *w = d->w;
	const uint64_t size = ffsb_draw_size(d->set->profile, &w->rng);
	const uint64_t block = w->blocksize ? w->blocksize : w->group->write_blocksize;
	const uint32_t dir = (uint32_t)ffsb_draw(&w->rng, (uint64_t)d->set->dirs + 1);
	struct extfs_file *file;
	int rc = ffsb_take_slot(d->list, &d->number);

	if (rc)
		return ffsb_failed(d, rc, "in");
	d->list->file[d->number]->dir = dir;
	ffsb_path(d->set, d->list, d->number, d->path);
	rc = ffsb_open(d, EXTFS_CREATE | EXTFS_TRUNCATE, &file);
	if (rc)
		return rc;
	rc = in_blocks(d, file, ffsb_write, 0, size, block, true);
	if (!rc && sync)
		rc = ffsb_fsync(d, file);
	ffsb_close(d, file);
	ffsb_now_live(d->list, d->number, size);
	ffsb_give_file(d->list, d->number);
	return rc;
}

static int op_delete(struct ffsb_doing *d)
{
	sim_time since;
	int rc = ffsb_take_file(d->w, d->list, true, &d->number);

	if (rc)
		return ffsb_failed(d, rc, "no file left in");
	ffsb_path(d->set, d->list, d->number, d->path);
	since = cpu_now(d->w->cpu);
	rc = extfs_unlink(ffsb_fs(d), d->w->cpu, d->path);
	ffsb_count_call(d->w, FFSB_CALL_UNLINK, since);
	if (rc)
		return ffsb_failed(d, rc, "deleting");
	d->transactions = 1;
	rc = ffsb_now_dead(d->list, d->number);
	return rc ? ffsb_failed(d, rc, "after deleting") : 0;
}

static int op_look(struct ffsb_doing *d, bool opens)
{
	struct extfs_file *file;
	struct extfs_stat st;
	sim_time since;
	int rc = ffsb_take_file(d->w, d->list, false, &d->number);

	if (rc)
		return ffsb_failed(d, rc, "no file left in");
	ffsb_path(d->set, d->list, d->number, d->path);
	if (opens) {
		rc = ffsb_open(d, 0, &file);
		if (!rc)
			ffsb_close(d, file);
	} else {
		since = cpu_now(d->w->cpu);
		rc = extfs_stat(ffsb_fs(d), d->w->cpu, d->path, &st);
		ffsb_count_call(d->w, FFSB_CALL_STAT, since);
		if (rc)
			ffsb_failed(d, rc, "stat of");
	}
	ffsb_give_file(d->list, d->number);
	d->transactions = 1;
	return rc;
}

/* ---- all of them ---- */

static int operate(struct ffsb_doing *d)
{
	switch (d->op) {
	case FFSB_READ:
		return op_transfer(d, true, false, false);
	case FFSB_READALL:
		return op_transfer(d, true, true, false);
	case FFSB_WRITE:
		return op_transfer(d, false, false, d->w->group->fsync_file);
	case FFSB_WRITE_FSYNC:
		return op_transfer(d, false, false, true);
	case FFSB_WRITEALL:
		return op_transfer(d, false, true, false);
	case FFSB_WRITEALL_FSYNC:
		return op_transfer(d, false, true, true);
	case FFSB_APPEND:
	case FFSB_APPEND_FSYNC:
		return op_append(d, d->op == FFSB_APPEND_FSYNC);
	case FFSB_CREATE:
	case FFSB_CREATE_FSYNC:
		return op_create(d, d->op == FFSB_CREATE_FSYNC);
	case FFSB_DELETE:
		return op_delete(d);
	case FFSB_STAT:
	case FFSB_OPEN_CLOSE:
		return op_look(d, d->op == FFSB_OPEN_CLOSE);
	case FFSB_CREATEDIR:
		return ffsb_op_createdir(d);
	default:
		return ffsb_op_meta(d);
	}
}

int ffsb_operate(struct ffsb_worker *w, enum ffsb_op op, struct ffsb_set *set)
{
	struct ffsb_doing d = {
		.w = w, .set = set, .list = w->list ? w->list : &set->data, .op = op};
	const sim_time since = cpu_now(w->cpu);
	int rc;

	snprintf(d.path, sizeof(d.path), "%s", set->profile->location);
	cpu_charge(w->cpu, machine_cost(w->load->config.machine)->app_call);
	rc = operate(&d);
	if (rc)
		return rc;
	if (w->stats && w->load->counting) {
		struct ffsb_op_stats *s = &w->stats->op[op];

		s->ops++;
		s->transactions += d.transactions;
		s->bytes += d.bytes;
		hist_add(&s->latency, cpu_now(w->cpu) - since);
	}
	return 0;
}

enum ffsb_op ffsb_pick(const struct ffsb_group *g, struct rng *rng)
{
	uint64_t r = ffsb_draw(rng, ffsb_weights(g));
	unsigned op = 0;

	while (r >= g->weight[op])
		r -= g->weight[op++];
	return (enum ffsb_op)op;
}
