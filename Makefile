# Two commands matter: `make run` and `make test`. The rest are parts of them, or take longer.
SHELL := /bin/bash
DATA ?= $(CURDIR)/target/appliance
WEB := dashboard/web
export CARGO_TERM_PROGRESS_WHEN ?= never

.PHONY: run test bench soak web fmt lint rust browser audit

## Builds release and web, starts the appliance with its data in DATA, prints the address, the first login and where to point syslog.
run: web
	packaging/dev/need build
	cargo build --release --locked
	target/release/fansipan run --data $(DATA)

## Everything a change must pass.
test:
	packaging/dev/need test
	$(MAKE) web fmt lint audit rust

web: $(WEB)/dist/index.html

$(WEB)/dist/index.html: $(WEB)/package-lock.json $(WEB)/index.html $(shell find $(WEB)/src $(WEB)/public -type f 2>/dev/null)
	packaging/dev/need build
	# not `npm ci`: npm 11 leaves other platforms' optional packages out of the lock file and then refuses it
	cd $(WEB) && npm install --no-save --no-audit --no-fund --loglevel=error && npm run build

fmt:
	cargo fmt --all --check
	cd $(WEB) && npm run lint

lint:
	cargo clippy --workspace --locked -- -D warnings

audit:
	cargo deny --offline check licenses bans sources
	@db=$${FANSIPAN_TEST_DATA:-../shared/data}/advisory-db; if [ -d $$db ]; then packaging/dev/audit $$db; else echo "skipped: cargo audit, no advisory database at $$db"; fi

# property tests draw from a fixed seed here; `make soak` draws anew each time
rust: export PROPTEST_RNG_SEED ?= 20261128
rust:
	# with the tests: what these need of libraries would otherwise have half of the workspace built twice
	cargo build --workspace --bins --tests --locked
	cd $(WEB) && npm test
	cargo nextest run --workspace --locked

## Every figure, recorded under bench/results with hardware, date and commit: ingest, disk, quiet, correlate, detect. Hours;
## `make bench SHORT=--short` runs the same in minutes on small sizes.
bench: web
	packaging/dev/need test
	cargo build --release --locked -p fansipan -p fansipan-bench --features fansipan-bench/peers
	target/release/fansipan-bench all $(SHORT)

## The long forms: fuzzing, chaos, big data. Hours.
soak: web
	packaging/dev/need test
	cargo build --release --locked
	FANSIPAN_SOAK=1 FANSIPAN_CASES=1250000 FANSIPAN_BIN=$(CURDIR)/target/release/fansipan cargo nextest run --release --workspace --locked --run-ignored all --no-capture
	cd $(WEB) && FANSIPAN_SOAK=1 npx vitest run --project browser tests/browser/wall.test.ts
