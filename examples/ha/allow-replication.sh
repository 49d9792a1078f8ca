#!/usr/bin/env bash
# Run once by the image of Postgres, as its primary is made: lets the standby copy it.
set -euo pipefail
echo "host replication weir samenet scram-sha-256" >>"$PGDATA/pg_hba.conf"
