/* SPDX-License-Identifier: MIT */
/* The program: finds the subcommand's row and runs it. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/cli.h"

static const struct command commands[] = {
	{"run", "run one scenario and print what it measured", cli_run},
	{"study", "run a set of scenarios: tables, figures, a page, claims", cli_study},
	{"compare", "every strategy on one machine: price and exposure", cli_compare},
	{"replay", "drive an IOMMU with a DMA trace recorded on a real kernel", cli_replay},
	{"what-if", "a recorded load under every strategy: price and safety", cli_what_if},
	{"predict", "our models against what a recorded kernel or IOMMU did", cli_predict},
	{"record", "record a DMA trace of this kernel", cli_record},
	{"trace", "recorded DMA traces: look at them, convert, cut", cli_trace},
	{"iotlb", "miss-ratio curves of an IOTLB, from a trace or a run", cli_iotlb},
	{"bench", "measure the library on this machine, with real threads", cli_bench},
	{"calibrate", "measure this machine: a profile, and the model against it", cli_calibrate},
	{"explain", "what a strategy does, protects and gives up", cli_explain},
	{"list", "what there is: iommus, strategies, profiles, loads, settings", cli_list},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *to)
{
	fputs("Usage: iotoll COMMAND [ARGUMENTS]\n"
	      "What I/O memory protection costs, and what it buys.\n\n",
	      to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].summary);
	fputs("\nExamples:\n"
	      "  iotoll run bare-metal\n"
	      "  iotoll run bare-metal --set iommu.model=calgary --set load.message_bytes=1024\n"
	      "  iotoll study paper --out out/paper\n"
	      "  iotoll compare bare-metal --strategies strict,deferred,optimistic\n"
	      "  iotoll replay traces/vtd-strict-rx-4096.trace.txt --iommu calgary --strategy "
	      "deferred\n"
	      "  iotoll list settings\n"
	      "\n'iotoll COMMAND --help' says more.\n",
	      to);
}

static int dispatch(int argc, char **argv)
{
	struct nearest near;

	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return CLI_OK;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("iotoll " IOTOLL_VERSION);
		return CLI_OK;
	}
	nearest_init(&near, argv[1]);
	for (size_t i = 0; i < COMMANDS; i++) {
		if (!strcmp(argv[1], commands[i].name)) {
			char name[32];

			snprintf(name, sizeof(name), "iotoll %s", commands[i].name);
			argv[1] = name;
			return commands[i].run(argc - 1, argv + 1);
		}
		nearest_offer(&near, commands[i].name);
	}
	fprintf(stderr, "iotoll: '%s' is not a command%s%s%s; 'iotoll --help' lists them\n",
		argv[1], near.best ? "; did you mean " : "", near.best ? near.best : "",
		near.best ? "?" : "");
	return CLI_BAD_INPUT;
}

/* A result that lost a field to a failed allocation would look like one: rather have none. */
static void *allocate(size_t bytes)
{
	void *p = malloc(bytes);

	if (!p) {
		fputs("iotoll: out of memory\n", stderr);
		exit(CLI_FAILED);
	}
	return p;
}

int main(int argc, char **argv)
{
	int status;

	json_set_alloc_funcs(allocate, free);

	if (argc < 2) {
		usage(stderr);
		return CLI_BAD_INPUT;
	}
	status = dispatch(argc, argv);
	/* What nobody could read was not said: a full disk or a closed pipe is a failure. */
	if ((fflush(stdout) || ferror(stdout)) && status == CLI_OK) {
		fprintf(stderr, "iotoll: standard output: %s\n", strerror(errno));
		return CLI_FAILED;
	}
	return status;
}
