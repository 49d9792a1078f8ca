"""Commits again what a failover of the database lost of a table: the snapshots of a metadata file that the catalog forgot.

    WEIR_URI=http://localhost:8181 WEIR_WAREHOUSE=lake WEIR_TOKEN=… python recommit.py 00042-….metadata.json sales orders

The file lies where the event `weir.change.lost` says; one in a bucket is copied here first. Nothing is committed where somebody has
gone on with the table meanwhile: then the work that was lost has to be done anew. Only snapshots come back, not properties, not schemas.
"""

import json
import os
import sys
import urllib.error
import urllib.request


def ask(path, body=None):
    request = urllib.request.Request(os.environ["WEIR_URI"].rstrip("/") + "/catalog/v1/" + path)
    if token := os.environ.get("WEIR_TOKEN"):
        request.add_header("Authorization", f"Bearer {token}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{path}: {error.code} {error.read().decode()}")


def head_of(metadata):
    return metadata.get("current-snapshot-id") or -1


def recommit(lost, table):
    now = ask(table)["metadata"]
    if now["table-uuid"] != lost["table-uuid"]:
        sys.exit("the file is another table's")
    head = head_of(now)
    by_id = {snapshot["snapshot-id"]: snapshot for snapshot in lost.get("snapshots", [])}
    missing, at = [], head_of(lost)
    while at != head:
        if at not in by_id:
            sys.exit("the table has gone on from another snapshot: do the work anew that was lost")
        missing.append(by_id[at])
        at = by_id[at].get("parent-snapshot-id", -1)
    if not missing:
        return 0
    updates = [{"action": "add-snapshot", "snapshot": snapshot} for snapshot in reversed(missing)]
    main = {"action": "set-snapshot-ref", "ref-name": "main", "type": "branch", "snapshot-id": missing[0]["snapshot-id"]}
    requirements = [
        {"type": "assert-table-uuid", "uuid": lost["table-uuid"]},
        {"type": "assert-ref-snapshot-id", "ref": "main", "snapshot-id": None if head == -1 else head},
    ]
    ask(table, {"requirements": requirements, "updates": [*updates, main]})
    return len(missing)


file, namespace, name = sys.argv[1:]
with open(file, encoding="utf-8") as text:
    lost = json.load(text)
config = ask("config?warehouse=" + urllib.request.quote(os.environ["WEIR_WAREHOUSE"]))
prefix = {**config["defaults"], **config["overrides"]}["prefix"]
levels = urllib.request.quote(namespace.replace(".", "\x1f"), safe="")
count = recommit(lost, f"{prefix}/namespaces/{levels}/tables/{urllib.request.quote(name, safe='')}")
print(f"committed {count} snapshots again")
