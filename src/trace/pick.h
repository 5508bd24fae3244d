/* SPDX-License-Identifier: MIT */
/* Which events of a trace are wanted. A rule that was not set lets everything through. */
#ifndef IOTOLL_TRACE_PICK_H
#define IOTOLL_TRACE_PICK_H

#include "base/err.h"
#include "trace/event.h"

struct pick {
	uint64_t kinds; /* bits; 0: all */
	const char *name, *dev, *task;
	bool cpu_set, tag_set, iova_set;
	uint64_t cpu, tag;
	uint64_t from_ns, to_ns; /* since the first event; to 0: the end */
	uint64_t iova_first, iova_last;
	uint64_t first, last; /* numbers of events, from 1; last 0: the end */
};

/* "map,unmap,api-map". 0; -EINVAL with @err. */
int pick_kinds(struct pick *p, const char *text, struct err *err) MUST_CHECK;
/* "0xffe00000-0xffffffff", or one address. 0; -EINVAL with @err. */
int pick_iova(struct pick *p, const char *text, struct err *err) MUST_CHECK;
/* "1.5" seconds, up to nine digits behind the point. 0; -EINVAL with @err, which names @option. */
int pick_seconds(uint64_t *ns, const char *option, const char *text, struct err *err) MUST_CHECK;
/* The same for where it ends: more than 0. */
int pick_until(struct pick *p, const char *text, struct err *err) MUST_CHECK;
/* Does anything lie between beginning and end? 0; -EINVAL with @err. */
int pick_check(const struct pick *p, struct err *err) MUST_CHECK;
/* Is @ev, the @number-th event, wanted? Stamped @since_ns after the first one. Marks are. */
bool pick_wants(const struct pick *p, const struct trace_event *ev, uint64_t number,
		uint64_t since_ns);

#endif
