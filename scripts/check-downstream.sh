#!/usr/bin/env bash
# For each backend, builds and runs a crate outside the workspace that depends on core and it alone: the commands and the
# example of its README, word for word but for the server, which is one on this machine that greets. Backends may be named; without
# any, it is all of them.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
folder=$(mktemp -d)
python3 -u - >"$folder/port" <<'PYTHON' &
from http.server import BaseHTTPRequestHandler, HTTPServer

class Greeter(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/v1/greeting" else 404)
        self.send_header("content-length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Greeter)
print(server.server_port)
server.serve_forever()
PYTHON
greeter=$!
trap 'kill "$greeter"; rm -rf "$folder"' EXIT
while [ ! -s "$folder/port" ]; do sleep 0.1; done
[ "$#" -gt 0 ] || set -- reqwest hyper isahc
cargo fetch --locked --quiet --target "$(rustc -vV | sed -n 's/^host: //p')"
export CARGO_NET_OFFLINE=true CARGO_TARGET_DIR="$root/target/downstream" CARGO_TERM_QUIET=true

# The first block of that language in a README.
block() {
    awk -v start="^\`\`\`$1" '$0 ~ start { inside = 1; next } /^```/ { if (inside) exit } inside' "$2" | grep . ||
        { echo "$2 has no block of $1" >&2; exit 1; }
}

for backend in "$@"; do
    readme=$root/midil-http-$backend/README.md
    crate=$folder/$backend
    mkdir -p "$crate/src"
    cat >"$crate/Cargo.toml" <<TOML
[package]
name = "downstream-$backend"
version = "0.0.0"
edition = "2024"
publish = false

[workspace]
TOML
    block rust "$readme" | sed "s|https://api.example.com|http://127.0.0.1:$(cat "$folder/port")|" >"$crate/src/main.rs"
    cp Cargo.lock "$crate/Cargo.lock"
    commands=$(block console "$readme" | sed -n 's/^\$ cargo add //p')
    while read -r name options; do
        [ ! -d "$root/$name" ] || name="--path $root/$name"
        # Words of the README.
        # shellcheck disable=SC2086
        (cd "$crate" && cargo add $name $options)
    done <<<"$commands"
    greeting=$(cd "$crate" && cargo run)
    [ "$greeting" = hello ] || { echo "over $backend, the README's example prints \`$greeting\`" >&2; exit 1; }
    echo "a downstream crate runs the README's example over midil-http-core and midil-http-$backend alone"
done
