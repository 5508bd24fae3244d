/* SPDX-License-Identifier: MIT */
/* Locks on a timeline: held, a slice of the lock's thread; waited for, one of the CPU's. */
#include <errno.h>
#include <stdio.h>

#include "watch/timeline_impl.h"

/* The lock at @line, or NULL when memory is short. There are few, and their number never falls. */
static struct timeline_lock *lock_of(struct timeline *t, unsigned machine, phys_t line)
{
	char words[48];

	for (size_t i = t->locks; i-- > 0;)
		if (t->lock[i].line == line && t->lock[i].machine == machine)
			return &t->lock[i];
	if (timeline_grow((void **)&t->lock, t->locks, &t->lock_room, sizeof(*t->lock))) {
		t->rc = -ENOMEM;
		return NULL;
	}
	t->lock[t->locks] = (struct timeline_lock){.machine = machine, .line = line};
	snprintf(words, sizeof(words), "lock at 0x%llx", (unsigned long long)line);
	tl_name(&t->out, "thread_name", PID_MACHINES + PIDS_PER_MACHINE * machine + 1,
		(uint32_t)t->locks, words);
	return &t->lock[t->locks++];
}

static void put_wait(struct timeline_track *k, phys_t line, sim_time asked, sim_time got)
{
	struct tl_event e = {.phase = TL_SLICE,
			     .name = "waits",
			     .category = "lock",
			     .ps = asked,
			     .dur_ps = got - asked,
			     .pid = k->pid + 2,
			     .tid = k->tid,
			     .arg = {{.key = "lock", .form = TL_HEX, .number = line}}};
	char words[32];

	if (!k->waited) {
		snprintf(words, sizeof(words), "CPU %u", k->tid);
		tl_name(&k->timeline->out, "thread_name", e.pid, e.tid, words);
		k->waited = true;
	}
	timeline_put(k->timeline, &e);
}

void timeline_locked(void *ctx, const struct cpu *cpu, phys_t line, sim_time asked)
{
	struct timeline_track *k = ctx;
	struct timeline_lock *l = lock_of(k->timeline, k->machine, line);
	const sim_time now = cpu_now(cpu);

	if (now > asked)
		put_wait(k, line, asked, now);
	if (!l)
		return;
	l->held = true;
	l->since = now;
	l->holder = k;
}

static void put_hold(struct timeline *t, struct timeline_lock *l, sim_time until)
{
	struct tl_event e = {.phase = TL_SLICE,
			     .name = "held",
			     .category = "lock",
			     .ps = l->since,
			     .dur_ps = until > l->since ? until - l->since : 0,
			     .pid = PID_MACHINES + PIDS_PER_MACHINE * l->machine + 1,
			     .tid = (uint32_t)(l - t->lock),
			     .arg = {{.key = "cpu", .form = TL_NUMBER, .number = l->holder->tid}}};

	timeline_put(t, &e);
	l->held = false;
}

void timeline_unlocked(void *ctx, const struct cpu *cpu, phys_t line)
{
	struct timeline_track *k = ctx;
	struct timeline_lock *l = lock_of(k->timeline, k->machine, line);

	if (l && l->held)
		put_hold(k->timeline, l, cpu_now(cpu));
}

void timeline_locks_end(struct timeline *t)
{
	for (size_t i = 0; i < t->locks; i++)
		if (t->lock[i].held)
			put_hold(t, &t->lock[i], t->last);
}
