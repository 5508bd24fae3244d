/* SPDX-License-Identifier: MIT */
/*
 * Neighbours for what is used together: the first idea of F&S ("Fast & Safe IO Memory Protection",
 * SOSP 2024). Each of a device's rings takes its addresses in order out of a chunk of 64 pages
 * (256 KiB), so that the pages of one descriptor, or of packets that follow each other, have their
 * entries in two cache lines of a last-level table at most for eight pages, and in one table nearly
 * always. Chunks come from Linux's tree (row `tree`), which aligns them; so does what is longer
 * than a chunk.
 *
 * Chosen here: what does not fit into the rest of a chunk begins another, and the rest is not
 * used; a chunk goes back when all of it has come back and no ring is at it, and one that a ring is
 * at begins again from its first page when all of it has come back; where there is no chunk left
 * the tree is asked for just what is wanted; requests that name no ring share a chunk; rings from
 * 64 on share those of the others. What a ring and a chunk cost is a line and two bytes that are
 * read and written.
 */
#include <errno.h>

#include "dma/iova/entry_set.h"
#include "dma/iova/iova.h"

#define CHUNK       64u /* pages */
#define RINGS       64u
#define NONE        UINT64_MAX
#define LINE_BYTES  64u
#define FRAME_BYTES 4096u

struct ring {
	uint64_t chunk; /* number of the chunk it is at, or NONE */
	unsigned next;  /* first page in it that was not handed out */
};

/* Of 64 aligned entries: 0 = the tree handed them out as they were asked for, if at all. */
struct chunk {
	uint8_t held; /* of its entries: in use */
	bool ours;
	bool open; /* a ring is at it */
};

struct contiguous {
	struct iova base;
	struct iova *tree;
	struct ring ring[RINGS];
	struct chunk *chunk;
	uint64_t chunks;
	iotoll_phys_t lines; /* a line for each ring, then two bytes for each chunk */
	uint64_t frames;
	struct entry_set held;
};

static struct contiguous *contiguous_of(struct iova *a)
{
	return (struct contiguous *)a;
}

static const struct contiguous *contiguous_of_const(const struct iova *a)
{
	return (const struct contiguous *)a;
}

static void touch_ring(const struct contiguous *c, unsigned ring)
{
	env_touch(c->base.env, IOTOLL_PHYS(IOTOLL_PHYS_U64(c->lines) + ring * LINE_BYTES),
		  sizeof(struct ring), true);
}

static void touch_chunk(const struct contiguous *c, uint64_t chunk)
{
	env_work(c->base.env, DMA_WORK_BITMAP_WORD, 1);
	env_touch(c->base.env,
		  IOTOLL_PHYS(IOTOLL_PHYS_U64(c->lines) + RINGS * LINE_BYTES + chunk * 2), 2, true);
}

/* ---- set up ---- */

static void contiguous_destroy(struct iova *a)
{
	struct contiguous *c = contiguous_of(a);

	locks_fini(&a->locks);
	entry_set_fini(&c->held);
	free(c->chunk);
	if (IOTOLL_PHYS_U64(c->lines))
		env_free_pages(a->env, c->lines, c->frames);
	if (c->tree)
		c->tree->ops->destroy(c->tree);
	free(c);
}

static int contiguous_create(struct iova **out, struct dma_env *env,
			     const struct iova_config *config)
{
	const struct iova_ops *tree = iova_find("tree");
	struct contiguous *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->base = (struct iova){.env = env, .entries = config->entries};
	c->chunks = config->entries / CHUNK + 1;
	c->frames = (RINGS * LINE_BYTES + c->chunks * 2 + FRAME_BYTES - 1) / FRAME_BYTES;
	for (unsigned i = 0; i < RINGS; i++)
		c->ring[i].chunk = NONE;
	c->chunk = calloc(c->chunks, sizeof(*c->chunk));
	if (!c->chunk || entry_set_init(&c->held, config->entries) ||
	    env_alloc_pages(env, c->frames, FRAME_BYTES, 0, &c->lines) ||
	    locks_init(&c->base.locks, env, config->locks ? RINGS : 0, true) ||
	    tree->create(&c->tree, env, config)) {
		contiguous_destroy(&c->base);
		return -ENOMEM;
	}
	c->tree->ops = tree;
	c->base.below = c->tree;
	*out = &c->base;
	return 0;
}

static int contiguous_reserve(struct iova *a, uint64_t first, uint64_t count)
{
	struct contiguous *c = contiguous_of(a);
	const int rc = c->tree->ops->reserve(c->tree, first, count);

	a->reserved = c->tree->reserved;
	return rc;
}

/* ---- chunks ---- */

static int ask_tree(struct contiguous *c, const struct iova_want *want, uint64_t count,
		    uint64_t *out)
{
	struct iova_want wanted = *want;
	int rc;

	wanted.count = count;
	rc = c->tree->ops->alloc(c->tree, &wanted, out);
	c->base.words_searched = c->tree->words_searched;
	c->base.slow += rc == 0;
	return rc;
}

static void drop_chunk(struct contiguous *c, uint64_t chunk)
{
	c->chunk[chunk] = (struct chunk){.held = 0};
	c->tree->ops->free(c->tree, chunk * CHUNK, CHUNK);
}

/* The ring leaves its chunk to those who still hold some of it. */
static void leave(struct contiguous *c, struct ring *r)
{
	const uint64_t chunk = r->chunk;

	r->chunk = NONE;
	if (chunk == NONE)
		return;
	c->chunk[chunk].open = false;
	if (c->chunk[chunk].held == 0)
		drop_chunk(c, chunk);
}

static bool fits(const struct ring *r, const struct iova_want *want)
{
	return r->chunk != NONE && r->next + want->count <= CHUNK &&
	       r->chunk * CHUNK + r->next + want->count <= want->limit;
}

/* A chunk that @want fits into, the ring's own or a new one. */
static int have_chunk(struct contiguous *c, struct ring *r, const struct iova_want *want)
{
	uint64_t first;
	int rc;

	if (fits(r, want))
		return 0;
	rc = ask_tree(c, want, CHUNK, &first);
	if (rc)
		return rc;
	leave(c, r);
	*r = (struct ring){.chunk = first / CHUNK};
	c->chunk[r->chunk] = (struct chunk){.ours = true, .open = true};
	return 0;
}

/* ---- the row ---- */

/* Out of ring @number's chunk, or what the tree has. */
static int take(struct contiguous *c, unsigned number, const struct iova_want *want, uint64_t *out)
{
	struct ring *r = &c->ring[number];
	int rc = -ENOSPC;

	if (want->count <= CHUNK) {
		touch_ring(c, number);
		rc = have_chunk(c, r, want);
	}
	if (!rc) {
		*out = r->chunk * CHUNK + r->next;
		r->next += (unsigned)want->count;
		c->chunk[r->chunk].held += (uint8_t)want->count;
		touch_chunk(c, r->chunk);
	} else if (rc == -ENOSPC) {
		rc = ask_tree(c, want, want->count, out);
	}
	return rc;
}

static int contiguous_alloc(struct iova *a, const struct iova_want *want, uint64_t *out)
{
	const unsigned number = want->ring ? 1 + (want->ring - 1) % (RINGS - 1) : 0;
	struct contiguous *c = contiguous_of(a);
	int rc;

	/* A ring changes its chunk in several steps, the tree's lock between them. */
	locks_take(&a->locks, number);
	rc = take(c, number, want, out);
	locks_release(&a->locks, number);
	if (rc)
		return rc;
	entry_set_put(&c->held, *out, want->count, true);
	a->live += want->count;
	return 0;
}

static void begin_again(struct contiguous *c, uint64_t chunk)
{
	for (unsigned i = 0; i < RINGS; i++)
		if (c->ring[i].chunk == chunk)
			c->ring[i].next = 0;
}

/* [first, first + count) lies in one chunk's place. */
static void free_part(struct contiguous *c, uint64_t first, uint64_t count)
{
	const uint64_t chunk = first / CHUNK;
	struct chunk *k = &c->chunk[chunk];

	if (!k->ours) {
		c->tree->ops->free(c->tree, first, count);
		return;
	}
	touch_chunk(c, chunk);
	k->held -= (uint8_t)count;
	if (k->held == 0 && k->open)
		begin_again(c, chunk);
	else if (k->held == 0)
		drop_chunk(c, chunk);
}

static void contiguous_free(struct iova *a, uint64_t first, uint64_t count)
{
	struct contiguous *c = contiguous_of(a);

	entry_set_put(&c->held, first, count, false);
	a->live -= count;
	while (count) {
		const uint64_t rest = CHUNK - first % CHUNK;
		const uint64_t part = count < rest ? count : rest;

		free_part(c, first, part);
		first += part;
		count -= part;
	}
}

static bool contiguous_owns(const struct iova *a, uint64_t first, uint64_t count)
{
	return entry_set_has_all(&contiguous_of_const(a)->held, first, count);
}

static bool contiguous_usable_below(const struct iova *a, uint64_t limit)
{
	const struct contiguous *c = contiguous_of_const(a);

	return c->tree->ops->usable_below(c->tree, limit);
}

static bool contiguous_check(const struct iova *a)
{
	const struct contiguous *c = contiguous_of_const(a);
	uint64_t ours = 0, held = 0, open = 0, at = 0;

	for (uint64_t i = 0; i < c->chunks; i++) {
		const struct chunk *k = &c->chunk[i];
		const uint64_t n = entry_set_count(&c->held, i * CHUNK, CHUNK);

		if (k->ours && (k->held != n || (!k->open && n == 0)))
			return false;
		ours += k->ours ? CHUNK : n;
		held += n;
		open += k->open;
	}
	for (unsigned i = 0; i < RINGS; i++) {
		if (c->ring[i].chunk == NONE)
			continue;
		at++;
		if (!c->chunk[c->ring[i].chunk].open || c->ring[i].next > CHUNK)
			return false;
	}
	return held == a->live && open == at && ours == c->tree->live &&
	       a->reserved == c->tree->reserved && c->tree->ops->check(c->tree);
}

const struct iova_ops contiguous_ops = {
	.name = "contiguous",
	.title = "in order out of chunks of 256 KiB, one for each ring (F&S, SOSP 2024)",
	.whole_lists = true,
	.create = contiguous_create,
	.destroy = contiguous_destroy,
	.reserve = contiguous_reserve,
	.alloc = contiguous_alloc,
	.owns = contiguous_owns,
	.free = contiguous_free,
	.usable_below = contiguous_usable_below,
	.check = contiguous_check,
};
