#!/usr/bin/env bash
# Fails when a crate of ours does not build with the oldest versions of its dependencies that its manifest allows: in a copy of the
# workspace, without what tests alone need, each direct dependency is pinned to the version that the manifests name.
set -euo pipefail
cd "$(dirname "$0")/.."
copy=target/minimal-versions/workspace
rm -rf "$copy"
mkdir -p "$copy"
git ls-files -z --cached --others --exclude-standard | tar --null --files-from - -cf - | tar -xf - -C "$copy"
cd "$copy"
python3 - <<'PYTHON'
import json, pathlib, re, subprocess, sys, tomllib

# What tests alone need must not decide what users get.
for manifest in [pathlib.Path("Cargo.toml"), *pathlib.Path(".").glob("midil-*/Cargo.toml")]:
    text = re.sub(r"(?ms)^\[dev-dependencies[^\n]*\n.*?(?=^\[|\Z)", "", manifest.read_text())
    text = re.sub(r"(?ms)^\[\[(?:example|test|bench)\]\]\n.*?(?=^\[|\Z)", "", text)
    manifest.write_text(text.replace('    "peers",\n', ""))

def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], capture_output=True, text=True)

def metadata(*arguments):
    done = cargo("metadata", "--format-version", "1", "--all-features", *arguments)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)

number = lambda text: tuple(int(part) for part in (re.split(r"[-+]", text)[0].split(".") + ["0", "0"])[:3])
family = lambda version: version[: 1 if version[0] else 2 if version[1] else 3]

# The oldest version of each dependency that all of our crates allow; one for each range of compatible versions.
oldest = {}
for package in metadata("--no-deps")["packages"]:
    for dependency in package["dependencies"]:
        if dependency.get("path"):
            continue
        name, asked = dependency["name"], dependency["req"]
        if not re.fullmatch(r"\^?\d+(\.\d+){0,2}", asked):
            sys.exit(f"{package['name']} wants {name} {asked}: say the oldest version that works, as in \"1.2.3\"")
        version = number(asked.lstrip("^"))
        known = oldest.setdefault((name, family(version)), version)
        oldest[name, family(version)] = max(known, version)

def locked():
    packages = tomllib.loads(pathlib.Path("Cargo.lock").read_text())["package"]
    return {
        (package["name"], family(number(package["version"]))): package["version"]
        for package in packages
        if "source" in package
    }

# One that is pinned may free another: as long as there is progress.
waiting, complaints, progress = dict(oldest), {}, True
while waiting and progress:
    progress = False
    for key, version in sorted(waiting.items()):
        current = locked().get(key)
        if current and number(current) != version:
            wanted = ".".join(map(str, version))
            done = cargo("update", "--package", f"{key[0]}@{current}", "--precise", wanted)
            if done.returncode:
                complaints[key] = done.stderr
                continue
        del waiting[key]
        progress = True
for key in waiting:
    name, version = key[0], ".".join(map(str, oldest[key]))
    print(f"{name} {version} cannot be: raise it in the manifest to what others of our dependencies need\n{complaints[key]}", file=sys.stderr)
if waiting:
    sys.exit(1)
have = locked()
old = sum(number(have[key]) == version for key, version in oldest.items() if key in have)
print(f"{old} direct dependencies are as old as they may be")
PYTHON
CARGO_TARGET_DIR=.. cargo check --workspace --all-features --quiet "$@"
echo "all crates build with the oldest versions of their direct dependencies"
