/* SPDX-License-Identifier: MIT */
/*
 * Calls of the DMA API on a timeline: from probes a call and its return are two events, one slice
 * of the task's thread. They nest as interrupts do; a return that was lost leaves an instant.
 */
#include <errno.h>
#include <string.h>

#include "trace/export_impl.h"

/* What @kind's return is; TRACE_KINDS: it has none. */
static enum trace_kind return_of(enum trace_kind kind)
{
	switch (kind) {
	case TRACE_API_MAP:
		return TRACE_API_MAP_RET;
	case TRACE_API_MAP_SG:
		return TRACE_API_MAP_SG_RET;
	case TRACE_API_ALLOC:
		return TRACE_API_ALLOC_RET;
	default:
		return TRACE_KINDS;
	}
}

/* Behind those that there are; five at most come to it. */
static void add_arg(struct tl_event *e, struct tl_arg arg)
{
	unsigned n = 0;

	while (n < TL_ARGS - 1 && e->arg[n].form != TL_NONE)
		n++;
	e->arg[n] = arg;
}

static struct tl_event event_of(const struct export_call *c)
{
	struct tl_event e = {.phase = TL_INSTANT,
			     .name = c->name,
			     .category = trace_kind_name(c->kind),
			     .ps = c->ps,
			     .pid = EXPORT_CALLS,
			     .tid = c->thread};
	unsigned n = 0;

	e.arg[n++] = (struct tl_arg){.key = "cpu", .form = TL_NUMBER, .number = c->cpu};
	if (*c->dev)
		e.arg[n++] = (struct tl_arg){
			.key = "dev", .form = TL_TEXT, .text = c->dev, .bytes = strlen(c->dev)};
	if (c->has & TRACE_HAS(TRACE_F_BYTES))
		e.arg[n++] = (struct tl_arg){.key = "bytes", .form = TL_NUMBER, .number = c->bytes};
	if (c->has & TRACE_HAS(TRACE_F_DIR))
		e.arg[n] = (struct tl_arg){.key = "dir",
					   .form = TL_TEXT,
					   .text = trace_dir_name(c->dir),
					   .bytes = strlen(trace_dir_name(c->dir))};
	return e;
}

/* Take number @n out; it was written or will be. */
static void forget(struct trace_exporter *x, unsigned n)
{
	x->calls--;
	memmove(&x->call[n], &x->call[n + 1], (x->calls - n) * sizeof(x->call[0]));
}

static uint32_t thread_of(const struct trace_event *ev)
{
	return trace_has(ev, TRACE_F_TASK) && ev->pid > 0 ? (uint32_t)ev->pid
							  : EXPORT_IDLE + ev->cpu;
}

static int name_thread(struct trace_exporter *x, const struct trace_event *ev)
{
	const uint32_t thread = thread_of(ev);
	char words[24];

	if (thread < EXPORT_IDLE)
		return export_name(x, EXPORT_CALLS, thread, ev->task.at, ev->task.bytes);
	snprintf(words, sizeof(words), "CPU %u", ev->cpu);
	return export_name(x, EXPORT_CALLS, thread, words, strlen(words));
}

/* Only a probe's call is followed by a return: it has an address, or a text, of its place. */
static bool awaits_return(const struct trace_event *ev)
{
	return return_of(ev->kind) != TRACE_KINDS &&
	       (trace_has(ev, TRACE_F_SITE) || trace_has(ev, TRACE_F_TEXT));
}

static int begin_call(struct trace_exporter *x, const struct trace_event *ev, uint64_t ps)
{
	struct export_call *c;

	if (x->calls == EXPORT_CALLS_MAX) {
		const struct tl_event e = event_of(&x->call[0]);

		tl_put(&x->out, &e);
		forget(x, 0);
	}
	c = &x->call[x->calls++];
	*c = (struct export_call){.kind = ev->kind,
				  .cpu = ev->cpu,
				  .thread = thread_of(ev),
				  .ps = ps,
				  .bytes = ev->bytes,
				  .has = ev->has,
				  .dir = ev->dir};
	snprintf(c->name, sizeof(c->name), "%.*s", (int)ev->name_bytes, ev->name);
	if (trace_has(ev, TRACE_F_DEV))
		snprintf(c->dev, sizeof(c->dev), "%.*s", (int)ev->dev.bytes, ev->dev.at);
	return name_thread(x, ev) ? -ENOMEM : 1;
}

int export_call(struct trace_exporter *x, const struct trace_event *ev, uint64_t ps)
{
	const uint32_t thread = thread_of(ev);

	if (awaits_return(ev))
		return begin_call(x, ev, ps);
	for (unsigned n = x->calls; n-- > 0;) {
		struct tl_event e;

		if (x->call[n].thread != thread || return_of(x->call[n].kind) != ev->kind)
			continue;
		e = event_of(&x->call[n]);
		e.phase = TL_SLICE;
		e.dur_ps = ps > e.ps ? ps - e.ps : 0;
		if (trace_has(ev, TRACE_F_IOVA))
			add_arg(&e,
				(struct tl_arg){.key = "iova", .form = TL_HEX, .number = ev->iova});
		tl_put(&x->out, &e);
		forget(x, n);
		return 1;
	}
	return 0;
}

void export_calls_end(struct trace_exporter *x)
{
	for (unsigned n = 0; n < x->calls; n++) {
		const struct tl_event e = event_of(&x->call[n]);

		tl_put(&x->out, &e);
	}
	x->calls = 0;
}
