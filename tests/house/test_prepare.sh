#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The way from a bare machine to a built tree (scripts/prepare.sh), played on a machine made of a
# PATH: a directory with the few commands the script may count on, and stand-ins for apt-get, sudo
# and id that write down what they were asked. test_prepare.sh ROOT
#
# Single-quoted text is for another shell to expand.
# shellcheck disable=SC2016
set -u
root=$1
. "$root/tests/house/tap.sh"

# The file behind a command, also where the shell has it built in.
which_file() {
	env sh -c 'IFS=:; for d in $PATH; do [ -x "$d/$1" ] && echo "$d/$1" && exit; done' sh "$1"
}

# A machine with no compiler and no package; $1 = its user's id.
machine() {
	bin=$scratch/bin
	mkdir -p "$bin" "$scratch/tree/scripts"
	for tool in sh env cat tail mktemp rm mkdir grep touch ln; do
		ln -s "$(which_file "$tool")" "$bin/$tool"
	done
	ln -s "$(which_file true)" "$bin/true"
	cp "$root/scripts/prepare.sh" "$scratch/tree/scripts"
	printf '# comment\nbuild gcc cmd cc\nbuild libfoo-dev file %s\nbuild libbar-dev pc bar\n' \
		"$scratch/foo.h" >"$scratch/tree/scripts/packages"
	printf 'ci clang cmd clang\n' >>"$scratch/tree/scripts/packages"
	stand_in id "echo $1"
}

# stand_in NAME BODY: a command of the machine that notes its call and runs BODY.
stand_in() {
	printf '#!/bin/sh\necho "%s $*" >>"%s/calls"\n%s\n' "$1" "$scratch" "$2" >"$bin/$1"
	chmod +x "$bin/$1"
}

# The body of an apt-get whose install makes everything appear.
everything_appears() {
	printf 'touch "%s/foo.h"; ln -s "%s/true" "%s/cc"; ln -s "%s/true" "%s/pkg-config"' \
		"$scratch" "$bin" "$bin" "$bin" "$bin"
}

# Run prepare_packages $@ there; its status in $status, its words in $scratch/said.
prepare() {
	PATH=$bin CI=true root=$scratch/tree sh -c \
		'. "$root/scripts/prepare.sh"; prepare_packages "$@"' sh "$@" \
		>"$scratch/said" 2>&1 </dev/null
	status=$?
	cat "$scratch/said"
	[ -f "$scratch/calls" ] && cat "$scratch/calls"
	return 0
}

status_is() {
	expect "exit status $1, not $status" [ "$status" -eq "$1" ]
}

said() {
	expect "the words: $1" grep -qxF -- "$1" "$scratch/said"
}

called() {
	expect "the call: $1" grep -qxF -- "$1" "$scratch/calls"
}

install_line='apt-get install -y -q --no-install-recommends gcc libfoo-dev libbar-dev'

root_installs_what_is_missing_and_nothing_else() {
	machine 0
	stand_in apt-get "$(everything_appears)"
	prepare build
	status_is 0
	called "$install_line"
	expect_not "no package lists to be fetched" grep -q update "$scratch/calls"
}

a_second_run_touches_nothing() {
	machine 0
	stand_in apt-get "$(everything_appears)"
	prepare build
	: >"$scratch/calls"
	prepare build
	status_is 0
	expect_not "no apt-get" grep -q apt-get "$scratch/calls"
	expect "no word" [ ! -s "$scratch/said" ]
}

package_lists_are_fetched_when_the_first_install_fails() {
	machine 0
	stand_in apt-get "case \$1 in update) touch $scratch/lists ;; *) [ -e $scratch/lists ] || exit 100
$(everything_appears) ;; esac"
	prepare build
	status_is 0
	expect "install, update, install" [ "$(grep -c apt-get "$scratch/calls")" -eq 3 ]
	called 'apt-get update -q'
}

an_ordinary_user_goes_through_sudo() {
	machine 1000
	stand_in apt-get "$(everything_appears)"
	stand_in sudo 'shift; exec "$@"'
	prepare build
	status_is 0
	called "sudo -n env DEBIAN_FRONTEND=noninteractive $install_line"
}

without_rights_the_exact_command_is_printed() {
	machine 1000
	stand_in apt-get 'exit 1'
	prepare build
	status_is 2
	said '  gcc libfoo-dev libbar-dev'
	said '  sudo apt-get update && sudo apt-get install -y --no-install-recommends gcc libfoo-dev libbar-dev'
	expect_not "apt-get not to be called" grep -q apt-get "$scratch/calls"
}

without_apt_the_packages_are_named() {
	machine 0
	prepare build
	status_is 2
	said 'This system has no apt-get.'
	said '  gcc libfoo-dev libbar-dev'
}

a_failing_apt_shows_its_last_words() {
	machine 0
	stand_in apt-get 'echo "E: no network today"; exit 100'
	prepare build
	status_is 2
	said 'E: no network today'
	said '  gcc libfoo-dev libbar-dev'
}

an_install_that_installs_nothing_is_noticed() {
	machine 0
	stand_in apt-get ''
	prepare build
	status_is 2
	said 'apt-get succeeded, yet something is still not found.'
}

only_the_groups_asked_for_are_installed() {
	machine 0
	ln -s "$bin/true" "$bin/cc"
	ln -s "$bin/true" "$bin/pkg-config"
	touch "$scratch/foo.h"
	prepare build
	status_is 0
	stand_in apt-get ''
	prepare build ci
	status_is 2
	called 'apt-get install -y -q --no-install-recommends clang'
}

every_row_of_the_real_list_is_well_formed() {
	while read -r group package probe argument rest; do
		case $group in '' | '#'*) continue ;; esac
		expect "four words and a known probe: $group $package $probe $argument $rest" \
			[ "${argument:+there}${rest:+more}" = there ]
		case $group-$probe in
		build-cmd | build-pc | build-file | ci-cmd | ci-pc | ci-file | oracle-cmd) ;;
		*) expect "a known group and probe: $group $probe" false ;;
		esac
	done <"$root/scripts/packages"
}

an_interrupted_configuration_is_started_again() {
	mkdir -p "$scratch/build/meson-private"
	echo 'half a file' >"$scratch/build/build.ninja"
	expect "a directory with half a configuration to count as not configured" \
		sh -c 'root=$1; . "$1/scripts/prepare.sh"; ! prepare_configured "$2"' sh "$root" \
		"$scratch/build"
}

a_build_of_another_checkout_is_not_mistaken_for_ours() {
	mkdir -p "$scratch/build/meson-private" "$scratch/build/meson-info"
	touch "$scratch/build/build.ninja" "$scratch/build/meson-private/coredata.dat"
	configured='root=$1; . "$1/scripts/prepare.sh"; prepare_configured "$2"'
	echo "{\"directories\": {\"source\": \"/elsewhere\"}}" >"$scratch/build/meson-info/meson-info.json"
	expect_not "not ours" sh -c "$configured" sh "$root" "$scratch/build"
	echo "{\"directories\": {\"source\": \"$root\"}}" >"$scratch/build/meson-info/meson-info.json"
	expect "ours" sh -c "$configured" sh "$root" "$scratch/build"
}

tap_run root_installs_what_is_missing_and_nothing_else \
	a_second_run_touches_nothing \
	package_lists_are_fetched_when_the_first_install_fails \
	an_ordinary_user_goes_through_sudo \
	without_rights_the_exact_command_is_printed \
	without_apt_the_packages_are_named \
	a_failing_apt_shows_its_last_words \
	an_install_that_installs_nothing_is_noticed \
	only_the_groups_asked_for_are_installed \
	every_row_of_the_real_list_is_well_formed \
	an_interrupted_configuration_is_started_again \
	a_build_of_another_checkout_is_not_mistaken_for_ours
tap_end
