// SPDX-License-Identifier: MIT
/*
 * Matching unmaps to maps, page by page: see match.h. A page's slot holds its oldest owner and,
 * rarely, a list of later ones. Pages and not ranges are the unit because everything but a few
 * scatter-gather lists is one page long.
 */
#include "trace/match.h"

#include <errno.h>
#include <stdlib.h>

/* A later owner of a page. */
struct match_owner {
	struct match_map *map;
	struct match_owner *next;
};

static struct match_map *slot_owner(const struct pfnmap_slot *s)
{
	return (struct match_map *)(uintptr_t)s->value[0];
}

static struct match_owner *slot_later(const struct pfnmap_slot *s)
{
	return (struct match_owner *)(uintptr_t)s->value[1];
}

static void slot_set(struct pfnmap_slot *s, struct match_map *owner, struct match_owner *later)
{
	s->value[0] = (uintptr_t)owner;
	s->value[1] = (uintptr_t)later;
}

int match_init(struct match *m)
{
	*m = (struct match){0};
	return pfnmap_init(&m->pages, 4096);
}

static void match_free_owners(struct match_owner *o)
{
	while (o) {
		struct match_owner *next = o->next;

		free(o);
		o = next;
	}
}

static void match_free_maps(struct match_map *map)
{
	while (map) {
		struct match_map *next = map->newer;

		free(map);
		map = next;
	}
}

void match_fini(struct match *m)
{
	for (size_t i = 0; i < m->pages.slots; i++)
		if (m->pages.slot[i].key != PFNMAP_EMPTY)
			match_free_owners(slot_later(&m->pages.slot[i]));
	pfnmap_fini(&m->pages);
	match_free_owners(m->free_owners);
	match_free_maps(m->oldest);
	match_free_maps(m->free_maps);
	free(m->range);
	*m = (struct match){0};
}

void match_list_fini(struct match_list *list)
{
	free(list->map);
	*list = (struct match_list){0};
}

static void match_link(struct match *m, struct match_map *map)
{
	map->older = m->newest;
	if (m->newest)
		m->newest->newer = map;
	else
		m->oldest = map;
	m->newest = map;
	m->live_maps++;
}

static void match_unlink(struct match *m, struct match_map *map)
{
	if (map->older)
		map->older->newer = map->newer;
	else
		m->oldest = map->newer;
	if (map->newer)
		map->newer->older = map->older;
	else
		m->newest = map->older;
	m->live_maps--;
}

static struct match_owner *match_new_owner(struct match *m, struct match_map *map)
{
	struct match_owner *o = m->free_owners;

	if (o)
		m->free_owners = o->next;
	else
		o = malloc(sizeof(*o));
	if (o)
		*o = (struct match_owner){.map = map};
	return o;
}

static void match_free_owner(struct match *m, struct match_owner *o)
{
	o->next = m->free_owners;
	m->free_owners = o;
}

/* Make @map the youngest owner of @page. */
static int match_own(struct match *m, uint64_t page, struct match_map *map, bool *shared)
{
	struct pfnmap_slot *s = pfnmap_put(&m->pages, page);
	struct match_owner *o, *last;

	if (!s)
		return -ENOMEM;
	if (!slot_owner(s)) {
		slot_set(s, map, NULL);
	} else {
		o = match_new_owner(m, map);
		if (!o)
			return -ENOMEM;
		*shared = true;
		last = slot_later(s);
		while (last && last->next)
			last = last->next;
		if (last)
			last->next = o;
		else
			slot_set(s, slot_owner(s), o);
	}
	map->left++;
	m->live_pages++;
	return 0;
}

int match_add(struct match *m, uint64_t first, uint64_t pages, struct match_map **out, bool *shared)
{
	struct match_map *map = m->free_maps;

	if (map)
		m->free_maps = map->newer;
	else
		map = malloc(sizeof(*map));
	if (!map)
		return -ENOMEM;
	*map = (struct match_map){.first = first, .pages = pages, .owner = MATCH_ANYBODY};
	*shared = false;
	match_link(m, map);
	for (uint64_t i = 0; i < pages; i++) {
		if (match_own(m, first + i, map, shared)) {
			match_forget(m, map);
			match_release(m, map);
			return -ENOMEM;
		}
	}
	*out = map;
	return 0;
}

/* Take the oldest owner off @s, which it may delete. */
static struct match_map *match_pop(struct match *m, struct pfnmap_slot *s)
{
	struct match_map *map = slot_owner(s);
	struct match_owner *later = slot_later(s);

	if (later) {
		slot_set(s, later->map, later->next);
		match_free_owner(m, later);
	} else {
		pfnmap_delete(&m->pages, s);
	}
	map->left--;
	m->live_pages--;
	return map;
}

static int match_list_add(struct match_list *list, struct match_map *map)
{
	if (list->count == list->room) {
		const size_t room = list->room ? 2 * list->room : 16;
		struct match_map **grown = realloc(list->map, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->map = grown;
		list->room = room;
	}
	list->map[list->count++] = map;
	return 0;
}

static void match_disown(struct match *m, uint64_t page, const struct match_map *map);

/* Which of the maps of @s an unmap of m->owner's takes; NULL: none. */
static struct match_map *match_choose(const struct match *m, const struct pfnmap_slot *s)
{
	struct match_map *map = slot_owner(s), *maybe = NULL;
	const struct match_owner *later = slot_later(s);

	if (m->owner == MATCH_ANYBODY)
		return map;
	for (; map; map = later ? later->map : NULL, later = later ? later->next : NULL) {
		if (map->owner == m->owner)
			return map;
		if (map->owner == MATCH_ANYBODY && !maybe)
			maybe = map;
	}
	return maybe;
}

/* Page @page was unmapped. */
static int match_take_page(struct match *m, uint64_t page, struct match_list *ended)
{
	struct pfnmap_slot *s = pfnmap_get(&m->pages, page);
	struct match_map *map = s ? match_choose(m, s) : NULL;

	if (!map)
		return 0;
	match_disown(m, page, map);
	ended->pages++;
	if (map->touched != m->unmaps) {
		map->touched = m->unmaps;
		ended->partial++;
	}
	if (map->left)
		return 0;
	ended->partial--;
	if (match_list_add(ended, map))
		return -ENOMEM;
	match_unlink(m, map);
	map->taken = true;
	return 0;
}

static int page_order(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int match_range_add(struct match *m, size_t count, uint64_t page)
{
	if (count == m->range_room) {
		const size_t room = m->range_room ? 2 * m->range_room : 1024;
		uint64_t *grown = realloc(m->range, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		m->range = grown;
		m->range_room = room;
	}
	m->range[count] = page;
	return 0;
}

/* A range of more pages than live: ask the maps which of theirs lie in it. */
static int match_take_wide(struct match *m, uint64_t first, uint64_t pages,
			   struct match_list *ended)
{
	const uint64_t end = first + pages;
	size_t count = 0;

	for (const struct match_map *map = m->oldest; map; map = map->newer) {
		const uint64_t map_end = map->first + map->pages;
		const uint64_t from = map->first > first ? map->first : first;
		const uint64_t to = map_end < end ? map_end : end;

		for (uint64_t page = from; page < to; page++)
			if (match_range_add(m, count++, page))
				return -ENOMEM;
	}
	if (count)
		qsort(m->range, count, sizeof(*m->range), page_order);
	for (size_t i = 0; i < count; i++)
		if ((i == 0 || m->range[i] != m->range[i - 1]) &&
		    match_take_page(m, m->range[i], ended))
			return -ENOMEM;
	return 0;
}

struct match_map *match_at(const struct match *m, uint64_t page)
{
	const struct pfnmap_slot *s = pfnmap_get(&m->pages, page);

	return s ? slot_owner(s) : NULL;
}

int match_take(struct match *m, uint64_t first, uint64_t pages, struct match_list *ended)
{
	return match_take_of(m, MATCH_ANYBODY, first, pages, ended);
}

int match_take_of(struct match *m, int owner, uint64_t first, uint64_t pages,
		  struct match_list *ended)
{
	m->owner = owner;
	m->unmaps++;
	ended->count = 0;
	ended->pages = ended->partial = 0;
	if (pages > m->live_pages)
		return match_take_wide(m, first, pages, ended);
	for (uint64_t i = 0; i < pages; i++)
		if (match_take_page(m, first + i, ended))
			return -ENOMEM;
	return 0;
}

/* @map owns @page no longer, whatever its age among the owners. */
static void match_disown(struct match *m, uint64_t page, const struct match_map *map)
{
	struct pfnmap_slot *s = pfnmap_get(&m->pages, page);
	struct match_owner *o, *before = NULL;

	if (!s)
		return;
	if (slot_owner(s) == map) {
		(void)match_pop(m, s);
		return;
	}
	for (o = slot_later(s); o && o->map != map; o = o->next)
		before = o;
	if (!o)
		return;
	if (before)
		before->next = o->next;
	else
		slot_set(s, slot_owner(s), o->next);
	o->map->left--;
	m->live_pages--;
	match_free_owner(m, o);
}

void match_forget(struct match *m, struct match_map *map)
{
	if (map->taken)
		return;
	for (uint64_t i = 0; map->left && i < map->pages; i++)
		match_disown(m, map->first + i, map);
	match_unlink(m, map);
	map->taken = true;
}

void match_release(struct match *m, struct match_map *map)
{
	map->newer = m->free_maps;
	m->free_maps = map;
}

bool match_check(const struct match *m)
{
	uint64_t maps = 0, left = 0, owned = 0;

	for (const struct match_map *map = m->oldest; map; map = map->newer) {
		maps++;
		left += map->left;
	}
	for (size_t i = 0; i < m->pages.slots; i++) {
		if (m->pages.slot[i].key == PFNMAP_EMPTY)
			continue;
		owned++;
		for (const struct match_owner *o = slot_later(&m->pages.slot[i]); o; o = o->next)
			owned++;
	}
	return maps == m->live_maps && left == m->live_pages && owned == m->live_pages;
}
