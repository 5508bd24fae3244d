#!/bin/sh
# SPDX-License-Identifier: MIT
#
# docs/iotlb.md with its tables made anew: iotlb_tables.sh DOCUMENT PROGRAM [LEAVE], from the source tree's
# root, to stdout. A table is filled from the indented "iotoll iotlb" lines above it, one group of
# columns for each, if its first cell begins with "times optimum" (rows are policies), "misses, %"
# (the same), "LRU misses, %" (rows are ways) or "hints: misses, %" (rows are hints). Others stay as they are, and so do tables of commands
# in which LEAVE occurs. Exit status 1 if a command fails or says nothing of a row.
set -u

awk -v program="$2" -v leave="${3-}" '
function run(command,    line, cell, n, i, at, first, key) {
	command = program " " command " --format csv"
	first = 1
	while ((command | getline line) > 0) {
		n = split(line, cell, ",")
		if (first) {
			for (i = 1; i <= n; i++)
				at[cell[i]] = i
			first = 0
			continue
		}
		key = cell[at["policy"]]
		if (mode == "ways")
			key = cell[at["ways"]] == cell[at["entries"]] ? "full" : cell[at["ways"]]
		else if (mode == "hints")
			key = cell[at["hints"]]
		if (mode == "times")
			fresh[key] = fresh[key] sprintf(" %.3f |", cell[at["misses_over_opt"]])
		else
			fresh[key] = fresh[key] sprintf(" %.2f |", 100 * cell[at["miss_ratio"]])
	}
	if (close(command) != 0 || first)
		failed = 1
}
/^    iotoll iotlb / {
	if (!listing)
		commands = 0
	listing = 1
	list[++commands] = substr($0, 12)
	print
	next
}
/^\|/ && !table {
	mode = ""
	if (/^\| times optimum/)
		mode = "times"
	else if (/^\| misses, %/)
		mode = "share"
	else if (/^\| LRU misses, %/)
		mode = "ways"
	else if (/^\| hints: misses, %/)
		mode = "hints"
	for (i = 1; i <= commands; i++)
		if (leave != "" && index(list[i], leave))
			mode = ""
	split("", fresh)
	if (mode != "")
		for (i = 1; i <= commands; i++)
			run(list[i])
	table = NR
}
/^\|/ && mode != "" && NR > table + 1 {
	label = $2
	if (!(label in fresh)) {
		print "no value for: " $0 >"/dev/stderr"
		failed = 1
	}
	print substr($0, 1, index(substr($0, 3), "|") + 2) fresh[label]
	next
}
!/^\|/ { table = 0 }
/[^ ]/ { listing = 0 }
{ print }
END { exit failed }' "$1"
