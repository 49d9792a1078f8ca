#!/usr/bin/env bash
# Makes the secrets of docker-compose.yaml as files in ./secrets, once: what is there already stays. WITH_STANDBY=1 for examples/ha.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
folder=${WEIR_SECRETS:-secrets}
umask 077
mkdir -p "$folder"

made() { # NAME: its value, 48 random digits the first time
  [ -s "$folder/$1" ] || head -c 24 /dev/urandom | od -An -vtx1 | tr -d ' \n' >"$folder/$1"
  cat "$folder/$1"
}
holds() { # NAME: keeps what it is given, unless the file is there
  if [ -s "$folder/$1" ]; then cat >/dev/null; else cat >"$folder/$1"; fi
}

postgres=$(made postgres-password)
openfga=$(made openfga-password)
token=$(made openfga-token)
setup=$(made setup-secret)
quickstart=$(made quickstart-secret)
nats=$(made nats-password)
listener=$(made nats-listener-password)
made secrets-key >/dev/null
made s3-password >/dev/null

printf 'postgres://weir:%s@postgres:5432/weir' "$postgres" | holds store-url
holds openfga.yaml <<YAML
datastore:
  engine: postgres
  uri: "postgres://openfga:$openfga@postgres:5432/openfga?sslmode=disable"
authn:
  method: preshared
  preshared:
    keys: ["$token"]
playground:
  enabled: false
YAML
printf 'nats://weir:%s@nats:4222' "$nats" | holds nats-url
# The catalog makes its stream and tells; `listener` reads that stream, and nothing else.
holds nats-users.conf <<CONF
authorization {
  users: [
    {
      user: weir, password: "$nats"
      permissions: {
        publish: ["weir.events.>", "\$JS.API.STREAM.INFO.weir", "\$JS.API.STREAM.CREATE.weir"]
        subscribe: ["_INBOX.>"]
      }
    }
    {
      user: listener, password: "$listener"
      permissions: {
        publish: ["\$JS.API.STREAM.INFO.weir", "\$JS.API.CONSUMER.CREATE.weir", "\$JS.API.CONSUMER.*.weir.>", "\$JS.API.CONSUMER.MSG.NEXT.weir.>", "\$JS.ACK.weir.>"]
        subscribe: ["_INBOX.>"]
      }
    }
  ]
}
CONF
if [ ! -s "$folder/keycloak-cert" ]; then # signed by an authority whose own key nobody keeps
  draft=$(mktemp -d)
  trap 'rm -rf "$draft"' EXIT
  printf 'subjectAltName = DNS:keycloak\nextendedKeyUsage = serverAuth\nauthorityKeyIdentifier = keyid\n' >"$draft/extensions"
  new=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
  openssl req -x509 "${new[@]}" -days 825 -subj "/CN=Weir quickstart" -addext "keyUsage = critical, keyCertSign" \
    -keyout "$draft/ca.key" -out "$folder/ca" 2>"$draft/log"
  openssl req "${new[@]}" -subj "/CN=keycloak" -keyout "$folder/keycloak-key" -out "$draft/request" 2>>"$draft/log"
  openssl x509 -req -in "$draft/request" -CA "$folder/ca" -CAkey "$draft/ca.key" -CAcreateserial -CAserial "$draft/serial" -days 825 \
    -extfile "$draft/extensions" -out "$folder/keycloak-cert" 2>>"$draft/log" || { cat "$draft/log" >&2; exit 1; }
fi
sed -e "s/@SETUP_SECRET@/$setup/" -e "s/@QUICKSTART_SECRET@/$quickstart/" "$here/realm.json" | holds realm.json
if [ -n "${WITH_STANDBY:-}" ]; then
  printf 'postgres://weir:%s@standby:5432/weir' "$postgres" | holds read-url
fi
# The folder is closed; the files are mounted into containers whose users are others.
chmod 444 "$folder"/*
