/* SPDX-License-Identifier: MIT */
/* Parts of the memory_op hypercall, private to src/xen. */
#ifndef IOTOLL_XEN_MEMORY_OP_H
#define IOTOLL_XEN_MEMORY_OP_H

#include "xen/impl.h"

#define EXTENT_ORDER_MAX 9u /* pages of an extent: 512 */

/* XENMEM_exchange of c->args[1]: 0 or a negative errno value. */
long memory_exchange(struct call *c);

#endif
