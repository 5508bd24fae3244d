#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Static libraries linked into one object, in which only some symbols are still global, so that
# nothing inside can clash with a program's own names.
# one_object.sh OUT.o OBJCOPY KEEP WHOLE.a... -- NEEDED.a... -- CC FLAG...
# KEEP: a file with the names to keep, a line each; or "visible": what the compiler was not told to hide.
set -eu
out=$1 objcopy=$2 keep=$3
shift 3
whole='' needed='' into=whole
while [ "$1" != -- ] || [ $into = whole ]; do
	case $into:$1 in
	whole:--) into=needed ;;
	whole:*) whole="$whole $1" ;;
	needed:*) needed="$needed $1" ;;
	esac
	shift
done
shift
case $keep in
visible) keep=--localize-hidden ;;
*) keep=--keep-global-symbols=$keep ;;
esac
# Lists of words; no path of a build has a space in it.
# shellcheck disable=SC2086
"$@" -r -nostdlib -o "$out" -Wl,--whole-archive $whole -Wl,--no-whole-archive $needed
"$objcopy" "$keep" -R '.gnu.lto_*' "$out"
