#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Does any file of src/ look, or call, up the house? check_floors.sh ROOT [LIBRARY.a ...]
# Reads ROOT/scripts/floors; looks at every #include below ROOT/src and ROOT/include, and at
# what each static library leaves undefined against what the others define. One line per violation;
# exit status 0 if there is none, 1 if there are some, 2 if it could not look.
set -u

if [ $# -lt 1 ] || [ ! -f "$1/scripts/floors" ]; then
	echo "usage: check_floors.sh ROOT [LIBRARY.a ...]" >&2
	exit 2
fi
if [ $# -gt 1 ] && ! command -v nm >/dev/null; then
	echo "check_floors.sh: nm (binutils) is needed to look at libraries" >&2
	exit 2
fi
root=$1
shift

facts() {
	(cd "$root" && find src include -name '*.[ch]' | LC_ALL=C sort | while read -r file; do
		echo "file $file"
		sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*\(["<][^">]*[">]\).*/include \1/p' "$file"
	done)
	for library in "$@"; do
		name=${library##*/lib}
		echo "library ${name%.a}"
		nm -g --defined-only "$library" 2>/dev/null | awk 'NF == 3 { print "defines", $3 }'
		nm -u "$library" 2>/dev/null | awk '$1 ~ /^[Uwv]$/ && NF == 2 { print "needs", $2 }'
	done
}

facts "$@" | LC_ALL=C awk -f "$root/scripts/floors.awk" "$root/scripts/floors" -
