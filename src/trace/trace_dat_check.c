// SPDX-License-Identifier: MIT
/*
 * The skeleton of trace.dat as trace-cmd.dat.v6(5) and trace-cmd.dat.v7(5) describe it. libtracecmd
 * takes a file that was cut short for a shorter recording; we do not, so every section's size and
 * each CPU's piece of data is held against the end of the file here. What is inside of sections is
 * left to the library.
 */
#include "trace/trace_dat_check.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAT_MAGIC_BYTES    10
#define DAT_OPTION_DONE    0
#define DAT_OPTION_CPUSTAT 2
#define DAT_OPTION_BUFFER  3
#define DAT_COMPRESSED     1 /* flag of a section */
#define DAT_SECTIONS_MAX   4096
#define DAT_CPUS_MAX       8192
#define DAT_EVENTS_MAX     65536
#define DAT_STAT_MAX       4096

struct walk {
	int fd;
	bool big;      /* endian */
	uint64_t at;   /* byte */
	uint64_t size; /* of the file */
	const char *name;
	struct err *err;
	uint64_t overrun;
};

static int walk_wrong(struct walk *w, const char *expected)
{
	return err_set(w->err, -EINVAL, "%s: at byte %llu of %llu: expected %s", w->name,
		       (unsigned long long)w->at, (unsigned long long)w->size, expected);
}

static int walk_read(struct walk *w, void *to, size_t bytes)
{
	ssize_t got;

	if (bytes > w->size || w->at > w->size - bytes)
		return walk_wrong(w, "more: the file is cut short");
	got = pread(w->fd, to, bytes, (off_t)w->at);
	if (got != (ssize_t)bytes)
		return err_set(w->err, got < 0 ? -errno : -EIO, "%s: cannot be read: %s", w->name,
			       strerror(got < 0 ? errno : EIO));
	w->at += bytes;
	return 0;
}

static int walk_skip(struct walk *w, uint64_t bytes)
{
	if (bytes > w->size || w->at > w->size - bytes)
		return walk_wrong(w, "more: what begins here ends beyond the file");
	w->at += bytes;
	return 0;
}

/* A number of @bytes bytes, in the file's order. */
static int walk_number(struct walk *w, unsigned bytes, uint64_t *out)
{
	unsigned char raw[8];
	const int rc = walk_read(w, raw, bytes);

	*out = 0;
	for (unsigned i = 0; i < bytes && !rc; i++)
		*out |= (uint64_t)raw[w->big ? bytes - 1 - i : i] << 8 * i;
	return rc;
}

static int walk_count(struct walk *w, uint64_t most, const char *of, uint64_t *out)
{
	const int rc = walk_number(w, 4, out);

	return rc ? rc : *out > most ? walk_wrong(w, of) : 0;
}

/* Up to and with a zero; at most 4096 bytes. */
static int walk_string(struct walk *w)
{
	char c;

	for (unsigned i = 0; i < 4096; i++) {
		const int rc = walk_read(w, &c, 1);

		if (rc || !c)
			return rc;
	}
	return walk_wrong(w, "a string of less than 4096 bytes");
}

/* A length of @width bytes and that much. */
static int walk_sized(struct walk *w, unsigned width)
{
	uint64_t bytes;
	const int rc = walk_number(w, width, &bytes);

	return rc ? rc : walk_skip(w, bytes);
}

static int walk_tag(struct walk *w, const char *tag, size_t bytes)
{
	char there[16];
	const int rc = walk_read(w, there, bytes);

	if (rc)
		return rc;
	return memcmp(there, tag, bytes) == 0 ? 0 : walk_wrong(w, tag);
}

/* "overrun: N" of a CPU's statistics, but not "commit overrun: N", which are lost writes inside. */
static int walk_stat(struct walk *w, uint64_t bytes)
{
	char text[DAT_STAT_MAX + 1];
	const size_t take = bytes < DAT_STAT_MAX ? (size_t)bytes : DAT_STAT_MAX;
	const uint64_t end = w->at + bytes;
	const char *line;
	const int rc = walk_read(w, text, take);

	if (rc)
		return rc;
	text[take] = '\0';
	line = strstr(text, "\noverrun: ");
	if (line)
		w->overrun += strtoull(line + strlen("\noverrun: "), NULL, 10);
	w->at = end;
	return 0;
}

/* Offsets and sizes of @cpus pieces of data; in version 7 the CPU's number is before each. */
static int walk_pieces(struct walk *w, uint64_t cpus, bool numbered)
{
	for (uint64_t i = 0; i < cpus; i++) {
		uint64_t cpu, offset, bytes;
		int rc = numbered ? walk_number(w, 4, &cpu) : 0;

		if (!rc)
			rc = walk_number(w, 8, &offset);
		if (!rc)
			rc = walk_number(w, 8, &bytes);
		if (rc)
			return rc;
		if (bytes > w->size || offset > w->size - bytes)
			return walk_wrong(w, "data of a CPU that end within the file: it is cut "
					     "short");
	}
	return 0;
}

/* ---- version 6 ---- */

static int walk_formats(struct walk *w)
{
	uint64_t systems, events;
	int rc = walk_count(w, DAT_EVENTS_MAX, "at most 65536 formats", &events);

	for (uint64_t i = 0; i < events && !rc; i++)
		rc = walk_sized(w, 8);
	if (!rc)
		rc = walk_count(w, DAT_EVENTS_MAX, "at most 65536 systems", &systems);
	for (uint64_t s = 0; !rc && s < systems; s++) {
		rc = walk_string(w);
		if (!rc)
			rc = walk_count(w, DAT_EVENTS_MAX, "at most 65536 formats", &events);
		for (uint64_t i = 0; !rc && i < events; i++)
			rc = walk_sized(w, 8);
	}
	return rc;
}

static int walk_options_6(struct walk *w)
{
	for (unsigned i = 0; i < DAT_SECTIONS_MAX; i++) {
		uint64_t id, bytes;
		int rc = walk_number(w, 2, &id);

		if (rc || id == DAT_OPTION_DONE)
			return rc;
		rc = walk_number(w, 4, &bytes);
		if (!rc && bytes > w->size)
			rc = walk_wrong(w, "an option that ends within the file");
		if (!rc)
			rc = id == DAT_OPTION_CPUSTAT ? walk_stat(w, bytes) : walk_skip(w, bytes);
		if (rc)
			return rc;
	}
	return walk_wrong(w, "an end of the options");
}

static int walk_version_6(struct walk *w)
{
	uint64_t cpus;
	char tag[10];
	int rc = walk_tag(w, "header_page", 12);

	if (!rc)
		rc = walk_sized(w, 8);
	if (!rc)
		rc = walk_tag(w, "header_event", 13);
	if (!rc)
		rc = walk_sized(w, 8);
	if (!rc)
		rc = walk_formats(w);
	if (!rc)
		rc = walk_sized(w, 4); /* kallsyms */
	if (!rc)
		rc = walk_sized(w, 4); /* formats of printk */
	if (!rc)
		rc = walk_sized(w, 8); /* names of tasks */
	if (!rc)
		rc = walk_count(w, DAT_CPUS_MAX, "at most 8192 CPUs", &cpus);
	if (!rc)
		rc = walk_read(w, tag, sizeof(tag));
	if (!rc && memcmp(tag, "options  ", 10) == 0) {
		rc = walk_options_6(w);
		if (!rc)
			rc = walk_read(w, tag, sizeof(tag));
	}
	if (rc)
		return rc;
	if (memcmp(tag, "flyrecord", 10) != 0)
		return walk_wrong(w, "recorded data (flyrecord), not the text of a latency tracer");
	return walk_pieces(w, cpus, false);
}

/* ---- version 7 ---- */

static int walk_buffer(struct walk *w)
{
	uint64_t offset, page, cpus;
	int rc = walk_number(w, 8, &offset);

	if (!rc && offset >= w->size)
		return walk_wrong(w, "a section within the file: it is cut short");
	if (!rc)
		rc = walk_string(w); /* the instance */
	if (!rc)
		rc = walk_string(w); /* its clock */
	if (!rc)
		rc = walk_number(w, 4, &page);
	if (!rc)
		rc = walk_count(w, DAT_CPUS_MAX, "at most 8192 CPUs", &cpus);
	return rc ? rc : walk_pieces(w, cpus, true);
}

/* One option; *@next is where the next section of options is, of the last one. */
static int walk_option(struct walk *w, bool *done, uint64_t *next)
{
	uint64_t id, bytes, end;
	int rc = walk_number(w, 2, &id);

	if (!rc)
		rc = walk_number(w, 4, &bytes);
	if (rc)
		return rc;
	if (bytes > w->size - w->at)
		return walk_wrong(w, "an option that ends within the file: it is cut short");
	end = w->at + bytes;
	*done = id == DAT_OPTION_DONE;
	if (*done)
		rc = bytes < 8 ? (*next = 0, 0) : walk_number(w, 8, next);
	else if (id == DAT_OPTION_BUFFER)
		rc = walk_buffer(w);
	else if (id == DAT_OPTION_CPUSTAT)
		rc = walk_stat(w, bytes);
	if (!rc && w->at > end)
		rc = walk_wrong(w, "an option as long as it says");
	w->at = end;
	return rc;
}

static int walk_version_7(struct walk *w)
{
	uint64_t next, id, flags, string, bytes;
	int rc = walk_string(w); /* the compression and its version */

	if (!rc)
		rc = walk_string(w);
	if (!rc)
		rc = walk_number(w, 8, &next);
	for (unsigned i = 0; !rc && next; i++) {
		bool done = false;

		if (i == DAT_SECTIONS_MAX)
			return walk_wrong(w, "an end of the options");
		w->at = next;
		if ((rc = walk_number(w, 2, &id)) || (rc = walk_number(w, 2, &flags)) ||
		    (rc = walk_number(w, 4, &string)) || (rc = walk_number(w, 8, &bytes)))
			return rc;
		if (id != DAT_OPTION_DONE || flags & DAT_COMPRESSED)
			return walk_wrong(w, "a section of options, not compressed");
		while (!rc && !done)
			rc = walk_option(w, &done, &next);
	}
	return rc;
}

int dat_check(int fd, const char *name, uint64_t *overrun, struct err *err)
{
	struct walk w = {.fd = fd, .at = DAT_MAGIC_BYTES, .name = name, .err = err};
	uint64_t order = 0, word = 0, page = 0;
	char version[2];
	struct stat st;
	int rc;

	if (fstat(fd, &st))
		return err_set(err, -errno, "%s: cannot be read: %s", name, strerror(errno));
	w.size = (uint64_t)st.st_size;
	rc = walk_read(&w, version, sizeof(version));
	if (!rc && (version[1] || (version[0] != '6' && version[0] != '7')))
		rc = walk_wrong(&w, "version 6 or 7");
	if (!rc)
		rc = walk_number(&w, 1, &order);
	if (!rc && order > 1)
		rc = walk_wrong(&w, "an order of bytes, 0 or 1");
	w.big = order == 1;
	if (!rc)
		rc = walk_number(&w, 1, &word);
	if (!rc && word != 4 && word != 8)
		rc = walk_wrong(&w, "words of 4 or 8 bytes");
	if (!rc)
		rc = walk_number(&w, 4, &page);
	if (!rc && (page < 4096 || page > 1 << 20 || page & (page - 1)))
		rc = walk_wrong(&w, "pages of 4 KiB to 1 MiB");
	if (!rc)
		rc = version[0] == '6' ? walk_version_6(&w) : walk_version_7(&w);
	*overrun = w.overrun;
	return rc;
}
