/* SPDX-License-Identifier: MIT */
/*
 * The credit scheduler's books. Amounts are rounded up wherever they are divided, domains are
 * served in list order, one that could not use its share leaves the rest to those behind it and
 * goes to the front for the next period if one before it still wanted more: all of it decides who
 * gets how much.
 */
#include <string.h>

#include "xen/sched_credit.h"

static int64_t divide_up(int64_t a, int64_t b)
{
	return (a + b - 1) / b;
}

static void list_push(unsigned *list, unsigned *count, unsigned what)
{
	memmove(list + 1, list, *count * sizeof(*list));
	list[0] = what;
	(*count)++;
}

static void list_drop(unsigned *list, unsigned *count, unsigned what)
{
	unsigned at = 0;

	while (list[at] != what)
		at++;
	(*count)--;
	memmove(list + at, list + at + 1, (*count - at) * sizeof(*list));
}

static void join(struct credit_books *b, unsigned vcpu)
{
	struct credit_domain *d = &b->domain[b->vcpu[vcpu].domain];

	b->vcpu[vcpu].active = true;
	list_push(d->active, &d->count, vcpu);
	if (d->count == 1)
		list_push(b->active, &b->domains, b->vcpu[vcpu].domain);
}

static void leave(struct credit_books *b, unsigned vcpu)
{
	struct credit_domain *d = &b->domain[b->vcpu[vcpu].domain];

	b->vcpu[vcpu].active = false;
	list_drop(d->active, &d->count, vcpu);
	if (!d->count)
		list_drop(b->active, &b->domains, b->vcpu[vcpu].domain);
}

void credit_add(struct credit_books *b, unsigned vcpu, const struct gate_vcpu *about)
{
	b->vcpu[vcpu] = (struct credit_vcpu){
		.domain = about->domain,
		.priority = CREDIT_UNDER,
		.processor = about->physical,
		.affinity = about->affinity,
	};
	b->domain[about->domain].weight = about->weight;
	b->domain[about->domain].cap = about->cap;
}

void credit_remove(struct credit_books *b, unsigned vcpu)
{
	if (b->vcpu[vcpu].active)
		leave(b, vcpu);
}

void credit_tick(struct credit_books *b, unsigned vcpu)
{
	struct credit_vcpu *v = &b->vcpu[vcpu];

	if (v->priority == CREDIT_BOOST)
		v->priority = CREDIT_UNDER;
	v->credit -= CREDIT_PER_TICK;
	if (!v->active)
		join(b, vcpu);
}

/* @v was given its share: where that leaves it. */
static void judge(struct credit_books *b, unsigned vcpu, unsigned cap, int64_t cap_each)
{
	struct credit_vcpu *v = &b->vcpu[vcpu];

	if (v->credit < 0) {
		v->priority = CREDIT_OVER;
		if (cap && v->credit < -cap_each && !v->parked) {
			v->parked = true;
			b->park(b->ctx, vcpu, true);
		}
		if (v->credit < -CREDIT_PER_PERIOD)
			v->credit = -CREDIT_PER_PERIOD;
		return;
	}
	v->priority = CREDIT_UNDER;
	if (v->parked) {
		/* Let go on first: a virtual CPU that was parked is not boosted for it. */
		b->park(b->ctx, vcpu, false);
		v->parked = false;
	}
	if (v->credit > CREDIT_PER_PERIOD) {
		leave(b, vcpu);
		v->credit = 0;
	}
}

/* @share for @domain, divided among its active virtual CPUs. */
static void give(struct credit_books *b, unsigned domain, int64_t share, int64_t cap_each)
{
	const struct credit_domain *d = &b->domain[domain];
	const unsigned count = d->count;
	const int64_t each = divide_up(share, count);
	unsigned list[GATE_MAX_VCPUS];

	memcpy(list, d->active, count * sizeof(*list)); /* some leave while they are served */
	for (unsigned i = 0; i < count; i++) {
		b->vcpu[list[i]].credit += (int)each;
		judge(b, list[i], d->cap, cap_each);
		b->balance += b->vcpu[list[i]].credit;
	}
}

void credit_period(struct credit_books *b)
{
	const int64_t debt = b->balance < 0 ? -b->balance : 0;
	const unsigned count = b->domains;
	int64_t total = (int64_t)b->pcpus * CREDIT_PER_PERIOD + debt;
	int64_t weights = 0, weights_left;
	unsigned list[GATE_MAX_VCPUS];
	bool wanting = false;

	b->periods++;
	if (!count)
		return;
	memcpy(list, b->active, count * sizeof(*list));
	for (unsigned i = 0; i < count; i++)
		weights += b->domain[list[i]].weight;
	weights_left = weights;
	b->balance = 0;
	for (unsigned i = 0; i < count; i++) {
		const struct credit_domain *d = &b->domain[list[i]];
		int64_t peak = (int64_t)d->count * CREDIT_PER_PERIOD, cap_each = 0, share;

		weights_left -= d->weight;
		peak += divide_up(debt * d->weight, weights);
		if (d->cap) {
			const int64_t cap = divide_up((int64_t)d->cap * CREDIT_PER_PERIOD, 100);

			peak = cap < peak ? cap : peak;
			cap_each = divide_up(cap, d->count);
		}
		share = divide_up(total * d->weight, weights);
		if (share < peak) {
			wanting = true;
		} else {
			if (weights_left)
				total += divide_up((share - peak) * weights, weights_left);
			if (wanting) {
				list_drop(b->active, &b->domains, list[i]);
				list_push(b->active, &b->domains, list[i]);
			}
			share = peak;
		}
		give(b, list[i], share, cap_each);
	}
}
