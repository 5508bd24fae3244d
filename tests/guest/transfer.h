/* SPDX-License-Identifier: MIT */
/* Programs that move a known stream of bytes between the two hosts of a lab. */
#ifndef IOTOLL_TESTS_GUEST_TRANSFER_H
#define IOTOLL_TESTS_GUEST_TRANSFER_H

#include "lab.h"

#define PORT       5001
#define USER_PAGES 32

struct program {
	struct host *host;
	struct cpu *cpu;
	phys_t user; /* its memory: USER_PAGES pages */
	uint64_t bytes, done;
	size_t chunk;
	uint64_t mismatches;
	ssize_t last;
	int rc;
	bool nodelay, sends, finished;
	uint32_t ip;
};

/* One on CPU @cpu of side @side that will talk to the other side; the caller frees it. */
struct program *program_new(struct lab *lab, unsigned side, unsigned cpu, bool sends,
			    uint64_t bytes, size_t chunk);
void program_start(struct program *p, const char *name, void (*fn)(void *ctx));
/* Wait for one connection, or make one, then send or receive until the end and close. */
void transfer_server(void *ctx);
void transfer_client(void *ctx);
/*
 * One transfer of @bytes from side @sender (0: the client, 1: the server) that must be complete and
 * without a wrong byte by the instant @limit.
 */
void transfer(struct lab *lab, unsigned sender, uint64_t bytes, size_t send_chunk,
	      size_t recv_chunk, bool nodelay, uint64_t limit);

#endif
