"""The whole line on real parts: what the feeds bring reaches every channel once, whatever is killed on the way."""

from __future__ import annotations

import json
import os
import time

import pytest
from stage import SECRET, Stage
from standardwebhooks import Webhook

from watcher.pipeline import Step

ELSEWHERE = {Step.PUSHES, Step.HUBS, Step.PAGES}
"""This stage has no hubs and no pages of articles; what a kill there does is tested where they are."""
POINTS = [
    *(
        f"{step}:{point}"
        for step in Step
        if step is not Step.DELIVERIES and step not in ELSEWHERE
        for point in ("claimed", "committing", "committed")
    ),
    "deliveries:sending",
    "deliveries:sent",
]
ROUNDS = int(os.environ.get("LINE_TEST_ROUNDS", "10"))
"""Kills on each of the two databases; together they reach every point of every step."""
PER_ROUND = 20


def _point(number: int, *, on_sqlite: bool) -> str:
    """Where round `number` kills: SQLite goes through the points from the first, PostgreSQL from the last."""
    points = POINTS if on_sqlite else POINTS[::-1]
    return points[number % len(points)]


def _titles(numbers: range) -> set[str]:
    return {f"Acme {number} funded" for number in numbers}


def test_what_the_feeds_bring_arrives_once_at_every_channel(stage: Stage) -> None:
    for feed in range(4):
        stage.publish(feed, range(feed * 3, feed * 3 + 3))
    stage.worker()
    stage.beat()
    stage.wait(lambda: len(stage.hooked()) == 12, what="12 events at the webhook")
    stage.wait(lambda: len(stage.web.got("/slack")) == 12, what="12 messages at Slack")
    stage.poll()
    stage.wait(lambda: all(stage.web.count(f"/feed/{n}", 304) == 1 for n in range(4)), what="four 304s")
    stage.send_digest()
    stage.wait(lambda: len(stage.inbox.mails) == 1 and stage.quiet(), what="the digest")
    assert stage.hooked() == dict.fromkeys(_titles(range(12)), 1)
    assert len(stage.web.got("/slack")) == 12
    text = stage.inbox.mails[0].message.get_body(("plain",)).get_content()
    assert all(title in text for title in _titles(range(12)))
    request = stage.web.got("/hook")[0]
    Webhook(SECRET).verify(request.body, {name: request.headers[name] for name in request.headers})
    assert json.loads(request.body)["type"] == "event.created"


@pytest.mark.timeout(60 * ROUNDS)
def test_no_kill_loses_an_item_and_only_one_after_the_send_repeats_it(stage: Stage) -> None:
    stage.beat()
    for number in range(ROUNDS):
        point = _point(number, on_sqlite="sqlite" in stage.database_url)
        doomed = stage.worker(point=point, mark=stage.folder / f"killed-{number}")
        for feed in range(4):
            stage.publish(feed, range(feed, (number + 1) * PER_ROUND, 4))
        stage.poll()
        stage.wait(lambda doomed=doomed: doomed.poll() is not None, what=f"the kill of round {number} at {point}")
        if number == 4:
            with stage.valkey.client() as client:
                client.flushall()
        stage.let_leases_end()
    time.sleep(1)  # a claim that its dead worker had just committed may reach PostgreSQL after the kill
    stage.let_leases_end()
    stage.worker()
    stage.poll()
    stage.wait(lambda: len(stage.hooked()) == ROUNDS * PER_ROUND, what="every event", within_s=200)
    stage.wait(lambda: len(set(stage.bodies("/slack"))) == ROUNDS * PER_ROUND, what="every message", within_s=200)
    stage.wait(stage.quiet, what="an empty outbox", within_s=200)
    total = ROUNDS * PER_ROUND
    sends = stage.hooked()
    assert set(sends) == _titles(range(total))
    assert all(len(ids) == 1 for ids in stage.hook_ids().values()), "a repeat came under another webhook-id"
    cut_short = stage.unanswered()
    for path in ("/hook", "/slack"):
        repeated = {body for body, times in stage.bodies(path).items() if times > 1}
        assert repeated <= cut_short, "a message was repeated that no kill had caught between its send and its mark"
    repeats = len(stage.web.got("/hook")) + len(stage.web.got("/slack")) - 2 * total
    print(f"{total} events over {ROUNDS} kills and a FLUSHALL: 0 lost, {repeats} repeated")
    counts = stage.counts()
    assert (counts["items"], counts["events"], counts["alerts"]) == (total, total, 3 * total)


def test_a_mail_whose_sender_died_comes_again_with_the_same_bytes(stage: Stage) -> None:
    stage.publish(0, [1])
    stage.beat()
    first = stage.worker()
    stage.wait(lambda: len(stage.hooked()) == 1 and stage.quiet(), what="the event")
    first.kill()
    first.wait(10)
    doomed = stage.worker(point="deliveries:sent", mark=stage.folder / "killed")
    stage.send_digest()
    stage.wait(lambda: doomed.poll() is not None, what="the kill")
    time.sleep(1)
    stage.let_leases_end()
    stage.worker()
    stage.wait(lambda: len(stage.inbox.mails) == 2 and stage.quiet(), what="the second copy")
    one, two = stage.inbox.mails
    assert one.message["Message-ID"] == two.message["Message-ID"]
    assert _sent(one.body) == _sent(two.body)


def _sent(body: bytes) -> bytes:
    """A mail without the lines that the receiving server puts on top."""
    return body[body.index(b"MIME-Version") :]
