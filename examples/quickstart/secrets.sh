#!/usr/bin/env bash
# Makes the secrets of docker-compose.yaml as files in ./secrets, once: what is there already stays. WITH_STANDBY=1 for examples/ha.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${WEIR_SECRETS:-secrets}
umask 077
mkdir -p "$folder"

password=$folder/postgres-password
[ -s "$password" ] || head -c 24 /dev/urandom | od -An -vtx1 | tr -d ' \n' >"$password"
[ -s "$folder/store-url" ] || printf 'postgres://weir:%s@postgres:5432/weir' "$(cat "$password")" >"$folder/store-url"
if [ -n "${WITH_STANDBY:-}" ] && [ ! -s "$folder/read-url" ]; then
  printf 'postgres://weir:%s@standby:5432/weir' "$(cat "$password")" >"$folder/read-url"
fi
# The folder is closed; the files are mounted into containers whose users are others.
chmod 444 "$folder"/*
