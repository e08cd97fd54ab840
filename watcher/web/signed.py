"""The pages behind the links of a message: an event, a vote on it, a mute, the end of a subscription.

A GET shows, and a button's POST does; a program that follows links changes nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from watcher import wording
from watcher.digest.currency import in_currency
from watcher.model import EventView, Fact, FactKind, Language, Mute, MuteKind, RuleStatus
from watcher.pipeline import reader as acts
from watcher.pipeline import rule_names
from watcher.pipeline.reader import By
from watcher.signing import Purpose
from watcher.store import events, readers, verdicts
from watcher.store.verdicts import Verdict
from watcher.web.visit import NotHere, Visit
from watcher.web.words import say

DAYS = (1, 7, 30, 90, 365)
"""How long something can be muted on the page, in days."""
_SOURCES, _NAMES = 50, 8


# ── one event ────────────────────────────────────────────────────────────────────────────────────────────────────────


def event(visit: Visit) -> Response:
    """An event as it is now: facts, evidence, sources, revisions. Whoever was given the address may read it."""
    found = _event(visit)
    links = {}
    if visit.found is not None:
        about = {"e": found.id, "s": visit.found.id}
        links = {
            "useful": _path(visit, Purpose.VOTE, **about, w=Verdict.USEFUL.value),
            "mute": _path(visit, Purpose.MUTE, **about),
            "settings": _path(visit, Purpose.PREFERENCES, s=visit.found.id),
        }
    return visit.page("event.html.j2", "event_title", event=shown_event(found, visit.language), links=links)


def _event(visit: Visit) -> EventView:
    """The event of the token, its rule called as in the page's language and amounts in the reader's currency too."""
    event_id = visit.number("e")
    with visit.rt.database.read() as conn:
        event = events.views(conn, [event_id]).get(event_id)
        titles = {rule.id: rule.of(visit.language) for rule in rule_names.known(conn)}
    if event is None:
        raise NotHere
    currency = visit.found.config.currency if visit.found else None
    shown = in_currency(event, currency) if currency else event
    return dataclasses.replace(shown, rule_title=titles.get(shown.rule_id, shown.rule_title))


def _path(visit: Visit, purpose: Purpose, **value: Any) -> str:
    return f"/{purpose}/{visit.signer.token(purpose, **value)}"


def shown_event(event: EventView, language: Language) -> dict[str, Any]:
    """Everything about an event as words for the page, what publishers wrote made clean."""
    return {
        "rule": wording.one_line(event.rule_title, 80),
        "level": event.level.value,
        "title": wording.one_line(event.title, 300),
        "lang": _told_in(event),
        "trial": event.status is RuleStatus.EXPERIMENTAL,
        "created": wording.day(event.created_at, language),
        "updated": wording.day(event.updated_at, language) if event.revision > 1 else "",
        "facts": wording.fact_rows(event, language),
        "snippets": [wording.segments(snippet, 900) for snippet in event.snippets],
        "sources": [
            {
                "feed": wording.one_line(source.feed, 80),
                "title": wording.one_line(source.title, 200),
                "link": wording.web_link(source.link),
                "day": wording.day(source.published_at, language) if source.published_at else "",
                "lang": language_tag(source.language),
            }
            for source in event.sources[:_SOURCES]
        ],
        "more_sources": max(0, len(event.sources) - _SOURCES),
        "revisions": [
            {
                "number": one.number,
                "day": wording.day(one.at, language),
                "changes": [wording.change(change, language) for change in one.changes],
            }
            for one in reversed(event.revisions)
        ],
    }


def _told_in(event: EventView) -> str | None:
    told = next((source.language for source in event.sources if source.title == event.title), None)
    return language_tag(told or (event.sources[0].language if event.sources else None))


def language_tag(language: str | None) -> str | None:
    """The language as HTML's `lang` has it; None where it is none."""
    return language if language and language.replace("-", "").isalnum() and len(language) <= 12 else None


# ── a vote ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def vote(visit: Visit) -> Response:
    """GET asks, POST keeps the reader's word of the event; the last one counts."""
    reader, found = visit.reader(), _event(visit)
    said, kept = _known_verdict(visit.value.get("w")), None
    fresh = True
    if visit.posted:
        fresh = visit.check_form()
        word = _known_verdict(visit.form.one("verdict"))
        if fresh and word is not None and acts.vote(visit.rt, reader.id, found.id, word):
            kept = word
    else:
        with visit.rt.database.read() as conn:
            said = verdicts.said_by(conn, found.id, who=f"{readers.READER}{reader.id}") or said
    return visit.page(
        "vote.html.j2",
        "vote_title",
        event=shown_event(found, visit.language),
        choices=[(one.value, visit.say(one.value)) for one in Verdict],
        said=(kept or said or Verdict.USEFUL).value,
        kept=visit.say(kept.value) if kept else "",
        stale=not fresh,
    )


def _known_verdict(written: Any) -> Verdict | None:
    return Verdict(written) if isinstance(written, str) and written in set(Verdict) else None


# ── a mute ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def mute(visit: Visit) -> Response:
    """GET offers what of the event can be muted and for how long, POST mutes it."""
    reader, found = visit.reader(), _event(visit)
    offers = mutable(found, visit.language)
    done, wrong, fresh = "", {}, True
    if visit.posted:
        fresh = visit.check_form()
        wrong = {
            name: visit.say(phrase)
            for name, phrase, known in (
                ("what", "mute_choose", offers),
                ("days", "mute_choose_long", {str(one) for one in DAYS}),
            )
            if visit.form.one(name) not in known
        }
        if fresh and not wrong:
            kind, value, words = offers[visit.form.one("what")]
            until = visit.rt.clock() + timedelta(days=int(visit.form.one("days")))
            acts.mute(visit.rt, reader.id, Mute(kind=kind, value=value, until=until))
            done = visit.say("mute_done", day=visit.day(until), what=words)
    return visit.page(
        "mute.html.j2",
        "mute_title",
        event=shown_event(found, visit.language),
        offers=[(key, words) for key, (_, _, words) in offers.items()],
        days=[(one, visit.say(f"mute_{one}")) for one in DAYS],
        what=visit.form.one("what"),
        chosen_days=visit.form.one("days") or "30",
        done=done,
        wrong=wrong,
        stale=not fresh,
        settings=_path(visit, Purpose.PREFERENCES, s=reader.id),
    )


def mutable(event: EventView, language: Language) -> Mapping[str, tuple[MuteKind, str, str]]:
    """What of an event can be muted: by the key of the form its kind, value and words."""
    offers: dict[str, tuple[MuteKind, str, str]] = {}
    if event.story_id is not None:
        offers["story"] = (MuteKind.STORY, str(event.story_id), mute_words(MuteKind.STORY, "", language))
    for kind, fact_kind in ((MuteKind.PARTY, FactKind.PARTY), (MuteKind.PLACE, FactKind.PLACE)):
        names = dict.fromkeys(name for fact in event.facts.values() for name in _names_of(fact, fact_kind))
        for place, name in enumerate(list(names)[:_NAMES]):
            offers[f"{kind}-{place}"] = (kind, name, mute_words(kind, name, language))
    offers["rule"] = (MuteKind.RULE, event.rule_id, mute_words(MuteKind.RULE, event.rule_title, language))
    return offers


def _names_of(fact: Fact, kind: FactKind) -> list[str]:
    if fact.kind is not kind:
        return []
    values = fact.value if isinstance(fact.value, tuple) else (fact.value,)
    return [clean for one in values if isinstance(one, str) and (clean := wording.one_line(one, 120))]


def mute_words(kind: MuteKind, name: str, language: Language) -> str:
    """`Everything about Konoya`."""
    return wording.one_line(say(f"mute_{kind}", language, name=name), 200)


# ── the end of a subscription ────────────────────────────────────────────────────────────────────────────────────────


def unsubscribe(visit: Visit) -> Response:
    """GET shows a button; a POST of RFC 8058's body, from anywhere, or of the button ends the subscription."""
    reader = visit.reader()
    button, channel_id = visit.form.one("do"), visit.value.get("c")
    title = wording.one_line(reader.config.title, 120)
    if visit.form.one_click or (visit.posted and button == "end"):
        by = By.PAGE if button == "end" else By.ONE_CLICK
        acts.end(visit.rt, reader.id, channel_id, by=by)
        return _ended(visit, visit.say("ended_lead", title=title))
    if visit.posted and button == "resume" and visit.check_form():
        acts.resume(visit.rt, reader.id, channel_id)
        return visit.tell("resumed_title", visit.say("resumed_lead", title=title))
    if reader.ended_at is not None:
        return _ended(visit, visit.say("ended_lead_at", title=title, day=visit.day(reader.ended_at)))
    if channel_id in reader.left:
        return _ended(visit, visit.say("ended_lead", title=title))
    return visit.page(
        "unsubscribe.html.j2",
        "end_title",
        lead=visit.say("end_lead", title=title),
        ended=False,
        settings=_path(visit, Purpose.PREFERENCES, s=reader.id),
    )


def _ended(visit: Visit, lead: str) -> Response:
    return visit.page("unsubscribe.html.j2", "ended_title", lead=lead, ended=True, settings="")
