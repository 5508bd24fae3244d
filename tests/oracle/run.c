// SPDX-License-Identifier: MIT
/*
 * See run.h.
 */
#include "run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct target *const targets[] = {
	&vtd_target,
	&amdvi_target,
	NULL,
};

void run_find(struct run *run, enum finding_kind kind, uint64_t where, const char *fmt, ...)
{
	struct finding *f = run->finding;
	va_list ap;

	if (f->kind != FIND_NONE)
		return;
	f->kind = kind;
	f->where = where;
	f->op = run->op;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
}

uint64_t run_frame(unsigned n)
{
	static const uint64_t page[] = {0, 1, 2, 510, 511};

	return RUN_REGION(n / 5) + page[n % 5] * 4096;
}

/* Distinct words all over the frames, so that a load tells where it came from. */
static void fill_frames(struct run *run)
{
	struct rng rng;

	rng_seed(&rng, 0x6672616d65);
	for (unsigned n = 0; n < RUN_FRAMES; n++) {
		uint8_t *frame = run->pair->ram + run_frame(n);

		for (unsigned i = 0; i < 4096; i += 8) {
			uint64_t word = rng_u64(&rng);

			memcpy(frame + i, &word, sizeof(word));
		}
		qtest_write_bytes(run->pair->qemu, run_frame(n), 4096, frame);
	}
}

static void compare_page(struct run *run, uint64_t addr, const uint8_t *theirs)
{
	const uint8_t *ours = run->pair->ram + addr;
	unsigned i = 0;

	while (i < 4096 && theirs[i] == ours[i])
		i++;
	if (i < 4096)
		run_find(run, FIND_MEMORY, 0,
			 "memory at 0x%" PRIx64 ": QEMU has %02x, ours has %02x", addr + i,
			 theirs[i], ours[i]);
}

/* Nothing was written that no operation accounts for. */
static int compare_memory(struct run *run, struct err *err)
{
	uint64_t pages = (RUN_TABLES_END - RUN_TABLES) / 4096 + RUN_FRAMES;
	uint8_t *theirs = malloc(pages * 4096);
	int ret;

	if (theirs == NULL)
		return err_set(err, -ENOMEM, "no memory to compare memory");
	for (uint64_t i = 0; i < pages; i++)
		qtest_read_bytes(run->pair->qemu,
				 i < RUN_FRAMES ? run_frame((unsigned)i)
						: RUN_TABLES + (i - RUN_FRAMES) * 4096,
				 4096, theirs + i * 4096);
	ret = qtest_sync(run->pair->qemu, err);
	for (uint64_t i = 0; ret == 0 && i < pages; i++)
		compare_page(run,
			     i < RUN_FRAMES ? run_frame((unsigned)i)
					    : RUN_TABLES + (i - RUN_FRAMES) * 4096,
			     theirs + i * 4096);
	free(theirs);
	return ret;
}

static int execute(struct run *run, const struct program *p, struct err *err)
{
	const struct target *t = run->target;
	int ret = 0;

	for (run->op = 0; ret == 0 && run->op < p->ops && run->finding->kind == FIND_NONE;
	     run->op++) {
		const struct op *op = &p->op[run->op];

		if (op->kind == OP_STORE || op->kind == OP_LOAD) {
			ret = run_dma(run, op, err);
		} else {
			ret = t->execute(run->state, op, err);
			if (ret == 0)
				ret = t->compare(run->state, err);
		}
		run->tally->ops++;
	}
	if (ret == 0 && run->finding->kind == FIND_NONE)
		ret = compare_memory(run, err);
	if (ret == 0 && run->finding->kind == FIND_NONE) {
		t->disable(run->state);
		ret = run_check_loads(run, err);
	}
	if (ret != 0)
		return err_prefix(err, ret, "operation %zu: ", run->op);
	return 0;
}

int run_program(const struct target *target, const struct run_config *config,
		const struct program *p, struct tally *tally, struct finding *finding,
		struct err *err)
{
	struct run run = {.target = target, .config = *config, .tally = tally, .finding = finding};
	struct pair_config pair = {.binary = config->binary};
	int ret;

	*finding = (struct finding){0};
	tally->programs++;
	target->configure(config->variant, &pair);
	pair.qemu_only = config->qemu_only;
	ret = pair_create(&run.pair, &pair, err);
	if (ret != 0)
		return ret;
	run.load = calloc(p->ops + 1, sizeof(*run.load));
	run.state = target->begin(&run);
	if (run.load == NULL || run.state == NULL) {
		ret = err_set(err, -ENOMEM, "no memory for a run");
	} else {
		fill_frames(&run);
		ret = execute(&run, p, err);
	}
	if (run.state != NULL)
		target->end(run.state);
	free(run.load);
	pair_destroy(run.pair);
	return ret;
}
