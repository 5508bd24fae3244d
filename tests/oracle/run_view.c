// SPDX-License-Identifier: MIT
/*
 * See run_dma.h: what a side shows after a DMA, what it was to show, and the difference in words.
 */
#include "run_dma.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

uint64_t run_window_addr(unsigned n)
{
	return run_frame(n / 2) + (n % 2 ? 4088 : 0);
}

unsigned run_window_bytes(unsigned n)
{
	return n % 2 ? 8 : WINDOW_BYTES;
}

/* Put what a store leaves at @paddr into the windows of @v. */
static void place(const struct dma *d, struct view *v, uint64_t paddr, uint32_t at, uint32_t bytes)
{
	for (unsigned n = 0; n < RUN_WINDOWS; n++) {
		const uint64_t first = run_window_addr(n);

		for (uint32_t i = 0; i < bytes; i++) {
			if (paddr + i >= first && paddr + i < first + run_window_bytes(n))
				v->window[n][paddr + i - first] =
					d->run->pair->buffer[d->device][at + i];
		}
	}
}

struct view dma_predict(const struct dma *d, const struct combination *c)
{
	const struct target *t = d->run->target;
	struct view v = d->before;

	for (unsigned i = 0; i < d->parts; i++) {
		const struct outcome *o = c->part[i];

		if (!o->blocked && d->store)
			place(d, &v, o->paddr, d->part[i].at, d->part[i].bytes);
		else if (o->blocked && o->recorded && t->fault_regs != 0)
			t->record(v.reg, edu_source(d->device), d->part[i].iova, d->store,
				  o->reason);
	}
	return v;
}

bool dma_alike(const struct target *t, const struct view *a, const struct view *b)
{
	return memcmp(a->window, b->window, sizeof(a->window)) == 0 &&
	       memcmp(a->reg, b->reg, t->fault_regs * sizeof(a->reg[0])) == 0;
}

bool dma_ours_did(const struct dma *d, const struct combination *c)
{
	for (unsigned i = 0; i < d->parts; i++) {
		const struct pair_part *p = &d->part[i];

		if (c->part[i]->blocked != (p->ret != 0) ||
		    (p->ret == 0 && c->part[i]->paddr != p->xlat.paddr))
			return false;
	}
	return true;
}

static void describe(const struct dma *d, char *text, size_t bytes)
{
	size_t n = 0;

	for (unsigned i = 0; i < d->parts; i++) {
		for (unsigned k = 0; k < d->outcomes[i] && n + 60 < bytes; k++) {
			const struct outcome *o = &d->outcome[i][k];
			const char *who = o->departure ? " (QEMU only)" : "";

			n += (size_t)snprintf(text + n, bytes - n, k ? " or " : i ? "; then " : "");
			if (!o->blocked)
				n += (size_t)snprintf(text + n, bytes - n, "0x%" PRIx64 "%s",
						      o->paddr, who);
			else if (o->recorded)
				n += (size_t)snprintf(text + n, bytes - n, "fault %X%s", o->reason,
						      who);
			else
				n += (size_t)snprintf(text + n, bytes - n, "silence%s", who);
		}
	}
}

/* What a side showed, in words: registers that changed, and where the bytes went. */
static void describe_view(const struct dma *d, const struct view *v, char *text, size_t bytes)
{
	const struct target *t = d->run->target;
	size_t n = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < RUN_WINDOWS && n + 40 < bytes; i++) {
		if (memcmp(v->window[i], d->before.window[i], WINDOW_BYTES) != 0)
			n += (size_t)snprintf(text + n, bytes - n, "stored near 0x%" PRIx64 " ",
					      run_window_addr(i));
	}
	for (unsigned i = 0; i < t->fault_regs && n + 40 < bytes; i++)
		n += (size_t)snprintf(text + n, bytes - n, "[0x%" PRIx64 "]=0x%" PRIx64 " ",
				      t->fault_reg[i].offset, v->reg[i]);
}

void dma_found(const struct dma *d, enum finding_kind kind)
{
	char allowed[260], theirs[220], ours[220] = "-", did[120] = "";

	describe(d, allowed, sizeof(allowed));
	describe_view(d, &d->theirs, theirs, sizeof(theirs));
	if (d->run->pair->ours != NULL) {
		size_t n = 0;

		describe_view(d, &d->ours, ours, sizeof(ours));
		for (unsigned i = 0; i < d->parts; i++)
			n += (size_t)snprintf(did + n, sizeof(did) - n, "%d 0x%" PRIx64 " ",
					      d->part[i].ret, d->part[i].xlat.paddr);
	}
	run_find(d->run, kind, 0,
		 "%s is not what may happen\n  expected %s\n  QEMU     %s\n  ours     %s(%s)",
		 kind == FIND_DMA_OURS ? "what ours did" : "what QEMU did", allowed, theirs, ours,
		 did);
}
