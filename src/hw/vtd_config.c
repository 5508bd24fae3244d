// SPDX-License-Identifier: MIT
/*
 * What a VT-d unit can do, as CAP and ECAP tell it (VT-d specification, "Capability Register",
 * "Extended Capability Register") and as it decides which bits of a paging entry are reserved
 * ("Second-Stage Paging Entries").
 */
#include <errno.h>

#include "hw/vtd_impl.h"

const struct vtd_config vtd_xeon = {
	.levels_3 = true,
	.levels_4 = true,
	.guest_bits = 48,
	.host_bits = 46,
	.pages_2m = true,
	.pages_1g = true,
	.domain_bits = 16,
	.page_selective = true,
	.max_mask = 18,
	.fault_records = 8,
	.fault_offset = 0x100,
	.iotlb_offset = 0x200,
	.queued = true,
	.pass_through = true,
	.snoop_control = true,
	.device_tlb = true,
	.drain = true,
	.zero_length_reads = true,
	.context_entries = 256,
	.paging_entries = 16,
};

const struct vtd_config vtd_like_qemu = {
	.levels_3 = true,
	.levels_4 = true,
	.guest_bits = 48,
	.host_bits = 48,
	.pages_2m = true,
	.pages_1g = true,
	.domain_bits = 16,
	.page_selective = true,
	.max_mask = 18,
	.fault_records = 1,
	.fault_offset = 0x220,
	.iotlb_offset = 0xF0,
	.queued = true,
	.pass_through = true,
	.drain = true,
	.context_entries = 256,
	.paging_entries = 0,
};

static int check_number(const char *name, unsigned value, unsigned from, unsigned to,
			struct err *err)
{
	if (value >= from && value <= to)
		return 0;
	return err_set(err, -EINVAL, "vtd %s %u: expected %u..%u", name, value, from, to);
}

static int check_cache(const char *name, unsigned entries, struct err *err)
{
	if (entries <= 65536 && (entries & (entries - 1)) == 0)
		return 0;
	return err_set(err, -EINVAL, "vtd %s %u: expected 0 or a power of two up to 65536", name,
		       entries);
}

/* A block of @bytes at @offset must lie in the register page behind the fixed registers. */
static int check_block(const char *name, uint32_t offset, uint32_t bytes, struct err *err)
{
	if (offset % 16 == 0 && offset >= VTD_FIXED_END && offset <= VTD_WINDOW_BYTES - bytes)
		return 0;
	return err_set(err, -EINVAL, "vtd %s 0x%x: expected a multiple of 16 in 0x%x..0x%x", name,
		       offset, VTD_FIXED_END, VTD_WINDOW_BYTES - bytes);
}

static int check_blocks(const struct vtd_config *c, struct err *err)
{
	uint32_t records = c->fault_records * VTD_FRCD_BYTES;
	int ret = check_number("fault_records", c->fault_records, 1,
			       (VTD_WINDOW_BYTES - VTD_FIXED_END - 16) / VTD_FRCD_BYTES, err);

	if (ret == 0)
		ret = check_block("fault_offset", c->fault_offset, records, err);
	if (ret == 0)
		ret = check_block("iotlb_offset", c->iotlb_offset, 16, err);
	if (ret == 0 && c->iotlb_offset < c->fault_offset + records &&
	    c->fault_offset < c->iotlb_offset + 16)
		ret = err_set(err, -EINVAL,
			      "vtd iotlb_offset 0x%x: expected a place beside the fault records at "
			      "0x%x..0x%x",
			      c->iotlb_offset, c->fault_offset, c->fault_offset + records);
	return ret;
}

int vtd_config_check(const struct vtd_config *c, struct err *err)
{
	int ret = 0;

	if (!c->levels_3 && !c->levels_4)
		return err_set(err, -EINVAL, "vtd: expected levels_3, levels_4 or both");
	if (c->domain_bits % 2 != 0)
		ret = err_set(err, -EINVAL, "vtd domain_bits %u: expected an even number",
			      c->domain_bits);
	if (ret == 0)
		ret = check_number("guest_bits", c->guest_bits, 39, 48, err);
	if (ret == 0)
		ret = check_number("host_bits", c->host_bits, 36, 52, err);
	if (ret == 0)
		ret = check_number("domain_bits", c->domain_bits, 4, 16, err);
	if (ret == 0)
		ret = check_number("max_mask", c->max_mask, 0, c->page_selective ? 52 : 0, err);
	if (ret == 0)
		ret = check_number("compared_bits", c->compared_bits, 0, 52, err);
	if (ret == 0)
		ret = check_blocks(c, err);
	if (ret == 0)
		ret = check_cache("context_entries", c->context_entries, err);
	if (ret == 0)
		ret = check_cache("paging_entries", c->paging_entries, err);
	return ret;
}

static uint64_t bit_if(bool wanted, uint64_t bit)
{
	return wanted ? bit : 0;
}

uint64_t vtd_config_cap(const struct vtd_config *c)
{
	return (c->domain_bits - 4) / 2 | bit_if(c->write_flush, VTD_CAP_RWBF) |
	       bit_if(c->caching_mode, VTD_CAP_CM) |
	       bit_if(c->levels_3, VTD_BIT(VTD_CAP_SAGAW_SHIFT + VTD_AW_39)) |
	       bit_if(c->levels_4, VTD_BIT(VTD_CAP_SAGAW_SHIFT + VTD_AW_48)) |
	       (uint64_t)(c->guest_bits - 1) << VTD_CAP_MGAW_SHIFT |
	       bit_if(c->zero_length_reads, VTD_CAP_ZLR) |
	       (uint64_t)(c->fault_offset / 16) << VTD_CAP_FRO_SHIFT |
	       bit_if(c->pages_2m, VTD_CAP_SLLPS_2M) | bit_if(c->pages_1g, VTD_CAP_SLLPS_1G) |
	       bit_if(c->page_selective, VTD_CAP_PSI) |
	       (uint64_t)(c->fault_records - 1) << VTD_CAP_NFR_SHIFT |
	       (uint64_t)c->max_mask << VTD_CAP_MAMV_SHIFT |
	       bit_if(c->drain, VTD_CAP_DWD | VTD_CAP_DRD) |
	       bit_if(c->srtp_flushes, VTD_CAP_ESRTPS);
}

uint64_t vtd_config_ecap(const struct vtd_config *c)
{
	return bit_if(c->coherent, VTD_ECAP_C) | bit_if(c->queued, VTD_ECAP_QI) |
	       bit_if(c->device_tlb, VTD_ECAP_DT) | bit_if(c->pass_through, VTD_ECAP_PT) |
	       bit_if(c->snoop_control, VTD_ECAP_SC) |
	       (uint64_t)(c->iotlb_offset / 16) << VTD_ECAP_IRO_SHIFT;
}

/* Address bits of an entry that no physical address has. */
static uint64_t beyond_host(const struct vtd_config *c)
{
	return c->host_bits == 52 ? 0 : VTD_SPAN(51, c->host_bits);
}

uint64_t vtd_config_leaf_rsvd(const struct vtd_config *c, unsigned level)
{
	uint64_t rsvd = beyond_host(c);

	if (!c->snoop_control)
		rsvd |= VTD_PTE_SNP;
	if (!c->device_tlb)
		rsvd |= VTD_PTE_TM;
	if (level > 1)
		rsvd |= VTD_SPAN(vtd_level_shift(level) - 1, VTD_PAGE_SHIFT);
	if ((level == 2 && !c->pages_2m) || (level == 3 && !c->pages_1g))
		rsvd |= VTD_PTE_PS;
	return rsvd;
}

uint64_t vtd_config_table_rsvd(const struct vtd_config *c, unsigned level)
{
	/* In levels 2 and 3, PS makes a leaf of the entry, which is judged as one. */
	return beyond_host(c) | VTD_PTE_SNP | VTD_PTE_TM | (level > 3 ? VTD_PTE_PS : 0);
}
