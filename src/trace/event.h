/* SPDX-License-Identifier: MIT */
/*
 * What a recorded trace consists of, whatever it was recorded with: what the IOMMU layer did, what
 * drivers asked of the DMA API, what the driver half told the invalidation queue, what a device
 * asked of the IOTLB, what a guest asked of its hypervisor. One struct serves all; which of its
 * fields mean something is said by @has, because it differs between sources of one kind: a kprobe
 * on a function sees its arguments, one on its return the result, a tracepoint at its end both.
 *
 * Layouts: include/trace/events/{iommu,intel_iommu,dma}.h of Linux; hw/i386/trace-events and
 * hw/ppc/trace-events of QEMU; the probes that docs/traces.md shows how to define.
 */
#ifndef IOTOLL_TRACE_EVENT_H
#define IOTOLL_TRACE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum trace_kind {
	/* What the IOMMU layer did: whole pages. */
	TRACE_MAP,   /* [iova, iova + bytes) now leads to paddr */
	TRACE_UNMAP, /* [iova, iova + bytes) was to be unmapped; done_bytes of it were */
	/* What an IOTLB was asked and told. */
	TRACE_ACCESS,         /* the device asked for a translation of iova, under tag */
	TRACE_INVALIDATE,     /* the IOTLB was told to drop [iova, iova + bytes) of tag ... */
	TRACE_INVALIDATE_TAG, /* ... everything of tag ... */
	TRACE_INVALIDATE_ALL, /* ... everything */
	TRACE_OTHER,          /* some other event: only name, where and when, and its text */
	/*
	 * What drivers asked of the DMA API: bytes, not pages. From probes, each is the call
	 * (dev, bytes, dir, ...; the iova only where it is an argument) and a ..._RET of the same
	 * CPU and task gives the rest; calls nest no deeper than an interrupt lets them. From the
	 * tracepoints of "dma:" there is one event with everything, and no ..._RET.
	 */
	TRACE_API_MAP,        /* offset in the page, bytes, dir; iova and paddr if known */
	TRACE_API_MAP_RET,    /* iova, with its offset in the page */
	TRACE_API_UNMAP,      /* iova, bytes, dir */
	TRACE_API_MAP_SG,     /* nents, dir; lists if known */
	TRACE_API_MAP_SG_RET, /* ret: how many DMA segments came of it, negative errno */
	TRACE_API_UNMAP_SG,   /* nents or paddrs, dir */
	TRACE_API_ALLOC,      /* coherent memory: bytes; iova if known */
	TRACE_API_ALLOC_RET,  /* virt */
	TRACE_API_FREE,       /* bytes, iova */
	TRACE_API_SYNC,       /* iova, bytes, dir; the name says for whom */
	/* What the allocator of I/O addresses and the flush queue did (probes of Linux 6.1). */
	TRACE_IOVA_SLOW,      /* pages, limit: a range that came from the tree */
	TRACE_IOVA_FREE_SLOW, /* pfn: a range that went back to the tree */
	TRACE_FQ_TIMEOUT,     /* the flush queue's timer fired; the flush follows */
	TRACE_FQ_FLUSH,       /* the deferred flush of a whole domain */
	/*
	 * A descriptor given to VT-d's invalidation queue: word[], dev (the unit, "dmar0"), what
	 * trace_qi_decode() makes of the words. Wait descriptors are not recorded.
	 */
	TRACE_QI_SUBMIT,
	TRACE_FAULT, /* iommu:io_page_fault: iova, dev, driver, flags (text) */
	/*
	 * sPAPR hypercalls as the hypervisor executed them: tag is the liobn, [iova, iova + bytes)
	 * the entries' addresses (of the whole call, whatever address the line printed), entry the
	 * (last) entry given, ret the hypercall's status.
	 */
	TRACE_TCE_PUT,
	TRACE_TCE_INDIRECT,
	TRACE_TCE_STUFF,
	/* Marks, only if asked for (trace_want_marks()); they do not count as events. */
	TRACE_LOST, /* lost events (0: number unknown) of cpu are missing here */
	TRACE_STEP, /* text: a new step of the recording begins */
	TRACE_KINDS
};

/* Bits of @has, and rows of trace_fields[]. */
enum trace_field {
	TRACE_F_TIME,    /* time_ns; without it only the order is known */
	TRACE_F_TASK,    /* task and pid */
	TRACE_F_CONTEXT, /* context */
	TRACE_F_DEV,
	TRACE_F_DRIVER,
	TRACE_F_IOVA,
	TRACE_F_BYTES,
	TRACE_F_PADDR,
	TRACE_F_DONE,
	TRACE_F_TAG,
	TRACE_F_SID,
	TRACE_F_ENTRY,
	TRACE_F_DIR,
	TRACE_F_OFFSET,
	TRACE_F_NENTS,
	TRACE_F_ENTS,
	TRACE_F_RET,
	TRACE_F_PAGES,
	TRACE_F_LIMIT,
	TRACE_F_PFN,
	TRACE_F_WORD0,
	TRACE_F_WORD1,
	TRACE_F_WORD2,
	TRACE_F_WORD3,
	TRACE_F_VIRT,
	TRACE_F_SITE,
	TRACE_F_CALLER,
	TRACE_F_LOST,
	TRACE_F_TRUNCATED, /* the lists were cut where the recorder cuts them */
	TRACE_F_DMA_ADDRS,
	TRACE_F_SIZES,
	TRACE_F_PADDRS,
	TRACE_F_FLAGS,
	TRACE_F_ATTRS,
	TRACE_F_TEXT,
	TRACE_FIELDS
};

#define TRACE_HAS(field) (UINT64_C(1) << (field))

/* Not terminated; valid until the next event is asked for. */
struct trace_text {
	const char *at;
	size_t bytes;
};

struct trace_list {
	const uint64_t *at; /* valid until the next event is asked for */
	size_t count;
};

/* Values of dir: those of Linux's enum dma_data_direction. */
enum trace_dir { TRACE_DIR_BOTH, TRACE_DIR_TO_DEVICE, TRACE_DIR_FROM_DEVICE, TRACE_DIR_NONE };

/* Values of qi_type: VT-d specification 4.0, section 6.5.2. */
enum trace_qi {
	TRACE_QI_CONTEXT = 1,
	TRACE_QI_IOTLB = 2,
	TRACE_QI_DEVICE_TLB = 3,
	TRACE_QI_INTERRUPT = 4,
	TRACE_QI_WAIT = 5,
	TRACE_QI_PASID_IOTLB = 6,
};

/* A field without its bit in @has means nothing; those without a bit are always there. */
struct trace_event {
	enum trace_kind kind;
	unsigned cpu;
	uint64_t has;
	uint64_t line;       /* in the file, from 1; in a binary file the event's number */
	uint64_t time_ns;    /* as recorded; order and rough spacing, see traces/README.md */
	uint64_t iova;       /* TRACE_MAP, _UNMAP, _INVALIDATE: multiple of 4096 */
	uint64_t bytes;      /* of those > 0, multiple of 4096, iova + bytes <= 2^64 */
	uint64_t paddr;      /* TRACE_MAP: multiple of 4096, paddr + bytes <= 2^52 */
	uint64_t done_bytes; /* TRACE_UNMAP: multiple of 4096, 0 if nothing was there */
	uint32_t tag;        /* domain id, or sPAPR's liobn */
	uint32_t sid;        /* requester id of an access: bus << 8 | devfn */
	const char *name;    /* "map"; not terminated, valid until the next call */
	size_t name_bytes;
	struct trace_text task; /* "kworker/0:1H" */
	int32_t pid;
	uint8_t dir;            /* enum trace_dir */
	uint8_t qi_type;        /* TRACE_QI_SUBMIT: enum trace_qi, or a later one; from word[] */
	uint8_t qi_mask;        /* ... of IOTLB: low bits of the page number that do not count */
	uint8_t qi_granularity; /* ... of IOTLB and CONTEXT: 1 global, 2 domain, 3 page or device */
	char context[8];        /* column of flags, "D.h1."; padded with zeros */
	struct trace_text dev;  /* "0000:00:02.0", "dmar0" */
	struct trace_text driver;
	uint64_t entry;  /* page-table entry: of a lookup (VT-d), of a hypercall (sPAPR) */
	uint64_t offset; /* in the first page */
	uint64_t pages, limit, pfn; /* limit: highest page frame number allowed */
	uint64_t word[4];
	uint64_t virt;         /* kernel address of coherent memory, 0 if there was none */
	uint64_t site, caller; /* kernel addresses: of the probe, of who called */
	uint64_t lost;
	int64_t ret;
	uint32_t nents, ents; /* pieces of memory, DMA segments (full numbers if truncated) */
	struct trace_list dma_addrs, sizes, paddrs; /* of a list; sizes go with dma_addrs */
	struct trace_text flags, attrs;             /* "GFP_KERNEL|__GFP_NOWARN", "WEAK_ORDERING" */
	struct trace_text text; /* TRACE_OTHER: what followed the name; TRACE_STEP: its title */
};

static inline bool trace_has(const struct trace_event *ev, enum trace_field field)
{
	return ev->has & TRACE_HAS(field);
}

/* How a field is written: by print and convert, and in filters. */
enum trace_form {
	TRACE_FORM_DECIMAL,
	TRACE_FORM_SIGNED,
	TRACE_FORM_HEX,   /* with 0x */
	TRACE_FORM_DIR,   /* as trace_dir_name() */
	TRACE_FORM_WORDS, /* struct trace_text */
	TRACE_FORM_LIST,  /* struct trace_list, {0x1000,0x2000} */
	TRACE_FORM_MARK,  /* no value: its name alone */
	TRACE_FORM_AHEAD, /* in the columns before the fields */
};

struct trace_field_row {
	const char *name;
	enum trace_form form;
	uint16_t at;   /* offset in struct trace_event */
	uint16_t size; /* of a number: 1, 4 or 8 bytes */
};

extern const struct trace_field_row trace_fields[TRACE_FIELDS];

/* "map", "access", "qi-submit": our names, the same for all formats; NULL past the last. */
const char *trace_kind_name(unsigned kind);
/* Is the field's value one number? Its form is then decimal, signed, hex or dir. */
bool trace_field_is_number(enum trace_field field);
/* The value of such a field; a signed one as two's complement. */
uint64_t trace_field_number(const struct trace_event *ev, enum trace_field field);
/* Set such a field, cut to its width, and its bit in @has. */
void trace_field_put(struct trace_event *ev, enum trace_field field, uint64_t value);
/*
 * Fill in qi_type and, for IOTLB and CONTEXT descriptors, tag, granularity, and for a
 * page-selective one iova, bytes and mask, from word[]; sets their bits in @has. Sections 6.5.2.1
 * and 6.5.2.3 of the VT-d specification 4.0.
 */
void trace_qi_decode(struct trace_event *ev);
/* "both", "to-device", "from-device", "none"; NULL past the last. */
const char *trace_dir_name(unsigned dir);

#endif
