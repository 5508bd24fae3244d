// SPDX-License-Identifier: MIT
/*
 * See pri.h.
 *
 * Decided here: Reset works only while the interface is off, as the specification has it, and then
 * forgets every group; Allocation is cut to the capacity; a response with a reserved code counts as
 * a failure; accesses of 2 and 4 bytes, aligned.
 */
#include "hw/pri.h"

#include <errno.h>
#include <string.h>

#define VERSION 1u

static bool is_closed(const struct pri *p, unsigned index)
{
	return (p->closed[index / 64] >> index % 64 & 1) != 0;
}

static void settle(struct pri *p)
{
	const bool stopped = (p->control & PRI_CTRL_ENABLE) == 0 && p->outstanding == 0;

	p->status =
		(uint16_t)((p->status & ~PRI_STATUS_STOPPED) | (stopped ? PRI_STATUS_STOPPED : 0));
}

void pri_init(struct pri *p, uint32_t capacity)
{
	*p = (struct pri){.capacity = capacity};
	settle(p);
}

void pri_reset(struct pri *p)
{
	pri_init(p, p->capacity);
}

uint32_t pri_config_read(const struct pri *p, uint32_t offset, unsigned width)
{
	const uint32_t words[] = {PRI_CAP_ID | VERSION << 16,
				  p->control | (uint32_t)p->status << 16, p->capacity,
				  p->allocation};
	uint32_t value;

	if ((width != 2 && width != 4) || offset % width != 0 || offset >= sizeof(words))
		return 0;
	value = words[offset / 4] >> 8 * (offset % 4);
	return width == 4 ? value : value & 0xFFFF;
}

static void write_control(struct pri *p, uint16_t value)
{
	if ((value & PRI_CTRL_RESET) != 0 && (value & PRI_CTRL_ENABLE) == 0 &&
	    (p->control & PRI_CTRL_ENABLE) == 0) {
		memset(p->requests, 0, sizeof(p->requests));
		memset(p->closed, 0, sizeof(p->closed));
		p->outstanding = 0;
	}
	p->control = value & PRI_CTRL_ENABLE;
}

static void write_status(struct pri *p, uint16_t value)
{
	p->status = (uint16_t)(p->status & ~(value & (PRI_STATUS_FAILURE | PRI_STATUS_UNEXPECTED)));
}

void pri_config_write(struct pri *p, uint32_t offset, uint32_t value, unsigned width)
{
	if (width != 2 && width != 4)
		return;
	if (offset == PRI_CONTROL)
		write_control(p, (uint16_t)value);
	if (offset == PRI_CONTROL && width == 4)
		write_status(p, (uint16_t)(value >> 16));
	if (offset == PRI_STATUS && width == 2)
		write_status(p, (uint16_t)value);
	if (offset == PRI_ALLOCATION && width == 4)
		p->allocation = value < p->capacity ? value : p->capacity;
	settle(p);
}

int pri_ask(struct pri *p, uint64_t address, unsigned index, uint64_t flags, uint64_t *request)
{
	if ((p->control & PRI_CTRL_ENABLE) == 0)
		return -ESHUTDOWN;
	if (index >= PRI_GROUPS || is_closed(p, index) ||
	    (flags & (PRI_REQUEST_R | PRI_REQUEST_W)) == 0)
		return -EINVAL;
	if (p->outstanding >= p->allocation)
		return -EBUSY;
	p->outstanding++;
	p->requests[index]++;
	if ((flags & PRI_REQUEST_L) != 0)
		p->closed[index / 64] |= UINT64_C(1) << index % 64;
	*request = pri_request(address, index,
			       flags & (PRI_REQUEST_R | PRI_REQUEST_W | PRI_REQUEST_L));
	return 0;
}

int pri_response(struct pri *p, unsigned index, unsigned code)
{
	int ret = 0;

	if (index >= PRI_GROUPS || !is_closed(p, index)) {
		p->status |= PRI_STATUS_UNEXPECTED;
		ret = -ENOENT;
	} else {
		p->outstanding -= p->requests[index];
		p->requests[index] = 0;
		p->closed[index / 64] &= ~(UINT64_C(1) << index % 64);
	}
	if (code != PRI_SUCCESS && code != PRI_INVALID) {
		p->status |= PRI_STATUS_FAILURE;
		p->control &= (uint16_t)~PRI_CTRL_ENABLE;
	}
	settle(p);
	return ret;
}

bool pri_check(const struct pri *p)
{
	const bool stopped = (p->status & PRI_STATUS_STOPPED) != 0;
	uint32_t sum = 0;

	for (unsigned i = 0; i < PRI_GROUPS; i++) {
		sum += p->requests[i];
		if (is_closed(p, i) && p->requests[i] == 0)
			return false;
	}
	return sum == p->outstanding && p->allocation <= p->capacity &&
	       stopped == ((p->control & PRI_CTRL_ENABLE) == 0 && sum == 0);
}
