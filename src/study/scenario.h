/* SPDX-License-Identifier: MIT */
/*
 * A scenario: one experiment as text. The table in params.c is the only list of what can be set:
 * section, key, kind, range, default, help; reading, --set, the effective text, the JSON of a
 * result and the help all come from it. Besides, any number of a machine profile can be
 * overridden under "sut." or "client.": sut.memory.dram_miss = 150 ns.
 */
#ifndef IOTOLL_STUDY_SCENARIO_H
#define IOTOLL_STUDY_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SCENARIO_TEXT      64
#define SCENARIO_ORIGIN    160
#define SCENARIO_OVERRIDES 32

/* Where the software under test runs. */
enum platform {
	PLATFORM_METAL,  /* on the machine */
	PLATFORM_DOM0,   /* in a hypervisor's first domain, which drives the NIC and the IOMMU */
	PLATFORM_DOMU,   /* in a domain whose network or disk is dom0's */
	PLATFORM_DIRECT, /* in a domain that was given the NIC and asks for no entries */
};

enum platform_lists { LISTS_OFF, LISTS_CALL, LISTS_DOORBELL };
enum platform_grants { GRANTS_SEPARATE, GRANTS_INTEGRATED, GRANTS_KINDS };
enum platform_scheduler { SCHEDULER_PINNED, SCHEDULER_CREDIT };

struct scenario_side {
	char profile[SCENARIO_TEXT];
	uint64_t estimates; /* enum estimate */
	uint64_t irq_cpu;   /* takes the NIC's interrupts */
	uint64_t app_cpu;   /* the first stream's task; further streams on the CPUs after it */
};

/* As dma.locks counts them. */
enum scenario_locks { SCENARIO_LOCKS_ONE, SCENARIO_LOCKS_SPLIT, SCENARIO_LOCKS_AUTO };

struct scenario {
	char name[SCENARIO_TEXT];
	/* [run] */
	uint64_t seed, warmup_ps, duration_ps;
	/* [sut], [client] */
	struct scenario_side sut, client;
	/* [platform] */
	uint64_t platform; /* enum platform */
	uint64_t dom0_vcpus, domu_vcpus;
	uint64_t dom0_bytes, domu_bytes; /* of memory */
	uint64_t scheduler;              /* enum platform_scheduler */
	uint64_t platform_cpus;          /* of the board's, for all domains */
	uint64_t multicall;              /* enum platform_lists */
	uint64_t multicall_entries;
	uint64_t grants; /* enum platform_grants */
	uint64_t flip;   /* domU receives by page flips */
	/* [iommu] */
	char iommu_model[SCENARIO_TEXT]; /* "none" or a row of the registry */
	uint64_t table_entries;
	uint64_t iotlb_entries, iotlb_ways, iotlb_line_pages;
	char iotlb_policy[SCENARIO_TEXT];
	uint64_t iotlb_index, iotlb_partitions, iotlb_prefetch; /* enums of hw/iommu.h; a count */
	uint64_t quiesce_system, unused_invalid, table_cached, incoherent_walker;
	uint64_t lean_driver;
	uint64_t ats, atc_entries, atc_ways, ats_queue_depth;
	/* [dma] */
	char strategy[SCENARIO_TEXT]; /* "auto" is resolved by scenario_finish() */
	char allocator[SCENARIO_TEXT];
	uint64_t superpages, cached_ranges, quota, random_start, check_misuse;
	uint64_t locks; /* enum scenario_locks */
	uint64_t batch_drivers;
	/* [nic], [link] */
	uint64_t rx_ticks_ps, rx_frames, tx_ticks_ps, tx_frames, rx_tick_restart;
	uint64_t rx_chunk_pages, rx_hold_ps, tx_copy_bytes;
	uint64_t link_bps, link_latency_ps, link_jitter_ps;
	/* [mqnic], [stream] */
	uint64_t mq_queues, mq_mtu, mq_rx_ring, mq_tx_ring, mq_page_cache, mq_rx_buffer, mq_tags;
	uint64_t mq_rx_chunk, mq_rx_hold_ps, mq_tx_copy;
	uint64_t mq_rx_ticks_ps, mq_rx_frames, mq_tx_ticks_ps, mq_tx_frames;
	uint64_t stream_window, stream_burst, stream_ack, stream_partner_ack;
	uint64_t stream_gro, stream_tso, stream_send_pages;
	/* [load] */
	char load[SCENARIO_TEXT];
	uint64_t message_bytes, recv_bytes, nodelay, streams, verify;
	/* [ffsb], [disk] */
	char ffsb_profile[SCENARIO_TEXT];
	uint64_t ffsb_own_time, ffsb_cache_bytes;
	uint64_t disk_bytes, disk_depth;
	/* [ablation], [inject] */
	uint64_t dma_software_free;
	uint64_t corrupt_tce_ps; /* 0 = never */
	uint64_t missed_invalidate;
	uint64_t translated_write_ps; /* 0 = never */

	/* [rogue] */
	char rogue_attacks[SCENARIO_TEXT]; /* "none", "all" or a kind of rig/rogue.h */
	uint64_t rogue_interval_ps;

	/* every parameter's text as it is in force, in the order of the table, and where it is from
	 */
	char (*text)[SCENARIO_TEXT];
	char (*origin)[SCENARIO_ORIGIN];            /* "FILE:LINE: ", "--set " or "" */
	char *sut_override[SCENARIO_OVERRIDES + 1]; /* "memory.dram_miss=150 ns", NULL at the end */
	char *client_override[SCENARIO_OVERRIDES + 1];
};

struct param {
	const char *section, *key;
	const char *kind; /* for people: "time", "on|off", "128 B".. */
	const char *fallback;
	const char *help;
};

/* All defaults. 0 or -ENOMEM. */
int scenario_init(struct scenario *s) MUST_CHECK;
void scenario_fini(struct scenario *s);
/* A copy that is changed on its own. @to is uninitialised. */
int scenario_copy(struct scenario *to, const struct scenario *from) MUST_CHECK;

/*
 * Read a scenario over what @s holds: @name is a ready scenario ("bare-metal") or a path.
 * -EINVAL with "FILE:LINE: section.key: ..." ; -ENOENT naming what there is.
 */
int scenario_read(struct scenario *s, const char *name, struct err *err) MUST_CHECK;
/* One "section.key=value". -EINVAL with the nearest valid name for a typo. */
int scenario_set(struct scenario *s, const char *assignment, struct err *err) MUST_CHECK;
/* The same by a program's wish: messages about the setting name no place where it was given. */
int scenario_settle(struct scenario *s, const char *assignment, struct err *err) MUST_CHECK;
/* As scenario_set(), from a format string, for studies. */
int scenario_setf(struct scenario *s, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4))) MUST_CHECK;
/* Will there be a translation table? After scenario_finish(). */
bool scenario_has_table(const struct scenario *s);
/* Do calls of its DMA layer overlap, each part having locks of its own? */
bool scenario_splits_locks(const struct scenario *s);
/* Resolve "auto" and refuse what cannot be built. Call once, last. */
int scenario_finish(struct scenario *s, struct err *err) MUST_CHECK;

/* The effective scenario as INI text that scenario_read() reads back; free() it. NULL: no memory.
 */
char *scenario_text(const struct scenario *s);
/* Call @fn for each effective setting, "section.key" and value, profile overrides included. */
void scenario_each(const struct scenario *s,
		   void (*fn)(void *ctx, const char *key, const char *value), void *ctx);

/* Row @index of the table; NULL past the last. */
const struct param *scenario_param(size_t index);

#endif
