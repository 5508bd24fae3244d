// SPDX-License-Identifier: MIT
/*
 * Writing our binary format: docs/trace-format.md. What events have in common, all but addresses
 * and sizes mostly, is said once a block (a shape); a record is one word and its numbers. Blocks
 * know nothing of each other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "trace/native.h"
#include "trace/native_recent.h"
#include "trace/trace.h"

#define NATIVE_FLUSH ((size_t)1 << 18)              /* payload after which a block ends */
#define NATIVE_ROOM  ((size_t)NATIVE_BLOCK_MAX / 8) /* words */
#define NATIVE_SLOTS 131072u                        /* of either table; a power of two */
#define NATIVE_LEVEL 3                              /* zstd's own default */

/* A string or shape of this block: where in the payload it lies. */
struct native_known {
	uint32_t at;     /* word */
	uint32_t number; /* 0: a free slot */
};

struct native_writer {
	FILE *to;
	bool pack;
	uint64_t *word;
	size_t words, room;
	uint64_t records, events; /* of this block; of all */
	uint64_t time;
	bool timed; /* this block's time has been set */
	struct native_known *string, *shape;
	uint32_t strings, shapes;
	struct native_recent recent[TRACE_KINDS];
	char *packed;
	size_t packed_room;
};

static int native_grow(struct native_writer *w, size_t words)
{
	size_t room = w->room;
	uint64_t *grown;

	if (w->words + words <= w->room)
		return 0;
	if (w->words + words > NATIVE_ROOM)
		return -E2BIG;
	while (room < w->words + words)
		room *= 2;
	grown = realloc(w->word, room * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	w->word = grown;
	w->room = room;
	return 0;
}

static void native_word(struct native_writer *w, uint64_t value)
{
	w->word[w->words++] = htole64(value);
}

/* FNV-1a; only the writer's own tables depend on it. */
static uint32_t native_hash(const void *data, size_t bytes)
{
	const unsigned char *p = data;
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < bytes; i++)
		h = (h ^ p[i]) * 1099511628211u;
	return (uint32_t)(h ^ h >> 32) & (NATIVE_SLOTS - 1);
}

/* The same for a shape, a word at a time: it is asked for every event. */
static uint32_t native_hash_words(const uint64_t shape[NATIVE_SHAPE_WORDS])
{
	uint64_t h = 14695981039346656037u;

	for (unsigned i = 0; i < NATIVE_SHAPE_WORDS; i++)
		h = ((h ^ shape[i]) * 0x9E3779B97F4A7C15u) ^ h >> 29;
	return (uint32_t)(h ^ h >> 32) & (NATIVE_SLOTS - 1);
}

/* Bytes, filled up to words with zeros. */
static int native_bytes(struct native_writer *w, const char *at, size_t bytes)
{
	const size_t words = (bytes + 7) / 8;
	const int rc = native_grow(w, words + 1);

	if (rc)
		return rc;
	if (words)
		w->word[w->words + words - 1] = 0;
	memcpy(&w->word[w->words], at, bytes);
	w->words += words;
	return 0;
}

/* The number of a string in this block. */
static int native_string(struct native_writer *w, struct trace_text text, uint64_t *number)
{
	uint32_t slot = native_hash(text.at, text.bytes);
	struct native_known *k;
	int rc;

	*number = 0;
	if (!text.bytes)
		return 0;
	for (k = &w->string[slot]; k->number; k = &w->string[slot]) {
		const uint64_t head = le64toh(w->word[k->at]);

		if (head >> 32 == text.bytes &&
		    memcmp(&w->word[k->at + 1], text.at, text.bytes) == 0) {
			*number = k->number;
			return 0;
		}
		slot = (slot + 1) & (NATIVE_SLOTS - 1);
	}
	rc = native_grow(w, 1);
	if (rc)
		return rc;
	*k = (struct native_known){(uint32_t)w->words, ++w->strings};
	*number = k->number;
	native_word(w, (uint64_t)NATIVE_STRING << 16 | (uint64_t)text.bytes << 32);
	return native_bytes(w, text.at, text.bytes);
}

/* The words of @ev's shape. */
static int native_describe(struct native_writer *w, const struct trace_event *ev,
			   uint64_t shape[NATIVE_SHAPE_WORDS])
{
	const struct trace_text none = {"", 0}, name = {ev->name, ev->name_bytes};
	const struct trace_text texts[6] = {
		ev->kind == TRACE_LOST || ev->kind == TRACE_STEP ? none : name,
		trace_has(ev, TRACE_F_TASK) ? ev->task : none,
		trace_has(ev, TRACE_F_DEV) ? ev->dev : none,
		trace_has(ev, TRACE_F_DRIVER) ? ev->driver : none,
		trace_has(ev, TRACE_F_FLAGS) ? ev->flags : none,
		trace_has(ev, TRACE_F_ATTRS) ? ev->attrs : none,
	};
	uint64_t number[6];

	for (unsigned i = 0; i < 6; i++) {
		const int rc = native_string(w, texts[i], &number[i]);

		if (rc)
			return rc;
	}
	memset(shape, 0, NATIVE_SHAPE_WORDS * sizeof(*shape));
	shape[0] = (uint64_t)ev->kind | (uint64_t)ev->cpu << 32;
	shape[1] = ev->has;
	shape[2] = number[0] | number[1] << 16 | number[2] << 32 | number[3] << 48;
	shape[3] = number[4] | number[5] << 16;
	if (trace_has(ev, TRACE_F_DIR))
		shape[3] |= (uint64_t)ev->dir << 32;
	if (trace_has(ev, TRACE_F_TASK))
		shape[4] = (uint32_t)ev->pid;
	if (trace_has(ev, TRACE_F_CONTEXT))
		memcpy(&shape[5], ev->context, sizeof(ev->context));
	shape[5] = le64toh(shape[5]); /* bytes, in their order */
	if (trace_has(ev, TRACE_F_TAG))
		shape[6] = ev->tag;
	if (trace_has(ev, TRACE_F_SID))
		shape[7] = ev->sid;
	if (trace_has(ev, TRACE_F_LIMIT))
		shape[8] = ev->limit;
	if (trace_has(ev, TRACE_F_SITE))
		shape[9] = ev->site;
	if (trace_has(ev, TRACE_F_CALLER))
		shape[10] = ev->caller;
	return 0;
}

/* The number of @ev's shape in this block. */
static int native_shape(struct native_writer *w, const struct trace_event *ev, uint64_t *number)
{
	uint64_t shape[NATIVE_SHAPE_WORDS];
	struct native_known *k;
	uint32_t slot;
	int rc = native_describe(w, ev, shape);

	if (rc)
		return rc;
	for (unsigned i = 0; i < NATIVE_SHAPE_WORDS; i++)
		shape[i] = htole64(shape[i]);
	slot = native_hash_words(shape);
	for (k = &w->shape[slot]; k->number; k = &w->shape[slot]) {
		if (memcmp(&w->word[k->at + 1], shape, sizeof(shape)) == 0) {
			*number = k->number;
			return 0;
		}
		slot = (slot + 1) & (NATIVE_SLOTS - 1);
	}
	rc = native_grow(w, 1 + NATIVE_SHAPE_WORDS);
	if (rc)
		return rc;
	*k = (struct native_known){(uint32_t)w->words, ++w->shapes};
	*number = k->number;
	native_word(w, (uint64_t)NATIVE_SHAPE << 16 | (uint64_t)sizeof(shape) << 32);
	memcpy(&w->word[w->words], shape, sizeof(shape));
	w->words += NATIVE_SHAPE_WORDS;
	return 0;
}

/* Time since the last event; set anew if it does not fit in 32 bits, or at a block's first. */
static int native_time(struct native_writer *w, const struct trace_event *ev, uint64_t *since)
{
	const int64_t delta = (int64_t)(ev->time_ns - w->time);
	int rc;

	*since = 0;
	if (!trace_has(ev, TRACE_F_TIME))
		return 0;
	if (w->timed && delta >= INT32_MIN && delta <= INT32_MAX) {
		*since = (uint32_t)delta;
		w->time = ev->time_ns;
		return 0;
	}
	rc = native_grow(w, 2);
	if (rc)
		return rc;
	native_word(w, (uint64_t)NATIVE_TIME << 16 | UINT64_C(8) << 32);
	native_word(w, ev->time_ns);
	w->time = ev->time_ns;
	w->timed = true;
	return 0;
}

static int native_field(struct native_writer *w, const struct trace_event *ev, enum trace_field f)
{
	const char *at = (const char *)ev + trace_fields[f].at;
	struct trace_list list;
	int rc;

	if (f == TRACE_F_TEXT) {
		rc = native_grow(w, 1);
		if (rc)
			return rc;
		native_word(w, ev->text.bytes);
		return native_bytes(w, ev->text.at, ev->text.bytes);
	}
	if (trace_fields[f].form != TRACE_FORM_LIST) {
		rc = native_grow(w, 1);
		if (!rc)
			native_word(w, trace_field_number(ev, f));
		return rc;
	}
	memcpy(&list, at, sizeof(list));
	rc = native_grow(w, 1 + list.count);
	if (rc)
		return rc;
	native_word(w, list.count);
	for (size_t i = 0; i < list.count; i++)
		native_word(w, list.at[i]);
	return 0;
}

static int native_head(struct native_writer *w, uint64_t magic, uint64_t flags, uint64_t stored,
		       uint64_t bytes, uint64_t records)
{
	const uint64_t head[NATIVE_BLOCK_WORDS] = {htole64(magic), htole64(flags | stored << 32),
						   htole64(bytes), htole64(records)};

	return fwrite(head, sizeof(head), 1, w->to) == 1 ? 0 : -EIO;
}

/* Write the block that was gathered and begin another. */
static int native_flush(struct native_writer *w)
{
	const size_t bytes = w->words * sizeof(*w->word);
	const void *data = w->word;
	size_t stored = bytes;
	int rc;

	if (!w->words)
		return 0;
	if (w->pack) {
		const size_t bound = ZSTD_compressBound(bytes);
		char *grown = bound > w->packed_room ? realloc(w->packed, bound) : w->packed;

		if (!grown)
			return -ENOMEM;
		w->packed = grown;
		w->packed_room = bound > w->packed_room ? bound : w->packed_room;
		stored = ZSTD_compress(w->packed, w->packed_room, data, bytes, NATIVE_LEVEL);
		if (ZSTD_isError(stored))
			return -ENOMEM;
		data = w->packed;
	}
	rc = native_head(w, NATIVE_BLOCK_DATA, w->pack ? NATIVE_PACKED : 0, stored, bytes,
			 w->records);
	/* Blocks begin at multiples of 8 bytes. */
	if (!rc && (fwrite(data, 1, stored, w->to) != stored ||
		    fwrite("\0\0\0\0\0\0\0", 1, -stored & 7, w->to) != (-stored & 7)))
		rc = -EIO;
	w->words = 0;
	w->records = 0;
	w->timed = false;
	w->strings = w->shapes = 0;
	memset(w->string, 0, NATIVE_SLOTS * sizeof(*w->string));
	memset(w->shape, 0, NATIVE_SLOTS * sizeof(*w->shape));
	for (unsigned i = 0; i < TRACE_KINDS; i++)
		w->recent[i].number = 0;
	return rc;
}

int native_create(struct native_writer **out, FILE *to, bool pack)
{
	const uint64_t version = htole64(NATIVE_VERSION);
	struct native_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	*w = (struct native_writer){.to = to, .pack = pack, .room = 4096};
	w->word = calloc(w->room, sizeof(*w->word));
	w->string = calloc(NATIVE_SLOTS, sizeof(*w->string));
	w->shape = calloc(NATIVE_SLOTS, sizeof(*w->shape));
	if (!w->word || !w->string || !w->shape) {
		native_destroy(w);
		return -ENOMEM;
	}
	/* Errors of writing stay with the stream: native_finish() asks it. */
	(void)!fwrite(NATIVE_MAGIC, 8, 1, to);
	(void)!fwrite(&version, sizeof(version), 1, to);
	*out = w;
	return 0;
}

static int native_record(struct native_writer *w, const struct trace_event *ev)
{
	const uint64_t variable = ev->has & ~NATIVE_CONSTANT;
	struct native_recent *recent = &w->recent[ev->kind];
	uint64_t number = recent->number, since;
	int rc = 0;

	if (!native_is_recent(recent, ev)) {
		rc = native_shape(w, ev, &number);
		if (!rc)
			native_keep(recent, ev, number);
	}
	if (!rc)
		rc = native_time(w, ev, &since);
	if (!rc)
		rc = native_grow(w, 1);
	if (rc)
		return rc;
	native_word(w, number | since << 32);
	for (uint64_t left = variable; left && !rc; left &= left - 1)
		rc = native_field(w, ev, (enum trace_field)__builtin_ctzll(left));
	return rc;
}

int native_put(struct native_writer *w, const struct trace_event *ev)
{
	int rc = 0;

	/* Six strings at the most come with an event. */
	if (w->words * 8 >= NATIVE_FLUSH || w->shapes == NATIVE_SHAPES ||
	    w->strings > NATIVE_STRINGS - 6)
		rc = native_flush(w);
	if (!rc)
		rc = native_record(w, ev);
	w->records++;
	w->events += ev->kind != TRACE_LOST && ev->kind != TRACE_STEP;
	return rc;
}

int native_finish(struct native_writer *w, const struct trace_tally *tally)
{
	const uint64_t end[NATIVE_END_WORDS] = {htole64(w->events), htole64(tally->cpus),
						htole64(tally->lost_marks),
						htole64(tally->lost_events)};
	int rc = native_flush(w);

	if (!rc)
		rc = native_head(w, NATIVE_BLOCK_END, 0, sizeof(end), sizeof(end), 0);
	if (!rc && fwrite(end, sizeof(end), 1, w->to) != 1)
		rc = -EIO;
	if (!rc && (fflush(w->to) || ferror(w->to)))
		rc = -EIO;
	return rc;
}

void native_destroy(struct native_writer *w)
{
	if (!w)
		return;
	free(w->word);
	free(w->string);
	free(w->shape);
	free(w->packed);
	free(w);
}
