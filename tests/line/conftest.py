"""The stage of the line tests, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from services.smtp import SmtpInbox
from services.valkey import Valkey
from services.web import HttpSink
from stage import Stage


@pytest.fixture
def stage(
    database_url: str, valkey: Valkey, http_sink: HttpSink, smtp_inbox: SmtpInbox, tmp_path: Path
) -> Iterator[Stage]:
    """A service on a new database, its processes not started."""
    opened = Stage(folder=tmp_path / "stage", database_url=database_url, valkey=valkey, web=http_sink, inbox=smtp_inbox)
    yield opened
    opened.close()
