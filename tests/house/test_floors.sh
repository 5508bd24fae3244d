#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The house stands: no file includes and no room calls what lies above it (scripts/floors), and
# the checker that says so finds what is planted. test_floors.sh ROOT CC [LIBRARY.a ...]
set -u
root=$1
cc=$2
shift 2
libraries=$*
. "$root/tests/house/tap.sh"

# A house of its own in $scratch with the real table; arguments: file, its text.
plant() {
	mkdir -p "$scratch/scripts" "$scratch/include/iotoll" "$(dirname "$scratch/$1")"
	cp "$root/scripts/floors" "$root/scripts/floors.awk" "$scratch/scripts"
	printf '%s\n' "$2" >"$scratch/$1"
}

# A static library lib$1.a of the C text $2.
plant_library() {
	printf '%s\n' "$2" >"$scratch/$1.c"
	# $cc may be several words.
	# shellcheck disable=SC2086
	$cc -w -c -o "$scratch/$1.o" "$scratch/$1.c" && ar rc "$scratch/lib$1.a" "$scratch/$1.o"
}

judge() {
	"$root/scripts/check_floors.sh" "$scratch" "$@" >"$scratch/verdict"
}

# The verdict must be "violations found", not "could not look".
refuse() {
	judge "$@"
	expect "exit status 1" [ $? -eq 1 ]
}

says() {
	cat "$scratch/verdict"
	expect "a line with '$1'" grep -qF "$1" "$scratch/verdict"
}

no_include_and_no_call_climbs() {
	# Library paths come from the build and are words.
	# shellcheck disable=SC2086
	"$root/scripts/check_floors.sh" "$root" $libraries
}

a_file_may_include_the_floors_below() {
	plant src/base/a.h ''
	plant src/hw/b.c '#include "base/a.h"'
	expect "no violation" judge
}

an_include_of_a_higher_floor_is_found() {
	plant src/guest/a.h ''
	plant src/hw/b.c '#include "guest/a.h"'
	refuse
	says 'src/hw/b.c: includes "guest/a.h": hw (floor 3) may not use guest (floor 5)'
}

an_include_of_a_neighbour_on_the_same_floor_is_found() {
	plant src/dev/a.h ''
	plant src/dma/b.c '#include "dev/a.h"'
	refuse
	says 'may not use dev'
}

an_include_by_relative_path_is_found_too() {
	plant src/sim/a.h ''
	plant src/hw/b.c '#include "../sim/a.h"'
	refuse
	says 'src/hw/b.c: includes "../sim/a.h": hw (floor 3) may not use sim'
}

a_driver_and_its_hardware_share_only_the_published_layout() {
	plant src/spec/x.h ''
	plant src/hw/x.h ''
	plant src/dma/driver/ok.c '#include "spec/x.h"'
	expect "no violation" judge
	plant src/dma/driver/bad.c '#include "hw/x.h"'
	refuse
	says 'dma/driver (floor 4) may not use hw'
}

only_the_simulated_environment_of_the_dma_layer_sees_the_simulator() {
	plant src/sim/a.h ''
	plant src/dma/env/sim/dma_env.h '#include "sim/a.h"'
	expect "no violation" judge
	plant src/dma/env/native/dma_env.h '#include "sim/a.h"'
	refuse
	says 'dma/env/native (floor 4) may not use sim'
}

a_public_header_belongs_to_a_room() {
	plant include/iotoll/dma.h ''
	plant src/hw/b.c '#include "iotoll/dma.h"'
	refuse
	says 'may not use dma'
	plant include/iotoll/new.h ''
	plant src/dma/c.c '#include "iotoll/new.h"'
	refuse
	says "include/iotoll/new.h: no row 'public'"
}

a_third_party_header_outside_its_room_is_found() {
	plant src/dma/a.c '#include <jansson.h>'
	refuse
	says 'src/dma/a.c: includes <jansson.h>, which belongs to study,report,cli'
	plant src/load/b.c '#include "lwip/tcp.h"'
	refuse
	says 'src/load/b.c: includes "lwip/tcp.h", which belongs to guest'
}

an_include_of_nothing_is_found() {
	plant src/dma/a.c '#include "gone.h"'
	refuse
	says 'src/dma/a.c: includes "gone.h", which is no file of the tree'
}

a_folder_without_a_row_is_found() {
	plant src/attic/a.c '#include <stdio.h>'
	refuse
	says 'src/attic/a.c: lies in no folder'
}

a_call_that_climbs_is_found() {
	plant src/hw/b.c '#include <stdio.h>'
	plant_library hw 'void sim_step(void); void hw_x(void) { sim_step(); }'
	plant_library sim 'void sim_step(void) {}'
	refuse "$scratch/libhw.a" "$scratch/libsim.a"
	says 'libhw.a calls sim_step() of libsim.a: hw (floor 3) may not use sim (floor 2)'
}

a_call_downward_is_accepted() {
	plant src/hw/b.c '#include <stdio.h>'
	plant_library hw 'void base_step(void); void hw_x(void) { base_step(); }'
	plant_library base 'void base_step(void) {}'
	expect "no violation" judge "$scratch/libhw.a" "$scratch/libbase.a"
}

the_native_dma_library_may_not_call_the_simulator() {
	plant src/hw/b.c '#include <stdio.h>'
	plant_library sim 'void sim_step(void) {}'
	plant_library dma_sim 'void sim_step(void); void dma_x(void) { sim_step(); }'
	expect "no violation" judge "$scratch/libdma_sim.a" "$scratch/libsim.a"
	plant_library dma_native 'void sim_step(void); void dma_x(void) { sim_step(); }'
	refuse "$scratch/libdma_native.a" "$scratch/libsim.a"
	says 'libdma_native.a calls sim_step()'
}

a_table_row_that_points_upward_is_refused() {
	plant src/base/a.c '#include <stdio.h>'
	printf 'folder base 1 base dma\n' >"$scratch/scripts/floors"
	refuse
	says 'base uses dma, which is not below it'
}

tap_run no_include_and_no_call_climbs \
	a_file_may_include_the_floors_below \
	an_include_of_a_higher_floor_is_found \
	an_include_of_a_neighbour_on_the_same_floor_is_found \
	an_include_by_relative_path_is_found_too \
	a_driver_and_its_hardware_share_only_the_published_layout \
	only_the_simulated_environment_of_the_dma_layer_sees_the_simulator \
	a_public_header_belongs_to_a_room \
	a_third_party_header_outside_its_room_is_found \
	an_include_of_nothing_is_found \
	a_folder_without_a_row_is_found \
	a_call_that_climbs_is_found \
	a_call_downward_is_accepted \
	the_native_dma_library_may_not_call_the_simulator \
	a_table_row_that_points_upward_is_refused
tap_end
