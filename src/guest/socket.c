/* SPDX-License-Identifier: MIT */
/*
 * The system calls that make and unmake connections; data moves in socket_io.c.
 */
#include "guest/socket.h"

#include <errno.h>

#include "guest/stack_internal.h"

/* ---- connections ---- */

static int listen_inside(struct socket *s, uint16_t port)
{
	const struct lwip_functions *fn = s->ns->fn;
	struct tcp_pcb *pcb = s->ns->fn->tcp_new(), *listener;
	err_t err;

	if (!pcb)
		return -ENOMEM;
	err = fn->tcp_bind(pcb, NULL, port);
	if (err != ERR_OK) {
		fn->tcp_abort(pcb);
		return socket_errno(err);
	}
	listener = fn->tcp_listen_with_backlog(pcb, 255);
	if (!listener) {
		fn->tcp_abort(pcb);
		return -ENOMEM;
	}
	s->pcb = listener;
	s->listening = true;
	fn->tcp_arg(listener, s);
	fn->tcp_accept(listener, socket_on_accept);
	return 0;
}

int socket_listen(struct netstack *ns, struct cpu *cpu, uint16_t port, struct socket **out)
{
	const enum charge before = socket_syscall_enter(ns, cpu, 0);
	struct socket *s = socket_new(ns);
	int rc = -ENOMEM;

	if (s) {
		stack_enter(ns, cpu);
		rc = listen_inside(s, port);
		stack_leave(ns, cpu);
		if (rc)
			socket_free(s);
		else
			*out = s;
	}
	socket_syscall_leave(cpu, before);
	return rc;
}

int socket_accept(struct socket *listener, struct cpu *cpu, struct socket **out)
{
	const enum charge before = socket_syscall_enter(listener->ns, cpu, 0);
	struct socket *s;

	if (!listener->listening) {
		socket_syscall_leave(cpu, before);
		return -EINVAL;
	}
	cpu_sync(cpu);
	while (!listener->accept_first)
		waitq_wait(&listener->accept_wait, cpu);
	s = listener->accept_first;
	listener->accept_first = s->accept_next;
	if (!listener->accept_first)
		listener->accept_last = NULL;
	s->accept_next = NULL;
	*out = s;
	socket_syscall_leave(cpu, before);
	return 0;
}

static int connect_inside(struct socket *s, uint32_t ip, uint16_t port)
{
	const struct lwip_functions *fn = s->ns->fn;
	const ip_addr_t to = IPADDR4_INIT(htobe32(ip));
	err_t err;

	s->pcb = s->ns->fn->tcp_new();
	if (!s->pcb)
		return -ENOMEM;
	socket_bind_callbacks(s);
	err = fn->tcp_connect(s->pcb, &to, port, socket_on_connected);
	if (err != ERR_OK) {
		socket_unbind_callbacks(s);
		fn->tcp_abort(s->pcb);
		s->pcb = NULL;
		return socket_errno(err);
	}
	socket_hash_in(s);
	stack_arm_timer(s->ns);
	return 0;
}

int socket_connect(struct netstack *ns, struct cpu *cpu, uint32_t ip, uint16_t port,
		   struct socket **out)
{
	const enum charge before = socket_syscall_enter(ns, cpu, 0);
	struct socket *s = socket_new(ns);
	int rc = -ENOMEM;

	if (!s)
		goto out;
	stack_enter(ns, cpu);
	rc = connect_inside(s, ip, port);
	stack_leave(ns, cpu);
	while (!rc && !s->connected && !s->error)
		waitq_wait(&s->write_wait, cpu);
	if (!rc && !s->connected)
		rc = s->error;
	if (rc) {
		stack_enter(ns, cpu);
		socket_free(s);
		stack_leave(ns, cpu);
	} else {
		*out = s;
	}
out:
	socket_syscall_leave(cpu, before);
	return rc;
}

void socket_set_nodelay(struct socket *s, struct cpu *cpu, bool nodelay)
{
	const enum charge before = socket_syscall_enter(s->ns, cpu, 0);

	socket_own(s, cpu);
	if (s->pcb && nodelay)
		tcp_nagle_disable(s->pcb);
	else if (s->pcb)
		tcp_nagle_enable(s->pcb);
	socket_disown(s, cpu);
	socket_syscall_leave(cpu, before);
}

/* ---- the end ---- */

int socket_shutdown(struct socket *s, struct cpu *cpu)
{
	const enum charge before = socket_syscall_enter(s->ns, cpu, 0);
	int rc = -ENOTCONN;

	socket_own(s, cpu);
	stack_enter(s->ns, cpu);
	if (s->pcb && s->connected && !s->shut)
		rc = socket_errno(s->ns->fn->tcp_shutdown(s->pcb, 0, 1));
	if (!rc)
		s->shut = true;
	stack_leave(s->ns, cpu);
	socket_disown(s, cpu);
	socket_syscall_leave(cpu, before);
	return rc;
}

static void close_inside(struct socket *s)
{
	const struct lwip_functions *fn = s->ns->fn;
	struct tcp_pcb *pcb = s->pcb;

	if (!pcb)
		return;
	if (s->listening) {
		s->pcb = NULL;
		fn->tcp_arg(pcb, NULL);
		fn->tcp_accept(pcb, NULL);
		fn->tcp_close(pcb); /* frees a listener, never fails */
		return;
	}
	socket_unbind_callbacks(s);
	s->pcb = NULL;
	if (fn->tcp_close(pcb) != ERR_OK)
		fn->tcp_abort(pcb);
}

void socket_close(struct socket *s, struct cpu *cpu)
{
	struct netstack *ns;
	enum charge before;

	if (!s)
		return;
	ns = s->ns;
	before = socket_syscall_enter(ns, cpu, 0);
	if (!s->listening) { /* frames that wait for us are still TCP's business */
		socket_own(s, cpu);
		socket_disown(s, cpu);
	}
	stack_enter(ns, cpu);
	while (s->accept_first) {
		struct socket *waiting = s->accept_first;

		s->accept_first = waiting->accept_next;
		close_inside(waiting);
		socket_free(waiting);
	}
	close_inside(s);
	socket_free(s);
	stack_leave(ns, cpu);
	socket_syscall_leave(cpu, before);
}
