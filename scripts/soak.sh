#!/usr/bin/env bash
# Mixed calls, and faults of all kinds, against one transport after the other: `scripts/soak.sh [seconds for each, 600]
# [transport…] [--seed N] [--items N]`. It says the seed at its start and when it fails; soak/README.md tells what is checked.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=600
transports=()
options=()
while [ "$#" -gt 0 ]; do
    case $1 in
        --*) options+=("$1" "$2"); shift ;;
        [0-9]*) seconds=$1 ;;
        *) transports+=("$1") ;;
    esac
    shift
done
[ "${#transports[@]}" -gt 0 ] || transports=(reqwest hyper isahc)

# Unoptimised: a sum that overflows, and what is asserted for debugging alone, are found, too.
cargo build --quiet --locked --package midil-http-soak
for transport in "${transports[@]}"; do
    cargo run --quiet --locked --package midil-http-soak -- "$transport" --seconds "$seconds" "${options[@]}"
done
