// SPDX-License-Identifier: MIT
/* The replays of what_if.h: which there are, and running them. */
#include "study/what_if.h"

#include <errno.h>
#include <string.h>

#include "base/nearest.h"
#include "dma/strategy/strategy.h"
#include "study/compare.h"
#include "trace/loss.h"

#define ALLOCATOR "magazines" /* Linux's on x86 (drivers/iommu/iova.c) */
#define NAMES     96u         /* longer is no name */

void what_if_defaults(struct what_if_request *q)
{
	*q = (struct what_if_request){
		.profile = "e3-1220-2015",
		.strategies = "all",
		.access = "auto",
		.pace = "open",
	};
}

/* Linux, Documentation/admin-guide/kernel-parameters.txt: iommu.strict, iommu.passthrough. */
static const struct {
	const char *word, *strategy;
} kernel_words[] = {
	{"iommu.strict=1", "strict"},
	{"iommu.strict=0", "flush-queue"},
	{"iommu.passthrough=1", "off"},
};

#define KERNEL_WORDS (sizeof(kernel_words) / sizeof(kernel_words[0]))

const char *what_if_strategy(const char *word)
{
	for (size_t i = 0; i < KERNEL_WORDS; i++)
		if (!strcmp(kernel_words[i].word, word))
			return kernel_words[i].strategy;
	return strategy_find(word) ? strategy_find(word)->name : NULL;
}

const char *what_if_kernel(const char *strategy, const char *allocator)
{
	for (size_t i = 0; i < KERNEL_WORDS && !strcmp(allocator, ALLOCATOR); i++)
		if (!strcmp(kernel_words[i].strategy, strategy))
			return kernel_words[i].word;
	return NULL;
}

struct run {
	const struct what_if_request *q;
	struct profile profile;
	struct recording recording;
	bool wanted[COMPARE_MOST]; /* of the strategies, in the registry's order */
	const struct iommu_ops *iommu[8];
	unsigned iommus, done, all;
	struct err *err;
};

/* ---- names ---- */

/* The next name of the list *@at into @to; false at its end. */
static bool next_name(const char **at, char to[NAMES])
{
	const size_t n = *at ? strcspn(*at, ",") : 0;

	if (!*at)
		return false;
	snprintf(to, NAMES, "%.*s", (int)(n < NAMES ? n : NAMES - 1), *at);
	*at = (*at)[n] ? *at + n + 1 : NULL;
	return true;
}

static int no_strategy(const char *name, struct err *err)
{
	struct nearest near;

	nearest_init(&near, name);
	nearest_offer(&near, "all");
	for (size_t i = 0; i < KERNEL_WORDS; i++)
		nearest_offer(&near, kernel_words[i].word);
	for (size_t i = 0; dma_strategies[i]; i++)
		nearest_offer(&near, dma_strategies[i]->name);
	return err_set(err, -EINVAL,
		       "--strategies: '%s' is no strategy%s%s%s; expected all, names of 'iotoll "
		       "list strategies', iommu.strict=1, iommu.strict=0 or iommu.passthrough=1",
		       name, near.best ? "; did you mean " : "", near.best ? near.best : "",
		       near.best ? "?" : "");
}

static int choose_strategies(struct run *run)
{
	const bool all = !strcmp(run->q->strategies, "all");
	const char *at = run->q->strategies;
	char name[NAMES];

	for (size_t i = 0; dma_strategies[i] && i < COMPARE_MOST; i++)
		run->wanted[i] = all;
	while (!all && next_name(&at, name)) {
		const char *strategy = what_if_strategy(name);

		if (!strategy)
			return no_strategy(name, run->err);
		for (size_t i = 0; dma_strategies[i] && i < COMPARE_MOST; i++)
			run->wanted[i] =
				run->wanted[i] || !strcmp(dma_strategies[i]->name, strategy);
	}
	for (size_t i = 0; dma_strategies[i] && i < COMPARE_MOST; i++)
		run->all += run->wanted[i];
	return 0;
}

static int no_iommu(const char *name, struct err *err)
{
	struct nearest near;

	nearest_init(&near, name);
	for (size_t i = 0; iommu_models[i]; i++)
		nearest_offer(&near, iommu_models[i]->name);
	return err_set(err, -EINVAL,
		       "--iommu: '%s' is no IOMMU%s%s%s; 'iotoll list iommus' names them", name,
		       near.best ? "; did you mean " : "", near.best ? near.best : "",
		       near.best ? "?" : "");
}

static int choose_iommus(struct run *run)
{
	const size_t most = sizeof(run->iommu) / sizeof(run->iommu[0]);
	const char *at = run->q->iommus ? run->q->iommus : run->profile.iommu;
	char name[NAMES];

	if (!*at)
		return err_set(run->err, -EINVAL,
			       "--profile %s names no IOMMU of its own (machine.iommu): expected "
			       "--iommu",
			       run->q->profile);
	while (next_name(&at, name)) {
		const struct iommu_ops *model = iommu_find(name);

		if (!model)
			return no_iommu(name, run->err);
		if (run->iommus == most)
			return err_set(run->err, -EINVAL, "--iommu: expected at most %zu", most);
		run->iommu[run->iommus++] = model;
	}
	run->all *= run->iommus;
	return 0;
}

/* ---- one replay ---- */

/* As kernels have it where strategy and driver can: a lock for each thing of its own. */
static bool splits(const char *driver, const char *strategy, const char *allocator)
{
	const struct iotoll_dma_config config = {.driver = driver,
						 .strategy = strategy,
						 .allocator = allocator,
						 .split_locks = true};
	struct err ignored;

	return !strcmp(allocator, ALLOCATOR) &&
	       !iotoll_dma_config_check(&config, ignored.text, sizeof(ignored.text));
}

static void refuse(json_t *row, const char *reason)
{
	json_object_set_new(row, "applies", json_false());
	json_object_set_new(row, "reason", json_string(reason));
}

static int replay_row(struct run *run, json_t *row, int device, const struct iommu_ops *model,
		      const char *strategy, const char *allocator)
{
	const struct recording *recording = &run->recording;
	struct replay_request request;
	struct replay_config config;
	struct replay_result r;
	struct err why = {""};
	int rc;

	replay_request_defaults(&request);
	request.iommu = model->name;
	request.strategy = strategy;
	request.allocator = allocator;
	request.access = run->q->access;
	request.pace = run->q->pace;
	request.should_stop = run->q->should_stop;
	request.ctx = run->q->ctx;
	rc = replay_request_config(&request, &run->profile, &config, run->err);
	if (rc)
		return rc;
	rc = replay_access_settle(run->q->access, recording, &config.access, run->err);
	if (rc)
		return rc;
	config.split_locks = splits(model->name, strategy, allocator);
	if (recording->cpus < run->profile.cpus)
		config.cpus = recording->cpus;
	rc = replay_recorded(recording, device, &config, &r, &why);
	if (rc == -EINVAL) {
		refuse(row, why.text);
		return 0;
	}
	if (rc)
		return err_set(run->err, rc, "%s", why.text);
	if (r.stopped)
		return err_set(run->err, -EINTR, "interrupted");
	json_object_set_new(row, "locks", json_string(config.split_locks ? "split" : "one"));
	json_object_set_new(row, "timer", replay_timer_words(strategy, &r));
	what_if_put(row, &r, &config, recording->span_ns);
	return 0;
}

static int add_row(struct run *run, json_t *rows, int device, const struct iommu_ops *model,
		   const struct strategy_ops *strategy)
{
	char allocator[COMPARE_NAME] = "";
	struct err why = {""};
	const bool served =
		compare_allocator(allocator, model->name, strategy->name, ALLOCATOR, &why);
	json_t *row =
		json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s, s:b, s:b, s:n}", "device",
			  run->recording.device[device].name, "iommu", model->name, "name",
			  strategy->name, "title", strategy->title, "kernel",
			  what_if_kernel(strategy->name, allocator), "allocator", allocator,
			  "demonstration", strategy->demonstration, "applies", true, "reason");

	json_array_append_new(rows, row);
	if (run->q->should_stop && run->q->should_stop(run->q->ctx))
		return err_set(run->err, -EINTR, "interrupted");
	if (run->q->progress)
		run->q->progress(run->q->ctx, run->done, run->all);
	run->done++;
	if (!served) {
		refuse(row, why.text);
		return 0;
	}
	return replay_row(run, row, device, model, strategy->name, allocator);
}

/* ---- all of them ---- */

static int run_device(struct run *run, json_t *devices, int device)
{
	const struct recorded_device *d = &run->recording.device[device];
	json_t *rows = json_array();
	int rc = 0;

	for (unsigned m = 0; m < run->iommus && !rc; m++) {
		json_t *of_model = json_array();

		for (size_t i = 0; dma_strategies[i] && i < COMPARE_MOST && !rc; i++)
			if (run->wanted[i])
				rc = add_row(run, of_model, device, run->iommu[m],
					     dma_strategies[i]);
		compare_mark_front(of_model, "price.us_per_pair", "safety.unasked_bytes_mean");
		json_array_extend(rows, of_model);
		json_decref(of_model);
	}
	json_array_append_new(devices,
			      json_pack("{s:s, s:o, s:o, s:o, s:o}", "name", d->name, "domain_id",
					d->tag < 0 ? json_null() : json_integer(d->tag), "load",
					what_if_load(&run->recording, device), "recorded",
					what_if_recorded(&run->recording, device), "rows", rows));
	return rc;
}

static json_t *recording_json(const struct recording *r)
{
	return json_pack("{s:s, s:I, s:I, s:I, s:f, s:i, s:I, s:I, s:I}", "source",
			 r->dma_alone ? "dma" : "iommu", "events", (json_int_t)r->tally.events,
			 "maps", (json_int_t)r->tally.maps, "unmaps", (json_int_t)r->tally.unmaps,
			 "span_s", (double)r->span_ns / 1e9, "cpus", (int)r->cpus, "unknown_maps",
			 (json_int_t)r->unknown_maps, "unknown_unmaps",
			 (json_int_t)r->unknown_unmaps, "lost_events",
			 (json_int_t)r->tally.lost_events);
}

/* The rule, as it was settled. */
static const char *access_words(const struct run *run)
{
	if (strcmp(run->q->access, "auto") != 0)
		return run->q->access;
	return replay_access_name(run->recording.accesses ? REPLAY_ACCESS_RECORDED
							  : REPLAY_ACCESS_AT_UNMAP);
}

static int run_all(struct run *run, json_t **result)
{
	const struct recording *r = &run->recording;
	int only = RECORDING_NOBODY, rc = 0;
	json_t *devices = json_array();

	if (run->q->device) {
		only = recording_find(r, run->q->device);
		if (only == RECORDING_NOBODY)
			rc = recording_nobody(r, run->q->device, run->err);
	} else {
		run->all *= r->devices;
	}
	for (unsigned i = 0; i < r->devices && !rc; i++)
		if ((only == RECORDING_NOBODY || only == (int)i) &&
		    r->device[i].maps + r->device[i].unmaps)
			rc = run_device(run, devices, (int)i);
	*result = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "schema", 1, "version",
			    IOTOLL_VERSION, "trace", r->name, "trace_format", r->format, "profile",
			    run->q->profile, "device_access_rule", access_words(run), "pace",
			    replay_pace_words(run->q->pace), "recording", recording_json(r),
			    "devices", devices);
	return rc;
}

static int read_recording(struct run *run)
{
	const struct what_if_request *q = run->q;
	struct trace *trace;
	int rc = trace_open(&trace, q->path, q->format, run->err);

	if (rc)
		return rc;
	trace_stop_when(trace, q->should_stop, q->ctx);
	rc = replay_recording(&run->recording, trace, q->beside, run->err);
	if (!rc && !q->allow_loss) {
		rc = loss_judge(trace, NULL, run->err);
		if (rc)
			recording_fini(&run->recording);
	}
	trace_close(trace);
	return rc;
}

int what_if_run(const struct what_if_request *q, json_t **result, struct err *err)
{
	struct err ignored;
	struct run run = {.q = q, .err = err ? err : &ignored};
	struct replay_request request;
	struct replay_config config;
	int rc;

	replay_request_defaults(&request);
	request.profile = q->profile;
	request.access = q->access;
	request.pace = q->pace;
	*result = NULL;
	rc = choose_strategies(&run);
	if (!rc)
		rc = replay_request_config(&request, &run.profile, &config, run.err);
	if (!rc)
		rc = replay_request_profile(&request, &run.profile, run.err);
	if (!rc)
		rc = choose_iommus(&run);
	if (!rc)
		rc = read_recording(&run);
	if (rc)
		return rc;
	rc = run_all(&run, result);
	if (rc) {
		json_decref(*result);
		*result = NULL;
	}
	recording_fini(&run.recording);
	return rc;
}
