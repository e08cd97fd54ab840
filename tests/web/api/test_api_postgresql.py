"""The reads and the changes once more where PostgreSQL keeps the rows: its types and its locks are its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import OF_ONE, Service, asked

from watcher.web import api


@pytest.fixture
def desk(postgres_migrated_url: str, tmp_path: Path) -> Iterator[Service]:
    with asked(postgres_migrated_url, tmp_path) as opened:
        yield opened


def test_postgresql_answers_as_sqlite_does(desk: Service) -> None:
    lists = [one.path for one in api.OPERATIONS if one.method == "GET" and not one.in_path]
    searched = "/items?text=%25ACME&since=2020-01-01T00:00:00Z", "/events?text=重庆&at_least_usd=1&place=Chongqing"
    answers = {path: desk.ask("GET", path).status_code for path in (*lists, *OF_ONE, *searched)}
    assert set(answers.values()) == {200}, answers
    body = {"channels": ["hook"], "at_least": "10M USD"}
    assert [desk.ask("PUT", "/subscriptions/new", json=body).status_code for _ in range(2)] == [201, 200]
    assert desk.ask("POST", "/subscriptions/new/mutes", json={"kind": "story", "value": "1"}).status_code == 201
    assert desk.ask("POST", "/feeds", json={"url": "https://new.example/"}).status_code == 201
    assert desk.ask("POST", "/deliveries/1/retry").status_code == 200
    assert desk.ask("PUT", "/events/1/verdict", json={"verdict": "useful"}).status_code == 200
    assert [one["action"] for one in desk.get("/audit", limit=5)["items"]] == [
        "events.judge",
        "deliveries.retry",
        "feeds.add",
        "subscriptions.mute",
        "subscriptions.put",
    ]
