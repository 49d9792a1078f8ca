"""What a new catalog needs, once: it is taken over, gets a warehouse on S3, and the quickstart its rights there.

Only Python's own library is used. A second run finds everything in place and changes nothing.
"""

import json
import os
import pathlib
import urllib.error
import urllib.parse
import urllib.request

URI = os.environ["WEIR_URI"]
WAREHOUSE = os.environ.get("WEIR_WAREHOUSE", "lake")
WORKER = os.environ.get("WEIR_WORKER", "keycloak~quickstart")


def secret(name):
    return pathlib.Path(os.environ[name]).read_text().strip()


def call(method, path, body=None, accept=()):
    """The answer's JSON, or `None` where the status is one of `accept`."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{URI}{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or "{}")
    except urllib.error.HTTPError as error:
        said = error.read().decode()
        if error.code in accept:
            return None
        raise SystemExit(f"{method} {path}: {error.code} {said}") from error


def sign_in():
    form = {"grant_type": "client_credentials", "client_id": "setup", "client_secret": secret("WEIR_CLIENT_SECRET_FILE")}
    data = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(os.environ["WEIR_TOKEN_URI"], data, timeout=60) as answer:
        return json.load(answer)["access_token"]


token = sign_in()
if not call("GET", "/management/v1/info")["bootstrapped"]:
    call("POST", "/management/v1/bootstrap", {"accept-terms-of-use": True})

profile = {
    "type": "s3",
    "bucket": os.environ.get("S3_BUCKET", "lake"),
    "key-prefix": WAREHOUSE,
    "endpoint": os.environ["S3_ENDPOINT"],
    "region": os.environ.get("S3_REGION", "us-east-1"),
    "path-style-access": True,
    "flavor": "s3-compat",
    # Clients get short-lived keys for the table that they load, nothing else.
    "sts-enabled": True,
}
credential = {
    "type": "s3",
    "credential-type": "access-key",
    "access-key-id": os.environ.get("S3_USER", "weir"),
    "secret-access-key": secret("S3_PASSWORD_FILE"),
}
warehouse = {"warehouse-name": WAREHOUSE, "storage-profile": profile, "storage-credential": credential}
known = {each["name"]: each["id"] for each in call("GET", "/management/v1/warehouse")["warehouses"]}
if WAREHOUSE not in known:
    known[WAREHOUSE] = call("POST", "/management/v1/warehouse", warehouse)["warehouse-id"]

assignments = f"/management/v1/permissions/warehouse/{known[WAREHOUSE]}/assignments"
held = {each["type"] for each in call("GET", assignments)["assignments"] if each.get("user") == WORKER}
wanted = [{"type": right, "user": WORKER} for right in ("create", "modify", "select") if right not in held]
if wanted:
    call("POST", assignments, {"writes": wanted, "deletes": []})
print(f"warehouse {WAREHOUSE} is ready for {WORKER}")
