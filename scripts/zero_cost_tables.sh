#!/bin/sh
# SPDX-License-Identifier: MIT
#
# docs/zero-cost.md with its tables made anew: zero_cost_tables.sh DOCUMENT PROGRAM [LEAVE], from the source
# tree's root, to stdout. Tables under commands that LEAVE, an expression, matches stay as they are. A table belongs to the indented "iotoll run" line above it, which is the machine
# without an IOMMU. The second cell of a row has the settings besides that make it, in backquotes; the
# cells behind it are filled in: throughput, CPU time for each KiB against that line's run, the same
# against this row's settings without an IOMMU, stale pages, bytes beyond buffers, frames that go up
# while they are mapped, pages that are written and may be read as well, and what of a device's attacks
# got through, in a run of their own. Exit status 1 if a command fails.
set -u

awk -v program="$2" -v leave="${3-}" '
function quoted(words,    list, n, i, out) {
	n = split(words, list, " ")
	for (i = 1; i <= n; i++)
		out = out " --set \"" list[i] "\""
	return out
}
# The flattened result of the command with @more settings, in r.
function run(more,    command, line, cell, said) {
	split("", r)
	command = program " " base more " --format csv"
	while ((command | getline line) > 0) {
		cell = index(line, ",")
		r[substr(line, 1, cell - 1)] = substr(line, cell + 1)
		said = 1
	}
	if (close(command) != 0 || !said) {
		print "failed: " command >"/dev/stderr"
		failed = 1
	}
	return busy()
}
function busy(    key, sum) {
	for (key in r)
		if (key ~ /^cpu_cycles\./ && key != "cpu_cycles.idle")
			sum += r[key]
	return r["payload_bytes"] ? sum * 1024 / r["payload_bytes"] : 0
}
function attacked(    key, tried, got) {
	for (key in r) {
		if (key ~ /^attacks\..*\.attempted$/)
			tried += r[key]
		if (key ~ /^attacks\..*\.succeeded$/)
			got += r[key]
	}
	return tried ? sprintf("%d of %d", got, tried) : "-"
}
function change(now, before) {
	return before ? sprintf("%+.1f", 100 * (now / before - 1)) : "-"
}
function row(settings,    words, cycles, off, out, open) {
	words = quoted(settings)
	off = run(words " --set iommu.model=none --set dma.strategy=off")
	cycles = run(words)
	out = sprintf(" %.0f | %s | %s |", r["throughput_mbps"], change(cycles, plain), change(cycles, off))
	if (r["exposure.untranslated"] == "true")
		return out " all | all | all | all | all |"
	open = "nic.rx_still_mapped" in r ? r["nic.rx_still_mapped"] : 0
	out = out sprintf(" %.2f | %.0f | %d | %s |", r["exposure.stale_pages_mean"],
		r["exposure.excess_bytes_mean"], open,
		(r["exposure.from_device_readable_pages"] + 0 ? "yes" : "no"))
	run(words " --set rogue.attacks=all")
	return out " " attacked() " |"
}
/^    iotoll run / {
	base = substr($0, 12)
	gsub(/\047/, "\"", base)
	if (leave != "" && base ~ leave)
		base = ""
	else
		plain = run("")
	print
	next
}
/^\| [^|]* \| `[^`]*` \|/ && base != "" {
	n = split($0, cell, "|")
	settings = cell[3]
	gsub(/^ *`|` *$/, "", settings)
	print "|" cell[2] "|" cell[3] "|" row(settings)
	next
}
{ print }
END { exit failed }' "$1"
