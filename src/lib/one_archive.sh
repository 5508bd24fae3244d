#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The static library: all of the rooms' objects in one, as one_object.sh makes it, in which only what
# the public headers declare is still global.
# one_archive.sh OUT AR OBJCOPY WHOLE.a... -- NEEDED.a... -- CC FLAG...
set -eu
out=$1 ar=$2 objcopy=$3
shift 3
"$(dirname "$0")/one_object.sh" "$out.o" "$objcopy" visible "$@"
rm -f "$out"
"$ar" rcs "$out" "$out.o"
rm -f "$out.o"
