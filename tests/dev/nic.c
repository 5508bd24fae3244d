/* SPDX-License-Identifier: MIT */
/* The bench for the NIC. */
#include "nic.h"

static const uint8_t mac[6] = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};

static void on_irq(void *ctx, struct cpu *cpu)
{
	(void)ctx; /* struct irq counts */
	(void)cpu;
}

static sim_time collect(void *ctx, struct frame *frame)
{
	struct nic *nic = ctx;
	const sim_time now = sim_now(nic->rig.sim);

	assert_true(nic->nsent < NIC_SENT_MAX);
	nic->sent_at[nic->nsent] = now;
	nic->sent[nic->nsent++] = frame;
	return now;
}

void nic_write(struct nic *nic, uint32_t offset, uint32_t value)
{
	mmio_write(&nic->regs, NULL, offset, value, 4);
}

uint32_t nic_read(struct nic *nic, uint32_t offset)
{
	return (uint32_t)mmio_read(&nic->regs, NULL, offset, 4);
}

void nic_sram_write(struct nic *nic, uint32_t at, uint32_t value)
{
	nic_write(nic, TG3_MEM_WIN_BASE, at);
	nic_write(nic, TG3_MEM_WIN_DATA, value);
}

static void set_ring(struct nic *nic, uint32_t at, uint32_t base, uint32_t entries)
{
	nic_sram_write(nic, at + TG3_RCB_HOST_HIGH, 0);
	nic_sram_write(nic, at + TG3_RCB_HOST_LOW, base);
	nic_sram_write(nic, at + TG3_RCB_MAXLEN_FLAGS, entries << TG3_RCB_MAXLEN_SHIFT);
}

void nic_setup(struct nic *nic)
{
	static const uint32_t plan[][2] = {
		{TG3_MISC_HOST_CTRL, TG3_MISC_HOST_CTRL_TAGGED},
		{TG3_DMA_RW_CTRL, TG3_DMA_RW_CTRL_5704_PCIX133},
		{TG3_GRC_MODE, TG3_GRC_MODE_HOST_LE},
		{TG3_RCVDBDI_STD_BD + TG3_RCB_HOST_LOW, NIC_STD},
		{TG3_RCVDBDI_STD_BD + TG3_RCB_MAXLEN_FLAGS,
		 TG3_STD_MAX_BYTES << TG3_RCB_MAXLEN_SHIFT},
		{TG3_RCVBDI_STD_THRESH, 25},
		{TG3_HOSTCC_STATUS_LOW, NIC_STATUS},
		{TG3_HOSTCC_STATS_LOW, NIC_STATS},
		{TG3_HOSTCC_RX_TICKS, TG3_5704_RX_TICKS},
		{TG3_HOSTCC_RX_FRAMES, TG3_5704_RX_FRAMES},
		{TG3_HOSTCC_TX_TICKS, TG3_5704_TX_TICKS},
		{TG3_HOSTCC_TX_FRAMES, TG3_5704_TX_FRAMES},
		{TG3_HOSTCC_RX_TICKS_INT, TG3_5704_TICKS_INT},
		{TG3_HOSTCC_TX_TICKS_INT, TG3_5704_TICKS_INT},
		{TG3_HOSTCC_RX_FRAMES_INT, TG3_5704_FRAMES_INT},
		{TG3_HOSTCC_TX_FRAMES_INT, TG3_5704_FRAMES_INT},
		{TG3_HOSTCC_MODE,
		 TG3_MODE_ENABLE | TG3_HOSTCC_MODE_CLRTICK_RX | TG3_HOSTCC_MODE_CLRTICK_TX},
		{TG3_RDMAC_MODE, TG3_MODE_ENABLE},
		{TG3_WDMAC_MODE, TG3_MODE_ENABLE},
		{TG3_MAC_TX_MODE, TG3_MODE_ENABLE},
		{TG3_MAC_RX_MODE, TG3_MODE_ENABLE},
	};

	set_ring(nic, TG3_SRAM_SEND_RCB, NIC_SEND, TG3_SEND_ENTRIES);
	set_ring(nic, TG3_SRAM_RET_RCB, NIC_RET, TG3_RET_ENTRIES);
	for (unsigned i = 0; i < sizeof(plan) / sizeof(plan[0]); i++)
		nic_write(nic, plan[i][0], plan[i][1]);
	nic->std_prod = 0;
	nic->send_prod = 0;
}

void nic_make(struct nic *nic, bool tick_restart)
{
	struct tg3_config config;

	memset(nic, 0, sizeof(*nic));
	rig_make(&nic->rig, true);
	for (unsigned i = 0; i < RIG_PAGES; i++)
		rig_map(&nic->rig, i, i * 4096, IOTOLL_READ | IOTOLL_WRITE);
	nic->pool = frame_pool_create();
	assert_non_null(nic->pool);
	nic->irq = (struct irq){
		.handler = on_irq, .ctx = nic, .target = machine_cpu(nic->rig.machine, 0)};
	tg3_config_default(&config);
	config.bus = nic->rig.bus;
	config.devid = RIG_DEVID;
	memcpy(config.mac, mac, 6);
	config.pool = nic->pool;
	config.irq = &nic->irq;
	config.wire = (struct frame_sink){.ctx = nic, .send = collect};
	config.tick_restart = tick_restart;
	assert_int_equal(tg3_create(&nic->tg3, &config), 0);
	mmio_window_init(&nic->regs, nic->rig.machine, &tg3_mmio_ops, nic->tg3);
	nic_setup(nic);
}

void nic_free(struct nic *nic)
{
	for (unsigned i = 0; i < nic->nsent; i++)
		frame_put(nic->sent[i]);
	mmio_window_fini(&nic->regs);
	tg3_destroy(nic->tg3);
	assert_int_equal(frame_pool_used(nic->pool), 0);
	frame_pool_destroy(nic->pool);
	rig_free(&nic->rig);
}

void nic_post(struct nic *nic, unsigned n, uint16_t bytes)
{
	for (unsigned i = 0; i < n; i++) {
		const unsigned at = (nic->std_prod + i) % TG3_STD_ENTRIES;
		const struct tg3_rxd d = {.addr = NIC_RX + 2048u * at + 2,
					  .bytes = bytes,
					  .flags = TG3_RXD_FLAG_END,
					  .opaque = TG3_RXD_OPAQUE_RING_STD | at};

		tg3_rxd_pack(rig_at(&nic->rig, NIC_STD + at * TG3_RXD_BYTES), &d);
	}
	nic->std_prod = (uint16_t)((nic->std_prod + n) % TG3_STD_ENTRIES);
	nic_write(nic, TG3_MBOX_STD_PROD + TG3_MBOX_LOW, nic->std_prod);
}

void nic_send(struct nic *nic, uint64_t addr, uint16_t bytes, uint16_t flags)
{
	const struct tg3_txd d = {.addr = addr, .bytes = bytes, .flags = flags};

	tg3_txd_pack(rig_at(&nic->rig, NIC_SEND + nic->send_prod * TG3_TXD_BYTES), &d);
	nic->send_prod = (nic->send_prod + 1) % TG3_SEND_ENTRIES;
}

void nic_send_go(struct nic *nic)
{
	nic_write(nic, TG3_MBOX_SEND_PROD + TG3_MBOX_LOW, nic->send_prod);
}

void nic_pattern(uint8_t *to, uint32_t bytes, unsigned seed)
{
	for (uint32_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(seed * 31 + i * 3 + i / 256);
	if (bytes >= 6)
		memcpy(to, mac, 6);
}

void nic_arrive(struct nic *nic, uint32_t bytes, unsigned seed)
{
	struct frame *frame = frame_get(nic->pool);

	assert_non_null(frame);
	nic_pattern(frame->data, bytes, seed);
	frame->bytes = bytes;
	tg3_receive(nic->tg3, frame);
}

void nic_run_us(struct nic *nic, unsigned us)
{
	rig_run_us(&nic->rig, us);
}

struct tg3_status nic_status(struct nic *nic)
{
	struct tg3_status s;

	tg3_status_unpack(&s, rig_at(&nic->rig, NIC_STATUS));
	return s;
}

struct tg3_rxd nic_returned(struct nic *nic, unsigned index)
{
	struct tg3_rxd d;

	tg3_rxd_unpack(&d, rig_at(&nic->rig, NIC_RET + index * TG3_RXD_BYTES));
	return d;
}
