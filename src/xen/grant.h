/* SPDX-License-Identifier: MIT */
/*
 * Grant tables, private to src/xen. Three layers: the shared entries that a granter writes, the
 * active entries in which the hypervisor counts how often each is in use, and the maptrack table of
 * each domain that maps, whose index is the handle its owner knows.
 */
#ifndef IOTOLL_XEN_GRANT_H
#define IOTOLL_XEN_GRANT_H

#include "xen/impl.h"

#define GRANT_FRAMES_MAX     32u
#define GRANTS_PER_FRAME     512u
#define HANDLES_PER_PAGE     512u
#define GRANT_OPS_MAX        512u /* elements of a grant_table_op */
#define GRANT_MAPPED_HEADS   1024u
#define GRANT_UNSTABLE_TRIES 5u

/* Four counters of eight bits. Refused at 128, so that none runs into the next. */
#define PIN_HOST_WRITE UINT32_C(0x00000001)
#define PIN_HOST_READ  UINT32_C(0x00000100)
#define PIN_DEV_WRITE  UINT32_C(0x00010000)
#define PIN_DEV_READ   UINT32_C(0x01000000)
#define PIN_WRITES     UINT32_C(0x00ff00ff)
#define PIN_FULL       UINT32_C(0x80808080)

struct active {
	uint32_t pin;
	uint16_t domid; /* who has it pinned */
	mfn_t frame;    /* as it was at the first pin */
};

/* A live handle has HOST or DEVICE in flags. */
struct maptrack {
	uint16_t domid; /* the granter's */
	uint8_t flags;  /* MAPTRACK_FLAGS of GNTMAP_* */
	bool used;      /* false: ref is the next free handle */
	uint32_t ref;
};

#define MAPTRACK_FLAGS 0x1fu /* device_map, host_map, readonly, application_map, contains_pte */
#define HANDLE_NONE    UINT32_MAX
#define BUS_NONE       UINT32_MAX

/*
 * What a domain has mapped of one frame of one granter, over all its handles: what its devices may
 * be given, and which of their entries rest on it.
 */
struct mapped {
	const struct xen_domain *granter;
	mfn_t mfn;
	uint32_t reads, writes;         /* live handles, by kind */
	uint32_t dma_reads, dma_writes; /* entries that the domain made, by kind; reset by unmap */
	uint32_t next;
	bool used;
};

struct grant_table {
	unsigned frames;
	mfn_t mfn[GRANT_FRAMES_MAX];
	struct active *active; /* for the most frames there may be */
	struct region active_at;
	struct maptrack *track;
	uint32_t tracks, track_free; /* how many there are now; first free one */
	uint32_t live;
	phys_t *track_page;    /* where each 512 of them lie */
	uint32_t *bus;         /* of each, the page handed out for devices; BUS_NONE */
	struct mapped *mapped; /* as many as handles */
	uint32_t mapped_free, mapped_head[GRANT_MAPPED_HEADS];
};

/* ---- grant_table.c ---- */

int grant_table_create(struct xen_domain *d) MUST_CHECK;
/* Free what there is of it. Nobody has anything of it mapped. */
void grant_table_destroy(struct xen_domain *d);
static inline uint32_t grant_entries(const struct xen_domain *d)
{
	return d->grants->frames * GRANTS_PER_FRAME;
}
/* The entry in the guest's shared page, and its machine address. @ref is in range. */
volatile grant_entry_v1_t *grant_shared(const struct xen_domain *d, uint32_t ref, phys_t *at);
/*
 * Pin entry @ref of @rd for domain @id: check type, domain and right, set reading (and writing) in
 * one atomic step, at most five tries, and add @pins. GNTST_okay and the frame, or
 * GNTST_bad_gntref, GNTST_general_error with nothing changed.
 */
int16_t grant_pin(struct xen_domain *rd, struct cpu *cpu, uint32_t ref, uint16_t id, bool write,
		  uint32_t pins, mfn_t *frame) MUST_CHECK;
/* Take @pins off again, and from the guest's flags what no pin is left for. */
void grant_unpin(struct xen_domain *rd, struct cpu *cpu, uint32_t ref, uint32_t pins);

/* ---- maptrack.c ---- */

/* A handle, not yet live; HANDLE_NONE if there is none. */
uint32_t maptrack_get(struct xen_domain *d);
void maptrack_put(struct xen_domain *d, uint32_t handle);
struct maptrack *maptrack_of(const struct xen_domain *d, uint32_t handle);
void maptrack_touch(const struct xen_domain *d, struct cpu *cpu, uint32_t handle, bool write);
/* @d dies: give back every pin and device reference; entries of page tables follow by themselves.
 */
void maptrack_release_all(struct xen_domain *d);
/* What @d has of @mfn of @granter; NULL: nothing. */
struct mapped *mapped_find(const struct xen_domain *d, const struct xen_domain *granter, mfn_t mfn);
/* One more handle, or one less; the record goes with the last. */
struct mapped *mapped_add(struct xen_domain *d, const struct xen_domain *granter, mfn_t mfn,
			  bool write);
void mapped_drop(struct xen_domain *d, const struct xen_domain *granter, mfn_t mfn, bool write);

/* @by (1 or -1) more entries of @d's devices rest on it: there is such a record. */
void mapped_dma(struct xen_domain *d, const struct xen_domain *granter, mfn_t mfn, bool write,
		int by);

/* ---- operations; each handles an array of c->args[2] elements at c->args[1] ---- */

long grant_map(struct call *c);
long grant_unmap(struct call *c);
long grant_copy(struct call *c);
long grant_transfer(struct call *c);
/* Machine address of the entry a host mapping (flags: GNTMAP_*) is at: -EINVAL if not the caller's.
 */
int grant_host_entry(struct call *c, uint64_t host_addr, uint32_t flags, phys_t *at) MUST_CHECK;
/* Undo one map whose result could not be delivered. */
void grant_unmap_handle(struct call *c, uint32_t handle, uint64_t host_addr);

#endif
