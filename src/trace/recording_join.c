// SPDX-License-Identifier: MIT
/*
 * A kernel's recording and what the emulated IOMMU below it said at the same time (format
 * qemu-vtd). Their clocks differ; what ties them together are the invalidations of ranges, of
 * which there is one for each unmap of a strict kernel: the same pages of the same domains in the
 * same order. Between two of them the device's accesses go where the latter's unmap is, before it:
 * a device is through with a page before the kernel takes it back. What came before a step's first
 * invalidation, or after its last, is tied to nothing, and left out.
 */
#include <errno.h>
#include <stdlib.h>

#include "trace/recording_impl.h"

#define BACK 64u /* events between an unmap and its descriptor, at the most: our choice */

struct join {
	struct recording *r;
	struct recorded *side; /* accesses and invalidations, as they came */
	size_t sides, side_room;
	size_t *inv; /* which of them are invalidations */
	size_t invs, next;
	struct recorded *out;
	size_t outs, out_room;
	struct err *err;
};

static int no_memory(struct join *j)
{
	return err_set(j->err, -ENOMEM, "recording: out of memory");
}

static int read_side(struct join *j, struct trace *beside)
{
	struct trace_event ev;
	int rc;

	while ((rc = trace_next(beside, &ev, j->err)) > 0) {
		const struct recorded one = {.kind = ev.kind,
					     .line = ev.line,
					     .iova = ev.iova,
					     .tag = (int)(ev.tag & 0xFFFF),
					     .device = RECORDING_NOBODY};

		if (ev.kind != TRACE_ACCESS && ev.kind != TRACE_INVALIDATE)
			continue;
		rc = recording_push(&j->side, &j->sides, &j->side_room, &one, j->err);
		if (rc)
			break;
	}
	if (rc)
		return rc;
	j->inv = calloc(j->sides + 1, sizeof(*j->inv));
	if (!j->inv)
		return no_memory(j);
	for (size_t i = 0; i < j->sides; i++)
		if (j->side[i].kind == TRACE_INVALIDATE)
			j->inv[j->invs++] = i;
	return 0;
}

static bool same(const struct recorded *a, const struct recorded *b)
{
	return a->tag == b->tag &&
	       a->iova >> RECORDING_PAGE_SHIFT == b->iova >> RECORDING_PAGE_SHIFT;
}

/* Do the descriptors of [@first, @end) follow each other there from the invalidation @at on? */
static bool lies_at(const struct join *j, size_t first, size_t end, size_t at)
{
	for (size_t i = first; i < end; i++) {
		if (j->r->event[i].kind != TRACE_QI_SUBMIT)
			continue;
		if (at == j->invs || !same(&j->r->event[i], &j->side[j->inv[at++]]))
			return false;
	}
	return true;
}

/* The event of the unmap that the descriptor @at is about; itself if none is near. */
static size_t unmap_of(const struct recording *r, size_t first, size_t at)
{
	for (size_t i = at; i-- > first && at - i <= BACK;)
		if (r->event[i].kind == TRACE_UNMAP && r->event[i].iova == r->event[at].iova)
			return i;
	return at;
}

static int put(struct join *j, const struct recorded *ev)
{
	return recording_push(&j->out, &j->outs, &j->out_room, ev, j->err);
}

/* Accesses between the invalidation before @inv and it, at the time of @then. */
static int put_accesses(struct join *j, size_t inv, const struct recorded *then)
{
	int rc = 0;

	for (size_t i = j->inv[inv - 1] + 1; i < j->inv[inv] && !rc; i++) {
		struct recorded access = j->side[i];

		access.cpu = then->cpu;
		access.time_ns = then->time_ns;
		j->r->accesses++;
		rc = put(j, &access);
	}
	return rc;
}

/* One step, whose first descriptor is the invalidation @inv. */
static int merge(struct join *j, size_t first, size_t end, size_t inv)
{
	size_t put_to = first;
	bool begun = false;
	int rc = 0;

	for (size_t i = first; i < end && !rc; i++) {
		size_t to;

		if (j->r->event[i].kind != TRACE_QI_SUBMIT)
			continue;
		to = unmap_of(j->r, first, i);
		for (; put_to < to && !rc; put_to++)
			if (j->r->event[put_to].kind != TRACE_QI_SUBMIT)
				rc = put(j, &j->r->event[put_to]);
		if (begun && !rc)
			rc = put_accesses(j, inv, &j->r->event[to]);
		begun = true;
		inv++;
	}
	for (; put_to < end && !rc; put_to++)
		if (j->r->event[put_to].kind != TRACE_QI_SUBMIT)
			rc = put(j, &j->r->event[put_to]);
	j->next = inv;
	return rc;
}

static int join_step(struct join *j, size_t first, size_t end)
{
	size_t at = j->next;

	while (at < j->invs && !lies_at(j, first, end, at))
		at++;
	if (at < j->invs || lies_at(j, first, end, at))
		return merge(j, first, end, at);
	return err_set(j->err, -EINVAL,
		       "--accesses: the invalidations that begin at %s:%llu do not follow each "
		       "other there: expected the IOMMU's side of the same run",
		       j->r->name, (unsigned long long)j->r->event[first].line);
}

static int join_all(struct join *j)
{
	struct recording *r = j->r;
	size_t first = 0, descriptors = 0;
	int rc = 0;

	for (size_t i = 0; i < r->events; i++)
		descriptors += r->event[i].kind == TRACE_QI_SUBMIT;
	if (!descriptors || !j->invs)
		return err_set(j->err, -EINVAL,
			       "--accesses: %s: no invalidations of ranges to go by: expected a "
			       "strict kernel's, with intel_iommu:qi_submit",
			       descriptors ? "the IOMMU's side" : r->name);
	for (size_t i = 0; i <= r->events && !rc; i++) {
		if (i < r->events && r->event[i].kind != TRACE_STEP)
			continue;
		rc = join_step(j, first, i);
		if (!rc && i < r->events)
			rc = put(j, &r->event[i]);
		first = i + 1;
	}
	return rc;
}

int recording_join(struct recording *r, struct trace *beside, struct err *err)
{
	struct join j = {.r = r, .err = err};
	int rc = read_side(&j, beside);

	if (!rc)
		rc = join_all(&j);
	if (!rc) {
		free(r->event);
		r->event = j.out;
		r->events = j.outs;
		r->room = j.out_room;
		r->joined = true;
		j.out = NULL;
	}
	free(j.out);
	free(j.side);
	free(j.inv);
	return rc;
}
