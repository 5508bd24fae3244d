/* SPDX-License-Identifier: MIT */
/*
 * A profile out of what was measured, and of a documented machine's for the rest. Every value says
 * which of the two it is: "Measured here" with how, or "Taken from" with what the other profile
 * says of it. The grammar is that of profiles/README.md; percentiles are the range of a measured
 * value, which informs and is never used.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/quantity.h"
#include "base/utf8.h"
#include "calibrate/calibrate_impl.h"
#include "sim/profile.h"

#define COLUMNS    100u
#define LINE_BYTES 64.0 /* of a cache */
#define SOURCE     620u /* bytes: profile_row.source holds a few more */
#define MOST_CPUS  16u  /* of the laboratory */
#define GIB        (UINT64_C(1) << 30)
#define MOST_GIB   16u /* nothing measured depends on it, and every GiB costs a run's host */
#define KIB        1024u

/* One value as it will stand in the file. */
struct value {
	bool given;
	char text[160]; /* "1.5 ns | measured 1.4..1.7" */
	char source[640];
};

struct writing {
	FILE *out;
	const struct calibration *c;
	const char *base;
	char section[32];
};

static const struct {
	const char *key;
	enum host_quantity from;
	bool rate; /* bytes a nanosecond, of which the profile has the time of a line */
	const char *note;
} host_keys[] = {
	{"memory.dram_miss", HOST_LOAD_DRAM, false, ""},
	{"memory.line_transfer", HOST_TRANSFER, false, ""},
	{"memory.cache_hit", HOST_LOAD_L2, false,
	 "; the laboratory's caches have one level, for which the middle one of three stands"},
	{"memory.copy_cold", HOST_COLD_1500, true, "; time of 64 bytes"},
	{"memory.copy_warm", HOST_WARM_1500, true, "; time of 64 bytes"},
	{"memory.clflush", HOST_FLUSH, false, ""},
	{"cpu.locked_rmw", HOST_ATOMIC, false, ""},
	{"cpu.syscall", HOST_SYSCALL, false, ""},
	{"cpu.context_switch", HOST_SWITCH, false, ""},
};

static const char *const step_keys[CALIBRATE_STEPS] = {
	[STEP_CALL] = "iommu.dma_call",
	[STEP_WORD] = "iommu.bitmap_word",
	[STEP_ENTRY] = "iommu.tce_store",
};

#define HOST_KEYS (sizeof(host_keys) / sizeof(host_keys[0]))

const char *calibrate_host_key(enum host_quantity which)
{
	for (size_t i = 0; i < HOST_KEYS; i++)
		if (host_keys[i].from == which)
			return host_keys[i].key;
	return which == HOST_CLOCK ? "machine.clock" : NULL;
}

const char *calibrate_step_key(enum calibrate_step which)
{
	return step_keys[which];
}

const char *calibrate_nearest(const struct calibration *c)
{
	return strstr(c->cpu, "AMD") ? "epyc-7742-2019" : "icelake-2021";
}

/* ---- values ---- */

/* Nanoseconds with as many decimals as there are picoseconds. */
static void put_ns(char *to, size_t bytes, double ns)
{
	const unsigned long long ps = (unsigned long long)(ns * 1e3 + 0.5);

	snprintf(to, bytes, "%llu.%03llu", ps / 1000, ps % 1000);
}

static void source(struct value *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void source(struct value *v, const char *fmt, ...)
{
	char text[2048];
	va_list args;
	size_t bytes;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	bytes = utf8_cut(text, strlen(text), SOURCE);
	snprintf(v->source, sizeof(v->source), "%.*s%s", (int)bytes, text,
		 text[bytes] ? "..." : "");
}

/* Times; of a rate those of a line. */
static void value_time(struct value *v, const struct host_sample *s, bool rate, const char *note)
{
	const double median = rate ? LINE_BYTES / s->median : s->median;
	char at[32], low[32], high[32];

	put_ns(at, sizeof(at), median);
	put_ns(low, sizeof(low), rate ? LINE_BYTES / s->p90 : s->p10);
	put_ns(high, sizeof(high), rate ? LINE_BYTES / s->p10 : s->p90);
	snprintf(v->text, sizeof(v->text), "%s ns | measured %s..%s", at, low, high);
	source(v, "Measured here: %s; median, and 10th to 90th percentile, of %u rounds%s",
	       s->method, s->samples, note);
	v->given = true;
}

static void value_clock(struct value *v, const struct host_sample *s)
{
	snprintf(v->text, sizeof(v->text), "%.0f MHz | measured %.0f..%.0f", s->median,
		 s->p10 < s->median ? s->p10 : s->median, s->p90);
	source(v, "Measured here: %s; median, and 10th to 90th percentile, of %u rounds", s->method,
	       s->samples);
	v->given = true;
}

/* The cache of one CPU in the laboratory, which has one level of them. */
struct level {
	unsigned long bytes;
	unsigned ways;
	const char *which;
};

/* A part of the third level if loads show that there is one to be had, else the second. */
static struct level level_of(const struct calibration *c)
{
	const struct host_sample *llc = &c->host[HOST_LOAD_LLC], *dram = &c->host[HOST_LOAD_DRAM];
	const unsigned sharers = c->caches.llc_sharers ? c->caches.llc_sharers : 1;
	struct level l = {c->caches.l2_bytes, c->caches.l2_ways,
			  "the second level, as there is no third, or loads that would hit it "
			  "take half as long as from memory, or longer"};
	unsigned long sets, whole = 1;

	if (c->caches.llc_bytes / sharers > l.bytes && llc->median > 0 &&
	    2 * llc->median < dram->median)
		l = (struct level){c->caches.llc_bytes / sharers, c->caches.llc_ways,
				   "a CPU's part of the third level"};
	if (!c->has_caches || !l.ways)
		return (struct level){0};
	for (sets = l.bytes / (unsigned long)LINE_BYTES / l.ways; whole * 2 <= sets;)
		whole *= 2;
	l.bytes = whole * (unsigned long)LINE_BYTES * l.ways;
	return l.bytes >= 16 * KIB && l.bytes <= GIB && l.ways <= 64 ? l : (struct level){0};
}

static void value_machine(struct value *v, const struct calibration *c, const char *key)
{
	const struct level level = level_of(c);

	if (!strcmp(key, "machine.clock") && !c->host[HOST_CLOCK].why_not[0]) {
		value_clock(v, &c->host[HOST_CLOCK]);
	} else if (!strcmp(key, "machine.cpus") && c->cpus) {
		snprintf(v->text, sizeof(v->text), "%u | measured",
			 c->cpus < MOST_CPUS ? c->cpus : MOST_CPUS);
		source(v,
		       "Of this machine: the program may run on %u; the laboratory has at most %u",
		       c->cpus, MOST_CPUS);
		v->given = true;
	} else if (!strcmp(key, "machine.memory") && c->memory_bytes >= GIB) {
		const uint64_t gib = c->memory_bytes / GIB;

		snprintf(v->text, sizeof(v->text), "%llu GiB | measured",
			 (unsigned long long)(gib < MOST_GIB ? gib : MOST_GIB));
		source(v, "Of this machine: %llu MiB, of which whole GiB are taken, %u at the most",
		       (unsigned long long)(c->memory_bytes >> 20), MOST_GIB);
		v->given = true;
	} else if (!strcmp(key, "machine.l2") && level.ways) {
		snprintf(v->text, sizeof(v->text), "%lu KiB | measured", level.bytes / KIB);
		source(v, "Of this machine, as sysfs says, to whole powers of two of sets: %s",
		       level.which);
		v->given = true;
	} else if (!strcmp(key, "machine.l2_ways") && level.ways) {
		snprintf(v->text, sizeof(v->text), "%u | measured", level.ways);
		source(v, "Of this machine, as sysfs says");
		v->given = true;
	}
}

/* Why a parameter that is measured elsewhere was not here; NULL: nobody would have. */
static const char *value_measured(struct value *v, const struct calibration *c, const char *key)
{
	const struct host_sample *s = NULL;
	const char *note = "";
	bool rate = false;

	for (size_t i = 0; i < HOST_KEYS; i++) {
		if (strcmp(key, host_keys[i].key))
			continue;
		s = &c->host[host_keys[i].from];
		rate = host_keys[i].rate;
		note = host_keys[i].note;
	}
	for (unsigned i = 0; i < CALIBRATE_STEPS; i++)
		if (!strcmp(key, step_keys[i]))
			s = &c->step[i];
	if (!s) {
		value_machine(v, c, key);
		return NULL;
	}
	if (s->why_not[0])
		return s->why_not;
	value_time(v, s, rate, note);
	return NULL;
}

static void value_taken(struct value *v, const struct writing *w, const struct profile_row *row,
			const char *why)
{
	static const char *const grades[] = {"measured", "published", "estimated"};
	/* The range with a unit behind it is how rows are shown; a file has it without. */
	const char *blank = strchr(row->range, ' ');
	const int bytes = blank ? (int)(blank - row->range) : (int)strlen(row->range);

	snprintf(v->text, sizeof(v->text), "%s | %s%s%.*s", row->text, grades[row->grade],
		 row->range[0] ? " " : "", bytes, row->range);
	if (why)
		source(v, "Taken from %s, not measured here (%s): %s", w->base, why, row->source);
	else
		source(v, "Taken from %s, not measured here: %s", w->base, row->source);
}

/* ---- text ---- */

/* @text behind @first, broken at blanks, each line but the first indented with @indent. */
static void put_words(FILE *out, const char *first, const char *indent, const char *text)
{
	size_t column = (size_t)fprintf(out, "%s", first);

	while (*text) {
		const size_t word = strcspn(text, " ");

		if (column + 1 + word > COLUMNS)
			column = (size_t)fprintf(out, "\n%s%.*s", indent, (int)word, text) - 1;
		else
			column += (size_t)fprintf(out, " %.*s", (int)word, text);
		text += word + strspn(text + word, " ");
	}
	fputc('\n', out);
}

static void put_row(struct writing *w, const char *key, const struct value *v)
{
	const char *dot = strchr(key, '.');
	char first[256];

	if (strncmp(w->section, key, (size_t)(dot - key)) || w->section[dot - key]) {
		snprintf(w->section, sizeof(w->section), "%.*s", (int)(dot - key), key);
		fprintf(w->out, "\n[%s]\n", w->section);
	}
	snprintf(first, sizeof(first), "%s = %s |", dot + 1, v->text);
	put_words(w->out, first, "    ", v->source);
}

static int put_parameter(void *ctx, const struct profile_row *row)
{
	struct value v = {.given = false};
	struct writing *w = ctx;
	const char *why = value_measured(&v, w->c, row->key);

	if (!v.given)
		value_taken(&v, w, row, why);
	put_row(w, row->key, &v);
	return 0;
}

static void put_head(struct writing *w, const char *iommu)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "What events cost on this machine, as iotoll calibrate found it: each value says "
		 "whether it was measured here or taken from %s, whose machine is another.%s",
		 w->base,
		 w->c->virtual_cpu
			 ? " The CPU says that it is a virtual one: what its neighbours do "
			   "is in the values."
			 : "");
	put_words(w->out, "#", "# ", text);
	snprintf(w->section, sizeof(w->section), "machine");
	fprintf(w->out, "\n[machine]\ntitle = %.70s, %u CPU%s, as measured\n", w->c->cpu,
		w->c->cpus, w->c->cpus == 1 ? "" : "s");
	if (iommu[0])
		fprintf(w->out,
			"# Taken from %s, as is all that the IOMMU does itself.\niommu = %s\n",
			w->base, iommu);
}

int calibrate_write(FILE *out, const struct calibration *c, const char *base_path,
		    const char *base_name, struct err *err)
{
	struct writing w = {.out = out, .c = c, .base = base_name};
	struct profile base;
	int rc = profile_load(&base, base_path, ESTIMATE_DEFAULT, NULL, err);

	if (rc)
		return rc;
	put_head(&w, base.iommu);
	rc = profile_rows(base_path, put_parameter, &w, err);
	if (!rc && ferror(out))
		rc = err_set(err, -EIO, "the profile cannot be written");
	return rc;
}
