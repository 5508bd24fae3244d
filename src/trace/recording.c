// SPDX-License-Identifier: MIT
/*
 * Reading a recording into memory: see recording.h.
 */
#include "trace/recording_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace/format.h"

#define CPUS_MAX 4096u /* our choice: more is no machine's number */

/* The state of the event's CPU, until the next call; NULL with the reason in *@rc. */
static struct reader_cpu *cpu_of(struct reader *rd, const struct trace_event *ev, int *rc)
{
	struct reader_cpu *grown;

	if (ev->cpu >= CPUS_MAX) {
		*rc = err_set(rd->err, -EINVAL, "%s:%llu: CPU %u: expected one below %u",
			      rd->r->name, (unsigned long long)ev->line, ev->cpu, CPUS_MAX);
		return NULL;
	}
	if (ev->cpu >= rd->cpus) {
		grown = realloc(rd->cpu, (ev->cpu + 1) * sizeof(*grown));
		if (!grown) {
			*rc = err_set(rd->err, -ENOMEM, "recording: out of memory");
			return NULL;
		}
		memset(grown + rd->cpus, 0, (ev->cpu + 1 - rd->cpus) * sizeof(*grown));
		for (; rd->cpus <= ev->cpu; rd->cpus++)
			grown[rd->cpus].unmap.kind = TRACE_OTHER;
		rd->cpu = grown;
	}
	return &rd->cpu[ev->cpu];
}

uint64_t reader_now(struct reader *rd, const struct trace_event *ev)
{
	if (rd->begun && ev->time_ns > rd->last_ns)
		rd->now_ns += ev->time_ns - rd->last_ns;
	rd->last_ns = ev->time_ns;
	rd->begun = true;
	return rd->now_ns;
}

static int take_move(struct reader *rd, struct reader_cpu *c, const struct trace_event *ev)
{
	struct recording *r = rd->r;
	struct recorded out = {
		.kind = ev->kind,
		.cpu = ev->cpu,
		.line = ev->line,
		.iova = ev->iova,
		.bytes = ev->bytes,
		.done_bytes = ev->done_bytes,
		.paddr = ev->paddr,
		.dir = TRACE_DIR_BOTH,
		.tag = -1,
		.device = RECORDING_NOBODY,
		.pieces = ev->kind == TRACE_MAP,
	};
	int rc;

	rd->moved = true;
	out.time_ns = r->span_ns = reader_now(rd, ev);
	if (ev->kind == TRACE_MAP)
		reader_tell_map(rd, c, &out);
	else
		reader_tell_unmap(c, &out);
	r->cpus = ev->cpu >= r->cpus ? ev->cpu + 1 : r->cpus;
	rc = recording_push(&r->event, &r->events, &r->room, &out, rd->err);
	c->recent[c->next] = r->events;
	c->next = (c->next + 1) % RECENT;
	return rc;
}

/* ---- invalidations ---- */

static int domain_of(struct reader *rd, int tag, struct recorded_domain **out)
{
	struct recording *r = rd->r;

	for (unsigned i = 0; i < r->domains; i++) {
		*out = &r->domain[i];
		if (r->domain[i].tag == tag)
			return 0;
	}
	if (r->domains == RECORDING_DEVICES)
		return err_set(rd->err, -EINVAL, "%s: expected at most %u domains", r->name,
			       RECORDING_DEVICES);
	*out = &r->domain[r->domains++];
	**out = (struct recorded_domain){.tag = tag, .device = RECORDING_NOBODY};
	return 0;
}

static int take_flush(struct reader *rd, struct reader_cpu *c, const struct trace_event *ev,
		      struct recorded_domain *d)
{
	const struct recorded flush = {.kind = TRACE_FQ_FLUSH,
				       .cause = flush_probes_cause(&c->said),
				       .cpu = ev->cpu,
				       .line = ev->line,
				       .time_ns = reader_now(rd, ev),
				       .tag = d->tag,
				       .device = RECORDING_NOBODY};

	d->flushes.by_domain++;
	d->flushes.by_cause[flush.cause]++;
	if (!rd->moved && reader_dma_flush(rd, &flush))
		return -ENOMEM;
	return recording_push(&rd->r->event, &rd->r->events, &rd->r->room, &flush, rd->err);
}

/* What came between is not recorded. */
static int take_step(struct reader *rd, const struct trace_event *ev)
{
	const struct recorded step = {.kind = TRACE_STEP,
				      .line = ev->line,
				      .time_ns = rd->now_ns,
				      .tag = -1,
				      .device = RECORDING_NOBODY};

	return recording_push(&rd->r->event, &rd->r->events, &rd->r->room, &step, rd->err);
}

static int take_access(struct reader *rd, const struct trace_event *ev)
{
	const struct recorded access = {.kind = TRACE_ACCESS,
					.cpu = ev->cpu,
					.line = ev->line,
					.time_ns = reader_now(rd, ev),
					.iova = ev->iova,
					.tag = trace_has(ev, TRACE_F_TAG) ? (int)(ev->tag & 0xFFFF)
									  : -1,
					.device = RECORDING_NOBODY};

	if (!trace_has(ev, TRACE_F_IOVA))
		return 0;
	rd->r->accesses++;
	return recording_push(&rd->r->event, &rd->r->events, &rd->r->room, &access, rd->err);
}

static int take_descriptor(struct reader *rd, struct reader_cpu *c, const struct trace_event *ev)
{
	struct recorded_domain *d;
	struct recorded *of;
	int rc;

	if (ev->qi_type != TRACE_QI_IOTLB || !trace_has(ev, TRACE_F_TAG))
		return 0;
	rd->r->descriptors = true;
	rc = domain_of(rd, (int)(ev->tag & 0xFFFF), &d);
	if (rc)
		return rc;
	if (ev->qi_granularity != 3)
		return take_flush(rd, c, ev, d);
	d->flushes.by_page++;
	if (rd->descriptors) {
		const struct recorded desc = {.kind = TRACE_QI_SUBMIT,
					      .cpu = ev->cpu,
					      .line = ev->line,
					      .time_ns = reader_now(rd, ev),
					      .iova = ev->iova,
					      .tag = d->tag,
					      .device = RECORDING_NOBODY};

		rc = recording_push(&rd->r->event, &rd->r->events, &rd->r->room, &desc, rd->err);
		if (rc)
			return rc;
	}
	of = reader_recent(rd, c, TRACE_UNMAP, ev->iova >> RECORDING_PAGE_SHIFT);
	if (of && of->tag < 0)
		of->tag = d->tag;
	return 0;
}

static int take(struct reader *rd, const struct trace_event *ev)
{
	int rc = 0;
	struct reader_cpu *c = cpu_of(rd, ev, &rc);

	if (!c)
		return rc;
	switch (ev->kind) {
	case TRACE_MAP:
	case TRACE_UNMAP:
		return take_move(rd, c, ev);
	case TRACE_QI_SUBMIT:
		return take_descriptor(rd, c, ev);
	case TRACE_FQ_TIMEOUT:
	case TRACE_FQ_FLUSH:
		flush_probes_take(&c->said, ev->kind);
		rd->r->flush_queue = true;
		return 0;
	case TRACE_ACCESS:
		return take_access(rd, ev);
	case TRACE_STEP:
		return take_step(rd, ev);
	case TRACE_API_MAP_RET:
		reader_call_ends(c, TRACE_API_MAP);
		return 0;
	case TRACE_API_MAP_SG_RET:
		reader_call_ends(c, TRACE_API_MAP_SG);
		return 0;
	case TRACE_API_ALLOC_RET:
		reader_call_ends(c, TRACE_API_ALLOC);
		return 0;
	case TRACE_API_MAP:
	case TRACE_API_MAP_SG:
	case TRACE_API_ALLOC:
	case TRACE_API_UNMAP:
	case TRACE_API_UNMAP_SG:
	case TRACE_API_FREE:
		return reader_call(rd, c, ev);
	default:
		return 0;
	}
}

int recording_read(struct recording *out, struct trace *trace, struct err *err)
{
	return recording_read_beside(out, trace, NULL, err);
}

int recording_read_beside(struct recording *out, struct trace *trace, struct trace *beside,
			  struct err *err)
{
	struct reader rd = {.r = out, .descriptors = beside != NULL, .err = err};
	struct trace_event ev;
	int rc;

	*out = (struct recording){.format = trace_format_name(trace)};
	strncpy(out->name, trace_name(trace), sizeof(out->name) - 1);
	trace_want_marks(trace);
	if (beside)
		trace_stop_when(beside, trace->should_stop, trace->stop_ctx);
	while ((rc = trace_next(trace, &ev, err)) > 0) {
		rc = take(&rd, &ev);
		if (rc)
			break;
	}
	out->tally = *trace_tally(trace);
	reader_dma_take(&rd);
	if (!rc && !out->tally.maps && !out->tally.unmaps)
		rc = err_set(err, -EINVAL,
			     "%s: no map or unmap event in %llu lines: expected events of "
			     "iommu:map and iommu:unmap, or of dma:",
			     out->name, (unsigned long long)out->tally.lines);
	if (!rc)
		rc = recording_own(out, beside, err);
	free(rd.cpu);
	reader_dma_fini(&rd);
	if (rc)
		recording_fini(out);
	return rc;
}
