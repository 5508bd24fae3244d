#!/bin/sh
# SPDX-License-Identifier: MIT
#
# No file of the project carries what belongs to one person's machine or one day's work: absolute
# home paths, the place of this checkout, package hosts, markers of unfinished work.
# test_words.sh ROOT
set -u
root=$1
. "$root/tests/house/tap.sh"

# Every file under version control, or in a released tree every file but build output.
files() {
	cd "$root" || return 1
	git ls-files -z 2>/dev/null | grep -qz . && git ls-files -z && return
	find . -type f ! -path './build*' ! -path './out/*' ! -path './.git/*' -print0
}

# Print where the extended pattern $1 occurs; true if nowhere.
nowhere() {
	cd "$root" || return 1
	files | xargs -0 grep -nIE -e "$1" -- >"$scratch/hits" 2>/dev/null
	cat "$scratch/hits"
	[ ! -s "$scratch/hits" ]
}

no_file_names_somebodys_home() {
	nowhere '/(home|Users)/[a-z]|/root/[a-z.]'
}

no_file_names_the_place_of_this_checkout() {
	case $root in
	/?*/?*) nowhere "$(printf '%s' "$root" | sed 's/[][\\.*^$+?(){}|]/\\&/g')" ;;
	esac
}

# Bracketed letters keep these lines from finding themselves.
no_file_names_a_package_host() {
	nowhere '(registr[y]|de[b]|securit[y]|snapsho[t]|py[p]i)\.[a-z]+\.(org|com)|files\.pythonhoste[d]'
}

no_file_says_it_is_unfinished() {
	nowhere '\b(TO[D]O|FIXM[E]|XX[X]|HAC[K])\b'
}

the_search_finds_what_is_planted() {
	root=$scratch/tree
	mkdir -p "$root/src"
	printf '/* TO%s: later */\n' DO >"$root/src/a.c"
	expect_not "a planted marker to be found" no_file_says_it_is_unfinished
}

tap_run no_file_names_somebodys_home \
	no_file_names_the_place_of_this_checkout \
	no_file_names_a_package_host \
	no_file_says_it_is_unfinished \
	the_search_finds_what_is_planted
tap_end
