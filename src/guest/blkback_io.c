/* SPDX-License-Identifier: MIT */
/*
 * A request on its way through the block device below, step by step, and its answer (Linux:
 * dispatch_rw_block_io, end_block_io_op).
 */
#include "guest/blkback_internal.h"

static void submit(struct blkback_pending *p, struct cpu *cpu);

/* The request is over: pages first, then the answer. */
static void finish(struct blkback_pending *p, struct cpu *cpu)
{
	struct blkback_vbd *v = p->vbd;

	blkback_unmap(p, cpu);
	blkback_respond(v, cpu, p->req.id, p->req.operation, p->status);
	v->in_flight--;
	if (!v->in_flight && (v->parked || v->ordered))
		blkback_kick(v, cpu);
	blkback_give(p, cpu);
}

static void on_done(struct bio *bio, struct cpu *cpu, int status)
{
	struct blkback_pending *p = bio->ctx;
	const enum charge before = cpu_enter(cpu, CHARGE_DRIVER);

	if (status) {
		p->status = BLKIF_RSP_ERROR;
		p->vbd->stats.io_errors++;
	}
	p->step = status ? (unsigned)STEP_OVER : p->step + 1;
	submit(p, cpu);
	cpu_leave(cpu, before);
}

/* The bio of the present step, or the end. */
static void submit(struct blkback_pending *p, struct cpu *cpu)
{
	const struct blkback_extent *e = &p->vbd->extent;

	if (p->step == STEP_DATA && !p->req.nr_segments)
		p->step++;
	if (p->step == STEP_FLUSH_AFTER && p->req.operation <= BLKIF_OP_WRITE)
		p->step++;
	if (p->step == STEP_OVER) {
		finish(p, cpu);
		return;
	}
	p->bio = (struct bio){.op = BIO_FLUSH, .done = on_done, .ctx = p};
	if (p->step == STEP_DATA) {
		p->bio.op = p->req.operation == BLKIF_OP_READ ? BIO_READ : BIO_WRITE;
		p->bio.sector = e->first + p->req.sector_number;
		p->bio.vec = p->vec;
		p->bio.nvec = p->req.nr_segments;
	}
	blockdev_submit(e->dev, cpu, &p->bio);
}

/* The ranges of the mapped pages; the sum of their sectors. */
static unsigned fill(struct blkback_pending *p)
{
	unsigned sectors = 0;

	for (unsigned i = 0; i < p->req.nr_segments; i++) {
		const struct blkif_request_segment *s = &p->req.seg[i];
		const unsigned n = s->last_sect - s->first_sect + 1u;

		p->vec[i] = (struct bio_vec){
			.paddr = p->page[i] + s->first_sect * BLOCK_SECTOR_BYTES,
			.bytes = n * BLOCK_SECTOR_BYTES,
		};
		sectors += n;
	}
	return sectors;
}

static void count(struct blkback_pending *p, unsigned sectors)
{
	struct blkback_vbd_stats *s = &p->vbd->stats;

	switch (p->req.operation) {
	case BLKIF_OP_READ:
		s->reads++;
		s->read_sectors += sectors;
		break;
	case BLKIF_OP_FLUSH_DISKCACHE:
		s->flushes++;
		break;
	case BLKIF_OP_WRITE_BARRIER:
		s->barriers++;
		s->written_sectors += sectors;
		break;
	default:
		s->writes++;
		s->written_sectors += sectors;
	}
}

void blkback_start(struct blkback_pending *p, struct cpu *cpu)
{
	struct blkback_vbd *v = p->vbd;

	p->status = BLKIF_RSP_OKAY;
	v->in_flight++;
	if (!blkback_map(p, cpu)) {
		v->stats.bad_grants++;
		p->status = BLKIF_RSP_ERROR;
		finish(p, cpu);
		return;
	}
	count(p, fill(p));
	p->step = p->req.operation == BLKIF_OP_WRITE_BARRIER ? STEP_FLUSH_BEFORE : STEP_DATA;
	submit(p, cpu);
}
