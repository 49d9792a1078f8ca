#!/usr/bin/env bash
# Sets up what the tests need outside cargo: tests/setup.sh gate|full
# It is quick when everything is there. What it cannot install itself is named with its remedy.
set -euo pipefail

lane=${1:-gate}
cache=${WEIR_CACHE:-$HOME/.cache/weir}
here=$(cd "$(dirname "$0")" && pwd)
missing=()

install_debian() { # PACKAGE…
  command -v apt-get >/dev/null || return 1
  local sudo=()
  if [ "$(id -u)" != 0 ]; then sudo -n true 2>/dev/null || return 1; sudo=(sudo -n); fi
  echo "installing $*" >&2
  # The packages would start servers of their own at once, which nobody asked for.
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive sh -eu -c '
    policy=/usr/sbin/policy-rc.d
    [ -e $policy ] || { trap "rm -f $policy" EXIT; printf "#!/bin/sh\nexit 101\n" >$policy; chmod 755 $policy; }
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] ||
      echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    apt-get -qq update || true
    apt-get -qq install -y --no-install-recommends "$@"
    [ "$*" != pgbouncer ] || systemctl --quiet disable pgbouncer || true' sh "$@" >&2
}

need() { # COMMAND REMEDY
  command -v "$1" >/dev/null || missing+=("$1: $2")
}

offer() { # COMMAND PACKAGE PURPOSE
  command -v "$1" >/dev/null || install_debian "$2" || missing+=("$1, $3: apt-get install $2")
}

venv() { # NAME REQUIREMENTS
  local home="$cache/$1" list="$here/$2"
  cmp -s "$list" "$home/installed.txt" && return
  echo "installing what tests/$2 lists" >&2
  rm -rf "$home"
  if ! python3 -m venv "$home" 2>/dev/null; then
    install_debian python3-venv || { missing+=("python3 -m venv: apt-get install python3-venv"); return; }
    rm -rf "$home"
    python3 -m venv "$home"
  fi
  "$home/bin/pip" install -q --disable-pip-version-check -r "$list"
  cp "$list" "$home/installed.txt"
}

# Programs written in Go come from its module proxy, compiled once.
from_go() { # COMMAND MODULE PACKAGE VERSION PURPOSE
  [ ! -x "$cache/bin/$1" ] || return 0
  if ! command -v go >/dev/null; then install_debian golang-go || true; fi
  echo "compiling $1, once; it takes minutes" >&2
  local package="$2${3:+/$3}"
  # In a module of its own, because `go install` refuses modules that exclude versions.
  local build
  build=$(mktemp -d)
  (cd "$build" && go mod init build && GOFLAGS=-mod=mod go get "$package@$4" && GOFLAGS=-mod=mod go build -o "$cache/bin/$1" "$package") >"$build/log" 2>&1 &&
    { rm -rf "$build"; return; }
  tail -3 "$build/log" >&2
  rm -rf "$build"
  if [ -n "${CI:-}" ]; then missing+=("$1, $5: build $package@$4 with Go into $cache/bin"); else echo "without $1 its tests are skipped" >&2; fi
}

# The server comes as an archive; what it unpacks to is used as it is.
keycloak() { # VERSION
  local home="$cache/keycloak"
  [ "$(cat "$home/weir-version" 2>/dev/null)" != "$1" ] || return 0
  if ! command -v mvn >/dev/null; then missing+=("mvn, which fetches Keycloak: apt-get install maven"); return; fi
  echo "fetching Keycloak $1, once" >&2
  local folder
  folder=$(mktemp -d)
  if mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
    -Dartifact="org.keycloak:keycloak-quarkus-dist:$1:zip" -DoutputDirectory="$folder" >&2; then
    rm -rf "$home"
    python3 -m zipfile -e "$folder/keycloak-quarkus-dist-$1.zip" "$folder"
    mv "$folder/keycloak-$1" "$home"
    echo "$1" >"$home/weir-version"
  else
    missing+=("Keycloak $1: Maven could not fetch it")
  fi
  rm -rf "$folder"
}

# A jar that no Python package brings.
jar() { # COORDINATES PURPOSE
  local name version
  name=$(cut -d: -f2 <<<"$1") version=$(cut -d: -f3 <<<"$1")
  [ ! -e "$cache/jars/$name-$version.jar" ] || return 0
  if ! command -v mvn >/dev/null; then missing+=("mvn, which fetches $name: apt-get install maven"); return; fi
  echo "fetching $name $version, once" >&2
  mkdir -p "$cache/jars"
  mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy -Dartifact="$1" -DoutputDirectory="$cache/jars" >&2 ||
    missing+=("$name $version, $2: Maven could not fetch it")
}

need cargo "install Rust 1.95 or newer from https://rustup.rs"
need cc "apt-get install build-essential"
need python3 "apt-get install python3 python3-venv"

if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! command -v initdb >/dev/null; then
  install_debian postgresql || missing+=("initdb of Postgres 15 or newer: apt-get install postgresql")
fi
if [ "$lane" = full ]; then
  offer java openjdk-17-jdk-headless "Java 17 for Spark"
  offer javac openjdk-17-jdk-headless "a compiler for the differential against Iceberg's Java library"
  offer mvn maven "Maven, which fetches that library"
  PATH="$PATH:/usr/sbin" offer pgbouncer pgbouncer "a pooler in front of Postgres"
  if ! command -v cargo-deny >/dev/null; then
    echo "compiling cargo-deny, once; it takes minutes" >&2
    # It runs for seconds, so the time that optimising takes would never come back.
    CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_OPT_LEVEL=1 cargo install --quiet --locked cargo-deny >&2 ||
      missing+=("cargo-deny: cargo install --locked cargo-deny")
  fi
fi
mkdir -p "$cache/bin"
from_go helm helm.sh/helm/v3 cmd/helm v3.19.0 "which renders the chart"
from_go openfga github.com/openfga/openfga cmd/openfga v1.22.1 "which authorization by relationships is tested with"
from_go nats-server github.com/nats-io/nats-server/v2 "" v2.11.8 "which events are streamed to"
[ "$lane" != full ] || from_go docker-compose github.com/docker/compose/v2 cmd v2.40.3 "which understands the compose files"
[ "$lane" != full ] || from_go weed github.com/seaweedfs/seaweedfs weed v0.0.0-20261109003541-7506e5f91cd6 "which judges keys and signatures of S3"
[ "$lane" != full ] || keycloak 26.3.5
[ "$lane" != full ] || jar org.apache.iceberg:iceberg-aws-bundle:1.10.1 "by which Spark reaches buckets"
if command -v python3 >/dev/null; then
  venv venv clients/requirements.txt
  venv helm helm/requirements.txt
  [ "$lane" != full ] || { venv spark clients/requirements-spark.txt; venv componentize clients/requirements-componentize.txt; }
fi

if [ ${#missing[@]} -gt 0 ]; then
  printf 'The tests need what is not here:\n' >&2
  printf '  %s\n' "${missing[@]}" >&2
  exit 1
fi
