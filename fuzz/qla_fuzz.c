// SPDX-License-Identifier: MIT
/*
 * Fuzzer for the Fibre Channel adapter and the disk behind it. The input is a program of register
 * accesses, bytes stored into the rings and anywhere else, commands with something wrong in them,
 * refused pages and time that passes: what a hostile guest can do. Judged: nothing crashes or
 * hangs, DMA stays where the IOMMU lets it, registers answer in their width, and whatever was done,
 * after a reset a read of known bytes works.
 */
#include <errno.h>
#include <string.h>

#include "dev/qla.h"
#include "input.h"
#include "refusing.h"
#include "spec/qla2300.h"
#include "spec/scsi.h"

#define MEMORY_BYTES (1u << 20)
#define VOLUME_BYTES (1u << 20)
#define REQ          0x10000u
#define RSP          0x20000u
#define ICB          0x30000u
#define DATA         0x40000u
#define CANARY       0x80000u /* never mapped: no device may touch it */
#define CANARY_BYTES 0x10000u
#define ENTRIES      32u

struct world {
	struct refusing iommu;
	struct sim *sim;
	struct machine *machine;
	struct bus *bus;
	struct disk *disk;
	struct qla *hba;
	uint16_t req_in;
	struct input in;
};

static uint8_t *memory(struct world *w, uint32_t at)
{
	return memory_ptr(w->machine->mem, at, 1);
}

static void wr(struct world *w, uint32_t offset, uint64_t value, unsigned width)
{
	qla_mmio_ops.write(w->hba, offset, value, width);
}

static void pass(struct world *w, uint64_t us)
{
	JUDGE(sim_run(w->sim, sim_now(w->sim) + us * SIM_US) == 0);
}

/* ---- setting it up ---- */

static void mailbox(struct world *w, uint16_t command)
{
	wr(w, QLA_MAILBOX(0), command, 2);
	wr(w, QLA_HCCR, QLA_HCCR_SET_HOST_INT, 2);
	wr(w, QLA_HCCR, QLA_HCCR_CLR_RISC_INT, 2);
}

static void start(struct world *w)
{
	uint8_t *icb = memory(w, ICB);

	memset(icb, 0, QLA_ICB_BYTES);
	icb[QLA_ICB_OFF_VERSION] = QLA_ICB_VERSION;
	qla_put16(icb + QLA_ICB_OFF_FRAME_PAYLOAD, 2048);
	qla_put16(icb + QLA_ICB_OFF_REQ_LENGTH, ENTRIES);
	qla_put16(icb + QLA_ICB_OFF_RSP_LENGTH, ENTRIES);
	qla_put64(icb + QLA_ICB_OFF_REQ_ADDRESS, REQ);
	qla_put64(icb + QLA_ICB_OFF_RSP_ADDRESS, RSP);
	w->req_in = 0;
	wr(w, QLA_CTRL_STATUS, QLA_CTRL_SOFT_RESET, 2);
	mailbox(w, QLA_MBC_EXECUTE_FIRMWARE);
	for (unsigned i = 1; i < 8; i++)
		wr(w, QLA_MAILBOX(i), 0, 2);
	wr(w, QLA_MAILBOX(2), ICB >> 16, 2);
	wr(w, QLA_MAILBOX(3), ICB & 0xffff, 2);
	mailbox(w, QLA_MBC_INITIALIZE_FIRMWARE);
	wr(w, QLA_ICTRL, QLA_ICTRL_EN_INT | QLA_ICTRL_EN_RISC, 2);
}

static uint8_t *entry(struct world *w)
{
	uint8_t *e = memory(w, REQ + w->req_in * QLA_ENTRY_BYTES);

	w->req_in = (uint16_t)((w->req_in + 1) % ENTRIES);
	memset(e, 0, QLA_ENTRY_BYTES);
	e[QLA_OFF_COUNT] = 1;
	return e;
}

static uint8_t *command(struct world *w, uint8_t op, uint32_t lba, uint16_t sectors, uint32_t data)
{
	uint8_t *e = entry(w);

	e[QLA_OFF_TYPE] = QLA_TYPE_COMMAND;
	qla_put16(e + QLA_CMD_OFF_FLAGS, op == SCSI_READ_10    ? QLA_CF_READ
					 : op == SCSI_WRITE_10 ? QLA_CF_WRITE
							       : 0);
	e[QLA_CMD_OFF_CDB] = op;
	scsi_put32(e + QLA_CMD_OFF_CDB + 2, lba);
	scsi_put16(e + QLA_CMD_OFF_CDB + 7, sectors);
	qla_put32(e + QLA_CMD_OFF_BYTES, sectors * 512u);
	qla_put16(e + QLA_CMD_OFF_SEGMENT_COUNT, sectors != 0);
	qla_segment_pack(e + QLA_CMD_OFF_SEGMENTS, false,
			 (struct qla_segment){.address = data, .bytes = sectors * 512u});
	return e;
}

/* ---- the program ---- */

/* A sound command, into which a few bytes of anything are written. */
static void do_command(struct world *w)
{
	static const uint8_t op[] = {SCSI_READ_10, SCSI_WRITE_10, SCSI_TEST_UNIT_READY,
				     SCSI_READ_CAPACITY_10};
	const uint8_t style = (uint8_t)take(&w->in, 1);
	const uint8_t o = op[style % 4];
	uint8_t *e = command(w, o, (uint32_t)take(&w->in, 2),
			     (uint16_t)(style % 4 < 2 ? take(&w->in, 1) % 64 : 0),
			     DATA + (uint32_t)take(&w->in, 2));

	for (unsigned n = style >> 6; n != 0; n--)
		e[take(&w->in, 1) % QLA_ENTRY_BYTES] = (uint8_t)take(&w->in, 1);
	if (style & 0x20)
		wr(w, QLA_REQ_IN, w->req_in, 2);
}

static void do_continuation(struct world *w)
{
	uint8_t *e = entry(w);

	e[QLA_OFF_TYPE] = take(&w->in, 1) & 1 ? QLA_TYPE_CONTINUE : QLA_TYPE_CONTINUE_A64;
	for (unsigned i = 8; i < QLA_ENTRY_BYTES; i++)
		e[i] = (uint8_t)take(&w->in, 1);
}

static void do_register(struct world *w)
{
	static const uint32_t likely[] = {QLA_REQ_IN,      QLA_RSP_OUT,    QLA_HCCR,
					  QLA_CTRL_STATUS, QLA_ICTRL,      QLA_MAILBOX(0),
					  QLA_MAILBOX(1),  QLA_MAILBOX(2), QLA_MAILBOX(3),
					  QLA_MAILBOX(6),  QLA_MAILBOX(7), QLA_HOST_STATUS};
	static const uint8_t widths[] = {2, 2, 2, 4, 2, 1, 8, 2};
	const uint8_t which = (uint8_t)take(&w->in, 1);
	const unsigned width = widths[take(&w->in, 1) % 8];
	const uint64_t offset = which & 0x80 ? take(&w->in, 2) : likely[which % 12];

	if (which & 0x40)
		JUDGE(width == 8 || qla_mmio_ops.read(w->hba, offset, width) >> (8 * width) == 0);
	else
		wr(w, (uint32_t)offset, take(&w->in, width), width);
}

static void do_store(struct world *w)
{
	const uint32_t at = (uint32_t)take(&w->in, 3) % CANARY;

	*memory(w, at) = (uint8_t)take(&w->in, 1);
}

static void step(struct world *w)
{

	switch (take(&w->in, 1) % 8) {
	case 0:
	case 1:
		do_command(w);
		break;
	case 2:
		do_register(w);
		break;
	case 3:
		do_store(w);
		break;
	case 4:
		do_continuation(w);
		break;
	case 5:
		w->iommu.refused ^= UINT64_C(1) << take(&w->in, 1) % 64;
		break;
	case 6:
		pass(w, take(&w->in, 1) * take(&w->in, 1));
		break;
	default:
		start(w);
	}
}

/* ---- the judgement at the end ---- */

static void untouched(struct world *w)
{
	const uint8_t *at = memory(w, CANARY);

	for (unsigned i = 0; i < CANARY_BYTES; i++)
		JUDGE(at[i] == 0xa5);
}

/* Whatever was done to it: after a reset it reads what is on the disk. */
static void still_works(struct world *w)
{
	uint8_t known[1024];

	for (unsigned i = 0; i < sizeof(known); i++)
		known[i] = (uint8_t)(i * 13 + 5);
	pass(w, 200000);
	w->iommu.refused = 0;
	start(w);
	memset(memory(w, RSP), 0, QLA_ENTRY_BYTES);
	disk_poke(w->disk, 4096, known, sizeof(known));
	qla_put32(command(w, SCSI_READ_10, 8, 2, DATA + 3) + QLA_OFF_HANDLE, 77);
	wr(w, QLA_REQ_IN, w->req_in, 2);
	pass(w, 1000000);
	JUDGE(memory(w, RSP)[QLA_OFF_TYPE] == QLA_TYPE_STATUS);
	JUDGE(qla_get32(memory(w, RSP) + QLA_OFF_HANDLE) == 77);
	JUDGE(qla_get16(memory(w, RSP) + QLA_STS_OFF_COMPLETION) == QLA_CS_COMPLETE);
	JUDGE(memcmp(memory(w, DATA + 3), known, sizeof(known)) == 0);
}

static bool make(struct world *w)
{
	static const struct profile profile = {
		.name = "fuzz",
		.clock_mhz = 1000,
		.cpus = 1,
		.memory_bytes = MEMORY_BYTES,
		.l2_bytes = 16384,
		.l2_ways = 4,
		.has_disk = true,
		.disk_cache_bytes = 64u << 10,
		.disk_drive_bytes = (uint64_t)1 << 30,
		.disk_spindles = 2,
		.disk_stripe_bytes = 16u << 10,
		.cost = {.bus_overhead = 50000,
			 .bus_byte = 1000,
			 .dma_read_latency = 500000,
			 .disk_adapter_command = 10 * SIM_US,
			 .disk_link_byte = 5 * SIM_NS,
			 .disk_link_latency = SIM_US,
			 .disk_array_command = 20 * SIM_US,
			 .disk_array_latency = 100 * SIM_US,
			 .disk_seek_track = 200 * SIM_US,
			 .disk_seek_average = 3200 * SIM_US,
			 .disk_rotation = 4 * SIM_MS,
			 .disk_media_byte = 10 * SIM_NS},
	};
	struct disk_config disk = {.bytes = VOLUME_BYTES};
	struct qla_config config;

	refusing_init(&w->iommu, CANARY);
	w->sim = sim_create();
	if (w->sim == NULL || machine_create(&w->machine, w->sim, &profile, NULL) != 0)
		return false;
	w->bus = bus_create(w->machine, &w->iommu.iommu, 0);
	disk.machine = w->machine;
	if (w->bus == NULL || disk_create(&w->disk, &disk, NULL) != 0)
		return false;
	qla_config_default(&config);
	config.bus = w->bus;
	config.devid = 8;
	config.disk = w->disk;
	if (qla_create(&w->hba, &config) != 0)
		return false;
	memset(memory(w, CANARY), 0xa5, CANARY_BYTES);
	start(w);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return 0;
	w->in = (struct input){data, bytes};
	if (make(w)) {
		while (w->in.left != 0)
			step(w);
		still_works(w);
		untouched(w);
	}
	qla_destroy(w->hba);
	disk_destroy(w->disk);
	bus_destroy(w->bus);
	machine_destroy(w->machine);
	sim_destroy(w->sim);
	free(w);
	return 0;
}
