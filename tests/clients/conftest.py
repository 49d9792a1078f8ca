"""What the client stories share: where the catalog is, a namespace of one's own."""

import os
import uuid

import pytest


@pytest.fixture(scope="session")
def uri():
    return os.environ["WEIR_URI"]


@pytest.fixture(scope="session")
def prefix():
    return os.environ["WEIR_PREFIX"]


@pytest.fixture
def ns():
    return f"ns_{uuid.uuid4().hex[:8]}"
