/* SPDX-License-Identifier: MIT */
/*
 * Receiving into chunks: no frame goes up while the NIC can reach it, none is lost or overtaken,
 * and a chunk costs one mapping. Short frames are sent without any.
 */
#include "lab.h"

#include "base/rng.h"
#include "guest/stack_internal.h"
#include "guest/tg3_driver_internal.h"

#define ETHERTYPE_TEST 0x88b5 /* local experimental: the stack drops it */
#define PAGES          2u
#define BUFFERS        (2 * PAGES)
#define MOST           4096u

/* Stands between the driver and the stack. */
struct watch {
	struct lab *lab;
	struct net_upper stack;
	/* What the device has been given, by live requests: [at, at + bytes) of memory. */
	struct {
		uint64_t iova, at, bytes;
	} live[64];
	unsigned lives, maps, unmaps;
	unsigned up, in_place;
	uint32_t number[MOST]; /* of the frames, as they came up */
	/* Frames that are kept for a while, as a socket's queue does. */
	struct net_frame kept[MOST];
	unsigned keep, keeping;
};

static void on_map(void *ctx, iotoll_iova_t iova, uint64_t pages, iotoll_phys_t paddr, size_t bytes,
		   enum iotoll_dma_dir dir)
{
	struct watch *w = ctx;

	(void)pages;
	if (dir != IOTOLL_DMA_FROM_DEVICE)
		return;
	assert_true(w->lives < 64);
	w->live[w->lives].iova = IOTOLL_IOVA_U64(iova);
	w->live[w->lives].at = IOTOLL_PHYS_U64(paddr);
	w->live[w->lives++].bytes = bytes;
	w->maps++;
}

static void on_unmap(void *ctx, iotoll_iova_t iova, uint64_t pages, size_t bytes)
{
	struct watch *w = ctx;

	(void)pages, (void)bytes;
	for (unsigned i = 0; i < w->lives; i++) {
		if (w->live[i].iova != IOTOLL_IOVA_U64(iova))
			continue;
		w->live[i] = w->live[--w->lives];
		w->unmaps++;
		return;
	}
}

static uint32_t number_of(const uint8_t *bytes)
{
	uint32_t n;

	memcpy(&n, bytes + NET_ETH_BYTES, sizeof(n));
	return n;
}

static void receive(void *ctx, struct cpu *cpu, const struct net_frame *frame)
{
	struct watch *w = ctx;
	const uint8_t *bytes = memory_ptr(w->lab->side[1].machine->mem, frame->piece[0].paddr,
					  frame->piece[0].bytes);

	assert_int_equal(frame->pieces, 1);
	for (unsigned i = 0; i < w->lives; i++)
		assert_false(frame->piece[0].paddr < w->live[i].at + w->live[i].bytes &&
			     w->live[i].at < frame->piece[0].paddr + frame->bytes);
	for (uint32_t i = NET_ETH_BYTES + 4; i < frame->bytes; i++)
		assert_int_equal(bytes[i], (uint8_t)(number_of(bytes) + i));
	w->number[w->up++] = number_of(bytes);
	w->in_place += frame->lasting;
	if (w->keeping < w->keep)
		w->kept[w->keeping++] = *frame;
	else
		w->stack.receive(w->stack.ctx, cpu, frame);
}

/* Give back what was kept, contents and all. */
static void let_go(struct watch *w)
{
	for (unsigned i = 0; i < w->keeping; i++) {
		const struct net_frame *f = &w->kept[i];
		const uint8_t *bytes =
			memory_ptr(w->lab->side[1].machine->mem, f->piece[0].paddr, f->bytes);

		for (uint32_t k = NET_ETH_BYTES + 4; k < f->bytes; k++)
			assert_int_equal(bytes[k], (uint8_t)(number_of(bytes) + k));
		net_frame_done(f, NULL);
	}
	w->keep = w->keeping = 0;
}

static struct tg3_driver *driver(const struct watch *w)
{
	return w->lab->side[1].host->driver;
}

static void start(struct watch *w, uint32_t tx_copy)
{
	const struct iotoll_dma_observer observer = {
		.ctx = w, .mapped = on_map, .unmapped = on_unmap};

	memset(w, 0, sizeof(*w));
	w->lab = lab_create_chunked(2, PAGES, tx_copy);
	lab_run(w->lab, SIM_MS);
	w->stack = driver(w)->upper;
	driver(w)->upper = (struct net_upper){.receive = receive, .ctx = w};
	/* Of what was posted at the start nothing is known; it is gone after a lap. */
	iotoll_dma_domain_observe(w->lab->side[1].domain, &observer);
}

static void stop(struct watch *w)
{
	let_go(w);
	iotoll_dma_domain_observe(w->lab->side[1].domain, NULL);
	lab_destroy(w->lab);
}

/* The frame of that number on the wire. */
static void send(struct watch *w, uint32_t number, uint32_t bytes)
{
	struct frame_sink wire = link_sink(w->lab->link, 0);
	struct frame *f = frame_get(w->lab->pool);

	memset(f->data, 0, NET_ETH_BYTES);
	f->data[0] = 2;
	f->data[5] = 1;
	f->data[12] = ETHERTYPE_TEST >> 8;
	f->data[13] = ETHERTYPE_TEST & 0xff;
	memcpy(f->data + NET_ETH_BYTES, &number, sizeof(number));
	for (uint32_t i = NET_ETH_BYTES + 4; i < bytes; i++)
		f->data[i] = (uint8_t)(number + i);
	f->bytes = bytes;
	wire.send(wire.ctx, f);
}

static void frames_go_up_where_they_lie_when_all_of_their_chunk_is_unmapped(void **state)
{
	static struct watch w;

	(void)state;
	start(&w, 0);
	for (unsigned i = 0; i < BUFFERS - 1; i++)
		send(&w, i, 1514);
	lab_run(w.lab, 100 * SIM_US);
	assert_int_equal(w.up, 0);
	assert_int_equal(w.unmaps + w.maps, 0);
	send(&w, BUFFERS - 1, 1514);
	lab_run(w.lab, SIM_MS);
	assert_int_equal(w.up, BUFFERS);
	assert_int_equal(w.in_place, BUFFERS);
	assert_int_equal(w.maps, 1);
	stop(&w);
}

static void when_the_line_falls_silent_what_waits_goes_up_as_copies(void **state)
{
	static struct watch w;

	(void)state;
	start(&w, 0);
	send(&w, 0, 1000);
	send(&w, 1, 1000);
	lab_run(w.lab, 100 * SIM_US);
	assert_int_equal(w.up, 0);
	lab_run(w.lab, LAB_HOLD);
	assert_int_equal(w.up, 2);
	assert_int_equal(driver(&w)->stats.rx_copied, 2);
	/* Their buffers count: two more and the chunk is complete. */
	send(&w, 2, 1000);
	send(&w, 3, 1000);
	lab_run(w.lab, 100 * SIM_US);
	assert_int_equal(w.up, 4);
	assert_int_equal(w.in_place, 2);
	stop(&w);
}

static void a_short_frame_goes_up_at_once_but_overtakes_none(void **state)
{
	static struct watch w;

	(void)state;
	start(&w, 0);
	send(&w, 0, 100);
	lab_run(w.lab, 60 * SIM_US);
	assert_int_equal(w.up, 1);
	send(&w, 1, 1000);
	send(&w, 2, 100);
	lab_run(w.lab, 60 * SIM_US);
	assert_int_equal(w.up, 1);
	lab_run(w.lab, LAB_HOLD);
	assert_int_equal(w.up, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(w.number[i], i);
	stop(&w);
}

/* Whatever comes and whoever keeps it: all of it, once, in order, and never while it is mapped. */
static void random_traffic_arrives_whole_and_out_of_reach(void **state)
{
	static struct watch w;
	unsigned sent = 0, mapped;
	struct rng rng;

	(void)state;
	start(&w, 0);
	rng_seed(&rng, lab_seed());
	while (sent < 2000) {
		const unsigned burst = 1 + (unsigned)rng_below(&rng, 12);

		w.keep = (unsigned)rng_below(&rng, 60);
		for (unsigned i = 0; i < burst; i++)
			send(&w, sent++, 60 + (uint32_t)rng_below(&rng, 1455));
		lab_run(w.lab, rng_below(&rng, 2) ? 200 * SIM_US : SIM_MS);
		if (rng_below(&rng, 8) == 0)
			let_go(&w);
	}
	lab_run(w.lab, SIM_MS);
	assert_int_equal(w.up, sent);
	for (unsigned i = 0; i < sent; i++)
		assert_int_equal(w.number[i], i);
	assert_true(w.in_place > 100);
	mapped = sent / BUFFERS;
	assert_int_equal(w.maps, mapped);
	stop(&w);
}

static void frames_outlive_the_driver(void **state)
{
	static struct watch w;

	(void)state;
	start(&w, 0);
	w.keep = BUFFERS;
	for (unsigned i = 0; i < BUFFERS; i++)
		send(&w, i, 1514);
	lab_run(w.lab, SIM_MS);
	assert_int_equal(w.keeping, BUFFERS);
	tg3_driver_close(driver(&w));
	w.lab->side[1].host->driver = NULL;
	stop(&w);
}

/* A device that answers out of turn gets no chunk of its choice unmapped, and harms nobody. */
static void rubbish_from_the_device_is_counted_and_survived(void **state)
{
	static struct watch w;
	struct tg3_driver *d;
	struct rng rng;

	(void)state;
	start(&w, 0);
	d = driver(&w);
	d->upper = w.stack;
	rng_seed(&rng, lab_seed());
	for (int round = 0; round < 200; round++) {
		for (unsigned e = 0; e < TG3_RET_ENTRIES; e++) {
			const struct tg3_rxd desc = {
				.bytes = (uint16_t)rng_below(&rng, 1700),
				.flags = (uint16_t)(rng_below(&rng, 4) ? 0 : TG3_RXD_FLAG_ERROR),
				.opaque = TG3_RXD_OPAQUE_RING_STD | (uint32_t)rng_below(&rng, 520),
			};

			tg3_rxd_pack(d->ret.ptr + (size_t)e * TG3_RXD_BYTES, &desc);
		}
		tg3_put16(d->status.ptr + TG3_STATUS_OFF_RX_PROD, (uint16_t)rng_below(&rng, 1100));
		tg3_driver_poll(d, NULL);
	}
	assert_true(d->stats.rx_bad > 1000);
	assert_true(d->stats.rx_frames > 10);
	stop(&w);
}

struct sent {
	unsigned done;
	uint8_t *object;
};

static struct watch *sender;
static struct sent answers;

static void on_done(void *ctx, struct cpu *cpu, void *owner)
{
	struct sent *s = ctx;

	(void)cpu, (void)owner;
	s->done++;
	kmalloc_free(driver(sender)->kmalloc, s->object);
}

static void send_from_the_machine(void *ctx)
{
	struct machine *m = sender->lab->side[1].machine;
	const struct netdev dev = tg3_driver_netdev(driver(sender));
	const uint32_t bytes = *(uint32_t *)ctx;
	uint8_t *object = kmalloc_alloc(driver(sender)->kmalloc, bytes);
	struct net_frame frame = {
		.piece = {{.paddr = kmalloc_phys(driver(sender)->kmalloc, object), .bytes = bytes}},
		.pieces = 1,
		.bytes = bytes,
		.release = {.fn = on_done, .ctx = &answers},
	};

	memset(object, 0x5a, bytes);
	assert_int_equal(dev.ops->xmit(dev.ctx, cpu_current(m), &frame), 0);
	answers.object = object;
}

static void short_frames_are_sent_as_copies_and_longer_ones_are_mapped(void **state)
{
	static const uint32_t sizes[] = {60, 128, 129};
	static struct watch w;
	struct iotoll_dma_stats before, after;

	(void)state;
	start(&w, 100); /* rounded up to 128 */
	sender = &w;
	for (unsigned i = 0; i < 3; i++) {
		uint32_t bytes = sizes[i];

		answers.done = 0;
		iotoll_dma_domain_stats(w.lab->side[1].domain, &before);
		assert_non_null(task_create(machine_cpu(w.lab->side[1].machine, 0), "send",
					    send_from_the_machine, &bytes));
		lab_run(w.lab, SIM_MS);
		iotoll_dma_domain_stats(w.lab->side[1].domain, &after);
		assert_int_equal(answers.done, 1);
		assert_int_equal(after.maps - before.maps, bytes > 128);
		assert_int_equal(after.unmaps - before.unmaps, bytes > 128);
	}
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_go_up_where_they_lie_when_all_of_their_chunk_is_unmapped),
		cmocka_unit_test(when_the_line_falls_silent_what_waits_goes_up_as_copies),
		cmocka_unit_test(a_short_frame_goes_up_at_once_but_overtakes_none),
		cmocka_unit_test(random_traffic_arrives_whole_and_out_of_reach),
		cmocka_unit_test(frames_outlive_the_driver),
		cmocka_unit_test(rubbish_from_the_device_is_counted_and_survived),
		cmocka_unit_test(short_frames_are_sent_as_copies_and_longer_ones_are_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
