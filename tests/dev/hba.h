/* SPDX-License-Identifier: MIT */
/*
 * An adapter and a disk on the rig, set up through registers as a driver does, rings at fixed
 * places of an identity-mapped memory. Entries are written byte by byte.
 */
#ifndef IOTOLL_TESTS_DEV_HBA_H
#define IOTOLL_TESTS_DEV_HBA_H

#include "rig.h"

#include "dev/qla.h"
#include "spec/qla2300.h"
#include "spec/scsi.h"

#define HBA_REQ     0x10000u
#define HBA_RSP     0x20000u
#define HBA_ICB     0x30000u
#define HBA_DATA    0x100000u
#define HBA_ENTRIES 64u /* of the request ring */
#define HBA_ANSWERS 16u /* of the response ring */
#define HBA_VOLUME  (8u << 20)

struct hba {
	struct rig rig;
	struct disk *disk;
	struct qla *qla;
	struct mmio_window regs;
	struct irq irq;
	unsigned irqs;
	uint16_t req_in;
};

/* Memory mapped one to one where @translated; firmware started, rings in place, interrupts on. */
void hba_make(struct hba *h, bool translated);
void hba_free(struct hba *h);
void hba_wr(struct hba *h, uint32_t offset, uint16_t value);
uint16_t hba_rd(struct hba *h, uint32_t offset);
uint32_t hba_host_status(struct hba *h);
/* A mailbox command: @mb out and back, the cause taken. What mailbox 0 says. */
uint16_t hba_mailbox(struct hba *h, uint16_t mb[8]);
/* Reset, EXECUTE_FIRMWARE, INITIALIZE_FIRMWARE with the rings above. What the latter says. */
uint16_t hba_start(struct hba *h);
/* The next free request entry, zeroed, with type and count; hba_go() announces it. */
uint8_t *hba_entry(struct hba *h, uint8_t type, uint8_t count);
void hba_go(struct hba *h);
/* A type 2 command with a ten-byte CDB of @op and one segment at HBA_DATA, not yet announced. */
uint8_t *hba_command(struct hba *h, uint32_t handle, uint8_t op, uint32_t lba, uint16_t sectors);
void hba_segment(uint8_t *entry, unsigned i, uint32_t address, uint32_t bytes);
/* Response entry @i. */
const uint8_t *hba_answer(struct hba *h, unsigned i);
/* Take the interrupt's cause. */
void hba_ack(struct hba *h);

#endif
