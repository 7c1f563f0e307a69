# The four things that are done every day. Nothing but Rust, gcc and make is needed.

.PHONY: demo run test faults build

DATA ?= data

demo: build
	@exec ./target/debug/fathom up --demo --data $(DATA)/demo

run: build
	@exec ./target/debug/fathom up --data $(DATA)/mainnet

test: announce
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo test --workspace --locked -- --show-output

# Each planted fault must turn a test red. Takes some minutes per fault.
faults:
	bash tests/faults/run

build: announce
	@cargo build --locked

.PHONY: announce
announce:
	@test -d target/debug/deps || echo "The first build compiles everything once: about six minutes on two cores."
