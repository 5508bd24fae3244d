/* SPDX-License-Identifier: MIT */
/*
 * The adapter in trouble: entries that make no sense, disks that refuse, rings that are full or out
 * of reach, DMA that is refused, commands that are aborted. Offsets are spelled out here as
 * qla_def.h of Linux lays the structures out, not taken from spec/qla2300.h.
 */
#include "qla_fixture.h"

/* Each comes back as it was with its reason in byte 3; the good one after them is carried out. */
static void entries_that_make_no_sense_are_handed_back(void **state)
{
	static const struct {
		uint8_t type, count;
		uint16_t flags, segments;
		uint32_t bytes;
		uint8_t reason;
	} bad[] = {
		{0x33, 1, 0x20, 1, 512, 0x04}, /* no such type */
		{0x03, 1, 0x20, 1, 512, 0x04}, /* a status entry */
		{0x02, 1, 0x20, 1, 512, 0x04}, /* a continuation of nothing */
		{0x11, 0, 0x20, 1, 512, 0x10},
		{0x11, 2, 0x20, 3, 512, 0x10}, /* three segments fit into one */
		{0x11, 255, 0x20, 65535, 512, 0x10},
		{0x19, 1, 0x20, 3, 512, 0x10},
		{0x11, 1, 0x60, 1, 512, 0x08}, /* both directions */
		{0x11, 1, 0x00, 1, 512, 0x08}, /* neither */
		{0x11, 1, 0x20, 1, 513, 0x08}, /* more bytes than the segments have */
		{0x11, 1, 0x20, 0, 1, 0x08},
	};
	const unsigned n = sizeof(bad) / sizeof(bad[0]);
	struct hba *h = *state;

	for (unsigned i = 0; i < n; i++) {
		uint8_t *e = hba_command(h, 100 + i, 0x28, 0, 1), sent[64];

		e[0] = bad[i].type;
		e[1] = bad[i].count;
		qla_put16(e + 12, bad[i].flags);
		qla_put16(e + 18, bad[i].segments);
		qla_put32(e + 36, bad[i].bytes);
		memcpy(sent, e, 64);
		sent[3] = bad[i].reason;
		hba_go(h);
		rig_run_us(&h->rig, 1000);
		assert_memory_equal(hba_answer(h, i), sent, 64);
	}
	assert_int_equal(qla_stats(h->qla)->bad_entries, n);
	hba_command(h, 9, 0x28, 0, 1);
	hba_go(h);
	rig_run_us(&h->rig, 20000);
	assert_int_equal(hba_answer(h, n)[0], 0x03);
	assert_int_equal(qla_get32(hba_answer(h, n) + 4), 9);
}

static void a_continuation_of_the_wrong_type_ends_its_command(void **state)
{
	struct hba *h = *state;
	uint8_t *e = hba_command(h, 1, 0x28, 0, 4);

	e[1] = 2;
	qla_put16(e + 18, 4);
	hba_command(h, 2, 0x28, 0, 1); /* where the continuation should be */
	hba_go(h);
	rig_run_us(&h->rig, 20000);
	assert_int_equal(hba_rd(h, 0x14), 2);
	assert_int_equal(hba_answer(h, 0)[3], 0x20);
	assert_int_equal(qla_get32(hba_answer(h, 0) + 4), 1);
	assert_int_equal(hba_answer(h, 1)[0], 0x03);
	assert_int_equal(qla_get32(hba_answer(h, 1) + 4), 2);
}

static void sense_data_tell_why_the_disk_refused(void **state)
{
	static const uint8_t sense[18] = {0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x21, 0};
	struct hba *h = *state;
	const uint8_t *a = hba_answer(h, 0);

	hba_command(h, 1, 0x28, HBA_VOLUME / 512 - 1, 2);
	hba_go(h);
	rig_run_us(&h->rig, 20000);
	assert_int_equal(qla_get16(a + 8),
			 0x0800 | 0x0200 | 0x02); /* underrun, sense, check condition */
	assert_int_equal(qla_get16(a + 10), 0x15);
	assert_int_equal(qla_get32(a + 20), 1024); /* residual: everything */
	assert_int_equal(qla_get16(a + 18), 18);
	assert_memory_equal(a + 32, sense, 18);
}

static void fewer_and_more_bytes_than_asked_for_are_told(void **state)
{
	struct hba *h = *state;
	uint8_t *e = hba_command(h, 1, 0x28, 0, 2);

	qla_put32(e + 36, 512); /* the CDB says 1024 */
	hba_segment(e, 0, HBA_DATA, 512);
	e = hba_command(h, 2, 0x28, 0, 2);
	scsi_put16(e + 27, 1); /* the CDB says 512 */
	memset(rig_at(&h->rig, HBA_DATA), 0xee, 4096);
	hba_go(h);
	rig_run_us(&h->rig, 40000);
	assert_int_equal(qla_get16(hba_answer(h, 0) + 10), 0x07);
	assert_int_equal(qla_get16(hba_answer(h, 0) + 8), 0x0400);
	assert_int_equal(qla_get32(hba_answer(h, 0) + 20), 512);
	assert_int_equal(qla_get16(hba_answer(h, 1) + 10), 0x15);
	assert_int_equal(qla_get16(hba_answer(h, 1) + 8), 0x0800);
	assert_int_equal(qla_get32(hba_answer(h, 1) + 20), 512);
	assert_int_equal(*rig_at(&h->rig, HBA_DATA + 512), 0xee);
}

static void a_command_that_goes_the_other_way_than_its_flags_moves_nothing(void **state)
{
	struct hba *h = *state;

	fill(rig_at(&h->rig, HBA_DATA), 512, 9);
	qla_put16(hba_command(h, 1, 0x2a, 0, 1) + 12, 0x28);
	qla_put16(hba_command(h, 2, 0x28, 0, 1) + 12, 0x48);
	hba_go(h);
	rig_run_us(&h->rig, 40000);
	assert_int_equal(qla_get16(hba_answer(h, 0) + 10), 0x02);
	assert_int_equal(qla_get16(hba_answer(h, 1) + 10), 0x02);
	assert_int_equal(qla_stats(h->qla)->read_bytes + qla_stats(h->qla)->written_bytes, 0);
}

static void nobody_answers_for_another_target(void **state)
{
	struct hba *h = *state;

	qla_put16(hba_command(h, 1, 0x28, 0, 1) + 8, 5);
	hba_go(h);
	rig_run_us(&h->rig, 1000);
	assert_int_equal(qla_get16(hba_answer(h, 0) + 10), 0x28);
	assert_int_equal(qla_stats(h->qla)->commands, 0);
}

/* 16 entries hold 15 answers; the sixteenth waits until the host has taken one. */
static void a_full_response_ring_waits_for_the_host(void **state)
{
	struct hba *h = *state;

	for (unsigned i = 0; i < 17; i++)
		hba_command(h, i, 0x00, 0, 0);
	hba_go(h);
	rig_run_us(&h->rig, 20000);
	assert_int_equal(hba_rd(h, 0x14), 15);
	assert_int_equal(qla_stats(h->qla)->ring_full, 1);
	assert_int_equal(hba_answer(h, 15)[0], 0);
	hba_wr(h, 0x16, 1);
	rig_run_us(&h->rig, 100);
	assert_int_equal(hba_rd(h, 0x14), 0);
	assert_int_equal(qla_get32(hba_answer(h, 15) + 4), 15);
	hba_wr(h, 0x16, 2);
	rig_run_us(&h->rig, 100);
	assert_int_equal(hba_rd(h, 0x14), 1);
	assert_int_equal(qla_get32(hba_answer(h, 0) + 4), 16);
}

static void data_that_cannot_be_moved_end_the_command_with_a_dma_error(void **state)
{
	struct hba *h = *state;

	h->rig.fake.page[(HBA_DATA >> 12) + 1].rights = 0;
	hba_command(h, 1, 0x28, 0, 16);
	hba_command(h, 2, 0x2a, 0, 16);
	hba_command(h, 3, 0x28, 0, 8); /* the first page only */
	hba_go(h);
	rig_run_us(&h->rig, 60000);
	assert_int_equal(hba_rd(h, 0x14), 3);
	for (unsigned i = 0; i < 3; i++) {
		const uint8_t *a = hba_answer(h, i);

		assert_int_equal(qla_get16(a + 10), qla_get32(a + 4) == 3 ? 0x00 : 0x02);
	}
	/* The two frames of each that lie in the first page may have moved. */
	assert_true(qla_get32(hba_answer(h, 0) + 20) >= 4096);
	assert_true(qla_stats(h->qla)->dma_errors >= 2);
}

static void rings_that_cannot_be_reached_stop_the_queues_until_they_are_set_up_anew(void **state)
{
	struct hba *h = *state;
	struct fake_iommu *f = &h->rig.fake;

	f->page[HBA_REQ >> 12].rights = 0;
	hba_command(h, 1, 0x00, 0, 0);
	hba_go(h);
	rig_run_us(&h->rig, 1000);
	assert_int_equal(hba_host_status(h), 0x80038012); /* REQ_TRANSFER_ERR */
	hba_ack(h);
	f->page[HBA_REQ >> 12].rights = 3;
	hba_go(h);
	rig_run_us(&h->rig, 1000);
	assert_int_equal(hba_rd(h, 0x12), 0);
	assert_int_equal(hba_start(h), 0x4000);
	f->page[HBA_RSP >> 12].rights = 0;
	hba_command(h, 2, 0x00, 0, 0);
	hba_go(h);
	rig_run_us(&h->rig, 1000);
	assert_int_equal(hba_host_status(h), 0x80048012); /* RSP_TRANSFER_ERR */
	f->page[HBA_RSP >> 12].rights = 3;
	assert_int_equal(hba_start(h), 0x4000);
	hba_command(h, 3, 0x00, 0, 0);
	hba_go(h);
	rig_run_us(&h->rig, 1000);
	assert_int_equal(qla_get32(hba_answer(h, 0) + 4), 3);
}

static void an_index_that_no_ring_has_is_a_system_error(void **state)
{
	struct hba *h = *state;

	hba_wr(h, 0x10, HBA_ENTRIES);
	assert_int_equal(hba_host_status(h), 0x80028012);
	assert_int_equal(hba_start(h), 0x4000);
	hba_wr(h, 0x16, 0xffff);
	assert_int_equal(hba_host_status(h), 0x80028012);
}

/* Dead, it says nothing; a reset on a bus that works again revives it. */
static void a_bus_that_is_shut_silences_it_until_a_reset(void **state)
{
	struct hba *h = *state;

	hba_command(h, 1, 0x28, 0, 16);
	hba_go(h);
	rig_run_us(&h->rig, 20);
	h->rig.fake.dead = true;
	hba_command(h, 2, 0x28, 0, 16);
	hba_go(h);
	rig_run_us(&h->rig, 60000);
	assert_int_equal(hba_rd(h, 0x14), 0);
	assert_int_equal(hba_host_status(h), 0);
	h->rig.fake.dead = false;
	assert_int_equal(hba_start(h), 0x4000);
	hba_command(h, 3, 0x28, 0, 16);
	hba_go(h);
	rig_run_us(&h->rig, 60000);
	assert_int_equal(qla_get32(hba_answer(h, 0) + 4), 3);
}

static void an_aborted_command_says_so(void **state)
{
	struct hba *h = *state;
	uint16_t abort[8] = {0x15, 0, 0x5678, 0x1234}, again[8] = {0x15, 0, 0x5678, 0x1234};

	hba_command(h, 0x12345678, 0x28, 0, 16);
	hba_go(h);
	rig_run_us(&h->rig, 60); /* the array has it */
	assert_int_equal(hba_mailbox(h, abort), 0x4000);
	assert_int_equal(hba_mailbox(h, again), 0x4005);
	rig_run_us(&h->rig, 60000);
	assert_int_equal(hba_rd(h, 0x14), 1);
	assert_int_equal(qla_get16(hba_answer(h, 0) + 10), 0x05);
	assert_int_equal(qla_stats(h->qla)->read_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(entries_that_make_no_sense_are_handed_back),
		T(a_continuation_of_the_wrong_type_ends_its_command),
		T(sense_data_tell_why_the_disk_refused),
		T(fewer_and_more_bytes_than_asked_for_are_told),
		T(a_command_that_goes_the_other_way_than_its_flags_moves_nothing),
		T(nobody_answers_for_another_target),
		T(a_full_response_ring_waits_for_the_host),
		T(data_that_cannot_be_moved_end_the_command_with_a_dma_error),
		T(rings_that_cannot_be_reached_stop_the_queues_until_they_are_set_up_anew),
		T(an_index_that_no_ring_has_is_a_system_error),
		T(a_bus_that_is_shut_silences_it_until_a_reset),
		T(an_aborted_command_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
