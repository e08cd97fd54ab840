"""The precision of rules by verdicts, floors, and what is sent of a rule below its floor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from polled import VirtualClock
from row_factories import subscription
from sqlalchemy import select
from told import Line, open_runtime, titles

from watcher.digest.timing import timings
from watcher.match.own import own_version
from watcher.match.rule import BelowFloor, Floor
from watcher.model import QuietHours, Schedule, SubscriptionConfig, When
from watcher.pipeline import ledger
from watcher.pipeline.ledger import Standing, current, precision, standing
from watcher.runtime import RuleBook
from watcher.store import demotions, verdicts
from watcher.store import schema as tables
from watcher.store.verdicts import Entry, Ledger, Verdict

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FLOOR = Floor(precision=0.8, verdicts=12, below=BelowFloor.REPORT)
RULE = """id: {id}
title: Funding
status: stable
level: low
{floor}selections:
  round:
    any:
      - list: rounds
condition: round
tests:
  - match: {{text: "Acme closed a round of $5 million."}}
  - no_match: {{text: Acme opened a laboratory.}}
"""


@pytest.mark.parametrize(
    ("right", "judged", "fallen", "stands"),
    [
        (0, 0, False, Standing.TOO_FEW),
        (0, 3, False, Standing.TOO_FEW),  # three unlucky votes prove nothing, though their interval ends at 0.56
        (0, 11, False, Standing.TOO_FEW),
        (0, 12, False, Standing.BELOW),
        (6, 12, False, Standing.BELOW),  # 0.50, at most 0.75
        (7, 12, False, Standing.HOLDS),  # 0.58, but it may be 0.81
        (9, 12, False, Standing.HOLDS),
        (9, 12, True, Standing.BELOW),  # once down, it stays down until the share itself is at the floor
        (16, 20, True, Standing.HOLDS),
        (70, 100, False, Standing.BELOW),
        (73, 100, False, Standing.HOLDS),
        (0, 3, True, Standing.TOO_FEW),
    ],
)
def test_a_rule_falls_when_even_its_interval_is_below_the_floor(
    right: int, judged: int, fallen: bool, stands: Standing
) -> None:
    found = precision(Ledger(useful=right, not_useful=judged - right))
    assert standing(found, FLOOR, fallen=fallen) is stands


def test_a_rule_without_a_floor_is_below_none() -> None:
    assert standing(precision(Ledger(not_useful=50)), None, fallen=True) is Standing.NO_FLOOR


def test_wrong_facts_count_as_right_about_what_happened() -> None:
    found = precision(Ledger(useful=8, wrong_facts=2, not_useful=5))
    assert found.told == "0.67 [0.42, 0.85] of 15 verdicts"
    assert precision(Ledger()).told == "–"


def entry(own: str, verdict: Verdict = Verdict.USEFUL, *, version: str = "folder-1", number: int = 1) -> Entry:
    return Entry(
        rule_id="funding",
        rules_version=version,
        own_version=own,
        verdict=verdict,
        number=number,
        first_at=NOON,
        last_at=NOON,
    )


def test_only_verdicts_on_what_a_rule_is_now_count() -> None:
    entries = [
        entry("now", number=3),
        entry("now", version="folder-2", number=4),
        entry("now", Verdict.NOT_USEFUL, version="folder-2"),
        entry("before", Verdict.NOT_USEFUL, number=30),
    ]
    assert current(entries, {"funding": "now"}, "folder-2") == {"funding": Ledger(useful=7, not_useful=1)}


def test_a_rules_own_version_is_that_of_what_decides_its_matches(tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "rounds.yml").write_text("words: [close a round]\n")
    (lists / "others.yml").write_text("words: [open]\n")

    def own(text: str) -> str:
        (tmp_path / "funding.yml").write_text(text)
        book = RuleBook(tmp_path)
        rule = book.engine().rule_set.rule("funding")
        assert rule is not None
        assert own_version(rule, book.files) == book.own["funding"]
        return book.own["funding"]

    first = own(RULE.format(id="funding", floor=""))
    assert own(RULE.format(id="funding", floor="floor: 0.9\n")) == first
    assert own(RULE.format(id="funding", floor="") + "  - no_match: one more example\n") == first
    (lists / "others.yml").write_text("words: [open, shut]\n")
    assert own(RULE.format(id="funding", floor="")) == first
    (lists / "rounds.yml").write_text("words: [close a round, raise]\n")
    assert own(RULE.format(id="funding", floor="")) != first


# ── on stored verdicts ──


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(now=NOON)


@pytest.fixture
def line(sqlite_url: str, tmp_path: Path, clock: VirtualClock) -> Iterator[Line]:
    opened = open_runtime(sqlite_url, tmp_path, clock)
    folder = tmp_path / "own-rules"
    (folder / "lists").mkdir(parents=True)
    (folder / "lists" / "rounds.yml").write_text("words: [close a round]\n")
    opened.rules = RuleBook(folder)
    write(opened.rules, "floor: 0.8\nbelow_floor: digest\n")
    line = Line(rt=opened)
    yield line
    opened.close()


def write(book: RuleBook, floor: str, text: str = RULE) -> None:
    (book.folder / "funding.yml").write_text(text.format(id="funding", floor=floor))
    book._looked_at = 0.0


def judge(line: Line, *said: Verdict) -> None:
    """So many events of the rule as it is now, one word about each."""
    engine = line.rt.rules.engine()
    for number, one in enumerate(said):
        event_id = line.happen(f"Judged {number}")
        told = tables.events.update().where(tables.events.c.id == event_id)
        with line.rt.database.write() as conn:
            conn.execute(told.values(rules_version=engine.version))
            assert verdicts.record(conn, event_id, one, who="reader:desk", note="", now=line.rt.clock())
    line.tick()


def below(line: Line) -> dict[str, str]:
    with line.rt.database.read() as conn:
        return {rule_id: one.reason for rule_id, one in ledger.below(conn).items()}


def notices(line: Line) -> list[str]:
    with line.rt.database.read() as conn:
        query = select(tables.digests.c.notice).where(tables.digests.c.notice.is_not(None))
        return [notice["subject"] for notice in conn.execute(query.order_by(tables.digests.c.id)).scalars()]


def test_ops_hear_once_of_each_time_that_a_rule_falls(line: Line, clock: VirtualClock) -> None:
    judge(line, *[Verdict.NOT_USEFUL] * 8, *[Verdict.USEFUL] * 4)
    ledger.check_floors(line.rt)
    clock.now += timedelta(hours=1)
    ledger.check_floors(line.rt)
    assert below(line) == {"funding": "precision 0.33 [0.14, 0.61] of 12 verdicts, its floor is 0.80"}
    assert notices(line) == ["The rule funding is wrong too often"]
    judge(line, *[Verdict.USEFUL] * 30)
    ledger.check_floors(line.rt)
    assert below(line) == {}
    judge(line, *[Verdict.NOT_USEFUL] * 40)
    ledger.check_floors(line.rt)
    assert list(below(line)) == ["funding"]
    assert notices(line) == ["The rule funding is wrong too often"] * 2


def test_a_rule_that_was_changed_begins_anew(line: Line) -> None:
    judge(line, *[Verdict.NOT_USEFUL] * 12)
    ledger.check_floors(line.rt)
    assert list(below(line)) == ["funding"]
    write(line.rt.rules, "floor: 0.8\nbelow_floor: digest\n", RULE.replace("- list: rounds", "- close a round"))
    with line.rt.database.read() as conn:
        assert ledger.digested(conn, line.rt.rules, "funding") is None  # at once, not at the next look
    ledger.check_floors(line.rt)
    assert below(line) == {}


def test_a_rule_that_has_lost_its_floor_is_not_below_it(line: Line) -> None:
    judge(line, *[Verdict.NOT_USEFUL] * 12)
    ledger.check_floors(line.rt)
    write(line.rt.rules, "")
    ledger.check_floors(line.rt)
    assert below(line) == {}
    with line.rt.database.read() as conn:
        (kept,) = demotions.listing(conn)
    assert kept.ended_at is not None


def test_the_look_at_the_floors_is_taken_every_ten_minutes(line: Line, clock: VirtualClock) -> None:
    ledger.look(line.rt)
    judge(line, *[Verdict.NOT_USEFUL] * 12)
    clock.now += timedelta(minutes=9)
    ledger.look(line.rt)
    assert below(line) == {}
    clock.now += timedelta(minutes=1)
    ledger.look(line.rt)
    assert list(below(line)) == ["funding"]


# ── what is sent ──


def at_once(**changes: object) -> SubscriptionConfig:
    return subscription("now", schedule=Schedule(when=When.IMMEDIATE, at=time(8), zone="UTC"), **changes)


def alerts(line: Line) -> list[tuple[str, str]]:
    """The window and the reason of each alert."""
    query = select(tables.digests.c.window, tables.alerts.c.reason).join_from(tables.alerts, tables.digests)
    with line.rt.database.read() as conn:
        return [(window, reason) for window, reason in conn.execute(query.order_by(tables.alerts.c.id))]


def test_what_a_fallen_rule_tells_comes_once_a_day_with_the_reason(line: Line, clock: VirtualClock) -> None:
    judge(line, *[Verdict.NOT_USEFUL] * 12)
    ledger.check_floors(line.rt)
    line.subscribe(at_once())
    line.tell("After the fall", "And another")
    told = "rule funding; once a day: precision 0.00 [0.00, 0.24] of 12 verdicts, its floor is 0.80"
    assert alerts(line) == [("floor:2026-11-24", told)] * 2
    assert line.messages("now") == []
    clock.now = datetime(2026, 11, 24, 8, tzinfo=UTC)
    line.tick()
    (message,) = line.messages("now")
    assert sorted(titles(message)) == ["After the fall", "And another"]


@pytest.mark.parametrize("floor", ["floor: 0.8\n", "floor: 0.8\nbelow_floor: report\n"])
def test_a_rule_that_is_only_reported_tells_as_before(line: Line, floor: str) -> None:
    write(line.rt.rules, floor)
    judge(line, *[Verdict.NOT_USEFUL] * 12)
    ledger.check_floors(line.rt)
    assert list(below(line)) == ["funding"]
    line.subscribe(at_once())
    line.tell("After the fall")
    ((window, reason),) = alerts(line)
    assert window.startswith("event:")
    assert reason == "rule funding"


def test_the_daily_digest_of_a_fallen_rule_waits_for_the_end_of_quiet_hours() -> None:
    quiet = at_once(quiet=QuietHours(begins=time(22), ends=time(9)))
    first = next(timings(quiet, NOON, name="event:1:1", below_floor=True))
    assert (first.window.key, first.window.closes_at, first.immediate) == (
        "floor:2026-11-24",
        datetime(2026, 11, 24, 9, tzinfo=UTC),
        False,
    )


def test_a_daily_subscription_hears_of_a_fallen_rule_as_ever() -> None:
    daily = subscription("daily", schedule=Schedule(at=time(8), zone="UTC"))
    first = next(timings(daily, NOON, name="event:1:1", below_floor=True))
    assert first.window.key == "2026-11-24"
