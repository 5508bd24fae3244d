/* SPDX-License-Identifier: MIT */
/* All that is measured of a host, one after the other. */
#include <errno.h>
#include <unistd.h>

#include "calibrate/calibrate_impl.h"

static void tell(const struct calibrate_options *options, const char *what, unsigned index)
{
	if (options->begin)
		options->begin(options->host.ctx, what, index, HOST_QUANTITIES + CALIBRATE_STEPS);
}

static bool stopped(const struct calibrate_options *options)
{
	return options->host.should_stop && options->host.should_stop(options->host.ctx);
}

static void describe(struct calibration *c)
{
	const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	host_cpu_name(c->cpu, sizeof(c->cpu), &c->virtual_cpu);
	c->cpus = host_cpus();
	c->memory_bytes = pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
	c->has_caches = !host_caches_read(&c->caches, "/sys/devices/system/cpu", 0);
}

int calibrate_measure(struct calibration *out, const struct calibrate_options *options,
		      struct err *err)
{
	int rc = 0;

	*out = (struct calibration){.cpus = 0};
	describe(out);
	for (unsigned i = 0; i < HOST_QUANTITIES && !rc; i++) {
		tell(options, host_rows[i].title, i);
		rc = stopped(options)
			     ? -EINTR
			     : host_measure((enum host_quantity)i, &options->host, &out->host[i]);
	}
	for (unsigned i = 0; i < CALIBRATE_STEPS && !rc; i++) {
		tell(options, calibrate_steps[i].title, HOST_QUANTITIES + i);
		rc = stopped(options) ? -EINTR
				      : step_measure((enum calibrate_step)i, &options->host,
						     &out->step[i], err);
	}
	return rc;
}
