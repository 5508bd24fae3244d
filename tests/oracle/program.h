/* SPDX-License-Identifier: MIT */
/*
 * A program for the oracle: a list of operations that both sides execute. Its text form, a line an
 * operation, is what a failing case is printed as and what --replay reads:
 *
 *	poke ADDR VALUE         8 bytes into memory
 *	reg32 OFFSET VALUE      a register of the IOMMU
 *	reg64 OFFSET VALUE
 *	enable 0|1              translation off or on
 *	root                    take over the table pointer that was written last
 *	queue 0|1               command queue off or on
 *	desc LO HI              a descriptor or command at the queue's tail, and the tail after it
 *	recover                 if the queue has stopped at an error: mend it and go on
 *	ack                     take notice of every fault
 *	store DEV IOVA BYTES AT device DEV writes BYTES bytes from offset AT of its buffer
 *	load DEV IOVA BYTES AT  device DEV reads BYTES bytes to offset AT of its buffer
 *
 * Numbers are C constants; from # on a line is a comment.
 */
#ifndef IOTOLL_TESTS_ORACLE_PROGRAM_H
#define IOTOLL_TESTS_ORACLE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum op_kind {
	OP_POKE,
	OP_REG32,
	OP_REG64,
	OP_ENABLE,
	OP_ROOT,
	OP_QUEUE,
	OP_DESC,
	OP_RECOVER,
	OP_ACK,
	OP_STORE,
	OP_LOAD,
	OP_KINDS
};

struct op {
	enum op_kind kind;
	uint64_t arg[4]; /* in the order of the text form */
};

struct program {
	struct op *op;
	size_t ops, size;
};

/* 0 or -ENOMEM. A program begins as {0}. */
int program_add(struct program *p, struct op op) MUST_CHECK;
/* How many numbers follow the word of @kind. */
unsigned op_args(enum op_kind kind);
/* One operation in text form, without a newline. */
void op_print(const struct op *op, char *text, size_t bytes);
/* The whole list, a line each. */
void program_print(const struct program *p, FILE *to);
/* Append what @from holds in text form. 0; -EINVAL with the line in @err; -ENOMEM. */
int program_parse(struct program *p, FILE *from, const char *name, struct err *err) MUST_CHECK;
void program_free(struct program *p);

#endif
