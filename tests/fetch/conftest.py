"""The line's first step under a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from polled import Polled
from services.web import HttpSink

from watcher.sandbox import Sandbox


@pytest.fixture(scope="package")
def parser_child() -> Iterator[Sandbox]:
    """The child in which documents are parsed."""
    with Sandbox() as child:
        yield child


@pytest.fixture
def polled(sqlite_url: str, http_sink: HttpSink, tmp_path: Path, parser_child: Sandbox) -> Iterator[Polled]:
    """A process with no feeds yet; its clock stands at a Wednesday noon."""
    opened = Polled(database_url=sqlite_url, folder=tmp_path, web=http_sink, sandbox=parser_child)
    yield opened
    opened.close()
