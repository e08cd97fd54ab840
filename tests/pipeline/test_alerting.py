"""Events told to subscriptions by the real steps under a clock that the test moves: what is said when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from polled import VirtualClock
from row_factories import subscription
from told import Line, open_runtime, titles

from watcher import pipeline
from watcher.digest.choose import choose
from watcher.model import (
    Budget,
    EmptyDay,
    Mute,
    MuteKind,
    Origin,
    QuietHours,
    RuleParams,
    Schedule,
    SubscriptionConfig,
    When,
)
from watcher.pipeline import Step
from watcher.store import events, mutes, subscriptions

NIGHT = QuietHours(begins=time(22), ends=time(7))
TWO_AN_HOUR = Budget(messages=2, per_s=3600)
MONDAY_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def immediate(zone: str = "UTC", **changes: object) -> SubscriptionConfig:
    return subscription("now", schedule=Schedule(when=When.IMMEDIATE, zone=zone), **changes)


def daily(zone: str = "UTC", **changes: object) -> SubscriptionConfig:
    return subscription("daily", schedule=Schedule(at=time(8), zone=zone), **changes)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(now=MONDAY_NOON)


@pytest.fixture
def line(sqlite_url: str, tmp_path: Path, clock: VirtualClock) -> Iterator[Line]:
    opened = open_runtime(sqlite_url, tmp_path, clock)
    yield Line(rt=opened)
    opened.close()


def told(line: Line, subscription_id: str = "now") -> list[list[str]]:
    """The titles of each message, in the order the messages were written."""
    return [titles(message) for message in line.messages(subscription_id)]


# ── quiet hours ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_comes_at_night_comes_as_one_message_in_the_morning(line: Line, clock: VirtualClock) -> None:
    line.subscribe(immediate("Asia/Shanghai", quiet=NIGHT))  # noon in London is eight in the evening there
    line.tell("in the evening")
    clock.forward(hours=3)
    line.tell("at eleven")
    clock.forward(hours=6)
    line.tell("at five")
    assert told(line) == [["in the evening"]]
    clock.forward(hours=1, minutes=59)
    line.tick()
    assert len(told(line)) == 1
    clock.forward(minutes=1)
    line.tick()
    assert told(line) == [["in the evening"], ["at five", "at eleven"]]
    line.tell("in the morning")
    assert told(line)[2:] == [["in the morning"]]


def test_an_event_that_changes_in_the_night_is_told_once_and_as_new(line: Line, clock: VirtualClock) -> None:
    line.subscribe(immediate(quiet=NIGHT))
    clock.forward(hours=11)
    (made,) = line.tell("changes")
    line.revise(made)
    line.tick()
    clock.forward(hours=8)
    line.tick()
    (message,) = line.messages("now")
    (entry,) = message["events"]
    assert (entry["event"]["revision"], entry["update"]) == (2, False)


# ── budgets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_over_the_budget_comes_as_one_message_and_nothing_is_lost(line: Line, clock: VirtualClock) -> None:
    line.subscribe(immediate(budget=TWO_AN_HOUR))
    line.tell("1", "2", "3", usd=1e6)
    clock.forward(minutes=30)
    line.tell("4", usd=9e6)
    assert told(line) == [["1"], ["2"]]
    clock.forward(minutes=30)
    line.tick()
    assert told(line) == [["1"], ["2"], ["4", "3"]]  # by weight, not by their order
    row = line.rows("now")[-1]
    assert row.window == "over:2026-11-23T13:00:00Z"
    line.tell("5", "6")
    assert told(line)[3:] == [["5"]]


def test_a_budget_of_one_subscription_is_no_other_s(line: Line) -> None:
    line.subscribe(
        subscription("a", schedule=Schedule(when=When.IMMEDIATE), budget=Budget(messages=1, per_s=3600)),
        subscription("b", schedule=Schedule(when=When.IMMEDIATE)),
    )
    line.tell("1", "2", "3")
    assert told(line, "a") == [["1"]]
    assert told(line, "b") == [["1"], ["2"], ["3"]]


# ── mutes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "value"),
    [("rule", "funding"), ("story", "1"), ("party", "ACME BIO, Inc."), ("all", "")],
)
@pytest.mark.parametrize("origin", [Origin.FILE, Origin.CLI])
def test_what_is_muted_is_told_again_when_the_mute_has_ended(
    line: Line, clock: VirtualClock, kind: str, value: str, origin: Origin
) -> None:
    mute = Mute(kind=MuteKind(kind), value=value, until=MONDAY_NOON + timedelta(days=1))
    line.subscribe(immediate(mutes=(mute,) if origin is Origin.FILE else ()))
    if origin is Origin.CLI:
        with line.rt.database.write() as conn:
            mutes.add(conn, "now", mute, origin=origin, now=clock())
    (made,) = line.tell("first")
    line.revise(made)
    line.tick()
    assert (told(line), line.count("alerts")) == ([], 0)
    clock.forward(days=1)
    line.revise(made)
    line.tick()
    (message,) = line.messages("now")
    assert (message["type"], message["event"]["revision"], message["update"]) == ("event.created", 3, False)


def test_who_mutes_after_being_told_hears_of_no_change(line: Line, clock: VirtualClock) -> None:
    line.subscribe(immediate())
    (made,) = line.tell("first")
    with line.rt.database.write() as conn:
        mutes.add(conn, "now", Mute(kind=MuteKind.RULE, value="funding"), origin=Origin.CLI, now=clock())
    line.revise(made)
    line.tick()
    assert told(line) == [["first"]]


def test_what_is_muted_before_its_digest_closes_is_left_out_and_new_when_it_changes(
    line: Line, clock: VirtualClock
) -> None:
    line.subscribe(daily())
    made, _ = line.tell("muted", "kept")
    until = MONDAY_NOON + timedelta(days=2)
    with line.rt.database.write() as conn:
        mutes.add(conn, "daily", Mute(kind=MuteKind.STORY, value="1", until=until), origin=Origin.PAGE, now=clock())
    clock.forward(hours=20)
    line.tick()
    assert told(line, "daily") == [["kept"]]
    clock.forward(days=2)
    line.revise(made)
    line.tick()
    clock.forward(days=1)
    line.tick()
    last = line.messages("daily")[-1]
    assert [(entry["event"]["title"], entry["update"]) for entry in last["events"]] == [("muted", False)]


def test_a_paused_reader_is_not_even_told_that_there_is_nothing(line: Line, clock: VirtualClock) -> None:
    line.subscribe(daily(empty=EmptyDay.SEND))
    with line.rt.database.write() as conn:
        pause = Mute(kind=MuteKind.ALL, value="", until=MONDAY_NOON + timedelta(days=2))
        mutes.add(conn, "daily", pause, origin=Origin.PAGE, now=clock())
    for _ in range(4):
        clock.forward(hours=20 if clock() == MONDAY_NOON else 24)
        line.tick()
    assert [message["window"] for message in line.messages("daily")] == ["2026-11-26", "2026-11-27"]


# ── updates ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_is_an_update_to_who_was_told_and_news_to_who_was_not(line: Line) -> None:
    line.subscribe(immediate())
    (made,) = line.tell("first")
    line.subscribe(immediate(), subscription("later", schedule=Schedule(when=When.IMMEDIATE)))
    line.revise(made)
    line.tick()
    assert [message["type"] for message in line.messages("now")] == ["event.created", "event.updated"]
    assert [message["type"] for message in line.messages("later")] == ["event.created"]


def test_a_change_before_the_first_message_was_written_joins_it(line: Line) -> None:
    line.subscribe(immediate())
    made = line.happen("quick")
    pipeline.raise_alerts(line.rt, [made])
    line.revise(made)
    line.tick()
    (message,) = line.messages("now")
    assert (message["type"], message["event"]["revision"]) == ("event.created", 2)


@pytest.mark.parametrize(
    ("asked", "is_told"),
    [
        ({"at_least": "100M USD", "at_least_usd": 1e8}, False),
        ({"at_least": "1M USD", "at_least_usd": 1e6}, True),
        ({"params": {"funding": RuleParams(at_least="100M USD", at_least_usd=1e8)}}, False),
        ({"tags": ("biotech",)}, False),
        ({"languages": ("en-GB",)}, True),
        ({"languages": ("zh",)}, False),
        ({"rules": ("no-such-rule",)}, False),
    ],
    ids=["threshold", "low threshold", "a rule's own", "tag", "language", "another language", "a rule nobody wrote"],
)
def test_own_thresholds_tags_and_languages_hold_on_the_line(
    line: Line, asked: dict[str, object], is_told: bool
) -> None:
    line.subscribe(immediate(**asked))
    line.tell("5 million")
    assert told(line) == ([["5 million"]] if is_told else [])


# ── who is told nothing ──────────────────────────────────────────────────────────────────────────────────────────────


def test_who_has_ended_hears_nothing_until_resumed_whatever_the_file_says(line: Line, clock: VirtualClock) -> None:
    line.subscribe(immediate())
    with line.rt.database.write() as conn:
        assert subscriptions.end(conn, "now", by="reader", now=clock())
        assert not subscriptions.end(conn, "now", by="reader", now=clock())
    line.subscribe(immediate(tags=()), daily())
    line.subscribe(immediate())
    line.tell("unheard")
    assert told(line) == []
    with line.rt.database.write() as conn:
        assert subscriptions.resume(conn, "now")
        assert not subscriptions.resume(conn, "now")
    line.tell("heard")
    assert told(line) == [["heard"]]


def test_who_ends_after_an_alert_gets_no_message_of_it(line: Line, clock: VirtualClock) -> None:
    line.subscribe(daily())
    line.tell("unheard")
    with line.rt.database.write() as conn:
        subscriptions.end(conn, "daily", by="reader", now=clock())
    clock.forward(hours=20)
    line.tick()
    assert told(line, "daily") == []
    assert line.rows("daily")[0].closed_at is not None


def test_a_reader_s_own_row_outlives_reloads_and_waits_to_be_confirmed(line: Line, clock: VirtualClock) -> None:
    from watcher import wire
    from watcher.store.schema import subscriptions as table

    mine = subscription("mine", schedule=Schedule(when=When.IMMEDIATE))
    values = {"config": wire.dump(mine), "origin": "page", "created_at": clock(), "unconfirmed_since": clock()}
    with line.rt.database.write() as conn:
        conn.execute(table.insert().values(id="mine", **values))
    line.subscribe(daily())
    line.tell("before")
    with line.rt.database.write() as conn:
        conn.execute(table.update().where(table.c.id == "mine").values(unconfirmed_since=None))
    line.subscribe(daily(), subscription("mine", title="from the file"))
    line.tell("after")
    assert told(line, "mine") == [["after"]]


# ── windows: empty days, outages ─────────────────────────────────────────────────────────────────────────────────────


def days(line: Line, clock: VirtualClock, count: int) -> None:
    """Let so many days pass, four hours at a time."""
    for _ in range(6 * count):
        clock.forward(hours=4)
        line.tick()


def test_a_digest_of_empty_days_comes_each_day_and_one_that_skips_them_does_not(
    line: Line, clock: VirtualClock
) -> None:
    line.subscribe(daily(empty=EmptyDay.SEND), subscription("skips", schedule=Schedule()))
    days(line, clock, 2)
    line.tell("news")
    days(line, clock, 1)
    assert [(one["window"], len(one["events"])) for one in line.messages("daily")] == [
        ("2026-11-24", 0),
        ("2026-11-25", 0),
        ("2026-11-26", 1),
    ]
    assert [one["window"] for one in line.messages("skips")] == ["2026-11-26"]


@pytest.mark.parametrize(
    ("zone", "start", "windows"),
    [
        ("Europe/Berlin", datetime(2026, 3, 27, 12, tzinfo=UTC), ["2026-03-28", "2026-03-29", "2026-03-30"]),
        ("Europe/Berlin", datetime(2026, 10, 23, 12, tzinfo=UTC), ["2026-10-24", "2026-10-25", "2026-10-26"]),
        ("America/New_York", datetime(2026, 10, 30, 13, tzinfo=UTC), ["2026-10-31", "2026-11-01", "2026-11-02"]),
        ("Pacific/Kiritimati", datetime(2026, 11, 20, 19, tzinfo=UTC), ["2026-11-22", "2026-11-23", "2026-11-24"]),
        ("Pacific/Apia", datetime(2011, 12, 28, 19, tzinfo=UTC), ["2011-12-29", "2011-12-31", "2012-01-01"]),
    ],
    ids=["spring", "autumn", "autumn in New York", "Kiritimati", "Apia without a 30 December"],
)
def test_p6_one_digest_for_each_local_date_across_clock_changes_and_the_date_line(
    line: Line, clock: VirtualClock, zone: str, start: datetime, windows: list[str]
) -> None:
    clock.now = start
    line.subscribe(daily(zone, empty=EmptyDay.SEND))
    line.tick()
    days(line, clock, 3)
    assert [one["window"] for one in line.messages("daily")] == windows


def test_p6_a_digest_up_to_twelve_hours_late_is_sent_once(line: Line, clock: VirtualClock) -> None:
    line.subscribe(daily())
    line.tell("news")
    clock.forward(hours=20 + 12, minutes=-1)
    line.tick()
    line.tick()
    assert [(one["window"], titles(one)) for one in line.messages("daily")] == [("2026-11-24", ["news"])]


def test_p6_a_digest_later_than_that_goes_into_the_next_which_says_so(line: Line, clock: VirtualClock) -> None:
    line.subscribe(daily())
    line.tell("news")
    clock.forward(hours=20 + 12)
    line.tell("more")
    assert line.messages("daily") == []
    clock.forward(hours=12)
    line.tick()
    (message,) = line.messages("daily")
    assert (message["window"], titles(message)) == ("2026-11-25", ["more", "news"])
    late, sent = line.rows("daily")
    assert (late.merged_into, sent.periods) == (sent.id, 2)


def test_p6_after_two_days_without_a_scheduler_the_digest_that_is_still_in_time_tells_both(
    line: Line, clock: VirtualClock
) -> None:
    line.subscribe(daily(), subscription("empty", schedule=Schedule(), empty=EmptyDay.SEND))
    line.tell("news")
    clock.forward(hours=20 + 24 + 2)
    line.tick()
    (message,) = line.messages("daily")
    assert (message["window"], titles(message)) == ("2026-11-25", ["news"])
    assert line.rows("daily")[-1].periods == 2
    assert [one["window"] for one in line.messages("empty")] == ["2026-11-25"]
    clock.forward(days=1)
    line.tick()
    assert [one["window"] for one in line.messages("empty")] == ["2026-11-25", "2026-11-26"]


def test_an_ended_subscription_s_late_digest_is_closed_and_told_to_nobody(line: Line, clock: VirtualClock) -> None:
    line.subscribe(daily())
    line.tell("news")
    with line.rt.database.write() as conn:
        subscriptions.end(conn, "daily", by="reader", now=clock())
    clock.forward(days=3)
    line.tick()
    (row,) = line.rows("daily")
    assert row.closed_at is not None
    assert line.messages("daily") == []


def test_a_late_digest_of_who_wants_all_at_once_now_comes_at_once(line: Line, clock: VirtualClock) -> None:
    line.subscribe(daily())
    line.tell("news")
    clock.forward(days=3)
    line.subscribe(subscription("daily", schedule=Schedule(when=When.IMMEDIATE)))
    line.tick()
    line.tick()
    assert told(line, "daily") == [["news"]]


def test_a_changed_hour_moves_the_digest_that_is_open(line: Line, clock: VirtualClock) -> None:
    line.subscribe(daily())
    line.tell("news")
    line.subscribe(subscription("daily", schedule=Schedule(at=time(9))))
    line.tell("more")
    clock.forward(hours=20)
    line.tick()
    assert line.messages("daily") == []
    clock.forward(hours=1)
    line.tick()
    assert [set(one) for one in told(line, "daily")] == [{"news", "more"}]


# ── the claim ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_that_another_worker_took_over_is_written_by_that_one_alone(line: Line, clock: VirtualClock) -> None:
    line.subscribe(immediate())
    made = line.happen("taken")

    def steal(point: str) -> None:
        if point == "events:claimed":
            clock.forward(hours=1)
            with line.rt.database.write() as conn:
                assert events.claim(conn, [made], owner="thief", lease_s=60, now=clock(), before=True)

    line.rt.checkpoint = steal
    assert pipeline.raise_alerts(line.rt, [made]) == {}
    assert line.count("alerts") == 0


def test_an_event_that_concerns_many_is_told_to_each_once_when_a_worker_dies_between(line: Line) -> None:
    many = [subscription(f"s{number:03}", schedule=Schedule(when=When.IMMEDIATE)) for number in range(450)]
    line.subscribe(*many)
    made = line.happen("for all")
    seen = []

    def die(point: str) -> None:
        seen.append(point)
        if seen.count("events:committing") == 2:
            raise KeyboardInterrupt

    line.rt.checkpoint = die
    with pytest.raises(KeyboardInterrupt):
        pipeline.raise_alerts(line.rt, [made])
    assert line.count("alerts") == 200
    line.rt.checkpoint = lambda _point: None
    line.rt.clock.forward(hours=1)  # type: ignore[attr-defined]
    found = pipeline.raise_alerts(line.rt, [made])
    assert len(found[Step.DIGESTS]) == 250
    assert (line.count("alerts"), line.count("digests")) == (450, 450)


def test_the_choice_and_the_line_agree_on_what_is_muted(line: Line) -> None:
    with line.rt.database.read() as conn:
        assert events.views(conn, []) == {}
    made = line.happen("one")
    with line.rt.database.read() as conn:
        view = events.views(conn, [made])[made]
    choice = choose(view, immediate(), mutes=[Mute(kind=MuteKind.STORY, value=str(view.story_id))])
    assert (choice.muted, choice.reason) == (True, f"muted: story {view.story_id}")
