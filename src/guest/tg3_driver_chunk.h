/* SPDX-License-Identifier: MIT */
/*
 * Receive buffers in chunks: a stretch of whole pages that the chip alone writes to, mapped by one
 * request, posted buffer by buffer, and unmapped by one call when the chip has returned all of it.
 * Only then are its frames handed up, where they lie; until then they are held. So what protection
 * costs is paid once for a chunk, and no frame is ever looked at while the device can reach it.
 *
 * When the line falls silent, frames that wait for the rest of their chunk are copied out of it,
 * and so is a short one with nothing before it. When the last frame above is done with, the chunk
 * is free again: its pages never hold anything but what the chip has written.
 *
 * Ours; drivers of the paper's time map buffer by buffer (tg3_driver_rx.c). Close to it are F&S
 * (SOSP 2024), whose descriptors of 64 pages are unmapped as one, and DAMN (ASPLOS 2018), whose
 * pages hold nothing but DMA data but are never unmapped.
 */
#ifndef IOTOLL_GUEST_TG3_DRIVER_CHUNK_H
#define IOTOLL_GUEST_TG3_DRIVER_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define TG3_CHUNK_PAGES_MAX 64u

struct cpu;
struct tg3_chunks;
struct tg3_driver;

/*
 * Chunks of @pages pages (1 to TG3_CHUNK_PAGES_MAX) for @d; what is held is
 * copied out when @hold_ps have passed without a frame. Its softirq runs on @irq_cpu. 0 or -ENOMEM.
 */
int tg3_chunks_create(struct tg3_chunks **out, struct tg3_driver *d, unsigned pages,
		      uint64_t hold_ps, struct cpu *irq_cpu) MUST_CHECK;
/*
 * Unmap everything. Frames above stay valid: the last to be done with takes the memory with it.
 * NULL is allowed.
 */
void tg3_chunks_close(struct tg3_chunks *c);
/* Post chunks until the ring has as many as it should. 0; -ENOMEM, -EIO: fewer, and why. */
int tg3_chunks_post(struct tg3_chunks *c, struct cpu *cpu) MUST_CHECK;
/* Is it the turn of the buffer in slot @index to be returned? */
bool tg3_chunks_expect(const struct tg3_chunks *c, unsigned index);
/*
 * The chip has returned the buffer in slot @index, with a frame of @bytes in it, 0: with none that
 * is any good. The slot is empty afterwards.
 */
void tg3_chunks_returned(struct tg3_chunks *c, struct cpu *cpu, unsigned index, size_t bytes);
/* A poll ends. */
void tg3_chunks_polled(struct tg3_chunks *c, struct cpu *cpu);

#endif
