"""The list of events and the page of one, over a real server: filters, live rows, verdicts, and hostile words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from reading import at_desk, open_service
from row_factories import add_event

from watcher.runtime import Runtime


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    opened = open_service(database_url, tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def desk(rt: Runtime) -> Iterator[httpx.Client]:
    with at_desk(rt) as opened:
        yield opened


def test_the_list_shows_an_event_and_leads_to_its_page(rt: Runtime, desk: httpx.Client) -> None:
    add_event(rt.database)
    page = desk.get("/events")
    assert page.status_code == 200
    assert re.findall(r'<a href="(/events/\d+)"', page.text) == ["/events/1"]
    one = desk.get("/events/1")
    assert one.status_code == 200
    assert "Title of a" in one.text
