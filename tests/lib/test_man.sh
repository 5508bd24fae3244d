#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Every symbol of the library has a manual page, which says what it is, how it is called and what it
# answers, and which groff prints without a complaint. test_man.sh ROOT LIBRARY VERSION
set -u
root=$1 library=$2 version=$3
. "$root/tests/house/tap.sh"

pages=$tap_dir/man/man3
"$root/scripts/man_pages.sh" "$version" "$pages" "$root"/include/iotoll/*.h
nm -D --defined-only "$library" | awk '{ print $3 }' | LC_ALL=C sort >"$tap_dir/symbols"

every_symbol_has_a_page() {
	expect "symbols" grep -q '^iotoll_dma_map_page$' "$tap_dir/symbols"
	while read -r symbol; do
		expect "a page of $symbol" test -s "$pages/$symbol.3"
	done <"$tap_dir/symbols"
}

# One of a group has the text, the others lead there.
a_page_has_all_its_parts() {
	while read -r symbol; do
		page=$(sed -n 's|^\.so man3/||p' "$pages/$symbol.3")
		for part in NAME SYNOPSIS DESCRIPTION; do
			expect "$part of $symbol" grep -q "^\.SH $part\$" "$pages/${page:-$symbol.3}"
		done
		expect "$symbol in its synopsis" grep -q "^\.B .*$symbol(" "$pages/${page:-$symbol.3}"
	done <"$tap_dir/symbols"
}

every_page_is_of_a_symbol_or_a_header() {
	for page in "$pages"/*.3; do
		name=$(basename "$page" .3)
		case $name in
		*.h) expect "header of $page" test -f "$root/include/iotoll/${name#iotoll_}" ;;
		*) expect "$name to be a symbol" grep -q "^$name\$" "$tap_dir/symbols" ;;
		esac
	done
}

every_page_is_printed_without_a_complaint() {
	for page in "$pages"/*.3; do
		(cd "$tap_dir/man" && groff -man -ww -Tascii "$page") >"$scratch/printed" 2>"$scratch/said"
		expect "no complaint of $page" test ! -s "$scratch/said"
	done
}

tap_run every_symbol_has_a_page a_page_has_all_its_parts every_page_is_of_a_symbol_or_a_header
if command -v groff >/dev/null 2>&1; then
	tap_run every_page_is_printed_without_a_complaint
else
	tap_skip every_page_is_printed_without_a_complaint "no groff"
fi
tap_end
