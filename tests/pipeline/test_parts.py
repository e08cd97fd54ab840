"""A digest too large for one Slack message: several deliveries, of which a retry repeats none that was taken."""

from __future__ import annotations

import json
import re

import pytest
from stage import SECRET, Stage

from watcher import pipeline
from watcher.pipeline import STEPS
from watcher.store import deliveries

EVENTS = 26


@pytest.fixture
def chat(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The stage with one subscription, a daily digest for Slack."""
    monkeypatch.setenv("LINE_TEST_SECRET", SECRET)
    monkeypatch.setenv("LINE_TEST_SLACK", stage.web.url("/slack"))
    path = stage.folder / "watcher.yml"
    head = path.read_text("utf-8").split("subscriptions:")[0]
    path.write_text(head + "subscriptions:\n  daily: {channels: [team], when: daily 08:00}\nops: [me]\n", "utf-8")
    return stage


def drain(stage: Stage) -> None:
    for _ in range(2):
        pipeline.apply_config(stage.runtime)
    for _ in range(12):
        for step, ids in pipeline.due(stage.runtime).items():
            STEPS[step](stage.runtime, ids)


def test_a_retry_sends_only_the_part_that_was_not_taken(chat: Stage) -> None:
    chat.publish(0, list(range(1, EVENTS + 1)))
    drain(chat)
    chat.web.answer("/slack", times=1)
    chat.web.answer("/slack", status=503, times=1)
    chat.web.answer("/slack")
    chat.send_digest()
    drain(chat)
    with chat.runtime.database.read() as conn:
        rows = deliveries.listing(conn, limit=20, channel="team")
    deadline = 20
    while any(row["state"] != "sent" for row in rows) and deadline:
        deadline -= 1
        chat.runtime.sleep(0.3)
        drain(chat)
        with chat.runtime.database.read() as conn:
            rows = deliveries.listing(conn, limit=20, channel="team")
    posts = [json.loads(one.body) for one in chat.web.got("/slack")]
    assert len({row["key"] for row in rows}) == len(rows) > 1
    assert len(posts) == len(rows) + 1
    refused, again = posts[1], [one for number, one in enumerate(posts) if number != 1]
    assert again.count(refused) == 1
    told = re.findall(r"Acme (\d+) funded\|?", " ".join(_headlines(one) for one in again))
    assert sorted(map(int, told)) == list(range(1, EVENTS + 1))
    titles = sorted(one["blocks"][0]["text"]["text"] for one in again)
    assert titles == [f"daily ({number}/{len(rows)})" for number in range(1, len(rows) + 1)]


def _headlines(post: dict[str, list[dict[str, dict[str, str]]]]) -> str:
    texts = (block["text"]["text"] for block in post["blocks"] if block["type"] == "section")
    return " ".join(text.split("\n")[0] for text in texts)
