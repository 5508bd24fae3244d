// SPDX-License-Identifier: MIT
/*
 * Okabe and Ito's colours with lighter forms for dark ground, and which category of CPU time
 * wears which: protection's own work (map, unmap, flush, lock wait) in the warm colours, everything
 * a machine without an IOMMU does as well in cool ones and greys.
 */
#include "report/palette.h"

#include <string.h>

static const struct {
	const char *light, *dark;
} colours[] = {
	{"#0072b2", "#4ba3d9"}, /* 0 blue */
	{"#d55e00", "#f5813a"}, /* 1 vermilion */
	{"#009e73", "#33bd95"}, /* 2 bluish green */
	{"#cc79a7", "#dd95bd"}, /* 3 reddish purple */
	{"#e69f00", "#f0b43c"}, /* 4 orange */
	{"#56b4e9", "#8fd0f5"}, /* 5 sky blue */
	{"#333a44", "#dfe3e8"}, /* 6 ink, their black */
	{"#7d8590", "#98a1ac"}, /* 7 grey */
	{"#e3d32f", "#f0e66b"}, /* 8 yellow */
	{"#b6bcc5", "#69717c"}, /* 9 light grey */
	{"#d8dce1", "#474e58"}, /* 10 pale grey */
	{"#eef0f2", "#262b32"}, /* 11 the colour of nothing going on */
};

#define COLOURS (sizeof(colours) / sizeof(colours[0]))
#define LINES   8

static const struct {
	const char *name;
	unsigned colour;
} categories[] = {
	{"application", 0}, {"copy", 5},        {"tcp_stack", 2},  {"driver", 7},
	{"interrupt", 9},   {"map", 1},         {"unmap", 4},      {"flush", 3},
	{"lock_wait", 8},   {"mode_switch", 6}, {"scheduler", 10}, {"idle", 11},
};

unsigned palette_line(size_t n)
{
	return (unsigned)(n % LINES);
}

/* "TCP stack", "tcp-stack" and "tcp_stack" are one category. */
static int same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		char x = *a == ' ' || *a == '-' ? '_' : *a;

		if (x >= 'A' && x <= 'Z')
			x = (char)(x - 'A' + 'a');
		if (x != *b)
			return 0;
	}
	return *a == *b;
}

unsigned palette_category(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(categories) / sizeof(categories[0]); i++)
		if (same_name(name, categories[i].name))
			return categories[i].colour;
	return (unsigned)(n % COLOURS);
}

const char *palette_light(unsigned index)
{
	return colours[index % COLOURS].light;
}

void palette_dark_css(FILE *out)
{
	fputs("@media screen and (prefers-color-scheme:dark){"
	      ".v-ink{fill:#e8eaed}.v-mut{fill:#a3abb5}.v-grid{stroke:#2b3138}"
	      ".v-axis{stroke:#6d7580}.v-paper{fill:#15181c}.v-halo{stroke:#15181c}",
	      out);
	for (unsigned i = 0; i < COLOURS; i++)
		fprintf(out, ".v-s%u{stroke:%s}.v-f%u{fill:%s}", i, colours[i].dark, i,
			colours[i].dark);
	fputs("}\n", out);
}
