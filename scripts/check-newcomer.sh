#!/usr/bin/env bash
# Does what the README says under "In five minutes", as a newcomer would: in a fresh crate outside the workspace, with the
# README's own commands and code, and with the packaged crates. The folder with the .crate files may be given; without it,
# they are packed here.
#
# One thing is not as the newcomer has it: the crates come from their packages, not from a registry.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
folder=$(mktemp -d)
server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT

packed=${1:-}
if [ -z "$packed" ]; then
    CARGO_TARGET_DIR="$folder/target" cargo package --workspace --exclude midil-http-peers --exclude midil-http-soak --locked --allow-dirty --quiet --no-verify
    packed=$folder/target/package
fi
# Everything that is locked is downloaded, so that what follows is the same without a network, and next year.
cargo fetch --locked --quiet --target "$(rustc -vV | sed -n 's/^host: //p')"
export CARGO_NET_OFFLINE=true CARGO_TARGET_DIR="$root/target/downstream" CARGO_TERM_QUIET=true

mkdir "$folder/crates" "$folder/.cargo"
declare -A unpacked
echo "[patch.crates-io]" >"$folder/.cargo/config.toml"
for crate in "$packed"/*.crate; do
    tar -xzf "$crate" -C "$folder/crates"
    with_version=$(basename "$crate" .crate)
    name=${with_version%-[0-9]*}
    unpacked[$name]=$folder/crates/$with_version
    # A package is its code, its page and its licences, and nothing that a pattern has caught by accident.
    strays=$(tar -tzf "$crate" | sed "s|^$with_version/||" |
        grep -vE '^((src|examples)/.*|README\.md|CHANGELOG\.md|LICENSE-(APACHE|MIT)|Cargo\.(toml|toml\.orig|lock)|\.cargo_vcs_info\.json)$' || true)
    [ -z "$strays" ] || { printf '%s\n' "$crate holds what is not its own:" "$strays" >&2; exit 1; }
    for page in README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT; do
        [ -s "$folder/crates/$with_version/$page" ] || { echo "$crate has no $page" >&2; exit 1; }
    done
    echo "$name = { path = \"$folder/crates/$with_version\" }" >>"$folder/.cargo/config.toml"
done

# The block of the README after the marker of that name.
block() {
    awk -v marker="<!-- newcomer: $1 -->" '
        $0 == marker { found = 1 }
        found && /^```/ { if (inside) exit; inside = 1; next }
        inside
    ' README.md | grep . || { echo "README.md has no block \"newcomer: $1\"" >&2; exit 1; }
}

# The commands of such a block, as they stand there; but crates of ours come from their packages, and what is exported is not
# the README's examples but the stand-in's.
commands() {
    local line words name
    while read -r line; do
        read -ra words <<<"$line"
        case $line in
        "export "*) continue ;;
        "cargo add "*)
            name=${words[-1]}
            [ -z "${unpacked[$name]:-}" ] || line="${words[*]:0:${#words[@]}-1} --path ${unpacked[$name]}"
            ;;
        esac
        eval "$line"
    done < <(block "$1" | sed -n 's/^\$ //p')
}

# As they stand in the README, before its folder is left.
declare -A blocks
for name in create program run mock test try; do
    blocks[$name]=$(block "$name")
done
block() { printf '%s\n' "${blocks[$1]}"; }

# What the newcomer has to call.
mkdir -p "$folder/server/src"
cp scripts/newcomer/server.rs "$folder/server/src/main.rs"
cp Cargo.lock "$folder/server/"
cat >"$folder/server/Cargo.toml" <<TOML
[package]
name = "newcomers-server"
version = "0.0.0"
edition = "2024"

[dependencies]
midil-http-test = { path = "${unpacked[midil-http-test]}" }
TOML
(cd "$folder/server" && cargo build)

# "In five minutes".
cd "$folder"
commands create
cp "$root/Cargo.lock" .
block program >src/main.rs
exported=$(block run | grep -oE '[A-Z_]+=' | sort | tr -d '\n')
[ "$exported" = "API_URL=CLIENT_ID=CLIENT_SECRET=TOKEN_URL=" ] || { echo "the README exports $exported" >&2; exit 1; }
mkfifo "$folder/end"
"$CARGO_TARGET_DIR/debug/newcomers-server" <"$folder/end" >"$folder/url" &
server=$!
exec 3>"$folder/end"
until [ -s "$folder/url" ]; do
    kill -0 "$server" || { echo "the server did not start" >&2; exit 1; }
    sleep 0.05
done
url=$(cat "$folder/url")
said=$(
    export API_URL=$url/v1 TOKEN_URL=$url/token CLIENT_ID=client CLIENT_SECRET=secret
    commands run
)
exec 3>&-
wait "$server" || { server=""; exit 1; }
server=""
[ "$said" = $'Ada\nGrace' ] || { echo "the program said: $said" >&2; exit 1; }

# "In two more, without a network".
commands mock
block test >>src/main.rs
said=$(commands try)
grep -q '^test result: ok\. 1 passed; 0 failed' <<<"$said" || { echo "the test said: $said" >&2; exit 1; }
echo "a newcomer has an authenticated call, and its transport swapped for a mock, with the packages and the README alone"
