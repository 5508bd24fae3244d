/* SPDX-License-Identifier: MIT */
/*
 * What the files of the VT-d model share. Private to src/hw/vtd*.c.
 */
#ifndef IOTOLL_HW_VTD_IMPL_H
#define IOTOLL_HW_VTD_IMPL_H

#include <assert.h>
#include <string.h>

#include "hw/ats_tags.h"
#include "hw/iotlb.h"
#include "hw/vtd.h"
#include "spec/vtd.h"

#define VTD_MAX_LEVELS 4

/* Registers that hold something; the order is that of the rows in vtd_regs.c. */
enum vtd_reg {
	REG_VER,
	REG_CAP,
	REG_ECAP,
	REG_GCMD,
	REG_GSTS,
	REG_RTADDR,
	REG_CCMD,
	REG_FSTS, /* PPF and FRI are computed */
	REG_FECTL,
	REG_FEDATA,
	REG_FEADDR,
	REG_FEUADDR,
	REG_AFLOG,
	REG_PMEN,
	REG_PLMBASE,
	REG_PLMLIMIT,
	REG_PHMBASE,
	REG_PHMLIMIT,
	REG_IQH,
	REG_IQT,
	REG_IQA,
	REG_ICS,
	REG_IECTL,
	REG_IEDATA,
	REG_IEADDR,
	REG_IEUADDR,
	REG_IQERCD,
	REG_IRTA,
	REG_IVA,
	REG_IOTLB,
	REG_COUNT,
};

/* A context entry as it is used; also one that faults, which caching mode holds. */
struct vtd_context {
	uint64_t table;    /* SLPTPTR */
	uint64_t below;    /* untranslated requests below are looked up there; 0 in an empty slot */
	uint16_t sid, did; /* did 0 if @reason */
	uint8_t reason;    /* VTD_FR_... if every request of it is refused, else 0 */
	uint8_t tt;        /* VTD_TT_... */
	uint8_t levels;
	uint8_t bits; /* addresses at and above 2^bits are refused */
	bool fpd;
	bool valid; /* of a slot of the cache */
};

/* What a non-leaf entry says: the table below it, and the rights down to there. */
struct vtd_paging {
	uint64_t prefix; /* address >> what the entry decodes; VTD_NO_PREFIX: slot is empty */
	uint64_t table;
	uint16_t did;
	uint8_t rights; /* VTD_PTE_R | VTD_PTE_W */
};

#define VTD_NO_PREFIX UINT64_MAX

/*
 * What the IOTLB holds: the frame in place, R and W as all levels grant them, and a fault reason
 * (0: none) in bits 11:8, of what caching mode holds or of a page of interrupts. HELD keeps an
 * entry without rights from looking empty.
 */
#define VTD_HELD_RIGHTS       (VTD_PTE_R | VTD_PTE_W)
#define VTD_HELD              VTD_BIT(2)
#define VTD_HELD_SNP          VTD_BIT(3) /* the leaf had SNP */
#define VTD_HELD_REASON       VTD_SPAN(11, 8)
#define VTD_HELD_REASON_SHIFT 8

/*
 * The requester that was answered out of the IOTLB last, for whom no more needs to be looked at
 * than the IOTLB while translation is on: addresses below @below are looked up there under @did.
 * Whatever could change that sets @below to 0.
 */
struct vtd_front {
	uint64_t below;
	uint32_t source; /* vtd_front_source() */
	uint32_t did;
};

/* As one number, so that it is compared at once. */
static inline uint32_t vtd_front_source(struct iotoll_source source)
{
	uint32_t number;

	static_assert(sizeof(number) == sizeof(source), "all of it");
	memcpy(&number, &source, sizeof(number));
	return number;
}

struct vtd {
	struct iommu base; /* first */
	struct vtd_front front;
	struct iotlb *iotlb;
	struct iotoll_memory memory;
	struct vtd_config config;
	bool track_stale;
	uint64_t cap, ecap;
	uint64_t reg[REG_COUNT];
	uint64_t root; /* as latched by SRTP */

	struct {
		uint64_t base; /* as latched by QIE */
		unsigned entries;
		unsigned epoch; /* how often QIE changed */
		bool busy;      /* descriptors are being carried out */
		bool waiting;   /* the wait descriptor before the head is not over: */
		struct vtd_pair wait;
	} queue;
	struct ats_tags tags; /* device-TLB invalidations under way */

	struct vtd_pair *record;                     /* [config.fault_records] */
	unsigned next_record, first_record, pending; /* pending: records with F */

	/* [context_mask + 1], direct mapped; one that stays empty where there are no entries */
	struct vtd_context *context;
	size_t context_mask;
	/* [levels 2..4][config.paging_entries], direct mapped */
	struct vtd_paging *paging[VTD_MAX_LEVELS + 1];
	uint64_t leaf_rsvd[VTD_MAX_LEVELS + 1], table_rsvd[VTD_MAX_LEVELS + 1];
	uint64_t slow_hits;     /* of the IOTLB: all but those for the requester in front */
	struct vtd_stats stats; /* but context_hits lacks those: vtd_stats() */
	struct ats_stats ats;
};

/* A request as PCI Express brings it: with an address type. */
struct vtd_request {
	struct iotoll_source source;
	uint64_t address;
	enum iotoll_access access;
	unsigned at; /* ATS_AT_... */
};

/* One walk: what it came to, and what it met on the way down. */
struct vtd_walk {
	uint64_t held;    /* what the IOTLB may hold: as above; 0: nothing */
	unsigned order;   /* of @held: 0, 9 or 18 */
	unsigned fetches; /* memory reads */
	unsigned top;     /* the level it began at */
	uint8_t reason;   /* 0 or VTD_FR_... */
	bool unreachable; /* @reason because memory could not be read */
	/* [level] non-leaf entries met at levels top..2; prefix VTD_NO_PREFIX: none */
	struct vtd_paging met[VTD_MAX_LEVELS + 1];
	/* leaves of a whole line of the IOTLB, valid if @held is of order 0 */
	uint64_t line[IOTLB_MAX_LINE_PAGES];
};

static inline struct vtd *vtd_of(struct iommu *iommu)
{
	return (struct vtd *)iommu;
}

static inline const struct vtd *vtd_of_const(const struct iommu *iommu)
{
	return (const struct vtd *)iommu;
}

static inline uint16_t vtd_did_mask(const struct vtd *v)
{
	return (uint16_t)((1u << v->config.domain_bits) - 1);
}

/* vtd_config.c */

/* 0, or -EINVAL with @err naming the field and what was expected. */
int vtd_config_check(const struct vtd_config *config, struct err *err) MUST_CHECK;
uint64_t vtd_config_cap(const struct vtd_config *config);
uint64_t vtd_config_ecap(const struct vtd_config *config);
/* Which bits of a leaf, and of an entry that leads to a table, must be 0 at @level (1..4). */
uint64_t vtd_config_leaf_rsvd(const struct vtd_config *config, unsigned level);
uint64_t vtd_config_table_rsvd(const struct vtd_config *config, unsigned level);

/* vtd_regs.c */

uint64_t vtd_reg_read(struct iommu *iommu, uint64_t offset, unsigned width);
void vtd_reg_write(struct iommu *iommu, uint64_t offset, uint64_t value, unsigned width);
/* Every register to its reset value, without side effects. */
void vtd_regs_reset(struct vtd *v);

/* vtd_fault.c */

/* FSTS as it reads. */
uint32_t vtd_fault_status(const struct vtd *v);
/* Set @bits (PFO, IQE, ...) in FSTS; the first status since all were clear is an event. */
void vtd_fault_raise(struct vtd *v, uint32_t bits);
/* Some status was cleared by software: let go of a pending event if none is left. */
void vtd_fault_cleared(struct vtd *v);
/* Record that @request was refused for @reason, unless @fpd hides it or there is no room. */
void vtd_fault_record(struct vtd *v, const struct vtd_request *request, uint8_t reason, bool fpd);
/* Software wrote @bits over the upper half of record @n. */
void vtd_fault_ack(struct vtd *v, unsigned n, uint64_t bits);
/* A condition of an event block has come: send the message, or leave it pending if masked. */
void vtd_event(struct vtd *v, enum vtd_reg ctl);

/* vtd_queue.c */

/* Carry out what lies between head and tail, unless the queue is off or stopped by an error. */
void vtd_queue_run(struct vtd *v);
/* QIE changed. */
void vtd_queue_enable(struct vtd *v, bool on);
/* A device has completed an invalidation: what waited for it goes on. */
void vtd_queue_completed(struct vtd *v);
/* The wait descriptor that waits, if one does, never completes. */
void vtd_queue_abort_wait(struct vtd *v);

/* vtd_caches.c */

/* Neighbouring devices of a bus, and the same device on neighbouring buses, do not collide. */
static inline size_t vtd_context_slot(const struct vtd *v, uint16_t sid)
{
	return (size_t)(sid ^ sid >> 8 << 3) & v->context_mask;
}

/* In this header because every translation begins with it. NULL: not held. */
static inline const struct vtd_context *vtd_context_find(const struct vtd *v, uint16_t sid)
{
	const struct vtd_context *c = &v->context[vtd_context_slot(v, sid)];

	return c->valid && c->sid == sid ? c : NULL;
}

/* Whose pages are where, or whether anything is translated, may have changed. */
static inline void vtd_front_leave(struct vtd *v)
{
	v->front.below = 0;
}

void vtd_context_hold(struct vtd *v, const struct vtd_context *context);
/* @granularity VTD_GRAN_...: returns what was done, VTD_GRAN_NONE if the request makes no sense. */
unsigned vtd_context_invalidate(struct vtd *v, unsigned granularity, uint16_t did, uint16_t sid,
				unsigned fm);
/* The same for the IOTLB and the paging-structure caches; @iva as in spec/vtd.h. */
unsigned vtd_iotlb_invalidate(struct vtd *v, unsigned granularity, uint16_t did, uint64_t iva);
void vtd_caches_flush(struct vtd *v);
/* The lowest cached table on the way to @iova, or NULL; *@level is that of the entry. */
const struct vtd_paging *vtd_paging_find(const struct vtd *v, const struct vtd_context *context,
					 uint64_t iova, unsigned *level);
void vtd_paging_hold(struct vtd *v, unsigned level, const struct vtd_paging *paging);

/* vtd_walk.c */

/* Read root and context entry of @sid into @to; *@fetches counts. Pure. */
void vtd_fetch_context(const struct vtd *v, uint16_t sid, struct vtd_context *to,
		       unsigned *fetches);
/* Walk the tables of @context for @iova, from the caches' hints on if @hints. Pure. */
void vtd_walk(const struct vtd *v, const struct vtd_context *context, uint64_t iova,
	      enum iotoll_access access, bool hints, struct vtd_walk *w);

/* vtd_ats.c */

extern const struct iommu_ats_ops vtd_ats_ops;
/*
 * Send device @sid the invalidation @payload. False if @limit of its own (1..32), or all there can
 * be, are under way: again later.
 */
bool vtd_devtlb_invalidate(struct vtd *v, uint16_t sid, unsigned limit, uint64_t payload);

/* vtd_translate.c */

/*
 * An untranslated or a translated request, and what it leaves behind in @change, which is @v where
 * caches may change and NULL where they may not. Returns as iommu_translate().
 */
int vtd_answer(const struct vtd *v, struct vtd *change, const struct vtd_request *request,
	       struct iotoll_xlat *out);
/* The context entry of @sid, from the cache or by way of @fetched; out->fetches counts. */
const struct vtd_context *vtd_context_get(struct vtd *v, uint16_t sid, struct vtd_context *fetched,
					  struct iotoll_xlat *out);
/* Tell software, unless @fpd hides it, and whoever watches that @request was refused. */
void vtd_refuse(struct vtd *v, const struct vtd_request *request, uint8_t reason, bool fpd);
/* Put what a walk for page @pfn found into the caches. */
void vtd_walk_hold(struct vtd *v, const struct vtd_context *context, uint64_t pfn,
		   const struct vtd_walk *w);
int vtd_translate(struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		  enum iotoll_access access, struct iotoll_xlat *out);
int vtd_probe(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
	      enum iotoll_access access, struct iotoll_xlat *out);
bool vtd_held(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
	      struct iommu_held *out);

#endif
