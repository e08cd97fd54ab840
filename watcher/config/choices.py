"""How the values of a subscription are read that say when it is silent: quiet hours, budgets, mutes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from typing import Any

from watcher.config.place import At, Field, kind_of, mapping, quoted
from watcher.config.values import list_of, read_id, read_text
from watcher.model import Budget, Mute, MuteKind, QuietHours

QUIET_HELP = "two times of day, as 22:00-07:00"
BUDGET_HELP = "a number of messages and a time, as 20 per hour or 100 per day"
_CLOCK = r"([01]?[0-9]|2[0-3]):([0-5][0-9])"
_QUIET = re.compile(rf"{_CLOCK}\s*[-–]\s*{_CLOCK}")
_BUDGET = re.compile(r"([1-9][0-9]{0,4})\s+(?:per|an?)\s+(minute|hour|day|week)")
_PERIODS_S = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800}


def read_quiet(at: At, value: Any) -> QuietHours | None:
    found = _QUIET.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        at.refuse(f"{quoted(value)} are no quiet hours", QUIET_HELP)
        return None
    begins, ends = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    if begins == ends:
        at.refuse("quiet hours that end when they begin would silence the whole day", QUIET_HELP)
        return None
    return QuietHours(begins=begins, ends=ends)


def read_budget(at: At, value: Any) -> Budget | None:
    found = _BUDGET.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        at.refuse(f"{quoted(value)} is no budget", BUDGET_HELP)
        return None
    return Budget(messages=int(found[1]), per_s=_PERIODS_S[found[2]])


def read_until(at: At, value: Any) -> datetime | None:
    """An instant, or the beginning of a day in UTC."""
    try:
        when = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        when = None
    if when is None:
        at.refuse(f"{quoted(value)} is no day", "a day as 2027-01-31, or an instant as 2027-01-31T08:00+01:00")
        return None
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


def _field(name: str, schema: dict[str, Any], read: Any, doc: str) -> Field:
    return Field(name=name, read=read, schema=schema, doc=doc)


def _number(at: At, value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        at.refuse(f"{quoted(value)} is no number of a story", "as `watcher events list` shows it")
        return None
    return str(value)


_STRING = {"type": "string", "minLength": 1}
MUTE = (
    _field("rule", _STRING, read_id, "A rule that is not told."),
    _field("story", {"type": "integer", "minimum": 1}, _number, "A story's number."),
    _field("party", _STRING, read_text, "A party whose events are not told."),
    _field("place", _STRING, read_text, "A place whose events are not told."),
    _field("until", _STRING, read_until, "When the mute ends, a day or an instant; never when absent."),
)


def _mute(at: At, value: Any) -> Mute | None:
    values = mapping(at, value, MUTE)
    if values is None:
        return None
    named = [kind for kind in MuteKind if kind.value in values]
    if len(named) != 1:
        said = "nothing" if not named else " and ".join(kind.value for kind in named)
        at.refuse(f"a mute names one of rule, story, party and place, not {said}", "write {rule: …, until: 2027-01-31}")
        return None
    muted = values[named[0].value]
    return None if muted is None else Mute(kind=named[0], value=muted, until=values.get("until"))


def read_mutes(at: At, value: Any) -> tuple[Mute, ...] | None:
    if not isinstance(value, list):
        at.refuse(f"mute must be a list, not {kind_of(value)}", "write mute: [{rule: …, until: 2027-01-31}]")
        return None
    done: tuple[Mute, ...] = list_of(_mute)(at, value)
    return done
