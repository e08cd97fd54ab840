"""Pages are tried on SQLite; what they ask of the rows is tried on both databases beside the store and the line.

`TESTS_WHOLE` tries every page on PostgreSQL too (`make drills`).
"""

from __future__ import annotations

import os

import pytest

BOTH = ["sqlite", "postgresql"]


@pytest.fixture(params=BOTH if "TESTS_WHOLE" in os.environ else BOTH[:1])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a new, migrated database."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_migrated_url"
    url: str = request.getfixturevalue(name)
    return url
