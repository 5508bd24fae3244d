/* SPDX-License-Identifier: MIT */
/* Building the two machines of a scenario. */
#include "study/testbed.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "sim/profile.h"
#include "study/paths.h"
#include "study/platform.h"

#define NETMASK   0xffffff00u
#define SUT_IP    0x0a000001u /* 10.0.0.1 */
#define CLIENT_IP 0x0a000002u
/* Calgary refuses dual-address cycles, so a driver asks for 32 bits (CONFIG_RW: DAC_DISABLE). */
#define NIC_DMA_MASK 0xffffffffu

/* Locally administered addresses. */
static const uint8_t sut_mac[6] = {0x02, 0, 0, 0, 0, 0x01};
static const uint8_t client_mac[6] = {0x02, 0, 0, 0, 0, 0x02};

struct side_plan {
	const char *who;
	const struct scenario_side *side;
	char *const *overrides;
	enum platform platform;
	struct rig_config rig;
	const uint8_t *mac;
	uint32_t ip;
	bool amd_8131; /* the client's PCI-X bridge needs doorbells read back */
	bool free_dma_software;
	bool batch_dma;
	struct atc_config atc; /* used if rig.ats */
	uint64_t seed;
};

static int make_machine(struct testbed_side *side, const struct testbed *t,
			const struct side_plan *plan, struct err *err)
{
	char path[PATH_MAX];
	struct profile profile;
	int rc = paths_find("profiles", plan->side->profile, ".ini", path, sizeof(path), err);

	if (!rc)
		rc = profile_load(&profile, path, (enum estimate)plan->side->estimates,
				  (const char *const *)plan->overrides, err);
	if (rc)
		return err_prefix(err, rc, "%s.profile: ", plan->who);
	if (strcmp(plan->rig.model, "none") && !profile.has_iommu)
		return err_set(err, -EINVAL,
			       "%s.profile: %s has no [iommu] costs, so iommu.model cannot be %s",
			       plan->who, profile.name, plan->rig.model);
	if (plan->rig.ats && (!profile.cost.ats_request || !profile.cost.ats_invalidate))
		return err_set(
			err, -EINVAL,
			"%s.profile: %s has no iommu.ats_request and iommu.ats_invalidate, so "
			"iommu.ats cannot be on",
			plan->who, profile.name);
	return machine_create(&side->board, t->sim, &profile, err);
}

static int check_cpus(const struct testbed_side *side, const struct side_plan *plan,
		      struct err *err)
{
	const unsigned cpus = side->machine->ncpus;

	if (plan->side->irq_cpu < cpus && plan->side->app_cpu < cpus)
		return 0;
	return err_set(err, -EINVAL, "%s.%s: %s has CPUs 0 to %u", plan->who,
		       plan->side->irq_cpu >= cpus ? "irq_cpu" : "app_cpu",
		       plan->platform == PLATFORM_METAL ? side->machine->profile.name
							: "the load's domain",
		       cpus - 1);
}

static int make_nic(struct testbed_side *side, struct testbed *t, const struct side_plan *plan,
		    struct err *err)
{
	struct tg3_config config;
	int rc;

	tg3_config_default(&config);
	config.bus = side->rig->bus;
	config.devid = PLATFORM_NIC;
	memcpy(config.mac, plan->platform == PLATFORM_DOMU ? platform_dom0_mac : plan->mac,
	       sizeof(config.mac));
	config.pool = t->pool;
	config.irq = &side->irq;
	config.tick_restart = t->scenario->rx_tick_restart;
	rc = tg3_create(&side->nic, &config);
	if (rc)
		return err_set(err, rc, "the %s's NIC cannot be made", plan->who);
	mmio_window_init(&side->nic_regs, side->board, &tg3_mmio_ops, side->nic);
	/* Without translation no driver of an IOMMU is there to switch ATS on. */
	if (plan->rig.ats)
		return rig_attach_ats(side->rig, &side->dma, NIC_DMA_MASK, &plan->atc, err);
	rc = iotoll_dma_attach(&side->dma, side->rig->domain, PLATFORM_NIC,
			       rig_dma_mask(side->rig));
	return rc ? err_set(err, rc, "the %s's NIC cannot use its DMA domain", plan->who) : 0;
}

static int make_host(struct testbed_side *side, const struct testbed *t,
		     const struct side_plan *plan, struct err *err)
{
	const struct scenario *s = t->scenario;
	struct host_config config = {
		.machine = side->machine,
		.nic_regs = &side->nic_regs,
		.nic_irq = &side->irq,
		.dma = side->dma,
		.ip = plan->ip,
		.netmask = NETMASK,
		.irq_cpu = (unsigned)plan->side->irq_cpu,
		.read_back_doorbells = plan->amd_8131,
		.seed = plan->seed,
		.batch_dma = plan->batch_dma,
		.coalesce = {.rx_us = (uint32_t)(s->rx_ticks_ps / SIM_US),
			     .rx_frames = (uint32_t)s->rx_frames,
			     .tx_us = (uint32_t)(s->tx_ticks_ps / SIM_US),
			     .tx_frames = (uint32_t)s->tx_frames},
	};
	int rc;

	if (side == &t->sut) {
		config.rx_chunk_pages = (unsigned)s->rx_chunk_pages;
		config.rx_hold_ps = s->rx_hold_ps;
		config.tx_copy_bytes = (uint32_t)s->tx_copy_bytes;
	}
	memcpy(config.mac, plan->mac, sizeof(config.mac));
	if (plan->platform == PLATFORM_DOMU)
		return platform_behind_dom0(side, s, &config, err);
	rc = host_create(&side->host, &config, err);
	side->nic_host = side->host;
	return rc;
}

/* The watched device turns against the machine; what it draws is drawn by nobody else. */
static int make_rogue(struct testbed *t, struct err *err)
{
	const struct scenario *s = t->scenario;
	const uint64_t table = s->table_entries * PAGE_BYTES;
	const uint64_t all = scenario_has_table(s) ? table : memory_bytes(t->sut.board->mem);
	const struct rogue_config config = {
		.rig = t->sut.rig,
		.attacks = s->rogue_attacks,
		.interval_ps = s->rogue_interval_ps,
		.io_bytes = all && all < NIC_DMA_MASK ? all : (uint64_t)NIC_DMA_MASK + 1,
		.seed = s->seed ^ 0x726f677565, /* apart from the machines' choices */
	};

	return strcmp(s->rogue_attacks, "none") ? rogue_create(&t->rogue, &config, err) : 0;
}

static int make_side(struct testbed_side *side, struct testbed *t, struct side_plan *plan,
		     unsigned port, struct err *err)
{
	int rc = make_machine(side, t, plan, err);

	if (rc)
		return rc;
	plan->rig.machine = side->board;
	plan->rig.devid = t->link ? PLATFORM_NIC : STORAGE_DEVID;
	side->board->free_dma_software = plan->free_dma_software;
	rc = plan->platform == PLATFORM_METAL ? platform_metal(side, &plan->rig, err)
					      : platform_hyper(side, t->scenario, &plan->rig, err);
	/* It hears of everything that its driver maps. */
	if (!rc && side == &t->sut)
		rc = make_rogue(t, err);
	if (!rc)
		rc = check_cpus(side, plan, err);
	if (!rc && load_find(t->scenario->load)->needs_queues)
		return streambed_init(&t->stream, t->scenario, side->rig, side->machine, t->link,
				      t->pool, err);
	if (!rc && !t->link)
		return platform_disk(side, t->scenario, (unsigned)plan->side->irq_cpu, err);
	if (!rc)
		rc = make_nic(side, t, plan, err);
	if (rc)
		return rc;
	tg3_connect(side->nic, link_sink(t->link, port));
	link_attach(t->link, port, tg3_receive_cb, side->nic);
	return make_host(side, t, plan, err);
}

/* Where the allocator's first lap begins: a machine that has been up for a while is anywhere. */
static uint64_t start_hint(const struct scenario *s, struct rng *rng)
{
	return s->random_start ? rng_below(rng, s->table_entries) : 0;
}

/* What protects the machine under test. The first lap's start and the policy are filled in later.
 */
static struct rig_config sut_rig(const struct scenario *s, const struct run_options *options)
{
	return (struct rig_config){.model = s->iommu_model,
				   .iotlb = {.entries = (unsigned)s->iotlb_entries,
					     .ways = (unsigned)s->iotlb_ways,
					     .line_pages = (unsigned)s->iotlb_line_pages,
					     .seed = s->seed,
					     .index = (enum iotlb_index)s->iotlb_index,
					     .partitions = (unsigned)s->iotlb_partitions,
					     .prefetch = (enum iotlb_prefetch)s->iotlb_prefetch,
					     .observer = options->iotlb_observer},
				   .strategy = s->strategy,
				   .allocator = s->allocator,
				   .table_entries = s->table_entries,
				   .quota = s->quota,
				   .superpages = s->superpages,
				   .cached_ranges = s->cached_ranges,
				   .split_locks = scenario_splits_locks(s),
				   .quiesce_system = s->quiesce_system,
				   .unused_invalid = s->unused_invalid,
				   .table_cached = s->table_cached,
				   .incoherent_walker = s->incoherent_walker,
				   .lean_driver = s->lean_driver,
				   .multicall = s->multicall != LISTS_OFF,
				   .multicall_entries = s->multicall == LISTS_DOORBELL
								? (unsigned)s->multicall_entries
								: 0,
				   .pages_change = s->platform == PLATFORM_DOMU,
				   .dart = {.missed_one_in = s->missed_invalidate},
				   .check_misuse = s->check_misuse,
				   .track_stale = true,
				   .ats = s->ats && scenario_has_table(s),
				   .also = options->dma_observer};
}

static int make_sides(struct testbed *t, const struct run_options *options, struct err *err)
{
	const struct scenario *s = t->scenario;
	struct rng rng;
	struct side_plan sut = {
		.who = "sut",
		.side = &s->sut,
		.platform = (enum platform)s->platform,
		.overrides = s->sut_override,
		.rig = sut_rig(s, options),
		.mac = sut_mac,
		.ip = SUT_IP,
		.free_dma_software = s->dma_software_free,
		.batch_dma = s->batch_drivers,
		.atc = {.cache = {.entries = (unsigned)s->atc_entries,
				  .ways = (unsigned)s->atc_ways,
				  .line_pages = 1,
				  .policy = "lru"},
			.depth = (unsigned)s->ats_queue_depth,
			.completions = 1,
			.ask = 1,
			.page_aligned = true},
	};
	struct side_plan client = {
		.who = "client",
		.side = &s->client,
		.overrides = s->client_override,
		.rig = {.model = "none",
			.strategy = "off",
			.allocator = s->allocator,
			.check_misuse = s->check_misuse},
		.mac = client_mac,
		.ip = CLIENT_IP,
		.amd_8131 = true,
	};
	int rc;

	rng_seed(&rng, s->seed);
	sut.seed = rng_u64(&rng);
	client.seed = rng_u64(&rng);
	sut.rig.start_hint = start_hint(s, &rng);
	snprintf(sut.rig.iotlb.policy, sizeof(sut.rig.iotlb.policy), "%.15s", s->iotlb_policy);
	rc = make_side(&t->sut, t, &sut, 0, err);
	return rc || !t->link || t->stream.machine ? rc : make_side(&t->client, t, &client, 1, err);
}

static int make_link(struct testbed *t, const char *pcap, struct err *err)
{
	const struct scenario *s = t->scenario;
	const struct link_config config = {.mbps = (uint32_t)(s->link_bps / 1000000),
					   .latency_ps = s->link_latency_ps,
					   .jitter_ps = s->link_jitter_ps,
					   .seed = s->seed};
	int rc = link_create(&t->link, t->sim, &config);

	if (rc == -EINVAL)
		return err_set(
			err, rc,
			"link.rate: expected 10, 100 or 1000 Mb/s or another rate whose byte "
			"lasts a whole number of picoseconds");
	if (rc || !pcap)
		return rc;
	rc = pcap_create(&t->pcap, pcap, err);
	if (!rc)
		link_capture(t->link, t->pcap);
	return rc;
}

static int make_disk_load(struct testbed *t, struct err *err)
{
	const struct scenario *s = t->scenario;
	const struct load_setting settings[] = {
		{"cache_pages", s->ffsb_cache_bytes / PAGE_BYTES},
		{"background_cpu", s->sut.irq_cpu},
		{"verify", s->verify != 0},
	};
	char path[PATH_MAX];
	struct load_config config = {
		.machine = t->sut.machine,
		.disk = t->sut.volume,
		.file = path,
		.settings = settings,
		.count = sizeof(settings) / sizeof(settings[0]),
		.seed = s->seed,
	};
	int rc = paths_find("loads", s->ffsb_profile, ".profile", path, sizeof(path), err);

	if (rc)
		return err_prefix(err, rc, "ffsb.profile: ");
	return load_create(&t->load, s->load, &config, err);
}

static int make_load(struct testbed *t, struct err *err)
{
	const struct scenario *s = t->scenario;
	const struct load_setting settings[] = {
		{"message_bytes", s->message_bytes},
		{"recv_bytes", s->recv_bytes},
		{"streams", s->streams},
		{"nodelay", s->nodelay},
		{"sut_cpu", s->sut.app_cpu},
		{"client_cpu", s->client.app_cpu},
		{"verify", s->verify},
	};
	const struct load_config config = {
		.sut = t->sut.host,
		.client = t->client.host,
		.settings = settings,
		.count = sizeof(settings) / sizeof(settings[0]),
		.seed = s->seed,
	};

	return load_create(&t->load, s->load, &config, err);
}

int testbed_init(struct testbed *t, const struct scenario *s, const struct run_options *options,
		 struct err *err)
{
	const bool disk = load_find(s->load)->needs_disk;
	int rc = 0;

	memset(t, 0, sizeof(*t));
	t->scenario = s;
	t->corrupted_iova = UINT64_MAX;
	t->sim = sim_create();
	t->pool = frame_pool_create();
	if (!t->sim || !t->pool)
		rc = err_set(err, -ENOMEM, "no memory");
	if (!rc && disk && options->pcap)
		rc = err_set(err, -EINVAL, "there is no network to capture with load.name=%s",
			     s->load);
	if (!rc && !disk)
		rc = make_link(t, options->pcap, err);
	if (!rc)
		rc = make_sides(t, options, err);
	if (!rc)
		rc = disk                ? make_disk_load(t, err)
		     : t->stream.machine ? streambed_load(&t->stream, s, &t->load, err)
					 : make_load(t, err);
	if (rc)
		testbed_abandon(t);
	return rc;
}

static void destroy_side(struct testbed_side *side)
{
	diskbed_fini(&side->disk);
	platform_destroy_hosts(side);
	kmalloc_destroy(side->kmalloc);
	if (side->rig)
		rig_quiet_ats(side->rig);
	iotoll_dma_detach(side->dma);
	tg3_destroy(side->nic);
	if (side->nic)
		mmio_window_fini(&side->nic_regs);
	platform_destroy(side);
	machine_destroy(side->board);
}

static void destroy(struct testbed *t)
{
	load_destroy(t->load);
	streambed_fini(&t->stream);
	rogue_destroy(t->rogue);
	destroy_side(&t->sut);
	destroy_side(&t->client);
	link_destroy(t->link);
	if (t->pool)
		frame_pool_destroy(t->pool);
	sim_destroy(t->sim);
	memset(t, 0, sizeof(*t));
}

int testbed_fini(struct testbed *t, struct err *err)
{
	int rc = 0;

	if (t->pcap) {
		link_capture(t->link, NULL);
		rc = pcap_close(t->pcap, err);
	}
	destroy(t);
	return rc;
}

void testbed_abandon(struct testbed *t)
{
	pcap_abandon(t->pcap);
	destroy(t);
}
