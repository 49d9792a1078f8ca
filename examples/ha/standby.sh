#!/bin/sh
# The standby: a copy of the primary at its first start, then a follower.
set -eu
data=/var/lib/postgresql/data/pgdata
install -d -o postgres -g postgres -m 700 "$data"
if [ ! -s "$data/PG_VERSION" ]; then
  PGPASSWORD=$(cat /run/secrets/postgres-password)
  export PGPASSWORD
  # -R leaves a file that makes it a standby, with the way to its primary.
  gosu postgres pg_basebackup --host=postgres --username=weir --pgdata="$data" --write-recovery-conf --checkpoint=fast
  unset PGPASSWORD
fi
exec gosu postgres postgres -D "$data" -c hot_standby=on
