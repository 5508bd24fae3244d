/* SPDX-License-Identifier: MIT */
/*
 * A device's side of the Page Request Interface (PCI Express Base Specification, "Page Request
 * Services"): its capability's registers, the credit that software allots, and which groups of
 * requests are not yet answered. It sends nothing by itself. Not thread safe; allocates nothing.
 */
#ifndef IOTOLL_HW_PRI_H
#define IOTOLL_HW_PRI_H

#include "hw/ats.h"

struct pri {
	uint16_t control, status;
	uint32_t capacity, allocation;
	uint32_t outstanding;             /* requests sent whose group is not answered */
	uint32_t requests[PRI_GROUPS];    /* of them, by group */
	uint64_t closed[PRI_GROUPS / 64]; /* groups whose last request was sent */
};

/* As after a reset, able to have @capacity requests outstanding. */
void pri_init(struct pri *p, uint32_t capacity);
/* Function level reset. */
void pri_reset(struct pri *p);

/* The capability's registers, @offset from its header; @width 2 or 4, aligned. Others read 0. */
uint32_t pri_config_read(const struct pri *p, uint32_t offset, unsigned width);
void pri_config_write(struct pri *p, uint32_t offset, uint32_t value, unsigned width);

/*
 * Ask for the page at @address in group @index, with @flags of PRI_REQUEST_R, _W and _L. 0 with the
 * message to send in *@request; -ESHUTDOWN while switched off; -EBUSY without credit; -EINVAL if
 * nothing is asked for, or the group's last request was sent already and is not answered.
 */
int pri_ask(struct pri *p, uint64_t address, unsigned index, uint64_t flags,
	    uint64_t *request) MUST_CHECK;
/*
 * A PRG Response. 0: its group may be asked for again, a success to be followed by a translation
 * request. -ENOENT for a group that awaits none: noted in the status register. A failure switches
 * the interface off.
 */
int pri_response(struct pri *p, unsigned index, unsigned code);
/* Recompute every invariant; false if one is broken. For tests. */
bool pri_check(const struct pri *p);

#endif
