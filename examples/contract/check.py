"""Asks the catalog whether a table may get a schema, before anything is deployed: check.py TABLE SCHEMA.json

The schema is an Iceberg schema in JSON, as it lies in the producer's repository. Exit code 0: every contract agrees, 1: some do not
(each broken promise is printed), 2: the catalog could not say. Only Python's own library is used.
"""

import json
import os
import pathlib
import sys
import urllib.error
import urllib.parse
import urllib.request

URI = os.environ.get("WEIR_URI", "http://127.0.0.1:8181")
WAREHOUSE = os.environ.get("WEIR_WAREHOUSE", "default")


def call(method, path, body=None):
    headers = {"Content-Type": "application/json"}
    if token := os.environ.get("WEIR_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{URI}{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def change(prefix, namespace, name, schema):
    """The commit that would give the table the schema, or the creation of a table that is not there yet."""
    path = "%1F".join(urllib.parse.quote(level, safe="") for level in namespace)
    try:
        loaded = call("GET", f"/catalog/v1/{prefix}/namespaces/{path}/tables/{urllib.parse.quote(name, safe='')}")
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return {"namespace": namespace, "create": {"name": name, "schema": schema}}
    metadata = loaded["metadata"]
    return {
        "identifier": {"namespace": namespace, "name": name},
        "requirements": [{"type": "assert-table-uuid", "uuid": metadata["table-uuid"]}],
        "updates": [
            {"action": "add-schema", "schema": schema},
            {"action": "set-current-schema", "schema-id": -1},
        ],
    }


def main(table, file):
    *namespace, name = table.split(".")
    schema = json.loads(pathlib.Path(file).read_text())
    config = call("GET", f"/catalog/v1/config?warehouse={urllib.parse.quote(WAREHOUSE)}")
    prefix = config["overrides"]["prefix"]
    body = change(prefix, namespace, name, schema)
    # The REST prefix is the warehouse's id.
    answer = call("POST", f"/management/v1/warehouse/{prefix}/contracts/check", body)
    for violation in answer.get("violations", []):
        print(f"{violation['severity']}: {violation['rule']}: {violation['message']}")
    print(f"{table}: {answer['verdict']}")
    return 0 if answer["verdict"] == "passed" else 1


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except urllib.error.HTTPError as error:
        print(f"the catalog answers {error.code}: {error.read().decode()}", file=sys.stderr)
    except (OSError, KeyError, TypeError) as error:
        print(f"the catalog could not be asked: {error!r}", file=sys.stderr)
    sys.exit(2)
