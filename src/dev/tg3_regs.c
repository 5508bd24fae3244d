/* SPDX-License-Identifier: MIT */
/*
 * The NIC's register file: each register is a row with its reset value, the bits software can
 * write, the bits a written 1 clears, and what else a write does. Accesses are 32 bits wide; a
 * 64-bit access is two of them, low offset first. What is not in the table reads 0, ignores
 * writes and is counted (the chip's behaviour there is not published: our choice).
 */
#include "dev/tg3_internal.h"

struct reg_row {
	uint32_t offset, reset, writable, clear;
	void (*wrote)(struct tg3 *nic, uint32_t value);
};

static void wrote_host_ctrl(struct tg3 *nic, uint32_t value)
{
	tg3_interrupt_control(nic, value);
}

/* The driver sets ONE_DMA behind PCI-X at 100 and 133 MHz; the bus port obeys. */
static void wrote_dma_rw_ctrl(struct tg3 *nic, uint32_t value)
{
	nic->port.limits.one_dma =
		nic->config.bus_limits.one_dma || value & TG3_DMA_RW_CTRL_ONE_DMA;
}

static void wrote_window(struct tg3 *nic, uint32_t value)
{
	const uint32_t at = tg3_reg(nic, TG3_MEM_WIN_BASE);

	if (at < TG3_SRAM_BYTES)
		nic->sram[at / 4] = value;
}

static void wrote_std_prod(struct tg3 *nic, uint32_t value)
{
	(void)value;
	nic->rx.fetch_refused = false;
	tg3_rx_pump(nic);
}

static void wrote_ret_cons(struct tg3 *nic, uint32_t value)
{
	(void)value;
	tg3_rx_pump(nic);
}

static void wrote_send_prod(struct tg3 *nic, uint32_t value)
{
	(void)value;
	nic->tx.fetch_refused = false;
	tg3_tx_pump(nic);
}

static void wrote_mode(struct tg3 *nic, uint32_t value)
{
	(void)value;
	tg3_rx_pump(nic);
	tg3_tx_pump(nic);
}

static void wrote_hostcc_mode(struct tg3 *nic, uint32_t value)
{
	if (value & TG3_HOSTCC_MODE_NOW)
		tg3_status_update(nic);
	tg3_statistics_arm(nic, false);
}

static void wrote_stat_ticks(struct tg3 *nic, uint32_t value)
{
	(void)value;
	tg3_statistics_arm(nic, true);
}

static void wrote_mac_address(struct tg3 *nic, uint32_t value)
{
	(void)value;
	nic->filter = (uint64_t)(tg3_reg(nic, TG3_MAC_ADDR_0_HIGH) & 0xffff) << 32 |
		      tg3_reg(nic, TG3_MAC_ADDR_0_LOW);
}

static void wrote_misc_cfg(struct tg3 *nic, uint32_t value)
{
	if (value & TG3_GRC_MISC_CFG_CORECLK_RESET)
		tg3_reset(nic);
}

#define ALL UINT32_MAX
/* Reset bits of a mode register read back as 0: the reset is over when it is written. */
#define MODE  (ALL & ~TG3_MODE_RESET)
#define INDEX UINT32_C(0xffff)

/* clang-format off */
static const struct reg_row rows[] = {
	{TG3_PCI_ID, TG3_PCI_DEVICE_5704 << 16 | TG3_PCI_VENDOR, 0, 0, NULL},
	{TG3_MISC_HOST_CTRL, TG3_CHIPREV_5704_A3 << 16, 0xfffe, 0, wrote_host_ctrl},
	{TG3_DMA_RW_CTRL, 0, ALL, 0, wrote_dma_rw_ctrl},
	{TG3_PCISTATE, TG3_PCISTATE_BUS_SPEED_HIGH | TG3_PCISTATE_INT_NOT_ACTIVE, 0, 0, NULL},
	{TG3_MEM_WIN_BASE, 0, 0x00fffffc, 0, NULL},
	{TG3_MEM_WIN_DATA, 0, 0, 0, wrote_window},
	{TG3_MBOX_INTERRUPT, 0, ALL, 0, NULL},
	{TG3_MBOX_INTERRUPT + TG3_MBOX_LOW, 0, ALL, 0, tg3_interrupt_mailbox},
	{TG3_MBOX_STD_PROD, 0, ALL, 0, NULL},
	{TG3_MBOX_STD_PROD + TG3_MBOX_LOW, 0, INDEX, 0, wrote_std_prod},
	{TG3_MBOX_JUMBO_PROD, 0, ALL, 0, NULL},
	{TG3_MBOX_JUMBO_PROD + TG3_MBOX_LOW, 0, INDEX, 0, NULL},
	{TG3_MBOX_RET_CONS, 0, ALL, 0, NULL},
	{TG3_MBOX_RET_CONS + TG3_MBOX_LOW, 0, INDEX, 0, wrote_ret_cons},
	{TG3_MBOX_SEND_PROD, 0, ALL, 0, NULL},
	{TG3_MBOX_SEND_PROD + TG3_MBOX_LOW, 0, INDEX, 0, wrote_send_prod},
	{TG3_MBOX_SEND_NIC_PROD, 0, ALL, 0, NULL},
	{TG3_MBOX_SEND_NIC_PROD + TG3_MBOX_LOW, 0, INDEX, 0, NULL},
	{TG3_MAC_MODE, 0, MODE, 0, NULL},
	{TG3_MAC_STATUS, 0, 0, 0, NULL},
	{TG3_MAC_ADDR_0_HIGH, 0, INDEX, 0, wrote_mac_address},
	{TG3_MAC_ADDR_0_LOW, 0, ALL, 0, wrote_mac_address},
	{TG3_MAC_RX_MTU_SIZE, 1518, INDEX, 0, NULL},
	{TG3_MAC_TX_MODE, 0, MODE, 0, wrote_mode},
	{TG3_MAC_RX_MODE, 0, MODE, 0, wrote_mode},
	{TG3_SNDDATAI_MODE, 0, MODE, 0, NULL},
	{TG3_SNDDATAC_MODE, 0, MODE, 0, NULL},
	{TG3_SNDBDS_MODE, 0, MODE, 0, NULL},
	{TG3_SNDBDI_MODE, 0, MODE, 0, NULL},
	{TG3_SNDBDC_MODE, 0, MODE, 0, NULL},
	{TG3_RCVLPC_MODE, 0, MODE, 0, NULL},
	{TG3_RCVDBDI_MODE, 0, MODE, 0, NULL},
	{TG3_RCVDBDI_JUMBO_BD + TG3_RCB_HOST_HIGH, 0, ALL, 0, NULL},
	{TG3_RCVDBDI_JUMBO_BD + TG3_RCB_HOST_LOW, 0, ALL, 0, NULL},
	{TG3_RCVDBDI_JUMBO_BD + TG3_RCB_MAXLEN_FLAGS, TG3_RCB_DISABLED, ALL, 0, NULL},
	{TG3_RCVDBDI_JUMBO_BD + TG3_RCB_NIC_ADDR, 0, ALL, 0, NULL},
	{TG3_RCVDBDI_STD_BD + TG3_RCB_HOST_HIGH, 0, ALL, 0, NULL},
	{TG3_RCVDBDI_STD_BD + TG3_RCB_HOST_LOW, 0, ALL, 0, NULL},
	{TG3_RCVDBDI_STD_BD + TG3_RCB_MAXLEN_FLAGS, TG3_RCB_DISABLED, ALL, 0, NULL},
	{TG3_RCVDBDI_STD_BD + TG3_RCB_NIC_ADDR, 0, ALL, 0, NULL},
	{TG3_RCVDBDI_MINI_BD + TG3_RCB_HOST_HIGH, 0, ALL, 0, NULL},
	{TG3_RCVDBDI_MINI_BD + TG3_RCB_HOST_LOW, 0, ALL, 0, NULL},
	{TG3_RCVDBDI_MINI_BD + TG3_RCB_MAXLEN_FLAGS, TG3_RCB_DISABLED, ALL, 0, NULL},
	{TG3_RCVDBDI_MINI_BD + TG3_RCB_NIC_ADDR, 0, ALL, 0, NULL},
	{TG3_RCVDBDI_STD_CONS, 0, 0, 0, NULL},
	{TG3_RCVDCC_MODE, 0, MODE, 0, NULL},
	{TG3_RCVBDI_MODE, 0, MODE, 0, NULL},
	{TG3_RCVBDI_STD_THRESH, 0, INDEX, 0, NULL},
	{TG3_RCVCC_MODE, 0, MODE, 0, NULL},
	{TG3_HOSTCC_MODE, 0, MODE & ~TG3_HOSTCC_MODE_NOW, 0, wrote_hostcc_mode},
	{TG3_HOSTCC_RX_TICKS, 0, 0x3ff, 0, NULL},
	{TG3_HOSTCC_TX_TICKS, 0, 0x3ff, 0, NULL},
	{TG3_HOSTCC_RX_FRAMES, 0, 0xff, 0, NULL},
	{TG3_HOSTCC_TX_FRAMES, 0, 0xff, 0, NULL},
	{TG3_HOSTCC_RX_TICKS_INT, 0, 0x3ff, 0, NULL},
	{TG3_HOSTCC_TX_TICKS_INT, 0, 0x3ff, 0, NULL},
	{TG3_HOSTCC_RX_FRAMES_INT, 0, 0xff, 0, NULL},
	{TG3_HOSTCC_TX_FRAMES_INT, 0, 0xff, 0, NULL},
	{TG3_HOSTCC_STAT_TICKS, 0, ALL, 0, wrote_stat_ticks},
	{TG3_HOSTCC_STATS_HIGH, 0, ALL, 0, NULL},
	{TG3_HOSTCC_STATS_LOW, 0, ALL, 0, NULL},
	{TG3_HOSTCC_STATUS_HIGH, 0, ALL, 0, NULL},
	{TG3_HOSTCC_STATUS_LOW, 0, ALL, 0, NULL},
	{TG3_MEMARB_MODE, 0, MODE, 0, NULL},
	{TG3_BUFMGR_MODE, 0, MODE, 0, NULL},
	{TG3_RDMAC_MODE, 0, MODE, 0, wrote_mode},
	{TG3_RDMAC_STATUS, 0, 0, ALL, NULL},
	{TG3_WDMAC_MODE, 0, MODE, 0, wrote_mode},
	{TG3_WDMAC_STATUS, 0, 0, ALL, NULL},
	{TG3_GRC_MODE, 0, ALL, 0, NULL},
	{TG3_GRC_MISC_CFG, 0, ALL & ~TG3_GRC_MISC_CFG_CORECLK_RESET, 0, wrote_misc_cfg},
};
/* clang-format on */

#define ROWS (sizeof(rows) / sizeof(rows[0]))
static_assert(ROWS < UINT8_MAX, "the row index is a byte");

void tg3_regs_init(struct tg3 *nic)
{
	for (unsigned i = 0; i < ROWS; i++)
		nic->row[rows[i].offset / 4] = (uint8_t)(i + 1);
}

void tg3_regs_reset(struct tg3 *nic)
{
	const uint8_t *mac = nic->config.mac;

	for (unsigned i = 0; i < ROWS; i++)
		nic->reg[rows[i].offset / 4] = rows[i].reset;
	memset(nic->sram, 0, sizeof(nic->sram));
	/* Boot code leaves the station address there. */
	nic->reg[TG3_MAC_ADDR_0_HIGH / 4] = (uint32_t)mac[0] << 8 | mac[1];
	nic->reg[TG3_MAC_ADDR_0_LOW / 4] =
		(uint32_t)mac[2] << 24 | (uint32_t)mac[3] << 16 | (uint32_t)mac[4] << 8 | mac[5];
	wrote_mac_address(nic, 0);
	wrote_dma_rw_ctrl(nic, 0);
}

static uint32_t read_word(struct tg3 *nic, uint64_t offset)
{
	if (offset % 4 || offset / 4 >= TG3_REG_WORDS || !nic->row[offset / 4]) {
		nic->stats.unknown_accesses++;
		return 0;
	}
	switch (offset) {
	case TG3_PCISTATE:
		return (tg3_reg(nic, TG3_PCISTATE) & ~TG3_PCISTATE_INT_NOT_ACTIVE) |
		       (nic->co.line ? 0 : TG3_PCISTATE_INT_NOT_ACTIVE);
	case TG3_RCVDBDI_STD_CONS:
		return nic->rx.fetched;
	case TG3_MEM_WIN_DATA: {
		const uint32_t at = tg3_reg(nic, TG3_MEM_WIN_BASE);

		return at < TG3_SRAM_BYTES ? nic->sram[at / 4] : 0;
	}
	default:
		return nic->reg[offset / 4];
	}
}

static void write_word(struct tg3 *nic, uint64_t offset, uint32_t value)
{
	const struct reg_row *row;
	uint32_t *reg;

	if (offset % 4 || offset / 4 >= TG3_REG_WORDS || !nic->row[offset / 4]) {
		nic->stats.unknown_accesses++;
		return;
	}
	row = &rows[nic->row[offset / 4] - 1];
	reg = &nic->reg[offset / 4];
	*reg = ((*reg & ~row->writable) | (value & row->writable)) & ~(value & row->clear);
	if (row->wrote)
		row->wrote(nic, value);
}

static uint64_t mmio_read_op(void *ctx, uint64_t offset, unsigned width)
{
	struct tg3 *nic = ctx;
	uint64_t value;

	switch (width) {
	case 4:
		return read_word(nic, offset);
	case 8:
		value = read_word(nic, offset);
		return value | (uint64_t)read_word(nic, offset + 4) << 32;
	default:
		nic->stats.unknown_accesses++;
		return 0;
	}
}

static void mmio_write_op(void *ctx, uint64_t offset, uint64_t value, unsigned width)
{
	struct tg3 *nic = ctx;

	switch (width) {
	case 4:
		write_word(nic, offset, (uint32_t)value);
		break;
	case 8:
		write_word(nic, offset, (uint32_t)value);
		write_word(nic, offset + 4, (uint32_t)(value >> 32));
		break;
	default:
		nic->stats.unknown_accesses++;
	}
}

const struct mmio_ops tg3_mmio_ops = {
	.read = mmio_read_op,
	.write = mmio_write_op,
};

static struct tg3_ring ring(const uint32_t *block)
{
	return (struct tg3_ring){
		.base = (uint64_t)block[TG3_RCB_HOST_HIGH / 4] << 32 | block[TG3_RCB_HOST_LOW / 4],
		.length = block[TG3_RCB_MAXLEN_FLAGS / 4] >> TG3_RCB_MAXLEN_SHIFT,
		.usable = !(block[TG3_RCB_MAXLEN_FLAGS / 4] & TG3_RCB_DISABLED) &&
			  block[TG3_RCB_MAXLEN_FLAGS / 4] >> TG3_RCB_MAXLEN_SHIFT,
	};
}

struct tg3_ring tg3_ring_register(const struct tg3 *nic, uint32_t offset)
{
	return ring(&nic->reg[offset / 4]);
}

struct tg3_ring tg3_ring_sram(const struct tg3 *nic, uint32_t offset)
{
	return ring(&nic->sram[offset / 4]);
}
