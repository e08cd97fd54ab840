"""Golden pairs: each feed in cases/ with the items that come of it. A new bug report is a new pair of files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from watcher import wire
from watcher.parse.feed import parse

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.suffix != ".json")
NOW = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_feed_gives_its_golden_items(case: Path) -> None:
    parsed = wire.dump(parse(case.read_bytes(), None, "https://feeds.example/dir/feed.xml", now=NOW))
    for item in parsed["items"]:
        assert len(item.pop("content_hash")) == 64
    assert parsed == json.loads(case.with_suffix(".json").read_text())
