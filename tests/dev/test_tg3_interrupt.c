/* SPDX-License-Identifier: MIT */
/* Coalescing, status block, tagged status, and the rest of the register file. */
#include "nic.h"

#define MAILBOX (TG3_MBOX_INTERRUPT + TG3_MBOX_LOW)

/* @n small frames, @us apart. */
static void arrive(struct nic *nic, unsigned n, unsigned us)
{
	for (unsigned i = 0; i < n; i++) {
		nic_arrive(nic, 100, i);
		nic_run_us(nic, us);
	}
}

static void status_block_has_the_published_layout(void **state)
{
	/* Updated, tag 1, standard ring fetched to 10, return producer 5, send consumer 2. */
	static const uint8_t head[20] = {1,  0, 0, 0, 1, 0, 0, 0, 0, 0,
					 10, 0, 0, 0, 0, 0, 5, 0, 2, 0};
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	memset(rig_at(&nic.rig, NIC_STATUS), 0xee, 96);
	nic_post(&nic, 10, 1536);
	nic_send(&nic, NIC_TX, 100, 0);
	nic_send(&nic, NIC_TX, 100, TG3_TXD_FLAG_END);
	nic_send_go(&nic);
	nic_run_us(&nic, 5);
	arrive(&nic, 5, 3);
	nic_run_us(&nic, 10);
	assert_memory_equal(rig_at(&nic.rig, NIC_STATUS), head, sizeof(head));
	for (unsigned i = 20; i < TG3_STATUS_BYTES; i++)
		assert_int_equal(*rig_at(&nic.rig, NIC_STATUS + i), 0);
	assert_int_equal(*rig_at(&nic.rig, NIC_STATUS + TG3_STATUS_BYTES), 0xee);
	assert_int_equal(nic.irq.count, 1);
	nic_free(&nic);
}

static void fifth_frame_makes_a_status_block_at_once(void **state)
{
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	nic_post(&nic, 100, 1536);
	nic_run_us(&nic, 10);
	arrive(&nic, 4, 10);
	assert_int_equal(tg3_stats(nic.tg3)->status_blocks, 0); /* each restarted 20 us */
	arrive(&nic, 1, 3);
	assert_int_equal(tg3_stats(nic.tg3)->status_blocks, 1);
	assert_int_equal(nic_status(&nic).rx_producer, 5);
	nic_run_us(&nic, 100);
	assert_int_equal(tg3_stats(nic.tg3)->status_blocks, 1); /* and no timer is left over */
	nic_free(&nic);
}

static void timer_runs_out_after_the_last_frame_or_the_first_as_configured(void **state)
{
	(void)state;
	for (unsigned restart = 0; restart < 2; restart++) {
		struct nic nic;

		nic_make(&nic, restart);
		nic_post(&nic, 100, 1536);
		nic_run_us(&nic, 10);
		arrive(&nic, 2, 12); /* frames at 0 and 12, now 24 */
		assert_int_equal(tg3_stats(nic.tg3)->status_blocks, restart ? 0 : 1);
		nic_run_us(&nic, 11); /* 35: 20 after the second and the time to write it */
		assert_int_equal(tg3_stats(nic.tg3)->status_blocks, 1);
		assert_int_equal(nic_status(&nic).rx_producer, 2);
		nic_free(&nic);
	}
}

static void without_the_clear_bits_the_timer_runs_from_the_first_frame(void **state)
{
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	nic_write(&nic, TG3_HOSTCC_MODE, TG3_MODE_ENABLE);
	nic_post(&nic, 100, 1536);
	nic_run_us(&nic, 10);
	arrive(&nic, 2, 12);
	assert_int_equal(tg3_stats(nic.tg3)->status_blocks, 1);
	nic_free(&nic);
}

static void sent_frames_have_their_own_limit_and_timer(void **state)
{
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	nic_write(&nic, TG3_HOSTCC_TX_FRAMES, 3);
	for (unsigned i = 0; i < 4; i++)
		nic_send(&nic, NIC_TX, 100, TG3_TXD_FLAG_END);
	nic_send_go(&nic);
	nic_run_us(&nic, 20);
	assert_int_equal(tg3_stats(nic.tg3)->status_blocks, 1);
	assert_int_equal(nic_status(&nic).tx_consumer, 3);
	nic_run_us(&nic, 70);
	assert_int_equal(nic_status(&nic).tx_consumer, 4);
	nic_free(&nic);
}

static void masked_line_uses_the_during_interrupt_values(void **state)
{
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	nic_write(&nic, TG3_HOSTCC_RX_FRAMES_INT, 2);
	nic_post(&nic, 100, 1536);
	nic_run_us(&nic, 10);
	nic_write(&nic, MAILBOX, TG3_INTERRUPT_MASKED);
	arrive(&nic, 2, 3);
	nic_run_us(&nic, 3);
	assert_int_equal(tg3_stats(nic.tg3)->status_blocks, 1);
	assert_int_equal(nic.irq.count, 0);
	nic_free(&nic);
}

static void unmasking_with_the_newest_tag_is_quiet_with_an_older_one_not(void **state)
{
	struct nic nic;
	uint32_t tag;

	(void)state;
	nic_make(&nic, true);
	nic_post(&nic, 100, 1536);
	nic_run_us(&nic, 10);
	arrive(&nic, 5, 3);
	nic_run_us(&nic, 10);
	assert_int_equal(nic.irq.count, 1);
	assert_false(nic_read(&nic, TG3_PCISTATE) & TG3_PCISTATE_INT_NOT_ACTIVE);
	nic_write(&nic, MAILBOX, TG3_INTERRUPT_MASKED);
	assert_true(nic_read(&nic, TG3_PCISTATE) & TG3_PCISTATE_INT_NOT_ACTIVE);
	tag = nic_status(&nic).tag;
	arrive(&nic, 5, 3); /* unseen by the driver */
	nic_run_us(&nic, 10);
	assert_int_equal(nic_status(&nic).tag, tag + 1);
	assert_int_equal(nic.irq.count, 1); /* masked */
	nic_write(&nic, MAILBOX, tag << TG3_INTERRUPT_TAG_SHIFT);
	nic_run_us(&nic, 10);
	assert_int_equal(nic.irq.count, 2); /* at once */
	nic_write(&nic, MAILBOX, TG3_INTERRUPT_MASKED);
	nic_write(&nic, MAILBOX, (tag + 1) << TG3_INTERRUPT_TAG_SHIFT);
	nic_run_us(&nic, 100);
	assert_int_equal(nic.irq.count, 2);
	assert_int_equal(tg3_stats(nic.tg3)->interrupts, 2);
	nic_free(&nic);
}

static void tag_counts_to_255_and_round_without_losing_an_interrupt(void **state)
{
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	nic_write(&nic, TG3_HOSTCC_RX_FRAMES, 1);
	nic_post(&nic, 200, 1536);
	nic_run_us(&nic, 10);
	for (unsigned i = 0; i < 600; i++) {
		arrive(&nic, 1, 5);
		assert_int_equal(nic.irq.count, i + 1);
		assert_int_equal(nic_status(&nic).tag, (i + 1) & 0xff);
		nic_write(&nic, MAILBOX, TG3_INTERRUPT_MASKED);
		nic_write(&nic, TG3_MBOX_RET_CONS + TG3_MBOX_LOW, (i + 1) % TG3_RET_ENTRIES);
		nic_post(&nic, 1, 1536);
		nic_write(&nic, MAILBOX, nic_status(&nic).tag << TG3_INTERRUPT_TAG_SHIFT);
	}
	nic_free(&nic);
}

static void untagged_chip_remembers_one_interrupt_while_masked(void **state)
{
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	nic_write(&nic, TG3_MISC_HOST_CTRL, 0);
	nic_post(&nic, 100, 1536);
	nic_run_us(&nic, 10);
	nic_write(&nic, MAILBOX, TG3_INTERRUPT_MASKED);
	arrive(&nic, 5, 3);
	nic_run_us(&nic, 10);
	assert_int_equal(nic.irq.count, 0);
	nic_write(&nic, MAILBOX, 0);
	nic_run_us(&nic, 10);
	assert_int_equal(nic.irq.count, 1);
	nic_write(&nic, MAILBOX, 0);
	nic_run_us(&nic, 10);
	assert_int_equal(nic.irq.count, 1);
	nic_free(&nic);
}

static void behind_a_bus_that_was_shut_off_no_unmasking_interrupts(void **state)
{
	struct nic nic;

	(void)state;
	for (unsigned tagged = 0; tagged < 2; tagged++) {
		nic_make(&nic, true);
		if (!tagged)
			nic_write(&nic, TG3_MISC_HOST_CTRL, 0);
		nic_post(&nic, 100, 1536);
		nic_run_us(&nic, 10);
		arrive(&nic, 5, 3);
		nic_run_us(&nic, 10);
		assert_int_equal(nic.irq.count, 1);
		nic_write(&nic, MAILBOX, TG3_INTERRUPT_MASKED);
		nic.rig.fake.dead = true;
		arrive(&nic, 1, 3);
		/* The driver unmasks with the last tag it saw, again and again; the chip forgot it.
		 */
		for (uint32_t tag = 0; tag < 4; tag++) {
			nic_write(&nic, MAILBOX, tag << TG3_INTERRUPT_TAG_SHIFT);
			nic_run_us(&nic, 100);
			nic_write(&nic, MAILBOX, TG3_INTERRUPT_MASKED);
		}
		nic_write(&nic, TG3_MISC_HOST_CTRL, TG3_MISC_HOST_CTRL_MASK_INT);
		nic_write(&nic, TG3_MISC_HOST_CTRL, 0);
		nic_run_us(&nic, 100);
		assert_int_equal(nic.irq.count, 1);
		assert_true(nic_read(&nic, TG3_PCISTATE) & TG3_PCISTATE_INT_NOT_ACTIVE);
		nic_free(&nic);
	}
}

static void coalesce_now_writes_a_status_block(void **state)
{
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	nic_write(&nic, TG3_HOSTCC_MODE, TG3_MODE_ENABLE | TG3_HOSTCC_MODE_NOW);
	nic_run_us(&nic, 3);
	assert_int_equal(tg3_stats(nic.tg3)->status_blocks, 1);
	assert_int_equal(nic_read(&nic, TG3_HOSTCC_MODE), TG3_MODE_ENABLE);
	nic_free(&nic);
}

static void statistics_block_comes_at_its_period(void **state)
{
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	nic_post(&nic, 100, 1536);
	nic_write(&nic, TG3_HOSTCC_STAT_TICKS, 1000);
	arrive(&nic, 5, 3);
	nic_run_us(&nic, 3000);
	assert_int_equal(tg3_stats(nic.tg3)->statistics_blocks, 3);
	assert_int_equal(tg3_get32(rig_at(&nic.rig, NIC_STATS + TG3_STATS_RX_UCAST)), 0);
	assert_int_equal(tg3_get32(rig_at(&nic.rig, NIC_STATS + TG3_STATS_RX_UCAST + 4)), 5);
	assert_int_equal(tg3_get32(rig_at(&nic.rig, NIC_STATS + TG3_STATS_RX_OCTETS + 4)), 520);
	nic_free(&nic);
}

static void registers_read_back_what_is_writable(void **state)
{
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	assert_int_equal(nic_read(&nic, TG3_PCI_ID), 0x164814e4);
	nic_write(&nic, TG3_PCI_ID, 0);
	assert_int_equal(nic_read(&nic, TG3_PCI_ID), 0x164814e4);
	assert_int_equal(nic_read(&nic, TG3_MISC_HOST_CTRL) >> 16, TG3_CHIPREV_5704_A3);
	assert_int_equal(nic_read(&nic, TG3_MAC_ADDR_0_HIGH), 0x0211);
	assert_int_equal(nic_read(&nic, TG3_MAC_ADDR_0_LOW), 0x22334455);
	nic_write(&nic, TG3_DMA_RW_CTRL, TG3_DMA_RW_CTRL_5704_PCIX133);
	assert_int_equal(nic_read(&nic, TG3_DMA_RW_CTRL), 0x769f4000);
	nic_write(&nic, TG3_MAC_MODE, TG3_MODE_RESET | 8);
	assert_int_equal(nic_read(&nic, TG3_MAC_MODE), 8);
	nic_write(&nic, TG3_MEM_WIN_BASE, TG3_SRAM_SEND_RCB + TG3_RCB_HOST_LOW);
	assert_int_equal(nic_read(&nic, TG3_MEM_WIN_DATA), NIC_SEND);
	/* One 64-bit load of the same two words of a ring control block. */
	assert_int_equal(mmio_read(&nic.regs, NULL, TG3_RCVDBDI_STD_BD, 8),
			 (uint64_t)NIC_STD << 32);
	nic_free(&nic);
}

static void accesses_that_meet_no_register_do_nothing_and_are_counted(void **state)
{
	struct nic nic;

	(void)state;
	nic_make(&nic, true);
	assert_int_equal(nic_read(&nic, 0x3ffc), 0);
	assert_int_equal(nic_read(&nic, 0xfffffff0), 0);
	nic_write(&nic, 0x6ffc, 1);
	nic_write(&nic, TG3_MAC_MODE + 2, 1);
	mmio_write(&nic.regs, NULL, TG3_MAC_MODE, 0xff, 1);
	assert_int_equal(tg3_stats(nic.tg3)->unknown_accesses, 5);
	/* Beyond the on-chip memory. */
	nic_sram_write(&nic, 0x00fffffc, 1);
	assert_int_equal(nic_read(&nic, TG3_MEM_WIN_DATA), 0);
	nic_free(&nic);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_block_has_the_published_layout),
		cmocka_unit_test(fifth_frame_makes_a_status_block_at_once),
		cmocka_unit_test(timer_runs_out_after_the_last_frame_or_the_first_as_configured),
		cmocka_unit_test(without_the_clear_bits_the_timer_runs_from_the_first_frame),
		cmocka_unit_test(sent_frames_have_their_own_limit_and_timer),
		cmocka_unit_test(masked_line_uses_the_during_interrupt_values),
		cmocka_unit_test(unmasking_with_the_newest_tag_is_quiet_with_an_older_one_not),
		cmocka_unit_test(tag_counts_to_255_and_round_without_losing_an_interrupt),
		cmocka_unit_test(untagged_chip_remembers_one_interrupt_while_masked),
		cmocka_unit_test(behind_a_bus_that_was_shut_off_no_unmasking_interrupts),
		cmocka_unit_test(coalesce_now_writes_a_status_block),
		cmocka_unit_test(statistics_block_comes_at_its_period),
		cmocka_unit_test(registers_read_back_what_is_writable),
		cmocka_unit_test(accesses_that_meet_no_register_do_nothing_and_are_counted),
	};

	return cmocka_run_group_tests_name("dev/tg3_interrupt", tests, NULL, NULL);
}
