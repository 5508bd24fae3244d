/* SPDX-License-Identifier: MIT */
/*
 * The few SCSI commands that a disk and its driver exchange: operation codes, status and sense as
 * in SPC-3 and SBC-2. CDB fields are big endian.
 */
#ifndef IOTOLL_SPEC_SCSI_H
#define IOTOLL_SPEC_SCSI_H

#include <stdint.h>
#include <string.h>

/* clang-format off */

#define SCSI_TEST_UNIT_READY		0x00u
#define SCSI_INQUIRY			0x12u /* SPC-3, 6.4 */
#define SCSI_READ_CAPACITY_10		0x25u /* SBC-2, 5.10 */
#define SCSI_READ_10			0x28u
#define SCSI_WRITE_10			0x2au
#define SCSI_SYNCHRONIZE_CACHE_10	0x35u
#define SCSI_READ_16			0x88u
#define SCSI_WRITE_16			0x8au
#define SCSI_SERVICE_ACTION_IN_16	0x9eu /* with service action 0x10: READ CAPACITY (16) */
#define SCSI_SA_READ_CAPACITY_16	0x10u

#define SCSI_STATUS_GOOD		0x00u
#define SCSI_STATUS_CHECK_CONDITION	0x02u
#define SCSI_STATUS_BUSY		0x08u
#define SCSI_STATUS_TASK_SET_FULL	0x28u

#define SCSI_SENSE_BYTES		18u /* fixed format, SPC-3, 4.5.3 */
#define SCSI_SENSE_FIXED		0x70u
#define SCSI_KEY_NO_SENSE		0x0u
#define SCSI_KEY_MEDIUM_ERROR		0x3u
#define SCSI_KEY_HARDWARE_ERROR		0x4u
#define SCSI_KEY_ILLEGAL_REQUEST	0x5u
#define SCSI_KEY_UNIT_ATTENTION		0x6u
#define SCSI_KEY_ABORTED_COMMAND	0xbu

/* Additional sense code << 8 | qualifier. */
#define SCSI_ASC_NONE			0x0000u
#define SCSI_ASC_UNRECOVERED_READ	0x1100u
#define SCSI_ASC_INVALID_OPCODE		0x2000u
#define SCSI_ASC_LBA_OUT_OF_RANGE	0x2100u
#define SCSI_ASC_INVALID_FIELD		0x2400u
#define SCSI_ASC_LUN_NOT_SUPPORTED	0x2500u
#define SCSI_ASC_DATA_PHASE_ERROR	0x4b00u

/* clang-format on */

static inline uint32_t scsi_get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline uint64_t scsi_get64(const uint8_t *at)
{
	return (uint64_t)scsi_get32(at) << 32 | scsi_get32(at + 4);
}

static inline uint16_t scsi_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void scsi_put16(uint8_t *at, uint16_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static inline void scsi_put32(uint8_t *at, uint32_t v)
{
	scsi_put16(at, (uint16_t)(v >> 16));
	scsi_put16(at + 2, (uint16_t)v);
}

static inline void scsi_put64(uint8_t *at, uint64_t v)
{
	scsi_put32(at, (uint32_t)(v >> 32));
	scsi_put32(at + 4, (uint32_t)v);
}

/* Fixed-format sense data for the present command; @to has SCSI_SENSE_BYTES. */
static inline void scsi_sense(uint8_t *to, uint8_t key, uint16_t asc)
{
	memset(to, 0, SCSI_SENSE_BYTES);
	to[0] = SCSI_SENSE_FIXED;
	to[2] = key;
	to[7] = SCSI_SENSE_BYTES - 8; /* additional length */
	scsi_put16(to + 12, asc);
}

#endif
