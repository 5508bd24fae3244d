/* SPDX-License-Identifier: MIT */
/* Events of every kind with any fields, and whether two are alike, for tests of writers and
 * readers. */
#ifndef IOTOLL_TESTS_TRACE_RANDOM_EVENT_H
#define IOTOLL_TESTS_TRACE_RANDOM_EVENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "trace/format.h"

static uint64_t random_numbers[4] = {0x1000, UINT64_MAX, 7, 0};

static inline struct trace_text random_text(struct rng *rng)
{
	static const char *const texts[] = {"",
					    "a",
					    "0000:00:02.0",
					    "kworker/0:1H",
					    "A\"b,c",
					    "GFP_KERNEL|__GFP_ZERO",
					    "caf\xC3\xA9 [000] - x"};
	const char *text = texts[rng_below(rng, sizeof(texts) / sizeof(texts[0]))];

	return (struct trace_text){text, strlen(text)};
}

static inline uint64_t random_number(struct rng *rng)
{
	return rng_u64(rng) >> rng_below(rng, 64);
}

/* An event that event.h allows; @marks: marks too. */
static inline struct trace_event random_event(struct rng *rng, uint64_t time_ns, bool marks)
{
	struct trace_event ev = {.name = "name", .name_bytes = 1 + rng_below(rng, 4)};

	do {
		ev = (struct trace_event){
			.name = ev.name,
			.name_bytes = ev.name_bytes,
			.kind = (enum trace_kind)rng_below(rng, marks ? TRACE_KINDS : TRACE_LOST),
			.cpu = (unsigned)rng_below(rng, 3),
			.has = rng_u64(rng) & rng_u64(rng) & (TRACE_HAS(TRACE_FIELDS) - 1)};
		if (ev.kind == TRACE_LOST)
			ev.has = TRACE_HAS(TRACE_F_LOST);
		if (ev.kind == TRACE_STEP)
			ev.has = TRACE_HAS(TRACE_F_TEXT);
		for (unsigned f = 0; f < TRACE_FIELDS; f++) {
			const uint64_t has = ev.has & TRACE_HAS(f);
			const struct trace_list list = {random_numbers, rng_below(rng, 5)};
			const struct trace_text text = random_text(rng);

			if (!has)
				continue;
			if (f == TRACE_F_DIR)
				ev.dir = (uint8_t)rng_below(rng, 4);
			else if (trace_field_is_number((enum trace_field)f))
				trace_field_put(&ev, (enum trace_field)f, random_number(rng));
			else if (trace_fields[f].form == TRACE_FORM_LIST)
				memcpy((char *)&ev + trace_fields[f].at, &list, sizeof(list));
			else if (trace_fields[f].form == TRACE_FORM_WORDS)
				memcpy((char *)&ev + trace_fields[f].at, &text, sizeof(text));
		}
		if (ev.kind == TRACE_STEP)
			ev.cpu = 0;
		if (ev.kind == TRACE_STEP && !ev.text.bytes)
			ev.text = (struct trace_text){"x", 1};
		ev.iova &= ~(uint64_t)4095;
		ev.bytes &= ~(uint64_t)4095;
		ev.paddr &= 0xFFFFFFF000;
		ev.done_bytes &= ~(uint64_t)4095;
		if (ev.kind >= TRACE_ACCESS && ev.kind <= TRACE_INVALIDATE_ALL)
			ev.tag &= 0xFFFF;
		if (ev.kind == TRACE_QI_SUBMIT)
			trace_qi_decode(&ev);
	} while (trace_event_lacks(&ev) || trace_event_wrong(&ev));
	if (trace_has(&ev, TRACE_F_TIME))
		ev.time_ns = time_ns;
	if (trace_has(&ev, TRACE_F_TASK)) {
		ev.task = random_text(rng);
		ev.pid = (int32_t)rng_below(rng, 1u << 30);
	}
	if (trace_has(&ev, TRACE_F_CONTEXT))
		memcpy(ev.context, "d.h1.", 5);
	return ev;
}

#endif
