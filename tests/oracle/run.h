/* SPDX-License-Identifier: MIT */
/*
 * Executing a program on both sides and holding them against each other after every operation.
 * What depends on the kind of IOMMU is behind a struct target; this part knows DMA, memory and
 * counting.
 */
#ifndef IOTOLL_TESTS_ORACLE_RUN_H
#define IOTOLL_TESTS_ORACLE_RUN_H

#include "base/rng.h"
#include "outcome.h"
#include "pair.h"
#include "program.h"

#define RUN_FAULT_REGS 4u
#define RUN_FRAMES     15u
#define RUN_WINDOWS    (2 * RUN_FRAMES)

/* Memory that programs use. DMA ends in the frames, 2 MiB apart by threes; tables lie below. */
#define RUN_TABLES     UINT64_C(0x100000)
#define RUN_TABLES_END UINT64_C(0x130000)
#define RUN_REGION(n)  (UINT64_C(0x2000000) + (uint64_t)(n)*0x200000)

struct run;

/* What a finding is about: shrinking keeps to the same kind. */
enum finding_kind {
	FIND_NONE,
	FIND_REGISTER,
	FIND_DMA_THEIRS,
	FIND_DMA_OURS,
	FIND_MEMORY,
	FIND_LOAD
};

struct finding {
	enum finding_kind kind;
	uint64_t where; /* register, or 0 */
	size_t op;      /* index into the program; its length: found at the end */
	char text[900];
};

struct tally {
	uint64_t programs, ops, skipped, registers;
	uint64_t stores, loads, blocked; /* DMAs; those that both sides refused */
	uint64_t pinned;  /* accesses whose outcome the document leaves no choice in */
	uint64_t choices; /* the others: a stale entry is around */
	uint64_t choices_alike;
	uint64_t departures[DEPARTURES];
};

struct run_config {
	const char *binary;
	bool qemu_only;   /* hold QEMU alone against the judge */
	unsigned variant; /* of the target's configurations */
};

struct target {
	const char *name;
	const char *title;
	unsigned variants;
	/* Fill in what pair_create() needs for @variant. */
	void (*configure)(unsigned variant, struct pair_config *config);
	/* Append a random program of about @ops operations. 0 or -ENOMEM. */
	int (*generate)(struct program *p, struct rng *rng, unsigned variant, unsigned ops);
	/* The target's state of a run: made before the first operation, freed after the last. */
	void *(*begin)(struct run *run);
	void (*end)(void *state);
	/* Any operation but store and load. 0, or -errno with @err. May skip what makes no sense.
	 */
	int (*execute)(void *state, const struct op *op, struct err *err);
	/* Compare all registers. 0, or -errno with @err; a difference goes to run_find(). */
	int (*compare)(void *state, struct err *err);
	/* Translation off, so that buffers can be read back. */
	void (*disable)(void *state);
	unsigned (*access)(void *state, uint16_t sid, uint64_t iova, bool write,
			   struct outcome *out);
	/* Offsets and widths of the registers that tell of faults, as many as there are. */
	unsigned fault_regs;
	struct {
		uint64_t offset;
		unsigned width;
	} fault_reg[RUN_FAULT_REGS];
	/* Leave in them only what has a meaning. */
	void (*normalise)(uint64_t *reg);
	/* How those change when a fault is recorded. */
	void (*record)(uint64_t *reg, uint16_t sid, uint64_t iova, bool write, uint8_t reason);
	/* Acknowledge all faults on both sides. */
	void (*acknowledge)(void *state);
	const enum departure *departures; /* those that can occur; ends with DEPART_NONE */
};

#define LOAD_VALUES 16u

/* What a load may have brought, seen only when the buffers are read at the end. */
struct load {
	size_t op;
	unsigned device;
	uint32_t at, bytes;
	unsigned values;
	uint64_t value[LOAD_VALUES]; /* lowest address first */
	enum departure departure[LOAD_VALUES];
};

struct run {
	const struct target *target;
	struct run_config config;
	struct pair *pair;
	void *state; /* the target's */
	struct tally *tally;
	struct finding *finding;
	size_t op; /* the one being executed */
	struct load *load;
	unsigned loads;
};

/* The targets, NULL-terminated. */
extern const struct target *const targets[];
extern const struct target vtd_target;
extern const struct target amdvi_target;

/*
 * Execute @p on a fresh pair. 0 with @finding->kind FIND_NONE or what was found first; -errno with
 * @err if the comparison itself failed, as when QEMU ended. Counts into @tally.
 */
int run_program(const struct target *target, const struct run_config *config,
		const struct program *p, struct tally *tally, struct finding *finding,
		struct err *err) MUST_CHECK;

/* Note a difference; only the first of a run is kept. */
void run_find(struct run *run, enum finding_kind kind, uint64_t where, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Address of frame @n of RUN_FRAMES: pages 0, 1, 2, 510 and 511 of each region. */
uint64_t run_frame(unsigned n);

/* run_dma.c: one store or load; the same results as struct target's execute(). */
int run_dma(struct run *run, const struct op *op, struct err *err) MUST_CHECK;
/* After the last operation: what loads brought, against what was allowed. */
int run_check_loads(struct run *run, struct err *err) MUST_CHECK;

#endif
