# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# For tests of the program as its users meet it: source it with ROOT and IOTOLL in $1 and $2, and the
# subcommand in $subcommand if all calls have the same.

root=$1
iotoll=$2
subcommand=${subcommand:-}
export IOTOLL_DATA="$root"
# shellcheck source=tests/house/tap.sh
. "$root/tests/house/tap.sh"

# run_for STATUS ARGUMENTS...: output in $scratch/out and $scratch/err
run_for() {
	wanted=$1
	shift
	"$iotoll" ${subcommand:+"$subcommand"} "$@" >"$scratch/out" 2>"$scratch/err"
	got=$?
	cat "$scratch/out" "$scratch/err"
	expect "exit status $wanted, not $got" [ "$got" -eq "$wanted" ]
}

# refused WORDS ARGUMENTS...: status 2, one line on stderr with the words, nothing on stdout
refused() {
	words=$1
	shift
	run_for 2 "$@"
	expect "'$words' on stderr" grep -qF -- "$words" "$scratch/err"
	expect "one line" [ "$(wc -l <"$scratch/err")" -eq 1 ]
	expect_not "nothing on stdout" [ -s "$scratch/out" ]
}
