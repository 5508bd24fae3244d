# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# iotoll trace as its users meet it. test_trace.sh ROOT IOTOLL

root=$1
iotoll=$2
export IOTOLL_DATA="$root"
# shellcheck source=tests/house/tap.sh
. "$root/tests/house/tap.sh"

samples=$root/tests/trace/samples
corpus=$root/fuzz/corpus/ftrace

# status WANTED ARGUMENTS...: output in $scratch/out and $scratch/err
status() {
	wanted=$1
	shift
	"$iotoll" trace "$@" >"$scratch/out" 2>"$scratch/err"
	got=$?
	cat "$scratch/err"
	expect "exit status $wanted, not $got, of trace $*" [ "$got" -eq "$wanted" ]
}

# One file for each reader, and each through both formats that hold everything.
what_was_converted_prints_as_before() {
	for one in "$root"/traces/*.txt "$samples/api-v6.dat" "$samples/api-v7.dat" \
		"$corpus/dma" "$corpus/perf"; do
		status 0 print "$one"
		cp "$scratch/out" "$scratch/before"
		for to in native csv; do
			status 0 convert "$one" --to $to --allow-loss -o "$scratch/converted"
			status 0 print "$scratch/converted"
			expect "$one as $to prints as before" cmp "$scratch/before" "$scratch/out"
		done
		status 0 convert "$one" --pack --allow-loss -o "$scratch/converted"
		status 0 print "$scratch/converted"
		expect "$one packed prints as before" cmp "$scratch/before" "$scratch/out"
	done
}

the_numbers_are_those_of_the_recording() {
	status 0 stats "$root/traces/vtd-strict-rx-4096.trace.txt" --format csv
	for row in 'map,map,638,' 'unmap,unmap,641,' 'qi_submit,qi-submit,641,'; do
		expect "$row" grep -qF "$row" "$scratch/out"
	done
	status 0 filter "$samples/api-v7.dat" --kind map,unmap --last 100 -o "$scratch/part.iot"
	status 0 info "$scratch/part.iot"
	expect "maps are there" grep -q '^  map ' "$scratch/out"
	expect_not "nothing else is" grep -q 'api-' "$scratch/out"
}

a_recording_of_which_much_is_missing_is_refused() {
	printf ' a-1 [000] 1.5: fork: x\nCPU:0 [LOST 5 EVENTS]\n' >"$scratch/lossy.txt"
	status 0 info "$scratch/lossy.txt"
	expect "the loss is told" grep -q '5 events lost' "$scratch/err"
	status 2 stats "$scratch/lossy.txt"
	status 0 stats "$scratch/lossy.txt" --allow-loss
	status 2 convert "$scratch/lossy.txt" -o "$scratch/lossy.iot"
	expect_not "no half of a file" [ -e "$scratch/lossy.iot" ]
}

what_cannot_be_is_refused_in_a_line() {
	for wrong in "nonsense x" "info" "print" "convert $corpus/dma" "print --kind nap $corpus/dma" \
		"print --iova 5-3 $corpus/dma" "print --from x $corpus/dma" "info /nonexistent" \
		"filter --from 3 --until 2 -o x $corpus/dma" "print --from 2 --until 2 $corpus/dma" \
		"print --until 0 $corpus/dma" "print --first 5 --last 4 $corpus/dma" \
		"convert --to perf -o x $corpus/dma" "print $corpus/dma $corpus/perf"; do
		# shellcheck disable=SC2086
		status 2 $wrong
		expect "one line for: $wrong" [ "$(wc -l <"$scratch/err")" -eq 1 ]
	done
}

tap_run what_was_converted_prints_as_before the_numbers_are_those_of_the_recording \
	a_recording_of_which_much_is_missing_is_refused what_cannot_be_is_refused_in_a_line
tap_end
