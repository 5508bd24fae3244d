#!/bin/sh
# SPDX-License-Identifier: MIT
#
# docs/performance.md with its tables made anew: performance_table.sh DOCUMENT BENCH.json, to stdout. What
# stands between the lines "<!-- bench: begin -->" and "<!-- bench: end -->" is replaced by the machine, its
# floors and the rows of a run of 'iotoll bench all --format json'. Exit status 1 if either has none of these.
set -eu

document=$1
bench=$2
for mark in begin end; do
	grep -q "^<!-- bench: $mark -->\$" "$document" || {
		echo "$document: no line '<!-- bench: $mark -->'" >&2
		exit 1
	}
done
# One key a line, indented by its depth: that is how the program writes JSON.
tables=$(awk '
function value(line) {
	sub(/^ *"[a-z_0-9]*": /, "", line)
	sub(/,$/, "", line)
	gsub(/^"|"$/, "", line)
	return line
}
function short(x) {
	return x == "" || x == "null" ? "" : x + 0 >= 1000 ? sprintf("%.0f", x) : sprintf("%.3g", x)
}
function floor_row() {
	if (!floors++)
		print "\n| the machine itself | | ns |\n|---|---|--:|"
	print "| " row["what"] " | `" row["name"] "` | " (row["ns"] + 0 > 0 ? short(row["ns"]) : "not measured") " |"
}
function verdict() {
	return row["met"] == "true" ? (row["interval_met"] == "false" ? "met, uncertain" : "met") : row["met"] == "false" ? "missed by ×" short(row["missed_by"]) : ""
}
function result_row(    told) {
	if (!results++)
		print "\n| row | median | p10 | p99 | | target | | floor | baselines | |\n|---|--:|--:|--:|---|--:|---|---|---|---|"
	told = row["interval_met"] == "false" ? "interval not met" : ""
	if (row["disturbed"] == "true")
		told = told (told ? ", " : "") "disturbed"
	if (row["clock"] == "processor")
		told = told (told ? ", " : "") "processor time"
	print "| `" row["name"] "` | " short(row["median"]) " | " short(row["p10"]) " | " short(row["p99"]) " | " \
		row["unit"] " | " short(row["target"]) " | " verdict() " | " \
		(row["over_floor"] + 0 ? "×" short(row["over_floor"]) " " row["floor"] : "") " | " baselines " | " told " |"
}
/^ "version"/ { version = value($0) }
/^ "load_average"/ { load = value($0) }
/^ "(floors|results)": \[/ { list = $1; gsub(/[":]/, "", list) }
/^ \]/ { list = "" }
/^ "host": \{/ { list = "host" }
/^  "(cpu|cpus)": / && list == "host" { key = $1; gsub(/[":]/, "", key); host[key] = value($0) }
/^  \{/ { split("", row); baselines = "" }
/^   "[a-z_0-9]+": / { key = $1; gsub(/[":]/, "", key); row[key] = value($0) }
/^     "name": / { rival = value($0) }
/^     "ratio": / { baselines = baselines (baselines ? "; " : "") rival " ×" short(value($0)) }
/^  \}/ && list == "floors" { floor_row() }
/^  \}/ && list == "results" { result_row() }
END {
	if (!results || !floors)
		exit 1
	print "\n" host["cpu"] ", " host["cpus"] " processors, load average " sprintf("%.1f", load) " before; iotoll " version "."
}' "$bench") || {
	echo "$bench: no floors and results of 'iotoll bench all --format json'" >&2
	exit 1
}
while IFS= read -r line; do
	case $line in
	'<!-- bench: begin -->') printf '%s\n%s\n\n' "$line" "$tables"; skip=1 ;;
	'<!-- bench: end -->') skip=0 ;;
	esac
	[ "${skip:-0}" -eq 1 ] || printf '%s\n' "$line"
done <"$document"
