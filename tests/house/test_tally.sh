#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The count behind "N passed, N failed" (scripts/tally.awk) over hand-written lines of meson's
# testlog.json. test_tally.sh ROOT
set -u
root=$1
. "$root/tests/house/tap.sh"

# program NAME RESULT STDOUT-AS-JSON: one line of the log.
program() {
	printf '{"name": "iotoll:%s / %s", "stdout": "%s", "result": "%s", "returncode": 0, "env": {}}\n' \
		"${1%%/*}" "$1" "$3" "$2" >>"$scratch/log"
}

# The last line must be exactly $1 and the status $2.
tally_is() {
	awk -f "$root/scripts/tally.awk" "$scratch/log" >"$scratch/out"
	status=$?
	cat "$scratch/out"
	expect "last line '$1'" [ "$(tail -n 1 "$scratch/out")" = "$1" ]
	expect "exit status $2, not $status" [ "$status" -eq "$2" ]
}

each_test_function_counts() {
	program mem/memory OK '1..2\nok 1 - a\nok 2 - b\n# ok - group\n'
	program hw/iotlb OK '1..1\nok 1 - c\n# ok - group\n1..1\nok 1 - d\n'
	tally_is '4 passed, 0 failed' 0
}

a_failed_function_is_counted_once_and_shown_with_its_words() {
	program mem/memory FAIL '1..2\nok 1 - a\nnot ok 2 - b\n# 0x1 != 0x2\n# x.c:7: error\n# not ok - g\n'
	tally_is '1 passed, 1 failed' 1
	expect "the test's name" grep -qxF 'FAILED  mem/memory: b' "$scratch/out"
	expect "what it said" grep -qxF '    0x1 != 0x2' "$scratch/out"
}

a_skipped_function_is_neither_passed_nor_failed() {
	program mem/memory OK '1..3\nok 1 - a\nnot ok 2 # SKIP b\nok 3 - c # SKIP no compiler\n'
	tally_is '1 passed, 0 failed' 0
	expect "the skip to be shown" grep -qxF 'skipped mem/memory: b' "$scratch/out"
}

tests_lost_in_a_crash_count_as_failed() {
	program mem/memory FAIL '1..3\nok 1 - a\n'
	tally_is '1 passed, 2 failed' 1
}

a_crash_before_any_output_counts_as_one_failure() {
	program mem/memory FAIL ''
	program hw/iotlb TIMEOUT ''
	tally_is '0 passed, 2 failed' 1
}

a_failure_after_all_tests_passed_counts() {
	program mem/memory FAIL '1..1\nok 1 - a\n==1==ERROR: LeakSanitizer\n'
	tally_is '1 passed, 1 failed' 1
}

a_program_without_tap_is_one_test() {
	program fuzz/ftrace OK 'replayed 12 files\n'
	program fuzz/other SKIP ''
	tally_is '1 passed, 0 failed' 0
}

quotes_and_backslashes_in_the_output_are_read() {
	program mem/memory FAIL '1..2\nok 1 - say \"ok 5\" \\\\ \u00e9\nnot ok 2 - b \"q\"\n'
	tally_is '1 passed, 1 failed' 1
	expect "the name with its quotes" grep -qxF 'FAILED  mem/memory: b "q"' "$scratch/out"
}

no_test_at_all_is_a_failure() {
	: >"$scratch/log"
	tally_is '0 passed, 0 failed' 1
}

tap_run each_test_function_counts \
	a_failed_function_is_counted_once_and_shown_with_its_words \
	a_skipped_function_is_neither_passed_nor_failed \
	tests_lost_in_a_crash_count_as_failed \
	a_crash_before_any_output_counts_as_one_failure \
	a_failure_after_all_tests_passed_counts \
	a_program_without_tap_is_one_test \
	quotes_and_backslashes_in_the_output_are_read \
	no_test_at_all_is_a_failure
tap_end
