#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every header compiles alone, twice in a row (its guard works); the public ones as strict C11 and
# as C++11 as well. One test a header and language. test_headers.sh ROOT CC [CXX]
set -u
root=$1
cc=$2
cxx=${3:-}
. "$root/tests/house/tap.sh"

# The DMA layer's environment header is found by include path, as in the build.
environment() {
	case $1 in
	*/env/native/*) echo native ;;
	*) echo sim ;;
	esac
}

# compile COMPILER LANGUAGE HEADER FLAGS
compile() {
	# Compiler and flags are lists of words.
	# shellcheck disable=SC2046,SC2086
	printf '#include "%s"\n#include "%s"\n' "$3" "$3" |
		$1 -x "$2" $4 -Wall -Wextra -Werror -D_GNU_SOURCE -I"$root/src" -I"$root/include" \
			-I"$root/src/dma/env/$(environment "$3")" -isystem /usr/include/lwip \
			$(pkg-config --cflags jansson sqlite3 inih 2>/dev/null) -fsyntax-only -
}

header_alone() {
	expect "$header to compile alone as $language" \
		compile "$compiler" "$language" "$root/$header" "$flags"
}

for header in $(cd "$root" && find include src -name '*.h' | LC_ALL=C sort); do
	compiler=$cc language=c flags=-std=gnu11
	title="$header compiles alone"
	case $header in
	include/*)
		flags='-std=c11 -pedantic'
		title="$header compiles alone as C11"
		;;
	esac
	tap_run_as "$title" header_alone
	case $header in
	include/*)
		compiler=$cxx language=c++ flags='-std=c++11 -pedantic'
		title="$header compiles alone as C++11"
		if [ -n "$cxx" ]; then
			tap_run_as "$title" header_alone
		else
			tap_skip "$title" "no C++ compiler"
		fi
		;;
	esac
done
tap_end
