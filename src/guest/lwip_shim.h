/* SPDX-License-Identifier: MIT */
/*
 * The border between the laboratory and one private copy of lwIP. lwIP keeps its state in
 * globals, so each simulated host loads its own copy of the distribution's library into a linker
 * namespace of its own, together with the shim (lwip_shim.c), whose definitions take the place
 * of lwIP's clock, memory, randomness, packet-buffer allocation and last words. The shim reaches
 * the laboratory only through the table below.
 */
#ifndef IOTOLL_GUEST_LWIP_SHIM_H
#define IOTOLL_GUEST_LWIP_SHIM_H

#include <stddef.h>
#include <stdint.h>

struct lwip_shim_host {
	void *ctx;
	/* Milliseconds of virtual time. */
	uint32_t (*now_ms)(void *ctx);
	/* Port numbers and sequence numbers are drawn from here. */
	uint32_t (*random)(void *ctx);
	/* Connection blocks, segment descriptors, packet-buffer headers: the host program's memory.
	 */
	void *(*meta_alloc)(void *ctx, size_t bytes);
	void (*meta_free)(void *ctx, void *ptr);
	size_t (*meta_size)(void *ctx, const void *ptr);
	/* Bytes that go on the wire: the simulated machine's memory, which its NIC can reach. */
	void *(*frame_alloc)(void *ctx, size_t bytes);
	void (*frame_free)(void *ctx, void *ptr);
	/* lwIP has copied @bytes of a sender's data from @from to @to. */
	void (*copied)(void *ctx, const void *to, const void *from, size_t bytes);
	/* An assertion of lwIP failed; @text says which. Does not return. */
	void (*panic)(void *ctx, const char *text) __attribute__((noreturn));
};

/* Exported by the module; @host must stay valid until the next call, NULL means nobody. */
void iotoll_lwip_attach(const struct lwip_shim_host *host);
typedef void lwip_attach_fn(const struct lwip_shim_host *host);

#endif
