/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing the BCM5704: the order of register writes is that of tg3_reset_hw() in
 * Linux's tg3, less what only a real chip's firmware and PHY need.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/tg3_driver_internal.h"

static void wr(struct tg3_driver *d, uint32_t offset, uint32_t value)
{
	mmio_write(d->regs, cpu_current(d->machine), offset, value, 4);
}

static uint32_t rd(struct tg3_driver *d, uint32_t offset)
{
	return (uint32_t)mmio_read(d->regs, cpu_current(d->machine), offset, 4);
}

void tg3_driver_doorbell(struct tg3_driver *d, struct cpu *cpu, uint32_t mailbox, uint32_t value)
{
	/* What the chip is told to look at, it must be able to reach. */
	if (iotoll_dma_publish(d->dma))
		d->stats.late_refusals++;
	mmio_write(d->regs, cpu, mailbox + TG3_MBOX_LOW, value, 4);
	if (d->read_back_doorbells)
		mmio_read(d->regs, cpu, mailbox + TG3_MBOX_LOW, 4);
}

/* ---- rings ---- */

static int coherent_alloc(struct tg3_driver *d, struct coherent *c, size_t bytes)
{
	iotoll_phys_t paddr;

	c->ptr = iotoll_dma_alloc_coherent(d->dma, bytes, &c->iova, &paddr);
	if (!c->ptr)
		return -ENOMEM;
	c->paddr = IOTOLL_PHYS_U64(paddr);
	c->bytes = bytes;
	return 0;
}

static void coherent_free(struct tg3_driver *d, struct coherent *c)
{
	if (c->ptr)
		iotoll_dma_free_coherent(d->dma, c->bytes, c->ptr, c->iova);
	c->ptr = NULL;
}

static int rings_alloc(struct tg3_driver *d)
{
	if (coherent_alloc(d, &d->std, TG3_STD_ENTRIES * TG3_RXD_BYTES) ||
	    coherent_alloc(d, &d->ret, TG3_RET_ENTRIES * TG3_RXD_BYTES) ||
	    coherent_alloc(d, &d->send, TG3_SEND_ENTRIES * TG3_TXD_BYTES) ||
	    coherent_alloc(d, &d->status, TG3_STATUS_BYTES) ||
	    coherent_alloc(d, &d->stats_block, TG3_STATS_BYTES))
		return -ENOMEM;
	return d->tx_copy ? coherent_alloc(d, &d->small, (size_t)TG3_SEND_ENTRIES * d->tx_copy) : 0;
}

static void rings_free(struct tg3_driver *d)
{
	coherent_free(d, &d->std);
	coherent_free(d, &d->ret);
	coherent_free(d, &d->send);
	coherent_free(d, &d->status);
	coherent_free(d, &d->stats_block);
	coherent_free(d, &d->small);
}

/* ---- the chip ---- */

static void wr_iova(struct tg3_driver *d, uint32_t high, uint32_t low, iotoll_iova_t iova)
{
	wr(d, high, (uint32_t)(IOTOLL_IOVA_U64(iova) >> 32));
	wr(d, low, (uint32_t)IOTOLL_IOVA_U64(iova));
}

/* One word of on-chip memory, through the window. */
static void wr_sram(struct tg3_driver *d, uint32_t offset, uint32_t value)
{
	wr(d, TG3_MEM_WIN_BASE, offset);
	wr(d, TG3_MEM_WIN_DATA, value);
	wr(d, TG3_MEM_WIN_BASE, 0);
}

static void wr_ring_block(struct tg3_driver *d, uint32_t block, const struct coherent *ring,
			  uint32_t entries, uint32_t nic_addr)
{
	wr_sram(d, block + TG3_RCB_HOST_HIGH, (uint32_t)(IOTOLL_IOVA_U64(ring->iova) >> 32));
	wr_sram(d, block + TG3_RCB_HOST_LOW, (uint32_t)IOTOLL_IOVA_U64(ring->iova));
	wr_sram(d, block + TG3_RCB_MAXLEN_FLAGS, entries << TG3_RCB_MAXLEN_SHIFT);
	wr_sram(d, block + TG3_RCB_NIC_ADDR, nic_addr);
}

static int chip_reset(struct tg3_driver *d, struct err *err)
{
	wr(d, TG3_GRC_MISC_CFG, TG3_GRC_MISC_CFG_CORECLK_RESET);
	if (rd(d, TG3_PCI_ID) != (TG3_PCI_DEVICE_5704 << 16 | TG3_PCI_VENDOR))
		return err_set(err, -ENODEV, "no BCM5704 answers: device and vendor id read %08x",
			       rd(d, TG3_PCI_ID));
	wr(d, TG3_MISC_HOST_CTRL, TG3_MISC_HOST_CTRL_MASK_INT | TG3_MISC_HOST_CTRL_TAGGED);
	wr(d, TG3_DMA_RW_CTRL, TG3_DMA_RW_CTRL_5704_PCIX133);
	wr(d, TG3_GRC_MODE,
	   TG3_GRC_MODE_HOST_LE | TG3_GRC_MODE_HOST_STACKUP | TG3_GRC_MODE_HOST_SENDBDS);
	return 0;
}

static void program_rings(struct tg3_driver *d)
{
	wr_iova(d, TG3_RCVDBDI_STD_BD + TG3_RCB_HOST_HIGH, TG3_RCVDBDI_STD_BD + TG3_RCB_HOST_LOW,
		d->std.iova);
	wr(d, TG3_RCVDBDI_STD_BD + TG3_RCB_MAXLEN_FLAGS, TG3_STD_MAX_BYTES << TG3_RCB_MAXLEN_SHIFT);
	wr(d, TG3_RCVDBDI_STD_BD + TG3_RCB_NIC_ADDR, TG3_SRAM_STD_BD);
	wr(d, TG3_RCVDBDI_JUMBO_BD + TG3_RCB_MAXLEN_FLAGS, TG3_RCB_DISABLED);
	wr(d, TG3_RCVDBDI_MINI_BD + TG3_RCB_MAXLEN_FLAGS, TG3_RCB_DISABLED);
	wr(d, TG3_RCVBDI_STD_THRESH, RX_POSTED / 8);
	wr_ring_block(d, TG3_SRAM_SEND_RCB, &d->send, TG3_SEND_ENTRIES, TG3_SRAM_SEND_BD);
	wr_ring_block(d, TG3_SRAM_RET_RCB, &d->ret, TG3_RET_ENTRIES, 0);
	wr(d, TG3_MBOX_STD_PROD + TG3_MBOX_LOW, 0);
	wr(d, TG3_MBOX_RET_CONS + TG3_MBOX_LOW, 0);
	wr(d, TG3_MBOX_SEND_PROD + TG3_MBOX_LOW, 0);
	wr(d, TG3_MBOX_SEND_NIC_PROD + TG3_MBOX_LOW, 0);
}

static void program_coalescing(struct tg3_driver *d, const struct tg3_coalesce *wanted)
{
	static const struct tg3_coalesce linux_5704 = {TG3_5704_RX_TICKS, TG3_5704_RX_FRAMES,
						       TG3_5704_TX_TICKS, TG3_5704_TX_FRAMES};
	const struct tg3_coalesce *c = wanted->rx_frames ? wanted : &linux_5704;

	wr(d, TG3_HOSTCC_MODE, 0);
	wr(d, TG3_HOSTCC_RX_TICKS, c->rx_us);
	wr(d, TG3_HOSTCC_TX_TICKS, c->tx_us);
	wr(d, TG3_HOSTCC_RX_FRAMES, c->rx_frames);
	wr(d, TG3_HOSTCC_TX_FRAMES, c->tx_frames);
	wr(d, TG3_HOSTCC_RX_TICKS_INT, TG3_5704_TICKS_INT);
	wr(d, TG3_HOSTCC_TX_TICKS_INT, TG3_5704_TICKS_INT);
	wr(d, TG3_HOSTCC_RX_FRAMES_INT, TG3_5704_FRAMES_INT);
	wr(d, TG3_HOSTCC_TX_FRAMES_INT, TG3_5704_FRAMES_INT);
	wr(d, TG3_HOSTCC_STAT_TICKS, TG3_5704_STAT_TICKS);
	wr_iova(d, TG3_HOSTCC_STATS_HIGH, TG3_HOSTCC_STATS_LOW, d->stats_block.iova);
	wr_iova(d, TG3_HOSTCC_STATUS_HIGH, TG3_HOSTCC_STATUS_LOW, d->status.iova);
	wr(d, TG3_HOSTCC_MODE,
	   TG3_MODE_ENABLE | TG3_HOSTCC_MODE_CLRTICK_RX | TG3_HOSTCC_MODE_CLRTICK_TX);
}

static void program_mac(struct tg3_driver *d, const uint8_t mac[6])
{
	wr(d, TG3_MAC_ADDR_0_HIGH, (uint32_t)mac[0] << 8 | mac[1]);
	wr(d, TG3_MAC_ADDR_0_LOW,
	   (uint32_t)mac[2] << 24 | (uint32_t)mac[3] << 16 | (uint32_t)mac[4] << 8 | mac[5]);
	wr(d, TG3_MAC_RX_MTU_SIZE, NET_FRAME_MAX + FCS_BYTES);
}

/* Each block on a frame's way; receive before transmit, the MAC's ends last. */
static void switch_on(struct tg3_driver *d, bool promiscuous)
{
	static const uint32_t blocks[] = {
		TG3_RCVCC_MODE,   TG3_RCVLPC_MODE,   TG3_WDMAC_MODE,  TG3_RDMAC_MODE,
		TG3_RCVDCC_MODE,  TG3_SNDDATAC_MODE, TG3_SNDBDC_MODE, TG3_RCVBDI_MODE,
		TG3_RCVDBDI_MODE, TG3_SNDDATAI_MODE, TG3_SNDBDI_MODE, TG3_SNDBDS_MODE,
	};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		wr(d, blocks[i], TG3_MODE_ENABLE);
	wr(d, TG3_MAC_TX_MODE, TG3_MAC_TX_MODE_ENABLE);
	wr(d, TG3_MAC_RX_MODE,
	   TG3_MAC_RX_MODE_ENABLE | (promiscuous ? TG3_MAC_RX_MODE_PROMISC : 0));
}

static int post_chunks(struct tg3_driver *d, struct err *err)
{
	const int rc = tg3_chunks_post(d->chunks, NULL);

	return rc ? err_set(err, rc, "receive buffers could not be %s",
			    rc == -EIO ? "mapped" : "allocated")
		  : 0;
}

static int post_one_by_one(struct tg3_driver *d, struct err *err)
{
	for (unsigned i = 0; i < RX_POSTED; i++) {
		const int rc = tg3_driver_rx_fill(d, NULL);

		if (rc)
			return err_set(err, rc, "receive buffer %u of %u could not be %s", i,
				       RX_POSTED, rc == -EIO ? "mapped" : "allocated");
	}
	return 0;
}

static int post_buffers(struct tg3_driver *d, struct err *err)
{
	const int rc = d->chunks ? post_chunks(d, err) : post_one_by_one(d, err);

	if (rc)
		return rc;
	if (iotoll_dma_publish(d->dma))
		d->stats.late_refusals++;
	wr(d, TG3_MBOX_STD_PROD + TG3_MBOX_LOW, d->std_prod);
	return 0;
}

static int chip_start(struct tg3_driver *d, const struct tg3_driver_config *config, struct err *err)
{
	int rc = chip_reset(d, err);

	if (rc)
		return rc;
	program_rings(d);
	program_mac(d, config->mac);
	program_coalescing(d, &config->coalesce);
	switch_on(d, config->promiscuous);
	rc = post_buffers(d, err);
	if (rc)
		return rc;
	wr(d, TG3_MISC_HOST_CTRL, TG3_MISC_HOST_CTRL_TAGGED);
	wr(d, TG3_MBOX_INTERRUPT + TG3_MBOX_LOW, d->last_tag << TG3_INTERRUPT_TAG_SHIFT);
	return 0;
}

/* ---- open and close ---- */

int tg3_driver_open(struct tg3_driver **out, const struct tg3_driver_config *config,
		    struct err *err)
{
	struct tg3_driver *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return err_set(err, -ENOMEM, "no memory for the NIC's driver");
	d->machine = config->machine;
	d->kmalloc = config->kmalloc;
	d->upper = config->upper;
	d->regs = config->regs;
	d->dma = config->dma;
	d->irq = config->irq;
	d->read_back_doorbells = config->read_back_doorbells;
	d->rx_object_bytes = config->page_buffers ? PAGE_BYTES : RX_OBJECT_BYTES;
	d->tx_copy = (config->tx_copy_bytes + CACHE_LINE_BYTES - 1) & ~(CACHE_LINE_BYTES - 1);
	d->poll = (struct softirq){.run = tg3_driver_poll, .ctx = d};
	*d->irq =
		(struct irq){.handler = tg3_driver_interrupt, .ctx = d, .target = config->irq_cpu};
	d->lines = kmalloc_alloc(d->kmalloc, CACHE_LINE_BYTES);
	d->batch = config->batch;
	if (!d->lines || tg3_driver_lists_alloc(d) || rings_alloc(d) ||
	    net_queue_init(&d->queue, TG3_DRIVER_QUEUE)) {
		rc = err_set(err, -ENOMEM, "no memory, or no DMA addresses, for the NIC's rings");
		goto close_driver;
	}
	vlock_init(&d->tx_lock, d->machine, kmalloc_phys(d->kmalloc, d->lines));
	if (config->rx_chunk_pages && tg3_chunks_create(&d->chunks, d, config->rx_chunk_pages,
							config->rx_hold_ps, config->irq_cpu)) {
		rc = err_set(err, -ENOMEM, "no memory for the NIC's receive buffers");
		goto close_driver;
	}
	rc = chip_start(d, config, err);
	if (rc)
		goto close_driver;
	*out = d;
	return 0;

close_driver:
	tg3_driver_close(d);
	return rc;
}

void tg3_driver_close(struct tg3_driver *d)
{
	if (!d)
		return;
	wr(d, TG3_MBOX_INTERRUPT + TG3_MBOX_LOW, TG3_INTERRUPT_MASKED);
	wr(d, TG3_GRC_MISC_CFG, TG3_GRC_MISC_CFG_CORECLK_RESET);
	tg3_driver_tx_free(d);
	tg3_driver_rx_free(d);
	rings_free(d);
	tg3_driver_lists_free(d);
	kmalloc_free(d->kmalloc, d->lines);
	free(d);
}

void tg3_driver_stats(const struct tg3_driver *d, struct tg3_driver_stats *out)
{
	*out = d->stats;
	out->tx_lock_acquisitions = d->tx_lock.acquisitions;
	out->tx_lock_contended = d->tx_lock.contended;
	out->tx_lock_wait_ps = d->tx_lock.wait_ps;
}
