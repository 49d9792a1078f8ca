#!/usr/bin/env bash
# Builds the guests: build.sh [bundled]. Bundled plugins go to <target>/plugins/<name>.wasm, their list to
# <target>/plugins/bundled.txt, the guests of the tests, unless only the bundled ones are asked for, to
# <target>/plugins/guests/<name>.wasm. Quick when nothing changed.
set -euo pipefail
case "$*" in
  "") selected=(--workspace --exclude weir-componentize --lib --examples) ;;
  bundled) selected=(--workspace --exclude weir-componentize --exclude weir-guests --lib) ;;
  *) echo "usage: plugins/build.sh [bundled]" >&2; exit 2 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../target}
mkdir -p "$target" && target=$(cd "$target" && pwd)
out=$target/plugins
rustc=$("$here/toolchain.sh")
cd "$here"

# Flags meant for the host's code would break or bloat the guests.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
# What makes components of modules runs here, not in the sandbox; it is compiled beside them.
CARGO_TARGET_DIR=$out/build/native cargo build --quiet --locked -p weir-componentize &
native=$!
# All in one call: the features of shared crates are then the same each time, so nothing is compiled twice.
RUSTC=$rustc CARGO_TARGET_DIR=$out/build/wasm cargo build --quiet --locked --release --target wasm32-unknown-unknown \
  "${selected[@]}" || { wait $native; exit 1; }
wait $native

componentize() {
  CARGO_TARGET_DIR=$out/build/native cargo run --quiet --locked -p weir-componentize -- "$@"
}
made=$out/build/wasm/wasm32-unknown-unknown/release
modules=() files=()
for manifest in */Cargo.toml; do
  name=$(dirname "$manifest")
  if grep -q '^crate-type = \["cdylib"' "$manifest"; then modules+=("$made/weir_plugin_${name//-/_}.wasm") files+=("$name.wasm"); fi
done
componentize "$out" "${modules[@]}"
# What a program with the feature `bundled` takes; an untouched list keeps its time.
printf '%s\n' "${files[@]}" | cmp -s - "$out/bundled.txt" || printf '%s\n' "${files[@]}" >"$out/bundled.txt"

[ "$*" != bundled ] || exit 0
modules=()
for source in ../tests/guests/examples/*.rs; do modules+=("$made/examples/$(basename "$source" .rs).wasm"); done
componentize "$out/guests" "${modules[@]}" ../tests/guests/fixtures/*.wat
