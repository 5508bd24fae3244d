/* SPDX-License-Identifier: MIT */
/* A timeline's beginning and end, and what CPUs do. */
#include "watch/timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "watch/timeline_impl.h"

int timeline_grow(void **at, size_t count, size_t *room, size_t bytes)
{
	const size_t want = *room ? *room * 2 : 64;
	void *grown;

	if (count < *room)
		return 0;
	grown = realloc(*at, want * bytes);
	if (!grown)
		return -ENOMEM;
	*at = grown;
	*room = want;
	return 0;
}

void timeline_put(struct timeline *t, struct tl_event *e)
{
	const sim_time end = e->ps + e->dur_ps;

	if (end > t->last)
		t->last = end;
	/* Ends are written whatever there is: they are as many as beginnings were. */
	if (e->phase == TL_END) {
		if (e->ps < t->from)
			e->ps = t->from;
		tl_put(&t->out, e);
		return;
	}
	if (e->phase == TL_BEGIN ? false : end < t->from || (e->dur_ps && end == t->from))
		return;
	if (t->out.events >= t->most) {
		t->cut = true;
		return;
	}
	if (e->ps < t->from) {
		e->ps = t->from;
		e->dur_ps = e->dur_ps ? end - t->from : 0;
	}
	tl_put(&t->out, e);
}

sim_time timeline_now(struct timeline *t)
{
	const sim_time now = t->clock ? machine_now(t->clock) : t->last;

	if (now > t->last)
		t->last = now;
	return now;
}

/* ---- what CPUs do ---- */

static void close_slice(struct timeline_track *k)
{
	struct tl_event e = {.phase = TL_SLICE,
			     .name = charge_name(k->what),
			     .category = "cpu",
			     .ps = k->from,
			     .dur_ps = k->to - k->from,
			     .pid = k->pid,
			     .tid = k->tid};

	if (k->open)
		timeline_put(k->timeline, &e);
	k->open = false;
}

/* Work of one category comes in many small charges: one slice, as long as there is no gap. */
static void on_spent(void *ctx, const struct cpu *cpu, enum charge what, sim_time from, sim_time to)
{
	struct timeline_track *k = ctx;

	(void)cpu;
	if (k->open && k->what == what && k->to == from) {
		k->to = to;
		return;
	}
	close_slice(k);
	k->what = what;
	k->from = from;
	k->to = to;
	k->open = true;
}

static const struct cpu_watcher watcher = {on_spent, timeline_locked, timeline_unlocked};

/* The number of the machine called @name; made, with its processes, if it is new. */
static int machine_of(struct timeline *t, const char *name, unsigned *out)
{
	char words[64], (*grown)[32];
	uint32_t pid;

	for (*out = 0; *out < t->machines; ++*out)
		if (!strcmp(t->machine[*out], name))
			return 0;
	grown = realloc(t->machine, (t->machines + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	t->machine = grown;
	snprintf(t->machine[t->machines++], sizeof(*grown), "%s", name);
	pid = PID_MACHINES + PIDS_PER_MACHINE * *out;
	tl_name(&t->out, "process_name", pid, 0, name);
	snprintf(words, sizeof(words), "%s locks", name);
	tl_name(&t->out, "process_name", pid + 1, 0, words);
	snprintf(words, sizeof(words), "%s lock waits", name);
	tl_name(&t->out, "process_name", pid + 2, 0, words);
	return 0;
}

int timeline_cpu(struct timeline *t, struct cpu *cpu, const char *machine)
{
	struct timeline_track *k = calloc(1, sizeof(*k)), **grown;
	char words[32];

	if (!k)
		return -ENOMEM;
	grown = realloc((void *)t->track, (t->tracks + 1) * sizeof(*grown));
	if (grown)
		t->track = grown;
	if (!grown || machine_of(t, machine, &k->machine)) {
		free(k);
		return -ENOMEM;
	}
	t->track[t->tracks++] = k;
	k->timeline = t;
	k->pid = PID_MACHINES + PIDS_PER_MACHINE * k->machine;
	k->tid = cpu_id(cpu);
	snprintf(words, sizeof(words), "CPU %u", k->tid);
	tl_name(&t->out, "thread_name", k->pid, k->tid, words);
	cpu_watch(cpu, &watcher, k);
	return 0;
}

/* ---- beginning and end ---- */

int timeline_create(struct timeline **out, const struct timeline_config *config)
{
	struct timeline *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->from = config->from;
	t->most = config->most;
	if (timeline_maps_init(t)) {
		free(t);
		return -ENOMEM;
	}
	tl_open(&t->out, config->to);
	tl_name(&t->out, "process_name", PID_MAPPINGS, 0, "mappings");
	tl_name(&t->out, "process_name", PID_IOTLB, 0, "IOTLB");
	tl_name(&t->out, "thread_name", PID_IOTLB, 0, "told to forget");
	*out = t;
	return 0;
}

void timeline_clock(struct timeline *t, const struct machine *m)
{
	(void)timeline_now(t);
	t->clock = m;
}

int timeline_finish(struct timeline *t, bool *cut)
{
	struct tl_arg args[TL_ARGS] = {
		{.key = "left_out", .form = TL_TEXT, .text = "nothing", .bytes = 7}};
	int rc;

	for (size_t i = 0; i < t->tracks; i++)
		close_slice(t->track[i]);
	timeline_locks_end(t);
	timeline_maps_end(t);
	if (t->cut) {
		args[0].text = "what came after the last event allowed";
		args[0].bytes = strlen(args[0].text);
	}
	args[1] = (struct tl_arg){.key = "events", .form = TL_NUMBER, .number = t->out.events};
	if (cut)
		*cut = t->cut;
	rc = tl_close(&t->out, args);
	return t->rc ? t->rc : rc;
}

void timeline_destroy(struct timeline *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->tracks; i++)
		free(t->track[i]);
	free((void *)t->track);
	free(t->machine);
	free(t->lock);
	timeline_maps_fini(t);
	free(t);
}
