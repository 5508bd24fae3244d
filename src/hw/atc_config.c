// SPDX-License-Identifier: MIT
/*
 * The ATS capability in configuration space (PCI Express Base Specification, "ATS Extended
 * Capability"): header, capability and control register, little-endian, and what switching does.
 *
 * Decided here: accesses of 2 and 4 bytes, aligned; others read 0 and write nothing. A write that
 * switches on takes its STU; one that leaves it on does not. Global Invalidate concerns PASIDs, of
 * which there are none: its bit reads 0.
 */
#include "hw/atc_impl.h"

#define VERSION 1u

static uint32_t header(void)
{
	return ATS_CAP_ID | VERSION << 16; /* no capability follows */
}

static uint16_t capability(const struct atc *a)
{
	return (uint16_t)(ats_depth_code(a->config.depth) |
			  (a->config.page_aligned ? ATS_CAP_PAGE_ALIGNED : 0));
}

uint32_t atc_config_read(const struct atc *a, uint32_t offset, unsigned width)
{
	const uint32_t both = capability(a) | (uint32_t)a->control << 16;
	uint32_t value;

	if ((width != 2 && width != 4) || offset % width != 0 || offset >= 8)
		return 0;
	value = (offset < 4 ? header() : both) >> 8 * (offset % 4);
	return width == 4 ? value : value & 0xFFFF;
}

static void set_control(struct atc *a, uint16_t value)
{
	const bool was = (a->control & ATS_CTRL_ENABLE) != 0;
	const bool on = (value & ATS_CTRL_ENABLE) != 0;

	if (!was)
		a->control = (uint16_t)((a->control & ~ATS_CTRL_STU) | (value & ATS_CTRL_STU));
	a->control = (uint16_t)((a->control & ~ATS_CTRL_ENABLE) | (on ? ATS_CTRL_ENABLE : 0));
	if (was == on)
		return;
	a->refused = false;
	atc_drop_all(a);
}

void atc_config_write(struct atc *a, uint32_t offset, uint32_t value, unsigned width)
{
	if (width == 2 && offset == ATS_CONTROL)
		set_control(a, (uint16_t)value);
	else if (width == 4 && offset == ATS_CAPABILITY)
		set_control(a, (uint16_t)(value >> 16));
}

bool atc_enabled(const struct atc *a)
{
	return (a->control & ATS_CTRL_ENABLE) != 0 && !a->refused;
}

void atc_reset(struct atc *a)
{
	a->control = 0;
	a->refused = false;
	atc_drop_all(a);
	for (unsigned i = 0; i < ATS_TAGS; i++) {
		a->tag[i].busy = false;
		a->tag[i].waits = 0;
	}
	a->ready = 0;
	for (struct atc_access *x = a->accesses; x != NULL; x = x->next)
		x->holds = 0;
}
