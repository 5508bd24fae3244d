// SPDX-License-Identifier: MIT
/* Which geometries an IOTLB may have. */
#include <errno.h>
#include <string.h>

#include "hw/iotlb.h"
#include "hw/policy.h"

static bool power_of_two(unsigned n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static int check_sets(const struct iotlb_config *c, const char **field, struct err *err)
{
	*field = "ways";
	if (c->ways > c->entries || (c->ways != 0 && c->entries % c->ways != 0))
		return err_set(err, -EINVAL,
			       "iotlb ways %u: expected 0 (fully associative) or a divisor of the "
			       "%u entries",
			       c->ways, c->entries);
	*field = "entries";
	if (c->ways != 0 && !power_of_two(c->entries / c->ways))
		return err_set(err, -EINVAL,
			       "iotlb entries %u in %u ways make %u sets: expected a power of two",
			       c->entries, c->ways, c->entries / c->ways);
	*field = "line_pages";
	if (!power_of_two(c->line_pages) || c->line_pages > IOTLB_MAX_LINE_PAGES)
		return err_set(err, -EINVAL, "iotlb line_pages %u: expected 1, 2, 4, 8 or 16",
			       c->line_pages);
	*field = "partitions";
	if (c->partitions > 1 &&
	    (!power_of_two(c->partitions) ||
	     c->partitions > c->entries / (c->ways != 0 ? c->ways : c->entries)))
		return err_set(err, -EINVAL,
			       "iotlb partitions %u: expected a power of two up to the %u sets",
			       c->partitions, c->entries / (c->ways != 0 ? c->ways : c->entries));
	return 0;
}

int iotlb_config_check(const struct iotlb_config *c, const char **field, struct err *err)
{
	char names[200];
	int ret;

	*field = "entries";
	if (c->entries > IOTLB_MAX_ENTRIES)
		return err_set(err, -EINVAL, "iotlb entries %u: expected 0..%u", c->entries,
			       IOTLB_MAX_ENTRIES);
	if (c->entries == 0)
		return 0;
	ret = check_sets(c, field, err);
	if (ret != 0)
		return ret;
	*field = iotlb_index_name(c->index, NULL) == NULL ? "index" : "prefetch";
	if (iotlb_index_name(c->index, NULL) == NULL ||
	    iotlb_prefetch_name(c->prefetch, NULL) == NULL)
		return err_set(err, -EINVAL, "iotlb index %u, prefetch %u: expected a known one",
			       (unsigned)c->index, (unsigned)c->prefetch);
	*field = "policy";
	if (memchr(c->policy, '\0', sizeof(c->policy)) != NULL && policy_find(c->policy) != NULL)
		return 0;
	policy_names(names, sizeof(names));
	return err_set(err, -EINVAL, "iotlb policy '%.*s': expected one of %s",
		       (int)sizeof(c->policy), c->policy, names);
}
