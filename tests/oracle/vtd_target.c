// SPDX-License-Identifier: MIT
/*
 * VT-d as a target of the oracle: QEMU's intel-iommu against our "vtd". Registers and their bits
 * follow the VT-d specification, "Register Descriptions". Every register write that the judge has
 * to know of goes through here; writes that would end QEMU are not sent.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "vtd_judge.h"
#include "vtd_program.h"

#define GCMD_TE    (UINT64_C(1) << 31)
#define GCMD_SRTP  (UINT64_C(1) << 30)
#define GCMD_QIE   (UINT64_C(1) << 26)
#define FSTS_IQE   UINT64_C(0x10)
#define GO         (UINT64_C(1) << 63)
#define PASID      (UINT64_C(0xfffff) << 40)
#define SLOTS      256u
#define SLOT_BYTES 16u

struct vtd {
	struct run *run;
	struct vtd_judge *judge;
	uint64_t level; /* GCMD bits that are levels, as set */
	uint64_t rtaddr, iva;
	uint64_t head, tail; /* of the queue, as QEMU's registers have them */
	uint64_t fsts;       /* as QEMU's register had it last */
	bool ccmd_domain;    /* the last context invalidation asked for a domain */
	uint64_t extra;      /* one more register to compare, or 0 */
};

static void *begin(struct run *run)
{
	struct vtd *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	v->run = run;
	v->judge = vtd_judge_create(run->pair, vtd_width(run->config.variant),
				    vtd_device_tlb(run->config.variant),
				    vtd_line_pages(run->config.variant));
	if (v->judge == NULL) {
		free(v);
		return NULL;
	}
	return v;
}

static void end(void *state)
{
	struct vtd *v = state;

	vtd_judge_destroy(v->judge);
	free(v);
}

static void reg64(struct vtd *v, uint64_t offset, uint64_t value)
{
	pair_reg_write(v->run->pair, offset, value, 8);
}

static void reg32(struct vtd *v, uint64_t offset, uint64_t value)
{
	pair_reg_write(v->run->pair, offset, value, 4);
}

static void acknowledge(void *state)
{
	reg64(state, 0x228, GO); /* F of the one fault record */
	reg32(state, 0x34, 1);   /* PFO */
}

static uint64_t next_slot(uint64_t at)
{
	return (at + SLOT_BYTES) % (SLOTS * SLOT_BYTES);
}

/* A wait descriptor that only writes its status: what a queue may end in. */
static void put_wait(struct vtd *v, uint64_t at)
{
	pair_poke(v->run->pair, VTDP_QUEUE + at, UINT64_C(0x600d) << 32 | 1 << 5 | 5);
	pair_poke(v->run->pair, VTDP_QUEUE + at + 8, VTDP_STATUS + 0x80);
}

static void submit(struct vtd *v, uint64_t lo, uint64_t hi)
{
	pair_poke(v->run->pair, VTDP_QUEUE + v->tail, lo);
	pair_poke(v->run->pair, VTDP_QUEUE + v->tail + 8, hi);
	v->tail = next_slot(v->tail);
	reg64(v, 0x88, v->tail);
}

/* The queue stops at a descriptor it cannot read; it is overwritten, and the queue goes on. */
static void recover(struct vtd *v)
{
	if (!(v->fsts & FSTS_IQE))
		return;
	put_wait(v, v->head);
	reg32(v, 0x34, FSTS_IQE);
	reg64(v, 0x88, v->tail);
}

static void queue(struct vtd *v, bool on)
{
	if (on == !!(v->level & GCMD_QIE))
		return;
	if (on) {
		reg64(v, 0x88, 0);
		reg64(v, 0x90, VTDP_QUEUE);
		v->head = v->tail = 0;
	} else {
		for (uint64_t at = v->head; at != v->tail; at = next_slot(at))
			put_wait(v, at);
		recover(v);
		submit(v, UINT64_C(0x600d) << 32 | 1 << 5 | 5, VTDP_STATUS + 0x80);
	}
	v->level ^= GCMD_QIE;
	reg32(v, 0x18, v->level);
}

/* Wait descriptors that write and interrupt at once end QEMU, those that do neither are refused. */
static bool both_or_neither(uint64_t lo)
{
	return (lo & 0xf) == 5 && ((lo & 0x30) == 0x30 || (lo & 0x30) == 0);
}

static void write64(struct vtd *v, uint64_t offset, uint64_t value)
{
	switch (offset) {
	case 0x20:
		v->rtaddr = value;
		break;
	case 0x28:
		v->ccmd_domain = (value >> 61 & 3) == 2;
		break;
	case 0xf0:
		v->iva = value;
		break;
	}
	reg64(v, offset, value);
	if (!(value & GO))
		return;
	if (offset == 0x28)
		vtd_judge_context(v->judge, value >> 61 & 3, (uint16_t)value,
				  (uint16_t)(value >> 16), value >> 32 & 3);
	/* A mask beyond MAMV makes the request fail. */
	if (offset == 0xf8 && ((value >> 60 & 3) != 3 || (v->iva & 0x3f) <= 18))
		vtd_judge_iotlb(v->judge, value >> 60 & 3, (uint16_t)(value >> 32), v->iva);
}

/* Is @offset a register that programs may write with @width? Others are left alone. */
static bool writable(const struct vtd *v, uint64_t offset, unsigned width, uint64_t value)
{
	static const uint16_t narrow[] = {0x00, 0x1c, 0x34, 0x38, 0x3c, 0x40,
					  0x44, 0x9c, 0xa0, 0xa4, 0xa8, 0xac};

	/* Invalidation through registers and through the queue exclude each other. */
	if (width == 8)
		return offset == 0x20 || offset == 0xf0 ||
		       ((offset == 0x28 || offset == 0xf8) &&
			!((v->level & GCMD_QIE) && (value & GO)));
	if (offset == 0x34 && (value & FSTS_IQE))
		return false;
	if ((offset == 0x38 || offset == 0xa0) && !(value & 0x80000000))
		return false;
	for (unsigned i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++) {
		if (narrow[i] == offset)
			return true;
	}
	return false;
}

/* Types of capabilities that are not offered, which QEMU accepts; PFSID, which it does not. */
static bool unoffered(const struct vtd *v, uint64_t lo)
{
	const unsigned type = lo & 0xf;

	const uint64_t pfsid = lo & UINT64_C(0xfff000000000f000);

	return (type == 3 && (pfsid || !vtd_device_tlb(v->run->config.variant))) || type == 4 ||
	       type == 6 || type == 7;
}

/* A wait descriptor that writes where nothing is. */
static bool lost(uint64_t lo, uint64_t hi)
{
	return (lo & 0x2f) == 0x25 && hi >= PAIR_RAM_BYTES - 4;
}

static bool may_submit(const struct vtd *v, uint64_t lo, uint64_t hi)
{
	return (v->level & GCMD_QIE) && !both_or_neither(lo) && !unoffered(v, lo) &&
	       !lost(lo, hi) && next_slot(v->tail) != v->head;
}

static void execute_register(struct vtd *v, const struct op *op)
{
	const unsigned width = op->kind == OP_REG64 ? 8 : 4;

	if (!writable(v, op->arg[0], width, op->arg[1])) {
		v->run->tally->skipped++;
	} else if (width == 8) {
		write64(v, op->arg[0], op->arg[1]);
	} else {
		reg32(v, op->arg[0], (uint32_t)op->arg[1]);
		v->extra = op->arg[0];
	}
}

static int execute(void *state, const struct op *op, struct err *err)
{
	struct vtd *v = state;

	(void)err;
	switch (op->kind) {
	case OP_POKE:
		if (op->arg[0] >= RUN_TABLES && op->arg[0] <= RUN_TABLES_END - 8)
			pair_poke(v->run->pair, op->arg[0], op->arg[1]);
		else
			v->run->tally->skipped++;
		break;
	case OP_REG32:
	case OP_REG64:
		execute_register(v, op);
		break;
	case OP_ENABLE:
		v->level = (v->level & ~GCMD_TE) | (op->arg[0] ? GCMD_TE : 0);
		reg32(v, 0x18, v->level);
		vtd_judge_enable(v->judge, op->arg[0] != 0);
		break;
	case OP_ROOT:
		reg32(v, 0x18, v->level | GCMD_SRTP);
		vtd_judge_root(v->judge, v->rtaddr);
		break;
	case OP_QUEUE:
		queue(v, op->arg[0] != 0);
		break;
	case OP_DESC:
		if (may_submit(v, op->arg[0], op->arg[1]))
			submit(v, op->arg[0], op->arg[1]);
		else
			v->run->tally->skipped++;
		break;
	case OP_RECOVER:
		recover(v);
		break;
	case OP_ACK:
		acknowledge(v);
		break;
	default:
		break;
	}
	return 0;
}

/* Tell the judge what the queue has carried out: all up to the head, which both sides agree on. */
static void follow_queue(struct vtd *v, uint64_t head)
{
	while ((v->level & GCMD_QIE) && v->head != head) {
		const uint64_t lo = pair_peek(v->run->pair, VTDP_QUEUE + v->head);
		const uint64_t hi = pair_peek(v->run->pair, VTDP_QUEUE + v->head + 8);

		if ((lo & 0xf) == 1)
			vtd_judge_context(v->judge, lo >> 4 & 3, (uint16_t)(lo >> 16),
					  (uint16_t)(lo >> 32), lo >> 48 & 3);
		if ((lo & 0xf) == 2)
			vtd_judge_iotlb(v->judge, lo >> 4 & 3, (uint16_t)(lo >> 16), hi);
		v->head = next_slot(v->head);
	}
}

static const struct compared {
	const char *name;
	uint64_t offset;
	unsigned width;
} compared[] = {
	{"GSTS", 0x1c, 4},  {"RTADDR", 0x20, 8}, {"CCMD", 0x28, 8},     {"FSTS", 0x34, 4},
	{"FECTL", 0x38, 4}, {"IQH", 0x80, 8},    {"IQT", 0x88, 8},      {"ICS", 0x9c, 4},
	{"IECTL", 0xa0, 4}, {"IOTLB", 0xf8, 8},  {"FRCD lo", 0x220, 8}, {"FRCD hi", 0x228, 8},
	{"written", 0, 4}, /* the offset is that of the register just written */
};

#define COMPARED (sizeof(compared) / sizeof(compared[0]))

static int compare(void *state, struct err *err)
{
	struct vtd *v = state;
	uint64_t theirs[COMPARED], ours[COMPARED], status[32];
	int ret;

	for (unsigned i = 0; i < COMPARED; i++)
		pair_reg_read(v->run->pair, compared[i].offset ? compared[i].offset : v->extra,
			      compared[i].width, &theirs[i], &ours[i]);
	qtest_read_bytes(v->run->pair->qemu, VTDP_STATUS, sizeof(status), status);
	ret = qtest_sync(v->run->pair->qemu, err);
	if (ret != 0)
		return ret;
	v->fsts = theirs[3];
	v->run->tally->departures[DEPART_PASID] += (theirs[11] & PASID) != 0;
	theirs[11] &= ~PASID;
	if (!((theirs[11] | ours[11]) & GO)) /* no record: its fields are leftovers */
		theirs[10] = theirs[11] = ours[10] = ours[11] = 0;
	v->run->tally->registers += COMPARED;
	for (unsigned i = 0; i < COMPARED && v->run->pair->ours != NULL; i++) {
		uint64_t mask = UINT64_MAX;

		if (compared[i].offset == 0x28 && v->ccmd_domain) {
			mask = ~(UINT64_C(3) << 59); /* CAIG: domain or global */
			v->run->tally->departures[DEPART_CAIG] += theirs[i] != ours[i];
		}
		if (compared[i].offset == 0 && v->extra == 0xa4) {
			v->run->tally->departures[DEPART_IEDATA] += theirs[i] != ours[i];
			theirs[i] &= 0xffff;
		}
		if ((theirs[i] ^ ours[i]) & mask)
			run_find(v->run, FIND_REGISTER, compared[i].offset + v->extra,
				 "register %s (0x%" PRIx64 "): QEMU 0x%" PRIx64 ", ours 0x%" PRIx64,
				 compared[i].name, compared[i].offset + v->extra, theirs[i],
				 ours[i]);
	}
	for (unsigned i = 0; i < 32; i++) {
		const uint64_t mine = pair_peek(v->run->pair, VTDP_STATUS + 8 * i);

		if (v->run->pair->ours == NULL)
			pair_poke(v->run->pair, VTDP_STATUS + 8 * i, status[i]);
		else if (mine != status[i])
			run_find(v->run, FIND_MEMORY, 0,
				 "status at +0x%x: QEMU 0x%" PRIx64 ", ours 0x%" PRIx64, 8 * i,
				 status[i], mine);
	}
	v->extra = 0;
	follow_queue(v, theirs[5]);
	return 0;
}

static void disable(void *state)
{
	struct vtd *v = state;

	reg32(v, 0x18, v->level & ~GCMD_TE);
}

static unsigned judge_access(void *state, uint16_t sid, uint64_t iova, bool write,
			     struct outcome *out)
{
	return vtd_judge_access(((struct vtd *)state)->judge, sid, iova, write, out);
}

/* FSTS without what the queue sets; a record only while its F says that there is one. */
static void normalise(uint64_t *reg)
{
	reg[0] &= 0xff03;
	reg[2] &= ~PASID;
	if (!(reg[2] & GO))
		reg[1] = reg[2] = 0;
}

/*
 * "Primary fault logging": nothing more after an overflow; a requester that is pending already is
 * not recorded twice; without a free record it is an overflow. Registers: FSTS, record lo, hi.
 */
static void record(uint64_t *reg, uint16_t sid, uint64_t iova, bool write, uint8_t reason)
{
	if (reg[0] & 1)
		return;
	if (reg[2] & GO) {
		if ((uint16_t)reg[2] != sid)
			reg[0] |= 1;
		return;
	}
	reg[0] |= 2; /* PPF; the index is 0 */
	reg[1] = iova & ~UINT64_C(0xfff);
	reg[2] = GO | (write ? 0 : UINT64_C(1) << 62) | (uint64_t)reason << 32 | sid;
}

static const enum departure departures[] = {
	DEPART_SILENT,       DEPART_BY_SOURCE,   DEPART_PASS_EAGER,   DEPART_PASS_RANGE,
	DEPART_FPD,          DEPART_WINDOW_PAGE, DEPART_CAIG,         DEPART_PASID,
	DEPART_IEDATA,       DEPART_WAIT_BOTH,   DEPART_WAIT_NEITHER, DEPART_DEVTLB_SENT,
	DEPART_QIE_OFF,      DEPART_IQE_RESUME,  DEPART_WAIT_LOST,    DEPART_WINDOW,
	DEPART_ONE_RECORD,   DEPART_DEVTLB_TYPE, DEPART_PFSID,        DEPART_CACHING_MODE,
	DEPART_CAPABILITIES, DEPART_NONE,
};

const struct target vtd_target = {
	.name = "vtd",
	.title = "Intel VT-d, legacy mode",
	.variants = VTD_VARIANTS,
	.configure = vtd_configure,
	.generate = vtd_generate,
	.begin = begin,
	.end = end,
	.execute = execute,
	.compare = compare,
	.disable = disable,
	.access = judge_access,
	.fault_regs = 3,
	.fault_reg = {{0x34, 4}, {0x220, 8}, {0x228, 8}},
	.normalise = normalise,
	.record = record,
	.acknowledge = acknowledge,
	.departures = departures,
};
