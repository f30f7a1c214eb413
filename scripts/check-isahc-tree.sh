#!/usr/bin/env bash
# Fails when the transport over isahc, with all its features, depends on tokio or another runtime; alone, or in the facade with all
# that needs none. `midil-retry` is left out there: it takes the semaphore of `tokio::sync`, which needs no runtime.
set -euo pipefail
cd "$(dirname "$0")/.."
asked=(--edges normal --prefix none --locked)
tree=$(cargo tree --package midil-http-isahc --all-features "${asked[@]}")
facade=$(cargo tree --package midil-http --no-default-features "${asked[@]}" \
    --features isahc,auth,charset,fs,cookies,multipart,gzip,brotli,zstd,deflate,tower)
forbidden='^(tokio|tokio-[a-z]+|async-std|smol|async-executor|async-io|async-global-executor|hyper|hyper-util|h2|reqwest) '
if printf '%s\n' "$tree" "$facade" | grep -E "$forbidden"; then
    echo "midil-http-isahc must need no runtime" >&2
    exit 1
fi
echo "midil-http-isahc depends on $(printf '%s\n' "$tree" | sort -u | grep -vc '^midil-http-isahc ') crates, tokio not among them"
