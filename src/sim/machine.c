/* SPDX-License-Identifier: MIT */
/* Putting a machine together out of a profile, and taking it apart. */
#include "sim/machine.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sim/gate_internal.h"

int machine_create(struct machine **out, struct sim *sim, const struct profile *profile,
		   struct err *err)
{
	struct machine *m = calloc(1, sizeof(*m));

	if (!m)
		return err_set(err, -ENOMEM, "no memory for a machine");
	m->sim = sim;
	m->board = m;
	m->profile = *profile;
	errno = 0; /* and not ENOMEM if sizes are what is wrong */
	m->mem = memory_create(profile->memory_bytes);
	m->cpus = calloc(profile->cpus, sizeof(*m->cpus));
	m->cache = cache_create(profile->cpus, profile->l2_bytes, profile->l2_ways,
				profile->memory_bytes);
	if (!m->mem || !m->cpus || !m->cache) {
		const bool short_of_memory = errno == ENOMEM;

		machine_destroy(m);
		if (short_of_memory)
			return err_set(err, -ENOMEM, "no memory for a machine of profile %s",
				       profile->name);
		return err_set(err, -EINVAL,
			       "profile %s: %u CPUs with %u-byte %u-way caches over %llu bytes of "
			       "memory cannot be built: expected 1 to %u CPUs and a power of two "
			       "of sets",
			       profile->name, profile->cpus, profile->l2_bytes, profile->l2_ways,
			       (unsigned long long)profile->memory_bytes, CACHE_MAX_CPUS);
	}
	for (unsigned id = 0; id < profile->cpus; id++) {
		const int rc = machine_add_cpu(m, id, err);

		if (rc) {
			machine_destroy(m);
			return rc;
		}
	}
	*out = m;
	return 0;
}

int machine_add_cpu(struct machine *m, unsigned physical, struct err *err)
{
	struct cpu *cpu = &m->cpus[m->ncpus];

	cpu_init(cpu, m, m->ncpus++, physical);
	if (task_cpu_init(cpu))
		return err_set(err, -ENOMEM, "no memory for the stacks of CPU %u", cpu->id);
	return 0;
}

void machine_destroy(struct machine *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < m->ncpus; i++) {
		task_cpu_fini(&m->cpus[i]);
		gate_remove(&m->cpus[i]);
		if (machine_is_guest(m))
			m->board->carrying &= ~((uint32_t)1 << m->cpus[i].physical);
	}
	free(m->cpus);
	if (!machine_is_guest(m)) {
		gate_destroy(m->gate);
		cache_destroy(m->cache);
		memory_destroy(m->mem);
	}
	free(m);
}

struct cpu *machine_cpu(struct machine *m, unsigned id)
{
	assert(id < m->ncpus);
	return &m->cpus[id];
}

sim_time machine_now(const struct machine *m)
{
	const struct cpu *running = m->board->running;

	return running ? running->clock : sim_now(m->sim);
}
