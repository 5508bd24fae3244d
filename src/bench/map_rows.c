/* SPDX-License-Identifier: MIT */
/*
 * What is measured of the DMA API: a page, many pages, a page while a device translates, and the
 * same request with every IOMMU. Strategies come besides: see list.c.
 */
#include "bench/footprint.h"
#include "bench/map.h"
#include "bench/traffic.h"

#define MODERN .iommu = "vtd", .allocator = "magazines", .pages = 1, .outstanding = 256
#define CYCLE(i, w, a)                                                                      \
	{                                                                                   \
		.name = "map.cycle." i, .group = "map", .what = w, .subject = &map_subject, \
		.setup = {                                                                  \
			.iommu = (i),                                                       \
			.strategy = "strict",                                               \
			.allocator = (a),                                                   \
			.threads = 1,                                                       \
			.pages = 1,                                                         \
			.outstanding = 256                                                  \
		}                                                                           \
	}

const struct row map_rows[] = {
	{.name = "map.page",
	 .group = "map",
	 .what = "map and unmap a page, entry written and cleared, flushed for later",
	 .subject = &map_subject,
	 .setup = {MODERN, .strategy = "flush-queue", .threads = 1},
	 .target = 20,
	 .floor = "load-l2",
	 .rival = {BITMAP_AND_LOCK, TREE_AND_LOCK}},
	{.name = "map.page.2",
	 .group = "map",
	 .what = "the same, two threads of one domain, time of each",
	 .subject = &map_subject,
	 .setup = {MODERN, .strategy = "flush-queue", .threads = 2},
	 .floor = "load-l2",
	 .rival = {{.name = "one thread", .setup = {.threads = 1}},
		   BITMAP_AND_LOCK,
		   TREE_AND_LOCK}},
	{.name = "map.512",
	 .group = "map",
	 .what = "map and unmap 512 pages at a time",
	 .subject = &map_subject,
	 .setup = {.iommu = "vtd",
		   .allocator = "magazines",
		   .strategy = "flush-queue",
		   .threads = 1,
		   .pages = 512,
		   .outstanding = 16},
	 .target = 1,
	 .per_page = true,
	 .floor = "load-l1",
	 .rival = {BITMAP_AND_LOCK, TREE_AND_LOCK}},
	{.name = "map.strict.translated",
	 .group = "map",
	 .what = "strict map and unmap, invalidated each time, while a device translates",
	 .subject = &traffic_driver,
	 .setup = {MODERN, .strategy = "strict", .threads = 2, .entries = 512, .ways = 4},
	 .target = 60,
	 .floor = "transfer"},
	{.name = "map.memory",
	 .group = "map",
	 .what = "memory beside the table for a page mapped, of 262144",
	 .subject = &footprint,
	 .setup = {.iommu = "vtd",
		   .strategy = "flush-queue",
		   .allocator = "magazines",
		   .threads = 1,
		   .pages = 1},
	 .unit = "B/page",
	 .target = 16},
	CYCLE("vtd", "strict, VT-d: a page, its invalidation by the queue", "magazines"),
	CYCLE("amdvi", "strict, AMD-Vi: a page, its invalidation by command", "magazines"),
	CYCLE("calgary", "strict, Calgary: a page, and a flush", "next-fit"),
	CYCLE("dart-u4", "strict, DART: a page, and its invalidation", "next-fit"),
	CYCLE("riommu", "strict, rIOMMU: a ring's entry, and its invalidation", "next-fit"),
	{.name = NULL},
};
