/* SPDX-License-Identifier: MIT */
/* FFSB: the calls operations are made of, how long they take, and what becomes of a failure. */
#include <errno.h>
#include <string.h>

#include "load/ffsb_doing.h"

struct extfs *ffsb_fs(const struct ffsb_doing *d)
{
	return d->w->load->fs;
}

/* The key that made a file set as large as it was becoming. */
static const char *cause_of_set(const struct ffsb_worker *w, const struct ffsb_filesystem *p)
{
	if (w->list)
		return "agefs";
	if (p->num_files)
		return "num_files";
	return p->init_size ? "init_size" : "init_util";
}

/* What filled the file system: the file sets that were wanted, or later the threads. */
static void full(const struct ffsb_doing *d)
{
	struct ffsb *f = d->w->load;
	struct extfs_statfs st;

	extfs_statfs(f->fs, &st);
	if (f->running)
		ffsb_fail(f, -ENOSPC,
			  "%s:%d: %s_weight: the file system of %llu MiB has no room for %s; "
			  "expected "
			  "file sets that leave room for what is written",
			  f->profile->name, d->w->group->line, ffsb_op_name(d->op),
			  (unsigned long long)(st.blocks * EXTFS_BLOCK >> 20), d->path);
	else
		ffsb_fail(f, -ENOSPC,
			  "%s:%d: %s: the file system of %llu MiB has no room for %s, file %llu; "
			  "expected fewer files or smaller ones",
			  f->profile->name, d->set->profile->line,
			  cause_of_set(d->w, d->set->profile),
			  (unsigned long long)(st.blocks * EXTFS_BLOCK >> 20), d->path,
			  (unsigned long long)d->list->live + 1);
}

int ffsb_failed(const struct ffsb_doing *d, int rc, const char *what)
{
	if (rc == -ENOSPC)
		full(d);
	else if (rc != -ECANCELED)
		ffsb_fail(d->w->load, rc, "%s: %s %s: %s", ffsb_op_name(d->op), what, d->path,
			  strerror(-rc));
	return rc;
}

void ffsb_count_call(struct ffsb_worker *w, enum ffsb_call call, sim_time since)
{
	const struct ffsb_group *g = w->group;
	const uint64_t ps = cpu_now(w->cpu) - since;

	if (!w->stats || !g->stats || (g->stats_ignore >> call & 1) || !w->load->counting)
		return;
	hist_add(&w->stats->call[call], ps);
	for (unsigned i = g->range_count; g->stats_ranges && i-- > 0;) {
		if (ps >= g->range[i].low_ps && ps <= g->range[i].high_ps) {
			w->stats->range[i]++;
			break;
		}
	}
}

int ffsb_open(struct ffsb_doing *d, unsigned flags, struct extfs_file **file)
{
	const sim_time since = cpu_now(d->w->cpu);
	int rc;

	if (d->w->direct)
		flags |= EXTFS_DIRECT;
	rc = extfs_open(ffsb_fs(d), d->w->cpu, d->path, flags, file);
	ffsb_count_call(d->w, flags & EXTFS_CREATE ? FFSB_CALL_CREATE : FFSB_CALL_OPEN, since);
	return rc ? ffsb_failed(d, rc, "opening") : 0;
}

void ffsb_close(struct ffsb_doing *d, struct extfs_file *file)
{
	const sim_time since = cpu_now(d->w->cpu);

	extfs_close(file, d->w->cpu);
	ffsb_count_call(d->w, FFSB_CALL_CLOSE, since);
}

/* A seek is a system call that costs no more than its border. */
void ffsb_seek(struct ffsb_doing *d)
{
	struct cpu *cpu = d->w->cpu;
	const enum charge before = cpu_enter(cpu, CHARGE_MODE_SWITCH);
	const sim_time since = cpu_now(cpu);

	cpu_charge(cpu, machine_cost(d->w->load->config.machine)->syscall);
	cpu_leave(cpu, before);
	ffsb_count_call(d->w, FFSB_CALL_LSEEK, since);
}

int ffsb_read(struct ffsb_doing *d, struct extfs_file *file, uint64_t offset, uint64_t bytes)
{
	const sim_time since = cpu_now(d->w->cpu);
	const ssize_t n = extfs_read(file, d->w->cpu, offset, d->w->buffer, bytes);

	ffsb_count_call(d->w, FFSB_CALL_READ, since);
	if (n < 0)
		return ffsb_failed(d, (int)n, "reading");
	if ((uint64_t)n != bytes) /* a file never shrinks under its lock */
		return ffsb_failed(d, -EIO, "short read of");
	ffsb_compare(d->w, d->set, d->list, d->number, offset, bytes);
	d->bytes += bytes;
	return 0;
}

int ffsb_write(struct ffsb_doing *d, struct extfs_file *file, uint64_t offset, uint64_t bytes)
{
	sim_time since;
	ssize_t n;

	ffsb_fill(d->w, d->set, d->list, d->number, offset, bytes);
	since = cpu_now(d->w->cpu);
	n = extfs_write(file, d->w->cpu, offset, d->w->buffer, bytes);
	ffsb_count_call(d->w, FFSB_CALL_WRITE, since);
	if (n < 0)
		return ffsb_failed(d, (int)n, "writing");
	if ((uint64_t)n != bytes)
		return ffsb_failed(d, -ENOSPC, "writing");
	d->bytes += bytes;
	return 0;
}

int ffsb_fsync(struct ffsb_doing *d, struct extfs_file *file)
{
	const int rc = extfs_fsync(file, d->w->cpu);

	return rc ? ffsb_failed(d, rc, "syncing") : 0;
}
