/* SPDX-License-Identifier: MIT */
/* The text of a timeline: numbers, strings and one event a line. */
#include "watch/timeline_json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"

#define PS_PER_US 1000000u

/* A string as RFC 8259, section 7, wants it. */
static void put_text(FILE *to, const char *text, size_t bytes)
{
	size_t bad;

	putc('"', to);
	while (bytes) {
		size_t good = bytes;

		if (!utf8_is_text(text, bytes, &bad))
			good = bad;
		for (size_t i = 0; i < good; i++) {
			const unsigned char c = (unsigned char)text[i];

			if (c == '"' || c == '\\')
				fprintf(to, "\\%c", c);
			else if (c < 0x20)
				fprintf(to, "\\u%04x", c);
			else
				putc(c, to);
		}
		text += good;
		bytes -= good;
		if (bytes) {
			putc('?', to);
			text++;
			bytes--;
		}
	}
	putc('"', to);
}

/* Microseconds, exactly: picoseconds are six digits behind the point. */
static void put_time(FILE *to, const char *key, uint64_t ps)
{
	fprintf(to, ",\"%s\":%" PRIu64, key, ps / PS_PER_US);
	if (ps % PS_PER_US)
		fprintf(to, ".%06u", (unsigned)(ps % PS_PER_US));
}

static void put_args(FILE *to, const struct tl_arg *arg)
{
	putc('{', to);
	for (unsigned i = 0; i < TL_ARGS && arg[i].form != TL_NONE; i++) {
		if (i)
			putc(',', to);
		put_text(to, arg[i].key, strlen(arg[i].key));
		putc(':', to);
		if (arg[i].form == TL_TEXT)
			put_text(to, arg[i].text, arg[i].bytes);
		else if (arg[i].form == TL_HEX)
			fprintf(to, "\"0x%" PRIx64 "\"", arg[i].number);
		else
			fprintf(to, "%" PRIu64, arg[i].number);
	}
	putc('}', to);
}

void tl_open(struct tl_out *o, FILE *to)
{
	*o = (struct tl_out){.to = to};
	/* An event that every document has, so that each further one begins with a comma. */
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
	      "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":0,\"tid\":0,"
	      "\"args\":{\"name\":\"iotoll\"}}",
	      to);
}

void tl_put(struct tl_out *o, const struct tl_event *e)
{
	o->events++;
	fprintf(o->to, ",\n{\"ph\":\"%c\",\"name\":", e->phase);
	put_text(o->to, e->name, e->name_bytes ? e->name_bytes : strlen(e->name));
	if (e->category) {
		fputs(",\"cat\":", o->to);
		put_text(o->to, e->category, strlen(e->category));
	}
	put_time(o->to, "ts", e->ps);
	if (e->phase == TL_SLICE)
		put_time(o->to, "dur", e->dur_ps);
	if (e->phase == TL_INSTANT)
		fputs(",\"s\":\"t\"", o->to);
	if (e->phase == TL_BEGIN || e->phase == TL_END)
		fprintf(o->to, ",\"id\":\"0x%" PRIx64 "\"", e->id);
	fprintf(o->to, ",\"pid\":%u,\"tid\":%u,\"args\":", e->pid, e->tid);
	put_args(o->to, e->arg);
	putc('}', o->to);
}

void tl_name(struct tl_out *o, const char *what, uint32_t pid, uint32_t tid, const char *name)
{
	fprintf(o->to,
		",\n{\"ph\":\"M\",\"name\":\"%s\",\"pid\":%u,\"tid\":%u,\"args\":{\"name\":", what,
		pid, tid);
	put_text(o->to, name, strlen(name));
	fputs("}}", o->to);
}

int tl_close(struct tl_out *o, const struct tl_arg args[TL_ARGS])
{
	fputs("\n],\"otherData\":", o->to);
	put_args(o->to, args);
	fputs("}\n", o->to);
	return fflush(o->to) || ferror(o->to) ? -EIO : 0;
}
