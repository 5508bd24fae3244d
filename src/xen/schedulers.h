/* SPDX-License-Identifier: MIT */
/*
 * How the hypervisor shares physical CPUs: one policy a file, each a const struct gate_ops, and one
 * table of them. gate_create() takes one.
 */
#ifndef IOTOLL_XEN_SCHEDULERS_H
#define IOTOLL_XEN_SCHEDULERS_H

#include "sim/gate.h"

/* Each virtual CPU has a physical one to itself; a second one there is refused. */
extern const struct gate_ops sched_pinned;
/* Xen's credit scheduler: see sched_credit.h. */
extern const struct gate_ops sched_credit;

/* NULL-terminated. */
extern const struct gate_ops *const sched_policies[];

/* The policy called @name; NULL with @err naming those there are. */
const struct gate_ops *sched_find(const char *name, struct err *err);

#endif
