#!/usr/bin/env bash
# Fuzzes each target in turn: `scripts/fuzz.sh [--no-corpus] [seconds per target, 60] [target…]`. It needs the stable toolchain and
# a C++ compiler, for libFuzzer, which the crate libfuzzer-sys brings along. With `--no-corpus` it begins from nothing, with neither
# the seeds nor what it found before, and what it gathers is not kept: how long until it finds a bug that somebody planted?
#
# What cargo-fuzz does on top is to pass these flags, and its sanitizers, which want a nightly; there is no `unsafe` of ours for
# them to look at. An input that breaks something is left in fuzz/artifacts, and its bytes are printed: add it to the target's
# corpus, so that tests/it/fuzz.rs tries it from then on, and a test where the mistake was.
set -euo pipefail
cd "$(dirname "$0")/.."

corpus=yes
if [ "${1:-}" = --no-corpus ]; then
    corpus=
    shift
fi
seconds=${1:-60}
shift || true
if [ "$#" -gt 0 ]; then targets=("$@"); else targets=($(ls fuzz/corpus)); fi

# Coverage as libFuzzer wants it (https://clang.llvm.org/docs/SanitizerCoverage.html), of everything but build scripts and macros.
# Without `--cfg fuzzing`, by which some crates leave checksums out: what is looked at is what users get.
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags="$flags -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
host=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR=$PWD/target/fuzz
RUSTFLAGS="$flags -Clink-dead-code -Ccodegen-units=1" \
    cargo build --manifest-path fuzz/Cargo.toml --locked --target "$host"
fuzzer=$CARGO_TARGET_DIR/$host/debug/midil-http-fuzz

mkdir -p fuzz/artifacts
failed=()
for target in "${targets[@]}"; do
    printf '\n\033[1m== %s\033[0m\n' "$target"
    # What it finds on the way goes to a folder of its own: the corpus is what somebody has looked at.
    found=$CARGO_TARGET_DIR/corpus/$target
    seeds=("fuzz/corpus/$target")
    if [ -z "$corpus" ]; then
        found=$CARGO_TARGET_DIR/no-corpus/$target
        rm -rf "$found"
        seeds=()
    fi
    mkdir -p "$found"
    dictionary=()
    [ ! -e "fuzz/dictionaries/$target.dict" ] || dictionary=(-dict="fuzz/dictionaries/$target.dict")
    # The timeout is long, as a machine that was paused is no find.
    FUZZ_TARGET=$target RUST_BACKTRACE=1 "$fuzzer" "$found" "${seeds[@]}" \
        -max_total_time="$seconds" -max_len=4096 -timeout=100 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="fuzz/artifacts/$target-" "${dictionary[@]}" || failed+=("$target")
done
if [ "${#failed[@]}" -gt 0 ]; then
    printf '\nfound something: %s\n' "${failed[*]}" >&2
    exit 1
fi
