// SPDX-License-Identifier: MIT
/* Whose maps and unmaps are: by hand, and in the recordings that ship with the project. */
#include <errno.h>

#include "../base/seed.h"
#include "recording_scene.h"

/* ---- by hand ---- */

static void a_call_names_device_direction_and_bytes(void **state)
{
	struct recording r = read_text(
		CALL("000", "map_page: (ff) dev=\"0000:00:01.0\" off=1026 size=70 dir=1")
			MAP1("1.000001", "0x1000", "0x8000") CALL("000", "map_page_ret: (ff <- fe) "
									 "iova=0x1402")
				MAP1("1.000002", "0x5000", "0x9000")
					CALL("000", "unmap_page: (ff) dev=\"0000:00:01.0\" "
						    "iova=0x1402 size=70 dir=1")
						UNMAP1("1.000003", "0x1000"));

	(void)state;
	assert_int_equal(r.devices, 1);
	assert_string_equal(r.device[0].name, "0000:00:01.0");
	assert_int_equal(r.events, 3);
	assert_int_equal(r.event[0].asked, 70);
	assert_int_equal(r.event[0].offset, 1026);
	assert_int_equal(r.event[0].dir, TRACE_DIR_TO_DEVICE);
	assert_true(r.event[0].dir_known);
	/* Made after the call had returned: the device's for want of another, but both ways. */
	assert_int_equal(r.event[1].device, 0);
	assert_false(r.event[1].dir_known);
	assert_int_equal(r.event[1].asked, 0);
	assert_int_equal(r.event[2].asked, 70);
	recording_fini(&r);
}

/* Two domains have the same page at once; the descriptors alone say which unmap is whose. */
static void descriptors_tell_two_domains_apart(void **state)
{
	struct recording r =
		read_text(MAP1("1.000001", "0x1000", "0x8000") MAP1("1.000002", "0x1000", "0x9000")
				  UNMAP1("1.000003", "0x1000") PAGE("0x400f2", "0x1000")
					  UNMAP1("1.000004", "0x1000") PAGE("0x300f2", "0x1000"));

	(void)state;
	assert_int_equal(r.devices, 2);
	assert_string_equal(r.device[0].name, "domain 4");
	assert_string_equal(r.device[1].name, "domain 3");
	assert_int_equal(r.event[2].device, 0);
	assert_int_equal(r.event[3].device, 1);
	assert_int_equal(r.device[0].maps, 1);
	assert_int_equal(r.device[1].maps, 1);
	assert_int_equal(r.device[0].flushes.by_page, 1);
	assert_int_equal(r.unknown_maps + r.unknown_unmaps, 0);
	recording_fini(&r);
}

/* By a probe around the pieces, or by one event that unmaps them all; not by chance. */
static void neighbours_of_one_call_are_a_list(void **state)
{
	struct recording r =
		read_text(CALL("000", "map_sg: (ff) dev=\"0000:00:02.0\" nents=3 dir=2") MAP1(
			"1.000001", "0x8000", "0x100000") MAP1("1.000002", "0x9000", "0x700000")
				  MAP1("1.000003", "0xa000", "0x300000")
					  CALL("000", "map_sg_ret: (ff <- fe) nents=3")
						  MAP1("1.000004", "0xb000", "0x400000"));

	(void)state;
	assert_int_equal(r.events, 2);
	assert_int_equal(r.event[0].pieces, 3);
	assert_int_equal(r.event[0].bytes, 0x3000);
	assert_int_equal(r.event[0].dir, TRACE_DIR_FROM_DEVICE);
	assert_int_equal(r.piece[r.event[0].piece].paddr, 0x100000);
	assert_int_equal(r.piece[r.event[0].piece + 1].paddr, 0x700000);
	assert_int_equal(r.piece[r.event[0].piece + 2].paddr, 0x300000);
	assert_int_equal(r.event[1].pieces, 1);
	assert_int_equal(r.device[0].maps, 4);
	assert_int_equal(r.device[0].lists, 1);
	assert_int_equal(r.device[0].list_pieces, 3);
	recording_fini(&r);

	/* Without a probe: what is unmapped as one was mapped as one, interrupted or not. */
	r = read_text(MAP1("1.000001", "0x8000", "0x100000") MAP1("1.000002", "0x5000", "0x200000")
			      MAP1("1.000003", "0x9000", "0x300000") UNMAP1("1.000004", "0x5000")
				      CALL("000", "unmap: IOMMU: iova=0x8000 - 0xa000 size=8192 "
						  "unmapped_size=8192"));
	assert_int_equal(r.events, 4);
	assert_int_equal(r.event[0].pieces, 2);
	assert_int_equal(r.event[0].bytes, 0x2000);
	assert_int_equal(r.piece[r.event[0].piece + 1].paddr, 0x300000);
	assert_int_equal(r.event[1].pieces, 1);
	{
		const struct replay_result out = replay_strictly(&r, 0, "strict");

		assert_int_equal(out.dma.invalidations, 2);
		assert_int_equal(out.maps, 3);
		assert_int_equal(out.unmaps, 3);
		assert_int_equal(out.sg_unmaps, 1);
		assert_int_equal(out.sg_pieces, 2);
		assert_int_equal(out.accesses, 3);
		assert_int_equal(out.access_faults, 0);
	}
	recording_fini(&r);
}

static void what_nobody_claims_is_left_out_and_counted(void **state)
{
	struct recording r = read_text(
		UNMAP1("1.000001", "0x1000") PAGE("0x300f2", "0x1000") UNMAP1("1.000002", "0x2000")
			PAGE("0x400f2", "0x2000") MAP1("1.000003", "0x7000", "0x9000")
				UNMAP1("1.000004", "0x9000"));

	(void)state;
	assert_int_equal(r.devices, 2);
	assert_int_equal(r.unknown_maps, 1);
	assert_int_equal(r.unknown_unmaps, 1);
	recording_fini(&r);
}

static void what_is_unmapped_unseen_was_mapped_before_once(void **state)
{
	struct recording r = read_text(MAP1("1.000001", "0x1000", "0x100000") UNMAP1(
		"1.000002", "0x5000") UNMAP1("1.000003", "0x5000") UNMAP1("1.000004", "0x1000"));
	struct replay_result out = replay_strictly(&r, 0, "strict");

	(void)state;
	assert_int_equal(r.befores, 1);
	assert_int_equal(r.before[0].iova, 0x5000);
	/* 1 MiB is taken by the recording. */
	assert_int_equal(r.before[0].paddr, 0x101000);
	assert_int_equal(out.earlier_maps, 1);
	assert_int_equal(out.maps, 1);
	assert_int_equal(out.unmaps, 2);
	assert_int_equal(out.unmatched_unmaps, 1);
	assert_int_equal(out.dma.invalidations, 2);
	recording_fini(&r);
}

/* Tracepoints of "dma:" tell of what has happened already. */
static void tracepoints_tell_afterwards(void **state)
{
	struct recording r = read_text(
		MAP1("1.000001", "0x1000", "0x8000")
			CALL("000", "dma_map_page: 0000:00:03.0 dir=FROM_DEVICE dma_addr=1040 "
				    "size=1500 phys_addr=8040 attrs=") UNMAP1("1.000002", "0x1000")
				CALL("000", "dma_unmap_page: 0000:00:03.0 dir=FROM_DEVICE "
					    "dma_addr=1040 size=1500 attrs="));

	(void)state;
	assert_int_equal(r.devices, 1);
	assert_string_equal(r.device[0].name, "0000:00:03.0");
	assert_int_equal(r.event[0].dir, TRACE_DIR_FROM_DEVICE);
	assert_int_equal(r.event[0].asked, 1500);
	assert_int_equal(r.event[0].offset, 0x40);
	assert_int_equal(r.event[1].asked, 1500);
	recording_fini(&r);
}

static void a_recording_without_maps_is_refused(void **state)
{
	static const char text[] = "cpus=1\n";
	struct recording r;
	struct trace *t = NULL;
	struct err err = {""};

	(void)state;
	assert_int_equal(trace_open_memory(&t, text, strlen(text), "text", "ftrace", &err), 0);
	assert_int_equal(recording_read(&r, t, &err), -EINVAL);
	assert_non_null(strstr(err.text, "no map or unmap event"));
	assert_null(r.event);
	trace_close(t);
}

/* ---- at random ---- */

#define RANDOM_LINES 400

/* One line of anything a kernel records, about one of a few pages, on one of three CPUs. */
static size_t random_line(struct rng *rng, char *to, size_t room, unsigned at)
{
	const unsigned long long page = 1 + rng_below(rng, 12), bytes = 1 + rng_below(rng, 5);
	const unsigned long long span = rng_below(rng, 40) ? bytes << 12 : 1ULL << 50;
	const unsigned cpu = (unsigned)rng_below(rng, 3), dev = (unsigned)rng_below(rng, 3);
	char text[200];

	switch (rng_below(rng, 9)) {
	case 0:
	case 1:
		snprintf(text, sizeof(text), "map: IOMMU: iova=0x%llx000 paddr=0x%llx000 size=%llu",
			 page, 16 + rng_below(rng, 64) + 0ULL, span);
		break;
	case 2:
	case 3:
		snprintf(text, sizeof(text),
			 "unmap: IOMMU: iova=0x%llx000 size=%llu unmapped_size=%llu", page, span,
			 rng_below(rng, 10) ? span : 0ULL);
		break;
	case 4:
		snprintf(text, sizeof(text),
			 "map_page: (ff) dev=\"0000:00:0%u.0\" off=%llu size=%llu dir=%u", dev,
			 rng_below(rng, 5000) + 0ULL, rng_below(rng, 9000) + 0ULL,
			 (unsigned)rng_below(rng, 4));
		break;
	case 5:
		snprintf(text, sizeof(text), "map_sg: (ff) dev=\"0000:00:0%u.0\" nents=3 dir=2",
			 dev);
		break;
	case 6:
		snprintf(text, sizeof(text), "map_page_ret: (ff <- fe) iova=0x%llx040", page);
		break;
	case 7:
		snprintf(text, sizeof(text),
			 "unmap_page: (ff) dev=\"0000:00:0%u.0\" iova=0x%llx040 size=%llu dir=1",
			 dev, page, rng_below(rng, 9000) + 0ULL);
		break;
	default:
		snprintf(text, sizeof(text),
			 "qi_submit: iotlb_inv dmar0: 0x%x00%c2 0x%llx000 0x0 0x0",
			 3 + (unsigned)rng_below(rng, 3), rng_below(rng, 4) ? 'f' : 'e', page);
	}
	return (size_t)snprintf(to, room, " t-1 [00%u] d..1. 1.%06u: %s\n", cpu, at, text);
}

static void check_random(const struct recording *r)
{
	uint64_t maps = r->unknown_maps, unmaps = r->unknown_unmaps, befores = 0;

	for (unsigned d = 0; d < r->devices; d++) {
		maps += r->device[d].maps;
		unmaps += r->device[d].unmaps;
		befores += r->device[d].befores;
	}
	assert_int_equal(maps, r->tally.maps);
	assert_int_equal(unmaps, r->tally.unmaps);
	assert_int_equal(befores, r->befores);
	for (size_t i = 0; i < r->events; i++)
		assert_true(r->event[i].device < (int)r->devices &&
			    r->event[i].offset + r->event[i].asked <= r->event[i].bytes);
}

static void any_recording_is_shared_out_and_replays(void **state)
{
	static char text[RANDOM_LINES * 200];
	struct rng rng;

	(void)state;
	seed_from_env(&rng);
	for (unsigned round = 0; round < 60; round++) {
		struct recording r;
		size_t at = 0;

		for (unsigned i = 0; i < RANDOM_LINES; i++)
			at += random_line(&rng, text + at, sizeof(text) - at, i);
		r = read_text(text);
		check_random(&r);
		for (unsigned d = 0; d < r.devices; d++) {
			const struct recorded_device *one = &r.device[d];
			struct replay_result out;

			if (one->maps + one->unmaps == 0)
				continue;
			out = replay_strictly(&r, (int)d, round % 2 ? "strict" : "flush-queue");
			assert_int_equal(out.maps + out.map_failures, one->maps);
			assert_true(out.earlier_maps <= one->befores);
			assert_int_equal(out.access_faults, 0);
			assert_int_equal(out.exposure.unbalanced_pages, 0);
		}
		recording_fini(&r);
	}
}

/* ---- shipped ---- */

/* What strict invalidates here is what the kernel invalidated there; a list is one range. */
static void strict_invalidates_as_often_as_was_recorded(void **state)
{
	static const char *const paths[] = {TRACES "vtd-strict-rx-4096.trace.txt",
					    TRACES "vtd-ifupdown.probes.txt",
					    TRACES "vtd-disk-lists.probes.txt"};
	uint64_t pieces = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct recording r = read_file(paths[i]);

		assert_int_equal(r.unknown_maps + r.unknown_unmaps, 0);
		for (unsigned d = 0; d < r.devices; d++) {
			const struct replay_result out = replay_strictly(&r, (int)d, "strict");
			const uint64_t more = out.sg_pieces - out.sg_unmaps;

			assert_int_equal(out.dma.invalidations, r.device[d].flushes.by_page);
			assert_int_equal(out.unmatched_unmaps, 0);
			assert_int_equal(out.exposure.stale_pages, 0);
			assert_int_equal(out.access_faults, 0);
			pieces += more;
		}
		recording_fini(&r);
	}
	assert_int_equal(pieces, 38);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_names_device_direction_and_bytes),
		cmocka_unit_test(descriptors_tell_two_domains_apart),
		cmocka_unit_test(neighbours_of_one_call_are_a_list),
		cmocka_unit_test(what_nobody_claims_is_left_out_and_counted),
		cmocka_unit_test(what_is_unmapped_unseen_was_mapped_before_once),
		cmocka_unit_test(tracepoints_tell_afterwards),
		cmocka_unit_test(a_recording_without_maps_is_refused),
		cmocka_unit_test(any_recording_is_shared_out_and_replays),
		cmocka_unit_test(strict_invalidates_as_often_as_was_recorded),
	};

	return cmocka_run_group_tests(tests, load_profile, NULL);
}
