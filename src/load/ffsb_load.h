/* SPDX-License-Identifier: MIT */
/* FFSB as a load among others: one host, its disk, and a profile file. */
#ifndef IOTOLL_LOAD_FFSB_LOAD_H
#define IOTOLL_LOAD_FFSB_LOAD_H

#include "load/ffsb.h"
#include "load/load.h"

extern const struct load_ops load_ffsb;

/* What runs, and the profile it was given; both as long as @load, which is of this kind. */
const struct ffsb *load_ffsb_run(const struct load *load);
const struct ffsb_profile *load_ffsb_profile(const struct load *load);

#endif
