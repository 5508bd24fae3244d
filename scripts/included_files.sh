#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A document with the files that it shows taken in anew: each block of code that follows a line
# "<!-- file: PATH -->" gets what PATH holds today. included_files.sh DOCUMENT ROOT, to stdout. Exit
# status 1 if a file is not there or no block asks for one.
set -u

document=$1
root=$2

awk -v root="$root" '
/^<!-- file: .* -->$/ { path = root "/" $3; asked++ }
/^```/ && path != "" {
	print
	while ((got = (getline line < path)) > 0)
		print line
	if (got < 0) {
		print path ": cannot be read" > "/dev/stderr"
		failed = 1
	}
	path = ""
	inside = 1
	next
}
/^```/ && inside { inside = 0 }
!inside { print }
END { exit failed || !asked }
' "$document"
