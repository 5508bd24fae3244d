#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The shell scripts of the project parse as POSIX sh and pass shellcheck (skipped where it is not
# installed). test_scripts.sh ROOT
set -u
root=$1
. "$root/tests/house/tap.sh"
cd "$root" || exit 99

parses() {
	sh -n "$script"
}

passes_shellcheck() {
	shellcheck -x "$script"
}

for script in study check .ci/run scripts/*.sh tests/*/*.sh; do
	read -r first <"$script"
	[ "$first" = '#!/bin/bash' ] || tap_run_as "$script parses" parses
	if command -v shellcheck >/dev/null 2>&1; then
		tap_run_as "$script passes shellcheck" passes_shellcheck
	else
		tap_skip "$script passes shellcheck" "shellcheck is not installed"
	fi
done
tap_end
