// SPDX-License-Identifier: MIT
/* What to take from the replays of what_if.h, in sentences: the load, its price, its exposure. */
#include <math.h>
#include <string.h>

#include "study/study.h"
#include "study/what_if.h"

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static json_t *directions(const json_t *load)
{
	const double from = result_number(load, "from_device_percent");
	const double to = result_number(load, "to_device_percent");

	if (!isfinite(from) || !isfinite(to))
		return json_string("their directions are not recorded");
	if (from + to < 100)
		return json_sprintf("%.0f %% for the device to write, %.0f %% for it to read, the "
				    "rest both ways",
				    from, to);
	return json_sprintf("%.0f %% for the device to write, %.0f %% for it to read", from, to);
}

static json_t *load_words(const json_t *device)
{
	const json_t *load = json_object_get(device, "load");
	const double asked = result_number(load, "asked_bytes_mean");
	const double rate = result_number(load, "maps_per_s");
	json_t *dir = directions(load), *o;
	json_t *sizes = isfinite(asked) ? json_sprintf("%.0f bytes each on average", asked)
					: json_string("of bytes that are not recorded");
	json_t *rates =
		isfinite(rate) ? json_sprintf(", %.0f maps a second", rate) : json_string("");

	o = json_sprintf("%s: %.0f maps and %.0f unmaps in %.3f s%s, of %.2f pages, %s; %s.",
			 text(device, "name"), result_number(load, "maps"),
			 result_number(load, "unmaps"), result_number(load, "span_s"),
			 json_string_value(rates),
			 isfinite(result_number(load, "pages_per_map"))
				 ? result_number(load, "pages_per_map")
				 : 0,
			 json_string_value(sizes), json_string_value(dir));
	json_decref(rates);
	json_decref(sizes);
	json_decref(dir);
	return o;
}

/* What one pays; the time an invalidation takes is within. */
static json_t *price_words(const json_t *row)
{
	const double cpu = result_number(row, "price.cpu_percent");
	const double rate = result_number(row, "price.pairs_per_s");
	json_t *share = json_string("");

	if (isfinite(cpu)) {
		json_decref(share);
		share = json_sprintf(", %.2f %% of one CPU at the recorded rate", cpu);
	} else if (isfinite(rate)) {
		json_decref(share);
		share = json_sprintf(", at most %.0f pairs a second", rate);
	}
	const double failed = result_number(row, "map_failures");
	json_t *without = failed > 0 ? json_sprintf(" (maps that failed here: %.0f)", failed)
				     : json_string("");
	json_t *o = json_sprintf("costs %.2f us for a map and an unmap, %.2f of them for "
				 "invalidations%s%s",
				 result_number(row, "price.us_per_pair"),
				 result_number(row, "price.flush_us_per_unmap"),
				 json_string_value(share), json_string_value(without));

	json_decref(share);
	json_decref(without);
	return o;
}

static json_t *safety_words(const json_t *row)
{
	const json_t *s = json_object_get(row, "safety");
	const double mean = result_number(s, "stale_us_mean");

	if (json_is_true(json_object_get(s, "untranslated")))
		return json_sprintf("all of memory, %.0f MiB, is in the device's reach",
				    result_number(s, "unasked_bytes_mean") / 1048576);
	if (result_number(s, "stale_pages") == 0)
		return json_string("nothing that was unmapped is in the device's reach");
	if (!isfinite(mean))
		return json_sprintf("%.0f unmapped pages stay in the device's reach to the end",
				    result_number(s, "open_pages"));
	return json_sprintf("%.0f unmapped pages stay in the device's reach, %.0f us on average "
			    "and %.0f us at worst, %.4f page-seconds in all",
			    result_number(s, "stale_pages"), mean, result_number(s, "stale_us_max"),
			    result_number(s, "stale_page_seconds"));
}

static json_t *row_words(const json_t *row)
{
	json_t *price = price_words(row), *safety = safety_words(row);
	json_t *o = json_sprintf("%s (%s) on %s %s; %s.", text(row, "kernel"), text(row, "name"),
				 text(row, "iommu"), json_string_value(price),
				 json_string_value(safety));

	json_decref(price);
	json_decref(safety);
	return o;
}

/* What a page grants beyond what was asked for: not the invalidation's affair. */
static json_t *beyond_words(const json_t *row)
{
	return json_sprintf("With it %.0f KiB around live buffers, on average, are mapped that "
			    "nobody asked for.",
			    result_number(row, "safety.excess_bytes_mean") / 1024);
}

json_t *what_if_words(const json_t *device)
{
	json_t *words = json_array(), *row;
	const bool sized = isfinite(result_number(device, "load.asked_bytes_mean"));
	size_t i;

	json_array_append_new(words, load_words(device));
	json_array_foreach(json_object_get(device, "rows"), i, row)
	{
		if (!*text(row, "kernel") || !json_is_true(json_object_get(row, "applies")))
			continue;
		json_array_append_new(words, row_words(row));
		if (!strcmp(text(row, "name"), "strict") && sized)
			json_array_append_new(words, beyond_words(row));
	}
	return words;
}
