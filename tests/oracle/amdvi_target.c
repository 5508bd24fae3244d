// SPDX-License-Identifier: MIT
/*
 * AMD-Vi as a target of the oracle: QEMU's amd-iommu against our "amdvi". QEMU 7.2 logs no events
 * (departure.c), so the event log stays off and an access is judged by where it ends. Registers
 * follow the AMD IOMMU specification, "IOMMU MMIO Registers".
 */
#include <inttypes.h>
#include <stdlib.h>

#include "amdvi_judge.h"
#include "amdvi_program.h"

#define ENABLE        UINT64_C(1)
#define COMMANDS      (UINT64_C(1) << 12)
#define BUFFER_BYTES  4096u
#define COMMAND_BYTES 16u

struct amdvi {
	struct run *run;
	struct amdvi_judge *judge;
	bool begun, enabled;
	uint64_t head, tail;
};

static const struct iotlb_config iotlb[] = {
	{.entries = 1024, .ways = 8, .line_pages = 1, .policy = "lru"},
	{.entries = 4, .ways = 4, .line_pages = 1, .policy = "fifo"},
	{.entries = 0, .line_pages = 1},
	{.entries = 64, .ways = 4, .line_pages = 4, .policy = "lru"},
};

#define VARIANTS ((unsigned)(sizeof(iotlb) / sizeof(iotlb[0])))

static void configure(unsigned variant, struct pair_config *config)
{
	config->device = "amd-iommu,intremap=off";
	config->reg_base = UINT64_C(0xfed80000);
	config->ours = (struct iommu_config){.model = "amdvi", .iotlb = iotlb[variant % VARIANTS]};
}

static void *begin(struct run *run)
{
	struct amdvi *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->run = run;
	a->judge = amdvi_judge_create(run->pair, AMDP_DEVICES,
				      iotlb[run->config.variant % VARIANTS].line_pages);
	if (a->judge == NULL) {
		free(a);
		return NULL;
	}
	return a;
}

static void end(void *state)
{
	struct amdvi *a = state;

	amdvi_judge_destroy(a->judge);
	free(a);
}

static void reg(struct amdvi *a, uint64_t offset, uint64_t value)
{
	pair_reg_write(a->run->pair, offset, value, 8);
}

static void enable(struct amdvi *a, bool on)
{
	if (!a->begun) {
		reg(a, 0x0, AMDP_DEVICES);                      /* one page */
		reg(a, 0x8, AMDP_COMMANDS | UINT64_C(8) << 56); /* 256 commands */
		reg(a, 0x2000, 0);
		reg(a, 0x2008, 0);
		a->begun = true;
	}
	reg(a, 0x18, on ? COMMANDS | ENABLE : COMMANDS);
	a->enabled = on;
	amdvi_judge_enable(a->judge, on);
}

/*
 * Illegal commands are not sent: 7.2 does not stop at them. Nor are those for devices' IOTLBs,
 * which nobody would answer, and waits that interrupt or store outside their place.
 */
static bool may_submit(const struct amdvi *a, uint64_t lo)
{
	const unsigned code = (unsigned)(lo >> 60);
	const uint64_t store = lo & UINT64_C(0xffffffffffff8);

	if (!a->enabled || (a->tail + COMMAND_BYTES) % BUFFER_BYTES == a->head)
		return false;
	return code == 2 || code == 3 || code == 5 || code == 8 ||
	       (code == 1 && (lo & 7) == 1 && store >= AMDP_STORE && store < AMDP_STORE + 256);
}

static int execute(void *state, const struct op *op, struct err *err)
{
	struct amdvi *a = state;

	(void)err;
	if (op->kind == OP_POKE && op->arg[0] >= RUN_TABLES && op->arg[0] <= RUN_TABLES_END - 8) {
		pair_poke(a->run->pair, op->arg[0], op->arg[1]);
	} else if (op->kind == OP_ENABLE) {
		enable(a, op->arg[0] != 0);
	} else if (op->kind == OP_DESC && may_submit(a, op->arg[0])) {
		pair_poke(a->run->pair, AMDP_COMMANDS + a->tail, op->arg[0]);
		pair_poke(a->run->pair, AMDP_COMMANDS + a->tail + 8, op->arg[1]);
		a->tail = (a->tail + COMMAND_BYTES) % BUFFER_BYTES;
		reg(a, 0x2008, a->tail);
	} else {
		a->run->tally->skipped++;
	}
	return 0;
}

static void follow_commands(struct amdvi *a, uint64_t head)
{
	while (a->head != head) {
		amdvi_judge_command(a->judge, pair_peek(a->run->pair, AMDP_COMMANDS + a->head),
				    pair_peek(a->run->pair, AMDP_COMMANDS + a->head + 8));
		a->head = (a->head + COMMAND_BYTES) % BUFFER_BYTES;
	}
}

static const struct {
	const char *name;
	uint64_t offset;
} compared[] = {
	{"device table base", 0x0}, {"command base", 0x8},    {"control", 0x18},
	{"command head", 0x2000},   {"command tail", 0x2008},
};

#define COMPARED (sizeof(compared) / sizeof(compared[0]))

static int compare(void *state, struct err *err)
{
	struct amdvi *a = state;
	struct pair *p = a->run->pair;
	uint64_t theirs[COMPARED], ours[COMPARED], stored[32];
	int ret;

	for (unsigned i = 0; i < COMPARED; i++)
		pair_reg_read(p, compared[i].offset, 8, &theirs[i], &ours[i]);
	qtest_read_bytes(p->qemu, AMDP_STORE, sizeof(stored), stored);
	ret = qtest_sync(p->qemu, err);
	if (ret != 0)
		return ret;
	if (theirs[3] == BUFFER_BYTES) {
		a->run->tally->departures[DEPART_HEAD]++;
		theirs[3] = 0;
	}
	a->run->tally->registers += COMPARED;
	for (unsigned i = 0; i < COMPARED && p->ours != NULL; i++) {
		if (theirs[i] != ours[i])
			run_find(a->run, FIND_REGISTER, compared[i].offset,
				 "register %s (0x%" PRIx64 "): QEMU 0x%" PRIx64 ", ours 0x%" PRIx64,
				 compared[i].name, compared[i].offset, theirs[i], ours[i]);
	}
	for (unsigned i = 0; i < 32; i++) {
		const uint64_t mine = pair_peek(p, AMDP_STORE + 8 * i);

		if (p->ours == NULL)
			pair_poke(p, AMDP_STORE + 8 * i, stored[i]);
		else if (mine != stored[i])
			run_find(a->run, FIND_MEMORY, 0,
				 "store at +0x%x: QEMU 0x%" PRIx64 ", ours 0x%" PRIx64, 8 * i,
				 stored[i], mine);
	}
	follow_commands(a, theirs[3] % BUFFER_BYTES);
	return 0;
}

static void disable(void *state)
{
	reg(state, 0x18, 0);
}

static unsigned judge_access(void *state, uint16_t sid, uint64_t iova, bool write,
			     struct outcome *out)
{
	return amdvi_judge_access(((struct amdvi *)state)->judge, sid, iova, write, out);
}

static void acknowledge(void *state)
{
	(void)state; /* no fault is ever noted */
}

static const enum departure departures[] = {
	DEPART_BY_SOURCE,    DEPART_PR,        DEPART_TV,     DEPART_WRAP,        DEPART_SKIPPED,
	DEPART_PTE_RESERVED, DEPART_PAGE_SIZE, DEPART_DTE_V,  DEPART_LEAF_RIGHTS, DEPART_HEAD,
	DEPART_EVENTS,       DEPART_RANGES,    DEPART_LEVELS, DEPART_ILLEGAL,     DEPART_WINDOW,
	DEPART_AMD_ABSENT,   DEPART_NONE,
};

const struct target amdvi_target = {
	.name = "amdvi",
	.title = "AMD-Vi, host translation",
	.variants = VARIANTS,
	.configure = configure,
	.generate = amdvi_generate,
	.begin = begin,
	.end = end,
	.execute = execute,
	.compare = compare,
	.disable = disable,
	.access = judge_access,
	.acknowledge = acknowledge,
	.departures = departures,
};
