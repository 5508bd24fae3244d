/* SPDX-License-Identifier: MIT */
/*
 * What stands between a machine and the host whose load is measured: nothing, or a hypervisor with
 * its domains.
 */
#ifndef IOTOLL_STUDY_PLATFORM_H
#define IOTOLL_STUDY_PLATFORM_H

#include "study/testbed.h"

#define PLATFORM_NIC 0x08 /* the NIC's requester id: device 1, function 0 */

/* @side's board runs the host itself: its rig, of @config. 0; rig_init()'s errors with @err. */
int platform_metal(struct testbed_side *side, const struct rig_config *config,
		   struct err *err) MUST_CHECK;
/*
 * A hypervisor on @side's board with the domains that @s asks for; side->machine is the one of the
 * load, which has the bus. 0; -EINVAL with @err for what cannot be built; -ENOMEM.
 */
int platform_hyper(struct testbed_side *side, const struct scenario *s,
		   const struct rig_config *config, struct err *err) MUST_CHECK;
extern const uint8_t platform_dom0_mac[6];

/*
 * Hosts for a load behind dom0: dom0's, with NIC, bridge and backend, and the load's as @config has
 * it but for the NIC, which is dom0's. 0; their errors with @err.
 */
int platform_behind_dom0(struct testbed_side *side, const struct scenario *s,
			 const struct host_config *config, struct err *err) MUST_CHECK;
/*
 * Array, adapter and drivers for a load on a disk, and hosts where the disk is dom0's and the load
 * is not: side->volume. @irq_cpu: of the load's kernel. 0; their errors with @err.
 */
int platform_disk(struct testbed_side *side, const struct scenario *s, unsigned irq_cpu,
		  struct err *err) MUST_CHECK;
/* All hosts of @side; its disk is gone. Allowed where there are none. */
void platform_destroy_hosts(struct testbed_side *side);
/* Take it down; hosts and devices are gone. Allowed on a zeroed side. */
void platform_destroy(struct testbed_side *side);

#endif
