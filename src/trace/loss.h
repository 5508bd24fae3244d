/* SPDX-License-Identifier: MIT */
/*
 * What a recording does not have. Two kinds of evidence: the recorder says that its ring buffer
 * lost events (trace_tally), and maps and unmaps do not go together. Unmaps of pages that were
 * never seen before belong to maps made before the recording began, and maps that are never
 * unmapped outlive it: neither is a loss. A page unmapped again without a map in between is, and a
 * page mapped again without an unmap is, unless two devices use the same addresses, which
 * recordings do not tell apart.
 */
#ifndef IOTOLL_TRACE_LOSS_H
#define IOTOLL_TRACE_LOSS_H

#include "trace/match.h"
#include "trace/trace.h"
#include "watch/pageset.h"

/* Above these shares a recording is refused, unless losses are allowed: our choice. */
#define LOSS_EVENTS_SHARE 0.001 /* events lost, of all */
#define LOSS_BYTES_SHARE  0.01  /* bytes unmapped again, of all unmapped */

struct loss {
	struct match match;
	struct match_list ended;
	struct pageset seen; /* pages mapped or unmapped so far */
	uint64_t mapped_bytes, unmapped_bytes;
	uint64_t before_bytes;   /* unmapped, of maps made before the recording began */
	uint64_t again_bytes;    /* unmapped again without a map: events are missing */
	uint64_t shared_maps;    /* maps of a page that lived already */
	uint64_t backward_bytes; /* of maps and unmaps stamped earlier than the event before */
	uint64_t last_ns;
	uint64_t unfollowed_bytes; /* of more pages than can be followed */
};

#define LOSS_PAGES_MAX (UINT64_C(1) << 24) /* alive at once: 64 GiB */

/* 0 or -ENOMEM. */
int loss_init(struct loss *l) MUST_CHECK;
void loss_fini(struct loss *l);
/* Take note of @ev. 0 or -ENOMEM. */
int loss_take(struct loss *l, const struct trace_event *ev) MUST_CHECK;
/*
 * May @t's recording, read to its end, be used? 0; -EINVAL with @err, which says what is missing.
 * @l: NULL if maps and unmaps were not followed.
 */
int loss_judge(const struct trace *t, const struct loss *l, struct err *err) MUST_CHECK;
/* "3 events lost at 2 places, 1 out of order" into @text; empty if there is nothing to say. */
void loss_words(const struct trace *t, const struct loss *l, char *text, size_t bytes);

#endif
