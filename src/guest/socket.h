/* SPDX-License-Identifier: MIT */
/*
 * Blocking TCP sockets as a simulated program calls them. Each function is a system call: it
 * charges its entry and exit, runs on @cpu in the current task, and may put that task to sleep.
 * User buffers are ranges of the machine's physical memory that belong to the calling program.
 *
 * A socket belongs to one task, except that another may accept on a listener's behalf; closing
 * it while another task is inside a call on it is not allowed.
 */
#ifndef IOTOLL_GUEST_SOCKET_H
#define IOTOLL_GUEST_SOCKET_H

#include <sys/types.h>

#include "guest/stack.h"

struct socket;

/* Bytes of a connection's send and receive buffer (lwIP's build-time constants). */
#define SOCKET_BUFFER_BYTES 65535u

/* Listen on @port of every address. 0; -EADDRINUSE; -ENOMEM. */
int socket_listen(struct netstack *ns, struct cpu *cpu, uint16_t port,
		  struct socket **out) MUST_CHECK;
/* Wait for a connection. 0 and *@out; -EINVAL if @listener does not listen. */
int socket_accept(struct socket *listener, struct cpu *cpu, struct socket **out) MUST_CHECK;
/* Connect to @ip (host byte order). 0; -ECONNREFUSED, -ETIMEDOUT, -ENOMEM, -EHOSTUNREACH. */
int socket_connect(struct netstack *ns, struct cpu *cpu, uint32_t ip, uint16_t port,
		   struct socket **out) MUST_CHECK;
/* Switch Nagle's algorithm off (true) or on again. */
void socket_set_nodelay(struct socket *s, struct cpu *cpu, bool nodelay);

/*
 * Send @bytes from @from; returns when all of them are in the send buffer. The count; less than
 * @bytes if the connection broke on the way; -EPIPE, -ECONNRESET, -ETIMEDOUT, -ENOMEM; -EFAULT
 * if the range is not memory.
 */
ssize_t socket_send(struct socket *s, struct cpu *cpu, phys_t from, size_t bytes) MUST_CHECK;
/*
 * Wait until something has arrived and take up to @bytes of it to @to. The count; 0 at the end
 * of the peer's data; -ECONNRESET, -ETIMEDOUT, -EFAULT.
 */
ssize_t socket_recv(struct socket *s, struct cpu *cpu, phys_t to, size_t bytes) MUST_CHECK;
/* No more will be sent: the peer reads 0 after the data. 0, -ENOTCONN, or -ENOMEM. */
int socket_shutdown(struct socket *s, struct cpu *cpu);
/* Close and free. Data that was not read makes it a reset. NULL is allowed. */
void socket_close(struct socket *s, struct cpu *cpu);

#endif
