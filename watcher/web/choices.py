"""What a reader chooses in a form: its fields as a subscription, or what is wrong beside each; and back into fields.

Names, amounts and hours are checked here; what they mean to an event is decided in `watcher.digest`.
"""

from __future__ import annotations

import dataclasses
import re
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from functools import cache
from typing import Any

from watcher import wording
from watcher.annotate.money import parse_threshold
from watcher.annotate.rates import to_usd
from watcher.model import (
    EmptyDay,
    Language,
    QuietHours,
    Schedule,
    Signup,
    SubscriptionConfig,
    When,
)
from watcher.pipeline import rule_names
from watcher.runtime import Runtime
from watcher.web.forms import Form
from watcher.web.words import LANGUAGES, WEEKDAYS, say

NAMES, NAME_CHARACTERS, AMOUNT_CHARACTERS = 20, 80, 40
CURRENCIES = (
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR", "ILS", "INR", "JPY", "KRW",
    "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RON", "SEK", "SGD", "THB", "TRY", "USD", "ZAR",
)  # fmt: skip
"""Those with a rate of the European Central Bank for every working day."""
_WHEN = (When.DAILY, When.WEEKLY, When.IMMEDIATE)
_WEEKDAYS_ONLY = "weekdays"
_ALL = "*"
_BETWEEN = re.compile("[,，、;；\n]")
_AREAS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A rule that may be chosen."""

    id: str
    title: str


@dataclass(slots=True)
class Reading:
    """One form being read: what is wrong, by field."""

    form: Form
    language: Language
    wrong: dict[str, str] = field(default_factory=dict)

    def refuse(self, name: str, phrase: str, **filled: Any) -> None:
        self.wrong.setdefault(name, say(phrase, self.language, **filled))


def offered_rules(rt: Runtime, signup: Signup | None, language: Language) -> tuple[Offered, ...]:
    """The rules that readers may choose from, those on trial left out; by their ids alone while none is known."""
    chosen = signup.rules if signup else ()
    with rt.database.read() as conn:
        rules = rule_names.known(conn)
    if not rules:
        return tuple(Offered(id=one, title=one) for one in chosen)
    return tuple(
        Offered(id=rule.id, title=wording.one_line(rule.of(language), 120))
        for rule in rules
        if not rule.trial and (not chosen or rule.id in chosen)
    )


def read_choices(
    form: Form, rules: Sequence[Offered], page: Language, now_kept: SubscriptionConfig | None = None, *, open_end: bool
) -> tuple[SubscriptionConfig, dict[str, str]]:
    """What the form says as a subscription without id and channels, and what is wrong with it by field, in words.

    `open_end`: may all rules be chosen, also those that come later? What the form does not hold stays as `now_kept`.
    """
    reading = Reading(form, page)
    config = SubscriptionConfig(
        id="",
        title="",
        channels=(),
        rules=_rules(reading, rules, open_end=open_end),
        places=_names(reading, "places"),
        parties=_names(reading, "parties"),
        at_least=_at_least(reading),
        schedule=_schedule(reading),
        language=_language(reading),
    )
    if now_kept is not None:
        config = dataclasses.replace(
            config,
            languages=now_kept.languages,
            tags=now_kept.tags,
            params=now_kept.params,
            budget=now_kept.budget,
            quiet=_quiet(reading),
            currency=_currency(reading),
            empty=_empty(form),
        )
    return config, reading.wrong


def _rules(reading: Reading, rules: Sequence[Offered], *, open_end: bool) -> tuple[str, ...]:
    ticked = reading.form.every("rules")
    if _ALL in ticked and open_end:
        return ()
    known = tuple(rule.id for rule in rules if rule.id in ticked)
    if not known:
        reading.refuse("rules", "bad_rules")
    return known


def _names(reading: Reading, name: str) -> tuple[str, ...]:
    written = reading.form.one(name)
    found = dict.fromkeys(tidy for part in _BETWEEN.split(written) if (tidy := wording.one_line(part)))
    if len(found) > NAMES or any(len(one) > NAME_CHARACTERS for one in found):
        reading.refuse(name, "bad_names", most=NAMES, longest=NAME_CHARACTERS)
    return tuple(found)


def _at_least(reading: Reading) -> str | None:
    written = wording.one_line(reading.form.one("at_least"))
    if not written:
        return None
    try:
        value, currency = parse_threshold(written) if len(written) <= AMOUNT_CHARACTERS else (0.0, "")
        known = value > 0 and to_usd(value, currency, None) is not None
    except ValueError:
        known = False
    if not known:
        reading.refuse("at_least", "bad_at_least")
    return written


def _schedule(reading: Reading) -> Schedule:
    form = reading.form
    when = form.one("when")
    kinds = {**{str(one): one for one in _WHEN}, _WEEKDAYS_ONLY: When.DAILY}
    if when not in kinds:
        reading.refuse("when", "bad_when")
    kind = kinds.get(when, When.DAILY)
    zone = form.one("zone")
    if zone not in zone_names():
        reading.refuse("zone", "bad_zone")
        zone = ""
    hour, day = _number(form.one("hour"), 24), _number(form.one("weekday"), 7)
    if hour is None and kind in (When.DAILY, When.WEEKLY):
        reading.refuse("hour", "bad_hour")
    if day is None and kind is When.WEEKLY:
        reading.refuse("weekday", "bad_weekday")
    only = when == _WEEKDAYS_ONLY
    return Schedule(when=kind, at=time(hour or 0), weekday=day or 0, weekdays_only=only, zone=zone)


def _number(text: str, below: int) -> int | None:
    found = re.fullmatch(r"([0-9]{1,2})(?::00)?", text)
    return int(found[1]) if found and int(found[1]) < below else None


def _language(reading: Reading) -> Language:
    written = reading.form.one("language")
    if written not in set(Language):
        reading.refuse("language", "bad_language")
        return reading.language
    return Language(written)


def _currency(reading: Reading) -> str | None:
    written = reading.form.one("currency")
    if written and written not in CURRENCIES:
        reading.refuse("currency", "bad_currency")
    return written or None


def _quiet(reading: Reading) -> QuietHours | None:
    begins, ends = (reading.form.one(f"quiet_{end}") for end in ("from", "to"))
    if not begins and not ends:
        return None
    hours = _number(begins, 24), _number(ends, 24)
    if hours[0] is None or hours[1] is None or hours[0] == hours[1]:
        reading.refuse("quiet", "bad_quiet")
        return None
    return QuietHours(begins=time(hours[0]), ends=time(hours[1]))


def _empty(form: Form) -> EmptyDay:
    return EmptyDay.SEND if form.one("empty") else EmptyDay.SKIP


# ── back into fields ─────────────────────────────────────────────────────────────────────────────────────────────────


def first_choices(language: Language) -> dict[str, Any]:
    """What an empty form shows: everything, every day at eight, in the page's language; the zone is not guessed."""
    return {
        "rules": {_ALL},
        "places": "",
        "parties": "",
        "at_least": "",
        "when": When.DAILY.value,
        "hour": 8,
        "weekday": 0,
        "zone": "",
        "language": language.value,
    }


def shown_choices(config: SubscriptionConfig) -> dict[str, Any]:
    """A subscription as the form shows it."""
    schedule, quiet = config.schedule, config.quiet
    only = schedule.when is When.DAILY and schedule.weekdays_only
    return {
        "rules": set(config.rules) or {_ALL},
        "places": ", ".join(config.places),
        "parties": ", ".join(config.parties),
        "at_least": config.at_least or "",
        "when": _WEEKDAYS_ONLY if only else schedule.when.value,
        "hour": schedule.at.hour,
        "weekday": schedule.weekday,
        "zone": schedule.zone,
        "language": config.language.value,
        "currency": config.currency or "",
        "quiet_from": quiet.begins.hour if quiet else None,
        "quiet_to": quiet.ends.hour if quiet else None,
        "empty": config.empty is EmptyDay.SEND,
    }


def typed_choices(form: Form) -> dict[str, Any]:
    """A form as it was sent, to be shown again with what is wrong."""
    texts = {name: form.one(name)[:2000] for name in ("places", "parties", "at_least", "when", "zone", "language")}
    hours = {name: _number(form.one(name), 24) for name in ("hour", "weekday", "quiet_from", "quiet_to")}
    ticked = {"rules": set(form.every("rules")), "empty": bool(form.one("empty")), "currency": form.one("currency")}
    return {**texts, **hours, **ticked}


def options(language: Language, rules: Sequence[Offered], *, open_end: bool) -> dict[str, Any]:
    """Everything that can be chosen, as the templates list it."""
    kinds = [(_ALL, say("all_rules", language))] if open_end else []
    whens = [*(str(one) for one in _WHEN[:1]), _WEEKDAYS_ONLY, *(str(one) for one in _WHEN[1:])]
    return {
        "rules": [*kinds, *((rule.id, rule.title) for rule in rules)],
        "when": [(one, say(one, language)) for one in whens],
        "hours": [(hour, f"{hour:02d}:00") for hour in range(24)],
        "weekdays": list(enumerate(WEEKDAYS[language])),
        "zones": zones(),
        "languages": [(one.value, name) for one, name in LANGUAGES.items()],
        "currencies": CURRENCIES,
    }


def in_words(config: SubscriptionConfig, rules: Mapping[str, str], language: Language) -> tuple[tuple[str, str], ...]:
    """What a subscription tells and when, as rows of (label, words)."""
    rows = [
        ("rules", wording.joined((rules.get(one, one) for one in config.rules), 8, language)),
        ("places", wording.joined(config.places, 8, language)),
        ("parties", wording.joined(config.parties, 8, language)),
        ("at_least", wording.one_line(config.at_least or "", AMOUNT_CHARACTERS)),
        ("frequency", schedule_words(config.schedule, language)),
        ("zone", config.schedule.zone),
        ("language", LANGUAGES[config.language]),
        ("currency", config.currency or ""),
        ("quiet", f"{config.quiet.begins:%H:%M}–{config.quiet.ends:%H:%M}" if config.quiet else ""),
    ]
    any_of = {"rules", "places", "parties", "at_least"}
    told = [(name, words or (say("any", language) if name in any_of else "")) for name, words in rows]
    return tuple((say(name, language), words) for name, words in told if words)


def schedule_words(schedule: Schedule, language: Language) -> str:
    """`Every day, 08:00`; `Once a week, Monday 08:00`."""
    only = schedule.when is When.DAILY and schedule.weekdays_only
    words = say(_WEEKDAYS_ONLY if only else str(schedule.when), language)
    at = f"{schedule.at:%H:%M}"
    if schedule.when is When.WEEKLY:
        at = f"{WEEKDAYS[language][schedule.weekday]} {at}"
    between = "，" if language is Language.CHINESE else ", "
    return words + between + at if schedule.when in (When.DAILY, When.WEEKLY) else words


@cache
def zone_names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()) - {"localtime", "Factory"}


@cache
def zones() -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """The zones to choose from by area: (area, ((`Europe/Berlin`, `Berlin`), …)), and UTC alone."""
    grouped: list[tuple[str, tuple[tuple[str, str], ...]]] = [("UTC", (("UTC", "UTC"),))]
    for area in _AREAS:
        names = sorted(name for name in zone_names() if name.startswith(f"{area}/"))
        grouped.append((area, tuple((name, name.partition("/")[2].replace("_", " ")) for name in names)))
    return tuple(grouped)
