// SPDX-License-Identifier: MIT
/*
 * One DMA on both sides. The judge says what may become of each part (the transfer may cross a
 * page boundary); every combination predicts what memory and the fault registers then hold. Each
 * side must show one of them: QEMU one of all, ours one that the document allows by itself. Where
 * the two then differ the document left a choice, and they are made alike again before the next
 * operation.
 */
#include "run_dma.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define POLLS_MAX 10000u

static void split(struct dma *d)
{
	uint64_t iova = d->iova;
	uint32_t left = d->bytes, at = d->at;

	while (left > 0 && d->parts < PAIR_PARTS) {
		const uint32_t in_page = 4096 - (uint32_t)(iova & 4095);
		struct pair_part *p = &d->part[d->parts++];

		*p = (struct pair_part){.iova = iova, .at = at};
		p->bytes = left < in_page ? left : in_page;
		iova += p->bytes;
		at += p->bytes;
		left -= p->bytes;
	}
}

static void combine(struct dma *d)
{
	const struct target *t = d->run->target;
	const unsigned first = d->outcomes[0] = t->access(d->run->state, edu_source(d->device),
							  d->part[0].iova, d->store, d->outcome[0]);
	unsigned second = 1;

	if (d->parts == 2)
		second = d->outcomes[1] = t->access(d->run->state, edu_source(d->device),
						    d->part[1].iova, d->store, d->outcome[1]);
	for (unsigned i = 0; i < first * second && d->combinations < COMBINATIONS_MAX; i++) {
		struct combination *c = &d->combination[d->combinations++];

		*c = (struct combination){.part = {&d->outcome[0][i % first]}};
		c->departure = c->part[0]->departure;
		if (d->parts == 2) {
			c->part[1] = &d->outcome[1][i / first];
			if (c->departure == DEPART_NONE)
				c->departure = c->part[1]->departure;
		}
	}
}

static void view_ours(struct dma *d, struct view *v)
{
	for (unsigned n = 0; n < RUN_WINDOWS; n++)
		memcpy(v->window[n], d->run->pair->ram + run_window_addr(n), run_window_bytes(n));
}

static void ask(struct dma *d, uint64_t *busy)
{
	const struct target *t = d->run->target;
	struct pair *p = d->run->pair;

	edu_ask(p->qemu, d->device, busy);
	for (unsigned i = 0; i < t->fault_regs; i++)
		qtest_read(p->qemu, p->reg_base + t->fault_reg[i].offset, t->fault_reg[i].width,
			   &d->theirs.reg[i]);
	for (unsigned n = 0; d->store && n < RUN_WINDOWS; n++)
		qtest_read_bytes(p->qemu, run_window_addr(n), run_window_bytes(n),
				 d->theirs.window[n]);
}

static void normalise(const struct target *t, struct view *v)
{
	if (t->fault_regs != 0)
		t->normalise(v->reg);
}

static int transfer(struct dma *d, struct err *err)
{
	const struct target *t = d->run->target;
	struct pair *p = d->run->pair;
	uint64_t busy = 1;
	int ret;

	/* Fault registers before: both sides show the same, the last comparison saw to it. */
	for (unsigned i = 0; i < t->fault_regs; i++)
		qtest_read(p->qemu, p->reg_base + t->fault_reg[i].offset, t->fault_reg[i].width,
			   &d->before.reg[i]);
	view_ours(d, &d->before);
	d->theirs = d->before; /* a load changes no memory */
	edu_start(p->qemu, d->device, d->store ? EDU_STORE : EDU_LOAD, d->iova, d->at, d->bytes);
	ret = qtest_sync(p->qemu, err);
	for (unsigned polls = 0; ret == 0 && (busy & 1); polls++) {
		if (polls == POLLS_MAX)
			return err_set(err, -ETIMEDOUT, "device %u does not end", d->device);
		ask(d, &busy);
		ret = qtest_sync(p->qemu, err);
	}
	if (ret != 0)
		return ret;
	normalise(t, &d->before);
	normalise(t, &d->theirs);
	if (p->ours == NULL)
		return 0;
	pair_dma_ours(p, d->device, d->store ? EDU_STORE : EDU_LOAD, d->iova, d->at, d->bytes,
		      d->part);
	view_ours(d, &d->ours);
	for (unsigned i = 0; i < t->fault_regs; i++)
		d->ours.reg[i] = p->ours->ops->reg_read(p->ours, t->fault_reg[i].offset,
							t->fault_reg[i].width);
	normalise(t, &d->ours);
	return 0;
}

/* Which departures does QEMU need to be right? -1: it is wrong. */
static int judge_theirs(struct dma *d)
{
	struct load load = {.op = d->run->op, .device = d->device, .at = d->at, .bytes = d->bytes};
	int departure = -1;

	for (unsigned i = 0; i < d->combinations; i++) {
		const struct combination *c = &d->combination[i];
		const struct view v = dma_predict(d, c);

		if (!dma_alike(d->run->target, &v, &d->theirs))
			continue;
		if (departure < 0 || c->departure == DEPART_NONE)
			departure = (int)c->departure;
		if (!d->store)
			dma_expect_load(d, &load, c);
	}
	if (departure >= 0 && !d->store)
		d->run->load[d->run->loads++] = load;
	return departure;
}

static bool judge_ours(const struct dma *d)
{
	for (unsigned i = 0; i < d->combinations; i++) {
		const struct combination *c = &d->combination[i];
		const struct view v = dma_predict(d, c);

		if (c->departure == DEPART_NONE && dma_ours_did(d, c) &&
		    dma_alike(d->run->target, &v, &d->ours))
			return true;
	}
	return false;
}

/*
 * Bring QEMU's memory to ours, wherever a store may have ended, and take notice of the faults, so
 * that both go on alike.
 */
static void realign(struct dma *d)
{
	const struct target *t = d->run->target;
	const struct pair *p = d->run->pair;

	for (unsigned i = 0; d->store && d->combinations > 1 && i < d->parts; i++) {
		for (unsigned k = 0; k < d->outcomes[i]; k++) {
			const struct outcome *o = &d->outcome[i][k];

			if (!o->blocked && o->paddr <= PAIR_RAM_BYTES - d->part[i].bytes)
				qtest_write_bytes(p->qemu, o->paddr, d->part[i].bytes,
						  p->ram + o->paddr);
		}
	}
	if (memcmp(d->ours.reg, d->theirs.reg, t->fault_regs * sizeof(d->ours.reg[0])) != 0)
		t->acknowledge(d->run->state);
}

static void count(struct dma *d, int departure)
{
	struct tally *tally = d->run->tally;
	unsigned permitted = 0;

	for (unsigned i = 0; i < d->combinations; i++)
		permitted += d->combination[i].departure == DEPART_NONE;
	*(d->store ? &tally->stores : &tally->loads) += 1;
	tally->blocked += d->combination[0].part[0]->blocked && d->combinations == 1;
	tally->departures[departure]++;
	if (permitted == 1) {
		tally->pinned++;
	} else {
		tally->choices++;
		tally->choices_alike += dma_alike(d->run->target, &d->ours, &d->theirs);
	}
}

/* Without a model of ours, what QEMU did is what memory holds. It comes with the next sync. */
static void adopt(struct dma *d)
{
	const struct pair *p = d->run->pair;

	d->ours = d->theirs;
	for (unsigned i = 0; d->store && i < d->parts; i++) {
		for (unsigned k = 0; k < d->outcomes[i]; k++) {
			const struct outcome *o = &d->outcome[i][k];

			if (!o->blocked && o->paddr <= PAIR_RAM_BYTES - d->part[i].bytes)
				qtest_read_bytes(p->qemu, o->paddr, d->part[i].bytes,
						 p->ram + o->paddr);
		}
	}
}

int run_dma(struct run *run, const struct op *op, struct err *err)
{
	struct dma d = {
		.run = run,
		.device = (unsigned)op->arg[0],
		.store = op->kind == OP_STORE,
		.iova = op->arg[1],
		.bytes = (uint32_t)op->arg[2],
		.at = (uint32_t)op->arg[3],
	};
	int ret, departure;

	/* Halves of the buffer: what stores send from is never loaded over. */
	if (op->arg[0] >= PAIR_DEVICES || op->arg[2] < 1 || op->arg[2] > 8 ||
	    op->arg[3] > EDU_USABLE_BYTES - 8 || (op->arg[3] + 8 <= 2048) != d.store ||
	    op->arg[1] > UINT64_MAX - 8 || (op->arg[1] + 8) >> 20 == 0xfee ||
	    op->arg[1] >> 20 == 0xfee) {
		run->tally->skipped++;
		return 0;
	}
	split(&d);
	combine(&d);
	ret = transfer(&d, err);
	if (ret != 0)
		return ret;
	departure = judge_theirs(&d);
	if (departure < 0)
		dma_found(&d, FIND_DMA_THEIRS);
	if (run->pair->ours == NULL)
		adopt(&d);
	else if (!judge_ours(&d))
		dma_found(&d, FIND_DMA_OURS);
	if (run->finding->kind != FIND_NONE)
		return 0;
	count(&d, departure);
	if (run->pair->ours != NULL)
		realign(&d);
	return run->target->compare(run->state, err);
}
