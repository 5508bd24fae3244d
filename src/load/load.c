/* SPDX-License-Identifier: MIT */
/* The registry of loads, and parameters checked against each load's table. */
#include "load/load.h"

#include <errno.h>
#include <string.h>

#include "base/nearest.h"
#include "load/ffsb_load.h"
#include "load/segment_stream.h"
#include "load/tcp_stream.h"

const struct load_ops *const load_kinds[] = {
	&load_tcp_stream,     &load_tcp_maerts,     &load_ffsb,
	&load_segment_stream, &load_segment_maerts, NULL,
};

const struct load_ops *load_find(const char *name)
{
	for (size_t i = 0; load_kinds[i]; i++) {
		if (!strcmp(load_kinds[i]->name, name))
			return load_kinds[i];
	}
	return NULL;
}

static int refuse_name(const char *name, struct err *err)
{
	struct nearest near;

	nearest_init(&near, name);
	for (size_t i = 0; load_kinds[i]; i++)
		nearest_offer(&near, load_kinds[i]->name);
	if (near.best)
		return err_set(err, -EINVAL, "%s: unknown load, did you mean %s?", name, near.best);
	return err_set(err, -EINVAL, "%s: unknown load", name);
}

static int refuse_param(const struct load_ops *ops, const char *name, struct err *err)
{
	struct nearest near;

	nearest_init(&near, name);
	for (const struct load_param *p = ops->params; p->name; p++)
		nearest_offer(&near, p->name);
	if (near.best)
		return err_set(err, -EINVAL, "%s: unknown parameter %s, did you mean %s?",
			       ops->name, name, near.best);
	return err_set(err, -EINVAL, "%s: unknown parameter %s", ops->name, name);
}

static int take_setting(const struct load_ops *ops, const struct load_setting *setting,
			uint64_t *values, struct err *err)
{
	for (size_t i = 0; ops->params[i].name; i++) {
		const struct load_param *p = &ops->params[i];

		if (strcmp(p->name, setting->name))
			continue;
		if (setting->value < p->min || setting->value > p->max)
			return err_set(err, -EINVAL, "%s: %s = %llu: expected %llu to %llu",
				       ops->name, p->name, (unsigned long long)setting->value,
				       (unsigned long long)p->min, (unsigned long long)p->max);
		values[i] = setting->value;
		return 0;
	}
	return refuse_param(ops, setting->name, err);
}

int load_create(struct load **out, const char *name, const struct load_config *config,
		struct err *err)
{
	const struct load_ops *ops = load_find(name);
	uint64_t values[LOAD_PARAMS_MAX];

	if (!ops)
		return refuse_name(name, err);
	for (size_t i = 0; ops->params[i].name; i++)
		values[i] = ops->params[i].value;
	for (size_t i = 0; i < config->count; i++) {
		const int rc = take_setting(ops, &config->settings[i], values, err);

		if (rc)
			return rc;
	}
	return ops->create(out, config, values, err);
}

void load_destroy(struct load *load)
{
	if (load)
		load->ops->destroy(load);
}

int load_start(struct load *load, struct err *err)
{
	return load->ops->start(load, err);
}

bool load_ready(const struct load *load)
{
	return load->ops->ready(load);
}

void load_begin(struct load *load)
{
	load->ops->begin(load);
}

void load_end(struct load *load)
{
	load->ops->end(load);
}

void load_stop(struct load *load)
{
	load->ops->stop(load);
}

bool load_finished(const struct load *load)
{
	return load->ops->finished(load);
}

int load_error(const struct load *load, struct err *err)
{
	return load->ops->error(load, err);
}

void load_stats(const struct load *load, struct load_stats *out)
{
	load->ops->stats(load, out);
}
