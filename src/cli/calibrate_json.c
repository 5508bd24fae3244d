/* SPDX-License-Identifier: MIT */
/* What iotoll calibrate found, as a document. */
#include "cli/calibrate.h"

static json_t *key(const char *name)
{
	return name ? json_string(name) : json_null();
}

static void put_sample(json_t *to, const struct host_sample *s)
{
	if (s->why_not[0]) {
		json_object_set_new(to, "not_measured", json_string(s->why_not));
		return;
	}
	json_object_set_new(to, "median", json_real(s->median));
	json_object_set_new(to, "p10", json_real(s->p10));
	json_object_set_new(to, "p90", json_real(s->p90));
	json_object_set_new(to, "rounds", json_integer(s->samples));
	json_object_set_new(to, "method", json_string(s->method));
}

static json_t *row(const char *name, const char *title, const char *unit,
		   const struct host_sample *s, const char *parameter)
{
	json_t *o = json_pack("{s:s, s:s, s:s}", "name", name, "title", title, "unit", unit);

	put_sample(o, s);
	json_object_set_new(o, "parameter", key(parameter));
	return o;
}

json_t *calibrate_json_measured(const struct calibration *c)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < HOST_QUANTITIES; i++)
		json_array_append_new(rows,
				      row(host_rows[i].name, host_rows[i].title, host_rows[i].unit,
					  &c->host[i], calibrate_host_key((enum host_quantity)i)));
	for (unsigned i = 0; i < CALIBRATE_STEPS; i++)
		json_array_append_new(rows,
				      row(calibrate_steps[i].name, calibrate_steps[i].title, "ns",
					  &c->step[i], calibrate_step_key((enum calibrate_step)i)));
	return json_pack("{s:s, s:b, s:i, s:o}", "cpu", c->cpu, "virtual", c->virtual_cpu, "cpus",
			 (int)c->cpus, "rows", rows);
}

static json_t *overrides(const struct calibrate_check *c)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < c->overrides; i++)
		json_array_append_new(list, json_pack("{s:s, s:s}", "set", c->override[i].text,
						      "why", c->override[i].why));
	return list;
}

json_t *calibrate_json_check(const struct calibrate_check check[CALIBRATE_CHECKS])
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < CALIBRATE_CHECKS; i++) {
		const struct calibrate_check *c = &check[i];
		json_t *measured = json_object();
		json_t *o = json_pack("{s:s, s:s, s:o}", "iommu", c->iommu, "strategy", c->strategy,
				      "measured_ns", measured);

		put_sample(measured, &c->measured);
		json_object_set_new(o, "judged", json_boolean(c->judged));
		json_object_set_new(o, "note", json_string(c->note));
		if (c->judged) {
			json_object_set_new(o, "model_ns", json_real(c->model));
			json_object_set_new(o, "ratio", json_real(c->ratio));
			json_object_set_new(o, "met", json_boolean(c->met));
			json_object_set_new(o, "overrides", overrides(c));
		}
		json_array_append_new(rows, o);
	}
	return json_pack("{s:s, s:i, s:i, s:f, s:o}", "loop",
			 "unmap and map of one page, the oldest of a ring, one thread", "ring",
			 (int)calibrate_check_ring(), "table_entries",
			 (int)calibrate_check_entries(), "within", CALIBRATE_WITHIN, "rows", rows);
}
