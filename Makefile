# `make` lists what there is. Everything works as root and as a normal user; a missing system package is
# installed (root on Debian) or named with the command that installs it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help console screens demo test test-rust test-peers test-differential test-long soak fuzz bench bench-store bench-hooks check

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | while IFS='|' read -r name text; do printf '  make %-17s %s\n' "$$name" "$$text"; done

console: ## The web console, for the binary to embed (console/dist); without it attache says how to build it
	@scripts/need node
	@console/build

screens: ## The README's pictures of the console, made anew by its tests (docs/console/*.png)
	@mkdir -p docs/console
	@CONSOLE_SCREENS=$(CURDIR)/docs/console tests/peers/run console_screens.test.mjs

demo: console ## Sample APIs, a webhook receiver and attache in front, with curl lines to try (ARGS=--once: it tries them itself)
	@scripts/need rust cc
	@cargo run --locked --bin attache -- demo $(ARGS)

test: ## Everything that has to pass: format, lints, Rust tests, official clients and SDKs, nginx and HAProxy beside it
	@scripts/need rust cc node python openssl nginx haproxy postgres chromium
	@console/build --check
	@cargo fmt --check
	@cargo clippy --locked --all-targets -- -D warnings
	@$(MAKE) --no-print-directory test-rust test-peers test-differential

test-rust: ## The Rust tests alone (with a PostgreSQL of their own; ATTACHE_TEST_POSTGRES=none leaves those tests out)
	@scripts/need rust cc postgres
	@if cargo nextest --version >/dev/null 2>&1; then cargo nextest run --locked; else cargo test --locked --lib --bins --tests; fi
	@cargo test --locked --doc

test-peers: ## Official clients and SDKs alone (tests/peers/run FILE… for one of them)
	@tests/peers/run

test-differential: ## The same odd requests to attache, nginx and HAProxy; each difference explained (docs/differential.md)
	@tests/differential/run

test-long: ## The tests, with those that take minutes: a gibibyte, a short soak, 100,000 credentials under a new key, 800 kills during renewals, property tests, the admin API at length
	@scripts/need rust cc postgres
	@ATTACHE_TEST_LONG=1 PROPTEST_CASES=20000 cargo test --locked --release --all-targets
	@ATTACHE_TEST_LONG=1 tests/peers/run --release test_openapi.py

soak: ## Half an hour under load while upstreams die (ARGS="--minutes 5" and others: benches/soak/run)
	@scripts/need rust cc
	@benches/soak/run $(ARGS)

SECONDS ?= 600

fuzz: ## The fuzz targets, SECONDS=600 each (ARGS="tags query" names some); needs nightly and cargo-fuzz
	@scripts/need rust cc
	@scripts/fuzz --seconds $(SECONDS) $(ARGS)

bench: ## Criterion benches, then attache beside nginx, HAProxy and Envoy (benches/compare/results.md)
	@scripts/need rust cc
	@cargo bench --locked
	@cargo build --locked --release --bin attache
	@benches/compare/run

bench-store: ## A million activations in SQLite, then in PostgreSQL (ARGS="sqlite --activations 100000": benches/store/run)
	@scripts/need rust cc python postgres
	@benches/store/run $(ARGS)

bench-hooks: ## Floods of webhooks beside a steady traffic of requests (ARGS="--seconds 5" and others: benches/hooks/run)
	@scripts/need rust cc
	@benches/hooks/run $(ARGS)

check: ## Format, lints, and what else is installed: cargo-deny, shellcheck
	@scripts/need rust cc
	@cargo fmt --check
	@cargo clippy --locked --all-targets -- -D warnings
	@if cargo deny --version >/dev/null 2>&1; then cargo deny check; else echo "check: cargo-deny is not installed, deny.toml not checked"; fi
	@if command -v shellcheck >/dev/null; then shellcheck $$(git grep -lE '^#!.*\b(ba)?sh$$' -- scripts .ci benches tests); else echo "check: shellcheck is not installed"; fi
