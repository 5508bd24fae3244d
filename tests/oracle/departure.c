// SPDX-License-Identifier: MIT
/*
 * See departure.h. QEMU 7.2's intel-iommu, then its amd-iommu.
 */
#include "departure.h"

#include <stddef.h>

const struct departure_row departure_rows[DEPARTURES] = {
	[DEPART_SILENT] =
		{"an IOTLB entry without the needed right blocks the access and records no fault",
		 "reason 5 or 6 is due; ours must record it or walk again"},
	[DEPART_BY_SOURCE] =
		{"IOTLB entries are found by requester, before and whatever its context entry",
		 "they are tagged with the domain of a valid context entry; software must "
		 "invalidate both, so only programs that do not can tell"},
	[DEPART_PASS_EAGER] =
		{"a pass-through context entry is taken over when contexts are invalidated, "
		 "translation is enabled or the root pointer set, not at an access",
		 "hardware may fetch ahead; ours must not use what no access has read"},
	[DEPART_PASS_RANGE] = {"pass-through has no address limit",
			       "beyond the address width it is reason 4; ours must refuse it"},
	[DEPART_FPD] = {"FPD does not hide reserved bits in a context entry (0Bh)",
			"0Bh is a qualified fault; ours must hide it"},
	[DEPART_WINDOW_PAGE] =
		{"an access is refused (0Eh) if its large page has the interrupt range in it",
		 "only one that results in an address there is; ours must let the others pass"},
	[DEPART_CAIG] = {"a domain-selective context invalidation is carried out globally",
			 "allowed, and CAIG says so; ours may report either"},
	[DEPART_PASID] = {"the PASID field of a fault record holds FFFFh although PP is 0",
			  "it means nothing then; ours must hold 0"},
	[DEPART_IEDATA] = {"IEDATA holds 32 bits",
			   "the upper half is only for extended interrupts; ours must hold 0"},
	[DEPART_WAIT_BOTH] = {"a wait descriptor with both SW and IF ends QEMU",
			      "both are to be done: tests/hw covers ours"},
	[DEPART_WAIT_NEITHER] =
		{"a wait descriptor with neither SW nor IF stops the queue (IQE), even a fence",
		 "one with FN alone is how page requests are drained (7.10), none is reserved; "
		 "ours takes both: tests/hw"},
	[DEPART_DEVTLB_SENT] =
		{"a device-TLB descriptor sends nothing and is over at once, whoever it names",
		 "without a completion in time it is ITE; here each device of ours completes "
		 "at once, tests/hw covers time-outs"},
	[DEPART_QIE_OFF] =
		{"the queue is only disabled when it is empty and ended in a wait descriptor",
		 "software is to do that; every program here does"},
	[DEPART_IQE_RESUME] =
		{"after an error the queue runs on only when its tail is written again",
		 "clearing the error is enough; recovery here writes the tail, too"},
	[DEPART_WAIT_LOST] = {"a wait descriptor whose status cannot be written stops the queue",
			      "nothing is said; ours goes on, the write being a posted one"},
	[DEPART_WINDOW] = {"reads of FEExxxxxh return zero without a fault, writes are interrupts",
			   "no program here addresses the window; tests/hw covers ours"},
	[DEPART_ONE_RECORD] = {"there is one fault record, and an overflow at the second requester",
			       "a permitted size; ours is configured to it"},
	[DEPART_DEVTLB_TYPE] = {"descriptors for device-TLBs, interrupt entries and PASIDs are "
				"accepted where ECAP "
				"offers none of these",
				"unknown types then; device-TLB ones are only sent where DT is 1"},
	[DEPART_PFSID] = {"PFSID of a device-TLB descriptor is reserved",
			  "it is a field of newer revisions, which ours follows"},
	[DEPART_CACHING_MODE] =
		{"caching mode changes CAP.CM and nothing else: what faults is never cached",
		 "permitted; ours does cache it, which tests/hw covers"},
	[DEPART_CAPABILITIES] =
		{"no advanced fault log, protected memory, IQERCD, interrupt conditions from them",
		 "absent capabilities; nothing to compare"},
	[DEPART_PR] = {"a page's entry with PR=0 translates if it grants the right",
		       "an IO_PAGE_FAULT; ours must refuse it"},
	[DEPART_TV] = {"V=1 with TV=0 passes untranslated with IR and IW",
		       "a request that needs a table is aborted; ours must refuse it"},
	[DEPART_WRAP] = {"an address beyond the width of Mode wraps",
			 "an IO_PAGE_FAULT; ours must refuse it"},
	[DEPART_SKIPPED] = {"address bits of levels that are skipped are not looked at",
			    "they must be 0; ours must refuse the access"},
	[DEPART_PTE_RESERVED] = {"reserved bits of page table entries are not looked at",
				 "an IO_PAGE_FAULT with RZ; ours must refuse it"},
	[DEPART_PAGE_SIZE] =
		{"an entry with next level 7 may encode any page size at any level",
		 "larger than the level's own and smaller than the next one's, else an "
		 "IO_PAGE_FAULT; ours must refuse it"},
	[DEPART_DTE_V] = {"reserved bits of a device table entry block although V is 0",
			  "without V nothing else counts; ours must let it pass"},
	[DEPART_LEAF_RIGHTS] = {"the IOTLB holds the rights of the last level alone",
				"those of all levels count; ours must hold these"},
	[DEPART_HEAD] = {"the command head reads the buffer's length where it is to wrap to 0",
			 "ours must read 0"},
	[DEPART_EVENTS] = {"no event is ever logged",
			   "tests/hw covers ours; here only whether an access is refused counts"},
	[DEPART_RANGES] =
		{"INVALIDATE_IOMMU_PAGES drops the whole domain, "
		 "INVALIDATE_IOTLB_PAGES one page",
		 "more is permitted; ours is held to the range, devices here have no IOTLB"},
	[DEPART_LEVELS] = {"an entry may name a level that is not below its own",
			   "an IO_PAGE_FAULT; not sent, for QEMU would go on and on"},
	[DEPART_ILLEGAL] = {"an illegal command does not stop the buffer",
			    "not sent; tests/hw covers ours"},
	[DEPART_AMD_ABSENT] = {"no exclusion range, status register, device table length",
			       "nothing to compare"},
};
