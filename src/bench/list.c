/* SPDX-License-Identifier: MIT */
/* See list.h. */
#include "bench/list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/iotlb.h"
#include "bench/map.h"
#include "bench/outside.h"
#include "bench/traffic.h"
#include "dma/iova/iova.h"
#include "hw/iotlb.h"
#include "iotoll/dma.h"

/* What may be asked of a group. */
enum {
	ASK_IOMMU = 1,
	ASK_STRATEGY = 2,
	ASK_ALLOCATOR = 4,
	ASK_POLICY = 8,
	ASK_PATTERN = 16,
	ASK_THREADS = 32,
	ASK_PAGES = 64,
	ASK_OUTSTANDING = 128,
	ASK_ENTRIES = 256,
	ASK_LOCKS = 512,
};

static int add_strategies(struct row_list *list);
static int add_allocators(struct row_list *list);
static int add_policies(struct row_list *list);

static const struct group {
	const char *name, *title;
	const struct row *rows;
	int (*more)(struct row_list *list); /* rows of a registry */
	unsigned asks;
} groups[] = {
	{"map", "map and unmap through the DMA API", map_rows, add_strategies,
	 ASK_IOMMU | ASK_STRATEGY | ASK_ALLOCATOR | ASK_PATTERN | ASK_THREADS | ASK_PAGES |
		 ASK_LOCKS | ASK_OUTSTANDING},
	{"iova", "I/O address allocators by themselves", iova_rows, add_allocators,
	 ASK_ALLOCATOR | ASK_LOCKS | ASK_PATTERN | ASK_THREADS | ASK_PAGES | ASK_OUTSTANDING},
	{"translate", "hits and walks of each IOMMU", translate_rows, NULL,
	 ASK_IOMMU | ASK_THREADS | ASK_ENTRIES},
	{"invalidate", "VT-d's invalidations", invalidate_rows, NULL, ASK_ENTRIES},
	{"iotlb", "the IOTLB by itself, and miss ratios", iotlb_rows, add_policies,
	 ASK_POLICY | ASK_ENTRIES},
	{"sim", "speed of the laboratory", NULL, NULL, 0},
	{"all", "all of these", NULL, NULL, 0},
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

const char *bench_groups(unsigned index, const char **title)
{
	if (index >= GROUPS)
		return NULL;
	if (title)
		*title = groups[index].title;
	return groups[index].name;
}

static int add(struct row_list *list, const struct row *row)
{
	if (list->rows == list->room) {
		const unsigned room = list->room ? 2 * list->room : 64;
		struct row *more = realloc(list->row, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		list->row = more;
		list->room = room;
	}
	list->row[list->rows++] = *row;
	return 0;
}

/* A text that lives as long as the list; NULL: no memory. */
static const char *keep(struct row_list *list, const char *before, const char *name)
{
	const size_t bytes = strlen(before) + strlen(name) + 1;
	char **more = realloc(list->text, (list->texts + 1) * sizeof(*more));
	char *text = malloc(bytes);

	if (more)
		list->text = more;
	if (!more || !text) {
		free(text);
		return NULL;
	}
	snprintf(text, bytes, "%s%s", before, name);
	list->text[list->texts++] = text;
	return text;
}

static int add_named(struct row_list *list, struct row row, const char *before, const char *name)
{
	row.name = keep(list, before, name);
	return row.name ? add(list, &row) : -ENOMEM;
}

/* Each over VT-d, with an allocator that will do. */
static int add_strategies(struct row_list *list)
{
	static const char *const allocators[] = {"magazines", "next-fit"};
	const char *name, *title;
	int rc = 0;

	for (unsigned i = 0; !rc && (name = iotoll_dma_strategy_name(i, &title)); i++) {
		struct iotoll_dma_config config = {.driver = "vtd", .strategy = name};
		struct row row = {.group = "map",
				  .what = title,
				  .subject = &map_subject,
				  .setup = {.iommu = "vtd",
					    .strategy = name,
					    .threads = 1,
					    .pages = 1,
					    .outstanding = 256}};

		for (unsigned a = 0; a < 2; a++) {
			config.allocator = row.setup.allocator = allocators[a];
			if (!iotoll_dma_config_check(&config, NULL, 0))
				break;
		}
		rc = add_named(list, row, "map.strategy.", name);
	}
	return rc;
}

static int add_allocators(struct row_list *list)
{
	int rc = 0;

	for (unsigned i = 0; !rc && iova_allocators[i]; i++) {
		struct row row = iova_rows[0];

		row.what = iova_allocators[i]->title;
		row.target = 0;
		row.setup.allocator = iova_allocators[i]->name;
		memset(row.rival, 0, sizeof(row.rival));
		rc = add_named(list, row, "iova.allocator.", row.setup.allocator);
	}
	return rc;
}

static int add_policies(struct row_list *list)
{
	static const struct {
		const char *what, *title;
		const struct subject *subject;
	} kinds[] = {
		{"hit.", "hit, 64 sets of 8", &iotlb_hits},
		{"miss.", "miss, 64 sets of 8", &iotlb_misses},
		{"insert.", "insertion that evicts, 64 sets of 8", &iotlb_inserts},
	};
	int rc = 0;

	for (unsigned i = 0; iotlb_policies[i]; i++)
		for (unsigned k = 0; !rc && k < 3; k++) {
			const struct row row = {.group = "iotlb",
						.what = kinds[k].title,
						.subject = kinds[k].subject,
						.setup = {.entries = 512,
							  .ways = 8,
							  .policy = iotlb_policies[i]->name}};
			char before[32];

			snprintf(before, sizeof(before), "iotlb.%s", kinds[k].what);
			rc = add_named(list, row, before, row.setup.policy);
		}
	return rc;
}

static unsigned asked(const struct bench_setup *s)
{
	return (s->iommu ? ASK_IOMMU : 0u) | (s->strategy ? ASK_STRATEGY : 0u) |
	       (s->allocator ? ASK_ALLOCATOR : 0u) | (s->policy ? ASK_POLICY : 0u) |
	       (s->pattern ? ASK_PATTERN : 0u) | (s->threads ? ASK_THREADS : 0u) |
	       (s->pages ? ASK_PAGES : 0u) | (s->outstanding ? ASK_OUTSTANDING : 0u) |
	       (s->entries || s->ways ? ASK_ENTRIES : 0u) | (s->locks ? ASK_LOCKS : 0u);
}

static int check_asked(const struct group *g, const struct bench_setup *s, struct err *err)
{
	static const char *const words[] = {"--iommu",  "--strategy",    "--allocator",
					    "--policy", "--pattern",     "--threads",
					    "--pages",  "--outstanding", "--entries and --ways",
					    "--locks"};
	const unsigned left = asked(s) & ~g->asks;

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (left & 1u << i)
			return err_set(err, -EINVAL, "bench %s: %s means nothing to it", g->name,
				       words[i]);
	return 0;
}

/* The one row that was asked for: the group's first, with no target but with its rivals. */
static int add_asked(struct row_list *list, const struct group *g, const struct bench_setup *s)
{
	struct row row = g->rows[0];

	if (g->rows == iotlb_rows) {
		row.subject = &iotlb_hits;
		row.rate = false;
		row.variant = NULL;
		row.what = "bare IOTLB, hit";
	}
	if (g->rows == translate_rows && s->threads > 1) {
		row.subject = &traffic_devices_alone;
		row.setup = (struct bench_setup){.iommu = "vtd",
						 .strategy = "strict",
						 .allocator = "magazines",
						 .entries = 512,
						 .ways = 4,
						 .pages = 1,
						 .outstanding = 1};
		row.what = "hit, pages that stay mapped";
	}
	/* A row's rivals are those of its ordinary allocator and model. */
	if (s->allocator || row.subject == &traffic_devices_alone)
		memset(row.rival, 0, sizeof(row.rival));
	row.name = g->name;
	row.target = 0;
	row.flat = 0;
	return add(list, &row);
}

static int add_group(struct row_list *list, const struct group *g,
		     const struct bench_options *options)
{
	int rc = 0;

	for (unsigned i = 0; !strcmp(g->name, "sim") && i < options->outside_rows && !rc; i++) {
		const struct row row = outside_row(&options->outside[i]);

		rc = add(list, &row);
	}
	for (const struct row *row = g->rows; row && row->name && !rc; row++)
		rc = add(list, row);
	return !rc && g->more ? g->more(list) : rc;
}

/* Rows with targets first, otherwise in their order. */
static int targets_first(struct row_list *list)
{
	struct row *sorted = calloc(list->rows ? list->rows : 1, sizeof(*sorted));
	unsigned n = 0;

	if (!sorted)
		return -ENOMEM;
	for (unsigned pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < list->rows; i++)
			if ((list->row[i].target > 0) == (pass == 0))
				sorted[n++] = list->row[i];
	free(list->row);
	list->row = sorted;
	list->room = list->rows;
	return 0;
}

int row_list_init(struct row_list *list, const struct bench_options *options, struct err *err)
{
	const bool all = !strcmp(options->group, "all");
	const struct group *named = NULL;
	int rc;

	*list = (struct row_list){.row = NULL};
	for (unsigned i = 0; i < GROUPS; i++)
		if (!strcmp(groups[i].name, options->group))
			named = &groups[i];
	if (!named)
		return err_set(err, -EINVAL, "bench: there is no group '%s'", options->group);
	rc = check_asked(named, &options->setup, err);
	if (!rc && asked(&options->setup))
		return add_asked(list, named, &options->setup);
	for (unsigned i = 0; i < GROUPS && !rc; i++)
		if (all || &groups[i] == named)
			rc = add_group(list, &groups[i], options);
	return rc ? rc : targets_first(list);
}

void row_list_fini(struct row_list *list)
{
	for (unsigned i = 0; i < list->texts; i++)
		free(list->text[i]);
	free(list->text);
	free(list->row);
}
