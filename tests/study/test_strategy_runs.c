/* SPDX-License-Identifier: MIT */
/* Every strategy under every load that it can be built for: what all of them must keep. */
#include "domain_runs.h"
#include "iotoll/dma.h"

struct place {
	const char *scenario, *receive, *model;
};

static const struct place places[] = {
	{"bare-metal", "platform.receive=copy", "iommu.model=calgary"},
	{"bare-metal", "platform.receive=copy", "iommu.model=dart-u4"},
	{"bare-metal", "platform.receive=copy", "iommu.model=vtd"},
	{"bare-metal", "platform.receive=copy", "iommu.model=amdvi"},
	{"dom0", "platform.receive=copy", "iommu.model=calgary"},
	{"domu", "platform.receive=copy", "iommu.model=calgary"},
	{"domu", "platform.receive=flip", "iommu.model=calgary"},
	{"domu", "platform.receive=flip", "iommu.model=vtd"},
};

/* Is what @p refuses refused for a reason that we know? */
static bool excused(const struct place *p, const char *strategy)
{
	return (!strcmp(p->scenario, "domu") && !strcmp(strategy, "never-free")) ||
	       /* Half as many entries as the machine has pages. */
	       (!strcmp(p->model, "iommu.model=dart-u4") && !strncmp(strategy, "identity", 8)) ||
	       !strcmp(strategy, "preallocated");
}

static void every_byte_arrives_and_no_access_is_refused(void **state)
{
	const char *strategy;

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		for (unsigned k = 0; (strategy = iotoll_dma_strategy_name(k, NULL)) != NULL; k++) {
			const struct place *p = &places[i];
			struct err err = {{0}};
			json_t *r = NULL;
			char set[64];
			int rc;

			snprintf(set, sizeof(set), "dma.strategy=%s", strategy);
			rc = try(p->scenario,
				 (const char *const[]){p->receive, p->model, set, NULL}, &r, &err);
			if (rc == -EINVAL && excused(p, strategy))
				continue;
			if (rc)
				fail_msg("%s %s %s: %s", p->scenario, p->model, strategy, err.text);
			/* What is not flushed reaches wrong pages only when the allocator wraps. */
			if (get(r, "load.mismatches") != 0 || get(r, "iommu.refused") != 0 ||
			    get(r, "throughput_mbps") < 300)
				fail_msg("%s %s %s %s: %g Mb/s, %g mismatches, %g refused",
					 p->scenario, p->receive, p->model, strategy,
					 get(r, "throughput_mbps"), get(r, "load.mismatches"),
					 get(r, "iommu.refused"));
			json_decref(r);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_arrives_and_no_access_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
