#!/usr/bin/env bash
# Fails when a locked dependency of the published crates needs a newer Rust than they promise.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo metadata --format-version 1 --locked --all-features | python3 -c '
import json, sys

metadata = json.load(sys.stdin)
packages = {package["id"]: package for package in metadata["packages"]}
members = set(metadata["workspace_members"])
promised = {packages[id]["rust_version"] for id in members}
if len(promised) != 1:
    sys.exit(f"the crates promise different versions: {promised}")
promised = promised.pop()
version = lambda text: ([int(part) for part in text.split(".")] + [0, 0])[:3]

# What users compile: normal and build dependencies, not those of tests.
needed, queue = set(members), list(members)
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
while queue:
    for dependency in nodes[queue.pop()]["deps"]:
        kinds = {kind["kind"] for kind in dependency["dep_kinds"]}
        if kinds != {"dev"} and dependency["pkg"] not in needed:
            needed.add(dependency["pkg"])
            queue.append(dependency["pkg"])

newer = sorted(
    (package["name"], package["version"], package["rust_version"])
    for package in map(packages.get, needed)
    if package["rust_version"] and version(package["rust_version"]) > version(promised)
)
for name, number, rust in newer:
    print(f"{name} {number} needs Rust {rust}, newer than the promised {promised}", file=sys.stderr)
if newer:
    sys.exit(1)
print(f"all {len(needed)} crates that users compile build with Rust {promised}")
'
