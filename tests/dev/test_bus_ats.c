/* SPDX-License-Identifier: MIT */
/*
 * A device with a translation cache on a bus, in time: what asking, hitting and forgetting take,
 * and what waits for what. The translation agent is the rig's array of pages.
 */
#include <errno.h>

#include "dev/bus_ats.h"
#include "rig.h"

#define RW         (IOTOLL_READ | IOTOLL_WRITE)
#define REQUEST    (400 * SIM_NS)
#define INVALIDATE (1000 * SIM_NS)
#define ANSWER     (REQUEST + RIG_HIT + RIG_WALK) /* of a page met for the first time */

static struct rig rig;
static struct iommu_ops ops;
static uint8_t data[4096];

static struct {
	unsigned requests, translated, completions, time_outs;
	sim_time completed;
	uint32_t tags;
	bool forbidden;
	uint64_t limit_ns;
} agent;

static int agent_request(struct iommu *iommu, const struct ats_request *request,
			 struct ats_completion *out)
{
	struct fake_iommu *f = (struct fake_iommu *)iommu;
	const uint64_t pfn = request->address >> 12;

	agent.requests++;
	*out = (struct ats_completion){.status = ATS_SUCCESS, .count = 1, .fetches = 1};
	out->entry[0] = f->page[pfn].paddr | f->page[pfn].rights; /* R is 1 and W is 2 here, too */
	return 0;
}

static int agent_translated(struct iommu *iommu, struct iotoll_source source, uint64_t paddr,
			    enum iotoll_access access, struct iotoll_xlat *out)
{
	(void)iommu;
	(void)access;
	assert_int_equal(source.devid, RIG_DEVID);
	agent.translated++;
	*out = (struct iotoll_xlat){.paddr = paddr, .bytes = 4096 - paddr % 4096, .bypass = true};
	return agent.forbidden ? -EPERM : 0;
}

static int agent_probe(const struct iommu *iommu, struct iotoll_source source, uint64_t paddr,
		       enum iotoll_access access, struct iotoll_xlat *out)
{
	(void)iommu;
	(void)source;
	(void)access;
	*out = (struct iotoll_xlat){.paddr = paddr, .bytes = 4096 - paddr % 4096, .bypass = true};
	return 0;
}

static void agent_completion(struct iommu *iommu, uint16_t devid, uint32_t tags, unsigned cc)
{
	(void)iommu;
	assert_int_equal(devid, RIG_DEVID);
	assert_int_equal(cc, 2);
	agent.completions++;
	agent.tags = tags;
	agent.completed = sim_now(rig.sim);
}

static void agent_time_out(struct iommu *iommu, unsigned itag)
{
	(void)iommu;
	assert_int_equal(itag, 5);
	agent.time_outs++;
	agent.completed = sim_now(rig.sim);
}

static uint64_t agent_limit(const struct iommu *iommu)
{
	(void)iommu;
	return agent.limit_ns;
}

static const struct iommu_ats_ops agent_ops = {
	.request = agent_request,
	.translated = agent_translated,
	.probe_translated = agent_probe,
	.completion = agent_completion,
	.time_out = agent_time_out,
	.limit_ns = agent_limit,
};

static struct bus_port port;

static void start(void)
{
	const struct atc_config config = {
		.cache = {.entries = 8, .ways = 0, .line_pages = 1, .policy = "lru"},
		.depth = 8,
		.completions = 2,
		.ask = 1,
		.page_aligned = true,
	};
	struct err err;

	memset(&agent, 0, sizeof(agent));
	rig_make(&rig, true);
	ops = *rig.fake.iommu.ops;
	ops.ats = &agent_ops;
	rig.fake.iommu.ops = &ops;
	rig.machine->profile.cost.ats_request = REQUEST;
	rig.machine->profile.cost.ats_invalidate = INVALIDATE;
	bus_destroy(rig.bus);
	rig.bus = bus_create(rig.machine, &rig.fake.iommu, RIG_BUS);
	assert_int_equal(bus_port_init(&port, rig.bus, RIG_DEVID, &(struct bus_limits){0}), 0);
	assert_int_equal(bus_ats_add(rig.bus, 0x0999, &config, &err), -ENODEV);
	assert_int_equal(bus_ats_add(rig.bus, RIG_DEVID, &config, &err), 0);
	assert_int_equal(bus_ats_add(rig.bus, RIG_DEVID, &config, &err), -EBUSY);
	bus_ats_switch(rig.bus, RIG_DEVID, true);
}

static void finish(void)
{
	bus_port_fini(&port);
	rig_free(&rig);
}

static void invalidate(unsigned itag, uint64_t payload)
{
	const struct ats_fabric *f = rig.fake.iommu.fabric;

	assert_true(f->invalidate(f->ctx, RIG_DEVID, itag, payload));
}

/* Events happen within a run; this one hands in an invalidation. */
struct later {
	struct event event;
	unsigned itag;
	uint64_t payload;
};

static void on_later(void *ctx)
{
	struct later *l = ctx;

	invalidate(l->itag, l->payload);
}

static void invalidate_at(struct later *l, sim_time at, unsigned itag, uint64_t payload)
{
	*l = (struct later){.itag = itag, .payload = payload};
	event_init(&l->event, on_later, l);
	sim_schedule(rig.sim, &l->event, at);
}

static void a_miss_takes_a_round_trip_and_a_hit_no_translation(void **state)
{
	struct bus_request a, b;
	sim_time before;

	(void)state;
	start();
	rig_map(&rig, 5, 0x9000, RW);
	a = rig_request(&rig, 0x5000, data, 100, IOTOLL_WRITE);
	bus_submit(&port, &a);
	rig_run_us(&rig, 10);
	assert_int_equal(rig.status[0], 0);
	assert_int_equal(rig.when[0], RIG_OVERHEAD + ANSWER + 100 * RIG_BYTE);
	before = sim_now(rig.sim);
	b = rig_request(&rig, 0x5100, data, 100, IOTOLL_WRITE);
	bus_submit(&port, &b);
	rig_run_us(&rig, 10);
	assert_int_equal(rig.when[1] - before, RIG_OVERHEAD + 100 * RIG_BYTE);
	assert_int_equal(agent.requests, 1);
	assert_int_equal(agent.translated, 2);
	assert_int_equal(rig.fake.translated, 0); /* the IOMMU's own way was never taken */
	assert_int_equal(bus_stats(rig.bus)->translation_ps, ANSWER + RIG_OVERHEAD);
	finish();
}

static void each_page_of_a_burst_is_asked_for(void **state)
{
	struct bus_request a;

	(void)state;
	start();
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	rig_map(&rig, 5, 0x9000, RW);
	rig_map(&rig, 6, 0x20000, RW);
	a = rig_request(&rig, 0x5800, data, 4096, IOTOLL_WRITE);
	bus_submit(&port, &a);
	rig_run_us(&rig, 10);
	assert_int_equal(agent.requests, 2);
	assert_memory_equal(rig_at(&rig, 0x9800), data, 2048);
	assert_memory_equal(rig_at(&rig, 0x20000), data + 2048, 2048);
	finish();
}

static void no_right_ends_the_access_without_asking_the_iommu_otherwise(void **state)
{
	struct bus_request a;

	(void)state;
	start();
	rig_map(&rig, 5, 0x9000, IOTOLL_READ);
	a = rig_request(&rig, 0x5000, data, 100, IOTOLL_WRITE);
	bus_submit(&port, &a);
	rig_run_us(&rig, 10);
	assert_int_equal(rig.status[0], -EPERM);
	assert_int_equal(bus_stats(rig.bus)->refused, 1);
	assert_int_equal(agent.translated, 0);
	assert_int_equal(rig.fake.translated, 0);
	finish();
}

static void an_invalidation_takes_its_way_and_both_completions_come(void **state)
{
	struct later l;

	(void)state;
	start();
	invalidate_at(&l, SIM_US, 5, 0x5000);
	rig_run_us(&rig, 10);
	assert_int_equal(agent.completions, 2);
	assert_int_equal(agent.tags, 1 << 5);
	assert_int_equal(agent.completed, SIM_US + INVALIDATE);
	finish();
}

static void completion_waits_for_a_read_that_is_under_way(void **state)
{
	struct bus_request a;
	struct later l;
	struct iotoll_xlat x;

	(void)state;
	start();
	rig_map(&rig, 5, 0x9000, RW);
	a = rig_request(&rig, 0x5000, data, 2048, IOTOLL_READ);
	bus_submit(&port, &a);
	/* It arrives when the answer is there and the data are being fetched. */
	invalidate_at(&l, RIG_OVERHEAD + ANSWER + 100 * SIM_NS - INVALIDATE / 2, 5, 0x5000);
	rig_run_us(&rig, 20);
	assert_int_equal(rig.status[0], 0);
	assert_int_equal(rig.when[0], RIG_OVERHEAD + ANSWER + RIG_LATENCY + 2048 * RIG_BYTE);
	assert_int_equal(agent.completed, rig.when[0] + INVALIDATE / 2);
	rig.fake.page[5].rights = 0;
	assert_int_equal(bus_probe(rig.bus, RIG_DEVID, 0x5000, IOTOLL_READ, &x), -EPERM);
	finish();
}

static void a_burst_holds_up_only_the_page_it_is_in(void **state)
{
	struct bus_request a;
	struct later l;

	(void)state;
	start();
	rig_map(&rig, 5, 0x9000, RW);
	rig_map(&rig, 6, 0x20000, RW);
	a = rig_request(&rig, 0x5C00, data, 2048, IOTOLL_READ);
	bus_submit(&port, &a);
	/* The first page's 1024 bytes are there at 2244 ns; the second's come after 3 us. */
	invalidate_at(&l, 2500 * SIM_NS - INVALIDATE / 2, 5, 0x5000);
	rig_run_us(&rig, 20);
	assert_int_equal(rig.status[0], 0);
	assert_int_equal(agent.completed, 2500 * SIM_NS + INVALIDATE / 2);
	assert_true(rig.when[0] > agent.completed);
	finish();
}

static void an_overtaken_answer_is_thrown_away(void **state)
{
	struct bus_request a;
	struct later l;

	(void)state;
	start();
	memset(data, 0x5A, sizeof(data));
	rig_map(&rig, 5, 0x9000, RW);
	a = rig_request(&rig, 0x5000, data, 100, IOTOLL_WRITE);
	bus_submit(&port, &a);
	/* The question is answered at 250 ns; the invalidation arrives at 300, the answer at 710.
	 */
	invalidate_at(&l, 0, 5, 0x5000);
	rig.machine->profile.cost.ats_invalidate = 600 * SIM_NS;
	sim_run(rig.sim, 280 * SIM_NS);
	rig_map(&rig, 5, 0x20000, RW);
	rig_run_us(&rig, 20);
	assert_int_equal(agent.requests, 2);
	assert_int_equal(rig_at(&rig, 0x20000)[0], 0x5A);
	assert_int_equal(rig_at(&rig, 0x9000)[0], 0);
	finish();
}

static void a_silent_device_times_out(void **state)
{
	struct later l;

	(void)state;
	start();
	agent.limit_ns = 20000;
	bus_ats_silence(rig.bus, RIG_DEVID, true);
	invalidate_at(&l, SIM_US, 5, 0x5000);
	rig_run_us(&rig, 100);
	assert_int_equal(agent.time_outs, 1);
	assert_int_equal(agent.completions, 0);
	assert_int_equal(agent.completed, SIM_US + 20 * SIM_US);
	finish();
}

static void outside_a_run_all_messages_arrive_at_once(void **state)
{
	(void)state;
	start();
	invalidate(5, 0x5000);
	assert_int_equal(agent.completions, 2);
	finish();
}

static void probing_sees_the_devices_own_cache_and_leaves_it_alone(void **state)
{
	struct iotoll_xlat x;
	struct atc_stats before, after;

	(void)state;
	start();
	rig_map(&rig, 5, 0x9000, RW);
	assert_int_equal(bus_dma_now(rig.bus, RIG_DEVID, 0x5000, data, 8, IOTOLL_WRITE, NULL), 0);
	rig.fake.page[5].rights = 0; /* neither tables nor IOTLB say so any more */
	bus_ats_stats(rig.bus, &before);
	assert_int_equal(bus_probe(rig.bus, RIG_DEVID, 0x5008, IOTOLL_WRITE, &x), 0);
	assert_true(x.hit);
	assert_int_equal(x.paddr, 0x9008);
	assert_int_equal(bus_probe(rig.bus, 0x0999, 0x5008, IOTOLL_WRITE, &x), -EPERM);
	bus_ats_stats(rig.bus, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(bus_dma_now(rig.bus, RIG_DEVID, 0x5000, data, 8, IOTOLL_WRITE, NULL), 0);
	assert_int_equal(bus_stats(rig.bus)->stale_writes, 1);
	bus_ats_switch(rig.bus, RIG_DEVID, false);
	assert_int_equal(bus_probe(rig.bus, RIG_DEVID, 0x5008, IOTOLL_WRITE, &x), -EPERM);
	finish();
}

static void aborting_ends_what_waits_for_answers_and_holds_up_invalidations(void **state)
{
	struct bus_request a;
	struct later l;

	(void)state;
	start();
	rig_map(&rig, 5, 0x9000, RW);
	assert_int_equal(bus_dma_now(rig.bus, RIG_DEVID, 0x5000, data, 8, IOTOLL_WRITE, NULL), 0);
	a = rig_request(&rig, 0x5000, data, 2048, IOTOLL_READ);
	bus_submit(&port, &a);
	invalidate_at(&l, 0, 5, 0x5000);
	sim_run(rig.sim, INVALIDATE / 2 + 10 * SIM_NS);
	assert_int_equal(agent.completions, 0);
	bus_port_abort(&port);
	rig_run_us(&rig, 10);
	assert_int_equal(rig.finished, 0);
	assert_int_equal(agent.completions, 2);
	finish();
}

static void a_lie_is_for_the_iommu_to_judge(void **state)
{
	uint8_t words[8] = "not you";

	(void)state;
	start();
	assert_int_equal(bus_dma_translated(rig.bus, RIG_DEVID, 0x7FFC, words, 8, IOTOLL_WRITE), 0);
	assert_memory_equal(rig_at(&rig, 0x7FFC), words, 8);
	assert_int_equal(agent.translated, 2); /* a page each */
	agent.forbidden = true;
	assert_int_equal(bus_dma_translated(rig.bus, RIG_DEVID, 0xA000, words, 8, IOTOLL_WRITE),
			 -EPERM);
	assert_int_equal(rig_at(&rig, 0xA000)[0], 0);
	finish();
	rig_make(&rig, true); /* an IOMMU that knows no translated requests */
	assert_int_equal(bus_dma_translated(rig.bus, RIG_DEVID, 0xA000, words, 8, IOTOLL_WRITE),
			 -EPERM);
	rig_free(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_miss_takes_a_round_trip_and_a_hit_no_translation),
		cmocka_unit_test(each_page_of_a_burst_is_asked_for),
		cmocka_unit_test(no_right_ends_the_access_without_asking_the_iommu_otherwise),
		cmocka_unit_test(an_invalidation_takes_its_way_and_both_completions_come),
		cmocka_unit_test(completion_waits_for_a_read_that_is_under_way),
		cmocka_unit_test(a_burst_holds_up_only_the_page_it_is_in),
		cmocka_unit_test(an_overtaken_answer_is_thrown_away),
		cmocka_unit_test(a_silent_device_times_out),
		cmocka_unit_test(outside_a_run_all_messages_arrive_at_once),
		cmocka_unit_test(probing_sees_the_devices_own_cache_and_leaves_it_alone),
		cmocka_unit_test(aborting_ends_what_waits_for_answers_and_holds_up_invalidations),
		cmocka_unit_test(a_lie_is_for_the_iommu_to_judge),
	};

	return cmocka_run_group_tests_name("dev/bus_ats", tests, NULL, NULL);
}
