"""PyIceberg against a catalog that lets nobody in without a token: client credentials, as its users configure them."""

import os

import pyarrow as pa
import pytest
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import OAuthError, UnauthorizedError

ROWS = pa.table({"id": pa.array([1, 2, 3], pa.int64())})


def sign_in(uri, credential):
    properties = {"oauth2-server-uri": os.environ["WEIR_TOKEN_URI"]}
    if "WEIR_SCOPE" in os.environ:
        properties["scope"] = os.environ["WEIR_SCOPE"]
    if credential:
        properties["credential"] = credential
    return load_catalog("weir", type="rest", uri=f"{uri}/catalog", warehouse="default", **properties)


def test_rows_are_written_and_read_with_a_token(uri, ns):
    catalog = sign_in(uri, os.environ["WEIR_CREDENTIAL"])
    catalog.create_namespace(ns)

    table = catalog.create_table(f"{ns}.numbers", schema=ROWS.schema)
    table.append(ROWS)

    assert catalog.load_table(f"{ns}.numbers").scan().to_arrow()["id"].to_pylist() == [1, 2, 3]


def test_nobody_comes_in_without_credentials(uri):
    with pytest.raises(UnauthorizedError):
        sign_in(uri, None)


def test_a_wrong_secret_gets_no_token(uri):
    with pytest.raises((OAuthError, UnauthorizedError)):
        sign_in(uri, os.environ["WEIR_CREDENTIAL"].split(":")[0] + ":wrong")
