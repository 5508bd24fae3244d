/* SPDX-License-Identifier: MIT */
/*
 * QLogic ISP2300 Fibre Channel controller as published: registers, mailbox commands, request and
 * response queue entries (IOCBs), the initialization control block. This header is all that the
 * adapter's model and its driver share: constants and pure functions, no state. Names and values
 * are those of the Linux qla2xxx driver (qla_def.h, 2.6.24). Where the model takes less than the
 * chip offers, the comment says "Model:".
 *
 * Byte order: registers are little endian, and so are entries and control blocks in host memory.
 */
#ifndef IOTOLL_SPEC_QLA2300_H
#define IOTOLL_SPEC_QLA2300_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* clang-format off */

#define QLA_PCI_VENDOR		0x1077u
#define QLA_PCI_DEVICE_2300	0x2300u

/* ---- registers: 16 bits wide, HOST_STATUS 32 ---- */

#define QLA_REG_BYTES		UINT32_C(0x100)
#define QLA_CTRL_STATUS		UINT32_C(0x06)
#define QLA_CTRL_SOFT_RESET		0x0001u /* reads 1 while the reset goes on. Model: never */
#define QLA_ICTRL		UINT32_C(0x08) /* interrupt control */
#define QLA_ICTRL_EN_INT		0x8000u
#define QLA_ICTRL_EN_RISC		0x0008u
#define QLA_ISTATUS		UINT32_C(0x0a) /* read only */
#define QLA_ISTATUS_RISC_INT		0x0008u
#define QLA_SEMAPHORE		UINT32_C(0x0c) /* bit 0: the mailboxes belong to the host */
#define QLA_NVRAM		UINT32_C(0x0e) /* Model: stored, there is no NVRAM */
#define QLA_REQ_IN		UINT32_C(0x10) /* request queue: next entry the host writes */
#define QLA_REQ_OUT		UINT32_C(0x12) /* next entry the chip reads; read only */
#define QLA_RSP_IN		UINT32_C(0x14) /* response queue: next entry the chip writes; read only */
#define QLA_RSP_OUT		UINT32_C(0x16) /* next entry the host reads */
#define QLA_HOST_STATUS		UINT32_C(0x18) /* 32 bits: mailbox 0 << 16 | flags | cause */
#define QLA_HSR_RISC_INT		0x8000u
#define QLA_HSR_RISC_PAUSED		0x0100u
#define QLA_HSR_CAUSE			0x00ffu
#define QLA_MAILBOX(n)		(UINT32_C(0x40) + 2u * (n)) /* n = 0..31 */
#define QLA_MAILBOXES		32u
#define QLA_HCCR		UINT32_C(0xc0) /* host command and control */
#define QLA_HCCR_HOST_INT		0x0080u /* read: the chip has not taken the mailbox command */
#define QLA_HCCR_RISC_PAUSE		0x0020u /* read: paused */
#define QLA_HCCR_RESET_RISC		0x1000u /* written: commands */
#define QLA_HCCR_PAUSE_RISC		0x2000u
#define QLA_HCCR_RELEASE_RISC		0x3000u
#define QLA_HCCR_SET_HOST_INT		0x5000u /* here is a mailbox command */
#define QLA_HCCR_CLR_HOST_INT		0x6000u
#define QLA_HCCR_CLR_RISC_INT		0x7000u /* the host has taken the interrupt */

/* Causes in HOST_STATUS. */
#define QLA_CAUSE_ROM_DONE	0x01u /* mailbox command of the ROM code: done, failed */
#define QLA_CAUSE_ROM_FAILED	0x02u
#define QLA_CAUSE_MBX_DONE	0x10u /* of the firmware */
#define QLA_CAUSE_MBX_FAILED	0x11u
#define QLA_CAUSE_ASYNC		0x12u /* asynchronous event, its code in mailbox 0 */
#define QLA_CAUSE_RESPONSE	0x13u /* the response queue has a new entry */

/* Mailboxes 1 to 3 after a reset; mailbox 0 holds 0 when the ROM code is ready. */
#define QLA_PROD_ID_1		0x4953u
#define QLA_PROD_ID_2		0x5020u
#define QLA_PROD_ID_3		0x2020u

/* Mailbox commands. */
#define QLA_MBC_EXECUTE_FIRMWARE	0x02u
#define QLA_MBC_MAILBOX_TEST		0x06u /* mailboxes 1 to 7 come back as they were */
#define QLA_MBC_GET_FIRMWARE_VERSION	0x08u
#define QLA_MBC_ABORT_COMMAND		0x15u /* 1: target, 2 and 3: handle, 6: LUN */
#define QLA_MBC_ABORT_TARGET		0x17u /* 1: target */
#define QLA_MBC_INITIALIZE_FIRMWARE	0x60u /* 2, 3, 6, 7: address of the control block, see below */
#define QLA_MBC_GET_FIRMWARE_STATE	0x69u /* 1: QLA_FSTATE_* */

/* Mailbox 0 afterwards. */
#define QLA_MBS_COMPLETE		0x4000u
#define QLA_MBS_INVALID_COMMAND		0x4001u
#define QLA_MBS_HOST_INTERFACE_ERROR	0x4002u
#define QLA_MBS_COMMAND_ERROR		0x4005u
#define QLA_MBS_PARAMETER_ERROR		0x4006u

/* Asynchronous events. */
#define QLA_MBA_SYSTEM_ERR		0x8002u
#define QLA_MBA_REQ_TRANSFER_ERR	0x8003u /* a request entry could not be read */
#define QLA_MBA_RSP_TRANSFER_ERR	0x8004u /* a response entry could not be written */
#define QLA_MBA_LOOP_UP			0x8011u

#define QLA_FSTATE_CONFIG_WAIT		0u
#define QLA_FSTATE_READY		3u

/* ---- initialization control block ---- */

#define QLA_ICB_BYTES			96u
#define QLA_ICB_VERSION			1u
#define QLA_ICB_OFF_VERSION		0u
#define QLA_ICB_OFF_FRAME_PAYLOAD	4u  /* 16: bytes of data in a frame: 512, 1024 or 2048 */
#define QLA_ICB_OFF_THROTTLE		8u  /* 16: commands in progress at most. Model: stored */
#define QLA_ICB_OFF_PORT_NAME		12u /* 8, big endian. Model: ignored, as the next one */
#define QLA_ICB_OFF_NODE_NAME		24u
#define QLA_ICB_OFF_REQ_OUT		32u /* 16 */
#define QLA_ICB_OFF_RSP_IN		34u /* 16 */
#define QLA_ICB_OFF_REQ_LENGTH		36u /* 16: entries */
#define QLA_ICB_OFF_RSP_LENGTH		38u /* 16 */
#define QLA_ICB_OFF_REQ_ADDRESS		40u /* 64 */
#define QLA_ICB_OFF_RSP_ADDRESS		48u /* 64 */

/* ---- queue entries ---- */

#define QLA_ENTRY_BYTES		64u
#define QLA_OFF_TYPE		0u
#define QLA_OFF_COUNT		1u /* entries that make up the command, this one included */
#define QLA_OFF_STATUS		3u /* entry status, QLA_RF_* */
#define QLA_OFF_HANDLE		4u /* 32 */

#define QLA_TYPE_CONTINUE	0x02u
#define QLA_TYPE_STATUS		0x03u
#define QLA_TYPE_MARKER		0x04u /* Model: taken, nothing to do */
#define QLA_TYPE_CONTINUE_A64	0x0au
#define QLA_TYPE_COMMAND	0x11u /* command type 2: 32-bit addresses */
#define QLA_TYPE_COMMAND_A64	0x19u /* command type 3: 64-bit addresses */

/* Data segments in an entry, of {address 4, length 4} or {address 8, length 4}. */
#define QLA_COMMAND_SEGMENTS		3u
#define QLA_CONTINUE_SEGMENTS		7u
#define QLA_COMMAND_A64_SEGMENTS	2u
#define QLA_CONTINUE_A64_SEGMENTS	5u
#define QLA_CONTINUE_OFF_SEGMENTS	8u
#define QLA_CONTINUE_A64_OFF_SEGMENTS	4u

/* Command, types 2 and 3. */
#define QLA_CMD_OFF_TARGET	8u  /* 16 */
#define QLA_CMD_OFF_LUN		10u /* 16 */
#define QLA_CMD_OFF_FLAGS	12u /* 16 */
#define QLA_CMD_OFF_TIMEOUT	16u /* 16: seconds. Model: stored, the driver's timer counts */
#define QLA_CMD_OFF_SEGMENT_COUNT 18u /* 16 */
#define QLA_CMD_OFF_CDB		20u /* 16 bytes */
#define QLA_CMD_OFF_BYTES	36u /* 32 */
#define QLA_CMD_OFF_SEGMENTS	40u
#define QLA_CF_WRITE		0x0040u
#define QLA_CF_READ		0x0020u
#define QLA_CF_SIMPLE_TAG	0x0008u
#define QLA_CF_ORDERED_TAG	0x0004u
#define QLA_CF_HEAD_TAG		0x0002u
#define QLA_CDB_BYTES		16u

/* Status. */
#define QLA_STS_OFF_SCSI	8u  /* 16: QLA_SS_* and the SCSI status byte */
#define QLA_STS_OFF_COMPLETION	10u /* 16: QLA_CS_* */
#define QLA_STS_OFF_STATE	12u /* 16 */
#define QLA_STS_OFF_FLAGS	14u /* 16 */
#define QLA_STS_OFF_RSP_LENGTH	16u /* 16 */
#define QLA_STS_OFF_SENSE_LENGTH 18u /* 16 */
#define QLA_STS_OFF_RESIDUAL	20u /* 32 */
#define QLA_STS_OFF_RSP_INFO	24u /* 8 bytes */
#define QLA_STS_OFF_SENSE	32u /* 32 bytes */
#define QLA_SENSE_BYTES		32u

/* Entry status: why an entry was handed back instead of carried out. */
#define QLA_RF_DMA_ERROR	0x40u
#define QLA_RF_INV_ORDER	0x20u
#define QLA_RF_INV_COUNT	0x10u
#define QLA_RF_INV_PARAM	0x08u
#define QLA_RF_INV_TYPE		0x04u
#define QLA_RF_BUSY		0x02u
#define QLA_RF_MASK		0x7eu

#define QLA_SS_RESIDUAL_UNDER	0x0800u
#define QLA_SS_RESIDUAL_OVER	0x0400u
#define QLA_SS_SENSE_VALID	0x0200u
#define QLA_SS_RESPONSE_VALID	0x0100u

#define QLA_CS_COMPLETE		0x00u
#define QLA_CS_INCOMPLETE	0x01u
#define QLA_CS_DMA		0x02u /* data could not be moved over the bus */
#define QLA_CS_TRANSPORT	0x03u
#define QLA_CS_RESET		0x04u
#define QLA_CS_ABORTED		0x05u
#define QLA_CS_TIMEOUT		0x06u
#define QLA_CS_DATA_OVERRUN	0x07u
#define QLA_CS_DATA_UNDERRUN	0x15u
#define QLA_CS_QUEUE_FULL	0x1cu
#define QLA_CS_PORT_UNAVAILABLE	0x28u

/* What the Linux driver writes over the last word of a response entry it has taken. */
#define QLA_RESPONSE_PROCESSED	UINT32_C(0xdeaddead)
#define QLA_RSP_OFF_SIGNATURE	60u

/* clang-format on */

static inline uint16_t qla_get16(const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return le16toh(v);
}

static inline uint32_t qla_get32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return le32toh(v);
}

static inline uint64_t qla_get64(const uint8_t *at)
{
	return qla_get32(at) | (uint64_t)qla_get32(at + 4) << 32;
}

static inline void qla_put16(uint8_t *at, uint16_t v)
{
	v = htole16(v);
	memcpy(at, &v, sizeof(v));
}

static inline void qla_put32(uint8_t *at, uint32_t v)
{
	v = htole32(v);
	memcpy(at, &v, sizeof(v));
}

static inline void qla_put64(uint8_t *at, uint64_t v)
{
	qla_put32(at, (uint32_t)v);
	qla_put32(at + 4, (uint32_t)(v >> 32));
}

/* Entries that a command of @segments takes: itself and its continuations. */
static inline unsigned qla_entries(unsigned segments, bool a64)
{
	const unsigned first = a64 ? QLA_COMMAND_A64_SEGMENTS : QLA_COMMAND_SEGMENTS;
	const unsigned more = a64 ? QLA_CONTINUE_A64_SEGMENTS : QLA_CONTINUE_SEGMENTS;

	return segments <= first ? 1 : 1 + (segments - first + more - 1) / more;
}

/* Segment slots of an entry of @type, and where they begin. 0 if it has none. */
static inline unsigned qla_slots(uint8_t type, unsigned *offset, bool *a64)
{
	*a64 = type == QLA_TYPE_COMMAND_A64 || type == QLA_TYPE_CONTINUE_A64;
	switch (type) {
	case QLA_TYPE_COMMAND:
		*offset = QLA_CMD_OFF_SEGMENTS;
		return QLA_COMMAND_SEGMENTS;
	case QLA_TYPE_COMMAND_A64:
		*offset = QLA_CMD_OFF_SEGMENTS;
		return QLA_COMMAND_A64_SEGMENTS;
	case QLA_TYPE_CONTINUE:
		*offset = QLA_CONTINUE_OFF_SEGMENTS;
		return QLA_CONTINUE_SEGMENTS;
	case QLA_TYPE_CONTINUE_A64:
		*offset = QLA_CONTINUE_A64_OFF_SEGMENTS;
		return QLA_CONTINUE_A64_SEGMENTS;
	default:
		return 0;
	}
}

struct qla_segment {
	uint64_t address;
	uint32_t bytes;
};

static inline void qla_segment_pack(uint8_t *at, bool a64, struct qla_segment s)
{
	if (a64)
		qla_put64(at, s.address);
	else
		qla_put32(at, (uint32_t)s.address);
	qla_put32(at + (a64 ? 8 : 4), s.bytes);
}

static inline struct qla_segment qla_segment_unpack(const uint8_t *at, bool a64)
{
	return (struct qla_segment){
		.address = a64 ? qla_get64(at) : qla_get32(at),
		.bytes = qla_get32(at + (a64 ? 8 : 4)),
	};
}

/* Bytes of one segment in an entry. */
static inline unsigned qla_segment_bytes(bool a64)
{
	return a64 ? 12 : 8;
}

#endif
