"""How the service stands, in one sentence, and what to do where it does not stand well. Pure: figures in, words out.

The figures are read by `overview`; what a check means is `watcher.web.health`'s.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from watcher.fetch.habit import habit_s
from watcher.model import Health
from watcher.wording import counted, one_line


class Grade(StrEnum):
    """How bad it is, as the sentence at the top of the overview shows it."""

    WELL = "well"
    LOOK = "look"
    """The line works; something in it wants a person."""
    BROKEN = "broken"
    """News is not found or not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, what helps, and the page that shows more."""

    grade: Grade
    what: str
    remedy: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is known of the service at `now`."""

    now: datetime
    checks: Mapping[str, str]
    """By part (`database`, `broker`, `sweep` …): what is wrong with it, or nothing."""
    backlog: Mapping[str, Mapping[str, Any]]
    """By step: `waiting` rows and the age of the oldest, `oldest_s`."""
    canary: Mapping[str, Any] | None
    """The newest one."""
    arrived: Mapping[str, Any] | None
    """The newest one that came through."""
    feeds: Mapping[str, int]
    """Live feeds by how they fare."""
    failing_long: int
    """Feeds that have failed for more than a day."""
    channels: Sequence[Mapping[str, Any]]
    """Those that do not send."""
    parked: int
    """Messages of the last day that were given up."""
    newest_item_at: datetime | None
    rules_in_force: bool = True
    """Whether there are good rules, though the files may be refused just now."""
    mistakes: Sequence[str] = ()
    """What is wrong with watcher.yml as it is now; the last good one is in force."""


STEPS = {
    "feeds": ("feeds to poll", timedelta(minutes=30)),
    "pushes": ("pushed documents to read", timedelta(minutes=5)),
    "hubs": ("hubs to ask", timedelta(hours=2)),
    "items": ("items to read", timedelta(minutes=3)),
    "pages": ("pages to fetch", timedelta(hours=1)),
    "events": ("events to tell", timedelta(minutes=3)),
    "digests": ("digests to close", timedelta(minutes=5)),
    "deliveries": ("messages to send", timedelta(minutes=15)),
}
"""By step of the line: what waits for it, and how long it may wait before that is a sign of trouble."""
FAILING_FOR = timedelta(days=1)
QUIET_AT_LEAST = timedelta(days=14)
QUIET_UNKNOWN = timedelta(days=30)
"""For a rule that has told too little to have a habit."""
QUIET_HABITS = 8
_REMEDIES = {
    "broker": "Start Redis or Valkey again: rows wait meanwhile and nothing is lost.",
    "database": "Nothing is found or sent until it answers; `watcher doctor` looks closer.",
    "sweep": "Start a worker and the beat: `watcher up` runs both.",
    "workers": "Start a worker for those queues; what waits there is not lost.",
    "canary": "An item of our own travels the whole line; the step that it waits for is stuck or has no worker.",
    "disk": "Free some room, or shorten how long items are kept.",
    "clock": "Set the machine's clock by NTP: schedules and leases follow it.",
    "rules": "Mend the line that is named; the service takes the file within seconds.",
}


def findings(figures: Figures) -> list[Finding]:
    """All that is wrong, the worst first."""
    found = [*_checks(figures), *_late(figures), *_told(figures), *_sources(figures)]
    order = (Grade.BROKEN, Grade.LOOK)
    return sorted(found, key=lambda finding: order.index(finding.grade))


def grade(found: Sequence[Finding]) -> Grade:
    """The worst of them."""
    return found[0].grade if found else Grade.WELL


def sentence(figures: Figures, found: Sequence[Finding]) -> str:
    """How it stands, in words that a glance takes in."""
    broken = sum(1 for one in found if one.grade is Grade.BROKEN)
    if broken:
        return "Broken: " + (found[0].what if broken == 1 else f"{broken} things keep news from being found or told")
    if found:
        one = found[0].what[:1].lower() + found[0].what[1:]
        return f"The line works; {one}" if len(found) == 1 else f"The line works; {len(found)} things want a look"
    total = sum(figures.feeds.values())
    if not total:
        return "Nothing is watched yet: add a feed"
    return f"All is well: {counted(total, 'feed')} watched, nothing waits too long"


def _checks(figures: Figures) -> Iterator[Finding]:
    for name, wrong in figures.checks.items():
        if wrong:
            kept = name == "rules" and figures.rules_in_force
            yield Finding(
                grade=Grade.LOOK if kept else Grade.BROKEN,
                what=f"{name.capitalize()}: {one_line(wrong, 240)}",
                remedy=_REMEDIES.get(name, ""),
                href="/settings#reload" if name == "rules" else "",
            )


def _late(figures: Figures) -> Iterator[Finding]:
    for step, (what, limit) in STEPS.items():
        oldest_s = (figures.backlog.get(step) or {}).get("oldest_s")
        if oldest_s is not None and oldest_s > limit.total_seconds():
            minutes = oldest_s / 60
            age = f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"
            yield Finding(
                grade=Grade.BROKEN if step in ("items", "events", "deliveries") else Grade.LOOK,
                what=f"{figures.backlog[step]['waiting']} {what}, the oldest for {age}",
                remedy="Look whether its worker runs and what it logs; more worker processes clear a pile faster.",
            )


def _told(figures: Figures) -> Iterator[Finding]:
    for channel in figures.channels[:3]:
        why = channel["disabled_reason"] or channel["fault"] or "it failed again and again"
        yield Finding(
            grade=Grade.LOOK,
            what=f"Channel {one_line(channel['id'], 60)} does not send: {one_line(str(why), 160)}",
            remedy="What is addressed to it waits; mend it in watcher.yml or let it try again.",
            href="/deliveries",
        )
    if figures.parked:
        yield Finding(
            grade=Grade.LOOK,
            what=f"{counted(figures.parked, 'message')} of the last day given up",
            remedy="The reason stands with each; it can be sent again from there.",
            href="/deliveries?state=parked",
        )


def _sources(figures: Figures) -> Iterator[Finding]:
    if figures.mistakes:
        yield Finding(
            grade=Grade.LOOK,
            what=f"watcher.yml was refused: {one_line(figures.mistakes[0], 200)}",
            remedy="The last good one stays in force.",
            href="/settings#reload",
        )
    person = figures.feeds.get(Health.ATTENTION, 0) + figures.feeds.get(Health.GONE, 0)
    if person:
        yield Finding(
            grade=Grade.LOOK,
            what=f"{counted(person, 'feed')} {'needs' if person == 1 else 'need'} a person",
            remedy="A login, a refused address, or gone for good: change its address or remove it.",
            href="/feeds?state=attention",
        )
    if figures.failing_long:
        number = figures.failing_long
        yield Finding(
            grade=Grade.LOOK,
            what=f"{counted(number, 'feed')} {'has' if number == 1 else 'have'} failed for more than a day",
            remedy="They are tried on, ever less often.",
            href="/feeds?state=failing",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """A rule that has told nothing for far longer than it used to."""

    rule_id: str
    last_at: datetime | None
    """None: it never told anything."""
    habit: float | None
    """Seconds between its events as they used to come; None while it has no habit."""


def quiet(rule_id: str, times: Sequence[datetime], *, in_use_since: datetime | None, now: datetime) -> Quiet | None:
    """Whether the rule is dead by its own habit; `times` are those of its newest events, newest first."""
    if not times:
        unheard = in_use_since is not None and now - in_use_since > QUIET_UNKNOWN
        return Quiet(rule_id=rule_id, last_at=None, habit=None) if unheard else None
    usual = habit_s(times, now=times[0])  # as it was, without the silence since
    limit = QUIET_UNKNOWN if usual is None else max(QUIET_AT_LEAST, timedelta(seconds=QUIET_HABITS * usual))
    return Quiet(rule_id=rule_id, last_at=times[0], habit=usual) if now - times[0] > limit else None


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value below which that share of them lies (nearest rank); None of none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
