#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What make install leaves behind is enough for a program outside the tree: headers, both libraries,
# the pkg-config file; and nothing of the inside shows. test_install.sh ROOT BUILD MESON "CC" "CXX"
set -u
root=$1 build=$2 meson=$3 cc=$4 cxx=$5
. "$root/tests/house/tap.sh"

stage=$tap_dir/stage
# shellcheck disable=SC2086 # a command of several words
if ! DESTDIR=$stage $meson install --no-rebuild --quiet -C "$build" >"$tap_dir/install.log" 2>&1; then
	sed 's/^/# /' "$tap_dir/install.log"
fi
pc=$(find "$stage" -name iotoll.pc | head -n 1)
lib=$(dirname "$(dirname "$pc")")

config() {
	PKG_CONFIG_SYSROOT_DIR=$stage PKG_CONFIG_LIBDIR=$(dirname "$pc") pkg-config "$@" iotoll
}

# built_and_run SOURCE FLAGS...: with warnings as errors, then run; its status counts.
built_and_run() {
	source=$1
	shift
	# shellcheck disable=SC2046,SC2086 # lists of words
	$cc -std=c11 -O1 -Wall -Wextra -Werror $(config --cflags) "$source" -o program "$@" -pthread &&
		LD_LIBRARY_PATH=$lib ./program
}

example_shared() {
	cd "$scratch" || exit
	# shellcheck disable=SC2046
	expect "$example to build against the shared library and run" \
		built_and_run "$root/examples/$example.c" $(config --libs)
}

example_static() {
	cd "$scratch" || exit
	expect "$example to build against the static library and run" \
		built_and_run "$root/examples/$example.c" "$lib/libiotoll.a"
}

the_shared_library_shows_only_names_of_its_own() {
	nm -D --defined-only "$lib/libiotoll.so" | awk '{ print $3 }' >"$scratch/names"
	expect "names to be there" grep -q '^iotoll_iommu_translate$' "$scratch/names"
	expect "names to be there" grep -q '^iotoll_dma_map_page$' "$scratch/names"
	expect_not "no other name to be visible" grep -v '^iotoll_' "$scratch/names"
}

the_static_library_shows_only_names_of_its_own() {
	nm -g --defined-only "$lib/libiotoll.a" | awk 'NF == 3 { print $3 }' >"$scratch/names"
	expect "names to be there" grep -q '^iotoll_iommu_translate$' "$scratch/names"
	expect_not "no other name to be global" grep -v '^iotoll_' "$scratch/names"
}

every_public_function_is_in_the_library() {
	nm -D --defined-only "$lib/libiotoll.so" | awk '{ print $3 }' | LC_ALL=C sort >"$scratch/names"
	cat "$stage"/*/*/include/iotoll/*.h "$stage"/*/include/iotoll/*.h 2>/dev/null |
		sed '/^static inline/,/^}/d' | grep -v '^ \*' |
		sed -n 's/^[a-z].*[ *]\(iotoll_[a-z0-9_]*\)(.*/\1/p' |
		LC_ALL=C sort -u >"$scratch/declared"
	expect "declarations to be found" grep -q '^iotoll_dma_map_sg$' "$scratch/declared"
	LC_ALL=C comm -23 "$scratch/declared" "$scratch/names" >"$scratch/missing"
	cat "$scratch/missing"
	expect_not "nothing declared to be missing" test -s "$scratch/missing"
}

the_library_needs_the_c_library_alone() {
	readelf -d "$lib/libiotoll.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >"$scratch/needed"
	expect_not "no other library to be needed" \
		grep -vE '^(libc|libpthread|libasan|libubsan|libtsan)\.so' "$scratch/needed"
}

the_library_neither_prints_nor_exits() {
	nm -D -u "$lib/libiotoll.so" | awk '{ sub(/@.*/, "", $2); print $2 }' >"$scratch/calls"
	expect_not "no output and no exit among what it calls" \
		grep -xE '(__)?(v|f|vf|d)?printf(_chk)?|puts|fputs|putchar|fwrite|perror|write|exit|_exit|abort|err|errx' \
		"$scratch/calls"
}

the_soname_has_the_version_of_the_interface() {
	readelf -d "$lib/libiotoll.so" >"$scratch/dynamic"
	expect "soname libiotoll.so.0" grep -q 'SONAME.*\[libiotoll\.so\.0\]' "$scratch/dynamic"
}

a_program_in_cxx_links_it() {
	cd "$scratch" || exit
	cat >program.cc <<-'END'
		#include <iotoll/dma.h>
		#include <iotoll/env.h>
		#include <iotoll/iommu.h>
		int main()
		{
			iotoll_iommu_config config;
			return iotoll_iommu_defaults(&config, "vtd") == 0 &&
				iotoll_dma_driver_name(0, nullptr) != nullptr ? 0 : 1;
		}
	END
	# shellcheck disable=SC2046,SC2086
	expect "a C++ program to build" $cxx -std=c++11 -Wall -Wextra -Werror $(config --cflags) program.cc \
		-o program $(config --libs)
	expect "it to run" env LD_LIBRARY_PATH="$lib" ./program
}

the_manual_has_a_page_of_every_function() {
	man=$(dirname "$(find "$stage" -name iotoll_dma_map_page.3 | head -n 1)")
	nm -D --defined-only "$lib/libiotoll.so" | awk '{ print $3 }' | while read -r symbol; do
		expect "a page of $symbol" test -s "$man/$symbol.3"
	done
}

for example in buffer_pool sg_server vtd_device; do
	tap_run_as "$example builds outside the tree with pkg-config and runs" example_shared
	tap_run_as "$example builds with the static library and runs" example_static
done
tap_run the_shared_library_shows_only_names_of_its_own the_static_library_shows_only_names_of_its_own \
	every_public_function_is_in_the_library the_library_needs_the_c_library_alone \
	the_library_neither_prints_nor_exits the_soname_has_the_version_of_the_interface \
	the_manual_has_a_page_of_every_function
if [ -n "$cxx" ]; then
	tap_run a_program_in_cxx_links_it
else
	tap_skip a_program_in_cxx_links_it "no C++ compiler"
fi
tap_end
