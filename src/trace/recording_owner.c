// SPDX-License-Identifier: MIT
/* Whose maps and unmaps are, and what was mapped before the recording began: see recording.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "trace/match.h"
#include "trace/recording_impl.h"
#include "watch/pageset.h"

#define BEFORE_PAGES_MAX ((uint64_t)1 << 16) /* of one unmap: 256 MiB; more gets no map before */
#define FIRST_FRAME      0x100u              /* above what a PC keeps for itself: 1 MiB */

static uint64_t pages_of(const struct recorded *ev)
{
	return (ev->kind == TRACE_MAP ? ev->bytes : ev->done_bytes) >> RECORDING_PAGE_SHIFT;
}

/* ---- domains and devices ---- */

struct recorded_domain *recording_domain(struct recording *r, int tag)
{
	for (unsigned i = 0; i < r->domains && tag >= 0; i++)
		if (r->domain[i].tag == tag)
			return &r->domain[i];
	return NULL;
}

/* A lazy recording has domains that no unmap names: one of them and one device left go together. */
static void bind_last(struct recording *r)
{
	struct recorded_domain *domain = NULL;
	int device = RECORDING_NOBODY;
	unsigned domains = 0, devices = 0;

	for (unsigned i = 0; i < r->domains; i++) {
		if (r->domain[i].device == RECORDING_NOBODY) {
			domain = &r->domain[i];
			domains++;
		}
	}
	for (unsigned i = 0; i < r->devices; i++) {
		if (r->device[i].tag < 0) {
			device = (int)i;
			devices++;
		}
	}
	if (domains == 1 && devices == 1)
		domain->device = device;
}

static int name_domains(struct recording *r, struct err *err)
{
	char name[24];
	int rc = 0;

	for (size_t i = 0; i < r->events && !rc; i++) {
		struct recorded *ev = &r->event[i];
		struct recorded_domain *d =
			recorded_is_move(ev) ? recording_domain(r, ev->tag) : NULL;

		if (!d)
			continue;
		if (d->device == RECORDING_NOBODY && ev->device == RECORDING_NOBODY)
			continue;
		if (d->device == RECORDING_NOBODY) {
			d->device = ev->device;
			r->device[d->device].tag = d->tag;
		}
	}
	for (size_t i = 0; i < r->events && !rc; i++) {
		struct recorded *ev = &r->event[i];
		struct recorded_domain *d =
			recorded_is_move(ev) ? recording_domain(r, ev->tag) : NULL;

		if (!d)
			continue;
		if (d->device == RECORDING_NOBODY) {
			snprintf(name, sizeof(name), "domain %d", d->tag);
			rc = recording_add(r, name, strlen(name), d->tag, &d->device, err);
		}
		if (ev->device == RECORDING_NOBODY)
			ev->device = d->device;
	}
	return rc;
}

/* Nothing says anything of anybody: one device, by the name of its domain if there is one. */
static int name_all(struct recording *r, struct err *err)
{
	const int tag = r->domains == 1 ? r->domain[0].tag : -1;
	char name[24] = "all devices";
	int device, rc;

	if (tag >= 0)
		snprintf(name, sizeof(name), "domain %d", tag);
	rc = recording_add(r, name, strlen(name), tag, &device, err);
	for (unsigned i = 0; i < r->domains && !rc; i++)
		r->domain[i].device = device;
	return rc;
}

static void sum_flushes(struct recording *r)
{
	for (unsigned i = 0; i < r->domains; i++) {
		const struct recorded_domain *d = &r->domain[i];
		struct recorded_flushes *f;

		if (d->device == RECORDING_NOBODY)
			continue;
		f = &r->device[d->device].flushes;
		f->by_page += d->flushes.by_page;
		f->by_domain += d->flushes.by_domain;
		for (unsigned c = 0; c <= FLUSH_RING; c++)
			f->by_cause[c] += d->flushes.by_cause[c];
	}
}

/* ---- whose ---- */

/* Maps that an unmap ended are its device's; an unmap of nobody's is that of what it ended. */
static void share(struct recording *r, const struct match_list *ended, struct recorded *unmap)
{
	for (size_t i = 0; i < ended->count && unmap->device == RECORDING_NOBODY; i++)
		unmap->device = r->event[ended->map[i]->tag].device;
	for (size_t i = 0; i < ended->count; i++) {
		struct recorded *map = &r->event[ended->map[i]->tag];

		if (map->device == RECORDING_NOBODY)
			map->device = unmap->device;
	}
}

/* What one event unmapped has one range, and was mapped as a list. */
static void join(struct recording *r, const struct match_list *ended)
{
	for (size_t i = 1; i < ended->count; i++) {
		const size_t last = ended->map[i - 1]->tag, at = ended->map[i]->tag;
		const struct recorded *before = &r->event[last];
		struct recorded *ev = &r->event[at];
		const size_t head = before->piece ? before->piece - 1 : last;

		if (at > last && ev->pieces == 1 && ev->device == before->device &&
		    recording_continues(&r->event[head], before->iova + before->bytes, ev))
			ev->piece = head + 1;
	}
}

static int follow(struct recording *r, struct match *m, struct match_list *ended, size_t at)
{
	struct recorded *ev = &r->event[at];
	const uint64_t first = ev->iova >> RECORDING_PAGE_SHIFT, pages = pages_of(ev);
	struct match_map *map;
	bool shared;
	int rc;

	if (ev->kind == TRACE_MAP) {
		if (pages > RECORDING_PAGES_MAX - m->live_pages)
			return 0;
		rc = match_add(m, first, pages, &map, &shared);
		if (!rc) {
			map->tag = at;
			map->owner = ev->device;
		}
		return rc;
	}
	rc = match_take_of(m, ev->device, first, pages, ended);
	share(r, ended, ev);
	join(r, ended);
	for (size_t i = 0; i < ended->count; i++)
		match_release(m, ended->map[i]);
	return rc;
}

static int find_owners(struct recording *r, struct err *err)
{
	struct match_list ended = {0};
	struct match m;
	int rc = match_init(&m);

	for (size_t i = 0; i < r->events && !rc; i++)
		if (recorded_is_move(&r->event[i]))
			rc = follow(r, &m, &ended, i);
	match_list_fini(&ended);
	match_fini(&m);
	return rc ? err_set(err, rc, "recording: out of memory") : 0;
}

/* ---- before the recording ---- */

struct earlier {
	struct recording *r;
	struct pageset seen;   /* pages mapped or unmapped so far, each device's apart */
	struct pageset frames; /* that the recording uses */
	uint64_t next_frame;
	struct err *err;
};

static uint64_t key_of(int device, uint64_t page)
{
	return page * RECORDING_DEVICES + (uint64_t)device;
}

/* Frames of the machine that nothing recorded leads to. */
static uint64_t unused_frames(struct earlier *e, uint64_t pages)
{
	uint64_t run = 0;

	while (run < pages)
		run = pageset_has(&e->frames, e->next_frame++) ? 0 : run + 1;
	return e->next_frame - pages;
}

static int add_before(struct earlier *e, const struct recorded *unmap)
{
	struct recording *r = e->r;
	struct recorded map = *unmap;

	map.kind = TRACE_MAP;
	map.time_ns = 0;
	map.bytes = unmap->done_bytes;
	map.done_bytes = 0;
	map.pieces = 1;
	map.paddr = unused_frames(e, map.bytes >> RECORDING_PAGE_SHIFT) << RECORDING_PAGE_SHIFT;
	if (map.offset + map.asked > map.bytes)
		map.asked = map.offset = 0;
	r->device[map.device].befores++;
	return recording_push(&r->before, &r->befores, &r->before_room, &map, e->err);
}

/* Is no page of it known? Then it was mapped before. Either way they are known now. */
static int see(struct earlier *e, const struct recorded *ev)
{
	const uint64_t first = ev->iova >> RECORDING_PAGE_SHIFT, pages = pages_of(ev);
	bool unseen = ev->kind == TRACE_UNMAP && pages;
	int rc = 0;

	if (ev->device == RECORDING_NOBODY || pages > BEFORE_PAGES_MAX)
		return 0;
	for (uint64_t i = 0; i < pages && rc >= 0; i++) {
		rc = pageset_add(&e->seen, key_of(ev->device, first + i));
		unseen = unseen && rc > 0;
	}
	if (rc < 0)
		return err_set(e->err, rc, "recording: out of memory");
	return unseen ? add_before(e, ev) : 0;
}

/* What a device reached and nobody maps or unmaps has been mapped all the time: its rings. */
static int see_access(struct earlier *e, const struct recorded *ev)
{
	const uint64_t page = ev->iova >> RECORDING_PAGE_SHIFT;
	const struct recorded all_the_time = {.iova = page << RECORDING_PAGE_SHIFT,
					      .done_bytes = UINT64_C(1) << RECORDING_PAGE_SHIFT,
					      .line = ev->line,
					      .cpu = ev->cpu,
					      .dir = TRACE_DIR_BOTH,
					      .tag = ev->tag,
					      .device = ev->device};
	int rc;

	if (ev->kind != TRACE_ACCESS || ev->device == RECORDING_NOBODY)
		return 0;
	rc = pageset_add(&e->seen, key_of(ev->device, page));
	if (rc < 0)
		return err_set(e->err, rc, "recording: out of memory");
	return rc ? add_before(e, &all_the_time) : 0;
}

static int see_frames_of(struct earlier *e, uint64_t paddr, uint64_t bytes)
{
	const uint64_t pages = bytes >> RECORDING_PAGE_SHIFT;

	for (uint64_t n = 0; n < pages && n < BEFORE_PAGES_MAX; n++)
		if (pageset_add(&e->frames, (paddr >> RECORDING_PAGE_SHIFT) + n) < 0)
			return err_set(e->err, -ENOMEM, "recording: out of memory");
	return 0;
}

static int see_frames(struct earlier *e)
{
	const struct recording *r = e->r;
	int rc = 0;

	for (size_t i = 0; i < r->events && !rc; i++)
		if (r->event[i].kind == TRACE_MAP && r->event[i].pieces == 1)
			rc = see_frames_of(e, r->event[i].paddr, r->event[i].bytes);
	for (size_t i = 0; i < r->pieces && !rc; i++)
		rc = see_frames_of(e, r->piece[i].paddr, r->piece[i].bytes);
	return rc;
}

static int find_earlier(struct recording *r, struct err *err)
{
	struct earlier e = {.r = r, .next_frame = FIRST_FRAME, .err = err};
	int rc = pageset_init(&e.seen);

	if (rc)
		return err_set(err, rc, "recording: out of memory");
	rc = pageset_init(&e.frames);
	if (rc) {
		pageset_fini(&e.seen);
		return err_set(err, rc, "recording: out of memory");
	}
	rc = see_frames(&e);
	for (size_t i = 0; i < r->events && !rc; i++)
		if (recorded_is_move(&r->event[i]))
			rc = see(&e, &r->event[i]);
	for (size_t i = 0; i < r->events && !rc; i++)
		rc = see_access(&e, &r->event[i]);
	for (unsigned i = 0; i < r->devices && !rc; i++)
		r->device[i].queued_paddr = unused_frames(&e, r->device[i].queued)
					    << RECORDING_PAGE_SHIFT;
	pageset_fini(&e.frames);
	pageset_fini(&e.seen);
	return rc;
}

/* ---- all of it ---- */

static void count_map(struct recorded_device *d, const struct recorded *ev)
{
	d->maps += ev->pieces;
	d->lists += ev->pieces > 1;
	d->list_pieces += ev->pieces > 1 ? ev->pieces : 0;
}

static void count(struct recording *r)
{
	for (size_t i = 0; i < r->events; i++) {
		struct recorded *ev = &r->event[i];

		if (ev->device == RECORDING_NOBODY && r->devices == 1)
			ev->device = 0;
		if (!recorded_is_move(ev))
			continue;
		if (ev->device == RECORDING_NOBODY && ev->kind == TRACE_MAP)
			r->unknown_maps += ev->pieces;
		else if (ev->device == RECORDING_NOBODY)
			r->unknown_unmaps++;
		else if (ev->kind == TRACE_MAP)
			count_map(&r->device[ev->device], ev);
		else
			r->device[ev->device].unmaps++;
	}
}

int recording_own(struct recording *r, struct trace *beside, struct err *err)
{
	int rc;

	recording_lazy_owners(r);
	rc = name_domains(r, err);

	if (!rc && !r->devices)
		rc = name_all(r, err);
	if (!rc)
		bind_last(r);
	if (!rc)
		rc = find_owners(r, err);
	if (!rc)
		rc = recording_fold(r, err);
	if (!rc && beside)
		rc = recording_join(r, beside, err);
	if (rc)
		return rc;
	count(r);
	sum_flushes(r);
	recording_queues(r);
	return find_earlier(r, err);
}
