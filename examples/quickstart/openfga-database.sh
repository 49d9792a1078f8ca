#!/usr/bin/env bash
# Run once by the image of Postgres, as its data are made: a database for OpenFGA, whose owner sees no other.
set -euo pipefail
psql --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" --set=database="$POSTGRES_DB" \
  --set=password="$(cat "${OPENFGA_PASSWORD_FILE:-/run/secrets/openfga-password}")" <<'SQL'
CREATE ROLE openfga LOGIN PASSWORD :'password';
CREATE DATABASE openfga OWNER openfga;
REVOKE CONNECT ON DATABASE :"database" FROM PUBLIC;
SQL
