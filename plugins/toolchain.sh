#!/usr/bin/env bash
# Prints the rustc that builds guests for wasm32-unknown-unknown, after getting it where it is missing. Idempotent, quick when present.
#
# An installed target is used. Else, with rustup, the target is added. Without rustup, where rustup cannot download, or with
# WEIR_WASM_TOOLCHAIN=debian, Debian's rustc with its prebuilt wasm32 library is unpacked into ~/.cache/weir, where nothing
# else notices it. Anything else: install a rustc with that target and name it in WEIR_WASM_RUSTC.
set -euo pipefail
target=wasm32-unknown-unknown
prefix=${WEIR_CACHE:-$HOME/.cache/weir}/wasm-toolchain
wish=${WEIR_WASM_TOOLCHAIN:-}

has_target() { ls "$("$1" --print target-libdir --target $target 2>/dev/null)"/libstd-*.rlib >/dev/null 2>&1; }

# Debian's newest stable-to-be branch; its compiler is at least as new as ours.
suite=forky
arch=$(uname -m)

from_debian() {
  [ -f "$prefix/.ok" ] && return
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { echo "toolchain.sh: no apt-get here" >&2; return 1; }
  echo "unpacking Debian's rustc with $target into $prefix" >&2
  local draft=$prefix.$$
  rm -rf "$draft"; mkdir -p "$draft/debs" "$draft/bin"
  debian_index "$draft/apt" || return
  (cd "$draft/debs" && APT_CONFIG=$draft/apt/apt.conf apt-get -qq download $(debian_packages "$draft/apt/apt.conf") >&2)
  for package in "$draft"/debs/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -x -C "$draft" --exclude='./usr/share' --exclude='./usr/src'
  done
  rm -rf "$draft/debs" "$draft/apt"
  borrow_linkers "$draft"
  # Its own loader and C library: Debian's branch is newer than the system that it runs on.
  local lib=usr/lib/$arch-linux-gnu
  cat >"$draft/bin/rustc" <<W
#!/bin/sh
exec "$prefix/$lib/$(basename "$(ls "$draft/$lib"/ld-linux-*.so.*)")" --argv0 "$prefix/usr/bin/rustc" --library-path "$prefix/$lib:$prefix/usr/lib" "$prefix/usr/bin/rustc" "\$@"
W
  chmod +x "$draft/bin/rustc"
  rm -rf "$prefix"; mv "$draft" "$prefix"
  "$prefix/bin/rustc" --version >&2 && : >"$prefix/.ok"
}

debian_index() { # FOLDER: an apt of its own, so that the machine's package lists stay as they are
  mkdir -p "$1/state/lists/partial" "$1/cache/archives/partial" "$1/none"; : >"$1/status"
  local mirror
  mirror=$(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | awk '/^URIs:|^deb / { print $2; exit }' || true)
  [ -n "$mirror" ] || { echo "toolchain.sh: no source of Debian's packages in /etc/apt" >&2; return 1; }
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nTargets: Packages\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
    "$mirror" "$suite" >"$1/debian.sources"
  cat >"$1/apt.conf" <<C
Dir::State "$1/state"; Dir::State::status "$1/status"; Dir::Cache "$1/cache";
Dir::Etc::sourcelist "$1/debian.sources"; Dir::Etc::sourceparts "$1/none"; Dir::Etc::preferencesparts "$1/none";
APT::Sandbox::User "$(id -un)"; Acquire::Languages "none";
C
  APT_CONFIG=$1/apt.conf apt-get -qq update >&2
}

debian_packages() { # APT_CONF: rustc, the wasm32 library, and the libraries that rustc itself runs on
  export APT_CONFIG=$1
  depends() { apt-cache depends "$1" | awk -v want="Depends: $2" 'index($0, want) { print $2; exit }'; }
  local std llvm xml
  std=$(depends libstd-rust-dev libstd-rust-); llvm=$(depends "$std" libllvm); xml=$(depends "$llvm" libxml2)
  echo rustc "$std" libstd-rust-dev libstd-rust-dev-wasm32 "$llvm" $xml $(depends "${xml:-libxml2}" libicu) \
    libc6 libgcc-s1 libstdc++6 zlib1g libzstd1 libedit2 libffi8 libtinfo6 libbsd0 libmd0 liblzma5 libz3-4
}

borrow_linkers() { # PREFIX: the ordinary toolchain's rust-lld, where Debian's rustc looks for it
  local triple=$arch-unknown-linux-gnu own
  own=$(rustc --print sysroot)/lib/rustlib/$triple/bin
  [ -x "$own/rust-lld" ] || { echo "toolchain.sh: no rust-lld in $own; a rustc of rustup has one" >&2; return 1; }
  local bin=$1/usr/lib/rustlib/$triple/bin
  mkdir -p "$bin/gcc-ld"
  ln -sfn "$own/rust-lld" "$bin/rust-lld"
  for linker in "$own"/gcc-ld/*; do ln -sfn "$linker" "$bin/gcc-ld/"; done
}

if [ -n "${WEIR_WASM_RUSTC:-}" ]; then echo "$WEIR_WASM_RUSTC"; exit; fi
if [ "$wish" != debian ]; then
  if has_target rustc; then echo rustc; exit; fi
  # What was unpacked before stays in use: asking rustup again would cost a download that failed then.
  if [ -z "$wish" ] && [ -f "$prefix/.ok" ]; then echo "$prefix/bin/rustc"; exit; fi
  if command -v rustup >/dev/null && rustup target add $target >&2 && has_target rustc; then echo rustc; exit; fi
fi
from_debian || {
  echo "toolchain.sh: no rustc for $target: run \`rustup target add $target\`, or name one in WEIR_WASM_RUSTC" >&2
  exit 1
}
echo "$prefix/bin/rustc"
