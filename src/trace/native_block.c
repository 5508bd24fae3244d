// SPDX-License-Identifier: MIT
/*
 * Blocks of our binary format, docs/trace-format.md, and the strings and shapes that they describe.
 * Nothing that a file says is believed: every count is held against what is left of its block.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace/native_impl.h"

#define NATIVE_BRIEF                                                                    \
	(TRACE_HAS(TRACE_F_TIME) | TRACE_HAS(TRACE_F_IOVA) | TRACE_HAS(TRACE_F_BYTES) | \
	 TRACE_HAS(TRACE_F_PADDR) | TRACE_HAS(TRACE_F_DONE) | TRACE_HAS(TRACE_F_TAG) |  \
	 TRACE_HAS(TRACE_F_SID) | TRACE_HAS(TRACE_F_ENTRY))
/* Fields whose words are counted in each record. */
#define NATIVE_LONG                                                                            \
	(TRACE_HAS(TRACE_F_DMA_ADDRS) | TRACE_HAS(TRACE_F_SIZES) | TRACE_HAS(TRACE_F_PADDRS) | \
	 TRACE_HAS(TRACE_F_TEXT))

int native_wrong(const struct trace *t, const char *expected, struct err *err)
{
	const struct native *n = t->state;

	return err_set(err, -EINVAL, "%s: event %llu, in the block at byte %llu: expected %s",
		       t->name, (unsigned long long)t->input.line + 1,
		       (unsigned long long)n->block_offset, expected);
}

int native_piece(struct trace *t, size_t bytes, const char **piece, struct err *err)
{
	struct native *n = t->state;
	const int rc = input_piece(&t->input, bytes, piece);

	if (rc > 0) {
		n->offset += bytes;
		return 0;
	}
	if (rc == 0 || rc == -EMSGSIZE)
		return err_set(err, -EINVAL,
			       "%s: at byte %llu: expected more: the file is cut short", t->name,
			       (unsigned long long)n->offset);
	return trace_unreadable(t, rc, err);
}

uint64_t native_get(const char *at, size_t word)
{
	uint64_t v;

	memcpy(&v, at + word * 8, sizeof(v));
	return le64toh(v);
}

static int native_unpack(struct trace *t, const char *data, size_t stored, size_t bytes,
			 struct err *err)
{
	struct native *n = t->state;
	size_t got;

	if (!n->zstd)
		n->zstd = ZSTD_createDCtx();
	if (!n->unpacked)
		n->unpacked = malloc(NATIVE_BLOCK_MAX);
	if (!n->zstd || !n->unpacked)
		return err_set(err, -ENOMEM, "%s: out of memory", t->name);
	got = ZSTD_decompressDCtx(n->zstd, n->unpacked, bytes, data, stored);
	if (ZSTD_isError(got) || got != bytes)
		return native_wrong(t, "a whole frame of zstd", err);
	n->begin = n->unpacked;
	return 0;
}

/* Words can be read where they lie, if they lie where words may. */
static int native_align(struct trace *t, const char *data, size_t bytes, struct err *err)
{
	struct native *n = t->state;

	n->begin = (const uint64_t *)(const void *)data;
	if ((uintptr_t)data % 8 == 0)
		return 0;
	if (!n->unpacked)
		n->unpacked = malloc(NATIVE_BLOCK_MAX);
	if (!n->unpacked)
		return err_set(err, -ENOMEM, "%s: out of memory", t->name);
	n->begin = memcpy(n->unpacked, data, bytes);
	return 0;
}

static int native_end(struct trace *t, size_t bytes, struct err *err)
{
	struct native *n = t->state;
	const char *data;
	int rc;

	if (bytes != NATIVE_END_WORDS * 8)
		return native_wrong(t, "an end of 4 words", err);
	rc = native_piece(t, bytes, &data, err);
	if (rc)
		return rc;
	if (native_get(data, 0) != n->events)
		return err_set(err, -EINVAL, "%s: its end expected %llu events, there were %llu",
			       t->name, (unsigned long long)native_get(data, 0),
			       (unsigned long long)n->events);
	t->tally.cpus = (unsigned)native_get(data, 1);
	/* Marks that were written one by one have been counted as they came. */
	if (native_get(data, 2) > t->tally.lost_marks)
		t->tally.lost_marks = native_get(data, 2);
	if (native_get(data, 3) > t->tally.lost_events)
		t->tally.lost_events = native_get(data, 3);
	return 0;
}

int native_block(struct trace *t, struct err *err)
{
	struct native *n = t->state;
	uint64_t magic, flags, stored, bytes, records;
	const char *head, *data;
	int rc;

	n->block_offset = n->offset;
	rc = native_piece(t, NATIVE_BLOCK_WORDS * 8, &head, err);
	if (rc)
		return rc;
	magic = native_get(head, 0);
	flags = native_get(head, 1) & UINT32_MAX;
	stored = native_get(head, 1) >> 32;
	bytes = native_get(head, 2);
	records = native_get(head, 3);
	if (magic == NATIVE_BLOCK_END)
		return native_end(t, stored, err);
	if (magic != NATIVE_BLOCK_DATA || flags & ~NATIVE_PACKED)
		return native_wrong(t, "a block of a known kind", err);
	if (!bytes || bytes > NATIVE_BLOCK_MAX || bytes % 8 || stored > 2 * NATIVE_BLOCK_MAX ||
	    (!(flags & NATIVE_PACKED) && stored != bytes) || !records || records > bytes / 8)
		return native_wrong(t, "a block of at most 16 MiB with a record in it", err);
	rc = native_piece(t, (stored + 7) & ~UINT64_C(7), &data, err);
	if (rc)
		return rc;
	rc = flags & NATIVE_PACKED ? native_unpack(t, data, stored, bytes, err)
				   : native_align(t, data, bytes, err);
	if (rc)
		return rc;
	n->at = n->begin;
	n->end = n->begin + bytes / 8;
	n->left = records;
	n->shapes = n->strings = 0;
	return 1;
}

/* Room for one more of @count, each of @size bytes. */
static bool native_room(void **at, uint32_t count, uint32_t *room, size_t size)
{
	const uint32_t grown = *room ? *room * 2 : 256;
	void *more;

	if (count < *room)
		return true;
	more = realloc(*at, grown * size);
	if (!more)
		return false;
	*at = more;
	*room = grown;
	return true;
}

static bool native_text(const struct native *n, uint64_t number, struct trace_text *out)
{
	number &= 0xFFFF;
	if (number > n->strings)
		return false;
	*out = number ? n->string[number - 1] : (struct trace_text){"", 0};
	return true;
}

static const char *native_add_string(struct native *n, uint64_t bytes)
{
	if (bytes > NATIVE_BLOCK_MAX || (bytes + 7) / 8 > (size_t)(n->end - n->at))
		return "a string that ends within its block";
	if (n->strings == NATIVE_STRINGS)
		return "at most 65535 strings";
	if (!native_room((void **)&n->string, n->strings, &n->string_room, sizeof(*n->string)))
		return "memory for its strings";
	n->string[n->strings++] = (struct trace_text){(const char *)n->at, bytes};
	n->at += (bytes + 7) / 8;
	return NULL;
}

/* The event that a shape's words describe; false if they do not. */
static bool native_describe(const struct native *n, const uint64_t *word, struct trace_event *ev)
{
	uint64_t v[NATIVE_SHAPE_WORDS];
	struct trace_text name;

	for (unsigned i = 0; i < NATIVE_SHAPE_WORDS; i++)
		v[i] = le64toh(word[i]);
	memset(ev, 0, sizeof(*ev));
	if ((v[0] & UINT32_MAX) >= TRACE_KINDS || v[0] >> 32 > 65535 || v[1] >> TRACE_FIELDS ||
	    v[3] >> 32 > TRACE_DIR_NONE || v[6] > UINT32_MAX || v[7] > UINT32_MAX ||
	    v[4] > UINT32_MAX || v[11])
		return false;
	ev->kind = (enum trace_kind)(v[0] & UINT32_MAX);
	ev->cpu = (unsigned)(v[0] >> 32);
	ev->has = v[1];
	if (!native_text(n, v[2], &name) || !native_text(n, v[2] >> 16, &ev->task) ||
	    !native_text(n, v[2] >> 32, &ev->dev) || !native_text(n, v[2] >> 48, &ev->driver) ||
	    !native_text(n, v[3], &ev->flags) || !native_text(n, v[3] >> 16, &ev->attrs))
		return false;
	ev->name = name.at;
	ev->name_bytes = name.bytes;
	ev->dir = (uint8_t)(v[3] >> 32);
	ev->pid = (int32_t)(uint32_t)v[4];
	memcpy(ev->context, &word[5], sizeof(ev->context));
	ev->tag = (uint32_t)v[6];
	ev->sid = (uint32_t)v[7];
	ev->limit = v[8];
	ev->site = v[9];
	ev->caller = v[10];
	return ev->name_bytes || ev->kind == TRACE_LOST || ev->kind == TRACE_STEP;
}

static const char *native_add_shape(struct native *n)
{
	struct native_shape *s;

	if ((size_t)(n->end - n->at) < NATIVE_SHAPE_WORDS)
		return "a shape that ends within its block";
	if (n->shapes == NATIVE_SHAPES)
		return "at most 65535 shapes";
	if (!native_room((void **)&n->shape, n->shapes, &n->shape_room, sizeof(*n->shape)))
		return "memory for its shapes";
	s = &n->shape[n->shapes];
	if (!native_describe(n, n->at, &s->ev) || trace_event_lacks(&s->ev))
		return "a shape that makes sense";
	n->at += NATIVE_SHAPE_WORDS;
	n->shapes++;
	s->variable = s->ev.has & ~NATIVE_CONSTANT;
	s->least = (uint32_t)__builtin_popcountll(s->variable);
	s->brief = !(s->ev.has & ~NATIVE_BRIEF);
	s->plain = (s->ev.kind == TRACE_ACCESS || s->ev.kind == TRACE_INVALIDATE) &&
		   !(s->variable & NATIVE_LONG);
	return NULL;
}

const char *native_control(struct native *n, uint64_t head)
{
	switch (head >> 16 & 0xFFFF) {
	case NATIVE_STRING:
		return native_add_string(n, head >> 32);
	case NATIVE_SHAPE:
		return head >> 32 == NATIVE_SHAPE_WORDS * 8 ? native_add_shape(n)
							    : "a shape of 12 words";
	case NATIVE_TIME:
		if (head >> 32 != 8 || n->at == n->end)
			return "a time of one word";
		n->time = le64toh(*n->at++);
		return NULL;
	default:
		return "a string, a shape, a time or an event";
	}
}
