/* SPDX-License-Identifier: MIT */
/*
 * How a row is measured: it and its rivals take turns, round by round, so that a machine whose
 * speed drifts is the same to all of them. Rounds are long enough for the clock not to matter and
 * short enough to lie between two of the scheduler's interruptions. It ends when the median is
 * known as well as was asked for, or when the time is up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/row.h"
#include "bench/stats.h"

#define ENTRANTS_MAX (1 + BENCH_RIVALS_MAX)
#define TURNS_MAX    4096u

struct entrant {
	const char *name;
	const struct subject *subject;
	struct bench_setup setup;
	const void *variant;
	void *data;
	uint64_t ops;
	double scale; /* from nanoseconds an operation to the figure's */
	double *value;
};

struct contest {
	const struct row *row;
	const struct bench_options *options;
	struct gang *gang;
	struct entrant entrant[ENTRANTS_MAX];
	unsigned entrants;
	double *ratio; /* of a turn, for each rival */
	size_t turns;
	unsigned dropped;
	bool lenient; /* no round was left alone: any will do */
	double round_ns, warm_ns, until_ns;
	size_t least; /* turns before the interval is looked at */
};

#define TAKE(member) s.member = over->member ? over->member : under->member

struct bench_setup setup_over(const struct bench_setup *over, const struct bench_setup *under)
{
	struct bench_setup s;

	TAKE(iommu);
	TAKE(strategy);
	TAKE(allocator);
	TAKE(policy);
	TAKE(pattern);
	TAKE(locks);
	TAKE(threads);
	TAKE(pages);
	TAKE(outstanding);
	TAKE(entries);
	TAKE(ways);
	return s;
}

#undef TAKE

static void add_entrant(struct contest *c, const char *name, const struct subject *subject,
			const struct bench_setup *setup, const void *variant)
{
	struct entrant *e = &c->entrant[c->entrants++];

	*e = (struct entrant){
		.name = name, .subject = subject, .setup = *setup, .variant = variant};
	if (!e->setup.threads)
		e->setup.threads = 1;
	e->scale = subject->each ? 1.0 / (double)subject->each : 1.0;
	if (c->row->per_page && e->setup.pages)
		e->scale /= e->setup.pages;
}

static unsigned most_threads(const struct contest *c)
{
	unsigned most = 1;

	for (unsigned i = 0; i < c->entrants; i++)
		if (c->entrant[i].setup.threads > most)
			most = c->entrant[i].setup.threads;
	return most;
}

static bool stopped(const struct contest *c)
{
	return c->options->stop && c->options->stop(c->options->ctx);
}

/* One round of @e. -EIO if it failed; *@counts: no other program was in the way. */
static int round_of(struct contest *c, const struct entrant *e, double *ns, bool *counts)
{
	const struct gang_round round = {.work = e->subject->work,
					 .ctx = e->data,
					 .ops = e->ops,
					 .threads = e->setup.threads,
					 .background = e->subject->background,
					 .once = e->subject->once,
					 .processor_time = e->subject->processor_time};
	struct gang_time t;

	gang_do(c->gang, &round, &t);
	*ns = t.ns;
	*counts = t.counts;
	return t.failed ? -EIO : 0;
}

/*
 * One step towards rounds of the length wanted; is @ns of an operation that long already? One that
 * was disturbed took longer than it should: that it is too short is true all the same.
 */
static bool closer(const struct contest *c, struct entrant *e, double ns, bool counts)
{
	const double round = ns * (double)e->ops;

	if (round < c->round_ns / 2) {
		e->ops *= 2;
		return false;
	}
	if (counts && round > 2 * c->round_ns && e->ops > 1)
		e->ops /= 2;
	return counts;
}

/*
 * Operations for a round of the length wanted, and warm caches, tables and predictors. Where every
 * round is disturbed, what was reached has to do.
 */
static int calibrate(struct contest *c, struct entrant *e, struct err *err)
{
	const double until = gang_now_ns() + c->warm_ns;
	const double patience = until + 1e9 * c->options->limit_s;
	bool long_enough = false;

	e->ops = e->subject->each || e->subject->says ? 1 : 16;
	while (!long_enough || gang_now_ns() < until) {
		bool counts;
		double ns;
		const int rc = round_of(c, e, &ns, &counts);

		if (rc)
			return err_set(err, rc, "%s, %s: an operation failed", c->row->name,
				       e->name);
		long_enough = closer(c, e, ns, counts) || gang_now_ns() > patience;
		if (stopped(c))
			return -EINTR;
	}
	return 0;
}

static double figure(const struct contest *c, const struct entrant *e, double ns)
{
	return c->row->rate ? 1e3 / (ns * e->scale) : ns * e->scale;
}

/* What the others' turns have pushed out of caches and predictors comes back unmeasured. */
static int rewarm(struct contest *c, const struct entrant *e)
{
	struct entrant some = *e;
	bool counts;
	double ns;

	some.ops = e->ops / 2 ? e->ops / 2 : 1;
	return round_of(c, &some, &ns, &counts);
}

/* Everybody once; it counts if no round was disturbed. */
static int turn(struct contest *c, struct err *err)
{
	double value[ENTRANTS_MAX];
	bool all = true;

	for (unsigned i = 0; i < c->entrants; i++) {
		struct entrant *e = &c->entrant[i];
		bool counts;
		double ns;
		int rc = c->entrants > 1 ? rewarm(c, e) : 0;

		if (!rc)
			rc = round_of(c, e, &ns, &counts);
		if (rc)
			return err_set(err, rc, "%s, %s: an operation failed", c->row->name,
				       e->name);
		value[i] = figure(c, e, ns);
		all = all && counts;
	}
	if (!all && !c->lenient) {
		c->dropped++;
		return 0;
	}
	for (unsigned i = 0; i < c->entrants; i++) {
		c->entrant[i].value[c->turns] = value[i];
		if (i)
			c->ratio[(i - 1) * TURNS_MAX + c->turns] = value[i] / value[0];
	}
	c->turns++;
	return 0;
}

/* The statistics of the row so far; its samples are left as they are. */
static bool good_enough(const struct contest *c, double *scratch)
{
	struct stats s;

	memcpy(scratch, c->entrant[0].value, c->turns * sizeof(*scratch));
	stats_of(scratch, c->turns, &s);
	return stats_within(&s, c->options->interval_percent);
}

/*
 * On a machine that others keep busy the first rounds may take longer; where none is left alone,
 * any has to do.
 */
static bool time_is_up(struct contest *c)
{
	const double late = gang_now_ns() - c->until_ns;
	const size_t enough = c->options->quick ? 2 : 6;

	if (late > 2e9 * c->options->limit_s && c->turns < 2 && c->dropped)
		c->lenient = true;
	return late > 0 && (c->turns >= enough || (c->turns && late > 4e9 * c->options->limit_s));
}

static int take_turns(struct contest *c, struct err *err)
{
	double *scratch = malloc(TURNS_MAX * sizeof(*scratch));
	size_t look = c->least;
	int rc = scratch ? 0 : -ENOMEM;

	while (!rc && c->turns < TURNS_MAX) {
		if (stopped(c)) {
			rc = -EINTR;
			break;
		}
		rc = turn(c, err);
		if (!rc && c->turns >= look) {
			if (good_enough(c, scratch))
				break;
			look += look / 4 + 1;
		}
		if (time_is_up(c))
			break;
	}
	free(scratch);
	return rc;
}

static void judge(struct bench_result *r)
{
	r->met = r->target > 0 &&
		 (r->more_is_better ? r->median >= r->target : r->median <= r->target);
}

static void fill(const struct contest *c, struct bench_result *r, double *samples, size_t n)
{
	struct stats s;

	stats_of(samples, n, &s);
	r->median = s.median;
	r->p10 = s.p10;
	r->p99 = s.p99;
	r->low = s.low;
	r->high = s.high;
	r->samples = samples;
	r->count = n;
	r->dropped = c->dropped;
	r->interval_met = !c->lenient && stats_within(&s, c->options->interval_percent);
	r->disturbed = c->lenient;
	judge(r);
}

static struct bench_result result_of(const struct row *row, const struct bench_setup *setup)
{
	struct bench_result r = {.group = row->group,
				 .what = row->what,
				 .unit = row->unit       ? row->unit
					 : row->rate     ? "M/s"
					 : row->per_page ? "ns/page"
							 : "ns",
				 .target = row->target,
				 .more_is_better = row->rate,
				 .floor = row->floor ? row->floor : "",
				 .setup = *setup};

	snprintf(r.name, sizeof(r.name), "%s", row->name);
	return r;
}

/* The row's own result, its rivals beside it; and, if it is to be flat, how flat it is. */
static void tell(struct contest *c)
{
	struct entrant *first = &c->entrant[0];
	struct bench_result r = result_of(c->row, &first->setup);

	r.ops = first->ops;
	r.processor_time = gang_crowded(c->gang) || first->subject->processor_time;
	for (unsigned i = 1; i < c->entrants; i++) {
		struct bench_rival *rival = &r.rival[r.rivals++];
		struct stats s;

		rival->name = c->entrant[i].name;
		stats_of(c->entrant[i].value, c->turns, &s);
		rival->median = s.median;
		stats_of(&c->ratio[(i - 1) * TURNS_MAX], c->turns, &s);
		rival->ratio = s.median;
	}
	fill(c, &r, first->value, c->turns);
	c->options->done(c->options->ctx, &r);
	if (c->row->flat <= 0 || c->entrants < 2)
		return;
	for (size_t i = 0; i < c->turns; i++)
		c->ratio[i] = 1 / c->ratio[i];
	snprintf(r.name, sizeof(r.name), "%s.flat", c->row->name);
	r.what = "the row above to the same with one thread";
	r.unit = "x";
	r.target = c->row->flat;
	r.floor = "";
	r.rivals = 0;
	fill(c, &r, c->ratio, c->turns);
	c->options->done(c->options->ctx, &r);
}

static int enter(struct contest *c, struct err *err)
{
	const struct row *row = c->row;
	const struct bench_setup setup = setup_over(&c->options->setup, &row->setup);

	add_entrant(c, "itself", row->subject, &setup, row->variant);
	for (unsigned i = 0; i < BENCH_RIVALS_MAX && row->rival[i].name; i++) {
		const struct rival_row *rival = &row->rival[i];
		const struct bench_setup its = setup_over(&rival->setup, &setup);

		add_entrant(c, rival->name, rival->subject ? rival->subject : row->subject, &its,
			    rival->variant ? rival->variant : row->variant);
	}
	c->ratio = calloc(BENCH_RIVALS_MAX * TURNS_MAX, sizeof(*c->ratio));
	if (!c->ratio)
		return -ENOMEM;
	for (unsigned i = 0; i < c->entrants; i++) {
		struct entrant *e = &c->entrant[i];
		int rc;

		e->value = calloc(TURNS_MAX, sizeof(*e->value));
		rc = e->value ? e->subject->open(&e->data, &e->setup, e->variant, err) : -ENOMEM;
		if (rc)
			return rc;
		if (e->subject->says)
			e->scale = 1.0 / (double)e->subject->says(e->data);
	}
	return gang_create(&c->gang, most_threads(c), -1, err);
}

static void leave(struct contest *c)
{
	gang_destroy(c->gang);
	for (unsigned i = 0; i < c->entrants; i++) {
		if (c->entrant[i].data)
			c->entrant[i].subject->close(c->entrant[i].data);
		free(c->entrant[i].value);
	}
	free(c->ratio);
}

static int count_row(const struct row *row, const struct bench_options *options, struct err *err)
{
	const struct bench_setup setup = setup_over(&options->setup, &row->setup);
	struct bench_result r = result_of(row, &setup);
	double value;
	const int rc = row->subject->count(&setup, &value, err);

	if (rc)
		return rc;
	r.median = r.p10 = r.p99 = r.low = r.high = value;
	r.samples = &value;
	r.count = 1;
	r.interval_met = true;
	judge(&r);
	options->done(options->ctx, &r);
	return 0;
}

int row_measure(const struct row *row, const struct bench_options *options, struct err *err)
{
	struct contest c = {.row = row, .options = options};
	int rc;

	if (row->subject->count)
		return count_row(row, options, err);
	rc = enter(&c, err);
	if (!rc) {
		c.round_ns = options->quick ? 20e3 : gang_crowded(c.gang) ? 4e6 : 100e3;
		c.warm_ns = options->quick ? 1e6 : 40e6;
		c.least = options->quick ? 6 : 24;
	}
	for (unsigned i = 0; i < c.entrants && !rc; i++)
		rc = calibrate(&c, &c.entrant[i], err);
	c.until_ns = gang_now_ns() + options->limit_s * 1e9;
	if (!rc)
		rc = take_turns(&c, err);
	if (!rc)
		tell(&c);
	leave(&c);
	return rc;
}
