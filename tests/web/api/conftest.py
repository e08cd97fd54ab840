"""The filled and served service, one for a module: its rows are made once, and tests add to them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import Service, asked


@pytest.fixture(scope="module")
def service(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The API over a new SQLite file."""
    folder = tmp_path_factory.mktemp("api")
    url = f"sqlite:///{shutil.copy(sqlite_template, folder / 'watcher.db')}"
    with asked(url, folder) as opened:
        yield opened
