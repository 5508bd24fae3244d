// SPDX-License-Identifier: MIT
/*
 * The registry of replacement policies: a new one is one file and one row here.
 */
#include <stdio.h>
#include <string.h>

#include "hw/policy.h"

const struct iotlb_policy *const iotlb_policies[] = {
	&policy_lru,
	&policy_fifo,
	&policy_random,
	NULL,
};

const struct iotlb_policy *policy_find(const char *name)
{
	for (size_t i = 0; iotlb_policies[i] != NULL; i++)
		if (strcmp(iotlb_policies[i]->name, name) == 0)
			return iotlb_policies[i];
	return NULL;
}

void policy_names(char *to, size_t bytes)
{
	size_t used = 0;

	to[0] = '\0';
	for (size_t i = 0; iotlb_policies[i] != NULL && used < bytes; i++)
		used += (size_t)snprintf(to + used, bytes - used, "%s%s", i != 0 ? ", " : "",
					 iotlb_policies[i]->name);
}
