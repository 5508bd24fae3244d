// SPDX-License-Identifier: MIT
/*
 * The registry of replacement policies: a new one is one file and one row here.
 */
#include <stdio.h>
#include <string.h>

#include "hw/policy.h"

const struct iotlb_policy *const iotlb_policies[] = {
	&policy_lru,   &policy_fifo,  &policy_random, &policy_tree_plru, &policy_clock, &policy_nru,
	&policy_srrip, &policy_brrip, &policy_lfu,    &policy_s3fifo,    NULL,
};

size_t policy_word_per_way(unsigned ways)
{
	return ways;
}

unsigned policy_smallest(uint64_t *state, unsigned ways, uint64_t random)
{
	unsigned smallest = 0;

	(void)random;
	for (unsigned way = 1; way < ways; way++)
		if (state[way] < state[smallest])
			smallest = way;
	return smallest;
}

bool policy_stamps_past(const uint64_t *state, unsigned ways, uint64_t clock)
{
	for (unsigned way = 0; way < ways; way++)
		if (state[way] > clock)
			return false;
	return true;
}

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
