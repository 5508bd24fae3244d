/* SPDX-License-Identifier: MIT */
/*
 * Capture files that tcpdump and Wireshark read: classic pcap with nanosecond timestamps (magic
 * 0xa1b23c4d), link type Ethernet, whole frames without FCS, little-endian. The file is written
 * under PATH.partial and gets its name when it is closed, so an interrupted run leaves no file
 * that looks complete. What is no regular file (a device, a FIFO) or is standard output is written
 * to as it stands; a symbolic link stays, its target is replaced.
 */
#ifndef IOTOLL_DEV_PCAP_H
#define IOTOLL_DEV_PCAP_H

#include "base/err.h"
#include "sim/time.h"

#include <stddef.h>
#include <stdint.h>

struct pcap;

/* 0 and *@out, -ENOMEM, -EISDIR, or the negative errno of opening or writing, with @err. */
int pcap_create(struct pcap **out, const char *path, struct err *err) MUST_CHECK;
/*
 * Append a frame seen at @at (virtual time since the epoch of the file). The first error sticks:
 * it is returned from here on and again by pcap_close().
 */
int pcap_write(struct pcap *pcap, sim_time at, const void *frame, size_t bytes);
/* Finish, sync and rename, and free @pcap in any case. 0, or the first error (no file is left). */
int pcap_close(struct pcap *pcap, struct err *err) MUST_CHECK;
/* Give up: remove the partial file and free @pcap. NULL is allowed. */
void pcap_abandon(struct pcap *pcap);

#endif
