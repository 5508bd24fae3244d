// SPDX-License-Identifier: MIT
/*
 * rIOMMU's registers. The paper has none but says what they are for: point the hardware at the
 * tables, and make it forget what it holds of one ring. All of this is our choice:
 *  - after a reset everything is 0 and nothing is translated;
 *  - an invalidation is over before the write that asks for it is: time is the embedder's. What is
 *    held does not hang on the other registers: it stays when they are changed, until it is
 *    invalidated;
 *  - the first refused access is latched, of others it is only known that there were some; nothing
 *    is shut off.
 */
#include "hw/riommu_impl.h"

void riommu_latch(struct riommu *d, uint16_t devid, uint64_t iova, enum iotoll_access access,
		  enum riommu_reason reason)
{
	if ((d->fault & RIOMMU_FAULT_PENDING) != 0) {
		d->fault |= RIOMMU_FAULT_MORE;
		return;
	}
	d->fault = RIOMMU_FAULT_PENDING | (access == IOTOLL_WRITE ? RIOMMU_FAULT_WRITE : 0) |
		   (uint64_t)reason << RIOMMU_FAULT_REASON_SHIFT | devid;
	d->fault_iova = iova;
}

static void invalidate(struct riommu *d, uint64_t command)
{
	const uint16_t device = (uint16_t)(command >> RIOMMU_INV_DEVICE_SHIFT);

	switch (command & RIOMMU_INV_SCOPE) {
	case RIOMMU_INV_RING:
		(void)iotlb_invalidate(d->rings, device, command & RIOMMU_INV_RID);
		break;
	case RIOMMU_INV_OF_DEVICE:
		(void)iotlb_invalidate_tag(d->rings, device);
		break;
	case RIOMMU_INV_ALL:
		iotlb_invalidate_all(d->rings);
		break;
	default:
		return;
	}
	d->commands++;
}

uint64_t riommu_reg_read(struct iommu *iommu, uint64_t offset, unsigned width)
{
	struct riommu *d = riommu_of(iommu);

	switch (width == 8 ? offset : UINT64_MAX) {
	case RIOMMU_VERSION:
		return RIOMMU_VERSION_1;
	case RIOMMU_CONTROL:
		return d->control;
	case RIOMMU_DEVICES:
		return d->devices;
	case RIOMMU_DEVICE_COUNT:
		return d->device_count;
	case RIOMMU_INVALIDATE:
		return 0;
	case RIOMMU_FAULT:
		return d->fault;
	case RIOMMU_FAULT_IOVA:
		return d->fault_iova;
	default:
		d->strays++;
		return 0;
	}
}

void riommu_reg_write(struct iommu *iommu, uint64_t offset, uint64_t value, unsigned width)
{
	struct riommu *d = riommu_of(iommu);

	switch (width == 8 ? offset : UINT64_MAX) {
	case RIOMMU_VERSION:
	case RIOMMU_FAULT_IOVA:
		break;
	case RIOMMU_CONTROL:
		d->control = value & RIOMMU_CONTROL_ENABLE;
		break;
	case RIOMMU_DEVICES:
		d->devices = value & RIOMMU_DEVICES_ADDRESS;
		break;
	case RIOMMU_DEVICE_COUNT:
		value &= RIOMMU_COUNT_FIELD;
		d->device_count = value < RIOMMU_MAX_DEVICES ? value : RIOMMU_MAX_DEVICES;
		break;
	case RIOMMU_INVALIDATE:
		invalidate(d, value);
		break;
	case RIOMMU_FAULT:
		if ((value & RIOMMU_FAULT_PENDING) != 0)
			d->fault = d->fault_iova = 0;
		break;
	default:
		d->strays++;
	}
}
