# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# The program as its users meet it: output, messages, exit statuses. test_cli.sh ROOT IOTOLL

# shellcheck source=tests/cli/program.sh
. "$1/tests/cli/program.sh"

short="--set run.duration=20ms --set run.warmup=5ms"

# shellcheck disable=SC2086
the_json_of_two_equal_runs_is_identical() {
	run_for 0 run bare-metal $short --set iommu.model=calgary --format json
	cp "$scratch/out" "$scratch/first"
	run_for 0 run bare-metal $short --set iommu.model=calgary --format json
	expect "identical bytes" cmp "$scratch/first" "$scratch/out"
	run_for 0 run bare-metal $short --set iommu.model=calgary --set run.seed=2 --format json
	expect_not "other bytes with another seed" cmp -s "$scratch/first" "$scratch/out"
	for field in throughput_mbps cpu_utilization_percent cpu_max_percent service_demand_us_per_kb \
		cpu_cycles maps unmaps single_entry_fraction flushes hits misses exposure; do
		expect "field $field" grep -q "\"$field\"" "$scratch/first"
	done
}

# shellcheck disable=SC2086
text_goes_to_stdout_and_looks_like_netperf() {
	run_for 0 run bare-metal $short
	expect "netperf's column heads" grep -q 'Message  Elapsed' "$scratch/out"
	expect "utilisation with its maximum" grep -q 'of 800' "$scratch/out"
	expect_not "nothing on stderr without a terminal" [ -s "$scratch/err" ]
}

# shellcheck disable=SC2086
csv_goes_into_the_file_named() {
	run_for 0 run bare-metal $short --format "csv:$scratch/r.csv"
	expect_not "nothing on stdout" [ -s "$scratch/out" ]
	expect "the flattened key" grep -q '^cpu_cycles.copy,' "$scratch/r.csv"
}

typos_are_refused_with_the_nearest_name() {
	refused "did you mean load.message_bytes?" run bare-metal --set load.mesage_bytes=1
	refused "did you mean bare-metal?" run bare-metl
	refused "did you mean calgary?" run bare-metal --set iommu.model=calgray
	refused "did you mean run?" rnu
	refused "did you mean strategies?" list stratgies
	refused "there are: paper, evidence" study papers
	refused "did you mean optimistic?" explain optmistic
}

bad_values_are_refused_with_what_was_expected() {
	refused "--set load.message_bytes: '0' is out of range" run bare-metal --set load.message_bytes=0
	refused "expected section.key=value" run bare-metal --set nonsense
	refused "run.duration" run bare-metal --set run.duration=5
	refused "needs an IOMMU" run bare-metal --set dma.strategy=strict
	refused "--dump-table" run bare-metal --dump-table "$scratch/t" --set run.duration=1ms
	expect_not "no file left" [ -e "$scratch/t" ]
}

a_bad_scenario_file_names_file_line_and_key() {
	printf '[load]\nname = tcp_stream\nsize = 3\n' >"$scratch/bad.ini"
	refused "$scratch/bad.ini:3: load.size: unknown key" run "$scratch/bad.ini"
	printf '[load\n' >"$scratch/bad.ini"
	refused "$scratch/bad.ini:1:" run "$scratch/bad.ini"
	refused "$scratch/none.ini" run "$scratch/none.ini"
}

options_that_do_not_exist_end_with_status_2() {
	run_for 2 run bare-metal --frobnicate
	run_for 2 run
	run_for 2 run bare-metal --format yaml
	run_for 2
}

help_and_version_succeed() {
	run_for 0 --help
	expect "an example" grep -q 'iotoll run bare-metal' "$scratch/out"
	run_for 0 --version
	run_for 0 run --help
	expect "examples" grep -q 'Examples:' "$scratch/out"
}

lists_name_what_there_is() {
	run_for 0 list iommus
	expect "calgary" grep -q '^calgary' "$scratch/out"
	run_for 0 list strategies
	for name in off strict deferred deferred-tracked flush-queue; do
		expect "$name" grep -q "^$name " "$scratch/out"
	done
	run_for 0 list profiles
	expect "e326" grep -q '^e326' "$scratch/out"
	run_for 0 list profiles x460-2007
	expect "grade and source" grep -q 'memory.dram_miss.*130 ns.*published' "$scratch/out"
	run_for 0 list loads
	run_for 0 list settings --format json
	expect "JSON" grep -q '"setting": "load.message_bytes"' "$scratch/out"
}

every_strategy_is_explained_with_all_its_parts() {
	run_for 0 list strategies --format csv
	cut -d, -f1 "$scratch/out" | tail -n +2 >"$scratch/names"
	while read -r name; do
		run_for 0 explain "$name" --format json
		for part in title does protects gives_up drivers source; do
			expect "$name: $part" grep -q "\"$part\": \"..*\"" "$scratch/out"
		done
	done <"$scratch/names"
	run_for 0 explain deferred
	expect "in words" grep -q '^What it gives up' "$scratch/out"
	run_for 2 explain
}

the_effective_scenario_runs_again() {
	run_for 0 run bare-metal --set load.message_bytes=512 --show-scenario
	cp "$scratch/out" "$scratch/again.ini"
	expect "the change is in it" grep -q '^message_bytes = 512' "$scratch/again.ini"
	run_for 0 run "$scratch/again.ini" --show-scenario
	expect "the same text" cmp "$scratch/out" "$scratch/again.ini"
}

the_shipped_trace_replays_and_reports_what_is_missing() {
	trace=$root/traces/vtd-strict-rx-4096.trace.txt
	run_for 0 replay "$trace" --iommu calgary --strategy strict --format json
	expect "as many flushes as unmaps" grep -q '"flushes": [1-9]' "$scratch/out"
	expect "no stale pages" grep -q '"stale_pages": 0' "$scratch/out"
	expect "unmatched events are reported" grep -q '"unmatched_unmaps": [1-9]' "$scratch/out"
	run_for 0 replay "$trace" --strategy deferred --format json
	expect "stale pages" grep -q '"stale_pages": [1-9]' "$scratch/out"
	run_for 0 replay "$trace"
}

a_recorded_load_is_priced_under_every_strategy() {
	trace=$root/traces/vtd-lazy-rx.probes.txt
	run_for 0 what-if "$trace" --out "$scratch/w"
	expect "the device" grep -q '^0000:00:01.0: 537 maps and 539 unmaps' "$scratch/out"
	expect "what strict costs" grep -q '^iommu.strict=1 (strict) on vtd costs' "$scratch/out"
	expect "as many as recorded" grep -qE '^strict .* 539 ' "$scratch/out"
	expect "a page" grep -q '</html>' "$scratch/w/index.html"
	expect "its plot" grep -q '<svg' "$scratch/w/index.html"
	run_for 0 what-if - --strategies iommu.strict=1,deferred --iommu vtd,calgary --format csv <"$trace"
	expect "a line a row" [ "$(wc -l <"$scratch/out")" -eq 5 ]
	run_for 0 what-if "$trace" --pace closed --strategies strict --format json
	expect "a rate" grep -q '"pairs_per_s": [1-9]' "$scratch/out"
	refused "did you mean iommu.strict=" what-if "$trace" --strategies iommu.strict
	refused "expected open or closed" what-if "$trace" --pace fast
	refused "has '0000:00:01.0'" what-if "$trace" --device eth0
	refused "no map or unmap event" what-if "$root/traces/tce-veth-boot.txt"
	refused "$scratch/none" what-if "$scratch/none"
	for size in 0x1000000000 0x1000; do
		printf ' a-1 [000] 1.0: map: IOMMU: iova=0x%x - 0x%x paddr=0x1000 size=%d\n' 0 $size $size
		printf ' a-1 [000] 2.0: unmap: IOMMU: iova=0x0 - 0x%x size=%d unmapped_size=%d\n' \
			$size $size $size
	done >"$scratch/large.txt"
	run_for 0 what-if "$scratch/large.txt" --strategies strict
	tr '\n' ' ' <"$scratch/out" >"$scratch/first"
	expect "the map that does not fit" grep -q "(maps that failed here: 1)" "$scratch/first"
	run_for 2 what-if
	run_for 0 replay "$trace" --device 0000:00:01.0 --iommu vtd --strategy strict --allocator magazines \
		--pace closed --format json
	expect "its maps from before" grep -q '"invalidations": 539' "$scratch/out"
}

what_kernels_did_is_predicted() {
	run_for 0 predict "$root/traces/vtd-ifupdown.probes.txt"
	expect "a share" grep -q '^addresses *98.000 % *196 *4 *91$' "$scratch/out"
	expect "the first wrong one in words" grep -q '^  expected  iova 0x' "$scratch/out"
	run_for 0 predict "$root/traces/vtd-lazy-rx.probes.txt" --format json
	expect "full rings" grep -q '"flushes": {' "$scratch/out"
	expect "no divergence" grep -q '"first_divergence": null' "$scratch/out"
	run_for 0 predict - --format csv <"$root/traces/vtd-lazy-rx.iotlb.txt"
	expect "all right" grep -qx 'predicted.iotlb.predicted_exact_fraction,1.0*' "$scratch/out"
	for one in vtd-lazy-rx.iotlb tce-veth-boot vtd-ifupdown.probes; do
		run_for 0 predict "$root/traces/$one.txt" --format csv
		grep '^predicted.*\(exact\|wrong\|observable\)' "$scratch/out" >"$scratch/first"
		run_for 0 trace convert "$root/traces/$one.txt" -o "$scratch/one.iot"
		run_for 0 predict "$scratch/one.iot" --format csv
		grep '^predicted.*\(exact\|wrong\|observable\)' "$scratch/out" >"$scratch/second"
		expect "the same of $one as text and converted" cmp "$scratch/first" "$scratch/second"
	done
	printf 'kind,name,iova,tag\naccess,vtd_iotlb_page_hit,0x1000,3\n' >"$scratch/a.csv"
	refused "expected a requester of 16 bits" predict "$scratch/a.csv"
	printf 'kind,name,iova,bytes,tag\ninvalidate,vtd_inv_desc_iotlb_pages,0x1000,12288,3\n' \
		>"$scratch/a.csv"
	refused "expected a power of two of pages" predict "$scratch/a.csv"
	printf 'kind,name,iova,bytes,pages,tag,entry\n%s,0x1000,8192,1,3,0\n' \
		tce-stuff,spapr_iommu_pci_stuff >"$scratch/a.csv"
	refused "expected whole entries" predict "$scratch/a.csv"
	refused "not recognised as a trace" predict "$root/README.md"
	refused "$scratch/none" predict "$scratch/none"
	printf 'spapr_iommu_put liobn=0x8 ioba=0x1 tce=0x3 ret=0\n' >"$scratch/wrong.txt"
	refused "$scratch/wrong.txt:1: spapr_iommu_put: expected" predict "$scratch/wrong.txt"
	printf 'cpus=1\n' >"$scratch/empty.txt"
	refused "nothing to predict" predict "$scratch/empty.txt"
	{ cat "$root/traces/vtd-ifupdown.probes.txt" && echo 'CPU:0 [LOST 500 EVENTS]'; } >"$scratch/lossy.txt"
	refused "lost 500 events" predict "$scratch/lossy.txt"
	run_for 0 predict "$scratch/lossy.txt" --allow-loss
	refused "trace format 'perfetto' is unknown" predict "$scratch/wrong.txt" --trace-format perfetto
}

# shellcheck disable=SC2086
a_timeline_is_written_beside_the_same_result() {
	run_for 0 run bare-metal $short --set iommu.model=vtd --format json
	cp "$scratch/out" "$scratch/first"
	run_for 0 run bare-metal $short --set iommu.model=vtd --format json --timeline "$scratch/run.json"
	expect "identical bytes" cmp "$scratch/first" "$scratch/out"
	expect "unmaps on it" grep -q '^{"ph":"X","name":"unmap","cat":"cpu"' "$scratch/run.json"
	run_for 0 run bare-metal $short --timeline "$scratch/cut.json" --timeline-events 100
	expect "the rest is told" grep -q 'more than 100 events' "$scratch/err"
	run_for 0 replay "$root/traces/vtd-strict-rx-4096.trace.txt" --strategy strict \
		--timeline "$scratch/replay.json"
	expect "flushes on it" grep -q '"name":"flush"' "$scratch/replay.json"
	refused "expected --timeline FILE" run bare-metal --timeline-from '5 ms'
	refused "--timeline-from: " run bare-metal --timeline x --timeline-from 5
	refused "$scratch/none/x: cannot write" replay "$root/README.md" --timeline "$scratch/none/x"
	refused "not recognised as a trace" replay "$root/README.md" --timeline "$scratch/none.json"
	expect_not "no file" [ -e "$scratch/none.json" ]
}

a_recording_is_exported_as_a_timeline() {
	trace=$root/traces/vtd-lazy-rx.probes.txt
	run_for 0 trace export "$trace" --format perfetto
	expect "calls" grep -q '^{"ph":"X","name":"map_page"' "$scratch/out"
	run_for 0 trace export "$trace" --format "perfetto:$scratch/one.json"
	run_for 0 trace export --format perfetto "$trace" -o "$scratch/two.json"
	expect "the same" cmp "$scratch/one.json" "$scratch/two.json"
	refused "expected --format perfetto" trace export "$trace"
	refused "expected the verb export" trace info --format perfetto "$trace"
	refused "one place to write to" trace export "$trace" --format perfetto:a -o b
	refused "not recognised as a trace" trace export --format perfetto "$root/README.md"
}

recording_says_what_is_missing_and_how_others_do_it() {
	mkdir -p "$scratch/tracefs"
	refused "expected it mounted" record --tracefs "$scratch/tracefs" -o "$scratch/none.iot"
	mkdir -p "$scratch/tracefs/events/iommu/map" "$scratch/tracefs/events/iommu/unmap"
	# An instance cannot be made where there is no folder for them.
	refused "$scratch/tracefs: cannot make an instance" record --tracefs "$scratch/tracefs" -o "$scratch/none.iot"
	expect_not "no file" [ -e "$scratch/none.iot" ]
	run_for 0 record --tracefs "$scratch/tracefs" --print-command --seconds 3
	expect "for this kernel" grep -q '^# for this kernel' "$scratch/out"
	expect "trace-cmd" grep -q '^trace-cmd record .* -e iommu:map -e iommu:unmap sleep 3$' "$scratch/out"
	run_for 0 record --tracefs "$scratch/none" --print-command -- load 'two words'
	expect "the default" grep -q "^# the default set 'iommu'" "$scratch/out"
	expect "the command" grep -q "^perf record .* -- load 'two words'\$" "$scratch/out"
	refused "--seconds 0: expected a number" record --seconds 0
	refused "$scratch/none/x: cannot write" record -o "$scratch/none/x"
}

the_iotlb_laboratory_answers_from_a_recording_and_from_a_run() {
	trace=$root/traces/vtd-strict-rx.iotlb.txt
	run_for 0 iotlb "$trace" --entries 8,16 --policies lru,opt --format csv
	expect "a point" grep -q '^lru,8,4,modulo,none,' "$scratch/out"
	expect "the optimum" grep -q '^opt,16,4,' "$scratch/out"
	cp "$scratch/out" "$scratch/first"
	run_for 0 iotlb "$trace" --entries 16,8 --policies lru,opt --format csv
	expect "the same again, in order of size" cmp "$scratch/first" "$scratch/out"
	# shellcheck disable=SC2086
	run_for 0 iotlb bare-metal $short --set iommu.model=calgary --entries 16 --prefetch all \
		--svg "$scratch/i.svg"
	expect "a prefetcher" grep -q 'lru.*next' "$scratch/out"
	expect "a figure" grep -q '<svg' "$scratch/i.svg"
	# shellcheck disable=SC2086
	run_for 0 iotlb bare-metal $short --set iommu.model=dart-u4 --set sut.profile=js21-2007 \
		--set dma.strategy=strict --entries 16
	expect "pages invalidated one by one" grep -Eq 'Invalidated: [0-9]{3,} ranges' "$scratch/out"
}

the_iotlb_laboratory_takes_hints_where_mappings_are_known() {
	# shellcheck disable=SC2086
	run_for 0 iotlb bare-metal $short --set iommu.model=calgary --entries 8 --policies lru,fifo \
		--hints all --format csv
	expect "eviction hints" grep -q '^lru,8,4,modulo,none,eviction,' "$scratch/out"
	expect "a row for each kind" test "$(grep -c '^lru,8,4,modulo,none,' "$scratch/out")" = 4
	expect "none for a policy that takes none" test "$(grep -c '^fifo,' "$scratch/out")" = 1
}

the_iotlb_laboratory_takes_the_disk_of_a_run() {
	# shellcheck disable=SC2086
	run_for 0 iotlb ffsb $short --set iommu.model=vtd --set dma.strategy=strict \
		--entries 16 --policies lru,opt
	expect "whose accesses" grep -q "as the simulated disk adapter asked" "$scratch/out"
	expect "some hit" grep -Eq "^lru .* 16 +[0-9]+ " "$scratch/out"
}

the_iotlb_laboratory_refuses_what_cannot_be() {
	trace=$root/traces/vtd-strict-rx.iotlb.txt
	refused "a divisor of the 6 entries" iotlb "$trace" --entries 6 --ways 4
	refused "make 3 sets: expected a power of two" iotlb "$trace" --entries 12 --ways 4
	refused "--entries 0: expected numbers from 1" iotlb "$trace" --entries 0
	refused "--ways 0: expected numbers from 1" iotlb "$trace" --ways 0
	refused "--partitions 0: expected a number from 1" iotlb "$trace" --partitions 0
	refused "up to the 2 sets" iotlb "$trace" --entries 8 --partitions 4
	refused "QEMU's vtd_" iotlb "$root/README.md"
	refused "did you mean fifo?" iotlb "$trace" --policies lru,fito
	refused "did you mean stride?" iotlb "$trace" --prefetch strid
	refused "needs a stream that says which pages are mapped" iotlb "$trace" --prefetch next
	refused "hints need a stream that says which pages are mapped" iotlb "$trace" --hints eviction
	refused "did you mean mapping?" iotlb "$trace" --hints maping
	refused "expected iommu.model and dma.strategy" iotlb bare-metal
	refused "--set changes a scenario" iotlb "$trace" --set run.seed=2
	refused "expected --policies lru --ways full" iotlb "$trace" --sample 0.1 --policies lru,opt
	refused "expected --policies lru --ways full" iotlb "$trace" --sample 0.1 --ways 4
	refused "expected --entries from 10 on" iotlb "$trace" --sample 0.1 \
		--entries 8,16,32,64,128,256,512,1024
	{
		echo kind,iova,tag
		seq -f 'access,%.0f000,3' 1 9
	} >"$scratch/few.csv"
	refused "one has none: $scratch/few.csv is too small" iotlb "$scratch/few.csv" --sample 0.01
	refused "of maps and unmaps none is sampled" iotlb "$root/traces/vtd-lazy-rx.probes.txt" \
		--sample 0.1
	printf ' a-1 [000] 1.0: map: IOMMU: %s paddr=0x1000 size=1099511627776\n' \
		'iova=0x0 - 0x10000000000' >"$scratch/large.txt"
	refused "more pages than can be followed" iotlb "$scratch/large.txt"
	refused "no map or unmap event" replay "$trace"
	printf 'cpus=1\n' >"$scratch/empty.txt"
	refused "expected IOTLB lookups of a device" iotlb "$scratch/empty.txt"
}

a_truncated_trace_is_refused_with_its_line() {
	head -c 3000 "$root/traces/vtd-strict-rx-4096.trace.txt" >"$scratch/cut.txt"
	run_for 2 replay "$scratch/cut.txt"
	expect "file and line" grep -q "$scratch/cut.txt:[0-9]*: " "$scratch/err"
	refused "$scratch/none" replay "$scratch/none"
	refused "--access" replay "$scratch/cut.txt" --access sometimes
}

an_interrupt_stops_a_run_with_status_130_and_no_files() {
	"$iotoll" run bare-metal --set run.duration=100s --pcap "$scratch/w.pcap" \
		--format "json:$scratch/r.json" >"$scratch/out" 2>"$scratch/err" &
	pid=$!
	sleep 0.5
	kill -INT "$pid"
	wait "$pid"
	expect "status 130" [ $? -eq 130 ]
	expect_not "no capture" [ -e "$scratch/w.pcap" ]
	expect_not "no partial capture" [ -e "$scratch/w.pcap.partial" ]
	expect_not "no result" [ -e "$scratch/r.json" ]
}

an_interrupted_study_keeps_what_is_finished_and_resumes() {
	"$iotoll" study paper --out "$scratch/p" --jobs 1 >"$scratch/out" 2>"$scratch/err" &
	pid=$!
	sleep 3
	kill -INT "$pid"
	wait "$pid"
	expect "status 130" [ $? -eq 130 ]
	expect "the store" [ -s "$scratch/p/results.db" ]
	expect_not "no page of half a study" [ -e "$scratch/p/index.html" ]
	size=$(wc -c <"$scratch/p/results.db")
	expect "finished runs in it" [ "$size" -gt 20000 ]
}

# shellcheck disable=SC2086
a_comparison_says_price_and_exposure_of_every_strategy() {
	run_for 0 compare bare-metal $short --strategies strict,deferred --format json --out "$scratch/c"
	cp "$scratch/out" "$scratch/first"
	for field in baseline applies allocator cpu_per_kb_increase_percent exposure \
		stale_us_p99 subpage_bytes_mean attacks late_10us succeeded pareto cheapest_without_stale; do
		expect "field $field" grep -q "\"$field\"" "$scratch/first"
	done
	expect "the machine's own IOMMU" grep -q '"iommu": "calgary"' "$scratch/first"
	expect "a page" grep -q 'id="run-deferred"' "$scratch/c/index.html"
	expect "with the command" grep -q 'iotoll compare bare-metal --strategies' "$scratch/c/index.html"
	expect "the picture" grep -q '<svg' "$scratch/c/figure-price-of-safety.svg"
	run_for 0 compare bare-metal $short --strategies deferred,strict --format json \
		--out "$scratch/again" --jobs 1
	expect "identical bytes" cmp "$scratch/first" "$scratch/out"
	run_for 0 compare bare-metal $short --strategies strict,deferred --format csv --out "$scratch/c"
	expect "a line a strategy" [ "$(wc -l <"$scratch/out")" -eq 3 ]
	expect "dotted keys" grep -q ',exposure.stale_us_p99,' "$scratch/out"
	run_for 0 compare bare-metal $short --strategies strict,deferred --out "$scratch/c" --sort price
	expect "the front is marked" grep -q '^deferred \*' "$scratch/out"
	expect "what strict costs" grep -q '^strict costs +' "$scratch/out"
}

# shellcheck disable=SC2086
a_strategy_that_cannot_be_built_is_told_with_the_reason() {
	run_for 0 compare bare-metal $short --strategies strict,shared --attacks none \
		--set iommu.model=riommu --format json --out "$scratch/c"
	expect "the one applies" grep -q '"applies": true' "$scratch/out"
	expect "the other does not" grep -q '"applies": false' "$scratch/out"
	expect "and why" grep -q '"reason": "strategy shared keeps pages' "$scratch/out"
	expect "no attacks" grep -q '"attacks": null' "$scratch/out"
}

# shellcheck disable=SC2086
a_comparison_takes_from_its_store_what_is_there() {
	run_for 0 compare bare-metal $short --strategies strict --format "json:$scratch/r.json" --out "$scratch/c"
	cp "$scratch/c/results.db" "$scratch/before"
	run_for 0 compare bare-metal $short --strategies strict --format "json:$scratch/r.json" --out "$scratch/c"
	expect "nothing was added" cmp "$scratch/before" "$scratch/c/results.db"
}

comparisons_that_cannot_be_are_refused() {
	refused "did you mean strict?" compare bare-metal --strategies strickt --out "$scratch/c"
	refused "is not a strategy" compare bare-metal --strategies strict,,off --out "$scratch/c"
	refused "dma.strategy: a comparison sets it" compare bare-metal --set dma.strategy=strict --out "$scratch/c"
	refused "there is nothing to compare" compare bare-metal --set sut.profile=e326 --out "$scratch/c"
	refused "did you mean bare-metal?" compare bare-metl --out "$scratch/c"
	refused "did you mean replay?" compare bare-metal --attacks replya --out "$scratch/c"
	refused "expected registry or price" compare bare-metal --sort name --out "$scratch/c"
	refused "load.mesage_bytes" compare bare-metal --set load.mesage_bytes=1 --out "$scratch/c"
	expect_not "nothing made" [ -e "$scratch/c" ]
	run_for 2 compare
}

an_interrupted_comparison_leaves_no_page() {
	"$iotoll" compare bare-metal --set run.duration=20s --strategies strict,deferred --jobs 1 --out "$scratch/c" \
		>"$scratch/out" 2>"$scratch/err" &
	pid=$!
	sleep 1
	kill -INT "$pid"
	wait "$pid"
	expect "status 130" [ $? -eq 130 ]
	expect "the store" [ -s "$scratch/c/results.db" ]
	expect_not "no page of half a comparison" [ -e "$scratch/c/index.html" ]
}

a_foreign_store_is_refused_and_left_alone() {
	mkdir "$scratch/p"
	echo "my diary" >"$scratch/p/results.db"
	refused "$scratch/p/results.db" study paper --out "$scratch/p"
	refused "$scratch/p/results.db" study paper --out "$scratch/p" --fresh
	expect "untouched" grep -q "my diary" "$scratch/p/results.db"
}

what_cannot_be_written_is_refused_before_the_work() {
	refused "$scratch/none/r.json" run bare-metal --format "json:$scratch/none/r.json"
	refused "there is no figure '8'" study paper --figures 2,8 --out "$scratch/p"
	expect_not "nothing made" [ -e "$scratch/p" ]
}

a_full_standard_output_is_a_failure() {
	for what in "--version" "--help" "list iommus" "run bare-metal --show-scenario"; do
		# shellcheck disable=SC2086
		"$iotoll" $what >/dev/full 2>"$scratch/err"
		expect "status 1 for $what" [ $? -eq 1 ]
	done
}

the_dumped_table_appears_whole_or_not_at_all() {
	# shellcheck disable=SC2086
	run_for 0 run bare-metal $short --set iommu.model=calgary --set iommu.table_entries=8192 \
		--dump-table "$scratch/table"
	expect "64 KiB" [ "$(wc -c <"$scratch/table")" -eq 65536 ]
	echo keep >"$scratch/keep"
	chmod 500 "$scratch"
	# shellcheck disable=SC2086
	"$iotoll" run bare-metal $short --set iommu.model=calgary --dump-table /dev/full \
		>/dev/null 2>&1
	expect "a device that is full is a failure" [ $? -ne 0 ]
	chmod 700 "$scratch"
	expect "and still a device" [ -c /dev/full ]
}

settings_in_files_are_refused_with_their_place() {
	printf '[iommu]\nmodel = calgary\niotlb_ways = 3\n' >"$scratch/s.ini"
	refused "$scratch/s.ini:3: iommu.iotlb_ways: " run "$scratch/s.ini"
	printf '[sut.memory]\ndram_mis = 3 ns\n' >"$scratch/s.ini"
	refused "$scratch/s.ini:2: sut.memory.dram_mis" run "$scratch/s.ini"
	refused "$scratch/s.ini:2: sut.memory.dram_mis" run "$scratch/s.ini" --show-scenario
}

# a background job of a non-interactive shell ignores SIGINT: the program sets its own handler
tap_run the_json_of_two_equal_runs_is_identical text_goes_to_stdout_and_looks_like_netperf \
	csv_goes_into_the_file_named typos_are_refused_with_the_nearest_name \
	bad_values_are_refused_with_what_was_expected a_bad_scenario_file_names_file_line_and_key \
	options_that_do_not_exist_end_with_status_2 help_and_version_succeed \
	lists_name_what_there_is every_strategy_is_explained_with_all_its_parts the_effective_scenario_runs_again \
	the_shipped_trace_replays_and_reports_what_is_missing \
	a_recorded_load_is_priced_under_every_strategy \
	what_kernels_did_is_predicted \
	a_timeline_is_written_beside_the_same_result a_recording_is_exported_as_a_timeline \
	recording_says_what_is_missing_and_how_others_do_it \
	the_iotlb_laboratory_answers_from_a_recording_and_from_a_run \
	the_iotlb_laboratory_takes_hints_where_mappings_are_known \
	the_iotlb_laboratory_takes_the_disk_of_a_run \
	the_iotlb_laboratory_refuses_what_cannot_be \
	a_truncated_trace_is_refused_with_its_line \
	an_interrupt_stops_a_run_with_status_130_and_no_files \
	an_interrupted_study_keeps_what_is_finished_and_resumes \
	a_comparison_says_price_and_exposure_of_every_strategy \
	a_strategy_that_cannot_be_built_is_told_with_the_reason a_comparison_takes_from_its_store_what_is_there \
	comparisons_that_cannot_be_are_refused an_interrupted_comparison_leaves_no_page \
	a_foreign_store_is_refused_and_left_alone \
	what_cannot_be_written_is_refused_before_the_work a_full_standard_output_is_a_failure \
	the_dumped_table_appears_whole_or_not_at_all settings_in_files_are_refused_with_their_place
tap_end
