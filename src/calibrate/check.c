/* SPDX-License-Identifier: MIT */
/*
 * The model against a measurement: one loop, on real threads and in the laboratory. What differs
 * between the two machines, and is neither the DMA layer's work nor a cost of the profile, is
 * replaced for the laboratory's run by what it takes here: its registers lead to a hardware half in
 * this process by a call, its lock is a mutex of the C library instead of interrupts switched off.
 * Each replacement is measured by itself and told.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench/layer.h"
#include "calibrate/calibrate_impl.h"

#define PAIRS  1000u /* a round */
#define RECORD 1024u /* pairs whose register accesses are made again */

static const struct subject {
	const char *iommu, *strategy, *note;
} subjects[CALIBRATE_CHECKS] = {
	{"none", "off",
	 "not judged: without a table the laboratory charges a call to the driver that makes it; "
	 "iommu.dma_call was measured by this run"},
	{"calgary", "strict", ""},
	{"calgary", "deferred", ""},
	{"vtd", "strict", ""},
	{"vtd", "deferred", ""},
};

unsigned calibrate_check_ring(void)
{
	return CHECK_RING;
}

unsigned calibrate_check_entries(void)
{
	return CHECK_ENTRIES;
}

static struct bench_layer_config config_of(const struct calibrate_check *c, const char *strategy)
{
	return (struct bench_layer_config){
		.iommu = c->iommu,
		.strategy = strategy,
		.allocator = strcmp(c->iommu, "none") ? "next-fit" : NULL,
		.table_entries = strcmp(c->iommu, "none") ? CHECK_ENTRIES : 0,
		.pages = 1,
		.outstanding = CHECK_RING,
	};
}

/* ---- on real threads ---- */

static double pair_round(void *ctx)
{
	const double before = host_thread_ns();

	return bench_layer_work(ctx, PAIRS) ? (host_thread_ns() - before) / PAIRS : -1;
}

static int measure(struct calibrate_check *c, const struct host_options *options, struct err *err)
{
	const struct bench_layer_config config = config_of(c, c->strategy);
	struct bench_layer *l;
	int rc = bench_layer_open(&l, &config, err);

	if (rc)
		return rc;
	snprintf(c->measured.method, sizeof(c->measured.method),
		 "the native DMA layer, one thread, CPU time of %u pairs a round", PAIRS);
	rc = host_repeat(options, pair_round, l, &c->measured);
	bench_layer_close(l);
	return rc;
}

/* Register accesses of a run, and what one of each kind takes. */
struct registers {
	struct bench_layer *layer;
	uint64_t reads, writes;
	bool with_writes;
	double read_ns, write_ns;
};

static double replay_round(void *ctx)
{
	const struct registers *r = ctx;
	const double before = host_thread_ns();

	bench_layer_replay(r->layer, r->with_writes);
	return host_thread_ns() - before;
}

static int time_registers(struct registers *r, const struct host_options *options)
{
	struct host_sample reads = {0}, all = {0};
	int rc = 0;

	if (r->reads)
		rc = host_repeat(options, replay_round, r, &reads);
	r->with_writes = true;
	if (!rc && r->writes)
		rc = host_repeat(options, replay_round, r, &all);
	if (r->reads)
		r->read_ns = reads.median / (double)r->reads;
	if (r->writes && all.median > reads.median)
		r->write_ns = (all.median - reads.median) / (double)r->writes;
	return rc;
}

/* Of the strict run, which makes them at every unmap. */
static int measure_registers(struct registers *r, const struct calibrate_check *c,
			     const struct host_options *options, struct err *err)
{
	const struct bench_layer_config config = config_of(c, "strict");
	int rc = bench_layer_open(&r->layer, &config, err);

	if (!rc)
		rc = bench_layer_record(r->layer, RECORD, &r->reads, &r->writes);
	if (!rc)
		rc = time_registers(r, options);
	bench_layer_close(r->layer);
	return rc;
}

/* ---- and in the laboratory ---- */

/* "section.key=NS ns", at least @least of them. */
static void replace_time(struct calibrate_check *c, const char *key, double ns, double least,
			 const char *why)
{
	struct calibrate_override *o = &c->override[c->overrides++];
	const long long ps = (long long)((ns > least ? ns : least) * 1e3 + 0.5);

	snprintf(o->text, sizeof(o->text), "%s=%lld.%03lld ns", key, ps / 1000, ps % 1000);
	o->why = why;
}

/* A parameter that may not be 0 is at least 1 ns. */
static void replace_registers(struct calibrate_check *c, const struct registers *r)
{
	replace_time(c, "iommu.reg_read", r->read_ns, 1,
		     r->reads
			     ? "a call into the hardware half: the strict run's accesses made alone"
			     : "none is made: a write is over when it returns");
	replace_time(c, "cpu.mmio_write", r->write_ns, 0,
		     "likewise, with all that the hardware half does for it");
	replace_time(c, "bus.posted_write_latency", 0, 0, "a call arrives at once");
	replace_time(c, "iommu.invalidate", 0, 0, "is in the write");
}

static int predict(struct calibrate_check *c, const char *path, const struct host_sample *lock,
		   const struct host_sample *atomic, const struct host_sample *hit, struct err *err)
{
	const char *overrides[CALIBRATE_OVERRIDES + 1] = {NULL};
	int rc;

	replace_time(c, "cpu.irq_flags", lock->median - atomic->median, 0,
		     "instead of interrupts switched off: a mutex locked and unlocked, less the "
		     "locked access that the model charges");
	replace_time(c, "memory.dram_miss", hit->median, 1,
		     "what a device would write to memory this CPU writes: a hit of the second "
		     "level");
	for (unsigned i = 0; i < c->overrides; i++)
		overrides[i] = c->override[i].text;
	rc = model_pair(&c->model, path, overrides, c->iommu, c->strategy, err);
	if (rc)
		return rc;
	c->ratio = c->measured.median > 0 ? c->model / c->measured.median : 0;
	c->met = c->ratio >= 1 / CALIBRATE_WITHIN && c->ratio <= CALIBRATE_WITHIN;
	return 0;
}

static int check_one(struct calibrate_check *c, const char *path,
		     const struct calibrate_options *options, const struct host_sample part[3],
		     struct err *err)
{
	struct registers r = {.reads = 0};
	int rc = measure(c, &options->host, err);

	if (rc || !c->judged)
		return rc;
	if (c->measured.why_not[0]) {
		c->judged = false;
		c->note = "not judged: it could not be measured";
		return 0;
	}
	rc = measure_registers(&r, c, &options->host, err);
	if (rc)
		return rc;
	replace_registers(c, &r);
	return predict(c, path, &part[0], &part[1], &part[2], err);
}

int calibrate_check(struct calibrate_check out[CALIBRATE_CHECKS], const char *path,
		    const struct calibrate_options *options, struct err *err)
{
	static const enum host_quantity parts[3] = {HOST_LOCK, HOST_ATOMIC, HOST_LOAD_L2};
	struct host_sample part[3];
	char what[64];
	int rc = model_possible(path, err);

	for (unsigned i = 0; i < 3 && !rc; i++)
		rc = host_measure(parts[i], &options->host, &part[i]);
	for (unsigned i = 0; i < CALIBRATE_CHECKS && !rc; i++) {
		const struct subject *s = &subjects[i];

		out[i] = (struct calibrate_check){.iommu = s->iommu,
						  .strategy = s->strategy,
						  .judged = !s->note[0],
						  .note = s->note};
		snprintf(what, sizeof(what), "map and unmap, %s, %s", s->iommu, s->strategy);
		if (options->begin)
			options->begin(options->host.ctx, what, i, CALIBRATE_CHECKS);
		rc = check_one(&out[i], path, options, part, err);
	}
	return rc;
}
