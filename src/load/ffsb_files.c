/* SPDX-License-Identifier: MIT */
/* FFSB: lists of files, their locks, and what is in them. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load/ffsb_internal.h"

uint64_t ffsb_draw(struct rng *rng, uint64_t bound)
{
	return bound > 1 ? rng_below(rng, bound) : 0;
}

uint64_t ffsb_draw_size(const struct ffsb_filesystem *fs, struct rng *rng)
{
	uint64_t weights = 0, at;

	if (!fs->size_count)
		return fs->min_filesize + ffsb_draw(rng, fs->max_filesize - fs->min_filesize);
	for (unsigned i = 0; i < fs->size_count; i++)
		weights += fs->size[i].weight;
	at = ffsb_draw(rng, weights);
	for (unsigned i = 0; i < fs->size_count; i++) {
		if (at < fs->size[i].weight)
			return fs->size[i].bytes;
		at -= fs->size[i].weight;
	}
	return 0;
}

void ffsb_path(const struct ffsb_set *set, const struct ffsb_list *list, uint32_t number, char *to)
{
	const uint32_t dir = list->file[number]->dir;

	if (dir)
		snprintf(to, FFSB_PATH, "%s/data/datadir%u/%s%u", set->profile->location, dir - 1,
			 list->prefix, number);
	else
		snprintf(to, FFSB_PATH, "%s/data/%s%u", set->profile->location, list->prefix,
			 number);
}

/* ---- taking one ---- */

/* FFSB draws until a file is there and its lock free, without waiting. */
int ffsb_take_file(struct ffsb_worker *w, struct ffsb_list *list, bool exclusive, uint32_t *number)
{
	const uint64_t app_call = machine_cost(w->load->config.machine)->app_call;

	while (list->live && !w->load->stopping) {
		struct ffsb_file *f;

		*number = (uint32_t)ffsb_draw(&w->rng, list->count);
		f = list->file[*number];
		if (f->live && !f->exclusive && !(exclusive && f->shared)) {
			f->exclusive = exclusive;
			f->shared += !exclusive;
			return 0;
		}
		if (f->live) { /* busy: whoever holds it may need this CPU */
			cpu_charge(w->cpu, app_call);
			task_preempt_point(task_current(w->cpu));
		}
	}
	return list->live ? -ECANCELED : -ENOENT;
}

void ffsb_give_file(struct ffsb_list *list, uint32_t number)
{
	struct ffsb_file *f = list->file[number];

	assert(f->exclusive || f->shared);
	if (f->exclusive)
		f->exclusive = false;
	else
		f->shared--;
}

/* ---- making and deleting ---- */

static int new_slot(struct ffsb_list *list, uint32_t *number)
{
	if (list->count == list->room) {
		const uint32_t room = list->room ? list->room * 2 : 64;
		struct ffsb_file **larger = realloc(list->file, room * sizeof(struct ffsb_file *));

		if (!larger)
			return -ENOMEM;
		list->file = larger;
		list->room = room;
	}
	list->file[list->count] = calloc(1, sizeof(struct ffsb_file));
	if (!list->file[list->count])
		return -ENOMEM;
	*number = list->count++;
	return 0;
}

int ffsb_take_slot(struct ffsb_list *list, uint32_t *number)
{
	int rc = 0;

	if (list->hole_count) {
		*number = list->hole[list->hole_first];
		list->hole_first = (list->hole_first + 1) % list->hole_room;
		list->hole_count--;
	} else {
		rc = new_slot(list, number);
	}
	if (rc)
		return rc;
	list->file[*number]->exclusive = true;
	list->file[*number]->generation++;
	return 0;
}

void ffsb_now_live(struct ffsb_list *list, uint32_t number, uint64_t size)
{
	list->file[number]->live = true;
	list->file[number]->size = size;
	list->live++;
}

static int more_holes(struct ffsb_list *list)
{
	const uint32_t room = list->hole_room ? list->hole_room * 2 : 64;
	uint32_t *larger = malloc(room * sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	for (uint32_t i = 0; i < list->hole_count; i++)
		larger[i] = list->hole[(list->hole_first + i) % list->hole_room];
	free(list->hole);
	list->hole = larger;
	list->hole_first = 0;
	list->hole_room = room;
	return 0;
}

int ffsb_now_dead(struct ffsb_list *list, uint32_t number)
{
	struct ffsb_file *f = list->file[number];

	f->live = f->exclusive = false;
	f->size = 0;
	list->live--;
	if (list->hole_count == list->hole_room && more_holes(list))
		return -ENOMEM;
	list->hole[(list->hole_first + list->hole_count++) % list->hole_room] = number;
	return 0;
}

void ffsb_list_free(struct ffsb_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		free(list->file[i]);
	free(list->file);
	free(list->hole);
}

/* ---- contents ---- */

/* Eight bytes of a file, by their place: a mix of all that tells them from any others. */
static uint64_t word_at(uint64_t key, uint64_t index)
{
	uint64_t x = key + index * 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

void ffsb_pattern(const struct ffsb_set *set, const struct ffsb_list *list, uint32_t number,
		  uint64_t offset, uint8_t *to, uint64_t bytes)
{
	uint64_t key = set->load->config.seed;

	key = word_at(key, (uint64_t)set->index << 1 | list->salt);
	key = word_at(key, (uint64_t)number << 32 | list->file[number]->generation);
	while (bytes) {
		const uint64_t word = word_at(key, offset / 8), at = offset % 8;
		const uint64_t n = 8 - at < bytes ? 8 - at : bytes;

		memcpy(to, (const uint8_t *)&word + at, n);
		to += n;
		offset += n;
		bytes -= n;
	}
}

void ffsb_fill(struct ffsb_worker *w, const struct ffsb_set *set, const struct ffsb_list *list,
	       uint32_t number, uint64_t offset, uint64_t bytes)
{
	struct memory *mem = w->load->config.machine->mem;

	for (uint64_t at = 0; at < bytes; at += PAGE_BYTES) {
		const uint64_t n = bytes - at < PAGE_BYTES ? bytes - at : PAGE_BYTES;

		ffsb_pattern(set, list, number, offset + at, memory_ptr(mem, w->buffer + at, n), n);
	}
}

void ffsb_compare(struct ffsb_worker *w, const struct ffsb_set *set, const struct ffsb_list *list,
		  uint32_t number, uint64_t offset, uint64_t bytes)
{
	struct memory *mem = w->load->config.machine->mem;
	uint64_t want[PAGE_BYTES / 8];

	if (!w->load->config.verify)
		return;
	for (uint64_t at = 0; at < bytes; at += PAGE_BYTES) {
		const uint64_t n = bytes - at < PAGE_BYTES ? bytes - at : PAGE_BYTES;

		ffsb_pattern(set, list, number, offset + at, (uint8_t *)want, n);
		w->load->checked += n;
		w->load->mismatches += memcmp(want, memory_ptr(mem, w->buffer + at, n), n) != 0;
	}
}
