/* SPDX-License-Identifier: MIT */
/* FFSB: one run from an empty disk to an unmounted one; see ffsb.h. */
#include "load/ffsb.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load/ffsb_internal.h"

#define BLOCKSIZE_MAX (16u << 20) /* of a thread's buffer, which lies in the machine's memory */

void ffsb_fail(struct ffsb *f, int code, const char *fmt, ...)
{
	va_list ap;

	if (f->error)
		return;
	f->error = code;
	f->stopping = true;
	va_start(ap, fmt);
	vsnprintf(f->error_text, sizeof(f->error_text), fmt, ap);
	va_end(ap);
}

/* ---- creation ---- */

static uint64_t buffer_bytes(const struct ffsb_worker *w)
{
	const uint64_t a = w->group ? w->group->read_blocksize : 0;
	const uint64_t b = w->group ? w->group->write_blocksize : 0;
	const struct ffsb_filesystem *p = w->set ? w->set->profile : NULL;
	uint64_t most = a > b ? a : b;

	if (!w->group && p) /* the builder */
		most = p->create_blocksize > p->age_blocksize ? p->create_blocksize
							      : p->age_blocksize;
	return most ? most : 1;
}

static int add_worker(struct ffsb *f, const struct ffsb_group *g, struct ffsb_set *set,
		      uint64_t salt, struct err *err)
{
	struct ffsb_worker *w = &f->worker[f->all_workers];
	struct machine *m = f->config.machine;
	uint64_t bytes;

	w->load = f;
	w->group = g;
	w->set = set;
	w->cpu = machine_cpu(m, f->all_workers % m->ncpus);
	rng_seed(&w->rng, f->config.seed * 0x9e3779b97f4a7c15ull + salt);
	bytes = buffer_bytes(w);
	f->all_workers++;
	if (bytes > BLOCKSIZE_MAX)
		return err_set(err, -EINVAL,
			       "ffsb: a block size of %llu bytes, expected at most %u",
			       (unsigned long long)bytes, BLOCKSIZE_MAX);
	if (memory_alloc(m->mem, (bytes + PAGE_BYTES - 1) / PAGE_BYTES, PAGE_BYTES, 0, &w->buffer))
		return err_set(err, -ENOMEM, "ffsb: no memory for a buffer of %llu bytes",
			       (unsigned long long)bytes);
	w->pages = (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
	return 0;
}

static int make_workers(struct ffsb *f, struct err *err)
{
	const struct ffsb_profile *p = f->profile;
	unsigned count = p->filesystem_count;
	int rc = 0;

	for (unsigned i = 0; i < p->group_count; i++)
		count += p->group[i].num_threads;
	for (unsigned i = 0; i < p->filesystem_count; i++)
		count += p->filesystem[i].agefs ? p->filesystem[i].aging->num_threads : 0;
	f->worker = calloc(count, sizeof(*f->worker));
	if (!f->worker)
		return err_set(err, -ENOMEM, "ffsb: no memory for %u threads", count);
	for (unsigned i = 0; i < p->group_count && !rc; i++) {
		const struct ffsb_group *g = &p->group[i];

		for (unsigned t = 0; t < g->num_threads && !rc; t++) {
			struct ffsb_worker *w = &f->worker[f->all_workers];

			w->stats = &f->group[i];
			w->direct = p->directio;
			rc = add_worker(f, g, g->filesystem < 0 ? NULL : &f->set[g->filesystem],
					f->all_workers, err);
		}
	}
	f->workers = f->all_workers;
	for (unsigned i = 0; i < p->filesystem_count && !rc; i++) {
		const struct ffsb_filesystem *fs = &p->filesystem[i];

		for (unsigned t = 0; fs->agefs && t < fs->aging->num_threads && !rc; t++) {
			f->worker[f->all_workers].list = &f->set[i].fill;
			rc = add_worker(f, fs->aging, &f->set[i], f->all_workers, err);
		}
	}
	f->agers = f->all_workers - f->workers;
	for (unsigned i = 0; i < p->filesystem_count && !rc; i++)
		rc = add_worker(f, NULL, &f->set[i], f->all_workers, err);
	return rc;
}

static int warn(struct ffsb *f, const char *text)
{
	f->warning[f->warnings] = strdup(text);
	return f->warning[f->warnings++] ? 0 : -ENOMEM;
}

static int note_skipped(struct ffsb *f)
{
	bool reuse = false;
	int rc = 0;

	for (unsigned i = 0; i < f->profile->filesystem_count; i++)
		reuse |= f->profile->filesystem[i].reuse;
	if (f->profile->callout[0])
		rc = warn(f, "callout: not run; there is no shell on the simulated machine");
	if (!rc && reuse)
		rc = warn(f, "reuse: the file system is new, its file sets are built");
	return rc;
}

static int make_cache(struct ffsb *f, struct err *err)
{
	const struct pagecache_config config = {.machine = f->config.machine,
						.dev = f->config.dev,
						.pages = f->config.cache_pages,
						.background_percent = 5,
						.limit_percent = 10,
						.readahead_pages = 32,
						.cpu = f->config.background_cpu};

	return pagecache_create(&f->cache, &config, err);
}

static int fill_in(struct ffsb *f, struct err *err)
{
	const struct ffsb_profile *p = f->profile;

	f->group = calloc(p->group_count, sizeof(*f->group));
	f->set = calloc(p->filesystem_count, sizeof(*f->set));
	if (!f->group || !f->set || note_skipped(f))
		return err_set(err, -ENOMEM, "ffsb: no memory");
	ffsb_reset_stats(f);
	for (unsigned i = 0; i < p->filesystem_count; i++) {
		f->set[i] = (struct ffsb_set){.load = f,
					      .profile = &p->filesystem[i],
					      .index = i,
					      .data = {.prefix = "datafile", .salt = 0},
					      .fill = {.prefix = "fillfile", .salt = 1}};
	}
	return make_workers(f, err);
}

int ffsb_create(struct ffsb **out, const struct ffsb_config *config, struct err *err)
{
	struct ffsb *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return err_set(err, -ENOMEM, "ffsb: no memory");
	f->config = *config;
	f->profile = config->profile;
	rc = fill_in(f, err);
	if (!rc)
		rc = make_cache(f, err);
	if (rc) {
		ffsb_destroy(f);
		return rc;
	}
	*out = f;
	return 0;
}

void ffsb_destroy(struct ffsb *f)
{
	if (!f)
		return;
	extfs_abandon(f->fs);
	pagecache_destroy(f->cache);
	for (unsigned i = 0; i < f->all_workers; i++) {
		if (f->worker[i].pages)
			memory_free(f->config.machine->mem, f->worker[i].buffer,
				    f->worker[i].pages);
	}
	for (unsigned i = 0; f->set && i < f->profile->filesystem_count; i++) {
		ffsb_list_free(&f->set[i].data);
		ffsb_list_free(&f->set[i].fill);
		free(f->set[i].meta);
	}
	for (unsigned i = 0; i < f->warnings; i++)
		free(f->warning[i]);
	free(f->worker);
	free(f->set);
	free(f->group);
	free(f);
}

/* ---- the threads ---- */

static void worker(void *ctx)
{
	struct ffsb_worker *w = ctx;
	struct ffsb *f = w->load;
	int rc = 0;

	while (!f->stopping && !rc) {
		const enum ffsb_op op = ffsb_pick(w->group, &w->rng);
		struct ffsb_set *set = w->set;

		if (!set)
			set = &f->set[ffsb_draw(&w->rng, f->profile->filesystem_count)];
		rc = ffsb_operate(w, op, set);
		if (!rc && w->group->op_delay_ms)
			task_sleep(task_current(w->cpu), w->group->op_delay_ms * SIM_MS);
	}
	w->done = true;
	f->workers_done++;
	waitq_wake(&f->master, w->cpu);
}

/* ---- the one who starts and ends it all ---- */

static int make_and_mount(struct ffsb *f, struct cpu *cpu)
{
	const struct extfs_format_options format = {.inodes = f->config.inodes};
	const struct extfs_config config = {.machine = f->config.machine,
					    .dev = f->config.dev,
					    .cache = f->cache,
					    .cpu = f->config.background_cpu};
	struct err err = {.text = ""};
	int rc = extfs_make(f->config.machine, f->config.dev, &format, cpu, &err);

	if (!rc)
		rc = extfs_mount(&f->fs, &config, cpu, &err);
	if (rc)
		ffsb_fail(f, rc, "file system: %s", err.text);
	return rc;
}

static int spawn(struct ffsb *f, unsigned first, unsigned count, const char *name,
		 void (*fn)(void *ctx))
{
	for (unsigned i = first; i < first + count; i++) {
		if (!task_create(f->worker[i].cpu, name, fn, &f->worker[i])) {
			ffsb_fail(f, -ENOMEM, "no memory for thread %u", i);
			return -ENOMEM;
		}
	}
	return 0;
}

static int build_sets(struct ffsb *f, struct cpu *cpu)
{
	const unsigned sets = f->profile->filesystem_count;
	int rc = spawn(f, f->workers + f->agers, sets, "ffsb-build", ffsb_builder);

	if (rc)
		return rc;
	while (f->sets_built < sets)
		waitq_wait(&f->master, cpu);
	if (f->error)
		return f->error;
	rc = extfs_sync(f->fs, cpu);
	if (rc)
		ffsb_fail(f, rc, "building: sync: %s", strerror(-rc));
	return rc;
}

static void run_threads(struct ffsb *f, struct cpu *cpu)
{
	if (f->profile->has_time && !f->profile->time_s)
		return; /* only the file sets were wanted */
	if (spawn(f, 0, f->workers, "ffsb", worker))
		return;
	while (f->workers_done < f->workers)
		waitq_wait(&f->master, cpu);
}

static void master(void *ctx)
{
	struct ffsb *f = ctx;
	struct cpu *cpu = machine_cpu(f->config.machine, 0);
	int rc = make_and_mount(f, cpu);

	if (!rc)
		rc = build_sets(f, cpu);
	f->ready_at = cpu_now(cpu);
	f->running = true;
	if (!rc)
		run_threads(f, cpu);
	if (f->fs) {
		rc = extfs_unmount(f->fs, cpu);
		f->fs = NULL;
		if (rc)
			ffsb_fail(f, rc, "unmounting: %s", strerror(-rc));
	}
	pagecache_stop(f->cache, cpu);
	f->finished = true;
}

int ffsb_start(struct ffsb *f, struct err *err)
{
	f->started = sim_now(f->config.machine->sim);
	if (!task_create(machine_cpu(f->config.machine, 0), "ffsb-main", master, f))
		return err_set(err, -ENOMEM, "ffsb: no memory for its first thread");
	return 0;
}

bool ffsb_ready(const struct ffsb *f)
{
	return f->running;
}

void ffsb_stop(struct ffsb *f)
{
	f->stopping = true;
}

bool ffsb_finished(const struct ffsb *f)
{
	return f->finished && pagecache_idle(f->cache);
}

int ffsb_error(const struct ffsb *f, struct err *err)
{
	return f->error ? err_set(err, f->error, "ffsb: %s", f->error_text) : 0;
}

const char *ffsb_warning(const struct ffsb *f, unsigned index)
{
	const unsigned kept = f->profile->warning_count < FFSB_WARNINGS ? f->profile->warning_count
									: FFSB_WARNINGS;

	if (index < kept)
		return f->profile->warning[index];
	return index - kept < f->warnings ? f->warning[index - kept] : NULL;
}
