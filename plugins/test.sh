#!/usr/bin/env bash
# Tests the plugins without a sandbox: plugins/test.sh [PACKAGE…]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../target}
mkdir -p "$target"
CARGO_TARGET_DIR=$(cd "$target" && pwd)/plugins/build/native
export CARGO_TARGET_DIR
cd "$here"
packages=("${@/#/--package=}")
# The guests of the tests are tested by the host, they are nothing outside of it.
[ $# -gt 0 ] || packages=(--workspace --exclude=weir-guests)
cargo test --locked "${packages[@]}"
