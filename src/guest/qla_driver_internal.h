/* SPDX-License-Identifier: MIT */
/* What the files of the adapter's driver share. */
#ifndef IOTOLL_GUEST_QLA_DRIVER_INTERNAL_H
#define IOTOLL_GUEST_QLA_DRIVER_INTERNAL_H

#include "guest/qla_driver.h"
#include "spec/qla2300.h"
#include "spec/scsi.h"

/* A range mapped for good. */
struct qla_ring {
	uint8_t *ptr;
	iotoll_iova_t iova;
	phys_t paddr;
	size_t bytes;
};

struct qla_command {
	struct blk_request *rq;
	struct iotoll_sg sg[BLK_SEGMENTS_MAX];
	int mapped; /* entries of sg, 0: none */
	enum iotoll_dma_dir dir;
	sim_time deadline;
	struct qla_command *next; /* free list */
};

struct qla_driver {
	struct qla_driver_config config;
	struct machine *machine;
	struct blk_queue *queue;
	struct qla_ring req, rsp, icb;

	struct vlock lock;           /* hardware_lock */
	void *lines;                 /* its cache line */
	struct qla_command *command; /* config.depth of them */
	struct qla_command *free;
	struct qla_command *by_handle[QLA_DRIVER_HANDLES];
	unsigned last_handle, outstanding;
	unsigned req_index, req_room; /* room: entries known to be free */
	unsigned rsp_index;

	struct event timer;
	struct irq timer_irq;
	struct softirq timer_softirq, reset_softirq;
	bool reset_wanted;
	struct qla_driver_stats stats;
};

/* qla_driver.c */
void qla_wr(struct qla_driver *d, struct cpu *cpu, uint32_t offset, uint16_t value);
uint16_t qla_rd(struct qla_driver *d, struct cpu *cpu, uint32_t offset);
/* From reset to rings in place and interrupts on. 0, -ENODEV, -EIO with @err. */
int qla_driver_chip_start(struct qla_driver *d, struct cpu *cpu, struct err *err);

/* qla_driver_io.c */
extern const struct blk_driver_ops qla_driver_blk;
/* Take the command with @handle out of the table, unmap its data. Lock held. */
struct blk_request *qla_driver_take(struct qla_driver *d, unsigned handle);

/* qla_driver_irq.c */
void qla_driver_interrupt(void *ctx, struct cpu *cpu);

/* qla_driver_reset.c */
void qla_driver_reset_init(struct qla_driver *d);
void qla_driver_reset_fini(struct qla_driver *d);
/* See that the timer goes off no later than @deadline. */
void qla_driver_arm(struct qla_driver *d, sim_time deadline);
/* The chip must be reset soon: from the interrupt handler. */
void qla_driver_want_reset(struct qla_driver *d, struct cpu *cpu);

#endif
