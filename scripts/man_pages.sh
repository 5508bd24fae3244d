#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The manual pages of libiotoll, out of its headers. man_pages.sh VERSION FOLDER HEADER...: FOLDER is
# below the place of installation if it is not absolute, as meson install says where that is.
set -eu
version=$1 out=$2
shift 2
case $out in
/*) out=${DESTDIR:-}$out ;;
*) out=${MESON_INSTALL_DESTDIR_PREFIX:-.}/$out ;;
esac
mkdir -p "$out"
for header in "$@"; do
	awk -v out="$out" -v version="$version" -f "${0%.sh}.awk" "$header"
done
