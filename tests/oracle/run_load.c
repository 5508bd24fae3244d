// SPDX-License-Identifier: MIT
/*
 * See run_dma.h: loads. What they brought lies in the devices' buffers, which are only read when
 * all operations are done, since reading them takes DMA.
 */
#include "run_dma.h"

#include <inttypes.h>

void dma_expect_load(const struct dma *d, struct load *load, const struct combination *c)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < d->parts; i++) {
		const struct pair_part *p = &d->part[i];

		for (uint32_t k = 0; k < p->bytes && !c->part[i]->blocked; k++) {
			const uint64_t addr = c->part[i]->paddr + k;

			if (addr < PAIR_RAM_BYTES)
				value |= (uint64_t)d->run->pair->ram[addr]
					 << (8 * (p->at + k - d->at));
		}
	}
	for (unsigned i = 0; i < load->values; i++) {
		if (load->value[i] == value) {
			if (c->departure == DEPART_NONE)
				load->departure[i] = DEPART_NONE;
			return;
		}
	}
	if (load->values < LOAD_VALUES) {
		load->value[load->values] = value;
		load->departure[load->values++] = c->departure;
	}
}

static uint64_t word(const uint8_t *from, uint32_t bytes)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < bytes; i++)
		value |= (uint64_t)from[i] << (8 * i);
	return value;
}

/* Ours was judged when it loaded: where from is all there is to it. */
static void check_load(struct run *run, const struct load *l, const uint8_t *buffer)
{
	const uint64_t theirs = word(buffer + l->at, l->bytes);

	for (unsigned i = 0; i < l->values; i++) {
		if (l->value[i] == theirs) {
			run->tally->departures[l->departure[i]]++;
			return;
		}
	}
	run->op = l->op;
	run_find(run, FIND_LOAD, 0, "the load brought QEMU 0x%" PRIx64 "; expected 0x%" PRIx64 "%s",
		 theirs, l->values ? l->value[0] : 0, l->values > 1 ? " or others" : "");
}

/* Only the last load into a place can be checked. */
static bool overwritten(const struct run *run, unsigned n)
{
	for (unsigned i = n + 1; i < run->loads; i++) {
		if (run->load[i].device == run->load[n].device &&
		    run->load[i].at < run->load[n].at + 8 && run->load[n].at < run->load[i].at + 8)
			return true;
	}
	return false;
}

int run_check_loads(struct run *run, struct err *err)
{
	uint8_t buffer[PAIR_DEVICES][EDU_BUFFER_BYTES];
	int ret = 0;

	for (unsigned n = 0; n < PAIR_DEVICES && ret == 0; n++) {
		const uint64_t to = RUN_TABLES_END + (uint64_t)n * EDU_BUFFER_BYTES;

		ret = edu_transfer(run->pair->qemu, n, EDU_STORE, to, 0, EDU_USABLE_BYTES, err);
		qtest_read_bytes(run->pair->qemu, to, EDU_BUFFER_BYTES, buffer[n]);
	}
	if (ret == 0)
		ret = qtest_sync(run->pair->qemu, err);
	for (unsigned i = 0; ret == 0 && i < run->loads; i++) {
		if (!overwritten(run, i))
			check_load(run, &run->load[i], buffer[run->load[i].device]);
	}
	return ret;
}
