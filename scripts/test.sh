#!/usr/bin/env bash
# Runs every gate of the project. It takes Rust with rustup, a C compiler and Python 3, and installs what else it needs: cargo-hack
# and cargo-deny, with cargo; valgrind, redis-server, nginx, and node with npm where they are missing, with apt-get; an authorization
# server, with npm.
set -euo pipefail
cd "$(dirname "$0")/.."

# What comes, and how many seconds went by so far.
say() { printf '\n\033[1m== %s\033[0m (%s s)\n' "$*" "$SECONDS"; }

say "tools"
for component in rustfmt clippy; do
    cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 || rustup component add "$component"
done
cargo hack --version >/dev/null 2>&1 || cargo install --locked cargo-hack
# Compiled without optimisation: a minute, not ten, and it runs for a second.
cargo deny --version >/dev/null 2>&1 || cargo install --locked --debug cargo-deny
packages=()
command -v valgrind >/dev/null || packages+=(valgrind)
command -v redis-server >/dev/null && command -v redis-cli >/dev/null || packages+=(redis-server)
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || packages+=(nginx)
command -v node >/dev/null && command -v npm >/dev/null || packages+=(nodejs npm)
if [ "${#packages[@]}" -gt 0 ] && command -v apt-get >/dev/null; then
    sudo=""
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    (
        # To install a server is not to run it as a service: the tests start their own.
        policy=/usr/sbin/policy-rc.d
        if [ ! -e "$policy" ]; then
            trap '$sudo rm -f "$policy"' EXIT
            printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
            $sudo chmod +x "$policy"
        fi
        $sudo apt-get update -q && $sudo apt-get install -y -q --no-install-recommends "${packages[@]}"
    ) || echo "not all of ${packages[*]} could be installed: without them gates fail"
fi
(cd peers/authorization-server && npm ci --silent)

say "format"
cargo fmt --all --check
cargo fmt --manifest-path benches/Cargo.toml --check
cargo fmt --manifest-path fuzz/Cargo.toml --check

say "clippy"
cargo clippy --workspace --all-features --all-targets --locked -- -D warnings
cargo clippy --manifest-path fuzz/Cargo.toml --target-dir target --all-targets --locked -- -D warnings
cargo clippy --manifest-path benches/Cargo.toml --target-dir target --all-targets --locked -- -D warnings

# With every input of fuzz/corpus among them; scripts/fuzz.sh looks for more.
say "tests"
cargo test --workspace --exclude midil-http-peers --all-features --all-targets --locked

say "doc tests"
cargo test --workspace --all-features --doc --locked

say "tests against servers that others wrote"
cargo test --package midil-http-peers --locked

say "docs"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps --locked

say "what core depends on, and what needs no tokio"
scripts/check-core-tree.sh
scripts/check-isahc-tree.sh

say "the minimum Rust version of what is locked"
scripts/check-msrv.sh

say "what we depend on, and its oldest versions"
scripts/check-supply-chain.sh
cargo deny --locked --all-features check licenses bans sources
scripts/build-cost.sh --check
scripts/check-minimal-versions.sh

say "each crate alone, with each of its features"
for crate in midil-http-core midil-http-reqwest midil-http-hyper midil-http-isahc midil-retry midil-auth midil-http-test midil-http-otel midil-http; do
    RUSTFLAGS="-D warnings" CARGO_TARGET_DIR=target/each-feature \
        cargo hack check --package "$crate" --each-feature --no-dev-deps
done

say "each crate's tests alone, without its optional features"
cargo test --package midil-http-core --no-default-features --locked
cargo test --package midil-http-reqwest --no-default-features --locked
cargo test --package midil-http-hyper --no-default-features --locked
cargo test --package midil-http-isahc --no-default-features --locked
cargo test --package midil-retry --locked
cargo test --package midil-auth --locked
cargo test --package midil-http-test --locked

say "lock-free code in every order that its threads can take"
RUSTFLAGS="--cfg midil_loom" CARGO_TARGET_DIR=target/loom cargo test --package midil-retry --lib --locked loom

say "a crate that depends on core and one backend alone"
scripts/check-downstream.sh

say "packages, and a newcomer who has nothing but them and the README"
# In a folder of its own each time: what was packed counts as a release, which cargo neither unpacks nor builds twice, so
# that dependents would be checked against what an earlier run left.
mkdir -p target
packages=$(mktemp -d "$PWD/target/packages.XXXXXX")
trap 'rm -rf "$packages"' EXIT
CARGO_TARGET_DIR=$packages cargo package --workspace --exclude midil-http-peers --exclude midil-http-soak --locked --allow-dirty --quiet
scripts/check-newcomer.sh "$packages/package"
rm -rf "$packages"

say "examples"
for example in quickstart cognito client_credentials custom_provider sigv4 fleet custom_transport swap_transport transfer \
    isahc_without_tokio axum_service batch paginate trace_tree from_config tower typed_api; do
    cargo run --locked --quiet --all-features --example "$example"
done

cargo run --locked --quiet --all-features --example outage -- --short --svg target/outage.svg

# So many that the process is judged, too: with fewer there are no quarters to compare.
say "two thousand mixed calls with faults over each transport"
scripts/soak.sh --items 2000

say "what a call costs, what that grows with, and memory"
cargo test --release --quiet --manifest-path benches/Cargo.toml --locked
bench() { cargo run --release --quiet --manifest-path benches/Cargo.toml --locked -- "$@"; }
bench --counts --check benches/limits.json
bench --growth --check benches/limits-growth.json
bench --memory --check benches/limits-memory.json

say "all gates passed"
