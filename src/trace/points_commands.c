/* SPDX-License-Identifier: MIT */
/*
 * How others record the same: lines for a shell. Manual pages: trace-cmd-record(1), perf-record(1),
 * bpftrace(8).
 */
#include <stdlib.h>
#include <string.h>

#include "trace/points.h"

#define GROUP "iotoll" /* of the probes that the lines define */

/* In single quotes if it is more than a plain word. */
static void put_word(FILE *to, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-./:=,+@%";

	if (*word && strspn(word, plain) == strlen(word)) {
		fputs(word, to);
		return;
	}
	putc('\'', to);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", to);
		else
			putc(*word, to);
	}
	putc('\'', to);
}

static void put_command(FILE *to, const struct points_order *o)
{
	if (!o->command) {
		fprintf(to, "sleep %u", o->seconds ? o->seconds : 10);
		return;
	}
	if (o->seconds)
		fprintf(to, "timeout %u ", o->seconds);
	for (unsigned i = 0; o->command[i]; i++) {
		if (i)
			putc(' ', to);
		put_word(to, o->command[i]);
	}
}

static void put_head(FILE *to, const struct points *p)
{
	if (p->read)
		fprintf(to, "# for this kernel, as %s has it; as root\n", p->dir);
	else
		fprintf(to,
			"# the default set '" POINTS_DEFAULT "', this kernel could not be asked: "
			"%s\n",
			p->why);
	if (*p->no_probes)
		fprintf(to, "# no probes: %s\n", p->no_probes);
}

static void put_probes(FILE *to, const struct points *p)
{
	if (!p->probes)
		return;
	fprintf(to, "cat >> %s/kprobe_events <<'END'\n", p->dir);
	for (unsigned i = 0; i < p->probes; i++) {
		const struct point_probe *b = p->probe[i];
		const char *fetch = points_fetch(b);

		fprintf(to, "%s:" GROUP "/%s %s%s%s\n", b->returns ? "r10" : "p", b->event,
			b->function, *fetch ? " " : "", fetch);
	}
	fputs("END\n", to);
}

static void put_unprobe(FILE *to, const struct points *p)
{
	if (!p->probes)
		return;
	fputs("\n# and the probes away again\n", to);
	for (unsigned i = 0; i < p->probes; i++)
		fprintf(to, "echo '-:" GROUP "/%s' >> %s/kprobe_events\n", p->probe[i]->event,
			p->dir);
}

/* Each event with @before in front of it, @between them. */
static void put_events(FILE *to, const struct points *p, const char *before, const char *between)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->events; i++)
		fprintf(to, "%s%s%s:%s", n++ ? between : "", before, p->event[i]->system,
			p->event[i]->event);
	for (unsigned i = 0; i < p->probes; i++)
		fprintf(to, "%s%s" GROUP ":%s", n++ ? between : "", before, p->probe[i]->event);
}

/* The command as one word: bpftrace takes it apart itself. */
static void put_bpftrace_command(FILE *to, const struct points_order *o)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *words = o->command ? open_memstream(&text, &bytes) : NULL;

	if (!words)
		return;
	put_command(words, o);
	fclose(words);
	fputs(" -c ", to);
	put_word(to, text);
	free(text);
}

static void put_bpftrace(FILE *to, const struct points *p, const struct points_order *o)
{
	static const struct {
		const char *event, *format, *args;
	} programs[] = {
		{"map", "iova=0x%llx - 0x%llx paddr=0x%llx size=%llu",
		 "args->iova, args->iova + args->size, args->paddr, args->size"},
		{"unmap", "iova=0x%llx - 0x%llx size=%llu unmapped_size=%llu",
		 "args->iova, args->iova + args->size, args->size, args->unmapped_size"},
	};

	fputs("\n# iommu:map and iommu:unmap alone, in the words of ftrace: it prints no lists\n"
	      "bpftrace -o trace.txt",
	      to);
	put_bpftrace_command(to, o);
	fputs(" -e '\n", to);
	for (size_t k = 0; k < sizeof(programs) / sizeof(programs[0]); k++)
		for (unsigned i = 0; i < p->events; i++)
			if (!strcmp(p->event[i]->system, "iommu") &&
			    !strcmp(p->event[i]->event, programs[k].event))
				fprintf(to,
					"tracepoint:iommu:%s { printf(\"%%s-%%d [%%03d] "
					"%%llu.%%06llu: %s: IOMMU: %s\\n\", comm, tid, cpu, nsecs "
					"/ 1000000000, nsecs %% 1000000000 / 1000, %s); }\n",
					programs[k].event, programs[k].event, programs[k].format,
					programs[k].args);
	if (!o->command)
		fprintf(to, "interval:s:%u { exit(); }\n", o->seconds ? o->seconds : 10);
	fputs("'\n", to);
}

void points_commands(FILE *to, const struct points *p, const struct points_order *o)
{
	bool iommu = false;

	for (unsigned i = 0; i < p->events; i++)
		iommu |= !strcmp(p->event[i]->system, "iommu");
	put_head(to, p);
	put_probes(to, p);
	fprintf(to, "\n# iotoll trace info trace.dat\ntrace-cmd record -C mono -b %u -o trace.dat ",
		o->buffer_kib);
	put_events(to, p, "-e ", " ");
	putc(' ', to);
	put_command(to, o);
	fputs("\n\n# perf script -i perf.data > perf.txt; iotoll trace info perf.txt\n"
	      "perf record -a -k mono -m 16M -o perf.data -e ",
	      to);
	put_events(to, p, "", ",");
	fputs(" -- ", to);
	put_command(to, o);
	putc('\n', to);
	if (iommu)
		put_bpftrace(to, p, o);
	put_unprobe(to, p);
}
