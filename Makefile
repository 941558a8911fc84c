# SPDX-License-Identifier: Apache-2.0
# Everything from nothing on Debian 12: make demo, make test. The other targets are for those who stay.
JOBS ?= $(shell nproc)
BUILD := build

.PHONY: help demo build test bench soak install deb format lint clean
help:
	@echo "make demo     build, then serve a simulated market: ws://localhost:8765/"
	@echo "make build    leaves build/bixws with its plugins beside it"
	@echo "make test     build, then run the tests"
	@echo "make bench    measure: the tables of docs/performance.md (BENCH=full: with the long ones)"
	@echo "make soak     everything at once with faults all the time: MINUTES=60"
	@echo "make install  DESTDIR= PREFIX=/usr/local"
	@echo "make format   clang-format over the tree; make lint: clang-format check and clang-tidy"

$(BUILD)/build.ninja:
	cmake --preset release

build: deps-build $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS) --target bixws_product

.PHONY: deps-build deps-test deps-bench deps-soak
deps-build:
	@scripts/deps build
deps-test:
	@scripts/deps test
deps-bench:
	@scripts/deps bench
deps-soak:
	@scripts/deps soak

demo: build
	$(BUILD)/bixws serve --demo

test: deps-test $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS)
	cd $(BUILD) && ctest --output-on-failure --no-tests=error -j 2

BENCH ?= quick
bench: deps-bench $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS) --target bixws_bench
	bench/run $(BENCH)

MINUTES ?= 60
soak: deps-soak $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS) --target bixws_product standin_exchange
	tests/soak/run $(MINUTES)

PREFIX ?= /usr/local
install: build
	cmake --install $(BUILD) --prefix $(PREFIX)

deb: build
	@scripts/deps package
	cd $(BUILD) && cpack -G DEB

format:
	@git ls-files -- '*.cpp' '*.h' | xargs clang-format -i

lint:
	scripts/lint

clean:
	rm -rf $(BUILD)
