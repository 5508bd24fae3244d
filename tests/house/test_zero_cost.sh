#!/bin/sh
# SPDX-License-Identifier: MIT
#
# docs/zero-cost.md tells the truth: its tables are what their commands print. test_zero_cost.sh ROOT PROGRAM
set -u
root=$1
program=$2
. "$root/tests/house/tap.sh"
export IOTOLL_DATA="$root"

the_tables_are_what_their_commands_print() {
	program=$(readlink -f "$program")
	cd "$root" || exit 1
	scripts/zero_cost_tables.sh docs/zero-cost.md "$program" >"$scratch/zero.md" || exit 1
	diff docs/zero-cost.md "$scratch/zero.md" || {
		echo "if the new figures are right, take them over with: make readme; the text quotes some"
		exit 1
	}
}

# A command that fails is told, not left out.
# shellcheck disable=SC2016
a_row_that_cannot_run_is_an_error() {
	printf '    iotoll run bare-metal --set run.duration=1ms\n\n| a | b | c |\n|---|---|---|\n| x | `no.such=1` | |\n' \
		>"$scratch/bad.md"
	! "$root/scripts/zero_cost_tables.sh" "$scratch/bad.md" "$program" >"$scratch/made" 2>"$scratch/said" &&
		grep -q '^failed: .*no.such=1' "$scratch/said"
}

tap_run the_tables_are_what_their_commands_print a_row_that_cannot_run_is_an_error
tap_end
