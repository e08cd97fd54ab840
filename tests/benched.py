"""A service for tests of the rules' pages: rules in a folder, real news as stored items."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from row_factories import add_feed, draft

from watcher import pipeline, runtime
from watcher.pipeline.links import links
from watcher.runtime import Runtime
from watcher.settings import Settings
from watcher.store import items

HERE = Path(__file__).resolve().parent
SHIPPED = HERE.parent / "rules"
_numbers = count(1)


def open_bench(url: str, folder: Path, *, rules: Path = SHIPPED, **settings: Any) -> Runtime:
    """A runtime over a folder of rules, the shipped ones by default."""
    rt = runtime.open(Settings(database_url=url, data_dir=folder, rules_dir=rules, **settings))
    links(rt)
    return rt


def news(*names: str, most: int = 1000) -> Iterator[dict[str, Any]]:
    """Labelled news of tests/news, as `learned/money_en`."""
    found = 0
    for name in names:
        for line in (HERE / "news" / f"{name}.jsonl").read_text("utf-8").splitlines():
            if found == most:
                return
            found += 1
            yield json.loads(line)


def stored(rt: Runtime, lines: Iterable[dict[str, Any]]) -> list[int]:
    """Store news as items of one feed; their ids, in that order. Nothing is classified yet."""
    feed_id = add_feed(rt.database, f"https://news.example/{next(_numbers)}", title="Biotech wire")
    drafts = [
        draft(f"{one['id']}-{next(_numbers)}", title=one["title"] or "", text=one["text"] or "", language=one["lang"])
        for one in lines
    ]
    with rt.database.write() as conn:
        return items.insert_new(conn, feed_id, drafts, history=lambda _: False, now=rt.clock())


def classified(rt: Runtime, ids: Sequence[int]) -> None:
    """Run the rules on the items, as a worker does."""
    for start in range(0, len(ids), 50):
        pipeline.classify_items(rt, ids[start : start + 50])
