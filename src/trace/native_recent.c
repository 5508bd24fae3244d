// SPDX-License-Identifier: MIT
/* Is an event like the one before it? See native_recent.h. */
#include "trace/native_recent.h"

#include <string.h>

#include "trace/native.h"

static bool native_same_text(struct trace_text a, const char *kept, size_t bytes)
{
	return a.bytes == bytes && memcmp(a.at, kept, bytes) == 0;
}

bool native_is_recent(const struct native_recent *r, const struct trace_event *ev)
{
	const struct trace_event *was = &r->ev;

	return r->number && ev->has == was->has && ev->cpu == was->cpu &&
	       (!trace_has(ev, TRACE_F_TAG) || ev->tag == was->tag) &&
	       (!trace_has(ev, TRACE_F_SID) || ev->sid == was->sid) &&
	       (!trace_has(ev, TRACE_F_DIR) || ev->dir == was->dir) &&
	       (!trace_has(ev, TRACE_F_LIMIT) || ev->limit == was->limit) &&
	       (!trace_has(ev, TRACE_F_SITE) || ev->site == was->site) &&
	       (!trace_has(ev, TRACE_F_CALLER) || ev->caller == was->caller) &&
	       (!trace_has(ev, TRACE_F_CONTEXT) ||
		memcmp(ev->context, was->context, sizeof(ev->context)) == 0) &&
	       native_same_text((struct trace_text){ev->name, ev->name_bytes}, r->name,
				was->name_bytes) &&
	       (!trace_has(ev, TRACE_F_TASK) ||
		(ev->pid == was->pid && native_same_text(ev->task, r->task, was->task.bytes))) &&
	       (!trace_has(ev, TRACE_F_DEV) || native_same_text(ev->dev, r->dev, was->dev.bytes));
}

void native_keep(struct native_recent *r, const struct trace_event *ev, uint64_t number)
{
	const uint64_t rare =
		TRACE_HAS(TRACE_F_DRIVER) | TRACE_HAS(TRACE_F_FLAGS) | TRACE_HAS(TRACE_F_ATTRS);
	const bool task = trace_has(ev, TRACE_F_TASK), dev = trace_has(ev, TRACE_F_DEV);

	r->number = 0;
	if (ev->has & rare || !ev->name || ev->name_bytes > NATIVE_RECENT_TEXT ||
	    (task && ev->task.bytes > NATIVE_RECENT_TEXT) ||
	    (dev && ev->dev.bytes > NATIVE_RECENT_TEXT))
		return;
	r->number = (uint32_t)number;
	r->ev = *ev;
	memcpy(r->name, ev->name, ev->name_bytes);
	if (task)
		memcpy(r->task, ev->task.at, ev->task.bytes);
	if (dev)
		memcpy(r->dev, ev->dev.at, ev->dev.bytes);
}
