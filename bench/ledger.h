/* SPDX-License-Identifier: MIT */
/*
 * Who was executing when a simulated CPU was charged. The program is built with hooks at the entry
 * and exit of every function (gcc and clang: -finstrument-functions); at each of them, what the
 * account of the CPU that executes has gained since the last one belongs to the function that was
 * executing. Nothing in src/ knows of it, and results are the same bits as without.
 *
 * An interrupt, and a round of softirqs, begin a path of their own, whomever they interrupt.
 * Functions of the simulator itself and small helpers count as part of their callers.
 */
#ifndef IOTOLL_BENCH_LEDGER_H
#define IOTOLL_BENCH_LEDGER_H

#include "sim/cpu.h"

/* A function on a path from where its CPU began. */
struct ledger_node {
	const char *name, *file; /* file: of a static function; "" otherwise */
	uint64_t calls;
	uint64_t ps[CHARGE_COUNT]; /* its own */
	struct ledger_node *child, *next;
};

/* A CPU whose account was opened (cpu_account_reset()) and has been read since (cpu_account()). */
struct ledger_cpu {
	const struct cpu *cpu; /* who it was: gone when the run is over */
	const struct machine *board;
	unsigned id; /* within its domain */
	struct ledger_node root;
	uint64_t opened[CHARGE_COUNT]; /* the account just after it was opened */
	uint64_t last[CHARGE_COUNT];   /* up to here it has been handed out */
	uint64_t read[CHARGE_COUNT];   /* when it was read */
	bool open;
};

/* CPUs of the board whose accounts were opened first, in that order. */
struct ledger_cpu *ledger_cpus(unsigned *count);
/* Are hooks there at all, and did every charge between opening and reading find its function? */
bool ledger_complete(const struct ledger_cpu *c);
void ledger_free(void);

#endif
