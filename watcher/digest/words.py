"""A `DigestView` as the plain words that templates see, cleaned and in the reader's language; leaves layout to them.

Only strings, numbers, lists and dicts come out: nothing of ours can be reached through them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache, partial
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from watcher import wording
from watcher.digest.room import TITLES_OF_THE_REST, entries_within
from watcher.model import AlertView, DigestView, EventView, Language, Notice, Source

_SNIPPETS, _SOURCES = 2, 6
_LINES, _LEFT_OUT = 60, 10
_LOCALES = {Language.ENGLISH: "en", Language.CHINESE: "zh-Hans"}


def subject(view: DigestView) -> str:
    """One line of at most 200 characters; a digest's names its day, so that mail programs do not thread two of them."""
    language = view.language
    if view.notice is not None:
        told = view.notice.subject
        letter = view.notice.action_url is not None
        return wording.one_line(told if letter else wording.say("subject_notice", language, subject=told), 200)
    if view.immediate and view.alerts:
        first = view.alerts[0]
        words = wording.say("subject_alert", language, rule=first.event.rule_title, title=_named(first.event, language))
        return wording.one_line(wording.say("subject_update", language, subject=words) if first.update else words, 200)
    what = _say(view, "nothing_new") if _is_quiet(view) else _count(view)
    title = wording.one_line(view.subscription_title, 80)
    day = wording.day(_local(view), language)
    return wording.one_line(wording.say("subject_digest", language, title=title, what=what, day=day), 200)


def context(view: DigestView, limit_bytes: int) -> dict[str, Any]:
    """Everything about the digest; `entries` are all of its alerts in their order, whole as far as they have room."""
    local, language = _local(view), view.language
    quiet = _is_quiet(view)
    return {
        "subject": subject(view),
        "preheader": _preheader(view),
        "lang": _LOCALES[language],
        "words": _words(language),
        "title": wording.one_line(view.subscription_title, 120),
        "moment": wording.say(
            "moment", language, day=wording.weekday(local, language), clock=f"{local:%H:%M}", zone=view.zone
        ),
        "immediate": view.immediate,
        "quiet": quiet,
        "count": _count(view),
        "total": len(view.alerts),
        "entries": entries_within(
            view.alerts, partial(_entry, language=language), partial(_brief, language=language), limit_bytes
        ),
        "coverage": wording.coverage(view.coverage, language),
        "failing": bool(view.coverage and view.coverage.failing),
        "notes": [wording.one_line(note, 300) for note in view.notes[:_LEFT_OUT]],
        "left_out": [
            wording.say("left_out", language, what=wording.one_line(what, 300)) for what in view.left_out[:_LEFT_OUT]
        ],
        "notice": _notice(view.notice) if view.notice else None,
        "converted": any(_is_converted(alert.event) for alert in view.alerts),
        "public_url": wording.web_link(view.public_url),
        "links": {
            name: wording.web_link(getattr(view.links, name))
            for name in ("browser", "preferences", "unsubscribe", "feed")
        },
    }


def shown(whole: dict[str, Any], entries: int, language: Language) -> dict[str, Any]:
    """The context in which the first so many entries are shown whole, the next by their titles, the others counted."""
    every = whole["entries"]
    rest = every[entries:]
    unnamed = max(0, len(rest) - TITLES_OF_THE_REST)
    heading = wording.say("rest", language, count=len(rest)) if entries else wording.say("in_short", language)
    return {
        **whole,
        "groups": _groups(every[:entries], every),
        "rest": rest[:TITLES_OF_THE_REST],
        "rest_heading": heading if rest else "",
        "rest_unnamed": wording.say("no_room", language, count=unnamed) if unnamed else "",
    }


# ── the whole ────────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def _words(language: Language) -> dict[str, str]:
    """Every phrase with nothing to fill in: the labels of a template."""
    return {name: form for name, form in wording.PHRASES[language].items() if "{" not in form}


def _say(view: DigestView, phrase: str) -> str:
    return wording.say(phrase, view.language)


def _is_quiet(view: DigestView) -> bool:
    return not view.alerts and not view.left_out and view.notice is None


def _count(view: DigestView) -> str:
    """How many events are told, or how many there were of which none could be."""
    if view.alerts or not view.left_out:
        return wording.number_of("events", len(view.alerts), view.language)
    untold = wording.number_of("events", len(view.left_out), view.language)
    return wording.say("unshown", view.language, events=untold)


def _local(view: DigestView) -> datetime:
    return view.window.closes_at.astimezone(ZoneInfo(view.zone))


def _preheader(view: DigestView) -> str:
    language = view.language
    if view.notice is not None:
        return wording.one_line(" ".join(view.notice.lines), 140)
    if view.left_out and not view.alerts:
        return wording.one_line(" ".join(view.left_out), 140)
    if not view.alerts:
        return wording.say("preheader_quiet", language, coverage=wording.coverage(view.coverage, language))
    if view.immediate:
        first = view.alerts[0]
        return wording.one_line(wording.update_line(first, language) or wording.facts_line(first.event, language), 140)
    return wording.one_line(" · ".join(_named(alert.event, language) for alert in view.alerts[:4]), 140)


def _notice(notice: Notice) -> dict[str, Any]:
    return {
        "subject": wording.one_line(notice.subject, 200),
        "lines": [wording.one_line(line, 600) for line in notice.lines[:_LINES]],
        "action": wording.one_line(notice.action, 60),
        "action_url": wording.web_link(notice.action_url),
    }


def _is_converted(event: EventView) -> bool:
    amount = event.amount
    return amount is not None and (
        amount.shown is not None or (amount.usd is not None and amount.currency not in (None, "USD"))
    )


def _groups(entries: Sequence[dict[str, Any]], every: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries by rule, each rule with the number of its events in the digest."""
    grouped = (list(group) for _, group in groupby(entries, key=lambda entry: entry["rule_id"]))
    return [
        {
            "title": group[0]["rule"],
            "count": sum(1 for entry in every if entry["rule_id"] == group[0]["rule_id"]),
            "entries": group,
        }
        for group in grouped
    ]


# ── an entry ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _named(event: EventView, language: Language) -> str:
    return wording.one_line(event.title, 300) or wording.say("no_title", language)


def _brief(alert: AlertView, language: Language) -> dict[str, Any]:
    return {**_titled(alert.event, language), "whole": False, "revised": alert.update}


def _entry(alert: AlertView, language: Language) -> dict[str, Any]:
    changed = wording.update_line(alert, language)
    return {
        **_TOLD.words(alert.event, language),
        "whole": True,
        "revised": alert.update,
        "why": wording.say("why", language, reason=_reason(alert, language)),
        "changed": changed,
        "changed_line": wording.say("update_line", language, changes=changed) if changed else "",
        "links": _links(alert, language),
    }


def _titled(event: EventView, language: Language) -> dict[str, Any]:
    return {
        "title": _named(event, language),
        "lang": _told_in(event),
        "link": next((link for source in event.sources if (link := wording.web_link(source.link))), None),
        "rule_id": event.rule_id,
        "rule": wording.one_line(event.rule_title, 80),
    }


def _event(event: EventView, language: Language) -> dict[str, Any]:
    """What is told of an event to every reader of that language and currency."""
    parts = wording.facts_parts(event, language)
    more = len(event.sources) - _SOURCES
    return {
        **_titled(event, language),
        "level": event.level.value,
        "level_words": wording.say(event.level, language),
        "facts": _styled(parts, event, language),
        "facts_line": " · ".join(parts),
        "snippets": [
            [{"words": words, "marked": marked} for words, marked in wording.segments(snippet)]
            for snippet in event.snippets[:_SNIPPETS]
        ],
        "sources": [_source(source, language) for source in event.sources[:_SOURCES]],
        "sources_more": wording.say("and_more", language, count=more) if more > 0 else "",
    }


class _Told:
    """The words of the events told last: one event goes to many readers. Never those of an event that has changed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[tuple[int, Language], tuple[EventView, dict[str, Any]]] = {}

    def words(self, event: EventView, language: Language) -> dict[str, Any]:
        """As `_event`."""
        kept = self._kept.get((event.id, language))
        if kept is not None and kept[0] == event:
            return kept[1]
        words = _event(event, language)
        if len(self._kept) >= self._most:
            self._kept.clear()
        self._kept[event.id, language] = (event, words)
        return words


_TOLD = _Told(1000)


def _reason(alert: AlertView, language: Language) -> str:
    """Why the event was chosen; a reader of another language than the rule files' is told the rule's title."""
    why = wording.reason(alert.reason, language)
    if language is Language.ENGLISH:
        return why
    return why.replace(alert.event.rule_id, wording.one_line(alert.event.rule_title, 80), 1)


def _links(alert: AlertView, language: Language) -> list[dict[str, str]]:
    links = alert.links
    named = (
        ("open", links.event),
        ("useful", links.useful),
        ("not_useful", links.not_useful),
        ("mute", links.mute),
    )
    found = ((name, wording.web_link(url)) for name, url in named)
    return [{"words": wording.say(name, language), "url": url} for name, url in found if url]


def _told_in(event: EventView) -> str | None:
    """The language of the title, for the reader's fonts: that of the source which told it so."""
    told = next((source.language for source in event.sources if source.title == event.title), None)
    known = told or (event.sources[0].language if event.sources else None)
    return known if known and known.replace("-", "").isalnum() and len(known) <= 12 else None


def _styled(parts: Sequence[str], event: EventView, language: Language) -> list[dict[str, str]]:
    """The facts line for HTML: the event's amount in its own currency stands out, the conversion does not."""
    own = wording.amount(event.amount, language) if event.amount else ""
    return [
        {"strong": own, "words": part[len(own) :]} if own and part.startswith(own) else {"strong": "", "words": part}
        for part in parts
    ]


def _source(source: Source, language: Language) -> dict[str, Any]:
    feed = wording.one_line(source.feed, 60) or wording.say("unnamed_feed", language)
    published = source.published_at
    return {
        "feed": feed,
        "link": wording.web_link(source.link),
        "day": wording.day(published, language) if published else "",
        "words": wording.say("source_day", language, feed=feed, day=wording.day(published, language))
        if published
        else feed,
    }
