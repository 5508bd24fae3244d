// SPDX-License-Identifier: MIT
/* Event channels; numbers in comments are rows of the hostile inputs' list. */
#include "world.h"

#include "xen/evtchn.h"
#include "xen/impl.h"

struct scene {
	struct world w;
	struct xen_domain *dom0, *a, *b;
};

static int setup(void **state)
{
	static const struct xen_limits limits = {.ports_max = 130};
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	world_init(&s->w, 512, &limits);
	s->dom0 = world_domain(&s->w, 0, true);
	s->a = world_domain(&s->w, 1, false);
	s->b = world_domain(&s->w, 2, false);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	world_fini(&s->w);
	free(s);
	return 0;
}

static shared_info_t *shared(struct xen_domain *d)
{
	return guest_page(d, 1);
}

/* A kernel that is ready: nothing masked. */
static void unmask_all(struct xen_domain *d)
{
	memset(shared(d)->evtchn_mask, 0, sizeof(shared(d)->evtchn_mask));
}

static long event(struct xen_domain *d, unsigned cmd, void *arg, size_t bytes)
{
	return call_arg(d, __HYPERVISOR_event_channel_op, cmd, arg, bytes);
}

static long unbound(struct xen_domain *d, unsigned dom, unsigned remote, unsigned *port)
{
	evtchn_alloc_unbound_t op = {.dom = (domid_t)dom, .remote_dom = (domid_t)remote};
	const long ret = event(d, EVTCHNOP_alloc_unbound, &op, sizeof(op));

	*port = op.port;
	return ret;
}

static long bind(struct xen_domain *d, unsigned dom, unsigned remote_port, unsigned *port)
{
	evtchn_bind_interdomain_t op = {.remote_dom = (domid_t)dom, .remote_port = remote_port};
	const long ret = event(d, EVTCHNOP_bind_interdomain, &op, sizeof(op));

	*port = op.local_port;
	return ret;
}

static long one(struct xen_domain *d, unsigned cmd, unsigned port)
{
	return event(d, cmd, &port, 4);
}

static bool pending(struct xen_domain *d, unsigned port)
{
	return shared(d)->evtchn_pending[port / 64] >> port % 64 & 1;
}

/* Ports 1 of a and 1 of b, connected; nothing pending. */
static void connect(struct scene *s, unsigned *pa, unsigned *pb)
{
	assert_int_equal(unbound(s->a, DOMID_SELF, 2, pa), 0);
	assert_int_equal(bind(s->b, 1, *pa, pb), 0);
	assert_true(pending(s->b, *pb)); /* at once: nothing sent before is lost */
	for (unsigned i = 0; i < 2; i++) {
		struct xen_domain *d = i == 0 ? s->a : s->b;

		unmask_all(d);
		memset(shared(d)->evtchn_pending, 0, 512);
		memset(shared(d)->vcpu_info, 0, sizeof(shared(d)->vcpu_info));
	}
}

static void an_event_takes_three_steps_to_its_vcpu(void **state)
{
	struct scene *s = *state;
	unsigned pa, pb;
	vcpu_info_t *v;
	evtchn_bind_vcpu_t to = {.vcpu = 1};

	connect(s, &pa, &pb);
	v = shared(s->b)->vcpu_info;
	assert_int_equal(one(s->a, EVTCHNOP_send, pa), 0);
	assert_true(pending(s->b, pb));
	assert_int_equal(v[0].evtchn_pending_sel, 1);
	assert_int_equal(v[0].evtchn_upcall_pending, 1);
	assert_int_equal(xen_vcpu_upcalls(s->b, 0), 1);
	/* 62: coalesced until the guest has taken it. */
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(one(s->a, EVTCHNOP_send, pa), 0);
	assert_int_equal(xen_vcpu_upcalls(s->b, 0), 1);
	v[0] = (vcpu_info_t){0};
	memset(shared(s->b)->evtchn_pending, 0, 512);
	/* Masked: pending, and nothing else, until it is unmasked. */
	shared(s->b)->evtchn_mask[0] = UINT64_MAX;
	assert_int_equal(one(s->a, EVTCHNOP_send, pa), 0);
	assert_true(pending(s->b, pb));
	assert_int_equal(v[0].evtchn_upcall_pending, 0);
	assert_int_equal(one(s->b, EVTCHNOP_unmask, pb), 0);
	assert_int_equal(v[0].evtchn_upcall_pending, 1);
	assert_int_equal(xen_vcpu_upcalls(s->b, 0), 2);
	/* The other way, to another vCPU. */
	to.port = pa;
	assert_int_equal(event(s->a, EVTCHNOP_bind_vcpu, &to, sizeof(to)), 0);
	assert_int_equal(one(s->b, EVTCHNOP_send, pb), 0);
	assert_int_equal(xen_vcpu_upcalls(s->a, 1), 1);
	assert_int_equal(shared(s->a)->vcpu_info[1].evtchn_pending_sel, 1);
}

static void ports_end_and_peers_are_left_unbound(void **state)
{
	struct scene *s = *state;
	evtchn_status_t st = {.dom = DOMID_SELF};
	unsigned pa, pb, again;

	connect(s, &pa, &pb);
	st.port = pa;
	assert_int_equal(event(s->a, EVTCHNOP_status, &st, sizeof(st)), 0);
	assert_int_equal(st.status, EVTCHNSTAT_interdomain);
	assert_int_equal(st.u.interdomain.dom, 2);
	assert_int_equal(st.u.interdomain.port, pb);
	assert_int_equal(one(s->b, EVTCHNOP_close, pb), 0);
	assert_int_equal(one(s->b, EVTCHNOP_close, pb), -EINVAL);
	assert_int_equal(event(s->a, EVTCHNOP_status, &st, sizeof(st)), 0);
	assert_int_equal(st.status, EVTCHNSTAT_unbound);
	assert_int_equal(st.u.unbound.dom, 2);
	assert_int_equal(one(s->a, EVTCHNOP_send, pa), 0); /* into the void, silently */
	assert_int_equal(bind(s->b, 1, pa, &again), 0);
	assert_int_equal(again, pb); /* the lowest free one */
	world_check(&s->w);
	xen_domain_kill(s->b);
	assert_int_equal(event(s->a, EVTCHNOP_status, &st, sizeof(st)), 0);
	assert_int_equal(st.status, EVTCHNSTAT_unbound);
	assert_int_equal(bind(s->a, 2, 1, &again), -ESRCH);
}

/* 59-61 */
static void bad_operations_are_refused(void **state)
{
	struct scene *s = *state;
	evtchn_bind_virq_t virq = {.virq = VIRQ_TIMER};
	evtchn_bind_pirq_t pirq = {.pirq = 3};
	evtchn_bind_ipi_t ipi = {.vcpu = 2};
	evtchn_bind_vcpu_t to = {.vcpu = 2};
	evtchn_status_t st = {.dom = 2, .port = 1};
	evtchn_reset_t reset = {.dom = 2};
	unsigned pa, pb, port;

	connect(s, &pa, &pb);
	assert_int_equal(one(s->a, EVTCHNOP_send, 0), -EINVAL);
	assert_int_equal(one(s->a, EVTCHNOP_send, 130), -EINVAL);
	assert_int_equal(one(s->a, EVTCHNOP_send, 4096), -EINVAL);
	assert_int_equal(one(s->a, EVTCHNOP_send, UINT32_MAX), -EINVAL);
	assert_int_equal(one(s->a, EVTCHNOP_send, 77), -EINVAL);
	assert_int_equal(one(s->a, EVTCHNOP_close, 0), -EINVAL);
	assert_int_equal(one(s->a, EVTCHNOP_unmask, 77), -EINVAL);
	assert_int_equal(event(s->a, EVTCHNOP_bind_virq, &virq, sizeof(virq)), 0);
	assert_int_equal(one(s->a, EVTCHNOP_send, virq.port), -EINVAL);
	assert_int_equal(event(s->a, EVTCHNOP_bind_virq, &virq, sizeof(virq)), -EEXIST);
	virq.vcpu = 2;
	assert_int_equal(event(s->a, EVTCHNOP_bind_virq, &virq, sizeof(virq)), -ENOENT);
	virq = (evtchn_bind_virq_t){.virq = VIRQ_CONSOLE, .vcpu = 1};
	assert_int_equal(event(s->a, EVTCHNOP_bind_virq, &virq, sizeof(virq)), -EINVAL);
	virq = (evtchn_bind_virq_t){.virq = NR_VIRQS};
	assert_int_equal(event(s->a, EVTCHNOP_bind_virq, &virq, sizeof(virq)), -EINVAL);
	assert_int_equal(event(s->a, EVTCHNOP_bind_ipi, &ipi, sizeof(ipi)), -ENOENT);
	assert_int_equal(event(s->a, EVTCHNOP_bind_vcpu, &to, sizeof(to)), -ENOENT);
	/* 60: bound already, or kept for somebody else. */
	assert_int_equal(bind(s->b, 1, pa, &port), -EINVAL);
	assert_int_equal(unbound(s->a, DOMID_SELF, 0, &pa), 0);
	assert_int_equal(bind(s->b, 1, pa, &port), -EINVAL);
	assert_int_equal(bind(s->b, 1, 0, &port), -EINVAL);
	assert_int_equal(bind(s->b, 1, UINT32_MAX, &port), -EINVAL);
	assert_int_equal(bind(s->b, 40, 1, &port), -ESRCH);
	/* 61 */
	assert_int_equal(event(s->a, EVTCHNOP_bind_pirq, &pirq, sizeof(pirq)), -EPERM);
	assert_int_equal(unbound(s->a, 2, 1, &port), -EPERM);
	assert_int_equal(unbound(s->dom0, 40, 1, &port), -ESRCH);
	assert_int_equal(unbound(s->dom0, 2, 40, &port), 0);
	assert_int_equal(event(s->a, EVTCHNOP_status, &st, sizeof(st)), -EPERM);
	assert_int_equal(event(s->a, EVTCHNOP_reset, &reset, sizeof(reset)), -EPERM);
	assert_int_equal(event(s->dom0, EVTCHNOP_reset, &reset, sizeof(reset)), 0);
	assert_int_equal(one(s->b, EVTCHNOP_send, pb), -EINVAL);
	assert_int_equal(call(s->a, __HYPERVISOR_event_channel_op, EVTCHNOP_send, 0, 0, 0),
			 -EFAULT);
	assert_int_equal(call(s->a, __HYPERVISOR_event_channel_op, 11, 0, 0, 0), -ENOSYS);
	assert_int_equal(call(s->a, __HYPERVISOR_event_channel_op, 0xffff0000, 0, 0, 0), -ENOSYS);
	world_check(&s->w);
}

/* 64 */
static void when_all_ports_are_taken_others_have_theirs(void **state)
{
	struct scene *s = *state;
	unsigned port;

	for (unsigned i = 1; i < 130; i++) {
		assert_int_equal(unbound(s->a, DOMID_SELF, 2, &port), 0);
		assert_int_equal(port, i);
	}
	assert_int_equal(unbound(s->a, DOMID_SELF, 2, &port), -ENOSPC);
	assert_int_equal(unbound(s->b, DOMID_SELF, 1, &port), 0);
	assert_int_equal(one(s->a, EVTCHNOP_close, 40), 0);
	assert_int_equal(unbound(s->a, DOMID_SELF, 2, &port), 0);
	assert_int_equal(port, 40);
}

static void interrupts_reach_who_has_bound_them(void **state)
{
	struct scene *s = *state;
	evtchn_bind_virq_t virq = {.virq = VIRQ_TIMER, .vcpu = 1};
	evtchn_bind_pirq_t pirq = {.pirq = 3};

	unmask_all(s->a);
	assert_false(xen_pirq_raise(s->w.hv, NULL, 3));
	assert_int_equal(xen_pirq_permit(s->a, 3), 0);
	assert_int_equal(xen_pirq_permit(s->b, 3), 0);
	assert_int_equal(xen_pirq_permit(s->a, 256), -EINVAL);
	assert_int_equal(event(s->a, EVTCHNOP_bind_pirq, &pirq, sizeof(pirq)), 0);
	assert_true(xen_pirq_raise(s->w.hv, NULL, 3));
	assert_true(pending(s->a, pirq.port));
	assert_int_equal(xen_vcpu_upcalls(s->a, 0), 1);
	assert_int_equal(event(s->a, EVTCHNOP_bind_pirq, &pirq, sizeof(pirq)), -EEXIST);
	assert_int_equal(event(s->b, EVTCHNOP_bind_pirq, &pirq, sizeof(pirq)), -EBUSY);
	assert_false(xen_virq_raise(s->a, 1, VIRQ_TIMER));
	assert_int_equal(event(s->a, EVTCHNOP_bind_virq, &virq, sizeof(virq)), 0);
	assert_true(xen_virq_raise(s->a, 1, VIRQ_TIMER));
	assert_int_equal(xen_vcpu_upcalls(s->a, 1), 1);
	world_check(&s->w);
	xen_domain_kill(s->a);
	assert_false(xen_pirq_raise(s->w.hv, NULL, 3));
	assert_int_equal(event(s->b, EVTCHNOP_bind_pirq, &pirq, sizeof(pirq)), 0);
}

/* A virq of the whole domain's may be notified elsewhere; it ends all the same. */
static void a_virq_that_moved_to_another_vcpu_can_be_bound_again(void **state)
{
	struct scene *s = *state;
	evtchn_bind_virq_t virq = {.virq = VIRQ_CONSOLE};
	evtchn_bind_vcpu_t to = {.vcpu = 1};

	unmask_all(s->a);
	assert_int_equal(event(s->a, EVTCHNOP_bind_virq, &virq, sizeof(virq)), 0);
	to.port = virq.port;
	assert_int_equal(event(s->a, EVTCHNOP_bind_vcpu, &to, sizeof(to)), 0);
	world_check(&s->w);
	assert_true(xen_virq_raise(s->a, 0, VIRQ_CONSOLE));
	assert_int_equal(xen_vcpu_upcalls(s->a, 1), 1);
	assert_int_equal(one(s->a, EVTCHNOP_close, virq.port), 0);
	world_check(&s->w);
	assert_false(xen_virq_raise(s->a, 0, VIRQ_CONSOLE));
	assert_int_equal(event(s->a, EVTCHNOP_bind_virq, &virq, sizeof(virq)), 0);
}

/* 63: a guest that fills its page with anything harms nobody. */
static void a_scribbled_shared_page_is_its_owners_problem(void **state)
{
	struct scene *s = *state;
	unsigned pa, pb;

	connect(s, &pa, &pb);
	memset(shared(s->b), 0xff, PAGE_BYTES);
	assert_int_equal(one(s->a, EVTCHNOP_send, pa), 0);
	assert_int_equal(one(s->b, EVTCHNOP_unmask, pb), 0);
	assert_int_equal(one(s->b, EVTCHNOP_send, pb), 0);
	assert_true(pending(s->a, pa));
	world_check(&s->w);
}

static void block_lets_upcalls_in(void **state)
{
	struct scene *s = *state;
	sched_poll_t poll = {.nr_ports = 129};

	assert_int_equal(shared(s->a)->vcpu_info[0].evtchn_upcall_mask, 1);
	assert_int_equal(call(s->a, __HYPERVISOR_sched_op, SCHEDOP_block, 0, 0, 0), 0);
	assert_int_equal(shared(s->a)->vcpu_info[0].evtchn_upcall_mask, 0);
	assert_int_equal(call_arg(s->a, __HYPERVISOR_sched_op, SCHEDOP_poll, &poll, sizeof(poll)),
			 -EINVAL);
	poll.nr_ports = 1; /* at address 0 */
	assert_int_equal(call_arg(s->a, __HYPERVISOR_sched_op, SCHEDOP_poll, &poll, sizeof(poll)),
			 -EFAULT);
	assert_int_equal(call(s->a, __HYPERVISOR_sched_op, 99, 0, 0, 0), -ENOSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(an_event_takes_three_steps_to_its_vcpu),
		T(ports_end_and_peers_are_left_unbound),
		T(bad_operations_are_refused),
		T(when_all_ports_are_taken_others_have_theirs),
		T(interrupts_reach_who_has_bound_them),
		T(a_virq_that_moved_to_another_vcpu_can_be_bound_again),
		T(a_scribbled_shared_page_is_its_owners_problem),
		T(block_lets_upcalls_in),
	};

	return cmocka_run_group_tests_name("xen/events", tests, NULL, NULL);
}
