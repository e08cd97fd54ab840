"""The captured feeds of ../shared, polled over HTTP: each gives the items that its publisher wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from services.smtp import SmtpInbox
from services.valkey import Valkey
from services.web import HttpSink
from stage import Stage
from test_steps import drain

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "feeds"
MANIFEST = SHARED / "manifest.jsonl"
WITHOUT_WORDS = {"155_v2_no_encoding_ISO-8859-1.xml": 1}
"""Entries that have neither a title nor a text nor a link: nothing to keep."""

pytestmark = pytest.mark.skipif(not MANIFEST.exists(), reason="../shared/feeds is not here")


@pytest.fixture
def real(
    sqlite_url: str, valkey: Valkey, http_sink: HttpSink, smtp_inbox: SmtpInbox, tmp_path: Path
) -> Iterator[tuple[Stage, list[dict[str, object]]]]:
    """A stage whose feeds are the captured ones, and their lines of the manifest."""
    told = [json.loads(line) for line in MANIFEST.read_text("utf-8").splitlines()]
    opened = Stage(
        folder=tmp_path / "stage",
        database_url=sqlite_url,
        valkey=valkey,
        web=http_sink,
        inbox=smtp_inbox,
        feeds=len(told),
    )
    for number, feed in enumerate(told):
        kind = "application/feed+json" if feed["file"].endswith(".json") else "application/xml"
        http_sink.serve(f"/feed/{number}", (SHARED / feed["file"]).read_bytes(), content_type=kind)
    yield opened, told
    opened.close()


def test_every_captured_feed_gives_its_entries_as_items(real: tuple[Stage, list[dict[str, object]]]) -> None:
    stage, told = real
    drain(stage, times=2)
    counted = "SELECT url, count(items.id) FROM feeds LEFT JOIN items ON items.feed_id = feeds.id GROUP BY url"
    with stage.runtime.database.read() as conn:
        found = {url.rpartition("/")[2]: count for url, count in conn.exec_driver_sql(counted)}
    wrong = {
        feed["file"]: (found[str(number)], feed["entries"])
        for number, feed in enumerate(told)
        if found[str(number)] != int(str(feed["entries"])) - WITHOUT_WORDS.get(str(feed["file"]), 0)
    }
    assert wrong == {}
