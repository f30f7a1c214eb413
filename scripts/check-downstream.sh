#!/usr/bin/env bash
# Builds and runs a crate outside the workspace that depends on core and one backend alone.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat >"$folder/Cargo.toml" <<TOML
[package]
name = "downstream"
version = "0.0.0"
edition = "2024"
publish = false

[dependencies]
midil-http-core = { path = "$root/midil-http-core" }
midil-http-reqwest = { path = "$root/midil-http-reqwest" }
tokio = { version = "1", features = ["macros", "rt-multi-thread"] }

[workspace]
TOML
# The example of the backend's README, word for word.
awk '/^```rust/ { inside = 1; next } /^```/ { if (inside) exit } inside' midil-http-reqwest/README.md |
    sed 's/^# //' >"$folder/src/main.rs"
cp Cargo.lock "$folder/Cargo.lock"
CARGO_TARGET_DIR="$root/target/downstream" cargo run --quiet --manifest-path "$folder/Cargo.toml"
echo "a downstream crate runs the README's example over midil-http-core and midil-http-reqwest alone"
