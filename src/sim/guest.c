/* SPDX-License-Identifier: MIT */
/* Putting a guest machine together on a board, and what it pays. */
#include "sim/guest.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "mem/memory_view.h"
#include "sim/gate_internal.h"

static void cost_of_guest(struct cost *c)
{
	c->syscall += c->xen_syscall_bounce;
	c->context_switch += c->xen_context_switch;
	c->interrupt = c->xen_upcall;
	c->irq_flags = 2 * c->cache_hit;
}

#define DEFAULT_WEIGHT 256u
#define MAX_WEIGHT     65535u

static uint32_t affinity(const struct machine *board, const struct guest_vcpus *v)
{
	const uint32_t all = (uint32_t)(((uint64_t)1 << board->ncpus) - 1);

	return v->affinity ? v->affinity & all : all;
}

static int check_share(const struct machine *board, const struct guest_vcpus *v, struct err *err)
{
	if (v->weight > MAX_WEIGHT)
		return err_set(err, -EINVAL, "%s: weight %u: expected 1 to %u", v->name, v->weight,
			       MAX_WEIGHT);
	if (v->cap > 100 * v->count)
		return err_set(err, -EINVAL, "%s: cap %u: expected at most 100 for each of %u CPUs",
			       v->name, v->cap, v->count);
	for (unsigned i = 0; i < v->count; i++)
		if (!(affinity(board, v) >> v->physical[i] & 1))
			return err_set(err, -EINVAL,
				       "%s: virtual CPU %u begins on CPU %u, which its affinity "
				       "excludes",
				       v->name, i, v->physical[i]);
	return 0;
}

static int check(const struct machine *board, const struct guest_vcpus *v, struct err *err)
{
	uint32_t taken = board->carrying;

	if (!board->profile.has_xen)
		return err_set(err, -EINVAL,
			       "%s: profile %s has no [xen] section, so nothing is known of what "
			       "running under a hypervisor costs on it",
			       v->name, board->profile.name);
	if (!v->count || v->count > GUEST_MAX_VCPUS)
		return err_set(err, -EINVAL, "%s: %u virtual CPUs: expected 1 to %u", v->name,
			       v->count, GUEST_MAX_VCPUS);
	for (unsigned i = 0; i < v->count; i++) {
		if (v->physical[i] >= board->ncpus)
			return err_set(err, -EINVAL,
				       "%s: virtual CPU %u on CPU %u: expected 0 to %u", v->name, i,
				       v->physical[i], board->ncpus - 1);
		if (!board->gate && taken >> v->physical[i] & 1)
			return err_set(err, -EINVAL,
				       "%s: virtual CPU %u on CPU %u, which carries one already",
				       v->name, i, v->physical[i]);
		taken |= (uint32_t)1 << v->physical[i];
	}
	return check_share(board, v, err);
}

static int add_vcpus(struct machine *m, const struct guest_vcpus *vcpus, struct err *err)
{
	struct machine *board = m->board;
	struct gate_vcpu about = {
		.domain = board->gate ? gate_domain(board->gate) : 0,
		.weight = vcpus->weight ? vcpus->weight : DEFAULT_WEIGHT,
		.cap = vcpus->cap,
		.affinity = affinity(board, vcpus),
	};
	int rc = 0;

	for (unsigned i = 0; i < vcpus->count && !rc; i++) {
		about.physical = vcpus->physical[i];
		rc = machine_add_cpu(m, about.physical, err);
		if (!rc && board->gate)
			rc = gate_add(&m->cpus[i], &about, err);
		if (!board->gate)
			board->carrying |= (uint32_t)1 << about.physical;
	}
	return rc ? err_prefix(err, rc, "%s: ", vcpus->name) : 0;
}

int machine_create_guest(struct machine **out, struct machine *board, struct memory *view,
			 const struct guest_vcpus *vcpus, struct err *err)
{
	struct machine *m;
	int rc = check(board, vcpus, err);

	assert(!machine_is_guest(board) && memory_is_view(view));
	assert(memory_board(view) == board->mem);
	if (rc)
		return rc;
	m = calloc(1, sizeof(*m));
	if (!m)
		return err_set(err, -ENOMEM, "%s: no memory for a machine", vcpus->name);
	m->sim = board->sim;
	m->cache = board->cache;
	m->mem = view;
	m->board = board;
	m->profile = board->profile;
	m->profile.cpus = vcpus->count;
	m->profile.memory_bytes = memory_bytes(view);
	cost_of_guest(&m->profile.cost);
	m->free_dma_software = board->free_dma_software;
	m->cpus = calloc(vcpus->count, sizeof(*m->cpus));
	if (!m->cpus)
		rc = err_set(err, -ENOMEM, "%s: no memory for a machine", vcpus->name);
	if (!rc)
		rc = add_vcpus(m, vcpus, err);
	if (rc) {
		machine_destroy(m);
		return rc;
	}
	*out = m;
	return 0;
}
