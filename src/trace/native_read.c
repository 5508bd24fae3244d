// SPDX-License-Identifier: MIT
/*
 * Reading our binary format, docs/trace-format.md: events, one by one. native_block.c has what they
 * come in, native_accesses.c many at a time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace/native_impl.h"

static int native_open(struct trace *t, struct err *err)
{
	struct native *n = calloc(1, sizeof(*n));
	const char *head;
	uint64_t version;
	int rc;

	if (!n)
		return err_set(err, -ENOMEM, "%s: out of memory", t->name);
	t->state = n;
	rc = native_piece(t, NATIVE_FILE_WORDS * 8, &head, err);
	if (rc)
		return rc;
	version = native_get(head, 1);
	if (version != NATIVE_VERSION)
		return err_set(err, -EINVAL,
			       "%s: version %llu of iotoll's format, flags %llu: expected version "
			       "%u without flags",
			       t->name, (unsigned long long)(version & UINT32_MAX),
			       (unsigned long long)(version >> 32), NATIVE_VERSION);
	return 0;
}

static void native_close(struct trace *t)
{
	struct native *n = t->state;

	free(n->shape);
	free(n->string);
	free(n->unpacked);
	ZSTD_freeDCtx(n->zstd);
	free(n);
	t->state = NULL;
}

/* A count of bytes and the bytes; a count of numbers and the numbers. */
static const char *native_long_field(struct trace *t, enum trace_field f, struct trace_event *ev)
{
	struct native *n = t->state;
	struct trace_room *room;
	struct trace_list list;
	uint64_t count;

	if (n->at == n->end)
		return "a record that ends within its block";
	count = le64toh(*n->at++);
	if (f == TRACE_F_TEXT) {
		if (count > NATIVE_BLOCK_MAX || (count + 7) / 8 > (size_t)(n->end - n->at))
			return "a text that ends within its block";
		ev->text = (struct trace_text){(const char *)n->at, count};
		n->at += (count + 7) / 8;
		return NULL;
	}
	if (count > (size_t)(n->end - n->at))
		return "a list that ends within its block";
	room = &t->room[f - TRACE_F_DMA_ADDRS];
	for (uint64_t i = 0; i < count; i++)
		if (trace_room_put(room, i, le64toh(*n->at++)))
			return "memory for a list";
	list = (struct trace_list){room->at, count};
	memcpy((char *)ev + trace_fields[f].at, &list, sizeof(list));
	return NULL;
}

/* The fields that come with each record. */
static const char *native_fields(struct trace *t, const struct native_shape *s,
				 struct trace_event *ev)
{
	struct native *n = t->state;

	for (uint64_t left = s->variable; left; left &= left - 1) {
		const enum trace_field f = (enum trace_field)__builtin_ctzll(left);
		const char *wrong = NULL;

		if (!trace_field_is_number(f))
			wrong = native_long_field(t, f, ev);
		else if (n->at == n->end)
			wrong = "a record that ends within its block";
		else
			trace_field_put(ev, f, le64toh(*n->at++));
		if (wrong)
			return wrong;
	}
	return NULL;
}

/* @head is the first word of an event. NULL, or what was expected. */
static const char *native_event(struct trace *t, uint64_t head, struct trace_event *ev)
{
	struct native *n = t->state;
	const uint64_t number = head & 0xFFFF;
	const struct native_shape *s;
	const char *wrong;

	if (number > n->shapes)
		return "a shape that was described before";
	if (head >> 16 & 0xFFFF)
		return "zeros in bits 16 to 31 of an event";
	s = &n->shape[number - 1];
	if (s->least > (size_t)(n->end - n->at))
		return "a record that ends within its block";
	/* Most of an event is not there mostly, and a copy of all of it would take the longest. */
	if (s->brief)
		memcpy(ev, &s->ev, offsetof(struct trace_event, task));
	else
		*ev = s->ev;
	n->time += (uint64_t)(int64_t)(int32_t)(uint32_t)(head >> 32);
	ev->time_ns = trace_has(ev, TRACE_F_TIME) ? n->time : 0;
	if (s->brief && s->ev.kind == TRACE_ACCESS &&
	    s->variable == (TRACE_HAS(TRACE_F_IOVA) | TRACE_HAS(TRACE_F_ENTRY))) {
		ev->iova = le64toh(*n->at++);
		ev->entry = le64toh(*n->at++);
		ev->bytes = 1;
		return NULL;
	}
	wrong = native_fields(t, s, ev);
	if (ev->kind == TRACE_ACCESS && !trace_has(ev, TRACE_F_BYTES))
		ev->bytes = 1;
	if (!wrong && ev->kind == TRACE_QI_SUBMIT)
		trace_qi_decode(ev);
	return wrong ? wrong : trace_event_wrong(ev);
}

/* Marks of the file become marks of the reader. */
static int native_give(struct trace *t, struct trace_event *ev)
{
	struct native *n = t->state;

	if (ev->kind == TRACE_LOST)
		return trace_mark(t, ev);
	if (ev->kind == TRACE_STEP)
		return trace_step(t, ev->text, ev);
	n->events++;
	t->tally.lines++;
	return 1;
}

static int native_next(struct trace *t, struct trace_event *ev, struct err *err)
{
	struct native *n = t->state;

	for (;;) {
		const char *wrong = NULL;
		uint64_t head;
		int rc = 1;

		if (n->at == n->end) {
			if (n->left)
				return native_wrong(t, "as many records as the block says", err);
			if (trace_asked_to_stop(t, err))
				return -EINTR;
			rc = native_block(t, err);
			if (rc <= 0)
				return rc;
		}
		head = le64toh(*n->at++);
		if (!(head & 0xFFFF)) {
			wrong = native_control(n, head);
		} else if (!n->left--) {
			wrong = "as many records as the block says";
		} else {
			wrong = native_event(t, head, ev);
			if (!wrong) {
				ev->line = ++t->input.line;
				rc = native_give(t, ev);
				if (rc)
					return rc;
			}
		}
		if (wrong)
			return native_wrong(t, wrong, err);
	}
}

static bool native_claims(const char *head, size_t bytes)
{
	return bytes >= 8 && memcmp(head, NATIVE_MAGIC, 8) == 0;
}

const struct trace_format trace_format_native = {
	.name = "native",
	.title = "iotoll's own binary format (iotoll trace convert; docs/trace-format.md)",
	.claims = native_claims,
	.open = native_open,
	.close = native_close,
	.next = native_next,
	.accesses = native_accesses,
};
