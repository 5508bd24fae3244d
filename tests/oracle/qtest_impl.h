/* SPDX-License-Identifier: MIT */
/*
 * What the files of the qtest client share. Private to qtest*.c.
 */
#ifndef IOTOLL_TESTS_ORACLE_QTEST_IMPL_H
#define IOTOLL_TESTS_ORACLE_QTEST_IMPL_H

#include <sys/types.h>

#include "qtest.h"

/* What an answer is good for. */
struct pending {
	enum { ANSWER_NONE, ANSWER_NUMBER, ANSWER_BYTES } kind;
	uint64_t *number;
	uint8_t *bytes;
	size_t count;
};

struct buffer {
	char *text;
	size_t used, size;
};

struct qtest {
	pid_t pid;
	int fd;       /* our end of the socket */
	int messages; /* what QEMU said on stderr */
	struct buffer out, in;
	struct pending *pending;
	size_t pendings, pending_size;
	int status; /* the first failure */
	struct err err;
};

#endif
