/* SPDX-License-Identifier: MIT */
/*
 * The adapter at the level of registers and ring entries: what is read and written, byte by byte.
 * Offsets are spelled out here as qla_def.h of Linux lays the structures out, not taken from
 * spec/qla2300.h.
 */
#include "qla_fixture.h"

static void registers_after_a_reset(void **state)
{
	struct hba *h = *state;

	hba_wr(h, 0x06, 1); /* CTRL_STATUS: soft reset */
	assert_int_equal(hba_rd(h, 0x06), 0);
	assert_int_equal(hba_rd(h, 0x40), 0); /* mailbox 0: the ROM is ready */
	assert_int_equal(hba_rd(h, 0x42), 0x4953);
	assert_int_equal(hba_rd(h, 0x44), 0x5020);
	assert_int_equal(hba_rd(h, 0x46), 0x2020);
	assert_int_equal(hba_rd(h, 0x08), 0);
	assert_int_equal(hba_rd(h, 0x0a), 0);
	assert_int_equal(mmio_read(&h->regs, NULL, 0x18, 4), 0);
	for (uint32_t at = 0x10; at < 0x18; at += 2)
		assert_int_equal(hba_rd(h, at), 0);
	assert_int_equal(hba_rd(h, 0xc0), 0);
}

static void what_is_no_register_reads_zero_and_is_counted(void **state)
{
	struct hba *h = *state;
	const uint64_t before = qla_stats(h->qla)->unknown_accesses;

	assert_int_equal(hba_rd(h, 0x20), 0);
	hba_wr(h, 0x90, 0xffff);
	assert_int_equal(mmio_read(&h->regs, NULL, 0x18, 8), 0);
	assert_int_equal(mmio_read(&h->regs, NULL, 0x18, 1), 0);
	assert_int_equal(mmio_read(&h->regs, NULL, 0x19, 2), 0);
	mmio_write(&h->regs, NULL, 0x1000, 1, 2);
	assert_int_equal(qla_stats(h->qla)->unknown_accesses - before, 6);
}

static uint16_t initialize(struct hba *h)
{
	uint16_t mb[8] = {0x60, 0, HBA_ICB >> 16, HBA_ICB & 0xffff};

	return hba_mailbox(h, mb);
}

static void the_rom_knows_few_commands_and_the_firmware_no_bad_rings(void **state)
{
	struct hba *h = *state;
	uint16_t test[8] = {6, 1, 2, 3, 4, 5, 6, 7}, early[8] = {0x60}, state_of[8] = {0x69};
	uint16_t nowhere[8] = {0x60, 0, 0x7fff, 0}, execute[8] = {2}, unknown[8] = {0x33};
	uint8_t *icb = rig_at(&h->rig, HBA_ICB);

	hba_wr(h, 0x06, 1);
	assert_int_equal(hba_mailbox(h, test), 0x4000);
	for (unsigned i = 1; i < 8; i++)
		assert_int_equal(test[i], i);
	assert_int_equal(hba_mailbox(h, early), 0x4001);
	assert_int_equal(hba_mailbox(h, execute), 0x4000);
	assert_int_equal(hba_mailbox(h, unknown), 0x4001);
	assert_int_equal(hba_mailbox(h, nowhere), 0x4002);
	icb[0] = 2;
	assert_int_equal(initialize(h), 0x4006);
	icb[0] = 1;
	qla_put16(icb + 36, 1);
	assert_int_equal(initialize(h), 0x4006);
	qla_put16(icb + 36, 64);
	qla_put16(icb + 4, 1000);
	assert_int_equal(initialize(h), 0x4006);
	assert_int_equal(hba_mailbox(h, state_of), 0x4000);
	assert_int_equal(state_of[1], 0); /* waits for its configuration */
	qla_put16(icb + 4, 512);
	assert_int_equal(initialize(h), 0x4000);
	state_of[0] = 0x69;
	assert_int_equal(hba_mailbox(h, state_of), 0x4000);
	assert_int_equal(state_of[1], 3);
}

/* A read of 3 sectors into pieces of 700, 300 and 536 bytes, none aligned. */
static void a_read_fills_its_segments_and_is_answered_by_one_status_entry(void **state)
{
	struct hba *h = *state;
	uint8_t bytes[1536], expected[64] = {0x03, 1};
	uint8_t *e;

	fill(bytes, sizeof(bytes), 1);
	disk_poke(h->disk, 40 * 512, bytes, sizeof(bytes));
	memset(rig_at(&h->rig, HBA_DATA), 0xee, 0x8000);
	e = hba_command(h, 0x1234, 0x28, 40, 3);
	qla_put16(e + 18, 3);
	hba_segment(e, 0, HBA_DATA + 0xe01, 700); /* over a page's end */
	hba_segment(e, 1, HBA_DATA + 0x3003, 300);
	hba_segment(e, 2, HBA_DATA + 0x5fff, 536);
	hba_go(h);
	rig_run_us(&h->rig, 20000);
	assert_memory_equal(rig_at(&h->rig, HBA_DATA + 0xe01), bytes, 700);
	assert_memory_equal(rig_at(&h->rig, HBA_DATA + 0x3003), bytes + 700, 300);
	assert_memory_equal(rig_at(&h->rig, HBA_DATA + 0x5fff), bytes + 1000, 536);
	assert_int_equal(*rig_at(&h->rig, HBA_DATA + 0xe00), 0xee);
	assert_int_equal(*rig_at(&h->rig, HBA_DATA + 0xe01 + 700), 0xee);
	assert_int_equal(*rig_at(&h->rig, HBA_DATA + 0x5fff + 536), 0xee);
	expected[4] = 0x34; /* handle; everything else is 0: good, complete, nothing left */
	expected[5] = 0x12;
	assert_memory_equal(hba_answer(h, 0), expected, 64);
	assert_int_equal(hba_rd(h, 0x12), 1); /* REQ_OUT */
	assert_int_equal(hba_rd(h, 0x14), 1); /* RSP_IN */
	assert_int_equal(hba_host_status(h) & 0x80ff, 0x8013);
	assert_int_equal(h->irqs, 1);
}

static void a_write_reaches_the_volume(void **state)
{
	struct hba *h = *state;
	uint8_t bytes[8192];

	fill(rig_at(&h->rig, HBA_DATA), 8192, 2);
	hba_command(h, 7, 0x2a, 100, 16);
	hba_go(h);
	rig_run_us(&h->rig, 20000);
	disk_peek(h->disk, 100 * 512, bytes, sizeof(bytes));
	assert_memory_equal(bytes, rig_at(&h->rig, HBA_DATA), sizeof(bytes));
	disk_peek(h->disk, 100 * 512 + 8192, bytes, 1);
	assert_int_equal(bytes[0], 0);
	assert_int_equal(qla_get16(hba_answer(h, 0) + 10), 0);
	assert_int_equal(qla_stats(h->qla)->written_bytes, 8192);
	assert_int_equal(qla_stats(h->qla)->frames_sent, 4);
}

static void entries_for_32_pages(void **state)
{
	(void)state;
	/* 1 + ceil((n - 3) / 7), 1 + ceil((n - 2) / 5) */
	assert_int_equal(qla_entries(0, false), 1);
	assert_int_equal(qla_entries(3, false), 1);
	assert_int_equal(qla_entries(4, false), 2);
	assert_int_equal(qla_entries(10, false), 2);
	assert_int_equal(qla_entries(11, false), 3);
	assert_int_equal(qla_entries(32, false), 6);
	assert_int_equal(qla_entries(2, true), 1);
	assert_int_equal(qla_entries(3, true), 2);
	assert_int_equal(qla_entries(32, true), 7);
}

/* 128 KiB into single pages in falling order: 3 segments in the command, 7 in each of 5 more. */
static void continuations_carry_the_rest_of_a_list(void **state)
{
	struct hba *h = *state;
	static uint8_t bytes[131072];
	uint8_t *e;

	fill(bytes, sizeof(bytes), 3);
	disk_poke(h->disk, 0, bytes, sizeof(bytes));
	e = hba_command(h, 1, 0x28, 0, 256);
	e[1] = 6;
	qla_put16(e + 18, 32);
	for (unsigned i = 0, slot = 0; i < 32; i++, slot++) {
		if (i >= 3 && (i - 3) % 7 == 0) {
			e = hba_entry(h, 0x02, 1);
			slot = 0;
		}
		hba_segment(e, slot, HBA_DATA + (31 - i) * 4096, 4096);
	}
	hba_go(h);
	rig_run_us(&h->rig, 100000);
	assert_int_equal(qla_get16(hba_answer(h, 0) + 10), 0);
	for (unsigned i = 0; i < 32; i++)
		assert_memory_equal(rig_at(&h->rig, HBA_DATA + (31 - i) * 4096), bytes + i * 4096,
				    4096);
	assert_int_equal(qla_stats(h->qla)->entries_read, 6);
	assert_int_equal(qla_stats(h->qla)->entries_written, 1);
	assert_int_equal(qla_stats(h->qla)->frames_received, 64);
}

/* Type 3: 64-bit addresses, 2 segments and 5 in a continuation 0x0a that begin at byte 4. */
static void long_addresses_have_entries_of_their_own(void **state)
{
	struct hba *h = *state;
	uint8_t bytes[3 * 512];
	uint8_t *e;

	fill(bytes, sizeof(bytes), 4);
	disk_poke(h->disk, 0, bytes, sizeof(bytes));
	e = hba_command(h, 1, 0x28, 0, 3);
	e[0] = 0x19;
	e[1] = 2;
	qla_put16(e + 18, 3);
	for (unsigned i = 0; i < 2; i++) {
		qla_put64(e + 40 + 12 * i, HBA_DATA + 4096 * i);
		qla_put32(e + 48 + 12 * i, 512);
	}
	e = hba_entry(h, 0x0a, 1);
	qla_put64(e + 4, HBA_DATA + 8192);
	qla_put32(e + 12, 512);
	hba_go(h);
	rig_run_us(&h->rig, 20000);
	assert_int_equal(qla_get16(hba_answer(h, 0) + 10), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_memory_equal(rig_at(&h->rig, HBA_DATA + 4096 * i), bytes + 512 * i, 512);
}

static void a_command_whose_continuation_is_not_there_yet_waits(void **state)
{
	struct hba *h = *state;
	uint8_t *e = hba_command(h, 1, 0x28, 0, 4);

	e[1] = 2;
	qla_put16(e + 18, 4);
	for (unsigned i = 0; i < 3; i++)
		hba_segment(e, i, HBA_DATA + 512 * i, 512);
	hba_go(h);
	rig_run_us(&h->rig, 20000);
	assert_int_equal(hba_rd(h, 0x12), 1);
	assert_int_equal(hba_rd(h, 0x14), 0);
	hba_segment(hba_entry(h, 0x02, 1), 0, HBA_DATA + 1536, 512);
	hba_go(h);
	rig_run_us(&h->rig, 20000);
	assert_int_equal(hba_rd(h, 0x14), 1);
	assert_int_equal(qla_get16(hba_answer(h, 0) + 10), 0);
}

static void one_cause_at_a_time_and_an_interrupt_for_each(void **state)
{
	struct hba *h = *state;

	hba_command(h, 1, 0x00, 0, 0);
	hba_go(h);
	rig_run_us(&h->rig, 1000);
	assert_int_equal(h->irqs, 1);
	hba_wr(h, 0x10, HBA_ENTRIES); /* a second cause behind the first */
	assert_int_equal(hba_host_status(h) & 0xff, 0x13);
	rig_run_us(&h->rig, 100);
	assert_int_equal(h->irqs, 1);
	hba_ack(h);
	assert_int_equal(hba_host_status(h) & 0xff, 0x12);
	rig_run_us(&h->rig, 100);
	assert_int_equal(h->irqs, 2); /* nobody took it: the line is still up */
	hba_ack(h);
	assert_int_equal(hba_host_status(h), 0);
}

static void no_interrupt_while_it_is_switched_off(void **state)
{
	struct hba *h = *state;

	hba_wr(h, 0x08, 0x8000); /* EN_INT without EN_RISC */
	hba_command(h, 1, 0x00, 0, 0);
	hba_go(h);
	rig_run_us(&h->rig, 1000);
	assert_int_equal(h->irqs, 0);
	assert_int_equal(hba_host_status(h) & 0x80ff, 0x8013);
	hba_wr(h, 0x08, 0x8008);
	rig_run_us(&h->rig, 10);
	assert_int_equal(h->irqs, 1);
}

/*
 * 64 reads of 64 KiB that the cache holds: the link carries 2048 of each 2108 bytes at 5 ns a byte,
 * so 4 MiB take 21.6 ms; the commands' own time hides behind it.
 */
static void the_link_limits_a_stream_out_of_the_cache(void **state)
{
	struct hba *h = *state;
	sim_time begun, took;

	hba_command(h, 1, 0x28, 0, 128);
	hba_go(h);
	rig_run_us(&h->rig, 50000);
	begun = sim_now(h->rig.sim);
	for (unsigned i = 0; i < 8; i++) {
		for (unsigned n = 0; n < 8; n++)
			hba_command(h, n, 0x28, 0, 128);
		hba_wr(h, 0x16, hba_rd(h, 0x14));
		hba_go(h);
		while (qla_stats(h->qla)->entries_written < 1 + 8 * (i + 1))
			rig_run_us(&h->rig, 1);
	}
	took = sim_now(h->rig.sim) - begun;
	assert_true(took > 2048 * 2108 * 5 * SIM_NS);
	assert_true(took < 2048 * 2108 * 5 * SIM_NS + 8 * 200 * SIM_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(registers_after_a_reset),
		T(what_is_no_register_reads_zero_and_is_counted),
		T(the_rom_knows_few_commands_and_the_firmware_no_bad_rings),
		T(a_read_fills_its_segments_and_is_answered_by_one_status_entry),
		T(a_write_reaches_the_volume),
		T(entries_for_32_pages),
		T(continuations_carry_the_rest_of_a_list),
		T(long_addresses_have_entries_of_their_own),
		T(a_command_whose_continuation_is_not_there_yet_waits),
		T(one_cause_at_a_time_and_an_interrupt_for_each),
		T(no_interrupt_while_it_is_switched_off),
		T(the_link_limits_a_stream_out_of_the_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
