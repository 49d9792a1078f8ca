#!/usr/bin/env bash
# Builds the image weir:test on stand-ins of its base images: tests/containers/build.sh [--program FILE] [ARGUMENT OF docker build…]
#
# No registry is asked: the base with the compiler is a minimal Debian with this machine's toolchain, the base to run on is made of
# the packages that distroless images are made of. The Dockerfile is the real one. With a program that was built on this machine
# the stages that compile are left out, which takes seconds; all that comes after them is the same.
set -euo pipefail
program=
if [ "${1:-}" = --program ]; then program=$(realpath "$2"); shift 2; fi
cd "$(dirname "$0")/../.."
[ -n "$program" ] || command -v debootstrap >/dev/null || { echo "build.sh: apt-get install debootstrap" >&2; exit 1; }
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null | awk '/^URIs:|^deb / { print $2; exit }' || true)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

has() { docker image inspect "$1" >/dev/null 2>&1; }

rust() { # Debian, a C compiler, Python, this machine's Rust, its compiler for the plugins
  debootstrap --variant=minbase --include=ca-certificates,curl,gcc,git,libc6-dev,python3 "$suite" "$stage/rust" "$mirror" >"$stage/log" ||
    { tail -20 "$stage/log" >&2; exit 1; }
  local toolchain
  toolchain=$(rustc --print sysroot)
  mkdir -p "$stage/rust/usr/local/rust" "$stage/rust/root/.cache/weir"
  cp -a "$toolchain/bin" "$toolchain/lib" "$stage/rust/usr/local/rust/"
  rm -rf "$stage/rust/usr/local/rust/lib/rustlib/"*/share "$stage/rust/usr/local/rust/share"
  for file in "$stage/rust/usr/local/rust/bin/"*; do ln -s "/usr/local/rust/bin/$(basename "$file")" "$stage/rust/usr/local/bin/"; done
  # The compiler for the plugins borrows its linkers by their path on this machine.
  mkdir -p "$stage/rust$(dirname "$toolchain")" && ln -s /usr/local/rust "$stage/rust$toolchain"
  local wasm=${WEIR_CACHE:-$HOME/.cache/weir}/wasm-toolchain
  # It names its own path, so it has to lie at the same one.
  [ ! -d "$wasm" ] || { mkdir -p "$stage/rust$(dirname "$wasm")" && cp -a "$wasm" "$stage/rust$wasm"; }
  cp -a /etc/ssl/certs "$stage/rust/etc/ssl/"
  tar -C "$stage/rust" -c . | docker import - stand-in/rust >/dev/null
}

runtime() { # what distroless/cc is made of: the C library, its roots of trust, a user without a name
  mkdir -p "$stage/debs" "$stage/runtime/etc" "$stage/runtime/tmp" "$stage/runtime/home/nonroot"
  (cd "$stage/debs" && apt-get -qq download libc6 libgcc-s1 ca-certificates tzdata netbase)
  for package in "$stage/debs"/*.deb; do dpkg-deb --extract "$package" "$stage/runtime"; done
  rm -rf "$stage/runtime/usr/share/doc" "$stage/runtime/usr/share/man" "$stage/runtime/usr/share/lintian"
  mkdir -p "$stage/runtime/etc/ssl/certs"
  cat "$stage/runtime/usr/share/ca-certificates/mozilla/"*.crt >"$stage/runtime/etc/ssl/certs/ca-certificates.crt"
  printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >"$stage/runtime/etc/passwd"
  printf 'root:x:0:\nnonroot:x:65532:\n' >"$stage/runtime/etc/group"
  chmod 1777 "$stage/runtime/tmp"
  tar -C "$stage/runtime" -c . | docker import - stand-in/runtime >/dev/null
}

built() { # what the stage `build` leaves, made of the program
  mkdir -p "$stage/built/out/data" "$stage/built/out/doc"
  cp "$program" "$stage/built/out/weir"
  .ci/sbom.py bundled >"$stage/built/out/doc/weir.cdx.json"
  cp LICENSE "$stage/built/out/doc/"
  tar -C "$stage/built" -c . | docker import - stand-in/built >/dev/null
  # From the first stage to the one that runs, nothing is left but the stage that was replaced.
  awk '/^FROM/ { skip = /AS (toolchain|plugins|dependencies|build|dev|build-small|small)$/ }
    /AS toolchain$/ { print "FROM stand-in/built AS build" } !skip' Dockerfile >"$stage/Dockerfile"
}

has stand-in/runtime || runtime
file=Dockerfile
if [ -n "$program" ]; then built; file=$stage/Dockerfile; else has stand-in/rust || rust; fi
# The classic builder: what it takes, every builder takes.
DOCKER_BUILDKIT=0 docker build --network host --tag weir:test --file "$file" --target runtime \
  --build-arg RUST_IMAGE=stand-in/rust --build-arg RUNTIME_IMAGE=stand-in/runtime --build-arg DEBUG_IMAGE=stand-in/runtime \
  --build-arg WEIR_WASM_TOOLCHAIN="${WEIR_WASM_TOOLCHAIN:-}" --build-arg REVISION="$(git rev-parse HEAD)" "$@" .
