// SPDX-License-Identifier: MIT
/*
 * AMD-Vi's device table ("Device Table"): an entry of 32 bytes for each DeviceID, fetched and
 * cached. A cached entry counts until INVALIDATE_DEVTAB_ENTRY names its device.
 *
 * Decided here:
 *  - the cache is direct-mapped by the low bits of the DeviceID and holds every entry that could
 *    be read, valid or not: whatever changes, software has to invalidate;
 *  - a DeviceID beyond the table's end raises ILLEGAL_DEV_TABLE_ENTRY.
 */
#include <errno.h>
#include <string.h>

#include "hw/amdvi_impl.h"
#include "hw/shared.h"

static uint64_t direction(const struct amdvi_request *r)
{
	return r->access == IOTOLL_WRITE ? AMDVI_EVT_RW : 0;
}

/* Read the entry out of memory. */
static void fetch(const struct amdvi *a, const struct amdvi_request *r, struct amdvi_verdict *v)
{
	const uint64_t base = a->reg[REG_DEVTAB_BASE];
	const uint64_t at = (base & AMDVI_FRAME) + (uint64_t)r->devid * AMDVI_DTE_BYTES;
	uint8_t scratch[AMDVI_DTE_BYTES];
	const uint8_t *bytes;

	if (r->devid >= amdvi_devtab_entries(base)) {
		v->error = -EPERM;
		v->event = amdvi_event_of(AMDVI_EVT_ILLEGAL_DTE, direction(r), 0, r,
					  r->iova & ~UINT64_C(3));
		return;
	}
	v->fetches++;
	bytes = iommu_memory_view(&a->memory, at, sizeof(scratch), scratch);
	if (bytes == NULL) {
		v->error = -EFAULT;
		v->event = amdvi_event_of(AMDVI_EVT_DEV_TAB_HW_ERROR,
					  direction(r) | AMDVI_EVT_HW_MASTER_ABORT, 0, r, at);
		return;
	}
	for (unsigned i = 0; i < AMDVI_DTE_QUADS; i++)
		v->dte.quad[i] = amdvi_unpack(bytes + 8 * i);
	v->dte_fetched = true;
}

/*
 * Is the entry one that this implementation can follow? If not, *@flags gets RZ where reserved bits
 * are set. Without V nothing else in it counts, and without TV neither does Mode. Bits 183:180 and
 * 187 count with IV.
 */
static bool legal(const struct amdvi_dte *dte, uint64_t *flags)
{
	const uint64_t *q = dte->quad;
	uint64_t reserved = (q[0] & AMDVI_DTE_RESERVED) | (q[1] & AMDVI_DTE1_RESERVED) |
			    (q[3] & AMDVI_DTE3_RESERVED);

	if ((q[0] & AMDVI_DTE_V) == 0)
		return true;
	if ((q[2] & AMDVI_DTE2_IV) != 0)
		reserved |= q[2] & AMDVI_DTE2_RESERVED;
	if (reserved != 0)
		*flags |= AMDVI_EVT_RZ;
	return reserved == 0 &&
	       ((q[0] & AMDVI_DTE_TV) == 0 || (q[0] & AMDVI_DTE_MODE) != AMDVI_DTE_MODE);
}

static void check(const struct amdvi_request *r, struct amdvi_verdict *v)
{
	uint64_t flags = direction(r);

	if (legal(&v->dte, &flags))
		return;
	v->error = -EPERM;
	v->event = amdvi_event_of(AMDVI_EVT_ILLEGAL_DTE, flags, 0, r, r->iova & ~UINT64_C(3));
}

void amdvi_dte_find(const struct amdvi *a, const struct amdvi_request *r, enum amdvi_look look,
		    struct amdvi_verdict *v)
{
	const struct amdvi_dte_slot *slot = &a->dte[r->devid % AMDVI_DTE_SLOTS];

	if (look != AMDVI_LOOK_FRESH && slot->valid && slot->devid == r->devid) {
		v->dte = slot->dte;
		v->from_caches = true;
	} else {
		fetch(a, r, v);
	}
	if (v->error == 0)
		check(r, v);
}

void amdvi_dte_hold(struct amdvi *a, uint16_t devid, const struct amdvi_dte *dte)
{
	struct amdvi_dte_slot *slot = &a->dte[devid % AMDVI_DTE_SLOTS];
	const uint64_t q = dte->quad[0];
	const unsigned mode = (unsigned)((q & AMDVI_DTE_MODE) >> AMDVI_DTE_MODE_SHIFT);
	uint64_t flags = 0;

	*slot = (struct amdvi_dte_slot){.valid = true, .devid = devid, .dte = *dte};
	slot->tables = (q & AMDVI_DTE_V) != 0 && (q & AMDVI_DTE_TV) != 0 && mode != 0 &&
		       legal(dte, &flags);
	if (slot->tables)
		slot->last = UINT64_MAX >> (64 - amdvi_width(mode));
}

void amdvi_dte_drop(struct amdvi *a, uint16_t devid)
{
	struct amdvi_dte_slot *slot = &a->dte[devid % AMDVI_DTE_SLOTS];

	if (slot->devid == devid)
		slot->valid = false;
	a->suppressed[devid / 64] &= ~(UINT64_C(1) << (devid % 64));
	iommu_forget_all(&a->base);
}
