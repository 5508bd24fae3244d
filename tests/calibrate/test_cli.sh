# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# iotoll calibrate as its users meet it. test_cli.sh ROOT IOTOLL

# shellcheck source=tests/cli/program.sh
. "$1/tests/cli/program.sh"

a_profile_is_written_loads_and_runs() {
	run_for 0 calibrate --quick -o "$scratch/mine.ini"
	expect "what was measured" grep -q 'load from memory' "$scratch/out"
	expect "the model against it" grep -q 'Model against measurement' "$scratch/out"
	expect "a verdict for each" [ "$(grep -cE '^(calgary|vtd) .* (met|missed by)' "$scratch/out")" -eq 4 ]
	expect "where it is, and whose the rest is" \
		grep -qF "$scratch/mine.ini is written; what was not measured is taken from" "$scratch/out"
	expect "measured values say so" grep -q 'Measured here' "$scratch/mine.ini"
	expect "others say whose they are" grep -q 'Taken from' "$scratch/mine.ini"
	run_for 0 list profiles "$scratch/mine.ini"
	expect "its rows are listed" grep -q 'memory.dram_miss' "$scratch/out"
	run_for 0 run bare-metal --set run.duration=20ms --set run.warmup=5ms \
		--set "sut.profile=$scratch/mine.ini" --set iommu.model=vtd --format json
	expect "a run on it" grep -q '"throughput_mbps"' "$scratch/out"
	run_for 0 calibrate --quick --check "$scratch/mine.ini" --format json
	for field in model_ns ratio met overrides median; do
		expect "field $field" grep -q "\"$field\"" "$scratch/out"
	done
}

a_file_that_is_there_stays() {
	echo precious >"$scratch/mine.ini"
	refused "is there already; --force overwrites it" calibrate -o "$scratch/mine.ini"
	expect "unchanged" grep -qx precious "$scratch/mine.ini"
	run_for 0 calibrate --quick --force --based-on icelake-2021 -o "$scratch/mine.ini" \
		--format "csv:$scratch/found.csv"
	expect "overwritten" grep -q 'Taken from icelake-2021' "$scratch/mine.ini"
	expect "the figures as a table" grep -q '^load-dram,' "$scratch/found.csv"
	expect "those of the model, too" grep -q '^pair vtd strict,' "$scratch/found.csv"
}

what_makes_no_sense_is_refused_before_anything_is_measured() {
	refused "expected a name that ends in .ini or has a folder" calibrate -o mine
	refused "expected a name of at most 47 bytes" \
		calibrate -o "$scratch/a-name-that-is-longer-than-a-profile-may-have-in-here.ini"
	refused "did you mean icelake-2021?" calibrate --based-on icelak-2021
	refused "--check makes no profile" calibrate --check icelake-2021 -o "$scratch/mine.ini"
	refused "--force: expected with --output" calibrate --force
	refused "takes options only" calibrate mine.ini
	refused "cannot write" calibrate -o "$scratch/nowhere/mine.ini"
	refused "$scratch/none.ini" calibrate --check "$scratch/none.ini"
	refused "expected a profile with an [iommu] section" calibrate --quick --check e326
	expect_not "no file" [ -e "$scratch/mine.ini" ]
}

an_interrupted_calibration_leaves_no_file() {
	"$iotoll" calibrate -o "$scratch/mine.ini" >"$scratch/out" 2>"$scratch/err" &
	pid=$!
	while ! kill -0 "$pid" 2>/dev/null; do :; done
	sleep 0.2
	kill -TERM "$pid"
	wait "$pid"
	expect "exit status 130" [ $? -eq 130 ]
	expect_not "no file" [ -e "$scratch/mine.ini" ]
}

tap_run a_profile_is_written_loads_and_runs a_file_that_is_there_stays \
	what_makes_no_sense_is_refused_before_anything_is_measured \
	an_interrupted_calibration_leaves_no_file
tap_end
