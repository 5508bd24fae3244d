# SPDX-License-Identifier: MIT
#
# Short names for what meson and the scripts do. make install takes PREFIX= (default /usr/local) and
# DESTDIR=.
BUILD  = build
PREFIX =

all: build/iotoll

build/iotoll: FORCE
	@root='$(CURDIR)'; . scripts/prepare.sh; prepare_packages build; prepare_build $(BUILD)

check:
	@./check

# Hardware halves against something that is not ours: QEMU's models of the same IOMMUs, driven through
# its qtest socket (docs/oracle.md). There is no independent model of Calgary and DART; their byte
# vectors, worked out by hand from the published layouts, stand in. ORACLE='--ops 1000000 --seed 7' goes on for longer.
ORACLE =

check-oracle: build/iotoll
	@root='$(CURDIR)'; . scripts/prepare.sh; \
	(prepare_packages oracle) || say 'Going on without QEMU.'; \
	$(BUILD)/tests/oracle/oracle $(ORACLE); status=$$?; \
	[ $$status -eq 0 ] || [ $$status -eq 77 ] || exit 1; \
	say 'No independent model of Calgary and DART exists: running their vectors from the published layouts.'; \
	run_tests $(BUILD) $(addprefix hw/calgary_,spec regs translate cache errors) \
		$(addprefix hw/dart_,regs tlb translate)

bench: build/iotoll
	@IOTOLL_DATA='$(CURDIR)' $(BUILD)/iotoll bench all
	@$(BUILD)/bench/trace_bench traces/*.iotlb.txt

# The table of docs/performance.md, measured on this machine: some two minutes, of which nobody else should have any.
performance: build/iotoll
	IOTOLL_DATA='$(CURDIR)' $(BUILD)/iotoll bench all --format json:$(BUILD)/bench.json
	scripts/performance_table.sh docs/performance.md $(BUILD)/bench.json >$(BUILD)/performance.md && cp $(BUILD)/performance.md docs/performance.md

# Which function of the simulated machines is charged what (bench/ledger.c, docs/xen.md).
ARGS = domu

ledger: FORCE
	@root='$(CURDIR)'; . scripts/prepare.sh; prepare_packages build; \
	prepare_targets='bench/ledger program' prepare_build $(BUILD)-ledger -Dledger=true && \
	IOTOLL_DATA='$(CURDIR)' $(BUILD)-ledger/bench/ledger $(ARGS)

# Take over what the samples of README and docs/compare.md print today, and the tables of docs/iotlb.md and docs/zero-cost.md.
readme: build/iotoll
	scripts/readme_sample.sh README.md build/iotoll >$(BUILD)/README.md && cp $(BUILD)/README.md README.md
	scripts/readme_sample.sh docs/compare.md build/iotoll >$(BUILD)/compare.md && cp $(BUILD)/compare.md docs/compare.md
	scripts/readme_sample.sh docs/traces.md build/iotoll >$(BUILD)/traces.md && cp $(BUILD)/traces.md docs/traces.md
	scripts/included_files.sh docs/adding-a-strategy.md . >$(BUILD)/added.md && cp $(BUILD)/added.md docs/adding-a-strategy.md
	scripts/iotlb_tables.sh docs/iotlb.md build/iotoll >$(BUILD)/iotlb.md && cp $(BUILD)/iotlb.md docs/iotlb.md
	scripts/zero_cost_tables.sh docs/zero-cost.md build/iotoll >$(BUILD)/zero.md && cp $(BUILD)/zero.md docs/zero-cost.md

# What others published held against what is measured here: some minutes, unless it is in the store.
evidence: build/iotoll
	IOTOLL_DATA='$(CURDIR)' build/iotoll study evidence --out $(BUILD)/evidence
	cp $(BUILD)/evidence/claims.md docs/evidence.md

install: build/iotoll
	$(if $(PREFIX),meson configure $(BUILD) --prefix '$(PREFIX)')
	meson install -C $(BUILD)

clean:
	rm -rf $(BUILD)

FORCE:
.PHONY: all check check-oracle bench performance readme evidence install clean FORCE
