/* SPDX-License-Identifier: MIT */
/*
 * QEMU's "edu" device as a DMA engine: a function that copies between its 4 KiB buffer and what a
 * bus address leads to. Device @n of a run sits on bus 0, device 5 + @n, function 0.
 */
#ifndef IOTOLL_TESTS_ORACLE_EDU_H
#define IOTOLL_TESTS_ORACLE_EDU_H

#include "qtest.h"

#define EDU_BUFFER_BYTES 4096u
/* What may be used of it: a transfer that touches the last byte ends QEMU 7.2. */
#define EDU_USABLE_BYTES 4088u

enum edu_direction { EDU_LOAD = 0, EDU_STORE = 1 }; /* memory to buffer, buffer to memory */

/* What to put behind qtest_start()'s list for device @n: two words into @words. */
void edu_words(unsigned n, char *option, size_t bytes);
/* Requester id of device @n. */
uint16_t edu_source(unsigned n);
/* Queue the configuration of device @n: its registers mapped, bus master on. */
void edu_configure(struct qtest *q, unsigned n);
/*
 * Queue the start of a transfer of @bytes between offset @at of the buffer and bus address @addr.
 * The transfer must lie in the usable part of the buffer and not be empty: asserted.
 */
void edu_start(struct qtest *q, unsigned n, enum edu_direction direction, uint64_t addr,
	       uint32_t at, uint32_t bytes);
/* Queue the question whether device @n still runs: the next qtest_sync() sets bit 0 of *@to. */
void edu_ask(struct qtest *q, unsigned n, uint64_t *to);
/* Transfer and wait for the end: as edu_start(), with qtest_sync()s. 0 or -errno with @err. */
int edu_transfer(struct qtest *q, unsigned n, enum edu_direction direction, uint64_t addr,
		 uint32_t at, uint32_t bytes, struct err *err) MUST_CHECK;

#endif
