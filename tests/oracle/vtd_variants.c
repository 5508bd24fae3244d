// SPDX-License-Identifier: MIT
/*
 * The machines that VT-d is compared on.
 */
#include "vtd_program.h"

unsigned vtd_width(unsigned variant)
{
	return variant == 3 ? 39 : 48;
}

bool vtd_device_tlb(unsigned variant)
{
	return variant == 4;
}

/*
 * What QEMU has: one fault record, 39 or 48 bits of address on both sides. The caches differ from
 * variant to variant: none, tiny ones that evict, lines of pages, with paging-structure caches.
 */
static struct vtd_config capabilities(unsigned variant)
{
	struct vtd_config c = vtd_like_qemu;

	c.host_bits = c.guest_bits = vtd_width(variant);
	c.levels_4 = vtd_width(variant) == 48;
	c.device_tlb = vtd_device_tlb(variant);
	c.context_entries = variant == 1 ? 2 : variant == 2 ? 0 : 256;
	c.paging_entries = variant == 1 ? 2 : variant == 3 ? 16 : 0;
	return c;
}

static const struct iotlb_config iotlb[VTD_VARIANTS] = {
	{.entries = 1024, .ways = 8, .line_pages = 1, .policy = "lru"},
	{.entries = 4, .ways = 4, .line_pages = 1, .policy = "fifo"},
	{.entries = 0, .line_pages = 1},
	{.entries = 64, .ways = 4, .line_pages = 4, .policy = "lru"},
	{.entries = 256, .ways = 0, .line_pages = 1, .policy = "lru"},
};

void vtd_configure(unsigned variant, struct pair_config *config)
{
	static const char *const device[] = {
		"intel-iommu,aw-bits=48,intremap=off",
		"intel-iommu,aw-bits=48,intremap=off",
		"intel-iommu,aw-bits=48,intremap=off",
		"intel-iommu,aw-bits=39,intremap=off",
		"intel-iommu,aw-bits=48,intremap=off,device-iotlb=on",
	};

	variant %= VTD_VARIANTS;
	config->device = device[variant];
	config->reg_base = UINT64_C(0xfed90000);
	config->ours = (struct iommu_config){
		.model = "vtd",
		.iotlb = iotlb[variant],
		.vtd = &config->vtd,
	};
	config->vtd = capabilities(variant);
}

unsigned vtd_line_pages(unsigned variant)
{
	return iotlb[variant % VTD_VARIANTS].line_pages;
}
