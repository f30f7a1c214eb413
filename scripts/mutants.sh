#!/usr/bin/env bash
# Mutation testing: changes the code that all else relies on, one place at a time, and fails when a change goes unnoticed by every
# test: `scripts/mutants.sh [loop|budget|breaker|cache|guard…]`, all of them without arguments. It needs cargo-mutants:
# `cargo install --locked cargo-mutants`.
#
# The tests nearby are asked first, then those of the whole product about what is left. Of a change that nobody notices,
# target/mutants/<subject>/mutants.out/missed.txt tells; docs/mutation-testing.md has what came of it. What is not tried, and what
# cannot be noticed, stands in .cargo/mutants.toml with its reason. MUTANTS_JOBS is how many are tried at a time (1).
set -euo pipefail
cd "$(dirname "$0")/.."

# Whoever builds the same crates hundreds of times wants them incrementally, and without what debuggers read.
export CARGO_INCREMENTAL=1 CARGO_PROFILE_DEV_DEBUG=0 RUST_BACKTRACE=0

core=midil-http-core/src retry=midil-retry/src auth=midil-auth/src

# Sets `package`, and `places`: the files, or the functions in them, that a subject is made of.
subject() {
    case "$1" in
    loop)
        package=midil-http-core
        # The slot, but not how it makes the request of an attempt.
        places=(--file "$core/retry.rs" --file "$core/retry/**" --file "$core/pipeline/retry.rs" --exclude-re AttemptScope)
        ;;
    budget)
        package=midil-retry
        places=(--file "$retry/budget.rs" --file "$retry/budget/**")
        ;;
    breaker)
        package=midil-retry
        places=(--file "$retry/circuit_breaker.rs" --file "$retry/circuit_breaker/**")
        ;;
    cache)
        package=midil-auth
        places=(--file "$auth/cache.rs" --file "$auth/cache/**")
        ;;
    guard)
        package=midil-http-core
        # What a URL may be; then who may be called, and who may see credentials.
        places=(
            --file "$core/base_url.rs" --file "$core/base_url/**" --file "$core/origin.rs"
            --file "$core/client.rs" --file "$core/pipeline/auth.rs" --file "$core/pipeline/retry.rs"
            --file "$core/pipeline/redirects.rs" --file "$core/client/paginate/template.rs"
            --re "$core/(base_url|origin)" --re "Shared::(allows|is_home|has_base|may_authenticate|resolve|permit)"
            --re "HttpClient::(resolve|execute)" --re " (in|replace) (provider|may_apply)\b" --re "AttemptScope.*::(is_own|headers)"
            --re " (in|replace) (follow|target|take|strip_secrets)\b" --re "Template::guarded"
        )
        ;;
    *)
        echo "there is no subject $1: loop, budget, breaker, cache, guard" >&2
        exit 2
        ;;
    esac
}

# Tries what is left of a subject on the tests of these crates (with commas between them) which the other arguments name.
try() {
    local judges=$1 packages
    shift
    read -ra packages <<<"${judges//,/ }"
    # They must pass as long as nothing is changed, or each change would count as noticed.
    cargo test --locked --quiet "${packages[@]/#/--package=}" "$@"
    # A change that goes unnoticed is no reason to stop before all were tried; whether any is left is asked in the end.
    cargo mutants --output "$output" --iterate --baseline skip --no-shuffle --timeout 120 --jobs "${MUTANTS_JOBS:-1}" \
        --colors never --package "$package" "${places[@]}" --test-package "$judges" "${@/#/--cargo-arg=}" || [ $? -lt 4 ]
    noticed=$((noticed + $(count caught)))
    unbuilt=$((unbuilt + $(count unviable)))
}

# How many came to that, in the last round.
count() { wc -l <"$output/mutants.out/$1.txt"; }

[ "$#" -gt 0 ] || set -- loop budget breaker cache guard
unnoticed=0
table=""
for subject in "$@"; do
    subject "$subject"
    output=target/mutants/$subject
    rm -rf "$output"
    mkdir -p "$output"
    noticed=0 unbuilt=0
    printf '\n\033[1m== %s: the tests nearby\033[0m\n' "$subject"
    case "$package" in
    # Core has no integration tests of its own: its loop is tested around a transport, too, by midil-retry's.
    midil-http-core) try midil-http-core,midil-retry --all-features --lib --test=it ;;
    midil-retry) try midil-retry --lib --test=it ;;
    midil-auth) try midil-auth --all-features --lib --test=token_endpoint ;;
    esac
    if [ "$(count missed)" -gt 0 ]; then
        printf '\n\033[1m== %s: the whole product\033[0m\n' "$subject"
        try midil-http --all-features --test=it
    fi
    missed=$(count missed)
    table+="| $subject | $noticed | $(count timeout) | $unbuilt | $missed |"$'\n'
    if [ "$missed" -gt 0 ]; then
        printf '\nno test notices these changes of %s:\n' "$subject" >&2
        cat "$output/mutants.out/missed.txt" >&2
        unnoticed=1
    fi
done
printf '\n| subject | noticed | hang, which is noticed | do not compile | unnoticed |\n| --- | --- | --- | --- | --- |\n%s' "$table"
exit "$unnoticed"
