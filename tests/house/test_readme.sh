#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The README tells the truth: its sample is what the program prints, and what it links to is there.
# test_readme.sh ROOT PROGRAM
set -u
root=$1
program=$2
. "$root/tests/house/tap.sh"
export IOTOLL_DATA="$root"

the_sample_is_what_the_program_prints() {
	"$root/scripts/readme_sample.sh" "$root/README.md" "$program" >"$scratch/fresh" || exit 1
	diff "$root/README.md" "$scratch/fresh" || {
		echo "if the new output is right, take it over with: make readme"
		exit 1
	}
}

# Backquotes are the markup's, not the shell's.
# shellcheck disable=SC2016
every_path_it_names_exists() {
	for document in README.md docs/architecture.md; do
		for path in $(grep -oE '\]\([^)#]+\)|`(src|include|tests|scripts|profiles|scenarios|traces|docs|bench|fuzz)/[^` ]*`' \
			"$root/$document" | tr -d '()`]'); do
			# x stands for the next one of its kind.
			case $path in *'<'* | */x.[ch] | *_x.[ch] | http*) continue ;; esac
			[ -e "$root/$path" ] || [ -e "$root/docs/$path" ] || {
				echo "$document names $path, which is not there"
				missing=1
			}
		done
	done
	[ -z "${missing:-}" ]
}

tap_run the_sample_is_what_the_program_prints every_path_it_names_exists
tap_end
