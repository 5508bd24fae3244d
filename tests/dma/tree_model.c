/* SPDX-License-Identifier: MIT */
/* See tree_model.h. */
#include "tree_model.h"

#include "base/rng.h"
#include "iovarig.h"

void tree_model_init(struct tree_model *m, uint64_t entries)
{
	*m = (struct tree_model){
		.entries = entries, .begin_lo = UINT64_MAX, .begin_hi = UINT64_MAX};
	m->lo = calloc(entries, sizeof(*m->lo));
	m->hi = calloc(entries, sizeof(*m->hi));
}

void tree_model_fini(struct tree_model *m)
{
	free(m->lo);
	free(m->hi);
}

void tree_model_put(struct tree_model *m, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++) {
		m->lo[i] = first;
		m->hi[i] = first + count - 1;
	}
}

void tree_model_remove(struct tree_model *m, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++)
		m->hi[i] = 0;
}

static bool is_free(const struct tree_model *m, uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++)
		if (m->hi[i])
			return false;
	return true;
}

bool tree_model_highest(const struct tree_model *m, uint64_t low, uint64_t high, uint64_t count,
			uint64_t *out)
{
	uint64_t align = 1, at;

	while (align < count)
		align *= 2;
	if (high < count)
		return false;
	for (at = (high - count) / align * align; at >= low; at -= align) {
		if (is_free(m, at, count)) {
			*out = at;
			return true;
		}
		if (at < align)
			break;
	}
	return false;
}

static void run_once(const struct tree_program *p, struct rng *rng, uint64_t entries)
{
	struct {
		uint64_t first, count;
	} live[300];
	struct tree_model m;
	struct iovarig f;
	unsigned n = 0;

	tree_model_init(&m, entries);
	m.max32 = p->max32;
	iovarig_open(&f, p->allocator, entries, 0);
	tree_model_put(&m, entries / 2, 20);
	assert_int_equal(f.a->ops->reserve(f.a, entries / 2, 20), 0);
	for (unsigned step = 0; step < 3000; step++) {
		if (!n || (n < 300 && rng_below(rng, 100) < 53)) {
			const uint64_t count = 1 + rng_below(rng, rng_below(rng, 6) ? 3 : 40);
			const uint64_t limit =
				rng_below(rng, 6) ? entries
						  : entries / 3 + rng_below(rng, 2 * entries / 3);
			const int64_t want = p->take(&m, count, limit);

			assert_int_equal(iovarig_take(&f, count, limit), want);
			if (want < 0)
				continue;
			live[n].first = (uint64_t)want;
			live[n++].count = count;
		} else {
			/* Mostly the oldest ones, as rings have it. */
			const unsigned i =
				(unsigned)rng_below(rng, rng_below(rng, 3) ? (n + 7) / 8 : n);

			iovarig_give(&f, live[i].first, live[i].count);
			p->give(&m, live[i].first, live[i].count);
			memmove(&live[i], &live[i + 1], (n - i - 1) * sizeof(live[0]));
			n--;
		}
	}
	iovarig_close(&f);
	tree_model_fini(&m);
}

void tree_model_run(const struct tree_program *program, uint64_t seed)
{
	struct rng rng;

	rng_seed(&rng, seed);
	for (unsigned i = 0; i < 12; i++)
		run_once(program, &rng, 128 + rng_below(&rng, 1500));
}
