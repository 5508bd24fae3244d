/* SPDX-License-Identifier: MIT */
/* What the set-up of netperf's loads and their programs share. */
#ifndef IOTOLL_LOAD_TCP_STREAM_INTERNAL_H
#define IOTOLL_LOAD_TCP_STREAM_INTERNAL_H

#include "guest/host.h"
#include "load/tcp_stream.h"
#include "sim/task.h"

enum { VERIFY_NONE, VERIFY_WORDS, VERIFY_ALL };

enum value {
	MESSAGE_BYTES,
	RECV_BYTES,
	STREAMS,
	NODELAY,
	SUT_CPU,
	SUT_CPU_STEP,
	CLIENT_CPU,
	CLIENT_CPU_STEP,
	VERIFY,
	VALUES
};

/* A ring of user buffers in one stretch of a machine's memory. */
struct ring {
	phys_t paddr;
	uint64_t pages;
	size_t buffer_bytes, buffers;
};

struct counters {
	uint64_t bytes, calls, checked, mismatches;
};

struct stream;

/* One program. */
struct program {
	struct stream *stream;
	struct host *host;
	struct cpu *cpu;
	struct ring ring;
	bool sends, done;
	struct counters count, at_begin, at_end;
};

struct stream {
	struct tcp_load *load;
	uint16_t port;
	uint8_t *pattern; /* one period of what is sent */
	size_t period;
	struct program client, server;
	bool client_up, server_up;
};

struct tcp_load {
	struct load load;
	struct host *sut, *client;
	uint64_t value[VALUES];
	unsigned streams;
	bool sut_receives;
	bool stopping, ended;
	sim_time begin, end;
	uint64_t retransmits_begin, retransmits_end;
	int error;
	char error_text[160];
	struct stream *stream;
	struct waitq first_up; /* clients that wait for the first one's connection */
};

/* tcp_stream_program.c: the two programs of a stream; @ctx is their struct program. */
void tcp_stream_server(void *ctx);
void tcp_stream_client(void *ctx);

#endif
