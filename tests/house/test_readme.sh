#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The documents tell the truth: the README's sample is what the program prints, each path they name
# exists, each field of a result is explained, tables of figures are what their commands print.
# test_readme.sh ROOT PROGRAM
set -u
root=$1
program=$2
. "$root/tests/house/tap.sh"
export IOTOLL_DATA="$root"

the_sample_is_what_the_program_prints() {
	"$root/scripts/readme_sample.sh" "$root/README.md" "$program" >"$scratch/fresh" || exit 1
	diff "$root/README.md" "$scratch/fresh" || {
		echo "if the new output is right, take it over with: make readme"
		exit 1
	}
}

the_load_priced_in_its_document_is_what_the_program_prints() {
	"$root/scripts/readme_sample.sh" "$root/docs/traces.md" "$program" >"$scratch/fresh" || exit 1
	diff "$root/docs/traces.md" "$scratch/fresh" || {
		echo "if the new output is right, take it over with: make readme; the text quotes some"
		exit 1
	}
}

the_comparison_in_its_document_is_what_the_program_prints() {
	"$root/scripts/readme_sample.sh" "$root/docs/compare.md" "$program" >"$scratch/fresh" || exit 1
	diff "$root/docs/compare.md" "$scratch/fresh" || {
		echo "if the new output is right, take it over with: make readme; the text quotes some"
		exit 1
	}
}

# Those of the disk take long and are left to make readme.
the_iotlb_tables_are_what_their_commands_print() {
	program=$(readlink -f "$program")
	cd "$root" || exit 1
	scripts/iotlb_tables.sh docs/iotlb.md "$program" ffsb >"$scratch/iotlb.md" || exit 1
	diff docs/iotlb.md "$scratch/iotlb.md" || {
		echo "if the new figures are right, take them over with: make readme; the text quotes some"
		exit 1
	}
}

# The section of prediction $1 in the document $2.
section() {
	awk -v head="### $1 " 'index($0, head) == 1 { on = 1; print; next } /^##/ { on = 0 } on' "$2"
}

# A few of them: make evidence does them all.
predictions="2.1 2.6 6.1 7.2 8.4"
the_evidence_is_what_its_study_prints() {
	"$program" study evidence --only "$(echo "$predictions" | tr ' ' ,)" --out "$scratch/evidence" \
		>"$scratch/out" || exit 1
	for id in $predictions; do
		section "$id" "$root/docs/evidence.md" >"$scratch/written"
		section "$id" "$scratch/evidence/claims.md" >"$scratch/fresh"
		[ -s "$scratch/fresh" ] || exit 1
		diff "$scratch/written" "$scratch/fresh" || {
			echo "if the new figures are right, take them over with: make evidence"
			exit 1
		}
	done
}

the_worked_example_is_the_code_that_is_compiled() {
	"$root/scripts/included_files.sh" "$root/docs/adding-a-strategy.md" "$root" >"$scratch/added" || exit 1
	diff "$root/docs/adding-a-strategy.md" "$scratch/added" || {
		echo "take the code over with: make readme"
		exit 1
	}
}

# Backquotes are the markup's, not the shell's.
# shellcheck disable=SC2016
every_path_it_names_exists() {
	for document in README.md docs/*.md; do
		for path in $(grep -oE '\]\([^)#]+\)|`(src|include|tests|scripts|profiles|scenarios|traces|docs|bench|fuzz)/[^` ]*`' \
			"$root/$document" | tr -d '()`]'); do
			# x stands for the next one of its kind.
			case $path in *'<'* | */x.[ch] | *_x.[ch] | http*) continue ;; esac
			[ -e "$root/$path" ] || [ -e "$root/docs/$path" ] || {
				echo "$document names $path, which is not there"
				missing=1
			}
		done
	done
	[ -z "${missing:-}" ]
}

# Print the fields of the flattened result in $1 that docs/results.md does not explain; true if none.
explained() {
	cut -d, -f1 "$1" | sed 1d | grep -vE '^(settings|command)\.|\.other_events\.|\.reachable_after\.' |
		sed -E 's/\.[0-9]+$//; s/.*\.//' | sort -u | while read -r field; do
		grep -qF "\`$field\`" "$root/docs/results.md" || echo "not explained: $field"
	done >"$scratch/missing"
	cat "$scratch/missing"
	[ ! -s "$scratch/missing" ]
}

each_field_of_a_run_is_explained() {
	"$program" run bare-metal --set iommu.model=calgary --set run.duration='10 ms' \
		--set inject.corrupt_tce='55 ms' --format csv >"$scratch/run.csv" || exit 1
	explained "$scratch/run.csv"
}

each_field_of_a_stream_is_explained() {
	"$program" run stream --set iommu.model=vtd --set run.duration='1 ms' --format csv \
		>"$scratch/run.csv" || exit 1
	explained "$scratch/run.csv"
}

each_field_of_a_replay_is_explained() {
	"$program" replay "$root"/traces/*.trace.txt --format csv >"$scratch/replay.csv" || exit 1
	explained "$scratch/replay.csv"
}

# Keys of JSON: a comparison's are in several objects.
each_field_of_a_comparison_is_explained() {
	"$program" compare bare-metal --set run.duration='10 ms' --strategies off,strict --format json \
		--out "$scratch/compare" >"$scratch/compare.json" || exit 1
	grep -oE '"[a-z_0-9]+":' "$scratch/compare.json" | tr -d '":' | sed '1i key' >"$scratch/compare.csv"
	explained "$scratch/compare.csv"
}

# Keys of JSON: rows are in objects of devices.
each_field_of_what_if_is_explained() {
	"$program" what-if "$root/traces/vtd-disk-lists.probes.txt" --format json >"$scratch/what-if.json" || exit 1
	grep -oE '"[a-z_0-9]+":' "$scratch/what-if.json" | tr -d '":' | sed '1i key' >"$scratch/what-if.csv"
	explained "$scratch/what-if.csv"
}

each_field_of_a_prediction_is_explained() {
	for trace in "$root"/traces/*.txt; do
		"$program" predict "$trace" --format csv >"$scratch/predict.csv" || exit 1
		explained "$scratch/predict.csv" || exit 1
	done
}

each_field_of_a_bench_is_explained() {
	"$program" bench map -s 1 --quick --limit 0.01 --format json >"$scratch/bench.json" || exit 1
	grep -oE '"[a-z_0-9]+":' "$scratch/bench.json" | tr -d '":' | sed '1i key' >"$scratch/bench.csv"
	explained "$scratch/bench.csv"
}

tap_run the_sample_is_what_the_program_prints the_comparison_in_its_document_is_what_the_program_prints \
	the_load_priced_in_its_document_is_what_the_program_prints the_iotlb_tables_are_what_their_commands_print \
	the_evidence_is_what_its_study_prints the_worked_example_is_the_code_that_is_compiled every_path_it_names_exists \
	each_field_of_a_run_is_explained each_field_of_a_stream_is_explained each_field_of_a_replay_is_explained each_field_of_a_prediction_is_explained \
	each_field_of_a_comparison_is_explained each_field_of_what_if_is_explained each_field_of_a_bench_is_explained
tap_end
