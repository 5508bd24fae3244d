/* SPDX-License-Identifier: MIT */
/* Putting a multi-queue NIC and a partner on a rig. */
#include "study/streambed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "study/platform.h"

#define SUT_IP       0x0a000001u /* 10.0.0.1 */
#define PARTNER_IP   0x0a000002u
#define SUT_PORT     5001u
#define FIRST_PORT   40000u
#define PATTERN      (1u << 20)
#define DEFAULT_CALL 65536u /* of a recv() of which nothing is said */

static const uint8_t sut_mac[6] = {0x02, 0, 0, 0, 0, 0x01};
static const uint8_t partner_mac[6] = {0x02, 0, 0, 0, 0, 0x02};

static unsigned log2_of(uint64_t n)
{
	return 63u - (unsigned)__builtin_clzll(n);
}

static int make_nic(struct streambed *b, const struct scenario *s, struct rig *rig,
		    struct link *link, struct frame_pool *pool, struct err *err)
{
	struct mqnic_config config = {
		.bus = rig->bus,
		.devid = rig->devid,
		.queues = (unsigned)s->mq_queues,
		.tags = (unsigned)s->mq_tags,
		.pool = pool,
		.irq = b->irq,
		.wire = link_sink(link, 0),
		.mbps = (uint32_t)(s->link_bps / 1000000),
		.rx_buffer_bytes = (uint32_t)s->mq_rx_buffer,
	};
	int rc;

	if (!b->machine->profile.has_pcie)
		return err_set(err, -EINVAL,
			       "sut.profile: %s has no [pcie], so load.name cannot be %s",
			       b->machine->profile.name, s->load);
	memcpy(config.mac, sut_mac, sizeof(config.mac));
	rc = mqnic_create(&b->nic, &config);
	if (rc)
		return err_set(err, rc, "the machine's NIC cannot be made");
	mmio_window_init(&b->regs, b->machine, &mqnic_mmio_ops, b->nic);
	link_attach(link, 0, mqnic_receive, b->nic);
	rc = iotoll_dma_attach(&b->dma, rig->domain, rig->devid, UINT64_MAX);
	return rc ? err_set(err, rc, "the machine's NIC cannot use its DMA domain") : 0;
}

static int make_driver(struct streambed *b, const struct scenario *s, struct err *err)
{
	const struct mqnic_driver_config config = {
		.machine = b->machine,
		.regs = &b->regs,
		.dma = b->dma,
		.irq = b->irq,
		.queues = (unsigned)s->mq_queues,
		.irq_cpu = (unsigned)s->sut.irq_cpu,
		.mtu = (uint32_t)s->mq_mtu,
		.log_rx = log2_of(s->mq_rx_ring),
		.log_tx = log2_of(s->mq_tx_ring),
		.page_cache = (unsigned)s->mq_page_cache,
		.rx_chunk_pages = (unsigned)s->mq_rx_chunk,
		.rx_hold_ps = s->mq_rx_hold_ps,
		.tx_copy_bytes = (uint32_t)(s->mq_tx_copy + 63) & ~63u,
		.rx_us = (uint32_t)(s->mq_rx_ticks_ps / SIM_US),
		.rx_frames = (uint32_t)s->mq_rx_frames,
		.tx_us = (uint32_t)(s->mq_tx_ticks_ps / SIM_US),
		.tx_frames = (uint32_t)s->mq_tx_frames,
		.batch = s->batch_drivers,
	};
	int rc;

	b->kmalloc = kmalloc_create(b->machine->mem, false);
	if (!b->kmalloc)
		return err_set(err, -ENOMEM, "no memory for the machine's allocator");
	rc = mqnic_driver_open(&b->driver, &config, err);
	/* All else that it refuses so the settings' own ranges have refused before. */
	return rc == -EINVAL ? err_prefix(err, rc, "mqnic.rx_chunk: ") : rc;
}

/* Twice the same, so that no segment runs across its end. */
static int make_pattern(struct streambed *b, uint64_t seed)
{
	struct rng rng;

	b->pattern = malloc(2 * PATTERN);
	if (!b->pattern)
		return -ENOMEM;
	rng_seed(&rng, seed);
	for (size_t at = 0; at < PATTERN; at += sizeof(uint64_t)) {
		const uint64_t word = rng_u64(&rng);

		memcpy(b->pattern + at, &word, sizeof(word));
	}
	memcpy(b->pattern + PATTERN, b->pattern, PATTERN);
	return 0;
}

/*
 * The partner's port of each flow: the next one whose hash leads to queue flow modulo queues, as
 * where flows are steered to queues one by one. Left to the hash alone some queues would have two
 * flows and others none.
 */
static void choose_ports(struct streambed *b, const struct scenario *s)
{
	uint8_t input[SEGMENT_RSS_INPUT_BYTES];
	uint16_t port = FIRST_PORT;

	segment_put32(input, PARTNER_IP);
	segment_put32(input + 4, SUT_IP);
	segment_put16(input + 10, SUT_PORT);
	for (unsigned i = 0; i < s->streams; i++) {
		for (;; port++) {
			segment_put16(input + 8, port);
			if (segment_rss_hash(segment_rss_key, input) % MQNIC_RSS_TABLE_BYTES %
				    s->mq_queues ==
			    i % s->mq_queues)
				break;
		}
		b->port[i] = port++;
	}
}

static void agree(struct streambed *b, const struct scenario *s)
{
	struct segment_ends *e = &b->ends;

	choose_ports(b, s);
	e->driver = b->driver;
	e->kmalloc = b->kmalloc;
	e->dma = b->dma;
	memcpy(e->path.to, partner_mac, sizeof(e->path.to));
	memcpy(e->path.from, sut_mac, sizeof(e->path.from));
	e->path.src = SUT_IP;
	e->path.dst = PARTNER_IP;
	e->path.sport = SUT_PORT;
	e->port = b->port;
	e->flows = (unsigned)s->streams;
	e->mss = (uint32_t)s->mq_mtu - SEGMENT_IP_BYTES - SEGMENT_TCP_BYTES;
	e->window = (uint32_t)s->stream_window;
	e->pattern = b->pattern;
	e->period = PATTERN;
	e->skew = PARTNER_SKEW;
}

static int make_partner(struct streambed *b, const struct scenario *s, struct link *link,
			struct frame_pool *pool, struct err *err)
{
	const struct segment_ends *e = &b->ends;
	struct partner_config config = {
		.sim = b->machine->sim,
		.pool = pool,
		.wire = link_sink(link, 1),
		.path = {.src = PARTNER_IP, .dst = SUT_IP, .dport = SUT_PORT},
		.port = b->port,
		.flows = e->flows,
		.sends = !strcmp(s->load, "segment_stream"),
		.mss = e->mss,
		.window = e->window,
		.burst_bytes = (uint32_t)s->stream_burst,
		.ack_every = (unsigned)s->stream_partner_ack,
		.pattern = e->pattern,
		.period = e->period,
		.verify = s->verify != 0,
	};
	int rc;

	memcpy(config.path.to, sut_mac, sizeof(sut_mac));
	memcpy(config.path.from, partner_mac, sizeof(partner_mac));
	rc = partner_create(&b->partner, &config);
	if (rc)
		return err_set(err, rc, "the partner cannot be made");
	link_attach(link, 1, partner_receive, b->partner);
	return 0;
}

int streambed_init(struct streambed *b, const struct scenario *s, struct rig *rig,
		   struct machine *machine, struct link *link, struct frame_pool *pool,
		   struct err *err)
{
	int rc;

	memset(b, 0, sizeof(*b));
	b->machine = machine;
	if (s->sut.irq_cpu + s->mq_queues > machine->ncpus)
		rc = err_set(err, -EINVAL,
			     "mqnic.queues: each needs a CPU from sut.irq_cpu on; expected at most "
			     "%u on %s",
			     (unsigned)(machine->ncpus - s->sut.irq_cpu), machine->profile.name);
	else
		rc = make_nic(b, s, rig, link, pool, err);
	if (!rc)
		rc = make_driver(b, s, err);
	if (!rc && make_pattern(b, s->seed))
		rc = err_set(err, -ENOMEM, "no memory for the data");
	if (!rc) {
		agree(b, s);
		rc = make_partner(b, s, link, pool, err);
	}
	if (rc)
		streambed_fini(b);
	return rc;
}

void streambed_fini(struct streambed *b)
{
	partner_destroy(b->partner);
	mqnic_driver_close(b->driver);
	kmalloc_destroy(b->kmalloc);
	iotoll_dma_detach(b->dma);
	mqnic_destroy(b->nic);
	if (b->nic)
		mmio_window_fini(&b->regs);
	free(b->pattern);
	memset(b, 0, sizeof(*b));
}

int streambed_load(struct streambed *b, const struct scenario *s, struct load **out,
		   struct err *err)
{
	const struct load_setting settings[] = {
		{"message_bytes", s->message_bytes},
		{"recv_bytes", s->recv_bytes ? s->recv_bytes : DEFAULT_CALL},
		{"sut_cpu", s->sut.app_cpu},
		{"sut_cpus", s->mq_queues},
		{"verify", s->verify},
		{"ack_every", s->stream_ack},
		{"gro", s->stream_gro},
		{"tso", s->stream_tso},
		{"send_pages", s->stream_send_pages},
	};
	const struct load_config config = {
		.machine = b->machine,
		.ends = &b->ends,
		.settings = settings,
		.count = sizeof(settings) / sizeof(settings[0]),
		.seed = s->seed,
	};

	return load_create(out, s->load, &config, err);
}

void streambed_start(struct streambed *b)
{
	partner_start(b->partner);
}

void streambed_count(const struct streambed *b, struct stream_counters *out)
{
	out->nic = *mqnic_stats(b->nic);
	out->pcie = *mqnic_pcie_stats(b->nic);
	mqnic_driver_stats(b->driver, &out->driver);
	out->partner = *partner_stats(b->partner);
}
