/* SPDX-License-Identifier: MIT */
/* See sim_speed.h. */
#include "study/sim_speed.h"

#include <errno.h>
#include <stdlib.h>

#include "study/run.h"
#include "study/study.h"

#define SHORT   "run.duration=100 ms"
#define CALGARY "iommu.model=calgary"

const struct sim_speed_row sim_speed_rows[] = {
	{"sim.events.off", "events, bare metal without an IOMMU", "bare-metal", {SHORT}, false},
	{"sim.events.deferred",
	 "events, bare metal, Calgary, deferred",
	 "bare-metal",
	 {SHORT, CALGARY},
	 false},
	{"sim.frames.off", "frames, bare metal without an IOMMU", "bare-metal", {SHORT}, true},
	{"sim.frames.deferred",
	 "frames, bare metal, Calgary, deferred",
	 "bare-metal",
	 {SHORT, CALGARY},
	 true},
	{"sim.frames.strict",
	 "frames, bare metal, Calgary, strict",
	 "bare-metal",
	 {SHORT, CALGARY, "dma.strategy=strict"},
	 true},
	{"sim.frames.messages",
	 "frames, bare metal, Calgary, 64-byte messages",
	 "bare-metal",
	 {SHORT, CALGARY, "load.message_bytes=64"},
	 true},
	{"sim.frames.dom0", "frames, dom0, Calgary, deferred", "dom0", {SHORT, CALGARY}, true},
	{"sim.frames.domu",
	 "frames, domU with page flips, Calgary, deferred",
	 "domu",
	 {SHORT, CALGARY},
	 true},
	{"sim.frames.direct",
	 "frames, domain that has the NIC, Calgary, preallocated",
	 "direct",
	 {SHORT, CALGARY},
	 true},
	{.name = NULL},
};

struct sim_speed {
	struct scenario scenario;
};

static int run(struct sim_speed *s, json_t **result, struct err *err)
{
	const struct run_options options = {0};

	return run_scenario(&s->scenario, &options, result, err);
}

int sim_speed_open(struct sim_speed **out, const struct sim_speed_row *row, uint64_t *each,
		   struct err *err)
{
	struct sim_speed *s = calloc(1, sizeof(*s));
	json_t *result = NULL;
	int rc;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	rc = scenario_init(&s->scenario);
	if (!rc)
		rc = scenario_read(&s->scenario, row->scenario, err);
	for (unsigned i = 0; i < 4 && row->sets[i] && !rc; i++)
		rc = scenario_set(&s->scenario, row->sets[i], err);
	if (!rc)
		rc = scenario_finish(&s->scenario, err);
	if (!rc)
		rc = run(s, &result, err);
	if (rc) {
		sim_speed_close(s);
		return rc;
	}
	*each = (uint64_t)(row->frames ? result_number(result, "link.frames_to_sut") +
						 result_number(result, "link.frames_to_client")
				       : result_number(result, "events"));
	json_decref(result);
	*out = s;
	return 0;
}

bool sim_speed_run(struct sim_speed *s)
{
	json_t *result = NULL;
	struct err err;
	const int rc = run(s, &result, &err);

	json_decref(result);
	return rc == 0;
}

void sim_speed_close(struct sim_speed *s)
{
	scenario_fini(&s->scenario);
	free(s);
}
