/* SPDX-License-Identifier: MIT */
/*
 * Broadcom BCM5704 class Ethernet controller ("Tigon3") as published: register offsets, on-chip
 * ring control blocks, descriptor and status block layouts. This header is all that the NIC model
 * and its driver share: constants and pure functions, no state. Names and values are those of
 * the Linux tg3 driver (tg3.h, 2.6.x), which follows Broadcom's programmer's guide. Where the
 * model takes less than the chip offers, the comment says "Model:".
 *
 * Byte order. Registers are 32 bits wide and a little-endian CPU loads and stores their value as
 * it is. Descriptors and the status block are arrays of 32-bit words; the chip is big-endian and
 * a driver on a little-endian host makes it swap (TG3_GRC_MODE_HOST_LE), after which each word
 * lies little-endian in host memory and frame bytes lie in wire order. 64-bit addresses are two
 * words, the high one first. Model: only that setting is offered; the bits read back.
 */
#ifndef IOTOLL_SPEC_TG3_H
#define IOTOLL_SPEC_TG3_H

#include <assert.h>
#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* clang-format off */

#define TG3_PCI_VENDOR		0x14e4u
#define TG3_PCI_DEVICE_5704	0x1648u
/* Memory BAR: 64 KiB, of which the lower half are registers. Accesses are 32 bits wide. */
#define TG3_WINDOW_BYTES	UINT32_C(0x10000)

/* ---- mirror of PCI configuration space ---- */

#define TG3_PCI_ID		UINT32_C(0x0000) /* device << 16 | vendor */
#define TG3_MISC_HOST_CTRL	UINT32_C(0x0068)
#define TG3_MISC_HOST_CTRL_CLEAR_INT	UINT32_C(0x00000001) /* write 1: deassert the line */
#define TG3_MISC_HOST_CTRL_MASK_INT	UINT32_C(0x00000002) /* the line is held back */
#define TG3_MISC_HOST_CTRL_TAGGED	UINT32_C(0x00000200) /* tagged status, see INTERRUPT */
#define TG3_MISC_HOST_CTRL_CHIPREV	UINT32_C(0xffff0000) /* read only: 0x2003 = 5704 A3 */
#define TG3_CHIPREV_5704_A3	UINT32_C(0x2003)

#define TG3_DMA_RW_CTRL		UINT32_C(0x006c)
#define TG3_DMA_RW_CTRL_ONE_DMA		UINT32_C(0x00004000) /* engines do not overlap */
#define TG3_DMA_RW_CTRL_ASSERT_ALL_BE	UINT32_C(0x00800000)
/* What the driver programs behind PCI-X at 100 or 133 MHz: commands 7/6, watermarks 3/7. */
#define TG3_DMA_RW_CTRL_5704_PCIX133	UINT32_C(0x769f4000)

#define TG3_PCISTATE		UINT32_C(0x0070) /* read only */
#define TG3_PCISTATE_INT_NOT_ACTIVE	UINT32_C(0x00000002) /* set: the line is not asserted */
#define TG3_PCISTATE_BUS_SPEED_HIGH	UINT32_C(0x00000008)

/* The window through which on-chip SRAM is reached: write the address, then the data. */
#define TG3_MEM_WIN_BASE	UINT32_C(0x007c)
#define TG3_MEM_WIN_DATA	UINT32_C(0x0084)

/* ---- mailboxes: 64-bit slots; the index goes to the low word, at + TG3_MBOX_LOW ---- */

#define TG3_MBOX_LOW		UINT32_C(0x4)

/*
 * INTERRUPT. A value with any of the low 24 bits set masks the line ("write 1"); any write
 * deasserts it. While masked the during-interrupt coalescing values are in force. With the low
 * 24 bits clear it is unmasked; in tagged mode bits 31:24 then hold the tag of the last status
 * block the driver has seen, and if the chip has written a newer one it interrupts at once.
 */
#define TG3_MBOX_INTERRUPT	UINT32_C(0x0200)
#define TG3_MBOX_STD_PROD	UINT32_C(0x0268) /* standard receive ring, producer (host) */
#define TG3_MBOX_JUMBO_PROD	UINT32_C(0x0270) /* Model: stored, no jumbo ring */
#define TG3_MBOX_RET_CONS	UINT32_C(0x0280) /* receive return ring 0, consumer (host) */
#define TG3_MBOX_SEND_PROD	UINT32_C(0x0300) /* send ring 0, producer (host) */
#define TG3_MBOX_SEND_NIC_PROD	UINT32_C(0x0380) /* Model: stored, no on-chip send ring */

#define TG3_INTERRUPT_MASKED	UINT32_C(0x00000001)
#define TG3_INTERRUPT_TAG_SHIFT	24

/* ---- MAC ---- */

#define TG3_MAC_MODE		UINT32_C(0x0400) /* Model: stored; the link is always up, 1 Gb/s full */
#define TG3_MAC_STATUS		UINT32_C(0x0404)
#define TG3_MAC_ADDR_0_HIGH	UINT32_C(0x0410) /* octets 0 and 1 */
#define TG3_MAC_ADDR_0_LOW	UINT32_C(0x0414) /* octets 2 to 5 */
#define TG3_MAC_RX_MTU_SIZE	UINT32_C(0x043c) /* longest frame taken, FCS included */
#define TG3_MAC_TX_MODE		UINT32_C(0x045c)
#define TG3_MAC_TX_MODE_ENABLE		UINT32_C(0x00000002)
#define TG3_MAC_RX_MODE		UINT32_C(0x0468)
#define TG3_MAC_RX_MODE_ENABLE		UINT32_C(0x00000002)
#define TG3_MAC_RX_MODE_PROMISC		UINT32_C(0x00000100)

/* Every internal block's mode register has its reset and enable bits here. */
#define TG3_MODE_RESET		UINT32_C(0x00000001)
#define TG3_MODE_ENABLE		UINT32_C(0x00000002)

/*
 * Blocks on the way of a frame. Model: stored only; MAC_RX/TX_MODE, RDMAC_MODE, WDMAC_MODE and
 * HOSTCC_MODE are the switches that count.
 */
#define TG3_SNDDATAI_MODE	UINT32_C(0x0c00)
#define TG3_SNDDATAC_MODE	UINT32_C(0x1000)
#define TG3_SNDBDS_MODE		UINT32_C(0x1400)
#define TG3_SNDBDI_MODE		UINT32_C(0x1800)
#define TG3_SNDBDC_MODE		UINT32_C(0x1c00)
#define TG3_RCVLPC_MODE		UINT32_C(0x2000)
#define TG3_RCVDBDI_MODE	UINT32_C(0x2400)
#define TG3_RCVDCC_MODE		UINT32_C(0x2800)
#define TG3_RCVBDI_MODE		UINT32_C(0x2c00)
#define TG3_RCVCC_MODE		UINT32_C(0x3000)

/* ---- rings ---- */

/*
 * A ring control block: host address (high, low), (length << 16 | flags), on-chip address. The
 * length of a producer ring's block is the largest frame of its buffers (its size in entries is
 * fixed); of a send or return ring's block it is the number of entries.
 */
#define TG3_RCB_HOST_HIGH	UINT32_C(0x0)
#define TG3_RCB_HOST_LOW	UINT32_C(0x4)
#define TG3_RCB_MAXLEN_FLAGS	UINT32_C(0x8)
#define TG3_RCB_NIC_ADDR	UINT32_C(0xc)
#define TG3_RCB_BYTES		UINT32_C(0x10)
#define TG3_RCB_DISABLED	UINT32_C(0x00000002)
#define TG3_RCB_MAXLEN_SHIFT	16

/* The producer rings' blocks are registers. */
#define TG3_RCVDBDI_JUMBO_BD	UINT32_C(0x2440) /* Model: stored, no jumbo ring */
#define TG3_RCVDBDI_STD_BD	UINT32_C(0x2450)
#define TG3_RCVDBDI_MINI_BD	UINT32_C(0x2460) /* Model: stored; the 5704 needs external RAM for it */
#define TG3_RCVDBDI_STD_CONS	UINT32_C(0x2474) /* read only: standard descriptors fetched up to here */
/* Replenish threshold: descriptors fetched ahead at a time; the driver writes posted / 8. */
#define TG3_RCVBDI_STD_THRESH	UINT32_C(0x2c18)

/* The blocks of send ring 0 and return ring 0 lie in on-chip SRAM, behind the memory window. */
#define TG3_SRAM_SEND_RCB	UINT32_C(0x0100)
#define TG3_SRAM_RET_RCB	UINT32_C(0x0200)
#define TG3_SRAM_STATS_BLK	UINT32_C(0x0300)
#define TG3_SRAM_STATUS_BLK	UINT32_C(0x0b00)
#define TG3_SRAM_SEND_BD	UINT32_C(0x4000)
#define TG3_SRAM_STD_BD		UINT32_C(0x6000)
#define TG3_SRAM_BYTES		UINT32_C(0x8000)

#define TG3_STD_ENTRIES		512u
#define TG3_SEND_ENTRIES	512u
#define TG3_RET_ENTRIES		1024u
#define TG3_STD_MAX_BYTES	1536u /* largest frame of a standard buffer */

/* ---- host coalescing ---- */

#define TG3_HOSTCC_MODE		UINT32_C(0x3c00)
#define TG3_HOSTCC_MODE_NOW		UINT32_C(0x00000008) /* write 1: a status block now */
#define TG3_HOSTCC_MODE_CLRTICK_RX	UINT32_C(0x00000200) /* new receive descriptor clears ticks */
#define TG3_HOSTCC_MODE_CLRTICK_TX	UINT32_C(0x00000400) /* the same for send descriptors */
#define TG3_HOSTCC_RX_TICKS	UINT32_C(0x3c08) /* microseconds; 0 = no such condition */
#define TG3_HOSTCC_TX_TICKS	UINT32_C(0x3c0c)
#define TG3_HOSTCC_RX_FRAMES	UINT32_C(0x3c10) /* 0 = no such condition */
#define TG3_HOSTCC_TX_FRAMES	UINT32_C(0x3c14)
#define TG3_HOSTCC_RX_TICKS_INT	UINT32_C(0x3c18) /* while the line is masked */
#define TG3_HOSTCC_TX_TICKS_INT	UINT32_C(0x3c1c)
#define TG3_HOSTCC_RX_FRAMES_INT UINT32_C(0x3c20)
#define TG3_HOSTCC_TX_FRAMES_INT UINT32_C(0x3c24)
#define TG3_HOSTCC_STAT_TICKS	UINT32_C(0x3c28) /* microseconds between statistics blocks; 0 = none */
#define TG3_HOSTCC_STATS_HIGH	UINT32_C(0x3c30) /* host address of the statistics block */
#define TG3_HOSTCC_STATS_LOW	UINT32_C(0x3c34)
#define TG3_HOSTCC_STATUS_HIGH	UINT32_C(0x3c38) /* host address of the status block */
#define TG3_HOSTCC_STATUS_LOW	UINT32_C(0x3c3c)

/* In force on a 5704 in tagged mode with both CLRTICK bits set (tg3 3.42 and 3.86). */
#define TG3_5704_RX_TICKS	20u
#define TG3_5704_RX_FRAMES	5u
#define TG3_5704_TX_TICKS	72u
#define TG3_5704_TX_FRAMES	53u
#define TG3_5704_TICKS_INT	20u
#define TG3_5704_FRAMES_INT	5u
#define TG3_5704_STAT_TICKS	1000000u

/* ---- DMA engines and global control ---- */

#define TG3_MEMARB_MODE		UINT32_C(0x4000) /* Model: stored */
#define TG3_BUFMGR_MODE		UINT32_C(0x4400) /* Model: stored */
#define TG3_RDMAC_MODE		UINT32_C(0x4800)
#define TG3_RDMAC_STATUS	UINT32_C(0x4804) /* write 1 to clear */
#define TG3_WDMAC_MODE		UINT32_C(0x4c00)
#define TG3_WDMAC_STATUS	UINT32_C(0x4c04) /* write 1 to clear */
#define TG3_DMAC_TGTABORT		UINT32_C(0x00000004) /* refused by the host bridge */
#define TG3_DMAC_MSTABORT		UINT32_C(0x00000008) /* nobody answered the address */

#define TG3_GRC_MODE		UINT32_C(0x6800)
#define TG3_GRC_MODE_BSWAP_NONFRM	UINT32_C(0x00000002)
#define TG3_GRC_MODE_WSWAP_NONFRM	UINT32_C(0x00000004)
#define TG3_GRC_MODE_BSWAP_DATA		UINT32_C(0x00000010)
#define TG3_GRC_MODE_WSWAP_DATA		UINT32_C(0x00000020)
#define TG3_GRC_MODE_HOST_STACKUP	UINT32_C(0x00010000)
#define TG3_GRC_MODE_HOST_SENDBDS	UINT32_C(0x00020000)
/* What a little-endian host sets for the layouts below. */
#define TG3_GRC_MODE_HOST_LE	(TG3_GRC_MODE_WSWAP_NONFRM | TG3_GRC_MODE_BSWAP_DATA | \
				 TG3_GRC_MODE_WSWAP_DATA)
#define TG3_GRC_MISC_CFG	UINT32_C(0x6804)
#define TG3_GRC_MISC_CFG_CORECLK_RESET	UINT32_C(0x00000001) /* write 1: everything back to reset */

/* ---- send descriptor: 4 words ---- */

#define TG3_TXD_BYTES		16u
#define TG3_TXD_FLAG_TCPUDP_CSUM	0x0001u /* Model: refused, the frame is dropped and counted */
#define TG3_TXD_FLAG_IP_CSUM		0x0002u /* the same */
#define TG3_TXD_FLAG_END		0x0004u /* last fragment of the frame */
#define TG3_TXD_FLAG_VLAN		0x0040u /* refused as above */
#define TG3_TXD_FLAG_COAL_NOW		0x0080u /* status block as soon as this one is done */
#define TG3_TXD_FLAG_CPU_PRE_DMA	0x0100u /* firmware segmentation: refused as above */
#define TG3_TXD_FLAG_CPU_POST_DMA	0x0200u

/* ---- receive descriptor: 8 words, the same as posted and as returned ---- */

#define TG3_RXD_BYTES		32u
#define TG3_RXD_FLAG_END		0x0004u
#define TG3_RXD_FLAG_JUMBO		0x0020u
#define TG3_RXD_FLAG_VLAN		0x0040u
#define TG3_RXD_FLAG_ERROR		0x0400u /* an error bit below is set */
#define TG3_RXD_FLAG_IP_CSUM		0x1000u /* Model: never set, checksums are the host's work */
#define TG3_RXD_FLAG_TCPUDP_CSUM	0x2000u
#define TG3_RXD_ERR_BAD_CRC		0x0001u
#define TG3_RXD_ERR_MAC_ABORT		0x0020u
#define TG3_RXD_ERR_TOO_SMALL		0x0040u
#define TG3_RXD_ERR_NO_RESOURCES	0x0080u
#define TG3_RXD_ERR_HUGE_FRAME		0x0100u
#define TG3_RXD_OPAQUE_RING_STD		UINT32_C(0x00010000)
#define TG3_RXD_OPAQUE_RING_JUMBO	UINT32_C(0x00020000)
#define TG3_RXD_OPAQUE_INDEX		UINT32_C(0x0000ffff)

/* ---- status block: 20 words ---- */

#define TG3_STATUS_BYTES	80u
#define TG3_STATUS_UPDATED	UINT32_C(0x00000001) /* set by the chip, cleared in memory by the driver */
#define TG3_STATUS_LINK_CHG	UINT32_C(0x00000002)
/* An attention is up: here, a bit of RDMAC_STATUS or WDMAC_STATUS is set. Clear it there. */
#define TG3_STATUS_ERROR	UINT32_C(0x00000004)
#define TG3_STATUS_RINGS	16u
/* Where the driver looks in place: word 0, word 1, and ring 0's pair. */
#define TG3_STATUS_OFF_STATUS	0x00u /* 32 bits */
#define TG3_STATUS_OFF_TAG	0x04u /* 32 bits, of which the chip counts 8 */
#define TG3_STATUS_OFF_STD_CONS	0x0au /* 16 bits */
#define TG3_STATUS_OFF_RX_PROD	0x10u /* 16 bits: return ring 0 producer (chip) */
#define TG3_STATUS_OFF_TX_CONS	0x12u /* 16 bits: send ring 0 consumer (chip) */

/* ---- statistics block: 64-bit counters, the high word first ---- */

#define TG3_STATS_BYTES		2048u
#define TG3_STATS_RX_OCTETS	0x100u
#define TG3_STATS_RX_UCAST	0x118u
#define TG3_STATS_RX_MCAST	0x120u
#define TG3_STATS_RX_BCAST	0x128u
#define TG3_STATS_RX_TOO_LONG	0x160u
#define TG3_STATS_TX_OCTETS	0x300u
#define TG3_STATS_TX_UCAST	0x3d8u
#define TG3_STATS_TX_MCAST	0x3e0u
#define TG3_STATS_TX_BCAST	0x3e8u
#define TG3_STATS_RXBDS_EMPTY	0x598u
#define TG3_STATS_RX_DISCARDS	0x5a0u
#define TG3_STATS_NIC_IRQS	0x6a8u

/* clang-format on */

/* The layouts as words, so that the compiler checks the arithmetic above. */
struct tg3_txd_words {
	uint32_t addr_high, addr_low, bytes_flags, mss_vlan;
};
struct tg3_rxd_words {
	uint32_t addr_high, addr_low, index_bytes, type_flags, checksums, errors_vlan, reserved,
		opaque;
};
struct tg3_status_words {
	uint32_t status, tag;
	uint16_t jumbo_consumer, std_consumer, mini_consumer, reserved;
	struct {
		uint16_t rx_producer, tx_consumer;
	} ring[TG3_STATUS_RINGS];
};
static_assert(sizeof(struct tg3_txd_words) == TG3_TXD_BYTES, "send descriptor");
static_assert(sizeof(struct tg3_rxd_words) == TG3_RXD_BYTES, "receive descriptor");
static_assert(sizeof(struct tg3_status_words) == TG3_STATUS_BYTES, "status block");
static_assert(offsetof(struct tg3_status_words, tag) == TG3_STATUS_OFF_TAG, "tag");
static_assert(offsetof(struct tg3_status_words, std_consumer) == TG3_STATUS_OFF_STD_CONS, "std");
static_assert(offsetof(struct tg3_status_words, ring) == TG3_STATUS_OFF_RX_PROD, "ring 0");

/* What the fields of a send descriptor mean, apart from their bits. */
struct tg3_txd {
	uint64_t addr; /* DMA address */
	uint16_t bytes;
	uint16_t flags; /* TG3_TXD_FLAG_* */
	uint16_t mss, vlan;
};

struct tg3_rxd {
	uint64_t addr; /* DMA address */
	uint16_t index;
	uint16_t bytes; /* posted: the buffer's; returned: the frame's, FCS included */
	uint16_t type;
	uint16_t flags; /* TG3_RXD_FLAG_* */
	uint16_t ip_checksum, tcp_checksum;
	uint16_t errors; /* TG3_RXD_ERR_* */
	uint16_t vlan;
	uint32_t opaque; /* travels unchanged from the posted to the returned descriptor */
};

struct tg3_status {
	uint32_t status; /* TG3_STATUS_* */
	uint32_t tag;
	uint16_t std_consumer;
	uint16_t rx_producer; /* return ring 0 */
	uint16_t tx_consumer; /* send ring 0 */
};

static inline uint32_t tg3_get32(const void *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return le32toh(word);
}

static inline void tg3_put32(void *at, uint32_t value)
{
	const uint32_t word = htole32(value);

	memcpy(at, &word, sizeof(word));
}

static inline uint16_t tg3_get16(const void *at)
{
	uint16_t half;

	memcpy(&half, at, sizeof(half));
	return le16toh(half);
}

static inline void tg3_put16(void *at, uint16_t value)
{
	const uint16_t half = htole16(value);

	memcpy(at, &half, sizeof(half));
}

/* @to: TG3_TXD_BYTES bytes of host memory. */
static inline void tg3_txd_pack(void *to, const struct tg3_txd *d)
{
	uint8_t *p = (uint8_t *)to;

	tg3_put32(p, (uint32_t)(d->addr >> 32));
	tg3_put32(p + 4, (uint32_t)d->addr);
	tg3_put32(p + 8, (uint32_t)d->bytes << 16 | d->flags);
	tg3_put32(p + 12, (uint32_t)d->mss << 16 | d->vlan);
}

static inline void tg3_txd_unpack(struct tg3_txd *d, const void *from)
{
	const uint8_t *p = (const uint8_t *)from;

	d->addr = (uint64_t)tg3_get32(p) << 32 | tg3_get32(p + 4);
	d->bytes = (uint16_t)(tg3_get32(p + 8) >> 16);
	d->flags = (uint16_t)tg3_get32(p + 8);
	d->mss = (uint16_t)(tg3_get32(p + 12) >> 16);
	d->vlan = (uint16_t)tg3_get32(p + 12);
}

/* @to: TG3_RXD_BYTES bytes of host memory. */
static inline void tg3_rxd_pack(void *to, const struct tg3_rxd *d)
{
	uint8_t *p = (uint8_t *)to;

	tg3_put32(p, (uint32_t)(d->addr >> 32));
	tg3_put32(p + 4, (uint32_t)d->addr);
	tg3_put32(p + 8, (uint32_t)d->index << 16 | d->bytes);
	tg3_put32(p + 12, (uint32_t)d->type << 16 | d->flags);
	tg3_put32(p + 16, (uint32_t)d->ip_checksum << 16 | d->tcp_checksum);
	tg3_put32(p + 20, (uint32_t)d->errors << 16 | d->vlan);
	tg3_put32(p + 24, 0);
	tg3_put32(p + 28, d->opaque);
}

static inline void tg3_rxd_unpack(struct tg3_rxd *d, const void *from)
{
	const uint8_t *p = (const uint8_t *)from;

	d->addr = (uint64_t)tg3_get32(p) << 32 | tg3_get32(p + 4);
	d->index = (uint16_t)(tg3_get32(p + 8) >> 16);
	d->bytes = (uint16_t)tg3_get32(p + 8);
	d->type = (uint16_t)(tg3_get32(p + 12) >> 16);
	d->flags = (uint16_t)tg3_get32(p + 12);
	d->ip_checksum = (uint16_t)(tg3_get32(p + 16) >> 16);
	d->tcp_checksum = (uint16_t)tg3_get32(p + 16);
	d->errors = (uint16_t)(tg3_get32(p + 20) >> 16);
	d->vlan = (uint16_t)tg3_get32(p + 20);
	d->opaque = tg3_get32(p + 28);
}

/* @to: TG3_STATUS_BYTES bytes; rings other than 0 and the other consumers are zero. */
static inline void tg3_status_pack(void *to, const struct tg3_status *s)
{
	uint8_t *p = (uint8_t *)to;

	memset(p, 0, TG3_STATUS_BYTES);
	tg3_put32(p + TG3_STATUS_OFF_STATUS, s->status);
	tg3_put32(p + TG3_STATUS_OFF_TAG, s->tag);
	tg3_put16(p + TG3_STATUS_OFF_STD_CONS, s->std_consumer);
	tg3_put16(p + TG3_STATUS_OFF_RX_PROD, s->rx_producer);
	tg3_put16(p + TG3_STATUS_OFF_TX_CONS, s->tx_consumer);
}

static inline void tg3_status_unpack(struct tg3_status *s, const void *from)
{
	const uint8_t *p = (const uint8_t *)from;

	s->status = tg3_get32(p + TG3_STATUS_OFF_STATUS);
	s->tag = tg3_get32(p + TG3_STATUS_OFF_TAG);
	s->std_consumer = tg3_get16(p + TG3_STATUS_OFF_STD_CONS);
	s->rx_producer = tg3_get16(p + TG3_STATUS_OFF_RX_PROD);
	s->tx_consumer = tg3_get16(p + TG3_STATUS_OFF_TX_CONS);
}

#endif
