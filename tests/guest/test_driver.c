/* SPDX-License-Identifier: MIT */
/*
 * The NIC driver: how many mappings a frame costs and in which order, what it does when mapping
 * fails, and that nothing a device writes into its rings can lead it astray.
 */
#include "lab.h"

#include <errno.h>

#include "base/rng.h"
#include "guest/stack_internal.h"
#include "guest/tg3_driver_internal.h"

#define ETHERTYPE_TEST 0x88b5 /* local experimental: the stack drops it */

struct order {
	char text[256];
	size_t n;
};

static void note_map(void *ctx, iotoll_iova_t iova, uint64_t pages, iotoll_phys_t paddr,
		     size_t bytes, enum iotoll_dma_dir dir)
{
	struct order *o = ctx;

	(void)iova, (void)pages, (void)paddr;
	if (o->n + 1 < sizeof(o->text))
		o->text[o->n++] = dir == IOTOLL_DMA_FROM_DEVICE && bytes == 1600 ? 'M' : 't';
}

static void note_unmap(void *ctx, iotoll_iova_t iova, uint64_t pages, size_t bytes)
{
	struct order *o = ctx;

	(void)iova, (void)pages;
	if (o->n + 1 < sizeof(o->text))
		o->text[o->n++] = bytes == 1600 ? 'U' : 'u';
}

static int setup(void **state)
{
	*state = lab_create(2);
	return 0;
}

/* The same things, and what is particular to it, with a driver that maps in lists. */
static int setup_lists(void **state)
{
	*state = lab_create_lists(2);
	return 0;
}

static int teardown(void **state)
{
	lab_destroy(*state);
	return 0;
}

/* Put frames of @bytes on the wire to side 1, back to back. */
static void inject(struct lab *lab, unsigned count, uint32_t bytes)
{
	struct frame_sink wire = link_sink(lab->link, 0);

	while (count--) {
		struct frame *f = frame_get(lab->pool);
		const uint8_t header[14] = {2,
					    0,
					    0,
					    0,
					    0,
					    1,
					    2,
					    0,
					    0,
					    0,
					    0,
					    0,
					    ETHERTYPE_TEST >> 8,
					    ETHERTYPE_TEST & 0xff};

		memset(f->data, 0xa5, bytes);
		memcpy(f->data, header, sizeof(header));
		f->bytes = bytes;
		wire.send(wire.ctx, f);
	}
}

static struct tg3_driver_stats driver_stats(const struct lab *lab)
{
	struct tg3_driver_stats s;

	tg3_driver_stats(lab->side[1].host->driver, &s);
	return s;
}

static struct iotoll_dma_stats dma_stats(const struct lab *lab)
{
	struct iotoll_dma_stats s;

	iotoll_dma_domain_stats(lab->side[1].domain, &s);
	return s;
}

static unsigned posted(const struct tg3_driver *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < TG3_STD_ENTRIES; i++)
		n += d->rx[i].object != NULL;
	return n;
}

static void frames_up_to_256_bytes_leave_their_buffer_mapped(void **state)
{
	static const uint32_t sizes[] = {60, 200, 256};
	struct lab *lab = *state;

	lab_run(lab, SIM_MS);
	for (unsigned i = 0; i < 3; i++) {
		const struct iotoll_dma_stats before = dma_stats(lab);
		const struct tg3_driver_stats was = driver_stats(lab);

		inject(lab, 300, sizes[i]);
		lab_run(lab, 10 * SIM_MS);
		assert_int_equal(driver_stats(lab).rx_frames - was.rx_frames, 300);
		assert_int_equal(driver_stats(lab).rx_copied - was.rx_copied, 300);
		assert_int_equal(dma_stats(lab).maps, before.maps);
		assert_int_equal(dma_stats(lab).unmaps, before.unmaps);
	}
	assert_int_equal(posted(lab->side[1].host->driver), RX_POSTED);
}

static void longer_frames_map_a_new_buffer_and_then_unmap_the_old_one(void **state)
{
	struct lab *lab = *state;
	struct order order = {.n = 0};
	const struct iotoll_dma_observer observer = {
		.ctx = &order, .mapped = note_map, .unmapped = note_unmap};

	lab_run(lab, SIM_MS);
	iotoll_dma_domain_observe(lab->side[1].domain, &observer);
	inject(lab, 5, 257);
	lab_run(lab, 10 * SIM_MS);
	inject(lab, 5, 1514);
	lab_run(lab, 10 * SIM_MS);
	iotoll_dma_domain_observe(lab->side[1].domain, NULL);
	assert_string_equal(order.text, "MUMUMUMUMUMUMUMUMUMU");
	assert_int_equal(driver_stats(lab).rx_copied, 0);
	assert_int_equal(posted(lab->side[1].host->driver), RX_POSTED);
}

/* As many of @now as of @before, and never more at any place. */
static void expect_before(const char *text, char before, char now)
{
	int ahead = 0;

	for (; *text; text++) {
		ahead += (*text == before) - (*text == now);
		assert_true(ahead >= 0);
	}
	assert_int_equal(ahead, 0);
}

static void in_lists_all_of_a_poll_is_mapped_and_then_unmapped(void **state)
{
	struct lab *lab = *state;
	struct order order = {.n = 0};
	const struct iotoll_dma_observer observer = {
		.ctx = &order, .mapped = note_map, .unmapped = note_unmap};
	struct iotoll_dma_batches map, unmap;

	lab_run(lab, SIM_MS);
	iotoll_dma_domain_observe(lab->side[1].domain, &observer);
	inject(lab, 5, 257);
	inject(lab, 3, 100);
	inject(lab, 32, 1514);
	lab_run(lab, 10 * SIM_MS);
	iotoll_dma_domain_observe(lab->side[1].domain, NULL);
	assert_int_equal(order.n, 2 * 37);
	expect_before(order.text, 'M', 'U');
	assert_int_equal(driver_stats(lab).rx_copied, 3);
	assert_int_equal(posted(lab->side[1].host->driver), RX_POSTED);
	iotoll_dma_domain_batches(lab->side[1].domain, &map, &unmap);
	for (unsigned i = 0; i <= IOTOLL_DMA_BATCH_SIZES; i++)
		assert_int_equal(map.of[i], unmap.of[i]);
	/* Five frames an interrupt: so many lists are of that length. */
	assert_true(map.of[5] > 0);
	assert_int_equal(map.of[0], 0);
}

static void buffers_lie_at_offset_two_of_2048_byte_objects_two_to_a_page(void **state)
{
	const struct lab *lab = *state;
	const struct tg3_driver *d = lab->side[1].host->driver;
	unsigned sharing = 0;

	for (unsigned i = 0; i < RX_POSTED; i++) {
		const phys_t at = kmalloc_phys(d->kmalloc, d->rx[i].object);

		assert_int_equal(at % 2048, 0);
		assert_int_equal(IOTOLL_IOVA_U64(d->rx[i].iova) % PAGE_BYTES,
				 (at + 2) % PAGE_BYTES);
		for (unsigned j = 0; j < i; j++)
			sharing += kmalloc_phys(d->kmalloc, d->rx[j].object) / PAGE_BYTES ==
				   at / PAGE_BYTES;
	}
	assert_true(sharing >= RX_POSTED / 2 - 1);
}

static void a_burst_beyond_the_ring_wraps_and_loses_nothing(void **state)
{
	struct lab *lab = *state;
	const uint64_t seed = lab_seed();
	uint64_t bytes = 0;
	struct rng rng;

	rng_seed(&rng, seed);
	for (int i = 0; i < 3000; i++) {
		const uint32_t n = 60 + (uint32_t)rng_below(&rng, 1455);

		inject(lab, 1, n);
		bytes += n;
	}
	lab_run(lab, 100 * SIM_MS);
	assert_int_equal(driver_stats(lab).rx_frames, 3000);
	assert_int_equal(driver_stats(lab).rx_bytes, bytes);
	assert_int_equal(driver_stats(lab).rx_bad, 0);
	assert_int_equal(posted(lab->side[1].host->driver), RX_POSTED);
}

/* While nothing can be mapped, long frames are lost, short ones are not, and no buffer is. */
static void a_failed_map_drops_the_frame_and_keeps_the_buffer(void **state)
{
	struct lab *lab = *state;
	struct iotoll_dma_device *dma = lab->side[1].dma;

	lab_run(lab, SIM_MS);
	assert_int_equal(iotoll_dma_set_mask(dma, 0xffff), 0);
	inject(lab, 450, 1000);
	inject(lab, 50, 100);
	lab_run(lab, 20 * SIM_MS);
	assert_int_equal(driver_stats(lab).rx_map_errors, 450);
	assert_int_equal(driver_stats(lab).rx_copied, 50);
	assert_int_equal(posted(lab->side[1].host->driver), RX_POSTED);
	assert_int_equal(iotoll_dma_set_mask(dma, UINT64_MAX), 0);
	inject(lab, 450, 1000);
	lab_run(lab, 20 * SIM_MS);
	assert_int_equal(driver_stats(lab).rx_map_errors, 450);
	assert_int_equal(driver_stats(lab).rx_frames, 950);
}

struct kept {
	uint32_t bytes;
	uint8_t data[2048];
};

/* A lab_filter: keep what side 1 sent, and lose it. */
static bool keep_frame(void *ctx, unsigned from, struct frame *frame)
{
	struct kept *k = ctx;

	if (from != 1)
		return true;
	k->bytes = frame->bytes;
	memcpy(k->data, frame->data, frame->bytes);
	return false;
}

static void free_pbuf(void *ctx, struct cpu *cpu, void *owner)
{
	const struct netstack *ns = ctx;

	(void)cpu;
	ns->fn->pbuf_free(owner);
}

/* A frame of the stack's own, as lwIP would hand it down. */
static int send_one(struct lab *lab, uint32_t bytes)
{
	struct netstack *ns = lab->side[1].host->stack;
	struct pbuf *p = ns->fn->pbuf_alloc(PBUF_RAW, (u16_t)bytes, PBUF_RAM);
	const uint8_t header[14] = {
		2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, ETHERTYPE_TEST >> 8, ETHERTYPE_TEST & 0xff};
	struct net_frame frame;
	int rc;

	assert_non_null(p);
	memset(p->payload, 0x3c, bytes);
	memcpy(p->payload, header, sizeof(header));
	frame = (struct net_frame){
		.piece[0] = {memory_addr(ns->machine->mem, p->payload), bytes},
		.pieces = 1,
		.bytes = bytes,
		.release = {.fn = free_pbuf, .ctx = ns, .owner = p},
	};
	rc = ns->dev.ops->xmit(ns->dev.ctx, NULL, &frame);
	if (rc)
		net_frame_done(&frame, NULL);
	return rc;
}

static void a_full_ring_queues_1000_frames_and_then_refuses(void **state)
{
	const unsigned ring = TX_LIMIT - TX_STOP_AT;
	struct lab *lab = *state;
	unsigned taken = 0;

	lab_run(lab, SIM_MS);
	while (taken < 3000 && send_one(lab, 1514) == 0)
		taken++;
	assert_int_equal(taken, ring + TG3_DRIVER_QUEUE);
	assert_int_equal(driver_stats(lab).tx_dropped, 1);
	assert_int_equal(driver_stats(lab).tx_queued, TG3_DRIVER_QUEUE);
	lab_run(lab, 50 * SIM_MS);
	assert_int_equal(driver_stats(lab).tx_frames, taken);
	assert_int_equal(dma_stats(lab).maps - dma_stats(lab).unmaps, RX_POSTED);
	assert_int_equal(link_stats(lab->link, 1)->frames, taken);
}

static void in_lists_the_frames_of_the_queue_are_mapped_together(void **state)
{
	const unsigned ring = TX_LIMIT - TX_STOP_AT;
	struct lab *lab = *state;
	struct iotoll_dma_batches map, unmap;
	unsigned taken = 0;

	lab_run(lab, SIM_MS);
	while (taken < 3000 && send_one(lab, 1514) == 0)
		taken++;
	lab_run(lab, 50 * SIM_MS);
	iotoll_dma_domain_batches(lab->side[1].domain, &map, &unmap);
	/* Alone while the ring has room, then as many as it has room for, 64 at the most. */
	assert_int_equal(map.of[1], ring);
	assert_true(map.of[DMA_LIST_MAX] > 0);
	assert_int_equal(driver_stats(lab).tx_frames, taken);
	assert_int_equal(link_stats(lab->link, 1)->frames, taken);
}

struct returned {
	unsigned times;
	void *owner;
};

static void note_return(void *ctx, struct cpu *cpu, void *owner)
{
	struct returned *r = ctx;

	(void)cpu;
	r->times++;
	r->owner = owner;
}

/* Five pieces out of five pages: one frame on the wire, mapped and unmapped piece by piece. */
static void a_frame_in_pieces_takes_a_descriptor_for_each_and_comes_back_once(void **state)
{
	static const uint32_t cut[] = {14, 50, 1, 700, 300};
	struct lab *lab = *state;
	struct host *h = lab->side[1].host;
	struct netdev dev = tg3_driver_netdev(h->driver);
	struct returned returned = {0};
	struct net_frame frame = {.release = {note_return, &returned, &frame}};
	const struct iotoll_dma_stats before = dma_stats(lab);
	struct kept got = {0};
	uint8_t *page[5];

	for (unsigned i = 0; i < 5; i++) {
		page[i] = kmalloc_alloc(h->kmalloc, PAGE_BYTES);
		memset(page[i], (int)(0x10 + i), PAGE_BYTES);
		frame.piece[i] =
			(struct net_piece){kmalloc_phys(h->kmalloc, page[i]) + 100 * i, cut[i]};
		frame.bytes += cut[i];
	}
	frame.pieces = 5;
	lab->filter = keep_frame;
	lab->filter_ctx = &got;
	lab_run(lab, SIM_MS);
	assert_int_equal(dev.ops->xmit(dev.ctx, NULL, &frame), 0);
	lab_run(lab, SIM_MS);
	assert_int_equal(returned.times, 1);
	assert_ptr_equal(returned.owner, &frame);
	assert_int_equal(dma_stats(lab).maps - before.maps, 5);
	assert_int_equal(dma_stats(lab).unmaps - before.unmaps, 5);
	assert_int_equal(got.bytes, frame.bytes);
	for (unsigned i = 0, at = 0; i < 5; at += cut[i++])
		for (unsigned j = 0; j < cut[i]; j++)
			assert_int_equal(got.data[at + j], 0x10 + i);
	for (unsigned i = 0; i < 5; i++)
		kmalloc_free(h->kmalloc, page[i]);
	lab->filter = NULL;
}

static void a_frame_that_cannot_be_mapped_is_refused(void **state)
{
	struct lab *lab = *state;

	lab_run(lab, SIM_MS);
	assert_int_equal(iotoll_dma_set_mask(lab->side[1].dma, 0xffff), 0);
	assert_int_equal(send_one(lab, 100), -ENOBUFS);
	assert_int_equal(driver_stats(lab).tx_map_errors, 1);
}

/* Random rubbish in everything the device writes: no crash, and the damage is counted. */
static void rubbish_from_the_device_is_counted_and_survived(void **state)
{
	struct lab *lab = *state;
	struct tg3_driver *d = lab->side[1].host->driver;
	struct rng rng;

	rng_seed(&rng, lab_seed());
	lab_run(lab, SIM_MS);
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < d->ret.bytes; i += 4)
			tg3_put32(d->ret.ptr + i, (uint32_t)rng_u64(&rng));
		/* some of them close to what is right */
		for (unsigned e = 0; e < TG3_RET_ENTRIES; e += 3) {
			struct tg3_rxd desc = {
				.bytes = (uint16_t)rng_below(&rng, 1700),
				.flags = (uint16_t)(rng_below(&rng, 4) ? 0 : TG3_RXD_FLAG_ERROR),
				.opaque = TG3_RXD_OPAQUE_RING_STD | (uint32_t)rng_below(&rng, 520),
			};

			tg3_rxd_pack(d->ret.ptr + (size_t)e * TG3_RXD_BYTES, &desc);
		}
		tg3_put32(d->status.ptr, (uint32_t)rng_u64(&rng));
		tg3_put16(d->status.ptr + TG3_STATUS_OFF_RX_PROD, (uint16_t)rng_below(&rng, 1100));
		tg3_put16(d->status.ptr + TG3_STATUS_OFF_TX_CONS, (uint16_t)rng_u64(&rng));
		tg3_driver_poll(d, NULL);
	}
	assert_true(d->stats.rx_bad > 100);
	assert_true(d->stats.status_bad > 100);
	assert_true(d->stats.rx_errors > 10);
}

static void a_refused_dma_loses_one_frame_and_no_buffer(void **state)
{
	struct lab *lab = *state;
	struct tg3_driver *d = lab->side[1].host->driver;
	uint8_t *desc = d->std.ptr + 150 * TG3_RXD_BYTES; /* not fetched yet */

	lab_run(lab, SIM_MS);
	tg3_put32(desc, 0x100); /* 1 TiB: no memory there */
	inject(lab, 600, 100);
	lab_run(lab, 20 * SIM_MS);
	assert_int_equal(driver_stats(lab).rx_frames, 599);
	assert_int_equal(driver_stats(lab).rx_errors, 1);
	assert_int_equal(driver_stats(lab).dma_errors, 1);
	assert_int_equal(posted(d), RX_POSTED);
}

#define TEST(fn)  cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define LISTS(fn) cmocka_unit_test_setup_teardown(fn, setup_lists, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(frames_up_to_256_bytes_leave_their_buffer_mapped),
		TEST(longer_frames_map_a_new_buffer_and_then_unmap_the_old_one),
		TEST(buffers_lie_at_offset_two_of_2048_byte_objects_two_to_a_page),
		TEST(a_burst_beyond_the_ring_wraps_and_loses_nothing),
		TEST(a_failed_map_drops_the_frame_and_keeps_the_buffer),
		TEST(a_full_ring_queues_1000_frames_and_then_refuses),
		TEST(a_frame_in_pieces_takes_a_descriptor_for_each_and_comes_back_once),
		TEST(a_frame_that_cannot_be_mapped_is_refused),
		TEST(a_refused_dma_loses_one_frame_and_no_buffer),
		TEST(rubbish_from_the_device_is_counted_and_survived),
		LISTS(frames_up_to_256_bytes_leave_their_buffer_mapped),
		LISTS(in_lists_all_of_a_poll_is_mapped_and_then_unmapped),
		LISTS(in_lists_the_frames_of_the_queue_are_mapped_together),
		LISTS(a_burst_beyond_the_ring_wraps_and_loses_nothing),
		LISTS(a_failed_map_drops_the_frame_and_keeps_the_buffer),
		LISTS(a_full_ring_queues_1000_frames_and_then_refuses),
		LISTS(a_frame_in_pieces_takes_a_descriptor_for_each_and_comes_back_once),
		LISTS(a_frame_that_cannot_be_mapped_is_refused),
		LISTS(a_refused_dma_loses_one_frame_and_no_buffer),
		LISTS(rubbish_from_the_device_is_counted_and_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
