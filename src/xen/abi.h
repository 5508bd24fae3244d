/* SPDX-License-Identifier: MIT */
/*
 * Xen's public interface, out of libxen-dev's headers, always with one interface version. Rooms
 * include this and no header of Xen's directly: the version must be the same in every file, and the
 * headers use the fixed-width types without including them. What is not in them is spec/xen.h.
 *
 * A guest handle's .p is a guest virtual address: never followed, see xen_guest_read().
 */
#ifndef IOTOLL_XEN_ABI_H
#define IOTOLL_XEN_ABI_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ 0x00040e00
#elif __XEN_INTERFACE_VERSION__ != 0x00040e00
#error "every file must see the same version of Xen's interface"
#endif

#include <xen/xen.h>
/* These two build on what xen.h defines. */
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sched.h>

#include "spec/xen.h"

#endif
