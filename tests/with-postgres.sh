#!/usr/bin/env bash
# Runs a command beside a private Postgres that exists only for it: tests/with-postgres.sh [--durable] CMD…
# The command finds its superuser URL in WEIR_TEST_POSTGRES_URL; a URL that is set already is used as it is.
set -euo pipefail

# Durability is Postgres's own promise, not what tests are about, so nothing waits for the disk unless it is measured.
durable=off
[ "${1:-}" != --durable ] || { durable=on; shift; }
[ $# -gt 0 ] || { echo "usage: tests/with-postgres.sh [--durable] COMMAND [ARGUMENT…]" >&2; exit 2; }
[ -z "${WEIR_TEST_POSTGRES_URL:-}" ] || exec "$@"

bin=
for initdb in $(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V -r) "$(command -v initdb || true)"; do
  [ -x "$initdb" ] && { bin=$(dirname "$initdb"); break; }
done
[ -n "$bin" ] || {
  echo "tests/with-postgres.sh: found no initdb of Postgres 15 or newer; run tests/setup.sh, or apt-get install postgresql" >&2
  exit 1
}

# Postgres refuses to run as root, so root lends the cluster to an unprivileged user.
as=()
if [ "$(id -u)" = 0 ]; then
  user=nobody
  id -u postgres >/dev/null 2>&1 && user=postgres
  as=(setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups env HOME=/tmp)
fi

home=$(mktemp -d "${TMPDIR:-/tmp}/weir-postgres.XXXXXX")
chmod 755 "$home"
[ "$(id -u)" = 0 ] && chown "$user" "$home"
child=

stop() {
  trap - EXIT INT TERM HUP
  [ -z "$child" ] || { kill "$child" 2>/dev/null; wait "$child" 2>/dev/null; }
  "${as[@]}" "$bin/pg_ctl" -D "$home/data" -m immediate -w stop >/dev/null 2>&1 || true
  rm -rf "$home"
}
trap 'code=$?; stop; exit "$code"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

start_folder=$PWD
cd "$home"
"${as[@]}" "$bin/initdb" -D data -U weir -A trust -E UTF8 --locale=C.UTF-8 --no-sync >initdb.log 2>&1 ||
  { cat initdb.log >&2; exit 1; }

cat >>data/postgresql.conf <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$home'
max_connections = 200
shared_buffers = 64MB
fsync = $durable
synchronous_commit = $durable
full_page_writes = $durable
max_wal_size = 512MB
log_min_messages = warning
CONF

port=
for _ in 1 2 3 4 5 6 7 8; do
  try=$((20000 + RANDOM % 12000))
  if "${as[@]}" "$bin/pg_ctl" -D data -o "-p $try" -l postgres.log -w -t 30 start >pg_ctl.log 2>&1; then port=$try; break; fi
done
[ -n "$port" ] || { echo "tests/with-postgres.sh: Postgres did not start; its log:" >&2; cat postgres.log >&2; exit 1; }

export WEIR_TEST_POSTGRES_URL="postgres://weir@127.0.0.1:$port/postgres"
cd "$start_folder"
"$@" &
child=$!
code=0
wait "$child" || code=$?
child=
exit "$code"
