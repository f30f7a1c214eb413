#!/usr/bin/env bash
# Fails when a crate of ours does not build with the oldest versions of its dependencies that its manifest allows: in a copy of the
# workspace, without what tests alone need, each direct dependency is pinned to the version that the manifests name. With
# --resolve, it is asked only whether there are such versions, and whether they go together: seconds, not minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
copy=target/minimal-versions/workspace
rm -rf "$copy"
mkdir -p "$copy"
git ls-files -z --cached --others --exclude-standard | tar --null --files-from - -cf - | tar -xf - -C "$copy"
cd "$copy"
python3 - <<'PYTHON'
import pathlib, re, subprocess, sys

manifests = [pathlib.Path("Cargo.toml"), *sorted(pathlib.Path(".").glob("midil-*/Cargo.toml"))]
texts = {}
for manifest in manifests:
    # What tests alone need must not decide what users get.
    text = re.sub(r"(?ms)^\[dev-dependencies[^\n]*\n.*?(?=^\[|\Z)", "", manifest.read_text())
    text = re.sub(r"(?ms)^\[\[(?:example|test|bench)\]\]\n.*?(?=^\[|\Z)", "", text)
    texts[manifest] = text.replace('    "peers",\n', "").replace('    "soak",\n', "")

number = lambda text: tuple(int(part) for part in (text.split(".") + ["0", "0"])[:3])
dependency = re.compile(r'^(?P<name>[\w-]+) = (?P<head>\{[^\n]*?version = )?"(?P<asked>[^"]+)"')

def each(text, change):
    """What is in tables of dependencies, changed; crates of our own aside."""
    lines, inside = [], False
    for line in text.split("\n"):
        if line.startswith("["):
            inside = line.rstrip("]").endswith("dependencies")
        found = dependency.match(line) if inside and "path =" not in line else None
        lines.append(change(line, found) if found else line)
    return "\n".join(lines)

oldest = {}
def look(line, found):
    name, asked = found["name"], found["asked"]
    if not re.fullmatch(r"\d+(\.\d+){0,2}", asked):
        sys.exit(f'{name} is wanted as {asked}: say the oldest version that works, as in "1.2.3"')
    # What one crate asks for would otherwise be tried as another asks for it.
    if oldest.setdefault(name, number(asked)) != number(asked):
        sys.exit(f"{name} is wanted as {asked}, and elsewhere in another version: say the same in all manifests")
    return line

def pin(line, found):
    exact = ".".join(map(str, oldest[found["name"]]))
    return line.replace(f'"{found["asked"]}"', f'"={exact}"', 1)

for text in texts.values():
    each(text, look)
for manifest, text in texts.items():
    manifest.write_text(each(text, pin))

done = subprocess.run(["cargo", "metadata", "--format-version", "1", "--all-features"], capture_output=True, text=True)
if done.returncode:
    print(done.stderr, file=sys.stderr)
    sys.exit("an oldest version cannot be: raise it in the manifest to what others of our dependencies need")
print(f"{len(oldest)} direct dependencies are as old as they may be")
PYTHON
[ "${1:-}" != "--resolve" ] || exit 0
CARGO_TARGET_DIR=.. cargo check --workspace --all-features --quiet
echo "all crates build with the oldest versions of their direct dependencies"
