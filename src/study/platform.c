/* SPDX-License-Identifier: MIT */
/* Putting a hypervisor and its domains on a board, or nothing. */
#include "study/platform.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "watch/timeline.h"
#include "xen/schedulers.h"

/*
 * Page numbers at which frames of others can be mapped. dom0: what its backends have under way, and
 * besides rings, its grant tables and what it shares with the hypervisor; a domain: the last two.
 */
#define DOM0_EMPTY 1024u
#define DOMU_EMPTY 16u

static_assert(NETBACK_PENDING + BLKBACK_PENDING * BLKIF_SEGMENTS + 2 * DOMU_EMPTY <= DOM0_EMPTY,
	      "dom0 can serve a network and a disk");

int platform_metal(struct testbed_side *side, const struct rig_config *config, struct err *err)
{
	const int rc = rig_init(&side->metal, config, err);

	side->machine = side->board;
	side->rig = rc ? NULL : &side->metal;
	return rc;
}

/* The physical CPUs of @vcpus virtual ones, the first of which is the board's number @first. */
static void place(unsigned physical[XEN_VCPUS_MAX], unsigned first, unsigned vcpus, unsigned cpus)
{
	for (unsigned i = 0; i < vcpus; i++)
		physical[i] = (first + i) % cpus;
}

static int add_domain(struct hyper *h, const struct scenario *s, uint16_t id,
		      struct hyper_domain **out, struct err *err)
{
	const unsigned vcpus = (unsigned)(id ? s->domu_vcpus : s->dom0_vcpus);
	const unsigned cpus = (unsigned)s->platform_cpus;
	const struct machine *board = h->config.rig.machine;
	unsigned physical[XEN_VCPUS_MAX];
	int rc;
	const struct hyper_domain_config config = {
		.name = id ? "domU" : "dom0",
		.id = id,
		.pages = (id ? s->domu_bytes : s->dom0_bytes) / PAGE_BYTES,
		.empty = id ? DOMU_EMPTY : DOM0_EMPTY,
		.vcpus = vcpus,
		.physical = physical,
		.affinity = s->scheduler == SCHEDULER_PINNED
				    ? 0
				    : (uint32_t)((UINT64_C(1) << cpus) - 1),
		.privileged = id == 0,
		.hardware = id == 0,
		.grants_reach_devices = id == 0 && h->config.tables == HYPER_MACHINE,
	};

	place(physical, id ? (unsigned)s->dom0_vcpus : 0, vcpus, cpus);
	rc = hyper_add_domain(h, &config, out, err);
	/* The board's frames, which are its profile's, and not this program's memory. */
	if (rc == -ENOMEM)
		return err_set(err, -EINVAL,
			       "platform.%s_memory: %s does not have so much left for %s; expected "
			       "less, or another sut.profile",
			       id ? "domu" : "dom0", board->profile.name, config.name);
	return rc;
}

/* Page numbers in the table of the domain that has the bus. */
static uint64_t pages_of(const struct scenario *s, bool domu)
{
	return domu ? s->domu_bytes / PAGE_BYTES + DOMU_EMPTY
		    : s->dom0_bytes / PAGE_BYTES + DOM0_EMPTY;
}

static int check_board(const struct machine *board, const struct scenario *s, struct err *err)
{
	if (!board->profile.has_xen)
		return err_set(err, -EINVAL,
			       "sut.profile: %s has no [xen] costs, so platform.kind cannot be "
			       "anything but bare-metal",
			       board->profile.name);
	if (s->platform_cpus > board->ncpus)
		return err_set(err, -EINVAL, "platform.cpus: %s has %u, expected at most as many",
			       board->profile.name, board->ncpus);
	return 0;
}

int platform_hyper(struct testbed_side *side, const struct scenario *s,
		   const struct rig_config *config, struct err *err)
{
	const bool direct = s->platform == PLATFORM_DIRECT;
	const bool domu = s->platform > PLATFORM_DOM0;
	const struct hyper_config hyper = {
		.rig = *config,
		.tables = direct                                            ? HYPER_WHOLE
			  : s->grants == GRANTS_KINDS && rig_stands(config) ? HYPER_MACHINE
			  : rig_stands(config)                              ? HYPER_WHOLE
									    : HYPER_ASKED,
		.grants_bring_entries = s->grants == GRANTS_INTEGRATED && rig_translates(config),
		.scheduler = s->scheduler == SCHEDULER_CREDIT ? &sched_credit : NULL,
	};
	struct hyper_domain *dom0, *loaded;
	int rc = check_board(side->board, s, err);

	if (rc)
		return rc;
	side->hyper = calloc(1, sizeof(*side->hyper));
	if (!side->hyper)
		return err_set(err, -ENOMEM, "no memory for a hypervisor");
	rc = hyper_init(side->hyper, &hyper, err);
	if (rc)
		return rc;
	side->rig = &side->hyper->rig;
	rc = add_domain(side->hyper, s, 0, &dom0, err);
	loaded = dom0;
	if (!rc && domu)
		rc = add_domain(side->hyper, s, 1, &loaded, err);
	if (rc)
		return rc;
	side->machine = loaded->machine;
	dom0->machine->free_dma_software = side->board->free_dma_software;
	loaded->machine->free_dma_software = side->board->free_dma_software;
	rc = hyper_assign_bus(direct ? loaded : dom0, config->devid, err);
	if (rc && hyper.tables == HYPER_WHOLE && side->hyper->driver &&
	    side->hyper->driver->entries < pages_of(s, direct))
		return err_set(
			err, -EINVAL,
			"iommu.table_entries: expected %llu or more, an entry for each page of "
			"platform.%s_memory and for those mapped besides",
			(unsigned long long)pages_of(s, direct), direct ? "domu" : "dom0");
	return rc;
}

/* ---- a driver domain ---- */

#define DOM0_IP 0x0a000003u /* 10.0.0.3 */

const uint8_t platform_dom0_mac[6] = {0x02, 0, 0, 0, 0, 0x03};

static int start_dom0(struct testbed_side *side, const struct scenario *s,
		      const struct host_config *of_load, struct err *err)
{
	const struct hyper_domain *dom0 = &side->hyper->domain[0];
	struct host_config config = *of_load;

	config.machine = dom0->machine;
	config.domain = dom0->xen;
	config.bridge = true;
	config.dma_domain = side->rig->domain;
	config.page_buffers = s->flip;
	config.device_grants = side->hyper->config.grants_bring_entries &&
			       side->hyper->config.tables == HYPER_ASKED;
	config.ip = DOM0_IP;
	config.irq_cpu = 0;
	config.seed = of_load->seed ^ DOM0_IP;
	memcpy(config.mac, platform_dom0_mac, sizeof(config.mac));
	return host_create(&side->nic_host, &config, err);
}

int platform_behind_dom0(struct testbed_side *side, const struct scenario *s,
			 const struct host_config *of_load, struct err *err)
{
	struct host_config config = *of_load;
	struct netif_backend_keys backend;
	struct netif_frontend_keys keys;
	int rc = start_dom0(side, s, of_load, err);

	if (rc)
		return err_prefix(err, rc, "dom0: ");
	netback_keys(side->nic_host->netback, &backend);
	config.domain = side->hyper->domain[1].xen;
	config.nic_regs = NULL;
	config.nic_irq = NULL;
	config.dma = NULL;
	config.backend = &backend;
	config.want_copy = !s->flip;
	rc = host_create(&side->host, &config, err);
	if (rc)
		return rc;
	netfront_keys(side->host->front, &keys);
	rc = host_add_guest(side->nic_host, &keys, &side->vif, err);
	if (!rc)
		netfront_connect(side->host->front, NULL);
	return rc;
}

/* Nobody runs any more: the load's domain dies where it stands, and dom0 hears no more of it. */
void platform_destroy_hosts(struct testbed_side *side)
{
	if (side->host && side->host != side->nic_host)
		host_crash(side->host);
	else
		host_destroy(side->host);
	if (side->nic_host != side->host)
		host_destroy(side->nic_host);
	side->host = side->nic_host = NULL;
}

void platform_destroy(struct testbed_side *side)
{
	if (side->hyper) {
		hyper_fini(side->hyper);
		free(side->hyper);
	} else if (side->rig) {
		rig_fini(side->rig);
	}
	side->hyper = NULL;
	side->rig = NULL;
}

/* ---- asked by who measures ---- */

unsigned testbed_cpus(const struct testbed_side *side)
{
	unsigned n = 0;

	if (!side->hyper)
		return side->machine->ncpus;
	for (unsigned i = 0; i < side->hyper->domains; i++)
		n += side->hyper->domain[i].machine->ncpus;
	return n;
}

struct cpu *testbed_cpu(const struct testbed_side *side, unsigned n, const char **domain)
{
	if (domain)
		*domain = NULL;
	if (!side->hyper)
		return machine_cpu(side->machine, n);
	for (unsigned i = 0; i < side->hyper->domains; i++) {
		const struct hyper_domain *d = &side->hyper->domain[i];

		if (n < d->machine->ncpus) {
			if (domain)
				*domain = d->name;
			return machine_cpu(d->machine, n);
		}
		n -= d->machine->ncpus;
	}
	return NULL;
}

static int show_side(const struct testbed_side *side, const char *name, struct timeline *timeline)
{
	int rc = 0;

	for (unsigned i = 0; !rc && i < testbed_cpus(side); i++) {
		const char *domain;
		struct cpu *cpu = testbed_cpu(side, i, &domain);
		char words[32];

		snprintf(words, sizeof(words), "%s%s%s", name, domain ? " " : "",
			 domain ? domain : "");
		rc = timeline_cpu(timeline, cpu, words);
	}
	return rc;
}

int testbed_show(const struct testbed *t, struct timeline *timeline, struct err *err)
{
	int rc = show_side(&t->sut, "sut", timeline);

	if (!rc && t->client.machine)
		rc = show_side(&t->client, "client", timeline);
	timeline_clock(timeline, t->sut.board);
	return rc ? err_set(err, rc, "no memory for the timeline") : 0;
}

unsigned testbed_physical_cpus(const struct testbed *t, const struct testbed_side *side)
{
	return side->hyper ? (unsigned)t->scenario->platform_cpus : side->machine->ncpus;
}

void testbed_table(const struct testbed_side *side, iotoll_phys_t *paddr, size_t *bytes)
{
	if (!side->hyper) {
		iotoll_dma_domain_table(side->rig->domain, paddr, bytes);
		return;
	}
	*paddr = side->hyper->driver ? side->hyper->driver->table : IOTOLL_PHYS(0);
	*bytes = side->hyper->driver ? side->hyper->driver->table_bytes : 0;
}

int testbed_entry(const struct testbed_side *side, iotoll_iova_t iova, struct iotoll_dma_entry *out)
{
	const struct dma_driver *driver;

	if (!side->hyper)
		return iotoll_dma_domain_entry(side->rig->domain, iova, out);
	driver = side->hyper->driver;
	if (!driver || !driver->ops->entry)
		return -ENOSYS;
	return driver->ops->entry(driver, IOTOLL_IOVA_U64(iova) / PAGE_BYTES, out);
}
