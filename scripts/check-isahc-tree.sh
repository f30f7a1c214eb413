#!/usr/bin/env bash
# Fails when the transport over isahc, with all its features, depends on tokio or another runtime.
set -euo pipefail
cd "$(dirname "$0")/.."
tree=$(cargo tree --package midil-http-isahc --edges normal --all-features --prefix none --locked)
forbidden='^(tokio|tokio-[a-z]+|async-std|smol|async-executor|async-io|async-global-executor|hyper|hyper-util|h2|reqwest) '
if printf '%s\n' "$tree" | grep -E "$forbidden"; then
    echo "midil-http-isahc must need no runtime" >&2
    exit 1
fi
echo "midil-http-isahc depends on $(printf '%s\n' "$tree" | sort -u | grep -vc '^midil-http-isahc ') crates, tokio not among them"
