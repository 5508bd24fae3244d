#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The static library: all of the rooms' objects linked into one, in which only what the public headers
# declare is still global, so that nothing inside can clash with a program's own names.
# one_archive.sh OUT AR OBJCOPY WHOLE.a... -- NEEDED.a... -- CC...
set -eu
out=$1 ar=$2 objcopy=$3
shift 3
whole= needed= into=whole
while [ "$1" != -- ] || [ $into = whole ]; do
	case $into:$1 in
	whole:--) into=needed ;;
	whole:*) whole="$whole $1" ;;
	needed:*) needed="$needed $1" ;;
	esac
	shift
done
shift
object=$out.o
# Lists of words; no path of a build has a space in it.
# shellcheck disable=SC2086
"$@" -r -nostdlib -fno-lto -o "$object" -Wl,--whole-archive $whole -Wl,--no-whole-archive $needed
"$objcopy" --localize-hidden -R '.gnu.lto_*' "$object"
rm -f "$out"
"$ar" rcs "$out" "$object"
rm -f "$object"
