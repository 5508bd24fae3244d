# SPDX-License-Identifier: MIT
#
# Counts single tests in meson's testlog.json (one object a line). Test programs speak TAP, so each
# "ok" and "not ok" in a program's output is one test; a test that was planned and never reported
# (the program crashed or hung) counts as failed, as does a program that failed after all its tests
# passed. A program that speaks no TAP is one test. Prints a line per failure, a line per suite,
# the skips, and last "N passed, N failed"; exits 1 if anything failed.

# The JSON string that follows "key": in the line, unescaped.
function field(line, key,    at, out, c) {
	at = index(line, "\"" key "\": \"")
	if (!at)
		return ""
	line = substr(line, at + length(key) + 5)
	out = ""
	while (match(line, /[\\"]/)) {
		out = out substr(line, 1, RSTART - 1)
		c = substr(line, RSTART, 1)
		line = substr(line, RSTART + 1)
		if (c == "\"")
			return out
		c = substr(line, 1, 1)
		line = substr(line, 2)
		if (c == "u") {
			out = out "?"
			line = substr(line, 5)
		} else {
			out = out (c == "n" ? "\n" : c == "t" ? "\t" : c)
		}
	}
	return out
}

function failure(test, what) {
	failed[suite]++
	failures[++nfailures] = test ": " what
}

# One program's output: counts its tests and sets seen, planned and bad.
function scan(test, text,    n, i, lines, what, words) {
	seen = planned = bad = 0
	n = split(text, lines, "\n")
	for (i = 1; i <= n; i++) {
		if (lines[i] ~ /^1\.\.[0-9]+/) {
			planned += substr(lines[i], 4) + 0
		} else if (lines[i] ~ /^(not )?ok [0-9]+ # SKIP/ || lines[i] ~ /^ok [0-9]+ .* # SKIP/) {
			seen++
			skipped[suite]++
			sub(/^(not )?ok [0-9]+ (- )?(# SKIP )?/, "", lines[i])
			skips[++nskips] = test ": " lines[i]
		} else if (lines[i] ~ /^ok [0-9]+/) {
			seen++
			passed[suite]++
		} else if (lines[i] ~ /^not ok [0-9]+/) {
			seen++
			bad++
			what = lines[i]
			sub(/^not ok [0-9]+ (- )?/, "", what)
			while (i < n && lines[i + 1] ~ /^# / && lines[i + 1] !~ /^# (not )?ok /)
				what = what "\n    " substr(lines[++i], 3)
			failure(test, what)
		}
	}
}

/^\{/ {
	name = field($0, "name")
	result = field($0, "result")
	test = name
	sub(/^.* \/ /, "", test)
	suite = test
	sub(/\/.*/, "", suite)
	if (!(suite in passed)) {
		passed[suite] = failed[suite] = skipped[suite] = 0
		suites[++nsuites] = suite
	}
	scan(test, field($0, "stdout"))
	lost = planned - seen
	if (lost > 0) {
		failure(test, lost " of " planned " tests never reported (" tolower(result) ")")
		failed[suite] += lost - 1
	} else if (result !~ /^(OK|EXPECTEDFAIL|SKIP)$/ && !bad) {
		failure(test, seen ? "all tests passed, yet the program ended with " tolower(result) \
			: "the program ended with " tolower(result))
	} else if (!seen && !planned) {
		if (result == "SKIP") {
			skipped[suite]++
			skips[++nskips] = test
		} else {
			passed[suite]++
		}
	}
}

END {
	for (i = 1; i <= nskips; i++)
		print "skipped " skips[i]
	for (i = 1; i <= nfailures; i++)
		print "FAILED  " failures[i]
	if (nskips || nfailures)
		print ""
	printf "%-10s %8s %8s %8s\n", "suite", "passed", "failed", "skipped"
	for (i = 1; i <= nsuites; i++) {
		suite = suites[i]
		printf "%-10s %8d %8d %8d\n", suite, passed[suite], failed[suite], skipped[suite]
		all_passed += passed[suite]
		all_failed += failed[suite]
	}
	if (!nsuites)
		print "(no test ran)"
	print ""
	printf "%d passed, %d failed\n", all_passed, all_failed
	exit all_failed != 0 || !nsuites
}
