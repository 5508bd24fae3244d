/* SPDX-License-Identifier: MIT */
/*
 * A QEMU process driven through its qtest socket, without a guest: its CPU halts at the reset
 * vector, and whoever holds this handle reads and writes guest physical memory, device registers
 * and I/O ports. Commands are queued and travel together: qtest_sync() sends what is queued and
 * fills in every answer. The first thing that goes wrong is kept, everything after it does
 * nothing, and qtest_sync() reports it.
 *
 * The process dies with its handle, and with this process however that ends. It leaves no file.
 */
#ifndef IOTOLL_TESTS_ORACLE_QTEST_H
#define IOTOLL_TESTS_ORACLE_QTEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct qtest;

/*
 * The version of @binary as it prints it ("7.2.22") into @version. 0; -ENOENT if there is no such
 * program, -EPROTO if it does not answer as QEMU does.
 */
int qtest_version(const char *binary, char *version, size_t bytes) MUST_CHECK;

/*
 * Start @binary with a q35 machine of @ram_mib MiB and the further words of @devices, a
 * NULL-terminated list. Device timers fire at once: virtual time jumps to the next deadline.
 * 0; -errno with @err.
 */
int qtest_start(struct qtest **out, const char *binary, unsigned ram_mib,
		const char *const *devices, struct err *err) MUST_CHECK;
/* Kill the process and reap it. NULL is allowed. */
void qtest_stop(struct qtest *q);

/* Queue a write of 1, 2, 4 or 8 bytes at guest physical @addr, in the guest's byte order. */
void qtest_write(struct qtest *q, uint64_t addr, uint64_t value, unsigned width);
/* Queue a read; *@to is filled in by the next qtest_sync(). */
void qtest_read(struct qtest *q, uint64_t addr, unsigned width, uint64_t *to);
/* Queue a read or write of @bytes bytes as they lie in memory; @bytes is not 0. */
void qtest_read_bytes(struct qtest *q, uint64_t addr, size_t bytes, void *to);
void qtest_write_bytes(struct qtest *q, uint64_t addr, size_t bytes, const void *from);
/* Queue a 32-bit write to, or a 32-bit read of, an I/O port. */
void qtest_outl(struct qtest *q, uint16_t port, uint32_t value);
void qtest_inl(struct qtest *q, uint16_t port, uint64_t *to);

/* Send everything queued, wait for the answers. 0, or -errno with @err saying what happened. */
int qtest_sync(struct qtest *q, struct err *err) MUST_CHECK;

#endif
