/* SPDX-License-Identifier: MIT */
/* What a load of segments did, and the multi-queue NIC with it. */
#include "study/result_parts.h"
#include "study/result_put.h"

#define SINCE(part, field) (m->end.stream.part.field - m->begin.stream.part.field)

/* When the machine sends, its partner knows what arrived. */
void result_stream_fix(const struct measurement *m, struct load_stats *s)
{
	if (s->sut_receives) {
		s->bytes_sent = SINCE(partner, bytes_sent);
		s->retransmits = SINCE(partner, segments_again);
		return;
	}
	s->bytes_received = SINCE(partner, bytes_received);
	s->bytes_checked = SINCE(partner, bytes_checked);
	s->mismatches = SINCE(partner, mismatches);
	s->lifetime_bytes = m->end.stream.partner.bytes_received;
}

json_t *result_stream_nic(const struct measurement *m)
{
	json_t *o = json_object();

	put(o, "rx_frames", SINCE(nic, rx_frames));
	put(o, "tx_frames", SINCE(nic, tx_frames));
	put(o, "rx_dropped",
	    SINCE(nic, rx_drop_disabled) + SINCE(nic, rx_drop_filter) + SINCE(nic, rx_drop_long) +
		    SINCE(nic, rx_drop_full) + SINCE(nic, rx_drop_no_descriptor));
	put(o, "rx_dropped_full", SINCE(nic, rx_drop_full));
	put(o, "rx_dropped_no_descriptor", SINCE(nic, rx_drop_no_descriptor));
	put(o, "rx_buffer_peak_bytes", m->end.stream.nic.rx_buffer_peak);
	put(o, "tx_dropped", SINCE(nic, tx_drop_dma) + SINCE(nic, tx_drop_bad));
	put(o, "tx_entries", SINCE(nic, tx_entries));
	put(o, "interrupts", SINCE(driver, interrupts));
	put(o, "polls", SINCE(driver, polls));
	put(o, "rx_pages", SINCE(driver, rx_pages));
	put(o, "rx_pages_cached", SINCE(driver, rx_pages_cached));
	put(o, "rx_pages_busy", SINCE(driver, rx_pages_busy));
	put(o, "rx_still_mapped", SINCE(driver, rx_still_mapped));
	put(o, "rx_copied", SINCE(driver, rx_copied));
	put(o, "tx_pieces", SINCE(driver, tx_pieces));
	put(o, "doorbells", SINCE(driver, tx_doorbells));
	put(o, "tx_full", SINCE(driver, tx_full));
	put(o, "map_errors", SINCE(driver, rx_map_errors) + SINCE(driver, tx_map_errors));
	put(o, "dma_errors", SINCE(nic, dma_errors_read) + SINCE(nic, dma_errors_write));
	return o;
}

void result_stream_locks(json_t *o, const struct measurement *m)
{
	put(o, "tx_acquisitions", SINCE(driver, tx_lock_acquisitions));
	put(o, "tx_contended", SINCE(driver, tx_lock_contended));
	put_real(o, "tx_wait_us", us(SINCE(driver, tx_lock_wait_ps)));
}

json_t *result_pcie(const struct measurement *m)
{
	const uint64_t elapsed = m->ended - m->began;
	json_t *o = json_object();

	put(o, "write_packets", SINCE(pcie, write_packets));
	put(o, "read_packets", SINCE(pcie, read_packets));
	put_real(o, "to_host_percent", 100 * ratio((double)SINCE(pcie, up_ps), (double)elapsed));
	put_real(o, "to_nic_percent", 100 * ratio((double)SINCE(pcie, down_ps), (double)elapsed));
	put(o, "walks", SINCE(pcie, walks));
	put_real(o, "walk_wait_us", us(SINCE(pcie, walk_wait_ps)));
	put(o, "credit_stalls", SINCE(pcie, credit_stalls));
	put_real(o, "credit_stall_us", us(SINCE(pcie, credit_stall_ps)));
	put(o, "tag_stalls", SINCE(pcie, tag_stalls));
	put_real(o, "iotlb_misses_per_mib",
		 ratio((double)(m->end.iotlb.misses - m->begin.iotlb.misses) * (1 << 20),
		       (double)(m->end.bus.read_bytes + m->end.bus.write_bytes -
				m->begin.bus.read_bytes - m->begin.bus.write_bytes)));
	return o;
}

/* Busy time of all CPUs for each segment's worth of payload. */
static double cycles_per_segment(const struct testbed *t, const struct measurement *m,
				 const struct load_stats *s)
{
	uint64_t busy = 0;

	for (unsigned i = 0; i < testbed_cpus(&t->sut); i++)
		busy += m->cpu[0][i].busy_ps;
	return ratio((double)profile_cycles(&t->sut.board->profile, busy),
		     (double)s->bytes_received / t->stream.ends.mss);
}

json_t *result_stream(const struct testbed *t, const struct measurement *m,
		      const struct load_stats *s)
{
	json_t *o = json_object();

	put(o, "flows", t->stream.ends.flows);
	put(o, "segment_bytes", t->stream.ends.mss);
	put_real(o, "cycles_per_segment", cycles_per_segment(t, m, s));
	put(o, "segments_sent_again", s->retransmits);
	put(o, "losses", SINCE(partner, losses));
	put(o, "timeouts", SINCE(partner, timeouts));
	put(o, "acks", SINCE(partner, acks_received) + SINCE(partner, acks_sent));
	put(o, "out_of_sequence", SINCE(partner, out_of_sequence));
	return o;
}
