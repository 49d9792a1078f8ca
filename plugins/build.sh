#!/usr/bin/env bash
# Builds the guests: plugins/build.sh [bundled|all]. Bundled plugins go to <target>/plugins/<name>.wasm, the guests of the
# tests to <target>/plugins/guests/<name>.wasm. Quick when nothing changed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../target}
mkdir -p "$target" && target=$(cd "$target" && pwd)
out=$target/plugins
rustc=$("$here/toolchain.sh")
cd "$here"

# Flags meant for the host's code would break or bloat the guests.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS
bundled=()
for manifest in */Cargo.toml; do
  name=$(dirname "$manifest")
  if grep -q '^crate-type = \["cdylib"' "$manifest"; then bundled+=("$name"); fi
done

guests() { # CARGO ARGUMENTS…
  RUSTC=$rustc CARGO_TARGET_DIR=$out/build/wasm cargo build --quiet --locked --release --target wasm32-unknown-unknown "$@"
}
componentize() {
  CARGO_TARGET_DIR=$out/build/native cargo run --quiet --locked -p weir-componentize -- "$@"
}

made=$out/build/wasm/wasm32-unknown-unknown/release
if [ ${#bundled[@]} -gt 0 ]; then
  guests "${bundled[@]/#/--package=weir-plugin-}"
  modules=("${bundled[@]/#/weir_plugin_}")
  modules=("${modules[@]/#/$made/}")
  componentize "$out" "${modules[@]/%/.wasm}"
fi
if [ "${1:-all}" = all ]; then
  guests -p weir-guests --examples
  modules=()
  for source in ../tests/guests/examples/*.rs; do modules+=("$made/examples/$(basename "$source" .rs).wasm"); done
  componentize "$out/guests" "${modules[@]}" ../tests/guests/fixtures/*.wat
fi
