/* SPDX-License-Identifier: MIT */
/*
 * What the files of the AMD-Vi model share. Private to src/hw/amdvi*.c.
 */
#ifndef IOTOLL_HW_AMDVI_IMPL_H
#define IOTOLL_HW_AMDVI_IMPL_H

#include "hw/amdvi.h"
#include "hw/ats_tags.h"
#include "hw/iotlb.h"
#include "spec/amdvi.h"

/* Registers; the order is that of the rows in amdvi_regs.c. */
enum amdvi_reg {
	REG_DEVTAB_BASE,
	REG_CMDBUF_BASE,
	REG_EVTLOG_BASE,
	REG_CONTROL,
	REG_EXCL_BASE,
	REG_EXCL_LIMIT,
	REG_EFR,
	REG_PPRLOG_BASE,
	REG_CMD_HEAD,
	REG_CMD_TAIL,
	REG_EVT_HEAD,
	REG_EVT_TAIL,
	REG_STATUS,
	REG_PPR_HEAD,
	REG_PPR_TAIL,
	REG_COUNT,
};

/* Sizes of the caches beside the IOTLB are not published: ours. Powers of two. */
#define AMDVI_DTE_SLOTS 64u
#define AMDVI_PDE_SLOTS 64u
#define AMDVI_DEVIDS    65536u

struct amdvi_dte {
	uint64_t quad[AMDVI_DTE_QUADS];
};

struct amdvi_dte_slot {
	bool valid;
	bool tables; /* legal, V and TV, Mode 1 to 6: accesses up to @last may go to tables */
	uint16_t devid;
	uint64_t last;
	struct amdvi_dte dte;
};

/* An entry that names a table, found at @level for the addresses whose high bits are @prefix. */
struct amdvi_pde_slot {
	unsigned level; /* 0: empty */
	unsigned next;  /* the named table's level */
	uint16_t domain;
	uint64_t prefix; /* address >> amdvi_level_shift(level) */
	uint64_t table;
	uint64_t rights; /* of this entry and all above it in the tables */
};

struct amdvi {
	struct iommu base; /* first */
	struct iotoll_memory memory;
	bool track_stale;
	bool running; /* commands are being carried out */
	uint64_t strays, interrupts;
	uint64_t invalidations; /* commands that made it forget */
	uint64_t reg[REG_COUNT];
	struct iotlb *iotlb; /* tagged by domain; a held word is frame, IR, IW, U, FC and PR */
	struct amdvi_dte_slot dte[AMDVI_DTE_SLOTS];
	struct amdvi_pde_slot pde[AMDVI_PDE_SLOTS];
	uint64_t suppressed[AMDVI_DEVIDS / 64]; /* a bit for each device that SE silences now */
	struct ats_tags tags; /* device invalidations under way; .at: where the command lies */
	struct ats_stats ats;
};

struct amdvi_request {
	uint16_t devid;
	uint64_t iova;
	enum iotoll_access access;
};

/* An event to be logged: its two quadwords; quad[0] == 0: none. */
struct amdvi_event {
	uint64_t quad[2];
};

/* What the caches and the tables say of one request; nothing has been changed yet. */
struct amdvi_verdict {
	int error;
	struct amdvi_event event;
	bool silenceable; /* an I/O page fault: SA and SE of the entry decide */
	bool malformed;   /* one because an entry is not what it may be */
	bool bypass;
	bool cached;      /* answered by the IOTLB */
	bool from_caches; /* any cache had a part in it */
	bool dte_fetched;
	unsigned fetches;
	/* The page: its base, log2 of its bytes, IR and IW of the tables. */
	uint64_t frame;
	unsigned log2;
	uint64_t rights;
	uint64_t marks; /* U and FC of the page's entry */
	uint64_t above; /* the rights of the levels above the page's own entry */
	uint64_t table; /* where the walk found it, and at which level; level 0: no walk */
	unsigned level;
	/*
	 * Entries that name tables, met on the way, by their level; which, as bits. As in memory,
	 * but with the rights that hold down to there.
	 */
	unsigned seen_levels;
	uint64_t seen[AMDVI_LEVELS_MAX + 1];
	struct amdvi_dte dte; /* there from amdvi_dte_find() on, unless that says error */
};

/* How caches take part in a question. */
enum amdvi_look {
	AMDVI_LOOK_ACCESS, /* as a device's access: hits count and touch */
	AMDVI_LOOK_PROBE,  /* as one, but changing nothing */
	AMDVI_LOOK_FRESH,  /* past them: what the tables say now */
};

static inline struct amdvi *amdvi_of(struct iommu *iommu)
{
	return (struct amdvi *)iommu;
}

static inline const struct amdvi *amdvi_of_const(const struct iommu *iommu)
{
	return (const struct amdvi *)iommu;
}

static inline uint16_t amdvi_domain(const struct amdvi_dte *dte)
{
	return (uint16_t)(dte->quad[1] & AMDVI_DTE1_DOMAIN);
}

/* Copy memory: 0 or -EFAULT, in every case where the embedder's function fails or is missing. */
int amdvi_read(const struct amdvi *a, uint64_t paddr, void *to, size_t bytes);
int amdvi_write(const struct amdvi *a, uint64_t paddr, const void *from, size_t bytes);

/* amdvi_regs.c */

uint64_t amdvi_reg_read(struct iommu *iommu, uint64_t offset, unsigned width);
void amdvi_reg_write(struct iommu *iommu, uint64_t offset, uint64_t value, unsigned width);
/* Every register to its reset value, without side effects. */
void amdvi_regs_reset(struct amdvi *a);

/* amdvi_cmd.c */

/* Execute commands until the buffer is empty, or processing stops or waits. */
void amdvi_commands_run(struct amdvi *a);
/* Drop the caches of everything but the IOTLB's statistics. */
void amdvi_drop_all(struct amdvi *a);

/* amdvi_ats.c */

extern const struct iommu_ats_ops amdvi_ats_ops;
/*
 * Send @devid the invalidation @payload for the command at @at. False if @limit of its own (1..32),
 * or all there can be, are under way: again later.
 */
bool amdvi_device_invalidate(struct amdvi *a, uint16_t devid, unsigned limit, uint64_t payload,
			     uint64_t at);

/* amdvi_ppr.c */

void amdvi_page_request(struct iommu *iommu, uint16_t devid, uint64_t request);
/* Answer the group @index of @devid. */
void amdvi_page_respond(struct amdvi *a, uint16_t devid, unsigned index, unsigned code);

/* amdvi_event.c */

/* Write @event to the log if it runs. */
void amdvi_log(struct amdvi *a, const struct amdvi_event *event);
/* Send an interrupt, as @control_bit of the control register allows. */
void amdvi_interrupt(struct amdvi *a, uint64_t control_bit);
/* An event of @code, @flags (as they stand in bits 59:48) and @domain about @r. */
struct amdvi_event amdvi_event_of(unsigned code, uint64_t flags, uint16_t domain,
				  const struct amdvi_request *r, uint64_t address);

/* amdvi_dte.c */

/* The device's entry, out of cache or table, into @v->dte; if that fails, @v->error says so. */
void amdvi_dte_find(const struct amdvi *a, const struct amdvi_request *r, enum amdvi_look look,
		    struct amdvi_verdict *v);
/* Hold @dte from now on. */
void amdvi_dte_hold(struct amdvi *a, uint16_t devid, const struct amdvi_dte *dte);
/* Forget the entry of @devid, and that its faults were silenced. */
void amdvi_dte_drop(struct amdvi *a, uint16_t devid);

/*
 * What begins a verdict. The page, the entry and those seen are there once something says so; to
 * clear them as well took longer than two levels of a walk.
 */
static inline void amdvi_verdict_clear(struct amdvi_verdict *v)
{
	v->error = 0;
	v->event = (struct amdvi_event){{0, 0}};
	v->silenceable = v->bypass = v->cached = v->from_caches = v->dte_fetched = false;
	v->fetches = 0;
	v->level = 0;
	v->seen_levels = 0;
}

/* amdvi_walk.c */

/* Find the page of @r under the table of @v->dte (Mode 1 to 6): @v->frame and so on, or error. */
void amdvi_walk(const struct amdvi *a, const struct amdvi_request *r, enum amdvi_look look,
		struct amdvi_verdict *v);
/* Hold what a walk of @domain saw on its way and, if it found one, the page. */
void amdvi_walk_hold(struct amdvi *a, const struct amdvi_request *r, const struct amdvi_verdict *v);
/* Drop intermediate entries of @domain that lead to [@first, @last]. */
void amdvi_pde_drop(struct amdvi *a, uint16_t domain, uint64_t first, uint64_t last);
/* Refuse @r with an I/O page fault of @flags. */
void amdvi_page_fault(const struct amdvi_request *r, uint64_t flags, struct amdvi_verdict *v);

/* amdvi_translate.c */

/* The page of @r out of the IOTLB into @v, a refusal included; false if it is not there. */
bool amdvi_find_held(const struct amdvi *a, const struct amdvi_request *r, enum amdvi_look look,
		     struct amdvi_verdict *v);
/* Does the exclusion range cover @r? */
bool amdvi_excluded(const struct amdvi *a, const struct amdvi_request *r,
		    const struct amdvi_dte *dte);
int amdvi_translate(struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		    enum iotoll_access access, struct iotoll_xlat *out);
int amdvi_probe(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		enum iotoll_access access, struct iotoll_xlat *out);
bool amdvi_held(const struct iommu *iommu, struct iotoll_source source, uint64_t iova,
		struct iommu_held *out);

#endif
