# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# From a bare Debian 12 to a built tree: sourced by ./study, ./check and .ci/run, which set $root
# (the checkout) first. Installs what scripts/packages lists and its probes do not find, then
# configures and builds. Says what it does on stderr; on failure exits 2 with the command to run.

: "${root:?the sourcing script sets it}"

say() {
	printf '%s\n' "$*" >&2
}

# Is what one row of scripts/packages provides there?
prepare_has() {
	case $1 in
	cmd) command -v "$2" >/dev/null 2>&1 ;;
	pc) pkg-config --exists "$2" 2>/dev/null ;;
	file) [ -e "$2" ] ;;
	*) say "scripts/packages: '$1': expected cmd, pc or file"; exit 2 ;;
	esac
}

# Names of the packages of group $1 whose probe fails, in one line.
prepare_missing() {
	missing=
	while read -r group package probe argument; do
		[ "$group" = "$1" ] || continue
		prepare_has "$probe" "$argument" </dev/null || missing="$missing $package"
	done <"$root/scripts/packages"
	printf '%s' "${missing# }"
}

# The words that turn a command into one run by root; fails if there is no way.
prepare_as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		printf ''
	elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
		printf 'sudo -n'
	elif command -v sudo >/dev/null 2>&1 && [ -t 0 ] && [ -z "${CI:-}" ]; then
		printf 'sudo'
	else
		return 1
	fi
}

# $1 = why nothing could be installed, $2 = the packages.
prepare_give_up() {
	say "$1"
	say "These packages (names as in Debian 12) are missing:"
	say "  $2"
	say "Install them with:"
	say "  sudo apt-get update && sudo apt-get install -y --no-install-recommends $2"
	exit 2
}

# Install with apt-get; the package lists are only fetched when the ones at hand do not do.
prepare_apt() {
	as_root=$1
	packages=$2
	log=$(mktemp) || exit 2
	# Both lists are words on purpose; sudo drops the environment, env puts it back.
	# shellcheck disable=SC2086
	install() {
		$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
			--no-install-recommends $packages >"$log" 2>&1 </dev/null
	}
	# shellcheck disable=SC2086
	if ! install; then
		say "  fetching package lists"
		if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q \
			>"$log" 2>&1 </dev/null || ! install; then
			tail -n 12 "$log" >&2
			rm -f "$log"
			prepare_give_up "apt-get failed, see above." "$packages"
		fi
	fi
	rm -f "$log"
}

# Have every package of each named group, or exit 2 saying how to get them.
prepare_packages() {
	for wanted in "$@"; do
		missing=$(prepare_missing "$wanted") || exit 2
		[ -n "$missing" ] || continue
		command -v apt-get >/dev/null 2>&1 ||
			prepare_give_up "This system has no apt-get." "$missing"
		as_root=$(prepare_as_root) ||
			prepare_give_up "Installing packages needs root, and sudo is not usable." "$missing"
		say "Installing: $missing"
		prepare_apt "$as_root" "$missing"
		missing=$(prepare_missing "$wanted") || exit 2
		[ -z "$missing" ] ||
			prepare_give_up "apt-get succeeded, yet something is still not found." "$missing"
	done
}

# Was $1 completely configured, and from this checkout?
prepare_configured() {
	[ -f "$1/build.ninja" ] && [ -f "$1/meson-private/coredata.dat" ] &&
		grep -qF "\"source\": \"$root\"" "$1/meson-info/meson-info.json" 2>/dev/null
}

# Run a step whose output only matters if it fails; it is kept in $1/prepare.log.
prepare_quietly() {
	log=$1/prepare.log
	shift
	"$@" >"$log" 2>&1 </dev/null && return 0
	# Of a build, what went before the first failure says nothing.
	if grep -q '^FAILED: ' "$log"; then
		sed -n '/^FAILED: /,$p' "$log" >&2
	else
		cat "$log" >&2
	fi
	return 1
}

# Configure (once) and build directory $1: $prepare_targets, or everything. Further words are options
# for meson setup.
prepare_build() {
	build=$1
	shift
	mkdir -p "$build" || exit 2
	if ! prepare_configured "$build"; then
		say "Configuring $build"
		# What an interrupted or moved configuration left is in nobody's way.
		rm -rf "$build/meson-private" "$build/meson-info" "$build/build.ninja"
		prepare_quietly "$build" meson setup "$@" "$build" "$root" || exit 2
	fi
	lock=
	command -v flock >/dev/null 2>&1 && lock="flock $build/.lock"
	# Two builds of one directory at a time wait for each other; one with nothing to do is silent.
	# shellcheck disable=SC2086
	if ninja -C "$build" -n ${prepare_targets:-} </dev/null 2>/dev/null | grep -q 'no work to do'; then
		return 0
	elif [ -t 2 ]; then
		$lock ninja -C "$build" ${prepare_targets:-} >&2 </dev/null || exit 2
	else
		say "Building $build"
		prepare_quietly "$build" $lock ninja -C "$build" ${prepare_targets:-} || exit 2
	fi
}

# Run the tests of build directory $1 with further words for meson test; report and tally. The
# status is 0 if all passed, 1 if not, 2 if they could not be run.
run_tests() {
	build=$1
	shift
	rm -f "$build/meson-logs/testlog.json"
	CMOCKA_MESSAGE_OUTPUT=TAP meson test -C "$build" --no-rebuild --print-errorlogs "$@" </dev/null
	if [ ! -f "$build/meson-logs/testlog.json" ]; then
		say "No test ran."
		return 2
	fi
	awk -f "$root/scripts/tally.awk" "$build/meson-logs/testlog.json"
}
