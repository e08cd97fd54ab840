"""The steps of the line in one process, on real servers: what they do when something on the way is wrong."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from stage import SECRET, Stage, rss

from watcher import pipeline
from watcher.deliver.webhook import WebhookChannel
from watcher.errors import SandboxFailed, TryAgain
from watcher.model import NewsText
from watcher.pipeline import STEPS, alert, classify
from watcher.store import digests, events, feeds, items
from watcher.story.snippets import snippets


@pytest.fixture(autouse=True)
def _secrets(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINE_TEST_SECRET", SECRET)
    monkeypatch.setenv("LINE_TEST_SLACK", stage.web.url("/slack"))


def drain(stage: Stage, *, times: int = 8) -> None:
    """Do every step for whatever waits, until nothing does or so many times."""
    for _ in range(2):  # a changed file is taken at the second look
        pipeline.apply_config(stage.runtime)
    for _ in range(times):
        waiting = pipeline.due(stage.runtime)
        if not waiting:
            return
        for step, ids in waiting.items():
            STEPS[step](stage.runtime, ids)


def told_to_ops(stage: Stage) -> list[str]:
    """Subjects of the service's own notices, oldest first."""
    with stage.runtime.database.read() as conn:
        rows = conn.exec_driver_sql("SELECT notice FROM digests WHERE notice IS NOT NULL ORDER BY id").scalars()
        return [(json.loads(row) if isinstance(row, str) else row)["subject"] for row in rows]


def digest_texts(stage: Stage) -> list[str]:
    """The texts of the digests that came by mail, without the service's own notices."""
    notices = set(told_to_ops(stage))
    mails = [mail.message for mail in stage.inbox.mails if not any(one in mail.message["Subject"] for one in notices)]
    return [mail.get_body(("plain",)).get_content() for mail in mails]


def feed_row(stage: Stage, number: int = 0) -> dict[str, Any]:
    with stage.runtime.database.read() as conn:
        return next(row for row in feeds.listing(conn) if row["url"].endswith(f"/feed/{number}"))


# ── feeds ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unchanged_feed_is_asked_with_its_validators_and_gives_nothing(stage: Stage) -> None:
    stage.publish(0, [1, 2])
    drain(stage)
    stage.poll()
    drain(stage)
    first, second = stage.web.got("/feed/0")
    assert first.headers["If-None-Match"] is None
    assert second.headers["If-None-Match"].startswith('"')
    assert second.headers["If-Modified-Since"] == "Sun, 01 Nov 2026 08:00:00 GMT"
    assert stage.counts()["items"] == 2
    assert feed_row(stage)["last_outcome"] == "not_modified"


def test_a_feed_that_is_gone_is_polled_no_more_and_ops_hear_of_it_once(stage: Stage) -> None:
    stage.web.answer("/feed/0", status=410, body=b"gone")
    drain(stage)
    stage.poll()
    drain(stage)
    assert len(stage.web.got("/feed/0")) == 1
    assert feed_row(stage)["disabled_reason"]
    assert [subject for subject in told_to_ops(stage) if "gone" in subject] == [f"{stage.web.url('/feed/0')} is gone"]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"status": 500, "body": b"no"}, "server_error"),
        ({"status": 404, "body": b"no"}, "not_found"),
        ({"body": b"<html><body>Please log in</body></html>"}, "not_a_feed"),
        ({"body": b""}, "empty_body"),
        ({"hang_up": True}, "connection"),
    ],
    ids=["500", "404", "a page", "nothing", "hang-up"],
)
def test_a_failed_poll_keeps_items_and_validators_and_says_why(
    stage: Stage, answer: dict[str, Any], outcome: str
) -> None:
    stage.publish(0, [1])
    drain(stage)
    stage.web.answer("/feed/0", **answer, times=1)
    stage.poll()
    drain(stage)
    row = feed_row(stage)
    assert (row["last_outcome"], row["error_count"]) == (outcome, 1)
    assert row["last_error"]
    stage.poll()
    drain(stage)
    assert feed_row(stage)["last_outcome"] == "not_modified"
    assert feed_row(stage)["error_count"] == 0
    assert stage.counts()["items"] == 1


def test_a_feed_that_breaks_off_gives_what_it_held_and_is_fetched_whole_again(stage: Stage) -> None:
    whole = rss([1, 2, 3])
    stage.web.serve("/feed/0", whole[: whole.index(b"Acme 3")], etag='"cut"')
    drain(stage)
    assert stage.counts()["items"] == 2
    stage.web.serve("/feed/0", whole, etag='"cut"')
    stage.poll()
    drain(stage)
    assert stage.counts()["items"] == 3


def test_one_bad_feed_does_not_stop_the_others(stage: Stage) -> None:
    stage.web.answer("/feed/0", hang_up=True)
    stage.publish(1, [1])
    drain(stage)
    assert list(stage.hooked()) == ["Acme 1 funded"]


def test_the_first_fetch_of_a_feed_is_history_unless_it_says_otherwise(stage: Stage) -> None:
    config = stage.folder / "watcher.yml"
    config.write_text(config.read_text("utf-8").replace("alert_history: all", "alert_history: none"), "utf-8")
    stage.publish(0, [1, 2])
    drain(stage)
    assert (stage.counts()["events"], stage.counts()["alerts"]) == (2, 0)
    stage.publish(0, [1, 2, 3])
    stage.poll()
    drain(stage)
    assert list(stage.hooked()) == ["Acme 3 funded"]


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_refused_watcher_yml_changes_nothing_and_ops_hear_its_mistakes_once(stage: Stage) -> None:
    drain(stage)
    config = stage.folder / "watcher.yml"
    good = config.read_text("utf-8")
    for spoiled in ("fedes: []\n", "fedes:   []\n"):
        config.write_text(good + spoiled, "utf-8")
        drain(stage)
    assert len(stage.web.got("/feed/0")) == 1
    assert told_to_ops(stage) == ["watcher.yml was refused"]
    body = stage.inbox.mails[0].message.get_body(("plain",)).get_content()
    assert "fedes" in body
    assert f"watcher.yml:{good.count(chr(10)) + 1}" in body.replace("\n", "")
    with stage.runtime.database.read() as conn:
        assert len(feeds.listing(conn)) == 4


def test_refused_rules_leave_the_last_good_ones_in_force(stage: Stage, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(stage.runtime.rules.folder, rules)
    stage.runtime.rules.folder = rules
    drain(stage)
    pipeline.check_rules(stage.runtime)
    (rules / "bad.yml").write_text("id: bad\n", "utf-8")
    stage.runtime.rules._looked_at = 0.0
    pipeline.check_rules(stage.runtime)
    pipeline.check_rules(stage.runtime)
    stage.publish(0, [1])
    stage.poll()
    drain(stage)
    assert list(stage.hooked()) == ["Acme 1 funded"]
    assert told_to_ops(stage) == ["The rule files were refused"]


def test_without_any_good_rules_the_items_wait(stage: Stage, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "bad.yml").write_text("id: bad\n", "utf-8")
    good, stage.runtime.rules.folder = stage.runtime.rules.folder, rules
    stage.publish(0, [1])
    drain(stage, times=3)
    pipeline.check_rules(stage.runtime)
    assert stage.counts()["events"] == 0
    assert told_to_ops(stage) == ["The rule files were refused"]
    stage.runtime.rules.folder = good
    stage.runtime.rules._looked_at = 0.0
    drain(stage)
    assert list(stage.hooked()) == ["Acme 1 funded"]


# ── poison ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Allergic:
    """An engine that fails on one title: the fault that these tests inject."""

    def __init__(self, engine: Any, title: str) -> None:
        self._engine, self._title = engine, title
        self.version, self.rule_set = engine.version, engine.rule_set

    def matches(self, news: NewsText) -> Any:
        if news.title == self._title:
            raise ValueError("not this one")
        return self._engine.matches(news)


def test_an_item_that_breaks_the_rules_is_parked_with_its_reason_and_the_others_go_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = _Allergic(stage.runtime.rules.engine(), "Acme 2 funded")
    monkeypatch.setattr(stage.runtime.rules, "engine", lambda: engine)
    stage.publish(0, [1, 2, 3])
    for _ in range(stage.runtime.settings.park_after):
        drain(stage)
        with stage.runtime.database.write() as conn:
            conn.exec_driver_sql("UPDATE items SET next_classify_at = first_seen_at")
    assert set(stage.hooked()) == {"Acme 1 funded", "Acme 3 funded"}
    assert told_to_ops(stage) == ["An item was parked"]
    with stage.runtime.database.write() as conn:
        reason = conn.exec_driver_sql("SELECT parked_reason FROM items WHERE parked_reason IS NOT NULL").scalar_one()
        assert reason == "ValueError: not this one"
        items.wake_parked(conn, now=stage.runtime.clock())
    monkeypatch.undo()
    monkeypatch.setenv("LINE_TEST_SECRET", SECRET)
    monkeypatch.setenv("LINE_TEST_SLACK", stage.web.url("/slack"))
    drain(stage)
    assert len(stage.hooked()) == 3


def test_an_event_that_cannot_be_written_is_left_out_of_its_digest_and_named(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.publish(0, [1, 2, 3])
    drain(stage)
    call = stage.runtime.sandbox.call

    def fail_on_two(target: str, payload: Any, *, timeout_s: float) -> Any:
        if target.startswith("watcher.digest") and "Acme 2 funded" in json.dumps(payload["whole"]["entries"]):
            raise SandboxFailed("too much")
        return call(target, payload, timeout_s=timeout_s)

    monkeypatch.setattr(type(stage.runtime.sandbox), "call", lambda _self, *args, **more: fail_on_two(*args, **more))
    stage.send_digest()
    drain(stage)
    (text,) = digest_texts(stage)
    assert "Acme 1 funded" in text
    assert "Acme 3 funded" in text
    assert "Acme 2 funded" not in text
    assert "could not be written" in text
    assert told_to_ops(stage) == ["An event could not be written"]


class _Died(BaseException):
    """As if the process had been killed: no handler sees it."""


def test_an_item_that_kills_its_worker_is_parked_and_takes_no_other_with_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = stage.runtime.rules.engine()
    deaths: list[str] = []

    class _Deadly(_Allergic):
        def matches(self, news: NewsText) -> Any:
            if news.title == self._title:
                deaths.append(news.title)
                raise _Died
            return self._engine.matches(news)

    monkeypatch.setattr(stage.runtime.rules, "engine", lambda: _Deadly(engine, "Acme 1 funded"))
    stage.publish(0, [1, 2, 3])
    for _ in range(20):
        with contextlib.suppress(_Died):
            drain(stage)
        stage.let_leases_end()
    assert set(stage.hooked()) == {"Acme 2 funded", "Acme 3 funded"}
    assert len(deaths) == stage.runtime.settings.park_after
    assert told_to_ops(stage) == ["An item was parked"]


def test_an_item_that_cannot_be_stored_does_not_stop_its_batch(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_on_two(evidence: Any, *, title: str, text: str) -> Any:
        if title == "Acme 2 funded":
            raise ZeroDivisionError("a bug")
        return snippets(evidence, title=title, text=text)

    monkeypatch.setattr(classify, "snippets", fail_on_two)
    stage.publish(0, [1, 2, 3])
    drain(stage)
    assert set(stage.hooked()) == {"Acme 1 funded", "Acme 3 funded"}


def test_an_event_that_cannot_be_offered_does_not_stop_the_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = alert.choose

    def fail_on_two(event: Any, *args: Any, **more: Any) -> Any:
        if event.title == "Acme 2 funded":
            raise ZeroDivisionError("a bug")
        return choose(event, *args, **more)

    monkeypatch.setattr(alert, "choose", fail_on_two)
    stage.publish(0, [1, 2, 3])
    for _ in range(stage.runtime.settings.park_after + 1):
        drain(stage)
        stage.let_leases_end()
    assert set(stage.hooked()) == {"Acme 1 funded", "Acme 3 funded"}
    assert told_to_ops(stage) == ["An event was parked"]
    monkeypatch.setattr(alert, "choose", choose)
    with stage.runtime.database.write() as conn:
        assert events.wake_parked(conn) == 1
    drain(stage)
    assert len(stage.hooked()) == 3


def test_trouble_of_the_machine_puts_a_digest_off_whole(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.publish(0, [1, 2])
    drain(stage)

    def no_disk(_self: Any, *_args: Any, **_more: Any) -> Any:
        raise OSError("no space left")

    with monkeypatch.context() as broken:
        broken.setattr(type(stage.runtime.sandbox), "call", no_disk)
        stage.send_digest()
        drain(stage)
    assert digest_texts(stage) == []
    stage.let_leases_end()
    drain(stage)
    (text,) = digest_texts(stage)
    assert "Acme 1 funded" in text
    assert "Acme 2 funded" in text
    assert "could not be written" not in text


def test_a_channel_that_cannot_be_written_to_does_not_stop_the_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = stage.folder / "watcher.yml"
    config.write_text(config.read_text("utf-8").replace("channels: [hook]", "channels: [hook, team]"), "utf-8")

    def refuse(*_args: Any, **_more: Any) -> Any:
        raise ValueError("cannot be used")

    monkeypatch.setattr(WebhookChannel, "compose", refuse)
    stage.publish(0, [1])
    drain(stage)
    assert len(stage.web.got("/slack")) == 2
    assert told_to_ops(stage) == ["Channel hook cannot be used"]


# ── windows ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_digest_sent_early_leaves_its_window_to_what_comes_until_the_hour(stage: Stage) -> None:
    stage.publish(0, [1])
    drain(stage)
    stage.send_digest()
    drain(stage)
    stage.publish(0, [1, 2])
    stage.poll()
    drain(stage)
    with stage.runtime.database.read() as conn:
        rows = [row for row in digests.listing(conn, limit=50) if row["subscription_id"] == "daily"]
    early, regular = reversed(rows)
    assert [(row["alerts"], row["closed_at"] is not None) for row in (early, regular)] == [(1, True), (1, False)]
    assert early["window"].startswith(f"{regular['window']} early ")


def test_the_copies_of_one_page_in_two_feeds_are_one_event_with_one_source_line(stage: Stage) -> None:
    stage.publish(0, [7])
    stage.publish(1, [7])
    drain(stage)
    assert stage.hooked() == {"Acme 7 funded": 1}
    with stage.runtime.database.read() as conn:
        (event,) = events.recent(conn, limit=5)
    assert len(event.sources) == 1
    assert stage.counts()["items"] == 2


def test_a_threshold_without_an_exchange_rate_refuses_the_file_and_says_so(stage: Stage) -> None:
    drain(stage)
    config = stage.folder / "watcher.yml"
    config.write_text(config.read_text("utf-8").replace("daily: {", "daily: {at_least: 5M KPW, "), "utf-8")
    drain(stage)
    assert told_to_ops(stage) == ["watcher.yml was refused"]
    assert "5M KPW" in stage.inbox.mails[0].message.get_body(("plain",)).get_content()


def test_a_database_that_was_away_takes_the_file_at_the_next_sweep(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: Any, **_more: Any) -> Any:
        raise TryAgain("away")

    with monkeypatch.context() as broken:
        broken.setattr(feeds, "sync_file", away)
        with pytest.raises(TryAgain):
            pipeline.apply_config(stage.runtime)
    assert pipeline.apply_config(stage.runtime) is not None


def test_a_watcher_yml_that_is_being_written_is_taken_when_it_stands_still(stage: Stage) -> None:
    drain(stage)
    config = stage.folder / "watcher.yml"
    whole = config.read_text("utf-8")
    config.write_text(whole[: whole.index("subscriptions:")], "utf-8")
    assert pipeline.apply_config(stage.runtime) is None
    config.write_text(whole + "\n", "utf-8")
    assert pipeline.apply_config(stage.runtime) is None
    applied = pipeline.apply_config(stage.runtime)
    assert applied is not None
    assert (applied.added, applied.changed, applied.retired) == ((), (), ())


def test_a_feed_whose_first_fetch_breaks_off_alerts_from_the_second_on(stage: Stage) -> None:
    config = stage.folder / "watcher.yml"
    config.write_text(config.read_text("utf-8").replace("alert_history: all", "alert_history: none"), "utf-8")
    cut = rss([1, 2])
    stage.web.serve("/feed/0", cut[: cut.index(b"Acme 2")], etag=None)
    drain(stage)
    assert feed_row(stage)["last_outcome"] == "truncated"
    stage.publish(0, [1, 3])
    stage.poll()
    drain(stage)
    assert list(stage.hooked()) == ["Acme 3 funded"]


def test_a_feed_that_fails_five_times_in_a_row_is_told_to_ops_once(stage: Stage) -> None:
    stage.web.answer("/feed/0", status=500, body=b"no")
    for _ in range(7):
        drain(stage)
        stage.poll()
    assert [subject for subject in told_to_ops(stage) if "cannot be read" in subject] == [
        f"{stage.web.url('/feed/0')} cannot be read"
    ]


def test_mails_link_to_the_public_page_of_watcher_yml(stage: Stage) -> None:
    config = stage.folder / "watcher.yml"
    config.write_text(config.read_text("utf-8") + "public_url: https://watcher.example.org\n", "utf-8")
    stage.publish(0, [1])
    drain(stage)
    stage.send_digest()
    drain(stage)
    assert "https://watcher.example.org" in digest_texts(stage)[0]
