#!/usr/bin/env bash
# Prints the ConfigMaps that carry a plugin of any size: helm/plugin-configmaps.sh NAME COMPONENT.wasm [SIGNATURE] | kubectl apply -f -
#
# The component is packed, cut into parts that fit, and described by a manifest with all digests. Applied again with another
# component, it is swapped in running pods as soon as all parts have arrived. WEIR_PART_BYTES changes the size of a part.
set -euo pipefail

name=${1:-} component=${2:-} signature=${3:-}
[ -n "$name" ] && [ -r "$component" ] || { echo "usage: $0 NAME COMPONENT.wasm [SIGNATURE]" >&2; exit 2; }
[[ $name =~ ^[a-z]([a-z0-9-]{0,40}[a-z0-9])?$ ]] || {
  echo "$0: \`$name\` is no name of a plugin: lower-case letters, digits and hyphens are, beginning with a letter" >&2
  exit 2
}
part_bytes=${WEIR_PART_BYTES:-921600}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
digest() { sha256sum <"$1" | cut -d' ' -f1; }

gzip -9n <"$component" | split -b "$part_bytes" -d -a 3 - "$folder/part"
listed=
number=0
for part in "$folder"/part*; do
  file=$name.wasm.gz.part$number
  listed+="${listed:+,}{\"file\":\"$file\",\"sha256\":\"$(digest "$part")\"}"
  cat <<Y
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: $name-plugin-$number
  labels: {app.kubernetes.io/part-of: weir}
binaryData:
  $file: $(base64 -w0 <"$part")
Y
  number=$((number + 1))
done
cat <<Y
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: $name-plugin
  labels: {app.kubernetes.io/part-of: weir}
data:
  $name.bundle.json: '{"sha256":"$(digest "$component")","parts":[$listed]}'
Y
[ -z "$signature" ] || printf '  %s.bundle.json.sig: %s\n' "$name" "$(tr -d '\n' <"$signature")"
{
  echo "In the values of the chart:"
  printf '  plugins:\n    - name: %s\n      source:\n        configMaps: {names: [%s-plugin' "$name" "$name"
  for ((i = 0; i < number; i++)); do printf ', %s-plugin-%d' "$name" "$i"; done
  printf '], file: %s.bundle.json}\n' "$name"
} >&2
