/* SPDX-License-Identifier: MIT */
/*
 * Loading a private copy of lwIP (see lwip_shim.h) and the table of its functions in use. Nothing
 * outside this table is ever called, and lwIP is linked to by nobody.
 */
#ifndef IOTOLL_GUEST_LWIP_MODULE_H
#define IOTOLL_GUEST_LWIP_MODULE_H

#include "base/err.h"
#include "guest/lwip_shim.h"

#include "lwip/etharp.h"
#include "lwip/inet_chksum.h"
#include "lwip/init.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"

/* Every lwIP function (and list) in use: one row each. */
#define LWIP_FUNCTIONS(X)          \
	X(lwip_init)               \
	X(netif_add)               \
	X(netif_set_default)       \
	X(netif_set_up)            \
	X(netif_set_link_up)       \
	X(netif_remove)            \
	X(ethernet_input)          \
	X(etharp_output)           \
	X(etharp_cleanup_netif)    \
	X(pbuf_alloc)              \
	X(pbuf_alloced_custom)     \
	X(pbuf_ref)                \
	X(pbuf_free)               \
	X(pbuf_clone)              \
	X(sys_check_timeouts)      \
	X(sys_timeouts_sleeptime)  \
	X(tcp_new)                 \
	X(tcp_bind)                \
	X(tcp_listen_with_backlog) \
	X(tcp_accept)              \
	X(tcp_connect)             \
	X(tcp_arg)                 \
	X(tcp_recv)                \
	X(tcp_sent)                \
	X(tcp_err)                 \
	X(tcp_update_rcv_ann_wnd)  \
	X(tcp_write)               \
	X(tcp_output)              \
	X(tcp_shutdown)            \
	X(tcp_close)               \
	X(tcp_abort)               \
	X(tcp_active_pcbs)         \
	X(tcp_tw_pcbs)             \
	X(lwip_chksum_copy)        \
	X(pbuf_add_header)

/* Declared only inside lwIP's checksum code. */
u16_t lwip_chksum_copy(void *dst, const void *src, u16_t len);

#define LWIP_ROW(name) __typeof__(name) *name;
struct lwip_functions {
	LWIP_FUNCTIONS(LWIP_ROW)
	/* The sum of RFC 1071 over a range, as the shim computes it. */
	u16_t (*standard_chksum)(const void *data, int bytes);
};
#undef LWIP_ROW

struct lwip_module;

/*
 * Get a copy that nobody uses and in which nothing has happened yet, hand it @host (which must
 * outlive it) and run lwip_init(). A copy is loaded if none is idle; the module file is then
 * looked for in $IOTOLL_LWIP_MODULE, beside this program, in ../lib/iotoll and in the build tree.
 * 0; -ENOENT if it is nowhere; -ELIBACC if it cannot be loaded (a process has room for about
 * fifteen copies in use at a time); -ENOMEM; @err says which. Thread safe. *@out is set before
 * lwip_init() runs, for a panic that leaves by longjmp().
 */
int lwip_module_open(struct lwip_module **out, const struct lwip_shim_host *host,
		     struct err *err) MUST_CHECK;
/* Give the copy back; every object of it is gone. NULL is allowed. Thread safe. */
void lwip_module_close(struct lwip_module *m);
const struct lwip_functions *lwip_module_functions(const struct lwip_module *m);

#endif
