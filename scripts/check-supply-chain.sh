#!/usr/bin/env bash
# Fails when a published crate has a build script, is a macro, or does not forbid unsafe code.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo metadata --format-version 1 --locked --no-deps | python3 -c '
import json, pathlib, sys, tomllib

workspace = tomllib.loads(pathlib.Path("Cargo.toml").read_text())
wrong = []
if workspace["workspace"]["lints"]["rust"]["unsafe_code"] != "forbid":
    wrong.append("the workspace does not forbid unsafe code")
packages = [p for p in json.load(sys.stdin)["packages"] if p["publish"] != []]
for package in packages:
    name, kinds = package["name"], {kind for target in package["targets"] for kind in target["kind"]}
    if "custom-build" in kinds:
        wrong.append(f"{name} has a build script: whoever depends on it would run it")
    if "proc-macro" in kinds:
        wrong.append(f"{name} is a macro: whoever depends on it would run it")
    if tomllib.loads(pathlib.Path(package["manifest_path"]).read_text()).get("lints") != {"workspace": True}:
        wrong.append(f"{name} does not take the lints of the workspace, unsafe_code among them")
if wrong:
    sys.exit("\n".join(wrong))
print(f"{len(packages)} published crates: no build script, no macro, no unsafe code")
'
