#!/bin/sh
# SPDX-License-Identifier: MIT
#
# README.md, or another document, with its sample made anew: the block that begins with "$ iotoll ..."
# gets what that command prints today, up to its section "Run"; files it writes are lost.
# readme_sample.sh README PROGRAM, to stdout. Exit status 1 if there is no such block or the command
# fails.
set -u

readme=$1
program=$(readlink -f "$2")
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
ln -s "$(readlink -f "$(dirname "$0")/../traces")" "$scratch/traces" || exit 1

words=$(sed -n 's/^\$ iotoll //p' "$readme")
[ -n "$words" ] || {
	echo "$readme: no line '\$ iotoll ...'" >&2
	exit 1
}
# The arguments are the words of the README's line.
# shellcheck disable=SC2086
sample=$(cd "$scratch" && "$program" $words) || exit 1
sample=$(printf '%s\n' "$sample" | sed '/^Run$/,$d')

fresh=1
while IFS= read -r line; do
	case $line in
	'$ iotoll '*)
		printf '%s\n%s\n' "$line" "$sample"
		fresh=0
		;;
	'```')
		fresh=1
		;;
	esac
	[ $fresh -eq 0 ] || printf '%s\n' "$line"
done <"$readme"
