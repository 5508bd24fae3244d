/* SPDX-License-Identifier: MIT */
/* The bench of the adapter's tests. */
#include "hba.h"

static void on_irq(void *ctx, struct cpu *cpu)
{
	struct hba *h = ctx;

	(void)cpu;
	h->irqs++;
}

void hba_wr(struct hba *h, uint32_t offset, uint16_t value)
{
	mmio_write(&h->regs, NULL, offset, value, 2);
}

uint16_t hba_rd(struct hba *h, uint32_t offset)
{
	return (uint16_t)mmio_read(&h->regs, NULL, offset, 2);
}

uint32_t hba_host_status(struct hba *h)
{
	return (uint32_t)mmio_read(&h->regs, NULL, QLA_HOST_STATUS, 4);
}

void hba_ack(struct hba *h)
{
	hba_wr(h, QLA_HCCR, QLA_HCCR_CLR_RISC_INT);
}

uint16_t hba_mailbox(struct hba *h, uint16_t mb[8])
{
	for (unsigned i = 0; i < 8; i++)
		hba_wr(h, QLA_MAILBOX(i), mb[i]);
	hba_wr(h, QLA_HCCR, QLA_HCCR_SET_HOST_INT);
	for (unsigned i = 0; i < 8; i++)
		mb[i] = hba_rd(h, QLA_MAILBOX(i));
	hba_ack(h);
	return mb[0];
}

uint16_t hba_start(struct hba *h)
{
	uint16_t execute[8] = {QLA_MBC_EXECUTE_FIRMWARE};
	uint16_t init[8] = {QLA_MBC_INITIALIZE_FIRMWARE, 0, HBA_ICB >> 16, HBA_ICB & 0xffff};
	uint8_t *icb = rig_at(&h->rig, HBA_ICB);

	memset(icb, 0, QLA_ICB_BYTES);
	icb[0] = 1;               /* version */
	qla_put16(icb + 4, 2048); /* frame payload */
	qla_put16(icb + 36, HBA_ENTRIES);
	qla_put16(icb + 38, HBA_ANSWERS);
	qla_put32(icb + 40, HBA_REQ);
	qla_put32(icb + 48, HBA_RSP);
	hba_wr(h, QLA_CTRL_STATUS, QLA_CTRL_SOFT_RESET);
	h->req_in = 0;
	assert_int_equal(hba_mailbox(h, execute), QLA_MBS_COMPLETE);
	hba_wr(h, QLA_ICTRL, QLA_ICTRL_EN_INT | QLA_ICTRL_EN_RISC);
	return hba_mailbox(h, init);
}

void hba_make(struct hba *h, bool translated)
{
	struct disk_config disk = {.bytes = HBA_VOLUME, .no_read_ahead = true};
	struct qla_config config;
	struct err err = {{0}};

	memset(h, 0, sizeof(*h));
	rig_make(&h->rig, translated);
	for (uint64_t i = 0; i < RIG_PAGES && translated; i++)
		rig_map(&h->rig, i, i * BUS_PAGE_BYTES, 3);
	disk.machine = h->rig.machine;
	assert_int_equal(disk_create(&h->disk, &disk, &err), 0);
	h->irq =
		(struct irq){.handler = on_irq, .ctx = h, .target = machine_cpu(h->rig.machine, 0)};
	qla_config_default(&config);
	config.bus = h->rig.bus;
	config.devid = RIG_DEVID;
	config.irq = &h->irq;
	config.disk = h->disk;
	assert_int_equal(qla_create(&h->qla, &config), 0);
	mmio_window_init(&h->regs, h->rig.machine, &qla_mmio_ops, h->qla);
	assert_int_equal(hba_start(h), QLA_MBS_COMPLETE);
	rig_run_us(&h->rig, 1);
	h->irqs = 0;
}

void hba_free(struct hba *h)
{
	qla_destroy(h->qla);
	mmio_window_fini(&h->regs);
	disk_destroy(h->disk);
	rig_free(&h->rig);
}

uint8_t *hba_entry(struct hba *h, uint8_t type, uint8_t count)
{
	uint8_t *e = rig_at(&h->rig, HBA_REQ + h->req_in * 64u);

	h->req_in = (uint16_t)((h->req_in + 1) % HBA_ENTRIES);
	memset(e, 0, 64);
	e[0] = type;
	e[1] = count;
	return e;
}

void hba_go(struct hba *h)
{
	hba_wr(h, QLA_REQ_IN, h->req_in);
}

void hba_segment(uint8_t *entry, unsigned i, uint32_t address, uint32_t bytes)
{
	const unsigned first = entry[0] == 0x02 ? 8 : 40;

	qla_put32(entry + first + 8 * i, address);
	qla_put32(entry + first + 8 * i + 4, bytes);
}

uint8_t *hba_command(struct hba *h, uint32_t handle, uint8_t op, uint32_t lba, uint16_t sectors)
{
	uint8_t *e = hba_entry(h, 0x11, 1);

	qla_put32(e + 4, handle);
	qla_put16(e + 12, op == SCSI_READ_10 ? 0x28 : op == SCSI_WRITE_10 ? 0x48 : 0x08);
	e[20] = op;
	scsi_put32(e + 22, lba);
	scsi_put16(e + 27, sectors);
	if (!sectors)
		return e;
	qla_put16(e + 18, 1);
	qla_put32(e + 36, sectors * 512u);
	hba_segment(e, 0, HBA_DATA, sectors * 512u);
	return e;
}

const uint8_t *hba_answer(struct hba *h, unsigned i)
{
	return rig_at(&h->rig, HBA_RSP + i * 64u);
}
