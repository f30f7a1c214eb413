#!/usr/bin/env bash
# Fails when core, without features, depends on a runtime or an HTTP stack.
set -euo pipefail
cd "$(dirname "$0")/.."
tree=$(cargo tree --package midil-http-core --edges normal --no-default-features --prefix none --locked)
forbidden='^(tokio|async-std|smol|async-executor|async-io|async-global-executor|futures-executor|reqwest|isahc|hyper|hyper-util|curl|h2|ureq|rustls|native-tls) '
if printf '%s\n' "$tree" | grep -E "$forbidden"; then
    echo "midil-http-core must name no runtime and no backend" >&2
    exit 1
fi
echo "midil-http-core depends on $(printf '%s\n' "$tree" | sort -u | grep -vc '^midil-http-core ') crates, no runtime and no backend among them"
