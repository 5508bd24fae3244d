# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Test Anything Protocol for the shell tests of this room: each test is a function named by the
# behaviour it pins; it runs in a subshell, in a temporary directory of its own ($scratch), and
# passes if it returns 0. What it prints is shown if it fails.

tap_count=0
tap_failed=0
tap_dir=$(mktemp -d) || exit 99
trap 'rm -rf "$tap_dir"' EXIT
trap 'exit 130' INT TERM

# tap_run_as TITLE FUNCTION
tap_run_as() {
	tap_count=$((tap_count + 1))
	scratch=$tap_dir/$tap_count
	mkdir "$scratch"
	if ("$2") >"$tap_dir/log" 2>&1; then
		echo "ok $tap_count - $1"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_count - $1"
		sed 's/^/# /' "$tap_dir/log"
	fi
}

tap_run() {
	for tap_test in "$@"; do
		tap_run_as "$tap_test" "$tap_test"
	done
}

tap_skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

tap_end() {
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ]
}

# The subshell that calls it fails with these words unless the command after them succeeds.
expect() {
	tap_why=$1
	shift
	"$@" || {
		echo "expected: $tap_why"
		exit 1
	}
}

# The same, for a command that must fail.
expect_not() {
	tap_why=$1
	shift
	if "$@"; then
		echo "expected: $tap_why"
		exit 1
	fi
}
