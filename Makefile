# Weir's commands; `make help` lists them.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help run build plugins test-plugins test test-full lint fmt bench image release

# `make run` has a profile of its own, sooner built and slower to serve; `make run PROFILE=release` serves as a release does.
PROFILE ?= release
# The bundled plugins become part of the program. `make run BUNDLED=` does without them, so without a compiler for WebAssembly.
BUNDLED ?= weir/bundled
features = $(if $(BUNDLED),--features $(BUNDLED))
# The first time, what the program depends on is compiled beside the plugins, or one processor of two would often rest. The program
# waits for the plugins: its build script refuses without them, which --keep-going passes over. Whatever else fails there,
# fails and is told when the program is built.
bundle = [ -e $(or $(CARGO_TARGET_DIR),target)/plugins/bundled.txt ] || \
	cargo build --quiet --keep-going --profile $(PROFILE) $(features) --bin weir 2>/dev/null & \
	plugins/build.sh bundled || { wait; exit 1; }; wait
# The one place of the version is Cargo.toml.
VERSION = $(shell sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$$/\1/p' Cargo.toml)
# Arguments of the load generator; without `--uri` it starts Weir itself.
BENCH ?=
# How many cases `make test-full` draws for each property; WEIR_SOAK_MINUTES, 3 unless set, is how long its soak takes.
CASES ?= 4000

help: ## List the commands.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: PROFILE = quick
run: ## Serve a catalog on http://127.0.0.1:8181 over ./weir-data.
	@$(call need,cargo,install Rust 1.95 or newer from https://rustup.rs)
	@$(call need,cc,install a C compiler: apt-get install build-essential)
	$(if $(BUNDLED),@$(bundle))
	cargo run --quiet --profile $(PROFILE) $(features) --bin weir -- serve

build: ## Build the program with its plugins inside: target/release/weir.
	@$(call need,cargo,install Rust 1.95 or newer from https://rustup.rs)
	@$(call need,cc,install a C compiler: apt-get install build-essential)
	$(if $(BUNDLED),@$(bundle))
	cargo build --profile $(PROFILE) $(features) --bin weir

plugins: ## Build the plugins and the guests of the tests into target/plugins.
	@$(call need,cargo,install Rust 1.95 or newer from https://rustup.rs)
	plugins/build.sh

test-plugins: ## Test the rules of the plugins as plain Rust.
	plugins/test.sh

test: ## Run the gate: both engines, properties, real clients, tidy.
	tests/setup.sh gate
	plugins/build.sh
	plugins/test.sh
	cargo build $(features) --bin weir
	tests/with-postgres.sh cargo test --workspace $(features) --no-fail-fast

test-full: lint ## Run the gate, then what is slow: Spark, Java, soak, long races.
	tests/setup.sh full
	plugins/build.sh
	plugins/test.sh
	@checks=; cargo deny fetch db || { checks="bans licenses sources"; \
	echo "skipped: the advisory database is out of reach, so cargo deny checks $$checks only"; }; \
	for workspace in . plugins; do (cd $$workspace && cargo deny --log-level error check $$checks) || exit 1; done
	cargo build $(features) --bin weir
	WEIR_TEST_FULL=1 PROPTEST_CASES=$(CASES) tests/with-postgres.sh cargo test --workspace $(features) --no-fail-fast

lint: ## Check the formatting, then clippy with the caps of clippy.toml.
	cargo fmt --check
	cd plugins && cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo check -p weir --no-default-features
	cd plugins && CARGO_TARGET_DIR=$(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/plugins/build/native \
	cargo clippy --locked --workspace --exclude weir-guests --all-targets -- -D warnings

fmt: ## Format the code.
	cargo fmt
	cd plugins && cargo fmt --all

bench: ## Measure the catalog on both engines; BENCH="--uri URL" measures another.
	@$(call need,cargo,install Rust 1.95 or newer from https://rustup.rs)
	plugins/build.sh
	cargo build --release $(features) --bin weir --bin weir-bench
	tests/with-postgres.sh --durable cargo run --quiet --release $(features) --bin weir-bench -- $(BENCH)
	cargo run --quiet --release $(features) --bin weir -- plugin bench $${CARGO_TARGET_DIR:-target}/plugins/cedar.wasm \
	--settings tests/bench/cedar.toml --role analyst

image: ## Build the image weir:<version> with Docker.
	@$(call need,docker,see https://docs.docker.com/engine/install)
	docker build --tag weir:$(VERSION) --build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD) \
	--build-arg CREATED=$$(git log -1 --format=%cI) .

release: ## Make what a release consists of: program, plugins, chart, bill of materials, checksums.
	.ci/release

need = command -v $(1) >/dev/null || { echo "make: $(1) is not here: $(2)" >&2; exit 1; }
