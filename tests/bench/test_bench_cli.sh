#!/bin/sh
# SPDX-License-Identifier: MIT
#
# iotoll bench as its users meet it. How fast anything is, is not tested. test_bench_cli.sh ROOT IOTOLL
set -u
subcommand=bench
# shellcheck source=tests/cli/program.sh
. "$1/tests/cli/program.sh"

the_json_of_a_row_has_its_fields() {
	run_for 0 map --pages 2 --quick --limit 0.01 --format json
	for field in bench version interval_percent limit_s quick interrupted host floors results left_out; do
		expect "field $field" grep -q "\"$field\":" "$scratch/out"
	done
	for field in name group what unit median p10 p99 low high target met rounds operations dropped disturbed \
		interval_met clock floor floor_ns over_floor setup baselines ratio histogram; do
		expect "field $field" grep -q "\"$field\":" "$scratch/out"
	done
	for floor in load-l1 load-l2 load-llc load-dram atomic transfer syscall; do
		expect "floor $floor" grep -q "\"name\": \"$floor\"" "$scratch/out"
	done
	expect "both baselines" [ "$(grep -c ' and lock"' "$scratch/out")" -eq 2 ]
}

text_shows_floors_rows_and_bars() {
	run_for 0 iotlb --entries 64 --ways 4 --quick --limit 0.01 --histogram
	expect "a floor" grep -q 'load-l1 .* ns' "$scratch/out"
	expect "the row" grep -qE '^iotlb +[0-9.]+ +[0-9.]+ +[0-9.]+ +ns' "$scratch/out"
	expect "a bar" grep -qE '^ +[0-9.]+ +[0-9]+  #+$' "$scratch/out"
}

csv_has_a_line_a_row() {
	run_for 0 invalidate --quick --limit 0.01 --format csv
	expect "the head" grep -q '^name,group,unit,median,' "$scratch/out"
	expect "the row" grep -qE '^invalidate.vtd.page,invalidate,ns,[0-9.e+-]+,' "$scratch/out"
}

the_laboratory_is_measured() {
	run_for 0 sim --quick --limit 0.01 --format csv
	expect "events" grep -q '^sim.events.off,sim,M/s,' "$scratch/out"
	expect "frames" grep -q '^sim.frames.domu,sim,M/s,' "$scratch/out"
	expect "recordings" grep -q "^sim.file,sim,M/s," "$scratch/out"
}

linuxs_letters_print_linuxs_lines() {
	run_for 0 map -t 2 -s 1 -n -1 -b 40 -d 1 -x 200 -g 3 --quick --limit 0.01
	expect "its head" grep -qFx \
		'dma mapping benchmark: threads:2 seconds:1 node:-1 dir:TO_DEVICE granule: 3' "$scratch/out"
	expect "the map line" grep -qE \
		'^average map latency\(us\):[0-9]+\.[0-9] standard deviation:[0-9]+\.[0-9]$' "$scratch/out"
	expect "the unmap line" grep -qE \
		'^average unmap latency\(us\):[0-9]+\.[0-9] standard deviation:[0-9]+\.[0-9]$' "$scratch/out"
}

bad_arguments_are_refused_with_what_was_expected() {
	refused "expected a benchmark"
	refused "did you mean translate?" trnslate
	refused "one benchmark at a time" map iova
	refused "expected ring, lifo or random" map --pattern fifo
	refused "expected split or one" map --locks none
	refused "--threads 0: expected a number from 1 to 1024" map --threads 0
	refused "--interval 0: expected a number above 0" map --interval 0
	refused "--limit x: expected a number above 0" map --limit x
	refused "strategy 'strickt' is not known" map --strategy strickt
	refused "--strategy means nothing to it" iova --strategy strict
	refused "are for 'bench map'" iova -t 2
	refused "expected a number from 1 to 300" map -s 301
	refused "expected a number from 20 to 64" map -b 65
	refused "expected a number from 0 to 2" map -d 3
	refused "NUMA node 1000: this machine has none" map -n 1000 --quick --limit 0.01
	refused "cannot write" map --format json:/nonexistent/x.json
}

# Backquotes are the markup's, not the shell's.
# shellcheck disable=SC2016
the_tables_of_the_document_are_made_of_the_json() {
	run_for 0 iova --quick --limit 0.01 --format "json:$scratch/bench.json"
	{
		echo before
		echo '<!-- bench: begin -->'
		echo gone
		echo '<!-- bench: end -->'
		echo after
	} >"$scratch/doc"
	"$root/scripts/performance_table.sh" "$scratch/doc" "$scratch/bench.json" >"$scratch/new" || exit 1
	cat "$scratch/new"
	expect "what was before" [ "$(head -n 1 "$scratch/new")" = before ]
	expect "what was after" [ "$(tail -n 1 "$scratch/new")" = after ]
	expect_not "the old table" grep -q gone "$scratch/new"
	expect "a floor" grep -qE '^. load, first level . `load-l1` . [0-9.]+ .$' "$scratch/new"
	expect "a row, its target, its floor" grep -qE \
		'^. `iova.pair` (. [0-9.]+ ){3}. ns . 5 . (met|met, uncertain|missed by ×[0-9.]+) . ×[0-9.]+ load-l1 . bitmap and lock' \
		"$scratch/new"
	expect_not "a document without a place for it" "$root/scripts/performance_table.sh" "$root/README.md" \
		"$scratch/bench.json"
	expect_not "no results" "$root/scripts/performance_table.sh" "$scratch/doc" "$root/README.md"
}

# The signal comes while rows are measured: there are enough of them for a minute.
an_interrupt_keeps_what_is_finished() {
	"$iotoll" bench translate --interval 0.001 --limit 1 >"$scratch/out" 2>"$scratch/err" &
	bench=$!
	sleep 3
	kill -INT $bench
	wait $bench
	got=$?
	cat "$scratch/out" "$scratch/err"
	expect "exit status 130, not $got" [ "$got" -eq 130 ]
	expect "it says so" grep -q '^Interrupted: what was finished is above.$' "$scratch/out"
	expect "one line" [ "$(cat "$scratch/err")" = "iotoll: interrupted" ]
}

tap_run the_json_of_a_row_has_its_fields text_shows_floors_rows_and_bars csv_has_a_line_a_row \
	the_laboratory_is_measured linuxs_letters_print_linuxs_lines bad_arguments_are_refused_with_what_was_expected \
	the_tables_of_the_document_are_made_of_the_json an_interrupt_keeps_what_is_finished
tap_end
