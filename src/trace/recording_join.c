// SPDX-License-Identifier: MIT
/*
 * A kernel's recording and what the emulated IOMMU below it said at the same time (format
 * qemu-vtd). Their clocks differ; what ties them together are the invalidations of ranges, of
 * which there is one for each unmap of a strict kernel: the same pages of the same domains in the
 * same order. Between two of them the device's accesses go where the latter's unmap is, before it:
 * a device is through with a page before the kernel takes it back. What came before a step's first
 * invalidation, or after its last, is tied to nothing, and left out.
 *
 * Where a step's descriptors lie among the IOMMU's invalidations is found in one pass (Knuth,
 * Morris and Pratt, Fast Pattern Matching in Strings, SIAM J. Comput. 6, 1977, section 2), as a
 * driver may use one address all the time.
 */
#include <errno.h>
#include <stdlib.h>

#include "trace/format.h"
#include "trace/recording_impl.h"

#define BACK       64u    /* events between an unmap and its descriptor, at the most: our choice */
#define STOP_EVERY 65536u /* invalidations between questions whether to stop */

struct join {
	struct recording *r;
	struct trace *beside;
	struct recorded *side; /* accesses and invalidations, as they came */
	size_t sides, side_room;
	size_t *inv; /* which of them are invalidations */
	size_t invs, next;
	size_t *desc; /* which events are the step's descriptors */
	size_t descs;
	/* Of the first i + 1 of them: how many of their first are their last, too, but not all. */
	size_t *border;
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

static const struct recorded *descriptor(const struct join *j, size_t i)
{
	return &j->r->event[j->desc[i]];
}

/* How many of the first descriptors @ev ends, if the @matched before it are the first so many. */
static size_t extend(const struct join *j, size_t matched, const struct recorded *ev)
{
	while (matched && !same(descriptor(j, matched), ev))
		matched = j->border[matched - 1];
	return matched + same(descriptor(j, matched), ev);
}

/* The descriptors of [@first, @end) and their borders. */
static void prepare(struct join *j, size_t first, size_t end)
{
	j->descs = 0;
	for (size_t i = first; i < end; i++)
		if (j->r->event[i].kind == TRACE_QI_SUBMIT)
			j->desc[j->descs++] = i;
	if (j->descs)
		j->border[0] = 0;
	for (size_t i = 1; i < j->descs; i++)
		j->border[i] = extend(j, j->border[i - 1], descriptor(j, i));
}

/*
 * From which invalidation on do the step's descriptors follow each other? The first such of those
 * not yet taken. 1 and *@out, 0: nowhere, -EINTR.
 */
static int find(const struct join *j, size_t *out)
{
	size_t matched = 0, at = j->next;

	for (; matched < j->descs && at < j->invs; at++) {
		if (at % STOP_EVERY == 0 && trace_asked_to_stop(j->beside, j->err))
			return -EINTR;
		matched = extend(j, matched, &j->side[j->inv[at]]);
	}
	*out = at - matched;
	return matched == j->descs;
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
	size_t at;
	int rc;

	prepare(j, first, end);
	rc = find(j, &at);
	if (rc < 0)
		return rc;
	if (rc)
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
	j->desc = calloc(descriptors, sizeof(*j->desc));
	j->border = calloc(descriptors, sizeof(*j->border));
	if (!j->desc || !j->border)
		return no_memory(j);
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
	struct join j = {.r = r, .beside = beside, .err = err};
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
	free(j.desc);
	free(j.border);
	return rc;
}
