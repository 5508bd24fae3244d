# SPDX-License-Identifier: MIT
#
# Short names for what meson and the scripts do; ./check and ./study also install what is missing.
BUILD  = build
PREFIX = /usr/local

all: build/iotoll

build/iotoll: FORCE
	@root='$(CURDIR)'; . scripts/prepare.sh; prepare_packages build; prepare_build $(BUILD)

check:
	@./check

# Tests that hold the hardware halves against an independent model or against vectors worked out
# by hand from the published layout.
check-oracle: build/iotoll
	@root='$(CURDIR)'; . scripts/prepare.sh; run_tests $(BUILD) --suite oracle

bench: build/iotoll
	@for bench in $(BUILD)/bench/*_bench; do echo "== $$bench"; $$bench || exit 1; done

install: build/iotoll
	meson configure $(BUILD) --prefix '$(PREFIX)'
	meson install -C $(BUILD)

clean:
	rm -rf $(BUILD)

FORCE:
.PHONY: all check check-oracle bench install clean FORCE
