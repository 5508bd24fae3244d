/* SPDX-License-Identifier: MIT */
/*
 * Fibers: stacks to run simulated code on, switched by hand. One host thread; exactly one of the
 * host's own stack and the fibers runs at a time.
 */
#ifndef IOTOLL_SIM_FIBER_H
#define IOTOLL_SIM_FIBER_H

#include <stddef.h>

struct fiber;

/* A fiber that will run fn(ctx) on its own stack (guarded below). NULL when memory is short. */
struct fiber *fiber_create(size_t stack_bytes, void (*fn)(void *ctx), void *ctx);
/* Not while it runs. Whatever was on its stack is forgotten. NULL is allowed. */
void fiber_destroy(struct fiber *f);
/* Run @f from where it last yielded; returns when it yields or its function ends. Host only. */
void fiber_run(struct fiber *f);
/* Back to whoever ran @f, which is the fiber executing now. */
void fiber_yield(struct fiber *f);

#endif
