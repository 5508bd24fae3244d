/* SPDX-License-Identifier: MIT */
/* The scheduling policies by name. */
#include "xen/schedulers.h"

#include <errno.h>
#include <string.h>

const struct gate_ops *const sched_policies[] = {&sched_pinned, &sched_credit, NULL};

const struct gate_ops *sched_find(const char *name, struct err *err)
{
	for (size_t i = 0; sched_policies[i]; i++)
		if (!strcmp(sched_policies[i]->name, name))
			return sched_policies[i];
	err_set(err, -EINVAL, "'%s': expected pinned or credit", name);
	return NULL;
}
