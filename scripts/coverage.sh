#!/usr/bin/env bash
# Measures which lines of the crates are run by the tests, prints it by crate, and fails when they are fewer than nine of ten in core,
# retry or auth: `scripts/coverage.sh`, or `scripts/coverage.sh --report` for the figures of the last run once more.
#
# It needs cargo-llvm-cov, and LLVM's tools: those of rustup, or those of the system. Counted are unit tests, integration tests
# and the conformance suite; not doc tests, which stable Rust cannot measure. Code of tests is no line of a crate: neither the
# folders and files of tests, nor what `#[cfg(test)]` stands before in any other file.
#
# Where a test fails, the figures are printed all the same, then its name, and the exit status is 1: what is instrumented is slow, and a
# limit in real time may be too short for it.
set -euo pipefail
cd "$(dirname "$0")/.."
limit=90
held=(midil-http-core midil-retry midil-auth)

cargo llvm-cov --version >/dev/null 2>&1 || {
    echo "cargo-llvm-cov is missing: cargo install --locked cargo-llvm-cov" >&2
    exit 1
}

# LLVM's tools read what rustc's LLVM wrote when they are of its version or of a later one.
host=$(rustc -vV | sed -n 's/^host: //p')
llvm=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
of_rustup=$(rustc --print sysroot)/lib/rustlib/$host/bin
tool() {
    local found version
    for found in "$of_rustup/$1" $(seq -f "$1-%.0f" "$llvm" $((llvm + 9))) "$1"; do
        version=$("$found" --version 2>/dev/null | sed -n 's/.*LLVM version \([0-9]*\).*/\1/p') || continue
        [ "${version:-0}" -lt "$llvm" ] || { command -v "$found" && return; }
    done
    echo "$1 is missing, of LLVM $llvm or later: rustup component add llvm-tools, or apt-get install llvm-$llvm" >&2
    return 1
}
LLVM_COV=${LLVM_COV:-$(tool llvm-cov)}
LLVM_PROFDATA=${LLVM_PROFDATA:-$(tool llvm-profdata)}
export LLVM_COV LLVM_PROFDATA
# Lines are known without debug information, which would be most of what is written.
export CARGO_PROFILE_DEV_DEBUG=0

report=target/coverage.lcov
results=target/coverage.results
if [ "${1:-}" != --report ]; then
    packages=()
    for manifest in Cargo.toml midil-*/Cargo.toml; do
        packages+=(--package "$(sed -n 's/^name = "\(.*\)"/\1/p' "$manifest" | head -n 1)")
    done
    # What earlier runs have run is not counted again; what they have built stays.
    cargo llvm-cov clean --profraw-only
    cargo llvm-cov test "${packages[@]}" --all-features --locked --no-fail-fast --no-report \
        --lib --test it --test conformance --test token_endpoint | tee "$results" || {
        # Without the name of a test it is the build that failed, or a whole binary, and said so.
        status=$?
        grep -q "^test .* FAILED$" "$results" || exit "$status"
    }
    cargo llvm-cov report --lcov --output-path "$report" "${packages[@]}"
    echo "built and run in $((SECONDS / 60)) min $((SECONDS % 60)) s" | tee -a "$results"
fi

python3 - "$report" "$results" "$limit" "${held[@]}" <<'PYTHON'
import collections, itertools, pathlib, re, sys

report, results, limit, held = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4:]
root = pathlib.Path.cwd()
test = re.compile(r"^( *)#\[cfg\((?:all\()?test\b")
module = re.compile(r"^ *(?:pub(?:\(\w+\))? )?mod (\w+);")

def of_tests(path):
    """The lines of a file that only tests compile, and the files that such lines name."""
    lines, files, inside = set(), set(), None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if inside is None and (found := test.match(line)):
            inside = found[1]
        if inside is None:
            continue
        lines.add(number)
        if name := module.match(line):
            folder = path.parent if path.name in ("lib.rs", "main.rs", "mod.rs") else path.with_suffix("")
            files |= {folder / f"{name[1]}.rs", folder / name[1]}
        # Formatted, an item ends where it began, or with its only line.
        if line == inside + "}" or line.startswith(inside) and line.endswith(";") and line[len(inside)] != " ":
            inside = None
    return lines, files

counts = collections.defaultdict(dict)
for line in pathlib.Path(report).read_text().splitlines():
    if line.startswith("SF:"):
        file = pathlib.Path(line[3:]).relative_to(root)
    elif line.startswith("DA:"):
        number, count = line[3:].split(",")[:2]
        counts[file][int(number)] = int(count)

tests = {}, set()
for file in sorted(set(counts) | set(pathlib.Path(".").glob("midil-*/src/**/*.rs"))):
    tests[0][file], named = of_tests(file)
    tests[1].update(named)

crates = collections.defaultdict(collections.Counter)
files = {}
for file, lines in sorted(counts.items()):
    if tests[1] & {file, *file.parents}:
        continue
    crate = file.parts[0] if file.parts[0].startswith("midil-") else "midil-http"
    lines = {number: count for number, count in lines.items() if number not in tests[0][file]}
    missed = sorted(number for number, count in lines.items() if count == 0)
    files[file] = crate, len(lines), missed
    crates[crate].update(lines=len(lines), missed=len(missed))

def share(lines, missed):
    return 100 * (lines - missed) / lines if lines else 100.0

def ranges(numbers):
    """3, 4, 5, 9 as 3-5, 9."""
    for _, run in itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        run = [number for _, number in run]
        yield str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}"

print(f"\n{'crate':22} {'lines':>7} {'not run':>8} {'run':>8}")
for crate in held + sorted(set(crates) - set(held)):
    lines, missed = crates[crate]["lines"], crates[crate]["missed"]
    print(f"{crate:22} {lines:7} {missed:8} {share(lines, missed):6.1f} %")
print(f"\nfiles below {limit:g} %")
for file, (crate, lines, missed) in files.items():
    if share(lines, len(missed)) < limit:
        print(f"{share(lines, len(missed)):5.1f} %  {file}")
print(f"\nlines that are not run, in {', '.join(held)}")
for file, (crate, lines, missed) in files.items():
    if crate in held and missed:
        print(f"{file}: {', '.join(ranges(missed))}")

few = [crate for crate in held if share(crates[crate]["lines"], crates[crate]["missed"]) < limit]
problems = [f"fewer than {limit:g} % of lines are run in {', '.join(few)}"] if few else []
for line in pathlib.Path(results).read_text().splitlines():
    if failed := re.match(r"test (.*) \.\.\. FAILED$", line):
        problems.append(f"{failed[1]} failed")
if problems:
    sys.exit("\n" + "\n".join(problems))
PYTHON
