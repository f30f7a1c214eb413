#!/usr/bin/env bash
# What a program costs to build that makes one request: crates compiled, seconds of all cores together for a clean release build, and
# bytes of the stripped binary, for core with each backend and for what each stands on. Prints the table of docs/build-cost.md. With
# --check it compiles nothing, and fails when a row has more crates than the table there says.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
page=docs/build-cost.md
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
host=$(rustc -vV | sed -n 's/^host: //p')

# Of a crate in our lock file, so that all rows are of one age.
locked() { awk -v name="\"$1\"" '/^name = / { found = $3 == name } found && /^version = / { gsub(/"/, ""); print $3; exit }' Cargo.lock; }

tokio='tokio = { version = "1", features = ["rt"] }'
core="midil-http-core = { path = \"$root/midil-http-core\" }"
ours() { printf '%s\n%s\n' "$core" "midil-http-$1 = { path = \"$root/midil-http-$1\" }"; }
reqwest="reqwest = { version = \"=$(locked reqwest)\", default-features = false, features = [\"http2\", \"rustls\", \"system-proxy\"] }"
isahc="isahc = { version = \"=$(locked isahc)\", default-features = false, features = [\"http2\", \"rustls-tls\", \"static-curl\"] }"
hyper_util="hyper-util = { version = \"=$(locked hyper-util)\", features = [\"client-legacy\", \"http1\", \"http2\", \"tokio\"] }"

declare -A title depends
rows=(core reqwest reqwest-retry midil-reqwest midil hyper midil-hyper isahc midil-isahc)
title[core]="midil-http-core, with a transport of one's own"
depends[core]="$core"$'\nhttp = "1"\n'"$tokio"
title[reqwest]="reqwest"
depends[reqwest]="$reqwest"$'\n'"$tokio"
title[reqwest-retry]="reqwest, reqwest-middleware, reqwest-retry"
depends[reqwest-retry]="$reqwest"$'\nreqwest-middleware = "0.5"\nreqwest-retry = "0.9"\n'"$tokio"
title[midil-reqwest]="**midil-http-core, midil-http-reqwest**"
depends[midil-reqwest]="$(ours reqwest)"$'\n'"$tokio"
title[midil]="**midil-http: reqwest, retries, credentials**"
depends[midil]="midil-http = { path = \"$root\" }"$'\n'"$tokio"
title[hyper]="hyper-util, hyper-rustls"
depends[hyper]="$hyper_util"$'\nhttp-body-util = "0.1"\nhyper-rustls = { version = "0.27", default-features = false, features = ["aws-lc-rs", "http1", "http2", "rustls-platform-verifier", "tls12"] }\n'"$tokio"
title[midil-hyper]="**midil-http-core, midil-http-hyper**"
depends[midil-hyper]="$(ours hyper)"$'\n'"$tokio"
title[isahc]="isahc"
depends[isahc]="$isahc"$'\nfutures-lite = "2"'
title[midil-isahc]="**midil-http-core, midil-http-isahc**"
depends[midil-isahc]="$(ours isahc)"$'\nfutures-lite = "2"'

# A package of its own for the row: $folder/ROW.
prepare() {
    mkdir -p "$folder/$1/src"
    cp "scripts/build-cost/$1.rs" "$folder/$1/src/main.rs"
    cp Cargo.lock "$folder/$1/Cargo.lock"
    cat >"$folder/$1/Cargo.toml" <<TOML
[package]
name = "build-cost"
version = "0.0.0"
edition = "2024"

[workspace]

[profile.release]
strip = true

[dependencies]
${depends[$1]}
TOML
}

crates() {
    cargo tree --quiet --manifest-path "$folder/$1/Cargo.toml" --edges normal,build --target "$host" --prefix none |
        sed 's/ (.*//' | sort -u | grep -vc '^build-cost '
}

if [ "${1:-}" = --check ]; then
    failed=0
    for row in "${rows[@]}"; do
        case $row in *midil*|core) ;; *) continue ;; esac
        prepare "$row"
        now=$(crates "$row")
        was=$(grep -F "| ${title[$row]} | " "$page" | cut -d'|' -f3 | tr -d ' ')
        if [ -z "$was" ] || [ "$now" -gt "$was" ]; then
            echo "${title[$row]} compiles $now crates, $page says ${was:-nothing}: what was added, and for whom?" >&2
            failed=1
        fi
    done
    [ "$failed" -eq 0 ] && echo "no row of $page compiles more crates than it says"
    exit "$failed"
fi

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
printf '%s, %s cores; %s\n\n' "${cpu:-unknown CPU}" "$(nproc)" "$(rustc --version)"
echo "| a program that makes one request with | crates | CPU seconds | binary, KiB |"
echo "|---|---|---|---|"
for row in "${rows[@]}"; do
    prepare "$row"
    count=$(crates "$row")
    cargo fetch --quiet --manifest-path "$folder/$row/Cargo.toml" --target "$host"
    TIMEFORMAT='%U %S'
    { time cargo build --release --quiet --offline --manifest-path "$folder/$row/Cargo.toml" --target-dir "$folder/target" 2>&3; } \
        3>&2 2>"$folder/spent"
    seconds=$(awk '{ printf "%.0f", $1 + $2 }' "$folder/spent")
    bytes=$(stat --format %s "$folder/target/release/build-cost")
    rm -rf "$folder/target"
    echo "| ${title[$row]} | $count | $seconds | $((bytes / 1024)) |"
done
