/* SPDX-License-Identifier: MIT */
/* The inside of recording*.c. */
#ifndef IOTOLL_TRACE_RECORDING_IMPL_H
#define IOTOLL_TRACE_RECORDING_IMPL_H

#include "trace/recording.h"

#define RECORDING_PAGE_SHIFT 12
#define RECORDING_PAGES_MAX  ((uint64_t)1 << 24) /* alive at once that are followed: 64 GiB */

/* A new device of this name. 0 and *@out, -EINVAL with @err if there are too many. */
int recording_add(struct recording *r, const char *name, size_t bytes, int tag, int *out,
		  struct err *err) MUST_CHECK;
/* Append *@ev to @list, which has *@count of *@room. 0 or -ENOMEM with @err. */
int recording_push(struct recorded **list, size_t *count, size_t *room, const struct recorded *ev,
		   struct err *err) MUST_CHECK;
/*
 * Until recording_fold() @piece of a map says which list it is a piece of: 1 + the index of the
 * event of the list's first piece, 0: of none.
 *
 * Is the event @next another piece of what the event @head begins and @end bytes end?
 */
bool recording_continues(const struct recorded *head, uint64_t end, const struct recorded *next);
/* Make one event of each list's pieces, which go. 0 or -ENOMEM with @err. */
int recording_fold(struct recording *r, struct err *err) MUST_CHECK;
/* The domain of the invalidation queue with this id; NULL: none, or none is named. */
struct recorded_domain *recording_domain(struct recording *r, int tag);
/* A lazy recording without calls: which domain each unmap is of, if that is known of all. */
void recording_lazy_owners(struct recording *r);
/* Once each map has its device: whose flushes and accesses are, and what waited before the
 * recording. */
void recording_queues(struct recording *r);
/* Once all is read: whose what is, and what was there before. */
int recording_own(struct recording *r, struct trace *beside, struct err *err) MUST_CHECK;
/* Have the accesses of @beside among the events, by those of TRACE_QI_SUBMIT, which go. */
int recording_join(struct recording *r, struct trace *beside, struct err *err) MUST_CHECK;

#endif
