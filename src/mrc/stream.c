// SPDX-License-Identifier: MIT
/* Building a stream: numbering pages, counting the misses that nothing can prevent. See stream.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "mrc/stream_impl.h"

static int grow(void **array, size_t *room, size_t bytes_each)
{
	const size_t wanted = *room ? 2 * *room : 1024;
	void *grown = realloc(*array, wanted * bytes_each);

	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = wanted;
	return 0;
}

int mrc_stream_init(struct mrc_stream *s)
{
	*s = (struct mrc_stream){.slots = 4096};
	s->slot = calloc(s->slots, sizeof(*s->slot));
	return s->slot ? 0 : -ENOMEM;
}

void mrc_stream_fini(struct mrc_stream *s)
{
	free(s->event);
	free(s->page);
	free(s->tag);
	free(s->slot);
	free(s->page_tag);
	free(s->tag_dropped);
	*s = (struct mrc_stream){0};
}

static inline bool is_page(const struct mrc_stream *s, uint32_t slot, uint32_t tag, uint64_t pfn)
{
	const struct mrc_page *p = &s->page[slot_number(slot)];

	return p->pfn == pfn && p->tag == tag;
}

/* Where (@tag, @pfn) is or would be. */
static size_t place(const struct mrc_stream *s, uint32_t tag, uint64_t pfn)
{
	const uint64_t mixed = mix(tag, pfn);
	size_t i = likely(s, mixed, (size_t)mixed);

	while (s->slot[i] && !is_page(s, s->slot[i], tag, pfn))
		i = likely(s, mixed, i + 1);
	return i;
}

uint32_t mrc_find(const struct mrc_stream *s, uint32_t tag, uint64_t pfn)
{
	return slot_number(s->slot[place(s, tag, pfn)]);
}

/* Page @number, which is new, gets its slot. */
static void settle(struct mrc_stream *s, uint32_t number)
{
	const struct mrc_page *p = &s->page[number];

	s->slot[place(s, p->tag, p->pfn)] = (number + 1) | slot_bits(mix(p->tag, p->pfn));
}

static int rehash(struct mrc_stream *s)
{
	uint32_t *old = s->slot;

	s->slot = calloc(2 * s->slots, sizeof(*s->slot));
	if (!s->slot) {
		s->slot = old;
		return -ENOMEM;
	}
	s->slots *= 2;
	free(old);
	for (size_t i = 0; i < s->pages; i++)
		settle(s, (uint32_t)i);
	return 0;
}

static int tag_index(struct mrc_stream *s, uint32_t tag, uint32_t *index)
{
	size_t room = s->tag_room;
	int rc;

	for (size_t i = 0; i < s->tags; i++) {
		if (s->tag[i] == tag) {
			*index = (uint32_t)i;
			return 0;
		}
	}
	if (s->tags == s->tag_room) {
		rc = grow((void **)&s->tag_dropped, &room, sizeof(*s->tag_dropped));
		if (!rc)
			rc = grow((void **)&s->tag, &s->tag_room, sizeof(*s->tag));
		if (rc)
			return rc;
	}
	s->tag_dropped[s->tags] = 0;
	s->tag[s->tags] = tag;
	*index = (uint32_t)s->tags++;
	return 0;
}

static int more_pages(struct mrc_stream *s)
{
	size_t room = s->page_room;
	const int rc = grow((void **)&s->page_tag, &room, sizeof(*s->page_tag));

	return rc ? rc : grow((void **)&s->page, &s->page_room, sizeof(*s->page));
}

/* Number of (@tag, @pfn), given one if it has none. */
static int number_of(struct mrc_stream *s, uint32_t tag, uint64_t pfn, uint32_t *number)
{
	uint32_t index;
	int rc = 0;

	*number = mrc_find(s, tag, pfn);
	if (*number != MRC_NEVER)
		return 0;
	if (s->pages == PAGES_MAX)
		return -EFBIG;
	if (s->pages == s->page_room)
		rc = more_pages(s);
	if (!rc && 2 * s->pages >= s->slots)
		rc = rehash(s);
	if (!rc)
		rc = tag_index(s, tag, &index);
	if (rc)
		return rc;
	*number = (uint32_t)s->pages;
	s->page[s->pages] = (struct mrc_page){.pfn = pfn, .tag = tag};
	s->page_tag[s->pages] = index;
	settle(s, (uint32_t)s->pages++);
	return 0;
}

int mrc_stream_pour(struct mrc_stream *s, int (*sink)(void *ctx, const struct mrc_stream *s),
		    void *ctx)
{
	s->event = malloc(MRC_CHUNK * sizeof(*s->event));
	if (!s->event)
		return -ENOMEM;
	s->event_room = MRC_CHUNK;
	s->sink = sink;
	s->sink_ctx = ctx;
	return 0;
}

int mrc_stream_flush(struct mrc_stream *s)
{
	const int rc = s->sink && s->events ? s->sink(s->sink_ctx, s) : 0;

	if (s->sink)
		s->events = 0;
	return rc;
}

static int append(struct mrc_stream *s, enum mrc_kind kind, uint32_t number)
{
	int rc = 0;

	if (s->clock >= EVENTS_MAX)
		return -EFBIG;
	if (s->events == s->event_room)
		rc = s->sink ? mrc_stream_flush(s)
			     : grow((void **)&s->event, &s->event_room, sizeof(*s->event));
	if (rc)
		return rc;
	s->event[s->events++] = (uint32_t)kind << MRC_KIND_SHIFT | number;
	s->clock++;
	return 0;
}

int mrc_access(struct mrc_stream *s, uint32_t tag, uint64_t pfn)
{
	uint32_t n;
	int rc = number_of(s, tag, pfn, &n);

	if (!rc)
		rc = append(s, MRC_ACCESS, n);
	if (rc)
		return rc;
	s->accesses++;
	if (!s->page[n].used)
		s->cold++;
	else
		s->invalidated += was_dropped(s, n, s->page[n].used);
	s->page[n].used = s->clock;
	return 0;
}

static int drop_one(struct mrc_stream *s, uint32_t number)
{
	const int rc = append(s, MRC_DROP, number);

	if (!rc && s->page[number].used)
		s->page[number].used = MRC_NEVER;
	return rc;
}

int mrc_drop(struct mrc_stream *s, uint32_t tag, uint64_t first, uint64_t pages)
{
	const size_t known = s->pages;
	int rc = 0;

	s->drops++;
	if (pages > known) {
		for (size_t i = 0; i < known && !rc; i++)
			if (s->page[i].tag == tag && s->page[i].pfn >= first &&
			    s->page[i].pfn - first < pages)
				rc = drop_one(s, (uint32_t)i);
		return rc;
	}
	for (uint64_t i = 0; i < pages && !rc; i++) {
		const uint32_t n = mrc_find(s, tag, first + i);

		if (n != MRC_NEVER)
			rc = drop_one(s, n);
	}
	return rc;
}

int mrc_drop_tag(struct mrc_stream *s, uint32_t tag)
{
	uint32_t index;
	int rc = tag_index(s, tag, &index);

	if (!rc)
		rc = append(s, MRC_DROP_TAG, index);
	if (rc)
		return rc;
	s->tag_drops++;
	s->tag_dropped[index] = s->any_dropped = s->clock;
	return 0;
}

int mrc_drop_all(struct mrc_stream *s)
{
	const int rc = append(s, MRC_DROP_ALL, 0);

	if (rc)
		return rc;
	s->all_drops++;
	s->all_dropped = s->any_dropped = s->clock;
	return 0;
}

/* @kind for the first, @next for those behind it. */
static int note(struct mrc_stream *s, enum mrc_kind kind, enum mrc_kind next, uint64_t first,
		uint64_t pages)
{
	int rc = 0;

	for (uint64_t i = 0; i < pages && !rc; i++) {
		uint32_t n;

		rc = number_of(s, MRC_MAPPED, first + i, &n);
		if (!rc)
			rc = append(s, i ? next : kind, n);
	}
	return rc;
}

int mrc_map(struct mrc_stream *s, uint64_t first, uint64_t pages)
{
	s->maps++;
	return note(s, MRC_MAP, MRC_MAP_ON, first, pages);
}

int mrc_map_lasting(struct mrc_stream *s, uint64_t first, uint64_t pages)
{
	s->maps++;
	return note(s, MRC_LASTING, MRC_LASTING, first, pages);
}

int mrc_unmap(struct mrc_stream *s, uint64_t first, uint64_t pages)
{
	s->unmaps++;
	return note(s, MRC_UNMAP, MRC_UNMAP, first, pages);
}
